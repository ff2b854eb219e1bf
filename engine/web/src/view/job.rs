//! A job being done.

use serde::Serialize;

/// How far a job is, as a page and as the part of it that is asked for again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct JobPage {
    /// What it does.
    pub title: String,
    /// `waiting`, `running`, `done`, `failed`, `cancelled`.
    pub state: String,
    /// The state in words.
    pub state_text: String,
    /// Colour of the state.
    pub tone: String,
    /// `1,200 of 5,000`
    pub progress_text: String,
    /// How much is done, and of how much, if that is known.
    pub done: i64,
    /// See `done`.
    pub total: Option<i64>,
    /// Why it was given up, or why it is tried again.
    pub error: Option<String>,
    /// Where to see what came of it.
    pub result_url: Option<String>,
    /// This page.
    pub url: String,
    /// Where asking for an end is sent, while there is something to end.
    pub cancel_url: Option<String>,
    /// It was asked to end.
    pub cancelling: bool,
    /// Nothing more will happen.
    pub ended: bool,
}
