//! Batches: changes made together, remembered for a week with what is needed to take them back.
//!
//! A use case begins a batch, names it in [`save::Options`](crate::records::save::Options) (or hands it to deletions and
//! restorations), and finishes it. The one save path writes down what it did, in its own transaction.
//!
//! **Invariants**
//! - What stands in the ledger was done, and what was done under a batch stands in the ledger: both are one commit.
//! - Taking back is saving: the same rights, the same rules, a ledger of its own.
//! - Secret values are never written down.
//!
//! **Not here:** what is done in a batch (`bulk`, `merge`, imports).

mod ledger;
mod undo;

use access::Actor;
use chrono::{DateTime, TimeDelta, Utc};
use model::{Ident, Violation};
use serde_json::{Map, Value as Json, json};
use sql::{Datum, system_batches as rows};
use store::Tx;
use uuid::Uuid;

use crate::{App, AppError, UnitError, jobs, run};

pub(crate) use ledger::{Before, saved, trashed};
pub(crate) use undo::{changed_by_others, changed_since};
pub use undo::undo;
pub(crate) use undo::{undo_here, undo_step};

/// How long a batch can be taken back.
pub const KEPT: TimeDelta = TimeDelta::days(7);

/// What a batch is to be.
#[derive(Debug, Clone, Default)]
pub struct NewBatch {
    /// What is done: `edit`, `assign`, `delete`, `restore`, `import`, `merge`, `claim`, `release`, `undo`.
    pub kind: &'static str,
    /// The card it is asked of.
    pub card: String,
    /// What people are told of it: fields, file name, master …
    pub about: Map<String, Json>,
    /// The batch it takes back.
    pub undo_of: Option<Uuid>,
}

/// A batch as it is kept.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Batch {
    pub id: Uuid,
    pub kind: String,
    pub card: String,
    pub about: Map<String, Json>,
    pub state: State,
    /// The batch this one takes back, and the one that took this back.
    pub undo_of: Option<Uuid>,
    pub undone_by: Option<Uuid>,
    pub job: Option<Uuid>,
    pub(crate) cursor: Option<Uuid>,
    /// Records that were changed, left as they were, and could not be changed.
    pub changed: i64,
    pub skipped: i64,
    pub failed: i64,
    pub by: Option<(Uuid, String)>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Under way.
    Running,
    /// Through, whatever came of its rows.
    Done,
    /// Taken back.
    Undone,
}

impl State {
    /// The word of the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Undone => "undone",
        }
    }
}

/// What came of one record of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct RowResult {
    /// The row's id; rows stand in its order.
    pub id: Uuid,
    /// The card.
    pub card: String,
    /// The record.
    pub record: Uuid,
    /// created, updated, deleted, restored; unchanged, kept, skipped, failed.
    pub op: String,
    /// Why it was not done, or not all of it: a code, words, and the fields in question.
    pub reason: Option<Json>,
    /// The version from then on.
    pub version: i64,
}

/// Begins a batch.
pub async fn begin(app: &App, actor: &Actor, new: &NewBatch) -> Result<Uuid, AppError> {
    let id = Uuid::now_v7();
    run(&app.store, vec![begun(app.store.dialect(), actor, new, id)]).await?;
    Ok(id)
}

/// Begins a batch inside a unit of work.
pub(crate) async fn begin_in(tx: &mut Tx, actor: &Actor, new: &NewBatch) -> Result<Uuid, UnitError> {
    let id = Uuid::now_v7();
    begin_as(tx, actor, new, id).await?;
    Ok(id)
}

/// Begins a batch under an id that is known before.
pub(crate) async fn begin_as(tx: &mut Tx, actor: &Actor, new: &NewBatch, id: Uuid) -> Result<(), UnitError> {
    tx.execute(&begun(tx.dialect(), actor, new, id)).await?;
    Ok(())
}

fn begun(dialect: sql::Dialect, actor: &Actor, new: &NewBatch, id: Uuid) -> sql::Statement {
    let about = Json::Object(new.about.clone()).to_string();
    rows::begin(dialect, &rows::NewBatch { id, kind: new.kind, card: &new.card, about, undo_of: new.undo_of, by: actor.user, at: actor.now })
}

