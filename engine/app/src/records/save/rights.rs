//! Fields that the engine keeps, and fields that the actor may not change.

use std::collections::BTreeSet;

use model::eval::{Place, holds};

use super::*;

impl Work {
    /// Fields that are never set by hand, and those the actor may not change.
    pub(super) async fn check_rights(&self, tx: &mut Tx, stored: Option<&Record>, merged: &mut Merged, defaults: &[String], violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        let mut touched: Vec<(Option<Ident>, Ident, String)> = merged.changed.iter().map(|key| (None, key.clone(), key.to_string())).collect();
        for ((table, row), change) in &merged.rows {
            let rows = merged.record.rows(table.as_str());
            let index = rows.iter().position(|known| known.id == *row).unwrap_or(0);
            let fields: Vec<Ident> = match change {
                RowChange::Changed(fields) => fields.clone(),
                RowChange::Added => rows.get(index).map(|row| row.values.keys().cloned().collect()).unwrap_or_default(),
                // What a dated link led to is taken away by whoever may change the link.
                RowChange::Removed => self.card.table.fields.values().filter(|field| field.is_dated() && model::build::dated::table_of(&field.key).as_ref() == Some(table)).map(|field| field.key.clone()).collect(),
            };
            touched.extend(fields.into_iter().map(|key| (Some(table.clone()), key.clone(), format!("{table}/{index}/{key}"))));
        }
        let by_default: HashSet<String> = defaults.iter().map(|place| at_its_place(merged, place)).collect();
        for (child, key, path) in touched {
            let Some(field) = self.card.table_of(child.as_ref()).and_then(|table| table.field(&key)) else { continue };
            if let Some(code) = self.refused(tx, stored, child.as_ref(), field, merged, by_default.contains(&path)).await? {
                let violation = Violation::new(path, code);
                violations.push(if code == Code::State { violation.with("transitions", self.transitions_of(&key)) } else { violation });
            }
        }
        self.check_removed(tx, stored, merged, violations).await?;
        self.check_asked(&merged.record, violations);
        self.check_applied(tx, stored, merged, violations).await
    }

    /// Rows are taken away by who may change something of them: a table one only reads stays as it is.
    async fn check_removed(&self, tx: &mut Tx, stored: Option<&Record>, merged: &Merged, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        let tables: BTreeSet<&Ident> = merged.rows.iter().filter(|(_, change)| matches!(change, RowChange::Removed)).map(|((table, _), _)| table).collect();
        if tables.is_empty() {
            return Ok(());
        }
        let dated: Vec<Ident> = self.card.table.fields.values().filter(|field| field.is_dated()).filter_map(|field| model::build::dated::table_of(&field.key)).collect();
        for table in tables.into_iter().filter(|table| !dated.contains(table)) {
            let entered = self.card.children.get(table).into_iter().flat_map(|rows| rows.own_fields()).filter(|field| field.is_editable());
            let (mut any, mut may) = (false, false);
            for field in entered {
                any = true;
                if self.refused(tx, stored, Some(table), field, merged, false).await?.is_none() {
                    may = true;
                    break;
                }
            }
            if any && !may {
                violations.push(Violation::new(table.as_str(), Code::Forbidden));
            }
        }
        Ok(())
    }

    pub(super) async fn refused(&self, tx: &mut Tx, stored: Option<&Record>, child: Option<&Ident>, field: &Field, merged: &Merged, by_engine: bool) -> Result<Option<Code>, UnitError> {
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
            let may_assign = self.gated.may_assign()
                && match stored {
                    // What is taken back is tested on the row that comes back.
                    Some(stored) if !self.is_back() => self.admits(tx, stored.id, &self.gated.assigned_rows()).await?,
                    _ => true,
                };
            return Ok((!own && !may_assign).then_some(Code::Forbidden));
        }
        if field.workflow {
            return Ok(self.state_refused(stored, field, merged));
        }
        if self.is_back() && field.copied_from().is_some() && !field.is_kept() {
            return Ok(None);
        }
        // What scripts set goes back with the change that they ran for.
        if !field.is_editable() && !by_engine && !self.is_back() && !self.actor.is_unbounded_system() {
            return Ok(Some(Code::ReadOnly));
        }
        // Where a record was entered from it stays, but for what was never entered from anywhere.
        if field.fixed && !self.actor.is_unbounded_system() && stored.is_some_and(|stored| !stored.get(field.key.as_str()).is_empty()) {
            return Ok(Some(Code::Fixed));
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

    /// Fields that cannot be changed while their condition holds: as stored, and as it will be.
    pub(super) fn check_locked(&self, stored: Option<&Record>, merged: &Merged, facts: &DraftFacts<'_>, violations: &mut Vec<Violation>) {
        let Some(stored) = stored else { return };
        self.check_state_locks(stored, merged, violations);
        let before = DraftFacts { record: stored, ..*facts };
        let locked = |field: &Field, was: &Place, is: &Place| field.read_only_when.as_ref().is_some_and(|when| holds(when, was, &before) && holds(when, is, facts));
        for field in merged.changed.iter().filter_map(|key| self.card.field(key.as_str())) {
            if locked(field, &Place::Record, &Place::Record) {
                violations.push(Violation::new(field.key.as_str(), Code::ReadOnly));
            }
        }
        for ((table, id), change) in &merged.rows {
            let (RowChange::Changed(fields), Some(of)) = (change, self.card.children.get(table)) else { continue };
            let owner = Some((table.clone(), *id));
            let (was, is) = (place_of(stored, owner.as_ref()), place_of(&merged.record, owner.as_ref()));
            let Place::Row { index, .. } = &is else { continue };
            for field in fields.iter().filter_map(|key| of.field(key)).filter(|field| locked(field, &was, &is)) {
                violations.push(Violation::new(format!("{table}/{index}/{}", field.key), Code::ReadOnly));
            }
        }
    }

    /// A change of owner or org unit by those who may assign tests only the old row.
    pub(super) fn is_assignment(&self, stored: Option<&Record>, merged: &Merged) -> bool {
        if let Mode::Pool(_) | Mode::State(_) = self.mode {
            return true;
        }
        stored.is_some() && !self.is_back() && self.gated.may_assign() && merged.changed.iter().any(|key| matches!(key.as_str(), "owner" | "org_unit"))
    }
}

/// Where a place of the body went: `lines/add/0/price` → `lines/3/price`.
fn at_its_place(merged: &Merged, place: &str) -> String {
    let row = place.rsplit_once('/').and_then(|(row, key)| Some((merged.places.iter().find(|(body, _)| body == row)?, key)));
    row.map_or_else(|| place.to_owned(), |((_, place), key)| format!("{place}/{key}"))
}
