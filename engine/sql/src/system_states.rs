//! Statements over the stages of records: every change of a state, with how long the one before lasted.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

/// A change of a state.
#[derive(Debug, Clone)]
pub struct NewStage<'a> {
    /// The card.
    pub card: &'a str,
    /// The record.
    pub record: Uuid,
    /// The workflow's field.
    pub workflow: &'a str,
    /// The transition that was taken; `None` where one was taken back.
    pub transition: Option<&'a str>,
    /// What it was, and what it is.
    pub states: [&'a str; 2],
    /// Who.
    pub by: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
    /// Since when it had been so.
    pub since: DateTime<Utc>,
    /// What was said.
    pub comment: Option<&'a str>,
}

/// Keeps a change of a state.
pub fn put(dialect: Dialect, new: &NewStage<'_>) -> Statement {
    let text = |text: &str| Datum::Text(text.to_owned());
    let optional = |value: Option<&str>| value.map_or(Datum::Null(Physical::Text), text);
    let by = new.by.map_or(Datum::Null(Physical::Uuid), Datum::Uuid);
    let binds = vec![
        Datum::Uuid(Uuid::now_v7()), text(new.card), Datum::Uuid(new.record), text(new.workflow), optional(new.transition), text(new.states[0]), text(new.states[1]), by,
        Datum::Instant(new.at), Datum::Instant(new.since), optional(new.comment),
    ];
    let sql = "INSERT INTO sys_state (id, card, record, workflow, transition, from_state, to_state, actor, at, since, comment) VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})";
    statement(dialect, sql, binds, Vec::new())
}

/// Changes of a record's states, the latest first: workflow, transition, from, to, who (id, name), when, since, comment.
pub fn of(dialect: Dialect, record: Uuid, limit: u32) -> Statement {
    let sql = format!(
        "SELECT s.workflow, s.transition, s.from_state, s.to_state, s.actor, u.display_name, s.at, s.since, s.comment FROM sys_state s LEFT JOIN sys_user u ON u.id = s.actor \
         WHERE s.record = {{}} ORDER BY s.at DESC, s.id DESC LIMIT {limit}"
    );
    use Physical::{Instant, Text, Uuid};
    statement(dialect, &sql, vec![Datum::Uuid(record)], vec![Text, Text, Text, Text, Uuid, Text, Instant, Instant, Text])
}

/// The latest change of one state of a record: when, by whom.
pub fn last(dialect: Dialect, record: Uuid, workflow: &str) -> Statement {
    let sql = "SELECT s.at, u.display_name FROM sys_state s LEFT JOIN sys_user u ON u.id = s.actor WHERE s.record = {} AND s.workflow = {} ORDER BY s.at DESC, s.id DESC LIMIT 1";
    statement(dialect, sql, vec![Datum::Uuid(record), Datum::Text(workflow.to_owned())], vec![Physical::Instant, Physical::Text])
}
