//! What a record was before a batch changed it, and the draft that brings it back.

use indexmap::IndexMap;
use model::{Card, Field, Ident, Record, Row, Source, Table, Value, Values, record::value_of, types};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sql::system_batches as rows;
use store::Tx;
use uuid::Uuid;

use crate::{UnitError, records::draft::{ChildDraft, Draft, RowDraft}};

/// The fields of a record before a change, by their permanent identity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Before {
    /// Own fields that were changed.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Json>,
    /// Child tables of which rows were added, changed, removed or moved.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    rows: IndexMap<String, RowsBefore>,
    /// Under which id of the trash it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trash: Option<Uuid>,
    /// Where a batch takes another back: what was left as others made it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept: Option<Json>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct RowsBefore {
    /// Every row there was, in order.
    order: Vec<Uuid>,
    added: Vec<Uuid>,
    changed: IndexMap<Uuid, Map<String, Json>>,
    removed: IndexMap<Uuid, Map<String, Json>>,
}

/// Fields whose earlier value is worth keeping: those that people fill in, and what was copied when a link was set; not
/// what is calculated. What is secret is not kept.
fn is_kept(field: &Field) -> bool {
    let assigned = matches!(field.key.as_str(), "owner" | "org_unit");
    !field.secret && (assigned || !field.system && matches!(field.source, Source::Entered | Source::Snapshot { kept: false, .. }))
}

fn kept(table: &Table, before: &Values, after: Option<&Values>) -> Map<String, Json> {
    let differs = |field: &&Field| after.is_none_or(|after| value_of(before, field.key.as_str()) != value_of(after, field.key.as_str()));
    let one = |field: &Field| (field.id.to_string(), types::to_json(&field.kind, value_of(before, field.key.as_str())));
    table.fields.values().filter(|field| is_kept(field)).filter(differs).map(one).collect()
}

impl Before {
    /// What `stored` had where `record` has something else.
    fn of(card: &Card, stored: &Record, record: &Record, kept_back: Option<Json>) -> Self {
        let mut before = Self { fields: kept(&card.table, &stored.values, Some(&record.values)), kept: kept_back, ..Self::default() };
        for (key, table) in &card.children {
            let (old, new) = (stored.rows(key.as_str()), record.rows(key.as_str()));
            if old == new {
                continue;
            }
            let find = |rows: &[Row], id: Uuid| rows.iter().position(|row| row.id == id);
            let mut rows = RowsBefore { order: old.iter().map(|row| row.id).collect(), ..RowsBefore::default() };
            rows.added.extend(new.iter().map(|row| row.id).filter(|id| find(old, *id).is_none()));
            for row in old {
                match find(new, row.id) {
                    None => {
                        rows.removed.insert(row.id, kept(table, &row.values, None));
                    }
                    Some(index) => {
                        let changed = kept(table, &row.values, Some(&new[index].values));
                        if !changed.is_empty() {
                            rows.changed.insert(row.id, changed);
                        }
                    }
                }
            }
            before.rows.insert(table.id.to_string(), rows);
        }
        before
    }

    /// What a field had, by its permanent identity.
    pub(crate) fn text(&self, id: &str) -> Option<&str> {
        self.fields.get(id).and_then(Json::as_str)
    }

    /// The draft that brings a record back to this, except for places in `others`, which somebody changed since:
    /// those are told.
    pub(crate) fn draft(&self, card: &Card, stored: &Record, others: &std::collections::HashSet<String>) -> (Draft, Vec<String>) {
        let (mut draft, mut left) = (Draft::default(), Vec::new());
        for (id, json) in &self.fields {
            match back(&card.table, id, json) {
                Some((key, _)) if others.contains(key.as_str()) && stored.get(key.as_str()) != &read(&card.table, &key, json) => left.push(key.to_string()),
                Some((key, value)) => {
                    draft.values.insert(key, value);
                }
                None => left.push(id.clone()),
            }
        }
        for (id, rows) in &self.rows {
            match card.children.iter().find(|(_, table)| table.id == id.as_str()) {
                Some((key, table)) => {
                    let child = rows.draft(table, key, stored.rows(key.as_str()), others, &mut left);
                    draft.children.insert(key.clone(), child);
                }
                None => left.push(id.clone()),
            }
        }
        (draft, left)
    }
}

