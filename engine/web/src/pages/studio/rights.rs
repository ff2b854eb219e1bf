//! The rights of a card: who may do what, as a table and as sentences; what packs bring, and what administrators change.
//!
//! **Not here:** writing a grant or guard (`grant`).

use std::collections::BTreeMap;

use app::{AppError, rights};
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use model::{
    ActionName, Card, FieldRight, Grant, Ident, Labels, Scope,
    build::ALL_ACTIONS,
};
use uuid::Uuid;

use crate::{
    Site,
    pages::{
        Reader,
        rights::{action_words, group_name, scope_words},
        url,
    },
    view::{Choice, GrantLine, RightsCell, RightsPage, RightsRow},
    sure::Sure,
};
use crate::pages::trimmed as get;

type Pairs = Vec<(String, String)>;

/// The card that is asked for, or the first whose rights the reader may change.
pub(super) fn card_of(reader: &Reader, key: &str) -> Result<std::sync::Arc<Card>, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let mut open = snapshot.catalog.cards.values().filter(|card| !card.builtin && rights::may_administer(snapshot, actor, card));
    let found = if key.is_empty() { open.next() } else { open.find(|card| card.key == *key) };
    found.cloned().ok_or_else(|| AppError::forbidden("only administrators may do this"))
}

/// `GET /studio/rights?card=…`
pub async fn page(State(site): State<Site>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    match card_of(&reader, get(&pairs, "card")) {
        Ok(card) => reader.draw(&site, "rights/card.html", None, &drawn(&site, &reader, &card)),
        Err(error) => reader.failed(&site, &error),
    }
}

fn drawn(site: &Site, reader: &Reader, card: &Card) -> RightsPage {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let lang = &actor.lang;
    let cards = snapshot.catalog.cards.values().filter(|one| !one.builtin && rights::may_administer(snapshot, actor, one));
    let shown: Vec<ActionName> = ALL_ACTIONS.into_iter().chain([ActionName::Design, ActionName::Administer]).filter(|action| card.grants.iter().any(|grant| grant.actions.contains(action))).collect();
    let mut by_group: BTreeMap<&Ident, Vec<&Grant>> = BTreeMap::new();
    card.grants.iter().filter(|grant| !grant.actions.is_empty()).for_each(|grant| by_group.entry(&grant.role).or_default().push(grant));
    let cell = |grants: &[&Grant], action: ActionName| {
        let giving: Vec<&&Grant> = grants.iter().filter(|grant| grant.actions.contains(&action)).collect();
        let all = giving.iter().any(|grant| grant.scope == Scope::All);
        let mut words: Vec<String> =
            if all { vec![reader.t(site, "scope.all", &[])] } else { giving.iter().map(|grant| scope_words(site, reader, card, &grant.scope, grant.written.as_ref())).collect() };
        words.dedup();
        RightsCell {
            tone: if all {
                "green"
            } else if words.is_empty() {
                ""
            } else {
                "blue"
            },
            words,
        }
    };
    let rows = shown.iter().map(|action| RightsRow { label: action_words(site, reader, *action), note: String::new(), cells: by_group.values().map(|grants| cell(grants, *action)).collect() });
    let tables = std::iter::once(&card.table).chain(card.children.values());
    let fields = tables.flat_map(|table| table.own_fields().map(move |field| (table, field)));
    let field_row = |(table, field): (&model::Table, &model::Field)| {
        let place = (table.child.clone(), field.key.clone());
        let said = |grants: &Vec<&Grant>| {
            grants
                .iter()
                .filter(|grant| grant.actions.contains(&ActionName::Read) || grant.actions.contains(&ActionName::Update))
                .map(|grant| grant.fields.get(&place).copied().unwrap_or(FieldRight::Edit))
                .max()
        };
        let differs = field.secret || by_group.values().any(|grants| grants.iter().any(|grant| grant.fields.contains_key(&place)));
        let right = |right: Option<FieldRight>| match (field.secret, right) {
            (true, _) => RightsCell { words: vec![reader.t(site, "why.secret", &[])], tone: "gray" },
            (false, None) => RightsCell::default(),
            (false, Some(right)) => RightsCell { words: vec![reader.t(site, &format!("fieldright.{}", word(right)), &[])], tone: tone(right) },
        };
        differs.then(|| RightsRow { label: label_of(card, lang, table.child.as_ref(), field), note: String::new(), cells: by_group.values().map(|grants| right(said(grants))).collect() })
    };
    RightsPage {
        cards: cards.map(|one| Choice { value: one.key.to_string(), text: one.plurals.or_key(lang, one.key.as_str()), selected: one.key == card.key }).collect(),
        card: card.key.to_string(),
        label: card.plurals.or_key(lang, card.key.as_str()),
        icon: card.icon.clone(),
        url: "/studio/rights".into(),
        rows: rows.collect(),
        fields: fields.filter_map(field_row).collect(),
        groups: by_group.keys().map(|role| group_name(reader, role)).collect(),
        guards: card.bounds.iter().map(|bound| guard_line(site, reader, card, bound)).collect(),
        lines: card.grants.iter().map(|grant| line(site, reader, card, grant)).collect(),
        new_url: url(&format!("/studio/rights/{}/grant", card.key), &[]),
        guard_url: url(&format!("/studio/rights/{}/grant", card.key), &[("guard", "yes")]),
        admin: actor.is_administrator(),
    }
}