/// Begins a batch that a job carries out: the batch, whose id stands in the job's payload.
pub(crate) async fn begin_job(app: &App, actor: &Actor, new: NewBatch, kind: &'static str, payload: Json, total: Option<i64>) -> Result<Batch, AppError> {
    let work = std::sync::Arc::new((actor.clone(), new, payload));
    let begun = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let (actor, new, payload) = &*work;
            let batch = begin_in(tx, actor, new).await?;
            let mut payload = payload.clone();
            payload["batch"] = batch.to_string().into();
            let job = jobs::enqueue_in(tx, jobs::NewJob { created_by: actor.user, total, ..jobs::NewJob::new(kind, payload) }).await?;
            tx.execute(&rows::set_job(tx.dialect(), batch, job)).await?;
            Ok::<Uuid, UnitError>(batch)
        })
    });
    read(app, actor, begun.await.map_err(|error| error.error)?).await
}

/// A batch is through: from now on it can be taken back.
pub async fn finish(app: &App, batch: Uuid) -> Result<(), AppError> {
    run(&app.store, vec![rows::finish(app.store.dialect(), batch, Utc::now())]).await
}


/// The same inside a unit of work.
pub(crate) async fn finish_in(tx: &mut Tx, batch: Uuid) -> Result<(), UnitError> {
    tx.execute(&rows::finish(tx.dialect(), batch, Utc::now())).await?;
    Ok(())
}

/// Notes what came of a record that was not changed, or not as asked.
pub(crate) async fn note(tx: &mut Tx, batch: Uuid, card: &Ident, record: Uuid, op: &'static str, reason: Option<Json>) -> Result<(), UnitError> {
    let row = rows::BatchRow { batch, id: Uuid::now_v7(), card: card.as_str(), record, op, before: reason.map(|reason| reason.to_string()), version: 0 };
    tx.execute(&rows::put_row(tx.dialect(), &row)).await?;
    Ok(())
}

/// An error as the reason of a row, in the actor's words.
pub fn reason(error: &AppError, lang: &str) -> Json {
    let mut reason = json!({"code": error.code(), "detail": error.to_string()});
    match error {
        AppError::Rejected(rejected) => {
            let one = |violation: &Violation| json!({"path": violation.path, "code": violation.code.name(), "message": violation.message(lang)});
            reason["violations"] = rejected.0.iter().map(one).collect();
            if let [only] = rejected.0.as_slice() {
                reason["detail"] = only.message(lang).into();
            }
        }
        AppError::Stale(stale) => reason["fields"] = stale.fields.iter().map(|field| Json::from(field.path.clone())).collect(),
        // What went wrong inside is for the log.
        AppError::Internal(cause) => {
            tracing::error!(%cause, "an internal error in a batch");
            reason["detail"] = "something went wrong on our side".into();
        }
        _ => {}
    }
    reason
}

/// A batch of the actor's own; administrators see everybody's.
pub async fn read(app: &App, actor: &Actor, id: Uuid) -> Result<Batch, AppError> {
    let fetch = async || Ok::<_, AppError>(app.store.fetch(&rows::batch(app.store.dialect(), id)).await?.into_iter().next().and_then(batch_of));
    let own = |batch: &Batch| actor.is_unbounded() || batch.by.as_ref().map(|(id, _)| *id) == actor.user;
    let found = fetch().await?.filter(own).ok_or_else(|| AppError::not_found("batch"))?;
    // A job that was cancelled before it began, or given up, finishes nothing any more.
    match (found.state, found.job) {
        (State::Running, Some(job)) if jobs::read(app, actor, job).await.is_ok_and(|job| job.state.is_ended()) => {
            finish(app, id).await?;
            fetch().await?.ok_or_else(|| AppError::not_found("batch"))
        }
        _ => Ok(found),
    }
}

/// The actor's batches, the latest first; everybody's for an administrator who asks.
pub async fn list(app: &App, actor: &Actor, everybody: bool, before: Option<DateTime<Utc>>, limit: u32) -> Result<Vec<Batch>, AppError> {
    if everybody && !actor.is_unbounded() {
        return Err(AppError::forbidden("only administrators see the batches of others"));
    }
    let Some(user) = actor.user else { return Ok(Vec::new()) };
    let found = app.store.fetch(&rows::batches(app.store.dialect(), (!everybody).then_some(user), before, limit)).await?;
    Ok(found.into_iter().filter_map(batch_of).collect())
}

/// What came of the records of a batch, in order, beyond one of its rows.
pub async fn results(app: &App, batch: Uuid, beyond: Option<Uuid>, limit: u32) -> Result<Vec<RowResult>, AppError> {
    let found = app.store.fetch(&rows::rows(app.store.dialect(), batch, beyond, false, limit)).await?;
    Ok(found.into_iter().filter_map(row_of).map(|row| row.result()).collect())
}

