//! Statements over batches: changes made together, and what is needed to take them back.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn optional(value: Option<Uuid>) -> Datum {
    value.map_or(Datum::Null(Physical::Uuid), Datum::Uuid)
}

/// A batch that begins.
#[derive(Debug, Clone)]
pub struct NewBatch<'a> {
    /// Its id.
    pub id: Uuid,
    /// What is done: edit, assign, delete, import …
    pub kind: &'a str,
    /// The card it was asked of.
    pub card: &'a str,
    /// What else there is to say of it, as JSON.
    pub about: String,
    /// The batch it takes back.
    pub undo_of: Option<Uuid>,
    /// Whose it is.
    pub by: Option<Uuid>,
    /// When it began.
    pub at: DateTime<Utc>,
}

/// A batch begins.
pub fn begin(dialect: Dialect, new: &NewBatch<'_>) -> Statement {
    let binds = vec![Datum::Uuid(new.id), text(new.kind), text(new.card), text(new.about.clone()), optional(new.undo_of), optional(new.by), Datum::Instant(new.at)];
    let sql = "INSERT INTO sys_batch (id, kind, card, about, state, undo_of, changed, skipped, failed, created_by, created_at) VALUES ({}, {}, {}, {}, 'running', {}, 0, 0, 0, {}, {})";
    statement(dialect, sql, binds, Vec::new())
}

/// The job that does a batch.
pub fn set_job(dialect: Dialect, batch: Uuid, job: Uuid) -> Statement {
    statement(dialect, "UPDATE sys_batch SET job = {} WHERE id = {}", vec![Datum::Uuid(job), Datum::Uuid(batch)], Vec::new())
}

/// How far a batch came: the last row or record that was looked at.
pub fn set_cursor(dialect: Dialect, batch: Uuid, cursor: Uuid) -> Statement {
    statement(dialect, "UPDATE sys_batch SET cursor = {} WHERE id = {}", vec![Datum::Uuid(cursor), Datum::Uuid(batch)], Vec::new())
}

/// A batch is through: what came of its rows is counted once.
pub fn finish(dialect: Dialect, batch: Uuid, at: DateTime<Utc>) -> Statement {
    let counted = |test: &str| format!("(SELECT count(*) FROM sys_batch_row r WHERE r.batch = sys_batch.id AND r.op {test})");
    let sql = format!(
        "UPDATE sys_batch SET state = 'done', finished_at = {{}}, changed = {}, skipped = {}, failed = {} WHERE id = {{}} AND state = 'running'",
        counted("IN ('created', 'updated', 'deleted', 'restored')"),
        counted("IN ('unchanged', 'skipped', 'kept')"),
        counted("= 'failed'")
    );
    statement(dialect, &sql, vec![Datum::Instant(at), Datum::Uuid(batch)], Vec::new())
}

/// Marks a batch as taken back by another; changes nothing if it was before.
pub fn set_undone(dialect: Dialect, batch: Uuid, by: Uuid) -> Statement {
    statement(dialect, "UPDATE sys_batch SET state = 'undone', undone_by = {} WHERE id = {} AND state = 'done'", vec![Datum::Uuid(by), Datum::Uuid(batch)], Vec::new())
}

const COLUMNS: &str = "b.id, b.kind, b.card, b.about, b.state, b.undo_of, b.undone_by, b.job, b.cursor, b.changed, b.skipped, b.failed, b.created_by, u.display_name, b.created_at, b.finished_at";
const FROM: &str = "sys_batch b LEFT JOIN sys_user u ON u.id = b.created_by";

fn batch_columns() -> Vec<Physical> {
    use Physical::{Instant, Integer, Text, Uuid};
    vec![Uuid, Text, Text, Text, Text, Uuid, Uuid, Uuid, Uuid, Integer, Integer, Integer, Uuid, Text, Instant, Instant]
}

/// One batch: see [`batches`] for its columns.
pub fn batch(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, &format!("SELECT {COLUMNS} FROM {FROM} WHERE b.id = {{}}"), vec![Datum::Uuid(id)], batch_columns())
}

