//! Choosing what a condition is about: a field, through links and into child tables, or related rows.

use access::Readable;
use app::AppError;
use axum::{
    extract::{Path as UrlPath, Query, State},
    response::Response,
};
use model::{ActionName, Card, Catalog, FieldKind, Ident, Storage, Table, TableRef, path, resolve};

use super::Reader;
use crate::{
    Site,
    pages::{cells, url},
    view::{QueryField, QueryFields},
};
use crate::pages::get;

/// Fields that nobody asks about.
const INNER: [&str; 4] = ["site", "trashed_at", "version", "position"];

/// `GET /c/{card}/query/fields?in=TABLE&for=add:N&at=PATH`
pub async fn fields(State(site): State<Site>, UrlPath(key): UrlPath<String>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    match offer(&site, &reader, &key, get(&pairs, "in"), get(&pairs, "for"), get(&pairs, "at")) {
        Ok(fields) => reader.draw(&site, if reader.fragment { "query/fields.html" } else { "query/fields_page.html" }, Some(&key), &fields),
        Err(error) => reader.failed(&site, &error),
    }
}

fn table_named(catalog: &Catalog, text: &str) -> Option<TableRef> {
    let (card, child) = text.split_once('.').map_or((text, None), |(card, child)| (card, Some(child)));
    let card = catalog.card(card)?;
    match child {
        None => Some(card.table.reference()),
        Some(child) => card.children.get(child).map(Table::reference),
    }
}

fn offer(site: &Site, reader: &Reader, key: &str, start: &str, purpose: &str, at: &str) -> Result<QueryFields, AppError> {
    let (catalog, actor) = (&reader.asker.snapshot.catalog, &reader.asker.actor);
    app::lists::may_see(&reader.asker.snapshot, actor, key)?;
    let start = table_named(catalog, start).ok_or_else(|| AppError::not_found("table"))?;
    let table = if at.is_empty() { start.clone() } else { reached(catalog, &start, at)? };
    let card = catalog.card(&table.card).ok_or_else(|| AppError::not_found("card"))?;
    let gate = access::gate(catalog, actor, card, ActionName::Read)?;
    let lang = &actor.lang;
    let name = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    let go = |to: &str| url(&format!("/c/{key}/query/fields"), &[("in", &start.to_string()), ("for", purpose), ("at", to)]);
    let (what, n) = purpose.split_once(':').unwrap_or(("add", "0"));
    let shown = catalog.table(&table).ok_or_else(|| AppError::not_found("table"))?;
    let readable = |field: &&model::Field| !field.secret && !INNER.contains(&field.key.as_str()) && gate.readable(table.child.as_ref(), &field.key) != Readable::Never;
    let mut offered = QueryFields { crumbs: crumbs(catalog, &start, at, lang, &go), ..QueryFields::default() };
    let deep = at.split('.').filter(|step| !step.is_empty()).count() + 1 >= path::MAX_HOPS;
    for field in shown.own_fields().chain(shown.fields.values().filter(|field| field.system)).filter(readable) {
        let label = if field.key == "id" { card.labels.or_key(lang, card.key.as_str()) } else { field.labels.or_key(lang, field.key.as_str()) };
        if field.key == "id" && table.child.is_some() || matches!(field.storage, Storage::Nowhere) && path::resolve(catalog, &table, field.key.as_str()).is_err() {
            continue;
        }
        let parts: &[model::Part] = match field.kind { FieldKind::Address => &model::Part::ALL[..5], FieldKind::Geo => &model::Part::ALL[5..], _ => &[] };
        offered.fields.push(QueryField { label: label.clone(), icon: cells::icon(&field.kind).to_owned(), to: format!("{what}:{n}:{}", name(field.key.as_str())) });
        offered.fields.extend(parts.iter().map(|part| QueryField { label: format!("{label} · {}", form::sentence::part_label(*part, lang)), icon: "map-pin".into(), to: format!("{what}:{n}:{}.{}", name(field.key.as_str()), part.name()) }));
        if field.key != "id" && !deep {
            offered.steps.extend(steps(reader, field, &name(field.key.as_str()), &label, &go));
        }
    }
    if table.child.is_none() && !deep {
        let children = card.children.iter().map(|(child, table)| QueryField { label: table.labels.or_key(lang, child.as_str()), icon: "list".into(), to: go(&name(child.as_str())) });
        offered.steps.extend(children);
    }
    if at.is_empty() && what == "add" && start.child.is_none() {
        offered.related = related(site, reader, card, n);
    }
    Ok(offered)
}

