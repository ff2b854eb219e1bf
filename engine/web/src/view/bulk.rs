//! The same change to many records, and what came of it.

use serde::Serialize;

use super::{CardHead, Choice, FieldView};

/// The dialog of a change to many records. `bulk/dialog.html` draws it alone, `bulk/page.html` as a page.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BulkPage {
    /// The card.
    pub card: CardHead,
    /// What is done: edit, assign, claim, release.
    pub action: String,
    /// What it is called.
    pub title: String,
    /// Where it is sent.
    pub url: String,
    /// Fields that can be chosen (edit); a choice fetches its input from `field_url`.
    pub choices: Vec<Choice>,
    /// Where the input of a field comes from.
    pub field_url: String,
    /// Steps that can be taken (transition).
    pub steps: Vec<Choice>,
    /// What the chosen step asks for.
    pub step: Option<BulkStep>,
    /// Inputs that are there at once (assign).
    pub fields: Vec<BulkField>,
    /// What is selected, as the form sends it: ids, or the query of a list.
    pub ids: String,
    /// The query of a list all of whose matches are meant.
    pub query: String,
    /// Whether all matches are meant.
    pub all: bool,
    /// How many that are, in words.
    pub count_text: String,
    /// A sentence about what is going to happen.
    pub hint: String,
}

/// What a step asks for, of many records. `bulk/step.html` draws it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BulkStep {
    /// The fields it wants filled.
    pub fields: Vec<BulkField>,
    /// `none`, `optional`, `required`; empty before a step is chosen.
    pub comment: String,
    /// Others are asked first.
    pub approval: bool,
}

/// One field of a change: how, and the input of its value.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BulkField {
    /// Its input.
    pub field: FieldView,
    /// How it can be changed; none where it is only set.
    pub ops: Vec<Choice>,
    /// It can be taken away again.
    pub removable: bool,
}

/// The batches of a reader. `batches/index.html` draws it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BatchesPage {
    /// The batches, the latest first.
    pub batches: Vec<BatchRow>,
    /// Everybody's are shown.
    pub everybody: bool,
    /// Where everybody's are, and one's own; none for those who may not see them.
    pub other_url: Option<String>,
    /// Earlier ones.
    pub next_url: Option<String>,
}

/// One batch.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BatchRow {
    /// Its id.
    pub id: String,
    /// What was done.
    pub title: String,
    /// When, by whom, with what outcome.
    pub facts: String,
    /// When, for machines.
    pub at: String,
    /// Where it stands.
    pub state: String,
    /// The same in words.
    pub state_text: String,
    /// The tone of its badge.
    pub tone: String,
    /// Its page.
    pub url: String,
    /// Where it is taken back; none when it cannot be.
    pub undo_url: Option<String>,
}

/// One batch, with what came of each record. `batches/show.html` draws it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BatchPage {
    /// The batch.
    pub batch: BatchRow,
    /// How many records: changed, passed over, failed.
    pub counts: Vec<(String, String)>,
    /// What came of each, problems and all.
    pub rows: Vec<BatchResult>,
    /// More rows.
    pub next_url: Option<String>,
    /// All of it as a file.
    pub csv_url: String,
    /// The job that does it, while it does.
    pub job_url: Option<String>,
    /// The batch that takes this one back, or that this one takes back.
    pub related: Option<(String, String)>,
}

/// What came of one record.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BatchResult {
    /// The record's title, as far as the reader may see it.
    pub title: String,
    /// Its page; none if the reader may not see it.
    pub url: Option<String>,
    /// What came of it, in words.
    pub result_text: String,
    /// The tone of its badge.
    pub tone: String,
    /// Why.
    pub reason: String,
}
