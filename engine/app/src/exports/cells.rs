//! Values as cells.

use exchange::Cell;
use form::{Locale, format};
use model::{DecimalFlavour, FieldKind, Path, Value, resolve};
use rust_decimal::prelude::ToPrimitive;
use uuid::Uuid;

use crate::{Snapshot, lists::Page};

/// Between several values of one cell. Labels have commas of their own.
pub(crate) const BETWEEN: &str = "; ";
/// The largest whole number that Excel keeps exactly.
const EXACT: u64 = 1_000_000_000_000_000;

/// A value of a column.
pub(super) fn cell(snapshot: &Snapshot, path: &Path, value: &Value, page: &Page, locale: &Locale) -> Cell {
    let Some(field) = path.field(&snapshot.catalog) else { return Cell::Empty };
    let kind = resolve::kind_of(path, field);
    if path.leaf == "id" {
        return value.as_id().map_or(Cell::Empty, |id| Cell::Text(id.to_string()));
    }
    let text = |text: String| if text.is_empty() { Cell::Empty } else { Cell::Text(text) };
    let title = |id: &Uuid| page.titles.get(id).cloned().unwrap_or_default();
    let file = |id: &Uuid| page.files.get(id).map(|file| file.name.clone()).unwrap_or_default();
    let joined = |texts: Vec<String>| text(texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(BETWEEN));
    match (&kind, value) {
        (_, Value::Empty) => Cell::Empty,
        (FieldKind::File(_), Value::Id(id)) => text(file(id)),
        (FieldKind::File(_), Value::Ids(ids)) => joined(ids.iter().map(file).collect()),
        (_, Value::Id(id) | Value::AnyId { id, .. }) => text(title(id)),
        (_, Value::Ids(ids)) => joined(ids.iter().map(title).collect()),
        (FieldKind::Choice { options, .. }, Value::Texts(texts)) => joined(texts.iter().map(|value| format::label(options, value, &locale.lang)).collect()),
        (FieldKind::Duration, Value::Int(seconds)) => Cell::Span(*seconds),
        (_, Value::Int(number)) if number.unsigned_abs() < EXACT => Cell::Number(*number as f64),
        (_, Value::Int(number)) => Cell::Text(number.to_string()),
        (FieldKind::Decimal(settings), Value::Decimal(number)) => match number.to_f64() {
            Some(number) if settings.flavour == DecimalFlavour::Percent => Cell::Percent(number / 100.0),
            Some(number) => Cell::Number(number),
            None => Cell::Text(number.to_string()),
        },
        (_, Value::Bool(flag)) => Cell::Bool(*flag),
        (_, Value::Date(day)) => Cell::Moment(day.and_time(chrono::NaiveTime::MIN)),
        (_, Value::Instant(at)) => Cell::Moment(at.with_timezone(&locale.zone).naive_local()),
        (_, Value::Time(time)) => Cell::Span(i64::from(chrono::Timelike::num_seconds_from_midnight(time))),
        (FieldKind::Json { .. }, Value::Json(json)) => Cell::Text(json.to_string()),
        (_, Value::Json(json)) if path.part.is_some() => text(json.get(path.part.map_or("", model::Part::name)).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()),
        (kind, value) => text(format::text(kind, value, locale)),
    }
}
