//! Conditions as SQL.
//!
//! **Invariants**
//! - Under `NOT` every test is true or false: an empty field is no unknown. [`Condition::Unknown`] is NULL.
//! - Says the same as `model::eval` does in memory.

use model::{Condition, Hop, Op, Operand, Path, Related, RowSource, Storage, TableRef, Term, Test, Variable};

use crate::{
    Dialect, Physical,
    builder::{Builder, Column, Rows},
    encode,
};

mod values;

use values::scalar;

/// A condition over rows under an alias that needs no joins of the statement around it: its joins are its own.
pub fn lower_at(builder: &mut Builder<'_>, alias: &str, table: &TableRef, condition: &Condition) -> String {
    // What is asked here has its own record around it, whatever statement it stands in.
    let around = builder.outer.take();
    let mut rows = builder.rows(table);
    let sql = if needs_joins(condition) {
        let inner = lower(builder, &mut rows, condition, false);
        format!("EXISTS (SELECT 1 FROM {} WHERE {}.id = {alias}.id AND {inner})", builder.from(&rows), rows.alias)
    } else {
        rows.alias = alias.to_owned();
        lower(builder, &mut rows, condition, false)
    };
    builder.outer = around;
    sql
}

fn needs_joins(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(needs_joins),
        Condition::Not(part) => needs_joins(part),
        Condition::Test(test) => test.path.hops.iter().take_while(|hop| !is_many(hop)).next().is_some(),
        Condition::Related(related) => outer_paths(&related.condition).iter().any(|path| !path.hops.is_empty()),
        Condition::Unknown => false,
    }
}

/// What a condition about related rows names of the record they belong to.
fn outer_paths(condition: &Condition) -> Vec<Path> {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().flat_map(outer_paths).collect(),
        Condition::Not(part) => outer_paths(part),
        Condition::Related(related) => outer_paths(&related.condition),
        Condition::Test(test) => test.operand.terms().filter_map(|term| match term { Term::Variable(Variable::Outer(path)) => Some(path.clone()), _ => None }).collect(),
        Condition::Unknown => Vec::new(),
    }
}

fn is_many(hop: &Hop) -> bool {
    matches!(hop, Hop::Child { .. } | Hop::Links { .. })
}

/// A condition over rows, adding to their joins what its paths need. `negated` says whether a `NOT` stands around it.
pub fn lower(builder: &mut Builder<'_>, rows: &mut Rows, condition: &Condition, negated: bool) -> String {
    match condition {
        Condition::All(parts) => join(builder, rows, parts, " AND ", truth(builder.dialect, true), negated),
        Condition::Any(parts) => join(builder, rows, parts, " OR ", truth(builder.dialect, false), negated),
        Condition::Not(part) => format!("NOT ({})", lower(builder, rows, part, true)),
        Condition::Test(test) => lower_test(builder, rows, test, &test.path.hops, negated),
        Condition::Related(related) => lower_related(builder, rows, related),
        Condition::Unknown => match builder.dialect {
            Dialect::Sqlite => "NULL".into(),
            Dialect::Postgres => "NULL::boolean".into(),
        },
    }
}

fn join(builder: &mut Builder<'_>, rows: &mut Rows, parts: &[Condition], word: &str, none: &str, negated: bool) -> String {
    match parts {
        [] => none.to_owned(),
        [single] => lower(builder, rows, single, negated),
        several => {
            let all: Vec<String> = several.iter().map(|part| lower(builder, rows, part, negated)).collect();
            format!("({})", all.join(word))
        }
    }
}

fn truth(dialect: Dialect, flag: bool) -> &'static str {
    match (dialect, flag) {
        (Dialect::Sqlite, true) => "1",
        (Dialect::Sqlite, false) => "0",
        (Dialect::Postgres, true) => "TRUE",
        (Dialect::Postgres, false) => "FALSE",
    }
}

/// `is_not` and its kin are the negation of their positive; over many rows that is "none of them".
fn positive(op: Op) -> (Op, bool) {
    match op {
        Op::IsNot => (Op::Is, true),
        Op::NoneOf => (Op::AnyOf, true),
        Op::NotContains => (Op::Contains, true),
        Op::Empty => (Op::NotEmpty, true),
        op => (op, false),
    }
}

