//! The states of a record on its page: the bar, the steps that lead on, what a step asks, and moving a card of a board.

use std::collections::HashMap;

use app::{
    AppError,
    flows::{self, Asked, Offer, Stage, approvals},
    records::{read, save::Options},
};
use axum::{
    Form, Json,
    extract::{Path as UrlPath, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use model::{ActionName, Card, CommentDef, FieldKind, Ident, TransitionDef, Value, eval::Place};
use serde_json::json;
use uuid::Uuid;

use super::{Painter, Reader, from_page, get, rights, with_title};
use crate::{
    Site,
    pages::{approvals::way, cells, fields, list, shell::may, words},
    phrases, problem,
    view::{self, FlowAction, FlowBar, StepDialog},
};

/// The states a drawn record is in.
fn states(painter: &Painter<'_>) -> HashMap<Ident, String> {
    let known = painter.card.workflows.keys().filter(|key| painter.card.field(key.as_str()).is_some_and(|field| painter.right(None, field, &Place::Record).is_some()));
    known.filter_map(|key| Some((key.clone(), painter.drawn.record.get(key.as_str()).as_text()?.to_owned()))).collect()
}

/// The bars of a record's workflows, and its applications.
pub(super) async fn bars(painter: &Painter<'_>) -> Result<(Vec<FlowBar>, Vec<view::WayView>), AppError> {
    let card = painter.card;
    let states = states(painter);
    if states.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    if painter.new {
        return Ok((card.workflows.keys().filter_map(|key| bar(painter, key, states.get(key)?, &[], &[])).collect(), Vec::new()));
    }
    let (site, reader, id) = (painter.site, painter.reader, painter.drawn.record.id);
    let asker = &reader.asker;
    let found = asker.snapshot.card(card.key.as_str())?;
    let trashed = !painter.drawn.record.get("trashed_at").is_empty();
    let offers = if trashed { Vec::new() } else { flows::offers(&site.app, &asker.snapshot, &asker.actor, found, id, &states).await? };
    let stages = flows::stages(&site.app, &asker.snapshot, &asker.actor, card.key.as_str(), id).await?;
    let bars = card.workflows.keys().filter_map(|key| bar(painter, key, states.get(key)?, &offers, &stages)).collect();
    let ways = if flows::asks_others(card) && !trashed { approvals::ways(&site.app, &asker.snapshot, &asker.actor, card.key.as_str(), id).await? } else { Vec::new() };
    Ok((bars, ways.iter().map(|one| way::view(site, reader, one)).collect()))
}

fn bar(painter: &Painter<'_>, key: &Ident, state: &str, offers: &[Offer], stages: &[Stage]) -> Option<FlowBar> {
    let workflow = painter.card.workflows.get(key)?;
    let lang = painter.lang();
    let current = workflow.states.get_index_of(state)?;
    let own: Vec<&Stage> = stages.iter().filter(|stage| *key == stage.workflow.as_str()).collect();
    let visited = |name: &Ident| own.iter().any(|stage| *name == stage.from.as_str() || *name == stage.to.as_str());
    let spent = |name: &Ident| -> Option<String> {
        let past: i64 = own.iter().filter(|stage| *name == stage.from.as_str()).map(|stage| stage.seconds()).sum();
        let since = match (own.first(), painter.drawn.record.get("created_at")) {
            (Some(last), _) => Some(last.at),
            (None, Value::Instant(at)) => Some(*at),
            _ => None,
        };
        let present = since.filter(|_| *name == state && !painter.new).map_or(0, |since| (painter.reader.asker.actor.now - since).num_seconds().max(0));
        (past + present > 0).then(|| painter.reader.t(painter.site, "flow.spent", &[("time", &words::lasted(past + present, lang))]))
    };
    let step = |(index, (name, def)): (usize, (&Ident, &model::StateDef))| view::Step {
        label: def.labels.or_key(lang, name.as_str()),
        tone: cells::tone(def.colour),
        // Without a history of its own a record went through everything before.
        done: index < current && (own.is_empty() || visited(name)),
        current: index == current,
        note: spent(name),
    };
    let label = painter.card.field(key.as_str()).map(|field| field.labels.or_key(lang, key.as_str())).unwrap_or_default();
    Some(FlowBar {
        key: key.to_string(),
        label: if painter.card.workflows.len() > 1 { label } else { String::new() },
        steps: workflow.states.iter().enumerate().map(step).collect(),
        actions: offers.iter().filter(|offer| offer.workflow == *key).map(|offer| action(painter, offer)).collect(),
    })
}

fn action(painter: &Painter<'_>, offer: &Offer) -> FlowAction {
    let transition = &offer.transition;
    FlowAction {
        id: transition.id.to_string(),
        label: transition.labels.or_key(painter.lang(), transition.id.as_str()),
        url: format!("/c/{}/{}/step/{}", painter.card.key, painter.drawn.record.id, transition.id),
        dialog: asks(transition, painter.drawn),
        why: offer.why.as_ref().map(|why| phrases::told(why, painter.lang())),
    }
}

/// Whether a step asks something before it is taken.
fn asks(transition: &TransitionDef, drawn: &super::drawn::Drawn) -> bool {
    transition.comment != CommentDef::None || transition.required.iter().any(|key| drawn.record.get(key.as_str()).is_empty())
}

async fn drawn_of(site: &Site, reader: &Reader, card: &Card, id: Uuid) -> Result<super::drawn::Drawn, AppError> {
    let asker = &reader.asker;
    let page = read::read_in(&site.app, &asker.snapshot, &asker.actor, card.key.as_str(), id, &[query::Trash::Without], &asker.locale).await?;
    let mut drawn = from_page(page).ok_or_else(|| AppError::not_found("record"))?;
    with_title(site, reader, card, &mut drawn).await?;
    Ok(drawn)
}

/// `GET /c/{card}/{id}/step/{transition}`: what the step asks.
pub async fn dialog(State(site): State<Site>, UrlPath((key, id, transition)): UrlPath<(String, String, String)>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        app::lists::may_act(&reader.asker.snapshot, &reader.asker.actor, &key, ActionName::Transition)?;
        let card = reader.asker.snapshot.card(&key)?.clone();
        let drawn = drawn_of(&site, &reader, &card, id).await?;
        let rights = rights(&site, &reader, &card, Some(id)).await?;
        let painter = Painter { site: &site, reader: &reader, card: &card, drawn: &drawn, rights: &rights, new: false };
        let (_, _, def) = card.transition(&transition).ok_or_else(|| AppError::not_found("transition"))?;
        let lang = painter.lang();
        let known = painter.known();
        let field = |key: &Ident| {
            let field = card.field(key.as_str())?;
            let place = fields::Place { card: card.key.as_str(), table: &card.table, prefix: "f.".into(), editable: true, required: true, hidden: false, span: None, columns: 1 };
            let mut view = fields::view(&known, field, drawn.record.get(key.as_str()), &place);
            // Beside the record's own form, ids stay apart.
            view.id = format!("step-{}", view.id);
            view.recompute = false;
            Some(view)
        };
        Ok::<_, AppError>(StepDialog {
            card: list::head(&card, lang),
            title: def.labels.or_key(lang, def.id.as_str()),
            record_title: painter.title(),
            record_url: format!("/c/{key}/{id}"),
            url: format!("/c/{key}/{id}/step/{transition}"),
            version: drawn.record.version(),
            comment: match def.comment {
                CommentDef::None => "none",
                CommentDef::Optional => "optional",
                CommentDef::Required => "required",
            },
            fields: def.required.iter().filter_map(field).collect(),
            approval: def.approval.is_some(),
        })
    };
    match answer.await {
        Ok(page) => reader.draw(&site, if reader.fragment { "flows/dialog.html" } else { "flows/dialog_page.html" }, Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

fn asked(reader: &Reader, card: &Card, pairs: &[(String, String)]) -> Asked {
    let mut record = form::submit::body(card, pairs, &reader.asker.locale);
    record.shift_remove("version");
    let version = get(pairs, "version").and_then(|version| version.parse().ok());
    Asked { comment: get(pairs, "comment").map(str::to_owned), record, options: Options { version, ..Options::default() } }
}

/// `POST /c/{card}/{id}/step/{transition}`
pub async fn take(State(site): State<Site>, UrlPath((key, id, transition)): UrlPath<(String, String, String)>, reader: Reader, Form(pairs): Form<Vec<(String, String)>>) -> Response {
    let page = format!("/c/{key}/{id}");
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        app::lists::may_act(&reader.asker.snapshot, &reader.asker.actor, &key, ActionName::Transition)?;
        let card = reader.asker.snapshot.card(&key)?.clone();
        let (_, _, def) = card.transition(&transition).ok_or_else(|| AppError::not_found("transition"))?;
        let taken = flows::take(&site.app, &reader.asker.actor, &key, id, &transition, &asked(&reader, &card, &pairs)).await?;
        let text = match taken.approval {
            Some(_) => reader.t(&site, "flow.asked", &[]),
            None => reader.t(&site, "flow.taken", &[("what", &def.labels.or_key(&reader.asker.actor.lang, def.id.as_str()))]),
        };
        // Out of sight by that: back to the list.
        let seen = read::read_in(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, id, &[query::Trash::Without], &reader.asker.locale).await.is_ok();
        Ok::<_, AppError>((text, if seen { page.clone() } else { format!("/c/{key}") }))
    };
    match answer.await {
        Ok((text, url)) if reader.fragment => Json(json!({"text": text, "url": url})).into_response(),
        Ok((_, url)) => Redirect::to(&url).into_response(),
        Err(error) => refused(&site, &reader, Some(&key), error),
    }
}

/// A refusal in one line, with the names of fields: dialogs say it beside themselves.
pub fn refused(site: &Site, reader: &Reader, key: Option<&str>, error: AppError) -> Response {
    let AppError::Rejected(rejected) = &error else { return reader.failed(site, &error) };
    if !reader.fragment {
        return reader.failed(site, &error);
    }
    let lang = &reader.asker.actor.lang;
    let card = key.and_then(|key| reader.asker.snapshot.catalog.card(key));
    let one = |violation: &model::Violation| {
        let word = match violation.path.as_str() {
            "comment" => Some(reader.t(site, "flow.comment", &[])),
            "opinion" => Some(reader.t(site, "approval.opinion", &[])),
            "user" => Some(reader.t(site, "approval.user", &[])),
            path => card.and_then(|card| card.field(path)).map(|field| field.labels.or_key(lang, path)),
        };
        let message = violation.message(lang);
        word.map_or_else(|| message.clone(), |word| format!("{word}: {message}"))
    };
    let detail = rejected.0.iter().map(one).collect::<Vec<_>>().join(" ");
    let mut body = problem::document(&error, lang);
    body["detail"] = detail.into();
    (StatusCode::UNPROCESSABLE_ENTITY, [(axum::http::header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// `POST /c/{card}/{id}/move` with `field` and `to`: the step that leads to a lane of a board, taken at once, or the
/// address of its dialog.
pub async fn move_to(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader, Form(pairs): Form<Vec<(String, String)>>) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        app::lists::may_act(&reader.asker.snapshot, &reader.asker.actor, &key, ActionName::Transition)?;
        let card = reader.asker.snapshot.card(&key)?.clone();
        let drawn = drawn_of(&site, &reader, &card, id).await?;
        let rights = rights(&site, &reader, &card, Some(id)).await?;
        let painter = Painter { site: &site, reader: &reader, card: &card, drawn: &drawn, rights: &rights, new: false };
        let (field, to) = (get(&pairs, "field").unwrap_or_default(), get(&pairs, "to").unwrap_or_default());
        let label = card.workflows.get(field).and_then(|workflow| workflow.states.get(to)).map_or_else(|| to.to_owned(), |state| state.labels.or_key(painter.lang(), to));
        let offers = flows::offers(&site.app, &reader.asker.snapshot, &reader.asker.actor, &card, id, &states(&painter)).await?;
        let leads = |offer: &&Offer| offer.workflow == field && offer.transition.approval.as_ref().and_then(|approval| approval.during.as_ref()).unwrap_or(&offer.transition.to) == to;
        let mut found: Vec<&Offer> = offers.iter().filter(leads).collect();
        found.sort_by_key(|offer| offer.why.is_some());
        let no_way = || AppError::Conflict { code: "state_changed", detail: reader.t(&site, "flow.no_way", &[("what", &label)]), blockers: Vec::new() };
        let offer = found.first().ok_or_else(no_way)?;
        if let Some(why) = &offer.why {
            return Err(AppError::Conflict { code: "transition_guard", detail: phrases::told(why, painter.lang()), blockers: Vec::new() });
        }
        if asks(&offer.transition, &drawn) {
            return Ok(json!({"dialog": format!("/c/{key}/{id}/step/{}", offer.transition.id)}));
        }
        let asked = Asked { options: Options { version: get(&pairs, "version").and_then(|version| version.parse().ok()), ..Options::default() }, ..Asked::default() };
        let taken = flows::take(&site.app, &reader.asker.actor, &key, id, offer.transition.id.as_str(), &asked).await?;
        let warnings: Vec<String> = taken.saved.warnings.iter().map(|warning| warning.message(painter.lang())).collect();
        // Where it is now: what others must agree to first may stay where it was, and what nobody is asked about goes on.
        let state = match drawn_of(&site, &reader, &card, id).await {
            Ok(drawn) => states(&Painter { drawn: &drawn, ..painter }).into_iter().find(|(workflow, _)| *workflow == field).map(|(_, state)| state),
            Err(AppError::NotFound { .. } | AppError::Forbidden { .. }) => None,
            Err(error) => return Err(error),
        };
        let text = taken.approval.map(|_| reader.t(&site, "flow.asked", &[]));
        Ok(json!({"version": taken.saved.version, "merged": false, "warnings": warnings, "state": state, "text": text}))
    };
    match answer.await {
        Ok(body) if reader.fragment => Json(body).into_response(),
        Ok(body) => Redirect::to(body["dialog"].as_str().unwrap_or(&format!("/c/{key}/{id}"))).into_response(),
        Err(error) => refused(&site, &reader, Some(&key), error),
    }
}

/// Whether records of a card are moved by steps of this field on a board, for this reader.
pub fn moves(reader: &Reader, card: &Card, field: &model::Field) -> bool {
    field.workflow && matches!(field.kind, FieldKind::Choice { .. }) && may(&reader.asker.snapshot, &reader.asker.actor, card, ActionName::Transition)
}
