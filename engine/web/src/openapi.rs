//! The OpenAPI 3.1 document of what one actor may do, generated from the catalog.

mod accounts;
mod around;
mod flows;
mod kept;
mod past;
mod rights;

use std::collections::BTreeMap;

use access::{Actor, Gate, Readable, gate};
use app::Snapshot;
use axum::{Json, extract::State};
use model::{ActionName, Card, Field, FieldKind, Ident, Table};
use serde_json::{Map, Value, json};
use utoipa::openapi::{ComponentsBuilder, Info, OpenApiBuilder, security::{HttpAuthScheme, HttpBuilder, SecurityScheme}};

use crate::{Site, extract::Asker};

/// `GET /openapi.json`
pub async fn document(State(_): State<Site>, asker: Asker) -> Json<Value> {
    Json(write(&asker.snapshot, &asker.actor))
}

/// The document, with only the cards, actions and fields that the actor has.
pub fn write(snapshot: &Snapshot, actor: &Actor) -> Value {
    let catalog = &snapshot.catalog;
    let (mut paths, mut components) = (Map::new(), Map::new());
    for card in catalog.cards.values() {
        let Ok(reading) = gate(catalog, actor, card, ActionName::Read) else { continue };
        components.extend(schemas(card, &reading, &actor.lang));
        let allowed = |action| !card.builtin && gate(catalog, actor, card, action).is_ok();
        for (path, method, operation) in operations(card, &actor.lang, &allowed).into_iter().chain(kept::views(card, &actor.lang)).chain(around::files(card, &actor.lang, &allowed)).chain(flows::of_card(card, &actor.lang, &allowed)).chain(around::actions(snapshot, actor, card)).chain(past::of_card(card, &reading, &actor.lang)).chain(rights::of_records(card, &actor.lang, &allowed)) {
            paths.entry(path).or_insert_with(|| json!({}))[method] = operation;
        }
    }
    let administered = catalog.cards.values().filter(|card| app::rights::may_administer(snapshot, actor, card)).flat_map(|card| rights::of_card(card, &actor.lang));
    for (path, method, operation) in kept::folders().into_iter().chain(around::everywhere(catalog, actor)).chain(flows::everywhere(catalog)).chain(accounts::everywhere(actor)).chain(rights::everywhere(actor)).chain(administered) {
        paths.entry(path).or_insert_with(|| json!({}))[method] = operation;
    }
    components.extend(kept::schemas());
    components.extend(around::schemas());
    components.extend(accounts::schemas(actor));
    components.extend(rights::schemas());
    let token = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let frame = OpenApiBuilder::new().info(Info::new("Cardstock", env!("CARGO_PKG_VERSION"))).components(Some(ComponentsBuilder::new().security_scheme("token", token).build())).build();
    // Schemas are written as they are: the types of utoipa know fewer words of JSON Schema than 3.1 allows.
    let mut document = serde_json::to_value(frame).unwrap_or(Value::Null);
    document["paths"] = paths.into();
    document["components"]["schemas"] = components.into();
    document["info"]["description"] = "Records of every card you may see. Decimals are texts, times are RFC 3339 in UTC, ids are UUIDs. Errors are application/problem+json.".into();
    document["security"] = json!([{"token": []}]);
    document
}