impl RowsBefore {
    /// The rows as they are now, without those that were added and with those that were removed, in the order of then.
    fn draft(&self, table: &Table, key: &Ident, now: &[Row], others: &std::collections::HashSet<String>, left: &mut Vec<String>) -> ChildDraft {
        let mut drafts: Vec<RowDraft> = Vec::new();
        for row in now {
            let place = format!("{key}/{}", row.id);
            let touched = others.iter().any(|path| *path == place || path.starts_with(&format!("{place}/")));
            if self.added.contains(&row.id) {
                if touched {
                    left.push(place.clone());
                } else {
                    continue;
                }
            }
            let mut draft = RowDraft { id: Some(row.id), path: place.clone(), ..RowDraft::default() };
            for (id, json) in self.changed.get(&row.id).into_iter().flatten() {
                match back(table, id, json) {
                    Some((field, _)) if others.contains(&format!("{place}/{field}")) => left.push(format!("{place}/{field}")),
                    Some((field, value)) => {
                        draft.values.insert(field, value);
                    }
                    None => left.push(format!("{place}/{id}")),
                }
            }
            drafts.push(draft);
        }
        for (id, values) in self.removed.iter().filter(|(id, _)| !now.iter().any(|row| row.id == **id)) {
            let values = values.iter().filter_map(|(field, json)| back(table, field, json)).filter(|(_, value)| !value.is_empty()).collect();
            drafts.push(RowDraft { id: Some(*id), values, path: format!("{key}/{id}"), revived: true });
        }
        let place_of = |draft: &RowDraft| draft.id.and_then(|id| self.order.iter().position(|known| *known == id)).unwrap_or(usize::MAX);
        drafts.sort_by_key(place_of);
        ChildDraft::Whole(drafts)
    }
}

fn read(table: &Table, key: &Ident, json: &Json) -> Value {
    table.field(key).and_then(|field| types::read_json(&field.kind, json).ok()).unwrap_or_default()
}

/// A kept value, if there still is such a field, of such a kind, for people to fill in.
fn back(table: &Table, id: &str, json: &Json) -> Option<(Ident, Value)> {
    let field = table.fields.values().find(|field| field.id == id).filter(|field| is_kept(field) && !field.workflow)?;
    Some((field.key.clone(), types::read_json(&field.kind, json).ok()?))
}

/// The row that remembers a save.
pub(crate) fn saved(dialect: sql::Dialect, batch: Uuid, card: &Card, stored: Option<&Record>, record: &Record, kept_back: Option<Json>) -> sql::Statement {
    let before = stored.map(|stored| Before::of(card, stored, record, kept_back));
    row(dialect, batch, card, record.id, if stored.is_some() { "updated" } else { "created" }, before, record.version())
}

/// Writes down that a record went into the trash, or came out of it.
pub(crate) async fn trashed(tx: &mut Tx, batch: Uuid, card: &Card, record: Uuid, op: &'static str, trash: Option<Uuid>, version: i64) -> Result<(), UnitError> {
    tx.execute(&row(tx.dialect(), batch, card, record, op, Some(Before { trash, ..Before::default() }), version)).await?;
    Ok(())
}

fn row(dialect: sql::Dialect, batch: Uuid, card: &Card, record: Uuid, op: &'static str, before: Option<Before>, version: i64) -> sql::Statement {
    let before = before.and_then(|before| serde_json::to_string(&before).ok());
    let row = rows::BatchRow { batch, id: Uuid::now_v7(), card: card.key.as_str(), record, op, before, version };
    rows::put_row(dialect, &row)
}
