//! What waits for a reader, what they decided, what they applied for; and the dialogs of decisions.

pub mod way;

use app::{
    AppError,
    flows::approvals::{self, Decision, Entry, RejectTo},
};
use axum::{
    Form, Json,
    extract::{Path as UrlPath, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::{Reader, fields, record::refused_in_a_line as refused, safe_next, url, words};
use crate::{
    Site,
    pages::cells::Known,
    view::{ApprovalEntry, ApprovalsPage, Avatar, Choice, DecisionDialog},
};
use crate::pages::get;

type Pairs = Vec<(String, String)>;

/// Lines of one page.
const PAGE: u32 = 50;

fn id_of(text: &str, what: &'static str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found(what))
}

/// A group's name.
fn role(reader: &Reader, key: &str) -> String {
    approvals::role_name(&reader.asker.snapshot, key, &reader.asker.actor.lang)
}

/// The tone of where an application stands.
fn state_tone(state: &str) -> &'static str {
    match state {
        "running" => "amber",
        "approved" => "green",
        "rejected" => "red",
        _ => "gray",
    }
}

/// `GET /approvals`, with `show=decided` for those of the past.
pub async fn index(State(site): State<Site>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let kind = if get(&pairs, "show") == "decided" { "decided" } else { "waiting" };
    list(&site, &reader, kind, &pairs).await
}

/// `GET /applications`
pub async fn mine(State(site): State<Site>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    list(&site, &reader, "mine", &pairs).await
}

async fn list(site: &Site, reader: &Reader, kind: &'static str, pairs: &Pairs) -> Response {
    let asker = &reader.asker;
    let before = chrono::DateTime::parse_from_rfc3339(get(pairs, "before")).ok().map(|at| at.with_timezone(&chrono::Utc));
    let found = match kind {
        "waiting" => approvals::waiting(&site.app, &asker.snapshot, &asker.actor, &asker.locale, PAGE * 4).await,
        "decided" => approvals::decided(&site.app, &asker.snapshot, &asker.actor, &asker.locale, before, PAGE).await,
        _ => approvals::applications(&site.app, &asker.snapshot, &asker.actor, &asker.locale, before, PAGE).await,
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return reader.failed(site, &error),
    };
    let (path, show) = match kind {
        "waiting" => ("/approvals", ""),
        "decided" => ("/approvals", "decided"),
        _ => ("/applications", ""),
    };
    let at = |entry: &Entry| if kind == "decided" { entry.task.as_ref().and_then(|task| task.decided_at) } else { Some(entry.approval.started_at) };
    let next = found.last().filter(|_| kind != "waiting" && found.len() == PAGE as usize).and_then(at).map(|at| url(path, &[("show", show), ("before", &at.to_rfc3339())]));
    let tab = |(name, to): (&'static str, &str)| Choice { value: to.into(), text: reader.t(site, &format!("approval.{name}"), &[]), selected: name == kind };
    let page = ApprovalsPage {
        title: reader.t(site, &format!("approval.{kind}"), &[]),
        kind,
        tabs: [("waiting", "/approvals"), ("decided", "/approvals?show=decided"), ("mine", "/applications")].into_iter().map(tab).collect(),
        entries: found.iter().map(|one| entry(site, reader, kind, one)).collect(),
        next_url: next,
    };
    reader.draw(site, "approvals/index.html", None, &page)
}

/// "Leave · Ask for it".
fn what(reader: &Reader, approval: &approvals::Approval) -> String {
    let lang = &reader.asker.actor.lang;
    let card = reader.asker.snapshot.catalog.card(&approval.card).map_or_else(|| approval.card.clone(), |card| card.labels.or_key(lang, card.key.as_str()));
    format!("{card} · {}", approval.flow.labels.or_key(lang, approval.flow.id.as_str()))
}

fn unseen(site: &Site, reader: &Reader, card: &str) -> String {
    let lang = &reader.asker.actor.lang;
    let label = reader.asker.snapshot.catalog.card(card).map_or_else(|| card.to_owned(), |card| card.labels.or_key(lang, card.key.as_str()));
    reader.t(site, "batch.unseen", &[("what", &label)])
}

fn entry(site: &Site, reader: &Reader, kind: &str, entry: &Entry) -> ApprovalEntry {
    let (approval, actor) = (&entry.approval, &reader.asker.actor);
    let task = entry.task.as_ref();
    let (state, tone) = match (kind, task) {
        ("decided", Some(task)) => (format!("approval.verdict.{}", task.state), if task.state == "approved" { "green" } else if task.state == "rejected" { "red" } else { "gray" }),
        _ => (format!("approval.state.{}", approval.state), state_tone(&approval.state)),
    };
    let at = match kind {
        "decided" => task.and_then(|task| task.decided_at).unwrap_or(approval.started_at),
        "waiting" => task.map_or(approval.started_at, |task| task.since),
        _ => approval.started_at,
    };
    let who = approval.applicant.as_ref().map_or_else(|| words::word("system", &actor.lang), |(_, name)| name.clone());
    let waits = kind == "waiting";
    ApprovalEntry {
        task: task.filter(|_| waits).map(|task| task.id.to_string()),
        title: entry.title.clone().unwrap_or_else(|| unseen(site, reader, &approval.card)),
        url: entry.title.as_ref().map(|_| format!("/c/{}/{}", approval.card, approval.record)),
        what: what(reader, approval),
        icon: reader.asker.snapshot.catalog.card(&approval.card).map_or_else(|| "file-text".into(), |card| card.icon.clone()),
        avatar: Some(Avatar::person(&who)),
        who,
        when: words::ago(at, actor.now, &actor.lang),
        at: at.to_rfc3339(),
        comment: approval.comment.clone(),
        opinion: task.and_then(|task| task.opinion.clone()).filter(|_| kind == "decided"),
        state_text: reader.t(site, &state, &[]),
        tone,
        reminded: task.filter(|task| waits && task.reminded > 0).map(|task| reader.t(site, "approval.reminded", &[("count", &task.reminded.to_string())])),
        withdraw_url: (kind == "mine" && approval.is_running()).then(|| format!("/applications/{}/withdraw", approval.id)),
        decide_url: task.filter(|_| waits).map(|task| format!("/approvals/{}", task.id)),
    }
}

/// `GET /approvals/{task}`: the dialog of a decision.
pub async fn dialog(State(site): State<Site>, UrlPath(task): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async {
        let task = id_of(&task, "task")?;
        let asker = &reader.asker;
        let mine = approvals::waiting(&site.app, &asker.snapshot, &asker.actor, &asker.locale, PAGE * 4).await?;
        let found = mine.into_iter().find(|entry| entry.task.as_ref().is_some_and(|known| known.id == task)).ok_or_else(|| AppError::not_found("task"))?;
        let earlier = match approvals::ways(&site.app, &asker.snapshot, &asker.actor, &found.approval.card, found.approval.record).await {
            Ok(ways) => ways.into_iter().find(|way| way.approval.id == found.approval.id).map(|way| way.earlier).unwrap_or_default(),
            // Who may not see the record hands it on.
            Err(AppError::NotFound { .. } | AppError::Forbidden { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let first = Choice { value: "applicant".into(), text: reader.t(&site, "approval.to_applicant", &[]), selected: true };
        let targets = std::iter::once(first).chain(earlier.into_iter().map(|(index, label)| Choice { value: index.to_string(), text: label, selected: false }));
        let back = get(&pairs, "back");
        Ok(DecisionDialog {
            title: found.title.clone().unwrap_or_else(|| unseen(&site, &reader, &found.approval.card)),
            what: format!("{} · {}", what(&reader, &found.approval), found.approval.applicant.as_ref().map_or("", |(_, name)| name.as_str())),
            url: format!("/approvals/{task}"),
            comment: found.approval.comment.clone(),
            targets: targets.collect(),
            user: somebody(&reader, &found.approval.card),
            back: if back.is_empty() { "/approvals".into() } else { safe_next(back).to_owned() },
        })
    };
    match answer.await {
        Ok(page) => reader.draw(&site, if reader.fragment { "approvals/dialog.html" } else { "approvals/dialog_page.html" }, None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// The input of a person.
fn somebody(reader: &Reader, card: &str) -> Option<crate::view::FieldView> {
    let card = reader.asker.snapshot.catalog.card(card)?;
    let field = card.field("owner")?;
    let (titles, files) = Default::default();
    let known = Known { catalog: &reader.asker.snapshot.catalog, locale: &reader.asker.locale, titles: &titles, files: &files };
    let place = fields::Place { card: card.key.as_str(), table: &card.table, prefix: "f.".into(), editable: true, required: false, hidden: false, span: None, columns: 1 };
    let mut view = fields::view(&known, field, &model::Value::Empty, &place);
    view.id = "decision-user".into();
    view.label = crate::templates::text(&reader.asker.actor.lang, "approval.user", &[]);
    view.recompute = false;
    Some(view)
}

fn decision(pairs: &Pairs) -> Result<Decision, AppError> {
    let wrong = |detail: &str| AppError::malformed("bad_decision", detail);
    let user = || Uuid::try_parse(get(pairs, "f.owner")).map_err(|_| AppError::rejected(model::Violation::new("user", model::Code::Required)));
    match get(pairs, "decision") {
        "approve" => Ok(Decision::Approve),
        "reject" => Ok(Decision::Reject(match get(pairs, "to") {
            "" | "applicant" => RejectTo::Applicant,
            step => RejectTo::Step(step.parse().map_err(|_| wrong("`to` is `applicant`, or the number of an earlier step"))?),
        })),
        "delegate" => user().map(Decision::Delegate),
        "add" => user().map(Decision::Add),
        _ => Err(wrong("`decision` is one of approve, reject, delegate, add")),
    }
}

/// `POST /approvals/{task}`
pub async fn decide(State(site): State<Site>, UrlPath(task): UrlPath<String>, reader: Reader, Form(pairs): Form<Pairs>) -> Response {
    let back = match get(&pairs, "back") {
        "" => "/approvals".to_owned(),
        back => safe_next(back).to_owned(),
    };
    let answer = async {
        let task = id_of(&task, "task")?;
        let decision = decision(&pairs)?;
        let outcome = approvals::decide(&site.app, &reader.asker.actor, task, &decision, Some(get(&pairs, "opinion"))).await?;
        let word = match decision {
            Decision::Approve => "approval.done.approve",
            Decision::Reject(_) => "approval.done.reject",
            Decision::Delegate(_) => "approval.done.delegate",
            Decision::Add(_) => "approval.done.add",
        };
        Ok::<_, AppError>((outcome, reader.t(&site, word, &[])))
    };
    match answer.await {
        Ok((_, text)) if reader.fragment => Json(json!({"text": text, "url": back})).into_response(),
        Ok(_) => Redirect::to(&back).into_response(),
        Err(error) => refused(&site, &reader, None, error),
    }
}

/// `POST /approvals` with `task`s: the same decision on each.
pub async fn decide_many(State(site): State<Site>, reader: Reader, Form(pairs): Form<Pairs>) -> Response {
    let decision = match decision(&pairs) {
        Ok(decision @ (Decision::Approve | Decision::Reject(RejectTo::Applicant))) => decision,
        Ok(_) => return reader.failed(&site, &AppError::malformed("bad_decision", "several at once are approved, or rejected to their applicants")),
        Err(error) => return refused(&site, &reader, None, error),
    };
    let tasks: Vec<Uuid> = pairs.iter().filter(|(name, _)| name == "task").filter_map(|(_, id)| Uuid::try_parse(id).ok()).take(PAGE as usize * 4).collect();
    if tasks.is_empty() {
        return reader.failed(&site, &AppError::malformed("bad_decision", reader.t(&site, "approval.choose", &[])));
    }
    let (mut done, mut failed) = (0, Vec::new());
    for task in tasks {
        match approvals::decide(&site.app, &reader.asker.actor, task, &decision, Some(get(&pairs, "opinion"))).await {
            Ok(_) => done += 1,
            Err(error) => failed.push(error),
        }
    }
    // Nothing done at all is an error.
    if let (0, Some(error)) = (done, failed.first()) {
        return refused(&site, &reader, None, error.again());
    }
    let mut text = reader.t(&site, "approval.done.many", &[("count", &done.to_string())]);
    if let Some(error) = failed.first() {
        text = format!("{text} · {} {}", reader.t(&site, "approval.done.failed", &[("count", &failed.len().to_string())]), crate::problem::document(error, &reader.asker.actor.lang)["detail"].as_str().unwrap_or_default());
    }
    if reader.fragment { Json(json!({"text": text, "url": "/approvals"})).into_response() } else { Redirect::to("/approvals").into_response() }
}

/// `POST /applications/{id}/withdraw`
pub async fn withdraw(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader, Form(pairs): Form<Pairs>) -> Response {
    let back = match get(&pairs, "back") {
        "" => "/applications".to_owned(),
        back => safe_next(back).to_owned(),
    };
    let answer = async { approvals::withdraw(&site.app, &reader.asker.actor, id_of(&id, "application")?, None).await };
    match answer.await {
        Ok(_) if reader.fragment => Json(json!({"text": reader.t(&site, "approval.done.withdraw", &[]), "url": back})).into_response(),
        Ok(_) => Redirect::to(&back).into_response(),
        Err(error) => refused(&site, &reader, None, error),
    }
}