fn lower_test(builder: &mut Builder<'_>, rows: &mut Rows, test: &Test, hops: &[Hop], negated: bool) -> String {
    let (op, opposite) = positive(test.op);
    let side = side_table(builder, test);
    let other = other_column(builder, rows, test);
    if side.is_none() && !hops.iter().any(is_many) {
        let column = if matches!(test.op, Op::Empty | Op::NotEmpty) { builder.alive(rows, &test.path) } else { builder.column(rows, &test.path) };
        return scalar(builder, &column, test, other.as_ref(), negated);
    }
    let test = Test { op, ..test.clone() };
    let exists = many(builder, rows, &test, side, other.as_ref());
    let sql = if opposite { format!("NOT {exists}") } else { exists };
    // Compared with an empty field of the record around, it is unknown.
    other.map_or(sql.clone(), |other| format!("CASE WHEN {} IS NOT NULL THEN {sql} END", other.sql))
}

/// The column that stands for `@record.…` or `@row.…` of rows that are asked about.
fn other_column(builder: &mut Builder<'_>, rows: &mut Rows, test: &Test) -> Option<Column> {
    match &test.operand {
        Operand::One(Term::Variable(Variable::Outer(path))) => builder.outer.iter().flatten().find(|(known, _)| known == path).map(|(_, column)| column.clone()),
        Operand::One(Term::Variable(Variable::Same(path))) => Some(builder.column(rows, path)),
        _ => None,
    }
}

fn side_table(builder: &Builder<'_>, test: &Test) -> Option<String> {
    match &builder.catalog.table(&test.path.end)?.field(&test.path.leaf)?.storage {
        Storage::Side { table } => Some(table.clone()),
        _ => None,
    }
}

/// At least one of the rows that the path reaches satisfies the test.
fn many(builder: &mut Builder<'_>, rows: &mut Rows, test: &Test, side: Option<String>, other: Option<&Column>) -> String {
    let split = test.path.hops.iter().position(is_many);
    let Some(split) = split else {
        // Only the leaf is many: its values stand in a table of their own, owned by the row before.
        let Some(side) = side else { return truth(builder.dialect, false).to_owned() };
        let owner = owner_id(builder, rows, &test.path, test.path.hops.len());
        let readable = builder.leaf_readable(rows, &test.path);
        let alias = builder.alias();
        let column = Column { sql: format!("{alias}.value"), physical: side_physical(builder, test), nullable: false };
        let inner = scalar(builder, &column, test, other, false);
        return format!("EXISTS (SELECT 1 FROM {side} {alias} WHERE {alias}.owner_id = {owner} AND {readable} AND {inner})");
    };
    let owner = owner_id(builder, rows, &test.path, split);
    let before = table_after(builder, &test.path.start, &test.path.hops[..split]);
    let hop = &test.path.hops[split];
    let next = table_after(builder, &before, std::slice::from_ref(hop));
    let rest = Path { start: next.clone(), hops: test.path.hops[split + 1..].to_vec(), ..test.path.clone() };
    let mut inner_rows = builder.rows(&next);
    let inner_test = Test { path: rest.clone(), ..test.clone() };
    let inner = lower_test(builder, &mut inner_rows, &inner_test, &rest.hops, false);
    let access = builder.access(&inner_rows.alias, &next).map(|access| format!(" AND {access}")).unwrap_or_default();
    let from = builder.from(&inner_rows);
    match hop {
        Hop::Child { .. } => format!("EXISTS (SELECT 1 FROM {from} WHERE {}.parent_id = {owner} AND {inner})", inner_rows.alias),
        Hop::Links { field, .. } => {
            let side = builder.catalog.table(&before).and_then(|table| table.field(field)).and_then(|field| match &field.storage {
                Storage::Side { table } => Some(table.clone()),
                _ => None,
            });
            let link = Path { start: test.path.start.clone(), hops: test.path.hops[..split].to_vec(), leaf: field.clone(), part: None, end: before.clone() };
            let readable = builder.leaf_readable(rows, &link);
            let alias = builder.alias();
            let side = side.unwrap_or_else(|| "sys_nothing".into());
            format!("EXISTS (SELECT 1 FROM {side} {alias}, {from} WHERE {alias}.owner_id = {owner} AND {readable} AND {}.id = {alias}.value{access} AND {inner})", inner_rows.alias)
        }
        Hop::Link { .. } | Hop::AnyLink { .. } | Hop::Parent => truth(builder.dialect, false).to_owned(),
    }
}

fn side_physical(builder: &Builder<'_>, test: &Test) -> Physical {
    let field = builder.catalog.table(&test.path.end).and_then(|table| table.field(&test.path.leaf));
    field.map_or(Physical::Text, |field| encode::side_physical(&field.kind))
}

