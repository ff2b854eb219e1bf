//! Statements over claims: who took what from a pool, and gave it back.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

/// Keeps that a record was claimed, released or returned.
pub fn put(dialect: Dialect, card: &str, record: Uuid, user: Uuid, action: &str, at: DateTime<Utc>) -> Statement {
    let binds = vec![Datum::Uuid(Uuid::now_v7()), Datum::Text(card.into()), Datum::Uuid(record), Datum::Uuid(user), Datum::Text(action.into()), Datum::Instant(at)];
    statement(dialect, "INSERT INTO sys_pool (id, card, record, user_id, action, at) VALUES ({}, {}, {}, {}, {}, {})", binds, Vec::new())
}

/// Holds a user until the end of the transaction, so that their claims wait for each other.
pub fn hold_user(dialect: Dialect, user: Uuid) -> Option<Statement> {
    // On SQLite there is one writer.
    (dialect == Dialect::Postgres).then(|| statement(dialect, "SELECT id FROM sys_user WHERE id = {} FOR NO KEY UPDATE", vec![Datum::Uuid(user)], vec![Physical::Uuid]))
}

/// How many records of a card a user claimed since a moment.
pub fn claims_since(dialect: Dialect, user: Uuid, card: &str, since: DateTime<Utc>) -> Statement {
    let binds = vec![Datum::Uuid(user), Datum::Text(card.into()), Datum::Instant(since)];
    statement(dialect, "SELECT count(*) FROM sys_pool WHERE user_id = {} AND card = {} AND at >= {} AND action = 'claimed'", binds, vec![Physical::Integer])
}

/// How often a user gave a record back, or lost it, since a moment.
pub fn lost_since(dialect: Dialect, user: Uuid, record: Uuid, since: DateTime<Utc>) -> Statement {
    let binds = vec![Datum::Uuid(record), Datum::Uuid(user), Datum::Instant(since)];
    statement(dialect, "SELECT count(*) FROM sys_pool WHERE record = {} AND user_id = {} AND at >= {} AND action <> 'claimed'", binds, vec![Physical::Integer])
}

/// When a record last got an owner: made, claimed, assigned.
pub fn last_owned(dialect: Dialect, record: Uuid) -> Statement {
    let sql = "SELECT at FROM sys_audit WHERE record = {} AND (action = 'created' OR fields LIKE '%\"owner\"%') ORDER BY version DESC LIMIT 1";
    statement(dialect, sql, vec![Datum::Uuid(record)], vec![Physical::Instant])
}

/// How often a record was claimed since a moment.
pub fn claimed_since(dialect: Dialect, record: Uuid, since: DateTime<Utc>) -> Statement {
    let sql = "SELECT count(*) FROM sys_pool WHERE record = {} AND at >= {} AND action = 'claimed'";
    statement(dialect, sql, vec![Datum::Uuid(record), Datum::Instant(since)], vec![Physical::Integer])
}
