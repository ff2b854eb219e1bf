//! Taking a batch back: its rows from the last to the first, each through the one save path.
//!
//! **Invariants**
//! - What was made goes to the trash, what was changed gets its earlier values, what was deleted comes back.
//! - What somebody else changed since stays as it is, and is told.
//! - The undo is a batch itself: it has results row by row, and can be taken back.

use std::{collections::HashSet, sync::Arc};

use access::{Actor, Reason};
use serde_json::{Value as Json, json};
use sql::{Datum, system_batches as rows};
use store::{Failure, Tx};
use uuid::Uuid;

use super::{Batch, Before, LedgerRow, NewBatch, State, begin_in, finish, note, read, reason, row_of};
use crate::{
    App, AppError, UnitError,
    bulk::AT_ONCE as MOST_AT_ONCE,
    flows::Taking,
    jobs::{self, Context, JobError, NewJob},
    records::{remove::{Deletion, Restoration}, save::{Move, Options, Work}},
};

/// Records taken back without a job.
const AT_ONCE: i64 = MOST_AT_ONCE as i64;
/// Rows taken back in one unit of work.
const EACH: u32 = 25;

/// Takes a whole batch back, at once or by a job: the batch that does it.
pub async fn undo(app: &App, actor: &Actor, batch: Uuid) -> Result<Batch, AppError> {
    let (undoing, by_job) = start_undo(app, actor, batch, true).await?;
    if !by_job {
        while undo_step(app, actor, undoing, None).await? > 0 {}
        finish(app, undoing).await?;
    }
    read(app, actor, undoing).await
}

/// Takes a whole batch back inside of a job, or goes on with that.
pub(crate) async fn undo_here(app: &App, actor: &Actor, batch: Uuid, context: &Context) -> Result<(), JobError> {
    let undoing = match start_undo(app, actor, batch, false).await {
        Ok((undoing, _)) => undoing,
        Err(error @ AppError::Conflict { code: "batch_undone", .. }) => read(app, actor, batch).await?.undone_by.ok_or(error)?,
        Err(error) => return Err(error.into()),
    };
    // What is being taken back is not left half-way because somebody cancels; only another worker goes on with it.
    while !matches!(context.go_on().await, Err(JobError::Stopped)) {
        if undo_step(app, actor, undoing, None).await? == 0 {
            return Ok(finish(app, undoing).await?);
        }
    }
    Err(JobError::Stopped)
}

/// Marks a batch as taken back, if it can be, and begins the batch that does it; whether a job was asked to.
async fn start_undo(app: &App, actor: &Actor, batch: Uuid, may_enqueue: bool) -> Result<(Uuid, bool), AppError> {
    let found = read(app, actor, batch).await?;
    let refused = |code, detail: &str| Err(AppError::Conflict { code, detail: detail.into(), blockers: Vec::new() });
    match found.state {
        State::Running => return refused("batch_running", "this batch is still under way; cancel it, or wait until it is through"),
        State::Undone => return refused("batch_undone", "this batch was taken back already"),
        State::Done if found.created_at + super::KEPT <= actor.now => return refused("batch_too_old", "a batch can be taken back for a week"),
        State::Done => {}
    }
    if found.kind == "undo" && found.about.get("kind").is_some_and(|kind| kind == "merge") {
        return refused("merge_again", "records that were brought apart are merged again, not by undoing");
    }
    let total = found.changed;
    let by_job = may_enqueue && total > AT_ONCE;
    let about = json!({"kind": found.kind, "about": found.about}).as_object().cloned().unwrap_or_default();
    let work = Arc::new((actor.clone(), NewBatch { kind: "undo", card: found.card, about, undo_of: Some(batch) }));
    let undoing = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let undoing = begin_in(tx, &work.0, &work.1).await?;
            let marked = tx.execute(&rows::set_undone(tx.dialect(), batch, undoing)).await?;
            // Two at once: one marks it, the other finds it marked.
            if marked == 0 {
                return Err(AppError::Conflict { code: "batch_undone", detail: "this batch was taken back already".into(), blockers: Vec::new() }.into());
            }
            if by_job {
                let payload = json!({"batch": undoing, "total": total});
                let job = jobs::enqueue_in(tx, NewJob { created_by: work.0.user, total: Some(total), ..NewJob::new("undo", payload) }).await?;
                tx.execute(&rows::set_job(tx.dialect(), undoing, job)).await?;
            }
            Ok(undoing)
        })
    });
    Ok((undoing.await.map_err(|error: UnitError| error.error)?, by_job))
}

