//! Questions as SQL: single records, counts, totals, groups, titles, child rows.

use access::{GatedQuery, LinkTitle, Tables};
use model::{Aggregate, Card, Catalog, FieldKind, Ident, OnDelete, Path, Storage, TableRef, Value};
use query::Trash;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{
    Datum, Dialect, Physical, Statement,
    builder::{Builder, Rows, Sums},
    encode, predicate, search,
};

/// A statement with what its columns mean.
#[derive(Debug, Clone)]
pub struct Lowered {
    /// The statement.
    pub statement: Statement,
    outputs: Vec<Output>,
}

#[derive(Debug, Clone)]
pub(crate) enum Output {
    /// A column of a field's kind.
    Value(FieldKind),
    /// Two columns: id and card.
    AnyLink,
    /// Not in this statement: several values in a table of their own.
    Elsewhere,
    /// A sum: high and low half on SQLite, whose whole numbers would overflow.
    Sum { halves: bool, scale: u8 },
    /// A sum and how many it is of.
    Average { halves: bool, scale: u8 },
    /// A whole number.
    Count,
}

impl Lowered {
    /// The statement about another record than the one it was written for.
    pub fn about(&self, written_for: Uuid, id: Uuid) -> Statement {
        let bind = |datum: &Datum| if *datum == Datum::Uuid(written_for) { Datum::Uuid(id) } else { datum.clone() };
        Statement { sql: self.statement.sql.clone(), binds: self.statement.binds.iter().map(bind).collect(), columns: self.statement.columns.clone() }
    }

    /// A row as values, one for each thing asked for.
    pub fn decode(&self, row: Vec<Datum>) -> Vec<Value> {
        let mut row = row.into_iter();
        let mut next = || row.next().unwrap_or(Datum::Null(Physical::Text));
        self.outputs.iter().map(|output| match output {
            Output::Value(kind) => encode::value(next(), kind),
            Output::AnyLink => {
                let id = next();
                encode::any_id(id, next())
            }
            Output::Elsewhere => Value::Empty,
            Output::Sum { halves, scale } => sum(&mut next, *halves, *scale),
            Output::Average { halves, scale } => {
                let total = sum(&mut next, *halves, *scale);
                match (total, next()) {
                    (Value::Decimal(total), Datum::Integer(count)) if count > 0 => Value::Decimal((total / Decimal::from(count)).round_dp(9).normalize()),
                    _ => Value::Empty,
                }
            }
            Output::Count => match next() {
                Datum::Integer(count) => Value::Int(count),
                _ => Value::Int(0),
            },
        }).collect()
    }
}

/// On SQLite the halves are sums of `x / 1000000000` and `x % 1000000000` of scaled numbers.
fn sum(next: &mut impl FnMut() -> Datum, halves: bool, scale: u8) -> Value {
    if !halves {
        return match next() {
            Datum::Decimal { value, .. } => Value::Decimal(value.normalize()),
            Datum::Integer(value) => Value::Decimal(Decimal::from(value)),
            _ => Value::Empty,
        };
    }
    match (next(), next()) {
        (Datum::Integer(high), Datum::Integer(low)) => {
            let whole = i128::from(high) * 1_000_000_000 + i128::from(low);
            Decimal::try_from_i128_with_scale(whole, u32::from(scale)).map_or(Value::Empty, |total| Value::Decimal(total.normalize()))
        }
        _ => Value::Empty,
    }
}

pub(crate) struct Selection {
    sql: Vec<String>,
    physical: Vec<Physical>,
    pub(crate) outputs: Vec<Output>,
}

impl Selection {
    pub(crate) fn new() -> Self {
        Self { sql: Vec::new(), physical: Vec::new(), outputs: Vec::new() }
    }

    /// Ids of the rows at hand first.
    pub(crate) fn with_ids(alias: &str, columns: &[&str]) -> Self {
        let mut selection = Self::new();
        for column in columns {
            selection.add(format!("{alias}.{column}"), Physical::Uuid);
            selection.outputs.push(Output::Value(pointer()));
        }
        selection
    }

    /// The list of what is selected.
    pub(crate) fn list(&self) -> String {
        self.sql.join(", ")
    }

    /// The same, each with a name: `k0`, `k1` and so on.
    pub(crate) fn named(&self) -> String {
        self.sql.iter().enumerate().map(|(index, column)| format!("{column} AS k{index}")).collect::<Vec<_>>().join(", ")
    }

    /// The finished statement.
    pub(crate) fn finish(self, builder: Builder<'_>, sql: &str) -> Lowered {
        Lowered { statement: builder.finish(sql, self.physical), outputs: self.outputs }
    }

