//! Folders of records: a folder's page, and filling one from records and lists.
//!
//! **Not here:** making and sharing folders (`keep`), what a folder is (`app::folders`).

mod keep;

pub use keep::{arrange, change, create, delete, edit_form, new_form, restore};

use app::{AppError, folders::{self, Folder}, lists};
use axum::{
    Json,
    extract::{Path as UrlPath, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use model::{Ident, Path};
use query::{Count as Counting, ListRequest};
use serde_json::json;
use uuid::Uuid;

use super::{Reader, cells::Known, list, url, words};
use crate::{
    Site,
    extract::Form,
    view::{Avatar, FolderAction, FolderCard, FolderChoice, FolderCounts, FolderItem, FolderMenu, FolderPage, FolderRow},
};
use crate::pages::trimmed as get;

/// Records of one card that a folder's page shows; the list has all.
const SHOWN: u32 = 50;
/// Fields of each beside its title.
const FIELDS: usize = 4;

/// What can be done with everybody in a folder. Whoever can write to people registers here: an action that has nothing
/// to say about a folder gives none, and its button is not drawn.
type Action = fn(&Reader, &Folder) -> Option<FolderAction>;
const ACTIONS: &[Action] = &[];

type Pairs = Vec<(String, String)>;

fn folder_id(text: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found("folder"))
}

fn ids(fields: &[(String, String)]) -> Vec<Uuid> {
    fields.iter().filter(|(name, _)| name == "ids").flat_map(|(_, ids)| ids.split(',')).filter_map(|id| Uuid::try_parse(id.trim()).ok()).collect()
}

/// On to a page: scripts are told where, and what to say.
fn go(reader: &Reader, to: &str, said: Option<String>, undo: Option<(String, Vec<String>)>) -> Response {
    if !reader.fragment {
        return Redirect::to(to).into_response();
    }
    let undo = undo.map(|(url, ids)| json!({"url": url, "ids": ids}));
    Json(json!({"url": to, "text": said, "undo": undo})).into_response()
}

fn item(folder: &Folder) -> FolderItem {
    FolderItem {
        id: folder.id.to_string(),
        label: folder.name.clone(),
        tone: super::cells::tone(Some(folder.tone)),
        url: format!("/fav/{}", folder.id),
        current: false,
        shared: folder.is_shared(),
        may_fill: folder.may_fill,
    }
}

/// Whose a folder is, and who else sees it.
fn origin(site: &Site, reader: &Reader, folder: &Folder) -> String {
    let (actor, catalog) = (&reader.asker.actor, &reader.asker.snapshot.catalog);
    if !folder.is_owned(actor) {
        return reader.t(site, "views.shared_by", &[("who", &folder.owner_name)]);
    }
    let name = |role: &Ident| catalog.roles.get(role).map_or_else(|| model::humanize(role.as_str()), |known| known.labels.or_key(&actor.lang, role.as_str()));
    let names: Vec<String> = folder.fillers.iter().chain(&folder.lookers).map(name).collect();
    if names.is_empty() { reader.t(site, "fav.mine", &[]) } else { reader.t(site, "views.shared_with", &[("who", &names.join(", "))]) }
}

/// `GET /fav/{folder}`
pub async fn page(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let answer = async {
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let folder = folders::find(&site.app, actor, folder_id(&id)?).await?;
        let mut cards = Vec::new();
        for card in folders::cards(&site.app, snapshot, actor, folder.id).await? {
            cards.push(records(&site, &reader, &folder, &card).await?);
        }
        // Records that were deleted, or are not this reader's to see, leave nothing behind.
        cards.retain(|card: &FolderCard| !card.rows.is_empty());
        let owned = folder.is_owned(actor);
        Ok::<_, AppError>(FolderPage {
            origin: origin(&site, &reader, &folder),
            edit_url: owned.then(|| format!("/fav/{id}/edit")),
            delete_url: owned.then(|| format!("/fav/{id}/delete")),
            remove_url: folder.may_fill.then(|| format!("/fav/{id}/remove")),
            actions: ACTIONS.iter().filter_map(|action| action(&reader, &folder)).collect(),
            folder: item(&folder),
            cards,
        })
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "favourites/page.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// The first records of one card in a folder, with the first columns of that card's own list.
async fn records(site: &Site, reader: &Reader, folder: &Folder, key: &Ident) -> Result<FolderCard, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let card = snapshot.card(key.as_str())?.clone();
    let views = app::views::all(&site.app, snapshot, actor, &card).await?;
    let table = card.table.reference();
    let own = app::views::first(actor, &card, &views).map(|listed| listed.view.columns.iter().map(|(path, _)| path.clone()).collect::<Vec<Path>>()).filter(|columns| !columns.is_empty());
    let title: Vec<String> = card.title.paths().filter(|path| reader.may_show(path)).map(ToString::to_string).collect();
    let columns = own.unwrap_or_else(|| model::build::default_columns(&snapshot.catalog, &table, None));
    let columns: Vec<Path> = columns.into_iter().filter(|path| !path.is_many() && reader.may_show(path) && !title.contains(&path.to_string())).take(FIELDS).collect();
    let fields = columns.iter().map(ToString::to_string).chain(title.iter().cloned()).collect();
    let request = ListRequest { fields: Some(fields), limit: Some(SHOWN), count: Counting::Exact, ..folders::request(folder.id) };
    let gated = lists::ask(snapshot, actor, key.as_str(), &request)?;
    let page = lists::page(&site.app, snapshot, actor, &gated, &reader.asker.locale).await?;
    let count = lists::count(&site.app, snapshot, &gated).await?.map_or(0, |counted| counted.value);
    let known = Known { catalog: &snapshot.catalog, locale: &reader.asker.locale, titles: &page.titles, files: &page.files };
    let row = |item: &lists::Item| {
        let cell = |path: &Path| {
            let at = page.columns.iter().position(|column| column.name == path.to_string())?;
            let field = path.field(&snapshot.catalog)?;
            Some(known.cell(field, &model::resolve::kind_of(path, field), &item.values[at]))
        };
        let title = words::title(reader, &card, &page.columns, &item.values);
        FolderRow { id: item.id.to_string(), url: format!("/c/{key}/{}", item.id), avatar: (!list::is_numbered(&card)).then(|| Avatar::of(&title)), title, cells: columns.iter().filter_map(cell).collect() }
    };
    let filter = json!({"field": "id", "op": "in_folder", "value": folder.id.to_string()}).to_string();
    Ok(FolderCard {
        card: list::head(&card, &actor.lang),
        count: form::format::number_text(count.into(), 0, &reader.asker.locale),
        list_url: url(&format!("/c/{key}"), &[("filter", &filter)]),
        headings: columns.iter().map(|path| list::label(&snapshot.catalog, path, &actor.lang)).collect(),
        rows: page.items.iter().map(row).collect(),
        more: page.next.is_some(),
    })
}

/// `GET /fav/menu/{card}/{record}`: in which folders a record stands, to put it in and take it out.
pub async fn menu(State(site): State<Site>, UrlPath((card, record)): UrlPath<(String, String)>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&record).map_err(|_| AppError::not_found("record"))?;
        let holding = folders::holding(&site.app, &reader.asker.snapshot, &reader.asker.actor, &card, id).await?;
        let choice = |folder: &Folder| FolderChoice { folder: item(folder), holds: holding.contains(&folder.id) };
        Ok::<_, AppError>(FolderMenu { card: card.clone(), record: record.clone(), folders: reader.folders.iter().filter(|folder| folder.may_fill).map(choice).collect() })
    };
    match answer.await {
        Ok(menu) => reader.draw(&site, if reader.fragment { "favourites/menu.html" } else { "favourites/menu_page.html" }, None, &menu),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `GET /fav/choose?card=CARD`: where the selected records may be put.
pub async fn choose(State(site): State<Site>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let folders = reader.folders.iter().filter(|folder| folder.may_fill).map(|folder| FolderChoice { folder: item(folder), holds: false }).collect();
    let menu = FolderMenu { card: get(&pairs, "card").to_owned(), record: String::new(), folders };
    reader.draw(&site, if reader.fragment { "favourites/menu.html" } else { "favourites/menu_page.html" }, None, &menu)
}

/// `POST /fav/{folder}/add` with `card`, and `ids` or the `query` of a list's address.
pub async fn add(State(site): State<Site>, UrlPath(id): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        // What is taken back names the card in the address.
        let card = Some(get(&fields, "card")).filter(|card| !card.is_empty()).unwrap_or_else(|| get(&pairs, "card"));
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let folder = folders::find(&site.app, actor, folder_id(&id)?).await?;
        let records = match get(&fields, "query") {
            "" => ids(&fields),
            query => matching(&site, &reader, card, query).await?,
        };
        let added = folders::add(&site.app, snapshot, actor, folder.id, card, &records).await?;
        let said = reader.t(&site, "fav.added", &[("count", &added.to_string()), ("what", &folder.name)]);
        Ok(go(&reader, &format!("/fav/{id}"), Some(said), Some((format!("/fav/{id}/remove"), records.iter().map(Uuid::to_string).collect()))))
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// Every record that the list of an address has, up to what a folder holds.
async fn matching(site: &Site, reader: &Reader, card: &str, address: &str) -> Result<Vec<Uuid>, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let card = snapshot.card(card)?.clone();
    let pairs: Pairs = form_urlencoded::parse(address.as_bytes()).into_owned().collect();
    let asked = list::ask(site, reader, &card, list::Address::read(&pairs)).await?;
    let mut request = ListRequest { filter: asked.filter.clone(), q: Some(asked.address.q.clone()).filter(|q| !q.is_empty()), fields: Some(vec!["id".into()]), limit: Some(query::MAX_LIMIT), ..ListRequest::default() };
    let mut found = Vec::new();
    loop {
        let gated = lists::ask(snapshot, actor, card.key.as_str(), &request)?;
        let page = lists::page(&site.app, snapshot, actor, &gated, &reader.asker.locale).await?;
        found.extend(page.items.iter().map(|item| item.id));
        request.cursor = page.next;
        if request.cursor.is_none() || found.len() > folders::MOST_RECORDS {
            return Ok(found);
        }
    }
}

/// `POST /fav/{folder}/remove` with `ids`.
pub async fn remove(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let actor = &reader.asker.actor;
        let folder = folders::find(&site.app, actor, folder_id(&id)?).await?;
        let records = ids(&fields);
        folders::remove(&site.app, actor, folder.id, &records).await?;
        let said = reader.t(&site, "fav.removed", &[("count", &records.len().to_string()), ("what", &folder.name)]);
        let undo = Some(get(&fields, "card")).filter(|card| !card.is_empty()).map(|card| (url(&format!("/fav/{id}/add"), &[("card", card)]), records.iter().map(Uuid::to_string).collect()));
        Ok(go(&reader, &format!("/fav/{id}"), Some(said), undo))
    };
    answer.await.unwrap_or_else(|error: AppError| reader.failed(&site, &error))
}

/// `GET /fav/counts`: how many records of each folder this reader sees, told after the page stands there.
pub async fn counts(State(site): State<Site>, reader: Reader) -> Response {
    let answer = async {
        let mut counts = Vec::new();
        for folder in &reader.folders {
            let count = folders::count(&site.app, &reader.asker.snapshot, &reader.asker.actor, folder.id).await?;
            counts.push((folder.id.to_string(), form::format::number_text(count.into(), 0, &reader.asker.locale)));
        }
        Ok::<_, AppError>(FolderCounts { counts })
    };
    match answer.await {
        Ok(counts) => reader.draw(&site, "favourites/counts.html", None, &counts),
        Err(error) => reader.failed(&site, &error),
    }
}
