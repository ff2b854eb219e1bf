//! Links to records that were merged, moved to the one they were merged into: and nothing else.

use super::*;

/// Which links move, and where to.
#[derive(Debug, Clone)]
pub(crate) struct Relink {
    /// The card.
    pub card: Ident,
    /// The merged records.
    pub from: Vec<Uuid>,
    /// The one they were merged into.
    pub to: Uuid,
}

impl Relink {
    /// The value with links moved; nothing if none points to a merged record.
    fn moved(&self, field: &Field, value: &Value, own: Uuid) -> Option<Value> {
        let is_from = |id: &Uuid| self.from.contains(id);
        // A record never comes to point to itself by this.
        let to = || if own == self.to { Value::Empty } else { Value::Id(self.to) };
        match (&field.kind, value) {
            (FieldKind::Link(link), Value::Id(id)) if link.target == self.card && is_from(id) => Some(to()),
            (FieldKind::Link(link), Value::Ids(ids)) if link.target == self.card && ids.iter().any(is_from) => {
                let mut kept: Vec<Uuid> = Vec::new();
                for id in ids.iter().map(|id| if is_from(id) { self.to } else { *id }).filter(|id| *id != own) {
                    if !kept.contains(&id) {
                        kept.push(id);
                    }
                }
                Some(if kept.is_empty() { Value::Empty } else { Value::Ids(kept) })
            }
            (FieldKind::AnyLink { .. }, Value::AnyId { card, id }) if *card == self.card && is_from(id) => {
                Some(if own == self.to { Value::Empty } else { Value::AnyId { card: card.clone(), id: self.to } })
            }
            _ => None,
        }
    }

    /// The draft that moves every such link of a record.
    pub(super) fn draft(&self, card: &Card, stored: &Record, draft: &mut Draft) {
        for field in card.table.own_fields().filter(|field| !field.is_kept()) {
            if let Some(value) = self.moved(field, stored.get(field.key.as_str()), stored.id) {
                draft.values.insert(field.key.clone(), value);
            }
        }
        for (key, table) in &card.children {
            let mut change = Vec::new();
            for row in stored.rows(key.as_str()) {
                let moved = table.own_fields().filter(|field| !field.is_kept()).filter_map(|field| Some((field.key.clone(), self.moved(field, value_of(&row.values, field.key.as_str()), stored.id)?)));
                let values: model::Values = moved.collect();
                if !values.is_empty() {
                    change.push(draft::RowDraft { id: Some(row.id), values, path: format!("{key}/{}", row.id), revived: false });
                }
            }
            if !change.is_empty() {
                draft.children.insert(key.clone(), draft::ChildDraft::Parts { add: Vec::new(), change, remove: Vec::new() });
            }
        }
    }
}
