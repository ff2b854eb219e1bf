//! Statements that clear away what has had its time, a part at a time: long deletions would make others wait.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

/// Most rows that one statement deletes.
pub const BATCH: u32 = 1_000;

/// What is cleared away when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    /// Answers kept for clients that ask twice, by when they were given.
    Answers,
    /// Sessions, by their end.
    Sessions,
    /// Links that set passwords, by their end.
    LoginLinks,
    /// API tokens, by their end.
    Tokens,
    /// Jobs, by when they ended.
    Jobs,
    /// Uploads that nothing was attached to, by when they came.
    Uploads,
    /// What people were told, by when.
    Notices,
    /// What scripts told, by when.
    ScriptLines,
    /// Sign-ins that wait for a code, by their end.
    LoginSteps,
    /// Sign-ins under way at another provider, by their end.
    ProviderSteps,
    /// Browsers that are known, by their end.
    Browsers,
    /// Second factors that nobody finished to set up, by when they began.
    SecondDrafts,
    /// Letters about accounts that nobody sent, by when they were written.
    Letters,
    /// Messages to the outside, by when they were sent, given up or cancelled.
    Messages,
}

impl Expired {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Answers, Self::Sessions, Self::LoginLinks, Self::Tokens, Self::Jobs, Self::Uploads, Self::ScriptLines, Self::Notices, Self::LoginSteps, Self::ProviderSteps, Self::Browsers, Self::SecondDrafts, Self::Letters,
        Self::Messages,
    ];
}

/// Deletes some of what had its time before a moment.
pub fn clear(dialect: Dialect, what: Expired, before: DateTime<Utc>) -> Statement {
    let (table, key, column) = match what {
        Expired::Answers => ("sys_idempotency", "principal, key", "created_at"),
        Expired::Sessions => ("sys_session", "token", "expires_at"),
        Expired::LoginLinks => ("sys_login_link", "token", "expires_at"),
        Expired::Tokens => ("sys_token", "token", "expires_at"),
        Expired::Jobs => ("sys_job", "id", "ended_at"),
        Expired::ScriptLines => ("sys_script_log", "id", "at"),
        Expired::Uploads => ("sys_file", "id", "record IS NULL AND created_at"),
        Expired::Notices => ("sys_notice", "id", "at"),
        Expired::LoginSteps => ("sys_login_step", "token", "expires_at"),
        Expired::ProviderSteps => ("sys_provider_step", "state", "expires_at"),
        Expired::Browsers => ("sys_browser", "token", "expires_at"),
        Expired::SecondDrafts => ("sys_second_draft", "user_id", "created_at"),
        Expired::Letters => ("sys_outgoing", "id", "state = 'waiting' AND script IS NULL AND created_at"),
        Expired::Messages => ("sys_outgoing", "id", "ended_at"),
    };
    // Notices are found by their ids, which begin with the time they were made at; one that was counted on is kept longer.
    let (older, mut binds) = match what {
        Expired::Notices => ("id < {} AND ", vec![Datum::Uuid(first_id_at(before))]),
        _ => ("", Vec::new()),
    };
    binds.push(Datum::Instant(before));
    let sql = format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {older}{column} < {{}} LIMIT {BATCH})");
    statement(dialect, &sql, binds, Vec::new())
}

/// The smallest id of version 7 (RFC 9562, 5.7) that could be made at a moment.
fn first_id_at(at: DateTime<Utc>) -> Uuid {
    let milliseconds = u128::from(at.timestamp_millis().max(0).unsigned_abs());
    Uuid::from_u128((milliseconds << 80) | (0x7 << 76) | (0b10 << 62))
}

/// Which of these contents are named by a row.
pub fn named_contents(dialect: Dialect, hashes: &[String]) -> Statement {
    let marks = vec!["{}"; hashes.len().max(1)].join(", ");
    let binds = if hashes.is_empty() { vec![Datum::Null(Physical::Text)] } else { hashes.iter().map(|hash| Datum::Text(hash.clone())).collect() };
    statement(dialect, &format!("SELECT DISTINCT sha256 FROM sys_file WHERE sha256 IN ({marks})"), binds, vec![Physical::Text])
}

/// From so many rows on it is worth knowing what a table holds.
const WORTH_KNOWING: u32 = 1_000;

/// Has the planner know what tables hold, where that changed much since it last looked. It looks at some of the rows
/// only, so that this is done at once on millions of them. PostgreSQL does this by itself.
///
/// What it found in small tables is forgotten: it would go through the whole of a table that had three rows then, for
/// each question, and still does so when an import has made it a million. Of what is not known it asks the indexes.
pub fn know_tables(dialect: Dialect) -> Vec<Statement> {
    let forget = format!("DELETE FROM sqlite_stat1 WHERE CAST(substr(stat, 1, instr(stat || ' ', ' ')) AS INTEGER) < {WORTH_KNOWING}");
    match dialect {
        // 0x10000: every table, not only those this connection asked for; 0x02: look where it is due. Then the schema,
        // of which nothing is to be known: that makes the table of findings if there is none, and has it read anew.
        Dialect::Sqlite => ["PRAGMA analysis_limit = 1000", "PRAGMA optimize(0x10002)", "ANALYZE sqlite_schema", forget.as_str(), "ANALYZE sqlite_schema"]
            .map(|sql| statement(dialect, sql, Vec::new(), Vec::new()))
            .to_vec(),
        Dialect::Postgres => Vec::new(),
    }
}

/// Whether any change waits for its number.
pub fn any_unnumbered() -> Statement {
    statement(Dialect::Postgres, "SELECT id FROM sys_change WHERE seq IS NULL LIMIT 1", Vec::new(), vec![Physical::Uuid])
}
