//! Changes past the gate.

use std::sync::Arc;

use model::{ActionName, Card, Catalog, Condition, Ident};

use crate::{Actor, Denied, Gate, Readable, gate};

/// The right to change records of one card with one action. Only the gate makes one.
#[derive(Debug, Clone)]
pub struct GatedWrite {
    gate: Gate,
    assign: Option<Condition>,
}

impl GatedWrite {
    /// The card.
    pub fn card(&self) -> &Arc<Card> {
        &self.gate.card
    }
    /// Which rows may be written: tested on the stored row, on the new one, or on both.
    pub fn rows(&self) -> Condition {
        self.gate.rows()
    }
    /// Which rows may be written in all these fields, each by a grant that admits the row and lets the field be changed.
    /// Tested where fields were set: on the stored row, and on the new one.
    pub fn rows_for<'f>(&self, fields: impl IntoIterator<Item = (Option<&'f Ident>, &'f Ident)>) -> Condition {
        let mut all: Vec<Condition> = Vec::new();
        for (child, field) in fields {
            match self.gate.editable(child, field) {
                Readable::Always => {}
                Readable::Never => return Condition::never(),
                Readable::When(rows) if all.contains(&rows) => {}
                Readable::When(rows) => all.push(rows),
            }
        }
        all.into_iter().fold(self.rows(), Condition::and)
    }
    /// In which rows a field may be written.
    pub fn editable(&self, child: Option<&Ident>, field: &Ident) -> Readable {
        self.gate.editable(child, field)
    }
    /// Whether records may be given to other owners and org units.
    pub fn may_assign(&self) -> bool {
        self.assign.is_some()
    }
    /// Which rows may be given to other owners and org units, tested on the stored row.
    pub fn assigned_rows(&self) -> Condition {
        self.assign.clone().unwrap_or_else(Condition::never)
    }
    /// What no change may carry a record out of, not even by giving it to somebody else.
    pub fn bounds(&self) -> Condition {
        self.gate.bounds.clone()
    }
}

/// Opens the gate of a change, or says why not.
pub fn gate_write(catalog: &Catalog, actor: &Actor, card: &Arc<Card>, action: ActionName) -> Result<GatedWrite, Denied> {
    if card.builtin {
        return Err(Denied::Action { action: crate::gate::word(action), card: card.labels.or_key(&actor.lang, card.key.as_str()) });
    }
    let opened = gate(catalog, actor, card, action)?;
    let assign = gate(catalog, actor, card, ActionName::Assign).ok().map(|gate| gate.rows());
    Ok(GatedWrite { gate: opened, assign })
}
