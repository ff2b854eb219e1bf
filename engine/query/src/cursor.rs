//! Where a page ended, as an opaque text: the sort keys of its last record, tied to the order they belong to.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use model::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{QueryError, Sort};

#[derive(Serialize, Deserialize)]
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
    N(rust_decimal::Decimal),
    B(bool),
    D(NaiveDate),
    H(NaiveTime),
    A(DateTime<Utc>),
    U(Uuid),
}

fn order(sort: &[Sort]) -> String {
    sort.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "" }, key.path)).collect::<Vec<_>>().join(",")
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
pub fn decode(sort: &[Sort], text: &str) -> Result<Vec<Value>, QueryError> {
    let wrong = || QueryError::new("bad_cursor", "this cursor does not belong to this question; start again without one");
    if text.len() > 8_000 {
        return Err(wrong());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    if cursor.s != order(sort) || cursor.k.len() != sort.len() {
        return Err(wrong());
    }
    let values = cursor.k.into_iter().map(|key| match key {
        Key::E => Value::Empty,
        Key::T(text) => Value::Text(text),
        Key::I(number) => Value::Int(number),
        Key::N(number) => Value::Decimal(number),
        Key::B(flag) => Value::Bool(flag),
        Key::D(date) => Value::Date(date),
        Key::H(time) => Value::Time(time),
        Key::A(at) => Value::Instant(at),
        Key::U(id) => Value::Id(id),
    });
    Ok(values.collect())
}
