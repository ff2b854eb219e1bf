//! Keeping views: the dialog, and what is done with one. Every form also works without scripts.

use app::{AppError, lists, views::{self, Listed, Wanted}};
use axum::{
    Json,
    extract::{Path as UrlPath, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use model::{Card, Ident};
use query::{Count as Counting, ListRequest};
use serde_json::json;

use super::{Reader, url};
use crate::{
    Site,
    extract::Form,
    pages::list::{self, Address, Asked, ask},
    view::{Choice, ViewCounts, ViewForm},
};
use crate::pages::trimmed as get;

type Pairs = Vec<(String, String)>;
type ListPath = UrlPath<String>;
type ViewPath = UrlPath<(String, String)>;

/// Most views counted at once.
const MOST_COUNTED: usize = 12;

/// Goes to a list: scripts are told where, others are sent there.
fn go(site: &Site, reader: &Reader, to: &str, said: Option<&str>, undo: Option<(String, &str)>) -> Response {
    if !reader.fragment {
        return Redirect::to(to).into_response();
    }
    let said = said.map(|key| reader.t(site, key, &[]));
    let undo = undo.map(|(url, id)| json!({"url": url, "ids": [id]}));
    Json(json!({"url": to, "text": said, "undo": undo})).into_response()
}

fn answered(site: &Site, reader: &Reader, answer: Result<Response, AppError>) -> Response {
    answer.unwrap_or_else(|error| reader.failed(site, &error))
}

/// The groups a view may be shared with.
fn roles(reader: &Reader, chosen: &[Ident]) -> Vec<Choice> {
    let (catalog, lang) = (&reader.asker.snapshot.catalog, &reader.asker.actor.lang);
    let choice = |(key, role): (&Ident, &model::Role)| Choice { value: key.to_string(), text: role.labels.or_key(lang, key.as_str()), selected: chosen.contains(key) };
    catalog.roles.iter().map(choice).collect()
}

fn view_form(site: &Site, reader: &Reader, asked: &Asked<'_>, action: String, of: Option<&Listed>) -> ViewForm {
    let lang = &reader.asker.actor.lang;
    let mut folders: Vec<String> = asked.views.iter().map(|listed| listed.folder(lang)).filter(|folder| !folder.is_empty()).collect();
    folders.sort();
    folders.dedup();
    let kept = of.and_then(|of| of.kept.as_ref());
    ViewForm {
        card: list::head(asked.card, lang),
        exists: of.is_some(),
        name: of.map(|of| of.name(lang)).unwrap_or_default(),
        folder: kept.map(|kept| kept.folder.clone()).unwrap_or_default(),
        folders,
        roles: roles(reader, kept.map_or(&[], |kept| &kept.roles)),
        summary: summary(site, reader, asked),
        action,
        error: None,
    }
}

/// Columns and order of a list, in words.
pub fn summary(site: &Site, reader: &Reader, asked: &Asked<'_>) -> String {
    let (lang, catalog) = (&reader.asker.actor.lang, &reader.asker.snapshot.catalog);
    let first = asked.sort.split(',').next().unwrap_or_default();
    let by = model::path::resolve(catalog, &asked.card.table.reference(), first.trim_start_matches('-')).ok().map(|path| list::label(catalog, &path, lang));
    let arrow = if first.starts_with('-') { "↓" } else { "↑" };
    let columns = reader.t(site, "views.columns", &[("count", &asked.columns.len().to_string())]);
    by.map_or(columns.clone(), |by| format!("{columns} · {} {arrow}", reader.t(site, "views.by", &[("what", &by)])))
}

/// `GET /c/{card}/views/new`: the dialog that keeps the list of this address.
pub async fn new_form(State(site): State<Site>, UrlPath(key): ListPath, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async {
        let card = reader.asker.snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        Ok(new_form_of(&site, &reader, &asked))
    };
    answered(&site, &reader, answer.await)
}

/// The dialog that keeps a list.
pub fn new_form_of(site: &Site, reader: &Reader, asked: &Asked<'_>) -> Response {
    let action = asked.address.url(&format!("{}/views", asked.base()));
    reader.draw(site, if reader.fragment { "views/form.html" } else { "views/form_page.html" }, Some(asked.card.key.as_str()), &view_form(site, reader, asked, action, None))
}

/// `GET /c/{card}/views/{id}/edit`
pub async fn edit_form(State(site): State<Site>, UrlPath((key, id)): ViewPath, reader: Reader) -> Response {
    let answer = async {
        let card = reader.asker.snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address { view: id.clone(), ..Address::default() }).await?;
        let listed = asked.base.clone().filter(|listed| listed.is_editable(&reader.asker.actor)).ok_or_else(|| AppError::not_found("list"))?;
        Ok(reader.draw(&site, if reader.fragment { "views/form.html" } else { "views/form_page.html" }, Some(&key), &view_form(&site, &reader, &asked, format!("/c/{key}/views/{id}"), Some(&listed))))
    };
    answered(&site, &reader, answer.await)
}

fn chosen_roles(fields: &[(String, String)]) -> Vec<Ident> {
    fields.iter().filter(|(name, _)| name == "roles").filter_map(|(_, role)| Ident::new(role).ok()).collect()
}

/// `POST /c/{card}/views` with `name`, `folder`, `roles`, `first`: keeps the list of this address.
pub async fn create(State(site): State<Site>, UrlPath(key): ListPath, Query(pairs): Query<Pairs>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let card = snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address::read(&pairs)).await?;
        let wanted = Wanted::of(get(&fields, "name"), get(&fields, "folder"), chosen_roles(&fields), &asked.list)?;
        let id = views::create(&site.app, snapshot, actor, &key, &wanted).await?.to_string();
        if !get(&fields, "first").is_empty() {
            views::arrange(&site.app, snapshot, actor, &key, None, Some(&id)).await?;
        }
        let to = Address { view: id, q: asked.address.q.clone(), params: asked.address.params.clone(), ..Address::default() }.url(&asked.base());
        Ok(go(&site, &reader, &to, Some("views.kept"), None))
    };
    answered(&site, &reader, answer.await)
}

