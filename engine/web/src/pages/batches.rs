//! What a person changed in many records this week: what came of each, and taking it back.

use app::{
    AppError,
    batches::{self, Batch, RowResult, State as BatchState},
    titles::Titles,
};
use axum::{
    Json,
    extract::{Path as UrlPath, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use model::Ident;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Reader, bulk::titles_of, url, words};
use crate::{
    Site,
    view::{BatchPage, BatchResult, BatchRow, BatchesPage},
};

type Pairs = Vec<(String, String)>;
/// Batches of one page, and rows of one.
const PAGE: u32 = 50;
const ROWS: u32 = 100;

fn id_of(text: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found("batch"))
}

fn number(reader: &Reader, number: i64) -> String {
    form::format::number_text(number.into(), 0, &reader.asker.locale)
}

/// What was done, in words: "Fields edited: Grade, Notes · Customers".
pub fn title(site: &Site, reader: &Reader, batch: &Batch) -> String {
    let lang = &reader.asker.actor.lang;
    let inner = batch.about.get("kind").and_then(Value::as_str).unwrap_or_default();
    let kind = match (batch.kind.as_str(), inner) {
        ("undo", inner) => reader.t(site, "batch.kind.undo", &[("what", &word(site, reader, inner))]),
        (kind, _) => word(site, reader, kind),
    };
    let card = reader.asker.snapshot.catalog.card(&batch.card);
    let about = if batch.kind == "undo" { batch.about.get("about").and_then(Value::as_object) } else { Some(&batch.about) };
    let named = about.and_then(|about| about.get("fields")).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let fields: Vec<String> = named.map(|key| card.and_then(|card| card.field(key)).map_or_else(|| key.to_owned(), |field| field.labels.or_key(lang, key))).collect();
    let plural = card.map_or_else(|| batch.card.clone(), |card| card.plurals.or_key(lang, card.key.as_str()));
    let what = if fields.is_empty() { kind } else { format!("{kind}: {}", fields.join(", ")) };
    format!("{what} · {plural}")
}

fn word(site: &Site, reader: &Reader, kind: &str) -> String {
    let key = format!("batch.kind.{kind}");
    Some(reader.t(site, &key, &[])).filter(|text| *text != key).unwrap_or_else(|| model::humanize(kind))
}

/// What came of it, in words.
pub fn told(site: &Site, reader: &Reader, batch: &Batch) -> String {
    if batch.state == BatchState::Running {
        return reader.t(site, "batch.running", &[]);
    }
    let mut parts = vec![reader.t(site, "batch.changed", &[("count", &number(reader, batch.changed))])];
    if batch.skipped > 0 {
        parts.push(reader.t(site, "batch.skipped", &[("count", &number(reader, batch.skipped))]));
    }
    if batch.failed > 0 {
        parts.push(reader.t(site, "batch.failed", &[("count", &number(reader, batch.failed))]));
    }
    parts.join(" · ")
}

fn row(site: &Site, reader: &Reader, batch: &Batch) -> BatchRow {
    let actor = &reader.asker.actor;
    let (state, tone) = match batch.state {
        BatchState::Running => ("running", "blue"),
        BatchState::Undone => ("undone", "gray"),
        BatchState::Done if batch.failed > 0 => ("done", "amber"),
        BatchState::Done => ("done", "green"),
    };
    let who = batch.by.as_ref().filter(|(id, _)| Some(*id) != actor.user).map(|(_, name)| name.clone());
    let who = who.or_else(|| batch.by.is_none().then(|| words::word("system", &actor.lang)));
    let facts = [who, Some(words::ago(batch.created_at, actor.now, &actor.lang)), Some(told(site, reader, batch))];
    let url = format!("/me/batches/{}", batch.id);
    BatchRow {
        id: batch.id.to_string(),
        title: title(site, reader, batch),
        facts: facts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        at: batch.created_at.to_rfc3339(),
        state: state.into(),
        state_text: reader.t(site, &format!("batch.state.{state}"), &[]),
        tone: tone.into(),
        undo_url: batch.is_undoable(actor.now).then(|| format!("{url}/undo")),
        url,
    }
}