    pub(crate) fn push(&mut self, builder: &mut Builder<'_>, rows: &mut Rows, path: &Path) {
        let field = path.field(builder.catalog);
        let Some(field) = field else { return self.outputs.push(Output::Elsewhere) };
        match &field.storage {
            Storage::Side { .. } | Storage::Nowhere => self.outputs.push(Output::Elsewhere),
            Storage::CardAndColumn { card, .. } => {
                let column = builder.column(rows, path);
                let key = column.sql.rsplit_once('.').map_or_else(|| "NULL".to_owned(), |(alias, _)| format!("{alias}.{card}"));
                // The card's key is shown only where the id is: a CASE around the id hides both.
                let key = if column.sql.starts_with("CASE") || column.sql == "NULL" { "NULL".to_owned() } else { key };
                self.add(column.sql, Physical::Uuid);
                self.add(key, Physical::Text);
                self.outputs.push(Output::AnyLink);
            }
            Storage::Column(_) => {
                let column = builder.alive(rows, path);
                self.add(column.sql, column.physical);
                self.outputs.push(Output::Value(model::resolve::kind_of(path, field)));
            }
        }
    }

    /// Titles of what is linked to: of each the id, then its parts.
    pub(crate) fn push_titles(&mut self, builder: &mut Builder<'_>, rows: &mut Rows, titles: &[LinkTitle]) {
        for title in titles {
            let id = builder.column(rows, &title.id);
            self.add_value(id.sql, Physical::Uuid, pointer());
            title.parts.iter().for_each(|path| self.push(builder, rows, path));
        }
    }

    /// How many columns there are.
    pub(crate) fn len(&self) -> usize {
        self.sql.len()
    }

    /// The columns behind the first `count` of them.
    pub(crate) fn since(&self, count: usize) -> &[String] {
        &self.sql[count..]
    }

    /// A column of a field's kind.
    pub(crate) fn add_value(&mut self, sql: String, physical: Physical, kind: FieldKind) {
        self.add(sql, physical);
        self.outputs.push(Output::Value(kind));
    }

    pub(crate) fn add(&mut self, sql: String, physical: Physical) {
        self.sql.push(sql);
        self.physical.push(physical);
    }
}

fn trash(builder: &Builder<'_>, rows: &Rows, trash: Trash) -> Option<String> {
    if builder.catalog.card(&rows.table.card).is_none_or(|card| card.builtin) {
        return None;
    }
    Some(match trash {
        Trash::Without => format!("{}.trashed_at IS NULL", rows.alias),
        Trash::Only => format!("{}.trashed_at IS NOT NULL", rows.alias),
    })
}

pub(crate) fn conditions(builder: &mut Builder<'_>, rows: &mut Rows, gated: &GatedQuery) -> Vec<String> {
    let mut all = conditions_but_search(builder, rows, gated);
    all.extend(search::within(builder, rows, gated));
    all
}

/// Which rows a question asks for and its reader may see; what quick search asks is not among it.
pub(crate) fn conditions_but_search(builder: &mut Builder<'_>, rows: &mut Rows, gated: &GatedQuery) -> Vec<String> {
    let mut all: Vec<String> = trash(builder, rows, gated.query().trash).into_iter().collect();
    let table = rows.table.clone();
    all.extend(builder.access(&rows.alias, &table));
    if !gated.query().filter.is_always() {
        all.push(predicate::lower(builder, rows, &gated.query().filter, false));
    }
    // Joins of its own: those of the question see only what the actor may.
    for narrow in gated.narrow() {
        all.push(builder.ungated(|builder| predicate::lower_at(builder, &rows.alias, &rows.table, narrow)));
    }
    all
}

/// Tables and conditions of a statement whose rows may come in any order: with the search index in the lead, where
/// words are looked for.
pub(crate) fn unordered(builder: &mut Builder<'_>, rows: &mut Rows, gated: &GatedQuery) -> (String, Vec<String>) {
    if gated.query().search.is_none() || builder.dialect == Dialect::Postgres {
        let all = conditions(builder, rows, gated);
        return (builder.from(rows), all);
    }
    let mut all = conditions_but_search(builder, rows, gated);
    all.extend(search::leading(builder, rows, gated));
    (format!("{}{}", search::LEAD, builder.from(rows)), all)
}

pub(crate) fn clause(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

/// How many match; at most `cap` are looked at.
pub fn count(catalog: &Catalog, dialect: Dialect, gated: &GatedQuery, cap: Option<u32>) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, Some(gated.tables()));
    let mut rows = builder.rows(&gated.query().card.table.reference());
    let (from, all) = unordered(&mut builder, &mut rows, gated);
    let sql = match cap {
        None => format!("SELECT count(*) FROM {from}{}", clause(&all)),
        Some(cap) => format!("SELECT count(*) FROM (SELECT 1 FROM {from}{} LIMIT {cap}) capped", clause(&all)),
    };
    Lowered { statement: builder.finish(&sql, vec![Physical::Integer]), outputs: vec![Output::Count] }
}

