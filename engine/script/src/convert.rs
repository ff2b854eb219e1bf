//! Between values of records and values of scripts.
//!
//! **Invariants**
//! - Every number is a decimal inside a script; empty is `()`.
//! - What comes out is one of the kinds a field holds, or an error.

use chrono::{DateTime, NaiveDate, Utc};
use model::Value;
use rhai::{Dynamic, ImmutableString};
use rust_decimal::Decimal;

use crate::{
    fault::{Fault, ScriptError},
    functions::kind_name,
    operators::{native, plain},
    rows::Several,
};

/// A value as scripts see it.
pub(crate) fn to_dynamic(value: Value) -> Dynamic {
    match value {
        Value::Empty => Dynamic::UNIT,
        Value::Text(text) => text.into(),
        Value::Int(number) => Dynamic::from_decimal(Decimal::from(number)),
        Value::Decimal(number) => Dynamic::from_decimal(number),
        Value::Bool(flag) => flag.into(),
        Value::Date(date) => Dynamic::from(date),
        Value::Time(time) => time.format("%H:%M:%S").to_string().into(),
        Value::Instant(at) => Dynamic::from(at),
        Value::Id(id) | Value::AnyId { id, .. } => id.to_string().into(),
        Value::Texts(texts) => several(texts.into_iter().map(ImmutableString::from)),
        Value::Ids(ids) => several(ids.into_iter().map(|id| id.to_string().into())),
        Value::Json(json) => json.to_string().into(),
    }
}

fn several(items: impl Iterator<Item = ImmutableString>) -> Dynamic {
    Dynamic::from(Several(items.collect::<Vec<_>>().into()))
}

/// What a script gave, as a value of a field.
pub(crate) fn from_dynamic(result: Dynamic) -> Result<Value, ScriptError> {
    let result = plain(result);
    if result.is_unit() {
        return Ok(Value::Empty);
    }
    if let Some(number) = crate::operators::number(&result) {
        return Ok(Value::Decimal(number));
    }
    if let Ok(flag) = result.as_bool() {
        return Ok(Value::Bool(flag));
    }
    if let Ok(text) = result.as_immutable_string_ref() {
        return Ok(text_value(text.as_str()));
    }
    if let Ok(letter) = result.as_char() {
        return Ok(Value::Text(letter.to_string()));
    }
    if let Some(day) = native::<NaiveDate>(&result) {
        return Ok(Value::Date(day));
    }
    if let Some(at) = native::<DateTime<Utc>>(&result) {
        return Ok(Value::Instant(at));
    }
    if let Some(items) = result.read_lock::<Several>() {
        return Ok(texts(items.0.iter().map(ToString::to_string).collect()));
    }
    if let Ok(items) = result.as_array_ref() {
        let found: Option<Vec<String>> = items.iter().map(|item| item.as_immutable_string_ref().ok().map(|text| text.to_string())).collect();
        if let Some(found) = found {
            return Ok(texts(found));
        }
    }
    Err(ScriptError::new(Fault::WrongKind, format!("the result is {}, which no field holds", kind_name(&result))))
}

fn text_value(text: &str) -> Value {
    if text.is_empty() { Value::Empty } else { Value::Text(text.to_owned()) }
}

fn texts(items: Vec<String>) -> Value {
    if items.is_empty() { Value::Empty } else { Value::Texts(items) }
}

