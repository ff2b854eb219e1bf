//! Since when a calculated value is what it is: since the newest change of what it is made of.

use std::collections::HashSet;

use super::*;

impl Asking<'_> {
    /// When the newest of the linked records that were read was changed.
    pub(super) async fn newest_linked(&self, inputs: &[Input]) -> Result<Option<DateTime<Utc>>, AppError> {
        let mut newest = None;
        for input in inputs {
            let Ok(path) = path::resolve(&self.snapshot.catalog, &self.table.reference(), &input.name) else { continue };
            let Some((card, id, _)) = self.link(&path) else { continue };
            newest = newest.max(self.changed(&card, id).await?);
        }
        Ok(newest)
    }

    async fn changed(&self, card: &Ident, id: Uuid) -> Result<Option<DateTime<Utc>>, AppError> {
        let Ok(leaf) = Ident::new("updated_at") else { return Ok(None) };
        let work = Arc::new((self.snapshot.clone(), card.clone(), Path::own(TableRef::card(card), leaf), self.actor.now));
        let found = self.app.store.look(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move { gather::fetch(tx, &work.0.catalog, &work.1, &[id], std::slice::from_ref(&work.2), work.3).await })
        });
        let found = found.await.map_err(|error: UnitError| error.error)?;
        Ok(found.first().and_then(|(_, values)| values.first()?.as_instant()))
    }

    /// When the newest of the rows was changed that are added up in own fields a formula reads, however many formulas lie
    /// between.
    pub(super) async fn newest_behind(&self, names: &[String]) -> Result<Option<DateTime<Utc>>, AppError> {
        let (mut open, mut seen, mut newest) = (names.to_vec(), HashSet::new(), None);
        let gate = access::gate(&self.snapshot.catalog, self.actor, self.card, ActionName::Read)?;
        while let Some(name) = open.pop() {
            let Some(field) = self.table.fields.get(name.as_str()).filter(|_| seen.insert(name.clone())) else { continue };
            // What stands behind a field that may not be read is not told of.
            if gate.readable(self.table.child.as_ref(), &field.key) == access::Readable::Never {
                continue;
            }
            match &field.source {
                FieldSource::Rollup(rollup) => {
                    let RowSource::Pointing { table, by } = &rollup.rows else { continue };
                    let nothing = HashMap::new();
                    let condition = rollup.condition.as_ref().map(|condition| with_facts(condition, &self.facts(&nothing), self.place));
                    newest = newest.max(self.counted(table, by, condition.as_ref()).await?.1);
                }
                FieldSource::Computed { .. } => {
                    let formulas = self.snapshot.formulas(&self.card.key, self.table.child.as_ref());
                    open.extend(formulas.iter().find(|(of, _)| *of == field.key).and_then(|(_, formula)| formula.as_ref().ok()).map(|formula| formula.names().to_vec()).unwrap_or_default());
                }
                FieldSource::Entered | FieldSource::Live { .. } | FieldSource::Snapshot { .. } => {}
            }
        }
        Ok(newest)
    }
}
