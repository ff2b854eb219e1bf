//! Records that lie in the trash, deleted for good.
//!
//! **Invariants**
//! - What points to a row is told by the database itself: a field that is gone from the definitions still points.
//!
//! **Not here:** whether a record may be deleted for good (`app`).

use super::*;
use crate::system::statement;

/// Columns whose values are ids of rows of a table, by its foreign keys: table, column.
pub fn references(dialect: Dialect, physical: &str) -> Statement {
    let sql = match dialect {
        Dialect::Sqlite => "SELECT m.name, k.\"from\" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) k WHERE m.type = 'table' AND k.\"table\" = {} ORDER BY 1, 2",
        Dialect::Postgres => {
            "SELECT c.relname::text, a.attname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] \
             WHERE k.contype = 'f' AND k.confrelid = to_regclass({}) ORDER BY 1, 2"
        }
    };
    statement(dialect, sql, vec![Datum::Text(physical.to_owned())], vec![Physical::Text, Physical::Text])
}

/// The ids of rows of a table whose column holds any of these.
pub fn rows_with(catalog: &Catalog, dialect: Dialect, table: &str, column: &str, ids: &[Uuid]) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let bound = bind_ids(&mut builder, ids);
    builder.finish(&format!("SELECT id FROM {table} WHERE {column} IN ({bound})"), vec![Physical::Uuid])
}

/// Which of these ids a column of a table holds.
pub fn values_among(catalog: &Catalog, dialect: Dialect, table: &str, column: &str, ids: &[Uuid]) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let bound = bind_ids(&mut builder, ids);
    builder.finish(&format!("SELECT DISTINCT {column} FROM {table} WHERE {column} IN ({bound})"), vec![Physical::Uuid])
}

/// Records that were merged into any of these.
pub fn merged_into(catalog: &Catalog, dialect: Dialect, ids: &[Uuid]) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let bound = bind_ids(&mut builder, ids);
    builder.finish(&format!("SELECT record FROM sys_merged WHERE master IN ({bound})"), vec![Physical::Uuid])
}

/// Empties columns of rows in which the first of them holds any of these ids.
pub fn let_go(catalog: &Catalog, dialect: Dialect, table: &str, columns: &[&str], ids: &[Uuid]) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let bound = bind_ids(&mut builder, ids);
    let sets: Vec<String> = columns.iter().map(|column| format!("{column} = NULL")).collect();
    builder.finish(&format!("UPDATE {table} SET {} WHERE {} IN ({bound})", sets.join(", "), columns.first().unwrap_or(&"id")), Vec::new())
}

/// Deletes rows in which a column holds any of these ids.
pub fn delete_with(catalog: &Catalog, dialect: Dialect, table: &str, column: &str, ids: &[Uuid]) -> Statement {
    delete_by(catalog, dialect, table, column, ids)
}

/// Records of one trash id, with their versions; on PostgreSQL held until the end of the transaction, those that are still
/// there once they are.
pub fn trashed_under(catalog: &Catalog, dialect: Dialect, card: &Card, trash_id: Uuid) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let trash = builder.bind(Datum::Uuid(trash_id));
    builder.finish(&format!("SELECT id, version FROM {} WHERE trash_id = {trash} ORDER BY id{}", card.table.physical, if dialect == Dialect::Postgres { " FOR UPDATE" } else { "" }), vec![Physical::Uuid, Physical::Integer])
}

/// Trash ids of a card under which something was deleted before a moment, oldest first, from one on.
pub fn trashed_before(catalog: &Catalog, dialect: Dialect, card: &Card, before: DateTime<Utc>, after: Option<Uuid>, limit: u32) -> Statement {
    let mut builder = Builder::new(catalog, dialect, None);
    let before = builder.bind(Datum::Instant(before));
    let after = after.map(|after| format!(" AND trash_id > {}", builder.bind(Datum::Uuid(after)))).unwrap_or_default();
    builder.finish(&format!("SELECT DISTINCT trash_id FROM {} WHERE trashed_at <= {before}{after} ORDER BY trash_id LIMIT {limit}", card.table.physical), vec![Physical::Uuid])
}

/// What the engine keeps beside records of a card: gone with them. What happened to them stays in the log, which is only
/// added to.
pub fn forget(catalog: &Catalog, dialect: Dialect, card: &Card, ids: &[Uuid]) -> Vec<Statement> {
    let bare = |sql: &str| {
        let mut builder = Builder::new(catalog, dialect, None);
        let bound = bind_ids(&mut builder, ids);
        builder.finish(&sql.replace("{ids}", &bound), Vec::new())
    };
    let mut statements = Vec::new();
    if dialect == Dialect::Sqlite {
        statements.push(bare("DELETE FROM sys_search_index WHERE rowid IN (SELECT n FROM sys_search WHERE record IN ({ids}))"));
    }
    statements.push(bare("DELETE FROM sys_approval_task WHERE approval IN (SELECT id FROM sys_approval WHERE record IN ({ids}))"));
    // These two are found by all of their keys.
    let rules: Vec<String> = (0..card.duplicates.len()).map(|rule| rule.to_string()).collect();
    if !rules.is_empty() {
        statements.push(bare(&format!("DELETE FROM sys_likeness WHERE card = '{}' AND rule IN ({}) AND record IN ({{ids}})", card.key, rules.join(", "))));
    }
    let totals: Vec<String> = card.table.own_fields().map(|field| format!("'{}.{}'", card.id, field.id)).collect();
    if !totals.is_empty() {
        statements.push(bare(&format!("DELETE FROM sys_derived_total WHERE field IN ({}) AND owner_id IN ({{ids}})", totals.join(", "))));
    }
    let held = [
        ("sys_search", "record"), ("sys_approval", "record"), ("sys_state", "record"), ("sys_version", "record"), ("sys_share", "record"), ("sys_folder_item", "record"), ("sys_pool", "record"), ("sys_unlike", "one"),
        ("sys_unlike", "other"), ("sys_batch_row", "record"), ("sys_file", "record"),
        // Where a merged record went is known as long as that is there.
        ("sys_merged", "master"),
    ];
    statements.extend(held.map(|(table, column)| delete_by(catalog, dialect, table, column, ids)));
    statements
}
