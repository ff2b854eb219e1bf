//! One trash id, with everything under it, in one transaction.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use model::{FieldKind, OnDelete, Storage, Table, record::value_of};
use sql::select;

use super::*;
use crate::{Blocker, Source, merge, records::{load, save::{ids, links_set}, told}};

/// One trash id, with everything under it.
pub(super) struct Purge<'a> {
    pub snapshot: &'a Snapshot,
    pub actor: &'a Actor,
    pub site: &'a str,
    pub trash_id: Uuid,
}

/// Records of a card under it, with their versions.
type Found<'c> = Vec<(&'c Arc<Card>, Vec<(Uuid, i64)>)>;

fn ids_of(records: &[(Uuid, i64)]) -> Vec<Uuid> {
    records.iter().map(|(id, _)| *id).collect()
}

impl Purge<'_> {
    pub async fn run(&self, tx: &mut Tx) -> Result<usize, UnitError> {
        let found = self.hold(tx).await?;
        let all: BTreeSet<Uuid> = found.iter().flat_map(|(_, records)| ids_of(records)).collect();
        if all.len() > MOST {
            return Err(AppError::TooLarge { detail: format!("more than {MOST} records went into the trash with this one") }.into());
        }
        let mut blockers = BTreeMap::new();
        for (card, records) in &found {
            self.in_the_way(tx, card, records, &all, &mut blockers).await?;
        }
        if !blockers.is_empty() {
            return Err(self.blocked(blockers).into());
        }
        let mut files = HashSet::new();
        for (card, records) in &found {
            files.extend(self.files(tx, card, records, &all).await?);
        }
        // First nothing points to any of them any more, then they go: they may have pointed to one another.
        for (card, records) in &found {
            self.let_go(tx, card, &ids_of(records)).await?;
        }
        for (card, records) in &found {
            for some in ids_of(records).chunks(EACH) {
                delete(tx, self.snapshot, &card.table.physical, some).await?;
                for statement in purge::forget(&self.snapshot.catalog, tx.dialect(), card, some) {
                    tx.execute(&statement).await?;
                }
            }
            for (id, version) in records {
                let event = told::whole(self.actor, self.site, self.trash_id, card, (*id, version + 1), "purged");
                told::tell(tx, self.snapshot, card, &event).await?;
            }
        }
        self.delete_files(tx, files.into_iter().collect()).await?;
        Ok(all.len())
    }

    /// The records under the trash id, held, which the actor may administer each.
    async fn hold(&self, tx: &mut Tx) -> Result<Found<'_>, UnitError> {
        let catalog = &self.snapshot.catalog;
        let mut found = Vec::new();
        for card in catalog.cards.values().filter(|card| !card.builtin) {
            let rows = tx.fetch(&purge::trashed_under(catalog, tx.dialect(), card, self.trash_id)).await?;
            let records: Vec<(Uuid, i64)> = rows.iter().filter_map(|row| match row.as_slice() {
                [id, Datum::Integer(version)] => Some((sql::encode::id(id)?, *version)),
                _ => None,
            }).collect();
            if records.is_empty() {
                continue;
            }
            derived::begin(tx, self.snapshot, card).await?;
            let rows = gate_write(catalog, self.actor, card, ActionName::Administer).map_err(AppError::from)?.rows();
            for some in records.chunks(EACH).filter(|_| !rows.is_always()) {
                let lowered = select::matching(catalog, tx.dialect(), &card.table.reference(), &ids_of(some), &rows);
                if tx.fetch(&lowered.statement).await?.len() < some.len() {
                    return Err(AppError::forbidden("records went into the trash with this one that you do not administer").into());
                }
            }
            found.push((card, records));
        }
        Ok(found)
    }

    /// Records that are not deleted with these and may not lose them: those in the trash too, which could come back.
    async fn in_the_way(&self, tx: &mut Tx, card: &Card, records: &[(Uuid, i64)], along: &BTreeSet<Uuid>, blockers: &mut BTreeMap<(Ident, Ident), BTreeSet<Uuid>>) -> Result<(), UnitError> {
        for (table, field) in self.snapshot.catalog.links_to(&card.key) {
            // A record stays in its unit.
            if !field.system && field.kind.on_delete().unwrap_or_default() == OnDelete::SetNull {
                continue;
            }
            for some in records.chunks(EACH) {
                let rows = tx.fetch(&write::pointing(&self.snapshot.catalog, tx.dialect(), table, field, &ids_of(some), u32::MAX, true)).await?;
                let others = rows.iter().filter_map(|row| row.first().and_then(sql::encode::id)).filter(|id| !along.contains(id));
                let others: BTreeSet<Uuid> = others.collect();
                if !others.is_empty() {
                    blockers.entry((table.card.clone(), field.key.clone())).or_default().extend(others);
                }
            }
        }
        Ok(())
    }

    fn blocked(&self, blockers: BTreeMap<(Ident, Ident), BTreeSet<Uuid>>) -> AppError {
        let blockers: Vec<Blocker> = blockers.into_iter().map(|((card, field), records)| Blocker { card, field, count: records.len() as u64 }).collect();
        let detail = format!("other records, in the trash too, cannot be without this one ({}); delete those for good first", remove::counted(self.snapshot, self.actor, &blockers));
        AppError::Conflict { code: "restricted", detail, blockers }
    }

    /// Files that these records name. What was merged into one of them, and stays, has its own files back before.
    async fn files(&self, tx: &mut Tx, card: &Card, records: &[(Uuid, i64)], along: &BTreeSet<Uuid>) -> Result<Vec<Uuid>, UnitError> {
        let catalog = &self.snapshot.catalog;
        let mut named = Vec::new();
        for some in records.chunks(EACH) {
            let merged = tx.fetch(&purge::merged_into(catalog, tx.dialect(), &ids_of(some))).await?;
            for record in merged.iter().filter_map(|row| row.first().and_then(sql::encode::id)).filter(|id| !along.contains(id)) {
                merge::files_back(tx, catalog, card, record, self.actor.now).await?;
            }
            let has_files = |table: &Table| table.own_fields().any(|field| matches!(field.kind, FieldKind::File(_)));
            if !has_files(&card.table) && !card.children.values().any(has_files) {
                continue;
            }
            for record in load::records(&mut Source::Tx(tx), catalog, card, &ids_of(some), self.actor.now).await? {
                for (owner, key) in links_set(card, None, &record) {
                    let of_file = card.table_of(owner.as_ref().map(|(table, _)| table)).and_then(|table| table.field(&key)).is_some_and(|field| matches!(field.kind, FieldKind::File(_)));
                    let values = match &owner {
                        None => Some(&record.values),
                        Some((table, row)) => record.rows(table.as_str()).iter().find(|known| known.id == *row).map(|row| &row.values),
                    };
                    named.extend(values.filter(|_| of_file).into_iter().flat_map(|values| ids(value_of(values, key.as_str()))));
                }
            }
        }
        Ok(named)
    }

    /// Those that no other record names: one that was merged may have left its own to another.
    async fn delete_files(&self, tx: &mut Tx, files: Vec<Uuid>) -> Result<(), UnitError> {
        let catalog = &self.snapshot.catalog;
        let mut places = None;
        for some in files.chunks(EACH) {
            let left = tx.fetch(&purge::rows_with(catalog, tx.dialect(), "sys_file", "id", some)).await?;
            let mut left: Vec<Uuid> = left.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect();
            if left.is_empty() {
                continue;
            }
            if places.is_none() {
                places = Some(pointing(tx, "sys_file").await?);
            }
            for (table, column) in places.iter().flatten() {
                let used = tx.fetch(&purge::values_among(catalog, tx.dialect(), table, column, &left)).await?;
                let used: HashSet<Uuid> = used.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect();
                left.retain(|id| !used.contains(id));
            }
            if !left.is_empty() {
                tx.execute(&purge::delete_with(catalog, tx.dialect(), "sys_file", "id", &left)).await?;
            }
        }
        Ok(())
    }

    /// Empties every place that points to records of a card.
    async fn let_go(&self, tx: &mut Tx, card: &Card, ids: &[Uuid]) -> Result<(), UnitError> {
        let catalog = &self.snapshot.catalog;
        let known: HashSet<(&str, &str)> = catalog.links_to(&card.key).flat_map(|(table, field)| places_of(table, field)).collect();
        let several: Vec<(&Table, &str, &str)> = catalog.cards.values().flat_map(|card| std::iter::once(&card.table).chain(card.children.values())).flat_map(|table| {
            table.own_fields().chain(&table.becoming).filter_map(move |field| match &field.storage {
                Storage::CardAndColumn { id, card } => Some((table, id.as_str(), card.as_str())),
                Storage::Column(_) | Storage::Side { .. } | Storage::Nowhere => None,
            })
        }).collect();
        for some in ids.chunks(EACH) {
            for (table, column) in pointing(tx, &card.table.physical).await? {
                if column == OWNER || column == PARENT {
                    continue;
                }
                // Definitions that are gone may come back with what they kept: a person may give that up, time does not.
                if !known.contains(&(table.as_str(), column.as_str())) && self.actor.user.is_none() {
                    let values = tx.fetch(&purge::values_among(catalog, tx.dialect(), &table, &column, some)).await?;
                    if !values.is_empty() {
                        let detail = format!("`{table}` points to it, of which there is no definition now");
                        return Err(AppError::Conflict { code: "restricted", detail, blockers: Vec::new() }.into());
                    }
                }
                let statement = match column.as_str() {
                    VALUE => purge::delete_with(catalog, tx.dialect(), &table, VALUE, some),
                    column => purge::let_go(catalog, tx.dialect(), &table, &[column], some),
                };
                tx.execute(&statement).await?;
            }
            // Links to several cards: the database knows nothing of where they lead. Ids are never the same on two cards.
            for (table, id, card) in &several {
                tx.execute(&purge::let_go(catalog, tx.dialect(), &table.physical, &[id, card], some)).await?;
            }
        }
        Ok(())
    }
}

