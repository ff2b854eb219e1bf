//! Groups, grants and guards that administrators make: a layer over what packs bring, that upgrades leave alone.
//!
//! **Invariants**
//! - Nobody gives more than they hold: not by a grant, and not by taking somebody into a group.
//! - Every change counts as a publish, so that every node goes by it from the next request on, and is written down with
//!   what was before.
//! - The last active administrator stays one.
//!
//! **Not here:** what grants mean (`access`), records shared one by one (`shares`), telling why (`why`).

pub mod shares;
pub mod why;

use access::{ADMINISTRATOR, Actor, Lacking, covers};
use chrono::Utc;
use model::{
    ActionName, Card, Grant, Ident, Labels,
    build::{
        LOCAL_GROUPS,
        local::{self, LocalRight},
    },
};
use sql::{
    Datum, Statement, system,
    system_rights::{self as kept, Kept},
};
use store::Tx;
use uuid::Uuid;

use crate::{App, AppError, UnitError, snapshot::Snapshot};

/// Somebody in a group.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Member {
    pub id: Uuid,
    pub login: String,
    pub name: String,
    pub active: bool,
}

/// A grant or guard as an administrator wants it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which is changed; none for a new one.
    pub id: Option<Uuid>,
    /// The card's key.
    pub card: String,
    /// Whose grant; none for a guard.
    pub role: Option<Ident>,
    /// The pack's grant that it is put in the place of.
    pub replaces: Option<String>,
    /// What it says, by today's keys.
    pub says: LocalRight,
}

fn malformed(detail: impl Into<String>) -> AppError {
    AppError::malformed("bad_right", detail)
}

/// Who may look at, and change, the rights of a card: administrators, and those whom a grant lets administer it.
pub fn may_administer(snapshot: &Snapshot, actor: &Actor, card: &Card) -> bool {
    snapshot.catalog.card(&card.key).is_some_and(|card| !card.builtin && access::gate(&snapshot.catalog, actor, card, ActionName::Administer).is_ok())
}

fn administrators_only(actor: &Actor) -> Result<(), AppError> {
    if actor.is_administrator() { Ok(()) } else { Err(AppError::forbidden("only administrators may do this")) }
}

/// One publish of rights: all statements, the next version, and a line of who did it.
async fn publish(app: &App, actor: &Actor, statements: Vec<Statement>) -> Result<(), AppError> {
    let (version, known_at) = (app.snapshot().catalog.version, actor.known_at);
    app.store
        .write_alone(move |tx: &mut Tx| {
            let statements = statements.clone();
            Box::pin(async move {
                let counts = tx.counts().await?;
                if u64::try_from(counts.version).unwrap_or(0) != version || known_at.is_some_and(|known| known != counts.number()) {
                    return Err(UnitError::from(AppError::Outdated));
                }
                for statement in &statements {
                    tx.execute(statement).await?;
                }
                tx.fetch(&system::next_catalog_version(tx.dialect())).await?;
                Ok::<(), UnitError>(())
            })
        })
        .await
        .map_err(|error| error.error)?;
    app.reload().await
}

fn told(app: &App, actor: &Actor, what: &str, subject: &str, before: Option<&str>, after: Option<&str>) -> Statement {
    kept::log(app.store.dialect(), Uuid::now_v7(), Utc::now(), actor.user, what, subject, before, after)
}

/// An administrator begins to look at the site as somebody would: written down.
pub async fn view_as(app: &App, actor: &Actor, user: Uuid) -> Result<(), AppError> {
    administrators_only(actor)?;
    let known = app.store.fetch(&system::user_by_id(app.store.dialect(), user)).await?.into_iter().next();
    if !known.is_some_and(|row| matches!(row.last(), Some(Datum::Boolean(true)))) {
        return Err(AppError::not_found("user"));
    }
    crate::run(&app.store, vec![told(app, actor, "view_as", &user.to_string(), None, None)]).await
}

