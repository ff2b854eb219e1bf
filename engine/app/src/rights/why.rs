//! Why somebody can, or cannot, do something with a record and its fields: told by the grants the gate compiles, each
//! asked about the record by the same statements.
//!
//! **Invariants**
//! - Of others' rights only administrators are told, and who may administer the card. Of their own everybody is, about
//!   records they may see.

use access::{Actor, Explanation};
use chrono::Utc;
use model::{ActionName, Card, Condition, FieldRight, Ident, Scope};
use sql::system_shares;
use uuid::Uuid;

use super::{may_administer, shares::admits};
use crate::{App, AppError, Source, accounts, lists, snapshot::Snapshot};

/// The actions that are told of, in order.
pub const ACTIONS: [ActionName; 12] = [
    ActionName::Read,
    ActionName::Update,
    ActionName::Delete,
    ActionName::Restore,
    ActionName::Transition,
    ActionName::Share,
    ActionName::Assign,
    ActionName::Claim,
    ActionName::Export,
    ActionName::Print,
    ActionName::Bulk,
    ActionName::Report,
];

/// Everything about one person and one record.
#[derive(Debug)]
pub struct Why {
    /// Whose rights.
    pub user: Uuid,
    /// Their name.
    pub name: String,
    /// Whether the account is open.
    pub active: bool,
    /// Their groups.
    pub roles: Vec<Ident>,
    /// Their org unit.
    pub org_unit: Option<Uuid>,
    /// They may do everything.
    pub unbounded: bool,
    /// The record lies in the trash.
    pub trashed: bool,
    /// Whether anything is shared with them of this record.
    pub shared: bool,
    /// Action by action.
    pub actions: Vec<About>,
    /// Field by field, for reading and changing.
    pub fields: Vec<Field>,
}

/// One action.
#[derive(Debug)]
pub struct About {
    /// Which.
    pub action: ActionName,
    /// Whether it may be done.
    pub may: bool,
    /// The grants that allow it, each with whether the record is in its rows.
    pub grants: Vec<Counted>,
    /// The guards that keep the record out.
    pub kept_out: Vec<Guard>,
}

/// A grant that allows an action.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Counted {
    pub id: String,
    pub role: Ident,
    pub held: bool,
    pub scope: Scope,
    pub matches: bool,
    pub fault: Option<String>,
    pub written: Option<model::Filter>,
    pub fields: Vec<(Option<Ident>, Ident, FieldRight)>,
}

/// A guard.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Guard {
    pub id: String,
    pub scope: Scope,
    pub fault: Option<String>,
    pub written: Option<model::Filter>,
}

/// One field of the record.
#[derive(Debug)]
pub struct Field {
    /// The child table, where it is a row's.
    pub child: Option<Ident>,
    /// The field.
    pub key: Ident,
    /// What the grants give that admit the record to be read.
    pub read: FieldRight,
    /// Whether it may be changed: by grants that admit the record to be changed.
    pub edit: bool,
    /// Write-only, for everybody.
    pub secret: bool,
    /// The groups whose grants decide.
    pub by: Vec<Ident>,
}

/// Tells it.
pub async fn why(app: &App, snapshot: &Snapshot, actor: &Actor, key: &str, id: Uuid, user: Option<Uuid>) -> Result<Why, AppError> {
    let card = snapshot.card(key)?.clone();
    let own = actor.user.ok_or(AppError::Unauthenticated)?;
    let user = user.unwrap_or(own);
    // The record must be the asker's to see, in the trash too; an administrator sees every one.
    let locale = form::Locale::of(&actor.lang, actor.zone);
    let trashed = match crate::records::read::read_in(app, snapshot, actor, key, id, &[query::Trash::Without], &locale).await {
        Ok(_) => false,
        Err(AppError::NotFound { .. }) => {
            let binned = crate::records::read::read_in(app, snapshot, actor, key, id, &[query::Trash::Only], &locale).await;
            // Whoever may not look into the trash is answered as if nothing were there.
            binned.map_err(|error| if matches!(error, AppError::Forbidden { .. }) { AppError::not_found("record") } else { error })?;
            true
        }
        Err(error) => return Err(error),
    };
    if user != own && !may_administer(snapshot, actor, &card) {
        return Err(AppError::forbidden("only administrators are told of others' rights"));
    }
    lists::may_see(snapshot, actor, key)?;
    let (about, active) = match accounts::actor_of(app, snapshot, user, Utc::now()).await {
        Ok(about) => (about, true),
        Err(AppError::Unauthenticated) => (closed(app, user).await?, false),
        Err(error) => return Err(error),
    };
    let mut asked: Vec<(Condition, bool)> = Vec::new();
    let mut actions = Vec::new();
    for action in ACTIONS {
        let explained = access::explain(&snapshot.catalog, &about, &card, action);
        actions.push(one(app, snapshot, &card, id, action, &explained, &mut asked).await?);
    }
    let shares = app.store.fetch(&system_shares::of_record(app.store.dialect(), id)).await?;
    let who = about.who();
    let shared = shares.iter().any(|row| match row.as_slice() {
        [sql::Datum::Text(with), _, until, ..] => who.contains(with) && !matches!(until, sql::Datum::Instant(at) if *at <= actor.now),
        _ => false,
    });
    let fields = fields(&card, &about, &actions);
    Ok(Why { user, name: about.name.clone(), active, roles: about.roles.clone(), org_unit: about.org_unit, unbounded: about.is_unbounded(), trashed, shared, actions, fields })
}

