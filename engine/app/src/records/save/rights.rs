//! Fields that the engine keeps, and fields that the actor may not change.

use super::*;

impl Work {
    /// Fields that are never set by hand, and those the actor may not change.
    pub(super) async fn check_rights(&self, tx: &mut Tx, stored: Option<&Record>, merged: &mut Merged, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        let mut touched: Vec<(Option<Ident>, Ident, String)> = merged.changed.iter().map(|key| (None, key.clone(), key.to_string())).collect();
        for ((table, row), change) in &merged.rows {
            let rows = merged.record.rows(table.as_str());
            let index = rows.iter().position(|known| known.id == *row).unwrap_or(0);
            let fields: Vec<Ident> = match change {
                RowChange::Changed(fields) => fields.clone(),
                RowChange::Added => rows.get(index).map(|row| row.values.keys().cloned().collect()).unwrap_or_default(),
                RowChange::Removed => Vec::new(),
            };
            touched.extend(fields.into_iter().map(|key| (Some(table.clone()), key.clone(), format!("{table}/{index}/{key}"))));
        }
        for (child, key, path) in touched {
            let Some(field) = self.card.table_of(child.as_ref()).and_then(|table| table.field(&key)) else { continue };
            if let Some(code) = self.refused(tx, stored, child.as_ref(), field, merged).await? {
                violations.push(Violation::new(path, code));
            }
        }
        Ok(())
    }

    pub(super) async fn refused(&self, tx: &mut Tx, stored: Option<&Record>, child: Option<&Ident>, field: &Field, merged: &Merged) -> Result<Option<Code>, UnitError> {
        if field.system && matches!(self.mode, Mode::Pool(_)) {
            return Ok(None);
        }
        if field.system {
            // A new record belongs to its maker without asking; giving it to another is assigning.
            let own = stored.is_none()
                && match field.key.as_str() {
                    "owner" => merged.record.get("owner").as_id() == self.actor.user,
                    _ => merged.record.get(field.key.as_str()).as_id() == self.actor.org_unit,
                };
            return Ok((!own && !self.gated.may_assign()).then_some(Code::Forbidden));
        }
        let by_engine = stored.is_none() && (field.workflow || field.default.is_some());
        if self.is_back() && field.copied_from().is_some() {
            return Ok(None);
        }
        if !field.is_editable() && !by_engine && !self.actor.is_unbounded_system() {
            return Ok(Some(Code::ReadOnly));
        }
        match self.gated.editable(child, &field.key) {
            Readable::Always => Ok(None),
            Readable::Never if by_engine => Ok(None),
            Readable::Never => Ok(Some(Code::Forbidden)),
            Readable::When(_) if self.is_back() => Ok(None),
            Readable::When(rows) => match stored {
                Some(stored) if !self.admits(tx, stored.id, &rows).await? => Ok(Some(Code::Forbidden)),
                _ => Ok(None),
            },
        }
    }

    /// A change of owner or org unit by those who may assign tests only the old row.
    pub(super) fn is_assignment(&self, stored: Option<&Record>, merged: &Merged) -> bool {
        if let Mode::Pool(_) = self.mode {
            return true;
        }
        stored.is_some() && !self.is_back() && self.gated.may_assign() && merged.changed.iter().any(|key| matches!(key.as_str(), "owner" | "org_unit"))
    }
}