/// Totals over all matches, then nothing else.
pub fn totals(catalog: &Catalog, dialect: Dialect, gated: &GatedQuery, sums: Sums) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, Some(gated.tables())).with_sums(sums);
    let mut rows = builder.rows(&gated.query().card.table.reference());
    let mut selection = Selection::new();
    for total in &gated.query().totals {
        aggregate(&mut builder, &mut rows, &mut selection, total.path.as_ref(), total.function);
    }
    let (from, all) = unordered(&mut builder, &mut rows, gated);
    let sql = format!("SELECT {} FROM {from}{}", selection.sql.join(", "), clause(&all));
    Lowered { statement: builder.finish(&sql, selection.physical), outputs: selection.outputs }
}

pub(crate) fn aggregate(builder: &mut Builder<'_>, rows: &mut Rows, selection: &mut Selection, path: Option<&Path>, function: Aggregate) {
    let Some(path) = path else {
        selection.add("count(*)".into(), Physical::Integer);
        return selection.outputs.push(Output::Count);
    };
    let column = builder.column(rows, path);
    let sql = &column.sql;
    let kind = path.field(builder.catalog).map_or(FieldKind::Boolean, |field| model::resolve::kind_of(path, field));
    match function {
        Aggregate::Count => {
            selection.add(format!("count({sql})"), Physical::Integer);
            selection.outputs.push(Output::Count);
        }
        Aggregate::CountEmpty => {
            selection.add(format!("count(*) - count({sql})"), Physical::Integer);
            selection.outputs.push(Output::Count);
        }
        Aggregate::CountDistinct => {
            selection.add(format!("count(DISTINCT {sql})"), Physical::Integer);
            selection.outputs.push(Output::Count);
        }
        // Of rows without an order; those with one are read in it.
        Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last | Aggregate::Concat => {
            let word = if matches!(function, Aggregate::Min | Aggregate::First) { "min" } else { "max" };
            selection.add(format!("{word}({sql})"), column.physical);
            selection.outputs.push(Output::Value(kind));
        }
        Aggregate::Sum | Aggregate::Avg => {
            let scale = match column.physical {
                Physical::Decimal { scale } => scale,
                _ => 0,
            };
            let halves = builder.dialect == Dialect::Sqlite && builder.sums == Sums::Halves;
            match (builder.dialect, builder.sums) {
                (Dialect::Sqlite, Sums::Plain) => selection.add(format!("sum({sql})"), Physical::Decimal { scale }),
                (Dialect::Sqlite, Sums::Halves) => {
                    selection.add(format!("sum({sql} / 1000000000)"), Physical::Integer);
                    selection.add(format!("sum({sql} % 1000000000)"), Physical::Integer);
                }
                (Dialect::Postgres, _) => selection.add(format!("sum({sql})::numeric"), Physical::Decimal { scale }),
            }
            if function == Aggregate::Avg {
                selection.add(format!("count({sql})"), Physical::Integer);
                selection.outputs.push(Output::Average { halves, scale });
            } else {
                selection.outputs.push(Output::Sum { halves, scale });
            }
        }
    }
}

/// Values of records by id: the id, then `paths`. Only what `tables` lets the actor see; the trash too if asked.
pub fn by_ids(catalog: &Catalog, dialect: Dialect, tables: &Tables, table: &TableRef, ids: &[Uuid], paths: &[Path], with_trash: bool) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, Some(tables));
    let mut rows = builder.rows(table);
    let mut selection = Selection::new();
    selection.add(format!("{}.id", rows.alias), Physical::Uuid);
    selection.outputs.push(Output::Value(pointer()));
    for path in paths {
        selection.push(&mut builder, &mut rows, path);
    }
    let mut all = vec![format!("{}.id IN ({})", rows.alias, bind_ids(&mut builder, ids))];
    if !with_trash && table.child.is_none() {
        all.extend(trash(&builder, &rows, Trash::Without));
    }
    all.extend(builder.access(&rows.alias, table));
    let sql = format!("SELECT {} FROM {}{}", selection.sql.join(", "), builder.from(&rows), clause(&all));
    Lowered { statement: builder.finish(&sql, selection.physical), outputs: selection.outputs }
}

