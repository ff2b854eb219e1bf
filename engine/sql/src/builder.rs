//! Text and binds of a statement being written; joins along paths; the dialect's few differences.

use std::fmt::Write;

use model::{Catalog, Condition, Field, Hop, Ident, OnDelete, Path, Storage, TableRef};

use crate::{Datum, Dialect, Physical, Statement, encode, predicate};
use access::{Readable, Tables};

/// Rows at hand while lowering: an alias, its table, and the joins made from it so far.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The alias in the statement.
    pub alias: String,
    /// Which table.
    pub table: TableRef,
    joins: Vec<Join>,
}

#[derive(Debug, Clone)]
struct Join {
    from: String,
    hop: Hop,
    alias: String,
    sql: String,
}

/// A column, or an expression in its place.
#[derive(Debug, Clone)]
pub struct Column {
    /// SQL.
    pub sql: String,
    /// What it comes back as.
    pub physical: Physical,
    /// Whether it may be empty.
    pub nullable: bool,
}

/// How sums are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sums {
    /// As the database sums. SQLite refuses one beyond 64 bits, in which decimals are scaled whole numbers.
    #[default]
    Plain,
    /// On SQLite in two halves, which reach as far as anybody can count and cost twice as much.
    Halves,
}

/// Writes one statement.
pub struct Builder<'a> {
    /// Names and types.
    pub catalog: &'a Catalog,
    /// For which database.
    pub dialect: Dialect,
    /// What may be seen; `None` while access predicates themselves are lowered.
    pub tables: Option<&'a Tables>,
    /// Columns of the record whose related rows are being asked about, where such a condition names them.
    pub(crate) outer: Option<Vec<(Path, Column)>>,
    pub(crate) sums: Sums,
    binds: Vec<Datum>,
    aliases: usize,
    once: bool,
}

impl<'a> Builder<'a> {
    /// A statement for one dialect, seeing only what `tables` allows.
    pub fn new(catalog: &'a Catalog, dialect: Dialect, tables: Option<&'a Tables>) -> Self {
        Self { catalog, dialect, tables, outer: None, sums: Sums::Plain, binds: Vec::new(), aliases: 0, once: false }
    }

    /// With sums asked for in a certain way.
    #[must_use]
    pub fn with_sums(mut self, sums: Sums) -> Self {
        self.sums = sums;
        self
    }

    /// A placeholder for a value. PostgreSQL is told its type, since it cannot guess every one.
    pub fn bind(&mut self, datum: Datum) -> String {
        let physical = physical_of(&datum);
        self.binds.push(datum);
        let number = self.binds.len();
        match self.dialect {
            Dialect::Sqlite => format!("?{number}"),
            Dialect::Postgres => format!("${number}::{}", postgres_type(physical)),
        }
    }

    /// The best plan depends on the values of this statement.
    pub fn once(&mut self) {
        self.once = true;
    }

    /// The finished statement.
    pub fn finish(self, sql: &str, columns: Vec<Physical>) -> Statement {
        Statement { sql: format!("/*sv:{}*/ {}{sql}", self.catalog.version, if self.once { Statement::ONCE } else { "" }), binds: self.binds, columns }
    }

