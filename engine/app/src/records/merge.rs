//! A draft laid over what is stored: the record as it will be, and which fields that changes.
//!
//! **Invariants**
//! - A field counts as changed only if its value differs; sending back what was read changes nothing.
//! - Edits of different fields merge; the same field changed by both is a conflict that names both values.

use std::collections::HashSet;

use indexmap::IndexMap;
use model::{Card, Code, Ident, Record, Row, Violation, record::value_of, types};
use uuid::Uuid;

use super::draft::{ChildDraft, Draft, RowDraft};
use crate::error::StaleField;

/// The record as it will be, and where it differs from what is stored.
#[derive(Debug, Clone, Default)]
pub struct Merged {
    /// The record as it will be.
    pub record: Record,
    /// Own fields that people changed.
    pub changed: Vec<Ident>,
    /// Child rows: (table, row id) → what happened.
    pub rows: IndexMap<(Ident, Uuid), RowChange>,
    /// Where each row of the body went: `lines/add/0` → `lines/3`, so that violations name places people know.
    pub places: Vec<(String, String)>,
}

/// What happened to a child row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    /// It is new.
    Added,
    /// These fields changed.
    Changed(Vec<Ident>),
    /// It is gone.
    Removed,
}

impl Merged {
    /// Every changed place: `total`, `lines/ROW-ID/price`, `lines/ROW-ID` for new and removed rows.
    pub fn changed_paths(&self) -> Vec<String> {
        let own = self.changed.iter().map(Ident::to_string);
        let rows = self.rows.iter().flat_map(|((table, id), change)| match change {
            RowChange::Changed(fields) => fields.iter().map(|field| format!("{table}/{id}/{field}")).collect(),
            RowChange::Added | RowChange::Removed => vec![format!("{table}/{id}")],
        });
        own.chain(rows).collect()
    }
    /// Whether anything differs.
    pub fn is_change(&self) -> bool {
        !self.changed.is_empty() || !self.rows.is_empty()
    }
}

/// Lays `draft` over `stored` (`None` for a new record).
pub fn merge(card: &Card, stored: Option<&Record>, draft: Draft, new_id: impl Fn() -> Uuid, violations: &mut Vec<Violation>) -> Merged {
    let mut merged = Merged { record: stored.cloned().unwrap_or_default(), ..Merged::default() };
    for (key, value) in draft.values {
        if merged.record.get(key.as_str()) != &value {
            merged.changed.push(key.clone());
            merged.record.values.insert(key, value);
        }
    }
    for (table, change) in draft.children {
        if card.children.contains_key(&table) {
            merge_rows(&mut merged, table, change, &new_id, violations);
        }
    }
    merged
}

fn merge_rows(merged: &mut Merged, table: Ident, change: ChildDraft, new_id: &impl Fn() -> Uuid, violations: &mut Vec<Violation>) {
    let stored = merged.record.children.shift_remove(&table).unwrap_or_default();
    let rows = match change {
        ChildDraft::Whole(rows) => {
            let kept: HashSet<Uuid> = rows.iter().filter_map(|row| row.id).collect();
            for row in stored.iter().filter(|row| !kept.contains(&row.id)) {
                merged.rows.insert((table.clone(), row.id), RowChange::Removed);
            }
            rows.into_iter().enumerate().map(|(index, row)| place(merged, &table, &stored, row, index, new_id, violations)).collect()
        }
        ChildDraft::Parts { add, change, remove } => {
            let mut rows = stored.clone();
            for id in remove.iter().filter(|id| stored.iter().any(|row| row.id == **id)) {
                rows.retain(|row| row.id != *id);
                merged.rows.insert((table.clone(), *id), RowChange::Removed);
            }
            for row in change {
                let index = row.id.and_then(|id| rows.iter().position(|known| known.id == id));
                match index {
                    Some(index) => rows[index] = place(merged, &table, &stored, row, index, new_id, violations),
                    None => violations.push(Violation::new(row.path, Code::Row)),
                }
            }
            for row in add {
                let index = rows.len();
                rows.push(place(merged, &table, &stored, RowDraft { id: None, ..row }, index, new_id, violations));
            }
            rows
        }
    };
    let moved = rows.iter().map(|row| row.id).ne(stored.iter().map(|row| row.id).filter(|id| rows.iter().any(|row| row.id == *id)));
    if moved {
        // A new order alone is a change too: it is written with the rows' positions.
        for row in rows.iter().filter(|row| stored.iter().any(|known| known.id == row.id)) {
            merged.rows.entry((table.clone(), row.id)).or_insert_with(|| RowChange::Changed(Vec::new()));
        }
    }
    merged.record.children.insert(table, rows);
}

fn place(merged: &mut Merged, table: &Ident, stored: &[Row], draft: RowDraft, index: usize, new_id: &impl Fn() -> Uuid, violations: &mut Vec<Violation>) -> Row {
    merged.places.push((draft.path.clone(), format!("{table}/{index}")));
    let known = draft.id.and_then(|id| stored.iter().find(|row| row.id == id));
    let mut row = match (known, draft.id) {
        (Some(known), _) => known.clone(),
        (None, None) => Row { id: new_id(), ..Row::default() },
        (None, Some(id)) if draft.revived => Row { id, ..Row::default() },
        (None, Some(_)) => {
            // A row somebody else removed meanwhile, or an id that never was.
            violations.push(Violation::new(format!("{table}/{index}"), Code::Row));
            Row { id: new_id(), ..Row::default() }
        }
    };
    let mut changed = Vec::new();
    for (key, value) in draft.values {
        if value_of(&row.values, key.as_str()) != &value {
            changed.push(key.clone());
            row.values.insert(key, value);
        }
    }
    match known {
        None => {
            merged.rows.insert((table.clone(), row.id), RowChange::Added);
        }
        Some(_) if !changed.is_empty() => {
            merged.rows.insert((table.clone(), row.id), RowChange::Changed(changed));
        }
        Some(_) => {}
    }
    row
}

/// Which places both sides changed. `theirs` are the changed paths of the audit rows since the version the client read.
pub fn conflicts(card: &Card, stored: &Record, merged: &Merged, theirs: &HashSet<String>) -> Vec<StaleField> {
    let mut found = Vec::new();
    for path in merged.changed_paths() {
        let row_gone = path.split('/').take(2).collect::<Vec<_>>().join("/");
        let changed = theirs.contains(&path) || (path.contains('/') && theirs.contains(&row_gone));
        if !changed {
            continue;
        }
        let (yours, current) = (json_at(card, &merged.record, &path), json_at(card, stored, &path));
        if yours != current {
            found.push(StaleField { path, theirs: current, yours });
        }
    }
    found
}

fn json_at(card: &Card, record: &Record, path: &str) -> serde_json::Value {
    let steps: Vec<&str> = path.split('/').collect();
    match steps.as_slice() {
        [key] => card.field(key).map_or(serde_json::Value::Null, |field| types::to_json(&field.kind, record.get(key))),
        [table, id, rest @ ..] => {
            let row = record.rows(table).iter().find(|row| row.id.to_string() == **id);
            let field = rest.first().and_then(|key| card.children.get(*table)?.fields.get(*key));
            match (row, field) {
                (Some(row), Some(field)) => types::to_json(&field.kind, value_of(&row.values, field.key.as_str())),
                (Some(_), None) => serde_json::Value::Bool(true),
                (None, _) => serde_json::Value::Null,
            }
        }
        [] => serde_json::Value::Null,
    }
}

