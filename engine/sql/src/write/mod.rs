//! Changes as SQL. What is stored is a [`ValidRecord`], by the right of a [`GatedWrite`]: nothing else is lowered here.

use access::{GatedWrite, Tables};
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use model::{Card, Catalog, Field, FieldKind, Ident, OnDelete, Path, Record, Row, Storage, Table, TableRef, ValidRecord, Value, Values, record::value_of};
use uuid::Uuid;

use crate::{
    Datum, Dialect, Physical, Statement,
    builder::Builder,
    encode,
    select::{self, Lowered, bind_ids},
};

mod derived;
pub mod purge;

pub use derived::{derived, hold_all};

/// Most placeholders of one statement: SQLite takes 32,766, PostgreSQL 65,535.
const MAX_BINDS: usize = 30_000;

/// Rows of one table as INSERT statements, as many rows in each as there are placeholders for.
pub fn insert(catalog: &Catalog, dialect: Dialect, table: &str, columns: &[&str], rows: Vec<Vec<Datum>>) -> Vec<Statement> {
    let each = (MAX_BINDS / columns.len().max(1)).clamp(1, 500);
    let mut statements = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut builder = Builder::new(catalog, dialect, None);
        let mut tuples = Vec::new();
        for row in rows.by_ref().take(each) {
            let bound: Vec<String> = row.into_iter().map(|datum| builder.bind(datum)).collect();
            tuples.push(format!("({})", bound.join(", ")));
        }
        statements.push(builder.finish(&format!("INSERT INTO {table} ({}) VALUES {}", columns.join(", "), tuples.join(", ")), Vec::new()));
    }
    statements
}

fn stored_fields(table: &Table) -> impl Iterator<Item = &Field> {
    table.fields.values().filter(|field| !matches!(field.key.as_str(), "id" | "position" | "trashed_at"))
}

/// Fields with their values, those that are becoming another type also as they will be: their new place is filled
/// meanwhile, and must not miss what is written during it.
fn with_becoming<'t>(table: &'t Table, values: &'t Values, wanted: impl Fn(&Ident) -> bool + Copy + 't) -> impl Iterator<Item = (&'t Field, Value)> {
    let now = stored_fields(table).filter(move |field| wanted(&field.key)).map(|field| (field, value_of(values, field.key.as_str()).clone()));
    let then = table.becoming.iter().filter(move |field| wanted(&field.key)).filter_map(|coming| {
        let field = table.fields.get(&coming.key)?;
        let value = value_of(values, field.key.as_str());
        Some((coming, model::convert::convert(&field.kind, &coming.kind, value).unwrap_or_default()))
    });
    now.chain(then)
}

fn data_of<'t>(table: &'t Table, values: &'t Values, wanted: impl Fn(&Ident) -> bool + Copy + 't) -> impl Iterator<Item = (String, Datum)> {
    with_becoming(table, values, wanted).flat_map(|(field, value)| encode::columns(field, &value))
}

/// A new record with its child rows and side rows.
pub fn create(catalog: &Catalog, dialect: Dialect, gated: &GatedWrite, valid: &ValidRecord) -> Vec<Statement> {
    let card = gated.card();
    let record = valid.record();
    let mut columns = vec!["id".to_owned()];
    let mut data = vec![Datum::Uuid(record.id)];
    for (name, datum) in data_of(&card.table, &record.values, |_| true) {
        // What is empty is NULL anyway.
        if !matches!(datum, Datum::Null(_)) {
            columns.push(name);
            data.push(datum);
        }
    }
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut statements = insert(catalog, dialect, &card.table.physical, &names, vec![data]);
    statements.extend(side_inserts(catalog, dialect, &card.table, &[(record.id, &record.values)]));
    for (key, table) in &card.children {
        let rows: Vec<(usize, &Row)> = record.rows(key.as_str()).iter().enumerate().collect();
        statements.extend(insert_rows(catalog, dialect, table, record.id, &rows));
    }
    statements
}