    /// A new alias.
    pub fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases - 1)
    }

    /// Rows of a table under a new alias.
    pub fn rows(&mut self, table: &TableRef) -> Rows {
        Rows { alias: self.alias(), table: table.clone(), joins: Vec::new() }
    }

    /// `c_order t0 LEFT JOIN …`
    pub fn from(&self, rows: &Rows) -> String {
        let mut text = format!("{} {}", self.physical(&rows.table), rows.alias);
        for join in &rows.joins {
            let _ = write!(text, " {}", join.sql);
        }
        text
    }

    /// The physical name of a table.
    pub fn physical(&self, table: &TableRef) -> String {
        self.catalog.table(table).map_or_else(|| "sys_nothing".to_owned(), |table| table.physical.clone())
    }

    /// The column at the end of a path that reaches one row.
    pub fn column(&mut self, rows: &mut Rows, path: &Path) -> Column {
        let mut alias = rows.alias.clone();
        let mut table = rows.table.clone();
        for hop in &path.hops {
            (alias, table) = self.join(rows, &alias, &table, hop);
        }
        self.leaf(&alias, &table, path, !path.hops.is_empty())
    }

    /// The column of a field of the rows under `alias`, empty where the actor may not see it.
    pub fn leaf(&mut self, alias: &str, table: &TableRef, path: &Path, joined: bool) -> Column {
        let Some(field) = self.catalog.table(table).and_then(|found| found.field(&path.leaf)) else {
            return Column { sql: "NULL".into(), physical: Physical::Text, nullable: true };
        };
        let Some(name) = field.column() else { return Column { sql: "NULL".into(), physical: Physical::Text, nullable: true } };
        let physical = encode::physical(&field.kind);
        let mut column = Column { sql: format!("{alias}.{name}"), physical, nullable: joined || !never_empty(field) };
        if let Some(part) = path.part {
            column = self.part(&column.sql, part);
        }
        match self.readable(table, &field.key) {
            Readable::Always => column,
            Readable::Never => Column { sql: "NULL".into(), nullable: true, ..column },
            Readable::When(condition) => {
                let shown = self.ungated(|builder| predicate::lower_at(builder, alias, table, &condition));
                Column { sql: format!("CASE WHEN {shown} THEN {} END", column.sql), nullable: true, ..column }
            }
        }
    }

    /// The column of a path as it is shown: a link that is emptied when its target goes reads as empty from the moment
    /// the target lies in the trash.
    pub fn alive(&mut self, rows: &mut Rows, path: &Path) -> Column {
        let column = self.column(rows, path);
        let target = match self.field(&path.end, &path.leaf).map(|field| &field.kind) {
            Some(model::FieldKind::Link(link)) if link.on_delete == OnDelete::SetNull && !link.multiple => self.catalog.card(&link.target).filter(|target| !target.builtin),
            _ => None,
        };
        let Some(target) = target else { return column };
        let alias = self.alias();
        let sql = format!("(SELECT {alias}.id FROM {} {alias} WHERE {alias}.id = {} AND {alias}.trashed_at IS NULL)", target.table.physical, column.sql);
        Column { sql, nullable: true, ..column }
    }

    fn readable(&self, table: &TableRef, field: &Ident) -> Readable {
        match self.tables {
            Some(tables) if field != "id" => tables.readable(&table.card, table.child.as_ref(), field),
            _ => Readable::Always,
        }
    }

    /// Lowers with every right: for access predicates themselves.
    pub fn ungated<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        let tables = self.tables.take();
        let done = lower(self);
        self.tables = tables;
        done
    }

    fn part(&self, column: &str, part: model::Part) -> Column {
        let number = matches!(part, model::Part::Lat | model::Part::Lon);
        let physical = if number { Physical::Decimal { scale: 7 } } else { Physical::Text };
        let sql = match (self.dialect, number) {
            (Dialect::Sqlite, false) => format!("json_extract({column}, '$.{}')", part.name()),
            (Dialect::Sqlite, true) => format!("CAST(round(json_extract({column}, '$.{}') * 10000000) AS INTEGER)", part.name()),
            (Dialect::Postgres, false) => format!("({column}::jsonb ->> '{}') COLLATE \"C\"", part.name()),
            (Dialect::Postgres, true) => format!("({column}::jsonb ->> '{}')::numeric", part.name()),
        };
        Column { sql, physical, nullable: true }
    }

    fn join(&mut self, rows: &mut Rows, from: &str, table: &TableRef, hop: &Hop) -> (String, TableRef) {
        let next = match hop {
            Hop::Link { target, .. } | Hop::AnyLink { target, .. } | Hop::Links { target, .. } => TableRef::card(target),
            Hop::Parent => TableRef::card(&table.card),
            Hop::Child { table: child } => TableRef::child(&table.card, child),
        };
        if let Some(known) = rows.joins.iter().find(|join| join.from == from && join.hop == *hop) {
            return (known.alias.clone(), next);
        }
        let alias = self.alias();
        let on = self.join_condition(from, table, hop, &alias, &next);
        let sql = format!("LEFT JOIN {} {alias} ON {on}", self.physical(&next));
        rows.joins.push(Join { from: from.to_owned(), hop: hop.clone(), alias: alias.clone(), sql });
        (alias, next)
    }

    /// Which linked row: the one pointed to, if the actor may see it, the link, and it is not an emptied link's.
    fn join_condition(&mut self, from: &str, table: &TableRef, hop: &Hop, alias: &str, next: &TableRef) -> String {
        let mut on = match hop {
            Hop::Parent => return format!("{alias}.id = {from}.parent_id"),
            Hop::Child { .. } => return format!("{alias}.parent_id = {from}.id"),
            Hop::Link { field, .. } | Hop::AnyLink { field, .. } | Hop::Links { field, .. } => {
                let path = Path::own(table.clone(), field.clone());
                format!("{alias}.id = {}", self.leaf(from, table, &path, false).sql)
            }
        };
        if let Hop::AnyLink { field, target } = hop
            && let Some(Storage::CardAndColumn { card, .. }) = self.field(table, field).map(|field| field.storage.clone()) {
                let bound = self.bind(Datum::Text(target.to_string()));
                let _ = write!(on, " AND {from}.{card} = {bound}");
            }
        if self.empties_when_trashed(table, hop) && self.catalog.card(&next.card).is_some_and(|card| !card.builtin) {
            let _ = write!(on, " AND {alias}.trashed_at IS NULL");
        }
        if let Some(rows) = self.tables.map(|tables| tables.rows(&next.card)).filter(|rows| !rows.is_always()) {
            let gate = self.ungated(|builder| predicate::lower_at(builder, alias, next, &rows));
            let _ = write!(on, " AND {gate}");
        }
        on
    }

    fn field(&self, table: &TableRef, key: &Ident) -> Option<&'a Field> {
        self.catalog.table(table)?.field(key)
    }

    fn empties_when_trashed(&self, table: &TableRef, hop: &Hop) -> bool {
        let (Hop::Link { field, .. } | Hop::Links { field, .. } | Hop::AnyLink { field, .. }) = hop else { return false };
        self.field(table, field).is_some_and(|field| field.kind.on_delete() == Some(OnDelete::SetNull))
    }

    /// The access predicate of a card's rows under `alias`, if there is anything to say.
    pub fn access(&mut self, alias: &str, table: &TableRef) -> Option<String> {
        let rows: Condition = self.tables?.rows(&table.card);
        if rows.is_always() {
            return None;
        }
        let of = TableRef::card(&table.card);
        Some(self.ungated(|builder| match &table.child {
            None => predicate::lower_at(builder, alias, &of, &rows),
            Some(_) => {
                let parent = builder.rows(&of);
                let inner = predicate::lower_at(builder, &parent.alias, &of, &rows);
                format!("EXISTS (SELECT 1 FROM {} {} WHERE {}.id = {alias}.parent_id AND {inner})", builder.physical(&of), parent.alias, parent.alias)
            }
        }))
    }
}

