//! Making records of a file: sending it, saying how it is read, seeing what would come of it, and what did.

use serde::Serialize;

use super::{CardHead, Choice};

/// A file is chosen. POST to `action` with `file`, `_csrf`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportStart {
    /// Into which card.
    pub card: CardHead,
    /// Where the file is sent.
    pub action: String,
    /// The largest file, in megabytes.
    pub max: u64,
    /// Why a file was refused.
    pub error: Option<String>,
}

/// How a file is read, with what would come of its first rows. POST to `action` with the names of the choices and
/// `do`: `check` or `run`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportMap {
    /// Into which card.
    pub card: CardHead,
    /// Where this is sent.
    pub action: String,
    /// The file's name.
    pub name: String,
    /// Its size, in words.
    pub size: String,
    /// The sheets of a workbook.
    pub sheets: Vec<Choice>,
    /// The rows that could be the headings.
    pub headers: Vec<Choice>,
    /// Encodings of a text file.
    pub encodings: Vec<Choice>,
    /// What separates its values.
    pub separators: Vec<Choice>,
    /// The columns.
    pub columns: Vec<ImportColumn>,
    /// What is done with records there are.
    pub modes: Vec<Choice>,
    /// By what they are known.
    pub keys: Vec<Choice>,
    /// How days are written.
    pub dates: Vec<Choice>,
    /// What stands before decimals.
    pub points: Vec<Choice>,
    /// Rows with mistakes are left out.
    pub skip: bool,
    /// Empty cells empty fields.
    pub clear: bool,
    /// What would come of the first rows.
    pub preview: Option<ImportPreview>,
    /// Why nothing could be looked at.
    pub error: Option<String>,
}

/// A column of a file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportColumn {
    /// Its number, from 1.
    pub number: usize,
    /// Its heading.
    pub heading: String,
    /// What stands in it.
    pub samples: String,
    /// The fields it may become.
    pub choices: Vec<Choice>,
    /// It becomes a link.
    pub link: bool,
    /// Records it points to are made where they are missing.
    pub create: bool,
}

/// What would come of the first rows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportPreview {
    /// The headings.
    pub headings: Vec<String>,
    /// The rows.
    pub rows: Vec<PreviewRow>,
    /// In words: how many were looked at, and what is wrong.
    pub summary: String,
    /// Whether something is wrong.
    pub bad: bool,
}

/// A row of a preview.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PreviewRow {
    /// Its number in the file.
    pub row: u32,
    /// What would come of it, in a word.
    pub result: String,
    /// The colour of that word.
    pub tone: String,
    /// Its cells.
    pub cells: Vec<PreviewCell>,
    /// What is wrong with the row as a whole.
    pub error: Option<String>,
}

/// A cell of a preview.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PreviewCell {
    /// What stands in it.
    pub text: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// An import under way or ended; asked for again while it runs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportState {
    /// Into which card.
    pub card: CardHead,
    /// The file's name.
    pub name: String,
    /// This page.
    pub url: String,
    /// The state in words, and its colour.
    pub state: String,
    /// See `state`.
    pub tone: String,
    /// How far it is.
    pub done: i64,
    /// Of how much.
    pub total: Option<i64>,
    /// How far, in words.
    pub progress: String,
    /// What came of it: words and numbers.
    pub counts: Vec<(String, String)>,
    /// Why it failed.
    pub error: Option<String>,
    /// The first mistakes, in words.
    pub mistakes: Vec<String>,
    /// The rows with mistakes, to be corrected.
    pub errors_url: Option<String>,
    /// Where it is taken back.
    pub undo_url: Option<String>,
    /// Where it is asked to end.
    pub cancel_url: Option<String>,
    /// Another file.
    pub again_url: String,
    /// Nothing more will happen.
    pub ended: bool,
}
