//! What a handler is given: its job, and how to tell how far it is.

use std::{
    sync::{Arc, Mutex, atomic::{AtomicBool, Ordering}},
    time::{Duration, Instant},
};

use serde_json::Value as Json;
use sql::{Datum, system_jobs};
use store::Tx;
use uuid::Uuid;

use crate::{App, AppError, UnitError};

/// How often progress is written down at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(300);

/// Why a handler ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It was asked to.
    #[error("the job was cancelled")]
    Cancelled,
    /// The process is leaving: another goes on from the checkpoint.
    #[error("the process is leaving")]
    Stopped,
    /// Something went wrong.
    #[error(transparent)]
    Failed(#[from] AppError),
}

impl From<store::StoreError> for JobError {
    fn from(error: store::StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl JobError {
    /// Whether another try may help: what is wrong with the job itself stays wrong.
    pub(crate) fn can_retry(&self) -> bool {
        match self {
            Self::Cancelled => false,
            Self::Stopped => true,
            Self::Failed(error) => match error {
                AppError::Unavailable { .. } | AppError::Outdated | AppError::Internal(_) | AppError::TooMany { .. } | AppError::Stale(_) | AppError::Conflict { .. } => true,
                AppError::Malformed { .. } | AppError::Unauthenticated | AppError::Forbidden { .. } | AppError::ConfirmFirst | AppError::NotFound { .. } => false,
                AppError::TooLarge { .. } | AppError::UnsupportedType { .. } | AppError::Rejected(_) => false,
            },
        }
    }
    /// What the owner reads. What went wrong inside is for the log.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Failed(AppError::Internal(_)) => "something went wrong on our side".to_owned(),
            other => other.to_string(),
        }
    }
}

/// A job in the hands of a worker.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub id: Uuid,
    pub lease: Uuid,
    pub kind: String,
    pub payload: Json,
    pub checkpoint: Option<Json>,
    pub attempts: i64,
    pub max_attempts: i64,
    pub cancel: bool,
    pub done: i64,
    pub total: Option<i64>,
    pub created_by: Option<Uuid>,
    pub every_seconds: Option<i64>,
}

impl Claimed {
    pub fn from_row(row: Vec<Datum>, lease: Uuid) -> Option<Self> {
        let [Datum::Uuid(id), Datum::Text(kind), Datum::Text(payload), checkpoint, Datum::Integer(attempts), Datum::Integer(max_attempts), Datum::Boolean(cancel), Datum::Integer(done), total, by, every] =
            <[Datum; 11]>::try_from(row).ok()?
        else {
            return None;
        };
        let checkpoint = match checkpoint { Datum::Text(text) => serde_json::from_str(&text).ok(), _ => None };
        let number = |datum: Datum| match datum { Datum::Integer(number) => Some(number), _ => None };
        let payload = serde_json::from_str(&payload).unwrap_or_default();
        Some(Self { id, lease, kind, payload, checkpoint, attempts, max_attempts, cancel, done, total: number(total), created_by: sql::encode::id(&by), every_seconds: number(every) })
    }
}

/// A job being run.
#[derive(Clone)]
pub struct Context {
    app: Arc<App>,
    job: Arc<Claimed>,
    stopping: Arc<AtomicBool>,
    progress: Arc<Mutex<Progress>>,
}

struct Progress {
    done: i64,
    total: Option<i64>,
    written: Instant,
}

impl Context {
    pub(super) fn new(app: Arc<App>, job: Arc<Claimed>, stopping: Arc<AtomicBool>) -> Self {
        let progress = Progress { done: job.done, total: job.total, written: Instant::now() };
        Self { app, job, stopping, progress: Arc::new(Mutex::new(progress)) }
    }

    /// The site.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }
    /// The job's id.
    pub fn id(&self) -> Uuid {
        self.job.id
    }
    /// Whose job it is.
    pub fn created_by(&self) -> Option<Uuid> {
        self.job.created_by
    }
    /// What was asked for.
    pub fn payload(&self) -> &Json {
        &self.job.payload
    }
    /// Where an earlier worker got to: go on from there.
    pub fn resume_point(&self) -> Option<&Json> {
        self.job.checkpoint.as_ref()
    }

    /// Tells how far it is; written down a few times a second at most.
    pub async fn progress(&self, done: i64, total: Option<i64>) -> Result<(), AppError> {
        let due = match self.progress.lock() {
            Ok(mut progress) => {
                let due = progress.written.elapsed() >= PROGRESS_EVERY;
                *progress = Progress { done, total, written: if due { Instant::now() } else { progress.written } };
                due
            }
            Err(_) => true,
        };
        if due {
            let statement = system_jobs::progress(self.app.store.dialect(), self.job.id, self.job.lease, done, total);
            crate::run(&self.app.store, vec![statement]).await?;
        }
        Ok(())
    }

    /// Keeps a point to go on from.
    pub async fn checkpoint(&self, point: Json) -> Result<(), AppError> {
        let context = self.clone();
        let kept = self.app.store.write(move |tx: &mut Tx| {
            let (context, point) = (context.clone(), point.clone());
            Box::pin(async move { context.checkpoint_in(tx, &point).await })
        });
        kept.await.map_err(|error| error.error)
    }

    /// Keeps a point to go on from together with the work that leads there: neither is there without the other. Fails,
    /// and so undoes the work, if another worker has taken the job over.
    pub async fn checkpoint_in(&self, tx: &mut Tx, point: &Json) -> Result<(), UnitError> {
        let (done, total) = self.progress.lock().map_or((self.job.done, self.job.total), |progress| (progress.done, progress.total));
        let kept = tx.execute(&system_jobs::checkpoint(tx.dialect(), self.job.id, self.job.lease, &point.to_string(), done, total)).await?;
        if kept == 0 {
            return Err(AppError::Conflict { code: "job_lost", detail: "another worker has taken this job over".into(), blockers: Vec::new() }.into());
        }
        Ok(())
    }

    /// Whether the job was asked to end.
    pub async fn is_cancelled(&self) -> bool {
        let row = self.app.store.fetch(&system_jobs::read(self.app.store.dialect(), self.job.id)).await.ok().and_then(|rows| rows.into_iter().next());
        row.and_then(super::Job::from_row).is_some_and(|job| job.cancelling)
    }

    /// Whether to go on: asked between two parts of the work, after a checkpoint. An error is to be handed up.
    pub async fn go_on(&self) -> Result<(), JobError> {
        if self.is_cancelled().await {
            return Err(JobError::Cancelled);
        }
        if self.stopping.load(Ordering::Acquire) {
            return Err(JobError::Stopped);
        }
        Ok(())
    }
}
