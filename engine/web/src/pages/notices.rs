//! What the reader was told: the bell, the list, where a notice leads; and the line on which pages hear of more.

use std::convert::Infallible;

use app::{AppError, notify::{self, Told, Which}};
use axum::{
    Form,
    extract::{Path as UrlPath, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Json, Redirect, Response, sse::{Event, KeepAlive, Sse}},
};
use serde_json::{Value, json};
use tokio::{sync::{OwnedSemaphorePermit, broadcast::{Receiver, error::RecvError}}, time::Duration};
use uuid::Uuid;

use super::{Reader, safe_next, url, words};
use crate::{
    Site,
    extract::{self, Asker},
    problem::Problem,
    view::{Avatar, NoticeRow, NoticesPage},
};
use crate::pages::get;

type Pairs = Vec<(String, String)>;

/// How often a page that hears nothing is looked after all the same: a session may have ended, a word been lost.
const LOOK: Duration = Duration::from_secs(30);

/// `GET /notices`: the page, or what the bell opens.
pub async fn page(State(site): State<Site>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    match build(&site, &reader, &pairs).await {
        Ok(page) if reader.fragment && page.more => reader.draw(&site, "notices/rows.html", None, &page),
        Ok(page) => reader.draw(&site, if reader.fragment { "notices/menu.html" } else { "notices/index.html" }, None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, pairs: &[(String, String)]) -> Result<NoticesPage, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let unread_only = get(pairs, "unread") == "1";
    let before = Some(get(pairs, "before")).filter(|text| !text.is_empty()).map(Uuid::try_parse).transpose().map_err(|_| AppError::not_found("page"))?;
    let told = notify::list(&site.app, snapshot, actor, unread_only, before).await?;
    let next = told.last().filter(|_| told.len() >= notify::MAX_LISTED as usize).map(|last| last.id.to_string());
    let unread = if unread_only { "1" } else { "" };
    Ok(NoticesPage {
        rows: told.iter().map(|one| row(site, reader, one)).collect(),
        unread: notify::unread(&site.app, actor).await?,
        unread_only,
        all_url: "/notices".into(),
        unread_url: "/notices?unread=1".into(),
        next_url: next.map(|before| url("/notices", &[("unread", unread), ("before", &before)])),
        more: before.is_some(),
    })
}

fn row(site: &Site, reader: &Reader, told: &Told) -> NoticeRow {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let card = told.card.as_deref().and_then(|key| snapshot.catalog.card(key));
    let many = told.times > 1;
    let count = form::format::number_text(told.times.into(), 0, &reader.asker.locale);
    let what = match (&told.title, card) {
        (Some(title), _) => title.clone(),
        (None, Some(card)) => card.labels.or_key(&actor.lang, card.key.as_str()),
        (None, None) => told.about.get("job").and_then(Value::as_str).map(|kind| super::jobs::title(site, reader, kind)).unwrap_or_default(),
    };
    let names = card.map(|card| if many { card.plurals.or_key(&actor.lang, card.key.as_str()) } else { card.labels.or_key(&actor.lang, card.key.as_str()) }).unwrap_or_default();
    let who = told.by.as_ref().map(|(_, name)| name.clone()).unwrap_or_default();
    let own: Vec<(String, String)> = told.about.iter().map(|(key, value)| (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))).collect();
    let mut args: Vec<(&str, &str)> = own.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    args.extend([("who", who.as_str()), ("what", what.as_str()), ("card", names.as_str()), ("count", count.as_str())]);
    let key = format!("notice.{}.{}{}", told.kind.word(), told.word, if many { "_many" } else { "" });
    let text = reader.t(site, &key, &args);
    NoticeRow {
        id: told.id.to_string(),
        // Words that nobody wrote say at least what it is about.
        text: if text == key { reader.t(site, &format!("notice.{}", told.kind.word()), &args) } else { text },
        ago: words::ago(told.at, actor.now, &actor.lang),
        at: told.at.to_rfc3339(),
        seen: told.seen,
        avatar: told.by.as_ref().map(|(_, name)| Avatar::person(name)),
        icon: match told.kind {
            notify::Kind::Assigned => "user-round-plus",
            notify::Kind::Approval => "stamp",
            notify::Kind::Decision => "circle-check",
            notify::Kind::Shared => "share-2",
            notify::Kind::Job => if told.word == "done" { "circle-check" } else { "circle-alert" },
        }
        .into(),
        url: format!("/notices/{}", told.id),
    }
}

