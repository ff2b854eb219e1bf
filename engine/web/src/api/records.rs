//! Records: list, read, create, change, delete, restore, delete for good, batch, history.

use std::sync::Arc;

use app::{
    AppError, batches, lists, merge,
    records::{
        batch::{self, Item},
        history as past, purge, read as reading, remove,
        save::{self, Options, Saved},
        versions,
    },
};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use query::Trash;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Site,
    extract::{Asker, Body, Caller},
    problem::{Problem, document, said, status},
    visit::SureAsker,
};

type Answer = Result<Response, Problem>;

/// A record's id, or nothing that such a record could have.
fn id_of(text: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found("record"))
}

fn object(body: Value) -> Result<Map<String, Value>, AppError> {
    match body {
        Value::Object(map) => Ok(map),
        _ => Err(AppError::malformed("bad_body", "a record is a JSON object")),
    }
}

/// `GET /records/{card}`
pub async fn list(State(site): State<Site>, Path(card): Path<String>, Query(pairs): Query<Vec<(String, String)>>, caller: Caller) -> Answer {
    let (site, card, pairs) = (&site, card.as_str(), &pairs);
    let answer = |asker: Arc<Asker>| {
        async move {
            // The card first: who may not see it learns nothing from messages about parameters.
            lists::may_see(&asker.snapshot, &asker.actor, card)?;
            let request = super::views::from_url(site, &asker, card, pairs.clone()).await?;
            let answer = lists::answer(&site.app, &asker.snapshot, &asker.actor, card, &request, &asker.locale).await?;
            Ok(Json(answer).into_response())
        }.boxed()
    };
    caller.answer(site, answer).await
}

/// `POST /records/{card}/query`
pub async fn query(State(site): State<Site>, Path(card): Path<String>, caller: Caller, Body(body): Body) -> Answer {
    let (site, card, body) = (&site, card.as_str(), &body);
    let answer = |asker: Arc<Asker>| {
        async move {
            lists::may_see(&asker.snapshot, &asker.actor, card)?;
            let request = super::views::from_body(site, &asker, card, body.clone()).await?;
            let answer = lists::answer(&site.app, &asker.snapshot, &asker.actor, card, &request, &asker.locale).await?;
            Ok(Json(answer).into_response())
        }.boxed()
    };
    caller.answer(site, answer).await
}

fn etag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

async fn record(site: &Site, asker: &Asker, card: &str, id: Uuid, place: Trash) -> Result<(Value, i64), AppError> {
    let page = reading::read_in(&site.app, &asker.snapshot, &asker.actor, card, id, &[place], &asker.locale).await?;
    let item = page.items.first().ok_or_else(|| AppError::not_found("record"))?;
    let mut record = lists::record_json(&asker.snapshot.catalog, &page, item);
    if let Some(fields) = lists::recomputing(&site.app, &asker.snapshot, card).await? {
        record["recomputing"] = fields;
    }
    let version = record.get("version").and_then(Value::as_i64).unwrap_or(0);
    Ok((record, version))
}

/// `GET /records/{card}/{id}`
pub async fn read(State(site): State<Site>, Path((card, id)): Path<(String, String)>, Query(pairs): Query<Vec<(String, String)>>, caller: Caller) -> Answer {
    let (site, card, id, pairs) = (&site, card.as_str(), id.as_str(), &pairs);
    let answer = |asker: Arc<Asker>| {
        async move {
            lists::may_see(&asker.snapshot, &asker.actor, card)?;
            let place = match pairs.iter().find(|(key, _)| key == "trash").map(|(_, value)| value.as_str()) {
                None => Trash::Without,
                Some("only") => Trash::Only,
                Some(_) => return Err(AppError::malformed("bad_trash", "trash is `only`, or not given")),
            };
            if let Some((_, text)) = pairs.iter().find(|(key, _)| key == "as_of") {
                let at = versions::moment(&asker.actor, text)?;
                let page = versions::read(&site.app, &asker.snapshot, &asker.actor, card, id_of(id)?, at, &asker.locale).await?;
                let item = page.items.first().ok_or_else(|| AppError::not_found("record"))?;
                let mut record = lists::record_json(&asker.snapshot.catalog, &page, item);
                record["as_of"] = at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true).into();
                return Ok(Json(record).into_response());
            }
            let (mut record, version) = match record(site, &asker, card, id_of(id)?, place).await {
                Err(AppError::NotFound { what }) if what == "record" => return elsewhere(site, &asker, card, id).await.ok_or_else(|| AppError::not_found(what)),
                found => found?,
            };
            let expand = pairs.iter().filter(|(key, _)| key == "expand").flat_map(|(_, names)| names.split(','));
            for name in expand.map(str::trim).filter(|name| !name.is_empty()) {
                lists::expand(&site.app, &asker.snapshot, &asker.actor, card, name, &mut record, &asker.locale).await?;
            }
            Ok(([(header::ETAG, etag(version))], Json(record)).into_response())
        }.boxed()
    };
    caller.answer(site, answer).await
}