fn insert_rows(catalog: &Catalog, dialect: Dialect, table: &Table, owner: Uuid, rows: &[(usize, &Row)]) -> Vec<Statement> {
    if rows.is_empty() {
        return Vec::new();
    }
    let empty = Values::default();
    let names: Vec<String> = data_of(table, &empty, |_| true).map(|(name, _)| name).collect();
    let columns: Vec<&str> = ["id", "parent_id", "position"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let data = rows.iter().map(|(position, row)| {
        let own = data_of(table, &row.values, |_| true).map(|(_, datum)| datum);
        [Datum::Uuid(row.id), Datum::Uuid(owner), Datum::Integer(i64::try_from(*position).unwrap_or(i64::MAX))].into_iter().chain(own).collect()
    });
    let mut statements = insert(catalog, dialect, &table.physical, &columns, data.collect());
    let owners: Vec<(Uuid, &Values)> = rows.iter().map(|(_, row)| (row.id, &row.values)).collect();
    statements.extend(side_inserts(catalog, dialect, table, &owners));
    statements
}

fn side_inserts(catalog: &Catalog, dialect: Dialect, table: &Table, owners: &[(Uuid, &Values)]) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut by_side: IndexMap<&str, Vec<Vec<Datum>>> = IndexMap::new();
    for (owner, values) in owners {
        for (field, value) in with_becoming(table, values, |_| true) {
            let Storage::Side { table: side } = &field.storage else { continue };
            let rows = encode::side_values(field, &value).into_iter().enumerate();
            by_side.entry(side).or_default().extend(rows.map(|(position, datum)| vec![Datum::Uuid(*owner), Datum::Integer(i64::try_from(position).unwrap_or(0)), datum]));
        }
    }
    for (side, rows) in by_side {
        statements.extend(insert(catalog, dialect, side, &["owner_id", "position", "value"], rows));
    }
    statements
}

/// What an update changes.
#[derive(Debug, Clone, Default)]
pub struct Changes<'a> {
    /// Own fields, the engine's included.
    pub fields: Vec<Ident>,
    /// Child rows that are new: table, position, row.
    pub added: Vec<(&'a Table, usize, &'a Row)>,
    /// Child rows that changed: table, position, row, fields.
    pub changed: Vec<(&'a Table, usize, &'a Row, Vec<Ident>)>,
    /// Child rows that are gone.
    pub removed: Vec<(&'a Table, Uuid)>,
}

/// The changed columns of a record, its child rows and side rows. The first statement must change one row, or
/// somebody else was quicker.
pub fn update(catalog: &Catalog, dialect: Dialect, gated: &GatedWrite, valid: &ValidRecord, version: i64, changes: &Changes<'_>) -> Vec<Statement> {
    let card = gated.card();
    let record = valid.record();
    let mut statements = vec![update_row(catalog, dialect, &card.table, record.id, &record.values, &changes.fields, Some(version))];
    statements.extend(replace_sides(catalog, dialect, &card.table, record.id, &record.values, &changes.fields));
    for (table, row) in &changes.removed {
        statements.extend(delete_rows(catalog, dialect, table, &[*row]));
    }
    for table in card.children.values() {
        statements.extend(step_aside(catalog, dialect, table, changes));
    }
    for (table, position, row, fields) in &changes.changed {
        let mut statement = update_row(catalog, dialect, table, row.id, &row.values, fields, None);
        if let Some(rest) = statement.sql.split_once(" SET ") {
            statement.sql = format!("{} SET position = {position}{}{}", rest.0, if fields_have_columns(table, fields) { ", " } else { "" }, rest.1);
        }
        statements.push(statement);
        statements.extend(replace_sides(catalog, dialect, table, row.id, &row.values, fields));
    }
    for (key, table) in &card.children {
        let added: Vec<(usize, &Row)> = changes.added.iter().filter(|(of, _, _)| of.child.as_ref() == Some(key)).map(|(_, position, row)| (*position, *row)).collect();
        statements.extend(insert_rows(catalog, dialect, table, record.id, &added));
    }
    statements
}

/// Rows that exchange unique values give them up first: both databases check each row as it is written.
fn step_aside(catalog: &Catalog, dialect: Dialect, table: &Table, changes: &Changes<'_>) -> Vec<Statement> {
    let of_table = || changes.changed.iter().filter(|(of, ..)| of.child == table.child);
    let mut statements = Vec::new();
    for set in &table.unique {
        for name in set.iter().filter_map(|key| table.field(key)?.column().map(|name| (key, name))) {
            let ids: Vec<Uuid> = of_table().filter(|(.., fields)| fields.contains(name.0)).map(|(_, _, row, _)| row.id).collect();
            if ids.len() < 2 {
                continue;
            }
            let mut builder = Builder::new(catalog, dialect, None);
            let bound = bind_ids(&mut builder, &ids);
            statements.push(builder.finish(&format!("UPDATE {} SET {} = NULL WHERE id IN ({bound})", table.physical, name.1), Vec::new()));
        }
    }
    statements
}

fn fields_have_columns(table: &Table, fields: &[Ident]) -> bool {
    let fields_of = |key: &Ident| table.field(key).into_iter().chain(table.becoming.iter().filter(|coming| coming.key == *key).collect::<Vec<_>>());
    fields.iter().flat_map(fields_of).any(|field| field.column().is_some())
}

