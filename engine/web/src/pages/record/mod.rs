//! The page of one record: reading, changing, making.

pub mod cell;
mod alike;
mod clash;
mod drawn;
pub mod explain;
pub mod flow;
mod painter;
pub mod past;
mod recompute;
mod rows;
pub mod series;
mod sheet;

pub use flow::refused as refused_in_a_line;
pub use recompute::{recompute, recompute_new};

use std::collections::HashMap;

use app::{
    AppError,
    records::{preview, read, save::{self, Options, Saved}},
};
use axum::{
    extract::{Path as UrlPath, Query, State},
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use model::{Card, FieldKind, Record, Values, Violation, record::value_of};
use uuid::Uuid;

use super::{Reader, list, words};
use crate::{Site, extract::Form, problem, view::RecordPage};
pub(super) use drawn::from_page;
use drawn::{from_draft, rights, with_title};
use painter::Painter;

fn get<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

async fn show(site: &Site, reader: &Reader, key: &str, id: Uuid, tab: Option<&str>, from: &str) -> Result<RecordPage, AppError> {
    let snapshot = &reader.asker.snapshot;
    let card = snapshot.card(key)?.clone();
    let page = read::read(&site.app, snapshot, &reader.asker.actor, key, id, &reader.asker.locale).await?;
    let mut drawn = from_page(page).ok_or_else(|| AppError::not_found("record"))?;
    with_title(site, reader, &card, &mut drawn).await?;
    let rights = rights(site, reader, &card, Some(id)).await?;
    let painter = Painter { site, reader, card: &card, drawn: &drawn, rights: &rights, new: false };
    let mut shown = painter.page(tab, from);
    (shown.flows, shown.ways) = flow::bars(&painter).await?;
    if let Ok((prev, next, text)) = list::neighbours(site, reader, &card, from, id).await
        && let Some(position) = &mut shown.position {
            position.prev_url = prev;
            position.next_url = next;
            position.text = text.unwrap_or_default();
        }
    Ok(shown)
}

/// `GET /c/{card}/{id}`
pub async fn page(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        show(&site, &reader, &key, id, get(&pairs, "tab"), get(&pairs, "from").unwrap_or_default()).await
    };
    match answer.await {
        Ok(mut page) => {
            // One in the trash is shown to those who may restore it; one that was merged leads on for them too.
            if let Some(to) = elsewhere(&site, &reader, &key, &id).await {
                return Redirect::to(&to).into_response();
            }
            if get(&pairs, "merged").is_some() {
                page.notice = Some(reader.t(&site, "merge.done", &[]));
            }
            reader.draw(&site, "records/show.html", Some(&key), &page)
        }
        Err(AppError::NotFound { what }) => match elsewhere(&site, &reader, &key, &id).await {
            Some(to) => Redirect::to(&to).into_response(),
            None => reader.failed(&site, &AppError::NotFound { what }),
        },
        Err(error) => reader.failed(&site, &error),
    }
}

/// The address of the record that this one was merged into, for those who may see it.
async fn elsewhere(site: &Site, reader: &Reader, key: &str, id: &str) -> Option<String> {
    let master = app::merge::merged_into(&site.app, key, Uuid::try_parse(id).ok()?).await.ok()??;
    read::read_in(&site.app, &reader.asker.snapshot, &reader.asker.actor, key, master, &[query::Trash::Without], &reader.asker.locale).await.ok()?;
    Some(format!("/c/{key}/{master}"))
}

