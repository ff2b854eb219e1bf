//! Why somebody may or may not do something with a record; the words of rights.
//!
//! **Not here:** sharing (`share`), the rights of a card (`studio::rights`), what decides (`access`, `app::rights`).

use app::{
    AppError,
    rights::{
        self,
        why::{self, About, Why},
    },
    titles,
};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use model::{ActionName, Card, FieldRight, Filter, Ident, Scope};
use uuid::Uuid;

use super::{Reader, trimmed as get, url};
use crate::{
    Site,
    view::{WhyField, WhyLine, WhyPage, WhyReason},
    sure::Sure,
};

type Pairs = Vec<(String, String)>;

pub(super) fn id_of(id: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(id).map_err(|_| AppError::not_found("record"))
}

/// What a group is called.
pub(super) fn group_name(reader: &Reader, role: &Ident) -> String {
    reader.asker.snapshot.catalog.roles.get(role).map_or_else(|| model::humanize(role.as_str()), |known| known.labels.or_key(&reader.asker.actor.lang, role.as_str()))
}

pub(super) async fn title(site: &Site, reader: &Reader, card: &Card, id: Uuid) -> Result<String, AppError> {
    let wanted = titles::Wanted::from([(card.key.clone(), [id].into())]);
    let found = titles::fetch(&mut app::Source::App(&site.app), &reader.asker.snapshot.catalog, &reader.asker.actor, &wanted, &reader.asker.locale).await?;
    found.get(&id).cloned().ok_or_else(|| AppError::not_found("record"))
}

/// The words of a scope, in the reader's language.
pub(super) fn scope_words(site: &Site, reader: &Reader, card: &Card, scope: &Scope, written: Option<&Filter>) -> String {
    match (scope, written) {
        (_, Some(filter)) => {
            let sentences = form::sentence::Sentences { catalog: &reader.asker.snapshot.catalog, locale: &reader.asker.locale, titles: &|_| None, parameters: &|_| None };
            sentences.of(&card.table.reference(), filter)
        }
        (scope, None) => reader.t(site, &format!("scope.{}", crate::api::rights::scope(scope)), &[]),
    }
}

/// The words of an action.
pub(super) fn action_words(site: &Site, reader: &Reader, action: ActionName) -> String {
    reader.t(site, &format!("right.{}", access::action_word(action)), &[])
}

