//! Statements over what records look like: keys of duplicate rules, look-alikes, pairs that are not the same.

use access::Tables;
use chrono::{DateTime, Utc};
use model::{Card, Catalog};
use uuid::Uuid;

use crate::{
    Datum, Dialect, Physical, Statement,
    builder::Builder,
    select::bind_ids,
    system::statement,
    write,
};

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn rule_datum(rule: usize) -> Datum {
    Datum::Integer(i64::try_from(rule).unwrap_or(i64::MAX))
}

/// Keeps what a record looks like by a rule.
pub fn put(dialect: Dialect, card: &str, rule: usize, record: Uuid, key: Vec<u8>) -> Statement {
    let sql = "INSERT INTO sys_likeness (card, rule, record, key) VALUES ({}, {}, {}, {}) ON CONFLICT (card, rule, record) DO UPDATE SET key = excluded.key";
    statement(dialect, sql, vec![text(card), rule_datum(rule), Datum::Uuid(record), Datum::Bytes(key)], Vec::new())
}

/// Keeps what many records look like, where nothing is kept of them yet.
pub fn put_many(catalog: &Catalog, dialect: Dialect, card: &str, keys: Vec<(usize, Uuid, Vec<u8>)>) -> Vec<Statement> {
    let rows = keys.into_iter().map(|(rule, record, key)| vec![text(card), rule_datum(rule), Datum::Uuid(record), Datum::Bytes(key)]).collect();
    let mut statements = write::insert(catalog, dialect, "sys_likeness", &["card", "rule", "record", "key"], rows);
    for statement in &mut statements {
        statement.sql.push_str(" ON CONFLICT (card, rule, record) DO UPDATE SET key = excluded.key");
    }
    statements
}

/// Forgets what a record looks like by a rule: a field of it is empty.
pub fn forget(dialect: Dialect, card: &str, rule: usize, record: Uuid) -> Statement {
    statement(dialect, "DELETE FROM sys_likeness WHERE card = {} AND rule = {} AND record = {}", vec![text(card), rule_datum(rule), Datum::Uuid(record)], Vec::new())
}

/// Forgets everything of a card.
pub fn forget_card(dialect: Dialect, card: &str) -> Statement {
    statement(dialect, "DELETE FROM sys_likeness WHERE card = {}", vec![text(card)], Vec::new())
}

/// Holds a key until the end of the transaction, so that two who save the same at once wait for each other.
pub fn hold_key(dialect: Dialect, key: &[u8]) -> Option<Statement> {
    let number = key.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes));
    // On SQLite there is one writer.
    (dialect == Dialect::Postgres).then(|| statement(dialect, "SELECT pg_advisory_xact_lock({})::text", vec![Datum::Integer(number)], vec![Physical::Text]))
}

/// Records outside the trash that look like this one by a rule, the oldest first, but for those said to be others.
pub fn like(catalog: &Catalog, dialect: Dialect, card: &Card, rule: usize, key: Vec<u8>, record: Uuid, limit: u32) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let (own, rule, key, id) = (builder.bind(text(card.key.as_str())), builder.bind(rule_datum(rule)), builder.bind(Datum::Bytes(key)), builder.bind(Datum::Uuid(record)));
    let unlike = format!("NOT EXISTS (SELECT 1 FROM sys_unlike u WHERE (u.one = l.record AND u.other = {id}) OR (u.one = {id} AND u.other = l.record))");
    let sql = format!(
        "SELECT l.record FROM sys_likeness l JOIN {} t ON t.id = l.record WHERE l.card = {own} AND l.rule = {rule} AND l.key = {key} AND l.record <> {id} AND t.trashed_at IS NULL AND {unlike} ORDER BY l.record LIMIT {limit}",
        card.table.physical
    );
    builder.finish(&sql, vec![Physical::Uuid])
}

/// Keys that several records have, in order, beyond one of them.
pub fn shared_keys(dialect: Dialect, card: &str, rule: usize, after: Option<Vec<u8>>, limit: u32) -> Statement {
    let mut binds = vec![text(card), rule_datum(rule)];
    let mut beyond = "";
    if let Some(after) = after {
        binds.push(Datum::Bytes(after));
        beyond = " AND key > {}";
    }
    let sql = format!("SELECT key FROM sys_likeness WHERE card = {{}} AND rule = {{}}{beyond} GROUP BY key HAVING count(*) > 1 ORDER BY key LIMIT {limit}");
    statement(dialect, &sql, binds, vec![Physical::Bytes])
}

