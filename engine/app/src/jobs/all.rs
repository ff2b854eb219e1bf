//! Everybody's jobs, for administrators: what waits, what was given up, what comes back by itself.

use access::Actor;
use chrono::Utc;
use sql::{Datum, system_jobs};
use store::Tx;
use uuid::Uuid;

use super::{Job, MAX_LISTED, State};
use crate::{App, AppError, UnitError, run};

fn administering(actor: &Actor) -> Result<(), AppError> {
    if actor.is_administrator() { Ok(()) } else { Err(AppError::forbidden("only administrators see the jobs of others")) }
}

/// Jobs of some states, the newest first, each with the name of whoever asked for it.
pub async fn all(app: &App, actor: &Actor, states: &[State], before: Option<Uuid>) -> Result<Vec<(Job, Option<String>)>, AppError> {
    administering(actor)?;
    let words: Vec<&str> = states.iter().map(|state| state.word()).collect();
    let rows = app.store.fetch(&system_jobs::all(app.store.dialect(), &words, before, MAX_LISTED)).await?;
    let one = |mut row: Vec<Datum>| {
        let name = match row.pop()? { Datum::Text(name) => Some(name), _ => None };
        Some((Job::from_row(row)?, name))
    };
    Ok(rows.into_iter().filter_map(one).collect())
}

/// How many jobs there are of each state.
pub async fn counts(app: &App, actor: &Actor) -> Result<Vec<(State, i64)>, AppError> {
    administering(actor)?;
    let rows = app.store.fetch(&system_jobs::counts(app.store.dialect())).await?;
    let one = |row: Vec<Datum>| match <[Datum; 2]>::try_from(row) {
        Ok([Datum::Text(state), Datum::Integer(count)]) => Some((State::read(&state)?, count)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(one).collect())
}

/// Something that comes back by itself.
#[derive(Debug, Clone)]
pub struct Scheduled {
    /// Its present turn.
    pub job: Job,
    /// After how many seconds it comes back.
    pub every: i64,
}

/// What comes back by itself.
pub async fn schedules(app: &App, actor: &Actor) -> Result<Vec<Scheduled>, AppError> {
    administering(actor)?;
    let rows = app.store.fetch(&system_jobs::schedules(app.store.dialect())).await?;
    let one = |mut row: Vec<Datum>| match row.pop()? {
        Datum::Integer(every) => Some(Scheduled { job: Job::from_row(row)?, every }),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(one).collect())
}

/// Tries a job again that was given up or cancelled.
pub async fn replay(app: &App, actor: &Actor, id: Uuid) -> Result<(), AppError> {
    administering(actor)?;
    super::read(app, actor, id).await?;
    let done = app.store.write(move |tx: &mut Tx| {
        Box::pin(async move {
            let count = tx.execute(&system_jobs::replay(tx.dialect(), id, Utc::now())).await?;
            tx.wake();
            Ok::<u64, UnitError>(count)
        })
    });
    match done.await.map_err(|error| error.error) {
        Ok(0) => Err(AppError::Conflict { code: "job_not_ended", detail: "only a job that was given up or cancelled is tried again".into(), blockers: Vec::new() }),
        Ok(_) => Ok(()),
        // Another with its key was enqueued since.
        Err(AppError::Conflict { .. }) => Err(AppError::Conflict { code: "job_replaced", detail: "another job of the same kind and key waits or runs already".into(), blockers: Vec::new() }),
        Err(error) => Err(error),
    }
}

/// Runs now what waits for its time.
pub async fn hurry(app: &App, actor: &Actor, id: Uuid) -> Result<(), AppError> {
    administering(actor)?;
    super::read(app, actor, id).await?;
    run(&app.store, vec![system_jobs::hurry(app.store.dialect(), id, Utc::now())]).await
}
