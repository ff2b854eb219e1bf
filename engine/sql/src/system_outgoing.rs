//! Statements over what waits to be sent outside.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

/// A message about to be kept.
#[derive(Debug, Clone)]
pub struct NewMessage<'m> {
    /// Its id, which stays the same however often it is sent.
    pub id: Uuid,
    /// `email` or `webhook`.
    pub kind: &'static str,
    /// Who or where.
    pub target: &'m str,
    /// What it is about, for people.
    pub subject: &'m str,
    /// The message, as JSON.
    pub content: String,
    /// The script that asked for it; none of letters about accounts.
    pub script: Option<&'m str>,
    /// The record it belongs to.
    pub about: Option<(&'m str, Option<Uuid>)>,
    /// Who acted.
    pub by: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
}

fn optional(text: Option<&str>) -> Datum {
    text.map_or(Datum::Null(Physical::Text), |text| Datum::Text(text.to_owned()))
}
fn id(id: Option<Uuid>) -> Datum {
    id.map_or(Datum::Null(Physical::Uuid), Datum::Uuid)
}

/// Keeps a message, to be sent as soon as possible.
pub fn put(dialect: Dialect, new: &NewMessage<'_>) -> Statement {
    let text = |text: &str| Datum::Text(text.to_owned());
    let binds = vec![
        Datum::Uuid(new.id),
        text(new.kind),
        text(new.target),
        text(new.subject),
        text(&new.content),
        Datum::Instant(new.at),
        optional(new.script),
        optional(new.about.map(|(card, _)| card)),
        id(new.about.and_then(|(_, record)| record)),
        id(new.by),
        Datum::Instant(new.at),
    ];
    let sql = "INSERT INTO sys_outgoing (id, kind, target, subject, content, state, run_at, attempts, script, card, record, created_by, created_at) VALUES ({}, {}, {}, {}, {}, 'waiting', {}, 0, {}, {}, {}, {}, {})";
    statement(dialect, sql, binds, Vec::new())
}

/// Messages of some states, the newest first: id, kind, target, subject, content, state, attempts, error, script, card,
/// record, who (id, name), when, when it is due.
pub fn list(dialect: Dialect, states: &[&str], before: Option<Uuid>, limit: u32) -> Statement {
    let mut binds: Vec<Datum> = states.iter().map(|state| Datum::Text((*state).to_owned())).collect();
    let marks = vec!["{}"; states.len().max(1)].join(", ");
    if states.is_empty() {
        binds.push(Datum::Null(Physical::Text));
    }
    let older = before.map_or("", |id| {
        binds.push(Datum::Uuid(id));
        " AND o.id < {}"
    });
    let sql = format!(
        "SELECT o.id, o.kind, o.target, o.subject, o.content, o.state, o.attempts, o.error, o.script, o.card, o.record, o.created_by, u.display_name, o.created_at, o.run_at \
         FROM sys_outgoing o LEFT JOIN sys_user u ON u.id = o.created_by WHERE o.state IN ({marks}){older} ORDER BY o.id DESC LIMIT {limit}"
    );
    use Physical::{Instant, Integer, Text, Uuid};
    statement(dialect, &sql, binds, vec![Uuid, Text, Text, Text, Text, Text, Integer, Text, Text, Text, Uuid, Uuid, Text, Instant, Instant])
}

/// How many messages there are of each state.
pub fn counts(dialect: Dialect) -> Statement {
    statement(dialect, "SELECT state, count(*) FROM sys_outgoing GROUP BY state", Vec::new(), vec![Physical::Text, Physical::Integer])
}

/// A message that waits, or failed, is not sent any more; one that was given up is tried again, as often as a new one.
pub fn set_state(dialect: Dialect, message: Uuid, from: &[&str], to: &str, at: DateTime<Utc>) -> Statement {
    let marks = vec!["{}"; from.len().max(1)].join(", ");
    let ended = if to == "waiting" { Datum::Null(Physical::Instant) } else { Datum::Instant(at) };
    let mut binds = vec![Datum::Text(to.to_owned()), ended, Datum::Instant(at), Datum::Uuid(message)];
    binds.extend(from.iter().map(|state| Datum::Text((*state).to_owned())));
    statement(dialect, &format!("UPDATE sys_outgoing SET state = {{}}, ended_at = {{}}, run_at = {{}}, attempts = 0 WHERE id = {{}} AND state IN ({marks})"), binds, Vec::new())
}

