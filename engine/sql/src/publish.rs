//! Statements of a publish: where fields are, definitions that wait for their values, and those values, a part at a time.

use model::{Catalog, Field, Storage, Table, places::{Place, PlaceState}};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, encode, system::statement};

fn text(value: impl Into<String>) -> Datum {
    Datum::Text(value.into())
}

/// Every place of every field: table, field's id, number, shape, name, state.
pub fn places(dialect: Dialect) -> Statement {
    let columns = vec![Physical::Text, Physical::Text, Physical::Integer, Physical::Text, Physical::Text, Physical::Text];
    statement(dialect, "SELECT tbl, field, n, shape, place, state FROM sys_place ORDER BY tbl, field, n", Vec::new(), columns)
}

/// Writes a place down.
pub fn put_place(dialect: Dialect, table: &str, field: &str, place: &Place) -> Statement {
    let binds = vec![text(table), text(field), Datum::Integer(place.n), text(&place.shape), text(&place.name), text(place.state.word())];
    statement(dialect, "INSERT INTO sys_place (tbl, field, n, shape, place, state) VALUES ({}, {}, {}, {}, {}, {}) ON CONFLICT DO NOTHING", binds, Vec::new())
}

/// Ends the filling of all places.
pub fn end_filling(dialect: Dialect, state: PlaceState) -> Statement {
    statement(dialect, "UPDATE sys_place SET state = {} WHERE state = 'filling'", vec![text(state.word())], Vec::new())
}

/// Definitions that wait: pack, path, content.
pub fn waiting(dialect: Dialect) -> Statement {
    statement(dialect, "SELECT pack, path, content FROM sys_publish ORDER BY pack, path", Vec::new(), vec![Physical::Text, Physical::Text, Physical::Bytes])
}

/// Keeps one file of a pack that waits.
pub fn put_waiting(dialect: Dialect, pack: &str, path: &str, content: Vec<u8>) -> Statement {
    statement(dialect, "INSERT INTO sys_publish (pack, path, content) VALUES ({}, {}, {})", vec![text(pack), text(path), Datum::Bytes(content)], Vec::new())
}

/// Forgets definitions that waited.
pub fn clear_waiting(dialect: Dialect) -> Statement {
    statement(dialect, "DELETE FROM sys_publish", Vec::new(), Vec::new())
}

/// Puts definitions that waited in the place of those of the same packs.
pub fn take_waiting(dialect: Dialect) -> [Statement; 3] {
    [
        statement(dialect, "DELETE FROM sys_definition WHERE pack IN (SELECT pack FROM sys_publish)", Vec::new(), Vec::new()),
        statement(dialect, "INSERT INTO sys_definition (pack, path, content) SELECT pack, path, content FROM sys_publish", Vec::new(), Vec::new()),
        clear_waiting(dialect),
    ]
}

/// The job that fills places, if one waits or runs.
pub fn converting_job(dialect: Dialect, kind: &str) -> Statement {
    let sql = "SELECT id FROM sys_job WHERE kind = {} AND state IN ('waiting', 'running')";
    statement(dialect, sql, vec![text(kind)], vec![Physical::Uuid])
}

/// How many rows a table has, counted up to a limit.
pub fn count_rows(dialect: Dialect, table: &str, limit: u32) -> Statement {
    statement(dialect, &format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {limit}) counted"), Vec::new(), vec![Physical::Integer])
}

fn columns_of(field: &Field) -> Vec<(String, Physical)> {
    match &field.storage {
        Storage::Column(name) => vec![(name.clone(), encode::physical(&field.kind))],
        Storage::CardAndColumn { id, card } => vec![(id.clone(), Physical::Uuid), (card.clone(), Physical::Text)],
        Storage::Side { .. } | Storage::Nowhere => Vec::new(),
    }
}

