//! The list page.

mod actions;
mod address;
mod board;
mod calendar;
mod columns;
mod emphasis;
mod export;
mod figures;
mod groups;
mod kept;
mod kinds;
mod window;

pub(super) use actions::ids;
pub use actions::{act, delete, restore};
pub use address::Address;
pub use board::lanes;
pub use columns::{choose_columns, label};
pub use export::{export, export_selected};
pub use figures::{count, totals};
pub use groups::groups;
pub use kept::keep;
pub use window::{neighbours, rows};

use app::{AppError, views::{self, Listed}};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{ActionName, Aggregate, Card, FieldKind, Filter, GroupDef, Ident, Path, View, ViewDef, ViewKind, path, resolve_view};
use query::ListRequest;
use serde_json::{Value as Json, json};

use super::{Reader, builder, filter, shell::{may, may_make}, url, views as tabs};
use crate::{
    Site,
    view::{self, CardHead, Layout, ListPage, ListState},
};
use kept::Kept;
use window::{Inside, window};

/// Rows of one window.
const WINDOW: u32 = 100;

/// What a list shows: the view it begins with, and the address before it.
pub struct Asked<'a> {
    pub card: &'a Card,
    pub address: Address,
    /// The views there are for this reader, in their order.
    pub views: Vec<Listed>,
    /// The view it begins with.
    pub base: Option<Listed>,
    /// What is shown: the view, with what the address says in its place.
    pub list: View,
    /// It is not the view any more.
    pub changed: bool,
    /// The columns that this reader may see.
    pub columns: Vec<Path>,
    /// What the title is made of, as far as this reader may see it.
    title: Vec<String>,
    pub sort: String,
    /// The filter, with answers in the place of parameters.
    pub filter: Option<Json>,
    /// Parameters that must be answered first.
    pub open: Vec<String>,
    /// How records are drawn.
    pub kind: ViewKind,
    /// Of a board or a calendar: by which field; until when records last.
    pub by: Option<Path>,
    pub until: Option<Path>,
    /// Levels of grouping, outermost first.
    pub groups: Vec<GroupDef>,
    /// Totals of the columns shown.
    pub totals: Vec<(Path, Aggregate)>,
    /// Columns as this reader likes them.
    pub kept: Kept,
}

/// Reads an address against the card.
pub async fn ask<'a>(site: &Site, reader: &'a Reader, card: &'a Card, address: Address) -> Result<Asked<'a>, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let catalog = &snapshot.catalog;
    // The gate first: who may not see the card learns nothing of its fields.
    access::gate(catalog, actor, snapshot.card(card.key.as_str())?, ActionName::Read)?;
    let all = views::all(&site.app, snapshot, actor, card).await?;
    let base = match address.view.as_str() {
        "" => views::first(actor, card, &all).cloned(),
        id => Some(all.iter().find(|listed| listed.view.id == id).cloned().ok_or_else(|| AppError::not_found("list"))?),
    };
    let table = card.table.reference();
    let written = written(base.as_ref())?;
    let asked = resolve_view(catalog, &table, &address.over(written.clone())?).0;
    let changed = base.is_some() && resolve_view(catalog, &table, &written).0.written(kept_id()?) != asked.written(kept_id()?);
    // What somebody likes is between the two: it is shown and saved, but the view is not another one by it.
    let kept = Kept::of(reader, card.key.as_str(), base.as_ref().map_or("", |listed| listed.view.id.as_str()));
    let list = if address.cols.is_empty() { kept.over(catalog, &table, asked) } else { asked };
    let columns = if list.columns.is_empty() { model::build::default_columns(catalog, &table, None) } else { list.columns.iter().map(|(path, _)| path.clone()).collect() };
    let columns: Vec<Path> = columns.into_iter().filter(|path| !path.is_many() && reader.may_show(path)).collect();
    let title = card.title.paths().filter(|path| reader.may_show(path)).map(ToString::to_string).collect();
    // An order that the view brings along, and this reader may not see, is none; one that was asked for is refused.
    let sort = list.sort.clone().filter(|sort| !address.sort.is_empty() || may_sort(reader, card, sort)).unwrap_or_default();
    let answers = address.answers();
    let filter = list.filter.as_ref().and_then(|filter| answers.fill(filter, &list.parameters)).filter(|filter| *filter != Filter::always());
    let open = filter.iter().flat_map(model::view::parameters).map(|(name, _)| name).collect();
    let (kind, by, until) = kinds::drawn(reader, card, &list, &columns);
    let groups = groups::asked(reader, card, &list, &address);
    let totals = figures::asked(reader, &list, &address, &columns);
    Ok(Asked { card, address, views: all, base, list, changed, columns, title, sort, filter: filter.map(|filter| filter.to_json()), open, kind, by, until, groups, totals, kept })
}

