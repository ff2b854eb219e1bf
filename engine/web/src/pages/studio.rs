//! What administrators look after: slow lists and the indexes that help them, what scripts told, jobs,
//! what waits to be sent.

pub mod access;
pub mod grant;
pub mod groups;
pub mod jobs;
pub mod log;
pub mod users;
pub mod outgoing;
pub mod org;
pub mod rights;

use app::{AppError, advice, scripts};
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use model::Card;

use super::{Reader, words};
use crate::{
    Site,
    extract::Form,
    view::{ScriptLine, ScriptsPage, SlowList, SpeedPage},
};

/// `GET /studio/speed`
pub async fn speed(State(site): State<Site>, reader: Reader) -> Response {
    match build(&site, &reader).await {
        Ok(page) => reader.draw(&site, "studio/speed.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader) -> Result<SpeedPage, AppError> {
    let advice = advice::list(&site.app, &reader.asker.actor).await?;
    let lang = &reader.asker.actor.lang;
    let number = |number: i64| form::format::number_text(number.into(), 0, &reader.asker.locale);
    let one = |advice: &advice::Advice| {
        let card = reader.asker.snapshot.catalog.card(&advice.shape.card)?;
        let named = |columns: &[String]| columns.iter().map(|column| label(card, column, lang)).collect::<Vec<_>>().join(", ");
        Some(SlowList {
            label: card.plurals.or_key(lang, card.key.as_str()),
            icon: card.icon.clone(),
            narrowed: named(&advice.shape.narrowed),
            sorted: named(&advice.shape.sorted),
            seen: number(advice.seen),
            worst: number(advice.worst / 1_000),
            last: words::ago(advice.last, reader.asker.actor.now, lang),
            card: card.key.to_string(),
            columns: advice.shape.columns().join(","),
        })
    };
    Ok(SpeedPage { lists: advice.iter().filter_map(one).collect() })
}

/// `GET /studio/scripts`: what scripts told, newest first.
pub async fn scripts(State(site): State<Site>, reader: Reader) -> Response {
    match told(&site, &reader).await {
        Ok(page) => reader.draw(&site, "studio/scripts.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn told(site: &Site, reader: &Reader) -> Result<ScriptsPage, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let entries = scripts::entries(&site.app, actor, 200).await?;
    let mut wanted = app::titles::Wanted::new();
    for entry in &entries {
        if let (Some(record), Some(card)) = (entry.record, snapshot.catalog.card(&entry.card)) {
            wanted.entry(card.key.clone()).or_default().insert(record);
        }
        if let (Some(user), Some(card)) = (entry.user, snapshot.catalog.card(model::USER_CARD)) {
            wanted.entry(card.key.clone()).or_default().insert(user);
        }
    }
    let titles = app::titles::fetch(&mut app::Source::App(&site.app), &snapshot.catalog, actor, &wanted, &reader.asker.locale).await?;
    let title = |id: Option<uuid::Uuid>| id.and_then(|id| titles.get(&id).cloned()).unwrap_or_default();
    let one = |entry: &scripts::Entry| ScriptLine {
        fault: entry.level == scripts::Level::Fault,
        message: entry.message.clone(),
        script: entry.script.clone(),
        place: entry.place.map(|(line, column)| format!("{line}:{column}")).unwrap_or_default(),
        record: title(entry.record),
        url: entry.record.filter(|id| titles.contains_key(id)).map(|id| format!("/c/{}/{id}", entry.card)),
        who: title(entry.user),
        when: words::ago(entry.at, actor.now, &actor.lang),
        at: entry.at.to_rfc3339(),
    };
    Ok(ScriptsPage { lines: entries.iter().map(one).collect() })
}

fn label(card: &Card, column: &str, lang: &str) -> String {
    let field = card.table.fields.values().find(|field| field.column() == Some(column));
    field.map_or_else(|| column.to_owned(), |field| field.labels.or_key(lang, field.key.as_str()))
}

/// `POST /studio/speed`: has an index made, and shows how far it is.
pub async fn make_index(State(site): State<Site>, reader: Reader, Form(pairs): Form<Vec<(String, String)>>) -> Response {
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let columns: Vec<String> = get("columns").split(',').map(str::to_owned).collect();
    match advice::make(&site.app, &reader.asker.actor, get("card"), &columns).await {
        Ok(job) => Redirect::to(&format!("/jobs/{job}")).into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}
