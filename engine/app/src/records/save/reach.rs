//! What is stored now, whether the actor may change it, and whether it is what the client read.

use super::*;

impl Work {
    /// What is stored now, held until the end of the transaction, if the actor may change it.
    pub(super) async fn stored(&self, tx: &mut Tx) -> Result<Option<Record>, UnitError> {
        let Some(id) = self.id else { return Ok(None) };
        // Who only looks keeps nobody waiting.
        let stored = match self.options.dry_run {
            true => load::record(&mut Source::Tx(tx), self.catalog(), &self.card, id, self.actor.now).await?,
            false => load::held(tx, self.catalog(), &self.card, id, self.actor.now).await?,
        };
        let alive = stored.filter(|record| record.get("trashed_at").is_empty());
        let Some(record) = alive else { return Err(AppError::not_found("record").into()) };
        // What is taken back must be the actor's to change as it was before: tested on the row that is written.
        if !self.is_back() && !self.admits(tx, id, &self.reached_by()).await? {
            if let Mode::Pool(Move::Claim) = self.mode {
                self.say_claimed(tx, &record).await?;
            }
            return Err(self.refusal(tx, id).await?.into());
        }
        Ok(Some(record))
    }

    pub(super) async fn admits(&self, tx: &mut Tx, id: Uuid, rows: &Condition) -> Result<bool, UnitError> {
        if rows.is_always() {
            return Ok(true);
        }
        let lowered = select::matching(self.catalog(), tx.dialect(), &self.card.table.reference(), &[id], rows);
        Ok(!tx.fetch(&lowered.statement).await?.is_empty())
    }

    /// A record that may be read but not changed is forbidden; one that may not be read is not there.
    pub(super) async fn refusal(&self, tx: &mut Tx, id: Uuid) -> Result<AppError, UnitError> {
        let readable = match access::gate(self.catalog(), &self.actor, &self.card, ActionName::Read) {
            Ok(gate) => self.admits(tx, id, &gate.rows()).await?,
            Err(_) => false,
        };
        Ok(if readable { AppError::forbidden("you may not change this record") } else { AppError::not_found("record") })
    }

    /// A stale version is no conflict unless the same places changed on both sides.
    pub(super) async fn check_version(&self, tx: &mut Tx, stored: Option<&Record>, merged: &Merged, read: Option<i64>) -> Result<bool, UnitError> {
        let (Some(stored), Some(read)) = (stored, read) else { return Ok(false) };
        if read >= stored.version() {
            return Ok(false);
        }
        if self.options.over == Some(stored.version()) {
            return Ok(true);
        }
        let rows = tx.fetch(&system::changed_since(tx.dialect(), stored.id, read)).await?;
        let theirs: HashSet<String> = rows
            .into_iter()
            .flatten()
            .filter_map(|datum| match datum {
                Datum::Text(fields) => serde_json::from_str::<Vec<String>>(&fields).ok(),
                _ => None,
            })
            .flatten()
            .map(|path| told::by_keys(&self.card, &path))
            .collect();
        let fields = merge::conflicts(&self.card, stored, merged, &theirs);
        if fields.is_empty() {
            return Ok(true);
        }
        let history = tx.fetch(&system::history(tx.dialect(), stored.id, 1)).await?;
        let (changed_at, changed_by) = match history.into_iter().next().as_deref() {
            Some([Datum::Instant(at), _, Datum::Text(name), ..]) => (Some(*at), Some(name.clone())),
            Some([Datum::Instant(at), ..]) => (Some(*at), None),
            _ => (None, None),
        };
        Err(AppError::Stale(Box::new(Stale { version: stored.version(), changed_by, changed_at, fields })).into())
    }
}
