//! Notices: what the asker was told.

use app::{AppError, notify::{self, Told, Which}};
use serde_json::{Value, json};
use uuid::Uuid;

use super::head::*;

/// Most ids of one request.
const MAX_IDS: usize = 500;

/// `GET /notices`: the latest first; `unread=true` only those not seen yet; `before` continues.
pub async fn list(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Answer {
    asker.answer(async {
        let (mut unread, mut before) = (false, None);
        for (name, value) in &pairs {
            match name.as_str() {
                "unread" => unread = value == "true",
                "before" => before = Some(Uuid::try_parse(value).map_err(|_| AppError::malformed("bad_cursor", "`before` is the id of a notice"))?),
                _ => return Err(AppError::malformed("unknown_parameter", format!("`{name}` means nothing here; there are `unread` and `before`"))),
            }
        }
        let told = notify::list(&site.app, &asker.snapshot, &asker.actor, unread, before).await?;
        let next = told.last().filter(|_| told.len() >= notify::MAX_LISTED as usize).map(|last| last.id);
        let count = notify::unread(&site.app, &asker.actor).await?;
        Ok(Json(json!({"data": told.iter().map(Told::to_json).collect::<Vec<_>>(), "next": next, "unread": count})).into_response())
    })
    .await
}

/// `POST /notices/seen`: `{"all": true}` or `{"ids": […]}`; with `"seen": false` they count as new again.
pub async fn seen(State(site): State<Site>, asker: Asker, Body(body): Body) -> Answer {
    asker.answer(async {
        match (which(&body)?, body.get("seen") != Some(&Value::Bool(false))) {
            (which, true) => notify::see(&site.app, &asker.actor, &which).await?,
            (Which::Ids(ids), false) => notify::unsee(&site.app, &asker.actor, &ids).await?,
            (Which::All | Which::About(_), false) => return Err(AppError::malformed("bad_parameter", "`\"seen\": false` takes `ids`")),
        }
        let count = notify::unread(&site.app, &asker.actor).await?;
        Ok(Json(json!({"unread": count})).into_response())
    })
    .await
}

fn which(body: &Value) -> Result<Which, AppError> {
    let bad = || AppError::malformed("bad_parameter", format!("a body such as {{\"all\": true}} or {{\"ids\": […]}} is wanted, with at most {MAX_IDS} ids"));
    match (body.get("all"), body.get("ids")) {
        (Some(Value::Bool(true)), None) => Ok(Which::All),
        (None, Some(Value::Array(ids))) if ids.len() <= MAX_IDS => ids.iter().map(|id| id.as_str().and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(bad)).collect::<Result<_, _>>().map(Which::Ids),
        _ => Err(bad()),
    }
}
