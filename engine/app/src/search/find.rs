//! Looking for records by words, best first: what a title is comes before what it begins with, before words in it,
//! before words elsewhere; the newest first among equals.
//!
//! Of very many matches the newest [`MOST`] are ranked, together with those whose title fits, however old they are.

use std::{cmp::Reverse, collections::HashSet, ops::Range, sync::Arc};

use ::search::{Fit, Question};
use access::{Actor, GatedQuery, gate_query};
use form::{Locale, format};
use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use model::{ActionName, Card, Path, Value};
use query::{ListRequest, Selected};
use serde_json::Value as Json;
use sql::search::Tier;
use uuid::Uuid;

use crate::{App, AppError, lists::ActorBinder, snapshot::Snapshot, titles};

/// Most matches of one card that are ranked.
pub const MOST: u32 = 200;
/// Cards asked at the same time.
const ABREAST: usize = 4;

/// What was found of one card.
#[derive(Debug, Clone)]
pub struct CardHits {
    /// The card.
    pub card: model::Ident,
    /// The best, best first.
    pub hits: Vec<Hit>,
    /// How many there are, or that there are more than were ranked.
    pub count: u32,
    /// Whether that is all.
    pub exact: bool,
}

/// A record that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The record.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// What of the title was found, in bytes.
    pub marks: Vec<Range<usize>>,
    /// How well the title fits.
    pub fit: Fit,
    /// Another field: the one in which words were found that are not in the title, else one that tells records apart.
    pub detail: Option<Detail>,
}

/// A field of a record that was found.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The field's name.
    pub label: String,
    /// What stands in it.
    pub text: String,
    /// What of it was found, in bytes.
    pub marks: Vec<Range<usize>>,
}

/// Looks through every card that the actor may read. Cards in which nothing was found are left out.
pub async fn everywhere(app: &App, snapshot: &Snapshot, actor: &Actor, q: &str, most: usize, locale: &Locale) -> Result<Vec<CardHits>, AppError> {
    let mut asked: Vec<BoxFuture<'_, Result<CardHits, AppError>>> = Vec::new();
    for card in snapshot.catalog.cards.values() {
        if !card.builtin && access::gate(&snapshot.catalog, actor, card, ActionName::Read).is_ok() {
            asked.push(Box::pin(in_card(app, snapshot, actor, card.key.as_str(), q, None, most, locale)));
        }
    }
    let mut found: Vec<CardHits> = stream::iter(asked).buffered(ABREAST).try_collect().await?;
    found.retain(|hits| !hits.hits.is_empty());
    found.sort_by_key(|hits| hits.hits.first().map(|hit| hit.fit));
    Ok(found)
}

/// Looks through one card, within a filter.
#[allow(clippy::too_many_arguments)]
pub async fn in_card(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, q: &str, filter: Option<Json>, most: usize, locale: &Locale) -> Result<CardHits, AppError> {
    let catalog = &snapshot.catalog;
    let card = snapshot.card(card)?;
    let gated = ask(snapshot, actor, card, q, filter)?;
    let empty = CardHits { card: card.key.clone(), hits: Vec::new(), count: 0, exact: true };
    let Some(search) = &gated.query().search else { return Ok(empty) };
    let mut rows = rows(app, snapshot, &gated, Tier::Any, MOST + 1).await?;
    let exact = rows.len() <= MOST as usize;
    if !exact {
        rows.truncate(MOST as usize);
        let mut ranked: HashSet<Uuid> = rows.iter().map(|(id, _)| *id).collect();
        for (tier, limit) in [(Tier::Exact, 20), (Tier::Begins, 60), (Tier::Title, 60)] {
            for row in self::rows(app, snapshot, &gated, tier, limit).await? {
                if ranked.insert(row.0) {
                    rows.push(row);
                }
            }
        }
    }
    let mut hits: Vec<(Fit, Vec<Value>, Uuid)> = rows.into_iter().map(|(id, values)| (fit(snapshot, card, &gated, &search.question, &values, locale), values, id)).collect();
    // A stable order: rows of one fit stay as they came, the newest first.
    hits.sort_by_key(|(fit, _, _)| *fit);
    let count = u32::try_from(hits.len()).unwrap_or(u32::MAX).min(MOST);
    let hit = |(fit, values, id): (Fit, Vec<Value>, Uuid)| {
        let title = titles::text(catalog, card, &of_title(card, &gated, &values), locale);
        let detail = detail(snapshot, card, &gated, &search.question, &values, &title, locale);
        Hit { id, marks: search.question.marks(&title), title, fit, detail }
    };
    Ok(CardHits { hits: hits.into_iter().take(most).map(hit).collect(), count, exact, ..empty })
}