/// `GET /c/{card}/new`: with defaults, what the address says (`f.KEY=…`), or as a copy.
pub async fn new(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let mut body = form::submit::body(&card, &pairs, &reader.asker.locale);
        body.shift_remove("version");
        if let Some(id) = get(&pairs, "copy").and_then(|id| Uuid::try_parse(id).ok()) {
            body = copy_of(&site, &reader, &card, id).await?;
        }
        if card.entered_from.as_ref().is_some_and(|from| !body.contains_key(from.as_str())) {
            return Err(AppError::forbidden(reader.t(&site, "record.entered_from", &[("what", &card.plurals.or_key(&reader.asker.actor.lang, &key))])));
        }
        let preview = preview::preview(&site.app, &reader.asker.actor, &key, None, body, Vec::new()).await?;
        // Nothing was typed yet, so nothing is wrong yet.
        let drawn = from_draft(&site, &reader, &card, preview.record, Vec::new(), HashMap::from([(String::new(), String::new())])).await?;
        let rights = rights(&site, &reader, &card, None).await?;
        let painter = Painter { site: &site, reader: &reader, card: &card, drawn: &drawn, rights: &rights, new: true };
        let mut page = painter.page(None, "");
        (page.flows, _) = flow::bars(&painter).await?;
        page.prefilled = pairs.iter().any(|(name, _)| name.starts_with("f.") || name == "copy");
        Ok::<_, AppError>(page)
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "records/show.html", Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// What people typed of a record, without what the engine gave it.
async fn copy_of(site: &Site, reader: &Reader, card: &Card, id: Uuid) -> Result<serde_json::Map<String, serde_json::Value>, AppError> {
    let page = read::read(&site.app, &reader.asker.snapshot, &reader.asker.actor, card.key.as_str(), id, &reader.asker.locale).await?;
    let drawn = from_page(page).ok_or_else(|| AppError::not_found("record"))?;
    let values = |table: &model::Table, values: &Values| {
        let kept = table.own_fields().filter(|field| field.is_editable() && !field.unique && !matches!(field.kind, FieldKind::File(_)));
        kept.filter(|field| !value_of(values, field.key.as_str()).is_empty()).map(|field| (field.key.to_string(), model::types::to_json(&field.kind, value_of(values, field.key.as_str())))).collect::<serde_json::Map<_, _>>()
    };
    let mut body = values(&card.table, &drawn.record.values);
    for (key, table) in &card.children {
        body.insert(key.to_string(), drawn.record.rows(key.as_str()).iter().map(|row| serde_json::Value::Object(values(table, &row.values))).collect());
    }
    Ok(body)
}

/// `POST /c/{card}`
pub async fn create(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    match submit(&site, &reader, &key, None, &fields).await {
        Ok(saved) => {
            let to = format!("/c/{key}/{}", saved.id);
            if !reader.fragment {
                return Redirect::to(&to).into_response();
            }
            let mut response = match show(&site, &reader, &key, saved.id, None, "").await {
                Ok(page) => reader.draw(&site, "records/_record.html", Some(&key), &page),
                Err(AppError::NotFound { .. }) => return out_of_sight(&key),
                Err(error) => reader.failed(&site, &error),
            };
            response.headers_mut().insert("hx-push-url", HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/")));
            response
        }
        Err(error) => refused(&site, &reader, &key, None, &fields, error).await,
    }
}

/// `POST /c/{card}/{id}`
pub async fn save(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let Ok(id) = Uuid::try_parse(&id) else { return reader.failed(&site, &AppError::not_found("record")) };
    match submit(&site, &reader, &key, Some(id), &fields).await {
        Ok(_) if !reader.fragment => Redirect::to(&format!("/c/{key}/{id}")).into_response(),
        Ok(saved) => match show(&site, &reader, &key, id, get(&fields, "tab"), get(&fields, "from").unwrap_or_default()).await {
            Ok(mut page) => {
                let warnings: Vec<String> = saved.warnings.iter().map(|warning| warning.message(&reader.asker.actor.lang)).collect();
                page.notice = match (saved.merged, warnings.is_empty()) {
                    (_, false) => Some(warnings.join(" ")),
                    (true, true) => Some(words::word("merged", &reader.asker.actor.lang)),
                    (false, true) => None,
                };
                reader.draw(&site, "records/_record.html", Some(&key), &page)
            }
            Err(AppError::NotFound { .. }) => out_of_sight(&key),
            Err(error) => reader.failed(&site, &error),
        },
        Err(error) => refused(&site, &reader, &key, Some(id), &fields, error).await,
    }
}

/// `POST /c/{card}/{id}/actions/{action}`: a button that runs a script.
pub async fn act(State(site): State<Site>, UrlPath((key, id, action)): UrlPath<(String, String, String)>, reader: Reader) -> Response {
    let Ok(id) = Uuid::try_parse(&id) else { return reader.failed(&site, &AppError::not_found("record")) };
    let acted = app::scripts::act(&site.app, &reader.asker.actor, &key, id, &action).await;
    match acted {
        Ok(_) if !reader.fragment => Redirect::to(&format!("/c/{key}/{id}")).into_response(),
        Ok(acted) => match show(&site, &reader, &key, id, None, "").await {
            Ok(mut page) => {
                page.notice = Some(acted.message.unwrap_or_else(|| reader.t(&site, "action.done", &[])));
                reader.draw(&site, "records/_record.html", Some(&key), &page)
            }
            Err(AppError::NotFound { .. }) => out_of_sight(&key),
            Err(error) => reader.failed(&site, &error),
        },
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /c/{card}/{id}/claim`
pub async fn claim(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader) -> Response {
    let Ok(id) = Uuid::try_parse(&id) else { return reader.failed(&site, &AppError::not_found("record")) };
    let moved = app::pool::claim(&site.app, &reader.asker.actor, &key, id).await;
    moved_owner(&site, &reader, &key, id, moved).await
}

/// `POST /c/{card}/{id}/release`
pub async fn release(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader) -> Response {
    let Ok(id) = Uuid::try_parse(&id) else { return reader.failed(&site, &AppError::not_found("record")) };
    let moved = app::pool::release(&site.app, &reader.asker.actor, &key, id).await;
    moved_owner(&site, &reader, &key, id, moved).await
}

/// The record with its new owner, or the list when it is out of sight by that.
async fn moved_owner(site: &Site, reader: &Reader, key: &str, id: Uuid, moved: Result<Saved, AppError>) -> Response {
    match moved {
        Ok(_) if !reader.fragment => Redirect::to(&format!("/c/{key}/{id}")).into_response(),
        Ok(_) => match show(site, reader, key, id, None, "").await {
            Ok(page) => reader.draw(site, "records/_record.html", Some(key), &page),
            Err(AppError::NotFound { .. }) => out_of_sight(key),
            Err(error) => reader.failed(site, &error),
        },
        Err(error) => reader.failed(site, &error),
    }
}

/// Saved, and by that no longer the reader's to see: back to the list.
fn out_of_sight(key: &str) -> Response {
    let to = HeaderValue::from_str(&format!("/c/{key}")).unwrap_or(HeaderValue::from_static("/"));
    ([("hx-redirect", to)], StatusCode::OK).into_response()
}

async fn submit(site: &Site, reader: &Reader, key: &str, id: Option<Uuid>, submitted: &[(String, String)]) -> Result<Saved, AppError> {
    let card = reader.asker.snapshot.card(key)?.clone();
    let body = form::submit::edits(&card, submitted, &reader.asker.locale);
    let accepted = get(submitted, "accept").unwrap_or_default().split(',').filter_map(|id| Uuid::try_parse(id).ok()).collect();
    let options = Options { over: get(submitted, "over").and_then(|version| version.parse().ok()), ask_about_duplicates: Some(accepted), ..Options::default() };
    match id {
        None => save::create(&site.app, &reader.asker.actor, key, body, &options).await,
        Some(id) => save::change(&site.app, &reader.asker.actor, key, id, body, &options).await,
    }
}

/// A save that was refused: the form again with what was typed, or what clashes.
async fn refused(site: &Site, reader: &Reader, key: &str, id: Option<Uuid>, submitted: &[(String, String)], error: AppError) -> Response {
    match error {
        AppError::Rejected(rejected) => {
            let alike = match alike::told(site, reader, key, id, &rejected.0).await {
                Ok(alike) => alike,
                Err(error) => return reader.failed(site, &error),
            };
            // A look-alike that only wants to be looked at is no mistake of a field.
            let wrong = if alike.as_ref().is_some_and(|alike| !alike.accept.is_empty()) { rejected.0.into_iter().filter(|violation| violation.code != model::Code::Duplicate).collect() } else { rejected.0 };
            let drawn = redraw(site, reader, key, id, submitted, wrong).await.map(|page| RecordPage { alike, ..page });
            again(site, reader, key, StatusCode::UNPROCESSABLE_ENTITY, drawn)
        }
        AppError::Stale(stale) => {
            let clash = match clash::told(site, reader, key, id, submitted, &stale).await {
                Ok(clash) => clash,
                Err(error) => return reader.failed(site, &error),
            };
            if reader.fragment {
                let mut response = reader.draw(site, "records/conflict.html", Some(key), &clash);
                *response.status_mut() = StatusCode::PRECONDITION_FAILED;
                return response;
            }
            let drawn = redraw(site, reader, key, id, submitted, Vec::new()).await;
            again(site, reader, key, StatusCode::PRECONDITION_FAILED, drawn.map(|page| RecordPage { conflict: Some(clash), ..page }))
        }
        error => {
            let mut response = reader.failed(site, &error);
            *response.status_mut() = problem::status(&error);
            response
        }
    }
}

/// The form once more.
fn again(site: &Site, reader: &Reader, key: &str, status: StatusCode, page: Result<RecordPage, AppError>) -> Response {
    match page {
        Ok(page) => {
            let name = if reader.fragment { "records/_record.html" } else { "records/show.html" };
            let mut response = reader.draw(site, name, Some(key), &page);
            *response.status_mut() = status;
            response
        }
        Err(error) => reader.failed(site, &error),
    }
}

async fn redraw(site: &Site, reader: &Reader, key: &str, id: Option<Uuid>, submitted: &[(String, String)], violations: Vec<Violation>) -> Result<RecordPage, AppError> {
    let card = reader.asker.snapshot.card(key)?.clone();
    let body = form::submit::edits(&card, submitted, &reader.asker.locale);
    let preview = preview::preview(&site.app, &reader.asker.actor, key, id, body, Vec::new()).await?;
    let typed = typed(&card, submitted, &preview.record, &reader.asker.locale);
    let mut drawn = from_draft(site, reader, &card, preview.record, violations, typed).await?;
    if id.is_some() {
        with_title(site, reader, &card, &mut drawn).await?;
    }
    let rights = rights(site, reader, &card, id).await?;
    let painter = Painter { site, reader, card: &card, drawn: &drawn, rights: &rights, new: id.is_none() };
    let mut page = painter.page(get(submitted, "tab"), get(submitted, "from").unwrap_or_default());
    (page.flows, page.ways) = flow::bars(&painter).await?;
    page.version = get(submitted, "version").and_then(|version| version.parse().ok()).unwrap_or(page.version);
    Ok(page)
}

/// What was typed, by the names inputs get when the record is drawn again: rows are numbered anew then.
fn typed(card: &Card, submitted: &[(String, String)], record: &Record, locale: &form::Locale) -> HashMap<String, String> {
    let mut typed: HashMap<String, String> = submitted.iter().filter(|(name, _)| name.starts_with("f.")).cloned().collect();
    for (key, table) in &card.children {
        let numbers = form::submit::row_numbers(table, submitted, locale);
        let id_of = |n: &u32| get(submitted, &format!("c.{key}.{n}.id")).filter(|id| !id.is_empty());
        let mut new = numbers.iter().filter(|n| id_of(n).is_none());
        for (index, row) in record.rows(key.as_str()).iter().enumerate() {
            let id = row.id.to_string();
            let Some(n) = numbers.iter().find(|n| id_of(n) == Some(&id)).or_else(|| new.next()) else { continue };
            let (from, to) = (format!("c.{key}.{n}."), format!("c.{key}.{index}."));
            typed.extend(submitted.iter().filter_map(|(name, text)| Some((format!("{to}{}", name.strip_prefix(&from)?), text.clone()))));
        }
    }
    // Never empty: what is drawn was typed, even if every input was.
    typed.insert(String::new(), String::new());
    typed
}
