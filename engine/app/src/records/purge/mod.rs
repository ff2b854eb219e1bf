//! Out of the trash for good: by whoever administers a card, or when it has lain there for as long as the site says.
//!
//! **Invariants**
//! - Only what lies in the trash is deleted, with everything that went there along with it; a person needs the right to
//!   each of them.
//! - What would be left pointing nowhere, and may not, stands in the way.
//! - The log keeps that the record was, and who deleted it for good.
//!
//! **Not here:** into the trash and out of it again (`remove`).

use std::{collections::{BTreeSet, HashSet}, sync::Arc};

use access::{Actor, Reason, gate_write};
use chrono::{DateTime, TimeDelta, Utc};
use model::{ActionName, Card, Ident};
use serde_json::{Value as Json, json};
use sql::{Datum, write::{self, purge}};
use store::Tx;
use uuid::Uuid;

use super::remove;
use crate::{App, AppError, UnitError, accounts, derived, jobs::{self, Context, JobError, NewJob}, snapshot::Snapshot};

mod unit;

use unit::Purge;

/// The job that empties the trash of a card.
pub(crate) const KIND: &str = "trash.empty";
/// The job that deletes what has lain in the trash for long enough.
pub(crate) const RETURNING: &str = "trash.clear";
/// Records of one statement.
const EACH: usize = 500;
/// Most records that go along with one.
const MOST: usize = 100_000;
/// Trash ids of one look.
const PAGE: u32 = 200;

/// Deletes a record that lies in the trash for good, with everything that went there along with it. Answers how many
/// records are gone.
pub async fn purge(app: &App, actor: &Actor, card: &str, id: Uuid) -> Result<usize, AppError> {
    app.by_present_definitions(actor, || async {
        let snapshot = app.snapshot();
        let card = snapshot.card(card)?.clone();
        let rows = gate_write(&snapshot.catalog, actor, &card, ActionName::Administer)?.rows();
        let work = Arc::new((snapshot, card, rows, actor.clone(), app.site.clone()));
        let done = app.store.write_large(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move {
                let (snapshot, card, rows, actor, site) = &*work;
                crate::still_present(tx, snapshot, actor).await?;
                derived::begin(tx, snapshot, card).await?;
                remove::check(tx, snapshot, actor, card, id, rows, true).await?;
                let found = tx.fetch(&write::trash_of(&snapshot.catalog, tx.dialect(), card, id)).await?;
                let Some(Datum::Uuid(trash_id)) = found.into_iter().flatten().next() else { return Err(AppError::not_found("record").into()) };
                Purge { snapshot, actor, site, trash_id }.run(tx).await
            })
        });
        done.await.map_err(|error: UnitError| error.error)
    })
    .await
}

/// Whether somebody may delete records of a card for good: `Some(true)` where all of them.
pub fn may(snapshot: &Snapshot, actor: &Actor, card: &Arc<Card>) -> Option<bool> {
    let gate = access::gate(&snapshot.catalog, actor, card, ActionName::Administer).ok().filter(|_| !card.builtin)?;
    Some(gate.rows().is_always())
}

/// Empties the trash of a card as it is now, by a job, as far as the actor may.
pub async fn empty(app: &App, actor: &Actor, card: &str) -> Result<Uuid, AppError> {
    let snapshot = app.snapshot();
    let card = snapshot.card(card)?;
    if !gate_write(&snapshot.catalog, actor, card, ActionName::Administer)?.rows().is_always() {
        return Err(AppError::forbidden("only who administers every record of a card empties its trash"));
    }
    let payload = json!({"card": card.key, "until": actor.now});
    jobs::enqueue(app, NewJob { unique_key: Some(format!("{KIND}.{}", card.id)), created_by: actor.user, ..NewJob::new(KIND, payload) }).await
}

/// What came of clearing: how many records are gone, and how many trash ids stayed.
#[derive(Default)]
struct Cleared {
    gone: usize,
    left: usize,
}

impl Cleared {
    fn told(&self) -> Json {
        json!({"deleted": self.gone, "left": self.left})
    }
}

