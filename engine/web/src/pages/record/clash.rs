//! Two people changed the same fields: what it was, what it is now, what was typed.

use std::collections::HashMap;

use app::{AppError, Source, Stale, StaleField, files, titles::{self, Wanted}};
use model::{Card, Field, FieldKind, Value, types::read_json};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::Reader;
use crate::{
    Site,
    pages::{cells::Known, words},
    view::{Cell, Conflict, ConflictField},
};

/// One place, with its three values.
struct Place<'a> {
    path: &'a str,
    field: Option<&'a Field>,
    base: Value,
    theirs: Value,
    mine: Value,
}

/// The banner over a form whose save lost.
pub async fn told(site: &Site, reader: &Reader, key: &str, id: Option<Uuid>, submitted: &[(String, String)], stale: &Stale) -> Result<Conflict, AppError> {
    let card = reader.asker.snapshot.card(key)?.clone();
    let base = form::submit::base(&card, submitted, &reader.asker.locale);
    let now = form::submit::body(&card, submitted, &reader.asker.locale);
    let places: Vec<Place<'_>> = stale.fields.iter().map(|field| place(&card, &base, field)).collect();
    let (titles, files) = known(site, reader, &places).await?;
    let known = Known { catalog: &reader.asker.snapshot.catalog, locale: &reader.asker.locale, titles: &titles, files: &files };
    let lang = &reader.asker.actor.lang;
    let drawn = |place: &Place<'_>| {
        let cell = |value: &Value| place.field.map(|field| known.cell(field, &field.kind, value)).unwrap_or_default();
        let theirs = cell(&place.theirs);
        ConflictField { name: name(place.path), label: label(&card, &now, place, lang), base: cell(&place.base), theirs_raw: inputs(&theirs), theirs, mine: cell(&place.mine) }
    };
    Ok(Conflict {
        who: stale.changed_by.clone().unwrap_or_else(|| words::word("system", lang)),
        when: stale.changed_at.map(|at| words::ago(at, reader.asker.actor.now, lang)).unwrap_or_default(),
        version: stale.version,
        fields: places.iter().map(drawn).collect(),
        others: 0,
        reload_url: format!("/c/{key}/{}", id.map(|id| id.to_string()).unwrap_or_default()),
        deleted: false,
    })
}

fn place<'a>(card: &'a Card, base: &Map<String, Json>, stale: &'a StaleField) -> Place<'a> {
    let steps: Vec<&str> = stale.path.split('/').collect();
    let (field, before) = match steps.as_slice() {
        [own] => (card.field(own), base.get(*own)),
        [table, row, own] => {
            let rows = base.get(*table).and_then(Json::as_array);
            let row = rows.and_then(|rows| rows.iter().find(|known| known["id"] == *row));
            (card.children.get(*table).and_then(|table| table.fields.get(*own)), row.and_then(|row| row.get(*own)))
        }
        _ => (None, None),
    };
    let value = |json: Option<&Json>| field.zip(json).and_then(|(field, json)| read_json(&field.kind, json).ok()).unwrap_or_default();
    Place { path: &stale.path, field, base: value(before), theirs: value(Some(&stale.theirs)), mine: value(Some(&stale.yours)) }
}

/// A value as inputs hold it: pairs of value and title.
fn inputs(cell: &Cell) -> String {
    let tags = cell.tags.iter().map(|tag| (tag.value.as_str(), tag.text.as_str()));
    let links = cell.links.iter().map(|link| (link.value.as_str(), link.title.as_deref().unwrap_or_default()));
    let files = cell.files.iter().map(|file| (file.id.as_str(), file.name.as_str()));
    let mut pairs: Vec<(&str, &str)> = tags.chain(links).chain(files).collect();
    if pairs.is_empty() {
        pairs.push((&cell.raw, &cell.text));
    }
    serde_json::json!(pairs).to_string()
}

/// `f.KEY`, or `c.TABLE.ROW-ID.KEY`.
fn name(path: &str) -> String {
    if path.contains('/') { format!("c.{}", path.replace('/', ".")) } else { format!("f.{path}") }
}

fn label(card: &Card, now: &Map<String, Json>, place: &Place<'_>, lang: &str) -> String {
    let own = place.field.map_or_else(|| place.path.to_owned(), |field| field.labels.or_key(lang, field.key.as_str()));
    let Some((table, rest)) = place.path.split_once('/') else { return own };
    let id = rest.split('/').next().unwrap_or_default();
    let rows = now.get(table).and_then(Json::as_array);
    let number = rows.and_then(|rows| rows.iter().position(|row| row["id"] == id)).map(|at| format!(" {}", at + 1)).unwrap_or_default();
    let of = card.children.get(table).map_or_else(|| table.to_owned(), |known| known.labels.or_key(lang, table));
    if place.field.is_some() { format!("{of}{number} · {own}") } else { format!("{of}{number}") }
}

/// Titles and files that the values point to.
async fn known(site: &Site, reader: &Reader, places: &[Place<'_>]) -> Result<(titles::Titles, HashMap<Uuid, files::FileInfo>), AppError> {
    let mut wanted = Wanted::new();
    let mut attached = Vec::new();
    for place in places {
        for value in [&place.base, &place.theirs, &place.mine] {
            let ids = match value {
                Value::Id(id) => vec![*id],
                Value::Ids(ids) => ids.clone(),
                Value::AnyId { card, id } => {
                    wanted.entry(card.clone()).or_default().insert(*id);
                    continue;
                }
                _ => continue,
            };
            match place.field.map(|field| &field.kind) {
                Some(FieldKind::Link(link)) => wanted.entry(link.target.clone()).or_default().extend(ids),
                Some(FieldKind::File(_)) => attached.extend(ids),
                _ => {}
            }
        }
    }
    let mut source = Source::App(&site.app);
    let titles = titles::fetch(&mut source, &reader.asker.snapshot.catalog, &reader.asker.actor, &wanted, &reader.asker.locale).await?;
    let files = files::infos(&mut source, &attached).await?;
    Ok((titles, files))
}
