//! The same change to many records, and the pool.

use app::{AppError, bulk, lists, pool};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Site,
    extract::{Asker, Body},
    problem::Problem,
};

type Answer = Result<Response, Problem>;

/// `POST /records/{card}/bulk`
pub async fn change(State(site): State<Site>, Path(card): Path<String>, asker: Asker, Body(body): Body) -> Answer {
    let answer = async {
        lists::may_see(&asker.snapshot, &asker.actor, &card)?;
        let request = bulk::Request::read(&body)?;
        bulk::start(&site.app, &asker.snapshot, &asker.actor, &card, &request).await
    };
    let started = answer.await.map_err(|error| asker.problem(error))?;
    let status = if started.batch.job.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(json!({"total": started.total, "batch": started.batch.to_json(&asker.actor)}))).into_response())
}

fn id_of(text: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found("record"))
}

/// `POST /records/{card}/{id}/claim`
pub async fn claim(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    let answer = async { pool::claim(&site.app, &asker.actor, &card, id_of(&id)?).await };
    let saved = answer.await.map_err(|error| asker.problem(error))?;
    super::records::answer_of(&site, &asker, &card, saved).await
}

/// `POST /records/{card}/{id}/release`
pub async fn release(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    let answer = async { pool::release(&site.app, &asker.actor, &card, id_of(&id)?).await };
    let saved = answer.await.map_err(|error| asker.problem(error))?;
    super::records::answer_of(&site, &asker, &card, saved).await
}
