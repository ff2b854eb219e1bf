//! The same change to many selected records: its dialog, and carrying it out.

use access::{Readable, gate_write};
use app::{
    AppError, Source,
    bulk::{self, Change, Edit, EditOp, Request, Selection},
    titles::{self, Titles},
};
use axum::{
    Json,
    extract::{Path as UrlPath, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use model::{ActionName, Card, CommentDef, Field, FieldKind, Value};
use serde_json::{Value as Text, json};
use uuid::Uuid;

use super::{Reader, cells::Known, fields, list, shell::may, url};
use crate::{
    Site,
    extract::Form,
    view::{BulkField, BulkPage, BulkStep, Choice},
};
use crate::pages::get;

type Pairs = Vec<(String, String)>;

/// Which records a form means: ids, or all that a list's address matches.
async fn selection(site: &Site, reader: &Reader, card: &Card, pairs: &Pairs) -> Result<Selection, AppError> {
    if get(pairs, "all") != "true" {
        let ids = pairs.iter().filter(|(name, _)| name == "ids").flat_map(|(_, ids)| ids.split(',')).filter_map(|id| Uuid::try_parse(id.trim()).ok());
        return Ok(Selection::Ids(ids.take(bulk::MAX_IDS).collect()));
    }
    let query: Pairs = form_urlencoded::parse(get(pairs, "query").as_bytes()).into_owned().collect();
    let asked = list::ask(site, reader, card, list::Address::read(&query)).await?;
    let q = asked.address.q.clone();
    Ok(Selection::All { filter: asked.filter, q: (!q.is_empty()).then_some(q) })
}

/// Fields that can be changed in many records at once by this reader.
fn editable<'c>(reader: &Reader, card: &'c std::sync::Arc<Card>) -> Result<Vec<&'c Field>, AppError> {
    let gated = gate_write(&reader.asker.snapshot.catalog, &reader.asker.actor, card, ActionName::Update)?;
    let fits = |field: &&Field| field.is_editable() && !field.fixed && !field.unique && !field.secret && !matches!(field.kind, FieldKind::File(_)) && gated.editable(None, &field.key) != Readable::Never;
    Ok(card.table.own_fields().filter(fits).collect())
}

fn holds_several(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Choice { multiple, .. } => *multiple,
        FieldKind::Link(link) => link.multiple,
        _ => false,
    }
}

fn field_view(site: &Site, reader: &Reader, card: &Card, field: &Field, ops: &[EditOp], removable: bool) -> BulkField {
    let (no_titles, no_files) = (Titles::new(), std::collections::HashMap::new());
    let known = Known { catalog: &reader.asker.snapshot.catalog, locale: &reader.asker.locale, titles: &no_titles, files: &no_files };
    let place = fields::Place { card: card.key.as_str(), table: &card.table, prefix: "f.".into(), editable: true, required: false, hidden: false, span: None, columns: 1 };
    let mut view = fields::view(&known, field, &Value::Empty, &place);
    view.recompute = false;
    let op = |op: &EditOp| Choice { value: op.name().into(), text: reader.t(site, &format!("bulk.op.{}", op.name()), &[]), selected: *op == EditOp::Set };
    BulkField { field: view, ops: ops.iter().map(op).collect(), removable }
}

