//! Later work: kept with the change that asks for it, run by whichever process has time, taken over when that one dies.
//!
//! **Invariants**
//! - A job is enqueued in the transaction of what it belongs to: rolled back with it, seen only after it.
//! - Whoever runs a job holds a lease and writes nothing once it is lost; so two never run one job at a time.
//! - A job runs at least once. A handler that must do something exactly once keeps its checkpoint in the transaction
//!   of what it does ([`Context::checkpoint_in`]).
//! - Only whoever asked for a job, and administrators, see it.
//!
//! **Not here:** what jobs do (their handlers), statements (`sql::system_jobs`).

mod all;
mod context;
mod handlers;
mod runner;

use access::Actor;
use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use sql::{Datum, system_jobs};
use store::{StoreError, Tx};
use uuid::Uuid;

pub use all::{Scheduled, all, counts, hurry, replay, schedules};
pub use context::{Context, JobError};
pub use handlers::{Handlers, builtin};
pub use runner::{Pace, Runner, run_due, start};

use crate::{App, AppError};

/// Most jobs in one answer.
pub const MAX_LISTED: u32 = 50;

/// A job to be done.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Which handler runs it.
    pub kind: &'static str,
    /// What the handler is told.
    pub payload: Json,
    /// At most one job with this key waits or runs; another is not enqueued, the one there is named instead.
    pub unique_key: Option<String>,
    /// Whose job it is; `None` for the system's own.
    pub created_by: Option<Uuid>,
    /// How much there is to do, if it is known.
    pub total: Option<i64>,
    /// Not before this moment; at once without it.
    pub run_at: Option<DateTime<Utc>>,
    /// How often it is tried before it is given up.
    pub max_attempts: u32,
    /// Comes back after so many seconds, for ever.
    pub every_seconds: Option<i64>,
}

impl NewJob {
    /// A job for a handler, to be run as soon as possible, tried eight times.
    pub fn new(kind: &'static str, payload: Json) -> Self {
        Self { kind, payload, unique_key: None, created_by: None, total: None, run_at: None, max_attempts: 8, every_seconds: None }
    }
}

/// Enqueues a job within a unit of work: it is there if and only if the unit is committed.
pub async fn enqueue_in(tx: &mut Tx, job: NewJob) -> Result<Uuid, StoreError> {
    let now = Utc::now();
    let row = system_jobs::Row {
        id: Uuid::now_v7(),
        kind: job.kind,
        payload: job.payload.to_string(),
        unique_key: job.unique_key.as_deref(),
        run_at: job.run_at.unwrap_or(now),
        every_seconds: job.every_seconds,
        max_attempts: i64::from(job.max_attempts),
        total: job.total,
        created_by: job.created_by,
        now,
    };
    let kept = tx.execute(&system_jobs::enqueue(tx.dialect(), &row)).await?;
    tx.wake();
    if let (0, Some(key)) = (kept, row.unique_key) {
        let found = tx.fetch(&system_jobs::by_key(tx.dialect(), key)).await?.into_iter().flatten().next();
        // Whoever had the key may have ended meanwhile: another try enqueues.
        return found.and_then(|id| sql::encode::id(&id)).ok_or_else(|| StoreError::Busy { detail: format!("the job `{key}` just ended") });
    }
    Ok(row.id)
}

/// Enqueues a job by itself.
pub async fn enqueue(app: &App, job: NewJob) -> Result<Uuid, AppError> {
    let done = app.store.write(move |tx: &mut Tx| {
        let job = job.clone();
        Box::pin(async move { enqueue_in(tx, job).await })
    });
    done.await.map_err(AppError::from)
}

/// What has become of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has taken it yet, or it is to be tried again.
    Waiting,
    /// A worker holds it.
    Running,
    /// It did what it was asked.
    Done,
    /// It was given up; the error says why.
    Failed,
    /// It was asked to end, and did.
    Cancelled,
}

impl State {
    /// As it is stored and sent.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
    fn read(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Done, Self::Failed, Self::Cancelled].into_iter().find(|state| state.word() == word)
    }
    /// Whether nothing more will happen.
    pub fn is_ended(self) -> bool {
        match self {
            Self::Waiting | Self::Running => false,
            Self::Done | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// A job as its owner sees it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Job {
    pub id: Uuid,
    pub kind: String,
    pub state: State,
    pub run_at: DateTime<Utc>,
    pub attempts: i64,
    /// It was asked to end and has not yet.
    pub cancelling: bool,
    pub done: i64,
    pub total: Option<i64>,
    pub result: Option<Json>,
    pub error: Option<String>,
    pub created_by: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Job {
    fn from_row(row: Vec<Datum>) -> Option<Self> {
        let [Datum::Uuid(id), Datum::Text(kind), Datum::Text(state), Datum::Instant(run_at), Datum::Integer(attempts), Datum::Boolean(cancel), Datum::Integer(done), total, result, error, by, Datum::Instant(created_at), started, ended] =
            <[Datum; 14]>::try_from(row).ok()?
        else {
            return None;
        };
        let state = State::read(&state)?;
        let moment = |datum: Datum| match datum { Datum::Instant(at) => Some(at), _ => None };
        let text = |datum: Datum| match datum { Datum::Text(text) => Some(text), _ => None };
        let total = match total { Datum::Integer(total) => Some(total), _ => None };
        Some(Self {
            id,
            kind,
            state,
            run_at,
            attempts,
            cancelling: cancel && !state.is_ended(),
            done,
            total,
            result: text(result).and_then(|text| serde_json::from_str(&text).ok()),
            error: text(error),
            created_by: sql::encode::id(&by),
            created_at,
            started_at: moment(started),
            ended_at: moment(ended),
        })
    }

    /// As the API gives it.
    pub fn to_json(&self) -> Json {
        let at = |moment: Option<DateTime<Utc>>| moment.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
        json!({
            "id": self.id, "kind": self.kind, "state": self.state.word(), "done": self.done, "total": self.total, "cancelling": self.cancelling, "attempts": self.attempts,
            "result": self.result, "error": self.error, "run_at": at(Some(self.run_at)), "created_at": at(Some(self.created_at)), "started_at": at(self.started_at), "ended_at": at(self.ended_at),
        })
    }
}

/// A job, for whoever asked for it and for administrators. To others it is not there.
pub async fn read(app: &App, actor: &Actor, id: Uuid) -> Result<Job, AppError> {
    let row = app.store.fetch(&system_jobs::read(app.store.dialect(), id)).await?.into_iter().next();
    let may = |job: &Job| actor.is_administrator() || job.created_by.is_some() && job.created_by == actor.user;
    row.and_then(Job::from_row).filter(may).ok_or_else(|| AppError::not_found("job"))
}

/// The actor's own jobs, the newest first.
pub async fn own(app: &App, actor: &Actor, before: Option<Uuid>) -> Result<Vec<Job>, AppError> {
    let Some(user) = actor.user else { return Ok(Vec::new()) };
    let rows = app.store.fetch(&system_jobs::own(app.store.dialect(), user, before, MAX_LISTED)).await?;
    Ok(rows.into_iter().filter_map(Job::from_row).collect())
}

/// Asks a job to end. One that has ended stays as it is.
pub async fn cancel(app: &App, actor: &Actor, id: Uuid) -> Result<Job, AppError> {
    read(app, actor, id).await?;
    crate::run(&app.store, vec![system_jobs::cancel(app.store.dialect(), id, Utc::now())]).await?;
    read(app, actor, id).await
}
