//! Out of the trash for good: by whoever administers a card, or when it has lain there for as long as the site says.
//!
//! **Invariants**
//! - Only what lies in the trash is deleted, with everything that went there along with it.
//! - What would be left pointing nowhere, and may not, stands in the way.
//! - The log keeps that the record was, and who deleted it for good.
//!
//! **Not here:** into the trash and out of it again (`remove`).

use std::{collections::BTreeSet, sync::Arc};

use access::{Actor, Reason, gate_write};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use model::{ActionName, Card, Ident, OnDelete, Storage};
use serde_json::{Value as Json, json};
use sql::{Datum, system, write::{self, purge}};
use store::Tx;
use uuid::Uuid;

use super::{remove, told};
use crate::{App, AppError, Blocker, UnitError, derived, jobs::{self, Context, JobError, NewJob}, snapshot::Snapshot};

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
/// What stands in the way may be gone after another round.
const ROUNDS: usize = 5;

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

/// Whether somebody may delete records of a card for good.
pub fn may(snapshot: &Snapshot, actor: &Actor, card: &Arc<Card>) -> bool {
    !card.builtin && access::gate(&snapshot.catalog, actor, card, ActionName::Administer).is_ok()
}

/// Empties the trash of a card as it is now, by a job.
pub async fn empty(app: &App, actor: &Actor, card: &str) -> Result<Uuid, AppError> {
    let snapshot = app.snapshot();
    let card = snapshot.card(card)?;
    // By those who may do so with every record of it.
    if !gate_write(&snapshot.catalog, actor, card, ActionName::Administer)?.rows().is_always() {
        return Err(AppError::forbidden("only who administers every record of a card empties its trash"));
    }
    let payload = json!({"card": card.key, "by": actor.user, "until": actor.now});
    jobs::enqueue(app, NewJob { unique_key: Some(format!("{KIND}.{}", card.id)), created_by: actor.user, ..NewJob::new(KIND, payload) }).await
}

/// One trash id, with everything under it.
struct Purge<'a> {
    snapshot: &'a Snapshot,
    actor: &'a Actor,
    site: &'a str,
    trash_id: Uuid,
}

impl Purge<'_> {
    async fn run(&self, tx: &mut Tx) -> Result<usize, UnitError> {
        let catalog = &self.snapshot.catalog;
        let mut found = Vec::new();
        for card in catalog.cards.values().filter(|card| !card.builtin) {
            let rows = tx.fetch(&purge::trashed_under(catalog, tx.dialect(), card, self.trash_id)).await?;
            let records: Vec<(Uuid, i64)> = rows.iter().filter_map(|row| match row.as_slice() {
                [id, Datum::Integer(version)] => Some((sql::encode::id(id)?, *version)),
                _ => None,
            }).collect();
            if !records.is_empty() {
                derived::begin(tx, self.snapshot, card).await?;
                found.push((card, records));
            }
        }
        let all: BTreeSet<Uuid> = found.iter().flat_map(|(_, records)| records.iter().map(|(id, _)| *id)).collect();
        if all.len() > MOST {
            return Err(AppError::TooLarge { detail: format!("more than {MOST} records went into the trash with this one") }.into());
        }
        let mut blockers = Vec::new();
        for (card, records) in &found {
            blockers.extend(self.in_the_way(tx, card, records, &all).await?);
        }
        if !blockers.is_empty() {
            return Err(remove::blocked(self.snapshot, self.actor, blockers).into());
        }
        // First nothing points to any of them any more, then they go: they may have pointed to one another.
        for (card, records) in &found {
            let ids: Vec<Uuid> = records.iter().map(|(id, _)| *id).collect();
            self.let_go(tx, card, &ids).await?;
        }
        for (card, records) in &found {
            let ids: Vec<Uuid> = records.iter().map(|(id, _)| *id).collect();
            for some in ids.chunks(EACH) {
                delete(tx, self.snapshot, &card.table.physical, some).await?;
                for statement in purge::forget(catalog, tx.dialect(), card, some) {
                    tx.execute(&statement).await?;
                }
            }
            for (id, version) in records {
                self.tell(tx, card, *id, version + 1).await?;
            }
        }
        Ok(all.len())
    }

    /// Records that are not deleted with these and may not lose them: those in the trash too, which could come back.
    async fn in_the_way(&self, tx: &mut Tx, card: &Card, records: &[(Uuid, i64)], along: &BTreeSet<Uuid>) -> Result<Vec<Blocker>, UnitError> {
        let mut blockers: Vec<Blocker> = Vec::new();
        for (table, field) in self.snapshot.catalog.links_to(&card.key) {
            // A record stays in its unit.
            let may_lose = !field.system && field.kind.on_delete().unwrap_or_default() == OnDelete::SetNull;
            if may_lose {
                continue;
            }
            let mut count = 0;
            for some in records.chunks(EACH) {
                let ids: Vec<Uuid> = some.iter().map(|(id, _)| *id).collect();
                let rows = tx.fetch(&write::pointing(&self.snapshot.catalog, tx.dialect(), table, field, &ids, u32::try_from(MOST).unwrap_or(u32::MAX), true)).await?;
                count += rows.iter().filter_map(|row| row.first().and_then(sql::encode::id)).filter(|id| !along.contains(id)).count();
            }
            if count > 0 {
                blockers.push(Blocker { card: table.card.clone(), field: field.key.clone(), count: count as u64 });
            }
        }
        Ok(blockers)
    }

    /// Empties every place that points to records of a card.
    async fn let_go(&self, tx: &mut Tx, card: &Card, ids: &[Uuid]) -> Result<(), UnitError> {
        let catalog = &self.snapshot.catalog;
        for some in ids.chunks(EACH) {
            for (table, column) in pointing(tx, &card.table.physical).await? {
                match column.as_str() {
                    OWNER | PARENT => {}
                    VALUE => {
                        tx.execute(&purge::delete_with(catalog, tx.dialect(), &table, VALUE, some)).await?;
                    }
                    column => {
                        tx.execute(&purge::let_go(catalog, tx.dialect(), &table, &[column], some)).await?;
                    }
                }
            }
            // Links to several cards: the database knows nothing of where they lead.
            for (table, field) in catalog.links_to(&card.key) {
                if let Storage::CardAndColumn { id, card } = &field.storage {
                    tx.execute(&purge::let_go(catalog, tx.dialect(), &table.physical, &[id, card], some)).await?;
                }
            }
        }
        Ok(())
    }

    async fn tell(&self, tx: &mut Tx, card: &Card, record: Uuid, version: i64) -> Result<(), UnitError> {
        let event = system::Event {
            at: self.actor.now,
            actor: self.actor.user,
            card: card.key.as_str(),
            record,
            version,
            action: "purged",
            fields: "[]".into(),
            tracked: None,
            site: self.site,
            tx: self.trash_id,
            ids: [Uuid::now_v7(), Uuid::now_v7()],
        };
        told::tell(tx, self.snapshot, card, &event).await
    }
}

