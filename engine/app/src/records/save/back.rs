//! Taking a change back: the draft is what was before, and rights are asked of what is written.

use super::*;

impl Work {
    /// The draft that brings back what was before, where that is asked for; with the places that stay as others made them.
    pub(super) async fn reverted(&self, tx: &mut Tx, stored: Option<&Record>, draft: Draft) -> Result<(Draft, Vec<String>), UnitError> {
        let (Some(revert), Some(stored)) = (&self.revert, stored) else { return Ok((draft, Vec::new())) };
        let others = batches::changed_by_others(tx, stored.id, revert.version, revert.batches).await?;
        Ok(revert.before.draft(&self.card, stored, &others.places))
    }

    /// In which rows the record as it is written must lie. What is taken back is tested here in every field, since the row
    /// it comes from may no longer be the actor's.
    pub(super) fn written_rows(&self, merged: &Merged) -> Condition {
        if self.revert.is_none() {
            return self.gated.rows();
        }
        let own = merged.changed.iter().filter(|key| self.card.table.field(key).is_some_and(|field| !field.system)).map(|key| (None, key));
        let rows = merged.rows.iter().flat_map(|((table, _), change)| match change {
            RowChange::Changed(fields) => fields.iter().map(|key| (Some(table), key)).collect(),
            RowChange::Added | RowChange::Removed => Vec::new(),
        });
        self.gated.rows_for(own.chain(rows))
    }
}
