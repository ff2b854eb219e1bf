//! One column against an operand.

use chrono::{Datelike, NaiveDate};
use model::{Op, Operand, Term, Test, Value, resolve};
use rust_decimal::Decimal;

use super::truth;
use crate::{
    Datum, Dialect, Physical,
    builder::{Builder, Column},
    encode, system_folders, system_shares,
};

pub(super) fn scalar(builder: &mut Builder<'_>, column: &Column, test: &Test, other: Option<&Column>, negated: bool) -> String {
    let sql = &column.sql;
    if let Some(other) = other {
        return between_columns(builder.dialect, column, test.op, other, negated);
    }
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
        (Op::AnyOf, Operand::Shared { with, edit, at }) => system_shares::holds(builder, sql, with, *edit, *at),
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

/// Two columns of one statement. Compared with what is empty there, a test is unknown.
fn between_columns(dialect: Dialect, column: &Column, op: Op, other: &Column, negated: bool) -> String {
    let scale = |column: &Column| match column.physical { Physical::Decimal { scale } => u32::from(scale), _ => 0 };
    let (own, theirs) = (scale(column), scale(other));
    // Decimals of SQLite are whole numbers of their scale's units.
    let scaled = |column: &Column, missing: u32| if dialect == Dialect::Sqlite && missing > 0 { format!("({} * {})", column.sql, 10_i64.pow(missing)) } else { column.sql.clone() };
    let (left, right) = (scaled(column, theirs.saturating_sub(own)), scaled(other, own.saturating_sub(theirs)));
    match (op, negated) {
        (Op::IsNot, true) => format!("CASE WHEN {right} IS NOT NULL THEN {left} IS DISTINCT FROM {right} END"),
        (Op::IsNot, false) => format!("({right} IS NOT NULL AND {left} IS DISTINCT FROM {right})"),
        (op, true) => format!("CASE WHEN {right} IS NOT NULL THEN COALESCE({left} {} {right}, {}) END", sign(op), truth(dialect, false)),
        (op, false) => format!("{left} {} {right}", sign(op)),
    }
}

fn sign(op: Op) -> &'static str {
    match op {
        Op::Gt | Op::After => ">",
        Op::Gte => ">=",
        Op::Lt | Op::Before => "<",
        Op::Lte => "<=",
        _ => "=",
    }
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
    let bound = builder.bind(datum);
    format!("{} {} {bound}", column.sql, sign(op))
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
    let tree = field.and_then(|field| resolve::tree_of(builder.catalog, &test.path, field));
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
