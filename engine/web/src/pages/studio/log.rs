//! Who signed in, and who did what to the site, for administrators.

use app::{accounts::people, exports, log::{self, Asked, Event, Log, Shown}};
use axum::extract::Query;
use chrono::{Days, NaiveDate};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{users::{get, group_label}, *};
use crate::{
    api::exports::attachment,
    pages::{me, share::person_called, trimmed, url},
    view::{Choice, LogPage, LogRow, Way},
    sure::Sure,
};

/// What an address asks for.
fn asked(reader: &Reader, pairs: &[(String, String)]) -> Result<Asked, AppError> {
    let text = |name: &str| Some(get(pairs, name)).filter(|text| !text.is_empty());
    let day = |name: &str| text(name).and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
    let actor = &reader.asker.actor;
    Ok(Asked {
        log: Log::read(text("log").unwrap_or("signin")).ok_or_else(|| AppError::not_found("page"))?,
        event: text("event").and_then(Event::read),
        user: text("user").and_then(|user| Uuid::try_parse(user).ok()),
        address: text("address").map(str::to_owned),
        from: day("from").map(|day| actor.day_start(day)),
        until: day("to").and_then(|day| day.checked_add_days(Days::new(1))).map(|day| actor.day_start(day)),
        before: text("before").and_then(|before| before.parse().ok()),
    })
}