/// `GET /me/batches`
pub async fn index(State(site): State<Site>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let answer = async {
        let everybody = get("of") == "everybody";
        let before = chrono::DateTime::parse_from_rfc3339(get("before")).ok().map(|at| at.with_timezone(&chrono::Utc));
        let found = batches::list(&site.app, &reader.asker.actor, everybody, before, PAGE).await?;
        let of = if everybody { "everybody" } else { "" };
        let next = found.last().filter(|_| found.len() == PAGE as usize).map(|last| url("/me/batches", &[("of", of), ("before", &last.created_at.to_rfc3339())]));
        let other = if everybody { "/me/batches".to_owned() } else { url("/me/batches", &[("of", "everybody")]) };
        Ok::<_, AppError>(BatchesPage { batches: found.iter().map(|batch| row(&site, &reader, batch)).collect(), everybody, other_url: reader.asker.actor.is_administrator().then_some(other), next_url: next })
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "batches/index.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `GET /me/batches/{id}`
pub async fn show(State(site): State<Site>, UrlPath(id): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let after = pairs.iter().find(|(key, _)| key == "after").and_then(|(_, value)| Uuid::try_parse(value).ok());
    let answer = async {
        let batch = batches::read(&site.app, &reader.asker.actor, id_of(&id)?).await?;
        page(&site, &reader, &batch, after).await
    };
    match answer.await {
        Ok(page) => reader.draw(&site, if after.is_some() && reader.fragment { "batches/rows.html" } else { "batches/show.html" }, None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn page(site: &Site, reader: &Reader, batch: &Batch, after: Option<Uuid>) -> Result<BatchPage, AppError> {
    let found = batches::results(&site.app, batch.id, after, ROWS).await?;
    let titles = titles_of(site, reader, found.iter().filter_map(|row| Some((Ident::new(&row.card).ok()?, row.record)))).await?;
    let base = format!("/me/batches/{}", batch.id);
    let counts = [("changed", batch.changed), ("skipped", batch.skipped), ("failed", batch.failed)];
    let related = batch.undone_by.map(|id| (reader.t(site, "batch.undone_by", &[]), id)).or_else(|| batch.undo_of.map(|id| (reader.t(site, "batch.undo_of", &[]), id)));
    Ok(BatchPage {
        batch: row(site, reader, batch),
        counts: counts.into_iter().map(|(key, count)| (reader.t(site, &format!("batch.count.{key}"), &[]), number(reader, count))).collect(),
        next_url: found.last().filter(|_| found.len() == ROWS as usize).map(|last| url(&base, &[("after", &last.id.to_string())])),
        rows: found.iter().map(|result| result_row(site, reader, result, &titles)).collect(),
        csv_url: format!("/api/v1/batches/{}/rows?format=csv", batch.id),
        job_url: batch.job.filter(|_| batch.state == BatchState::Running).map(|job| format!("/jobs/{job}")),
        related: related.map(|(text, id)| (text, format!("/me/batches/{id}"))),
    })
}

fn result_row(site: &Site, reader: &Reader, result: &RowResult, titles: &Titles) -> BatchResult {
    let (lang, catalog) = (&reader.asker.actor.lang, &reader.asker.snapshot.catalog);
    let card = catalog.card(&result.card);
    let title = titles.get(&result.record);
    let label = card.map_or_else(|| result.card.clone(), |card| card.labels.or_key(lang, card.key.as_str()));
    let tone = match result.op.as_str() {
        "created" | "updated" | "deleted" | "restored" => "green",
        "failed" => "red",
        "skipped" | "kept" => "amber",
        _ => "gray",
    };
    BatchResult {
        title: title.cloned().unwrap_or_else(|| reader.t(site, "batch.unseen", &[("what", &label)])),
        url: title.map(|_| format!("/c/{}/{}", result.card, result.record)),
        result_text: reader.t(site, &format!("batch.result.{}", result.op), &[]),
        tone: tone.into(),
        reason: result.reason.as_ref().map(|reason| why(reader, card.map(AsRef::as_ref), reason)).unwrap_or_default(),
    }
}

/// Why, with the names of the fields in question.
fn why(reader: &Reader, card: Option<&model::Card>, reason: &Value) -> String {
    let lang = &reader.asker.actor.lang;
    let label = |path: &str| {
        let key = path.split('/').next().unwrap_or_default();
        card.and_then(|card| card.field(key)).map_or_else(|| key.to_owned(), |field| field.labels.or_key(lang, key))
    };
    if reason["code"] == "changed_since" {
        let fields: Vec<String> = reason["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).map(label).collect();
        return crate::templates::text(lang, "batch.changed_since", &[("fields", &fields.join(", "))]);
    }
    let violations: Vec<String> = reason["violations"].as_array().into_iter().flatten().map(|one| {
        let (path, message) = (one["path"].as_str().unwrap_or_default(), one["message"].as_str().unwrap_or_default());
        if path.is_empty() { message.to_owned() } else { format!("{}: {message}", label(path)) }
    }).collect();
    if violations.is_empty() { reason["detail"].as_str().unwrap_or_default().to_owned() } else { violations.join(" ") }
}

/// `POST /me/batches/{id}/undo`
pub async fn undo(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let answer = async { batches::undo(&site.app, &reader.asker.actor, id_of(&id)?).await };
    let batch = match answer.await {
        Ok(batch) => batch,
        Err(error) => return reader.failed(&site, &error),
    };
    let page = format!("/me/batches/{}", batch.id);
    if !reader.fragment {
        return Redirect::to(&page).into_response();
    }
    let status = if batch.job.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    let text = format!("{} · {}", reader.t(&site, "batch.taken_back", &[]), told(&site, &reader, &batch));
    (status, Json(json!({"text": text, "url": page, "job": batch.job, "title": title(&site, &reader, &batch), "batch_url": page, "undo_url": null}))).into_response()
}
