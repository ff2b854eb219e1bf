//! Where a page ended, as an opaque text: the sort keys of its last record, tied to the card and the order they belong to.
//!
//! **Invariants**
//! - Whatever text comes in, what comes out are keys that the sort fields could have had; anything else is refused.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc};
use model::{Card, Catalog, FieldKind, Value, resolve};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{QueryError, Sort};

/// Longest cursor that is read: sort keys may be long texts.
const MAX_LENGTH: usize = 1_000_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// The order: a cursor of another order would skip or repeat records.
    s: String,
    k: Vec<Key>,
}

#[derive(Serialize, Deserialize)]
enum Key {
    E,
    T(String),
    I(i64),
    N(Decimal),
    B(bool),
    D(NaiveDate),
    H(NaiveTime),
    A(DateTime<Utc>),
    U(Uuid),
}

fn order(sort: &[Sort]) -> String {
    let card = sort.first().map_or("", |key| key.path.start.card.as_str());
    let keys: Vec<String> = sort.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "" }, key.path)).collect();
    format!("{card}:{}", keys.join(","))
}

/// The cursor after a record with these sort keys.
pub fn encode(sort: &[Sort], keys: &[Value]) -> String {
    let keys = keys.iter().map(|value| match value {
        Value::Text(text) => Key::T(text.clone()),
        Value::Int(number) => Key::I(*number),
        Value::Decimal(number) => Key::N(*number),
        Value::Bool(flag) => Key::B(*flag),
        Value::Date(date) => Key::D(*date),
        Value::Time(time) => Key::H(*time),
        Value::Instant(at) => Key::A(*at),
        Value::Id(id) => Key::U(*id),
        Value::Empty | Value::AnyId { .. } | Value::Texts(_) | Value::Ids(_) | Value::Json(_) => Key::E,
    });
    let cursor = Cursor { s: order(sort), k: keys.collect() };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
}

/// The sort keys of a cursor.
pub fn decode(catalog: &Catalog, card: &Card, sort: &[Sort], text: &str) -> Result<Vec<Value>, QueryError> {
    let wrong = || QueryError::new("bad_cursor", "this cursor does not belong to this question; start again without one");
    if text.len() > MAX_LENGTH {
        return Err(wrong());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    let of_card = sort.iter().all(|key| key.path.start.card == card.key);
    if !of_card || cursor.s != order(sort) || cursor.k.len() != sort.len() {
        return Err(wrong());
    }
    cursor.k.into_iter().zip(sort).map(|(key, sort)| fitting(catalog, sort, key).ok_or_else(wrong)).collect()
}

/// The value of a key, if the field it is of could have had it. The id of a record is never empty.
fn fitting(catalog: &Catalog, sort: &Sort, key: Key) -> Option<Value> {
    let kind = resolve::kind_of(&sort.path, sort.path.field(catalog)?);
    let is_id = sort.path.hops.is_empty() && sort.path.leaf == "id";
    match (kind, key) {
        (_, Key::E) => (!is_id).then_some(Value::Empty),
        (FieldKind::Text(_) | FieldKind::Choice { .. } | FieldKind::Formula { .. } | FieldKind::Colour, Key::T(text)) => (!text.contains('\0')).then_some(Value::Text(text)),
        (FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration, Key::I(number)) => Some(Value::Int(number)),
        (FieldKind::Decimal(settings), Key::N(number)) => (number.scale() <= 28 && number.normalize().scale() <= u32::from(settings.scale)).then_some(Value::Decimal(number)),
        (FieldKind::Boolean, Key::B(flag)) => Some(Value::Bool(flag)),
        (FieldKind::Date, Key::D(date)) => in_calendar(date).then_some(Value::Date(date)),
        (FieldKind::Time, Key::H(time)) => (time.nanosecond() < 1_000_000_000).then_some(Value::Time(time)),
        (FieldKind::Datetime, Key::A(at)) => (in_calendar(at.date_naive()) && at.nanosecond() < 1_000_000_000).then_some(Value::Instant(at)),
        (FieldKind::Link(_) | FieldKind::AnyLink { .. }, Key::U(id)) => Some(Value::Id(id)),
        _ => None,
    }
}

/// Years that both databases can write.
fn in_calendar(date: NaiveDate) -> bool {
    (0..=9999).contains(&date.year())
}
