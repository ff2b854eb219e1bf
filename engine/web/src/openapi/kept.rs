//! What people keep: lists and folders, as the document describes them.

use model::Card;
use serde_json::{Map, Value, json};

use super::Operations;

fn parameters(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})).collect()
}

fn operation(tag: &str, name: &str, summary: String, names: &[&str], body: Option<&str>, answer: Option<&str>) -> Value {
    let content = |schema: &str| json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}});
    let status = match (name.rsplit('_').next(), answer) { (Some("keep" | "make"), _) => "201", (_, None) => "204", _ => "200" };
    let mut operation = json!({"tags": [tag], "operationId": name, "summary": summary, "parameters": parameters(names), "responses": {status: {"description": ""}, "404": {"description": "A problem, as application/problem+json."}}});
    if let Some(answer) = answer {
        operation["responses"][status]["content"] = content(answer);
    }
    if let Some(body) = body {
        operation["requestBody"] = json!({"content": content(body), "required": true});
    }
    operation
}

/// The kept lists of a card.
pub(super) fn views(card: &Card, lang: &str) -> Operations {
    let (key, plural) = (card.key.as_str(), card.plurals.or_key(lang, card.key.as_str()));
    let (all, one) = (format!("/api/v1/views/{key}"), format!("/api/v1/views/{key}/{{id}}"));
    let name = |word: &str| format!("{key}_view_{word}");
    vec![
        (all.clone(), "get", operation(key, &name("list"), format!("Kept lists of {plural}"), &[], None, Some("view.list"))),
        (all, "post", operation(key, &name("keep"), format!("Keep a list of {plural}"), &[], Some("view"), Some("view"))),
        (one.clone(), "get", operation(key, &name("read"), format!("Read a kept list of {plural}"), &["id"], None, Some("view"))),
        (one.clone(), "patch", operation(key, &name("change"), format!("Change a kept list of {plural}"), &["id"], Some("view"), Some("view"))),
        (one.clone(), "delete", operation(key, &name("delete"), format!("Delete a kept list of {plural}"), &["id"], None, None)),
        (format!("{one}/restore"), "post", operation(key, &name("restore"), format!("Bring back a kept list of {plural}"), &["id"], None, Some("view"))),
    ]
}

/// Folders of records of any card.
pub(super) fn folders() -> Operations {
    let (all, one) = ("/api/v1/folders".to_owned(), "/api/v1/folders/{id}".to_owned());
    vec![
        (all.clone(), "get", operation("folders", "folder_list", "List folders".into(), &[], None, Some("folder.list"))),
        (all, "post", operation("folders", "folder_make", "Make a folder".into(), &[], Some("folder"), Some("folder"))),
        (one.clone(), "get", operation("folders", "folder_read", "Read a folder and what is in it".into(), &["id"], None, Some("folder"))),
        (one.clone(), "patch", operation("folders", "folder_change", "Change a folder".into(), &["id"], Some("folder"), Some("folder"))),
        (one.clone(), "delete", operation("folders", "folder_delete", "Delete a folder".into(), &["id"], None, None)),
        (format!("{one}/restore"), "post", operation("folders", "folder_restore", "Bring back a folder".into(), &["id"], None, Some("folder"))),
        (format!("{one}/records"), "post", operation("folders", "folder_add", "Put records into a folder".into(), &["id"], Some("folder.records"), Some("folder.added"))),
        (format!("{one}/records/{{record}}"), "delete", operation("folders", "folder_remove", "Take a record out of a folder".into(), &["id", "record"], None, None)),
    ]
}

pub(super) fn schemas() -> Map<String, Value> {
    let (text, names) = (json!({"type": "string"}), json!({"type": "array", "items": {"type": "string"}}));
    let list = |name: &str| json!({"type": "object", "properties": {"data": {"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}}}});
    let view = json!({"type": "object", "properties": {
        "id": text, "name": text, "folder": text, "roles": names, "origin": {"enum": ["pack", "user"]}, "owner": {"type": ["object", "null"]}, "editable": {"type": "boolean"}, "default": {"type": "boolean"},
        "kind": text, "columns": {"type": "array"}, "filter": {"type": "object"}, "sort": text, "group_by": {"type": "array"}, "totals": {"type": "object"}, "by": text, "until": text, "parameters": {"type": "object"}
    }});
    let folder = json!({"type": "object", "properties": {
        "id": text, "name": text, "tone": {"enum": ["gray", "blue", "teal", "green", "amber", "red", "violet", "pink"]}, "lookers": names, "fillers": names, "owner": {"type": "object"},
        "editable": {"type": "boolean"}, "fillable": {"type": "boolean"}, "count": {"type": "integer"}, "records": {"type": "object"}
    }});
    let records = json!({"type": "object", "required": ["card", "ids"], "properties": {"card": text, "ids": names}});
    let added = json!({"type": "object", "properties": {"added": {"type": "integer"}}});
    [("view", view), ("view.list", list("view")), ("folder", folder), ("folder.list", list("folder")), ("folder.records", records), ("folder.added", added)].into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}
