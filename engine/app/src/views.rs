//! Lists that are kept: those of packs, and those that people keep for themselves or for groups.
//!
//! **Invariants**
//! - A kept list is a question like any other: what its reader may not see is not in it. Whoever keeps one must be able
//!   to ask it.
//! - The owner changes it, and administrators change what is shared; others see it, and may keep their own.
//! - A list that is not one's to see is not told from one that is not there.
//!
//! **Not here:** drawing lists (`web`), what a filter means (`model`), which records are seen (`access`).

use access::Actor;
use chrono::TimeDelta;
use indexmap::IndexMap;
use model::{ActionName, Card, Code, Ident, Labels, Rejected, View, ViewDef, Violation, resolve_view};
use query::{GroupRequest, ListRequest, TotalRequest};
use serde_json::{Map, Value as Json};
use sql::{Datum, system_views};
use uuid::Uuid;

use crate::{App, AppError, Snapshot, accounts, lists, run};

mod pins;
mod read;

pub use pins::{is_pinned, pin, pinned};
pub use read::Wanted;

/// Most lists of one card that one person keeps.
const MOST: i64 = 200;
/// Longest name, of a list and of a folder.
const LONGEST: usize = 100;
/// How long a deleted list can be brought back.
const KEPT: TimeDelta = TimeDelta::days(30);

/// A list that somebody may open.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// What it shows.
    pub view: View,
    /// Whose it is; none for a pack's.
    pub kept: Option<Kept>,
}

/// What is known of a list that a person keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Kept {
    pub id: Uuid,
    pub owner: Uuid,
    pub owner_name: String,
    pub name: String,
    pub folder: String,
    /// The groups it is shared with.
    pub roles: Vec<Ident>,
}

impl Listed {
    /// Whether the actor may change it.
    pub fn is_editable(&self, actor: &Actor) -> bool {
        self.kept.as_ref().is_some_and(|kept| actor.user == Some(kept.owner) || actor.is_administrator() && !kept.roles.is_empty())
    }

    /// The folder it stands in; empty for none.
    pub fn folder(&self, lang: &str) -> String {
        match &self.kept {
            Some(kept) => kept.folder.clone(),
            None => self.view.folder.get(lang).unwrap_or_default().to_owned(),
        }
    }

    /// Its name.
    pub fn name(&self, lang: &str) -> String {
        self.view.labels.or_key(lang, &self.view.id)
    }
}

/// The lists of a card that the actor sees, in their order.
pub async fn all(app: &App, snapshot: &Snapshot, actor: &Actor, card: &Card) -> Result<Vec<Listed>, AppError> {
    let mine = |view: &&View| view.roles.is_empty() || actor.is_administrator() || view.roles.iter().any(|role| actor.roles.contains(role));
    let mut found: Vec<Listed> = card.views.iter().filter(mine).map(|view| Listed { view: view.clone(), kept: None }).collect();
    if let Some(user) = actor.user {
        let rows = app.store.fetch(&system_views::visible(app.store.dialect(), card.key.as_str(), user, actor.is_administrator())).await?;
        found.extend(rows.into_iter().filter_map(|row| listed(snapshot, card, row)));
    }
    let order: Vec<&str> = actor.preferences.get(&order_key(card)).map(|ids| ids.split(',').collect()).unwrap_or_default();
    // What nobody placed stands behind what somebody did: first the pack's first, then one's own.
    let class = |listed: &Listed| match &listed.kept {
        None if listed.view.default => 0,
        Some(kept) if actor.user == Some(kept.owner) => 1,
        _ => 2,
    };
    found.sort_by_key(|listed| (order.iter().position(|id| *id == listed.view.id).unwrap_or(usize::MAX), class(listed)));
    Ok(found)
}

/// The list that opens first: the actor's own choice, else the pack's, else the first.
pub fn first<'l>(actor: &Actor, card: &Card, all: &'l [Listed]) -> Option<&'l Listed> {
    let chosen = actor.preferences.get(&default_key(card));
    let by_choice = chosen.and_then(|id| all.iter().find(|listed| listed.view.id == *id));
    by_choice.or_else(|| all.iter().find(|listed| listed.view.default)).or_else(|| all.first())
}