/// Child rows of records: the owner, the id, then `paths`; in order. The owners were read through the gate already.
pub fn children(catalog: &Catalog, dialect: Dialect, tables: &Tables, table: &TableRef, owners: &[Uuid], paths: &[Path], titles: &[LinkTitle]) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, Some(tables));
    let mut rows = builder.rows(table);
    let mut selection = Selection::new();
    for column in ["parent_id", "id"] {
        selection.add(format!("{}.{column}", rows.alias), Physical::Uuid);
        selection.outputs.push(Output::Value(pointer()));
    }
    for path in paths {
        selection.push(&mut builder, &mut rows, path);
    }
    selection.push_titles(&mut builder, &mut rows, titles);
    let ids = bind_ids(&mut builder, owners);
    let mut all = vec![format!("{}.parent_id IN ({ids})", rows.alias)];
    all.extend(builder.access(&rows.alias, table));
    let sql = format!("SELECT {} FROM {}{} ORDER BY {a}.parent_id, {a}.position", selection.sql.join(", "), builder.from(&rows), clause(&all), a = rows.alias);
    Lowered { statement: builder.finish(&sql, selection.physical), outputs: selection.outputs }
}

fn pointer() -> FieldKind {
    FieldKind::AnyLink { targets: Vec::new(), on_delete: OnDelete::Restrict }
}

/// Several values of a field, by owner: owner, value; in order. `None` where the field is not stored that way.
pub fn side(catalog: &Catalog, dialect: Dialect, card: &Card, child: Option<&Ident>, field: &Ident, owners: &[Uuid]) -> Option<Lowered> {
    let field = card.table_of(child)?.field(field)?;
    let Storage::Side { table } = &field.storage else { return None };
    let mut builder = Builder::new(catalog, dialect, None);
    let ids = bind_ids(&mut builder, owners);
    let target = match &field.kind {
        FieldKind::Link(link) if link.on_delete == OnDelete::SetNull => catalog.card(&link.target).filter(|target| !target.builtin),
        _ => None,
    };
    // What is in the trash is left out.
    let alive = target.map(|target| format!(" AND EXISTS (SELECT 1 FROM {} t WHERE t.id = value AND t.trashed_at IS NULL)", target.table.physical)).unwrap_or_default();
    let sql = format!("SELECT owner_id, value FROM {table} WHERE owner_id IN ({ids}){alive} ORDER BY owner_id, position");
    let physical = encode::side_physical(&field.kind);
    let kind = if physical == Physical::Text { FieldKind::Colour } else { pointer() };
    Some(Lowered { statement: builder.finish(&sql, vec![Physical::Uuid, physical]), outputs: vec![Output::Value(pointer()), Output::Value(kind)] })
}

/// Which of these rows satisfy a condition: for scopes of writes, rules over other cards, and conditions of links.
pub fn matching(catalog: &Catalog, dialect: Dialect, table: &TableRef, ids: &[Uuid], condition: &model::Condition) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, None);
    let mut rows = builder.rows(table);
    let ids = bind_ids(&mut builder, ids);
    let inner = predicate::lower(&mut builder, &mut rows, condition, false);
    let sql = format!("SELECT {a}.id FROM {} WHERE {a}.id IN ({ids}) AND {inner}", builder.from(&rows), a = rows.alias);
    Lowered { statement: builder.finish(&sql, vec![Physical::Uuid]), outputs: vec![Output::Value(pointer())] }
}

/// Placeholders for ids.
pub fn bind_ids(builder: &mut Builder<'_>, ids: &[Uuid]) -> String {
    let bound: Vec<String> = ids.iter().map(|id| builder.bind(Datum::Uuid(*id))).collect();
    if bound.is_empty() { "NULL".to_owned() } else { bound.join(", ") }
}

/// One aggregate over the rows of a table outside the trash, by a bound condition: for derived values.
pub fn aggregate_rows(catalog: &Catalog, dialect: Dialect, table: &TableRef, path: Option<&Path>, function: Aggregate, condition: &model::Condition, sums: Sums) -> Lowered {
    let mut builder = Builder::new(catalog, dialect, None).with_sums(sums);
    let mut rows = builder.rows(table);
    let mut selection = Selection::new();
    aggregate(&mut builder, &mut rows, &mut selection, path, function);
    let mut all = vec![predicate::lower(&mut builder, &mut rows, condition, false)];
    match &table.child {
        None => all.extend(trash(&builder, &rows, Trash::Without)),
        Some(_) => {
            let parent = builder.alias();
            let physical = builder.physical(&TableRef::card(&table.card));
            all.push(format!("EXISTS (SELECT 1 FROM {physical} {parent} WHERE {parent}.id = {}.parent_id AND {parent}.trashed_at IS NULL)", rows.alias));
        }
    }
    let sql = format!("SELECT {} FROM {}{}", selection.sql.join(", "), builder.from(&rows), clause(&all));
    Lowered { statement: builder.finish(&sql, selection.physical), outputs: selection.outputs }
}
