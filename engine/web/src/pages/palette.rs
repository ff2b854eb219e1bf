//! The command palette, and the pickers of links: both are lists with words to look for.

use std::time::Instant;

use app::{AppError, lists};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{ActionName, Card, FieldKind};
use query::ListRequest;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Reader, shell::may, words};
use crate::{
    Site,
    view::{Avatar, LookupOption, LookupResults, Palette, PaletteGroup, PaletteItem, Piece},
};

/// Findings of one card, and of a picker.
const FEW: u32 = 5;
const MANY: u32 = 20;

fn get<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

/// Records of a card by words: id, title, and a word that tells them apart.
async fn find(site: &Site, reader: &Reader, card: &Card, q: &str, filter: Option<Json>, limit: u32) -> Result<(Vec<(Uuid, String, String)>, bool), AppError> {
    let snapshot = &reader.asker.snapshot;
    let title: Vec<String> = card.title.paths().filter(|path| reader.may_show(path)).map(ToString::to_string).collect();
    let paths = title.len();
    let more = card.search.iter().find(|path| !path.is_many() && reader.may_show(path) && !title.contains(&path.to_string())).map(ToString::to_string);
    let fields: Vec<String> = title.into_iter().chain(more).collect();
    let request = ListRequest { q: (!q.is_empty()).then(|| q.to_owned()), filter, fields: Some(fields), limit: Some(limit), sort: (card.builtin).then(|| "name".to_owned()), ..ListRequest::default() };
    let gated = lists::ask(snapshot, &reader.asker.actor, card.key.as_str(), &request)?;
    let page = lists::page(&site.app, snapshot, &reader.asker.actor, &gated, &reader.asker.locale).await?;
    let one = |item: &lists::Item| {
        let title = words::title(reader, card, &page.columns, &item.values);
        let detail = item.values.get(paths).and_then(model::Value::as_text).filter(|text| *text != title).unwrap_or_default().to_owned();
        (item.id, title, detail)
    };
    Ok((page.items.iter().map(one).collect(), page.next.is_some()))
}

/// A text cut where the words were found.
fn pieces(text: &str, q: &str) -> Vec<Piece> {
    let plain = vec![Piece { text: text.to_owned(), hit: false }];
    let word = q.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let Some(at) = text.to_ascii_lowercase().find(&word).filter(|_| !word.is_empty()) else { return plain };
    let end = at + word.len();
    let all = [(&text[..at], false), (&text[at..end], true), (&text[end..], false)];
    all.into_iter().filter(|(text, _)| !text.is_empty()).map(|(text, hit)| Piece { text: text.to_owned(), hit }).collect()
}

/// `GET /palette?q=`
pub async fn page(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    match search(&site, &reader, get(&pairs, "q").trim(), get(&pairs, "card")).await {
        Ok(palette) => reader.draw(&site, "palette/results.html", None, &palette),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn search(site: &Site, reader: &Reader, q: &str, first: &str) -> Result<Palette, AppError> {
    let began = Instant::now();
    let snapshot = &reader.asker.snapshot;
    let lang = &reader.asker.actor.lang;
    let mut groups = Vec::new();
    let mut found = 0;
    let cards: Vec<_> = snapshot.catalog.cards.values().filter(|card| !card.builtin && may(snapshot, &reader.asker.actor, card, ActionName::Read)).collect();
    if !q.is_empty() {
        let mut ordered = cards.clone();
        ordered.sort_by_key(|card| card.key != first);
        for card in ordered {
            let (records, _) = find(site, reader, card, q, None, FEW).await?;
            found += records.len();
            let items = records.into_iter().map(|(id, title, detail)| PaletteItem { icon: card.icon.clone(), label: pieces(&title, q), detail, url: format!("/c/{}/{id}", card.key), keys: Vec::new() }).collect::<Vec<_>>();
            if !items.is_empty() {
                groups.push(PaletteGroup { label: card.plurals.or_key(lang, card.key.as_str()), items });
            }
        }
    }
    let fits = |label: &str| q.is_empty() || label.to_lowercase().contains(&q.to_lowercase());
    let lists: Vec<PaletteItem> = cards.iter().filter_map(|card| {
        let label = card.plurals.or_key(lang, card.key.as_str());
        fits(&label).then(|| PaletteItem { icon: card.icon.clone(), label: pieces(&label, q), url: format!("/c/{}", card.key), ..PaletteItem::default() })
    }).collect();
    let actions: Vec<PaletteItem> = cards.iter().filter(|card| may(snapshot, &reader.asker.actor, card, ActionName::Create)).filter_map(|card| {
        let label = reader.t(site, "list.new", &[("what", &card.labels.or_key(lang, card.key.as_str()))]);
        fits(&label).then(|| PaletteItem { icon: "plus".into(), label: pieces(&label, q), url: format!("/c/{}/new", card.key), ..PaletteItem::default() })
    }).collect();
    for (word, items) in [("cards", lists), ("actions", actions)] {
        if !items.is_empty() {
            groups.push(PaletteGroup { label: words::word(word, lang), items });
        }
    }
    let note = if q.is_empty() { String::new() } else { format!("{found} · {} ms", began.elapsed().as_millis()) };
    Ok(Palette { q: q.to_owned(), groups, note })
}

/// `GET /lookup/{card}?q=&ctx=CARD.FIELD`: what a link may point to, narrowed by what is filled in already.
pub async fn lookup(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let q = get(&pairs, "q").trim();
        let filter = narrowed(&reader, get(&pairs, "ctx"), &pairs);
        let (records, more) = find(&site, &reader, &card, q, filter, MANY).await?;
        let any = is_any(&reader, get(&pairs, "ctx"));
        let person = card.key == model::USER_CARD;
        let option = |(id, title, detail): (Uuid, String, String)| LookupOption {
            value: if any { format!("{key}:{id}") } else { id.to_string() },
            avatar: person.then(|| Avatar::person(&title)),
            url: (!person).then(|| format!("/c/{key}/{id}")),
            title,
            detail,
        };
        let may_create = may(snapshot, &reader.asker.actor, &card, ActionName::Create);
        Ok::<_, AppError>(LookupResults {
            target: get(&pairs, "for").to_owned(),
            q: q.to_owned(),
            options: records.into_iter().map(option).collect(),
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
