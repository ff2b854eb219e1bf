//! Statements over lists that took long, and over indexes made for them.

use chrono::{DateTime, Utc};

use crate::{Datum, Dialect, Physical, Statement, indexes::Shape, system::statement};

fn joined(columns: &[String]) -> Datum {
    Datum::Text(columns.join(","))
}

/// Notes that a list took long: `micros` microseconds.
pub fn note(dialect: Dialect, shape: &Shape, micros: i64, now: DateTime<Utc>) -> Statement {
    let sql = "INSERT INTO sys_slow_list (card, narrowed, sorted, seen, worst, last_at) VALUES ({}, {}, {}, 1, {}, {}) \
               ON CONFLICT (card, narrowed, sorted) DO UPDATE SET seen = sys_slow_list.seen + 1, last_at = excluded.last_at, \
               worst = CASE WHEN excluded.worst > sys_slow_list.worst THEN excluded.worst ELSE sys_slow_list.worst END";
    let binds = vec![Datum::Text(shape.card.to_string()), joined(&shape.narrowed), joined(&shape.sorted), Datum::Integer(micros), Datum::Instant(now)];
    statement(dialect, sql, binds, Vec::new())
}

/// Lists that took long, those asked for most first: card, narrowed, sorted, how often, worst in microseconds, last.
pub fn slow(dialect: Dialect, limit: u32) -> Statement {
    let sql = format!("SELECT card, narrowed, sorted, seen, worst, last_at FROM sys_slow_list ORDER BY seen DESC, worst DESC LIMIT {limit}");
    statement(dialect, &sql, Vec::new(), vec![Physical::Text, Physical::Text, Physical::Text, Physical::Integer, Physical::Integer, Physical::Instant])
}

/// Forgets that lists of this shape took long.
pub fn forget(dialect: Dialect, shape: &Shape) -> Statement {
    let binds = vec![Datum::Text(shape.card.to_string()), joined(&shape.narrowed), joined(&shape.sorted)];
    statement(dialect, "DELETE FROM sys_slow_list WHERE card = {} AND narrowed = {} AND sorted = {}", binds, Vec::new())
}

/// Keeps that an index was made.
pub fn made(dialect: Dialect, card: &str, columns: &[String], now: DateTime<Utc>) -> Statement {
    let binds = vec![Datum::Text(card.to_owned()), joined(columns), Datum::Instant(now)];
    statement(dialect, "INSERT INTO sys_index (card, columns, made_at) VALUES ({}, {}, {}) ON CONFLICT DO NOTHING", binds, Vec::new())
}
