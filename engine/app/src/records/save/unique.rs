//! Values that only one record may have.

use super::*;

impl Work {
    /// Sets of fields that are unique: asked ahead, where all violations shall come at once; the index is the backstop.
    pub(super) async fn check_unique(&self, tx: &mut Tx, stored: Option<&Record>, record: &Record, violations: &mut Vec<Violation>) -> Result<(), UnitError> {
        for set in &self.card.unique {
            let changed = stored.is_none_or(|stored| set.iter().any(|key| stored.get(key.as_str()) != record.get(key.as_str())));
            // A number that was just given cannot be taken.
            let is_number = stored.is_none() && self.card.numbering.as_ref().is_some_and(|numbering| set.as_slice() == std::slice::from_ref(&numbering.field)) && self.body.get(set[0].as_str()).is_none();
            if !changed || is_number || !self.asks_ahead {
                continue;
            }
            let Some(statement) = write::same_values(self.catalog(), tx.dialect(), &self.card.table, record, set) else { continue };
            if !tx.fetch(&statement).await?.is_empty() {
                violations.push(Violation::new(set.first().map_or("", Ident::as_str), Code::Unique));
            }
        }
        for (key, table) in &self.card.children {
            for set in &table.unique {
                twice(record.rows(key.as_str()), set).into_iter().for_each(|index| violations.push(Violation::new(format!("{key}/{index}/{}", set[0]), Code::Unique)));
            }
        }
        Ok(())
    }

    /// Look-alikes by the rules of the card. What only moves, or comes back, was there before.
    pub(super) async fn alike(&self, tx: &mut Tx, stored: Option<&Record>, record: &Record) -> Result<Vec<Violation>, UnitError> {
        match self.mode {
            Mode::Plain => crate::duplicates::check(tx, self.catalog(), &self.actor, &self.card, stored, record, self.options.ask_about_duplicates.as_deref()).await,
            Mode::Back(_) | Mode::Several(_) | Mode::Pool(_) | Mode::Relink(_) | Mode::State(_) => Ok(Vec::new()),
        }
    }

    /// A unique index that was broken all the same is the violation it stands for.
    pub(super) fn explain(&self, error: store::StoreError) -> UnitError {
        if let store::StoreError::Unique { constraint } = &error {
            if let Some((_, child, fields)) = sql::schema::constraint_fields(self.catalog(), constraint) {
                let field = fields.first().map_or("", Ident::as_str);
                let path = child.map_or_else(|| field.to_owned(), |child| format!("{child}/{field}"));
                return AppError::rejected(Violation::new(path, Code::Unique)).into();
            }
            if constraint.contains(".id") || constraint.ends_with("_pkey") {
                return AppError::Conflict { code: "id_taken", detail: "there is a record with this id already".into(), blockers: Vec::new() }.into();
            }
        }
        error.into()
    }
}

/// The rows whose values stand in a row before them already. Empty values are never the same.
pub(super) fn twice(rows: &[Row], set: &[Ident]) -> Vec<usize> {
    let mut seen = HashSet::new();
    let mut again = |row: &Row| {
        let values: Vec<&Value> = set.iter().map(|key| value_of(&row.values, key.as_str())).collect();
        !values.iter().any(|value| value.is_empty()) && !seen.insert(format!("{values:?}"))
    };
    rows.iter().enumerate().filter(|(_, row)| again(row)).map(|(index, _)| index).collect()
}
