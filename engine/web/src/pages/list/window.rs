//! Windows of rows, and the neighbours of one record.

use app::{AppError, lists::{self, Page}};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{ActionName, Card, Value, ViewKind};
use query::ListRequest;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Address, Asked, Reader, ask, columns::columns, emphasis::{self, Emphasis}, is_numbered, may, picture, url};
use crate::{
    Site,
    pages::{cells::Known, words},
    view::{Avatar, CardSlot, Cell, PhoneSlot, Row, RowsWindow},
};

/// Which part of a list a window is of.
#[derive(Debug, Clone, Default)]
pub(super) struct Inside {
    /// The filter of the groups, or of the lane, around it.
    pub within: Option<Json>,
    /// How many groups those are.
    pub level: usize,
    /// Rows of a window.
    pub limit: Option<u32>,
}

/// A window of rows.
pub(super) async fn window(site: &Site, reader: &Reader, asked: &Asked<'_>, inside: &Inside) -> Result<RowsWindow, AppError> {
    let snapshot = &reader.asker.snapshot;
    let page = lists::page(&site.app, snapshot, &reader.asker.actor, &question(reader, asked, inside)?, &reader.asker.locale).await?;
    let ids: Vec<Uuid> = page.items.iter().map(|item| item.id).collect();
    let emphasis = emphasis::find(site, reader, asked, &ids).await;
    Ok(drawn(reader, asked, inside, &page, &emphasis))
}

/// Several windows of the same columns, asked for at once.
pub(super) async fn windows(site: &Site, reader: &Reader, asked: &Asked<'_>, all: &[Inside]) -> Result<Vec<RowsWindow>, AppError> {
    let snapshot = &reader.asker.snapshot;
    let questions = all.iter().map(|inside| question(reader, asked, inside)).collect::<Result<Vec<_>, _>>()?;
    let pages = lists::lanes(&site.app, snapshot, &reader.asker.actor, &questions, &reader.asker.locale).await?;
    let ids: Vec<Uuid> = pages.iter().flat_map(|page| &page.items).map(|item| item.id).collect();
    let emphasis = emphasis::find(site, reader, asked, &ids).await;
    Ok(all.iter().zip(&pages).map(|(inside, page)| drawn(reader, asked, inside, page, &emphasis)).collect())
}

/// The picture of a record, where it is no column.
fn picture_beside(asked: &Asked<'_>) -> Option<String> {
    picture(asked.card).filter(|key| !asked.columns.iter().any(|path| path.leaf == key.as_str())).filter(|key| model::Ident::new(key).is_ok())
}

fn question(reader: &Reader, asked: &Asked<'_>, inside: &Inside) -> Result<access::GatedQuery, AppError> {
    let snapshot = &reader.asker.snapshot;
    let picture = picture_beside(asked);
    let version = "version".to_owned();
    let extra: Vec<String> = picture.iter().cloned().chain([version.clone()]).collect();
    let narrowed = |request: ListRequest| ListRequest { filter: asked.narrowed(inside.within.clone()), limit: inside.limit.or(request.limit), ..request };
    let request = match Uuid::try_parse(&asked.address.only) {
        // One record as it is drawn here, whether or not it still belongs here.
        Ok(id) => ListRequest { filter: Some(json!({"field": "id", "op": "is", "value": id.to_string()})), q: None, ..asked.request(&extra) },
        Err(_) => narrowed(asked.request(&extra)),
    };
    match lists::ask(snapshot, &reader.asker.actor, asked.card.key.as_str(), &request) {
        // A picture that may not be seen is no reason to show no list.
        Err(AppError::Forbidden { .. }) if picture.is_some() => lists::ask(snapshot, &reader.asker.actor, asked.card.key.as_str(), &ListRequest { fields: asked.request(&[version]).fields, ..request }),
        other => other,
    }
}

