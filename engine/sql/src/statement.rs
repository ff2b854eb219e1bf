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

/// How often definitions were published and rights changed: what was read of either holds while its count does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Of publishes.
    pub version: i64,
    /// Of changes of rights, and of whatever else is remembered of people.
    pub rights: i64,
}

impl Counts {
    /// Both in one number, for a column of a list: `version × 2³² + rights`.
    pub(crate) const COLUMN: &'static str = "(SELECT version * 4294967296 + rights FROM sys_catalog)";

    /// Both in one number, as a list's rows carry it.
    pub fn number(self) -> i64 {
        (self.version << 32) + self.rights
    }
}

/// Most placeholders of one statement: SQLite takes 32,766, PostgreSQL 65,535.
const MAX_BINDS: usize = 30_000;
/// Most rows of one statement.
const MAX_ROWS: usize = 500;

/// Statements that insert one row each by the same words, as few statements as there are placeholders for; the others
/// as they are. Statements of one text keep their order among themselves.
pub fn together(statements: Vec<Statement>) -> Vec<Statement> {
    let mut by_text: indexmap::IndexMap<String, Vec<Vec<Datum>>> = indexmap::IndexMap::new();
    let mut joined = Vec::new();
    for statement in statements {
        let plain = statement.columns.is_empty() && statement.sql.starts_with("INSERT INTO ") && statement.sql.ends_with(')') && statement.sql.matches(" VALUES (").count() == 1 && !statement.sql.contains("SELECT");
        if plain {
            by_text.entry(statement.sql).or_default().push(statement.binds);
        } else {
            joined.push(statement);
        }
    }
    for (text, rows) in by_text {
        let Some((head, tuple)) = text.split_once(" VALUES ") else { continue };
        let each = (MAX_BINDS / rows.first().map_or(1, Vec::len).max(1)).clamp(1, MAX_ROWS);
        for chunk in rows.chunks(each) {
            let tuples: Vec<String> = chunk.iter().scan(0, |shift, row| {
                let shifted = shifted(tuple, *shift);
                *shift += row.len();
                Some(shifted)
            }).collect();
            joined.push(Statement { sql: format!("{head} VALUES {}", tuples.join(", ")), binds: chunk.concat(), columns: Vec::new() });
        }
    }
    joined
}

/// Statements of PostgreSQL whose order does not matter and that give nothing back, as one: a round trip for all. None of
/// them sees what another of them does, no two may touch the same row, and one at most consists of parts.
pub fn joined(statements: Vec<Statement>) -> Option<Statement> {
    let mut statements = together(statements);
    if statements.len() < 2 {
        return statements.pop();
    }
    // Parts that change something stand at the very beginning of a statement only, so theirs go beside ours.
    statements.sort_by_key(Statement::has_parts);
    let last = statements.len() - 1;
    let (mut sql, mut binds) = (String::from("WITH "), Vec::new());
    for (index, statement) in statements.into_iter().enumerate() {
        let text = shifted(&statement.sql, binds.len());
        match text.strip_prefix(PARTS) {
            Some(parts) if index == last => sql.push_str(&format!(", {parts}")),
            _ if index == last => sql.push_str(&format!(" {text}")),
            _ if index == 0 => sql.push_str(&format!("p{index} AS ({text})")),
            _ => sql.push_str(&format!(", p{index} AS ({text})")),
        }
        binds.extend(statement.binds);
    }
    Some(Statement { sql, binds, columns: Vec::new() })
}

/// How a statement that consists of parts begins.
const PARTS: &str = "WITH ";

/// A text whose placeholders are counted from further on.
fn shifted(tuple: &str, shift: usize) -> String {
    if shift == 0 {
        return tuple.to_owned();
    }
    let mut text = String::with_capacity(tuple.len() + 16);
    let mut rest = tuple;
    while let Some(at) = rest.find(['?', '$']) {
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        text.push_str(&rest[..=at]);
        // A sign without a number is none of ours: an operator.
        if let Ok(number) = rest[at + 1..at + 1 + digits].parse::<usize>() {
            text.push_str(&(number + shift).to_string());
        }
        rest = &rest[at + 1 + digits..];
    }
    text.push_str(rest);
    text
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

    /// Whether it consists of parts, of which a later one goes by what an earlier one did.
    pub fn has_parts(&self) -> bool {
        self.sql.starts_with(PARTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_same_words_go_together() {
        let row = |text: &str, number: i64| Statement { sql: format!("INSERT INTO {text} (a, b) VALUES ($1::bigint, $2::bigint)"), binds: vec![Datum::Integer(number), Datum::Integer(number)], columns: Vec::new() };
        let other = Statement { sql: "UPDATE t SET a = 1".into(), binds: Vec::new(), columns: Vec::new() };
        let joined = together(vec![row("t", 1), other.clone(), row("t", 2), row("u", 3)]);
        assert_eq!(joined[0], other);
        assert_eq!(joined[1].sql, "INSERT INTO t (a, b) VALUES ($1::bigint, $2::bigint), ($3::bigint, $4::bigint)");
        assert_eq!(joined[1].binds, [1, 1, 2, 2].map(Datum::Integer));
        assert_eq!(joined[2], row("u", 3));
    }

    #[test]
    fn statements_without_an_answer_go_as_one() {
        let one = |sql: &str, binds: &[i64]| Statement { sql: sql.into(), binds: binds.iter().copied().map(Datum::Integer).collect(), columns: Vec::new() };
        assert_eq!(joined(Vec::new()), None);
        assert_eq!(joined(vec![one("DELETE FROM t WHERE a = $1::bigint", &[1])]), Some(one("DELETE FROM t WHERE a = $1::bigint", &[1])));
        let in_parts = one("WITH c AS (UPDATE n SET t = 1 WHERE u = $1::bigint RETURNING u) INSERT INTO n (u) SELECT $1::bigint WHERE NOT EXISTS (SELECT 1 FROM c)", &[7]);
        let hoisted = joined(vec![in_parts, one("DELETE FROM u WHERE a = $1::bigint", &[3])]).expect("one");
        assert_eq!(hoisted.sql, "WITH p0 AS (DELETE FROM u WHERE a = $1::bigint), c AS (UPDATE n SET t = 1 WHERE u = $2::bigint RETURNING u) INSERT INTO n (u) SELECT $2::bigint WHERE NOT EXISTS (SELECT 1 FROM c)");
        assert_eq!(hoisted.binds, [3, 7].map(Datum::Integer));
        let of_two = joined(vec![one("UPDATE t SET a = $1::bigint WHERE b ? 'c' AND d = $2::bigint", &[1, 2]), one("DELETE FROM u WHERE a = $1::bigint", &[3])]).expect("one");
        assert_eq!(of_two, one("WITH p0 AS (UPDATE t SET a = $1::bigint WHERE b ? 'c' AND d = $2::bigint) DELETE FROM u WHERE a = $3::bigint", &[1, 2, 3]));
        let of_three = joined(vec![one("X $1", &[1]), one("Y $1", &[2]), one("Z $1", &[3])]).expect("one");
        assert_eq!(of_three, one("WITH p0 AS (X $1), p1 AS (Y $2) Z $3", &[1, 2, 3]));
    }
}