/// Makes a group, or gives one that an administrator made other words.
pub async fn put_group(app: &App, actor: &Actor, key: Option<&str>, labels: &Labels, help: &Labels) -> Result<Ident, AppError> {
    administrators_only(actor)?;
    let snapshot = app.snapshot();
    let name = labels.0.values().map(|text| model::types::clean(text)).find(|text| !text.is_empty()).ok_or_else(|| malformed("a group has a name"))?;
    if labels.0.values().chain(help.0.values()).any(|text| text.chars().count() > 200) {
        return Err(malformed("a group's name and help have at most 200 characters"));
    }
    let key = match key {
        Some(key) => snapshot.catalog.roles.get(key).filter(|role| role.local).map(|role| role.key.clone()).ok_or_else(|| AppError::not_found("group"))?,
        None => new_key(&snapshot, &name)?,
    };
    let words = |labels: &Labels| serde_json::to_string(&labels.0).unwrap_or_default();
    let put = kept::put_group(app.store.dialect(), key.as_str(), &words(labels), &words(help), actor.user, Utc::now());
    publish(app, actor, vec![put, told(app, actor, "group", key.as_str(), None, Some(&words(labels)))]).await?;
    Ok(key)
}

/// `x_north_sales`; where nothing of a name is left, or it is taken, something made up.
fn new_key(snapshot: &Snapshot, name: &str) -> Result<Ident, AppError> {
    let plain: String = name
        .chars()
        .filter_map(|c| {
            if c.is_ascii_alphanumeric() {
                Some(c.to_ascii_lowercase())
            } else if c == ' ' || c == '-' || c == '_' {
                Some('_')
            } else {
                None
            }
        })
        .take(24)
        .collect();
    let wanted = format!("{LOCAL_GROUPS}{}", plain.trim_matches('_'));
    let taken = |key: &str| key == LOCAL_GROUPS || snapshot.catalog.roles.contains_key(key);
    let key = if taken(&wanted) { format!("{LOCAL_GROUPS}{}", &Uuid::new_v4().simple().to_string()[..12]) } else { wanted };
    Ident::new(&key).map_err(|error| AppError::Internal(error.to_string()))
}

/// Takes a group away that an administrator made: nobody is in it any more, and what it gave is gone.
pub async fn remove_group(app: &App, actor: &Actor, key: &str) -> Result<(), AppError> {
    administrators_only(actor)?;
    if !app.snapshot().catalog.roles.get(key).is_some_and(|role| role.local) {
        return Err(AppError::not_found("group"));
    }
    let mut statements = kept::remove_group(app.store.dialect(), key);
    statements.push(told(app, actor, "group_removed", key, None, None));
    publish(app, actor, statements).await
}