/// A record that was merged is not there any more; who may see the one that is left is told which.
async fn elsewhere(site: &Site, asker: &Asker, card: &str, id: &str) -> Option<Response> {
    let master = merge::merged_into(&site.app, card, Uuid::try_parse(id).ok()?).await.ok()??;
    record(site, asker, card, master, Trash::Without).await.ok()?;
    let mut body = document(&AppError::not_found("record"), &asker.actor.lang);
    body["merged_into"] = json!({"card": card, "id": master});
    Some((StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response())
}

pub(super) fn options(headers: &HeaderMap) -> Result<Options, AppError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let version = match text("if-match") {
        None | Some("*") => None,
        Some(tag) => Some(tag.trim_matches(['"', 'W', '/']).parse().map_err(|_| AppError::malformed("bad_version", "If-Match holds the ETag of a read"))?),
    };
    let key = text("idempotency-key").map(str::to_owned);
    if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 200) {
        return Err(AppError::malformed("bad_key", "an Idempotency-Key has 1 to 200 characters"));
    }
    Ok(Options { idempotency_key: key, version, ..Options::default() })
}

async fn saved(site: &Site, asker: &Asker, card: &str, saved: Saved, created: bool) -> Result<Response, AppError> {
    // Who may create but not read is told the id, and nothing else.
    let record = match record(site, asker, card, saved.id, Trash::Without).await {
        Ok((record, _)) => record,
        Err(AppError::NotFound { .. } | AppError::Forbidden { .. }) => json!({"id": saved.id.to_string(), "version": saved.version}),
        Err(error) => return Err(error),
    };
    let mut record = record;
    if !saved.warnings.is_empty() {
        record["warnings"] = saved.warnings.iter().map(|warning| said(warning, &asker.actor.lang)).collect();
    }
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = (status, [(header::ETAG, etag(saved.version))], Json(record)).into_response();
    if created
        && let Ok(place) = HeaderValue::from_str(&format!("/api/v1/records/{card}/{}", saved.id)) {
            response.headers_mut().insert(header::LOCATION, place);
        }
    Ok(response)
}

/// The answer to a change of one record.
pub(super) async fn answer_of(site: &Site, asker: &Asker, card: &str, done: Saved) -> Answer {
    saved(site, asker, card, done, false).await.map_err(|error| asker.problem(error))
}

/// `POST /records/{card}`
pub async fn create(State(site): State<Site>, Path(card): Path<String>, headers: HeaderMap, caller: Caller, Body(body): Body) -> Answer {
    let (site, card, headers, body) = (&site, card.as_str(), &headers, &body);
    let answer = |asker: Arc<Asker>| {
        async move {
            let done = save::create(&site.app, &asker.actor, card, object(body.clone())?, &options(headers)?).await?;
            saved(site, &asker.confirmed(), card, done, true).await
        }.boxed()
    };
    caller.answer(site, answer).await
}

/// `PATCH /records/{card}/{id}`
pub async fn change(State(site): State<Site>, Path((card, id)): Path<(String, String)>, headers: HeaderMap, caller: Caller, Body(body): Body) -> Answer {
    let (site, card, id, headers, body) = (&site, card.as_str(), id.as_str(), &headers, &body);
    let answer = |asker: Arc<Asker>| {
        async move {
            let done = save::change(&site.app, &asker.actor, card, id_of(id)?, object(body.clone())?, &options(headers)?).await?;
            saved(site, &asker.confirmed(), card, done, false).await
        }.boxed()
    };
    caller.answer(site, answer).await
}

/// `DELETE /records/{card}/{id}`
pub async fn delete(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    let answer = async { remove::delete(&site.app, &asker.actor, &card, id_of(&id)?).await };
    answer.await.map(|_| StatusCode::NO_CONTENT.into_response()).map_err(|error| asker.problem(error))
}

/// `POST /records/{card}/{id}/restore`
pub async fn restore(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    let answer = async {
        let id = id_of(&id)?;
        remove::restore(&site.app, &asker.actor, &card, id).await?;
        Ok(record(&site, &asker, &card, id, Trash::Without).await.map_or_else(|_| StatusCode::NO_CONTENT.into_response(), |(record, _)| Json(record).into_response()))
    };
    answer.await.map_err(|error: AppError| asker.problem(error))
}

