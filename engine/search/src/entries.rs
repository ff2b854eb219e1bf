//! What the index keeps of a text.

use std::collections::BTreeSet;

use crate::{BACKWARDS, LONGEST, MAX_NUMBER, SHORT, cut::{Run, runs}, fold::{Class, Folded, fold, is_han}, spoken};

/// Most words and extras kept of one field: a long text is found by its beginning.
const MAX_WORDS: usize = 1_500;
const MAX_EXTRA: usize = 3_000;
/// Longest stretch of characters whose readings are kept. Names are spoken, essays are not.
const MAX_SPOKEN: usize = 64;
/// Fewest digits of a number that is found by its last ones.
const LONG_NUMBER: usize = 5;

/// How a text is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Found by one or two letters already.
    pub title: bool,
    /// Found by Pinyin.
    pub spoken: bool,
}

/// What is kept of the texts of one field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    /// Words in order. An empty one parts two values.
    pub words: Vec<String>,
    /// What else it is found by, in no order.
    pub extra: BTreeSet<String>,
    /// The beginning of each value without what separates words, to find those that begin with a question.
    pub whole: BTreeSet<String>,
}

impl Entries {
    /// Adds a text.
    pub fn add(&mut self, text: &str, style: Style) {
        let folded = fold(text);
        if folded.is_empty() || self.words.len() >= MAX_WORDS {
            return;
        }
        if !self.words.is_empty() {
            self.words.push(String::new());
        }
        if style.title {
            self.whole.insert(folded.iter().take(LONGEST).map(|folded| folded.ch).collect());
        }
        let runs = runs(&folded);
        for run in &runs {
            match run.class {
                Class::Dense => self.dense(run.chars, style),
                Class::Letter | Class::Digit => self.word(run, style),
            }
        }
        self.compounds(&runs);
        self.numbers(text, &runs);
        self.words.truncate(MAX_WORDS);
    }

    fn extra(&mut self, entry: String) {
        if self.extra.len() < MAX_EXTRA {
            self.extra.insert(entry);
        }
    }

    fn short(&mut self, word: &str, style: Style) {
        if style.title {
            for length in 1..=SHORT {
                let mut first = word.chars();
                let begin: String = first.by_ref().take(length).collect();
                if first.next().is_none() {
                    break;
                }
                self.extra(begin);
            }
        }
    }

    fn word(&mut self, run: &Run<'_>, style: Style) {
        let word = run.text();
        self.short(&word, style);
        self.words.push(word);
    }

    /// Pairs in order, the last character alone; each character alone, and how all of them are read.
    fn dense(&mut self, chars: &[Folded], style: Style) {
        for (at, one) in chars.iter().enumerate() {
            match chars.get(at + 1) {
                Some(next) => {
                    self.words.push([one.ch, next.ch].iter().collect());
                    self.extra(one.ch.to_string());
                }
                None => self.words.push(one.ch.to_string()),
            }
        }
        if style.spoken && chars.len() <= MAX_SPOKEN {
            for stretch in chars.chunk_by(|one, next| is_han(one.ch) == is_han(next.ch)).filter(|stretch| is_han(stretch[0].ch)) {
                self.spoken(stretch, style);
            }
        }
    }

    fn spoken(&mut self, chars: &[Folded], style: Style) {
        let readings: Vec<Vec<String>> = chars.iter().map(|one| spoken::readings(one.ch)).collect();
        let initials: Vec<Vec<char>> = chars.iter().map(|one| spoken::initials(one.ch)).collect();
        for at in 0..chars.len() {
            for first in &readings[at] {
                match readings.get(at + 1).filter(|next| !next.is_empty()) {
                    Some(next) => next.iter().for_each(|second| {
                        let pair = format!("{first}{second}");
                        self.short(&pair, style);
                        self.extra(pair);
                    }),
                    None => {
                        self.short(first, style);
                        self.extra(first.clone());
                    }
                }
            }
            for count in 2..=3 {
                let Some(several) = initials.get(at..at + count) else { break };
                for letters in product(several) {
                    self.extra(letters);
                }
            }
        }
    }

    /// `SO-202611-0042` is found by `so2026110042` too, and `张3号` only as it is.
    fn compounds(&mut self, runs: &[Run<'_>]) {
        for group in runs.chunk_by(|_, next| next.glued && next.class != Class::Dense) {
            let words: Vec<&Run<'_>> = group.iter().filter(|run| run.class != Class::Dense).collect();
            if words.len() > 1 {
                self.extra(words.iter().flat_map(|run| run.chars).take(LONGEST).map(|folded| folded.ch).collect());
            }
        }
    }

    /// Numbers in one piece, however they are grouped, and backwards, so that their last digits find them. After a
    /// plus comes the number of a country, which people leave out.
    fn numbers(&mut self, text: &str, runs: &[Run<'_>]) {
        for group in runs.chunk_by(|one, next| one.class == Class::Digit && next.class == Class::Digit) {
            let digits: String = group.iter().filter(|run| run.class == Class::Digit).flat_map(|run| run.chars).map(|folded| folded.ch).collect();
            let length = digits.chars().count();
            if !(LONG_NUMBER..=MAX_NUMBER).contains(&length) {
                continue;
            }
            self.extra(std::iter::once(BACKWARDS).chain(digits.chars().rev()).collect());
            if group.len() > 1 {
                self.extra(digits.clone());
            }
            if text[..group[0].chars[0].start].trim_end_matches(['(', ' ']).ends_with('+') {
                (1..=3).filter(|count| length >= count + LONG_NUMBER).for_each(|count| self.extra(digits.chars().skip(count).collect()));
            }
        }
    }
}

fn product(several: &[Vec<char>]) -> Vec<String> {
    several.iter().fold(vec![String::new()], |begun, letters| begun.iter().flat_map(|begun| letters.iter().map(move |letter| format!("{begun}{letter}"))).collect())
}
