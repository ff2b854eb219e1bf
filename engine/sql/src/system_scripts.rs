//! Statements over what scripts told the administrator.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

/// One entry.
#[derive(Debug, Clone)]
pub struct Line<'l> {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// `line` or `fault`.
    pub level: &'static str,
    /// The script.
    pub script: String,
    /// The card.
    pub card: String,
    /// The record.
    pub record: Option<Uuid>,
    /// Who acted.
    pub user: Option<Uuid>,
    /// What was said.
    pub message: &'l str,
    /// Line and column.
    pub place: (Option<i64>, Option<i64>),
}

/// Keeps an entry.
pub fn put(dialect: Dialect, line: &Line<'_>) -> Statement {
    let id = |id: Option<Uuid>| id.map_or(Datum::Null(Physical::Uuid), Datum::Uuid);
    let number = |number: Option<i64>| number.map_or(Datum::Null(Physical::Integer), Datum::Integer);
    let binds = vec![
        Datum::Uuid(line.id), Datum::Instant(line.at), Datum::Text(line.level.to_owned()), Datum::Text(line.script.clone()), Datum::Text(line.card.clone()), id(line.record), id(line.user),
        Datum::Text(line.message.to_owned()), number(line.place.0), number(line.place.1),
    ];
    statement(dialect, "INSERT INTO sys_script_log (id, at, level, script, card, record, actor, message, line, col) VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {})", binds, Vec::new())
}

/// What scripts said since, in order.
pub fn since(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, "SELECT message FROM sys_script_log WHERE id > {} ORDER BY id", vec![Datum::Uuid(id)], vec![Physical::Text])
}

/// The newest entries.
pub fn latest(dialect: Dialect, limit: u32) -> Statement {
    let sql = format!("SELECT at, level, script, card, record, actor, message, line, col FROM sys_script_log ORDER BY id DESC LIMIT {limit}");
    let columns = vec![Physical::Instant, Physical::Text, Physical::Text, Physical::Text, Physical::Uuid, Physical::Uuid, Physical::Text, Physical::Integer, Physical::Integer];
    statement(dialect, &sql, Vec::new(), columns)
}