/// Somebody whose account is closed: they can do nothing, and are still called something.
async fn closed(app: &App, user: Uuid) -> Result<Actor, AppError> {
    let row = app.store.fetch(&sql::system::user_by_id(app.store.dialect(), user)).await?.into_iter().next().ok_or_else(|| AppError::not_found("user"))?;
    let name = match row.into_iter().nth(2) {
        Some(sql::Datum::Text(name)) => name,
        _ => String::new(),
    };
    Ok(Actor::user(user, name, Vec::new(), Utc::now()))
}

async fn one(app: &App, snapshot: &Snapshot, card: &Card, id: Uuid, action: ActionName, explained: &Explanation, asked: &mut Vec<(Condition, bool)>) -> Result<About, AppError> {
    let mut grants = Vec::new();
    for verdict in explained.grants.iter().filter(|verdict| verdict.allows) {
        // Of groups that are not theirs it is told what they would give.
        let matches = holds(app, snapshot, card, id, &verdict.rows, asked).await?;
        grants.push(Counted {
            id: verdict.id.clone(),
            role: verdict.role.clone(),
            held: verdict.held,
            scope: verdict.scope.clone(),
            matches,
            fault: verdict.fault.clone(),
            written: verdict.written.clone(),
            fields: verdict.fields.clone(),
        });
    }
    let mut kept_out = Vec::new();
    for guard in explained.bounds.iter().filter(|guard| guard.holds && !explained.unbounded) {
        if !holds(app, snapshot, card, id, &guard.rows, asked).await? {
            kept_out.push(Guard { id: guard.id.clone(), scope: guard.scope.clone(), fault: guard.fault.clone(), written: guard.written.clone() });
        }
    }
    let may = explained.unbounded || kept_out.is_empty() && grants.iter().any(|grant| grant.held && grant.matches);
    Ok(About { action, may, grants, kept_out })
}

async fn holds(app: &App, snapshot: &Snapshot, card: &Card, id: Uuid, rows: &Condition, asked: &mut Vec<(Condition, bool)>) -> Result<bool, AppError> {
    if let Some((_, known)) = asked.iter().find(|(condition, _)| condition == rows) {
        return Ok(*known);
    }
    let found = admits(&mut Source::App(app), snapshot, card, id, rows).await?;
    asked.push((rows.clone(), found));
    Ok(found)
}

/// Rights on fields: child table, field, right.
type FieldRights = Vec<(Option<Ident>, Ident, FieldRight)>;

fn fields(card: &Card, about: &Actor, actions: &[About]) -> Vec<Field> {
    let of = |action: ActionName| actions.iter().find(|about| about.action == action);
    let (reading, changing) = (of(ActionName::Read), of(ActionName::Update));
    let counting = |about: Option<&'_ About>| -> Vec<(Ident, FieldRights)> {
        about
            .filter(|about| about.may)
            .map(|about| about.grants.iter().filter(|grant| grant.held && grant.matches).map(|grant| (grant.role.clone(), grant.fields.clone())).collect())
            .unwrap_or_default()
    };
    let (readers, editors) = (counting(reading), counting(changing));
    let right = |fields: &[(Option<Ident>, Ident, FieldRight)], child: Option<&Ident>, key: &Ident| {
        fields.iter().find(|(of, field, _)| of.as_ref() == child && field == key).map_or(FieldRight::Edit, |(_, _, right)| *right)
    };
    let tables = std::iter::once(&card.table).chain(card.children.values());
    tables
        .flat_map(|table| table.own_fields().map(move |field| (table.child.clone(), field)))
        .map(|(child, field)| {
            let best = readers.iter().map(|(_, fields)| right(fields, child.as_ref(), &field.key)).max().unwrap_or(FieldRight::None);
            let read = if about.is_unbounded() { FieldRight::Edit } else { best };
            let edit = field.is_editable() && (about.is_unbounded() || editors.iter().any(|(_, fields)| right(fields, child.as_ref(), &field.key) == FieldRight::Edit));
            let by = readers.iter().filter(|(_, fields)| right(fields, child.as_ref(), &field.key) == best).map(|(role, _)| role.clone()).collect();
            Field { key: field.key.clone(), read: if field.secret { FieldRight::None } else { read }, edit, secret: field.secret, by, child }
        })
        .collect()
}