/// Puts a grant or guard; its id.
pub async fn put(app: &App, actor: &Actor, wanted: Wanted) -> Result<Uuid, AppError> {
    let snapshot = app.snapshot();
    let card = snapshot.card(&wanted.card)?;
    if !may_administer(&snapshot, actor, card) {
        // Who has no grant on the card learns nothing of it.
        access::gate(&snapshot.catalog, actor, card, ActionName::Read)?;
        return Err(AppError::forbidden("you may not change the rights of this card"));
    }
    if wanted.role.as_ref().is_some_and(|role| !snapshot.catalog.roles.contains_key(role)) {
        return Err(malformed("there is no such group"));
    }
    if let Some(stray) = wanted.says.except.iter().find(|role| !snapshot.catalog.roles.contains_key(*role)) {
        return Err(malformed(format!("there is no group `{stray}`")));
    }
    let says = local::keep(&snapshot.catalog, card, wanted.says.clone()).map_err(|faults| malformed(faults.iter().map(|(place, fault)| format!("{place}: {fault}")).collect::<Vec<_>>().join("; ")))?;
    let before = match wanted.id {
        Some(id) => Some(stored(app, id).await?.filter(|before| before.card == card.id.as_str()).ok_or_else(|| AppError::not_found("grant"))?),
        None => None,
    };
    let scope = local::scope(&snapshot.catalog, card, &says).map_err(malformed)?;
    match &wanted.role {
        // A guard takes away; only administrators, whom none holds for, see what.
        None => {
            administrators_only(actor)?;
            if scope == model::Scope::All {
                return Err(malformed("a guard that lets everything through guards nothing"));
            }
        }
        Some(role) => {
            let given = local::granted(card, role, &says, scope);
            check_covers(&snapshot, actor, card, &given)?;
        }
    }
    let replaced =
        wanted.replaces.as_ref().map(|id| card.grants.iter().chain(&card.set_aside).find(|grant| grant.id == *id && grant.pack.is_some()).ok_or_else(|| AppError::not_found("grant"))).transpose()?;
    if let Some(grant) = replaced {
        if Some(&grant.role) != wanted.role.as_ref() {
            return Err(malformed("what stands in the place of a grant is the same group's"));
        }
        // Taking rights away from others takes holding them, too.
        check_covers(&snapshot, actor, card, grant)?;
    }
    let (replaces, base) = match (&before, replaced) {
        (Some(before), _) => (before.replaces.clone(), before.base.clone()),
        (None, Some(grant)) => (Some(grant.id.clone()), Some(local::summary(grant))),
        (None, None) => (None, None),
    };
    if let (None, Some(replaces)) = (&before, &replaces)
        && card.set_aside.iter().any(|grant| grant.id == *replaces)
    {
        return Err(AppError::Conflict { code: "right_changed", detail: "somebody changed this grant already; look at it again".into(), blockers: Vec::new() });
    }
    let id = wanted.id.unwrap_or_else(Uuid::now_v7);
    let text = serde_json::to_string(&says).map_err(|error| AppError::Internal(error.to_string()))?;
    let row = Kept { id, card: card.id.as_str(), role: wanted.role.as_ref().map(Ident::as_str), replaces: replaces.as_deref(), base: base.as_deref(), says: &text };
    let put = kept::put_grant(app.store.dialect(), &row, actor.user, Utc::now());
    let subject = format!("{}/{}", card.key, wanted.role.as_ref().map_or("guard", Ident::as_str));
    publish(app, actor, vec![put, told(app, actor, if wanted.role.is_some() { "grant" } else { "guard" }, &subject, before.as_ref().map(|before| before.says.as_str()), Some(&text))]).await?;
    Ok(id)
}

fn check_covers(snapshot: &Snapshot, actor: &Actor, card: &std::sync::Arc<Card>, given: &Grant) -> Result<(), AppError> {
    covers(actor, card, given).map_err(|lacking| {
        let name = card.labels.or_key(&actor.lang, card.key.as_str());
        let _ = snapshot;
        match lacking {
            Lacking::Action(action) => AppError::forbidden(format!("you cannot give more than you hold: {} of {name}", access::action_word(action))),
            Lacking::Field(_, field) => AppError::forbidden(format!("you cannot give more than you hold: the field `{field}` of {name}")),
        }
    })
}

/// A grant or guard as it is kept.
pub(crate) struct Stored {
    pub card: String,
    pub role: Option<Ident>,
    pub replaces: Option<String>,
    pub base: Option<String>,
    pub says: String,
}

async fn stored(app: &App, id: Uuid) -> Result<Option<Stored>, AppError> {
    let row = app.store.fetch(&kept::grant(app.store.dialect(), id)).await?.into_iter().next();
    let text = |datum| if let Datum::Text(text) = datum { Some(text) } else { None };
    Ok(row.and_then(|row| {
        let [card, role, replaces, says, base] = <[Datum; 5]>::try_from(row).ok()?;
        Some(Stored { card: text(card)?, role: text(role).and_then(|role| Ident::new(&role).ok()), replaces: text(replaces), base: text(base), says: text(says)? })
    }))
}

/// Takes a grant or guard of an administrator's away; the pack's in whose place it stood holds again.
pub async fn remove(app: &App, actor: &Actor, id: Uuid) -> Result<(), AppError> {
    let snapshot = app.snapshot();
    let before = stored(app, id).await?.ok_or_else(|| AppError::not_found("grant"))?;
    match snapshot.catalog.cards.values().find(|card| card.id == before.card.as_str()) {
        Some(card) if before.role.is_some() => {
            if !may_administer(&snapshot, actor, card) {
                return Err(AppError::not_found("grant"));
            }
            let own = id.to_string();
            if let Some(grant) = card.grants.iter().find(|grant| grant.id == own) {
                check_covers(&snapshot, actor, card, grant)?;
            }
            if let Some(back) = before.replaces.as_ref().and_then(|replaced| card.set_aside.iter().find(|grant| grant.id == *replaced)) {
                check_covers(&snapshot, actor, card, back)?;
            }
        }
        _ if actor.is_administrator() => {}
        _ => return Err(AppError::not_found("grant")),
    }
    let statements = vec![kept::remove_grant(app.store.dialect(), id), told(app, actor, "grant_removed", &before.card, Some(&before.says), None)];
    publish(app, actor, statements).await
}