/// `GET /c/{card}/{id}/why?user=…`
pub async fn why_page(State(site): State<Site>, UrlPath((key, id)): UrlPath<(String, String)>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let answer = async {
        let id = id_of(&id)?;
        let card = reader.card(&key)?;
        let user = match get(&pairs, "user") {
            "" if get(&pairs, "find").is_empty() => None,
            "" => Some(super::share::person_called(&site, &reader, get(&pairs, "find"), true).await?),
            user => Some(Uuid::try_parse(user).map_err(|_| AppError::not_found("user"))?),
        };
        let found = why::why(&site.app, &reader.asker.snapshot, &reader.asker.actor, &key, id, user).await?;
        let may_ask = rights::may_administer(&reader.asker.snapshot, &reader.asker.actor, &card);
        Ok::<_, AppError>(WhyPage {
            url: format!("/c/{key}/{id}/why"),
            record_title: title(&site, &reader, &card, id).await.unwrap_or_else(|_| card.labels.or_key(&reader.asker.actor.lang, key.as_str())),
            record_url: format!("/c/{key}/{id}"),
            list_url: format!("/c/{key}"),
            plural: card.plurals.or_key(&reader.asker.actor.lang, key.as_str()),
            lookup: may_ask.then(|| format!("/lookup/{}", model::USER_CARD)),
            name: found.name.clone(),
            groups: found.roles.iter().map(|role| group_name(&reader, role)).collect::<Vec<_>>().join(" · "),
            may: found.actions.first().is_some_and(|about| about.may),
            said: said(&site, &reader, &found),
            lines: found.actions.iter().filter(|about| about.may || !about.grants.is_empty()).map(|about| line(&site, &reader, &card, &found, about)).collect(),
            fields: fields(&site, &reader, &card, &found),
            view_as: (reader.asker.actor.is_administrator() && found.active && Some(found.user) != reader.asker.actor.user).then(|| found.user.to_string()),
            rights_url: may_ask.then(|| url("/studio/rights", &[("card", &key)])),
        })
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "rights/why.html", Some(&key), &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// In one sentence.
fn said(site: &Site, reader: &Reader, why: &Why) -> String {
    let may = |action: ActionName| why.actions.iter().any(|about| about.action == action && about.may);
    let word = match (why.active, may(ActionName::Read), may(ActionName::Update)) {
        (false, ..) => "why.closed",
        (true, false, _) => "why.no",
        (true, true, false) => "why.reads",
        (true, true, true) => "why.changes",
    };
    reader.t(site, word, &[("name", &why.name)])
}

fn line(site: &Site, reader: &Reader, card: &Card, why: &Why, about: &About) -> WhyLine {
    let mut reasons = Vec::new();
    let mut say = |good: bool, key: &str, group: &str, what: &str| reasons.push(WhyReason { text: reader.t(site, key, &[("group", group), ("what", what)]), good });
    if why.unbounded {
        say(true, "why.unbounded", "", "");
        return WhyLine { label: action_words(site, reader, about.action), may: about.may, reasons };
    }
    for guard in &about.kept_out {
        let what = guard.fault.clone().unwrap_or_else(|| scope_words(site, reader, card, &guard.scope, guard.written.as_ref()));
        say(false, "why.guard", "", &what);
    }
    let held: Vec<_> = about.grants.iter().filter(|grant| grant.held).collect();
    for grant in &held {
        let group = group_name(reader, &grant.role);
        match (&grant.fault, grant.matches) {
            (Some(fault), _) => say(false, "why.fault", &group, fault),
            (None, matches) => say(matches, if matches { "why.allows" } else { "why.elsewhere" }, &group, &scope_words(site, reader, card, &grant.scope, grant.written.as_ref())),
        }
    }
    if held.is_empty() {
        say(false, "why.none", "", "");
    }
    if !about.may {
        for grant in about.grants.iter().filter(|grant| !grant.held && grant.matches).take(3) {
            say(false, "why.others", &group_name(reader, &grant.role), &scope_words(site, reader, card, &grant.scope, grant.written.as_ref()));
        }
    }
    WhyLine { label: action_words(site, reader, about.action), may: about.may, reasons }
}

fn fields(site: &Site, reader: &Reader, card: &Card, why: &Why) -> Vec<WhyField> {
    let lang = &reader.asker.actor.lang;
    // Of fields that the reader may not see themselves nothing is told.
    let gate = access::gate(&reader.asker.snapshot.catalog, &reader.asker.actor, &std::sync::Arc::new(card.clone()), ActionName::Read);
    let told = |field: &why::Field| field.secret || gate.as_ref().is_ok_and(|gate| !gate.shown(field.child.as_ref(), &field.key).is_hidden());
    let one = |field: &why::Field| {
        let table = card.table_of(field.child.as_ref())?;
        let label = table.field(&field.key)?.labels.or_key(lang, field.key.as_str());
        let word = match (field.secret, field.read) {
            (true, _) => ("why.secret", "gray"),
            (false, FieldRight::None) => ("why.hidden", "red"),
            (false, FieldRight::Mask) => ("why.masked", "amber"),
            (false, FieldRight::Read | FieldRight::Edit) => ("why.read", "green"),
        };
        Some(WhyField {
            label: if field.child.is_some() { format!("{} · {label}", table.labels.or_key(lang, table.id.as_str())) } else { label },
            read: reader.t(site, word.0, &[]),
            tone: word.1,
            edit: field.edit,
            why: field.by.iter().map(|role| group_name(reader, role)).collect::<Vec<_>>().join(" · "),
        })
    };
    why.fields.iter().filter(|field| told(field)).filter_map(one).collect()
}

/// `POST /view-as` with `user`: the administrator sees what that person would, and changes nothing, until it is ended.
pub async fn view_as(State(site): State<Site>, Sure { reader, by, fields }: Sure) -> Response {
    let answer = async {
        let user = Uuid::try_parse(get(&fields, "user")).ok().filter(|_| reader.asker.actor.is_administrator());
        let user = user.ok_or_else(|| if reader.asker.actor.is_administrator() { AppError::not_found("user") } else { AppError::forbidden("only administrators may do this") })?;
        rights::view_as(&site.app, &reader.asker.actor, &by, user).await?;
        Ok::<_, AppError>(user)
    };
    match answer.await {
        Ok(user) => cookie(&site, &user.to_string(), "Max-Age=3600; ", super::safe_next(get(&fields, "next"))),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /view-as/end`
pub async fn view_as_end(State(site): State<Site>, _: Reader) -> Response {
    cookie(&site, "", "Max-Age=0; ", "/")
}

fn cookie(site: &Site, value: &str, lasts: &str, to: &str) -> Response {
    let flag = if site.secure { "; Secure" } else { "" };
    let text = format!("{}={value}; {lasts}Path=/; HttpOnly; SameSite=Lax{flag}", crate::extract::VIEW_AS);
    let mut response = Redirect::to(to).into_response();
    if let Ok(text) = axum::http::HeaderValue::from_str(&text) {
        response.headers_mut().append(axum::http::header::SET_COOKIE, text);
    }
    response
}
