//! What scripts and forms need of a save: who acts on what, and the record as it would be.
//!
//! **Not here:** running them (`scripts::hooks`).

use super::*;

impl Work {
    /// Set off by a script, whose budget it shares.
    pub(crate) fn set_off_by(self, running: Running) -> Self {
        Self { outer: Some(running), ..self }
    }

    pub(crate) fn card(&self) -> &Card {
        &self.card
    }
    /// In whose name scripts run: whoever acts, also where the system does what others agreed to, or moves links for them.
    pub(crate) fn actor(&self) -> &Actor {
        match &self.mode {
            Mode::State(StateMove { asker: Some(asker), .. }) => asker,
            _ => self.person.as_deref().unwrap_or(&self.actor),
        }
    }
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }
    pub(crate) fn outer(&self) -> Option<&Running> {
        self.outer.as_ref()
    }

    /// What scripts are told of why a record is saved.
    pub(crate) fn cause(&self) -> Json {
        let cause = match &self.mode {
            Mode::Back(_) | Mode::State(StateMove { back: true, .. }) => Some("undo"),
            Mode::Relink(_) => Some("merge"),
            Mode::Plain | Mode::Several(_) | Mode::Pool(_) | Mode::State(_) => None,
        };
        serde_json::json!({"cause": cause})
    }

    /// What comes back stays as it was before, whatever scripts make of it.
    pub(crate) fn keep_back(merged: &mut Merged, back: &Merged) {
        for key in &back.changed {
            merged.record.values.insert(key.clone(), back.record.get(key.as_str()).clone());
        }
        for ((table, id), change) in &back.rows {
            let was = back.record.rows(table.as_str()).iter().find(|row| row.id == *id);
            let row = merged.record.children.get_mut(table).and_then(|rows| rows.iter_mut().find(|row| row.id == *id));
            match (row, was, change) {
                (Some(row), Some(was), RowChange::Added) => row.values = was.values.clone(),
                (Some(row), Some(was), RowChange::Changed(fields)) => fields.iter().for_each(|key| drop(row.values.insert(key.clone(), value_of(&was.values, key.as_str()).clone()))),
                _ => {}
            }
        }
    }

    /// The record as it would be, with everything calculated.
    pub(crate) async fn foreseen(&self, tx: &mut Tx, stored: Option<&Record>, merged: &Merged, given: &HashSet<Touched>) -> Result<Record, UnitError> {
        let mut record = merged.record.clone();
        self.stamp(stored, &mut record);
        let Around { linked, ancestors } = gather::around(tx, &self.snapshot, &self.card, &[&record], self.actor.now).await?;
        let set = self.links_set_now(stored, &record);
        let system = self.snapshot.calculating(self.actor.now);
        let context = Context { actor: &system, linked: &linked, ancestors: &ancestors, set: &set, given };
        // What is wrong is told when the record is validated.
        self.derived(tx, stored, record, &context, &mut Vec::new()).await
    }

    /// Everything up to storing: the record as it would be, and what is wrong with it.
    pub(crate) async fn preview(&self, tx: &mut Tx, fresh: &[String]) -> Result<crate::records::preview::Preview, UnitError> {
        let (mut draft, mut violations) = draft::read(&self.card, self.catalog(), &self.body);
        let stored = self.stored(tx).await?;
        if stored.is_none() {
            self.put_defaults(&mut draft, &mut violations);
        }
        self.put_row_defaults(&mut draft, &mut violations);
        let mut merged = merge::merge(&self.card, stored.as_ref(), draft, Uuid::now_v7, &mut violations);
        merged.record.id = self.id.unwrap_or_else(Uuid::now_v7);
        self.stamp(stored.as_ref(), &mut merged.record);
        let Around { linked, ancestors } = gather::around(tx, &self.snapshot, &self.card, &[&merged.record], self.actor.now).await?;
        let mut set: HashSet<Touched> = links_set(&self.card, stored.as_ref(), &merged.record).into_iter().collect();
        let mut given = given(&merged);
        for link in fresh.iter().filter_map(|path| touched_at(&merged.record, path)) {
            let table = self.card.table_of(link.0.as_ref().map(|(table, _)| table));
            let copied = table.into_iter().flat_map(|table| table.own_fields()).filter(|field| field.copied_from() == Some(&link.1));
            for field in copied {
                given.remove(&(link.0.clone(), field.key.clone()));
            }
            set.insert(link);
        }
        let system = self.snapshot.calculating(self.actor.now);
        let context = Context { actor: &system, linked: &linked, ancestors: &ancestors, set: &set, given: &given };
        let record = derive::derive(&self.snapshot, &self.card, merged.record.clone(), &context, &mut violations);
        let violations = self.at_their_places(&merged, violations);
        Ok(crate::records::preview::Preview { record, violations })
    }
}