fn update_row(catalog: &Catalog, dialect: Dialect, table: &Table, id: Uuid, values: &Values, fields: &[Ident], version: Option<i64>) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let mut sets = Vec::new();
    for (name, datum) in data_of(table, values, |key| fields.contains(key)) {
        let bound = builder.bind(datum);
        sets.push(format!("{name} = {bound}"));
    }
    let id = builder.bind(Datum::Uuid(id));
    let guard = version.map(|version| format!(" AND version = {}", builder.bind(Datum::Integer(version)))).unwrap_or_default();
    builder.finish(&format!("UPDATE {} SET {} WHERE id = {id}{guard}", table.physical, sets.join(", ")), Vec::new())
}

fn replace_sides(catalog: &Catalog, dialect: Dialect, table: &Table, id: Uuid, values: &Values, fields: &[Ident]) -> Vec<Statement> {
    let mut statements = Vec::new();
    for (field, value) in with_becoming(table, values, |key| fields.contains(key)) {
        let Storage::Side { table: side } = &field.storage else { continue };
        statements.push(delete_by(catalog, dialect, side, "owner_id", &[id]));
        let rows = encode::side_values(field, &value).into_iter().enumerate();
        let rows = rows.map(|(position, datum)| vec![Datum::Uuid(id), Datum::Integer(i64::try_from(position).unwrap_or(0)), datum]);
        statements.extend(insert(catalog, dialect, side, &["owner_id", "position", "value"], rows.collect()));
    }
    statements
}

fn delete_rows(catalog: &Catalog, dialect: Dialect, table: &Table, ids: &[Uuid]) -> Vec<Statement> {
    let sides = table.own_fields().chain(&table.becoming).filter_map(|field| match &field.storage {
        Storage::Side { table } => Some(delete_by(catalog, dialect, table, "owner_id", ids)),
        _ => None,
    });
    let mut statements: Vec<Statement> = sides.collect();
    statements.push(delete_by(catalog, dialect, &table.physical, "id", ids));
    statements
}

fn delete_by(catalog: &Catalog, dialect: Dialect, table: &str, column: &str, ids: &[Uuid]) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let ids = bind_ids(&mut builder, ids);
    builder.finish(&format!("DELETE FROM {table} WHERE {column} IN ({ids})"), Vec::new())
}

/// Who moved records into the trash or out of it, and when.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// Who; `None` for the system.
    pub by: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Records into the trash, under one trash id.
pub fn trash(catalog: &Catalog, dialect: Dialect, card: &Card, ids: &[Uuid], trash_id: Uuid, stamp: Stamp) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let at = builder.bind(Datum::Instant(stamp.at));
    let trash = builder.bind(Datum::Uuid(trash_id));
    let by = builder.bind(stamp.by.map_or(Datum::Null(Physical::Uuid), Datum::Uuid));
    let ids = bind_ids(&mut builder, ids);
    let sql = format!(
        "UPDATE {} SET trashed_at = {at}, trash_id = {trash}, updated_at = {at}, updated_by = {by}, version = version + 1 WHERE id IN ({ids}) AND trashed_at IS NULL",
        card.table.physical
    );
    builder.finish(&sql, Vec::new())
}

/// Records of one trash id out of the trash; answers which.
pub fn restore(catalog: &Catalog, dialect: Dialect, card: &Card, trash_id: Uuid, stamp: Stamp) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let at = builder.bind(Datum::Instant(stamp.at));
    let by = builder.bind(stamp.by.map_or(Datum::Null(Physical::Uuid), Datum::Uuid));
    let trash = builder.bind(Datum::Uuid(trash_id));
    let sql = format!(
        "UPDATE {} SET trashed_at = NULL, trash_id = NULL, updated_at = {at}, updated_by = {by}, version = version + 1 WHERE trash_id = {trash} RETURNING id",
        card.table.physical
    );
    builder.finish(&sql, vec![Physical::Uuid])
}

/// The trash id of a record: `None` in the answer for one that is not in the trash.
pub fn trash_of(catalog: &Catalog, dialect: Dialect, card: &Card, id: Uuid) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let id = builder.bind(Datum::Uuid(id));
    builder.finish(&format!("SELECT trash_id FROM {} WHERE id = {id}", card.table.physical), vec![Physical::Uuid])
}

