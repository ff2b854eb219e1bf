//! The list page.

mod actions;
mod columns;
mod figures;
mod window;

pub use actions::{delete, restore};
pub use columns::{choose_columns, label};
pub use figures::{count, totals};
pub use window::{neighbours, rows};

use app::AppError;
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{ActionName, Card, FieldKind, Path, View, path};
use query::ListRequest;
use serde_json::{Value as Json, json};

use super::{Reader, filter, shell::may, url, words};
use crate::{
    Site,
    view::{CardHead, ListPage, ListState, ViewTab},
};
use columns::columns;
use figures::total_of;
use window::window;

/// Rows of one window.
const WINDOW: u32 = 100;

/// The address of a list, taken apart.
#[derive(Debug, Clone, Default)]
pub struct Address {
    pub q: String,
    pub filter: String,
    pub sort: String,
    pub cols: String,
    pub view: String,
    pub after: String,
}

impl Address {
    pub fn read(pairs: &[(String, String)]) -> Self {
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
        Self { q: get("q"), filter: get("filter"), sort: get("sort"), cols: get("cols"), view: get("view"), after: get("after") }
    }

    /// The address under a path, with the page it begins at left out.
    pub fn url(&self, path: &str) -> String {
        url(path, &[("view", &self.view), ("q", &self.q), ("filter", &self.filter), ("sort", &self.sort), ("cols", &self.cols)])
    }

    pub fn url_with(&self, path: &str, more: &[(&str, &str)]) -> String {
        let base = [("view", self.view.as_str()), ("q", &self.q), ("filter", &self.filter), ("sort", &self.sort), ("cols", &self.cols)];
        url(path, &[&base[..], more].concat())
    }
}

/// What a list shows: the view's own settings, and the address before them.
pub struct Asked<'a> {
    pub card: &'a Card,
    pub address: Address,
    pub view: Option<&'a View>,
    pub columns: Vec<Path>,
    /// What the title is made of, as far as this reader may see it.
    title: Vec<String>,
    pub sort: String,
    /// The view's filter and the address's, together.
    pub filter: Option<Json>,
}

/// Reads an address against the card.
pub fn ask<'a>(reader: &'a Reader, card: &'a Card, address: Address) -> Result<Asked<'a>, AppError> {
    let catalog = &reader.asker.snapshot.catalog;
    let view = match address.view.as_str() {
        "" => card.views.iter().find(|view| view.default).or_else(|| card.views.first()),
        id => card.views.iter().find(|view| view.id == id),
    };
    let table = card.table.reference();
    let named: Vec<Path> = address.cols.split(',').filter(|name| !name.is_empty()).filter_map(|name| path::resolve(catalog, &table, name).ok()).collect();
    let columns = match (named.is_empty(), view) {
        (false, _) => named,
        (true, Some(view)) if !view.columns.is_empty() => view.columns.iter().map(|(path, _)| path.clone()).collect(),
        _ => model::build::default_columns(catalog, &table, None),
    };
    let columns: Vec<Path> = columns.into_iter().filter(|path| !path.is_many() && reader.may_show(path)).collect();
    let title = card.title.paths().filter(|path| reader.may_show(path)).map(ToString::to_string).collect();
    let sort = if address.sort.is_empty() { view.and_then(|view| view.sort.clone()).filter(|sort| may_sort(reader, card, sort)).unwrap_or_default() } else { address.sort.clone() };
    let own: Option<Json> = match address.filter.as_str() {
        "" => None,
        text => Some(serde_json::from_str(text).map_err(|error| AppError::malformed("bad_filter", format!("the filter is no JSON: {error}")))?),
    };
    let of_view = view.and_then(|view| view.filter.as_ref()).map(model::Filter::to_json);
    let filter = match (of_view, own) {
        (Some(view), Some(own)) => Some(json!({"all": [view, own]})),
        (view, own) => view.or(own),
    };
    Ok(Asked { card, address, view, columns, title, sort, filter })
}

/// Whether this reader may see what a list's own order is made from.
fn may_sort(reader: &Reader, card: &Card, sort: &str) -> bool {
    let (catalog, actor) = (&reader.asker.snapshot.catalog, &reader.asker.actor);
    sort.split(',').filter_map(|key| path::resolve(catalog, &card.table.reference(), key.trim().trim_start_matches('-')).ok()).all(|path| access::may_name(catalog, actor, &path))
}

