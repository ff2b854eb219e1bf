//! Derived values of other records that depend on one that changed: renewed in the same transaction.

use std::collections::{BTreeSet, HashMap, HashSet};

use access::{Actor, Reason};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use model::{Card, Condition, Field, FieldKind, Ident, Op, Operand, Path, Record, Rollup, RowSource, Source as FieldSource, Table, TableRef, Term, Test, Value, Values, eval::Place, record::value_of};
use sql::{select, write};
use store::Tx;
use uuid::Uuid;

use super::{derive::{self, Context}, facts::DraftFacts, load, save::{ancestors, ids, linked, with_facts}};
use crate::{AppError, Source, UnitError, lists::bind_for, snapshot::{RollupUse, Snapshot, is_zero_over_nothing}};

/// How far a change is followed: an aggregate of an aggregate of …
const MAX_DEPTH: usize = 6;

/// Renews the aggregates over a record's rows, old and new.
pub(crate) async fn after_save(tx: &mut Tx, snapshot: &Snapshot, card: &Card, old: Option<&Record>, new: Option<&Record>, now: DateTime<Utc>) -> Result<(), UnitError> {
    follow(tx, snapshot, card, old, new, now, 0).await
}

fn follow<'f>(tx: &'f mut Tx, snapshot: &'f Snapshot, card: &'f Card, old: Option<&'f Record>, new: Option<&'f Record>, now: DateTime<Utc>, depth: usize) -> BoxFuture<'f, Result<(), UnitError>> {
    Box::pin(async move {
        if depth >= MAX_DEPTH {
            return Ok(());
        }
        let targets = targets(snapshot, card, old, new);
        for (key, id) in targets {
            let Some(target) = snapshot.catalog.card(&key) else { continue };
            renew(tx, snapshot, target, id, now, depth).await?;
        }
        Ok(())
    })
}

/// The records whose aggregates count a record's rows, old and new.
pub(crate) fn targets(snapshot: &Snapshot, card: &Card, old: Option<&Record>, new: Option<&Record>) -> BTreeSet<(Ident, Uuid)> {
    let mut targets = BTreeSet::new();
    for table in std::iter::once(&card.table).chain(card.children.values()).map(model::Table::reference) {
        for used in snapshot.rollups_over(&table) {
            for record in [old, new].into_iter().flatten() {
                targets.extend(pointed_at(record, &table, used).into_iter().map(|id| (used.card.clone(), id)));
            }
        }
    }
    targets
}

/// The records of a card that a record's rows lead to: by links of its own, or of its parent when the rows are child rows.
fn pointed_at(record: &Record, table: &TableRef, used: &RollupUse) -> Vec<Uuid> {
    let of = |values: &Values| match value_of(values, used.by.leaf.as_str()) {
        Value::AnyId { card, id } => if *card == used.card { vec![*id] } else { Vec::new() },
        value => ids(value),
    };
    match (&table.child, used.by.hops.as_slice()) {
        (None, []) => of(&record.values),
        // The owner itself, or what it points to.
        (Some(_), [model::Hop::Parent]) if used.by.leaf == "id" => vec![record.id],
        (Some(_), [model::Hop::Parent]) => of(&record.values),
        (Some(child), []) => record.rows(child.as_str()).iter().flat_map(|row| of(&row.values)).collect(),
        _ => Vec::new(),
    }
}

/// Calculates a record's aggregates over other cards, and what follows from them in the record itself.
async fn renew(tx: &mut Tx, snapshot: &Snapshot, card: &Card, id: Uuid, now: DateTime<Utc>, depth: usize) -> Result<(), UnitError> {
    let catalog = &snapshot.catalog;
    if let Some(hold) = write::hold_for_update(catalog, tx.dialect(), card, id) {
        tx.fetch(&hold).await?;
    }
    let Some(before) = load::record(&mut Source::Tx(tx), catalog, card, id, now).await? else { return Ok(()) };
    let system = Actor::system(Reason::Derivation, now);
    let linked = linked(tx, snapshot, card, &before, now).await?;
    let ancestors = ancestors(tx, snapshot, card, &before, &linked, now).await?;
    let nothing = HashSet::new();
    let context = Context { actor: &system, linked: &linked, ancestors: &ancestors, set: &nothing, given: &nothing };
    let mut faults = Vec::new();
    let mut record = aggregates(tx, snapshot, card, before.clone(), &context).await?;
    record = derive::derive(snapshot, card, record, &context, &mut faults);
    if depends_on_record(card) {
        record = aggregates(tx, snapshot, card, record, &context).await?;
        record = derive::derive(snapshot, card, record, &context, &mut faults);
    }
    let changed = differing(&card.table, &before.values, &record.values);
    let mut rows_changed = false;
    if !changed.is_empty() {
        tx.execute(&write::derive(catalog, tx.dialect(), &card.table, id, &record.values, &changed)).await?;
    }
    for (key, table) in &card.children {
        for (row, was) in record.rows(key.as_str()).iter().zip(before.rows(key.as_str())) {
            let changed = differing(table, &was.values, &row.values);
            if !changed.is_empty() {
                rows_changed = true;
                tx.execute(&write::derive(catalog, tx.dialect(), table, row.id, &row.values, &changed)).await?;
            }
        }
    }
    if changed.is_empty() && !rows_changed {
        return Ok(());
    }
    let touched = (!rows_changed).then(|| changed.iter().cloned().collect());
    crate::search::after_save(tx, snapshot, card, id, touched.as_ref()).await?;
    follow(tx, snapshot, card, Some(&before), Some(&record), now, depth + 1).await
}

