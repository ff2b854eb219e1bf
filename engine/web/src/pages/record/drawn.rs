//! A record ready to be drawn, and what its reader may do with it.

use std::collections::HashMap;

use access::{GatedWrite, gate_write};
use app::{
    AppError, Source, files, lists,
    records::read,
    titles::{self, Titles, Wanted},
};
use model::{ActionName, Card, FieldKind, Ident, Record, Row, Value, Values, Violation, record::value_of};
use uuid::Uuid;

use super::Reader;
use crate::Site;

/// A record ready to be drawn: its values, what they point to, and what is wrong with them.
pub struct Drawn {
    pub record: Record,
    pub titles: Titles,
    pub files: HashMap<Uuid, files::FileInfo>,
    pub violations: Vec<Violation>,
    /// What was typed, by name of input.
    pub typed: HashMap<String, String>,
    /// Fields that a job is calculating anew.
    pub recomputing: std::collections::BTreeSet<String>,
}

/// What the reader may do with the record at hand.
pub struct Rights {
    pub read: access::Gate,
    pub write: Option<GatedWrite>,
    pub delete: bool,
    /// Others decide on the record as it is.
    pub applied: bool,
}

/// A record from the page that the gate let through.
pub fn from_page(page: lists::Page) -> Option<Drawn> {
    let item = page.items.into_iter().next()?;
    let values = |columns: &[query::Selected], values: Vec<Value>| -> Values { columns.iter().zip(values).filter_map(|(column, value)| Some((Ident::new(&column.name).ok()?, value))).collect() };
    let mut record = Record { id: item.id, values: values(&page.columns, item.values), children: indexmap::IndexMap::new() };
    for (child, rows) in item.children {
        let Some(columns) = page.child_columns.get(&child) else { continue };
        let rows = rows.into_iter().map(|row| Row { id: row.id, values: values(columns, row.values) }).collect();
        record.children.insert(child, rows);
    }
    Some(Drawn { record, titles: page.titles, files: page.files, violations: Vec::new(), typed: HashMap::new(), recomputing: Default::default() })
}

/// A record that is being written, with the titles of what it points to.
pub async fn from_draft(site: &Site, reader: &Reader, card: &Card, record: Record, violations: Vec<Violation>, typed: HashMap<String, String>) -> Result<Drawn, AppError> {
    let mut wanted = Wanted::new();
    let mut pictures = Vec::new();
    let mut look = |table: &model::Table, values: &Values| {
        for field in table.fields.values() {
            let value = value_of(values, field.key.as_str());
            let ids = match value {
                Value::Id(id) => vec![*id],
                Value::Ids(ids) => ids.clone(),
                Value::AnyId { card, id } => {
                    wanted.entry(card.clone()).or_default().insert(*id);
                    continue;
                }
                _ => continue,
            };
            match &field.kind {
                FieldKind::Link(link) => wanted.entry(link.target.clone()).or_default().extend(ids),
                FieldKind::File(_) => pictures.extend(ids),
                _ => {}
            }
        }
    };
    look(&card.table, &record.values);
    for (key, table) in &card.children {
        record.rows(key.as_str()).iter().for_each(|row| look(table, &row.values));
    }
    let mut source = Source::App(&site.app);
    let titles = titles::fetch(&mut source, &reader.asker.snapshot.catalog, &reader.asker.actor, &wanted, &reader.asker.locale).await?;
    let files = files::infos(&mut source, &pictures).await?;
    Ok(Drawn { record, titles, files, violations, typed, recomputing: Default::default() })
}

pub async fn rights(site: &Site, reader: &Reader, card: &std::sync::Arc<Card>, id: Option<Uuid>) -> Result<Rights, AppError> {
    let (snapshot, actor) = (&reader.asker.snapshot, &reader.asker.actor);
    let read = access::gate(&snapshot.catalog, actor, card, ActionName::Read)?;
    let action = if id.is_some() { ActionName::Update } else { ActionName::Create };
    let mut write = gate_write(&snapshot.catalog, actor, card, action).ok();
    let mut delete = gate_write(&snapshot.catalog, actor, card, ActionName::Delete).ok();
    if let Some(id) = id {
        for gate in [&mut write, &mut delete] {
            let admitted = match gate {
                Some(found) => read::matches(&site.app, snapshot, card, id, &found.rows()).await?,
                None => false,
            };
            if !admitted {
                *gate = None;
            }
        }
    }
    let applied = match id {
        Some(id) => app::flows::is_applied(&site.app, card, id).await?,
        None => false,
    };
    Ok(Rights { read, write, delete: delete.is_some(), applied })
}

pub async fn with_title(site: &Site, reader: &Reader, card: &Card, drawn: &mut Drawn) -> Result<(), AppError> {
    if let Some(fields) = app::derived::marked(&site.app).await?.get(&card.key) {
        drawn.recomputing.clone_from(fields);
    }
    if card.title.paths().any(|path| !path.hops.is_empty()) {
        let wanted = [(card.key.clone(), std::iter::once(drawn.record.id).collect())].into_iter().collect();
        let own = titles::fetch(&mut Source::App(&site.app), &reader.asker.snapshot.catalog, &reader.asker.actor, &wanted, &reader.asker.locale).await?;
        drawn.titles.extend(own);
    }
    Ok(())
}
