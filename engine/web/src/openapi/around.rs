//! What goes on around records: files in and out, search, jobs, notices, as the document describes them.

use access::gate;
use model::{ActionName, Card, Catalog};
use serde_json::{Value, json};

use super::Operations;

fn query(names: &[(&str, Value)]) -> Vec<Value> {
    names.iter().map(|(name, schema)| json!({"name": name, "in": "query", "required": false, "schema": schema})).collect()
}

pub(super) fn text() -> Value {
    json!({"type": "string"})
}

/// A parameter that is one of a few words.
fn word(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

pub(super) fn id(what: &str) -> Value {
    json!({"name": "id", "in": "path", "required": true, "description": what, "schema": {"type": "string", "format": "uuid"}})
}

pub(super) fn answers(status: &str, content: Value, problems: &[&str]) -> Value {
    let mut answers = json!({status: {"description": "", "content": content}});
    for problem in problems {
        answers[*problem] = json!({"description": "A problem, as application/problem+json."});
    }
    answers
}

pub(super) fn object(name: &str) -> Value {
    json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}})
}

/// Buttons of a card that run scripts, as far as the actor may press them.
pub(super) fn actions(snapshot: &app::Snapshot, actor: &access::Actor, card: &Card) -> Operations {
    let (key, label) = (card.key.as_str(), card.labels.or_key(&actor.lang, card.key.as_str()));
    let content = json!({"application/json": {"schema": {"type": "object", "properties": {"message": text(), "version": {"type": "integer"}}}}});
    let one = |action: &model::Action| {
        let summary = format!("{label}: {}", action.labels.or_key(&actor.lang, action.id.as_str()));
        let operation = json!({"tags": [key], "operationId": format!("{key}_act_{}", action.id), "summary": summary, "parameters": [id("The record.")], "responses": answers("200", content.clone(), &["404", "409", "422"])});
        (format!("/api/v1/records/{key}/{{id}}/actions/{}", action.id), "post", operation)
    };
    app::scripts::offered(snapshot, actor, card).into_iter().map(one).collect()
}