/// The id of the row that the first `count` hops of a path reach.
fn owner_id(builder: &mut Builder<'_>, rows: &mut Rows, path: &Path, count: usize) -> String {
    let end = table_after(builder, &path.start, &path.hops[..count]);
    let Some(id) = builder.catalog.table(&end).and_then(|table| table.fields.get("id")) else { return "NULL".into() };
    let to_id = Path { start: path.start.clone(), hops: path.hops[..count].to_vec(), leaf: id.key.clone(), part: None, end };
    builder.column(rows, &to_id).sql
}

fn table_after(builder: &Builder<'_>, start: &TableRef, hops: &[Hop]) -> TableRef {
    let _ = builder;
    hops.iter().fold(start.clone(), |table, hop| match hop {
        Hop::Link { target, .. } | Hop::Links { target, .. } | Hop::AnyLink { target, .. } => TableRef::card(target),
        Hop::Child { table: child } => TableRef::child(&table.card, child),
        Hop::Parent => TableRef::card(&table.card),
    })
}

impl Builder<'_> {
    /// Whether the field of a side table may be read, as SQL over the statement's own rows.
    pub(crate) fn leaf_readable(&mut self, rows: &Rows, path: &Path) -> String {
        let Some(tables) = self.tables else { return truth(self.dialect, true).to_owned() };
        match tables.readable(&path.end.card, path.end.child.as_ref(), &path.leaf) {
            access::Readable::Always => truth(self.dialect, true).to_owned(),
            access::Readable::Never => truth(self.dialect, false).to_owned(),
            access::Readable::When(condition) if path.hops.is_empty() => self.ungated(|builder| lower_at(builder, &rows.alias, &path.end, &condition)),
            // Seen through a link, a field that only some grants show is not shown.
            access::Readable::When(_) => truth(self.dialect, false).to_owned(),
        }
    }
}

fn lower_related(builder: &mut Builder<'_>, rows: &mut Rows, related: &Related) -> String {
    let table = related.rows.table().clone();
    // Nothing points to a child row: seen from one, these are the rows of its record.
    let owner = format!("{}.{}", rows.alias, if rows.table.child.is_some() { "parent_id" } else { "id" });
    let outermost = builder.outer.is_none();
    if outermost {
        let named = outer_paths(&related.condition);
        builder.outer = Some(named.into_iter().map(|path| { let column = builder.column(rows, &path); (path, column) }).collect());
    }
    let mut inner_rows = builder.rows(&table);
    let link = match &related.rows {
        RowSource::Child { .. } => format!("{}.parent_id = {owner}", inner_rows.alias),
        RowSource::Pointing { by, .. } => points_at(builder, &mut inner_rows, by, &owner),
    };
    let inner = lower(builder, &mut inner_rows, &related.condition, false);
    if outermost {
        builder.outer = None;
    }
    let mut sql = format!("SELECT 1 FROM {} WHERE {link} AND {inner}", builder.from(&inner_rows));
    if let RowSource::Pointing { table, .. } = &related.rows {
        if let Some(access) = builder.access(&inner_rows.alias, table) {
            sql = format!("{sql} AND {access}");
        }
        sql = format!("{sql} AND {}", not_trashed(builder, &inner_rows));
    }
    format!("{}EXISTS ({sql})", if related.wanted { "" } else { "NOT " })
}

/// Whether a row's link, or one of its several links, is the owner.
fn points_at(builder: &mut Builder<'_>, rows: &mut Rows, by: &Path, owner: &str) -> String {
    let test = Test { path: by.clone(), op: Op::Is, operand: Operand::None };
    let Some(side) = side_table(builder, &test) else { return format!("{} = {owner}", builder.column(rows, by).sql) };
    let holder = owner_id(builder, rows, by, by.hops.len());
    let readable = builder.leaf_readable(rows, by);
    let alias = builder.alias();
    format!("EXISTS (SELECT 1 FROM {side} {alias} WHERE {alias}.owner_id = {holder} AND {alias}.value = {owner} AND {readable})")
}

fn not_trashed(builder: &mut Builder<'_>, rows: &Rows) -> String {
    match (&rows.table.child, builder.catalog.card(&rows.table.card).is_some_and(|card| card.builtin)) {
        (_, true) => truth(builder.dialect, true).to_owned(),
        (None, false) => format!("{}.trashed_at IS NULL", rows.alias),
        (Some(_), false) => {
            let parent = builder.alias();
            let physical = builder.physical(&TableRef::card(&rows.table.card));
            format!("EXISTS (SELECT 1 FROM {physical} {parent} WHERE {parent}.id = {}.parent_id AND {parent}.trashed_at IS NULL)", rows.alias)
        }
    }
}
