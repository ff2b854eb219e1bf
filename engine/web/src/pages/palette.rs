//! The command palette, and the pickers of links: both are lists with words to look for.

use std::{collections::HashMap, sync::Arc, time::Instant};

use app::{AppError, lists, search::CardHits};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{ActionName, Card, FieldKind};
use query::ListRequest;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Reader, search::{beside, count, get, pieces, rebuilding}, shell::{may, may_make}, words};
use crate::{
    Site,
    view::{Avatar, LookupOption, LookupResults, Palette, PaletteGroup, PaletteItem, Piece},
};

/// Findings of one card, and of a picker.
const FEW: u32 = 5;
const MANY: u32 = 20;
/// Records opened last that are shown.
const RECENT: usize = 8;

/// Records of a card that were opened last, or the newest: id and title.
pub(super) async fn newest(site: &Site, reader: &Reader, card: &Card, filter: Option<Json>, limit: u32) -> Result<(Vec<(Uuid, String)>, bool), AppError> {
    let snapshot = &reader.asker.snapshot;
    let fields: Vec<String> = card.title.paths().filter(|path| reader.may_show(path)).map(ToString::to_string).collect();
    let request = ListRequest { filter, fields: Some(fields), limit: Some(limit), sort: (card.builtin).then(|| "name".to_owned()), ..ListRequest::default() };
    let gated = lists::ask(snapshot, &reader.asker.actor, card.key.as_str(), &request)?;
    let page = lists::page(&site.app, snapshot, &reader.asker.actor, &gated, &reader.asker.locale).await?;
    let titles = page.items.iter().map(|item| (item.id, words::title(reader, card, &page.columns, &item.values)));
    Ok((titles.collect(), page.next.is_some()))
}

/// `GET /palette?q=&card=&scope=&recent=`: `card` is where the reader is, `scope` the only card looked through.
pub async fn page(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let q = get(&pairs, "q").trim();
    let palette = async {
        if q.is_empty() { begin(&site, &reader, get(&pairs, "recent")).await } else { find(&site, &reader, q, get(&pairs, "card"), get(&pairs, "scope")).await }
    };
    match palette.await {
        Ok(palette) => reader.draw(&site, if reader.fragment { "palette/results.html" } else { "palette/page.html" }, None, &palette),
        Err(error) => reader.failed(&site, &error),
    }
}

/// Before anything is typed: the records that were opened last on this device, by ids that it sends along.
async fn begin(site: &Site, reader: &Reader, recent: &str) -> Result<Palette, AppError> {
    let snapshot = &reader.asker.snapshot;
    let wanted: Vec<(&str, Uuid)> = recent.split(',').filter_map(|one| one.split_once(':')).filter_map(|(card, id)| Some((card, Uuid::try_parse(id).ok()?))).take(RECENT).collect();
    let mut known: HashMap<Uuid, PaletteItem> = HashMap::new();
    let mut keys: Vec<&str> = wanted.iter().map(|(card, _)| *card).collect();
    keys.sort_unstable();
    keys.dedup();
    for card in keys.into_iter().filter_map(|key| snapshot.catalog.card(key)).filter(|card| may(snapshot, &reader.asker.actor, card, ActionName::Read)) {
        let ids: Vec<String> = wanted.iter().filter(|(key, _)| card.key == **key).map(|(_, id)| id.to_string()).collect();
        let (records, _) = newest(site, reader, card, Some(json!({"field": "id", "op": "any_of", "value": ids})), FEW.max(MANY)).await?;
        known.extend(records.into_iter().map(|(id, title)| (id, record(card, id, pieces(&title, &[]), Vec::new()))));
    }
    let items: Vec<PaletteItem> = wanted.iter().filter_map(|(_, id)| known.remove(id)).collect();
    let mut groups = Vec::new();
    if !items.is_empty() {
        groups.push(PaletteGroup { label: reader.t(site, "palette.recent", &[]), count: String::new(), items });
    }
    groups.extend(commands(site, reader, ""));
    Ok(Palette { groups, ..Palette::default() })
}

fn record(card: &Card, id: Uuid, label: Vec<Piece>, detail: Vec<Piece>) -> PaletteItem {
    PaletteItem { icon: card.icon.clone(), label, detail, url: format!("/c/{}/{id}", card.key), keys: Vec::new() }
}