/// `GET /studio/log?log=signin|operation`
pub async fn page(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    match build(&site, &reader, &pairs).await {
        Ok(page) => reader.draw(&site, "studio/log.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, pairs: &[(String, String)]) -> Result<LogPage, AppError> {
    let mut asked = asked(reader, pairs)?;
    // Who could not choose from the list typed a whole name.
    if asked.user.is_none() && !trimmed(pairs, "find").is_empty() && reader.asker.actor.is_administrator() {
        asked.user = Some(person_called(site, reader, trimmed(pairs, "find"), false).await?);
    }
    let lines = log::list(&site.app, &reader.asker.actor, &asked, log::MAX_LISTED).await?;
    let user = asked.user.map(|user| user.to_string()).unwrap_or_default();
    let kept: Vec<(&str, &str)> = ["event", "address", "from", "to"].iter().map(|name| (*name, get(pairs, name))).chain([("user", user.as_str())]).collect();
    let with = |path: &str, more: &[(&str, &str)]| url(path, &[&[("log", asked.log.word())], &kept[..], more].concat());
    let next_url = lines.last().filter(|_| lines.len() >= log::MAX_LISTED as usize).map(|last| with("/studio/log", &[("before", &last.seq.to_string())]));
    let way = |one: Log| Way { key: one.word().into(), label: reader.t(site, &format!("log.{}", one.word()), &[]), url: url("/studio/log", &[("log", one.word())]), current: one == asked.log, ..Way::default() };
    let choice = |value: String, text: String, selected: bool| Choice { value, text, selected };
    let any = choice(String::new(), reader.t(site, "log.any_event", &[]), asked.event.is_none());
    let events = Event::ALL.into_iter().filter(|event| event.log() == asked.log).map(|event| choice(event.word().into(), words_of(site, reader, Some(event), event.word()), asked.event == Some(event)));
    Ok(LogPage {
        ways: Log::ALL.map(way).into(),
        log: asked.log.word().into(),
        events: std::iter::once(any).chain(events).collect(),
        person: person(site, reader, asked.user).await?,
        lookup: format!("/lookup/{}", model::USER_CARD),
        from: get(pairs, "from").into(),
        to: get(pairs, "to").into(),
        address: get(pairs, "address").into(),
        export_url: with("/studio/log/export", &[]),
        narrowed: kept.iter().any(|(_, value)| !value.is_empty()),
        lines: lines.iter().map(|line| row(site, reader, line)).collect(),
        next_url,
    })
}

/// Somebody as the picker shows them.
async fn person(site: &Site, reader: &Reader, user: Option<Uuid>) -> Result<Choice, AppError> {
    let Some(user) = user else { return Ok(Choice::default()) };
    let text = match people::read(&site.app, &reader.asker.actor, user).await {
        Ok(person) => if person.name.is_empty() { person.login } else { person.name },
        Err(AppError::NotFound { .. }) => user.to_string(),
        Err(error) => return Err(error),
    };
    Ok(Choice { value: user.to_string(), text, selected: true })
}

fn words_of(site: &Site, reader: &Reader, event: Option<Event>, word: &str) -> String {
    event.map_or_else(|| word.to_owned(), |event| reader.t(site, &format!("log.event_{}", event.word()), &[]))
}

fn tone(event: Option<Event>) -> &'static str {
    match event {
        Some(Event::SignInFailed | Event::CodeFailed | Event::TriedTooOften | Event::ConfirmFailed) => "red",
        Some(Event::SignedIn | Event::Confirmed) => "green",
        Some(Event::UserClosed | Event::SecondOff | Event::SessionsEnded | Event::TokenRevoked | Event::GroupsChanged | Event::RightsChanged | Event::ViewedAs) => "amber",
        _ => "gray",
    }
}

fn row(site: &Site, reader: &Reader, line: &Shown) -> LogRow {
    let person = |who: &Option<(Uuid, String)>| who.as_ref().map(|(id, name)| (if name.is_empty() { id.to_string() } else { name.clone() }, format!("/studio/users/{id}")));
    let command = line.address.is_none() && line.actor.is_none() && line.event.is_none_or(|event| event.log() == Log::Operation);
    let (who, who_url) = match person(&line.actor) {
        Some((name, url)) => (name, Some(url)),
        None if command => (reader.t(site, "log.command_line", &[]), None),
        None => (String::new(), None),
    };
    let whom = person(&line.subject).filter(|_| line.subject.as_ref().map(|(id, _)| id) != line.actor.as_ref().map(|(id, _)| id));
    let device = line.agent.as_deref().and_then(me::device);
    LogRow {
        seq: line.seq,
        when: form::format::instant(line.at, &reader.asker.locale),
        at: line.at.to_rfc3339(),
        what: words_of(site, reader, line.event, &line.word),
        tone: tone(line.event).into(),
        who,
        who_url,
        whom_url: whom.as_ref().map(|(_, url)| url.clone()),
        whom: whom.map(|(name, _)| name).unwrap_or_default(),
        place: [line.address.clone(), device].into_iter().flatten().collect::<Vec<_>>().join(" · "),
        more: more(site, reader, line),
    }
}

/// What else a line says, in words.
fn more(site: &Site, reader: &Reader, line: &Shown) -> String {
    let list = |value: &Json, of: &dyn Fn(&str) -> String| value.as_array().map(|all| all.iter().filter_map(Json::as_str).map(of).collect::<Vec<_>>().join(", ")).unwrap_or_default();
    let group = |key: &str| group_label(site, reader, key);
    let mut parts = Vec::new();
    if line.event == Some(Event::SettingChanged) {
        let said = |key: &str| line.about.get(key).and_then(Json::as_str);
        let shown = |text: &str| if text.is_empty() { reader.t(site, "log.empty_value", &[]) } else { text.to_owned() };
        let change = match (said("before"), said("after")) {
            (Some(before), Some(after)) => reader.t(site, "log.from_to", &[("before", &shown(before)), ("after", &shown(after))]),
            // Lines of earlier versions say only what it is by now.
            (None, Some(after)) => shown(after),
            _ => String::new(),
        };
        return [said("setting").unwrap_or_default(), &change].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    }
    for (key, value) in &line.about {
        let text = match key.as_str() {
            "groups" | "added" | "removed" => list(value, &group),
            "packs" => list(value, &str::to_owned),
            "changed" => list(value, &|field| match field {
                "name" | "email" | "language" => reader.t(site, &format!("users.{field}"), &[]),
                other => reader.asker.snapshot.catalog.card(other).map_or_else(|| other.to_owned(), |card| card.labels.or_key(&reader.asker.actor.lang, other)),
            }),
            "method" | "kind" | "link" => reader.t(site, &format!("log.{}_{}", if key == "method" { "method" } else { "link" }, value.as_str().unwrap_or_default()), &[]),
            "what" => reader.t(site, &format!("log.rights_{}", value.as_str().unwrap_or_default()), &[]),
            "asked" => reader.t(site, "log.asked_by_letter", &[]),
            // As long as they are, they stand in what is exported.
            "before" | "after" => String::new(),
            "administers" => if value == &Json::Bool(true) { reader.t(site, "me.token_administers", &[]) } else { String::new() },
            _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        };
        if text.is_empty() {
            continue;
        }
        parts.push(match key.as_str() {
            "added" | "removed" => reader.t(site, &format!("log.{key}"), &[("what", &text)]),
            _ => text,
        });
    }
    parts.join(" · ")
}

/// `GET /studio/log/export`: the same lines as a file.
pub async fn export(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, Sure { reader, by, .. }: Sure) -> Response {
    let answer = async {
        let asked = asked(&reader, &pairs)?;
        let file = exports::scratch().await?;
        let copy = file.try_clone().map_err(|error| AppError::Unavailable { detail: error.to_string() })?;
        log::export::export(&site.app, &by, &reader.asker.actor, &asked, copy).await?;
        attachment(file, &format!("log-{}-{}.csv", asked.log.word(), reader.asker.actor.today()), "text/csv; charset=utf-8").await
    };
    match answer.await {
        Ok(response) => response,
        Err(error) => reader.failed(&site, &error),
    }
}
