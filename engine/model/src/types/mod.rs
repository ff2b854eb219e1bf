//! What each field type reads, writes and refuses. One file per family of types.
//!
//! `read_json` turns what a client sent into a [`Value`] of the field's kind, `check` says whether that value is
//! within the field's settings, `to_json` writes it back. Reading is about shape, checking about bounds.
//!
//! **Not here:** rules over several fields (`validate`), texts for people (`form`), columns (`sql`).

pub(crate) mod choice;
mod composite;
mod moment;
mod number;
mod pointer;
mod text;

use serde_json::Value as Json;

use crate::{Code, FieldKind, Value, Violation};

pub use composite::document_text;
pub use number::{MAX_DIGITS, SAFE_INTEGER, round};
pub use text::{clean, is_email};

/// Reads what a client sent for a field of this kind. `null` and the empty text are [`Value::Empty`].
pub fn read_json(kind: &FieldKind, json: &Json) -> Result<Value, Violation> {
    if json.is_null() || json.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Ok(Value::Empty);
    }
    match kind {
        FieldKind::Text(_) | FieldKind::Formula { .. } => text::read(json),
        FieldKind::Colour => text::read_colour(json),
        FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration => number::read_integer(json),
        FieldKind::Decimal(settings) => number::read_decimal(json, settings),
        FieldKind::Boolean => number::read_boolean(json),
        FieldKind::Date => moment::read_date(json),
        FieldKind::Time => moment::read_time(json),
        FieldKind::Datetime => moment::read_instant(json),
        FieldKind::Choice { multiple: false, .. } => text::read(json),
        FieldKind::Choice { options, multiple: true } => choice::read_many(json, options),
        FieldKind::Link(link) if link.multiple => pointer::read_many(json),
        FieldKind::File(file) if file.multiple => pointer::read_many(json),
        FieldKind::Link(_) | FieldKind::File(_) => pointer::read_one(json),
        FieldKind::AnyLink { targets, .. } => pointer::read_any(json, targets),
        FieldKind::Address => composite::read_address(json),
        FieldKind::Geo => composite::read_geo(json),
        FieldKind::RichText => composite::read_document(json),
        FieldKind::Json { .. } => Ok(Value::Json(json.clone())),
    }
}

/// Writes a value as JSON. Links and files come out as bare ids; who knows titles adds them.
pub fn to_json(kind: &FieldKind, value: &Value) -> Json {
    match value {
        Value::Empty => match kind {
            FieldKind::Choice { multiple: true, .. } => Json::Array(Vec::new()),
            FieldKind::Link(link) if link.multiple => Json::Array(Vec::new()),
            FieldKind::File(file) if file.multiple => Json::Array(Vec::new()),
            _ => Json::Null,
        },
        Value::Text(text) => Json::String(text.clone()),
        Value::Int(number) => Json::from(*number),
        Value::Decimal(number) => match kind {
            FieldKind::Decimal(settings) => Json::String(number::at_scale(*number, settings.scale)),
            _ => Json::String(number.to_string()),
        },
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Date(date) => Json::String(date.format("%Y-%m-%d").to_string()),
        Value::Time(time) => Json::String(moment::time_text(*time)),
        Value::Instant(at) => Json::String(moment::instant_text(*at)),
        Value::Id(id) => Json::String(id.to_string()),
        Value::AnyId { card, id } => serde_json::json!({"card": card, "id": id.to_string()}),
        Value::Texts(texts) => texts.iter().map(|text| Json::String(text.clone())).collect(),
        Value::Ids(ids) => ids.iter().map(|id| Json::String(id.to_string())).collect(),
        Value::Json(json) => json.clone(),
    }
}

/// What is wrong with a value that was read well: bounds, options, patterns. Empty is always fine here.
pub fn check(kind: &FieldKind, value: &Value) -> Vec<Violation> {
    match (kind, value) {
        (_, Value::Empty) => Vec::new(),
        (FieldKind::Text(settings), Value::Text(text)) => text::check(settings, text),
        (FieldKind::Formula { .. }, Value::Text(text)) => text::check_length(text, 10_000),
        (FieldKind::Integer { min, max }, Value::Int(number)) => number::check_integer(*number, *min, *max),
        (FieldKind::Rating { max }, Value::Int(number)) => number::check_integer(*number, Some(0), Some(*max)),
        (FieldKind::Duration, Value::Int(number)) => number::check_integer(*number, None, None),
        (FieldKind::Decimal(settings), Value::Decimal(number)) => number::check_decimal(*number, settings),
        (FieldKind::Choice { options, .. }, Value::Text(text)) => choice::check(options, std::slice::from_ref(text)),
        (FieldKind::Choice { options, .. }, Value::Texts(texts)) => choice::check(options, texts),
        (FieldKind::Link(_) | FieldKind::File(_), Value::Ids(ids)) => pointer::check_many(ids),
        (FieldKind::Json { schema: Some(schema) }, Value::Json(json)) => composite::check_schema(schema, json),
        (FieldKind::Json { schema: None } | FieldKind::RichText, Value::Json(json)) => composite::check_size(json),
        (FieldKind::Date, Value::Date(date)) => moment::check_date(*date),
        (FieldKind::Datetime, Value::Instant(at)) => moment::check_date(at.date_naive()),
        (FieldKind::Colour | FieldKind::Boolean | FieldKind::Time | FieldKind::Address | FieldKind::Geo, _)
        | (FieldKind::Link(_) | FieldKind::File(_), Value::Id(_))
        | (FieldKind::AnyLink { .. }, Value::AnyId { .. }) => Vec::new(),
        (_, other) => vec![wanted(&format!("another kind of value than {other:?}"))],
    }
}

/// The violation of a value that is of another kind.
fn wanted(what: &str) -> Violation {
    Violation::new("", Code::Type).with("wanted", what)
}