/// Columns of side tables and child tables that say whose a row is, and the one that holds a value of several.
const OWNER: &str = "owner_id";
const PARENT: &str = "parent_id";
const VALUE: &str = "value";

/// Where a link is stored, now and while it is becoming another type.
fn places_of<'c>(table: &'c Table, field: &'c model::Field) -> Vec<(&'c str, &'c str)> {
    let coming = table.becoming.iter().filter(|coming| coming.key == field.key);
    std::iter::once(field).chain(coming).filter_map(|field| match &field.storage {
        Storage::Column(name) => Some((table.physical.as_str(), name.as_str())),
        Storage::Side { table } => Some((table.as_str(), VALUE)),
        Storage::CardAndColumn { .. } | Storage::Nowhere => None,
    }).collect()
}

/// Columns that hold ids of rows of a table, as the database knows them.
async fn pointing(tx: &mut Tx, physical: &str) -> Result<Vec<(String, String)>, UnitError> {
    let rows = tx.fetch(&purge::references(tx.dialect(), physical)).await?;
    Ok(rows.into_iter().filter_map(|row| match <[Datum; 2]>::try_from(row).ok()? {
        [Datum::Text(table), Datum::Text(column)] => Some((table, column)),
        _ => None,
    }).collect())
}

/// Rows of a table, after everything that is theirs.
fn delete<'f>(tx: &'f mut Tx, snapshot: &'f Snapshot, physical: &'f str, ids: &'f [Uuid]) -> BoxFuture<'f, Result<(), UnitError>> {
    Box::pin(async move {
        let catalog = &snapshot.catalog;
        for (table, column) in pointing(tx, physical).await? {
            match column.as_str() {
                OWNER => {
                    tx.execute(&purge::delete_with(catalog, tx.dialect(), &table, OWNER, ids)).await?;
                }
                PARENT => {
                    let rows = tx.fetch(&purge::rows_with(catalog, tx.dialect(), &table, PARENT, ids)).await?;
                    let rows: Vec<Uuid> = rows.iter().filter_map(|row| row.first().and_then(sql::encode::id)).collect();
                    for some in rows.chunks(EACH) {
                        delete(tx, snapshot, &table, some).await?;
                    }
                }
                _ => {}
            }
        }
        tx.execute(&purge::delete_with(catalog, tx.dialect(), physical, "id", ids)).await?;
        Ok(())
    })
}