/// Which records have these keys, as far as they may be seen: key, record, the oldest first; at most `limit` in all.
pub fn sharing(catalog: &Catalog, dialect: Dialect, tables: &Tables, card: &Card, rule: usize, keys: &[Vec<u8>], limit: u32) -> Statement {
    let mut builder = Builder::new(catalog, dialect, Some(tables));
    let rows = builder.rows(&card.table.reference());
    let (own, rule) = (builder.bind(text(card.key.as_str())), builder.bind(rule_datum(rule)));
    let bound: Vec<String> = keys.iter().map(|key| builder.bind(Datum::Bytes(key.clone()))).collect();
    let mut tests = vec![format!("l.card = {own}"), format!("l.rule = {rule}"), format!("l.key IN ({})", bound.join(", ")), format!("{}.trashed_at IS NULL", rows.alias)];
    tests.extend(builder.access(&rows.alias, &rows.table));
    let from = builder.from(&rows);
    let sql = format!("SELECT l.key, l.record FROM sys_likeness l JOIN {from} ON {}.id = l.record WHERE {} ORDER BY l.key, l.record LIMIT {limit}", rows.alias, tests.join(" AND "));
    builder.finish(&sql, vec![Physical::Bytes, Physical::Uuid])
}

/// Of these records, pairs that were said not to be the same.
pub fn unlike(catalog: &Catalog, dialect: Dialect, ids: &[Uuid]) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let one = bind_ids(&mut builder, ids);
    let other = bind_ids(&mut builder, ids);
    builder.finish(&format!("SELECT one, other FROM sys_unlike WHERE one IN ({one}) AND other IN ({other})"), vec![Physical::Uuid, Physical::Uuid])
}

/// Remembers that two records are not the same.
pub fn put_unlike(dialect: Dialect, card: &str, pair: (Uuid, Uuid), by: Option<Uuid>, at: DateTime<Utc>) -> Statement {
    let (one, other) = if pair.0 < pair.1 { pair } else { (pair.1, pair.0) };
    let by = by.map_or(Datum::Null(Physical::Uuid), Datum::Uuid);
    let sql = "INSERT INTO sys_unlike (one, other, card, said_by, said_at) VALUES ({}, {}, {}, {}, {}) ON CONFLICT DO NOTHING";
    statement(dialect, sql, vec![Datum::Uuid(one), Datum::Uuid(other), text(card), by, Datum::Instant(at)], Vec::new())
}

/// Remembers where a record went that was merged into another.
pub fn put_merged(dialect: Dialect, card: &str, record: Uuid, master: Uuid, at: DateTime<Utc>) -> Statement {
    let sql = "INSERT INTO sys_merged (record, card, master, at) VALUES ({}, {}, {}, {}) ON CONFLICT (record) DO UPDATE SET master = excluded.master, at = excluded.at";
    statement(dialect, sql, vec![Datum::Uuid(record), text(card), Datum::Uuid(master), Datum::Instant(at)], Vec::new())
}

/// Forgets where a record went: it is itself again.
pub fn forget_merged(dialect: Dialect, record: Uuid) -> Statement {
    statement(dialect, "DELETE FROM sys_merged WHERE record = {}", vec![Datum::Uuid(record)], Vec::new())
}

/// Where a record of a card went.
pub fn merged_into(dialect: Dialect, card: &str, record: Uuid) -> Statement {
    statement(dialect, "SELECT master FROM sys_merged WHERE card = {} AND record = {}", vec![text(card), Datum::Uuid(record)], vec![Physical::Uuid])
}

/// Files of some records become another's.
pub fn move_files(catalog: &Catalog, dialect: Dialect, from: &[Uuid], to: Uuid) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let to = builder.bind(Datum::Uuid(to));
    let from = bind_ids(&mut builder, from);
    builder.finish(&format!("UPDATE sys_file SET record = {to} WHERE record IN ({from})"), Vec::new())
}

/// These files become a record's again.
pub fn give_files(catalog: &Catalog, dialect: Dialect, files: &[Uuid], to: Uuid) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let to = builder.bind(Datum::Uuid(to));
    let files = bind_ids(&mut builder, files);
    builder.finish(&format!("UPDATE sys_file SET record = {to} WHERE id IN ({files})"), Vec::new())
}

/// The folders that merged records lie in hold the one that is left too, from this moment on.
pub fn follow_folders(catalog: &Catalog, dialect: Dialect, from: &[Uuid], to: Uuid, at: DateTime<Utc>) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let (to, at) = (builder.bind(Datum::Uuid(to)), builder.bind(Datum::Instant(at)));
    let from = bind_ids(&mut builder, from);
    let sql = format!(
        "INSERT INTO sys_folder_item (folder_id, record, card, added_by, added_at) SELECT folder_id, {to}, card, added_by, {at} FROM sys_folder_item WHERE record IN ({from}) ON CONFLICT (folder_id, record) DO NOTHING"
    );
    builder.finish(&sql, Vec::new())
}

/// A record leaves the folders it came into at a moment.
pub fn leave_folders(dialect: Dialect, record: Uuid, at: DateTime<Utc>) -> Statement {
    statement(dialect, "DELETE FROM sys_folder_item WHERE record = {} AND added_at = {}", vec![Datum::Uuid(record), Datum::Instant(at)], Vec::new())
}
