//! What a tracked field was over time.
//!
//! **Invariants**
//! - Whoever reads the record sees the values of a field over time where they always see the field: a value of then
//!   stood in a row that may have been another's.

use access::{Actor, Readable};
use chrono::{DateTime, Utc};
use model::{ActionName, Field, FieldKind, Track, Value, types};
use serde_json::{Map, Value as Json, json};
use sql::{Datum, system};
use uuid::Uuid;

use crate::{App, AppError, snapshot::Snapshot};

/// Most values of one series.
pub const MOST: u32 = 1_000;

/// A field over time.
#[derive(Debug, Clone)]
pub struct Series {
    /// The field.
    pub field: Field,
    /// Its values, the oldest first; each holds until the next.
    pub points: Vec<Point>,
}

/// A value that a field got.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom; `None` for what the engine calculated, or where it is not known.
    pub by: Option<(Uuid, String)>,
    /// The value from then on.
    pub value: Value,
}

/// The values of a field whose series is kept. The record must be readable.
pub async fn series(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Uuid, field: &str) -> Result<Series, AppError> {
    let locale = form::Locale::of(&actor.lang, actor.zone);
    let page = super::read::read(app, snapshot, actor, card, id, &locale).await?;
    let card = snapshot.card(card)?;
    let gate = access::gate(&snapshot.catalog, actor, card, ActionName::Read)?;
    let found = card.field(field).filter(|field| field.track == Track::Series && !field.secret && gate.readable(None, &field.key) == Readable::Always);
    let field = found.ok_or_else(|| AppError::not_found("field"))?;
    let rows = app.store.fetch(&system::series(app.store.dialect(), id, field.id.as_str(), MOST)).await?;
    let mut points = Vec::new();
    let mut before = None;
    for row in rows.into_iter().rev() {
        let Ok([Datum::Instant(at), by, name, Datum::Text(tracked)]) = <[Datum; 4]>::try_from(row) else { continue };
        let tracked: Map<String, Json> = serde_json::from_str(&tracked).unwrap_or_default();
        let Some(both) = tracked.get(field.id.as_str()) else { continue };
        let value = |json: &Json| types::read_json(&field.kind, json).unwrap_or_default();
        before.get_or_insert_with(|| value(&both[0]));
        let by = match (by, name) {
            (Datum::Uuid(id), Datum::Text(name)) => Some((id, name)),
            _ => None,
        };
        points.push(Point { at, by, value: value(&both[1]) });
    }
    // What it was before its series was kept.
    let made = || {
        let (column, item) = (page.columns.iter().position(|column| column.name == "created_at")?, page.items.first()?);
        match item.values.get(column)? {
            Value::Instant(at) => Some(*at),
            _ => None,
        }
    };
    if let (Some(value), Some(at)) = (before.filter(|value| !value.is_empty()), made()) {
        points.insert(0, Point { at, by: None, value });
    }
    Ok(Series { field: field.clone(), points })
}

impl Series {
    /// As the API shows it.
    pub fn to_json(&self) -> Json {
        let kind: &FieldKind = &self.field.kind;
        let point = |point: &Point| {
            let by = point.by.as_ref().map(|(id, name)| json!({"id": id.to_string(), "title": name}));
            json!({"at": point.at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true), "by": by, "value": types::to_json(kind, &point.value)})
        };
        json!({"field": self.field.key, "points": self.points.iter().map(point).collect::<Vec<_>>()})
    }
}