/// Rows of a table in order of their ids, with what fields hold in their own columns. On PostgreSQL rows that are going
/// to be changed are held until the end of the transaction.
pub fn rows(dialect: Dialect, table: &str, fields: &[&Field], after: Option<Uuid>, limit: u32, hold: bool) -> Statement {
    let own: Vec<(String, Physical)> = fields.iter().flat_map(|field| columns_of(field)).collect();
    let names: Vec<&str> = std::iter::once("id").chain(own.iter().map(|(name, _)| name.as_str())).collect();
    let lock = if hold && dialect == Dialect::Postgres { " FOR NO KEY UPDATE" } else { "" };
    let (condition, binds) = match after {
        Some(id) => ("WHERE id > {}", vec![Datum::Uuid(id)]),
        None => ("", Vec::new()),
    };
    let sql = format!("SELECT {} FROM {table} {condition} ORDER BY id LIMIT {limit}{lock}", names.join(", "));
    statement(dialect, &sql, binds, std::iter::once(Physical::Uuid).chain(own.into_iter().map(|(_, physical)| physical)).collect())
}

/// What a row of [`rows`] holds, field by field; several values are elsewhere.
pub fn values(fields: &[&Field], row: Vec<Datum>) -> Vec<model::Value> {
    let mut row = row.into_iter();
    let mut next = || row.next().unwrap_or(Datum::Null(Physical::Text));
    let decode = |field: &&Field| match &field.storage {
        Storage::Column(_) => encode::value(next(), &field.kind),
        Storage::CardAndColumn { .. } => {
            let id = next();
            encode::any_id(id, next())
        }
        Storage::Side { .. } | Storage::Nowhere => model::Value::Empty,
    };
    fields.iter().map(decode).collect()
}

/// Several values of rows: owner, value, in order.
pub fn side_rows(dialect: Dialect, field: &Field, owners: &[Uuid]) -> Option<Statement> {
    let Storage::Side { table } = &field.storage else { return None };
    let marks = vec!["{}"; owners.len().max(1)].join(", ");
    let binds = if owners.is_empty() { vec![Datum::Null(Physical::Uuid)] } else { owners.iter().map(|id| Datum::Uuid(*id)).collect() };
    let sql = format!("SELECT owner_id, value FROM {table} WHERE owner_id IN ({marks}) ORDER BY owner_id, position");
    Some(statement(dialect, &sql, binds, vec![Physical::Uuid, encode::side_physical(&field.kind)]))
}

/// A row's values for places of fields, in the order of the fields.
pub type Filled = (Uuid, Vec<model::Value>);

/// Rows of one statement: placeholders are limited.
const EACH: usize = 200;

/// Writes values of rows into places of fields.
pub fn fill(dialect: Dialect, table: &str, fields: &[&Field], rows: &[Filled]) -> Vec<Statement> {
    rows.chunks(EACH).flat_map(|part| own_columns(dialect, table, fields, part).into_iter().chain(sides(dialect, fields, part))).collect()
}

fn own_columns(dialect: Dialect, table: &str, fields: &[&Field], rows: &[Filled]) -> Option<Statement> {
    let names: Vec<String> = fields.iter().flat_map(|field| columns_of(field)).map(|(name, _)| name).collect();
    if names.is_empty() {
        return None;
    }
    let mut binds = Vec::new();
    for (id, values) in rows {
        binds.push(Datum::Uuid(*id));
        binds.extend(fields.iter().zip(values).flat_map(|(field, value)| encode::columns(field, value)).map(|(_, datum)| datum));
    }
    let tuple = format!("({})", vec!["{}"; names.len() + 1].join(", "));
    let sets: Vec<String> = names.iter().map(|name| format!("{name} = v.{name}")).collect();
    let tuples = vec![tuple.as_str(); rows.len()].join(", ");
    let sql = format!("WITH v (id, {}) AS (VALUES {tuples}) UPDATE {table} SET {} FROM v WHERE {table}.id = v.id", names.join(", "), sets.join(", "));
    Some(statement(dialect, &sql, binds, Vec::new()))
}

