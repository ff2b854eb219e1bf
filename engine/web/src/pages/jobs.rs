//! A job: how far it is, and what came of it.

use app::{AppError, jobs::{self, Job, State as JobState}};
use axum::{
    extract::{Path as UrlPath, State},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{Reader, safe_next};
use crate::{Site, view::JobPage};

fn parse(text: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found("job"))
}

/// What a kind of job does.
pub(super) fn title(site: &Site, reader: &Reader, kind: &str) -> String {
    let key = format!("job.kind.{kind}");
    Some(reader.t(site, &key, &[])).filter(|text| *text != key).unwrap_or_else(|| model::humanize(&kind.replace('.', "_")))
}

/// The colour of a state.
pub(super) fn tone(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "gray",
        JobState::Running => "blue",
        JobState::Done => "green",
        JobState::Failed => "red",
        JobState::Cancelled => "amber",
    }
}

fn view(site: &Site, reader: &Reader, job: &Job) -> JobPage {
    let number = |number: i64| form::format::number_text(number.into(), 0, &reader.asker.locale);
    let state = if job.cancelling { "cancelling" } else { job.state.word() };
    let progress_text = match job.total {
        Some(total) => reader.t(site, "job.of", &[("done", &number(job.done)), ("total", &number(total))]),
        None if job.done > 0 => number(job.done),
        None => String::new(),
    };
    let url = job.result.as_ref().and_then(|result| result.get("url")).and_then(Json::as_str);
    JobPage {
        title: title(site, reader, &job.kind),
        state: job.state.word().into(),
        state_text: reader.t(site, &format!("job.{state}"), &[]),
        tone: tone(job.state).into(),
        progress_text,
        done: job.total.map_or(job.done, |total| job.done.min(total)),
        total: job.total.filter(|total| *total > 0),
        error: job.error.as_deref().map(|error| crate::phrases::told(error, &reader.asker.actor.lang)),
        result_url: url.map(safe_next).filter(|url| *url != "/").map(str::to_owned),
        url: format!("/jobs/{}", job.id),
        cancel_url: (!job.state.is_ended() && !job.cancelling).then(|| format!("/jobs/{}/cancel", job.id)),
        cancelling: job.cancelling,
        ended: job.state.is_ended(),
    }
}

/// `GET /jobs/{id}`
pub async fn page(State(site): State<Site>, UrlPath(id): UrlPath<String>, mut reader: Reader) -> Response {
    let found = async {
        let job = jobs::read(&site.app, &reader.asker.actor, parse(&id)?).await?;
        reader.has_seen(&site, job.id).await?;
        Ok(job)
    };
    let found = found.await;
    answer(&site, &reader, found)
}

/// `POST /jobs/{id}/cancel`
pub async fn cancel(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let asked = async { jobs::cancel(&site.app, &reader.asker.actor, parse(&id)?).await };
    match asked.await {
        Ok(job) if !reader.fragment => Redirect::to(&format!("/jobs/{}", job.id)).into_response(),
        asked => answer(&site, &reader, asked),
    }
}

fn answer(site: &Site, reader: &Reader, job: Result<Job, AppError>) -> Response {
    match job {
        Ok(job) => reader.draw(site, if reader.fragment { "jobs/state.html" } else { "jobs/show.html" }, None, &view(site, reader, &job)),
        Err(error) => reader.failed(site, &error),
    }
}
