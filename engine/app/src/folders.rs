//! Folders of records that people keep: named, coloured, for themselves or for groups.
//!
//! **Invariants**
//! - A folder holds records of any card; a record that its reader may not see is neither shown nor counted.
//! - The owner names, shares and deletes it; who may fill it puts records in and takes them out.
//! - Only what the actor sees can be put in.
//!
//! **Not here:** how a condition looks into a folder (`sql::system_folders`), pages (`web`).

use access::Actor;
use chrono::TimeDelta;
use model::{Code, Ident, Rejected, Tone, Violation};
use query::{Count, ListRequest};
use serde_json::json;
use sql::{Datum, system_folders};
use uuid::Uuid;

use crate::{App, AppError, Snapshot, lists, run};

/// Most folders of one person.
const MOST: usize = 200;
/// Most records in one.
pub const MOST_RECORDS: usize = 10_000;
/// Longest name.
const LONGEST: usize = 60;
/// How long a deleted folder can be brought back.
const KEPT: TimeDelta = TimeDelta::days(30);

/// A folder that the actor may look into.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Folder {
    pub id: Uuid,
    pub owner: Uuid,
    pub owner_name: String,
    pub name: String,
    pub tone: Tone,
    /// The actor may put records in and take them out.
    pub may_fill: bool,
    /// The groups that look into it.
    pub lookers: Vec<Ident>,
    /// The groups that fill it.
    pub fillers: Vec<Ident>,
}

/// A folder as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Wanted {
    pub name: String,
    pub tone: Tone,
    pub lookers: Vec<Ident>,
    pub fillers: Vec<Ident>,
}

impl Folder {
    /// Whether the actor may name, share and delete it.
    pub fn is_owned(&self, actor: &Actor) -> bool {
        actor.user == Some(self.owner)
    }
    /// Whether others may look into it.
    pub fn is_shared(&self) -> bool {
        !self.lookers.is_empty() || !self.fillers.is_empty()
    }
}

fn folder(row: Vec<Datum>) -> Option<Folder> {
    let [Datum::Uuid(id), Datum::Uuid(owner), Datum::Text(owner_name), Datum::Text(name), Datum::Text(tone), Datum::Boolean(may_fill), lookers, fillers] = <[Datum; 8]>::try_from(row).ok()? else { return None };
    let roles = |datum: Datum| match datum {
        Datum::Text(text) => text.split(',').filter_map(|role| Ident::new(role).ok()).collect(),
        _ => Vec::new(),
    };
    let tone = serde_json::from_value(tone.into()).unwrap_or(Tone::Gray);
    Some(Folder { id, owner, owner_name, name, tone, may_fill, lookers: roles(lookers), fillers: roles(fillers) })
}

fn me(actor: &Actor) -> Result<Uuid, AppError> {
    actor.user.ok_or(AppError::Unauthenticated)
}

/// The folders the actor may look into: their own in their order, then those of others.
pub async fn all(app: &App, actor: &Actor) -> Result<Vec<Folder>, AppError> {
    let Some(user) = actor.user else { return Ok(Vec::new()) };
    Ok(app.store.fetch(&system_folders::visible(app.store.dialect(), user)).await?.into_iter().filter_map(folder).collect())
}

async fn one(app: &App, actor: &Actor, id: Uuid, deleted: bool) -> Result<Folder, AppError> {
    let rows = app.store.fetch(&system_folders::one(app.store.dialect(), id, me(actor)?, deleted)).await?;
    rows.into_iter().next().and_then(folder).ok_or_else(|| AppError::not_found("folder"))
}

/// One folder, or nothing that can be told from nothing.
pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<Folder, AppError> {
    one(app, actor, id, false).await
}

async fn owned(app: &App, actor: &Actor, id: Uuid, deleted: bool) -> Result<Folder, AppError> {
    let folder = one(app, actor, id, deleted).await?;
    if folder.is_owned(actor) { Ok(folder) } else { Err(AppError::forbidden(format!("“{}” belongs to {}", folder.name, folder.owner_name))) }
}

async fn fillable(app: &App, actor: &Actor, id: Uuid) -> Result<Folder, AppError> {
    let folder = find(app, actor, id).await?;
    if folder.may_fill { Ok(folder) } else { Err(AppError::forbidden(format!("“{}” is shared with you to look at, not to change", folder.name))) }
}