fn differing(table: &Table, before: &Values, after: &Values) -> Vec<Ident> {
    table.own_fields().map(|field| field.key.clone()).filter(|key| value_of(before, key.as_str()) != value_of(after, key.as_str())).collect()
}

/// The aggregates over other cards of a table: field, rollup, the rows, how they lead here.
fn pointing(table: &Table) -> impl Iterator<Item = (&Field, &Rollup, &TableRef, &Path)> {
    table.own_fields().filter_map(|field| match &field.source {
        FieldSource::Rollup(rollup) => match &rollup.rows {
            RowSource::Pointing { table, by } => Some((field, &**rollup, table, by)),
            RowSource::Child { .. } => None,
        },
        _ => None,
    })
}

/// Whether an aggregate over other records asks for values of this one, or of its rows.
pub(crate) fn depends_on_record(card: &Card) -> bool {
    let own = pointing(&card.table).any(|(_, rollup, ..)| rollup.condition.as_ref().is_some_and(Condition::names_record));
    own || card.children.values().any(|table| pointing(table).next().is_some())
}

/// The record with every aggregate over other cards, its own and those of its rows, as the database has them now.
pub(crate) async fn aggregates(tx: &mut Tx, snapshot: &Snapshot, card: &Card, record: Record, context: &Context<'_>) -> Result<Record, UnitError> {
    let mut renewed = record.clone();
    let nothing = HashMap::new();
    let facts = context.facts(&record, &nothing);
    for (field, rollup, table, by) in pointing(&card.table) {
        let value = aggregate(tx, snapshot, rollup, (table, by), &facts, &Place::Record).await?;
        renewed.values.insert(field.key.clone(), derive::fitted(field, value));
    }
    for (key, rows) in &card.children {
        for (field, rollup, table, by) in pointing(rows) {
            for index in 0..record.rows(key.as_str()).len() {
                let value = aggregate(tx, snapshot, rollup, (table, by), &facts, &Place::Row { table: key.clone(), index }).await?;
                if let Some(row) = renewed.children.get_mut(key).and_then(|rows| rows.get_mut(index)) {
                    row.values.insert(field.key.clone(), derive::fitted(field, value));
                }
            }
        }
    }
    Ok(renewed)
}

async fn aggregate(tx: &mut Tx, snapshot: &Snapshot, rollup: &Rollup, (table, by): (&TableRef, &Path), facts: &DraftFacts<'_>, at: &Place) -> Result<Value, UnitError> {
    let catalog = &snapshot.catalog;
    let system = Actor::system(Reason::Derivation, facts.actor.now);
    let points_here = Condition::Test(Test { path: by.clone(), op: Op::Is, operand: Operand::One(Term::Value(Value::Id(facts.record.id))) });
    let mut condition = points_here;
    if let Some(filter) = &rollup.condition {
        condition = condition.and(bind_for(&system, catalog, &with_facts(filter, facts, at)));
    }
    let kind = rollup.field.as_ref().and_then(|path| path.field(catalog)).map(|field| field.kind.clone());
    let is_number = matches!(kind, None | Some(FieldKind::Decimal(_) | FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration | FieldKind::Date | FieldKind::Datetime | FieldKind::Time | FieldKind::Text(_) | FieldKind::Choice { .. } | FieldKind::Link(_)));
    if !is_number {
        return Ok(Value::Empty);
    }
    let dialect = tx.dialect();
    let (lowered, rows) = Source::Tx(tx).fetch_sums(|sums| select::aggregate_rows(catalog, dialect, table, rollup.field.as_ref(), rollup.function, &condition, sums)).await?;
    let value = lowered.decode(rows.into_iter().next().unwrap_or_default()).into_iter().next().unwrap_or_default();
    if value.is_empty() && is_zero_over_nothing(rollup.function) {
        return Ok(Value::Int(0));
    }
    Ok(value)
}

impl From<UnitError> for AppError {
    fn from(error: UnitError) -> Self {
        error.error
    }
}