/// Forgets what can no longer be taken back. Comes back every day.
pub async fn handle_clean(context: jobs::Context) -> Result<Json, jobs::JobError> {
    clean(context.app(), Utc::now()).await?;
    Ok(Json::Null)
}

/// Forgets what can no longer be taken back.
pub async fn clean(app: &App, now: DateTime<Utc>) -> Result<(), AppError> {
    let dialect = app.store.dialect();
    run(&app.store, vec![rows::forget_rows(dialect, now - KEPT), rows::forget(dialect, now - KEPT)]).await
}

/// A row of the ledger.
#[derive(Debug, Clone)]
pub(crate) struct LedgerRow {
    pub id: Uuid,
    pub card: String,
    pub record: Uuid,
    pub op: String,
    pub before: Option<String>,
    pub version: i64,
}

impl LedgerRow {
    /// What is told of it: never the values before, which rights may hide.
    fn result(self) -> RowResult {
        let tells = !matches!(self.op.as_str(), "created" | "updated" | "deleted" | "restored");
        let stored: Option<Json> = self.before.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let reason = if tells { stored } else { stored.and_then(|before| before.get("kept").filter(|kept| !kept.is_null()).cloned()) };
        RowResult { id: self.id, card: self.card, record: self.record, op: self.op, reason, version: self.version }
    }
}

pub(crate) fn row_of(row: Vec<Datum>) -> Option<LedgerRow> {
    match <[Datum; 6]>::try_from(row).ok()? {
        [Datum::Uuid(id), Datum::Text(card), Datum::Uuid(record), Datum::Text(op), before, Datum::Integer(version)] => {
            let before = match before {
                Datum::Text(text) => Some(text),
                _ => None,
            };
            Some(LedgerRow { id, card, record, op, before, version })
        }
        _ => None,
    }
}

fn batch_of(row: Vec<Datum>) -> Option<Batch> {
    let uuid = |datum: &Datum| match datum {
        Datum::Uuid(id) => Some(*id),
        _ => None,
    };
    let row = <[Datum; 16]>::try_from(row).ok()?;
    let [Datum::Uuid(id), Datum::Text(kind), Datum::Text(card), Datum::Text(about), Datum::Text(state), ..] = &row else { return None };
    let [_, _, _, _, _, undo_of, undone_by, job, cursor, Datum::Integer(changed), Datum::Integer(skipped), Datum::Integer(failed), by, name, Datum::Instant(created_at), finished] = &row else { return None };
    let state = match state.as_str() {
        "running" => State::Running,
        "undone" => State::Undone,
        _ => State::Done,
    };
    Some(Batch {
        id: *id,
        kind: kind.clone(),
        card: card.clone(),
        about: serde_json::from_str(about).unwrap_or_default(),
        state,
        undo_of: uuid(undo_of),
        undone_by: uuid(undone_by),
        job: uuid(job),
        cursor: uuid(cursor),
        changed: *changed,
        skipped: *skipped,
        failed: *failed,
        by: match (by, name) {
            (Datum::Uuid(id), Datum::Text(name)) => Some((*id, name.clone())),
            (Datum::Uuid(id), _) => Some((*id, String::new())),
            _ => None,
        },
        created_at: *created_at,
        finished_at: match finished {
            Datum::Instant(at) => Some(*at),
            _ => None,
        },
    })
}

impl Batch {
    /// As the API shows it.
    pub fn to_json(&self, actor: &Actor) -> Json {
        let at = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        json!({
            "id": self.id, "kind": self.kind, "card": self.card, "about": self.about, "state": self.state.name(), "undo_of": self.undo_of, "undone_by": self.undone_by, "job": self.job,
            "changed": self.changed, "skipped": self.skipped, "failed": self.failed, "by": self.by.as_ref().map(|(id, name)| json!({"id": id, "title": name})),
            "created_at": at(self.created_at), "finished_at": self.finished_at.map(at), "undoable": self.is_undoable(actor.now),
        })
    }

    /// Whether it can still be taken back.
    pub fn is_undoable(&self, now: DateTime<Utc>) -> bool {
        let was_merge = self.kind == "undo" && self.about.get("kind").is_some_and(|kind| kind == "merge");
        self.state == State::Done && self.changed > 0 && self.created_at + KEPT > now && !was_merge
    }
}

impl RowResult {
    /// As the API shows it.
    pub fn to_json(&self) -> Json {
        json!({"id": self.id, "card": self.card, "record": self.record, "result": self.op, "version": (self.version > 0).then_some(self.version), "reason": self.reason})
    }
}