/// The question as a gated list, whose columns are the title and what else the card is searched by, as far as it may be read.
fn ask(snapshot: &Snapshot, actor: &Actor, card: &Arc<Card>, q: &str, filter: Option<Json>) -> Result<GatedQuery, AppError> {
    let catalog = &snapshot.catalog;
    let gate = access::gate(catalog, actor, card, ActionName::Read)?;
    let readable = |field: &model::Field| gate.readable(None, &field.key) != access::Readable::Never;
    let request = ListRequest { q: Some(q.to_owned()), filter, ..ListRequest::default() };
    let mut checked = query::check(catalog, card, &request, &ActorBinder(actor, catalog), &readable)?;
    let others = checked.search.iter().flat_map(|search| &search.slots).map(|slot| slot.path.clone());
    let mut select: Vec<Selected> = Vec::new();
    for path in card.title.paths().cloned().chain(others).filter(|path| is_shown(catalog, path)) {
        if !select.iter().any(|known| known.path == path) {
            select.push(Selected { name: path.to_string(), path });
        }
    }
    checked.select = select;
    Ok(gate_query(catalog, actor, checked)?)
}

fn is_shown(catalog: &model::Catalog, path: &Path) -> bool {
    !path.is_many() && path.field(catalog).is_some_and(|field| !field.secret && field.column().is_some())
}

async fn rows(app: &App, snapshot: &Snapshot, gated: &GatedQuery, tier: Tier, limit: u32) -> Result<Vec<(Uuid, Vec<Value>)>, AppError> {
    let Some(lowered) = sql::search::found(&snapshot.catalog, app.store.dialect(), gated, tier, limit) else { return Ok(Vec::new()) };
    let rows = app.store.fetch(&lowered.statement).await?;
    let one = |row| {
        let mut values = lowered.decode(row).into_iter();
        Some((values.next()?.as_id()?, values.collect()))
    };
    Ok(rows.into_iter().filter_map(one).collect())
}

fn value_at<'v>(gated: &GatedQuery, values: &'v [Value], path: &Path) -> Option<&'v Value> {
    gated.query().select.iter().zip(values).find(|(selected, _)| selected.path == *path).map(|(_, value)| value)
}

/// The title's values in their order; what may not be read is empty.
fn of_title(card: &Card, gated: &GatedQuery, values: &[Value]) -> Vec<Value> {
    card.title.paths().map(|path| value_at(gated, values, path).cloned().unwrap_or_default()).collect()
}

fn fit(snapshot: &Snapshot, card: &Card, gated: &GatedQuery, question: &Question, values: &[Value], locale: &Locale) -> Fit {
    let whole = titles::text(&snapshot.catalog, card, &of_title(card, gated, values), locale);
    let parts: Vec<&str> = card.title.paths().filter_map(|path| value_at(gated, values, path)?.as_text()).collect();
    let all: Vec<&str> = std::iter::once(whole.as_str()).chain(parts).collect();
    question.fit(&all)
}

/// The field that says why the record was found, where the title does not; else the first that says anything.
fn detail(snapshot: &Snapshot, card: &Card, gated: &GatedQuery, question: &Question, values: &[Value], title: &str, locale: &Locale) -> Option<Detail> {
    let catalog = &snapshot.catalog;
    let in_title: Vec<&Path> = card.title.paths().collect();
    let detail = |(selected, value): (&Selected, &Value)| {
        let field = selected.path.field(catalog)?;
        let text = format::text(&model::resolve::kind_of(&selected.path, field), value, locale);
        let text: String = text.trim().chars().take(160).collect();
        let wanted = !text.is_empty() && text != title && !in_title.contains(&&selected.path);
        wanted.then(|| Detail { label: field.labels.or_key(&locale.lang, field.key.as_str()), marks: question.marks(&text), text })
    };
    let mut all: Vec<Detail> = gated.query().select.iter().zip(values).filter_map(detail).collect();
    if !question.is_in([title]) {
        all.sort_by_key(|detail| Reverse(detail.marks.iter().map(Range::len).sum::<usize>()));
    }
    (!all.is_empty()).then(|| all.swap_remove(0))
}
