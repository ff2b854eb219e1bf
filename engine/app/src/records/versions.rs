//! Records as they were: kept with each change for cards that say so, and read as of a moment.
//!
//! **Invariants**
//! - A row is kept where it changed, by saves and by what is calculated, in the transaction of the change. What is secret
//!   is not kept.
//! - Of then is read what may be read now: the record by its rows of today, fields where they are always seen, links and
//!   titles by today's rights on what they point to.
//!
//! **Not here:** drawing (`web`).

use std::collections::HashMap;

use access::{Actor, Readable};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use form::Locale;
use model::{ActionName, Card, Field, Ident, Record, Row, Storage, Table, Value, Values, record::value_of, types};
use serde_json::{Map, Value as Json};
use sql::{
    Datum,
    system_versions::{self as kept, Version},
};
use store::Tx;
use uuid::Uuid;

use crate::{
    App, AppError, Source, UnitError,
    lists::{self, Item, Page},
    snapshot::Snapshot,
};

fn is_kept(field: &Field) -> bool {
    !field.secret && field.key != "id" && field.storage != Storage::Nowhere
}

/// A row's values by the ids of its fields.
fn content(table: &Table, values: &Values) -> String {
    let one = |field: &Field| {
        let value = value_of(values, field.key.as_str());
        (!value.is_empty()).then(|| (field.id.to_string(), types::to_json(&field.kind, value)))
    };
    Json::Object(table.fields.values().filter(|field| is_kept(field)).filter_map(one).collect()).to_string()
}

/// Every row of a record: its table's id, its own id, its place, its content.
fn rows<'r>(card: &'r Card, record: &'r Record) -> Vec<(&'r str, Uuid, i64, String)> {
    let own = std::iter::once(("", record.id, 0, content(&card.table, &record.values)));
    let children = card.children.iter().flat_map(|(key, table)| {
        let row = move |(position, row): (usize, &Row)| (table.id.as_str(), row.id, i64::try_from(position).unwrap_or(i64::MAX), content(table, &row.values));
        record.rows(key.as_str()).iter().enumerate().map(row)
    });
    own.chain(children).collect()
}

/// Keeps what changed of a record whose row is held. `stored` is what it was.
pub(crate) async fn keep(tx: &mut Tx, card: &Card, stored: Option<&Record>, record: &Record) -> Result<(), UnitError> {
    if !card.as_of {
        return Ok(());
    }
    // Its row is held: whoever comes later has a later moment.
    let now = Utc::now();
    let version = |(table, row, position, content): (&str, Uuid, i64, String), from, until| Version { record: record.id, table: table.to_owned(), row, from, until, position, content };
    let after = rows(card, record);
    let mut versions: Vec<Version> = Vec::new();
    match stored {
        None => {
            let made = match record.get("created_at") {
                Value::Instant(at) => (*at).min(now),
                _ => now,
            };
            versions.extend(after.into_iter().map(|row| version(row, made, None)));
        }
        Some(stored) => {
            let before = rows(card, stored);
            let known: HashMap<Uuid, (i64, &str)> = before.iter().map(|(_, row, position, content)| (*row, (*position, content.as_str()))).collect();
            let changed: Vec<_> = after.iter().filter(|(_, row, position, content)| known.get(row) != Some(&(*position, content.as_str()))).cloned().collect();
            let gone = before.iter().map(|(_, row, ..)| *row).filter(|row| !after.iter().any(|(_, kept, ..)| kept == row));
            let ended: Vec<Uuid> = changed.iter().map(|(_, row, ..)| *row).chain(gone).collect();
            // A card that came to keep its past later: what was there is kept as it was since it was changed last.
            if tx.fetch(&kept::first(tx.dialect(), record.id)).await?.is_empty() {
                let since = match stored.get("updated_at") {
                    Value::Instant(at) => (*at).min(now),
                    _ => now,
                };
                versions.extend(before.iter().cloned().map(|row| {
                    let until = ended.contains(&row.1).then_some(now);
                    version(row, since, until)
                }));
            } else {
                for some in ended.chunks(500) {
                    tx.execute(&kept::close(tx.dialect(), record.id, some, now)).await?;
                }
            }
            versions.extend(changed.into_iter().map(|row| version(row, now, None)));
        }
    }
    for some in versions.chunks(kept::TOGETHER) {
        tx.execute(&kept::keep(tx.dialect(), some)).await?;
    }
    Ok(())
}

