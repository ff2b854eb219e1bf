//! Records shared one by one with people and groups, to read or to change, for good or until a moment.
//!
//! **Invariants**
//! - A share gives nothing by itself: what somebody may do with a shared record, their grants with scope `shared` say.
//! - Who shares a record may share it, and does not let others change what they may not change themselves.
//! - Whoever a record is shared with goes by it from their next request on; and so when it ends.

use access::{ADMINISTRATOR, Actor};
use chrono::{DateTime, Utc};
use model::{ActionName, Card, Condition, Ident, Scope};
use sql::{Datum, select, system, system_shares as kept};
use store::Tx;
use uuid::Uuid;

use crate::{
    App, AppError, Source, UnitError,
    notify::{self, Kind, Notice},
    snapshot::Snapshot,
};

/// Most that one record is shared with.
const MOST: usize = 200;

/// With whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// One person.
    User(Uuid),
    /// Everybody in a group.
    Group(Ident),
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => write!(f, "u:{id}"),
            Self::Group(role) => write!(f, "g:{role}"),
        }
    }
}

impl std::str::FromStr for Who {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            Some(("u", id)) => Uuid::try_parse(id).map(Self::User).map_err(|_| ()),
            Some(("g", role)) => Ident::new(role).map(Self::Group).map_err(|_| ()),
            _ => Err(()),
        }
    }
}

/// A share of a record.
#[derive(Debug, Clone)]
pub struct Share {
    /// With whom.
    pub who: Who,
    /// What they are called.
    pub name: String,
    /// Whether it may be changed.
    pub edit: bool,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
    /// Who shared it.
    pub by: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether any grant of theirs makes anything of it.
    pub works: bool,
}

/// What is wanted of a share.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Wanted {
    pub who: Who,
    pub edit: bool,
    pub until: Option<DateTime<Utc>>,
}

/// Whether a condition admits a record.
pub(crate) async fn admits(source: &mut Source<'_>, snapshot: &Snapshot, card: &Card, id: Uuid, rows: &Condition) -> Result<bool, AppError> {
    if rows.is_always() {
        return Ok(true);
    }
    let lowered = select::matching(&snapshot.catalog, source.dialect(), &card.table.reference(), &[id], rows);
    Ok(!source.fetch(&lowered.statement).await?.is_empty())
}

/// The record must be there to be read; and to be shared, if that is what is asked.
async fn reach(source: &mut Source<'_>, snapshot: &Snapshot, actor: &Actor, key: &str, id: Uuid, action: ActionName) -> Result<std::sync::Arc<Card>, AppError> {
    let card = snapshot.card(key)?.clone();
    let reading = access::gate(&snapshot.catalog, actor, &card, ActionName::Read)?;
    let there = select::matching(&snapshot.catalog, source.dialect(), &card.table.reference(), &[id], &alive(&card));
    if card.builtin || source.fetch(&there.statement).await?.is_empty() || !admits(source, snapshot, &card, id, &reading.rows()).await? {
        return Err(AppError::not_found("record"));
    }
    let gate = access::gate(&snapshot.catalog, actor, &card, action)?;
    if !admits(source, snapshot, &card, id, &gate.rows()).await? {
        return Err(AppError::forbidden(if action == ActionName::Share { "you may not share this record" } else { "you may not let others change this record: you may not yourself" }));
    }
    Ok(card)
}

fn alive(card: &Card) -> Condition {
    match card.table.fields.get("trashed_at") {
        Some(field) => Condition::Test(model::Test { path: model::Path::own(card.table.reference(), field.key.clone()), op: model::Op::Empty, operand: model::Operand::None }),
        None => Condition::always(),
    }
}

/// Refuses who may not share a record.
pub async fn check_may_share(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Uuid) -> Result<(), AppError> {
    reach(&mut Source::App(app), snapshot, actor, card, id, ActionName::Share).await.map(|_| ())
}

