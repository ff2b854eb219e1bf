//! The rows of a record, what is derived from them elsewhere, and what tells of it.

use std::borrow::Cow;

use super::*;
use crate::notify::{self, Kind, Notice};

impl Work {
    /// Rows, derived values of others, and what tells of it: audit and change log.
    pub(super) async fn store(&self, tx: &mut Tx, stored: Option<&Record>, merged: &Merged, valid: &ValidRecord, left: &[String]) -> Result<(), UnitError> {
        let kept = self.keep(tx, stored, merged, valid, left).await;
        kept.map_err(|error| match &error.store {
            Some(cause @ store::StoreError::Unique { .. }) => self.explain(cause.clone()),
            _ => error,
        })
    }

    async fn keep(&self, tx: &mut Tx, stored: Option<&Record>, merged: &Merged, valid: &ValidRecord, left: &[String]) -> Result<(), UnitError> {
        let dialect = tx.dialect();
        let record = valid.record();
        self.shared.iter().for_each(|shared| shared.write());
        let (statements, changed, touched) = match stored {
            None => (write::create(self.catalog(), dialect, &self.gated, valid), filled(record), None),
            Some(stored) => {
                let (changes, changed) = changes(&self.card, stored, record, merged);
                (write::update(self.catalog(), dialect, &self.gated, valid, stored.version(), &changes), changed, Some(touched(&changes)))
            }
        };
        let alone = statements.len() == 1 && !self.options.dry_run;
        for (index, statement) in statements.into_iter().enumerate() {
            // Parts of a change build on each other, and the first says whether the row was still there as it was read:
            // one that is held is.
            match stored {
                None => tx.put(statement).await?,
                Some(_) if alone => tx.put(statement).await?,
                Some(_) if tx.execute(&statement).await? == 0 && index == 0 => {
                    return Err(store::StoreError::Busy { detail: "the record was changed at the same moment".into() }.into());
                }
                Some(_) => {}
            }
        }
        // What follows may ask for rows that stand aside until then.
        let rows = if self.is_assignment(stored, merged) { self.gated.bounds() } else { self.written_rows(merged) };
        let is_followed = !self.snapshot.graph().uses(&self.card.key).is_empty();
        if !rows.is_always() || is_followed {
            tx.flush().await?;
        }
        if !self.admits(tx, record.id, &rows).await? {
            return Err(AppError::forbidden("the record would leave what you may change").into());
        }
        super::super::versions::keep(tx, &self.card, stored, record).await?;
        self.attach(tx, record, stored).await?;
        crate::duplicates::keep(tx, &self.card, stored, record).await?;
        if is_followed {
            let change = derived::Change { old: stored.cloned(), new: Some(record.clone()), is_fresh: stored.is_none() };
            derived::after_save(tx, &self.snapshot, &self.card, change, self.actor.now).await?;
        }
        let found = search::Kept { record: Cow::Borrowed(record), changed: touched };
        match &self.shared {
            Some(shared) => shared.find_later(&self.card, &found),
            None => search::after_save(tx, &self.snapshot, &self.card, &[found]).await?,
        }
        let event = system::Event {
            at: self.actor.now,
            actor: self.actor.user,
            card: self.card.key.as_str(),
            record: record.id,
            version: record.version(),
            action: if stored.is_some() { "updated" } else { "created" },
            fields: changed.iter().map(|path| told::by_ids(&self.card, path)).collect::<Json>().to_string(),
            tracked: tracked(&self.card, stored, record),
            site: &self.site,
            tx: Uuid::now_v7(),
            ids: [Uuid::now_v7(), Uuid::now_v7()],
        };
        told::note_people(tx, &self.snapshot, &self.card);
        let mut told = system::event(dialect, &event).to_vec();
        if let Some(batch) = self.options.batch {
            let kept = (!left.is_empty()).then(|| batches::changed_since(left.iter().cloned()));
            told.push(batches::saved(dialect, batch, &self.card, stored, record, kept));
        }
        match &self.shared {
            Some(shared) => shared.later(told),
            None => {
                for statement in told {
                    tx.put(statement).await?;
                }
            }
        }
        self.tell_owner(tx, stored, record).await?;
        Ok(tx.flush().await?)
    }