/// Rows whose link points to any of `ids`: the row's record and id, at most `limit`. Those in the trash count only if
/// they are asked for.
pub fn pointing(catalog: &Catalog, dialect: Dialect, table: &Table, field: &Field, ids: &[Uuid], limit: u32, trash: bool) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let bound = bind_ids(&mut builder, ids);
    let record = catalog.card(&table.card).map_or_else(|| table.physical.clone(), |card| card.table.physical.clone());
    let link = match &field.storage {
        Storage::Side { table: side } => format!("t.id IN (SELECT owner_id FROM {side} WHERE value IN ({bound}))"),
        _ => format!("t.{} IN ({bound})", field.column().unwrap_or("id")),
    };
    let alive = |alias: &str| if trash { String::new() } else { format!(" AND {alias}.trashed_at IS NULL") };
    let sql = match table.child {
        None => format!("SELECT t.id, t.id FROM {record} t WHERE {link}{} LIMIT {limit}", alive("t")),
        Some(_) => format!("SELECT r.id, t.id FROM {} t JOIN {record} r ON r.id = t.parent_id WHERE {link}{} LIMIT {limit}", table.physical, alive("r")),
    };
    builder.finish(&sql, vec![Physical::Uuid, Physical::Uuid])
}

/// Another record outside the trash with the same values.
pub fn same_values(catalog: &Catalog, dialect: Dialect, table: &Table, record: &Record, set: &[Ident]) -> Option<Statement> {
    let mut builder = Builder::new(catalog, dialect, None);
    let mut tests = Vec::new();
    for field in set.iter().filter_map(|key| table.field(key)) {
        let value = record.get(field.key.as_str());
        if value.is_empty() {
            return None; // Empty values are never the same.
        }
        for (name, datum) in encode::columns(field, value) {
            let bound = builder.bind(datum);
            tests.push(format!("{name} = {bound}"));
        }
    }
    let id = builder.bind(Datum::Uuid(record.id));
    let sql = format!("SELECT id FROM {} WHERE {} AND id <> {id} AND trashed_at IS NULL LIMIT 1", table.physical, tests.join(" AND "));
    Some(builder.finish(&sql, vec![Physical::Uuid]))
}

/// Why records are held until the end of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// They are pointed to: nobody may trash them meanwhile.
    Share,
    /// They are going to change as well. Taken at once, for two that first share and then change would wait for each
    /// other for ever.
    Change,
}

impl Hold {
    /// Ids and keys never change, so new rows may point to what is held for a change.
    fn clause(self, dialect: Dialect) -> &'static str {
        match (dialect, self) {
            (Dialect::Sqlite, _) => "", // There is one writer.
            (Dialect::Postgres, Self::Share) => " FOR SHARE",
            (Dialect::Postgres, Self::Change) => " FOR NO KEY UPDATE",
        }
    }
}

/// Which of these records exist outside the trash; on PostgreSQL they are held until the end of the transaction, in
/// order of their ids. Those of the engine's own cards are there for ever, and many point to the same few: they are held
/// only if they change.
pub fn hold(catalog: &Catalog, dialect: Dialect, table: &TableRef, ids: &[Uuid], why: Hold) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let bound = bind_ids(&mut builder, ids);
    let builtin = catalog.card(&table.card).is_some_and(|card| card.builtin);
    let alive = if builtin { "" } else { " AND trashed_at IS NULL" };
    let held = if builtin && why == Hold::Share { "" } else { why.clause(dialect) };
    let physical = builder.physical(table);
    builder.finish(&format!("SELECT id FROM {physical} WHERE id IN ({bound}){alive} ORDER BY id{held}"), vec![Physical::Uuid])
}

/// Values of one record's own fields (its id, then `paths`), read as they are once it is held for a change. `None` where
/// the trash of others decides what is read, so that it must be held first, and on SQLite, where there is one writer.
pub fn held(catalog: &Catalog, dialect: Dialect, tables: &Tables, card: &Card, id: Uuid, paths: &[Path]) -> Option<Lowered> {
    let empties = |link: &model::LinkKind| link.on_delete == OnDelete::SetNull && !link.multiple && catalog.card(&link.target).is_some_and(|target| !target.builtin);
    let others = |path: &Path| matches!(path.field(catalog).map(|field| &field.kind), Some(FieldKind::Link(link)) if empties(link));
    if dialect == Dialect::Sqlite || paths.iter().any(others) {
        return None;
    }
    let mut lowered = select::by_ids(catalog, dialect, tables, &card.table.reference(), &[id], paths, true);
    lowered.statement.sql.push_str(Hold::Change.clause(dialect));
    Some(lowered)
}

/// Holds one record for a change until the end of the transaction.
pub fn hold_for_update(catalog: &Catalog, dialect: Dialect, card: &Card, id: Uuid) -> Option<Statement> {
    if dialect == Dialect::Sqlite {
        return None; // There is one writer.
    }
    let mut builder = Builder::new(catalog, dialect, None);
    let id = builder.bind(Datum::Uuid(id));
    Some(builder.finish(&format!("SELECT version FROM {} WHERE id = {id}{}", card.table.physical, Hold::Change.clause(dialect)), vec![Physical::Integer]))
}
