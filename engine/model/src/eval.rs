//! Conditions evaluated in memory, on a draft and facts fetched beforehand. Three values, as in SQL.
//!
//! **Invariants**
//! - Says the same as the SQL that the room `sql` lowers from the same condition.
//! - An empty field is no unknown: comparisons are false on it, `is_not`, `none_of` and `not_contains` match it.
//!
//! **Not here:** fetching facts (`app`).

use std::cmp::Ordering;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{Condition, Ident, Op, Operand, Path, Period, Related, RowSource, Term, Test, Value, Variable};

/// True, false, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Truth {
    True,
    False,
    Unknown,
}

impl From<bool> for Truth {
    fn from(flag: bool) -> Self {
        if flag { Self::True } else { Self::False }
    }
}

/// The row from which a condition is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The record at hand.
    Record,
    /// A child row of it, by table and position.
    Row { table: Ident, index: usize },
}

/// What evaluation may ask. `app` answers from the draft and from what it fetched.
pub trait Facts {
    /// The values at the end of `path` seen from `at`: one, or as many as the path reaches.
    fn values(&self, at: &Place, path: &Path) -> Vec<Value>;
    /// What a variable stands for, other than `@record` and `@row`. `None` is unknown.
    fn variable(&self, variable: &Variable) -> Option<Value>;
    /// First and last day of a period, in the actor's zone.
    fn days(&self, period: Period) -> (NaiveDate, NaiveDate);
    /// The day an instant falls on, in the actor's zone.
    fn day_of(&self, at: DateTime<Utc>) -> NaiveDate;
    /// Whether a record of a tree card lies beneath `ancestor`.
    fn is_under(&self, id: Uuid, ancestor: Uuid) -> bool;
    /// How many rows a child table of the record has.
    fn row_count(&self, table: &Ident) -> usize;
    /// Whether rows of another card that point here satisfy the condition. `None` is unknown.
    fn pointing(&self, at: &Place, related: &Related) -> Option<bool>;
}

/// The truth of a condition, seen from `at`.
pub fn evaluate(condition: &Condition, at: &Place, facts: &dyn Facts) -> Truth {
    match condition {
        Condition::All(parts) => fold(parts, at, facts, Truth::True, Truth::False),
        Condition::Any(parts) => fold(parts, at, facts, Truth::False, Truth::True),
        Condition::Not(part) => match evaluate(part, at, facts) {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        },
        Condition::Test(test) => evaluate_test(test, at, facts),
        Condition::Related(related) => evaluate_related(related, at, facts),
        Condition::Unknown => Truth::Unknown,
    }
}

/// Whether a condition is true, and not merely unknown.
pub fn holds(condition: &Condition, at: &Place, facts: &dyn Facts) -> bool {
    evaluate(condition, at, facts) == Truth::True
}

fn fold(parts: &[Condition], at: &Place, facts: &dyn Facts, neutral: Truth, decisive: Truth) -> Truth {
    let mut result = neutral;
    for part in parts {
        match evaluate(part, at, facts) {
            truth if truth == decisive => return decisive,
            Truth::Unknown => result = Truth::Unknown,
            _ => {}
        }
    }
    result
}

fn evaluate_related(related: &Related, at: &Place, facts: &dyn Facts) -> Truth {
    let found = match &related.rows {
        RowSource::Child { table } => {
            let Some(child) = &table.child else { return Truth::Unknown };
            let mut rows = (0..facts.row_count(child)).map(|index| Place::Row { table: child.clone(), index });
            Some(rows.any(|row| holds(&related.condition, &row, facts)))
        }
        RowSource::Pointing { .. } => facts.pointing(at, related),
    };
    found.map_or(Truth::Unknown, |found| Truth::from(found == related.wanted))
}

fn term(term: &Term, at: &Place, facts: &dyn Facts) -> Option<Value> {
    match term {
        Term::Value(value) => Some(value.clone()),
        Term::Variable(Variable::Record(path) | Variable::Outer(path)) => facts.values(&Place::Record, path).into_iter().next().filter(|value| !value.is_empty()),
        Term::Variable(Variable::Row(path) | Variable::Same(path)) => facts.values(at, path).into_iter().next().filter(|value| !value.is_empty()),
        Term::Variable(other) => facts.variable(other),
    }
}

