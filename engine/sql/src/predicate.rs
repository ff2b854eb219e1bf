//! Conditions as SQL.
//!
//! **Invariants**
//! - Under `NOT` every test is true or false: an empty field is no unknown. [`Condition::Unknown`] is NULL.
//! - Says the same as `model::eval` does in memory.

use chrono::{Datelike, NaiveDate};
use model::{Condition, FieldKind, Hop, Op, Operand, Path, Related, RowSource, Storage, TableRef, Term, Test, Value};
use rust_decimal::Decimal;

use crate::{
    Datum, Dialect, Physical,
    builder::{Builder, Column, Rows},
    encode, system_folders,
};

/// A condition over rows under an alias that needs no joins of the statement around it: its joins are its own.
pub fn lower_at(builder: &mut Builder<'_>, alias: &str, table: &TableRef, condition: &Condition) -> String {
    if needs_joins(condition) {
        let mut rows = builder.rows(table);
        let inner = lower(builder, &mut rows, condition, false);
        return format!("EXISTS (SELECT 1 FROM {} WHERE {}.id = {alias}.id AND {inner})", builder.from(&rows), rows.alias);
    }
    let mut rows = builder.rows(table);
    rows.alias = alias.to_owned();
    lower(builder, &mut rows, condition, false)
}

fn needs_joins(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(needs_joins),
        Condition::Not(part) => needs_joins(part),
        Condition::Test(test) => test.path.hops.iter().take_while(|hop| !is_many(hop)).next().is_some(),
        Condition::Related(_) | Condition::Unknown => false,
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
    if side.is_none() && !hops.iter().any(is_many) {
        let column = if matches!(test.op, Op::Empty | Op::NotEmpty) { builder.alive(rows, &test.path) } else { builder.column(rows, &test.path) };
        return scalar(builder, &column, test, negated);
    }
    let test = Test { op, ..test.clone() };
    let exists = many(builder, rows, &test, side);
    if opposite { format!("NOT {exists}") } else { exists }
}

fn side_table(builder: &Builder<'_>, test: &Test) -> Option<String> {
    match &builder.catalog.table(&test.path.end)?.field(&test.path.leaf)?.storage {
        Storage::Side { table } => Some(table.clone()),
        _ => None,
    }
}

