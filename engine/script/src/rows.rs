//! Rows, records and lists as scripts see them: native types, so that the sandbox's caps bind only what a script
//! builds itself.
//!
//! **Invariants**
//! - `sum` and `count` over no rows are 0; `min`, `max`, `avg`, `first` and `last` are empty.
//! - Empty values take no part in an aggregate.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use model::{Op, Value, Values, record::value_of};
use rhai::{Dynamic, Engine, ImmutableString};
use rust_decimal::Decimal;

use crate::{
    convert::to_dynamic,
    fault::{Fault, Outcome, trouble},
    functions::kind_name,
    operators::{compare, plain, too_many_digits},
};

/// The rows of a child table.
#[derive(Debug, Clone, Default)]
pub struct RowSet(pub Arc<Vec<Values>>);

impl RowSet {
    /// The sum of a field; 0 over no rows.
    pub fn sum(&self, field: &str) -> Result<Decimal, String> {
        Rows::from(self.clone()).sum(field).map_err(|error| crate::ScriptError::from(error).message)
    }
}

/// Rows inside a formula: all of a table, or those that `where` kept.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    all: Arc<Vec<Values>>,
    kept: Option<Arc<[usize]>>,
}

impl From<RowSet> for Rows {
    fn from(rows: RowSet) -> Self {
        Self { all: rows.0, kept: None }
    }
}

impl Rows {
    fn rows(&self) -> Box<dyn Iterator<Item = &Values> + '_> {
        match &self.kept {
            None => Box::new(self.all.iter()),
            Some(kept) => Box::new(kept.iter().filter_map(|index| self.all.get(*index))),
        }
    }

    fn values<'r>(&'r self, field: &'r str) -> impl Iterator<Item = &'r Value> {
        self.rows().map(move |row| value_of(row, field)).filter(|value| !value.is_empty())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.as_ref().map_or(self.all.len(), |kept| kept.len())
    }

    /// Sum and count of the numbers of a field.
    fn total(&self, field: &str) -> Outcome<(Decimal, usize)> {
        self.values(field).try_fold((Decimal::ZERO, 0), |(sum, count), value| {
            let number = match value {
                Value::Decimal(number) => *number,
                Value::Int(number) => Decimal::from(*number),
                other => return Err(trouble(Fault::WrongKind, format!("`{field}` holds {}, no number", kind_name(&to_dynamic(other.clone()))))),
            };
            Ok((sum.checked_add(number).ok_or_else(too_many_digits)?, count + 1))
        })
    }

    pub(crate) fn sum(&self, field: &str) -> Outcome<Decimal> {
        self.total(field).map(|(sum, _)| sum)
    }

    pub(crate) fn avg(&self, field: &str) -> Outcome {
        let (sum, count) = self.total(field)?;
        Ok(sum.checked_div(Decimal::from(count)).map_or(Dynamic::UNIT, Dynamic::from_decimal))
    }

    pub(crate) fn extreme(&self, field: &str, wanted: Ordering) -> Dynamic {
        let found = self.values(field).reduce(|best, value| if model::eval::compare(value, best) == Some(wanted) { value } else { best });
        found.map_or(Dynamic::UNIT, |value| to_dynamic(value.clone()))
    }

    /// How many rows have a value in a field.
    pub(crate) fn filled(&self, field: &str) -> Decimal {
        Decimal::from(self.values(field).count())
    }

    pub(crate) fn first(&self, field: &str) -> Dynamic {
        Self::one(self.values(field).next())
    }

    pub(crate) fn last(&self, field: &str) -> Dynamic {
        Self::one(self.values(field).last())
    }

    fn one(value: Option<&Value>) -> Dynamic {
        value.map_or(Dynamic::UNIT, |value| to_dynamic(value.clone()))
    }

    /// The rows whose field passes a test, said with the words of filters.
    pub(crate) fn kept(&self, field: &str, op: &str, wanted: &Dynamic) -> Outcome<Self> {
        let test = RowTest::parse(op)?;
        let mut kept = Vec::new();
        let indexes: Box<dyn Iterator<Item = usize>> = match &self.kept {
            None => Box::new(0..self.all.len()),
            Some(kept) => Box::new(kept.iter().copied()),
        };
        for index in indexes {
            let Some(row) = self.all.get(index) else { continue };
            if test.holds(&to_dynamic(value_of(row, field).clone()), wanted)? {
                kept.push(index);
            }
        }
        Ok(Self { all: Arc::clone(&self.all), kept: Some(kept.into()) })
    }
}

/// The tests that `where` knows: those of filters that need nothing but two values.
struct RowTest(Op);

/// Their names, for documentation and suggestions.
pub(crate) const ROW_TESTS: [Op; 14] = [
    Op::Is, Op::IsNot, Op::AnyOf, Op::NoneOf, Op::Empty, Op::NotEmpty, Op::Contains, Op::NotContains, Op::Gt, Op::Gte, Op::Lt, Op::Lte, Op::Before, Op::After,
];

impl RowTest {
    fn parse(name: &str) -> Outcome<Self> {
        if let Some(op) = Op::parse(name).filter(|op| ROW_TESTS.contains(op)) {
            return Ok(Self(op));
        }
        let known: Vec<&str> = ROW_TESTS.iter().map(|op| op.name()).collect();
        let near = model::nearest(name, known.iter().copied()).map_or_else(|| format!("; known are {}", known.join(", ")), |near| format!("; did you mean \"{near}\"?"));
        Err(trouble(Fault::UnknownName, format!("`where` knows no test \"{name}\"{near}")))
    }