/// Files in and out of a card, as far as the actor may.
pub(super) fn files(card: &Card, lang: &str, allowed: &dyn Fn(ActionName) -> bool) -> Operations {
    let (key, plural) = (card.key.as_str(), card.plurals.or_key(lang, card.key.as_str()));
    let mut all = Operations::new();
    if allowed(ActionName::Import) {
        let form = json!({"multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}, "settings": {"type": "string", "description": "How the file is read, as JSON; guessed where nothing is said."}}}}});
        let done = answers("202", object("import"), &["400", "413", "422"]);
        all.push((format!("/api/v1/records/{key}/import"), "post", json!({
            "tags": [key], "operationId": format!("{key}_import"), "summary": format!("Import {plural} from Excel or CSV"),
            "parameters": query(&[("preview", json!({"type": "boolean"}))]), "requestBody": {"required": true, "content": form}, "responses": done,
        })));
    }
    if allowed(ActionName::Export) {
        let binary = json!({"type": "string", "format": "binary"});
        let content = json!({"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"schema": binary}, "text/csv": {"schema": binary}});
        let parameters = query(&[("format", word(&["xlsx", "csv"])), ("bom", json!({"type": "boolean"})), ("filter", text()), ("sort", text()), ("fields", text()), ("q", text()), ("view", text()), ("group_by", text()), ("totals", text())]);
        all.push((format!("/api/v1/records/{key}/export"), "get", json!({
            "tags": [key], "operationId": format!("{key}_export"), "summary": format!("Export {plural} to Excel or CSV"), "parameters": parameters, "responses": answers("200", content, &["400", "403"]),
        })));
    }
    all
}

/// What belongs to no card.
pub(super) fn everywhere(catalog: &Catalog, actor: &access::Actor) -> Operations {
    let imports = catalog.cards.values().any(|card| !card.builtin && gate(catalog, actor, card, ActionName::Import).is_ok());
    let operation = |tag: &str, name: &str, summary: &str, parameters: Vec<Value>, responses: Value| json!({"tags": [tag], "operationId": name, "summary": summary, "parameters": parameters, "responses": responses});
    let with_body = |mut operation: Value, schema: &str| {
        operation["requestBody"] = json!({"content": object(schema), "required": true});
        operation
    };
    let (before, limit) = (("before", text()), ("limit", json!({"type": "integer", "minimum": 1, "maximum": 50})));
    let mut all = vec![
        ("/api/v1/search".to_owned(), "get", operation("search", "search", "Look for records of every card", query(&[("q", text()), ("card", text()), limit]), answers("200", object("search.found"), &["400"]))),
        ("/api/v1/jobs".to_owned(), "get", operation("jobs", "job_list", "Your jobs", query(std::slice::from_ref(&before)), answers("200", object("job.list"), &["400"]))),
        ("/api/v1/jobs/{id}".to_owned(), "get", operation("jobs", "job_read", "How far a job is", vec![id("The job.")], answers("200", object("job"), &["404"]))),
        ("/api/v1/jobs/{id}/cancel".to_owned(), "post", operation("jobs", "job_cancel", "Ask a job to end", vec![id("The job.")], answers("200", object("job"), &["404"]))),
        ("/api/v1/notices".to_owned(), "get", operation("notices", "notice_list", "What you were told", query(&[("unread", json!({"type": "boolean"})), before]), answers("200", object("notice.list"), &["400"]))),
        ("/api/v1/notices/seen".to_owned(), "post", with_body(operation("notices", "notice_seen", "You have seen notices", Vec::new(), answers("200", object("notice.count"), &["400"])), "notice.seen")),
    ];
    if imports {
        all.push(("/api/v1/imports/{id}".to_owned(), "get", operation("imports", "import_read", "How far an import is", vec![id("The import.")], answers("200", object("import"), &["404"]))));
        all.push(("/api/v1/imports/{id}/run".to_owned(), "post", with_body(operation("imports", "import_run", "Run an import that was looked at", vec![id("The import.")], answers("202", object("import"), &["404", "409"])), "import.settings")));
        let workbook = json!({"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"schema": {"type": "string", "format": "binary"}}});
        all.push(("/api/v1/imports/{id}/errors".to_owned(), "get", operation("imports", "import_errors", "Rows that did not become records", vec![id("The import.")], answers("200", workbook, &["404"]))));
    }
    all
}

/// What those send and answer.
pub(super) fn schemas() -> serde_json::Map<String, Value> {
    let (number, moment) = (json!({"type": "integer"}), json!({"type": ["string", "null"], "format": "date-time"}));
    let maybe = json!({"type": ["string", "null"]});
    let list = |name: &str, more: Value| {
        let mut properties = json!({"data": {"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}}, "next": maybe});
        for (key, schema) in more.as_object().into_iter().flatten() {
            properties[key] = schema.clone();
        }
        json!({"type": "object", "properties": properties})
    };
    let ids = json!({"type": "array", "items": {"type": "string", "format": "uuid"}});
    let job = json!({"type": "object", "properties": {
        "id": text(), "kind": text(), "state": word(&["waiting", "running", "done", "failed", "cancelled"]), "done": number, "total": {"type": ["integer", "null"]}, "cancelling": {"type": "boolean"}, "attempts": number,
        "result": {}, "error": maybe, "run_at": moment, "created_at": moment, "started_at": moment, "ended_at": moment,
    }});
    let import = json!({"type": "object", "properties": {
        "id": text(), "card": text(), "name": text(), "size": number, "file": {"type": "object"}, "settings": {"$ref": "#/components/schemas/import.settings"}, "state": word(&["draft", "running", "done", "failed", "cancelled"]), "batch": maybe, "job": maybe,
        "created": number, "updated": number, "unchanged": number, "failed": number, "fault": maybe, "created_at": moment, "finished_at": moment,
    }});
    let settings = json!({"type": ["object", "null"], "properties": {
        "sheet": text(), "encoding": text(), "separator": text(), "header": number, "mode": word(&["create", "update", "both"]), "key": text(), "skip": {"type": "boolean"}, "clear": {"type": "boolean"},
        "dates": word(&["dmy", "mdy"]), "point": word(&[".", ","]),
        "columns": {"type": "array", "items": {"type": "object", "required": ["column", "field"], "properties": {"column": {"type": ["string", "integer"]}, "field": text(), "by": text(), "create": {"type": "boolean"}}}},
    }});
    let notice = json!({"type": "object", "properties": {
        "id": text(), "kind": word(&app::notify::Kind::ALL.map(app::notify::Kind::word)), "word": text(), "record": {"type": ["object", "null"]}, "job": maybe, "about": {"type": "object"}, "times": number, "by": {"type": ["object", "null"]}, "at": moment, "seen": {"type": "boolean"},
    }});
    let found = json!({"type": "object", "properties": {
        "data": {"type": "array", "items": {"type": "object", "properties": {"card": text(), "label": text(), "count": {"type": "object"}, "hits": {"type": "array", "items": {"type": "object", "properties": {"id": text(), "title": text(), "marks": {"type": "array"}, "detail": {"type": ["object", "null"]}}}}}}},
        "rebuilding": {"type": "array", "items": text()},
    }});
    serde_json::Map::from_iter([
        ("job".to_owned(), job),
        ("job.list".to_owned(), list("job", json!({}))),
        ("import".to_owned(), import),
        ("import.settings".to_owned(), settings),
        ("notice".to_owned(), notice),
        ("notice.list".to_owned(), list("notice", json!({"unread": number}))),
        ("notice.count".to_owned(), json!({"type": "object", "properties": {"unread": number}})),
        ("notice.seen".to_owned(), json!({"type": "object", "properties": {"all": {"type": "boolean"}, "ids": ids, "seen": {"type": "boolean"}}})),
        ("search.found".to_owned(), found),
    ])
}
