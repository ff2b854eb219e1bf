//! The list page, its windows of rows, its count and totals, and what is done to selected rows.

use app::{AppError, lists, records::remove};
use axum::{
    Form,
    extract::{Path as UrlPath, Query, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use model::{ActionName, Aggregate, Card, FieldKind, Path, Storage, TitlePart, View, path};
use query::{Count as Counting, ListRequest, TotalRequest};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Reader, cells::{self, Known}, filter, shell::may, url, words};
use crate::{
    Site,
    view::{Align, Avatar, CardHead, Column, ColumnChoice, ColumnsMenu, Count, ListPage, ListState, PhoneSlot, Row, RowsWindow, TotalsRow, ViewTab},
};

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
    let gate = access::gate(catalog, &reader.asker.actor, card_arc(reader, card)?, ActionName::Read)?;
    let readable = |path: &Path| if path.hops.is_empty() { gate.readable(None, &path.leaf) != access::Readable::Never } else { true };
    let named: Vec<Path> = address.cols.split(',').filter(|name| !name.is_empty()).filter_map(|name| path::resolve(catalog, &table, name).ok()).collect();
    let columns = match (named.is_empty(), view) {
        (false, _) => named,
        (true, Some(view)) if !view.columns.is_empty() => view.columns.iter().map(|(path, _)| path.clone()).collect(),
        _ => default_columns(catalog, card),
    };
    let columns: Vec<Path> = columns.into_iter().filter(|path| !path.is_many() && readable(path)).collect();
    let sort = if address.sort.is_empty() { view.and_then(|view| view.sort.clone()).unwrap_or_default() } else { address.sort.clone() };
    let own: Option<Json> = match address.filter.as_str() {
        "" => None,
        text => Some(serde_json::from_str(text).map_err(|error| AppError::malformed("bad_filter", format!("the filter is no JSON: {error}")))?),
    };
    let of_view = view.and_then(|view| view.filter.as_ref()).map(model::Filter::to_json);
    let filter = match (of_view, own) {
        (Some(view), Some(own)) => Some(json!({"all": [view, own]})),
        (view, own) => view.or(own),
    };
    Ok(Asked { card, address, view, columns, sort, filter })
}

fn card_arc<'r>(reader: &'r Reader, card: &Card) -> Result<&'r std::sync::Arc<Card>, AppError> {
    reader.asker.snapshot.card(card.key.as_str())
}

fn default_columns(catalog: &model::Catalog, card: &Card) -> Vec<Path> {
    model::build::default_columns(catalog, &card.table.reference(), None)
}

