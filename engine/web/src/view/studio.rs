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

/// Everybody's jobs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct JobsPage {
    /// By state; the label is how many there are.
    pub ways: Vec<super::Way>,
    /// The newest first.
    pub jobs: Vec<JobLine>,
    /// What follows; none at the end.
    pub next_url: Option<String>,
    /// What comes back by itself.
    pub schedules: Vec<ScheduleLine>,
}

/// A job.
#[derive(Debug, Clone, Default, Serialize)]
pub struct JobLine {
    /// What it does.
    pub title: String,
    /// Its state in words.
    pub state: String,
    /// The state's colour.
    pub tone: String,
    /// Who asked for it.
    pub by: Option<String>,
    /// When it last moved, in words, and for machines.
    pub ago: String,
    /// See `ago`.
    pub at: String,
    /// How far it is.
    pub progress: String,
    /// How often it was tried, if more than once.
    pub attempts: String,
    /// Why it was given up, or is tried again.
    pub error: Option<String>,
    /// Its page.
    pub url: String,
    /// Where trying it again is sent.
    pub again_url: Option<String>,
    /// Where asking for its end is sent.
    pub cancel_url: Option<String>,
}

/// Something that comes back by itself.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ScheduleLine {
    /// What it does.
    pub title: String,
    /// How often.
    pub every: String,
    /// When next.
    pub next: String,
    /// What went wrong the last time.
    pub error: Option<String>,
    /// Where running it at once is sent.
    pub now_url: Option<String>,
}

/// What waits to be sent outside.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OutgoingPage {
    /// By state; the label is how many there are.
    pub ways: Vec<super::Way>,
    /// Whether e-mails leave this site.
    pub has_mail: bool,
    /// The newest first.
    pub lines: Vec<OutgoingLine>,
    /// What follows; none at the end.
    pub next_url: Option<String>,
}

/// A message.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OutgoingLine {
    /// A Lucide icon of its kind.
    pub icon: String,
    /// What it is about.
    pub subject: String,
    /// Who or where.
    pub target: String,
    /// What it says.
    pub text: String,
    /// When it is tried next, and how often it was: empty before the first try.
    pub tried: String,
    /// The script that asked for it.
    pub script: String,
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
    /// What went wrong the last time.
    pub error: Option<String>,
    /// Where it is said that it is not to be sent.
    pub cancel_url: Option<String>,
    /// Where trying again is sent.
    pub again_url: Option<String>,
}