impl Asked<'_> {
    fn request(&self, extra: &[String]) -> ListRequest {
        let mut fields: Vec<String> = self.columns.iter().map(ToString::to_string).chain(self.title.iter().cloned()).collect();
        fields.extend(extra.iter().cloned());
        ListRequest {
            filter: self.filter.clone(),
            sort: (!self.sort.is_empty()).then(|| self.sort.clone()),
            fields: Some(fields),
            limit: Some(WINDOW),
            cursor: (!self.address.after.is_empty()).then(|| self.address.after.clone()),
            q: (!self.address.q.is_empty()).then(|| self.address.q.clone()),
            ..ListRequest::default()
        }
    }

    fn base(&self) -> String {
        format!("/c/{}", self.card.key)
    }
}

/// What a page says about its card.
pub fn head(card: &Card, lang: &str) -> CardHead {
    CardHead { key: card.key.to_string(), label: card.labels.or_key(lang, card.key.as_str()), plural: card.plurals.or_key(lang, card.key.as_str()), icon: card.icon.clone(), url: format!("/c/{}", card.key) }
}

/// Whether records are known by a number first of all.
pub fn is_numbered(card: &Card) -> bool {
    let first = card.title.paths().next();
    first.zip(card.numbering.as_ref()).is_some_and(|(first, numbering)| first.hops.is_empty() && first.leaf == numbering.field)
}

fn picture(card: &Card) -> Option<String> {
    card.table.own_fields().find(|field| matches!(&field.kind, FieldKind::File(file) if file.image && !file.multiple)).map(|field| field.key.to_string())
}

/// `GET /c/{card}`
pub async fn page(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let card = reader.asker.snapshot.card(&key)?.clone();
        let asked = ask(&reader, &card, Address::read(&pairs))?;
        build(&site, &reader, &asked).await
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "list/index.html", Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<ListPage, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let card = asked.card;
    let base = asked.base();
    let window = window(site, reader, asked).await?;
    let state = match (window.rows.is_empty(), asked.filter.is_some() || !asked.address.q.is_empty()) {
        (false, _) => ListState::Rows,
        (true, true) => ListState::NoMatch,
        (true, false) => ListState::Empty,
    };
    let chips = filter::chips(site, reader, asked).await?;
    let has_conditions = !asked.address.filter.is_empty() || !asked.address.q.is_empty();
    let clear = Address { view: asked.address.view.clone(), cols: asked.address.cols.clone(), sort: asked.address.sort.clone(), ..Address::default() };
    let has_totals = asked.columns.iter().any(|path| total_of(asked, path, snapshot).is_some());
    Ok(ListPage {
        card: head(card, &actor.lang),
        views: views(reader, asked),
        q: asked.address.q.clone(),
        filter: asked.address.filter.clone(),
        sort: asked.sort.clone(),
        cols: asked.address.cols.clone(),
        view: asked.address.view.clone(),
        chips,
        clear_url: has_conditions.then(|| clear.url(&base)),
        filter_url: asked.address.url(&format!("{base}/filter")),
        columns_url: asked.address.url(&format!("{base}/columns")),
        columns: columns(reader, asked),
        window,
        state,
        count_url: asked.address.url(&format!("{base}/count")),
        totals_url: has_totals.then(|| asked.address.url(&format!("{base}/totals"))),
        create_url: may(snapshot, actor, card, ActionName::Create).then(|| format!("{base}/new")),
        can_delete: may(snapshot, actor, card, ActionName::Delete),
        delete_url: format!("{base}/delete"),
        trash_url: may(snapshot, actor, card, ActionName::Restore).then(|| format!("{base}/trash")),
    })
}

fn views(reader: &Reader, asked: &Asked<'_>) -> Vec<ViewTab> {
    let lang = &reader.asker.actor.lang;
    let roles = &reader.asker.actor.roles;
    let visible = asked.card.views.iter().filter(|view| view.roles.is_empty() || view.roles.iter().any(|role| roles.contains(role)));
    let current = asked.view.map(|view| &view.id);
    let drawn: Vec<ViewTab> = visible.map(|view| ViewTab { id: view.id.to_string(), label: view.labels.or_key(lang, view.id.as_str()), url: url(&asked.base(), &[("view", view.id.as_str())]), current: current == Some(&view.id) }).collect();
    if drawn.is_empty() {
        return vec![ViewTab { id: String::new(), label: words::word("all", lang), url: asked.base(), current: true }];
    }
    drawn
}

