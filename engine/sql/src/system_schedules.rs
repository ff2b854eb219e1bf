//! Statements over schedules of the definitions: when each is due.

use chrono::{DateTime, Utc};

use crate::{Datum, Dialect, Physical, Statement, system::statement};

/// Every schedule: card, id, pattern, zone, next, last.
pub fn all(dialect: Dialect) -> Statement {
    use Physical::{Instant, Text};
    statement(dialect, "SELECT card, id, pattern, zone, next_at, last_at FROM sys_schedule ORDER BY card, id", Vec::new(), vec![Text, Text, Text, Text, Instant, Instant])
}

/// When a schedule is due next.
#[derive(Debug, Clone)]
pub struct Due<'d> {
    /// The card.
    pub card: &'d str,
    /// The schedule.
    pub id: &'d str,
    /// By which pattern.
    pub pattern: &'d str,
    /// In which zone.
    pub zone: &'d str,
    /// The next time.
    pub next: DateTime<Utc>,
}

/// Keeps when a schedule is due next; `ran` where it was due just now.
pub fn put(dialect: Dialect, due: &Due<'_>, ran: Option<DateTime<Utc>>) -> Statement {
    let text = |text: &str| Datum::Text(text.to_owned());
    let ran = ran.map_or(Datum::Null(Physical::Instant), Datum::Instant);
    let binds = vec![text(due.card), text(due.id), text(due.pattern), text(due.zone), Datum::Instant(due.next), ran];
    let sql = "INSERT INTO sys_schedule (card, id, pattern, zone, next_at, last_at) VALUES ({}, {}, {}, {}, {}, {}) ON CONFLICT (card, id) DO UPDATE \
               SET pattern = excluded.pattern, zone = excluded.zone, next_at = excluded.next_at, last_at = COALESCE(excluded.last_at, sys_schedule.last_at)";
    statement(dialect, sql, binds, Vec::new())
}

/// Forgets a schedule that is gone from the definitions.
pub fn forget(dialect: Dialect, card: &str, id: &str) -> Statement {
    statement(dialect, "DELETE FROM sys_schedule WHERE card = {} AND id = {}", vec![Datum::Text(card.to_owned()), Datum::Text(id.to_owned())], Vec::new())
}

/// A schedule is due now.
pub fn hurry(dialect: Dialect, card: &str, id: &str, now: DateTime<Utc>) -> Statement {
    statement(dialect, "UPDATE sys_schedule SET next_at = {} WHERE card = {} AND id = {}", vec![Datum::Instant(now), Datum::Text(card.to_owned()), Datum::Text(id.to_owned())], Vec::new())
}
