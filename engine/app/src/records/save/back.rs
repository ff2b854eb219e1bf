//! Drafts that depend on what is stored: what was before a batch, values added or taken out, an owner from the pool.

use super::*;

impl Work {
    /// The draft as the mode makes it; with the places that stay as others made them since, and whether a record is taken
    /// back that nobody touched since.
    pub(super) async fn moded(&self, tx: &mut Tx, stored: Option<&Record>, mut draft: Draft) -> Result<(Draft, Vec<String>, bool), UnitError> {
        let Some(stored) = stored else { return Ok((draft, Vec::new(), false)) };
        match &self.mode {
            Mode::Plain => {}
            Mode::Back(revert) => {
                let others = batches::changed_by_others(tx, stored.id, revert.version, revert.batches).await?;
                let (draft, left) = revert.before.draft(&self.card, stored, &others.places);
                return Ok((draft, left, others.places.is_empty()));
            }
            Mode::Several(several) => {
                for change in several {
                    let Some(field) = self.card.table.field(&change.field) else { continue };
                    let value = change.on(stored.get(change.field.as_str()));
                    // Read anew: choices stand in the order of their options, nothing twice, none is empty.
                    draft.values.insert(change.field.clone(), types::read_json(&field.kind, &types::to_json(&field.kind, &value)).unwrap_or(value));
                }
            }
            Mode::State(state) => self.move_state(tx, stored, state, &mut draft).await?,
            Mode::Pool(way) => self.move_owner(tx, stored, way, &mut draft).await?,
            Mode::Relink(relink) => relink.draft(&self.card, stored, &mut draft),
        }
        Ok((draft, Vec::new(), false))
    }

    /// In which rows the record as it is written must lie. What is taken back is tested here in every field, since the row
    /// it comes from may no longer be the actor's.
    pub(super) fn written_rows(&self, merged: &Merged) -> Condition {
        if !self.is_back() {
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

impl Several {
    /// The value of a field with these added or taken out.
    fn on(&self, stored: &Value) -> Value {
        fn merged<T: Clone + PartialEq>(stored: &[T], values: &[T], add: bool) -> Vec<T> {
            let kept = stored.iter().filter(|known| add || !values.contains(known)).cloned();
            let new = values.iter().filter(|value| add && !stored.contains(value)).cloned();
            kept.chain(new).collect()
        }
        match (stored, &self.values) {
            (Value::Texts(stored), Value::Texts(values)) => Value::Texts(merged(stored, values, self.add)),
            (Value::Ids(stored), Value::Ids(values)) => Value::Ids(merged(stored, values, self.add)),
            (Value::Empty, values) if self.add => values.clone(),
            (stored, _) => stored.clone(),
        }
    }
}
