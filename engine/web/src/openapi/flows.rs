//! Workflows and applications, as the document describes them.

use app::flows::asks_others;
use model::{ActionName, Card, Catalog};
use serde_json::{Value, json};

use super::Operations;

fn id(name: &str, schema: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

fn uuid(name: &str) -> Value {
    id(name, json!({"type": "string", "format": "uuid"}))
}

fn operation(tag: &str, name: &str, summary: &str, parameters: Vec<Value>, body: Option<Value>, problems: &[&str]) -> Value {
    let object = json!({"application/json": {"schema": {"type": "object"}}});
    let mut answers = json!({"200": {"description": "", "content": object}});
    for problem in problems {
        answers[*problem] = json!({"description": "A problem, as application/problem+json."});
    }
    let mut operation = json!({"tags": [tag], "operationId": name, "summary": summary, "parameters": parameters, "responses": answers});
    if let Some(schema) = body {
        operation["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    operation
}

/// What is done with the states of a card's records, as far as the actor may.
pub(super) fn of_card(card: &Card, lang: &str, allowed: &dyn Fn(ActionName) -> bool) -> Operations {
    if card.workflows.is_empty() {
        return Operations::new();
    }
    let (key, label) = (card.key.as_str(), card.labels.or_key(lang, card.key.as_str()));
    let one = format!("/api/v1/records/{key}/{{id}}");
    let name = |word: &str| format!("{key}_{word}");
    let mut all = vec![
        (format!("{one}/states"), "get", operation(key, &name("states"), &format!("What {label} went through"), vec![uuid("id")], None, &["404"])),
        (format!("{one}/transitions"), "get", operation(key, &name("transitions"), &format!("Steps that {label} can take"), vec![uuid("id")], None, &["404"])),
    ];
    if asks_others(card) {
        all.push((format!("{one}/approvals"), "get", operation(key, &name("approvals"), &format!("Who decides on {label}"), vec![uuid("id")], None, &["404"])));
    }
    if allowed(ActionName::Transition) {
        let ids: Vec<&str> = card.workflows.values().flat_map(|workflow| &workflow.transitions).map(|transition| transition.id.as_str()).collect();
        let body = json!({"type": "object", "properties": {"comment": {"type": ["string", "null"]}, "version": {"type": ["integer", "null"]}, "record": {"type": ["object", "null"]}}});
        let transition = id("transition", json!({"type": "string", "enum": ids}));
        all.push((format!("{one}/transitions/{{transition}}"), "post", operation(key, &name("transition"), &format!("Take a step with {label}"), vec![uuid("id"), transition], Some(body), &["403", "409", "412", "422"])));
    }
    all
}

/// What waits for people, where any card has it.
pub(super) fn everywhere(catalog: &Catalog) -> Operations {
    if !catalog.cards.values().any(|card| asks_others(card)) {
        return Operations::new();
    }
    let text = json!({"type": ["string", "null"]});
    let decision = json!({"type": "object", "required": ["decision"], "properties": {"decision": {"enum": ["approve", "reject", "delegate", "add"]}, "opinion": text, "to": {"type": ["string", "integer", "null"]}, "user": text}});
    let many = json!({"type": "object", "required": ["decision", "tasks"], "properties": {"decision": {"enum": ["approve", "reject"]}, "opinion": text, "tasks": {"type": "array", "items": {"type": "string", "format": "uuid"}}}});
    let query = |names: &[&str]| names.iter().map(|name| json!({"name": name, "in": "query", "required": false, "schema": {"type": "string"}})).collect::<Vec<_>>();
    vec![
        ("/api/v1/approvals".into(), "get", operation("approvals", "approval_list", "What waits for you, or what you decided", query(&["state", "before"]), None, &["400"])),
        ("/api/v1/approvals".into(), "post", operation("approvals", "approval_decide_many", "Decide on several applications", Vec::new(), Some(many), &["400"])),
        ("/api/v1/approvals/{task}".into(), "post", operation("approvals", "approval_decide", "Decide on an application", vec![uuid("task")], Some(decision), &["400", "403", "404", "409", "422"])),
        ("/api/v1/applications".into(), "get", operation("approvals", "application_list", "What you applied for", query(&["before"]), None, &["400"])),
        ("/api/v1/applications/{id}/withdraw".into(), "post", operation("approvals", "application_withdraw", "Take an application back", vec![uuid("id")], Some(json!({"type": "object"})), &["404", "409"])),
    ]
}
