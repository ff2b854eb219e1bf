//! What is asked of many records, read from JSON.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::MAX_IDS;
use crate::AppError;

/// Which records, and what becomes of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Which.
    pub selection: Selection,
    /// What.
    pub change: Change,
}

/// Which records.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// These.
    Ids(Vec<Uuid>),
    /// All that a question matches.
    All { filter: Option<Json>, q: Option<String> },
}

/// What becomes of each.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Fields are set, emptied, added to.
    Edit(Vec<Edit>),
    /// An owner, an org unit, or both; what is not named stays.
    Assign { owner: Option<Json>, org_unit: Option<Json> },
    /// Into the trash.
    Delete,
    /// Out of the trash.
    Restore,
    /// Out of the pool, to the actor.
    Claim,
    /// Back into the pool.
    Release,
    /// A transition, with what is said of it and the fields it asks for.
    Transition { transition: String, comment: Option<String>, record: Map<String, Json> },
}

/// What becomes of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Its key.
    pub field: String,
    /// How.
    pub op: EditOp,
    /// The value, as in a record.
    pub value: Json,
}

/// How a field is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditOp {
    /// This is its value from then on.
    Set,
    /// It is empty from then on.
    Clear,
    /// These are among its values.
    Add,
    /// These are not.
    Remove,
}

impl EditOp {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Set, Self::Clear, Self::Add, Self::Remove];
    /// The word of the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Clear => "clear",
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

fn bad(detail: impl Into<String>) -> AppError {
    AppError::malformed("bad_bulk", detail)
}

impl Request {
    /// Reads `{"action": "edit", "fields": […], "ids": […]}`, with `"all": {"filter", "q"}` in the place of ids.
    pub fn read(body: &Json) -> Result<Self, AppError> {
        let map = body.as_object().ok_or_else(|| bad("a JSON object is wanted: {\"action\": …, \"ids\": […]}"))?;
        let known = ["action", "ids", "all", "fields", "owner", "org_unit", "transition", "comment", "record"];
        if let Some(key) = map.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(bad(format!("`{key}` is none of {}", known.join(", "))));
        }
        Ok(Self { selection: selection(map)?, change: change(map)? })
    }
}

fn selection(map: &Map<String, Json>) -> Result<Selection, AppError> {
    match (map.get("ids"), map.get("all")) {
        (Some(Json::Array(ids)), None) => {
            if ids.len() > MAX_IDS {
                return Err(AppError::TooLarge { detail: format!("at most {MAX_IDS} ids; select all matches of a question instead") });
            }
            let mut read: Vec<Uuid> = Vec::with_capacity(ids.len());
            for (index, id) in ids.iter().enumerate() {
                read.push(id.as_str().and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(|| bad(format!("ids/{index} is no id")))?);
            }
            let mut seen = std::collections::HashSet::new();
            read.retain(|id| seen.insert(*id));
            Ok(Selection::Ids(read))
        }
        (None, Some(Json::Object(all))) => {
            if let Some(key) = all.keys().find(|key| !matches!(key.as_str(), "filter" | "q")) {
                return Err(bad(format!("`all` has `filter` and `q`, not `{key}`")));
            }
            let q = match all.get("q") {
                None | Some(Json::Null) => None,
                Some(Json::String(q)) => Some(q.clone()).filter(|q| !q.is_empty()),
                Some(_) => return Err(bad("`q` is a text")),
            };
            Ok(Selection::All { filter: all.get("filter").filter(|filter| !filter.is_null()).cloned(), q })
        }
        _ => Err(bad("name either `ids`, a list, or `all`, a question such as {\"filter\": …}")),
    }
}