type Operations = Vec<(String, &'static str, Value)>;

fn operations(card: &Card, lang: &str, allowed: &dyn Fn(ActionName) -> bool) -> Operations {
    let (key, label) = (card.key.as_str(), card.labels.or_key(lang, card.key.as_str()));
    let plural = card.plurals.or_key(lang, card.key.as_str());
    let base = format!("/api/v1/records/{key}");
    let one = format!("{base}/{{id}}");
    let body = |name: &str| json!({"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}, "required": true});
    let answer = |name: &str| json!({"description": "", "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}});
    let id = json!([{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}}]);
    let list = json!(["filter", "sort", "fields", "limit", "cursor", "count", "q", "trash", "view"].map(|name| json!({"name": name, "in": "query", "required": false, "schema": {"type": "string"}})));
    let operation = |name: &str, summary: String, parameters: &Value, request: Option<Value>, responses: Value| {
        let mut operation = json!({"tags": [key], "operationId": format!("{key}_{name}"), "summary": summary, "parameters": parameters, "responses": responses});
        if let Some(request) = request {
            operation["requestBody"] = request;
        }
        operation
    };
    let problem = json!({"description": "A problem, as application/problem+json."});
    let mut all = vec![
        (base.clone(), "get", operation("list", format!("List {plural}"), &list, None, json!({"200": answer(&format!("{key}.list")), "400": problem}))),
        (one.clone(), "get", operation("read", format!("Read {label}"), &past::reading(card), None, json!({"200": answer(key), "404": problem}))),
        (format!("{one}/history"), "get", operation("history", format!("History of {label}"), &id, None, json!({"200": {"description": ""}, "404": problem}))),
    ];
    if allowed(ActionName::Create) {
        all.push((base, "post", operation("create", format!("Create {label}"), &json!([]), Some(body(&format!("{key}.input"))), json!({"201": answer(key), "422": problem}))));
    }
    if allowed(ActionName::Update) {
        all.push((one.clone(), "patch", operation("update", format!("Change {label}"), &id, Some(body(&format!("{key}.input"))), json!({"200": answer(key), "412": problem, "422": problem}))));
    }
    if allowed(ActionName::Restore) {
        all.push((format!("{one}/restore"), "post", operation("restore", format!("Bring {label} back from the trash"), &id, None, json!({"200": answer(key), "204": {"description": "It is back, and not yours to read."}, "403": problem, "404": problem, "409": problem}))));
    }
    if allowed(ActionName::Administer) {
        all.push((format!("{one}/purge"), "post", operation("purge", format!("Delete {label} in the trash for good"), &id, None, json!({"200": {"description": "", "content": {"application/json": {"schema": {"type": "object", "properties": {"deleted": {"type": "integer"}}}}}}, "403": problem, "404": problem, "409": problem, "413": problem}))));
    }
    let free = json!({"content": {"application/json": {"schema": {"type": "object"}}}, "required": true});
    let done = || json!({"200": {"description": ""}, "400": problem, "422": problem});
    if allowed(ActionName::Update) || allowed(ActionName::Delete) || allowed(ActionName::Claim) {
        all.push((format!("/api/v1/records/{key}/bulk"), "post", operation("bulk", format!("Change many {plural}"), &json!([]), Some(free.clone()), done())));
    }
    if allowed(ActionName::Update) && allowed(ActionName::Delete) {
        all.push((format!("/api/v1/records/{key}/merge"), "post", operation("merge", format!("Merge {plural}"), &json!([]), Some(free), done())));
    }
    if !card.duplicates.is_empty() {
        all.push((format!("/api/v1/records/{key}/duplicates"), "get", operation("duplicates", format!("{plural} that look alike"), &json!([]), None, json!({"200": {"description": ""}}))));
    }
    if card.pool.is_some() && allowed(ActionName::Claim) {
        for (word, summary) in [("claim", format!("Claim {label}")), ("release", format!("Release {label}"))] {
            all.push((format!("{one}/{word}"), "post", operation(word, summary, &id, None, json!({"200": answer(key), "409": problem}))));
        }
    }
    if allowed(ActionName::Delete) {
        all.push((one, "delete", operation("delete", format!("Delete {label}"), &id, None, json!({"204": {"description": ""}, "409": problem}))));
    }
    all
}

/// What is read, what is sent, and a page of a list.
fn schemas(card: &Card, gate: &Gate, lang: &str) -> BTreeMap<String, Value> {
    let key = card.key.as_str();
    let reference = json!({"$ref": format!("#/components/schemas/{key}")});
    BTreeMap::from([
        (key.to_owned(), object(card, gate, lang, false)),
        (format!("{key}.input"), object(card, gate, lang, true)),
        (
            format!("{key}.list"),
            json!({"type": "object", "properties": {"data": {"type": "array", "items": reference}, "next": {"type": ["string", "null"]}, "count": {"type": "object"}, "totals": {"type": "object"}, "groups": {"type": "array", "items": {"type": "object"}}}}),
        ),
    ])
}

fn object(card: &Card, gate: &Gate, lang: &str, input: bool) -> Value {
    let mut properties = properties(&card.table, gate, None, lang, input);
    for (key, table) in &card.children {
        let row = json!({"type": "object", "properties": self::properties(table, gate, Some(key), lang, input)});
        properties.insert(key.to_string(), json!({"type": "array", "title": table.labels.or_key(lang, key.as_str()), "items": row}));
    }
    let required: Vec<&str> = card.table.own_fields().filter(|field| input && field.required && field.default.is_none()).map(|field| field.key.as_str()).collect();
    let mut schema = json!({"type": "object", "title": card.labels.or_key(lang, card.key.as_str()), "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn properties(table: &Table, gate: &Gate, child: Option<&Ident>, lang: &str, input: bool) -> Map<String, Value> {
    let shown = |field: &&Field| if input { field.is_editable() && gate.readable(child, &field.key) != Readable::Never || field.secret } else { gate.readable(child, &field.key) != Readable::Never };
    table.fields.values().filter(shown).map(|field| (field.key.to_string(), property(field, lang))).collect()
}

fn property(field: &Field, lang: &str) -> Value {
    let link = json!({"type": ["object", "null"], "properties": {"id": {"type": "string", "format": "uuid"}, "title": {"type": ["string", "null"]}}});
    let mut schema = match &field.kind {
        FieldKind::Text(settings) => json!({"type": ["string", "null"], "maxLength": settings.max}),
        FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration => json!({"type": ["integer", "null"]}),
        FieldKind::Decimal(_) => json!({"type": ["string", "null"], "format": "decimal"}),
        FieldKind::Boolean => json!({"type": ["boolean", "null"]}),
        FieldKind::Date => json!({"type": ["string", "null"], "format": "date"}),
        FieldKind::Time => json!({"type": ["string", "null"], "format": "time"}),
        FieldKind::Datetime => json!({"type": ["string", "null"], "format": "date-time"}),
        FieldKind::Choice { options, multiple } => {
            let values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
            if *multiple { json!({"type": "array", "items": {"type": "string", "enum": values}}) } else { json!({"type": ["string", "null"], "enum": values}) }
        }
        FieldKind::Link(settings) if settings.multiple => json!({"type": "array", "items": link}),
        FieldKind::Link(_) if field.key == "id" => json!({"type": "string", "format": "uuid"}),
        FieldKind::Link(_) | FieldKind::AnyLink { .. } => link,
        FieldKind::File(settings) if settings.multiple => json!({"type": "array", "items": {"type": "object"}}),
        FieldKind::Colour | FieldKind::Formula { .. } => json!({"type": ["string", "null"]}),
        FieldKind::Address | FieldKind::Geo | FieldKind::RichText | FieldKind::File(_) => json!({"type": ["object", "null"]}),
        FieldKind::Json { .. } => json!({}),
    };
    schema["title"] = field.labels.or_key(lang, field.key.as_str()).into();
    if let Some(help) = field.help.get(lang) {
        schema["description"] = help.into();
    }
    schema
}