/// Batches, the latest first: id, kind, card, about, state, takes back, taken back by, job, cursor, changed, skipped,
/// failed, whose (id, name), begun, finished. Those of one user, or everybody's.
pub fn batches(dialect: Dialect, of: Option<Uuid>, before: Option<DateTime<Utc>>, limit: u32) -> Statement {
    let mut binds = Vec::new();
    let mut tests = Vec::new();
    if let Some(user) = of {
        binds.push(Datum::Uuid(user));
        tests.push("b.created_by = {}");
    }
    if let Some(before) = before {
        binds.push(Datum::Instant(before));
        tests.push("b.created_at < {}");
    }
    let clause = if tests.is_empty() { String::new() } else { format!(" WHERE {}", tests.join(" AND ")) };
    statement(dialect, &format!("SELECT {COLUMNS} FROM {FROM}{clause} ORDER BY b.created_at DESC, b.id DESC LIMIT {limit}"), binds, batch_columns())
}

/// What happened to one record in a batch.
#[derive(Debug, Clone)]
pub struct BatchRow<'a> {
    /// Its batch.
    pub batch: Uuid,
    /// Its id, which is its place in the order too.
    pub id: Uuid,
    /// The card.
    pub card: &'a str,
    /// The record.
    pub record: Uuid,
    /// created, updated, deleted, restored; unchanged, kept, skipped, failed.
    pub op: &'a str,
    /// The fields before, or why nothing was done, as JSON.
    pub before: Option<String>,
    /// The version from then on.
    pub version: i64,
}

/// Keeps a row of a batch.
pub fn put_row(dialect: Dialect, row: &BatchRow<'_>) -> Statement {
    let before = row.before.clone().map_or(Datum::Null(Physical::Text), Datum::Text);
    let binds = vec![Datum::Uuid(row.batch), Datum::Uuid(row.id), text(row.card), Datum::Uuid(row.record), text(row.op), before, Datum::Integer(row.version)];
    statement(dialect, "INSERT INTO sys_batch_row (batch, id, card, record, op, before, version) VALUES ({}, {}, {}, {}, {}, {}, {})", binds, Vec::new())
}

/// Rows of a batch beyond one of them, forwards or backwards: id, card, record, op, before, version.
pub fn rows(dialect: Dialect, batch: Uuid, beyond: Option<Uuid>, backwards: bool, limit: u32) -> Statement {
    let mut binds = vec![Datum::Uuid(batch)];
    let mut clause = String::new();
    if let Some(beyond) = beyond {
        binds.push(Datum::Uuid(beyond));
        clause = format!(" AND id {} {{}}", if backwards { "<" } else { ">" });
    }
    let order = if backwards { " DESC" } else { "" };
    let sql = format!("SELECT id, card, record, op, before, version FROM sys_batch_row WHERE batch = {{}}{clause} ORDER BY id{order} LIMIT {limit}");
    statement(dialect, &sql, binds, vec![Physical::Uuid, Physical::Text, Physical::Uuid, Physical::Text, Physical::Text, Physical::Integer])
}

/// What others changed of a record since a version, whoever did: fields, who. Changes of these batches do not count.
pub fn changed_outside(dialect: Dialect, record: Uuid, version: i64, batches: [Uuid; 2]) -> Statement {
    let sql = "SELECT a.fields, a.actor, a.action FROM sys_audit a WHERE a.record = {} AND a.version > {} AND a.action <> 'renewed' \
               AND a.version NOT IN (SELECT r.version FROM sys_batch_row r WHERE r.batch IN ({}, {}) AND r.record = {} AND r.op IN ('created', 'updated', 'deleted', 'restored'))";
    let binds = vec![Datum::Uuid(record), Datum::Integer(version), Datum::Uuid(batches[0]), Datum::Uuid(batches[1]), Datum::Uuid(record)];
    statement(dialect, sql, binds, vec![Physical::Text, Physical::Uuid, Physical::Text])
}

/// Forgets rows of batches from before a moment.
pub fn forget_rows(dialect: Dialect, before: DateTime<Utc>) -> Statement {
    statement(dialect, "DELETE FROM sys_batch_row WHERE batch IN (SELECT id FROM sys_batch WHERE created_at < {})", vec![Datum::Instant(before)], Vec::new())
}

/// Forgets batches from before a moment.
pub fn forget(dialect: Dialect, before: DateTime<Utc>) -> Statement {
    statement(dialect, "DELETE FROM sys_batch WHERE created_at < {}", vec![Datum::Instant(before)], Vec::new())
}