fn evaluate_test(test: &Test, at: &Place, facts: &dyn Facts) -> Truth {
    let values: Vec<Value> = facts.values(at, &test.path).into_iter().flat_map(flatten).collect();
    let any = |holds: &dyn Fn(&Value) -> bool| values.iter().any(holds);
    match (test.op, &test.operand) {
        (Op::Empty, _) => Truth::from(values.is_empty()),
        (Op::NotEmpty, _) => Truth::from(!values.is_empty()),
        (Op::In, Operand::Period(period)) => {
            let (from, to) = facts.days(*period);
            Truth::from(any(&|value| day(value, facts).is_some_and(|day| from <= day && day <= to)))
        }
        (Op::AnniversaryIn, Operand::Period(period)) => {
            let (from, to) = facts.days(*period);
            Truth::from(any(&|value| day(value, facts).is_some_and(|day| has_anniversary(day, from, to))))
        }
        (op, Operand::One(operand)) => match term(operand, at, facts) {
            None | Some(Value::Empty) => Truth::Unknown,
            Some(operand) => one(op, &values, &operand, facts),
        },
        (Op::AnyOf | Op::NoneOf | Op::Under, Operand::Many(operands)) => {
            let operands: Option<Vec<Value>> = operands.iter().map(|operand| term(operand, at, facts)).collect();
            let Some(operands) = operands.filter(|operands| !operands.is_empty()) else { return Truth::Unknown };
            let operands: Vec<Value> = operands.into_iter().flat_map(flatten).collect();
            let found = match test.op {
                Op::Under => operands.iter().any(|operand| under(&values, operand, facts)),
                _ => any(&|value| operands.iter().any(|operand| same(value, operand, facts))),
            };
            Truth::from(found == (test.op != Op::NoneOf))
        }
        (Op::Between, Operand::Range(from, to)) => match (term(from, at, facts), term(to, at, facts)) {
            (Some(from), Some(to)) => {
                Truth::from(any(&|value| matches!(order(value, &from, facts), Some(Ordering::Greater | Ordering::Equal)) && matches!(order(value, &to, facts), Some(Ordering::Less | Ordering::Equal))))
            }
            _ => Truth::Unknown,
        },
        // Folders are looked into by the database alone.
        (_, Operand::None | Operand::Many(_) | Operand::Range(..) | Operand::Period(_) | Operand::Folders { .. } | Operand::Shared { .. }) => Truth::Unknown,
    }
}

fn one(op: Op, values: &[Value], operand: &Value, facts: &dyn Facts) -> Truth {
    let any = |wanted: &dyn Fn(&Value) -> bool| Truth::from(values.iter().any(wanted));
    let not_any = |unwanted: &dyn Fn(&Value) -> bool| Truth::from(!values.iter().any(unwanted));
    let is = |value: &Value| flatten(operand.clone()).iter().any(|operand| same(value, operand, facts));
    let ordered = |wanted: &'static [Ordering]| move |value: &Value| order(value, operand, facts).is_some_and(|order| wanted.contains(&order));
    match op {
        Op::Is | Op::AnyOf => any(&is),
        Op::IsNot | Op::NoneOf => not_any(&is),
        Op::Gt | Op::After => any(&ordered(&[Ordering::Greater])),
        Op::Gte => any(&ordered(&[Ordering::Greater, Ordering::Equal])),
        Op::Lt | Op::Before => any(&ordered(&[Ordering::Less])),
        Op::Lte => any(&ordered(&[Ordering::Less, Ordering::Equal])),
        Op::Contains => any(&|value| texts(value, operand, |text, part| text.contains(part))),
        Op::NotContains => not_any(&|value| texts(value, operand, |text, part| text.contains(part))),
        Op::StartsWith => any(&|value| texts(value, operand, |text, part| text.starts_with(part))),
        Op::EndsWith => any(&|value| texts(value, operand, |text, part| text.ends_with(part))),
        Op::Under => Truth::from(under(values, operand, facts)),
        Op::Empty | Op::NotEmpty | Op::Between | Op::In | Op::InFolder | Op::AnniversaryIn => Truth::Unknown,
    }
}

