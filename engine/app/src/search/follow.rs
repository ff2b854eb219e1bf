//! After a change: the record's own entries, and those of records that are found by its words.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use model::{Card, Hop, Ident, Record};
use serde_json::{Value as Json, json};
use sql::{Statement, encode, write};
use store::Tx;
use uuid::Uuid;

use super::{documents::{index, index_records}, uses::Use};
use crate::{App, AppError, UnitError, log::Entry, jobs::{self, Context, JobError, NewJob}, snapshot::Snapshot};

/// What follows a change of a record that very many point to.
pub(crate) const FOLLOW_KIND: &str = "search.follow";
/// So many records are followed in the change's own transaction for each that changed, with what lies on the way.
const FEW: u32 = 100;
/// And so many for all of them.
const FEW_IN_ALL: u32 = 10_000;
/// Most records that one job follows.
const MOST: u32 = 5_000_000;
/// Records of one transaction of a job.
const BATCH: usize = 200;

/// A record that was saved, and what of it is told to the index.
#[derive(Clone)]
pub(crate) struct Kept<'r> {
    pub record: Cow<'r, Record>,
    /// Own fields and child tables that changed; `None` for a record that was just made.
    pub changed: Option<BTreeSet<Ident>>,
}

/// After records of a card were made or changed, each once: their entries are made together.
pub(crate) async fn after_save(tx: &mut Tx, snapshot: &Snapshot, card: &Card, kept: &[Kept<'_>]) -> Result<(), UnitError> {
    let touched = |kept: &&Kept<'_>| kept.changed.as_ref().is_none_or(|changed| snapshot.search().touched(&card.key, changed));
    let records: Vec<&Record> = kept.iter().filter(touched).map(|kept| &*kept.record).collect();
    index_records(tx, snapshot, card, &records).await?;
    // Nothing points to what was just made.
    let changed: Vec<(Uuid, &BTreeSet<Ident>)> = kept.iter().filter_map(|kept| Some((kept.record.id, kept.changed.as_ref()?))).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = changed.iter().map(|(id, _)| *id).collect();
    let fields: BTreeSet<Ident> = changed.into_iter().flat_map(|(_, fields)| fields).cloned().collect();
    follow(tx, snapshot, card, &ids, Some(&fields)).await
}

/// After records went into the trash or came back: what points to them may read as empty now. Their own entries stay;
/// those that come back are made again, since nothing followed them there.
pub(crate) async fn after_trash(tx: &mut Tx, snapshot: &Snapshot, card: &Card, ids: &[Uuid], back: bool) -> Result<(), UnitError> {
    if back {
        index(tx, snapshot, card, ids).await?;
    }
    follow(tx, snapshot, card, ids, None).await
}

/// An account is a record too: made by these statements, and found from then on.
pub(crate) async fn make_user(app: &App, snapshot: Arc<Snapshot>, id: Uuid, statements: Vec<Statement>, entry: Entry) -> Result<(), AppError> {
    let secrets = app.secrets.clone();
    let made = app.store.write(move |tx: &mut Tx| {
        let (snapshot, statements, secrets, entry) = (snapshot.clone(), statements.clone(), secrets.clone(), entry.clone());
        Box::pin(async move {
            for statement in &statements {
                tx.execute(statement).await?;
            }
            if let Some(card) = snapshot.catalog.card(model::USER_CARD) {
                index(tx, &snapshot, card, &[id]).await?;
            }
            crate::log::append(tx, &secrets, &entry).await?;
            Ok(())
        })
    });
    made.await.map_err(|error: UnitError| error.error)
}

/// An account was changed by these statements: where its name did, it is found by the new one, and so is what shows it.
pub(crate) async fn user_changed(app: &App, snapshot: Arc<Snapshot>, id: Uuid, statements: Vec<Statement>, entry: Entry, renamed: bool) -> Result<(), AppError> {
    let secrets = app.secrets.clone();
    let changed = app.store.write(move |tx: &mut Tx| {
        let (snapshot, statements, secrets, entry) = (snapshot.clone(), statements.clone(), secrets.clone(), entry.clone());
        tx.change_rights();
        Box::pin(async move {
            for statement in &statements {
                tx.execute(statement).await?;
            }
            if let Some(card) = snapshot.catalog.card(model::USER_CARD).filter(|_| renamed) {
                index(tx, &snapshot, card, &[id]).await?;
                follow(tx, &snapshot, card, &[id], None).await?;
            }
            crate::log::append(tx, &secrets, &entry).await?;
            Ok(())
        })
    });
    changed.await.map_err(|error: UnitError| error.error)
}

async fn follow(tx: &mut Tx, snapshot: &Snapshot, card: &Card, ids: &[Uuid], changed: Option<&BTreeSet<Ident>>) -> Result<(), UnitError> {
    let uses: Vec<&Use> = snapshot.search().following(&card.key, changed).collect();
    let mut later = false;
    let few = FEW.saturating_mul(u32::try_from(ids.len()).unwrap_or(u32::MAX)).min(FEW_IN_ALL);
    for used in uses {
        let Some(found) = snapshot.catalog.card(&used.card) else { continue };
        match pointing(tx, snapshot, used, ids, few).await? {
            Some(records) => index(tx, snapshot, found, &records).await?,
            None => later = true,
        }
    }
    if later {
        let fields: Option<Vec<&Ident>> = changed.map(|changed| changed.iter().collect());
        jobs::enqueue_in(tx, NewJob::new(FOLLOW_KIND, json!({"card": card.key, "ids": ids, "fields": fields}))).await?;
    }
    Ok(())
}

/// The records from which a way leads to any of these; `None` for too many.
async fn pointing(tx: &mut Tx, snapshot: &Snapshot, used: &Use, ids: &[Uuid], most: u32) -> Result<Option<Vec<Uuid>>, UnitError> {
    let mut reached = ids.to_vec();
    for (table, hop) in used.tables.iter().zip(&used.hops).rev() {
        let (Hop::Link { field, .. } | Hop::Links { field, .. } | Hop::AnyLink { field, .. }) = hop else { continue };
        let Some(field) = snapshot.catalog.table(table).and_then(|table| table.field(field)) else { return Ok(Some(Vec::new())) };
        let of = snapshot.catalog.table(table);
        let mut before = BTreeSet::new();
        for some in reached.chunks(500) {
            let Some(of) = of else { break };
            // A record with many child rows that point there counts once.
            let rows = tx.fetch(&write::pointing(&snapshot.catalog, tx.dialect(), of, field, some, most + 1, false)).await?;
            if rows.len() > most as usize {
                return Ok(None);
            }
            before.extend(rows.iter().filter_map(|row| row.first().and_then(encode::id)));
        }
        reached = before.into_iter().collect();
        if reached.len() > most as usize {
            return Ok(None);
        }
    }
    Ok(Some(reached))
}

/// Follows a change of a record that very many point to, some at a time.
pub(crate) async fn follow_job(context: Context) -> Result<Json, JobError> {
    let app = context.app().clone();
    let snapshot = app.snapshot();
    let payload = context.payload();
    let ids: Vec<Uuid> = payload.get("ids").and_then(|ids| serde_json::from_value(ids.clone()).ok()).unwrap_or_default();
    let fields: Option<BTreeSet<Ident>> = payload.get("fields").and_then(|fields| serde_json::from_value(fields.clone()).ok()).flatten();
    let card = payload.get("card").and_then(Json::as_str).and_then(|key| snapshot.catalog.card(key)).cloned();
    let Some(card) = card else { return Ok(json!({"records": 0})) };
    let mut done = 0;
    for used in snapshot.search().following(&card.key, fields.as_ref()) {
        let Some(found) = snapshot.catalog.card(&used.card).cloned() else { continue };
        let work = (snapshot.clone(), used.clone(), ids.clone());
        let records = app.store.look(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move { pointing(tx, &work.0, &work.1, &work.2, MOST).await })
        });
        let records = records.await.map_err(|error: UnitError| error.error)?.unwrap_or_default();
        for some in records.chunks(BATCH) {
            let work = (snapshot.clone(), found.clone(), some.to_vec());
            let kept = app.store.write(move |tx: &mut Tx| {
                let work = work.clone();
                Box::pin(async move { index(tx, &work.0, &work.1, &work.2).await })
            });
            kept.await.map_err(|error: UnitError| AppError::from(error))?;
            done += some.len();
            context.progress(i64::try_from(done).unwrap_or(i64::MAX), None).await?;
            context.go_on().await?;
        }
    }
    Ok(json!({"records": done}))
}