/// At least one of the rows that the path reaches satisfies the test.
fn many(builder: &mut Builder<'_>, rows: &mut Rows, test: &Test, side: Option<String>) -> String {
    let split = test.path.hops.iter().position(is_many);
    let Some(split) = split else {
        // Only the leaf is many: its values stand in a table of their own, owned by the row before.
        let Some(side) = side else { return truth(builder.dialect, false).to_owned() };
        let owner = owner_id(builder, rows, &test.path, test.path.hops.len());
        let readable = builder.leaf_readable(rows, &test.path);
        let alias = builder.alias();
        let column = Column { sql: format!("{alias}.value"), physical: side_physical(builder, test), nullable: false };
        let inner = scalar(builder, &column, test, false);
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
    let mut inner_rows = builder.rows(&table);
    let link = match &related.rows {
        RowSource::Child { .. } => format!("{}.parent_id", inner_rows.alias),
        RowSource::Pointing { by, .. } => builder.column(&mut inner_rows, by).sql,
    };
    let inner = lower(builder, &mut inner_rows, &related.condition, false);
    let mut sql = format!("SELECT 1 FROM {} WHERE {link} = {}.id AND {inner}", builder.from(&inner_rows), rows.alias);
    if let RowSource::Pointing { table, .. } = &related.rows {
        if let Some(access) = builder.access(&inner_rows.alias, table) {
            sql = format!("{sql} AND {access}");
        }
        sql = format!("{sql} AND {}", not_trashed(builder, &inner_rows));
    }
    format!("{}EXISTS ({sql})", if related.wanted { "" } else { "NOT " })
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

fn scalar(builder: &mut Builder<'_>, column: &Column, test: &Test, negated: bool) -> String {
    let sql = &column.sql;
    let text = match (test.op, &test.operand) {
        (Op::Empty, _) => return format!("{sql} IS NULL"),
        (Op::NotEmpty, _) => return format!("{sql} IS NOT NULL"),
        (Op::IsNot, Operand::One(Term::Value(value))) => return distinct(builder, column, value),
        (Op::NoneOf, operand) => {
            let positive = one_of(builder, column, operand);
            return format!("({sql} IS NULL OR NOT ({positive}))");
        }
        (Op::NotContains, Operand::One(Term::Value(value))) => {
            let positive = like(builder, column, Op::Contains, value);
            return format!("({sql} IS NULL OR NOT ({positive}))");
        }
        (Op::AnyOf, operand) => one_of(builder, column, operand),
        (Op::Under, operand) => under(builder, column, test, operand),
        (Op::InFolder, Operand::Folders { folders, reader: Some(reader) }) => system_folders::holds(builder, sql, folders, *reader),
        (Op::Contains | Op::StartsWith | Op::EndsWith, Operand::One(Term::Value(value))) => like(builder, column, test.op, value),
        (Op::AnniversaryIn, Operand::Range(Term::Value(Value::Date(from)), Term::Value(Value::Date(to)))) => anniversary(builder, column, *from, *to),
        (Op::Between, Operand::Range(Term::Value(from), Term::Value(to))) => {
            let (from, to) = (compare(builder, column, Op::Gte, from), compare(builder, column, Op::Lte, to));
            format!("({from} AND {to})")
        }
        (op, Operand::One(Term::Value(value))) => compare(builder, column, op, value),
        // Variables are replaced before lowering; what is left is unknown.
        _ => "NULL".to_owned(),
    };
    if negated && column.nullable { format!("COALESCE({text}, {})", truth(builder.dialect, false)) } else { text }
}

fn distinct(builder: &mut Builder<'_>, column: &Column, value: &Value) -> String {
    match exact(column.physical, value, Op::Is) {
        None => truth(builder.dialect, true).to_owned(),
        Some((_, datum)) => {
            let bound = builder.bind(datum);
            format!("{} IS DISTINCT FROM {bound}", column.sql)
        }
    }
}

fn one_of(builder: &mut Builder<'_>, column: &Column, operand: &Operand) -> String {
    let values: Vec<&Value> = match operand {
        Operand::Many(terms) => terms.iter().filter_map(|term| match term { Term::Value(value) => Some(value), Term::Variable(_) => None }).collect(),
        Operand::One(Term::Value(value)) => vec![value],
        _ => Vec::new(),
    };
    let data: Vec<Datum> = values.into_iter().flat_map(flatten).filter_map(|value| exact(column.physical, &value, Op::Is)).map(|(_, datum)| datum).collect();
    if data.is_empty() {
        return truth(builder.dialect, false).to_owned();
    }
    let bound: Vec<String> = data.into_iter().map(|datum| builder.bind(datum)).collect();
    format!("{} IN ({})", column.sql, bound.join(", "))
}

fn flatten(value: &Value) -> Vec<Value> {
    match value {
        Value::Ids(ids) => ids.iter().map(|id| Value::Id(*id)).collect(),
        Value::Texts(texts) => texts.iter().map(|text| Value::Text(text.clone())).collect(),
        other => vec![other.clone()],
    }
}

fn compare(builder: &mut Builder<'_>, column: &Column, op: Op, value: &Value) -> String {
    if let (Op::Is, Value::Ids(_) | Value::Texts(_)) = (op, value) {
        return one_of(builder, column, &Operand::One(Term::Value(value.clone())));
    }
    let Some((op, datum)) = exact(column.physical, value, op) else {
        return format!("({} IS NULL AND {})", column.sql, truth(builder.dialect, false));
    };
    let sign = match op {
        Op::Gt | Op::After => ">",
        Op::Gte => ">=",
        Op::Lt | Op::Before => "<",
        Op::Lte => "<=",
        _ => "=",
    };
    let bound = builder.bind(datum);
    format!("{} {sign} {bound}", column.sql)
}

/// A number with more digits than the column has is brought to the column's scale without changing what matches:
/// above 1.005 is above 1.00, and nothing at scale 2 is equal to it. `None`: nothing can match.
fn exact(physical: Physical, value: &Value, op: Op) -> Option<(Op, Datum)> {
    let number = match value {
        Value::Decimal(number) => *number,
        Value::Int(number) => Decimal::from(*number),
        _ => {
            return match encode::datum(value, physical) {
                Datum::Null(_) => None,
                datum => Some((op, datum)),
            };
        }
    };
    let scale = match physical {
        Physical::Decimal { scale } => scale,
        Physical::Integer => 0,
        _ => return None,
    };
    let floor = number.round_dp_with_strategy(u32::from(scale), rust_decimal::RoundingStrategy::ToNegativeInfinity);
    let op = match (floor == number, op) {
        (true, op) => op,
        (false, Op::Gt | Op::Gte) => Op::Gt,
        (false, Op::Lt | Op::Lte) => Op::Lte,
        (false, _) => return None,
    };
    let datum = match physical {
        Physical::Integer => Datum::Integer(i64::try_from(floor.trunc()).ok()?),
        _ => Datum::Decimal { value: floor, scale },
    };
    Some((op, datum))
}

/// Letters of ASCII are compared without case, the same on both databases.
fn like(builder: &mut Builder<'_>, column: &Column, op: Op, value: &Value) -> String {
    let Value::Text(text) = value else { return compare(builder, column, Op::Is, value) };
    let part = text.to_ascii_lowercase();
    let length = part.chars().count();
    let bound = builder.bind(Datum::Text(part));
    match (builder.dialect, op) {
        (Dialect::Sqlite, Op::Contains) => format!("instr(lower({}), {bound}) > 0", column.sql),
        (Dialect::Sqlite, Op::StartsWith) => format!("substr(lower({}), 1, {length}) = {bound}", column.sql),
        (Dialect::Sqlite, _) => format!("substr(lower({}), -{length}) = {bound}", column.sql),
        (Dialect::Postgres, Op::Contains) => format!("position({bound} IN lower({} COLLATE \"C\")) > 0", column.sql),
        (Dialect::Postgres, Op::StartsWith) => format!("left(lower({} COLLATE \"C\"), {length}) = {bound}", column.sql),
        (Dialect::Postgres, _) => format!("right(lower({} COLLATE \"C\"), {length}) = {bound}", column.sql),
    }
}

fn under(builder: &mut Builder<'_>, column: &Column, test: &Test, operand: &Operand) -> String {
    let field = builder.catalog.table(&test.path.end).and_then(|table| table.field(&test.path.leaf));
    let tree = field.and_then(|field| match &field.kind {
        FieldKind::Link(link) => builder.catalog.card(&link.target),
        _ => None,
    });
    let parent = tree.and_then(|card| Some((card.table.physical.clone(), card.field(card.tree.as_ref()?.as_str())?.column()?.to_owned())));
    let Some((table, parent)) = parent else { return one_of(builder, column, operand) };
    let values: Vec<Value> = match operand {
        Operand::Many(terms) => terms.iter().filter_map(|term| match term { Term::Value(value) => Some(value.clone()), Term::Variable(_) => None }).collect(),
        Operand::One(Term::Value(value)) => vec![value.clone()],
        _ => Vec::new(),
    };
    let roots: Vec<String> = values.iter().flat_map(flatten).map(|value| {
        let bound = builder.bind(encode::datum(&value, Physical::Uuid));
        format!("SELECT {bound}")
    }).collect();
    let (tree, step) = (builder.alias(), builder.alias());
    format!(
        "{} IN (WITH RECURSIVE {tree}(id) AS ({} UNION SELECT {step}.id FROM {table} {step} JOIN {tree} ON {step}.{parent} = {tree}.id) SELECT id FROM {tree})",
        column.sql,
        roots.join(" UNION ALL ")
    )
}

/// Month and day come up between two days; 29 February counts as 28 where the year has none.
fn anniversary(builder: &mut Builder<'_>, column: &Column, from: NaiveDate, to: NaiveDate) -> String {
    let sql = match (builder.dialect, column.physical) {
        (Dialect::Sqlite, Physical::Instant) => format!("strftime('%m-%d', {} / 1000000, 'unixepoch')", column.sql),
        (Dialect::Sqlite, _) => format!("substr({}, 6)", column.sql),
        (Dialect::Postgres, Physical::Instant) => format!("to_char({} AT TIME ZONE 'UTC', 'MM-DD')", column.sql),
        (Dialect::Postgres, _) => format!("to_char({}, 'MM-DD')", column.sql),
    };
    if (to - from).num_days() >= 365 {
        return format!("{} IS NOT NULL", column.sql);
    }
    let mut spans = Vec::new();
    for year in from.year()..=to.year() {
        let start = NaiveDate::from_ymd_opt(year, 1, 1).map_or(from, |first| first.max(from));
        let end = NaiveDate::from_ymd_opt(year, 12, 31).map_or(to, |last| last.min(to));
        let last = end.format("%m-%d").to_string();
        // "02-29" sorts after "02-28", so a span that ends on the 28th of a year without a 29th takes it in.
        let last = if last == "02-28" && NaiveDate::from_ymd_opt(year, 2, 29).is_none() { "02-29".to_owned() } else { last };
        let (start, last) = (builder.bind(Datum::Text(start.format("%m-%d").to_string())), builder.bind(Datum::Text(last)));
        spans.push(format!("{sql} BETWEEN {start} AND {last}"));
    }
    format!("({})", spans.join(" OR "))
}
