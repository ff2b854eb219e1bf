//! link, links, link_any, user, category, file, files, image: ids of other things.

use serde_json::Value as Json;
use uuid::Uuid;

use super::wanted;
use crate::{Code, Ident, Value, Violation};

/// Most links one field holds.
const MAX_LINKS: usize = 10_000;

fn id(json: &Json) -> Option<Uuid> {
    match json {
        Json::String(text) => Uuid::try_parse(text.trim()).ok(),
        Json::Object(map) => map.get("id").filter(|id| id.is_string()).and_then(id),
        _ => None,
    }
}

pub(super) fn read_one(json: &Json) -> Result<Value, Violation> {
    id(json).map(Value::Id).ok_or_else(|| wanted("A record"))
}

pub(super) fn read_many(json: &Json) -> Result<Value, Violation> {
    let Json::Array(items) = json else { return Err(wanted("A list")) };
    if items.len() > MAX_LINKS {
        return Err(Violation::new("", Code::MaxRows).with("max", MAX_LINKS));
    }
    let ids: Vec<Uuid> = items.iter().map(id).collect::<Option<_>>().ok_or_else(|| wanted("A list"))?;
    Ok(if ids.is_empty() { Value::Empty } else { Value::Ids(ids) })
}

pub(super) fn check_many(ids: &[Uuid]) -> Vec<Violation> {
    let mut seen = std::collections::HashSet::new();
    let twice = ids.iter().find(|id| !seen.insert(**id));
    twice.map(|id| Violation::new("", Code::Repeated).with("found", id)).into_iter().collect()
}

pub(super) fn read_any(json: &Json, targets: &[Ident]) -> Result<Value, Violation> {
    let names = || targets.iter().map(Ident::as_str).collect::<Vec<_>>().join(", ");
    let wrong = || Violation::new("", Code::Target).with("targets", names());
    let card = match json.get("card").and_then(Json::as_str) {
        Some(card) => targets.iter().find(|target| *target == card).ok_or_else(wrong)?,
        None if targets.len() == 1 => &targets[0],
        None => return Err(wrong()),
    };
    let id = id(json).ok_or_else(|| wanted("A record"))?;
    Ok(Value::AnyId { card: card.clone(), id })
}