/// The moment that somebody asks for: RFC 3339, or a day, which stands for its end in their zone.
pub fn moment(actor: &Actor, text: &str) -> Result<DateTime<Utc>, AppError> {
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.succ_opt());
    let at = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Some(at.with_timezone(&Utc)),
        Err(_) => day().map(|next| actor.day_start(next) - TimeDelta::microseconds(1)),
    };
    at.ok_or_else(|| AppError::malformed("bad_as_of", "as_of is a day, `2026-03-31`, or a moment, `2026-03-31T18:00:00Z`"))
}

/// A record with its child rows as it was at a moment. It must be readable as it is now.
pub async fn read(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, id: Uuid, at: DateTime<Utc>, locale: &Locale) -> Result<Page, AppError> {
    let page = super::read::read(app, snapshot, actor, card, id, locale).await?;
    let card = snapshot.card(card)?;
    if !card.as_of {
        return Err(AppError::malformed("as_of_not_kept", format!("`{}` does not keep how its records were", card.key)));
    }
    let dialect = app.store.dialect();
    let mut found = app.store.fetch(&kept::at(dialect, id, at)).await?.into_iter().filter_map(Found::read).peekable();
    if found.peek().is_none() {
        return unkept(app, id, at, page).await;
    }
    let found: Vec<Found> = found.collect();
    let gate = access::gate(&snapshot.catalog, actor, card, ActionName::Read)?;
    let values = |table: &Table, child: Option<&Ident>, columns: &[query::Selected], row: Option<&Found>| -> Vec<Value> {
        let value = |column: &query::Selected| {
            let field = table.fields.get(&column.path.leaf).filter(|field| column.path.hops.is_empty() && is_kept(field) && gate.readable(child, &field.key) == Readable::Always)?;
            types::read_json(&field.kind, row?.values.get(field.id.as_str())?).ok()
        };
        columns.iter().map(|column| if column.path.leaf == "id" && column.path.hops.is_empty() { Value::Id(row.map_or(id, |row| row.row)) } else { value(column).unwrap_or_default() }).collect()
    };
    let mut past = Page { items: Vec::new(), titles: Default::default(), files: Default::default(), next: None, ..page };
    let mut item = Item { id, values: values(&card.table, None, &past.columns, found.iter().find(|row| row.table.is_empty())), children: Default::default() };
    for (key, columns) in &past.child_columns {
        let Some(table) = card.children.get(key) else { continue };
        let rows = found.iter().filter(|row| row.table == table.id.as_str());
        item.children.insert(key.clone(), rows.map(|row| Item { id: row.row, values: values(table, Some(key), columns, Some(row)), children: Default::default() }).collect());
    }
    past.items.push(item);
    lists::add_titles_and_files(&mut Source::App(app), &snapshot.catalog, actor, locale, &mut past).await?;
    Ok(past)
}

/// Nothing is kept of then: it is as it is now, if nobody changed it since, or it is not known.
async fn unkept(app: &App, id: Uuid, at: DateTime<Utc>, page: Page) -> Result<Page, AppError> {
    let moment = |key: &str| {
        let place = page.columns.iter().position(|column| column.name == key)?;
        match page.items.first()?.values.get(place)? {
            Value::Instant(at) => Some(*at),
            _ => None,
        }
    };
    let first = match app.store.fetch(&kept::first(app.store.dialect(), id)).await?.into_iter().flatten().next() {
        Some(Datum::Instant(first)) => Some(first),
        _ => None,
    };
    match (first, moment("updated_at")) {
        (None, Some(changed)) if changed <= at => Ok(page),
        (first, changed) => {
            let since = first.or(changed).map(|since| since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).unwrap_or_default();
            Err(AppError::malformed("as_of_unknown", format!("how this record was is known from {since} on")))
        }
    }
}

/// A row as it was.
struct Found {
    table: String,
    row: Uuid,
    values: Map<String, Json>,
}

impl Found {
    fn read(row: Vec<Datum>) -> Option<Self> {
        let [Datum::Text(table), Datum::Uuid(row), Datum::Text(content)] = <[Datum; 3]>::try_from(row).ok()? else { return None };
        Some(Self { table, row, values: serde_json::from_str(&content).ok()? })
    }
}
