//! Everybody's jobs, for administrators: by state, tried again, and what comes back by itself.

use app::{
    jobs::{self, Job, Scheduled, State as JobState},
    schedules,
};
use axum::{
    extract::{Path as UrlPath, Query},
    http::StatusCode,
};
use uuid::Uuid;

use super::*;
use crate::{pages::{jobs::{title, tone}, url}, view::{JobLine, JobsPage, ScheduleLine, Way}};

/// The ways the list is narrowed.
const SHOWN: [(&str, &[JobState]); 5] = [
    ("open", &[JobState::Waiting, JobState::Running]),
    ("failed", &[JobState::Failed]),
    ("done", &[JobState::Done]),
    ("cancelled", &[JobState::Cancelled]),
    ("all", &[JobState::Waiting, JobState::Running, JobState::Failed, JobState::Done, JobState::Cancelled]),
];

/// `GET /studio/jobs?state=failed`
pub async fn page(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    match build(&site, &reader, &pairs).await {
        Ok(page) => reader.draw(&site, "studio/jobs.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, pairs: &[(String, String)]) -> Result<JobsPage, AppError> {
    let actor = &reader.asker.actor;
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty());
    let counts = jobs::counts(&site.app, actor).await?;
    let count = |states: &[JobState]| -> i64 { counts.iter().filter(|(state, _)| states.contains(state)).map(|(_, count)| count).sum() };
    // What needs a look comes first.
    let first = if count(SHOWN[0].1) == 0 && count(SHOWN[1].1) > 0 { "failed" } else { "open" };
    let wanted = get("state").unwrap_or(first);
    let (word, states) = SHOWN.into_iter().find(|(word, _)| *word == wanted).ok_or_else(|| AppError::not_found("page"))?;
    let before = get("before").map(Uuid::try_parse).transpose().map_err(|_| AppError::not_found("page"))?;
    let found = jobs::all(&site.app, actor, states, before).await?;
    let next = found.last().filter(|_| found.len() >= jobs::MAX_LISTED as usize).map(|(job, _)| job.id.to_string());
    let number = |number: i64| form::format::number_text(number.into(), 0, &reader.asker.locale);
    Ok(JobsPage {
        ways: SHOWN.into_iter().map(|(key, states)| Way { key: key.into(), label: number(count(states)), url: url("/studio/jobs", &[("state", key)]), current: key == word, ..Way::default() }).collect(),
        jobs: found.iter().map(|(job, by)| line(site, reader, job, by.clone())).collect(),
        next_url: next.map(|before| url("/studio/jobs", &[("state", word), ("before", &before)])),
        schedules: {
            let own = schedules::list(&site.app, actor).await?;
            let engine = jobs::schedules(&site.app, actor).await?;
            own.iter().map(|one| of_pack(site, reader, one)).chain(engine.iter().map(|one| schedule(site, reader, one))).collect()
        },
    })
}

fn line(site: &Site, reader: &Reader, job: &Job, by: Option<String>) -> JobLine {
    let (now, lang) = (reader.asker.actor.now, &reader.asker.actor.lang);
    let number = |number: i64| form::format::number_text(number.into(), 0, &reader.asker.locale);
    let at = job.ended_at.or(job.started_at).unwrap_or(job.created_at);
    JobLine {
        title: title(site, reader, &job.kind),
        state: reader.t(site, &format!("job.{}", if job.cancelling { "cancelling" } else { job.state.word() }), &[]),
        tone: tone(job.state).into(),
        by,
        ago: words::ago(at, now, lang),
        at: at.to_rfc3339(),
        progress: match job.total { Some(total) => reader.t(site, "job.of", &[("done", &number(job.done)), ("total", &number(total))]), None if job.done > 0 => number(job.done), None => String::new() },
        attempts: if job.attempts > 1 { reader.t(site, "jobs.attempts", &[("count", &number(job.attempts))]) } else { String::new() },
        error: job.error.as_deref().map(|error| crate::phrases::told(error, lang)),
        url: format!("/jobs/{}", job.id),
        again_url: matches!(job.state, JobState::Failed | JobState::Cancelled).then(|| format!("/studio/jobs/{}/again", job.id)),
        cancel_url: (!job.state.is_ended() && !job.cancelling).then(|| format!("/jobs/{}/cancel", job.id)),
    }
}

/// A script of a pack that runs at certain times.
fn of_pack(site: &Site, reader: &Reader, one: &schedules::Kept) -> ScheduleLine {
    let (lang, locale) = (&reader.asker.actor.lang, &reader.asker.locale);
    let card = one.card.plurals.or_key(lang, one.card.key.as_str());
    let moment = |at: chrono::DateTime<chrono::Utc>| form::format::instant(at, locale);
    let last = one.last.map(|at| reader.t(site, "jobs.last", &[("when", &moment(at))]));
    ScheduleLine {
        title: format!("{} · {card}", one.schedule.labels.or_key(lang, one.schedule.id.as_str())),
        every: [Some(format!("{} ({})", one.schedule.cron, one.zone.name())), Some(one.schedule.script.to_string()), last].into_iter().flatten().collect::<Vec<_>>().join(" · "),
        next: one.next.map_or_else(|| "—".to_owned(), moment),
        error: None,
        now_url: Some(format!("/studio/jobs/schedules/{}/{}/now", one.card.key, one.schedule.id)),
    }
}

/// `POST /studio/jobs/schedules/{card}/{name}/now`: a script runs beside its times.
pub async fn run_schedule(State(site): State<Site>, UrlPath((card, id)): UrlPath<(String, String)>, reader: Reader) -> Response {
    match schedules::now(&site.app, &reader.asker.actor, &card, &id).await {
        Ok(job) => Redirect::to(&format!("/jobs/{job}")).into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}

fn schedule(site: &Site, reader: &Reader, one: &Scheduled) -> ScheduleLine {
    let running = one.job.state == JobState::Running;
    let seconds = one.every.max(1);
    let (word, count) = if seconds % 86_400 == 0 { ("days", seconds / 86_400) } else if seconds % 3_600 == 0 { ("hours", seconds / 3_600) } else { ("minutes", (seconds / 60).max(1)) };
    ScheduleLine {
        title: title(site, reader, &one.job.kind),
        every: reader.t(site, &format!("jobs.every_{word}"), &[("count", &count.to_string())]),
        next: if running { reader.t(site, "job.running", &[]) } else { form::format::instant(one.job.run_at, &reader.asker.locale) },
        error: one.job.error.as_deref().map(|error| crate::phrases::told(error, &reader.asker.actor.lang)),
        now_url: (!running).then(|| format!("/studio/jobs/{}/now", one.job.id)),
    }
}

fn parse(id: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(id).map_err(|_| AppError::not_found("job"))
}

/// `POST /studio/jobs/{id}/again`: what was given up is tried again.
pub async fn again(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let done = async { jobs::replay(&site.app, &reader.asker.actor, parse(&id)?).await };
    match done.await {
        Ok(()) => Redirect::to("/studio/jobs?state=open").into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /studio/jobs/{id}/now`: what waits for its time is run at once.
pub async fn now(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let done = async { jobs::hurry(&site.app, &reader.asker.actor, parse(&id)?).await };
    match done.await {
        Ok(()) => (StatusCode::SEE_OTHER, [(axum::http::header::LOCATION, "/studio/jobs")]).into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}
