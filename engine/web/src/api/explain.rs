//! Where a value comes from, and what it was before.

use app::{
    AppError,
    derived::explain::{self, Explained},
    lists,
    records::series,
};
use axum::{
    Json,
    extract::{Path, State},
};
use model::types;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Site, extract::Asker, problem::Problem};

/// `GET /records/{card}/{id}/explain/{field}`; of a child row `lines.ROW.amount`.
pub async fn explain(State(site): State<Site>, Path((card, id, field)): Path<(String, String, String)>, asker: Asker) -> Result<Json<Value>, Problem> {
    let answer = async {
        lists::may_see(&asker.snapshot, &asker.actor, &card)?;
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        let found = explain::explain(&site.app, &asker.snapshot, &asker.actor, &card, id, &field, &asker.locale).await?;
        Ok(Json(shown(&field, &found, &asker.locale.lang)))
    };
    answer.await.map_err(|error: AppError| asker.problem(error))
}

/// `GET /records/{card}/{id}/series/{field}`
pub async fn series(State(site): State<Site>, Path((card, id, field)): Path<(String, String, String)>, asker: Asker) -> Result<Json<Value>, Problem> {
    let answer = async {
        lists::may_see(&asker.snapshot, &asker.actor, &card)?;
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        Ok(Json(series::series(&site.app, &asker.snapshot, &asker.actor, &card, id, &field).await?.to_json()))
    };
    answer.await.map_err(|error: AppError| asker.problem(error))
}

fn shown(name: &str, found: &Explained, lang: &str) -> Value {
    let mut answer = Map::new();
    let mut put = |key: &str, value: Value| {
        answer.insert(key.to_owned(), value);
    };
    put("field", json!(name));
    put("label", json!(found.field.labels.or_key(lang, found.field.key.as_str())));
    put("way", json!(found.way));
    put("value", types::to_json(&found.field.kind, &found.value));
    put("computed_at", json!(found.computed_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))));
    put("recomputing", json!(found.recomputing));
    if let Some(formula) = &found.formula {
        put(if found.way == "fetch" { "path" } else { "formula" }, json!(formula));
    }
    if let Some(rows) = &found.rows {
        let kind = rows.field.as_ref().map(|(_, kind)| kind);
        let data: Vec<Value> = rows.shown.iter().map(|row| json!({"id": row.record, "title": row.title, "value": kind.map_or(Value::Null, |kind| types::to_json(kind, &row.value))})).collect();
        put("function", json!(found.function.map(model::Aggregate::name)));
        put("of", json!(rows.field.as_ref().map(|(label, _)| label)));
        put("rows", json!({"card": rows.card, "data": data, "count": rows.count, "hidden": rows.hidden, "filter": rows.filter}));
    } else {
        let inputs = found.inputs.iter().map(|input| json!({"name": input.name, "label": input.label, "value": types::to_json(&input.kind, &input.value), "hidden": input.hidden, "explain": input.explained}));
        put("inputs", inputs.collect());
    }
    Value::Object(answer)
}
