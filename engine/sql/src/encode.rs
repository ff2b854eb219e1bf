//! Values to data of columns and back.

use model::{Field, FieldKind, Ident, Storage, Value};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{Datum, Physical};

/// The physical type of a field's column. Documents are kept as text on both databases, so that both read them alike.
pub fn physical(kind: &FieldKind) -> Physical {
    match kind {
        FieldKind::Text(_) | FieldKind::Formula { .. } | FieldKind::Colour | FieldKind::Choice { .. } => Physical::Text,
        FieldKind::RichText | FieldKind::Address | FieldKind::Geo | FieldKind::Json { .. } => Physical::Text,
        FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration => Physical::Integer,
        FieldKind::Decimal(settings) => Physical::Decimal { scale: settings.scale },
        FieldKind::Boolean => Physical::Boolean,
        FieldKind::Date => Physical::Date,
        FieldKind::Time => Physical::Time,
        FieldKind::Datetime => Physical::Instant,
        FieldKind::Link(_) | FieldKind::AnyLink { .. } | FieldKind::File(_) => Physical::Uuid,
    }
}

/// A value as a datum of that physical type. Values are of their field's kind, so anything else is stored as nothing.
pub fn datum(value: &Value, physical: Physical) -> Datum {
    match (value, physical) {
        (Value::Text(text), Physical::Text) => Datum::Text(text.clone()),
        (Value::Json(json), Physical::Text) => Datum::Text(json.to_string()),
        (Value::Int(number), Physical::Integer) => Datum::Integer(*number),
        (Value::Int(number), Physical::Decimal { scale }) => Datum::Decimal { value: Decimal::from(*number), scale },
        (Value::Decimal(number), Physical::Decimal { scale }) => Datum::Decimal { value: *number, scale },
        (Value::Bool(flag), Physical::Boolean) => Datum::Boolean(*flag),
        (Value::Date(date), Physical::Date) => Datum::Date(*date),
        (Value::Time(time), Physical::Time) => Datum::Time(*time),
        (Value::Instant(at), Physical::Instant) => Datum::Instant(*at),
        (Value::Id(id) | Value::AnyId { id, .. }, Physical::Uuid) => Datum::Uuid(*id),
        _ => Datum::Null(physical),
    }
}

/// A datum as a value of that kind.
pub fn value(datum: Datum, kind: &FieldKind) -> Value {
    match datum {
        Datum::Null(_) => Value::Empty,
        Datum::Text(text) => match kind {
            FieldKind::RichText | FieldKind::Address | FieldKind::Geo | FieldKind::Json { .. } => serde_json::from_str(&text).map_or(Value::Empty, Value::Json),
            _ => Value::Text(text),
        },
        Datum::Integer(number) => Value::Int(number),
        Datum::Boolean(flag) => Value::Bool(flag),
        Datum::Decimal { value, .. } => Value::Decimal(value),
        Datum::Date(date) => Value::Date(date),
        Datum::Time(time) => Value::Time(time),
        Datum::Instant(at) => Value::Instant(at),
        Datum::Uuid(id) => Value::Id(id),
        Datum::Json(json) => Value::Json(json),
        Datum::Bytes(_) => Value::Empty,
    }
}

/// The columns of a field that is stored in its own table's row, with their data.
pub fn columns(field: &Field, stored: &Value) -> Vec<(String, Datum)> {
    match &field.storage {
        Storage::Column(name) => vec![(name.clone(), datum(stored, physical(&field.kind)))],
        Storage::CardAndColumn { id, card } => {
            let key = match stored {
                Value::AnyId { card, .. } => Datum::Text(card.to_string()),
                _ => Datum::Null(Physical::Text),
            };
            vec![(id.clone(), datum(stored, Physical::Uuid)), (card.clone(), key)]
        }
        Storage::Side { .. } | Storage::Nowhere => Vec::new(),
    }
}

/// The rows of a field that is stored in a table of its own.
pub fn side_values(field: &Field, stored: &Value) -> Vec<Datum> {
    let _ = field;
    match stored {
        Value::Texts(texts) => texts.iter().map(|text| Datum::Text(text.clone())).collect(),
        Value::Ids(ids) => ids.iter().map(|id| Datum::Uuid(*id)).collect(),
        _ => Vec::new(),
    }
}

/// The physical type of a side table's values.
pub fn side_physical(kind: &FieldKind) -> Physical {
    match kind {
        FieldKind::Choice { .. } => Physical::Text,
        _ => Physical::Uuid,
    }
}

/// Rows of a side table as one value.
pub fn side_value(kind: &FieldKind, rows: Vec<Datum>) -> Value {
    if rows.is_empty() {
        return Value::Empty;
    }
    match side_physical(kind) {
        Physical::Text => Value::Texts(rows.into_iter().filter_map(|row| match row { Datum::Text(text) => Some(text), _ => None }).collect()),
        _ => Value::Ids(rows.into_iter().filter_map(|row| match row { Datum::Uuid(id) => Some(id), _ => None }).collect()),
    }
}

/// A link to one of several cards from its two columns.
pub fn any_id(id: Datum, card: Datum) -> Value {
    match (id, card) {
        (Datum::Uuid(id), Datum::Text(card)) => Ident::new(&card).map_or(Value::Empty, |card| Value::AnyId { card, id }),
        _ => Value::Empty,
    }
}

/// The id of a datum.
pub fn id(datum: &Datum) -> Option<Uuid> {
    match datum {
        Datum::Uuid(id) => Some(*id),
        _ => None,
    }
}
