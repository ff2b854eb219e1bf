//! Jobs: what was asked for and is done later.

use app::{AppError, jobs};
use axum::{
    Json,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use crate::{Site, extract::Asker, problem::Problem};

fn id(asker: &Asker, text: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(text).map_err(|_| asker.problem(AppError::not_found("job")))
}

/// `GET /jobs`: one's own, the newest first; `before` continues.
pub async fn list(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Result<Response, Problem> {
    if let Some((name, _)) = pairs.iter().find(|(name, _)| name != "before") {
        return Err(asker.problem(AppError::malformed("unknown_parameter", format!("`{name}` means nothing here; `before` continues after a page"))));
    }
    let before = match pairs.first() {
        Some((_, text)) => Some(Uuid::try_parse(text).map_err(|_| asker.problem(AppError::malformed("bad_cursor", "`before` is the id of a job")))?),
        None => None,
    };
    let found = jobs::own(&site.app, &asker.actor, before).await.map_err(|error| asker.problem(error))?;
    let is_full = found.len() >= jobs::MAX_LISTED as usize;
    let next = found.last().filter(|_| is_full).map(|job| job.id);
    Ok(Json(json!({"data": found.iter().map(jobs::Job::to_json).collect::<Vec<_>>(), "next": next})).into_response())
}

/// `GET /jobs/{id}`
pub async fn read(State(site): State<Site>, Path(text): Path<String>, asker: Asker) -> Result<Response, Problem> {
    let job = jobs::read(&site.app, &asker.actor, id(&asker, &text)?).await.map_err(|error| asker.problem(error))?;
    Ok(Json(job.to_json()).into_response())
}

/// `POST /jobs/{id}/cancel`
pub async fn cancel(State(site): State<Site>, Path(text): Path<String>, asker: Asker) -> Result<Response, Problem> {
    let job = jobs::cancel(&site.app, &asker.actor, id(&asker, &text)?).await.map_err(|error| asker.problem(error))?;
    Ok(Json(job.to_json()).into_response())
}