/// `POST /c/{card}/views/{id}` with `name`, `folder`, `roles`.
pub async fn change(State(site): State<Site>, UrlPath((key, id)): ViewPath, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let card = snapshot.card(&key)?.clone();
        let listed = views::find(&site.app, snapshot, actor, &card, &id).await?;
        let wanted = Wanted::of(get(&fields, "name"), get(&fields, "folder"), chosen_roles(&fields), &listed.view)?;
        views::change(&site.app, snapshot, actor, &key, &id, &wanted).await?;
        Ok(go(&site, &reader, &url(&format!("/c/{key}"), &[("view", &id)]), Some("views.kept"), None))
    };
    answered(&site, &reader, answer.await)
}

/// `POST /c/{card}/views/{id}/save`: the view becomes the list of this address.
pub async fn save(State(site): State<Site>, UrlPath((key, id)): ViewPath, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async {
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let card = snapshot.card(&key)?.clone();
        let asked = ask(&site, &reader, &card, Address { view: id.clone(), ..Address::read(&pairs) }).await?;
        let kept = asked.base.as_ref().and_then(|listed| listed.kept.clone()).ok_or_else(|| AppError::forbidden("this list comes with a pack; save your own copy instead"))?;
        let wanted = Wanted::of(&kept.name, &kept.folder, kept.roles, &asked.list)?;
        views::change(&site.app, snapshot, actor, &key, &id, &wanted).await?;
        let to = Address { q: asked.address.q.clone(), ..asked.address.reset() }.url(&asked.base());
        Ok(go(&site, &reader, &to, Some("views.kept"), None))
    };
    answered(&site, &reader, answer.await)
}

/// `POST /c/{card}/views/{id}/delete`
pub async fn delete(State(site): State<Site>, UrlPath((key, id)): ViewPath, reader: Reader) -> Response {
    let answer = views::delete(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, &id).await;
    let undo = Some((format!("/c/{key}/views/restore"), id.as_str()));
    answered(&site, &reader, answer.map(|()| go(&site, &reader, &format!("/c/{key}"), Some("views.deleted"), undo)))
}

/// `POST /c/{card}/views/restore` with `ids`.
pub async fn restore(State(site): State<Site>, UrlPath(key): ListPath, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        for (_, id) in fields.iter().filter(|(name, _)| name == "ids") {
            views::restore(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, id).await?;
        }
        Ok(go(&site, &reader, &format!("/c/{key}"), None, None))
    };
    answered(&site, &reader, answer.await)
}

