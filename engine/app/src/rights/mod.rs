//! Groups, grants and guards that administrators make: a layer over what packs bring, that upgrades leave alone.
//!
//! **Invariants**
//! - Nobody gives more than they hold.
//! - Whoever changes rights has just shown who they are ([`Confirmed`]). Every change counts as a publish, so that every
//!   node goes by it from the next request on, and stands in the log with what was before.
//!
//! **Not here:** what grants mean (`access`), who is in a group (`accounts::people`), records shared one by one
//! (`shares`), telling why (`why`).

pub mod shares;
pub mod why;

use access::{Actor, Lacking, covers};
use chrono::Utc;
use model::{
    ActionName, Card, Grant, Ident, Labels,
    build::{
        LOCAL_GROUPS,
        local::{self, LocalRight},
    },
    def::{ScopeDef, ScopeName},
};
use sql::{
    Datum, Statement, system,
    system_rights::{self as kept, Kept},
};
use store::Tx;
use uuid::Uuid;

use crate::{
    App, AppError, UnitError,
    accounts::Confirmed,
    log::{self, Entry, Event},
    snapshot::Snapshot,
};

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
async fn publish(app: &App, actor: &Actor, statements: Vec<Statement>, entry: Entry) -> Result<(), AppError> {
    let (version, known_at) = (app.snapshot().catalog.version, actor.known_at);
    let secrets = app.secrets.clone();
    app.store
        .write_alone(move |tx: &mut Tx| {
            let (statements, secrets, entry) = (statements.clone(), secrets.clone(), entry.clone());
            Box::pin(async move {
                let counts = tx.counts().await?;
                if u64::try_from(counts.version).unwrap_or(0) != version || known_at.is_some_and(|known| known != counts.number()) {
                    return Err(UnitError::from(AppError::Outdated));
                }
                for statement in &statements {
                    tx.execute(statement).await?;
                }
                log::append(tx, &secrets, &entry).await?;
                tx.fetch(&system::next_catalog_version(tx.dialect())).await?;
                Ok::<(), UnitError>(())
            })
        })
        .await
        .map_err(|error| error.error)?;
    app.reload().await
}

/// A line of the log: what was changed of whose rights, as it was and as it is.
fn told(by: &Confirmed, what: &str, place: &str, before: Option<&str>, after: Option<&str>) -> Entry {
    let entry = by.entry(Event::RightsChanged).about("what", what).about("place", place);
    let texts = [("before", before), ("after", after)].into_iter().filter_map(|(key, text)| Some((key, text?)));
    texts.fold(entry, |entry, (key, text)| entry.about(key, text))
}

/// An administrator begins to look at the site as somebody would: written down.
pub async fn view_as(app: &App, actor: &Actor, by: &Confirmed, user: Uuid) -> Result<(), AppError> {
    administrators_only(actor)?;
    let known = app.store.fetch(&system::user_by_id(app.store.dialect(), user)).await?.into_iter().next();
    if !known.is_some_and(|row| matches!(row.last(), Some(Datum::Boolean(true)))) {
        return Err(AppError::not_found("user"));
    }
    log::note(app, by.entry(Event::ViewedAs).to(user)).await
}

/// Makes a group, or gives one that an administrator made other words.
pub async fn put_group(app: &App, actor: &Actor, by: &Confirmed, key: Option<&str>, labels: &Labels, help: &Labels) -> Result<Ident, AppError> {
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
    publish(app, actor, vec![put], told(by, "group", key.as_str(), None, Some(&words(labels)))).await?;
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
pub async fn remove_group(app: &App, actor: &Actor, by: &Confirmed, key: &str) -> Result<(), AppError> {
    administrators_only(actor)?;
    if !app.snapshot().catalog.roles.get(key).is_some_and(|role| role.local) {
        return Err(AppError::not_found("group"));
    }
    publish(app, actor, kept::remove_group(app.store.dialect(), key), told(by, "group_removed", key, None, None)).await
}

/// Puts a grant or guard; its id.
pub async fn put(app: &App, actor: &Actor, by: &Confirmed, wanted: Wanted) -> Result<Uuid, AppError> {
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
            check_covers(actor, card, &given)?;
        }
    }
    let replaced =
        wanted.replaces.as_ref().map(|id| card.grants.iter().chain(&card.set_aside).find(|grant| grant.id == *id && grant.pack.is_some()).ok_or_else(|| AppError::not_found("grant"))).transpose()?;
    if let Some(grant) = replaced {
        if Some(&grant.role) != wanted.role.as_ref() {
            return Err(malformed("what stands in the place of a grant is the same group's"));
        }
        // Taking rights away from others takes holding them, too.
        check_covers(actor, card, grant)?;
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
    let what = if wanted.role.is_some() { "grant" } else { "guard" };
    publish(app, actor, vec![put], told(by, what, &subject, before.as_ref().map(|before| before.says.as_str()), Some(&text))).await?;
    Ok(id)
}

fn check_covers(actor: &Actor, card: &std::sync::Arc<Card>, given: &Grant) -> Result<(), AppError> {
    covers(actor, card, given).map_err(|lacking| {
        let name = card.labels.or_key(&actor.lang, card.key.as_str());
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

/// Takes a pack's grant back: it gives nothing any more, until that is removed.
pub async fn take_back(app: &App, actor: &Actor, by: &Confirmed, card: &str, id: &str) -> Result<(), AppError> {
    let snapshot = app.snapshot();
    let grant = snapshot.card(card)?.grants.iter().find(|grant| grant.id == id && grant.pack.is_some()).ok_or_else(|| AppError::not_found("grant"))?;
    let wanted = Wanted { id: None, card: card.to_owned(), role: Some(grant.role.clone()), replaces: Some(grant.id.clone()), says: LocalRight { scope: ScopeDef::Named(ScopeName::All), ..LocalRight::default() } };
    put(app, actor, by, wanted).await.map(|_| ())
}

/// Takes a grant or guard of an administrator's away; the pack's in whose place it stood holds again.
pub async fn remove(app: &App, actor: &Actor, by: &Confirmed, id: Uuid) -> Result<(), AppError> {
    let snapshot = app.snapshot();
    let before = stored(app, id).await?.ok_or_else(|| AppError::not_found("grant"))?;
    match snapshot.catalog.cards.values().find(|card| card.id == before.card.as_str()) {
        Some(card) if before.role.is_some() => {
            if !may_administer(&snapshot, actor, card) {
                return Err(AppError::not_found("grant"));
            }
            let own = id.to_string();
            if let Some(grant) = card.grants.iter().find(|grant| grant.id == own) {
                check_covers(actor, card, grant)?;
            }
            if let Some(back) = before.replaces.as_ref().and_then(|replaced| card.set_aside.iter().find(|grant| grant.id == *replaced)) {
                check_covers(actor, card, back)?;
            }
        }
        _ if actor.is_administrator() => {}
        _ => return Err(AppError::not_found("grant")),
    }
    publish(app, actor, vec![kept::remove_grant(app.store.dialect(), id)], told(by, "grant_removed", &before.card, Some(&before.says), None)).await
}
