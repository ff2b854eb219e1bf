//! Statements over imports and exports of files.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn optional(value: Option<Uuid>) -> Datum {
    value.map_or(Datum::Null(Physical::Uuid), Datum::Uuid)
}

/// A file that was sent.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewImport<'a> {
    pub id: Uuid,
    pub card: &'a str,
    pub name: &'a str,
    pub size: i64,
    /// What was found out about it, as JSON.
    pub head: String,
    pub by: Option<Uuid>,
    pub at: DateTime<Utc>,
}

/// A file was sent.
pub fn create(dialect: Dialect, new: &NewImport<'_>) -> Statement {
    let binds = vec![Datum::Uuid(new.id), text(new.card), text(new.name), Datum::Integer(new.size), text(new.head.clone()), optional(new.by), Datum::Instant(new.at)];
    let sql = "INSERT INTO sys_import (id, card, name, size, head, state, at_row, created, updated, unchanged, failed, created_by, created_at) VALUES ({}, {}, {}, {}, {}, 'draft', 0, 0, 0, 0, 0, {}, {})";
    statement(dialect, sql, binds, Vec::new())
}

const COLUMNS: &str = "id, card, name, size, head, settings, state, batch, job, at_row, created, updated, unchanged, failed, fault, created_by, created_at, finished_at";

fn columns() -> Vec<Physical> {
    use Physical::{Instant, Integer, Text, Uuid};
    vec![Uuid, Text, Text, Integer, Text, Text, Text, Uuid, Uuid, Integer, Integer, Integer, Integer, Integer, Text, Uuid, Instant, Instant]
}

/// An import.
pub fn read(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, &format!("SELECT {COLUMNS} FROM sys_import WHERE id = {{}}"), vec![Datum::Uuid(id)], columns())
}

/// How somebody read such files last: the settings of their latest import into a card that has any.
pub fn last_settings(dialect: Dialect, user: Uuid, card: &str) -> Statement {
    let sql = "SELECT settings FROM sys_import WHERE created_by = {} AND card = {} AND settings IS NOT NULL ORDER BY created_at DESC LIMIT 1";
    statement(dialect, sql, vec![Datum::Uuid(user), text(card)], vec![Physical::Text])
}

/// How a file is to be read; only while it waits for that.
pub fn set_settings(dialect: Dialect, id: Uuid, settings: &str, head: &str) -> Statement {
    statement(dialect, "UPDATE sys_import SET settings = {}, head = {} WHERE id = {} AND state = 'draft'", vec![text(settings), text(head), Datum::Uuid(id)], Vec::new())
}

/// It is to be run; changes nothing if it was started already.
pub fn start(dialect: Dialect, id: Uuid, settings: &str, batch: Uuid, job: Uuid) -> Statement {
    let binds = vec![text(settings), Datum::Uuid(batch), Datum::Uuid(job), Datum::Uuid(id)];
    statement(dialect, "UPDATE sys_import SET settings = {}, state = 'running', batch = {}, job = {} WHERE id = {} AND state = 'draft'", binds, Vec::new())
}

/// What a part of a file came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Tally {
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub failed: i64,
}

/// A part is done: only if nothing was done beyond where it began.
pub fn advance(dialect: Dialect, id: Uuid, from: i64, to: i64, tally: Tally) -> Statement {
    let sql = "UPDATE sys_import SET at_row = {}, created = created + {}, updated = updated + {}, unchanged = unchanged + {}, failed = failed + {} WHERE id = {} AND at_row = {} AND state = 'running'";
    let binds = [to, tally.created, tally.updated, tally.unchanged, tally.failed].map(Datum::Integer);
    statement(dialect, sql, binds.into_iter().chain([Datum::Uuid(id), Datum::Integer(from)]).collect(), Vec::new())
}

/// It is through: `done`, or `failed` with nothing kept.
pub fn finish(dialect: Dialect, id: Uuid, state: &str, fault: Option<&str>, at: DateTime<Utc>) -> Statement {
    let binds = vec![text(state), fault.map_or(Datum::Null(Physical::Text), text), Datum::Instant(at), Datum::Uuid(id)];
    statement(dialect, "UPDATE sys_import SET state = {}, fault = {}, finished_at = {} WHERE id = {} AND state = 'running'", binds, Vec::new())
}

/// What was done was undone: nothing counts as done.
pub fn reset(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, "UPDATE sys_import SET created = 0, updated = 0, unchanged = 0 WHERE id = {}", vec![Datum::Uuid(id)], Vec::new())
}

/// A row that did not become a record.
pub fn put_row(dialect: Dialect, import: Uuid, row: i64, errors: &str) -> Statement {
    let sql = "INSERT INTO sys_import_row (import, row, errors) VALUES ({}, {}, {}) ON CONFLICT (import, row) DO UPDATE SET errors = excluded.errors";
    statement(dialect, sql, vec![Datum::Uuid(import), Datum::Integer(row), text(errors)], Vec::new())
}

/// Rows that did not become records, in order, beyond a row.
pub fn rows(dialect: Dialect, import: Uuid, beyond: i64, limit: i64) -> Statement {
    let sql = "SELECT row, errors FROM sys_import_row WHERE import = {} AND row > {} ORDER BY row LIMIT {}";
    statement(dialect, sql, vec![Datum::Uuid(import), Datum::Integer(beyond), Datum::Integer(limit)], vec![Physical::Integer, Physical::Text])
}

/// Imports whose files are to be forgotten.
pub fn old(dialect: Dialect, before: DateTime<Utc>) -> Statement {
    statement(dialect, "SELECT id FROM sys_import WHERE created_at < {} AND state <> 'running' LIMIT 500", vec![Datum::Instant(before)], vec![Physical::Uuid])
}

/// Keeps a part of a file.
pub fn put_part(dialect: Dialect, import: Uuid, n: i64, content: Vec<u8>) -> Statement {
    let binds = vec![Datum::Uuid(import), Datum::Integer(n), Datum::Bytes(content)];
    statement(dialect, "INSERT INTO sys_import_part (import, n, content) VALUES ({}, {}, {})", binds, Vec::new())
}

/// Parts of a file are not needed any more.
pub fn drop_parts(dialect: Dialect, import: Uuid) -> Statement {
    statement(dialect, "DELETE FROM sys_import_part WHERE import = {}", vec![Datum::Uuid(import)], Vec::new())
}

/// A part of a file.
pub fn part(dialect: Dialect, import: Uuid, n: i64) -> Statement {
    statement(dialect, "SELECT content FROM sys_import_part WHERE import = {} AND n = {}", vec![Datum::Uuid(import), Datum::Integer(n)], vec![Physical::Bytes])
}

/// Forgets an import.
pub fn forget(dialect: Dialect, id: Uuid) -> [Statement; 3] {
    ["DELETE FROM sys_import_part WHERE import = {}", "DELETE FROM sys_import_row WHERE import = {}", "DELETE FROM sys_import WHERE id = {}"].map(|sql| statement(dialect, sql, vec![Datum::Uuid(id)], Vec::new()))
}

/// Somebody took records out in a file. It speaks of no single record, whose id is nil.
pub fn exported(dialect: Dialect, by: Option<Uuid>, card: &str, about: &str, at: DateTime<Utc>) -> Statement {
    let binds = vec![Datum::Uuid(Uuid::now_v7()), Datum::Instant(at), optional(by), text(card), Datum::Uuid(Uuid::nil()), text(about)];
    statement(dialect, "INSERT INTO sys_audit (id, at, actor, card, record, version, action, fields, tracked) VALUES ({}, {}, {}, {}, {}, 0, 'exported', '[]', {})", binds, Vec::new())
}
