//! Which groups people are in, for administrators.
//!
//! **Invariants**
//! - Groups of people inside and outside do not mix.
//! - Somebody who may administer, and can sign in, is always left.
//! - What somebody is in is read where it is written: no change that another administrator makes meanwhile is lost.

use std::sync::Arc;

use access::ADMINISTRATOR;
use serde_json::Value as Json;
use sql::{Datum, Dialect, system, system_accounts as rows};
use store::{StoreError, Tx};
use uuid::Uuid;

use super::{Confirmed, by_id, checked_roles};
use crate::{App, AppError, Snapshot, UnitError, log::{self, Event}};

/// Groups of people inside and outside do not mix.
pub(super) fn realms(snapshot: &Snapshot, roles: &[String]) -> Result<(), AppError> {
    checked_roles(snapshot, roles)?;
    let outside = |role: &String| snapshot.catalog.roles.get(role.as_str()).is_some_and(|role| role.portal);
    let count = roles.iter().filter(|role| outside(role)).count();
    if count > 0 && count < roles.len() {
        return Err(AppError::malformed("mixed_groups", "somebody from outside belongs to groups for people from outside alone"));
    }
    Ok(())
}

/// Takes somebody into a group, or out of it; all others stay as they are at that moment.
pub async fn set_member(app: &App, by: &Confirmed, role: &str, id: Uuid, member: bool) -> Result<(), AppError> {
    let role = role.to_owned();
    regroup(app, by, id, move |had| had.iter().filter(|held| **held != role).chain(member.then_some(&role)).cloned().collect()).await
}

/// Puts somebody into these groups, and out of all others.
pub async fn set_roles(app: &App, by: &Confirmed, id: Uuid, wanted: &[String]) -> Result<(), AppError> {
    realms(&app.snapshot(), wanted)?;
    let wanted = wanted.to_vec();
    regroup(app, by, id, move |_| wanted.clone()).await
}

/// Puts somebody who was seen in some groups into others; those they came into or left meanwhile stay as they are.
pub async fn change_roles(app: &App, by: &Confirmed, id: Uuid, seen: &[String], wanted: &[String]) -> Result<(), AppError> {
    checked_roles(&app.snapshot(), wanted)?;
    let (seen, wanted) = (seen.to_vec(), wanted.to_vec());
    regroup(app, by, id, move |had| {
        let kept = had.iter().filter(|role| !seen.contains(role) || wanted.contains(role));
        kept.chain(wanted.iter().filter(|role| !seen.contains(role) && !had.contains(role))).cloned().collect()
    })
    .await
}

/// Makes of the groups somebody is in those wanted. What they are in is read where it is written, so that no change
/// that another administrator makes meanwhile is lost.
async fn regroup(app: &App, by: &Confirmed, id: Uuid, wanted: impl Fn(&[String]) -> Vec<String> + Send + Sync + 'static) -> Result<(), AppError> {
    by.administering()?;
    by_id(app, id).await?.ok_or_else(|| AppError::not_found("user"))?;
    let (wanted, snapshot) = (Arc::new(wanted), app.snapshot());
    let entry = by.entry(Event::GroupsChanged).to(id);
    let secrets = app.secrets.clone();
    let done = app.store.write(move |tx: &mut Tx| {
        let (wanted, snapshot, secrets, entry) = (wanted.clone(), snapshot.clone(), secrets.clone(), entry.clone());
        tx.change_rights();
        Box::pin(async move {
            let dialect = tx.dialect();
            hold(tx).await?;
            let had = roles_of(tx, id).await?;
            // A group that no pack has any more is left by whatever change comes next.
            let known: Vec<String> = had.iter().filter(|role| checked_roles(&snapshot, std::slice::from_ref(role)).is_ok()).cloned().collect();
            let wanted = wanted(&known);
            realms(&snapshot, &wanted)?;
            let (added, removed): (Vec<&String>, Vec<&String>) = (wanted.iter().filter(|role| !had.contains(role)).collect(), had.iter().filter(|role| !wanted.contains(role)).collect());
            if added.is_empty() && removed.is_empty() {
                return Ok(());
            }
            for role in &removed {
                if *role == ADMINISTRATOR {
                    keep_an_administrator(tx, id).await?;
                }
                tx.execute(&rows::remove_role(dialect, id, role)).await?;
            }
            for role in &added {
                tx.execute(&system::add_role(dialect, id, role)).await?;
            }
            let list = |roles: &[&String]| Json::from(roles.iter().map(|role| role.as_str()).collect::<Vec<_>>());
            log::append(tx, &secrets, &entry.about("added", list(&added)).about("removed", list(&removed))).await?;
            Ok::<(), UnitError>(())
        })
    });
    done.await.map_err(|error| error.error)
}

pub(super) async fn roles_of(tx: &mut Tx, id: Uuid) -> Result<Vec<String>, StoreError> {
    let found = tx.fetch(&system::roles_of(tx.dialect(), id)).await?;
    Ok(found.into_iter().flatten().filter_map(|role| if let Datum::Text(role) = role { Some(role) } else { None }).collect())
}

/// Two administrators who take it from each other come one after the other.
pub(super) async fn hold(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.dialect() == Dialect::Postgres {
        tx.fetch(&rows::hold_accounts()).await?;
    }
    Ok(())
}

/// Before somebody loses what an administrator has: there must be another.
pub(super) async fn keep_an_administrator(tx: &mut Tx, id: Uuid) -> Result<(), UnitError> {
    if tx.fetch(&rows::other_members(tx.dialect(), ADMINISTRATOR, id)).await?.is_empty() {
        let detail = "nobody else may administer; give that to somebody first".to_owned();
        return Err(AppError::Conflict { code: "last_administrator", detail, blockers: Vec::new() }.into());
    }
    Ok(())
}
