//! What administrators look after.

use serde::Serialize;

/// Lists that took long, and what would help.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SpeedPage {
    /// Asked for most first.
    pub lists: Vec<SlowList>,
}

/// A list that took long.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SlowList {
    /// The card, many of it.
    pub label: String,
    /// The card's icon.
    pub icon: String,
    /// The fields it was narrowed by, in words; empty for none.
    pub narrowed: String,
    /// The fields it was sorted by, in words; empty where no index gives that order.
    pub sorted: String,
    /// How often it took long, formatted.
    pub seen: String,
    /// The longest, in milliseconds, formatted.
    pub worst: String,
    /// The last time, in words.
    pub last: String,
    /// Sent back to have the index made: the card.
    pub card: String,
    /// Sent back to have the index made: its columns.
    pub columns: String,
}

/// What scripts told.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ScriptsPage {
    /// Newest first.
    pub lines: Vec<ScriptLine>,
}

/// A line that a script wrote, or a fault that ended it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ScriptLine {
    /// It is a fault.
    pub fault: bool,
    /// What was said.
    pub message: String,
    /// The script.
    pub script: String,
    /// Line and column of a fault; empty for none.
    pub place: String,
    /// The record's title; empty where it is gone, or there was none.
    pub record: String,
    /// The record's page.
    pub url: Option<String>,
    /// Who acted.
    pub who: String,
    /// When, in words.
    pub when: String,
    /// When, for machines.
    pub at: String,
}
