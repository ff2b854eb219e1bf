//! The one tokenizer: texts to what the index keeps, questions to what the index is asked, and what of a text matched.
//!
//! A text is folded first: compatibility forms, case and diacritics go, traditional characters become simplified.
//! Scripts written without spaces are cut into pairs of characters, everything else into words of letters and words of
//! digits. Beside these *words*, whose order counts, a text has *extras*, whose order does not: single characters,
//! first letters, numbers without their hyphens, numbers backwards, syllables and initials of Pinyin.
//!
//! **Invariants**
//! - Pure, and the same for ever under one [`VERSION`]: whoever changes what comes out counts it up, and sites rebuild.
//! - What comes out holds letters, digits, emoji and [`BACKWARDS`], nothing that a database's query language knows.
//! - What a question finds by the index, [`Question::marks`] shows in the text.
//!
//! **Not here:** which fields are looked in (`query`), who may (`access`), the databases' query languages (`sql`).

mod ask;
mod cut;
mod entries;
mod fold;
mod marks;
mod spoken;
#[cfg(test)]
mod tests;

pub use ask::{Part, Question, Term, Way, ask};
pub use entries::{Entries, Style};
pub use marks::Fit;

/// The letters and digits of a text as search sees them, without what separates words: the same for texts that people
/// take for the same.
pub fn folded(text: &str) -> String {
    fold::fold(text).iter().map(|folded| folded.ch).collect()
}

/// Counts changes of what comes out for a text.
pub const VERSION: u32 = 1;
/// Stands before numbers that are kept backwards, to be found by their last digits.
pub const BACKWARDS: char = '←';
/// Longest word kept, in characters. Longer ones are cut, in texts and in questions alike.
const LONGEST: usize = 32;
/// So many first letters of a word are words of their own in titles: the shortest questions are asked most.
const SHORT: usize = 3;
/// Most digits of a number that is kept in one piece.
const MAX_NUMBER: usize = 24;
