//! Rows and records as scripts see them: native types, so that the sandbox's caps bind only what a script builds.

use std::{collections::HashMap, sync::Arc};

use model::{Value, Values, eval::compare, record::value_of};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString};
use rust_decimal::Decimal;

use crate::to_dynamic;

/// The rows of a child table.
#[derive(Debug, Clone, Default)]
pub struct RowSet(pub Arc<Vec<Values>>);

/// A linked record: what the formula reads of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record(HashMap<String, Dynamic>);

impl Record {
    pub(crate) fn put(&mut self, name: &str, value: Dynamic) {
        match name.split_once('.') {
            None => {
                self.0.insert(name.to_owned(), value);
            }
            Some((root, rest)) => {
                let mut inner = self.0.get(root).and_then(|known| known.clone().try_cast::<Self>()).unwrap_or_default();
                inner.put(rest, value);
                self.0.insert(root.to_owned(), Dynamic::from(inner));
            }
        }
    }
}

type Outcome = Result<Dynamic, Box<EvalAltResult>>;

impl RowSet {
    fn values(&self, field: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().map(move |row| value_of(row, field)).filter(|value| !value.is_empty())
    }

    fn numbers(&self, field: &str) -> Result<Vec<Decimal>, Box<EvalAltResult>> {
        let one = |value: &Value| match value {
            Value::Decimal(number) => Ok(*number),
            Value::Int(number) => Ok(Decimal::from(*number)),
            _ => Err(format!("`{field}` is no number").into()),
        };
        self.values(field).map(one).collect()
    }

    /// The sum of a field; 0 over no rows.
    pub fn sum(&self, field: &str) -> Result<Decimal, String> {
        let numbers = self.numbers(field).map_err(|error| error.to_string())?;
        numbers.into_iter().try_fold(Decimal::ZERO, |sum, number| sum.checked_add(number)).ok_or_else(|| "the sum has too many digits".to_owned())
    }

    fn extreme(&self, field: &str, wanted: std::cmp::Ordering) -> Dynamic {
        let found = self.values(field).reduce(|best, value| if compare(value, best) == Some(wanted) { value } else { best });
        found.map_or(Dynamic::UNIT, |value| to_dynamic(value.clone()))
    }
}

/// Registers what rows and records offer.
pub(crate) fn register(engine: &mut Engine) {
    engine.register_indexer_get(|record: &mut Record, name: ImmutableString| record.0.get(name.as_str()).cloned().unwrap_or(Dynamic::UNIT));
    engine.register_fn("sum", |rows: &mut RowSet, field: &str| -> Outcome { rows.sum(field).map(Dynamic::from_decimal).map_err(Into::into) });
    engine.register_fn("count", |rows: &mut RowSet| Decimal::from(rows.0.len()));
    engine.register_fn("min", |rows: &mut RowSet, field: &str| rows.extreme(field, std::cmp::Ordering::Less));
    engine.register_fn("max", |rows: &mut RowSet, field: &str| rows.extreme(field, std::cmp::Ordering::Greater));
    engine.register_fn("avg", |rows: &mut RowSet, field: &str| -> Outcome {
        let numbers = rows.numbers(field)?;
        if numbers.is_empty() {
            return Ok(Dynamic::UNIT);
        }
        let sum = rows.sum(field)?;
        Ok(Dynamic::from_decimal(sum / Decimal::from(numbers.len())))
    });
    engine.register_fn("first", |rows: &mut RowSet, field: &str| rows.values(field).next().map_or(Dynamic::UNIT, |value| to_dynamic(value.clone())));
    engine.register_fn("last", |rows: &mut RowSet, field: &str| rows.values(field).last().map_or(Dynamic::UNIT, |value| to_dynamic(value.clone())));
}
