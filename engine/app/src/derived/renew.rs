//! Calculates derived values of many records of a card anew, and stores those that came out otherwise.
//!
//! **Invariants**
//! - The same for one record that follows a save and for a million that a job goes through.
//! - Records are held, in order of their ids, before they are read.
//! - What did not change is not written.

use std::{borrow::Cow, collections::{BTreeMap, BTreeSet, HashSet}, sync::Arc};

use access::Actor;
use chrono::{DateTime, Utc};
use model::{Card, Ident, Record, Source as FieldSource, Table, Values, record::value_of};
use sql::write;
use store::Tx;
use uuid::Uuid;

use super::{follow::Change, rollup::{self, Renewal}};
use crate::{Source, UnitError, records::{derive::{self, Context}, gather, load}, search, snapshot::Snapshot, spread};

/// What of a record is to be renewed. Formulas are calculated in any case.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Aggregates over other records that are asked of the database; often the same for many records.
    pub all: Arc<BTreeSet<usize>>,
    /// Those that are added to.
    pub by: BTreeMap<usize, Vec<Arc<Change>>>,
}

/// How records are renewed.
#[derive(Clone, Copy)]
pub(super) struct Renewing<'a> {
    pub snapshot: &'a Snapshot,
    pub card: &'a Arc<Card>,
    pub now: DateTime<Utc>,
}

/// A record as it was and as it is calculated.
pub(super) struct Renewed {
    pub before: Record,
    pub after: Record,
    /// In which fields of its own they differ.
    fields: Vec<Ident>,
}