/// Columns of side tables and child tables that say whose a row is, and the one that holds a value of several.
const OWNER: &str = "owner_id";
const PARENT: &str = "parent_id";
const VALUE: &str = "value";

async fn pointing(tx: &mut Tx, physical: &str) -> Result<Vec<(String, String)>, UnitError> {
    let rows = tx.fetch(&purge::references(tx.dialect(), physical)).await?;
    Ok(rows.into_iter().filter_map(|row| match <[Datum; 2]>::try_from(row).ok()? {
        [Datum::Text(table), Datum::Text(column)] => Some((table, column)),
        _ => None,
    }).collect())
}

/// Rows of a table, after everything that is theirs.
fn delete<'f>(tx: &'f mut Tx, snapshot: &'f Snapshot, physical: &'f str, ids: &'f [Uuid]) -> BoxFuture<'f, Result<(), UnitError>> {
    Box::pin(async move {
        let catalog = &snapshot.catalog;
        for (table, column) in pointing(tx, physical).await? {
            match column.as_str() {
                OWNER => {
                    tx.execute(&purge::delete_with(catalog, tx.dialect(), &table, OWNER, ids)).await?;
                }
                PARENT => {
                    let rows = tx.fetch(&purge::rows_with(catalog, tx.dialect(), &table, PARENT, ids)).await?;
                    let rows: Vec<Uuid> = rows.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect();
                    for some in rows.chunks(EACH) {
                        delete(tx, snapshot, &table, some).await?;
                    }
                }
                _ => {}
            }
        }
        tx.execute(&purge::delete_with(catalog, tx.dialect(), physical, "id", ids)).await?;
        Ok(())
    })
}

/// What lay in the trash of some cards before a moment, one trash id after the other. Answers how many records are gone,
/// and how many trash ids something stands in the way of.
async fn clear(context: &Context, actor: &Actor, cards: &[Ident], until: DateTime<Utc>) -> Result<(usize, usize), JobError> {
    let app = context.app();
    let (mut gone, mut left) = (0, 0);
    for _ in 0..ROUNDS {
        let before = gone;
        left = 0;
        for key in cards {
            let mut after = None;
            loop {
                context.go_on().await?;
                let snapshot = app.snapshot();
                let Some(card) = snapshot.catalog.card(key) else { break };
                let rows = app.store.fetch(&purge::trashed_before(&snapshot.catalog, app.store.dialect(), card, until, after, PAGE)).await?;
                let found: Vec<Uuid> = rows.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect();
                let Some(last) = found.last().copied() else { break };
                for trash_id in found {
                    match one(app, actor, trash_id).await {
                        Ok(count) => gone += count,
                        Err(AppError::Conflict { .. } | AppError::TooLarge { .. }) => left += 1,
                        Err(error) => return Err(error.into()),
                    }
                    context.progress(i64::try_from(gone).unwrap_or(i64::MAX), None).await?;
                }
                after = Some(last);
            }
        }
        if gone == before || left == 0 {
            break;
        }
    }
    Ok((gone, left))
}

async fn one(app: &App, actor: &Actor, trash_id: Uuid) -> Result<usize, AppError> {
    app.by_present_definitions(actor, || async {
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
    let mut actor = Actor::system(Reason::Trash, Utc::now());
    actor.user = context.created_by();
    let (deleted, left) = clear(&context, &actor, &[key], until).await?;
    Ok(json!({"deleted": deleted, "left": left}))
}

/// Deletes what has lain in the trash for as long as the site says, if it says so.
pub(crate) async fn handle_clear(context: Context) -> Result<Json, JobError> {
    let app = context.app();
    let Some(days) = app.settings().trash_days else { return Ok(json!({"deleted": 0, "left": 0})) };
    let actor = Actor::system(Reason::Trash, Utc::now());
    let cards: Vec<Ident> = app.snapshot().catalog.cards.values().filter(|card| !card.builtin).map(|card| card.key.clone()).collect();
    let (deleted, left) = clear(&context, &actor, &cards, actor.now - TimeDelta::days(i64::from(days))).await?;
    Ok(json!({"deleted": deleted, "left": left}))
}
