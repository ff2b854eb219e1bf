//! Workers: take a job, hold its lease while the handler runs, write down what came of it.

use std::{
    sync::{Arc, atomic::{AtomicBool, Ordering}},
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use futures::FutureExt;
use serde_json::Value as Json;
use sql::{Statement, system_jobs};
use store::Tx;
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;

use super::{Handlers, JobError, NewJob, context::{Claimed, Context}};
use crate::{App, AppError, notify::{self, Kind, Notice}};

/// How fast workers are.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Jobs at a time.
    pub workers: usize,
    /// How long a job stays with a worker that says nothing.
    pub lease: Duration,
    /// How often to look for work that other processes enqueued, or whose time has come.
    pub poll: Duration,
    /// Pause after the first failure; doubled after each.
    pub backoff: Duration,
    /// Longest pause between two tries.
    pub max_backoff: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { workers: 2, lease: Duration::from_secs(60), poll: Duration::from_secs(2), backoff: Duration::from_secs(5), max_backoff: Duration::from_secs(3_600) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Run,
    Drain,
    Abort,
}

/// Workers at work.
pub struct Runner {
    stage: watch::Sender<Stage>,
    stopping: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

impl Runner {
    /// Takes no more jobs; tells those that run to stop at their next checkpoint.
    pub fn drain(&self) {
        self.stopping.store(true, Ordering::Release);
        self.stage.send_if_modified(|stage| *stage == Stage::Run && { *stage = Stage::Drain; true });
    }

    /// Waits for running jobs; those that take longer than the grace are put back for another worker.
    pub async fn stop(mut self, grace: Duration) {
        self.drain();
        if tokio::time::timeout(grace, wait(&mut self.tasks)).await.is_err() {
            self.stage.send_replace(Stage::Abort);
            wait(&mut self.tasks).await;
        }
    }
}

async fn aborted(stage: &mut watch::Receiver<Stage>) {
    if stage.wait_for(|stage| *stage == Stage::Abort).await.is_err() {
        // Nobody is left who could say so.
        std::future::pending::<()>().await;
    }
}

async fn wait(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Starts workers.
pub fn start(app: &Arc<App>, handlers: &Handlers, pace: Pace) -> Runner {
    let (stage, seen) = watch::channel(Stage::Run);
    let stopping = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for _ in 0..pace.workers.max(1) {
        let worker = Worker { app: app.clone(), handlers: handlers.clone(), pace, stage: seen.clone(), stopping: stopping.clone() };
        tasks.spawn(worker.work());
    }
    tasks.spawn(number_changes(app.clone(), pace.poll, seen));
    Runner { stage, stopping, tasks }
}

/// Numbers the change log as it grows. Each process tries; the database lets one at a time.
async fn number_changes(app: Arc<App>, poll: Duration, mut stage: watch::Receiver<Stage>) {
    while *stage.borrow_and_update() == Stage::Run {
        if let Err(error) = crate::upkeep::number_changes(&app.store).await {
            tracing::debug!(%error, "changes could not be numbered");
        }
        tokio::select! {
            () = tokio::time::sleep(poll) => {}
            _ = stage.changed() => {}
        }
    }
}

/// Runs what is due until nothing is, here and now; gives how many runs that were.
pub async fn run_due(app: &Arc<App>, handlers: &Handlers, pace: Pace) -> Result<usize, AppError> {
    let (_stage, seen) = watch::channel(Stage::Run);
    let worker = Worker { app: app.clone(), handlers: handlers.clone(), pace, stage: seen, stopping: Arc::new(AtomicBool::new(false)) };
    worker.enqueue_returning().await?;
    crate::upkeep::number_changes(&app.store).await?;
    let mut count = 0;
    while worker.take_one().await? {
        count += 1;
    }
    Ok(count)
}

struct Worker {
    app: Arc<App>,
    handlers: Handlers,
    pace: Pace,
    stage: watch::Receiver<Stage>,
    stopping: Arc<AtomicBool>,
}

fn delta(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX)
}

impl Worker {
    async fn work(self) {
        let mut stage = self.stage.clone();
        let mut are_enqueued = false;
        loop {
            if *stage.borrow_and_update() != Stage::Run {
                return;
            }
            if !are_enqueued {
                are_enqueued = self.enqueue_returning().await.is_ok();
            }
            match self.take_one().await {
                Ok(true) => continue,
                Ok(false) => {}
                // The database is away; its absence is told where people ask.
                Err(error @ AppError::Unavailable { .. }) => tracing::debug!(%error, "no job could be looked for"),
                Err(error) => tracing::error!(%error, "no job could be looked for"),
            }
            tokio::select! {
                () = self.app.store.woken() => {}
                () = tokio::time::sleep(self.pace.poll) => {}
                _ = stage.changed() => {}
            }
        }
    }

    /// What comes back by itself is there once, whoever starts.
    async fn enqueue_returning(&self) -> Result<(), AppError> {
        for (kind, every) in &self.handlers.returning {
            let seconds = i64::try_from(every.as_secs()).unwrap_or(i64::MAX).max(1);
            super::enqueue(&self.app, NewJob { unique_key: Some(format!("every:{kind}")), every_seconds: Some(seconds), ..NewJob::new(kind, Json::Null) }).await?;
        }
        Ok(())
    }

    /// Takes a job and runs it; whether there was one.
    async fn take_one(&self) -> Result<bool, AppError> {
        let Some(job) = self.claim().await? else { return Ok(false) };
        let job = Arc::new(job);
        if job.cancel {
            self.write(&job, self.end(&job, "cancelled", None, None), None).await;
        } else if job.attempts > job.max_attempts {
            // Whoever ran it never came to write down why: the process died each time.
            self.give_up(&job, "it ended the process that ran it, time and again").await;
        } else {
            match self.run(&job).await {
                Some(outcome) => self.settle(&job, outcome).await,
                None => tracing::warn!(job = %job.id, kind = job.kind, "another worker has taken this job over"),
            }
        }
        Ok(true)
    }

    async fn claim(&self) -> Result<Option<Claimed>, AppError> {
        let (dialect, kinds, now) = (self.app.store.dialect(), self.handlers.kinds(), Utc::now());
        // A look that locks nothing first: most looks find nothing.
        if self.app.store.fetch(&system_jobs::any_due(dialect, &kinds, now)).await?.is_empty() {
            return Ok(None);
        }
        let lease = Uuid::new_v4();
        let statement = system_jobs::claim(dialect, &kinds, lease, now, now + delta(self.pace.lease));
        let rows = self.app.store.write(move |tx: &mut Tx| {
            let statement = statement.clone();
            Box::pin(async move { tx.fetch(&statement).await })
        });
        Ok(rows.await?.into_iter().next().and_then(|row| Claimed::from_row(row, lease)))
    }

    /// Runs the handler on a task of its own while the lease is kept; nothing if the lease was lost.
    async fn run(&self, job: &Arc<Claimed>) -> Option<Result<Json, JobError>> {
        let Some(handler) = self.handlers.find(&job.kind) else { return Some(Err(JobError::Stopped)) };
        let running = handler(Context::new(self.app.clone(), job.clone(), self.stopping.clone()));
        let mut task = tokio::spawn(std::panic::AssertUnwindSafe(running).catch_unwind());
        let mut stage = self.stage.clone();
        loop {
            tokio::select! {
                ended = &mut task => return Some(match ended {
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(_)) => Err(AppError::Internal("the handler panicked".into()).into()),
                    Err(error) => Err(AppError::Internal(error.to_string()).into()),
                }),
                () = tokio::time::sleep(self.pace.lease / 3) => {
                    if self.has_lost(job).await {
                        task.abort();
                        return None;
                    }
                }
                () = aborted(&mut stage) => {
                    task.abort();
                    let _ = (&mut task).await;
                    return Some(Err(JobError::Stopped));
                }
            }
        }
    }

    /// Keeps the lease. A database that does not answer is no reason to stop: the lease may still hold.
    async fn has_lost(&self, job: &Claimed) -> bool {
        let statement = system_jobs::beat(self.app.store.dialect(), job.id, job.lease, Utc::now() + delta(self.pace.lease));
        let kept = self.app.store.write(move |tx: &mut Tx| {
            let statement = statement.clone();
            Box::pin(async move { tx.fetch(&statement).await })
        });
        kept.await.is_ok_and(|rows| rows.is_empty())
    }

    async fn settle(&self, job: &Claimed, outcome: Result<Json, JobError>) {
        let dialect = self.app.store.dialect();
        if let Err(error @ JobError::Failed(_)) = &outcome {
            tracing::warn!(job = %job.id, kind = job.kind, attempt = job.attempts, ?error, "a job failed");
        }
        let statement = match (&outcome, job.every_seconds) {
            (Err(JobError::Stopped), _) => system_jobs::again(dialect, job.id, job.lease, Utc::now(), job.attempts - 1, None),
            (outcome, Some(seconds)) => {
                let error = outcome.as_ref().err().map(JobError::told);
                system_jobs::next_turn(dialect, job.id, job.lease, Utc::now() + TimeDelta::seconds(seconds), error.as_deref())
            }
            (Ok(result), None) => self.end(job, "done", Some(result), None),
            (Err(JobError::Cancelled), None) => self.end(job, "cancelled", None, None),
            (Err(error), None) => {
                // Attempts are counted anew by a checkpoint, so the row is asked, not the claim.
                let attempts = self.attempts(job).await;
                if !error.can_retry() || attempts >= job.max_attempts {
                    return self.give_up(job, &error.told()).await;
                }
                system_jobs::again(dialect, job.id, job.lease, Utc::now() + self.pause(attempts), attempts, Some(&error.told()))
            }
        };
        let told = match &outcome {
            Ok(result) if job.every_seconds.is_none() => ended(job, "done", result.get("url").and_then(Json::as_str)),
            _ => None,
        };
        self.write(job, statement, told).await;
    }

    async fn attempts(&self, job: &Claimed) -> i64 {
        let rows = self.app.store.fetch(&system_jobs::read(self.app.store.dialect(), job.id)).await.unwrap_or_default();
        rows.into_iter().next().and_then(super::Job::from_row).map_or(job.attempts, |job| job.attempts)
    }

    /// Doubled after each failure, never quite the same for two jobs that failed together.
    fn pause(&self, attempts: i64) -> TimeDelta {
        let doubled = self.pace.backoff.saturating_mul(2_u32.saturating_pow(u32::try_from(attempts.clamp(1, 30) - 1).unwrap_or(0)));
        let capped = doubled.min(self.pace.max_backoff);
        delta(capped.mul_f64(1.0 + rand::random::<f64>() / 10.0))
    }

    async fn give_up(&self, job: &Claimed, why: &str) {
        tracing::error!(job = %job.id, kind = job.kind, why, "a job was given up");
        self.write(job, self.end(job, "failed", None, Some(why)), ended(job, "failed", None)).await;
    }

    fn end(&self, job: &Claimed, state: &str, result: Option<&Json>, error: Option<&str>) -> Statement {
        system_jobs::end(self.app.store.dialect(), job.id, job.lease, state, result.map(Json::to_string).as_deref(), error, Utc::now())
    }

    /// Writes down what came of a job, and tells whoever asked for it; if that cannot be, the lease runs out and the job
    /// is run again.
    async fn write(&self, job: &Claimed, statement: Statement, told: Option<Notice>) {
        let written = self.app.store.write(move |tx: &mut Tx| {
            let (statement, told) = (statement.clone(), told.clone());
            Box::pin(async move {
                match (tx.execute(&statement).await?, told) {
                    (1, Some(notice)) => notify::tell(tx, &notice).await,
                    _ => Ok(()),
                }
            })
        });
        if let Err(error) = written.await {
            tracing::warn!(job = %job.id, kind = job.kind, %error, "what came of a job could not be written down");
        }
    }
}

/// What whoever asked for a job is told of its end.
fn ended(job: &Claimed, word: &'static str, url: Option<&str>) -> Option<Notice> {
    let url = url.map_or_else(|| format!("/jobs/{}", job.id), str::to_owned);
    let about = serde_json::Map::from_iter([("job".to_owned(), job.kind.clone().into())]);
    Some(Notice { subject: Some(job.id), url: Some(url), about, ..Notice::new(Kind::Job, word, vec![job.created_by?]) })
}