impl Renewing<'_> {
    /// Renews and stores; the records that changed.
    pub async fn store(&self, tx: &mut Tx, asked: &BTreeMap<Uuid, Asked>) -> Result<Vec<Renewed>, UnitError> {
        let ids: Vec<Uuid> = asked.keys().copied().collect();
        for some in ids.chunks(500) {
            if let Some(hold) = write::hold_all(&self.snapshot.catalog, tx.dialect(), self.card, some) {
                tx.fetch(&hold).await?;
            }
        }
        let changed = self.calculate(tx, asked, true).await?;
        if !changed.is_empty() {
            crate::records::told::note_people(tx, self.snapshot, self.card);
        }
        let own = changed.iter().filter(|renewed| !renewed.fields.is_empty());
        self.write(tx, &self.card.table, own.map(|renewed| (renewed.after.id, &renewed.after.values, renewed.fields.as_slice()))).await?;
        for (key, table) in &self.card.children {
            let rows = changed.iter().flat_map(|renewed| renewed.before.rows(key.as_str()).iter().zip(renewed.after.rows(key.as_str())));
            let rows: Vec<(Uuid, &Values, Vec<Ident>)> = rows.map(|(before, after)| (after.id, &after.values, differing(table, &before.values, &after.values))).filter(|(.., fields)| !fields.is_empty()).collect();
            self.write(tx, table, rows.iter().map(|(id, values, fields)| (*id, *values, fields.as_slice()))).await?;
        }
        let mut kept = Vec::with_capacity(changed.len());
        let mut lines = Vec::new();
        for Renewed { before, after, fields } in &changed {
            crate::records::versions::keep(tx, self.card, Some(before), after).await?;
            lines.extend(series(tx, self.card, before, after, self.now));
            let tables = self.card.children.keys().filter(|key| before.rows(key.as_str()) != after.rows(key.as_str()));
            let touched: BTreeSet<Ident> = fields.iter().chain(tables).cloned().collect();
            kept.push(search::Kept { record: Cow::Borrowed(after), changed: Some(touched) });
        }
        for statement in sql::together(lines) {
            tx.execute(&statement).await?;
        }
        search::after_save(tx, self.snapshot, self.card, &kept).await?;
        Ok(changed)
    }

    /// Renews without storing; the records that would change.
    pub async fn calculate(&self, tx: &mut Tx, asked: &BTreeMap<Uuid, Asked>, keeps: bool) -> Result<Vec<Renewed>, UnitError> {
        let ids: Vec<Uuid> = asked.keys().copied().collect();
        let before = load::records(&mut Source::Tx(tx), &self.snapshot.catalog, self.card, &ids, self.now).await?;
        let mut after = before.clone();
        let system = self.snapshot.calculating(self.now);
        self.aggregate(tx, &mut after, asked, &system, keeps).await?;
        let all: Vec<&Record> = after.iter().collect();
        let around = gather::around(tx, self.snapshot, self.card, &all, self.now).await?;
        let nothing = HashSet::new();
        let context = Context { actor: &system, linked: &around.linked, ancestors: &around.ancestors, set: &nothing, given: &nothing };
        // What a formula cannot calculate is empty; whoever saves the record next is told why.
        let derived = |record: Record| derive::derive(self.snapshot, self.card, record, &context, &mut Vec::new());
        let mut pairs: Vec<(Record, Record)> = before.into_iter().zip(after).collect();
        if rollup::depends_on_record(self.card) {
            for (_, record) in &mut pairs {
                let first = derived(std::mem::take(record));
                *record = rollup::asked_by_record(tx, self.snapshot, self.card, first, &context).await?;
            }
        }
        let renewed = |(before, record): (Record, Record)| {
            let after = derived(record);
            let fields = differing(&self.card.table, &before.values, &after.values);
            let differs = !fields.is_empty() || self.rows_differ(&before, &after);
            differs.then_some(Renewed { before, after, fields })
        };
        Ok(spread::over(pairs, renewed).into_iter().flatten().collect())
    }

    /// Aggregates over other records, field by field.
    async fn aggregate(&self, tx: &mut Tx, records: &mut [Record], asked: &BTreeMap<Uuid, Asked>, system: &Actor, keeps: bool) -> Result<(), UnitError> {
        if rollup::pointing(&self.card.table).next().is_none() {
            return Ok(());
        }
        let nodes: BTreeSet<usize> = asked.values().flat_map(|asked| asked.all.iter().chain(asked.by.keys()).copied()).collect();
        for index in nodes {
            let Some(node) = self.snapshot.graph().nodes.get(index) else { continue };
            let (table, key) = &node.place;
            let Some(field) = self.card.table.field(key).filter(|_| table.child.is_none()) else { continue };
            let FieldSource::Rollup(rollup) = &field.source else { continue };
            let wanted = records.iter_mut().filter_map(|record| {
                let of = asked.get(&record.id)?;
                match (of.all.contains(&index), of.by.get(&index)) {
                    (true, _) => Some((record, None)),
                    (false, Some(changes)) => Some((record, Some(changes.clone()))),
                    (false, None) => None,
                }
            });
            let mut wanted: Vec<(&mut Record, Option<Vec<Arc<Change>>>)> = wanted.collect();
            Renewal { snapshot: self.snapshot, card: self.card, field, rollup, system, keeps }.put(tx, &mut wanted).await?;
        }
        Ok(())
    }

    fn rows_differ(&self, before: &Record, after: &Record) -> bool {
        let rows = |key: &Ident, table: &Table| before.rows(key.as_str()).iter().zip(after.rows(key.as_str())).any(|(before, after)| !differing(table, &before.values, &after.values).is_empty());
        self.card.children.iter().any(|(key, table)| rows(key, table))
    }

    /// Writes rows that changed, each with the fields in which it did.
    async fn write<'r>(&self, tx: &mut Tx, table: &Table, rows: impl Iterator<Item = (Uuid, &'r Values, &'r [Ident])> + Send) -> Result<(), UnitError> {
        let (mut fields, mut changed): (BTreeSet<&Ident>, Vec<(Uuid, &Values)>) = (BTreeSet::new(), Vec::new());
        for (id, values, differing) in rows {
            fields.extend(differing);
            changed.push((id, values));
        }
        if changed.is_empty() {
            return Ok(());
        }
        let fields: Vec<Ident> = fields.into_iter().cloned().collect();
        for statement in write::derived(&self.snapshot.catalog, tx.dialect(), table, &fields, &changed) {
            tx.execute(&statement).await?;
        }
        Ok(())
    }
}

/// Calculated values whose change is kept leave a line in the history of their record.
fn series(tx: &Tx, card: &Card, before: &Record, after: &Record, now: DateTime<Utc>) -> Option<sql::Statement> {
    let tracked = crate::records::save::tracked(card, Some(before), after)?;
    let fields: serde_json::Value = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&tracked).unwrap_or_default().keys().cloned().collect();
    Some(sql::system::renewed(tx.dialect(), now, card.key.as_str(), after.id, after.version(), &fields.to_string(), &tracked))
}

/// The fields in which two records of a table differ, by what was calculated: what people enter is not touched by it.
pub(super) fn differing(table: &Table, before: &Values, after: &Values) -> Vec<Ident> {
    let calculated = table.own_fields().filter(|field| !matches!(field.source, FieldSource::Entered | FieldSource::Live { .. }));
    calculated.map(|field| &field.key).filter(|key| value_of(before, key.as_str()) != value_of(after, key.as_str())).cloned().collect()
}
