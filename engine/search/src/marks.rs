//! What of a text a question found, and how well.

use std::ops::Range;

use crate::{Part, Question, fold::{Class, Folded, fold, is_han}, spoken};

/// How well a title fits a question; smaller is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is what was typed.
    Exact,
    /// It begins with what was typed.
    Begins,
    /// Every word is in it.
    Words,
    /// Every word is in it, some by how it is read.
    Spoken,
    /// Something else of the record was found.
    Elsewhere,
}

impl Question {
    /// The bytes of a text that were found, in order, none twice.
    pub fn marks(&self, text: &str) -> Vec<Range<usize>> {
        let folded = fold(text);
        let mut found: Vec<Range<usize>> = self.parts.iter().filter_map(|part| part.place(&folded)).map(|(range, _)| range).collect();
        found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
        let mut marks: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for range in found {
            match marks.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => marks.push(range),
            }
        }
        marks
    }

    /// Whether every part is found in one of these texts.
    pub fn is_in<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> bool {
        let folded: Vec<Vec<Folded>> = texts.into_iter().map(fold).collect();
        self.parts.iter().all(|part| folded.iter().any(|folded| part.place(folded).is_some()))
    }

    /// How well a record with these texts in its title fits; the first is the title as a whole.
    pub fn fit(&self, titles: &[&str]) -> Fit {
        let folded: Vec<Vec<Folded>> = titles.iter().map(|text| fold(text)).collect();
        let compact: Vec<String> = folded.iter().map(|folded| folded.iter().map(|folded| folded.ch).collect()).collect();
        if compact.contains(&self.whole) {
            return Fit::Exact;
        }
        if compact.iter().any(|text| text.starts_with(&self.whole)) {
            return Fit::Begins;
        }
        let mut fit = Fit::Words;
        for part in &self.parts {
            let mut places = folded.iter().filter_map(|folded| part.place(folded)).map(|(_, literal)| literal).peekable();
            if places.peek().is_none() {
                return Fit::Elsewhere;
            }
            if !places.any(|literal| literal) {
                fit = Fit::Spoken;
            }
        }
        fit
    }
}

impl Part {
    /// Where in a text it is, and whether by its letters rather than by how they are read.
    fn place(&self, text: &[Folded]) -> Option<(Range<usize>, bool)> {
        let letters: Vec<char> = self.compact.chars().collect();
        let span = |from: usize, count: usize| text[from].start..text[from + count - 1].end;
        if letters.is_empty() || text.is_empty() {
            return None;
        }
        let here = |at: usize| text.len() - at >= letters.len() && text[at..].iter().zip(&letters).all(|(folded, letter)| folded.ch == *letter);
        let digits = text.iter().zip(0..).filter(|(folded, _)| folded.class == Class::Digit).count() >= letters.len() && self.compact.chars().all(|ch| ch.is_numeric());
        for at in (0..text.len()).filter(|at| here(*at)) {
            let starts = at == 0 || text[at].class == Class::Dense || text[at].apart.is_some() || text[at - 1].class != text[at].class;
            let ends = text.get(at + letters.len()).is_none_or(|next| next.class != Class::Digit || next.apart.is_some());
            if starts || digits && ends {
                return Some((span(at, letters.len()), true));
            }
        }
        if !self.compact.is_ascii() {
            return None;
        }
        (0..text.len()).filter(|at| is_han(text[*at].ch)).find_map(|at| said(&text[at..], &self.compact).or_else(|| begun(&text[at..], &letters)).map(|count| (span(at, count), false)))
    }
}

/// How many characters are read as these letters, the last one perhaps only begun.
fn said(text: &[Folded], letters: &str) -> Option<usize> {
    let first = text.first().filter(|folded| is_han(folded.ch))?;
    spoken::readings(first.ch).iter().find_map(|reading| {
        if reading.starts_with(letters) {
            return Some(1);
        }
        let rest = letters.strip_prefix(reading.as_str())?;
        said(&text[1..], rest).map(|count| count + 1)
    })
}

/// As many characters as letters, if their readings begin with these.
fn begun(text: &[Folded], letters: &[char]) -> Option<usize> {
    let fits = letters.len() > 1 && text.len() >= letters.len() && text.iter().zip(letters).all(|(folded, letter)| is_han(folded.ch) && spoken::initials(folded.ch).contains(letter));
    fits.then_some(letters.len())
}
