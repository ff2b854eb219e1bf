//! Who is asked: the words of a step, a record and the organisation, read as people.
//!
//! **Invariants**
//! - Nobody who is not active, and nobody who may not decide on the application, is ever the answer: in their place stands
//!   who leads them, the next one up, or the administrators.

use access::{ADMINISTRATOR, Actor, Reason};
use chrono::{DateTime, Utc};
use model::{Binding, Card, Ident, Path, TableRef, USER_CARD, Value, path};
use sql::{Datum, select, system, system_approvals as rows};
use uuid::Uuid;

use crate::{AppError, Snapshot, Source, bindings};

/// How many units are looked at on the way up.
const MAX_LEVELS: usize = 20;

/// One who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person.
    User(Uuid),
    /// Whoever of a group is first.
    Role(String),
}

/// What people are asked about.
pub struct About<'a> {
    pub snapshot: &'a Snapshot,
    pub card: &'a Card,
    pub record: Uuid,
    /// Whose the record is.
    pub owner: Option<Uuid>,
    /// The unit it belongs to.
    pub org_unit: Option<Uuid>,
    /// Those who may not decide.
    pub partial: Vec<Uuid>,
    pub now: DateTime<Utc>,
}

/// Who is meant by one word of a step; and whether they stand in for somebody.
pub async fn who(source: &mut Source<'_>, about: &About<'_>, by: &str) -> Result<(Who, bool), AppError> {
    if let Some(role) = by.strip_prefix("role:") {
        let found = source.fetch(&rows::others_in_role(source.dialect(), role, &about.partial)).await?;
        return Ok(if found.is_empty() { (administrators(), true) } else { (Who::Role(role.to_owned()), false) });
    }
    match by {
        "manager" => {
            let unit = match about.owner {
                Some(owner) => unit_of(source, about.snapshot, owner, about.now).await?.or(about.org_unit),
                None => about.org_unit,
            };
            let not: Vec<Uuid> = about.partial.iter().copied().chain(about.owner).collect();
            up(source, about, unit, &not).await
        }
        "head" => up(source, about, about.org_unit, &about.partial).await,
        named => {
            let Some(user) = named_user(source, about, named).await? else { return Ok((administrators(), true)) };
            if !about.partial.contains(&user) && is_active(source, user).await? {
                return Ok((Who::User(user), false));
            }
            let (who, _) = above(source, about, user).await?;
            Ok((who, true))
        }
    }
}

/// Who stands in for somebody: the first above them who is there and may decide.
pub async fn above(source: &mut Source<'_>, about: &About<'_>, user: Uuid) -> Result<(Who, bool), AppError> {
    let unit = unit_of(source, about.snapshot, user, about.now).await?;
    let not: Vec<Uuid> = about.partial.iter().copied().chain([user]).collect();
    up(source, about, unit, &not).await
}

fn administrators() -> Who {
    Who::Role(ADMINISTRATOR.to_owned())
}

/// The first who leads a unit, or one above it, and is none of these.
async fn up(source: &mut Source<'_>, about: &About<'_>, from: Option<Uuid>, not: &[Uuid]) -> Result<(Who, bool), AppError> {
    let mut unit = from;
    for _ in 0..MAX_LEVELS {
        let Some(current) = unit else { break };
        if let Some(user) = leader(source, about.snapshot, current, about.now).await?
            && !not.contains(&user) && is_active(source, user).await? {
                return Ok((Who::User(user), false));
            }
        let parent = about.snapshot.catalog.org.as_ref().and_then(|org| org.parent.clone());
        unit = match (parent, &about.snapshot.catalog.org) {
            (Some(parent), Some(org)) => value(source, about.snapshot, &org.card, current, &parent, about.now).await?.as_id(),
            _ => None,
        };
    }
    Ok((administrators(), true))
}

/// Whether a user signs in.
pub async fn is_active(source: &mut Source<'_>, user: Uuid) -> Result<bool, AppError> {
    let row = source.fetch(&system::user_by_id(source.dialect(), user)).await?.into_iter().next().unwrap_or_default();
    Ok(matches!(row.last(), Some(Datum::Boolean(true))))
}

/// A field of a record, whoever may see it.
async fn value(source: &mut Source<'_>, snapshot: &Snapshot, card: &Ident, id: Uuid, field: &Ident, now: DateTime<Utc>) -> Result<Value, AppError> {
    at(source, snapshot, card, id, &Path::own(TableRef::card(card), field.clone()), now).await
}

async fn at(source: &mut Source<'_>, snapshot: &Snapshot, card: &Ident, id: Uuid, path: &Path, now: DateTime<Utc>) -> Result<Value, AppError> {
    let system = Actor::system(Reason::Binding, now);
    let tables = access::tables(&snapshot.catalog, &system, std::slice::from_ref(card), std::slice::from_ref(path))?;
    let lowered = select::by_ids(&snapshot.catalog, source.dialect(), &tables, &TableRef::card(card), &[id], std::slice::from_ref(path), false);
    let row = source.fetch(&lowered.statement).await?.into_iter().next();
    Ok(row.and_then(|row| lowered.decode(row).into_iter().nth(1)).unwrap_or_default())
}

/// The unit a user belongs to, by what packs bind.
async fn unit_of(source: &mut Source<'_>, snapshot: &Snapshot, user: Uuid, now: DateTime<Utc>) -> Result<Option<Uuid>, AppError> {
    let Some(org) = &snapshot.catalog.org else { return Ok(None) };
    for binding in snapshot.catalog.bindings.values().filter(|binding| binding.target.as_ref() == Some(&org.card)) {
        if let Some(Value::Id(unit)) = bindings::bound_value(source, snapshot, binding, user, now).await? {
            return Ok(Some(unit));
        }
    }
    Ok(None)
}

/// The user who leads a unit.
async fn leader(source: &mut Source<'_>, snapshot: &Snapshot, unit: Uuid, now: DateTime<Utc>) -> Result<Option<Uuid>, AppError> {
    let Some((org, manager)) = snapshot.catalog.org.as_ref().and_then(|org| Some((org, org.manager.as_ref()?))) else { return Ok(None) };
    let Some(model::FieldKind::Link(link)) = snapshot.catalog.card(&org.card).and_then(|card| card.field(manager.as_str())).map(|field| &field.kind) else { return Ok(None) };
    let Some(id) = value(source, snapshot, &org.card, unit, manager, now).await?.as_id() else { return Ok(None) };
    if link.target == USER_CARD {
        return Ok(Some(id));
    }
    // The manager is a record that a pack binds to users.
    let own = |binding: &&Binding| binding.card == link.target && binding.path.is_none();
    let Some(binding) = snapshot.catalog.bindings.values().find(own) else { return Ok(None) };
    Ok(value(source, snapshot, &link.target, id, &binding.by, now).await?.as_id())
}

/// The user at the end of a path from the record.
async fn named_user(source: &mut Source<'_>, about: &About<'_>, named: &str) -> Result<Option<Uuid>, AppError> {
    // A field that was there when the flow began may be gone.
    let Ok(path) = path::resolve(&about.snapshot.catalog, &about.card.table.reference(), named) else { return Ok(None) };
    let found = at(source, about.snapshot, &about.card.key, about.record, &path, about.now).await?;
    Ok(found.as_id())
}
