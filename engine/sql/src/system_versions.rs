//! Statements over rows of records as they were.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

/// A row as it is from a moment on.
#[derive(Debug, Clone)]
pub struct Version {
    /// The record.
    pub record: Uuid,
    /// The child table's id; empty for the record itself.
    pub table: String,
    /// The row.
    pub row: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when; `None` while it is so.
    pub until: Option<DateTime<Utc>>,
    /// Its place among the rows.
    pub position: i64,
    /// Its values, as JSON by the fields' ids.
    pub content: String,
}

/// Rows of one statement: far below the number of binds that both databases take.
pub const TOGETHER: usize = 100;

/// Keeps rows as they are from a moment on. One that changed twice in a moment is what it was at its end.
pub fn keep(dialect: Dialect, versions: &[Version]) -> Statement {
    let one = |version: &Version| {
        let until = version.until.map_or(Datum::Null(Physical::Instant), Datum::Instant);
        [
            Datum::Uuid(version.record),
            Datum::Text(version.table.clone()),
            Datum::Uuid(version.row),
            Datum::Instant(version.from),
            until,
            Datum::Integer(version.position),
            Datum::Text(version.content.clone()),
        ]
    };
    let marks = vec!["({}, {}, {}, {}, {}, {}, {})"; versions.len()].join(", ");
    let sql = format!(
        "INSERT INTO sys_version (record, tbl, row_id, from_at, until_at, position, content) VALUES {marks} \
         ON CONFLICT (record, tbl, row_id, from_at) DO UPDATE SET until_at = excluded.until_at, position = excluded.position, content = excluded.content"
    );
    statement(dialect, &sql, versions.iter().flat_map(one).collect(), Vec::new())
}

/// Rows of a record are otherwise, or gone, from a moment on.
pub fn close(dialect: Dialect, record: Uuid, rows: &[Uuid], at: DateTime<Utc>) -> Statement {
    let marks = vec!["{}"; rows.len().max(1)].join(", ");
    let mut binds = vec![Datum::Instant(at), Datum::Uuid(record)];
    binds.extend(rows.iter().map(|row| Datum::Uuid(*row)));
    if rows.is_empty() {
        binds.push(Datum::Null(Physical::Uuid));
    }
    statement(dialect, &format!("UPDATE sys_version SET until_at = {{}} WHERE record = {{}} AND until_at IS NULL AND row_id IN ({marks})"), binds, Vec::new())
}

/// Since when something is kept of a record.
pub fn first(dialect: Dialect, record: Uuid) -> Statement {
    statement(dialect, "SELECT from_at FROM sys_version WHERE record = {} ORDER BY from_at LIMIT 1", vec![Datum::Uuid(record)], vec![Physical::Instant])
}

/// The rows of a record as they were at a moment, in order: table, row, values.
pub fn at(dialect: Dialect, record: Uuid, at: DateTime<Utc>) -> Statement {
    let sql = "SELECT tbl, row_id, content FROM sys_version WHERE record = {} AND from_at <= {} AND (until_at IS NULL OR until_at > {}) ORDER BY tbl, position, row_id";
    statement(dialect, sql, vec![Datum::Uuid(record), Datum::Instant(at), Datum::Instant(at)], vec![Physical::Text, Physical::Uuid, Physical::Text])
}
