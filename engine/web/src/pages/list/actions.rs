//! What is done to selected rows.

use app::{AppError, records::remove};
use axum::{
    extract::{Path as UrlPath, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use model::ActionName;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::Reader;
use crate::{Site, extract::Form};

pub(in crate::pages) fn ids(fields: &[(String, String)]) -> Vec<Uuid> {
    fields.iter().filter(|(name, _)| name == "ids").flat_map(|(_, ids)| ids.split(',')).filter_map(|id| Uuid::try_parse(id.trim()).ok()).collect()
}

/// `POST /c/{card}/delete` with `ids`: answers which are gone, and why others are not.
pub async fn delete(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    if let Err(error) = may_act(&reader, &key, ActionName::Delete) {
        return reader.failed(&site, &error);
    }
    let mut gone = Vec::new();
    let mut problems = Vec::new();
    for id in ids(&fields) {
        match remove::delete(&site.app, &reader.asker.actor, &key, id).await {
            Ok(_) => gone.push(id.to_string()),
            Err(error) => problems.push((id, error)),
        }
    }
    outcome(&reader, "deleted", &gone, problems)
}

/// `POST /c/{card}/restore` with `ids`.
pub async fn restore(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    if let Err(error) = may_act(&reader, &key, ActionName::Restore) {
        return reader.failed(&site, &error);
    }
    let mut back = Vec::new();
    let mut problems = Vec::new();
    for id in ids(&fields) {
        match remove::restore(&site.app, &reader.asker.actor, &key, id).await {
            Ok(()) => back.push(id.to_string()),
            Err(error) => problems.push((id, error)),
        }
    }
    outcome(&reader, "restored", &back, problems)
}

/// Most records that one press runs a script on.
const MOST: usize = 200;

/// `POST /c/{card}/actions/{action}` with `ids`: a button that runs a script on each, one after the other.
pub async fn act(State(site): State<Site>, UrlPath((key, action)): UrlPath<(String, String)>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let offered = reader.card(&key).and_then(|card| {
        let known = app::scripts::of_card(&reader.asker.snapshot, &reader.asker.actor, &card, &action)?;
        if known.list { Ok(()) } else { Err(AppError::not_found("action")) }
    });
    if let Err(error) = offered {
        return reader.failed(&site, &error);
    }
    let chosen = ids(&fields);
    if chosen.is_empty() || chosen.len() > MOST {
        return reader.failed(&site, &AppError::malformed("bad_bulk", format!("an action runs on 1 to {MOST} records at once")));
    }
    let (mut done, mut problems, mut said) = (Vec::new(), Vec::new(), None);
    for id in chosen {
        match app::scripts::act(&site.app, &reader.asker.actor, &key, id, &action).await {
            Ok(acted) => {
                said = acted.message.or(said);
                done.push(id.to_string());
            }
            Err(error) => problems.push((id, error)),
        }
    }
    let detail = problems.first().map(|(_, error)| crate::problem::document(error, &reader.asker.actor.lang)["detail"].as_str().unwrap_or_default().to_owned());
    let mut text = reader.t(&site, "action.done_count", &[("count", &done.len().to_string())]);
    if let (Some(said), 1) = (said, done.len()) {
        text = said;
    }
    if let Some(detail) = detail {
        text = format!("{text} · {}", reader.t(&site, "action.failed_count", &[("count", &problems.len().to_string()), ("why", &detail)]));
    }
    let body = json!({"text": text, "done": done, "failed": problems.len()});
    axum::Json(body).into_response()
}

/// Asked even where no row was named: what may not be done is said, not passed over.
fn may_act(reader: &Reader, key: &str, action: ActionName) -> Result<(), AppError> {
    let card = reader.asker.snapshot.card(key)?;
    access::gate(&reader.asker.snapshot.catalog, &reader.asker.actor, card, action)?;
    Ok(())
}

/// What was done to each: `{"deleted": [ids], "problems": [{"id", "detail"}]}`. Nothing done at all is an error.
fn outcome(reader: &Reader, word: &str, done: &[String], problems: Vec<(Uuid, AppError)>) -> Response {
    let lang = &reader.asker.actor.lang;
    let status = match (done.is_empty(), problems.first()) {
        (true, Some((_, error))) => crate::problem::status(error),
        _ => StatusCode::OK,
    };
    let told: Vec<Json> = problems.iter().map(|(id, error)| json!({"id": id.to_string(), "detail": crate::problem::document(error, lang)["detail"]})).collect();
    let body = json!({word: done, "problems": told});
    let mut response = (status, axum::Json(body)).into_response();
    response.headers_mut().insert(HeaderName::from_static("x-done"), HeaderValue::from(done.len()));
    response
}