fn never_empty(field: &Field) -> bool {
    field.system && matches!(field.key.as_str(), "id" | "version" | "created_at" | "updated_at")
}

/// The type of a datum.
pub fn physical_of(datum: &Datum) -> Physical {
    match datum {
        Datum::Null(physical) => *physical,
        Datum::Text(_) => Physical::Text,
        Datum::Integer(_) => Physical::Integer,
        Datum::Boolean(_) => Physical::Boolean,
        Datum::Decimal { scale, .. } => Physical::Decimal { scale: *scale },
        Datum::Date(_) => Physical::Date,
        Datum::Time(_) => Physical::Time,
        Datum::Instant(_) => Physical::Instant,
        Datum::Uuid(_) => Physical::Uuid,
        Datum::Json(_) => Physical::Json,
        Datum::Bytes(_) => Physical::Bytes,
    }
}

/// PostgreSQL's word for a type.
pub fn postgres_type(physical: Physical) -> &'static str {
    match physical {
        Physical::Text => "text",
        Physical::Integer => "bigint",
        Physical::Boolean => "boolean",
        Physical::Decimal { .. } => "numeric",
        Physical::Date => "date",
        Physical::Time => "time",
        Physical::Instant => "timestamptz",
        Physical::Uuid => "uuid",
        Physical::Json => "jsonb",
        Physical::Bytes => "bytea",
    }
}