fn kept_id() -> Result<Ident, AppError> {
    Ident::new("kept").map_err(|error| AppError::Internal(error.to_string()))
}

fn written(base: Option<&Listed>) -> Result<ViewDef, AppError> {
    match base {
        Some(listed) => Ok(listed.view.written(kept_id()?)),
        None => serde_json::from_value(json!({"id": "kept"})).map_err(|error| AppError::Internal(error.to_string())),
    }
}

/// Whether this reader may see what a list's own order is made from.
fn may_sort(reader: &Reader, card: &Card, sort: &str) -> bool {
    let (catalog, actor) = (&reader.asker.snapshot.catalog, &reader.asker.actor);
    sort.split(',').filter_map(|key| path::resolve(catalog, &card.table.reference(), key.trim().trim_start_matches('-')).ok()).all(|path| access::may_name(catalog, actor, &path))
}

impl Asked<'_> {
    /// The filter, and the one of the part of the list that is meant.
    fn narrowed(&self, within: Option<Json>) -> Option<Json> {
        match (self.filter.clone(), within) {
            (Some(all), Some(within)) => Some(json!({"all": [all, within]})),
            (all, within) => all.or(within),
        }
    }

    /// Whether rows are drawn below heads of groups.
    pub fn is_grouped(&self) -> bool {
        matches!(self.kind, ViewKind::Table | ViewKind::Chart) && !self.groups.is_empty()
    }

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

    /// What a parameter is called, where its view says so.
    pub fn parameter_label(&self, name: &str, lang: &str) -> Option<String> {
        self.list.parameters.get(name)?.labels.get(lang).map(str::to_owned)
    }

    pub fn base(&self) -> String {
        format!("/c/{}", self.card.key)
    }
}

/// What a page says about its card.
pub fn head(card: &Card, lang: &str) -> CardHead {
    CardHead { key: card.key.to_string(), label: card.labels.or_key(lang, card.key.as_str()), plural: card.plurals.or_key(lang, card.key.as_str()), icon: card.icon.clone(), url: format!("/c/{}", card.key) }
}

