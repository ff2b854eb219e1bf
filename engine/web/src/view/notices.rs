//! What the reader was told.

use serde::Serialize;

use super::Avatar;

/// Notices, as a page and as what the bell opens.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NoticesPage {
    /// The latest first.
    pub rows: Vec<NoticeRow>,
    /// How many are new; 100 stands for more.
    pub unread: i64,
    /// Only new ones are shown.
    pub unread_only: bool,
    /// All of them.
    pub all_url: String,
    /// Only new ones.
    pub unread_url: String,
    /// What follows; none at the end.
    pub next_url: Option<String>,
    /// This follows others.
    pub more: bool,
}

/// A notice.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NoticeRow {
    /// Its id.
    pub id: String,
    /// What it says.
    pub text: String,
    /// How long ago.
    pub ago: String,
    /// The moment, for machines.
    pub at: String,
    /// It was seen.
    pub seen: bool,
    /// Who did it.
    pub avatar: Option<Avatar>,
    /// A Lucide icon for what it is about.
    pub icon: String,
    /// Where it leads.
    pub url: String,
}
