//! Large changes, and large undos, as jobs: in parts, with a point to go on from, until done or cancelled.

use access::Actor;
use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{EACH, Plan, Request, Selection, next, step};
use crate::{
    App, AppError, accounts, batches,
    jobs::{Context, JobError},
};

/// Who asked, with the rights of now.
async fn actor(app: &App, context: &Context, at: Option<DateTime<Utc>>) -> Result<Actor, AppError> {
    let user = context.created_by().ok_or_else(|| AppError::Internal("a job without a user".into()))?;
    let mut actor = accounts::actor_of(app, &app.snapshot(), user, Utc::now()).await?;
    if let Some(at) = at {
        actor.now = at;
    }
    Ok(actor)
}

fn batch_of(payload: &Json) -> Result<Uuid, AppError> {
    payload["batch"].as_str().and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(|| AppError::Internal("a job without its batch".into()))
}

/// A batch is finished however its job ends, but for one that another worker goes on with.
async fn ended(app: &App, batch: Uuid, result: Result<(), JobError>) -> Result<Json, JobError> {
    if !matches!(result, Err(JobError::Stopped)) {
        batches::finish(app, batch).await?;
    }
    result?;
    Ok(json!({"batch": batch, "url": format!("/me/batches/{batch}")}))
}

/// Runs a large change.
pub async fn handle(context: Context) -> Result<Json, JobError> {
    let batch = batch_of(context.payload())?;
    let result = change(&context, batch).await;
    ended(context.app(), batch, result).await
}

async fn change(context: &Context, batch: Uuid) -> Result<(), JobError> {
    let (app, payload) = (context.app(), context.payload());
    let started: DateTime<Utc> = serde_json::from_value(payload["started"].clone()).unwrap_or_else(|_| Utc::now());
    // All matches are those of the start; who may change what is asked now, of each record.
    let asker = actor(app, context, Some(started)).await?;
    let card = payload["card"].as_str().unwrap_or_default();
    let request = Request::read(&payload["request"])?;
    let mut point: Option<(Uuid, i64)> = context.resume_point().and_then(|point| Some((Uuid::try_parse(point["after"].as_str()?).ok()?, point["done"].as_i64()?)));
    let total = match &request.selection {
        Selection::Ids(ids) => i64::try_from(ids.len()).ok(),
        Selection::All { .. } => super::count(app, &app.snapshot(), &asker, card, &request).await.ok().map(|left| left.max(point.map_or(0, |(_, done)| done))),
    };
    loop {
        context.go_on().await?;
        let snapshot = app.snapshot();
        let done = point.map_or(0, |(_, done)| done);
        let ids = match &request.selection {
            Selection::Ids(ids) => ids.iter().skip(usize::try_from(done).unwrap_or(usize::MAX)).take(EACH).copied().collect(),
            Selection::All { .. } => next(app, &snapshot, &asker, card, &request, point.map(|(after, _)| after), EACH).await?,
        };
        let Some(last) = ids.last().copied() else { return Ok(()) };
        let acting = actor(app, context, None).await?;
        let plan = Plan::new(&snapshot, &acting, card, &request.change)?;
        let done = done + i64::try_from(ids.len()).unwrap_or(0);
        context.progress(done, total).await?;
        step::run(app, &acting, &plan, batch, &ids, Some((context, json!({"after": last, "done": done})))).await?;
        point = Some((last, done));
    }
}

/// Takes a large batch back.
pub async fn handle_undo(context: Context) -> Result<Json, JobError> {
    let batch = batch_of(context.payload())?;
    let result = take_back(&context, batch).await;
    ended(context.app(), batch, result).await
}

async fn take_back(context: &Context, batch: Uuid) -> Result<(), JobError> {
    let app = context.app();
    let total = context.payload()["total"].as_i64();
    let mut done = context.resume_point().and_then(|point| point["done"].as_i64()).unwrap_or(0);
    loop {
        context.go_on().await?;
        let acting = actor(app, context, None).await?;
        let count = batches::undo_step(app, &acting, batch, Some((context, done))).await?;
        if count == 0 {
            return Ok(());
        }
        done += i64::try_from(count).unwrap_or(0);
        context.progress(done, total).await?;
    }
}
