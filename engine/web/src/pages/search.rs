//! Looking for records: all of what was found, and the pieces that every list of findings is drawn from.

use std::ops::Range;

use app::{AppError, Source, search::{self, CardHits, Detail}};
use axum::{
    extract::{Query, State},
    response::Response,
};
use model::ActionName;

use super::{Reader, shell::may, url};
use crate::{
    Site,
    view::{Piece, SearchCard, SearchHit, SearchPage, SearchScope},
};
pub(super) use crate::pages::get;

/// Findings of each card, and of one card alone.
const FEW: usize = 8;
const MANY: usize = 100;

/// A text cut where something was found.
pub(super) fn pieces(text: &str, marks: &[Range<usize>]) -> Vec<Piece> {
    let mut all = Vec::with_capacity(marks.len() * 2 + 1);
    let mut at = 0;
    for mark in marks {
        all.push(Piece { text: text[at..mark.start].to_owned(), hit: false });
        all.push(Piece { text: text[mark.clone()].to_owned(), hit: true });
        at = mark.end;
    }
    all.push(Piece { text: text[at..].to_owned(), hit: false });
    all.retain(|piece| !piece.text.is_empty());
    all
}

/// What stands beside a title.
pub(super) fn beside(detail: Option<&Detail>) -> Vec<Piece> {
    detail.map(|detail| pieces(&detail.text, &detail.marks)).unwrap_or_default()
}

/// How many were found, as people read it.
pub(super) fn count(reader: &Reader, count: u32, exact: bool) -> String {
    let number = form::format::number_text(count.into(), 0, &reader.asker.locale);
    if exact { number } else { format!("{number}+") }
}

/// The cards that are being made findable again, in words; empty for none.
pub(super) async fn rebuilding(site: &Site, reader: &Reader) -> Result<String, AppError> {
    let snapshot = &reader.asker.snapshot;
    let open = search::cards_open(&mut Source::App(&site.app), snapshot).await?;
    let seen = open.iter().filter_map(|open| snapshot.catalog.card(&open.card)).filter(|card| may(snapshot, &reader.asker.actor, card, ActionName::Read));
    let names: Vec<String> = seen.map(|card| card.plurals.or_key(&reader.asker.actor.lang, card.key.as_str())).collect();
    Ok(if names.is_empty() { String::new() } else { reader.t(site, "search.rebuilding", &[("what", &names.join(", "))]) })
}

/// `GET /search?q=&card=`
pub async fn page(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let template = if reader.fragment { "search/results.html" } else { "search/index.html" };
    match found(&site, &reader, get(&pairs, "q").trim(), get(&pairs, "card")).await {
        Ok(page) => reader.draw(&site, template, Some(get(&pairs, "card")).filter(|card| !card.is_empty()), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn found(site: &Site, reader: &Reader, q: &str, only: &str) -> Result<SearchPage, AppError> {
    let (snapshot, actor, locale) = (&reader.asker.snapshot, &reader.asker.actor, &reader.asker.locale);
    let began = std::time::Instant::now();
    if !only.is_empty() {
        app::lists::may_see(snapshot, actor, only)?;
    }
    let every = if q.is_empty() { Vec::new() } else { search::everywhere(&site.app, snapshot, actor, q, FEW, locale).await? };
    let alone = match only {
        "" => None,
        _ if q.is_empty() => None,
        card => Some(search::in_card(&site.app, snapshot, actor, card, q, None, MANY, locale).await?),
    };
    let total: u32 = every.iter().map(|hits| hits.count).sum();
    let all_exact = every.iter().all(|hits| hits.exact);
    let mut scopes = vec![SearchScope { label: reader.t(site, "search.all", &[]), icon: String::new(), count: count(reader, total, all_exact), url: url("/search", &[("q", q)]), current: only.is_empty() }];
    scopes.extend(every.iter().map(|hits| SearchScope { current: hits.card == *only, ..scope(reader, hits, q) }));
    let shown: Vec<&CardHits> = match &alone {
        Some(hits) => vec![hits],
        None => every.iter().collect(),
    };
    let time = began.elapsed().as_millis().to_string();
    let note = if q.is_empty() { String::new() } else { reader.t(site, "search.note", &[("count", &count(reader, total, all_exact)), ("time", &time)]) };
    Ok(SearchPage {
        q: q.to_owned(),
        card: only.to_owned(),
        scopes,
        cards: shown.into_iter().filter(|hits| !hits.hits.is_empty()).map(|hits| card(reader, hits, q, alone.is_some())).collect(),
        note,
        rebuilding: rebuilding(site, reader).await?,
    })
}

fn scope(reader: &Reader, hits: &CardHits, q: &str) -> SearchScope {
    let card = reader.asker.snapshot.catalog.card(&hits.card);
    SearchScope {
        label: card.map_or_else(String::new, |card| card.plurals.or_key(&reader.asker.actor.lang, card.key.as_str())),
        icon: card.map_or_else(String::new, |card| card.icon.clone()),
        count: count(reader, hits.count, hits.exact),
        url: url("/search", &[("q", q), ("card", hits.card.as_str())]),
        current: false,
    }
}

fn card(reader: &Reader, hits: &CardHits, q: &str, alone: bool) -> SearchCard {
    let shown = u32::try_from(hits.hits.len()).unwrap_or(u32::MAX);
    let list_url = url(&format!("/c/{}", hits.card), &[("q", q)]);
    let hit = |hit: &search::Hit| SearchHit {
        url: format!("/c/{}/{}", hits.card, hit.id),
        title: pieces(&hit.title, &hit.marks),
        label: hit.detail.as_ref().map(|detail| detail.label.clone()).unwrap_or_default(),
        detail: beside(hit.detail.as_ref()),
    };
    SearchCard {
        scope: scope(reader, hits, q),
        hits: hits.hits.iter().map(hit).collect(),
        more: !alone && (shown < hits.count || !hits.exact),
        list_url,
    }
}
