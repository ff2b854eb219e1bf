//! Reading one record, how its values came to be, and what they were, as the document describes it.

use access::{Gate, Readable};
use model::{Card, Source, Track};
use serde_json::{Value, json};

use super::Operations;

fn in_path(name: &str, schema: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

fn id() -> Value {
    in_path("id", json!({"type": "string", "format": "uuid"}))
}

/// What may be said beside the id where a record is read.
pub(super) fn reading(card: &Card) -> Value {
    let asked = |name: &str, description: &str| json!({"name": name, "in": "query", "required": false, "description": description, "schema": {"type": "string"}});
    let mut parameters = vec![id(), asked("trash", "`only` reads it from the trash."), asked("expand", "Links whose records come along, parted by commas.")];
    if card.as_of {
        parameters.push(asked("as_of", "The record with its child rows as it was at a moment (RFC 3339), or at the end of a day."));
    }
    parameters.into()
}

/// Where values come from, and what they were before.
pub(super) fn of_card(card: &Card, gate: &Gate, lang: &str) -> Operations {
    let (key, label) = (card.key.as_str(), card.labels.or_key(lang, card.key.as_str()));
    let problem = json!({"description": "A problem, as application/problem+json."});
    let operation = |name: &str, summary: String, field: Value| {
        let answer = json!({"description": "", "content": {"application/json": {"schema": {"type": "object"}}}});
        json!({"tags": [key], "operationId": format!("{key}_{name}"), "summary": summary, "parameters": [id(), in_path("field", field)], "responses": {"200": answer, "404": problem}})
    };
    let one = format!("/api/v1/records/{key}/{{id}}");
    let mut all = Vec::new();
    let kept: Vec<&str> = card.table.own_fields().filter(|field| field.track == Track::Series && !field.secret && gate.readable(None, &field.key) == Readable::Always).map(|field| field.key.as_str()).collect();
    if !kept.is_empty() {
        all.push((format!("{one}/series/{{field}}"), "get", operation("series", format!("Values of a field of {label} over time"), json!({"type": "string", "enum": kept}))));
    }
    let calculated = std::iter::once(&card.table).chain(card.children.values()).any(|table| table.own_fields().any(|field| !matches!(field.source, Source::Entered)));
    if calculated {
        let field = json!({"type": "string", "description": "A field, or of a child row `table.ROW.field`."});
        all.push((format!("{one}/explain/{{field}}"), "get", operation("explain", format!("Where a value of {label} comes from"), field)));
    }
    all
}