async fn find(site: &Site, reader: &Reader, q: &str, first: &str, scope: &str) -> Result<Palette, AppError> {
    let began = Instant::now();
    let (snapshot, actor, locale) = (&reader.asker.snapshot, &reader.asker.actor, &reader.asker.locale);
    let mut found = match scope {
        "" => app::search::everywhere(&site.app, snapshot, actor, q, FEW as usize, locale).await?,
        card => vec![app::search::in_card(&site.app, snapshot, actor, card, q, None, MANY as usize, locale).await?],
    };
    found.retain(|hits| !hits.hits.is_empty());
    // Where the reader is comes first.
    found.sort_by_key(|hits| hits.card != first);
    let (total, exact) = (found.iter().map(|hits| hits.count).sum(), found.iter().all(|hits| hits.exact));
    let shown: usize = found.iter().map(|hits| hits.hits.len()).sum();
    let group = |hits: &CardHits| {
        let card = snapshot.catalog.card(&hits.card)?;
        let items = hits.hits.iter().map(|hit| record(card, hit.id, pieces(&hit.title, &hit.marks), beside(hit.detail.as_ref()))).collect();
        let all = hits.exact && hits.hits.len() == hits.count as usize;
        Some(PaletteGroup { label: card.plurals.or_key(&actor.lang, card.key.as_str()), count: if all { String::new() } else { count(reader, hits.count, hits.exact) }, items })
    };
    let mut groups: Vec<PaletteGroup> = found.iter().filter_map(group).collect();
    if scope.is_empty() {
        groups.extend(commands(site, reader, q));
    }
    let time = began.elapsed().as_millis().to_string();
    let note = reader.t(site, "palette.note", &[("shown", &shown.to_string()), ("count", &count(reader, total, exact)), ("time", &time)]);
    let all_url = (shown > 0).then(|| super::url("/search", &[("q", q), ("card", scope)]));
    Ok(Palette { q: q.to_owned(), groups, all_url, note, rebuilding: rebuilding(site, reader).await? })
}

/// Lists to go to, and records to make.
fn commands(site: &Site, reader: &Reader, q: &str) -> Vec<PaletteGroup> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let question = ::search::ask(q);
    let cards: Vec<&Arc<Card>> = snapshot.catalog.cards.values().filter(|card| !card.builtin && may(snapshot, actor, card, ActionName::Read)).collect();
    let item = |icon: &str, label: String, url: String| {
        let fits = q.is_empty() || !question.is_empty() && question.is_in([label.as_str()]);
        fits.then(|| PaletteItem { icon: icon.to_owned(), label: pieces(&label, &question.marks(&label)), url, ..PaletteItem::default() })
    };
    let lists = cards.iter().filter_map(|card| item(&card.icon, card.plurals.or_key(&actor.lang, card.key.as_str()), format!("/c/{}", card.key)));
    let making = cards.iter().filter(|card| may_make(snapshot, actor, card));
    let actions = making.filter_map(|card| item("plus", reader.t(site, "list.new", &[("what", &card.labels.or_key(&actor.lang, card.key.as_str()))]), format!("/c/{}/new", card.key)));
    let groups = [("cards", lists.collect::<Vec<_>>()), ("actions", actions.collect())];
    groups.into_iter().filter(|(_, items)| !items.is_empty()).map(|(word, items)| PaletteGroup { label: words::word(word, &actor.lang), count: String::new(), items }).collect()
}

/// `GET /lookup/{card}?q=&ctx=CARD.FIELD`: what a link may point to, narrowed by what is filled in already.
pub async fn lookup(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let q = get(&pairs, "q").trim();
        let filter = narrowed(&reader, get(&pairs, "ctx"), &pairs);
        let (mut options, more) = options(&site, &reader, &key, q, filter).await?;
        if is_any(&reader, get(&pairs, "ctx")) {
            options.iter_mut().for_each(|option| option.value = format!("{key}:{}", option.value));
        }
        let may_create = may_make(snapshot, &reader.asker.actor, &card);
        Ok::<_, AppError>(LookupResults {
            target: get(&pairs, "for").to_owned(),
            q: q.to_owned(),
            options,
            more,
            create_url: may_create.then(|| format!("/c/{key}/new")),
            create_label: may_create.then(|| reader.t(&site, "list.new", &[("what", &card.labels.or_key(&reader.asker.actor.lang, &key))])),
        })
    };
    match answer.await {
        Ok(results) => reader.draw(&site, "lookup/options.html", None, &results),
        Err(error) => reader.failed(&site, &error),
    }
}

