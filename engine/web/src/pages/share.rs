//! Sharing one record with people and groups, who are found on the server while a name is typed.
//!
//! **Not here:** what a share gives, and who may share (`app::rights::shares`).

use app::{
    AppError, lists,
    rights::shares::{self, Wanted, Who},
};
use axum::{
    Json,
    extract::{Path as UrlPath, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::NaiveDate;
use model::ActionName;
use query::ListRequest;
use serde_json::json;
use uuid::Uuid;

use super::{
    Reader, palette,
    rights::{id_of, title},
    search::pieces,
    trimmed as get, url,
};
use crate::{
    Site,
    extract::Form,
    view::{Avatar, LookupOption, LookupResults, ShareLine, SharePage},
};

type Pairs = Vec<(String, String)>;

/// Most groups that are offered at once.
const FEW_GROUPS: usize = 10;

/// `GET /c/{card}/{id}/share`
pub async fn form(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, reader: Reader) -> Response {
    let answer = async {
        let id = id_of(&id)?;
        let card = reader.card(&key)?;
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        let found = shares::list(&site.app, snapshot, actor, &key, id).await?;
        let may = shares::may_share(&site.app, snapshot, actor, &key, id).await?;
        let line = |share: &shares::Share| ShareLine {
            who: share.who.to_string(),
            name: share.name.clone(),
            avatar: matches!(share.who, Who::User(_)).then(|| Avatar::person(&share.name)),
            level: reader.t(&site, if share.edit { "share.edit" } else { "share.read" }, &[]),
            until: share.until.map(|at| reader.t(&site, "share.until_day", &[("day", &form::format::instant(at, &reader.asker.locale))])).unwrap_or_default(),
            works: share.works,
        };
        Ok::<_, AppError>(SharePage {
            url: format!("/c/{key}/{id}/share"),
            record_title: title(&site, &reader, &card, id).await?,
            record_url: format!("/c/{key}/{id}"),
            why_url: format!("/c/{key}/{id}/why"),
            may,
            may_edit: access::gate(&snapshot.catalog, actor, &card, ActionName::Update).is_ok(),
            shares: found.iter().map(line).collect(),
            who_url: format!("/c/{key}/{id}/share/who"),
            first_day: actor.today().to_string(),
        })
    };
    match answer.await {
        Ok(page) => reader.draw(&site, if reader.fragment { "rights/share_sheet.html" } else { "rights/share_page.html" }, Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `GET /c/{card}/{id}/share/who?q=…`: groups and people it may be shared with.
pub async fn who(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async {
        let id = id_of(&id)?;
        reader.card(&key)?;
        let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
        shares::check_may_share(&site.app, snapshot, actor, &key, id).await?;
        let q = get(&pairs, "q");
        let question = ::search::ask(q);
        let group = |role: &model::Role| {
            let title = role.labels.or_key(&actor.lang, role.key.as_str());
            let fits = q.is_empty() || !question.is_empty() && question.is_in([title.as_str()]);
            fits.then(|| LookupOption { value: Who::Group(role.key.clone()).to_string(), pieces: pieces(&title, &question.marks(&title)), detail: pieces(&reader.t(&site, "rights.group", &[]), &[]), title, ..LookupOption::default() })
        };
        let groups: Vec<LookupOption> = snapshot.catalog.roles.values().filter_map(group).collect();
        let active = json!({"field": "active", "op": "is", "value": true});
        let (people, more) = palette::options(&site, &reader, model::USER_CARD, q, Some(active)).await?;
        let others = people.into_iter().filter(|one| Some(&one.value) != actor.user.map(|user| user.to_string()).as_ref());
        let many = groups.len() > FEW_GROUPS;
        let options = groups.into_iter().take(FEW_GROUPS).chain(others.map(|one| LookupOption { value: format!("u:{}", one.value), ..one })).collect();
        Ok::<_, AppError>(LookupResults { target: get(&pairs, "for").to_owned(), q: q.to_owned(), options, more: more || many, ..LookupResults::default() })
    };
    match answer.await {
        Ok(results) => reader.draw(&site, "lookup/options.html", None, &results),
        Err(error) => reader.failed(&site, &error),
    }
}

/// Whom somebody means who typed a whole name instead of choosing.
async fn called(site: &Site, reader: &Reader, name: &str) -> Result<Who, AppError> {
    let lang = &reader.asker.actor.lang;
    let is_called = |role: &&model::Role| role.key == *name || role.labels.or_key(lang, role.key.as_str()).to_lowercase() == name.to_lowercase();
    if let Some(role) = reader.asker.snapshot.catalog.roles.values().filter(|_| !name.is_empty()).find(is_called) {
        return Ok(Who::Group(role.key.clone()));
    }
    person_called(site, reader, name, true).await.map(Who::User)
}

/// The one person of a name; of open accounts alone, or of all.
pub(super) async fn person_called(site: &Site, reader: &Reader, name: &str, open: bool) -> Result<Uuid, AppError> {
    let open = open.then(|| json!({"field": "active", "op": "is", "value": true}));
    let filter = json!({"all": open.into_iter().chain([json!({"field": "name", "op": "is", "value": name})]).collect::<Vec<_>>()});
    let request = ListRequest { filter: Some(filter), fields: Some(vec!["id".into()]), limit: Some(2), ..ListRequest::default() };
    let gated = lists::ask(&reader.asker.snapshot, &reader.asker.actor, model::USER_CARD, &request)?;
    let page = lists::page(&site.app, &reader.asker.snapshot, &reader.asker.actor, &gated, &reader.asker.locale).await?;
    match page.items.as_slice() {
        [one] => Ok(one.id),
        _ => Err(AppError::malformed("bad_share", reader.t(site, "share.choose_one", &[]))),
    }
}

/// `POST /c/{card}/{id}/share`: shares it with `who`, or takes it back from `remove`.
pub async fn share(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, Query(asked): Query<Pairs>, reader: Reader, Form(fields): Form<Pairs>) -> Response {
    let answer = async {
        let id = id_of(&id)?;
        reader.card(&key)?;
        let actor = &reader.asker.actor;
        let said = |name: &str| Some(get(&fields, name)).filter(|text| !text.is_empty()).unwrap_or_else(|| get(&asked, name)).to_owned();
        let who = |text: &str| text.parse::<Who>().map_err(|()| AppError::malformed("bad_share", "choose with whom"));
        let back = |pairs: &[(&str, &str)]| json!({"url": url(&format!("/c/{key}/{id}/share"), pairs), "ids": []});
        let took = said("remove");
        let (text, undo) = if took.is_empty() {
            let who = match said("who").as_str() {
                "" => called(&site, &reader, get(&fields, "find")).await?,
                chosen => who(chosen)?,
            };
            let until = match said("until").as_str() {
                "" => None,
                // Until the end of that day, where the reader is; a moment where a share is put back.
                day => Some(match day.parse::<NaiveDate>() {
                    Ok(day) => actor.day_start(day.succ_opt().unwrap_or(day)),
                    Err(_) => chrono::DateTime::parse_from_rfc3339(day).map_err(|_| AppError::malformed("bad_share", "`until` is a day"))?.with_timezone(&chrono::Utc),
                }),
            };
            let edit = said("level") == "edit";
            let before = shares::put(&site.app, actor, &key, id, Wanted { who: who.clone(), edit, until }).await?;
            let undo = match &before {
                None => back(&[("remove", &who.to_string())]),
                Some(before) => again(&key, id, before),
            };
            ("share.done", undo)
        } else {
            let before = shares::remove(&site.app, actor, &key, id, who(&took)?).await?;
            ("share.removed", before.map_or(serde_json::Value::Null, |before| again(&key, id, &before)))
        };
        Ok::<_, AppError>((format!("/c/{key}/{id}"), reader.t(&site, text, &[]), undo))
    };
    match answer.await {
        Ok((to, text, undo)) if reader.fragment => Json(json!({"url": to, "text": text, "undo": undo})).into_response(),
        Ok((to, ..)) => Redirect::to(&to).into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}

fn again(key: &str, id: Uuid, before: &Wanted) -> serde_json::Value {
    let until = before.until.map(|at| at.to_rfc3339()).unwrap_or_default();
    json!({"url": url(&format!("/c/{key}/{id}/share"), &[("who", &before.who.to_string()), ("level", if before.edit { "edit" } else { "read" }), ("until", &until)]), "ids": []})
}
