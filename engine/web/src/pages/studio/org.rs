//! The org units as a tree, each with who leads it: what `org_tree` and `subordinates` go by.

use std::collections::{HashMap, HashSet};

use app::{AppError, lists};
use axum::{extract::State, response::Response};
use model::Value;
use query::ListRequest;
use uuid::Uuid;

use crate::{
    Site,
    pages::Reader,
    view::{OrgPage, OrgUnitLine},
};

/// Most units that are drawn.
const MOST: usize = 5_000;

/// `GET /studio/org`
pub async fn page(State(site): State<Site>, reader: Reader) -> Response {
    match build(&site, &reader).await {
        Ok(page) => reader.draw(&site, "rights/org.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

struct Unit {
    id: Uuid,
    title: String,
    parent: Option<Uuid>,
    lead: Option<(Uuid, Option<String>)>,
}

async fn build(site: &Site, reader: &Reader) -> Result<OrgPage, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    if !actor.is_administrator() {
        return Err(AppError::forbidden("only administrators may do this"));
    }
    let Some(org) = &snapshot.catalog.org else {
        return Ok(OrgPage { hint: reader.t(site, "org.none", &[]), ..OrgPage::default() });
    };
    let card = snapshot.card(org.card.as_str())?;
    let fields: Vec<String> = std::iter::once("id".to_owned()).chain(card.title.paths().map(ToString::to_string)).chain(org.parent.iter().chain(&org.manager).map(ToString::to_string)).collect();
    let (mut units, mut cursor) = (Vec::new(), None);
    loop {
        let request = ListRequest { fields: Some(fields.clone()), sort: Some("created_at,id".into()), limit: Some(query::MAX_LIMIT), cursor: cursor.clone(), ..ListRequest::default() };
        let gated = lists::ask(snapshot, actor, card.key.as_str(), &request)?;
        let page = lists::page(&site.app, snapshot, actor, &gated, &reader.asker.locale).await?;
        let at = |name: Option<&model::Ident>| name.and_then(|name| page.columns.iter().position(|column| column.name == name.as_str()));
        let (parent, lead) = (at(org.parent.as_ref()), at(org.manager.as_ref()));
        let id = |item: &lists::Item, place: Option<usize>| place.and_then(|place| item.values.get(place)).and_then(Value::as_id);
        units.extend(page.items.iter().map(|item| Unit {
            id: item.id,
            title: crate::pages::words::title(reader, card, &page.columns, &item.values),
            parent: id(item, parent),
            lead: id(item, lead).map(|id| (id, page.titles.get(&id).cloned())),
        }));
        cursor = page.next;
        if cursor.is_none() || units.len() >= MOST {
            break;
        }
    }
    let target = org.manager.as_ref().and_then(|manager| card.field(manager.as_str())).and_then(|field| match &field.kind {
        model::FieldKind::Link(link) => Some(link.target.clone()),
        _ => None,
    });
    let lines = |order: Vec<(usize, usize)>| {
        order.into_iter().map(|(index, depth)| {
            let unit = &units[index];
            let lead = unit.lead.as_ref();
            OrgUnitLine {
                title: unit.title.clone(),
                url: format!("/c/{}/{}", card.key, unit.id),
                depth,
                lead: lead.and_then(|(_, title)| title.clone()),
                lead_url: lead.zip(target.as_ref().filter(|target| *target != model::USER_CARD)).map(|((id, _), target)| format!("/c/{target}/{id}")),
            }
        })
    };
    let (order, circle) = in_order(&units);
    Ok(OrgPage { label: card.plurals.or_key(&actor.lang, card.key.as_str()), list_url: format!("/c/{}", card.key), units: lines(order).collect(), hint: reader.t(site, "org.hint", &[]), circle })
}

/// Each unit after the one above it, with its depth; those in a circle come last, at the top, and it is said.
fn in_order(units: &[Unit]) -> (Vec<(usize, usize)>, bool) {
    let known: HashSet<Uuid> = units.iter().map(|unit| unit.id).collect();
    let mut below: HashMap<Option<Uuid>, Vec<usize>> = HashMap::new();
    for (index, unit) in units.iter().enumerate() {
        below.entry(unit.parent.filter(|parent| known.contains(parent))).or_default().push(index);
    }
    let mut order = Vec::with_capacity(units.len());
    let mut open: Vec<(usize, usize)> = below.get(&None).into_iter().flatten().rev().map(|index| (*index, 0)).collect();
    while let Some((index, depth)) = open.pop() {
        order.push((index, depth));
        open.extend(below.get(&Some(units[index].id)).into_iter().flatten().rev().map(|index| (*index, depth + 1)));
    }
    let placed: HashSet<usize> = order.iter().map(|(index, _)| *index).collect();
    let circle: Vec<(usize, usize)> = (0..units.len()).filter(|index| !placed.contains(index)).map(|index| (index, 0)).collect();
    let any = !circle.is_empty();
    order.extend(circle);
    (order, any)
}
