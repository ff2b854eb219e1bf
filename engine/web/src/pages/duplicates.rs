//! Look-alikes of a card, group by group.

use std::collections::HashMap;

use app::{AppError, duplicates, lists, lists::Page};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use model::{ActionName, Card, Value};
use query::ListRequest;
use serde_json::json;
use uuid::Uuid;

use super::{Reader, list, shell::may, url, words};
use crate::{
    Site,
    extract::Form,
    view::{DuplicateGroup, DuplicateRecord, DuplicatesPage},
};

type Pairs = Vec<(String, String)>;
/// Groups of one page.
const PAGE: usize = 20;

/// `GET /c/{card}/duplicates?rule=0`
pub async fn page(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let answer = async {
        let card = reader.card(&key)?;
        let rule = get("rule").map_or(Ok(0), str::parse).map_err(|_| AppError::not_found("rule"))?;
        build(&site, &reader, &card, rule, get("after")).await
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "duplicates/index.html", Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, card: &Card, rule: usize, after: Option<&str>) -> Result<DuplicatesPage, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let (groups, next) = duplicates::groups(&site.app, snapshot, actor, card.key.as_str(), rule, after, PAGE).await?;
    let ids: Vec<Uuid> = groups.iter().flat_map(|group| group.records.iter().copied()).collect();
    let known = records(site, reader, card, &ids).await?;
    let base = format!("/c/{}", card.key);
    let label = |index: usize, rule: &model::DuplicatesDef| {
        let names: Vec<String> = rule.fields.iter().map(|key| card.field(key.as_str()).map_or_else(|| key.to_string(), |field| field.labels.or_key(&actor.lang, key.as_str()))).collect();
        (names.join(" + "), url(&format!("{base}/duplicates"), &[("rule", &index.to_string())]))
    };
    let group = |group: &duplicates::Group| {
        let records: Vec<DuplicateRecord> = group.records.iter().filter_map(|id| known.get(id).cloned()).collect();
        let ids = group.records.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
        DuplicateGroup { title: records.first().map(|record| record.title.clone()).unwrap_or_default(), merge_url: url(&format!("{base}/merge"), &[("ids", &ids)]), ids, records }
    };
    Ok(DuplicatesPage {
        card: list::head(card, &actor.lang),
        rules: card.duplicates.iter().enumerate().map(|(index, def)| { let (text, to) = label(index, def); (text, to, index == rule) }).collect(),
        groups: groups.iter().map(group).collect(),
        next_url: next.map(|next| url(&format!("{base}/duplicates"), &[("rule", &rule.to_string()), ("after", &next)])),
        dismiss_url: format!("{base}/duplicates"),
        building: !duplicates::is_built(&site.app, card).await?,
        may_merge: may(snapshot, actor, card, ActionName::Update) && may(snapshot, actor, card, ActionName::Delete),
        may_dismiss: may(snapshot, actor, card, ActionName::Update),
    })
}

/// Titles of records, and when and by whom they were made.
async fn records(site: &Site, reader: &Reader, card: &Card, ids: &[Uuid]) -> Result<HashMap<Uuid, DuplicateRecord>, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let mut known = HashMap::new();
    let mut fields: Vec<String> = card.title.paths().filter(|path| reader.may_show(path)).map(ToString::to_string).collect();
    fields.extend(["created_at", "owner"].into_iter().filter(|name| card.field(name).is_some()).map(str::to_owned));
    for part in ids.chunks(query::MAX_LIMIT as usize) {
        let wanted: Vec<String> = part.iter().map(Uuid::to_string).collect();
        let request = ListRequest { filter: Some(json!({"field": "id", "op": "any_of", "value": wanted})), fields: Some(fields.clone()), limit: Some(query::MAX_LIMIT), ..ListRequest::default() };
        let gated = lists::ask(snapshot, actor, card.key.as_str(), &request)?;
        let page = lists::page(&site.app, snapshot, actor, &gated, &reader.asker.locale).await?;
        for item in &page.items {
            known.insert(item.id, record(site, reader, card, &page, item));
        }
    }
    Ok(known)
}

fn record(site: &Site, reader: &Reader, card: &Card, page: &Page, item: &lists::Item) -> DuplicateRecord {
    let find = |name: &str| page.columns.iter().position(|column| column.name == name).map(|index| &item.values[index]);
    let actor = &reader.asker.actor;
    let made = match find("created_at") {
        Some(Value::Instant(at)) => Some(reader.t(site, "duplicates.made", &[("when", &words::ago(*at, actor.now, &actor.lang))])),
        _ => None,
    };
    let owner = find("owner").and_then(Value::as_id).and_then(|id| page.titles.get(&id).cloned());
    DuplicateRecord {
        title: words::title(reader, card, &page.columns, &item.values),
        url: format!("/c/{}/{}", card.key, item.id),
        facts: [made, owner].into_iter().flatten().collect::<Vec<_>>().join(" · "),
    }
}

/// `POST /c/{card}/duplicates` with `ids`: these are not the same.
pub async fn dismiss(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(pairs): Form<Pairs>) -> Response {
    let ids: Vec<Uuid> = pairs.iter().filter(|(name, _)| name == "ids").flat_map(|(_, ids)| ids.split(',')).filter_map(|id| Uuid::try_parse(id).ok()).collect();
    let rule = pairs.iter().find(|(name, _)| name == "rule").map_or("0", |(_, rule)| rule.as_str());
    match duplicates::dismiss(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, &ids).await {
        Ok(()) => Redirect::to(&url(&format!("/c/{key}/duplicates"), &[("rule", rule)])).into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}
