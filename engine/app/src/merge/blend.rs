//! Whose value the record that is left has in each field, and whose rows.
//!
//! **Invariants**
//! - Not chosen: the master's own where there is one, else the newest of the others'; fields with several values unite.
//! - Rows of child tables: the master's, then those of the others, unless one record's are chosen.

use indexmap::IndexMap;
use model::{Card, Field, FieldKind, Ident, Record, Table, Value, Values, record::value_of, types};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::AppError;

/// Whose value each field has, whose rows each table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choices {
    /// Field → record.
    pub fields: IndexMap<String, Uuid>,
    /// Child table → record; `None` for the rows of all.
    pub tables: IndexMap<String, Option<Uuid>>,
}

impl Choices {
    pub(super) fn read(body: &Json) -> Result<Self, AppError> {
        let bad = |detail: String| AppError::malformed("bad_merge", detail);
        let id = |json: &Json| json.as_str().and_then(|id| Uuid::try_parse(id).ok());
        let mut choices = Self::default();
        for (key, json) in body.get("fields").and_then(Json::as_object).into_iter().flatten() {
            choices.fields.insert(key.clone(), id(json).ok_or_else(|| bad(format!("`fields.{key}` is the id of the record whose value is taken")))?);
        }
        for (key, json) in body.get("tables").and_then(Json::as_object).into_iter().flatten() {
            let source = if json == "all" { None } else { Some(id(json).ok_or_else(|| bad(format!("`tables.{key}` is `all`, or the id of the record whose rows are taken")))?) };
            choices.tables.insert(key.clone(), source);
        }
        Ok(choices)
    }

    pub(super) fn write(&self, json: &mut Json) {
        json["fields"] = json!(self.fields);
        json["tables"] = self.tables.iter().map(|(key, source)| (key.clone(), source.map_or_else(|| json!("all"), |id| json!(id)))).collect::<Map<_, _>>().into();
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &Uuid> {
        self.fields.values().chain(self.tables.values().flatten())
    }
}

/// Fields that are chosen: those that people fill in.
pub fn is_offered(field: &Field) -> bool {
    field.is_editable() && !field.secret
}

fn unites(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Choice { multiple, .. } => *multiple,
        FieldKind::Link(link) => link.multiple,
        FieldKind::File(file) => file.multiple,
        _ => false,
    }
}

/// Of which record a field's value is taken where nobody chose: the master's if it has one, else the newest that has.
/// `records` begin with the master. `None`: of all, together.
pub fn preferred(field: &Field, records: &[Record]) -> Option<Uuid> {
    let filled = |record: &&Record| !record.get(field.key.as_str()).is_empty();
    if unites(&field.kind) {
        return None;
    }
    let master = records.first()?;
    let newest = records.iter().skip(1).filter(filled).max_by_key(|record| match record.get("updated_at") {
        Value::Instant(at) => at.timestamp_micros(),
        _ => i64::MIN,
    });
    Some(if filled(&master) { master.id } else { newest.unwrap_or(master).id })
}

/// The value a field gets.
pub fn choose(field: &Field, records: &[Record], choices: &Choices) -> Value {
    let of = |id: Uuid| records.iter().find(|record| record.id == id).map(|record| record.get(field.key.as_str()).clone()).unwrap_or_default();
    match choices.fields.get(field.key.as_str()).copied().or_else(|| preferred(field, records)) {
        Some(id) => of(id),
        None => united(field, records),
    }
}

fn united(field: &Field, records: &[Record]) -> Value {
    let mut texts: Vec<String> = Vec::new();
    let mut ids: Vec<Uuid> = Vec::new();
    let merged: Vec<Uuid> = records.iter().map(|record| record.id).collect();
    for record in records {
        match record.get(field.key.as_str()) {
            Value::Texts(found) => found.iter().for_each(|text| if !texts.contains(text) { texts.push(text.clone()) }),
            Value::Ids(found) => found.iter().filter(|id| !merged.contains(id)).for_each(|id| if !ids.contains(id) { ids.push(*id) }),
            _ => {}
        }
    }
    let value = if texts.is_empty() { Value::Ids(ids) } else { Value::Texts(texts) };
    types::read_json(&field.kind, &types::to_json(&field.kind, &value)).unwrap_or_default()
}

/// What the master is changed to. `records` begin with the master.
pub(super) fn body(card: &Card, records: &[Record], master: Uuid, choices: &Choices) -> Map<String, Json> {
    let mut body = Map::new();
    let Some(kept) = records.iter().find(|record| record.id == master) else { return body };
    let merged: Vec<Uuid> = records.iter().map(|record| record.id).collect();
    for field in card.table.own_fields().filter(|field| is_offered(field)) {
        let mut value = choose(field, records, choices);
        // What pointed to one of those merged would point to the record itself.
        if value.as_id().is_some_and(|id| merged.contains(&id)) {
            value = Value::Empty;
        }
        if value != *kept.get(field.key.as_str()) {
            body.insert(field.key.to_string(), types::to_json(&field.kind, &value));
        }
    }
    for (key, table) in &card.children {
        if let Some(rows) = rows(key, table, records, kept, choices) {
            body.insert(key.to_string(), rows);
        }
    }
    body
}

/// The rows the master gets, where that is a change.
fn rows(key: &Ident, table: &Table, records: &[Record], kept: &Record, choices: &Choices) -> Option<Json> {
    let filled = |values: &Values| -> Json {
        let fields = table.own_fields().filter(|field| is_offered(field) && !value_of(values, field.key.as_str()).is_empty());
        fields.map(|field| (field.key.to_string(), types::to_json(&field.kind, value_of(values, field.key.as_str())))).collect::<Map<_, _>>().into()
    };
    let chosen = choices.tables.get(key.as_str()).copied().flatten();
    let from = records.iter().filter(|record| record.id != kept.id && chosen.is_none_or(|id| id == record.id));
    let add: Vec<Json> = from.flat_map(|record| record.rows(key.as_str())).map(|row| filled(&row.values)).collect();
    let own = kept.rows(key.as_str());
    let remove: Vec<String> = if chosen.is_some_and(|id| id != kept.id) { own.iter().map(|row| row.id.to_string()).collect() } else { Vec::new() };
    (!add.is_empty() || !remove.is_empty()).then(|| json!({"add": add, "remove": remove}))
}
