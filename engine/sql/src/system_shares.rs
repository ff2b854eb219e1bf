//! Records that were shared one by one: statements, and how a scope asks for them.
//!
//! **Not here:** what somebody may do with a shared record (`access`: the grants whose scope is `shared`).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, builder::Builder, system::statement};

/// Whether an id is that of a record shared with any of these.
pub(crate) fn holds(builder: &mut Builder<'_>, column: &str, with: &[String], edit: bool, at: DateTime<Utc>) -> String {
    let who: Vec<String> = with.iter().map(|who| builder.bind(Datum::Text(who.clone()))).collect();
    if who.is_empty() {
        return match builder.dialect {
            Dialect::Sqlite => "0".into(),
            Dialect::Postgres => "FALSE".into(),
        };
    }
    let at = builder.bind(Datum::Instant(at));
    let edits = match (edit, builder.dialect) {
        (false, _) => "",
        (true, Dialect::Sqlite) => " AND h.edit = 1",
        (true, Dialect::Postgres) => " AND h.edit",
    };
    format!("{column} IN (SELECT h.record FROM sys_share h WHERE h.who IN ({}) AND (h.until IS NULL OR h.until > {at}){edits})", who.join(", "))
}

/// Shares a record with somebody, or shares it otherwise.
pub struct Share<'s> {
    /// The record.
    pub record: Uuid,
    /// With whom: `u:ID`, `g:KEY`.
    pub who: &'s str,
    /// The record's card.
    pub card: &'s str,
    /// Whether it may be changed.
    pub edit: bool,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
}

/// Puts a share, in the place of an earlier one with the same.
pub fn put(dialect: Dialect, share: &Share<'_>, by: Option<Uuid>, now: DateTime<Utc>) -> Statement {
    let sql = "INSERT INTO sys_share (record, who, card, edit, until, shared_by, shared_at) VALUES ({}, {}, {}, {}, {}, {}, {}) \
               ON CONFLICT (record, who) DO UPDATE SET edit = excluded.edit, until = excluded.until, shared_by = excluded.shared_by, shared_at = excluded.shared_at";
    let binds = vec![
        Datum::Uuid(share.record),
        Datum::Text(share.who.to_owned()),
        Datum::Text(share.card.to_owned()),
        Datum::Boolean(share.edit),
        share.until.map_or(Datum::Null(Physical::Instant), Datum::Instant),
        by.map_or(Datum::Null(Physical::Uuid), Datum::Uuid),
        Datum::Instant(now),
    ];
    statement(dialect, sql, binds, Vec::new())
}

/// Takes a share back.
pub fn remove(dialect: Dialect, record: Uuid, who: &str) -> Statement {
    statement(dialect, "DELETE FROM sys_share WHERE record = {} AND who = {}", vec![Datum::Uuid(record), Datum::Text(who.to_owned())], Vec::new())
}

/// Takes back every share of a record that is gone for good.
pub fn clear(dialect: Dialect, record: Uuid) -> Statement {
    statement(dialect, "DELETE FROM sys_share WHERE record = {}", vec![Datum::Uuid(record)], Vec::new())
}

/// With whom a record is shared: who, edit, until, by, when.
pub fn of_record(dialect: Dialect, record: Uuid) -> Statement {
    let columns = vec![Physical::Text, Physical::Boolean, Physical::Instant, Physical::Uuid, Physical::Instant];
    statement(dialect, "SELECT who, edit, until, shared_by, shared_at FROM sys_share WHERE record = {} ORDER BY shared_at, who", vec![Datum::Uuid(record)], columns)
}

/// Whether anything is shared with any of these now, and when the first of it ends: count, end.
pub fn with(dialect: Dialect, who: &[String], now: DateTime<Utc>) -> Statement {
    let marks = vec!["{}"; who.len().max(1)].join(", ");
    let mut binds: Vec<Datum> = who.iter().map(|who| Datum::Text(who.clone())).collect();
    if binds.is_empty() {
        binds.push(Datum::Text(String::new()));
    }
    binds.push(Datum::Instant(now));
    let sql = format!("SELECT count(*), min(until) FROM sys_share WHERE who IN ({marks}) AND (until IS NULL OR until > {{}})");
    statement(dialect, &sql, binds, vec![Physical::Integer, Physical::Instant])
}