fn drawn(reader: &Reader, asked: &Asked<'_>, inside: &Inside, page: &Page, emphasis: &Emphasis) -> RowsWindow {
    let snapshot = &reader.asker.snapshot;
    let (base, picture) = (asked.base(), picture_beside(asked));
    let known = Known { catalog: &snapshot.catalog, locale: &reader.asker.locale, titles: &page.titles, files: &page.files };
    let deletable = may(snapshot, &reader.asker.actor, asked.card, ActionName::Delete);
    let back = asked.address.url(&base);
    let from = back.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    let find = |name: &str| page.columns.iter().position(|column| column.name == name);
    let numbered = is_numbered(asked.card);
    let columns = columns(reader, asked);
    let mut rows = Vec::with_capacity(page.items.len());
    for (number, item) in page.items.iter().enumerate() {
        let cells = asked.columns.iter().filter_map(|path| {
            let index = find(&path.to_string())?;
            let field = path.field(&snapshot.catalog)?;
            let cell = known.cell(field, &model::resolve::kind_of(path, field), &item.values[index]);
            Some(Cell { ago: recently(reader, &item.values[index]), emphasis: emphasis.get(&(item.id, path.to_string())).copied(), ..cell })
        });
        let cells: Vec<_> = cells.collect();
        let name = cells.first().map(|cell| cell.text.clone()).filter(|text| !text.is_empty());
        let title = words::title(reader, asked.card, &page.columns, &item.values);
        let mut avatar = (!numbered).then(|| Avatar::of(&title));
        if let Some(id) = picture.as_ref().and_then(|key| find(key)).and_then(|index| item.values[index].as_id()) {
            avatar = Some(Avatar { image: Some(format!("/files/{id}")), ..avatar.unwrap_or_else(|| Avatar::of(&title)) });
        }
        let beside = cells.iter().zip(&columns).skip(1).filter(|(_, column)| column.phone == PhoneSlot::None);
        let meta: Vec<String> = beside.map(|(cell, _)| cell.text.clone()).filter(|text| !text.is_empty()).take(2).collect();
        let over = cells.iter().zip(&columns).find(|(cell, column)| column.slot == CardSlot::Over && !cell.text.is_empty()).map(|(cell, _)| Avatar::of(&cell.text));
        rows.push(Row {
            over,
            id: item.id.to_string(),
            index: asked.address.n + number as u64 + 1,
            version: find("version").map_or(0, |at| match item.values.get(at) { Some(Value::Int(version)) => *version, _ => 0 }),
            level: inside.level,
            url: if from.is_empty() { format!("{base}/{}", item.id) } else { url(&format!("{base}/{}", item.id), &[("from", &from)]) },
            name: name.unwrap_or_else(|| title.clone()),
            title,
            avatar,
            cells,
            meta: meta.join(" · "),
            deletable,
        });
    }
    let part = inside.within.as_ref().map(ToString::to_string).unwrap_or_default();
    let level = if inside.level > 0 { inside.level.to_string() } else { String::new() };
    let at = |after: &str, n: u64| asked.address.url_with(&format!("{base}/rows"), &[("within", &part), ("level", &level), ("after", after), ("n", &if n == 0 { String::new() } else { n.to_string() })]);
    let next_url = page.next.as_ref().filter(|_| asked.address.only.is_empty()).map(|next| at(next, asked.address.n + rows.len() as u64));
    RowsWindow { rows, columns, kind: asked.kind, url: at(&asked.address.after, asked.address.n), next_url }
}

/// How long ago a moment of the last days was.
fn recently(reader: &Reader, value: &Value) -> Option<String> {
    let Value::Instant(at) = value else { return None };
    let now = reader.asker.actor.now;
    (*at <= now && now - *at < chrono::TimeDelta::days(7)).then(|| words::ago(*at, now, &reader.asker.actor.lang))
}

/// `GET /c/{card}/rows`
pub async fn rows(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let card = reader.asker.snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let lane = (asked.kind == ViewKind::Board).then_some(20);
        let inside = Inside { within: asked.address.within()?, level: asked.address.level, limit: lane };
        window(&site, &reader, &asked, &inside).await
    };
    match answer.await {
        Ok(window) => reader.draw(&site, "list/rows.html", Some(&key), &window),
        Err(error) => reader.failed(&site, &error),
    }
}

/// The neighbours of a record in the list it was opened from, as far as one window reaches.
pub async fn neighbours(site: &Site, reader: &Reader, card: &Card, from: &str, id: Uuid) -> Result<(Option<String>, Option<String>, Option<String>), AppError> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(from.as_bytes()).into_owned().collect();
    let asked = ask(site, reader, card, Address::read(&pairs)).await?;
    let request = ListRequest { fields: Some(vec!["id".into()]), limit: Some(query::MAX_LIMIT), ..asked.request(&[]) };
    let gated = lists::ask(&reader.asker.snapshot, &reader.asker.actor, card.key.as_str(), &request)?;
    let page = lists::page(&site.app, &reader.asker.snapshot, &reader.asker.actor, &gated, &reader.asker.locale).await?;
    let Some(at) = page.items.iter().position(|item| item.id == id) else { return Ok((None, None, None)) };
    let link = |index: usize| page.items.get(index).map(|item| url(&format!("/c/{}/{}", card.key, item.id), &[("from", from)]));
    let text = if page.next.is_none() { format!("{} / {}", at + 1, page.items.len()) } else { format!("{}", at + 1) };
    Ok((at.checked_sub(1).and_then(link), link(at + 1), Some(text)))
}
