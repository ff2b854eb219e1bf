//! Shares and reasons of records, grants and guards of cards, groups and their members, as the document describes them
//! to whoever may use them.

use access::Actor;
use model::{ActionName, Card, FieldRight, build::ALL_ACTIONS};
use serde_json::{Map, Value, json};

use super::{
    Operations,
    around::{answers, id, object, text},
};

fn operation(tag: &str, name: &str, summary: String, parameters: Vec<Value>, body: Option<&str>, responses: Value) -> Value {
    let mut operation = json!({"tags": [tag], "operationId": name, "summary": summary, "parameters": parameters, "responses": responses});
    if let Some(body) = body {
        operation["requestBody"] = json!({"required": true, "content": object(body)});
    }
    operation
}

fn done(problems: &[&str]) -> Value {
    let mut done = answers("204", json!({}), problems);
    done["204"] = json!({"description": ""});
    done
}

fn key(name: &str, what: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "description": what, "schema": text()})
}

/// With whom a record is shared, and why somebody may or may not.
pub(super) fn of_records(card: &Card, lang: &str, allowed: &dyn Fn(ActionName) -> bool) -> Operations {
    if card.builtin {
        return Operations::new();
    }
    let (tag, label) = (card.key.as_str(), card.labels.or_key(lang, card.key.as_str()));
    let one = format!("/api/v1/records/{tag}/{{id}}");
    let record = || vec![id("The record.")];
    let user = json!({"name": "user", "in": "query", "required": false, "description": "Of whom; yourself, unless you administer.", "schema": {"type": "string", "format": "uuid"}});
    let mut all = vec![
        (format!("{one}/shares"), "get", operation(tag, &format!("{tag}_share_list"), format!("With whom {label} is shared"), record(), None, answers("200", object("share.list"), &["404"]))),
        (format!("{one}/why"), "get", operation(tag, &format!("{tag}_why"), format!("Why somebody may, or may not: {label}"), vec![id("The record."), user], None, answers("200", object("why"), &["403", "404"]))),
    ];
    if allowed(ActionName::Share) {
        all.push((format!("{one}/shares"), "post", operation(tag, &format!("{tag}_share"), format!("Share {label}"), record(), Some("share.wanted"), answers("200", object("share.before"), &["400", "403", "404"]))));
        all.push((format!("{one}/shares/remove"), "post", operation(tag, &format!("{tag}_share_remove"), format!("Stop sharing {label}"), record(), Some("share.whom"), answers("200", object("share.before"), &["400", "403", "404"]))));
    }
    all
}

/// Grants and guards of a card, for who administers it.
pub(super) fn of_card(card: &Card, lang: &str) -> Operations {
    let (tag, label) = (card.key.as_str(), card.plurals.or_key(lang, card.key.as_str()));
    let base = format!("/api/v1/rights/{tag}");
    let grant = || vec![key("id", "The grant.")];
    vec![
        (base.clone(), "get", operation("rights", &format!("{tag}_rights"), format!("Grants and guards of {label}"), Vec::new(), None, answers("200", object("rights"), &["403", "404"]))),
        (format!("{base}/grants"), "post", operation("rights", &format!("{tag}_grant_give"), format!("Give a grant on {label}"), Vec::new(), Some("grant.new"), answers("201", object("grant"), &["400", "403", "404"]))),
        (format!("{base}/grants/{{id}}"), "patch", operation("rights", &format!("{tag}_grant_change"), format!("Change a grant on {label}"), grant(), Some("grant.change"), answers("200", object("grant"), &["400", "403", "404", "409"]))),
        (format!("{base}/grants/{{id}}"), "delete", operation("rights", &format!("{tag}_grant_take"), format!("Take a grant on {label}"), grant(), None, done(&["403", "404"]))),
        (format!("{base}/guards"), "post", operation("rights", &format!("{tag}_guard_put"), format!("Put a guard on {label}"), Vec::new(), Some("guard.new"), answers("201", object("guard"), &["400", "403", "404"]))),
        (format!("{base}/guards/{{id}}"), "delete", operation("rights", &format!("{tag}_guard_take"), format!("Take a guard from {label}"), vec![key("id", "The guard.")], None, done(&["403", "404"]))),
    ]
}