impl Asked<'_> {
    fn request(&self, extra: &[String]) -> ListRequest {
        let title: Vec<String> = self.card.title.paths().map(ToString::to_string).collect();
        let mut fields: Vec<String> = self.columns.iter().map(ToString::to_string).chain(title).collect();
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

fn picture(card: &Card) -> Option<String> {
    card.table.own_fields().find(|field| matches!(&field.kind, FieldKind::File(file) if file.image && !file.multiple)).map(|field| field.key.to_string())
}

fn columns(reader: &Reader, asked: &Asked<'_>) -> Vec<Column> {
    let catalog = &reader.asker.snapshot.catalog;
    let lang = &reader.asker.actor.lang;
    let base = asked.base();
    let names: Vec<String> = asked.columns.iter().map(ToString::to_string).collect();
    let first_sort = asked.sort.split(',').next().unwrap_or_default().trim().to_owned();
    let mut amount_taken = false;
    let mut status_taken = false;
    let with_cols = |names: &[String]| Address { cols: names.join(","), ..asked.address.clone() }.url(&base);
    let mut drawn = Vec::new();
    for (index, path) in asked.columns.iter().enumerate() {
        let Some(field) = path.field(catalog) else { continue };
        let kind = model::resolve::kind_of(path, field);
        let name = &names[index];
        let sortable = !matches!(field.storage, Storage::Side { .. } | Storage::Nowhere) && !matches!(kind, FieldKind::AnyLink { .. } | FieldKind::File(_) | FieldKind::Json { .. } | FieldKind::Geo | FieldKind::RichText);
        let sorted = match first_sort.strip_prefix('-') {
            Some(key) if key == name => Some("descending"),
            None if first_sort == *name => Some("ascending"),
            _ => None,
        };
        let sort_to = |text: String| Address { sort: text, ..asked.address.clone() }.url(&base);
        let swapped = |other: usize| {
            let mut names = names.clone();
            names.swap(index, other);
            with_cols(&names)
        };
        let without: Vec<String> = names.iter().filter(|other| *other != name).cloned().collect();
        let figure = cells::is_figure(&kind);
        let phone = match &kind {
            FieldKind::Decimal(_) if !amount_taken && index > 0 => {
                amount_taken = true;
                PhoneSlot::Amount
            }
            FieldKind::Choice { multiple: false, .. } if !status_taken && index > 0 => {
                status_taken = true;
                PhoneSlot::Status
            }
            _ => PhoneSlot::None,
        };
        drawn.push(Column {
            path: name.clone(),
            label: label(catalog, path, lang),
            icon: cells::icon(&kind).to_owned(),
            align: if figure { Align::End } else { Align::Start },
            width: asked.view.and_then(|view| view.columns.iter().find(|(known, _)| known == path)).and_then(|(_, width)| *width).unwrap_or(if index == 0 { 260 } else { width(&kind) }),
            sorted: sorted.map(str::to_owned),
            sort_url: sortable.then(|| sort_to(if sorted == Some("ascending") { format!("-{name}") } else { name.clone() })),
            asc_url: sortable.then(|| sort_to(name.clone())),
            desc_url: sortable.then(|| sort_to(format!("-{name}"))),
            left_url: (index > 1).then(|| swapped(index - 1)),
            right_url: (index > 0 && index + 1 < names.len()).then(|| swapped(index + 1)),
            hide_url: (index > 0).then(|| with_cols(&without)),
            filter_url: Some(asked.address.url_with(&format!("{base}/filter"), &[("field", name)])),
            phone,
        });
    }
    drawn
}

fn width(kind: &FieldKind) -> u16 {
    match kind {
        FieldKind::Boolean | FieldKind::Rating { .. } => 100,
        FieldKind::Integer { .. } => 96,
        FieldKind::Decimal(_) => 140,
        FieldKind::Date | FieldKind::Time => 124,
        FieldKind::Datetime => 156,
        FieldKind::Choice { multiple: false, .. } => 132,
        FieldKind::File(file) if file.image => 72,
        _ => 180,
    }
}

/// A column's heading: the field's, and before it the link it is reached through.
pub fn label(catalog: &model::Catalog, path: &Path, lang: &str) -> String {
    let own = path.field(catalog).map(|field| field.labels.or_key(lang, field.key.as_str())).unwrap_or_default();
    let via = path.hops.last().and_then(|hop| match hop {
        model::Hop::Link { target, .. } | model::Hop::Links { target, .. } | model::Hop::AnyLink { target, .. } => catalog.card(target).map(|card| card.labels.or_key(lang, target.as_str())),
        model::Hop::Child { .. } | model::Hop::Parent => None,
    });
    match via {
        Some(via) => format!("{via} · {own}"),
        None => own,
    }
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

/// A window of rows.
async fn window(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<RowsWindow, AppError> {
    let snapshot = &reader.asker.snapshot;
    let base = asked.base();
    let picture = picture(asked.card).filter(|key| !asked.columns.iter().any(|path| path.leaf == key.as_str()));
    let picture: Vec<String> = picture.into_iter().filter(|key| model::Ident::new(key).is_ok()).collect();
    let request = asked.request(&picture);
    let gated = match lists::ask(snapshot, &reader.asker.actor, asked.card.key.as_str(), &request) {
        // A picture that may not be seen is no reason to show no list.
        Err(AppError::Forbidden { .. }) if !picture.is_empty() => lists::ask(snapshot, &reader.asker.actor, asked.card.key.as_str(), &asked.request(&[]))?,
        other => other?,
    };
    let page = lists::page(&site.app, snapshot, &reader.asker.actor, &gated, &reader.asker.locale).await?;
    let known = Known { catalog: &snapshot.catalog, locale: &reader.asker.locale, titles: &page.titles, files: &page.files };
    let deletable = may(snapshot, &reader.asker.actor, asked.card, ActionName::Delete);
    let back = asked.address.url(&base);
    let from = back.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
    let find = |name: &str| page.columns.iter().position(|column| column.name == name);
    let mut rows = Vec::with_capacity(page.items.len());
    for (number, item) in page.items.iter().enumerate() {
        let cells = asked.columns.iter().filter_map(|path| {
            let index = find(&path.to_string())?;
            let field = path.field(&snapshot.catalog)?;
            Some(known.cell(field, &model::resolve::kind_of(path, field), &item.values[index]))
        });
        let cells: Vec<_> = cells.collect();
        let title_values: Vec<model::Value> = asked.card.title.0.iter().filter_map(|part| match part {
            TitlePart::Path(path) => Some(find(&path.to_string()).map(|index| item.values[index].clone()).unwrap_or_default()),
            TitlePart::Words(_) => None,
        }).collect();
        let title = app::titles::text(&snapshot.catalog, asked.card, &title_values, &reader.asker.locale);
        let mut avatar = Avatar::of(&title);
        avatar.image = picture.first().and_then(|key| find(key)).and_then(|index| item.values[index].as_id()).map(|id| format!("/files/{id}"));
        let meta: Vec<String> = cells.iter().skip(1).map(|cell| cell.text.clone()).filter(|text| !text.is_empty()).take(2).collect();
        rows.push(Row {
            id: item.id.to_string(),
            index: number as u64 + 1,
            url: if from.is_empty() { format!("{base}/{}", item.id) } else { url(&format!("{base}/{}", item.id), &[("from", &from)]) },
            title,
            avatar: Some(avatar),
            cells,
            meta: meta.join(" · "),
            deletable,
        });
    }
    let next_url = page.next.as_ref().map(|next| asked.address.url_with(&format!("{base}/rows"), &[("after", next)]));
    Ok(RowsWindow { rows, columns: columns(reader, asked), url: asked.address.url_with(&format!("{base}/rows"), &[("after", &asked.address.after)]), next_url })
}

/// `GET /c/{card}/rows`
pub async fn rows(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let card = reader.asker.snapshot.card(&key)?.clone();
        let asked = ask(&reader, &card, Address::read(&pairs))?;
        window(&site, &reader, &asked).await
    };
    match answer.await {
        Ok(window) => reader.draw(&site, "list/rows.html", Some(&key), &window),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `GET /c/{card}/count`: up to 10,000 exactly, beyond that "at least"; exactly on demand.
pub async fn count(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let card = reader.asker.snapshot.card(&key)?.clone();
        let asked = ask(&reader, &card, Address::read(&pairs))?;
        let exact = pairs.iter().any(|(name, value)| name == "exact" && value == "1");
        let request = ListRequest { count: if exact { Counting::Exact } else { Counting::Estimate }, limit: Some(1), ..asked.request(&[]) };
        let gated = lists::ask(&reader.asker.snapshot, &reader.asker.actor, &key, &request)?;
        let counted = lists::count(&site.app, &reader.asker.snapshot, &gated).await?.unwrap_or(lists::Counted { value: 0, exact: true });
        let number = form::format::number_text(counted.value.into(), 0, &reader.asker.locale);
        Ok::<_, AppError>(Count {
            text: if counted.exact { number } else { format!("{number}+") },
            exact: counted.exact,
            exact_url: asked.address.url_with(&format!("{}/count", asked.base()), &[("exact", "1")]),
            rows: if counted.exact { counted.value } else { -1 },
        })
    };
    match answer.await {
        Ok(count) => reader.draw(&site, "list/count.html", Some(&key), &count),
        Err(error) => reader.failed(&site, &error),
    }
}

/// The total a column has: the view's own choice, else the sum of money.
fn total_of(asked: &Asked<'_>, path: &Path, snapshot: &app::Snapshot) -> Option<Aggregate> {
    let chosen = asked.view.and_then(|view| view.totals.iter().find(|(known, _)| known == path)).map(|(_, function)| *function);
    let field = path.field(&snapshot.catalog)?;
    chosen.or_else(|| matches!(&field.kind, FieldKind::Decimal(settings) if settings.flavour == model::DecimalFlavour::Money && field.column().is_some() && path.hops.is_empty()).then_some(Aggregate::Sum))
}

/// `GET /c/{card}/totals`
pub async fn totals(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let asked = ask(&reader, &card, Address::read(&pairs))?;
        let wanted: Vec<Option<Aggregate>> = asked.columns.iter().map(|path| total_of(&asked, path, snapshot)).collect();
        let totals = asked.columns.iter().zip(&wanted).filter_map(|(path, function)| Some(TotalRequest { field: path.to_string(), function: (*function)? })).collect();
        let request = ListRequest { totals, limit: Some(1), ..asked.request(&[]) };
        let gated = lists::ask(snapshot, &reader.asker.actor, &key, &request)?;
        let mut values = lists::totals(&site.app, snapshot, &gated).await?.into_iter();
        let one = |(path, function): (&Path, &Option<Aggregate>)| {
            function.as_ref()?;
            let value = values.next()?;
            let field = path.field(&snapshot.catalog)?;
            Some(form::format::text(&field.kind, &value, &reader.asker.locale)).filter(|text| !text.is_empty())
        };
        let texts = asked.columns.iter().zip(&wanted).map(one).collect();
        Ok::<_, AppError>(TotalsRow { totals: texts, columns: columns(&reader, &asked) })
    };
    match answer.await {
        Ok(totals) => reader.draw(&site, "list/totals.html", Some(&key), &totals),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `GET /c/{card}/columns`: which columns there could be.
pub async fn choose_columns(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = || {
        let snapshot = &reader.asker.snapshot;
        let card = snapshot.card(&key)?.clone();
        let asked = ask(&reader, &card, Address::read(&pairs))?;
        let lang = &reader.asker.actor.lang;
        let choice = |path: &Path, shown: bool, fixed: bool| {
            let kind = path.field(&snapshot.catalog).map(|field| field.kind.clone());
            ColumnChoice { path: path.to_string(), label: label(&snapshot.catalog, path, lang), via: None, icon: kind.as_ref().map_or("text", cells::icon).to_owned(), shown, fixed }
        };
        let mut all: Vec<ColumnChoice> = asked.columns.iter().enumerate().map(|(index, path)| choice(path, true, index == 0)).collect();
        let gate = access::gate(&snapshot.catalog, &reader.asker.actor, snapshot.card(&key)?, ActionName::Read)?;
        for field in card.table.own_fields().chain(card.table.fields.values().filter(|field| matches!(field.key.as_str(), "owner" | "created_at" | "created_by" | "updated_at"))) {
            let readable = !field.secret && gate.readable(None, &field.key) != access::Readable::Never;
            let path = path::resolve(&snapshot.catalog, &card.table.reference(), field.key.as_str());
            if let Ok(path) = path
                && readable && !path.is_many() && !all.iter().any(|known| known.path == path.to_string()) {
                    all.push(choice(&path, false, false));
                }
        }
        let reset = Address { cols: String::new(), ..asked.address.clone() };
        Ok::<_, AppError>(ColumnsMenu { action: reset.url(&asked.base()), columns: all, reset_url: reset.url(&asked.base()) })
    };
    match answer() {
        Ok(menu) => reader.draw(&site, "list/columns.html", Some(&key), &menu),
        Err(error) => reader.failed(&site, &error),
    }
}

fn ids(fields: &[(String, String)]) -> Vec<Uuid> {
    fields.iter().filter(|(name, _)| name == "ids").flat_map(|(_, ids)| ids.split(',')).filter_map(|id| Uuid::try_parse(id.trim()).ok()).collect()
}

/// `POST /c/{card}/delete` with `ids`: answers which are gone, and why others are not.
pub async fn delete(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let mut gone = Vec::new();
    let mut problems = Vec::new();
    for id in ids(&fields) {
        match remove::delete(&site.app, &reader.asker.actor, &key, id).await {
            Ok(_) => gone.push(id.to_string()),
            Err(error) => problems.push((id, error)),
        }
    }
    outcome(&reader, "deleted", &gone, problems)
}

/// `POST /c/{card}/restore` with `ids`.
pub async fn restore(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let mut back = Vec::new();
    let mut problems = Vec::new();
    for id in ids(&fields) {
        match remove::restore(&site.app, &reader.asker.actor, &key, id).await {
            Ok(()) => back.push(id.to_string()),
            Err(error) => problems.push((id, error)),
        }
    }
    outcome(&reader, "restored", &back, problems)
}

/// What was done to each: `{"deleted": [ids], "problems": [{"id", "detail"}]}`. Nothing done at all is an error.
fn outcome(reader: &Reader, word: &str, done: &[String], problems: Vec<(Uuid, AppError)>) -> Response {
    let lang = &reader.asker.actor.lang;
    let status = match (done.is_empty(), problems.first()) {
        (true, Some((_, error))) => crate::problem::status(error),
        _ => StatusCode::OK,
    };
    let told: Vec<Json> = problems.iter().map(|(id, error)| json!({"id": id.to_string(), "detail": crate::problem::document(error, lang)["detail"]})).collect();
    let body = json!({word: done, "problems": told});
    let mut response = (status, axum::Json(body)).into_response();
    response.headers_mut().insert(HeaderName::from_static("x-done"), HeaderValue::from(done.len()));
    response
}

/// The neighbours of a record in the list it was opened from, as far as one window reaches.
pub async fn neighbours(site: &Site, reader: &Reader, card: &Card, from: &str, id: Uuid) -> Result<(Option<String>, Option<String>, Option<String>), AppError> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(from.as_bytes()).into_owned().collect();
    let asked = ask(reader, card, Address::read(&pairs))?;
    let request = ListRequest { fields: Some(vec!["id".into()]), limit: Some(query::MAX_LIMIT), ..asked.request(&[]) };
    let gated = lists::ask(&reader.asker.snapshot, &reader.asker.actor, card.key.as_str(), &request)?;
    let page = lists::page(&site.app, &reader.asker.snapshot, &reader.asker.actor, &gated, &reader.asker.locale).await?;
    let Some(at) = page.items.iter().position(|item| item.id == id) else { return Ok((None, None, None)) };
    let link = |index: usize| page.items.get(index).map(|item| url(&format!("/c/{}/{}", card.key, item.id), &[("from", from)]));
    let text = if page.next.is_none() { format!("{} / {}", at + 1, page.items.len()) } else { format!("{}", at + 1) };
    Ok((at.checked_sub(1).and_then(link), link(at + 1), Some(text)))
}

