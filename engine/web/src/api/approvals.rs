//! What waits for somebody's decision, what they decided, and what they applied for.

use app::{
    AppError,
    flows::approvals::{self, Decision, Entry, Outcome, RejectTo},
};
use axum::{
    Json,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Site,
    extract::{Asker, Body},
    problem::{Problem, document, status},
};

type Answer = Result<Response, Problem>;

/// Most entries of one answer, and most tasks of one request.
const MOST: u32 = 200;

fn id_of(text: &str, what: &'static str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found(what))
}

fn wrong(detail: impl Into<String>) -> AppError {
    AppError::malformed("bad_decision", detail)
}

fn before(pairs: &[(String, String)]) -> Result<Option<DateTime<Utc>>, AppError> {
    let Some((_, text)) = pairs.iter().find(|(key, _)| key == "before") else { return Ok(None) };
    DateTime::parse_from_rfc3339(text).map(|at| Some(at.with_timezone(&Utc))).map_err(|_| wrong("`before` is a moment such as 2026-11-24T09:30:00Z"))
}

fn entry(entry: &Entry, lang: &str) -> Value {
    let mut json = entry.approval.to_json(lang);
    json["title"] = entry.title.clone().into();
    json["task"] = entry.task.as_ref().map_or(Value::Null, approvals::Task::to_json);
    json
}

fn answer(entries: &[Entry], lang: &str) -> Response {
    Json(json!({"data": entries.iter().map(|one| entry(one, lang)).collect::<Vec<_>>()})).into_response()
}

/// `GET /approvals`: what waits, or with `state=decided` what was decided.
pub async fn list(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Answer {
    let found = async {
        let before = before(&pairs)?;
        match pairs.iter().find(|(key, _)| key == "state").map(|(_, state)| state.as_str()) {
            None | Some("waiting") => approvals::waiting(&site.app, &asker.snapshot, &asker.actor, &asker.locale, MOST).await,
            Some("decided") => approvals::decided(&site.app, &asker.snapshot, &asker.actor, &asker.locale, before, MOST).await,
            Some(_) => Err(wrong("`state` is waiting or decided")),
        }
    };
    found.await.map(|entries| answer(&entries, &asker.actor.lang)).map_err(|error| asker.problem(error))
}

/// `GET /applications`
pub async fn applications(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Answer {
    let found = async { approvals::applications(&site.app, &asker.snapshot, &asker.actor, &asker.locale, before(&pairs)?, MOST).await };
    found.await.map(|entries| answer(&entries, &asker.actor.lang)).map_err(|error| asker.problem(error))
}

/// `GET /records/{card}/{id}/approvals`: the way each application of a record went, and goes.
pub async fn of_record(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    let found = async { approvals::ways(&site.app, &asker.snapshot, &asker.actor, &card, id_of(&id, "record")?).await };
    let ways = found.await.map_err(|error| asker.problem(error))?;
    Ok(Json(json!({"data": ways.iter().map(|way| way.to_json(&asker.actor.lang)).collect::<Vec<_>>()})).into_response())
}

/// A decision as it is sent: `{"decision", "opinion", "to", "user"}`.
fn read(body: &Value, more: &[&str]) -> Result<(Decision, Option<String>), AppError> {
    let map: &Map<String, Value> = body.as_object().ok_or_else(|| wrong("a JSON object is wanted: {\"decision\": …}"))?;
    if let Some(key) = map.keys().find(|key| !["decision", "opinion", "to", "user"].contains(&key.as_str()) && !more.contains(&key.as_str())) {
        return Err(wrong(format!("`{key}` is none of decision, opinion, to, user")));
    }
    let opinion = match map.get("opinion") {
        None | Some(Value::Null) => None,
        Some(Value::String(opinion)) => Some(opinion.clone()),
        Some(_) => return Err(wrong("`opinion` is a text")),
    };
    let user = || map.get("user").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(|| wrong("`user` is the id of somebody"));
    let decision = match map.get("decision").and_then(Value::as_str) {
        Some("approve") => Decision::Approve,
        Some("reject") => Decision::Reject(match map.get("to") {
            None | Some(Value::Null) => RejectTo::Applicant,
            Some(Value::String(to)) if to == "applicant" => RejectTo::Applicant,
            Some(Value::Number(step)) => RejectTo::Step(step.as_u64().and_then(|step| usize::try_from(step).ok()).ok_or_else(|| wrong("`to` is `applicant`, or the number of an earlier step"))?),
            Some(_) => return Err(wrong("`to` is `applicant`, or the number of an earlier step")),
        }),
        Some("delegate") => Decision::Delegate(user()?),
        Some("add") => Decision::Add(user()?),
        _ => return Err(wrong("`decision` is one of approve, reject, delegate, add")),
    };
    Ok((decision, opinion))
}

fn outcome(outcome: &Outcome) -> Value {
    json!({"application": outcome.approval, "state": outcome.state, "card": outcome.card, "record": outcome.record})
}

/// `POST /approvals/{task}`
pub async fn decide(State(site): State<Site>, Path(task): Path<String>, asker: Asker, Body(body): Body) -> Answer {
    let done = async {
        let task = id_of(&task, "task")?;
        let (decision, opinion) = read(&body, &[])?;
        approvals::decide(&site.app, &asker.actor, task, &decision, opinion.as_deref()).await
    };
    done.await.map(|done| Json(outcome(&done)).into_response()).map_err(|error| asker.problem(error))
}

/// `POST /approvals`: the same decision on several tasks, each by itself.
pub async fn decide_many(State(site): State<Site>, asker: Asker, Body(body): Body) -> Answer {
    let asked = || -> Result<_, AppError> {
        let (decision, opinion) = read(&body, &["tasks"])?;
        if !matches!(decision, Decision::Approve | Decision::Reject(RejectTo::Applicant)) {
            return Err(wrong("several at once are approved, or rejected to their applicants"));
        }
        let tasks = body.get("tasks").and_then(Value::as_array).filter(|tasks| tasks.len() <= MOST as usize).ok_or_else(|| wrong(format!("`tasks` is a list of at most {MOST} ids")))?;
        let tasks = tasks.iter().map(|task| task.as_str().and_then(|task| Uuid::try_parse(task).ok()).ok_or_else(|| wrong("`tasks` is a list of ids"))).collect::<Result<Vec<_>, _>>()?;
        Ok((tasks, decision, opinion))
    };
    let (tasks, decision, opinion) = asked().map_err(|error| asker.problem(error))?;
    let mut results = Vec::new();
    for task in tasks {
        results.push(match approvals::decide(&site.app, &asker.actor, task, &decision, opinion.as_deref()).await {
            Ok(done) => json!({"task": task, "status": 200, "data": outcome(&done)}),
            Err(error) => json!({"task": task, "status": status(&error).as_u16(), "problem": document(&error, &asker.actor.lang)}),
        });
    }
    Ok(Json(json!({"data": results})).into_response())
}

/// `POST /applications/{id}/withdraw`
pub async fn withdraw(State(site): State<Site>, Path(id): Path<String>, asker: Asker, Body(body): Body) -> Answer {
    let done = async {
        let id = id_of(&id, "application")?;
        let comment = body.get("comment").and_then(Value::as_str);
        approvals::withdraw(&site.app, &asker.actor, id, comment).await
    };
    done.await.map(|done| Json(outcome(&done)).into_response()).map_err(|error| asker.problem(error))
}