/// Where a notice leads.
fn target(told: &Told) -> String {
    match (&told.url, told.record()) {
        (Some(to), _) => safe_next(to).to_owned(),
        (None, Some((card, _))) if told.times > 1 => {
            let mine = json!({"field": "owner", "op": "is", "value": "@me"}).to_string();
            url(&format!("/c/{card}"), &[("filter", &mine), ("sort", "-updated_at")])
        }
        (None, Some((card, id))) => format!("/c/{card}/{id}"),
        (None, None) => "/notices".into(),
    }
}

/// `GET /notices/{id}`: what it is about; from then on it is seen.
pub async fn open(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("notice"))?;
        let told = notify::read(&site.app, &reader.asker.actor, id).await?;
        notify::see(&site.app, &reader.asker.actor, &Which::Ids(vec![id])).await?;
        Ok(Redirect::to(&target(&told)).into_response())
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// `POST /notices/seen`: `all=true`, or `ids`; with `seen=false` they are new again.
pub async fn seen(State(site): State<Site>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let actor = &reader.asker.actor;
        let ids: Vec<Uuid> = fields.iter().filter(|(name, _)| name == "ids").filter_map(|(_, id)| Uuid::try_parse(id).ok()).collect();
        match (get(&fields, "all") == "true", get(&fields, "seen") == "false") {
            (true, _) => notify::see(&site.app, actor, &Which::All).await?,
            (false, true) => notify::unsee(&site.app, actor, &ids).await?,
            (false, false) => notify::see(&site.app, actor, &Which::Ids(ids)).await?,
        }
        notify::unread(&site.app, actor).await
    };
    match answer.await {
        Ok(count) if reader.fragment => Json(json!({"unread": count})).into_response(),
        Ok(_) => Redirect::to(Some(get(&fields, "next")).filter(|next| !next.is_empty()).map_or("/notices", safe_next)).into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `GET /notices/count`: for browsers that cannot listen.
pub async fn count(State(site): State<Site>, asker: Asker) -> Result<Response, Problem> {
    asker.answer(async { Ok(Json(json!({"unread": notify::unread(&site.app, &asker.actor).await?}))) }).await
}

/// `GET /events`: the number of new notices, whenever it changes. It ends with the session, and when the site stops.
pub async fn events(State(site): State<Site>, headers: HeaderMap, asker: Asker) -> Response {
    let Ok(place) = site.listeners.clone().try_acquire_owned() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let heard = site.app.store.listen();
    let live = Live { site, headers, user: asker.actor.user, heard, last: None, _place: place };
    let stream = futures::stream::unfold(live, |mut live| async move {
        let count = live.next().await?;
        Some((Ok::<_, Infallible>(Event::default().event("notices").data(count.to_string())), live))
    });
    // A proxy that gathers what it passes on is told not to.
    ([("x-accel-buffering", "no")], Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))).into_response()
}

/// One listening page.
struct Live {
    site: Site,
    headers: HeaderMap,
    user: Option<Uuid>,
    heard: Receiver<Option<Uuid>>,
    last: Option<i64>,
    _place: OwnedSemaphorePermit,
}

impl Live {
    /// The number, once it is another than before; nothing when there is nobody to tell any more.
    async fn next(&mut self) -> Option<i64> {
        loop {
            if self.last.is_some() && !self.wait().await {
                return None;
            }
            // Who asks is asked anew each time: a session that was ended hears nothing more.
            let asker = extract::asker(&self.site, &self.headers).await.ok()?;
            let count = notify::unread(&self.site.app, &asker.actor).await.ok()?;
            if self.last.replace(count) != Some(count) {
                return Some(count);
            }
        }
    }

    /// Waits until there may be something; false when the site stops.
    async fn wait(&mut self) -> bool {
        let mut closing = self.site.closing.subscribe();
        let until = tokio::time::Instant::now() + LOOK;
        loop {
            tokio::select! {
                stops = closing.wait_for(|stops| *stops) => return stops.is_err(),
                () = tokio::time::sleep_until(until) => return true,
                heard = self.heard.recv() => match heard {
                    Ok(user) if user.is_none() || user == self.user => return true,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return true,
                    Err(RecvError::Closed) => return false,
                },
            }
        }
    }
}