fn check(snapshot: &Snapshot, wanted: &Wanted) -> Result<(), AppError> {
    let mut broken = Vec::new();
    let found = wanted.name.chars().count();
    if wanted.name.trim().is_empty() {
        broken.push(Violation::new("name", Code::Required));
    }
    if found > LONGEST {
        broken.push(Violation::new("name", Code::MaxLength).with("max", LONGEST).with("found", found));
    }
    if wanted.name.chars().any(char::is_control) {
        broken.push(Violation::new("name", Code::Characters));
    }
    let roles = &snapshot.catalog.roles;
    for (path, named) in [("lookers", &wanted.lookers), ("fillers", &wanted.fillers)] {
        for (index, role) in named.iter().enumerate().filter(|(_, role)| !roles.contains_key(*role) && **role != access::ADMINISTRATOR) {
            let known = roles.keys().map(Ident::as_str).collect::<Vec<_>>().join(", ");
            broken.push(Violation::new(format!("{path}/{index}"), Code::Option).with("found", role).with("options", known));
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(Rejected(broken).into()) }
}

/// Each group once: who fills also looks.
fn shares(wanted: &Wanted) -> Vec<(String, bool)> {
    let mut shares: Vec<(String, bool)> = wanted.fillers.iter().map(|role| (role.to_string(), true)).collect();
    shares.extend(wanted.lookers.iter().filter(|role| !wanted.fillers.contains(role)).map(|role| (role.to_string(), false)));
    shares.sort();
    shares.dedup_by(|left, right| left.0 == right.0);
    shares
}

/// Makes a folder.
pub async fn create(app: &App, snapshot: &Snapshot, actor: &Actor, wanted: &Wanted) -> Result<Uuid, AppError> {
    let user = me(actor)?;
    check(snapshot, wanted)?;
    if all(app, actor).await?.iter().filter(|folder| folder.owner == user).count() >= MOST {
        return Err(AppError::malformed("too_many", format!("at most {MOST} folders are kept; delete some first")));
    }
    let (id, dialect) = (Uuid::now_v7(), app.store.dialect());
    let mut statements = vec![system_folders::create(dialect, id, user, wanted.name.trim(), wanted.tone.name(), actor.now)];
    statements.extend(system_folders::share(dialect, id, &shares(wanted)));
    run(&app.store, statements).await?;
    Ok(id)
}

/// A folder's name, tone and groups as they shall be.
pub async fn change(app: &App, snapshot: &Snapshot, actor: &Actor, id: Uuid, wanted: &Wanted) -> Result<(), AppError> {
    owned(app, actor, id, false).await?;
    check(snapshot, wanted)?;
    run(&app.store, system_folders::change(app.store.dialect(), id, wanted.name.trim(), wanted.tone.name(), &shares(wanted))).await
}

/// Puts a folder away; [`restore`] brings it back for a month. Its records are not touched.
pub async fn delete(app: &App, actor: &Actor, id: Uuid) -> Result<(), AppError> {
    owned(app, actor, id, false).await?;
    run(&app.store, system_folders::delete(app.store.dialect(), id, actor.now, actor.now - KEPT)).await
}

/// Brings a deleted folder back.
pub async fn restore(app: &App, actor: &Actor, id: Uuid) -> Result<(), AppError> {
    owned(app, actor, id, true).await?;
    run(&app.store, vec![system_folders::restore(app.store.dialect(), id)]).await
}

/// The order of the actor's own folders.
pub async fn arrange(app: &App, actor: &Actor, order: &[Uuid]) -> Result<(), AppError> {
    let user = me(actor)?;
    let placed = order.iter().zip(1..).map(|(id, position)| system_folders::place(app.store.dialect(), *id, user, position));
    run(&app.store, placed.collect()).await
}

/// The question for the records of one card in a folder.
pub fn request(folder: Uuid) -> ListRequest {
    ListRequest { filter: Some(json!({"field": "id", "op": "in_folder", "value": folder.to_string()})), ..ListRequest::default() }
}

/// The cards of which a folder holds records, as far as the actor may see them.
pub async fn cards(app: &App, snapshot: &Snapshot, actor: &Actor, folder: Uuid) -> Result<Vec<Ident>, AppError> {
    let rows = app.store.fetch(&system_folders::cards(app.store.dialect(), folder)).await?;
    let held: Vec<String> = rows.into_iter().flatten().filter_map(|card| match card { Datum::Text(card) => Some(card), _ => None }).collect();
    let seen = |key: &&Ident| held.iter().any(|card| card == key.as_str()) && lists::may_see(snapshot, actor, key.as_str()).is_ok();
    Ok(snapshot.catalog.cards.keys().filter(seen).cloned().collect())
}

/// How many of a folder's records the actor sees.
pub async fn count(app: &App, snapshot: &Snapshot, actor: &Actor, folder: Uuid) -> Result<i64, AppError> {
    let mut total = 0;
    for card in cards(app, snapshot, actor, folder).await? {
        let asked = ListRequest { fields: Some(vec!["id".into()]), count: Count::Exact, limit: Some(1), ..request(folder) };
        let gated = lists::ask(snapshot, actor, card.as_str(), &asked)?;
        total += lists::count(app, snapshot, &gated).await?.map_or(0, |counted| counted.value);
    }
    Ok(total)
}

/// Puts records into a folder; how many there were. One that the actor does not see is refused, and nothing is done.
pub async fn add(app: &App, snapshot: &Snapshot, actor: &Actor, id: Uuid, card: &str, records: &[Uuid]) -> Result<usize, AppError> {
    let folder = fillable(app, actor, id).await?;
    let key = snapshot.card(card)?.key.clone();
    lists::may_see(snapshot, actor, card)?;
    let dialect = app.store.dialect();
    let held = app.store.fetch(&system_folders::size(dialect, folder.id)).await?;
    if matches!(held.first().and_then(|row| row.first()), Some(Datum::Integer(held)) if usize::try_from(*held).unwrap_or(0) + records.len() > MOST_RECORDS) {
        return Err(AppError::malformed("too_many", format!("a folder holds at most {MOST_RECORDS} records")));
    }
    let seen = seen(app, snapshot, actor, card, records).await?;
    if records.is_empty() || records.iter().any(|record| !seen.contains(record)) {
        return Err(AppError::not_found("record"));
    }
    let user = me(actor)?;
    let statements = seen.iter().map(|record| system_folders::add(dialect, folder.id, key.as_str(), *record, user, actor.now)).collect();
    run(&app.store, statements).await?;
    Ok(seen.len())
}

/// Those of some records that the actor sees.
async fn seen(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, records: &[Uuid]) -> Result<Vec<Uuid>, AppError> {
    let mut seen = Vec::new();
    for chunk in records.chunks(500) {
        let ids: Vec<String> = chunk.iter().map(Uuid::to_string).collect();
        let asked = ListRequest { filter: Some(json!({"field": "id", "op": "any_of", "value": ids})), fields: Some(vec!["id".into()]), limit: Some(query::MAX_LIMIT), ..ListRequest::default() };
        let gated = lists::ask(snapshot, actor, card, &asked)?;
        let page = lists::page(app, snapshot, actor, &gated, &form::Locale::of(&actor.lang, actor.zone)).await?;
        seen.extend(page.items.iter().map(|item| item.id));
    }
    Ok(seen)
}

/// Takes records out of a folder, seen or not: who fills a folder may empty it.
pub async fn remove(app: &App, actor: &Actor, id: Uuid, records: &[Uuid]) -> Result<(), AppError> {
    let folder = fillable(app, actor, id).await?;
    run(&app.store, records.iter().map(|record| system_folders::remove(app.store.dialect(), folder.id, *record)).collect()).await
}

/// The folders in which a record stands that the actor sees. Of those that the actor may not look into nothing is told:
/// ask [`all`].
pub async fn holding(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, record: Uuid) -> Result<Vec<Uuid>, AppError> {
    if seen(app, snapshot, actor, card, &[record]).await?.is_empty() {
        return Err(AppError::not_found("record"));
    }
    let rows = app.store.fetch(&system_folders::holding(app.store.dialect(), record)).await?;
    Ok(rows.into_iter().flatten().filter_map(|id| match id { Datum::Uuid(id) => Some(id), _ => None }).collect())
}