/// Whether somebody may take others into a group: nobody gives more than they hold.
fn check_gives(snapshot: &Snapshot, actor: &Actor, role: &str) -> Result<(), AppError> {
    if actor.is_administrator() {
        return Ok(());
    }
    let Some(known) = snapshot.catalog.roles.get(role) else { return Err(AppError::not_found("group")) };
    let mut any = false;
    for card in snapshot.catalog.cards.values() {
        for grant in card.grants_of(&known.key) {
            if !may_administer(snapshot, actor, card) {
                return Err(AppError::forbidden("only administrators may do this"));
            }
            check_covers(snapshot, actor, card, grant)?;
            any = true;
        }
    }
    if any { Ok(()) } else { administrators_only(actor) }
}

/// Takes somebody into a group.
pub async fn join(app: &App, actor: &Actor, role: &str, user: Uuid) -> Result<(), AppError> {
    let snapshot = app.snapshot();
    check_gives(&snapshot, actor, role)?;
    if role != ADMINISTRATOR && !snapshot.catalog.roles.contains_key(role) {
        return Err(AppError::not_found("group"));
    }
    if app.store.fetch(&system::user_by_id(app.store.dialect(), user)).await?.is_empty() {
        return Err(AppError::not_found("user"));
    }
    let statements = vec![kept::join(app.store.dialect(), user, role), told(app, actor, "joined", &format!("{role}/{user}"), None, None)];
    crate::run_on_person(&app.store, user, statements).await
}

/// Takes somebody out of a group.
pub async fn leave(app: &App, actor: &Actor, role: &str, user: Uuid) -> Result<(), AppError> {
    check_gives(&app.snapshot(), actor, role)?;
    let (others, leave) = (kept::others(app.store.dialect(), role, user), kept::leave(app.store.dialect(), user, role));
    let (log, last) = (told(app, actor, "left", &format!("{role}/{user}"), None, None), role == ADMINISTRATOR);
    app.store
        .write_alone(move |tx: &mut Tx| {
            let (others, leave, log) = (others.clone(), leave.clone(), log.clone());
            tx.change_rights_of(user);
            Box::pin(async move {
                if last && matches!(tx.fetch(&others).await?.into_iter().flatten().next(), Some(Datum::Integer(0))) {
                    let detail = "the last active administrator stays one; make another one first".to_owned();
                    return Err(UnitError::from(AppError::Conflict { code: "last_administrator", detail, blockers: Vec::new() }));
                }
                tx.execute(&leave).await?;
                tx.execute(&log).await?;
                Ok::<(), UnitError>(())
            })
        })
        .await
        .map_err(|error| error.error)
}

/// Most members that are listed at a time.
pub const MOST_MEMBERS: u32 = 500;

/// Who belongs to a group, for those who may change it.
pub async fn members(app: &App, actor: &Actor, role: &str) -> Result<Vec<Member>, AppError> {
    check_gives(&app.snapshot(), actor, role)?;
    let rows = app.store.fetch(&kept::members(app.store.dialect(), role, MOST_MEMBERS)).await?;
    let member = |row: Vec<Datum>| match <[Datum; 4]>::try_from(row) {
        Ok([Datum::Uuid(id), Datum::Text(login), Datum::Text(name), Datum::Boolean(active)]) => Some(Member { id, login, name, active }),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(member).collect())
}

/// How many belong to each group.
pub async fn sizes(app: &App) -> Result<std::collections::HashMap<String, i64>, AppError> {
    let rows = app.store.fetch(&kept::sizes(app.store.dialect())).await?;
    let pair = |row: Vec<Datum>| match <[Datum; 2]>::try_from(row) {
        Ok([Datum::Text(role), Datum::Integer(count)]) => Some((role, count)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}
