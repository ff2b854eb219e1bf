//! Several records side by side, to become one.

use app::{
    AppError, files,
    merge::{self, Request},
    records::read,
    titles::Titles,
};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use model::{ActionName, Card, Field, Record, Value};
use serde_json::{Map, Value as Text, json};
use uuid::Uuid;

use super::{Reader, cells::Known, list, record::from_page, url, words};
use crate::{
    Site,
    extract::Form,
    view::{MergeCell, MergeField, MergePage, MergeRecord, MergeTable},
};

type Pairs = Vec<(String, String)>;

fn ids_of(pairs: &Pairs) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = Vec::new();
    for id in pairs.iter().filter(|(name, _)| name == "ids" || name == "with").flat_map(|(_, ids)| ids.split(',')).filter_map(|id| Uuid::try_parse(id.trim()).ok()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.truncate(merge::MOST + 1);
    ids
}

/// `GET /c/{card}/merge?ids=…`: the first is the one that is left.
pub async fn page(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    match build(&site, &reader, &key, &ids_of(&pairs), None).await {
        Ok(page) => reader.draw(&site, "merge/index.html", Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, key: &str, ids: &[Uuid], error: Option<String>) -> Result<MergePage, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let card = snapshot.card(key)?.clone();
    for action in [ActionName::Update, ActionName::Delete] {
        access::gate_write(&snapshot.catalog, actor, &card, action)?;
    }
    let (mut records, mut titles, mut files) = (Vec::new(), Titles::new(), std::collections::HashMap::new());
    for id in ids {
        let page = read::read_in(&site.app, snapshot, actor, key, *id, &[query::Trash::Without], &reader.asker.locale).await?;
        let drawn = from_page(page).ok_or_else(|| AppError::not_found("record"))?;
        titles.extend(drawn.titles);
        files.extend(drawn.files);
        records.push(drawn.record);
    }
    let own = super::bulk::titles_of(site, reader, ids.iter().map(|id| (card.key.clone(), *id))).await?;
    titles.extend(own);
    let drawing = Drawing { site, reader, card: &card, records: &records, titles: &titles, files: &files };
    let (fields, same) = drawing.fields();
    let links = merge::count_links(&site.app, snapshot, &card, ids.get(1..).unwrap_or_default()).await?;
    let number = form::format::number_text(i64::try_from(links).unwrap_or(i64::MAX).into(), 0, &reader.asker.locale);
    Ok(MergePage {
        card: list::head(&card, &actor.lang),
        url: format!("/c/{key}/merge"),
        records: drawing.records(),
        fields,
        same,
        tables: drawing.tables(),
        links_text: reader.t(site, "merge.links", &[("count", &number)]),
        lookup_url: (ids.len() <= merge::MOST).then(|| url(&format!("/lookup/{key}"), &[])),
        error,
        ready: ids.len() > 1,
    })
}

struct Drawing<'a> {
    site: &'a Site,
    reader: &'a Reader,
    card: &'a Card,
    records: &'a [Record],
    titles: &'a Titles,
    files: &'a std::collections::HashMap<Uuid, files::FileInfo>,
}

