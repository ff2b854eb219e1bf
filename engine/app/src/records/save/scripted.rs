//! What scripts need of a save: who acts on what, and the record as it would be.
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
    /// In whose name scripts run: whoever acts, also where the system does what others agreed to.
    pub(crate) fn actor(&self) -> &Actor {
        match &self.mode {
            Mode::State(StateMove { asker: Some(asker), .. }) => asker,
            _ => &self.actor,
        }
    }
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }
    pub(crate) fn outer(&self) -> Option<&Running> {
        self.outer.as_ref()
    }

    /// Whether scripts of the card run: not where things only go back to what they were.
    pub(crate) fn runs_scripts(&self) -> bool {
        !matches!(self.mode, Mode::Back(_) | Mode::Relink(_))
    }

    /// The record as it would be, with everything calculated.
    pub(crate) async fn foreseen(&self, tx: &mut Tx, stored: Option<&Record>, merged: &Merged, given: &HashSet<Touched>) -> Result<Record, UnitError> {
        let mut record = merged.record.clone();
        self.stamp(stored, &mut record);
        let Around { linked, ancestors } = gather::around(tx, &self.snapshot, &self.card, &[&record], self.actor.now).await?;
        let set = self.links_set_now(stored, &record);
        let context = Context { actor: &self.actor, linked: &linked, ancestors: &ancestors, set: &set, given };
        // What is wrong is told when the record is validated.
        self.derived(tx, stored, record, &context, &mut Vec::new()).await
    }
}
