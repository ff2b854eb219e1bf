//! `GET /cards`: the definitions an actor may see.

use access::Readable;
use app::AppError;
use axum::{Json, extract::Path};
use model::{ActionName, Card, FieldKind, Table};
use serde_json::{Value, json};

use crate::{extract::Asker, problem::Problem};

/// Every card the actor holds a grant on.
pub async fn list(asker: Asker) -> Json<Value> {
    let visible = asker.snapshot.catalog.cards.values().filter(|card| access::gate(&asker.snapshot.catalog, &asker.actor, card, ActionName::Read).is_ok());
    let lang = &asker.actor.lang;
    let cards: Vec<Value> = visible.map(|card| json!({"key": card.key, "label": card.labels.or_key(lang, card.key.as_str()), "plural": card.plurals.or_key(lang, card.key.as_str()), "icon": card.icon, "pack": card.pack})).collect();
    Json(json!({"data": cards}))
}

/// One card with the fields the actor may read.
pub async fn read(Path(key): Path<String>, asker: Asker) -> Result<Json<Value>, Problem> {
    let answer = || -> Result<Value, AppError> {
        let card = asker.snapshot.card(&key)?;
        let gate = access::gate(&asker.snapshot.catalog, &asker.actor, card, ActionName::Read)?;
        Ok(card_json(card, &gate, &asker.actor.lang))
    };
    answer().map(Json).map_err(|error| asker.problem(error))
}

fn card_json(card: &Card, gate: &access::Gate, lang: &str) -> Value {
    let children: serde_json::Map<String, Value> = card.children.iter().map(|(key, table)| (key.to_string(), json!({"label": table.labels.or_key(lang, key.as_str()), "fields": fields(table, gate, lang)}))).collect();
    json!({
        "key": card.key,
        "label": card.labels.or_key(lang, card.key.as_str()),
        "plural": card.plurals.or_key(lang, card.key.as_str()),
        "icon": card.icon,
        "pack": card.pack,
        "entered_from": card.entered_from,
        "fields": fields(&card.table, gate, lang),
        "child_tables": children,
    })
}

fn fields(table: &Table, gate: &access::Gate, lang: &str) -> Value {
    let readable = table.fields.values().filter(|field| gate.readable(table.child.as_ref(), &field.key) != Readable::Never);
    readable
        .map(|field| {
            let mut shown = json!({
                "key": field.key,
                "type": field.type_name,
                "label": field.labels.or_key(lang, field.key.as_str()),
                "required": field.required,
                "read_only": !field.is_editable(),
            });
            if let Some(coming) = table.becoming.iter().find(|coming| coming.key == field.key) {
                shown["becoming"] = json!(coming.type_name);
            }
            match &field.kind {
                FieldKind::Choice { options, .. } => {
                    shown["options"] = options.iter().map(|option| json!({"value": option.value, "label": option.labels.or_key(lang, &option.value), "colour": option.colour, "retired": option.retired})).collect();
                }
                FieldKind::Link(link) => shown["target"] = json!(link.target),
                FieldKind::AnyLink { targets, .. } => shown["targets"] = json!(targets),
                FieldKind::Decimal(settings) => shown["scale"] = json!(settings.scale),
                _ => {}
            }
            shown
        })
        .collect()
}
