//! Between values of records and values of scripts.
//!
//! **Invariants**
//! - Every number is a decimal inside a script; empty is `()`.
//! - What comes out is one of the kinds a field holds, or an error.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use model::Value;
use rhai::{Dynamic, ImmutableString};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::Value as Json;

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

/// A value as a client would send it, whatever field it is for.
pub(crate) fn plain_json(value: &Value) -> Json {
    match value {
        Value::Empty => Json::Null,
        Value::Text(text) => text.clone().into(),
        Value::Int(number) => (*number).into(),
        Value::Decimal(number) => decimal_json(*number),
        Value::Bool(flag) => (*flag).into(),
        Value::Date(date) => date.to_string().into(),
        Value::Time(time) => time.format("%H:%M:%S").to_string().into(),
        Value::Instant(at) => at.to_rfc3339_opts(SecondsFormat::Micros, true).into(),
        Value::Id(id) => id.to_string().into(),
        Value::AnyId { card, id } => serde_json::json!({"card": card, "id": id.to_string()}),
        Value::Texts(texts) => texts.clone().into(),
        Value::Ids(ids) => ids.iter().map(|id| Json::from(id.to_string())).collect(),
        Value::Json(json) => json.clone(),
    }
}

/// Whole numbers as numbers, others as text, so that no digit is lost.
fn decimal_json(number: Decimal) -> Json {
    let whole = number.is_integer().then(|| number.trunc().to_i64()).flatten().filter(|whole| whole.unsigned_abs() < 1 << 53);
    whole.map_or_else(|| number.to_string().into(), Json::from)
}

/// What a script wrote, as JSON. Lists and maps are as deep as the sandbox lets them grow, and its threads' stacks deeper.
pub(crate) fn to_json(value: &Dynamic) -> Result<Json, ScriptError> {
    if let Ok(map) = value.as_map_ref() {
        return map.iter().map(|(key, value)| Ok((key.to_string(), to_json(value)?))).collect::<Result<serde_json::Map<_, _>, _>>().map(Json::Object);
    }
    if let Ok(list) = value.as_array_ref() {
        return list.iter().map(to_json).collect::<Result<Vec<_>, _>>().map(Json::Array);
    }
    if let Some(doc) = value.read_lock::<crate::doc::Doc>() {
        return Ok(doc.id().to_string().into());
    }
    from_dynamic(value.clone()).map(|value| plain_json(&value))
}

/// JSON as scripts see it: numbers are decimals.
pub(crate) fn from_json(json: &Json) -> Dynamic {
    match json {
        Json::Null => Dynamic::UNIT,
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => number.to_string().parse::<Decimal>().map_or(Dynamic::UNIT, Dynamic::from_decimal),
        Json::String(text) => text.clone().into(),
        Json::Array(items) => Dynamic::from_array(items.iter().map(from_json).collect()),
        Json::Object(map) => Dynamic::from_map(map.iter().map(|(key, value)| (key.as_str().into(), from_json(value))).collect()),
    }
}

fn text_value(text: &str) -> Value {
    if text.is_empty() { Value::Empty } else { Value::Text(text.to_owned()) }
}

fn texts(items: Vec<String>) -> Value {
    if items.is_empty() { Value::Empty } else { Value::Texts(items) }
}