impl Drawing<'_> {
    fn lang(&self) -> &str {
        &self.reader.asker.actor.lang
    }

    fn records(&self) -> Vec<MergeRecord> {
        let actor = &self.reader.asker.actor;
        let ids: Vec<String> = self.records.iter().map(|record| record.id.to_string()).collect();
        let one = |(index, record): (usize, &Record)| {
            let at = |name: &str, key: &str| match record.get(name) {
                Value::Instant(at) => Some(self.reader.t(self.site, key, &[("when", &words::ago(*at, actor.now, &actor.lang))])),
                _ => None,
            };
            let first = std::iter::once(ids[index].clone()).chain(ids.iter().filter(|id| **id != ids[index]).cloned()).collect::<Vec<_>>().join(",");
            MergeRecord {
                id: ids[index].clone(),
                title: self.titles.get(&record.id).cloned().unwrap_or_default(),
                url: format!("/c/{}/{}", self.card.key, record.id),
                facts: [at("created_at", "duplicates.made"), at("updated_at", "duplicates.changed")].into_iter().flatten().collect::<Vec<_>>().join(" · "),
                master: index == 0,
                master_url: url(&format!("/c/{}/merge", self.card.key), &[("ids", &first)]),
            }
        };
        self.records.iter().enumerate().map(one).collect()
    }

    /// Fields in which the records differ; of the others only the names.
    fn fields(&self) -> (Vec<MergeField>, String) {
        let (mut differing, mut same) = (Vec::new(), Vec::new());
        for field in self.card.table.own_fields().filter(|field| merge::is_offered(field)) {
            let values: Vec<&Value> = self.records.iter().map(|record| record.get(field.key.as_str())).collect();
            let label = field.labels.or_key(self.lang(), field.key.as_str());
            match values.iter().all(|value| *value == values[0]) {
                _ if values.iter().all(|value| value.is_empty()) => {}
                true => same.push(label),
                false => differing.push(self.field(field, label)),
            }
        }
        (differing, same.join(", "))
    }

    fn field(&self, field: &Field, label: String) -> MergeField {
        let known = Known { catalog: &self.reader.asker.snapshot.catalog, locale: &self.reader.asker.locale, titles: self.titles, files: self.files };
        let preferred = merge::preferred(field, self.records);
        let cell = |record: &Record| {
            let value = record.get(field.key.as_str());
            MergeCell { id: record.id.to_string(), cell: known.cell(field, &field.kind, value), filled: !value.is_empty(), chosen: preferred == Some(record.id) }
        };
        MergeField { key: field.key.to_string(), label, cells: self.records.iter().map(cell).collect(), all: preferred.is_none(), all_chosen: preferred.is_none() }
    }

    fn tables(&self) -> Vec<MergeTable> {
        let filled = self.card.children.iter().filter(|(key, _)| self.records.iter().any(|record| !record.rows(key.as_str()).is_empty()));
        let one = |(key, table): (&model::Ident, &model::Table)| {
            let counts = self.records.iter().map(|record| (record.id.to_string(), self.reader.t(self.site, "merge.rows", &[("count", &record.rows(key.as_str()).len().to_string())])));
            MergeTable { key: key.to_string(), label: table.labels.or_key(self.lang(), key.as_str()), counts: counts.collect() }
        };
        filled.map(one).collect()
    }
}

/// `POST /c/{card}/merge`
pub async fn run(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(pairs): Form<Pairs>) -> Response {
    let ids = ids_of(&pairs);
    let chosen = |prefix: &str| -> Map<String, Text> {
        let of = pairs.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), Text::from(value.clone()))));
        of.filter(|(_, value)| prefix == "t." || *value != "all").collect()
    };
    let body = json!({"master": ids.first(), "others": ids.get(1..).unwrap_or_default(), "fields": chosen("f."), "tables": chosen("t.")});
    let answer = async {
        let request = Request::read(&body)?;
        merge::merge(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, &request).await
    };
    match answer.await {
        Ok(batch) if batch.job.is_some() => Redirect::to(&format!("/me/batches/{}", batch.id)).into_response(),
        Ok(batch) => Redirect::to(&url(&format!("/c/{key}/{}", ids.first().copied().unwrap_or_default()), &[("merged", &batch.id.to_string())])).into_response(),
        Err(error @ (AppError::Conflict { .. } | AppError::Rejected(_) | AppError::Malformed { .. })) => {
            let detail = crate::problem::document(&error, &reader.asker.actor.lang);
            let mut words: Vec<String> = vec![detail["detail"].as_str().unwrap_or_default().to_owned()];
            words.extend(detail["violations"].as_array().into_iter().flatten().filter_map(|one| one["message"].as_str().map(str::to_owned)));
            match build(&site, &reader, &key, &ids, Some(words.join(" "))).await {
                Ok(page) => {
                    let mut response = reader.draw(&site, "merge/index.html", Some(&key), &page);
                    *response.status_mut() = crate::problem::status(&error);
                    response
                }
                Err(error) => reader.failed(&site, &error),
            }
        }
        Err(error) => reader.failed(&site, &error),
    }
}