/// The table that a way of links and child tables leads to.
fn reached(catalog: &Catalog, start: &TableRef, at: &str) -> Result<TableRef, AppError> {
    let path = path::resolve(catalog, start, &format!("{at}.id")).map_err(|error| AppError::malformed("unknown_field", error.message))?;
    Ok(path.end)
}

fn steps(reader: &Reader, field: &model::Field, name: &str, label: &str, go: &dyn Fn(&str) -> String) -> Vec<QueryField> {
    let (catalog, actor) = (&reader.asker.snapshot.catalog, &reader.asker.actor);
    let seen = |target: &Ident| catalog.card(target).is_some_and(|card| access::gate(catalog, actor, card, ActionName::Read).is_ok());
    let icon = |target: &Ident| catalog.card(target).map_or_else(|| "link".to_owned(), |card| card.icon.clone());
    match &field.kind {
        FieldKind::Link(link) if seen(&link.target) => vec![QueryField { label: label.to_owned(), icon: icon(&link.target), to: go(name) }],
        FieldKind::AnyLink { targets, .. } => {
            let one = |target: &Ident| {
                let card = catalog.card(target).map(|card| card.labels.or_key(&actor.lang, target.as_str())).unwrap_or_default();
                QueryField { label: format!("{label} ({card})"), icon: icon(target), to: go(&format!("{name}({target})")) }
            };
            targets.iter().filter(|target| seen(target)).map(one).collect()
        }
        _ => Vec::new(),
    }
}

fn crumbs(catalog: &Catalog, start: &TableRef, at: &str, lang: &str, go: &dyn Fn(&str) -> String) -> Vec<(String, String)> {
    if at.is_empty() {
        return Vec::new();
    }
    let card = catalog.card(&start.card);
    let first = match &start.child {
        None => card.map(|card| card.labels.or_key(lang, card.key.as_str())),
        Some(child) => catalog.table(start).map(|table| table.labels.or_key(lang, child.as_str())),
    };
    let mut crumbs = vec![(first.unwrap_or_default(), go(""))];
    let steps: Vec<&str> = at.split('.').collect();
    for length in 1..=steps.len() {
        let way = steps[..length].join(".");
        let label = form::sentence::path_label(catalog, start, &format!("{way}.id"), lang);
        crumbs.push((label.rsplit(" · ").next().unwrap_or_default().to_owned(), go(&way)));
    }
    crumbs
}

/// Rows of other cards that point here, and child rows.
fn related(site: &Site, reader: &Reader, card: &Card, n: &str) -> Vec<QueryField> {
    let (catalog, actor) = (&reader.asker.snapshot.catalog, &reader.asker.actor);
    let table = card.table.reference();
    let _ = site;
    let children = card.children.keys().map(|child| (child.to_string(), None, "list".to_owned()));
    let pointing = catalog.links_to(&card.key).filter(|(_, field)| !field.system).filter_map(|(table, field)| {
        let of = catalog.card(&table.card).filter(|card| !card.builtin)?;
        let gate = access::gate(catalog, actor, of, ActionName::Read).ok()?;
        (gate.readable(table.child.as_ref(), &field.key) != Readable::Never).then(|| match &table.child {
            None => (format!("{}.{}", table.card, field.key), None, of.icon.clone()),
            Some(child) => (format!("{}.{child}", table.card), Some(field.key.to_string()), of.icon.clone()),
        })
    });
    let one = |(from, by, icon): (String, Option<String>, String)| {
        resolve::row_source(catalog, &table, &from, by.as_deref()).ok()?;
        let label = form::sentence::related_label(catalog, &table, &from, by.as_deref(), &actor.lang);
        let to = by.map_or_else(|| format!("related:{n}:{from}"), |by| format!("related:{n}:{from}:{by}"));
        Some(QueryField { label, icon, to })
    };
    children.chain(pointing).filter_map(one).collect()
}