/// `POST /records/{card}/{id}/purge`: out of the trash for good, with what went there along with it.
pub async fn purge(State(site): State<Site>, Path((card, id)): Path<(String, String)>, SureAsker { asker, .. }: SureAsker) -> Answer {
    let answer = async { purge::purge(&site.app, &asker.actor, &card, id_of(&id)?).await };
    answer.await.map(|count| Json(json!({"deleted": count})).into_response()).map_err(|error| asker.problem(error))
}

/// `GET /records/{card}/{id}/history`
pub async fn history(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    let answer = async { past::history(&site.app, &asker.snapshot, &asker.actor, &card, id_of(&id)?).await };
    let changes = answer.await.map_err(|error| asker.problem(error))?;
    Ok(Json(json!({"data": changes.iter().map(past::Change::to_json).collect::<Vec<_>>()})).into_response())
}

fn items(body: &Value) -> Result<Vec<Item>, AppError> {
    let list = body.get("items").and_then(Value::as_array).ok_or_else(|| AppError::malformed("bad_batch", "a batch is {\"atomic\": …, \"items\": […]}"))?;
    if list.len() > batch::MAX_ITEMS {
        return Err(AppError::TooLarge { detail: format!("a batch has at most {} items", batch::MAX_ITEMS) });
    }
    let one = |(index, item): (usize, &Value)| {
        let wrong = |what: &str| AppError::malformed("bad_batch", format!("items/{index}: {what}"));
        let id = item.get("id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
        let record = item.get("record").and_then(Value::as_object).cloned();
        match item.get("op").and_then(Value::as_str) {
            Some("create") => Ok(Item::Create(record.ok_or_else(|| wrong("`record` is missing"))?)),
            Some("update") => Ok(Item::Update {
                id: id.ok_or_else(|| wrong("`id` is missing"))?,
                version: item.get("version").and_then(Value::as_i64),
                body: record.ok_or_else(|| wrong("`record` is missing"))?,
            }),
            Some("delete") => Ok(Item::Delete(id.ok_or_else(|| wrong("`id` is missing"))?)),
            _ => Err(wrong("`op` is one of create, update, delete")),
        }
    };
    list.iter().enumerate().map(one).collect()
}

/// `POST /records/{card}/batch`
pub async fn batch(State(site): State<Site>, Path(card): Path<String>, asker: Asker, Body(body): Body) -> Answer {
    lists::may_see(&asker.snapshot, &asker.actor, &card).map_err(|error| asker.problem(error))?;
    let items = items(&body).map_err(|error| asker.problem(error))?;
    let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
    let undoable = match flag("undoable") {
        false => None,
        true => {
            let new = batches::NewBatch { kind: "api", card: card.clone(), ..batches::NewBatch::default() };
            Some(batches::begin(&site.app, &asker.actor, &new).await.map_err(|error| asker.problem(error))?)
        }
    };
    let answer = changed(&site, &asker, &card, &items, flag("atomic"), undoable).await;
    if let Some(batch) = undoable {
        batches::finish(&site.app, batch).await.map_err(|error| asker.problem(error))?;
    }
    Ok(answer)
}

async fn changed(site: &Site, asker: &Asker, card: &str, items: &[Item], atomic: bool, undoable: Option<Uuid>) -> Response {
    let done = |saved: &Saved| json!({"id": saved.id.to_string(), "version": saved.version});
    let mut answer = json!({});
    if let Some(batch) = undoable {
        answer["batch"] = batch.to_string().into();
    }
    if atomic {
        match batch::atomic(&site.app, &asker.actor, card, items, undoable).await {
            Ok(all) => answer["data"] = all.iter().map(|saved| saved.as_ref().map(done)).collect(),
            Err((index, error)) => {
                let mut problem = document(&error, &asker.actor.lang);
                problem["item"] = index.into();
                return (status(&error), [(header::CONTENT_TYPE, "application/problem+json")], problem.to_string()).into_response();
            }
        }
        return Json(answer).into_response();
    }
    let results = batch::each(&site.app, &asker.actor, card, items, undoable).await;
    let one = |(result, item): (&Result<Option<Saved>, AppError>, &Item)| match result {
        Ok(Some(saved)) => json!({"status": if matches!(item, Item::Create(_)) { 201 } else { 200 }, "data": done(saved)}),
        Ok(None) => json!({"status": 204}),
        Err(error) => json!({"status": status(error).as_u16(), "problem": document(error, &asker.actor.lang)}),
    };
    answer["data"] = results.iter().zip(items).map(one).collect();
    Json(answer).into_response()
}
