//! A statement as data: text whose every user value is a bind, and what each column comes back as.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

/// Which database a statement is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// The embedded default.
    Sqlite,
    /// PostgreSQL 15 or newer.
    Postgres,
}

/// The physical type of a bind or a column. Decides how `store` encodes and decodes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Physical {
    /// `TEXT` on both.
    Text,
    /// `INTEGER` / `bigint`.
    Integer,
    /// `INTEGER` holding 0 or 1 / `boolean`.
    Boolean,
    /// Scaled `INTEGER` (value × 10^scale) / `numeric`.
    Decimal { scale: u8 },
    /// `TEXT` `YYYY-MM-DD` / `date`.
    Date,
    /// `TEXT` `HH:MM:SS` / `time`.
    Time,
    /// `INTEGER` microseconds since 1970 UTC / `timestamptz`.
    Instant,
    /// `BLOB(16)` / `uuid`.
    Uuid,
    /// `TEXT` / `jsonb`.
    Json,
    /// `BLOB` / `bytea`.
    Bytes,
}

/// A value on its way into, or out of, the database. `Null` carries its type because PostgreSQL wants to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// No value of the given type.
    Null(Physical),
    /// See [`Physical::Text`].
    Text(String),
    /// See [`Physical::Integer`].
    Integer(i64),
    /// See [`Physical::Boolean`].
    Boolean(bool),
    /// See [`Physical::Decimal`]; `scale` is that of the column.
    Decimal { value: Decimal, scale: u8 },
    /// See [`Physical::Date`].
    Date(NaiveDate),
    /// See [`Physical::Time`].
    Time(NaiveTime),
    /// See [`Physical::Instant`].
    Instant(DateTime<Utc>),
    /// See [`Physical::Uuid`].
    Uuid(Uuid),
    /// See [`Physical::Json`].
    Json(serde_json::Value),
    /// See [`Physical::Bytes`].
    Bytes(Vec<u8>),
}

/// SQL text with its binds and the physical types of its result columns, in order.
///
/// Placeholders are `?1…` on SQLite and `$1…` on PostgreSQL, numbered from 1 in the order of `binds`.
/// The text begins with `/*sv:N*/`, N being the schema version it was written for.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The text, made only of our own words and [`model::Ident`]s.
    pub sql: String,
    /// The values, in placeholder order.
    pub binds: Vec<Datum>,
    /// What comes back; empty for statements that return no rows.
    pub columns: Vec<Physical>,
}

impl Statement {
    /// Stands in the text of a statement whose best plan depends on its values: PostgreSQL plans it anew each time.
    pub const ONCE: &'static str = "/*once*/ ";

    /// Whether it is planned anew each time.
    pub fn is_once(&self) -> bool {
        self.sql.contains(Self::ONCE)
    }
}
