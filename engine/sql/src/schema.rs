//! The tables that a catalog wants, and the statements that bring a database there. Nothing is ever dropped but
//! indexes of ours: fields and cards that are gone from the definitions stay where they are, retired.

use std::collections::{BTreeMap, BTreeSet};

use model::{Card, Catalog, Field, FieldKind, Ident, Storage, Table};

use crate::{Dialect, Physical, builder::postgres_type, encode, indexes};

/// Tables by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    /// Tables by physical name, in the order they are made.
    pub tables: Vec<TableSpec>,
}

/// A table as wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSpec {
    /// Physical name.
    pub name: String,
    /// Columns in order.
    pub columns: Vec<ColumnSpec>,
    /// The primary key's columns.
    pub key: Vec<String>,
    /// Indexes.
    pub indexes: Vec<IndexSpec>,
}

/// A column as wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnSpec {
    /// Physical name.
    pub name: String,
    /// Type.
    pub physical: Physical,
    /// Never NULL: the engine's own columns only; what people fill in is checked by the save path.
    pub required: bool,
    /// The table whose `id` it points to.
    pub references: Option<String>,
}

/// An index as wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexSpec {
    /// Physical name, made of the table and the columns.
    pub name: String,
    /// Columns in order.
    pub columns: Vec<String>,
    /// Over records outside the trash.
    pub unique: bool,
    /// A condition such as `trashed_at IS NULL`.
    pub condition: Option<&'static str>,
}

/// What a database has: tables with their columns, and index names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Existing {
    /// Table → column → type as the database calls it, in lower case.
    pub tables: BTreeMap<String, BTreeMap<String, String>>,
    /// Names of indexes.
    pub indexes: BTreeSet<String>,
    /// Names of foreign keys (PostgreSQL).
    pub constraints: BTreeSet<String>,
}

/// The tables a catalog wants.
pub fn desired(catalog: &Catalog) -> Schema {
    let mut schema = Schema::default();
    for card in catalog.cards.values().filter(|card| !card.builtin) {
        schema.tables.push(card_table(catalog, card));
        for child in card.children.values() {
            schema.tables.push(child_table(catalog, card, child));
        }
        for table in std::iter::once(&card.table).chain(card.children.values()) {
            schema.tables.extend(table.own_fields().filter_map(|field| side_table(catalog, table, field)));
        }
    }
    schema
}

fn column(name: &str, physical: Physical, required: bool) -> ColumnSpec {
    ColumnSpec { name: name.to_owned(), physical, required, references: None }
}

fn reference(name: &str, table: &str) -> ColumnSpec {
    ColumnSpec { name: name.to_owned(), physical: Physical::Uuid, required: false, references: Some(table.to_owned()) }
}

fn card_table(catalog: &Catalog, card: &Card) -> TableSpec {
    let name = card.table.physical.clone();
    let mut columns = vec![
        column("id", Physical::Uuid, true),
        column("version", Physical::Integer, true),
        column("created_at", Physical::Instant, true),
        reference("created_by", "sys_user"),
        column("updated_at", Physical::Instant, true),
        reference("updated_by", "sys_user"),
        reference("owner", "sys_user"),
        column("org_unit", Physical::Uuid, false),
        column("site", Physical::Text, false),
        column("trashed_at", Physical::Instant, false),
        column("trash_id", Physical::Uuid, false),
    ];
    columns.extend(card.table.own_fields().flat_map(|field| field_columns(catalog, field)));
    let mut indexes = vec![
        index(&name, &["created_at", "id"], false, None),
        // What is one's own, newest first.
        index(&name, &["owner", "created_at", "id"], false, None),
        index(&name, &["org_unit", "created_at", "id"], false, None),
        // Almost every record is outside the trash, so only the others are worth an index.
        index(&name, &["trash_id"], false, Some("trash_id IS NOT NULL")),
    ];
    indexes.extend(link_indexes(&name, &card.table));
    for set in &card.unique {
        let columns: Vec<&str> = set.iter().filter_map(|key| card.field(key.as_str())?.column()).collect();
        indexes.push(index(&name, &columns, true, Some("trashed_at IS NULL")));
    }
    for set in &card.indexes {
        let columns: Vec<&str> = set.iter().filter_map(|key| card.field(key.as_str())?.column()).chain(["id"]).collect();
        indexes.push(index(&name, &columns, false, None));
    }
    for columns in indexes::of_views(card).into_iter().chain(indexes::of_panels(catalog, card)).chain(indexes::of_rollups(catalog, &card.table)) {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        indexes.push(index(&name, &columns, false, None));
    }
    // Titles are what lists are sorted by and pickers look in.
    let title = card.title.paths().find(|path| path.hops.is_empty()).and_then(|path| card.field(path.leaf.as_str())?.column());
    if let Some(title) = title {
        indexes.push(index(&name, &[title, "id"], false, None));
    }
    TableSpec { name, columns, key: vec!["id".into()], indexes: distinct(indexes) }
}