/// Takes some more rows back; how many. Where it came to is kept with what it did.
pub(crate) async fn undo_step(app: &App, actor: &Actor, undoing: Uuid, job: Option<(&Context, i64)>) -> Result<usize, AppError> {
    app.by_present_definitions(actor, || undo_some(app, actor, undoing, job)).await
}

async fn undo_some(app: &App, actor: &Actor, undoing: Uuid, job: Option<(&Context, i64)>) -> Result<usize, AppError> {
    let batch = read(app, actor, undoing).await?;
    let Some(of) = batch.undo_of else { return Err(AppError::not_found("batch")) };
    let found = app.store.fetch(&rows::rows(app.store.dialect(), of, batch.cursor, true, EACH)).await?;
    let ledger: Vec<LedgerRow> = found.into_iter().filter_map(row_of).collect();
    let Some(last) = ledger.last().map(|row| row.id) else { return Ok(0) };
    let count = ledger.len();
    let whole = read(app, actor, of).await?;
    let steps: Vec<(LedgerRow, Result<Step, AppError>)> = ledger.into_iter().filter_map(|row| Some((row.clone(), Step::new(app, actor, &whole, undoing, &row)?))).collect();
    let point = job.map(|(context, done)| (context.clone(), json!({"done": done + i64::try_from(count).unwrap_or(0)})));
    let left = whole.about.get("master").and_then(Json::as_str).and_then(|id| Uuid::try_parse(id).ok()).filter(|_| whole.kind == "merge").map(|master| (master, whole.created_at));
    let work = Arc::new((steps, actor.clone(), point, left));
    let done = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            for (row, step) in &work.0 {
                take_back(tx, &work.1, undoing, row, step).await?;
            }
            if let Some((master, at)) = work.3 {
                tx.execute(&sql::system_likeness::leave_folders(tx.dialect(), master, at)).await?;
            }
            tx.execute(&rows::set_cursor(tx.dialect(), undoing, last)).await?;
            if let Some((context, point)) = &work.2 {
                context.checkpoint_in(tx, point).await?;
            }
            Ok::<(), UnitError>(())
        })
    });
    done.await.map_err(|error| error.error)?;
    Ok(count)
}

async fn take_back(tx: &mut Tx, actor: &Actor, undoing: Uuid, row: &LedgerRow, step: &Result<Step, AppError>) -> Result<(), UnitError> {
    let card = model::Ident::new(&row.card).map_err(|_| AppError::not_found("card"))?;
    tx.savepoint().await?;
    let failed = match step {
        Ok(step) => match step.run(tx, actor, undoing, row).await {
            Ok(done) => {
                tx.release().await?;
                return match done {
                    Done::Changed | Done::Along => Ok(()),
                    Done::Unchanged => note(tx, undoing, &card, row.record, "unchanged", None).await,
                    Done::Kept(why) => note(tx, undoing, &card, row.record, "kept", Some(why)).await,
                };
            }
            // Another try of the whole may heal it.
            Err(error) if error.store().is_some_and(store::StoreError::can_retry) || matches!(error.error, crate::AppError::Outdated) => return Err(error),
            Err(error) => reason(&error.error, &actor.lang),
        },
        Err(error) => reason(error, &actor.lang),
    };
    tx.undo().await?;
    note(tx, undoing, &card, row.record, "failed", Some(failed)).await
}

enum Done {
    Changed,
    /// Done along with another row of the batch.
    Along,
    Unchanged,
    Kept(Json),
}

/// What takes one row back.
enum Step {
    /// It was made: into the trash, unless somebody else worked on it since.
    Trash { deletion: Deletion, of: Uuid, made: bool },
    /// It was changed: what was before, back.
    Revert(Work),
    /// It was deleted: out of the trash.
    Restore(Restoration),
    /// It was merged: out of the trash, with its files.
    Unmerge(Restoration),
}