/// Buttons that run a script on each of the selected records.
fn bulk_actions(reader: &Reader, card: &Card) -> Vec<view::Action> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let one = |action: &model::Action| view::Action { label: action.labels.or_key(&actor.lang, action.id.as_str()), icon: action.icon.clone(), url: format!("/c/{}/actions/{}", card.key, action.id), post: true, ..view::Action::default() };
    app::scripts::offered(snapshot, actor, card).into_iter().filter(|action| action.list).map(one).collect()
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
        app::lists::may_see(&reader.asker.snapshot, &reader.asker.actor, &key)?;
        match ask(&site, &reader, &card, Address::read(&pairs)).await {
            Ok(asked) => build(&site, &reader, &asked).await,
            // A view that is not there, or a filter that makes no sense, is said inside the list.
            Err(error @ (AppError::NotFound { .. } | AppError::Malformed { .. })) => {
                let asked = ask(&site, &reader, &card, Address::default()).await?;
                tabs::instead(&reader, frame(&site, &reader, &asked).await?, &error)
            }
            Err(error) => Err(error),
        }
    };
    match answer.await {
        Ok(page) => {
            let mut response = reader.draw(&site, "list/index.html", Some(&key), &page);
            *response.status_mut() = page.state.status();
            response
        }
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<ListPage, AppError> {
    let page = frame(site, reader, asked).await?;
    if !asked.open.is_empty() {
        return Ok(ListPage { state: ListState::Ask { form: builder::ask_form(site, reader, asked).await? }, totals_url: None, count_url: String::new(), ..page });
    }
    match body(site, reader, asked).await {
        Ok((body, empty)) => {
            let state = match (empty, asked.filter.is_some() || !asked.address.q.is_empty()) {
                (false, _) => ListState::Rows,
                (true, true) => ListState::NoMatch,
                (true, false) => ListState::Empty,
            };
            Ok(ListPage { window: body.window, groups: body.groups, board: body.board, calendar: body.calendar, state, ..page })
        }
        Err(error) => tabs::refused(reader, page, error),
    }
}

/// Rows, groups, lanes or days, and whether there are none.
async fn body(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<(ListPage, bool), AppError> {
    let mut page = ListPage::default();
    let mut empty = false;
    match asked.kind {
        ViewKind::Board => page.board = Some(board::draw(site, reader, asked).await?),
        ViewKind::Calendar => page.calendar = Some(calendar::draw(site, reader, asked).await?),
        _ if asked.is_grouped() => {
            let heads = groups::heads(site, reader, asked, 0, None).await?;
            empty = heads.groups.is_empty();
            page.groups = Some(heads);
        }
        _ => {
            page.window = window(site, reader, asked, &Inside::default()).await?;
            empty = page.window.rows.is_empty();
        }
    }
    Ok((page, empty))
}

/// All of the page but its rows.
async fn frame(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Result<ListPage, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let (card, base, address) = (asked.card, asked.base(), &asked.address);
    let chips = filter::chips(site, reader, asked).await?;
    let has_conditions = !chips.is_empty() || !address.q.is_empty();
    let clear = Address { q: String::new(), filter: filter::no_filter(asked), ..address.clone() };
    Ok(ListPage {
        card: head(card, &actor.lang),
        bar: tabs::bar(site, reader, asked),
        q: address.q.clone(),
        keep: address.pairs().into_iter().filter(|(name, _)| *name != "q").map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        chips,
        clear_url: has_conditions.then(|| clear.url(&base)),
        filter_url: address.url(&format!("{base}/filter")),
        columns_url: address.url(&format!("{base}/columns")),
        columns: columns::marked(site, reader, asked).await?,
        count_url: address.url(&format!("{base}/count")),
        kind: asked.kind,
        kinds: kinds::ways(reader, asked),
        group_bar: groups::bar(reader, asked),
        layout: Layout { url: format!("{base}/layout"), view: asked.base.as_ref().map(|listed| listed.view.id.clone()).unwrap_or_default(), shared: !address.cols.is_empty(), changed: asked.kept != Kept::default(), pinned: asked.kept.pinned.max(1) },
        rows_url: address.url(&format!("{base}/rows")),
        totals_url: matches!(asked.kind, ViewKind::Table | ViewKind::Chart).then(|| address.url(&format!("{base}/totals"))),
        create_url: may_make(snapshot, actor, card).then(|| format!("{base}/new")),
        bulk_actions: bulk_actions(reader, card),
        bulk_offers: super::bulk::offers(reader, card).into_iter().map(str::to_owned).collect(),
        can_delete: may(snapshot, actor, card, ActionName::Delete),
        delete_url: format!("{base}/delete"),
        duplicates_url: (!card.duplicates.is_empty()).then(|| format!("{base}/duplicates")),
        trash_url: may(snapshot, actor, card, ActionName::Restore).then(|| format!("{base}/trash")),
        import_url: may(snapshot, actor, card, ActionName::Import).then(|| format!("{base}/import")),
        export_url: may(snapshot, actor, card, ActionName::Export).then(|| asked.address.url_with(&format!("{base}/export"), &[("format", "xlsx")])),
        export_csv_url: may(snapshot, actor, card, ActionName::Export).then(|| asked.address.url_with(&format!("{base}/export"), &[("format", "csv")])),
        ..ListPage::default()
    })
}