/// One list.
pub async fn find(app: &App, snapshot: &Snapshot, actor: &Actor, card: &Card, id: &str) -> Result<Listed, AppError> {
    all(app, snapshot, actor, card).await?.into_iter().find(|listed| listed.view.id == id).ok_or_else(|| AppError::not_found("list"))
}

fn order_key(card: &Card) -> String {
    format!("view.order.{}", card.key)
}

fn default_key(card: &Card) -> String {
    format!("view.default.{}", card.key)
}

fn listed(snapshot: &Snapshot, card: &Card, row: Vec<Datum>) -> Option<Listed> {
    let [Datum::Uuid(id), Datum::Uuid(owner), Datum::Text(owner_name), Datum::Text(name), Datum::Text(folder), Datum::Text(definition), roles] = <[Datum; 7]>::try_from(row).ok()? else { return None };
    let roles = match roles {
        Datum::Text(roles) => roles.split(',').filter_map(|role| Ident::new(role).ok()).collect(),
        _ => Vec::new(),
    };
    let def: ViewDef = serde_json::from_str(&definition).ok()?;
    let (view, _) = resolve_view(&snapshot.catalog, &card.table.reference(), &def);
    let view = View { id: id.to_string(), labels: Labels::english(&name), ..view };
    Some(Listed { view, kept: Some(Kept { id, owner, owner_name, name, folder, roles }) })
}

/// A list as a question. Columns and order are left out where `bare` asks for the condition alone.
pub fn request(view: &View) -> ListRequest {
    ListRequest {
        filter: view.filter.as_ref().map(model::Filter::to_json),
        sort: view.sort.clone(),
        fields: (!view.columns.is_empty()).then(|| view.columns.iter().map(|(path, _)| path.to_string()).collect()),
        group_by: view.group_by.iter().map(|group| GroupRequest { field: group.field.clone(), by: group.by, level: group.level, order: group.order.clone() }).collect(),
        totals: view.totals.iter().map(|(path, function)| TotalRequest { field: path.to_string(), function: *function }).collect(),
        ..ListRequest::default()
    }
}

/// A question that begins with a list: what it does not say itself, the list says. Answers take the place of `@param.NAME`.
pub async fn asked(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Option<&str>, answers: &Answers, mut asked: ListRequest) -> Result<ListRequest, AppError> {
    let card = snapshot.card(card)?.clone();
    access::gate(&snapshot.catalog, actor, &card, ActionName::Read)?;
    let mut optional = IndexMap::new();
    if let Some(id) = id {
        let Listed { view, .. } = find(app, snapshot, actor, &card, id).await?;
        let of_view = request(&view);
        asked.filter = asked.filter.or(of_view.filter);
        asked.sort = asked.sort.or(of_view.sort);
        if asked.fields.is_none() {
            asked.fields = visible_columns(snapshot, actor, &view);
        }
        optional = view.parameters;
    }
    if let Some(json) = &asked.filter
        && let Ok(filter) = model::Filter::from_json(json)
    {
        asked.filter = answers.fill(&filter, &optional).as_ref().map(model::Filter::to_json);
    }
    Ok(asked)
}

/// A list's columns as far as a reader may see them: others fall away.
fn visible_columns(snapshot: &Snapshot, actor: &Actor, view: &View) -> Option<Vec<String>> {
    let seen = view.columns.iter().map(|(path, _)| path).filter(|path| !path.is_many() && access::tables(&snapshot.catalog, actor, &[], std::slice::from_ref(*path)).is_ok());
    (!view.columns.is_empty()).then(|| std::iter::once("id".to_owned()).chain(seen.map(ToString::to_string)).collect())
}

/// What was answered to the parameters of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers(pub IndexMap<String, Json>);