/// Whether the actor may share a record at all.
pub async fn may_share(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Uuid) -> Result<bool, AppError> {
    match check_may_share(app, snapshot, actor, card, id).await {
        Ok(()) => Ok(true),
        Err(AppError::Forbidden { .. } | AppError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// With whom a record is shared, for those who may read it.
pub async fn list(app: &App, snapshot: &Snapshot, actor: &Actor, key: &str, id: Uuid) -> Result<Vec<Share>, AppError> {
    let mut source = Source::App(app);
    let card = reach(&mut source, snapshot, actor, key, id, ActionName::Read).await?;
    let rows = source.fetch(&kept::of_record(source.dialect(), id)).await?;
    let mut shares = Vec::new();
    for row in rows {
        let Ok([Datum::Text(who), Datum::Boolean(edit), until, by, Datum::Instant(at)]) = <[Datum; 5]>::try_from(row) else { continue };
        let Some(who) = who.parse::<Who>().ok() else { continue };
        let (name, works) = told(app, snapshot, actor, &card, &who).await?;
        let until = if let Datum::Instant(at) = until { Some(at) } else { None };
        // What has ended is nobody's any more.
        if until.is_some_and(|until| until <= actor.now) {
            continue;
        }
        shares.push(Share { who, name, edit, until, by: if let Datum::Uuid(by) = by { Some(by) } else { None }, at, works });
    }
    Ok(shares)
}

/// What somebody is called, and whether a grant of theirs has the scope `shared`.
async fn told(app: &App, snapshot: &Snapshot, actor: &Actor, card: &Card, who: &Who) -> Result<(String, bool), AppError> {
    let opens = |role: &Ident| *role == ADMINISTRATOR || card.grants_of(role).iter().any(|grant| grant.scope == Scope::Shared && grant.actions.contains(&ActionName::Read));
    match who {
        Who::Group(role) => {
            let name = snapshot.catalog.roles.get(role).map_or_else(|| model::humanize(role.as_str()), |known| known.labels.or_key(&actor.lang, role.as_str()));
            // Members may hold it by another group of theirs.
            let any = opens(role) || card.grants.iter().any(|grant| grant.scope == Scope::Shared);
            Ok((name, any))
        }
        Who::User(id) => {
            let dialect = app.store.dialect();
            let name = app.store.fetch(&system::user_by_id(dialect, *id)).await?.into_iter().next().and_then(|row| row.into_iter().nth(2));
            let roles = app.store.fetch(&system::roles_of(dialect, *id)).await?.into_iter().flatten();
            let works = roles.filter_map(|role| if let Datum::Text(role) = role { Ident::new(&role).ok() } else { None }).any(|role| opens(&role));
            Ok((if let Some(Datum::Text(name)) = name { name } else { String::new() }, works))
        }
    }
}

/// Shares a record, or shares it otherwise. Gives back what was before, so that it can be undone.
pub async fn put(app: &App, actor: &Actor, key: &str, id: Uuid, wanted: Wanted) -> Result<Option<Wanted>, AppError> {
    if wanted.until.is_some_and(|until| until <= actor.now) {
        return Err(AppError::malformed("bad_share", "`until` is a moment still to come"));
    }
    let snapshot = app.snapshot();
    match &wanted.who {
        Who::Group(role) if snapshot.catalog.roles.contains_key(role) => {}
        Who::Group(role) => {
            let near = model::nearest(role.as_str(), snapshot.catalog.roles.keys().map(Ident::as_str)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(AppError::malformed("bad_share", format!("there is no group `{role}`{near}")));
        }
        Who::User(user) => {
            let active = app.store.fetch(&system::user_by_id(app.store.dialect(), *user)).await?.into_iter().next().is_some_and(|row| matches!(row.last(), Some(Datum::Boolean(true))));
            if !active {
                return Err(AppError::malformed("bad_share", "there is no such user"));
            }
        }
    }
    change(app, actor, key, id, wanted.who.clone(), Some(wanted)).await
}

/// Takes a share back. Gives back what was before.
pub async fn remove(app: &App, actor: &Actor, key: &str, id: Uuid, who: Who) -> Result<Option<Wanted>, AppError> {
    change(app, actor, key, id, who, None).await
}

async fn change(app: &App, actor: &Actor, key: &str, id: Uuid, who: Who, wanted: Option<Wanted>) -> Result<Option<Wanted>, AppError> {
    let (snapshot, actor, key, site) = (app.snapshot(), actor.clone(), key.to_owned(), app.site.clone());
    app.store
        .write(move |tx: &mut Tx| {
            let (snapshot, actor, key, who, wanted, site) = (snapshot.clone(), actor.clone(), key.clone(), who.clone(), wanted.clone(), site.clone());
            Box::pin(async move {
                crate::still_present(tx, &snapshot, &actor).await?;
                let card = reach(&mut Source::Tx(tx), &snapshot, &actor, &key, id, ActionName::Share).await?;
                if wanted.as_ref().is_some_and(|wanted| wanted.edit) {
                    reach(&mut Source::Tx(tx), &snapshot, &actor, &key, id, ActionName::Update).await?;
                }
                let dialect = tx.dialect();
                let rows = tx.fetch(&kept::of_record(dialect, id)).await?;
                let before = rows.iter().find_map(|row| match row.as_slice() {
                    [Datum::Text(known), Datum::Boolean(edit), until, ..] if *known == who.to_string() => {
                        Some(Wanted { who: who.clone(), edit: *edit, until: if let Datum::Instant(at) = until { Some(*at) } else { None } })
                    }
                    _ => None,
                });
                match &wanted {
                    Some(_) if before.is_none() && rows.len() >= MOST => {
                        return Err(AppError::malformed("bad_share", format!("a record is shared with at most {MOST}; share it with a group")).into());
                    }
                    Some(wanted) => {
                        let share = kept::Share { record: id, who: &who.to_string(), card: card.id.as_str(), edit: wanted.edit, until: wanted.until };
                        tx.execute(&kept::put(dialect, &share, actor.user, actor.now)).await?;
                    }
                    None if before.is_none() => return Err(AppError::not_found("share").into()),
                    None => {
                        tx.execute(&kept::remove(dialect, id, &who.to_string())).await?;
                    }
                }
                note(tx, &card, id, &actor, &who, wanted.as_ref(), &site).await?;
                Ok::<_, UnitError>(before)
            })
        })
        .await
        .map_err(|error| error.error)
}

/// The record's history says it, and so is told who it was shared with; from their next request on they go by it.
async fn note(tx: &mut Tx, card: &Card, id: Uuid, actor: &Actor, who: &Who, wanted: Option<&Wanted>, site: &str) -> Result<(), UnitError> {
    let dialect = tx.dialect();
    let version = match tx.fetch(&system::history(dialect, id, 1)).await?.first().map(Vec::as_slice) {
        Some([_, _, _, Datum::Integer(version), ..]) => *version,
        _ => 1,
    };
    let event = system::Event {
        at: actor.now,
        actor: actor.user,
        card: card.key.as_str(),
        record: id,
        version,
        action: if wanted.is_some() { "shared" } else { "unshared" },
        fields: "[]".into(),
        tracked: None,
        site,
        tx: Uuid::now_v7(),
        ids: [Uuid::now_v7(), Uuid::now_v7()],
    };
    for statement in system::event(dialect, &event) {
        tx.execute(&statement).await?;
    }
    match who {
        Who::User(user) => {
            tx.change_rights_of(*user);
            if wanted.is_some() && Some(*user) != actor.user {
                let notice = Notice { by: actor.user, ..Notice::new(Kind::Shared, "record", vec![*user]) }.about_record(&card.key, id);
                notify::tell(tx, &notice).await?;
            }
        }
        Who::Group(_) => tx.change_rights(),
    }
    Ok(())
}