fn child_table(catalog: &Catalog, card: &Card, child: &Table) -> TableSpec {
    let name = child.physical.clone();
    let mut parent = reference("parent_id", &card.table.physical);
    parent.required = true;
    let mut columns = vec![column("id", Physical::Uuid, true), parent, column("position", Physical::Integer, true)];
    columns.extend(child.own_fields().flat_map(|field| field_columns(catalog, field)));
    let mut indexes = vec![index(&name, &["parent_id", "position"], false, None)];
    indexes.extend(link_indexes(&name, child));
    for columns in indexes::of_rollups(catalog, child) {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        indexes.push(index(&name, &columns, false, None));
    }
    for set in &child.unique {
        let columns: Vec<&str> = ["parent_id"].into_iter().chain(set.iter().filter_map(|key| child.field(key)?.column())).collect();
        indexes.push(index(&name, &columns, true, None));
    }
    TableSpec { name, columns, key: vec!["id".into()], indexes: distinct(indexes) }
}

fn distinct(indexes: Vec<IndexSpec>) -> Vec<IndexSpec> {
    let mut seen = BTreeSet::new();
    indexes.into_iter().filter(|index| seen.insert(index.name.clone())).collect()
}

fn side_table(catalog: &Catalog, table: &Table, field: &Field) -> Option<TableSpec> {
    let Storage::Side { table: name } = &field.storage else { return None };
    let mut owner = reference("owner_id", &table.physical);
    owner.required = true;
    let mut value = column("value", encode::side_physical(&field.kind), true);
    value.references = target_table(catalog, &field.kind);
    Some(TableSpec {
        columns: vec![owner, column("position", Physical::Integer, true), value],
        key: vec!["owner_id".into(), "position".into()],
        indexes: vec![index(name, &["value", "owner_id"], false, None)],
        name: name.clone(),
    })
}

fn target_table(catalog: &Catalog, kind: &FieldKind) -> Option<String> {
    match kind {
        FieldKind::Link(link) => catalog.card(&link.target).map(|card| card.table.physical.clone()),
        FieldKind::File(_) => Some("sys_file".to_owned()),
        _ => None,
    }
}

fn field_columns(catalog: &Catalog, field: &Field) -> Vec<ColumnSpec> {
    match &field.storage {
        Storage::Column(name) => vec![ColumnSpec { references: target_table(catalog, &field.kind).filter(|_| !is_stamp(field)), ..column(name, encode::physical(&field.kind), false) }],
        Storage::CardAndColumn { id, card } => vec![column(id, Physical::Uuid, false), column(card, Physical::Text, false)],
        Storage::Side { .. } | Storage::Nowhere => Vec::new(),
    }
}

/// Who made and who changed a record. Both come from the session, and accounts are never deleted: a foreign key would
/// lock the same few rows for every record that somebody saves.
fn is_stamp(field: &Field) -> bool {
    field.system && matches!(field.key.as_str(), "created_by" | "updated_by")
}

fn link_indexes(table: &str, of: &Table) -> Vec<IndexSpec> {
    let links = of.own_fields().filter(|field| matches!(field.kind, FieldKind::Link(_) | FieldKind::AnyLink { .. }));
    links.filter_map(|field| Some(index(table, &[field.column()?], false, None))).collect()
}

/// The name says table and columns; too long a one is cut and told apart by a hash.
fn index(table: &str, columns: &[&str], unique: bool, condition: Option<&'static str>) -> IndexSpec {
    let word = if unique { "uq" } else { "ix" };
    let name = short(format!("{word}_{table}__{}", columns.join("__")));
    IndexSpec { name, columns: columns.iter().map(|column| (*column).to_owned()).collect(), unique, condition }
}

/// The name of an index over columns.
pub fn index_name(table: &str, columns: &[String]) -> String {
    short(format!("ix_{table}__{}", columns.join("__")))
}

fn short(full: String) -> String {
    if full.len() <= 63 { full } else { format!("{}_{:016x}", full.chars().take(46).collect::<String>(), fnv(&full)) }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): a hash that is the same for ever, as names must be.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The statements that bring a database from what it has to what is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// Tables and columns: nothing that is there notices them.
    pub grow: Vec<String>,
    /// Indexes, unique rules and foreign keys: for when the values are in their places.
    pub finish: Vec<String>,
}

/// What brings a database from what it has to what is wanted, in order.
pub fn plan(existing: &Existing, wanted: &Schema, dialect: Dialect) -> Steps {
    let mut steps = Vec::new();
    let mut later = Vec::new();
    for table in &wanted.tables {
        match existing.tables.get(&table.name) {
            None => steps.push(create_table(table, dialect)),
            Some(columns) => {
                for column in table.columns.iter().filter(|column| !columns.contains_key(&column.name)) {
                    steps.push(format!("ALTER TABLE {} ADD COLUMN {}", table.name, column_text(column, dialect, true)));
                }
            }
        }
        if dialect == Dialect::Postgres {
            for column in &table.columns {
                let Some(target) = &column.references else { continue };
                let name = foreign_key(&table.name, &column.name);
                if !existing.constraints.contains(&name) {
                    later.push(format!("ALTER TABLE {} ADD CONSTRAINT {name} FOREIGN KEY ({}) REFERENCES {target} (id) ON DELETE RESTRICT", table.name, column.name));
                }
            }
        }
    }
    let wanted_indexes: BTreeSet<&str> = wanted.tables.iter().flat_map(|table| table.indexes.iter().map(|index| index.name.as_str())).collect();
    for stale in existing.indexes.iter().filter(|name| name.starts_with("uq_c_") && !wanted_indexes.contains(name.as_str())) {
        // A rule that is gone must not go on refusing records; other indexes only cost a little space.
        later.push(format!("DROP INDEX {stale}"));
    }
    for table in &wanted.tables {
        for index in table.indexes.iter().filter(|index| !existing.indexes.contains(&index.name)) {
            later.push(create_index(table, index));
        }
    }
    Steps { grow: steps, finish: later }
}