fn sides(dialect: Dialect, fields: &[&Field], rows: &[Filled]) -> Vec<Statement> {
    let mut statements = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let Storage::Side { table } = &field.storage else { continue };
        let owners = vec!["{}"; rows.len()].join(", ");
        statements.push(statement(dialect, &format!("DELETE FROM {table} WHERE owner_id IN ({owners})"), rows.iter().map(|(id, _)| Datum::Uuid(*id)).collect(), Vec::new()));
        let data = rows.iter().flat_map(|(id, values)| {
            let each = encode::side_values(field, &values[index]).into_iter().enumerate();
            each.map(|(position, datum)| [Datum::Uuid(*id), Datum::Integer(i64::try_from(position).unwrap_or(i64::MAX)), datum])
        });
        for part in data.collect::<Vec<_>>().chunks(EACH) {
            let tuples = vec!["({}, {}, {})"; part.len()].join(", ");
            statements.push(statement(dialect, &format!("INSERT INTO {table} (owner_id, position, value) VALUES {tuples}"), part.concat(), Vec::new()));
        }
    }
    statements
}

fn alive(table: &Table) -> &'static str {
    if table.child.is_none() { " AND trashed_at IS NULL" } else { "" }
}

/// How many rows outside the trash have nothing in a field.
pub fn count_empty(dialect: Dialect, table: &Table, field: &Field) -> Option<Statement> {
    let condition = match &field.storage {
        Storage::Column(name) | Storage::CardAndColumn { id: name, .. } => format!("{name} IS NULL"),
        Storage::Side { table: side } => format!("NOT EXISTS (SELECT 1 FROM {side} s WHERE s.owner_id = {}.id)", table.physical),
        Storage::Nowhere => return None,
    };
    Some(statement(dialect, &format!("SELECT count(*) FROM {} WHERE {condition}{}", table.physical, alive(table)), Vec::new(), vec![Physical::Integer]))
}

/// Values that several rows share in fields that are to be unique: the values, then how many rows.
pub fn repeated(dialect: Dialect, table: &Table, fields: &[&Field], limit: u32) -> Option<Statement> {
    let own: Vec<(String, Physical)> = fields.iter().flat_map(|field| columns_of(field)).collect();
    if own.is_empty() {
        return None;
    }
    let names: Vec<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
    let filled: Vec<String> = names.iter().map(|name| format!("{name} IS NOT NULL")).collect();
    let parent = if table.child.is_some() { "parent_id, " } else { "" };
    let sql = format!(
        "SELECT {}, count(*) FROM {} WHERE {}{} GROUP BY {parent}{} HAVING count(*) > 1 ORDER BY count(*) DESC LIMIT {limit}",
        names.join(", "), table.physical, filled.join(" AND "), alive(table), names.join(", ")
    );
    Some(statement(dialect, &sql, Vec::new(), own.iter().map(|(_, physical)| *physical).chain([Physical::Integer]).collect()))
}

/// A card got another key: what names it by its key.
pub fn rename_card(dialect: Dialect, catalog: &Catalog, old: &str, new: &str) -> Vec<Statement> {
    let binds = || vec![text(new), text(old)];
    let mut statements = vec![statement(dialect, "UPDATE sys_file SET card = {} WHERE card = {}", binds(), Vec::new())];
    for (table, field) in model::places::stored(catalog) {
        if let Storage::CardAndColumn { card, .. } = &field.storage {
            statements.push(statement(dialect, &format!("UPDATE {} SET {card} = {{}} WHERE {card} = {{}}", table.physical), binds(), Vec::new()));
        }
    }
    statements
}

/// A field got another key: files that hang on it. Fields of child tables are called `table.field` there.
pub fn rename_field(dialect: Dialect, card: &str, old: &str, new: &str) -> Statement {
    statement(dialect, "UPDATE sys_file SET field = {} WHERE card = {} AND field = {}", vec![text(new), text(card), text(old)], Vec::new())
}