/// Ids are unique over all cards, so the tree needs no name.
fn under(values: &[Value], operand: &Value, facts: &dyn Facts) -> bool {
    let Some(ancestor) = operand.as_id() else { return false };
    values.iter().filter_map(Value::as_id).any(|id| id == ancestor || facts.is_under(id, ancestor))
}

/// Several values as so many; an empty one as none.
fn flatten(value: Value) -> Vec<Value> {
    match value {
        Value::Empty => Vec::new(),
        Value::Texts(texts) => texts.into_iter().map(Value::Text).collect(),
        Value::Ids(ids) => ids.into_iter().map(Value::Id).collect(),
        other => vec![other],
    }
}

fn same(left: &Value, right: &Value, facts: &dyn Facts) -> bool {
    match (left, right) {
        (Value::AnyId { id, .. }, Value::Id(other)) | (Value::Id(other), Value::AnyId { id, .. }) => id == other,
        (left, right) if left == right => true,
        (left, right) => order(left, right, facts) == Some(Ordering::Equal),
    }
}

/// As [`compare`]; a moment and a day are compared by the day the moment falls on.
fn order(value: &Value, operand: &Value, facts: &dyn Facts) -> Option<Ordering> {
    match (value, operand) {
        (Value::Instant(at), Value::Date(date)) => Some(facts.day_of(*at).cmp(date)),
        (Value::Date(date), Value::Instant(at)) => Some(date.cmp(&facts.day_of(*at))),
        (value, operand) => compare(value, operand),
    }
}

/// The order of two values of comparable kinds.
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Decimal(left), Value::Decimal(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Decimal(right)) => Some(rust_decimal::Decimal::from(*left).cmp(right)),
        (Value::Decimal(left), Value::Int(right)) => Some(left.cmp(&rust_decimal::Decimal::from(*right))),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        (Value::Time(left), Value::Time(right)) => Some(left.cmp(right)),
        (Value::Instant(left), Value::Instant(right)) => Some(left.cmp(right)),
        (Value::Id(left), Value::Id(right)) if left == right => Some(Ordering::Equal),
        _ => None,
    }
}

/// Letters of ASCII are compared without case, as both databases do it. A document has the texts that stand in it.
fn texts(value: &Value, operand: &Value, wanted: fn(&str, &str) -> bool) -> bool {
    let Value::Text(part) = operand else { return false };
    let part = part.to_ascii_lowercase();
    let mut found = false;
    let mut look = |text: &str| found |= wanted(&text.to_ascii_lowercase(), &part);
    match value {
        Value::Text(text) => look(text),
        Value::Json(json) => each_text(json, json.get("type").and_then(Json::as_str) == Some("doc"), &mut look),
        _ => {}
    }
    found
}

/// Every text in a document. Of rich text only what people read: what stands under `text`.
fn each_text(json: &Json, rich: bool, look: &mut impl FnMut(&str)) {
    match json {
        Json::String(text) if !rich => look(text),
        Json::Array(items) => items.iter().for_each(|item| each_text(item, rich, look)),
        Json::Object(map) => map.iter().for_each(|(key, item)| match item {
            Json::String(text) if rich => {
                if key == "text" {
                    look(text);
                }
            }
            item => each_text(item, rich, look),
        }),
        _ => {}
    }
}

fn day(value: &Value, facts: &dyn Facts) -> Option<NaiveDate> {
    match value {
        Value::Date(date) => Some(*date),
        Value::Instant(at) => Some(facts.day_of(*at)),
        _ => None,
    }
}

/// Whether the day's month and day come up between `from` and `to`; 29 February is kept on 28 in other years.
pub fn has_anniversary(day: NaiveDate, from: NaiveDate, to: NaiveDate) -> bool {
    (from.year()..=to.year()).any(|year| {
        let this_year = NaiveDate::from_ymd_opt(year, day.month(), day.day()).or_else(|| NaiveDate::from_ymd_opt(year, 2, 28));
        this_year.is_some_and(|date| from <= date && date <= to)
    })
}

#[cfg(test)]
mod tests;
