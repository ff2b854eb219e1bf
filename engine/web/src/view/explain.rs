//! Where a value comes from.

use serde::Serialize;

/// A value explained. `records/explain.html` draws it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Explained {
    /// The field's label.
    pub label: String,
    /// Its value.
    pub value: String,
    /// What is done, in words: "Sum of Amount".
    pub how: String,
    /// The formula as written.
    pub formula: Option<String>,
    /// What it reads.
    pub inputs: Vec<ExplainedInput>,
    /// What was added up, the first of them.
    pub rows: Vec<ExplainedRow>,
    /// How many rows there are, in words.
    pub count: Option<String>,
    /// How many more there are that the reader may not see, in words.
    pub hidden: Option<String>,
    /// The list of them.
    pub list_url: Option<String>,
    /// Since when it is so.
    pub at: Option<String>,
    /// A job is calculating it anew.
    pub recomputing: bool,
    /// The record's page.
    pub record_url: String,
}

/// Something a formula reads.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ExplainedInput {
    /// As the formula calls it.
    pub name: String,
    /// As people call it.
    pub label: String,
    /// Its value.
    pub value: String,
    /// There is one that the reader may not see.
    pub hidden: bool,
    /// Where it is explained itself.
    pub url: Option<String>,
}

/// A row that was added up.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ExplainedRow {
    /// What it is called.
    pub title: String,
    /// What it adds.
    pub value: String,
    /// Its page.
    pub url: Option<String>,
}
