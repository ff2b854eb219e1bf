//! What a person typed, as what the index is asked.

use crate::{BACKWARDS, LONGEST, MAX_NUMBER, SHORT, cut::{Run, runs}, fold::{Class, Folded, fold}, spoken};

/// Most words looked for; more add nothing that a person would notice.
const MAX_PARTS: usize = 8;
/// Most words of one part.
const MAX_PHRASE: usize = 24;

/// What was typed. Every part must be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// What stood between spaces.
    pub parts: Vec<Part>,
    /// All of it without what separates words.
    pub whole: String,
}

/// What stood between two spaces. One of its ways is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// How it may be found.
    pub ways: Vec<Way>,
    /// It without what separates words.
    pub compact: String,
}

/// A way to find a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// These words after one another.
    Phrase(Vec<Term>),
    /// All of these, in whichever order.
    All(Vec<Term>),
}

/// A word of the index, or the beginning of some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Its letters.
    pub text: String,
    /// Whether it may go on.
    pub begins: bool,
}

impl Term {
    fn is(text: impl Into<String>) -> Self {
        Self { text: text.into(), begins: false }
    }
    fn begins(text: impl Into<String>) -> Self {
        Self { text: text.into(), begins: true }
    }
    /// Whether words that only begin with it are found. Titles keep their words' first letters as words of their own;
    /// elsewhere, one or two letters are a word or nothing.
    fn goes_on(&self, title: bool) -> bool {
        let length = self.text.chars().count();
        self.begins && if title { length > SHORT } else { length >= SHORT }
    }
}

impl Way {
    /// Whether order counts, and each word with whether it may go on, in fields that are titles or are not.
    pub fn terms(&self, title: bool) -> (bool, impl Iterator<Item = (&str, bool)>) {
        let (ordered, terms) = match self {
            Self::Phrase(terms) => (terms.len() > 1, terms),
            Self::All(terms) => (false, terms),
        };
        (ordered, terms.iter().map(move |term| (term.text.as_str(), if ordered { term.begins } else { term.goes_on(title) })))
    }
}

impl Question {
    /// Whether nothing is left to look for: only signs were typed.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// Reads what was typed. Signs separate words and mean nothing else.
pub fn ask(text: &str) -> Question {
    let parts: Vec<Part> = text.split_whitespace().map(fold).filter(|folded| !folded.is_empty()).take(MAX_PARTS).map(|folded| part(&folded)).collect();
    let whole = parts.iter().flat_map(|part| part.compact.chars()).take(LONGEST).collect();
    Question { parts, whole }
}

fn part(folded: &[Folded]) -> Part {
    let runs = runs(folded);
    let compact: String = folded.iter().map(|folded| folded.ch).collect();
    let mut ways = vec![phrase(&runs)];
    let plain = runs.iter().all(|run| run.class != Class::Dense);
    if plain && runs.len() > 1 {
        ways.push(Way::All(vec![Term::begins(compact.chars().take(LONGEST).collect::<String>())]));
    }
    if runs.iter().all(|run| run.class == Class::Digit) && (SHORT..=MAX_NUMBER).contains(&compact.chars().count()) {
        ways.push(Way::All(vec![Term::begins(std::iter::once(BACKWARDS).chain(compact.chars().rev()).collect::<String>())]));
    }
    if runs.iter().all(|run| run.class == Class::Letter) && compact.is_ascii() {
        ways.extend(spoken(&compact));
    }
    Part { ways, compact }
}

/// The words as they stand, the last one perhaps only begun.
fn phrase(runs: &[Run<'_>]) -> Way {
    let mut terms: Vec<Term> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let is_last = index + 1 == runs.len();
        match run.class {
            Class::Dense => {
                terms.extend(run.chars.windows(2).map(|pair| Term::is([pair[0].ch, pair[1].ch].iter().collect::<String>())));
                let end = run.chars.last().map(|folded| folded.ch.to_string()).unwrap_or_default();
                match (is_last, run.chars.len()) {
                    (false, _) => terms.push(Term::is(end)),
                    (true, 1) => terms.push(Term::begins(end)),
                    // What comes after a pair is anybody's guess.
                    (true, _) => {}
                }
            }
            Class::Letter | Class::Digit if is_last => terms.push(Term::begins(run.text())),
            Class::Letter | Class::Digit => terms.push(Term::is(run.text())),
        }
    }
    terms.truncate(MAX_PHRASE);
    match terms.as_slice() {
        // Single characters are words of their own.
        [one] => Way::All(vec![Term { begins: one.begins && runs[0].class != Class::Dense, ..one.clone() }]),
        _ => Way::Phrase(terms),
    }
}

/// As Pinyin: three syllables and more as overlapping pairs, four initials and more as overlapping threes. Shorter ones
/// are found as the beginning of a word.
fn spoken(word: &str) -> Vec<Way> {
    let mut ways = Vec::new();
    for syllables in spoken::syllables(word).iter().filter(|syllables| syllables.len() > 2) {
        let last = syllables.len() - 2;
        let pairs = syllables.windows(2).enumerate().map(|(index, pair)| Term { text: pair.concat(), begins: index == last });
        ways.push(Way::All(pairs.collect()));
    }
    if (4..=LONGEST).contains(&word.len()) {
        let letters: Vec<char> = word.chars().collect();
        ways.push(Way::All(letters.windows(3).map(|three| Term::is(three.iter().collect::<String>())).collect()));
    }
    ways
}