/// Messages of a kind that are due at a moment, those that wait longest first: id, kind, target, content, attempts,
/// when they were written. Of the webhooks to one address only the oldest, whether it is due or not: nothing overtakes.
pub fn due(dialect: Dialect, kind: &str, now: DateTime<Utc>, limit: u32) -> Statement {
    let binds = vec![Datum::Instant(now), Datum::Text(kind.to_owned())];
    let sql = format!(
        "SELECT o.id, o.kind, o.target, o.content, o.attempts, o.created_at FROM sys_outgoing o WHERE o.state = 'waiting' AND o.run_at <= {{}} AND o.kind = {{}} \
         AND (o.kind <> 'webhook' OR NOT EXISTS (SELECT 1 FROM sys_outgoing e WHERE e.state = 'waiting' AND e.kind = 'webhook' AND e.target = o.target AND e.id < o.id)) ORDER BY o.run_at, o.id LIMIT {limit}"
    );
    use Physical::{Instant, Integer, Text, Uuid};
    statement(dialect, &sql, binds, vec![Uuid, Text, Text, Text, Integer, Instant])
}

/// Takes a message that is due in hand until a moment: nobody else takes it before. Changes no row if somebody was quicker.
pub fn claim(dialect: Dialect, message: Uuid, now: DateTime<Utc>, until: DateTime<Utc>) -> Statement {
    let sql = "UPDATE sys_outgoing SET attempts = attempts + 1, run_at = {} WHERE id = {} AND state = 'waiting' AND run_at <= {}";
    statement(dialect, sql, vec![Datum::Instant(until), Datum::Uuid(message), Datum::Instant(now)], Vec::new())
}

/// What became of a message in hand: sent, also if it was cancelled meanwhile, for that came too late.
pub fn sent(dialect: Dialect, message: Uuid, at: DateTime<Utc>) -> Statement {
    let sql = "UPDATE sys_outgoing SET state = 'sent', error = NULL, ended_at = {} WHERE id = {} AND state IN ('waiting', 'cancelled')";
    statement(dialect, sql, vec![Datum::Instant(at), Datum::Uuid(message)], Vec::new())
}

/// What became of a message in hand: to be tried again at a moment, with other content if a part of it left.
pub fn later(dialect: Dialect, message: Uuid, error: &str, again: DateTime<Utc>, content: Option<&str>) -> Statement {
    let sql = "UPDATE sys_outgoing SET error = {}, run_at = {}, content = coalesce({}, content) WHERE id = {} AND state = 'waiting'";
    statement(dialect, sql, vec![Datum::Text(error.to_owned()), Datum::Instant(again), optional(content), Datum::Uuid(message)], Vec::new())
}

/// Letters about accounts to an address are not sent any more.
pub fn cancel_letters(dialect: Dialect, target: &str, at: DateTime<Utc>) -> Statement {
    let sql = "UPDATE sys_outgoing SET state = 'cancelled', ended_at = {} WHERE state = 'waiting' AND script IS NULL AND target = {}";
    statement(dialect, sql, vec![Datum::Instant(at), Datum::Text(target.to_owned())], Vec::new())
}

/// What became of a message in hand: given up.
pub fn give_up(dialect: Dialect, message: Uuid, error: &str, at: DateTime<Utc>) -> Statement {
    let sql = "UPDATE sys_outgoing SET state = 'failed', error = {}, ended_at = {} WHERE id = {} AND state = 'waiting'";
    statement(dialect, sql, vec![Datum::Text(error.to_owned()), Datum::Instant(at), Datum::Uuid(message)], Vec::new())
}