/// `GET /c/{card}/bulk?action=…`
pub async fn dialog(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async {
        let card = reader.card(&key)?;
        build(&site, &reader, &card, &pairs).await
    };
    match answer.await {
        Ok(page) => reader.draw(&site, if reader.fragment { "bulk/dialog.html" } else { "bulk/page.html" }, Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

async fn build(site: &Site, reader: &Reader, card: &std::sync::Arc<Card>, pairs: &Pairs) -> Result<BulkPage, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let action = match get(pairs, "action") {
        action @ ("edit" | "assign" | "claim" | "release" | "transition") => action,
        _ => return Err(AppError::malformed("bad_bulk", "action is one of edit, assign, claim, release, transition")),
    };
    let selected = selection(site, reader, card, pairs).await?;
    let probe = Request { selection: selected.clone(), change: Change::Claim };
    let count = bulk::count(&site.app, snapshot, actor, card.key.as_str(), &probe).await?;
    let number = form::format::number_text(count.into(), 0, &reader.asker.locale);
    let plural = card.plurals.or_key(&actor.lang, card.key.as_str());
    let mut page = BulkPage {
        card: list::head(card, &actor.lang),
        action: action.into(),
        title: reader.t(site, &format!("bulk.{action}"), &[]),
        url: format!("/c/{}/bulk", card.key),
        field_url: format!("/c/{}/bulk/field", card.key),
        ids: if let Selection::Ids(ids) = &selected { ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",") } else { String::new() },
        query: get(pairs, "query").into(),
        all: matches!(selected, Selection::All { .. }),
        count_text: reader.t(site, "bulk.count", &[("count", &number), ("what", &plural)]),
        hint: reader.t(site, &format!("bulk.{action}_hint"), &[]),
        ..BulkPage::default()
    };
    match action {
        "edit" => {
            let named = |field: &&Field| Choice { value: field.key.to_string(), text: field.labels.or_key(&actor.lang, field.key.as_str()), selected: false };
            page.choices = editable(reader, card)?.iter().map(named).collect();
        }
        "assign" => {
            let gated = gate_write(&snapshot.catalog, actor, card, ActionName::Update)?;
            if !gated.may_assign() {
                return Err(AppError::forbidden("giving records to others takes the right `assign`"));
            }
            let owned = ["owner", "org_unit"].into_iter().filter_map(|name| card.field(name));
            page.fields = owned.map(|field| field_view(site, reader, card, field, &[], false)).collect();
        }
        "transition" => {
            page.steps = steps(reader, card)?;
            page.step = step(site, reader, card, get(pairs, "transition"))?;
            page.steps.iter_mut().for_each(|choice| choice.selected = choice.value == get(pairs, "transition"));
        }
        _ => {}
    }
    Ok(page)
}

/// The steps that this reader takes with records of a card, in one of their states.
fn steps(reader: &Reader, card: &std::sync::Arc<Card>) -> Result<Vec<Choice>, AppError> {
    let actor = &reader.asker.actor;
    access::gate(&reader.asker.snapshot.catalog, actor, card, ActionName::Transition)?;
    let all = card.workflows.values().flat_map(|workflow| &workflow.transitions).filter(|transition| app::flows::is_for(actor, transition));
    Ok(all.map(|transition| Choice { value: transition.id.to_string(), text: transition.labels.or_key(&actor.lang, transition.id.as_str()), selected: false }).collect())
}

/// What a step asks for: its fields, which stay as they are where nothing is entered, and what is said of it.
fn step(site: &Site, reader: &Reader, card: &std::sync::Arc<Card>, id: &str) -> Result<Option<BulkStep>, AppError> {
    access::gate(&reader.asker.snapshot.catalog, &reader.asker.actor, card, ActionName::Transition)?;
    let Some((_, _, def)) = card.transition(id).filter(|(_, _, def)| app::flows::is_for(&reader.asker.actor, def)) else { return Ok(None) };
    let fields = def.required.iter().filter_map(|key| card.field(key.as_str()));
    let comment = match def.comment {
        CommentDef::None => "none",
        CommentDef::Optional => "optional",
        CommentDef::Required => "required",
    };
    Ok(Some(BulkStep { fields: fields.map(|field| field_view(site, reader, card, field, &[], false)).collect(), comment: comment.into(), approval: def.approval.is_some() }))
}

/// `GET /c/{card}/bulk/field?field=…`: the input of one field; with `transition` what that asks for.
pub async fn field(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    if pairs.iter().any(|(name, _)| name == "transition") {
        let asked = reader.card(&key).and_then(|card| step(&site, &reader, &card, get(&pairs, "transition")));
        return match asked {
            Ok(asked) if reader.fragment => reader.draw(&site, "bulk/step.html", Some(&key), &asked.unwrap_or_default()),
            Ok(_) => Redirect::to(&url(&format!("/c/{key}/bulk"), &[("action", "transition"), ("transition", get(&pairs, "transition"))])).into_response(),
            Err(error) => reader.failed(&site, &error),
        };
    }
    let answer = async {
        let card = reader.card(&key)?;
        let named = get(&pairs, "field");
        let field = editable(&reader, &card)?.into_iter().find(|field| field.key == named).ok_or_else(|| AppError::not_found("field"))?;
        let ops: &[EditOp] = match () {
            () if holds_several(&field.kind) => &EditOp::ALL,
            () if field.required => &[EditOp::Set],
            () => &[EditOp::Set, EditOp::Clear],
        };
        Ok::<_, AppError>(field_view(&site, &reader, &card, field, ops, true))
    };
    match answer.await {
        Ok(view) if reader.fragment => reader.draw(&site, "bulk/field.html", Some(&key), &view),
        Ok(_) => Redirect::to(&url(&format!("/c/{key}/bulk"), &[("action", "edit")])).into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}

fn change(reader: &Reader, card: &Card, pairs: &Pairs) -> Result<Change, AppError> {
    let body = form::submit::body(card, pairs, &reader.asker.locale);
    let named = |key: &str| pairs.iter().any(|(name, _)| *name == format!("op.{key}"));
    match get(pairs, "action") {
        "edit" => {
            let edits: Vec<Edit> = card.table.own_fields().filter(|field| named(field.key.as_str())).map(|field| {
                let word = get(pairs, &format!("op.{}", field.key));
                let op = EditOp::ALL.into_iter().find(|op| op.name() == word).unwrap_or(EditOp::Set);
                let value = if op == EditOp::Clear { Text::Null } else { body.get(field.key.as_str()).cloned().unwrap_or(Text::Null) };
                Edit { field: field.key.to_string(), op, value }
            }).collect();
            if edits.is_empty() {
                return Err(AppError::malformed("bad_bulk", reader_words(reader, "bulk.choose_first")));
            }
            Ok(Change::Edit(edits))
        }
        "assign" => {
            // The form of a record never sets who it belongs to; this one does.
            let id = |name: &str| Some(get(pairs, &format!("f.{name}"))).filter(|id| !id.is_empty()).map(Text::from);
            match (id("owner"), id("org_unit")) {
                (None, None) => Err(AppError::malformed("bad_bulk", reader_words(reader, "bulk.choose_owner"))),
                (owner, org_unit) => Ok(Change::Assign { owner, org_unit }),
            }
        }
        "transition" => match get(pairs, "transition") {
            "" => Err(AppError::malformed("bad_bulk", reader_words(reader, "bulk.transition_choose"))),
            transition => {
                // What is left empty stays as it is in each record.
                let required = card.transition(transition).map(|(_, _, def)| def.required.as_slice()).unwrap_or_default();
                let filled = |(key, value): &(String, Text)| !value.is_null() && required.iter().any(|known| known == key.as_str());
                let record = body.into_iter().filter(filled).collect();
                Ok(Change::Transition { transition: transition.to_owned(), comment: Some(get(pairs, "comment").to_owned()).filter(|comment| !comment.is_empty()), record })
            }
        },
        "delete" => Ok(Change::Delete),
        "restore" => Ok(Change::Restore),
        "claim" => Ok(Change::Claim),
        "release" => Ok(Change::Release),
        _ => Err(AppError::malformed("bad_bulk", "action is one of edit, assign, delete, restore, claim, release")),
    }
}

fn reader_words(reader: &Reader, key: &str) -> String {
    crate::templates::text(&reader.asker.actor.lang, key, &[])
}

/// `POST /c/{card}/bulk`: what came of it, as JSON for scripts; without them, the page of the batch.
pub async fn run(State(site): State<Site>, UrlPath(key): UrlPath<String>, reader: Reader, Form(pairs): Form<Pairs>) -> Response {
    let answer = async {
        let card = reader.card(&key)?;
        let request = Request { selection: selection(&site, &reader, &card, &pairs).await?, change: change(&reader, &card, &pairs)? };
        bulk::start(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, &request).await
    };
    let started = match answer.await {
        Ok(started) => started,
        Err(error) => return super::record::refused_in_a_line(&site, &reader, Some(&key), error),
    };
    let page = format!("/me/batches/{}", started.batch.id);
    if !reader.fragment {
        return Redirect::to(&page).into_response();
    }
    let status = if started.batch.job.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    let told = super::batches::told(&site, &reader, &started.batch);
    (status, Json(json!({"text": told, "url": page, "undo_url": started.batch.is_undoable(reader.asker.actor.now).then(|| format!("{page}/undo")), "batch_url": page, "job": started.batch.job, "title": super::batches::title(&site, &reader, &started.batch)}))).into_response()
}

/// The buttons of the selection bar that this reader has.
pub fn offers(reader: &Reader, card: &Card) -> Vec<&'static str> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let may = |action| may(snapshot, actor, card, action);
    let mut offers = Vec::new();
    if may(ActionName::Update) && may(ActionName::Assign) && card.field("owner").is_some() {
        offers.push("assign");
    }
    if card.pool.is_some() && may(ActionName::Claim) {
        offers.extend(["claim", "release"]);
    }
    if may(ActionName::Transition) && card.workflows.values().flat_map(|workflow| &workflow.transitions).any(|transition| app::flows::is_for(actor, transition)) {
        offers.push("transition");
    }
    if may(ActionName::Update) {
        offers.push("edit");
    }
    offers
}

/// Titles of records, as far as the reader may see them.
pub async fn titles_of(site: &Site, reader: &Reader, records: impl IntoIterator<Item = (model::Ident, Uuid)>) -> Result<Titles, AppError> {
    let mut wanted = titles::Wanted::new();
    for (card, id) in records {
        wanted.entry(card).or_default().insert(id);
    }
    titles::fetch(&mut Source::App(&site.app), &reader.asker.snapshot.catalog, &reader.asker.actor, &wanted, &reader.asker.locale).await
}