fn foreign_key(table: &str, column: &str) -> String {
    short(format!("fk_{table}__{column}"))
}

fn create_table(table: &TableSpec, dialect: Dialect) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| column_text(column, dialect, false)).collect();
    let options = match (dialect, table.key.len()) {
        // Rows of side tables are all key: one tree instead of two.
        (Dialect::Sqlite, 2..) => " STRICT, WITHOUT ROWID",
        (Dialect::Sqlite, _) => " STRICT",
        (Dialect::Postgres, _) => "",
    };
    format!("CREATE TABLE {} ({}, PRIMARY KEY ({})){options}", table.name, columns.join(", "), table.key.join(", "))
}

fn column_text(column: &ColumnSpec, dialect: Dialect, added: bool) -> String {
    let kind = match dialect {
        Dialect::Sqlite => sqlite_type(column.physical).to_owned(),
        Dialect::Postgres if column.physical == Physical::Text => "text COLLATE \"C\"".to_owned(),
        Dialect::Postgres => match column.physical {
            Physical::Decimal { scale } => format!("numeric(38, {scale})"),
            other => postgres_type(other).to_owned(),
        },
    };
    let required = if column.required && !added { " NOT NULL" } else { "" };
    let references = match (&column.references, dialect) {
        (Some(table), Dialect::Sqlite) => format!(" REFERENCES {table} (id) ON DELETE RESTRICT"),
        _ => String::new(),
    };
    format!("{} {kind}{required}{references}", column.name)
}

/// SQLite's word for a type, in a STRICT table.
pub fn sqlite_type(physical: Physical) -> &'static str {
    match physical {
        Physical::Text | Physical::Date | Physical::Time | Physical::Json => "TEXT",
        Physical::Integer | Physical::Boolean | Physical::Decimal { .. } | Physical::Instant => "INTEGER",
        Physical::Uuid | Physical::Bytes => "BLOB",
    }
}

fn create_index(table: &TableSpec, index: &IndexSpec) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let condition = index.condition.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
    format!("CREATE {unique}INDEX {} ON {} ({}){condition}", index.name, table.name, index.columns.join(", "))
}

/// Columns whose type in the database is not the one wanted: table, column, found, wanted.
pub fn type_changes(existing: &Existing, wanted: &Schema, dialect: Dialect) -> Vec<(String, String, String, Physical)> {
    let mut found = Vec::new();
    for table in &wanted.tables {
        let Some(columns) = existing.tables.get(&table.name) else { continue };
        for column in &table.columns {
            let Some(is) = columns.get(&column.name) else { continue };
            if !fits(is, column.physical, dialect) {
                found.push((table.name.clone(), column.name.clone(), is.clone(), column.physical));
            }
        }
    }
    found
}

fn fits(found: &str, wanted: Physical, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Sqlite => found.eq_ignore_ascii_case(sqlite_type(wanted)),
        Dialect::Postgres => match wanted {
            Physical::Decimal { scale } => found == format!("numeric(38,{scale})"),
            Physical::Time => found.starts_with("time "),
            Physical::Instant => found.starts_with("timestamp with"),
            other => found == postgres_type(other),
        },
    }
}

/// The fields a violated constraint speaks of: card, child table, fields. `constraint` is an index's name
/// (PostgreSQL) or `table.column, table.column` (SQLite).
pub fn constraint_fields(catalog: &Catalog, constraint: &str) -> Option<(Ident, Option<Ident>, Vec<Ident>)> {
    for card in catalog.cards.values().filter(|card| !card.builtin) {
        for table in std::iter::once(&card.table).chain(card.children.values()) {
            let sets = if table.child.is_none() { &card.unique } else { &table.unique };
            for set in sets {
                let own: Vec<&str> = set.iter().filter_map(|key| table.field(key)?.column()).collect();
                let parent = table.child.as_ref().map(|_| "parent_id");
                let columns: Vec<&str> = parent.into_iter().chain(own).collect();
                let listed = columns.iter().map(|column| format!("{}.{column}", table.physical)).collect::<Vec<_>>().join(", ");
                if constraint == listed || constraint == index(&table.physical, &columns, true, None).name {
                    return Some((card.key.clone(), table.child.clone(), set.clone()));
                }
            }
        }
    }
    None
}