impl Step {
    fn new(app: &App, actor: &Actor, whole: &Batch, undoing: Uuid, row: &LedgerRow) -> Option<Result<Self, AppError>> {
        let of = whole.id;
        // Links that were moved in the name of whoever merged come back in the same way.
        let is_master = whole.about.get("master").and_then(Json::as_str) == Some(row.record.to_string().as_str());
        let moved = whole.kind == "merge" && row.op == "updated" && !is_master;
        let moving = actor.for_reason(Reason::Merge);
        let actor = if moved { &moving } else { actor };
        let (card, record) = (row.card.as_str(), row.record);
        let step = match row.op.as_str() {
            op @ ("created" | "restored") => Deletion::new(app, actor, card, record, Some(undoing)).map(|deletion| Self::Trash { deletion, of, made: op == "created" }),
            // What was claimed is released, what was released is claimed again: with the limits of the pool.
            "updated" if whole.kind == "claim" => Work::pooled(app, actor, card, record, Move::Release, Some(undoing)).map(Self::Revert),
            "updated" if whole.kind == "release" => Work::pooled(app, actor, card, record, Move::Claim, Some(undoing)).map(Self::Revert),
            // Where a transition led, its record goes back from.
            "updated" if whole.kind == "transition" => {
                let before: Before = row.before.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
                let transition = whole.about.get("transition").and_then(Json::as_str).unwrap_or_default();
                let key = app.snapshot().card(card).ok().and_then(|card| Some(card.transition(transition)?.0.clone()));
                let state = key.as_ref().and_then(|key| before.text(key.as_str())).unwrap_or_default();
                Taking::back(app, actor, card, record, transition, state, undoing).map(Self::Revert)
            }
            "updated" => {
                let before: Before = row.before.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
                let options = Options { batch: Some(undoing), ..Options::default() };
                Work::new(app, actor, card, Some(record), serde_json::Map::new(), &options).map(|work| Self::Revert(work.reverting(before, row.version, [of, undoing])))
            }
            "deleted" if whole.kind == "merge" => Restoration::new(app, actor, card, record, Some(undoing)).map(Self::Unmerge),
            "deleted" => Restoration::new(app, actor, card, record, Some(undoing)).map(Self::Restore),
            // Nothing was done to it.
            _ => return None,
        };
        Some(step)
    }

    async fn run(&self, tx: &mut Tx, actor: &Actor, undoing: Uuid, row: &LedgerRow) -> Result<Done, UnitError> {
        match self {
            Self::Trash { deletion, of, made } => {
                let others = if *made { others(tx, row, [*of, undoing]).await? } else { Others::default() };
                if others.people.iter().any(|who| *who != actor.user) {
                    return Ok(Done::Kept(changed_since(others.places)));
                }
                if deletion.in_trash(tx).await? == Some(true) {
                    return Ok(Done::Unchanged);
                }
                deletion.run(tx).await?;
                Ok(Done::Changed)
            }
            Self::Revert(work) => {
                let saved = work.run(tx).await?;
                let left: Vec<String> = saved.left.clone();
                Ok(match (saved.changed, left.is_empty()) {
                    (true, _) => Done::Changed,
                    (false, true) => Done::Unchanged,
                    (false, false) => Done::Kept(changed_since(left)),
                })
            }
            Self::Unmerge(restoration) => {
                restoration.run(tx).await?;
                restoration.0.files_back(tx).await?;
                Ok(Done::Changed)
            }
            Self::Restore(restoration) => {
                // What went along into the trash comes back along.
                if restoration.0.in_trash(tx).await? == Some(false) {
                    return Ok(Done::Along);
                }
                restoration.run(tx).await?;
                Ok(Done::Changed)
            }
        }
    }
}

/// What is said of fields that others changed since.
pub(crate) fn changed_since(fields: impl IntoIterator<Item = String>) -> Json {
    let mut fields: Vec<String> = fields.into_iter().collect();
    fields.sort_unstable();
    json!({"code": "changed_since", "detail": format!("changed by somebody since: {}", fields.join(", ")), "fields": fields})
}

/// Changes of a record outside of a batch and its undo.
#[derive(Debug, Default)]
pub(crate) struct Others {
    pub places: HashSet<String>,
    pub people: HashSet<Option<Uuid>>,
}

async fn others(tx: &mut Tx, row: &LedgerRow, batches: [Uuid; 2]) -> Result<Others, UnitError> {
    changed_by_others(tx, row.record, row.version, batches).await
}

/// What was changed of a record since a version, and by whom; what these batches did does not count.
pub(crate) async fn changed_by_others(tx: &mut Tx, record: Uuid, version: i64, batches: [Uuid; 2]) -> Result<Others, UnitError> {
    let mut others = Others::default();
    for row in tx.fetch(&rows::changed_outside(tx.dialect(), record, version, batches)).await? {
        let Ok([Datum::Text(fields), actor, Datum::Text(_)]) = <[Datum; 3]>::try_from(row) else { continue };
        others.places.extend(serde_json::from_str::<Vec<String>>(&fields).unwrap_or_default());
        others.people.insert(match actor {
            Datum::Uuid(id) => Some(id),
            _ => None,
        });
    }
    Ok(others)
}