/// What lay in the trash of some cards before a moment, one trash id after the other. What something stands in the way
/// of is tried again as long as others go.
async fn clear(context: &Context, cards: &[Ident], until: DateTime<Utc>) -> Result<Cleared, JobError> {
    let (mut done, mut blocked) = (Cleared::default(), Vec::new());
    for key in cards {
        let mut after = None;
        loop {
            context.go_on().await?;
            let app = context.app();
            let snapshot = app.snapshot();
            let Some(card) = snapshot.catalog.card(key) else { break };
            let rows = app.store.fetch(&purge::trashed_before(&snapshot.catalog, app.store.dialect(), card, until, after, PAGE)).await?;
            let found: Vec<Uuid> = rows.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect();
            let Some(last) = found.last().copied() else { break };
            blocked.extend(some(context, found, &mut done).await?);
            after = Some(last);
        }
    }
    loop {
        let before = done.gone;
        done.left -= blocked.len();
        blocked = some(context, blocked, &mut done).await?;
        if done.gone == before {
            return Ok(done);
        }
    }
}

/// Some trash ids, each by itself; those that something stands in the way of.
async fn some(context: &Context, ids: Vec<Uuid>, done: &mut Cleared) -> Result<Vec<Uuid>, JobError> {
    let mut blocked = Vec::new();
    for trash_id in ids {
        context.go_on().await?;
        match one(context, trash_id).await {
            Ok(count) => done.gone += count,
            Err(AppError::Conflict { .. }) => {
                blocked.push(trash_id);
                done.left += 1;
            }
            // The database, or the definitions, are not what they were: later.
            Err(error @ (AppError::Unavailable { .. } | AppError::Outdated)) => return Err(error.into()),
            // One that cannot go keeps none of the others.
            Err(error) => {
                if !matches!(error, AppError::Forbidden { .. } | AppError::NotFound { .. }) {
                    tracing::warn!(%error, %trash_id, "what lies in the trash could not be deleted for good");
                }
                done.left += 1;
            }
        }
        context.progress(i64::try_from(done.gone).unwrap_or(i64::MAX), None).await?;
    }
    Ok(blocked)
}

async fn one(context: &Context, trash_id: Uuid) -> Result<usize, AppError> {
    let app = context.app();
    let snapshot = app.snapshot();
    // Whoever asked, by the rights they have now.
    let actor = match context.created_by() {
        Some(user) => accounts::actor_of(app, &snapshot, user, Utc::now()).await?,
        None => Actor::system(Reason::Trash, Utc::now()),
    };
    app.by_present_definitions(&actor, || async {
        let work = Arc::new((app.snapshot(), actor.clone(), app.site.clone()));
        let done = app.store.write_large(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move {
                let (snapshot, actor, site) = &*work;
                crate::still_present(tx, snapshot, actor).await?;
                Purge { snapshot, actor, site, trash_id }.run(tx).await
            })
        });
        done.await.map_err(|error: UnitError| error.error)
    })
    .await
}

/// Empties the trash of one card.
pub(crate) async fn handle_empty(context: Context) -> Result<Json, JobError> {
    let payload = context.payload().clone();
    let key = payload["card"].as_str().and_then(|key| Ident::new(key).ok()).ok_or_else(|| AppError::Internal("a job without its card".into()))?;
    let until: DateTime<Utc> = serde_json::from_value(payload["until"].clone()).map_err(|error| AppError::Internal(error.to_string()))?;
    Ok(clear(&context, &[key], until).await?.told())
}

/// Deletes what has lain in the trash for as long as the site says, if it says so.
pub(crate) async fn handle_clear(context: Context) -> Result<Json, JobError> {
    let app = context.app();
    let Some(days) = app.settings().trash_days else { return Ok(Cleared::default().told()) };
    let cards: Vec<Ident> = app.snapshot().catalog.cards.values().filter(|card| !card.builtin).map(|card| card.key.clone()).collect();
    Ok(clear(&context, &cards, Utc::now() - TimeDelta::days(i64::from(days))).await?.told())
}