pub(super) fn label_of(card: &Card, lang: &str, child: Option<&Ident>, field: &model::Field) -> String {
    let label = field.labels.or_key(lang, field.key.as_str());
    match child.and_then(|child| card.children.get(child)) {
        Some(table) => format!("{} · {label}", table.labels.or_key(lang, table.id.as_str())),
        None => label,
    }
}

pub(super) fn word(right: FieldRight) -> &'static str {
    match right {
        FieldRight::None => "none",
        FieldRight::Mask => "mask",
        FieldRight::Read => "read",
        FieldRight::Edit => "edit",
    }
}

fn tone(right: FieldRight) -> &'static str {
    match right {
        FieldRight::None => "red",
        FieldRight::Mask => "amber",
        FieldRight::Read => "blue",
        FieldRight::Edit => "green",
    }
}

fn origin(site: &Site, reader: &Reader, pack: Option<&Ident>, replaces: bool) -> String {
    match pack {
        Some(pack) => reader.t(
            site,
            "rights.of_pack",
            &[("pack", &reader.asker.snapshot.catalog.packs.get(pack).map_or_else(|| pack.to_string(), |known| known.labels.or_key(&reader.asker.actor.lang, pack.as_str())))],
        ),
        None => reader.t(site, if replaces { "rights.changed" } else { "rights.local" }, &[]),
    }
}

fn line(site: &Site, reader: &Reader, card: &Card, grant: &Grant) -> GrantLine {
    let base = format!("/studio/rights/{}/grant", card.key);
    let lang = &reader.asker.actor.lang;
    let field = |((child, key), right): (&(Option<Ident>, Ident), &FieldRight)| {
        let field = card.table_of(child.as_ref())?.field(key)?;
        Some(format!("{}: {}", label_of(card, lang, child.as_ref(), field), reader.t(site, &format!("fieldright.{}", word(*right)), &[])))
    };
    let local = grant.pack.is_none();
    GrantLine {
        group: group_name(reader, &grant.role),
        actions: grant.actions.iter().map(|action| action_words(site, reader, *action)).collect::<Vec<_>>().join(", "),
        scope: scope_words(site, reader, card, &grant.scope, grant.written.as_ref()),
        fields: grant.fields.iter().filter_map(field).collect::<Vec<_>>().join(" · "),
        origin: origin(site, reader, grant.pack.as_ref(), grant.replaces.is_some()),
        local,
        fault: grant.fault.clone(),
        edit_url: Some(url(&base, &[("id", &grant.id)])),
        off_url: (!local).then(|| url(&format!("/studio/rights/{}/off", card.key), &[("id", &grant.id)])),
        back_url: local.then(|| url(&format!("/studio/rights/{}/remove", card.key), &[("id", &grant.id)])),
        off: grant.actions.is_empty(),
    }
}

fn guard_line(site: &Site, reader: &Reader, card: &Card, bound: &model::Bound) -> GrantLine {
    let admin = reader.asker.actor.is_administrator() && bound.pack.is_none();
    GrantLine {
        group: bound.except.iter().map(|role| group_name(reader, role)).collect::<Vec<_>>().join(", "),
        scope: scope_words(site, reader, card, &bound.scope, bound.written.as_ref()),
        origin: origin(site, reader, bound.pack.as_ref(), false),
        local: bound.pack.is_none(),
        fault: bound.fault.clone(),
        back_url: admin.then(|| url(&format!("/studio/rights/{}/remove", card.key), &[("id", &bound.id)])),
        ..GrantLine::default()
    }
}

/// `POST /studio/rights/{card}/off?id=…`: a pack's grant gives nothing any more.
pub async fn off(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, Sure { reader, by, .. }: Sure) -> Response {
    let answer = async {
        let card = card_of(&reader, &key)?;
        rights::take_back(&site.app, &reader.asker.actor, &by, card.key.as_str(), get(&pairs, "id")).await?;
        Ok(url("/studio/rights", &[("card", card.key.as_str())]))
    };
    done(&site, &reader, answer.await)
}

/// `POST /studio/rights/{card}/remove?id=…`: what an administrator made is gone; a pack's grant holds again.
pub async fn remove(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Pairs>, Sure { reader, by, .. }: Sure) -> Response {
    let answer = async {
        let card = card_of(&reader, &key)?;
        let id = Uuid::try_parse(get(&pairs, "id")).map_err(|_| AppError::not_found("grant"))?;
        rights::remove(&site.app, &reader.asker.actor, &by, id).await?;
        Ok(url("/studio/rights", &[("card", card.key.as_str())]))
    };
    done(&site, &reader, answer.await)
}

/// `POST /studio/groups`: a group of one's own.
pub async fn group(State(site): State<Site>, Sure { reader, by, fields }: Sure) -> Response {
    let answer = async {
        let labels = Labels(indexmap::IndexMap::from([(reader.asker.actor.lang.clone(), get(&fields, "name").to_owned())]));
        let key = rights::put_group(&site.app, &reader.asker.actor, &by, None, &labels, &Labels::default()).await?;
        Ok(match get(&fields, "card") {
            "" => format!("/studio/groups/{key}"),
            card => url("/studio/rights", &[("card", card)]),
        })
    };
    done(&site, &reader, answer.await)
}

pub(super) fn done(site: &Site, reader: &Reader, answer: Result<String, AppError>) -> Response {
    match answer {
        Ok(to) if reader.fragment => axum::Json(serde_json::json!({"url": to, "text": reader.t(site, "rights.saved", &[])})).into_response(),
        Ok(to) => Redirect::to(&to).into_response(),
        Err(error) => reader.failed(site, &error),
    }
}