/// What of a card there is to choose for what was typed, and whether there is more.
pub(super) async fn options(site: &Site, reader: &Reader, key: &str, q: &str, filter: Option<Json>) -> Result<(Vec<LookupOption>, bool), AppError> {
    let card = reader.asker.snapshot.card(key)?.clone();
    let (records, more) = lookup_records(site, reader, &card, q, filter).await?;
    let person = card.key == model::USER_CARD;
    let option = |(id, title, pieces, detail): Found| LookupOption {
        pieces,
        value: id.to_string(),
        avatar: person.then(|| Avatar::person(&title)),
        url: (!person).then(|| format!("/c/{key}/{id}")),
        title,
        detail,
    };
    Ok((records.into_iter().map(option).collect(), more))
}

/// Id, title, the title cut, and what tells it apart.
type Found = (Uuid, String, Vec<Piece>, Vec<Piece>);

/// The best for what was typed; the newest before anything was.
async fn lookup_records(site: &Site, reader: &Reader, card: &Card, q: &str, filter: Option<Json>) -> Result<(Vec<Found>, bool), AppError> {
    if q.is_empty() {
        let (records, more) = newest(site, reader, card, filter, MANY).await?;
        return Ok((records.into_iter().map(|(id, title)| (id, title.clone(), pieces(&title, &[]), Vec::new())).collect(), more));
    }
    let (snapshot, actor, locale) = (&reader.asker.snapshot, &reader.asker.actor, &reader.asker.locale);
    let found = app::search::in_card(&site.app, snapshot, actor, card.key.as_str(), q, filter, MANY as usize, locale).await?;
    let more = !found.exact || found.count as usize > found.hits.len();
    let one = |hit: app::search::Hit| (hit.id, hit.title.clone(), pieces(&hit.title, &hit.marks), beside(hit.detail.as_ref()));
    Ok((found.hits.into_iter().map(one).collect(), more))
}

fn field_of<'r>(reader: &'r Reader, ctx: &str) -> Option<&'r model::Field> {
    let steps: Vec<&str> = ctx.split('.').collect();
    let card = reader.asker.snapshot.catalog.card(*steps.first()?)?;
    match steps.as_slice() {
        [_, field] => card.field(field),
        [_, table, field] => card.children.get(*table)?.fields.get(*field),
        _ => None,
    }
}

fn is_any(reader: &Reader, ctx: &str) -> bool {
    field_of(reader, ctx).is_some_and(|field| matches!(field.kind, FieldKind::AnyLink { .. }))
}

/// The link's condition as a filter, with what the form sent in the place of `@record.…`. What is not filled in
/// yet narrows nothing.
fn narrowed(reader: &Reader, ctx: &str, pairs: &[(String, String)]) -> Option<Json> {
    let field = field_of(reader, ctx)?;
    let FieldKind::Link(link) = &field.kind else { return None };
    as_filter(link.condition.as_ref()?, pairs)
}

fn as_filter(condition: &model::Condition, pairs: &[(String, String)]) -> Option<Json> {
    use model::{Condition, Operand, Term, Value, Variable};
    match condition {
        Condition::All(parts) => {
            let parts: Vec<Json> = parts.iter().filter_map(|part| as_filter(part, pairs)).collect();
            (!parts.is_empty()).then(|| json!({"all": parts}))
        }
        Condition::Test(test) => {
            let value = match &test.operand {
                Operand::None => Json::Null,
                Operand::One(Term::Variable(variable @ (Variable::Record(_) | Variable::Row(_)))) => {
                    let typed = match variable {
                        Variable::Record(path) => get(pairs, &format!("f.{}", path.leaf)),
                        // One row is being edited: only its inputs were sent along.
                        Variable::Row(path) => pairs.iter().find(|(name, _)| name.starts_with("c.") && name.ends_with(&format!(".{}", path.leaf))).map_or("", |(_, value)| value.as_str()),
                        _ => "",
                    };
                    if typed.is_empty() {
                        return None;
                    }
                    typed.into()
                }
                Operand::One(Term::Value(Value::Text(text))) => text.clone().into(),
                Operand::One(Term::Value(Value::Bool(flag))) => (*flag).into(),
                Operand::One(Term::Value(Value::Id(id))) => id.to_string().into(),
                Operand::One(Term::Variable(Variable::Me)) => "@me".into(),
                _ => return None,
            };
            Some(json!({"field": test.path.to_string(), "op": test.op.name(), "value": value}))
        }
        _ => None,
    }
}