/// Groups and who is in them, for administrators.
pub(super) fn everywhere(actor: &Actor) -> Operations {
    if !actor.is_administrator() {
        return Operations::new();
    }
    let group = || vec![key("role", "The group's key.")];
    let member = || vec![key("role", "The group's key."), id("The user.")];
    let path = |rest: &str| format!("/api/v1/groups{rest}");
    vec![
        (path(""), "post", operation("rights", "group_make", "Make a group".into(), Vec::new(), Some("group.words"), answers("201", object("group"), &["400", "403"]))),
        (path("/{role}"), "get", operation("rights", "group_read", "A group".into(), group(), None, answers("200", object("group"), &["403", "404"]))),
        (path("/{role}"), "patch", operation("rights", "group_change", "Call a group otherwise".into(), group(), Some("group.words"), answers("200", object("group"), &["400", "403", "404"]))),
        (path("/{role}"), "delete", operation("rights", "group_remove", "Remove a group, with what it gave".into(), group(), None, done(&["403", "404"]))),
        (path("/{role}/members/{id}"), "put", operation("rights", "group_join", "Take somebody into a group".into(), member(), None, done(&["400", "403", "404"]))),
        (path("/{role}/members/{id}"), "delete", operation("rights", "group_leave", "Take somebody out of a group".into(), member(), None, done(&["400", "403", "404", "409"]))),
    ]
}

/// What those send and answer.
pub(super) fn schemas() -> Map<String, Value> {
    let (flag, maybe, number) = (json!({"type": "boolean"}), json!({"type": ["string", "null"]}), json!({"type": "integer"}));
    let moment = json!({"type": ["string", "null"], "format": "date-time"});
    let words = json!({"type": "object", "additionalProperties": text()});
    let of = |properties: Value| json!({"type": "object", "properties": properties});
    let list = |items: Value| json!({"type": "array", "items": items});
    let person = of(json!({"id": text(), "title": maybe}));
    let actions: Vec<String> = ALL_ACTIONS.into_iter().chain([ActionName::Administer]).map(access::action_word).collect();
    let actions = list(json!({"type": "string", "enum": actions}));
    let scopes = json!(["all", "own", "subordinates", "org_unit", "org_tree", "shared", "pool"]);
    let scope = json!({"oneOf": [{"type": "string", "enum": scopes}, {"type": "object", "description": "A condition, as in filters."}]});
    let right = json!([FieldRight::Edit, FieldRight::Read, FieldRight::Mask, FieldRight::None]);
    let fields = json!({"type": "object", "additionalProperties": {"type": "string", "enum": right}});
    let grant = json!({"id": text(), "group": text(), "actions": actions, "scope": scope, "fields": fields, "pack": maybe, "replaces": maybe, "fault": maybe});
    let guard = json!({"id": text(), "scope": scope, "except": list(text()), "pack": maybe, "fault": maybe});
    let share = json!({"user": person, "group": of(json!({"key": text(), "label": maybe})), "edit": flag, "until": moment, "shared_by": maybe, "shared_at": moment, "works": flag});
    let whom = json!({"user": text(), "group": text()});
    let about = json!({"action": text(), "may": flag, "grants": list(of(json!({"id": text(), "group": text(), "held": flag, "scope": text(), "matches": flag, "fault": maybe}))), "kept_out": list(of(json!({"id": text(), "scope": text(), "fault": maybe})))});
    let field = json!({"field": text(), "read": text(), "edit": flag, "secret": flag, "groups": list(text())});
    Map::from_iter([
        ("share.list".to_owned(), of(json!({"data": list(of(share.clone()))}))),
        ("share.wanted".to_owned(), of(json!({"user": text(), "group": text(), "edit": flag, "until": moment}))),
        ("share.whom".to_owned(), of(whom)),
        ("share.before".to_owned(), of(json!({"before": {"type": ["object", "null"]}}))),
        ("why".to_owned(), of(json!({"user": person, "active": flag, "groups": list(text()), "unbounded": flag, "trashed": flag, "shared": flag, "actions": list(of(about)), "fields": list(of(field))}))),
        ("grant".to_owned(), of(grant)),
        ("grant.new".to_owned(), json!({"type": "object", "required": ["group", "actions", "scope"], "properties": {"group": text(), "actions": actions, "scope": scope, "fields": fields}})),
        ("grant.change".to_owned(), of(json!({"actions": actions, "scope": scope, "fields": fields}))),
        ("guard".to_owned(), of(guard)),
        ("guard.new".to_owned(), json!({"type": "object", "required": ["scope"], "properties": {"scope": scope, "except": list(text())}})),
        ("rights".to_owned(), of(json!({"card": text(), "grants": list(json!({"$ref": "#/components/schemas/grant"})), "guards": list(json!({"$ref": "#/components/schemas/guard"}))}))),
        ("group".to_owned(), of(json!({"key": text(), "label": text(), "labels": words, "help": words, "pack": maybe, "portal": flag, "local": flag, "members": number}))),
        ("group.words".to_owned(), of(json!({"labels": words, "help": words}))),
    ])
}