impl Answers {
    /// The answers in an address: `param.NAME=…`, several times for several values.
    pub fn from_url(pairs: &[(String, String)]) -> Self {
        let mut answers: IndexMap<String, Json> = IndexMap::new();
        for (key, text) in pairs {
            let Some(name) = key.strip_prefix("param.").filter(|_| !text.trim().is_empty()) else { continue };
            let value = Json::from(text.trim());
            match answers.get_mut(name) {
                None => drop(answers.insert(name.to_owned(), value)),
                Some(Json::Array(several)) => several.push(value),
                Some(single) => *single = Json::Array(vec![single.take(), value]),
            }
        }
        Self(answers)
    }

    /// A filter with the answers in it; what nobody answered has its default, or does not count where it may be left empty.
    pub fn fill(&self, filter: &model::Filter, parameters: &IndexMap<Ident, model::ViewParameterDef>) -> Option<model::Filter> {
        let answer = |name: &str| self.0.get(name).or_else(|| parameters.get(name)?.default.as_ref()).filter(|value| !value.is_null()).cloned();
        model::view::answered(filter, &answer, &|name| parameters.get(name).is_some_and(|parameter| parameter.optional))
    }
}

/// Keeps a new list.
pub async fn create(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, wanted: &Wanted) -> Result<Uuid, AppError> {
    let card = snapshot.card(card)?.clone();
    let owner = actor.user.ok_or(AppError::Unauthenticated)?;
    check(snapshot, actor, &card, wanted)?;
    let rows = app.store.fetch(&system_views::count(app.store.dialect(), card.key.as_str(), owner)).await?;
    if matches!(rows.first().and_then(|row| row.first()), Some(Datum::Integer(count)) if *count >= MOST) {
        return Err(AppError::malformed("too_many", format!("at most {MOST} lists of one kind are kept; delete some first")));
    }
    let id = Uuid::now_v7();
    let (definition, roles) = (wanted.text(), wanted.role_names());
    let kept = system_views::Kept { name: &wanted.name, folder: &wanted.folder, definition: &definition, roles: &roles };
    run(&app.store, system_views::create(app.store.dialect(), id, card.key.as_str(), owner, &kept, actor.now)).await?;
    Ok(id)
}

/// Keeps a list as it is now.
pub async fn change(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: &str, wanted: &Wanted) -> Result<(), AppError> {
    let card = snapshot.card(card)?.clone();
    let kept = editable(app, snapshot, actor, &card, id).await?;
    check(snapshot, actor, &card, wanted)?;
    let (definition, roles) = (wanted.text(), wanted.role_names());
    let new = system_views::Kept { name: &wanted.name, folder: &wanted.folder, definition: &definition, roles: &roles };
    run(&app.store, system_views::change(app.store.dialect(), kept.id, &new, actor.now)).await
}

/// Puts a list away; [`restore`] brings it back for a month.
pub async fn delete(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: &str) -> Result<(), AppError> {
    let card = snapshot.card(card)?.clone();
    let kept = editable(app, snapshot, actor, &card, id).await?;
    run(&app.store, system_views::delete(app.store.dialect(), kept.id, actor.now, actor.now - KEPT)).await
}

/// Brings a deleted list back.
pub async fn restore(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: &str) -> Result<(), AppError> {
    let card = snapshot.card(card)?.clone();
    let (user, id) = (actor.user.ok_or(AppError::Unauthenticated)?, Uuid::try_parse(id).map_err(|_| AppError::not_found("list"))?);
    let rows = app.store.fetch(&system_views::one(app.store.dialect(), card.key.as_str(), id, user, actor.is_administrator(), true)).await?;
    let found = rows.into_iter().next().and_then(|row| listed(snapshot, &card, row)).ok_or_else(|| AppError::not_found("list"))?;
    if !found.is_editable(actor) {
        return Err(not_yours(&found));
    }
    run(&app.store, vec![system_views::restore(app.store.dialect(), id)]).await
}