    fn holds(&self, value: &Dynamic, wanted: &Dynamic) -> Outcome<bool> {
        let compared = |fits: fn(Ordering) -> bool| Ok(compare(value, wanted)?.is_some_and(fits));
        match self.0 {
            Op::Empty => Ok(value.is_unit()),
            Op::NotEmpty => Ok(!value.is_unit()),
            Op::Is => compared(Ordering::is_eq),
            Op::IsNot => Ok(!compare(value, wanted)?.is_some_and(Ordering::is_eq)),
            Op::AnyOf => contains(wanted, value),
            Op::NoneOf => contains(wanted, value).map(|found| !found),
            Op::Contains => contains(value, wanted),
            Op::NotContains => contains(value, wanted).map(|found| !found),
            Op::Gt | Op::After => compared(Ordering::is_gt),
            Op::Gte => compared(Ordering::is_ge),
            Op::Lt | Op::Before => compared(Ordering::is_lt),
            Op::Lte => compared(Ordering::is_le),
            Op::StartsWith | Op::EndsWith | Op::Between | Op::In | Op::Under | Op::InFolder | Op::AnniversaryIn => Ok(false),
        }
    }
}

/// Whether a text holds a part, or a list an item. Nothing holds nothing.
pub(crate) fn contains(whole: &Dynamic, part: &Dynamic) -> Outcome<bool> {
    let part = plain(part.clone());
    if whole.is_unit() || part.is_unit() {
        return Ok(false);
    }
    if let Some(items) = whole.read_lock::<Several>() {
        return Ok(part.as_immutable_string_ref().is_ok_and(|part| items.0.iter().any(|item| **item == **part)));
    }
    if let Ok(items) = whole.as_array_ref() {
        for item in items.iter() {
            if compare(item, &part)?.is_some_and(Ordering::is_eq) {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    match (whole.as_immutable_string_ref(), part.as_immutable_string_ref()) {
        (Ok(whole), Ok(part)) => Ok(whole.contains(part.as_str())),
        _ => Err(trouble(Fault::WrongKind, format!("{} does not contain {}", kind_name(whole), kind_name(&part)))),
    }
}

/// Several choices or several links of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Several(pub Arc<[ImmutableString]>);

impl Several {
    pub(crate) fn shown(&self) -> String {
        self.0.join(", ")
    }
}

/// A linked record: what the formula reads of it, and the link itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    own: Dynamic,
    parts: BTreeMap<String, Dynamic>,
}

impl Record {
    pub(crate) fn new(own: Dynamic) -> Self {
        Self { own, parts: BTreeMap::new() }
    }

    pub(crate) fn own(&self) -> Dynamic {
        self.own.clone()
    }

    /// The part of that name, as it stands in the formula.
    fn part(&self, name: &str) -> Dynamic {
        self.parts.get(name.trim_end_matches(crate::names::RENAMED)).cloned().unwrap_or_default()
    }

    pub(crate) fn put(&mut self, path: &str, value: Dynamic) {
        match path.split_once('.') {
            None => match self.parts.get_mut(path).and_then(|known| known.write_lock::<Self>()) {
                Some(mut inner) => inner.own = value,
                None => {
                    self.parts.insert(path.to_owned(), value);
                }
            },
            Some((root, rest)) => {
                let known = self.parts.remove(root).unwrap_or_default();
                let mut inner = if known.is::<Self>() { known.cast::<Self>() } else { Self::new(known) };
                inner.put(rest, value);
                self.parts.insert(root.to_owned(), Dynamic::from(inner));
            }
        }
    }
}

/// The functions over rows, for whatever can be seen as rows.
macro_rules! aggregates {
    ($engine:expr, $of:ty, $rows:expr) => {{
        let rows: fn(&$of) -> $crate::rows::Rows = $rows;
        let engine: &mut rhai::Engine = $engine;
        engine.register_fn("sum", move |of: &mut $of, field: rhai::ImmutableString| rows(of).sum(&field));
        engine.register_fn("avg", move |of: &mut $of, field: rhai::ImmutableString| rows(of).avg(&field));
        engine.register_fn("count", move |of: &mut $of| rust_decimal::Decimal::from(rows(of).len()));
        engine.register_fn("count", move |of: &mut $of, field: rhai::ImmutableString| rows(of).filled(&field));
        engine.register_fn("min", move |of: &mut $of, field: rhai::ImmutableString| rows(of).extreme(&field, std::cmp::Ordering::Less));
        engine.register_fn("max", move |of: &mut $of, field: rhai::ImmutableString| rows(of).extreme(&field, std::cmp::Ordering::Greater));
        engine.register_fn("first", move |of: &mut $of, field: rhai::ImmutableString| rows(of).first(&field));
        engine.register_fn("last", move |of: &mut $of, field: rhai::ImmutableString| rows(of).last(&field));
        engine.register_fn("where", move |of: &mut $of, field: rhai::ImmutableString, op: rhai::ImmutableString| rows(of).kept(&field, &op, &rhai::Dynamic::UNIT));
        engine.register_fn("where", move |of: &mut $of, field: rhai::ImmutableString, op: rhai::ImmutableString, wanted: rhai::Dynamic| rows(of).kept(&field, &op, &wanted));
    }};
}
pub(crate) use aggregates;

/// Registers what rows and records offer.
pub(crate) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Rows>("rows").register_type_with_name::<Record>("record").register_type_with_name::<Several>("list");
    engine.register_indexer_get(|record: &mut Record, name: ImmutableString| record.part(&name));
    // What an empty link leads to is empty, however far one walks.
    engine.register_indexer_get(|(): &mut (), _: ImmutableString| ());
    aggregates!(engine, Rows, |rows: &Rows| rows.clone());
}

