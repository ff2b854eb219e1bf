//! The same request twice: the answer is kept with the change it tells of.

use super::*;

impl Work {
    /// The answer that was given to the same key before.
    pub(super) async fn replay(&self, tx: &mut Tx) -> Result<Option<Saved>, UnitError> {
        let (Some(key), Some(user)) = (&self.options.idempotency_key, self.actor.user) else { return Ok(None) };
        if tx.dialect() == sql::Dialect::Postgres {
            tx.fetch(&system::hold_key(user, key)).await?;
        }
        let rows = tx.fetch(&system::idempotent(tx.dialect(), user, key)).await?;
        let Some(Ok([Datum::Bytes(fingerprint), Datum::Integer(version), Datum::Text(id)])) = rows.into_iter().next().map(<[Datum; 3]>::try_from) else { return Ok(None) };
        if fingerprint != self.fingerprint() {
            return Err(AppError::rejected(Violation::new("", Code::Schema).with("detail", "this Idempotency-Key was used for another request")).into());
        }
        let id = Uuid::try_parse(&id).map_err(|error| AppError::Internal(error.to_string()))?;
        Ok(Some(Saved { id, version, warnings: Vec::new(), merged: false, replayed: true, changed: false, left: Vec::new() }))
    }

    pub(super) fn fingerprint(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(self.card.key.as_str());
        hash.update(self.id.map(|id| id.to_string()).unwrap_or_default());
        hash.update(Json::Object(self.body.clone()).to_string());
        hash.finalize().to_vec()
    }

    pub(super) async fn remember(&self, tx: &mut Tx, saved: &Saved) -> Result<(), UnitError> {
        let (Some(key), Some(user)) = (&self.options.idempotency_key, self.actor.user) else { return Ok(()) };
        let kept = system::put_idempotent(tx.dialect(), user, key, self.fingerprint(), saved.version, &saved.id.to_string(), self.actor.now);
        tx.execute(&kept).await?;
        Ok(())
    }
}