/// `POST /c/{card}/views/{id}/first`: it opens first from now on.
pub async fn first(State(site): State<Site>, UrlPath((key, id)): ViewPath, reader: Reader) -> Response {
    let answer = views::arrange(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, None, Some(&id)).await;
    answered(&site, &reader, answer.map(|()| go(&site, &reader, &url(&format!("/c/{key}"), &[("view", &id)]), Some("views.is_first"), None)))
}

/// `POST /c/{card}/views/{id}/pin` with `on`: it stands in the bar beside every page, or no longer.
pub async fn pin(State(site): State<Site>, UrlPath((key, id)): ViewPath, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let on = get(&fields, "on") != "false";
    let answer = views::pin(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, &id, on).await;
    let said = if on { "views.is_pinned" } else { "views.is_unpinned" };
    answered(&site, &reader, answer.map(|()| go(&site, &reader, &url(&format!("/c/{key}"), &[("view", &id)]), Some(said), None)))
}

/// `POST /c/{card}/views/{id}/move` with `by`: -1 or 1.
pub async fn move_one(State(site): State<Site>, UrlPath((key, id)): ViewPath, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let card = snapshot.card(&key)?.clone();
        let mut order = ids_of(&views::all(&site.app, snapshot, actor, &card).await?);
        let at = order.iter().position(|known| *known == id).ok_or_else(|| AppError::not_found("list"))?;
        let to = if get(&fields, "by") == "-1" { at.saturating_sub(1) } else { (at + 1).min(order.len() - 1) };
        order.swap(at, to);
        views::arrange(&site.app, snapshot, actor, &key, Some(&order), None).await?;
        Ok(go(&site, &reader, &url(&format!("/c/{key}"), &[("view", &id)]), None, None))
    };
    answered(&site, &reader, answer.await)
}

/// `POST /c/{card}/views/order` with `ids`: those that were dragged, in their new order.
pub async fn arrange(State(site): State<Site>, UrlPath(key): ListPath, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let card: std::sync::Arc<Card> = snapshot.card(&key)?.clone();
        let dragged: Vec<String> = fields.iter().filter(|(name, _)| name == "ids").flat_map(|(_, ids)| ids.split(',')).map(str::to_owned).collect();
        let known = ids_of(&views::all(&site.app, snapshot, actor, &card).await?);
        // Those that were not on the screen keep their places; the dragged ones share out theirs.
        let mut moved = dragged.iter().filter(|id| known.contains(id));
        let order: Vec<String> = known.iter().map(|id| if dragged.contains(id) { moved.next().unwrap_or(id).clone() } else { id.clone() }).collect();
        views::arrange(&site.app, snapshot, actor, &key, Some(&order), None).await?;
        Ok(go(&site, &reader, &format!("/c/{key}"), None, None))
    };
    answered(&site, &reader, answer.await)
}

fn ids_of(all: &[Listed]) -> Vec<String> {
    all.iter().map(|listed| listed.view.id.clone()).collect()
}

/// `GET /c/{card}/views/counts?ids=…`: how many records each has, told after the list stands there.
pub async fn counts(State(site): State<Site>, UrlPath(key): ListPath, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async {
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let card = snapshot.card(&key)?.clone();
        lists::may_see(snapshot, actor, &key)?;
        let wanted: Vec<&str> = get(&pairs, "ids").split(',').take(MOST_COUNTED).collect();
        let mut counts = Vec::new();
        for listed in views::all(&site.app, snapshot, actor, &card).await?.iter().filter(|listed| wanted.contains(&listed.view.id.as_str())) {
            let request = ListRequest { filter: listed.view.filter.as_ref().map(model::Filter::to_json), fields: Some(vec!["id".into()]), count: Counting::Estimate, limit: Some(1), ..ListRequest::default() };
            // What this reader may not ask has no number.
            let Ok(gated) = lists::ask(snapshot, actor, &key, &request) else { continue };
            let Some(counted) = lists::count(&site.app, snapshot, &gated).await? else { continue };
            let number = form::format::number_text(counted.value.into(), 0, &reader.asker.locale);
            counts.push((listed.view.id.clone(), if counted.exact { number } else { format!("{number}+") }));
        }
        Ok(reader.draw(&site, "views/counts.html", Some(&key), &ViewCounts { counts }))
    };
    answered(&site, &reader, answer.await)
}
