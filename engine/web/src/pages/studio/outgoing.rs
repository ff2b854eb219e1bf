//! What waits to be sent outside, for administrators.

use app::outgoing::{self, Outgoing, State as MessageState};
use axum::extract::{Path as UrlPath, Query};
use uuid::Uuid;

use super::*;
use crate::{
    pages::url,
    view::{OutgoingLine, OutgoingPage, Way},
};

/// `GET /studio/outgoing?state=failed`
pub async fn page(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    match build(&site, &reader, &pairs).await {
        Ok(page) => reader.draw(&site, "studio/outgoing.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, pairs: &[(String, String)]) -> Result<OutgoingPage, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty());
    let counts = outgoing::counts(&site.app, actor).await?;
    let count = |state: MessageState| -> i64 { counts.iter().filter(|(known, _)| *known == state).map(|(_, count)| count).sum() };
    let wanted = get("state").unwrap_or("waiting");
    let state = MessageState::ALL.into_iter().find(|state| state.word() == wanted).ok_or_else(|| AppError::not_found("page"))?;
    let before = get("before").map(Uuid::try_parse).transpose().map_err(|_| AppError::not_found("page"))?;
    let found = outgoing::list(&site.app, actor, &[state], before).await?;
    let next = found.last().filter(|_| found.len() >= outgoing::MAX_LISTED as usize).map(|last| last.id.to_string());
    let mut records = app::titles::Wanted::new();
    for (card, id) in found.iter().filter_map(|one| one.record.as_ref()) {
        if let Some(card) = snapshot.catalog.card(card) {
            records.entry(card.key.clone()).or_default().insert(*id);
        }
    }
    let titles = app::titles::fetch(&mut app::Source::App(&site.app), &snapshot.catalog, actor, &records, &reader.asker.locale).await?;
    let number = |number: i64| form::format::number_text(number.into(), 0, &reader.asker.locale);
    Ok(OutgoingPage {
        has_mail: site.has_mail,
        ways: MessageState::ALL
            .into_iter()
            .map(|one| Way { key: one.word().into(), label: number(count(one)), url: url("/studio/outgoing", &[("state", one.word())]), current: one == state, ..Way::default() })
            .collect(),
        lines: found.iter().map(|one| line(reader, one, &titles)).collect(),
        next_url: next.map(|before| url("/studio/outgoing", &[("state", wanted), ("before", &before)])),
    })
}

fn line(reader: &Reader, one: &Outgoing, titles: &app::titles::Titles) -> OutgoingLine {
    let record = one.record.as_ref().and_then(|(card, id)| Some((titles.get(id)?.clone(), format!("/c/{card}/{id}"))));
    let lang = &reader.asker.actor.lang;
    let letter = one.content.get("letter").and_then(serde_json::Value::as_str).filter(|_| one.kind == "email" && one.script.is_none());
    let text = match one.content.get("text").and_then(serde_json::Value::as_str) {
        Some(text) if one.kind == "email" => text.to_owned(),
        // What a letter says is for its reader alone.
        _ if letter.is_some() => crate::templates::text(lang, "outgoing.closed", &[]),
        _ if one.kind == "email" => one.content.get("html").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned(),
        _ => serde_json::to_string_pretty(&one.content).unwrap_or_default(),
    };
    OutgoingLine {
        icon: if one.kind == "email" { "mail" } else { "globe" }.into(),
        subject: letter.map_or_else(|| one.subject.clone(), |kind| crate::templates::text(lang, &format!("outgoing.letter_{kind}"), &[])),
        target: one.target.clone(),
        text,
        tried: if one.state == MessageState::Waiting && one.attempts > 0 { crate::templates::text(lang, "outgoing.tried", &[("count", &one.attempts.to_string()), ("when", &form::format::instant(one.run_at, &reader.asker.locale))]) } else { String::new() },
        script: one.script.clone().unwrap_or_default(),
        record: record.as_ref().map(|(title, _)| title.clone()).unwrap_or_default(),
        url: record.map(|(_, url)| url),
        who: one.by.as_ref().map_or_else(|| words::word("system", &reader.asker.actor.lang), |(_, name)| name.clone()),
        when: words::ago(one.at, reader.asker.actor.now, &reader.asker.actor.lang),
        at: one.at.to_rfc3339(),
        error: one.error.clone(),
        cancel_url: matches!(one.state, MessageState::Waiting | MessageState::Failed).then(|| format!("/studio/outgoing/{}/cancel", one.id)),
        again_url: matches!(one.state, MessageState::Failed | MessageState::Cancelled).then(|| format!("/studio/outgoing/{}/again", one.id)),
    }
}

/// `POST /studio/outgoing/{id}/cancel`: it is not to be sent.
pub async fn cancel(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let done = async { outgoing::cancel(&site.app, &reader.asker.actor, parse(&id)?).await };
    moved(&site, &reader, done.await, "/studio/outgoing?state=cancelled")
}

/// `POST /studio/outgoing/{id}/again`: it is tried again.
pub async fn again(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let done = async { outgoing::again(&site.app, &reader.asker.actor, parse(&id)?).await };
    moved(&site, &reader, done.await, "/studio/outgoing")
}

fn parse(id: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(id).map_err(|_| AppError::not_found("message"))
}

fn moved(site: &Site, reader: &Reader, done: Result<(), AppError>, to: &str) -> Response {
    match done {
        Ok(()) => Redirect::to(to).into_response(),
        Err(error) => reader.failed(site, &error),
    }
}
