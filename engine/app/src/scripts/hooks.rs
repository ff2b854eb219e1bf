//! Scripts of a card that run when a record is saved.
//!
//! **Invariants**
//! - Before: on the record with everything calculated; what is set goes through reading, calculating and validating
//!   like what a client sent, without asking for rights on fields: a script is part of the definitions.
//! - After: in the same transaction, the record only read.
//! - They run however a record is saved: where a batch is taken back and where merging moves links, too. A record that
//!   nobody touched since comes back as it was; only places beside those are the script's to set.

use std::collections::HashSet;

use model::{Hook, Record, Violation};
use serde_json::Value as Json;
use store::Tx;
use uuid::Uuid;

use super::{ScriptUse, run_within};
use crate::{UnitError, records::{draft, merge::{self, Merged, RowChange}, save::{Touched, Work}}};

impl Work {
    fn has_hooks(&self, hook: Hook) -> bool {
        self.card().hooks.iter().any(|(known, _)| *known == hook)
    }

    /// Runs what comes before a save; the record has what was set, and `given` knows the places. `back` is what comes back
    /// as it was.
    pub(crate) async fn before_save(&self, tx: &mut Tx, (stored, back): (Option<&Record>, Option<&Merged>), merged: &mut Merged, given: &mut HashSet<Touched>, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        if !self.has_hooks(Hook::BeforeSave) {
            return Ok(());
        }
        for (_, script) in self.card().hooks.iter().filter(|(hook, _)| *hook == Hook::BeforeSave) {
            let record = self.foreseen(tx, stored, merged, given).await?;
            let usage = ScriptUse { script, card: self.card(), record: Some(&record), before: stored, may_set: true, event: "before_save", given: self.cause() };
            let changes = run_within(tx, self.home(), self.actor(), usage, self.outer()).await?;
            if !changes.body.is_empty() {
                self.take_changes(tx, changes.body, merged, given, violations).await?;
                back.into_iter().for_each(|back| Self::keep_back(merged, back));
            }
        }
        Ok(())
    }

    /// What a script set, laid over the record as a client's would be.
    pub(crate) async fn take_changes(&self, tx: &mut Tx, body: serde_json::Map<String, Json>, merged: &mut Merged, given: &mut HashSet<Touched>, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        let (draft, found) = draft::read(self.card(), self.catalog(), &body);
        violations.extend(found);
        let draft = self.with_lookups(tx, draft, violations).await?;
        let laid = merge::merge(self.card(), Some(&merged.record), draft, Uuid::now_v7, violations);
        given.extend(laid.changed.iter().map(|key| (None, key.clone())));
        for ((table, id), change) in laid.rows {
            let fields = match &change {
                RowChange::Changed(fields) => fields.clone(),
                RowChange::Added => laid.record.rows(table.as_str()).iter().find(|row| row.id == id).map(|row| row.values.keys().cloned().collect()).unwrap_or_default(),
                RowChange::Removed => Vec::new(),
            };
            given.extend(fields.into_iter().map(|key| (Some((table.clone(), id)), key)));
            match (merged.rows.get(&(table.clone(), id)), &change) {
                (Some(RowChange::Added), RowChange::Removed) => drop(merged.rows.shift_remove(&(table, id))),
                (Some(_), RowChange::Changed(_)) => {}
                _ => drop(merged.rows.insert((table, id), change)),
            }
        }
        merged.record = laid.record;
        Ok(())
    }

    /// Runs what comes after a save.
    pub(crate) async fn after_save(&self, tx: &mut Tx, stored: Option<&Record>, record: &Record) -> Result<(), UnitError> {
        if !self.has_hooks(Hook::AfterSave) {
            return Ok(());
        }
        for (_, script) in self.card().hooks.iter().filter(|(hook, _)| *hook == Hook::AfterSave) {
            let usage = ScriptUse { script, card: self.card(), record: Some(record), before: stored, may_set: false, event: "after_save", given: self.cause() };
            run_within(tx, self.home(), self.actor(), usage, self.outer()).await?;
        }
        Ok(())
    }
}