/// The actor's own order of a card's lists, and which opens first.
pub async fn arrange(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, order: Option<&[String]>, first: Option<&str>) -> Result<(), AppError> {
    let card = snapshot.card(card)?.clone();
    let user = actor.user.ok_or(AppError::Unauthenticated)?;
    let known = all(app, snapshot, actor, &card).await?;
    if let Some(order) = order {
        let ids: Vec<&str> = order.iter().map(String::as_str).filter(|id| known.iter().any(|listed| listed.view.id == *id)).collect();
        accounts::put_preference(app, user, &order_key(&card), &ids.join(",")).await?;
    }
    if let Some(id) = first {
        let id = known.iter().find(|listed| listed.view.id == id).map(|listed| listed.view.id.clone()).ok_or_else(|| AppError::not_found("list"))?;
        accounts::put_preference(app, user, &default_key(&card), &id).await?;
    }
    Ok(())
}

async fn editable(app: &App, snapshot: &Snapshot, actor: &Actor, card: &Card, id: &str) -> Result<Kept, AppError> {
    lists::may_see(snapshot, actor, card.key.as_str())?;
    let found = find(app, snapshot, actor, card, id).await?;
    match &found.kept {
        Some(kept) if found.is_editable(actor) => Ok(kept.clone()),
        _ => Err(not_yours(&found)),
    }
}

fn not_yours(listed: &Listed) -> AppError {
    match &listed.kept {
        Some(kept) => AppError::forbidden(format!("“{}” belongs to {}; save your own copy instead", kept.name, kept.owner_name)),
        None => AppError::forbidden("this list comes with a pack; save your own copy instead"),
    }
}

/// Whether the actor may keep this: names that fit, groups that exist, and a question the actor may ask.
fn check(snapshot: &Snapshot, actor: &Actor, card: &Card, wanted: &Wanted) -> Result<(), AppError> {
    lists::may_see(snapshot, actor, card.key.as_str())?;
    let mut broken = Vec::new();
    if wanted.name.is_empty() {
        broken.push(Violation::new("name", Code::Required));
    }
    for (path, text) in [("name", &wanted.name), ("folder", &wanted.folder)] {
        let found = text.chars().count();
        if found > LONGEST {
            broken.push(Violation::new(path, Code::MaxLength).with("max", LONGEST).with("found", found));
        }
        if text.chars().any(char::is_control) {
            broken.push(Violation::new(path, Code::Characters));
        }
    }
    let roles = &snapshot.catalog.roles;
    for (index, role) in wanted.roles.iter().enumerate().filter(|(_, role)| !roles.contains_key(*role) && **role != access::ADMINISTRATOR) {
        let known = roles.keys().map(Ident::as_str).collect::<Vec<_>>().join(", ");
        broken.push(Violation::new(format!("roles/{index}"), Code::Option).with("found", role).with("options", known));
    }
    if !broken.is_empty() {
        return Err(Rejected(broken).into());
    }
    let (view, faults) = resolve_view(&snapshot.catalog, &card.table.reference(), &wanted.definition);
    if !faults.is_empty() {
        let told: Vec<String> = faults.iter().map(|fault| format!("{} (at {})", fault.message, fault.pointer)).collect();
        return Err(AppError::malformed("bad_view", told.join("; ")));
    }
    lists::ask(snapshot, actor, card.key.as_str(), &request(&view)).map(|_| ())
}

/// A list as the API shows it.
pub fn to_json(actor: &Actor, card: &Card, listed: &Listed, first: bool) -> Json {
    let mut shown = Map::new();
    shown.insert("id".into(), listed.view.id.clone().into());
    shown.insert("name".into(), listed.name(&actor.lang).into());
    shown.insert("card".into(), card.key.to_string().into());
    shown.insert("folder".into(), listed.folder(&actor.lang).into());
    let roles = listed.kept.as_ref().map_or(&listed.view.roles, |kept| &kept.roles);
    shown.insert("roles".into(), roles.iter().map(|role| Json::from(role.as_str())).collect());
    shown.insert("origin".into(), if listed.kept.is_some() { "user" } else { "pack" }.into());
    shown.insert("owner".into(), listed.kept.as_ref().map_or(Json::Null, |kept| serde_json::json!({"id": kept.owner.to_string(), "title": kept.owner_name})));
    shown.insert("editable".into(), listed.is_editable(actor).into());
    shown.insert("default".into(), first.into());
    if let Json::Object(definition) = read::definition(&listed.view) {
        shown.extend(definition);
    }
    Json::Object(shown)
}
