//! address, geo, rich_text, json.

use serde_json::{Map, Value as Json};

use super::{clean, wanted};
use crate::{Code, Part, Value, Violation};

/// Largest JSON document kept in a field, in bytes of text.
const MAX_DOCUMENT: usize = 1_000_000;

pub(super) fn read_address(json: &Json) -> Result<Value, Violation> {
    let Json::Object(map) = json else { return Err(wanted("An address")) };
    let mut address = Map::new();
    for key in map.keys() {
        if !Part::ALL[..5].iter().any(|part| part.name() == key) {
            let near = crate::nearest(key, Part::ALL[..5].iter().map(|part| part.name()));
            let near = near.map(|near| format!(" ({near}?)")).unwrap_or_default();
            return Err(Violation::new("", Code::UnknownField).with("field", key).with("near", near));
        }
    }
    for part in &Part::ALL[..5] {
        let text = match map.get(part.name()) {
            None | Some(Json::Null) => continue,
            Some(Json::String(text)) => clean(text),
            Some(_) => return Err(wanted("A text")),
        };
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Violation::new("", Code::Characters));
        }
        if text.chars().count() > 255 {
            return Err(Violation::new("", Code::MaxLength).with("max", 255).with("found", text.chars().count()));
        }
        if !text.is_empty() {
            address.insert(part.name().into(), text.into());
        }
    }
    Ok(if address.is_empty() { Value::Empty } else { Value::Json(Json::Object(address)) })
}

pub(super) fn read_geo(json: &Json) -> Result<Value, Violation> {
    let wrong = || wanted("A place with lat and lon");
    let number = |key: &str, limit: f64| -> Result<Json, Violation> {
        let found = match json.get(key) {
            Some(Json::Number(number)) => number.as_f64(),
            Some(Json::String(text)) => text.trim().parse::<f64>().ok(),
            _ => None,
        };
        // Seven digits after the point are a centimetre; more is noise that the databases would write differently.
        let number = found.filter(|number| number.is_finite() && number.abs() <= limit).ok_or_else(wrong)?;
        serde_json::Number::from_f64((number * 1e7).round() / 1e7).map(Json::Number).ok_or_else(wrong)
    };
    Ok(Value::Json(serde_json::json!({"lat": number("lat", 90.0)?, "lon": number("lon", 180.0)?})))
}

pub(super) fn read_document(json: &Json) -> Result<Value, Violation> {
    match json {
        // Plain text is the simplest document.
        Json::String(text) => Ok(Value::Json(plain_document(&clean(text)))),
        Json::Object(map) if map.get("type").and_then(Json::as_str) == Some("doc") => Ok(Value::Json(json.clone())),
        _ => Err(wanted("A document")),
    }
}

/// The text of a rich-text document, a line for each paragraph.
pub fn document_text(document: &Json) -> String {
    let blocks = document.get("content").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    blocks.iter().map(block_text).collect::<Vec<_>>().join("\n")
}

fn block_text(block: &Json) -> String {
    // Not by recursion: how deep a document is nested is up to whoever sent it.
    let (mut text, mut open) = (String::new(), vec![block]);
    while let Some(node) = open.pop() {
        text.push_str(node.get("text").and_then(Json::as_str).unwrap_or_default());
        open.extend(node.get("content").and_then(Json::as_array).into_iter().flatten().rev());
    }
    text
}

/// Paragraphs of plain text as a rich-text document.
fn plain_document(text: &str) -> Json {
    let paragraph = |line: &str| match line {
        "" => serde_json::json!({"type": "paragraph"}),
        line => serde_json::json!({"type": "paragraph", "content": [{"type": "text", "text": line}]}),
    };
    serde_json::json!({"type": "doc", "content": text.split('\n').map(paragraph).collect::<Vec<_>>()})
}

pub(super) fn check_schema(schema: &Json, json: &Json) -> Vec<Violation> {
    let found = check_size(json);
    if !found.is_empty() {
        return found;
    }
    match jsonschema::validator_for(schema) {
        Ok(validator) => validator.iter_errors(json).take(10).map(|error| Violation::new("", Code::Schema).with("detail", error)).collect(),
        Err(error) => vec![Violation::new("", Code::Schema).with("detail", error)],
    }
}

pub(super) fn check_size(json: &Json) -> Vec<Violation> {
    let size = json.to_string();
    if size.contains("\\u0000") {
        return vec![Violation::new("", Code::Characters)];
    }
    if size.len() <= MAX_DOCUMENT {
        return Vec::new();
    }
    vec![Violation::new("", Code::MaxLength).with("max", MAX_DOCUMENT).with("found", size.len())]
}