    /// Whoever was given the record by somebody else is told. What a job gives back by itself is nobody's doing.
    async fn tell_owner(&self, tx: &mut Tx, stored: Option<&Record>, record: &Record) -> Result<(), UnitError> {
        let owner = record.get("owner").as_id();
        let (Some(owner), Some(by)) = (owner.filter(|_| stored.and_then(|stored| stored.get("owner").as_id()) != owner), self.actor.user) else { return Ok(()) };
        if owner == by || self.is_back() {
            return Ok(());
        }
        let notice = Notice { by: Some(by), bundled: true, ..Notice::new(Kind::Assigned, "record", vec![owner]) }.about_record(&self.card.key, record.id);
        match &self.shared {
            Some(shared) => shared.tell(owner, notice),
            None => notify::tell(tx, &notice).await?,
        }
        Ok(())
    }
}

pub(super) fn filled(record: &Record) -> Vec<String> {
    record.values.iter().filter(|(_, value)| !value.is_empty()).map(|(key, _)| key.to_string()).collect()
}

/// Own fields and child tables that a change touches.
fn touched(changes: &write::Changes<'_>) -> BTreeSet<Ident> {
    let tables = changes.added.iter().map(|(table, ..)| *table).chain(changes.changed.iter().map(|(table, ..)| *table)).chain(changes.removed.iter().map(|(table, _)| *table));
    tables.filter_map(|table| table.child.clone()).chain(changes.fields.iter().cloned()).collect()
}

/// Every column that differs from what is stored, derived ones included, and the places as people call them.
pub(super) fn changes<'r>(card: &'r Card, stored: &Record, record: &'r Record, merged: &Merged) -> (write::Changes<'r>, Vec<String>) {
    let mut changes = write::Changes::default();
    for field in card.table.fields.values().filter(|field| field.key != "id" && field.key != "trashed_at") {
        if stored.get(field.key.as_str()) != record.get(field.key.as_str()) {
            changes.fields.push(field.key.clone());
        }
    }
    let mut paths: Vec<String> = changes.fields.iter().filter(|key| !matches!(key.as_str(), "version" | "updated_at" | "updated_by")).map(Ident::to_string).collect();
    for (key, table) in &card.children {
        let (before, after) = (stored.rows(key.as_str()), record.rows(key.as_str()));
        changes.removed.extend(before.iter().filter(|row| !after.iter().any(|kept| kept.id == row.id)).map(|row| (table, row.id)));
        for (position, row) in after.iter().enumerate() {
            match before.iter().enumerate().find(|(_, known)| known.id == row.id) {
                None => changes.added.push((table, position, row)),
                Some((old_position, known)) => {
                    let fields: Vec<Ident> = table.own_fields().map(|field| field.key.clone()).filter(|field| value_of(&known.values, field.as_str()) != value_of(&row.values, field.as_str())).collect();
                    if !fields.is_empty() || old_position != position {
                        paths.extend(fields.iter().map(|field| format!("{key}/{}/{field}", row.id)));
                        changes.changed.push((table, position, row, fields));
                    }
                }
            }
        }
    }
    paths.extend(merged.rows.iter().filter(|(_, change)| !matches!(change, RowChange::Changed(_))).map(|((table, id), _)| format!("{table}/{id}")));
    (changes, paths)
}

/// Old and new values of tracked fields, by their ids: `{"total": ["1.00", "2.00"]}`. Secret values are never kept.
pub(crate) fn tracked(card: &Card, stored: Option<&Record>, record: &Record) -> Option<String> {
    let mut kept: IndexMap<String, [Json; 2]> = IndexMap::new();
    for field in card.table.own_fields().filter(|field| !field.secret && !field.track.is_none()) {
        let new = record.get(field.key.as_str());
        let old = stored.map(|stored| stored.get(field.key.as_str()).clone()).unwrap_or_default();
        if old != *new {
            kept.insert(field.id.to_string(), [types::to_json(&field.kind, &old), types::to_json(&field.kind, new)]);
        }
    }
    (!kept.is_empty()).then(|| serde_json::to_string(&kept).unwrap_or_default())
}