fn change(map: &Map<String, Json>) -> Result<Change, AppError> {
    match map.get("action").and_then(Json::as_str) {
        Some("edit") => {
            let fields = map.get("fields").and_then(Json::as_array).filter(|fields| !fields.is_empty()).ok_or_else(|| bad("`edit` takes `fields`: [{\"field\": …, \"op\": \"set\", \"value\": …}]"))?;
            fields.iter().enumerate().map(|(index, one)| edit(index, one)).collect::<Result<_, _>>().map(Change::Edit)
        }
        Some("assign") => {
            let (owner, org_unit) = (map.get("owner").cloned(), map.get("org_unit").cloned());
            if owner.is_none() && org_unit.is_none() {
                return Err(bad("`assign` takes `owner`, `org_unit`, or both"));
            }
            Ok(Change::Assign { owner, org_unit })
        }
        Some("delete") => Ok(Change::Delete),
        Some("restore") => Ok(Change::Restore),
        Some("claim") => Ok(Change::Claim),
        Some("release") => Ok(Change::Release),
        Some("transition") => {
            let transition = map.get("transition").and_then(Json::as_str).ok_or_else(|| bad("`transition` takes the id of one: {\"action\": \"transition\", \"transition\": …}"))?.to_owned();
            let rest: Map<String, Json> = map.iter().filter(|(key, _)| matches!(key.as_str(), "comment" | "record")).map(|(key, value)| (key.clone(), value.clone())).collect();
            let asked = crate::flows::Asked::read(&Json::Object(rest), crate::records::save::Options::default())?;
            Ok(Change::Transition { transition, comment: asked.comment, record: asked.record })
        }
        _ => Err(bad("`action` is one of edit, assign, delete, restore, claim, release, transition")),
    }
}

fn edit(index: usize, json: &Json) -> Result<Edit, AppError> {
    let field = json.get("field").and_then(Json::as_str).ok_or_else(|| bad(format!("fields/{index}: `field` is missing")))?;
    let word = json.get("op").map_or(Some("set"), Json::as_str).unwrap_or_default();
    let op = EditOp::ALL.into_iter().find(|op| op.name() == word).ok_or_else(|| bad(format!("fields/{index}: `op` is one of set, clear, add, remove")))?;
    let value = if op == EditOp::Clear { Json::Null } else { json.get("value").cloned().unwrap_or(Json::Null) };
    Ok(Edit { field: field.to_owned(), op, value })
}

impl Change {
    /// The word of the API, and the kind of the batch.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Edit(_) => "edit",
            Self::Assign { .. } => "assign",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Claim => "claim",
            Self::Release => "release",
            Self::Transition { .. } => "transition",
        }
    }

    /// What people are told of it: fields, never values, which rights may hide later.
    pub(crate) fn about(&self) -> Map<String, Json> {
        if let Self::Transition { transition, .. } = self {
            return Map::from_iter([("transition".to_owned(), json!(transition))]);
        }
        let fields: Vec<&str> = match self {
            Self::Edit(edits) => edits.iter().map(|edit| edit.field.as_str()).collect(),
            Self::Assign { owner, org_unit } => [owner.as_ref().map(|_| "owner"), org_unit.as_ref().map(|_| "org_unit")].into_iter().flatten().collect(),
            Self::Delete | Self::Restore | Self::Claim | Self::Release | Self::Transition { .. } => Vec::new(),
        };
        if fields.is_empty() { Map::new() } else { Map::from_iter([("fields".to_owned(), json!(fields))]) }
    }

    pub(super) fn write(&self, json: &mut Map<String, Json>) {
        json.insert("action".into(), self.word().into());
        match self {
            Self::Edit(edits) => {
                let all = edits.iter().map(|edit| json!({"field": edit.field, "op": edit.op.name(), "value": edit.value}));
                json.insert("fields".into(), all.collect());
            }
            Self::Assign { owner, org_unit } => {
                json.extend(owner.clone().map(|owner| ("owner".to_owned(), owner)));
                json.extend(org_unit.clone().map(|unit| ("org_unit".to_owned(), unit)));
            }
            Self::Transition { transition, comment, record } => {
                json.insert("transition".into(), transition.as_str().into());
                json.extend(comment.clone().map(|comment| ("comment".to_owned(), comment.into())));
                json.insert("record".into(), Json::Object(record.clone()));
            }
            Self::Delete | Self::Restore | Self::Claim | Self::Release => {}
        }
    }
}
