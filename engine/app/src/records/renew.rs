//! Derived values of other records that depend on one that changed: renewed in the same transaction.

use std::collections::BTreeSet;

use access::{Actor, Reason};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use model::{Card, Condition, FieldKind, Ident, Op, Operand, Path, Record, RowSource, Source as FieldSource, TableRef, Term, Test, Value, record::value_of};
use sql::{select, write};
use store::Tx;
use uuid::Uuid;

use super::{derive::{self, Context}, load};
use crate::{AppError, Source, UnitError, lists::bind_for, snapshot::{Snapshot, is_zero_over_nothing}};

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
                targets.extend(pointed_at(record, &table, &used.by).into_iter().map(|id| (used.card.clone(), id)));
            }
        }
    }
    targets
}

/// The records that a record's rows lead to: by a link of its own, or of its parent when the rows are child rows.
fn pointed_at(record: &Record, table: &TableRef, by: &Path) -> Vec<Uuid> {
    let own = |key: &Ident| record.get(key.as_str()).as_id();
    match (&table.child, by.hops.as_slice()) {
        (None, []) => own(&by.leaf).into_iter().collect(),
        (Some(_), [model::Hop::Parent]) => own(&by.leaf).into_iter().collect(),
        (Some(child), []) => record.rows(child.as_str()).iter().filter_map(|row| value_of(&row.values, by.leaf.as_str()).as_id()).collect(),
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
    let mut record = before.clone();
    for field in card.table.own_fields() {
        let FieldSource::Rollup(rollup) = &field.source else { continue };
        let RowSource::Pointing { table, by } = &rollup.rows else { continue };
        let value = aggregate(tx, snapshot, rollup, table, by, &record, now).await?;
        record.values.insert(field.key.clone(), derive::fitted(field, value));
    }
    let system = Actor::system(Reason::Derivation, now);
    let nothing = (super::facts::Linked::new(), std::collections::HashMap::new(), std::collections::HashSet::new());
    let context = Context { actor: &system, linked: &nothing.0, ancestors: &nothing.1, set: &nothing.2, given: &nothing.2 };
    let mut faults = Vec::new();
    let record = derive::derive(snapshot, card, record, &context, &mut faults);
    let changed: Vec<Ident> = card.table.own_fields().map(|field| field.key.clone()).filter(|key| before.get(key.as_str()) != record.get(key.as_str())).collect();
    if changed.is_empty() {
        return Ok(());
    }
    tx.execute(&write::derive(catalog, tx.dialect(), &card.table, id, &record.values, &changed)).await?;
    crate::search::after_save(tx, snapshot, card, id, Some(&changed.iter().cloned().collect())).await?;
    follow(tx, snapshot, card, Some(&before), Some(&record), now, depth + 1).await
}

async fn aggregate(tx: &mut Tx, snapshot: &Snapshot, rollup: &model::Rollup, table: &TableRef, by: &Path, record: &Record, now: DateTime<Utc>) -> Result<Value, UnitError> {
    let catalog = &snapshot.catalog;
    let system = Actor::system(Reason::Derivation, now);
    let points_here = Condition::Test(Test { path: by.clone(), op: Op::Is, operand: Operand::One(Term::Value(Value::Id(record.id))) });
    let mut condition = points_here;
    if let Some(filter) = &rollup.condition {
        condition = condition.and(bind_for(&system, catalog, &super::save::with_record(filter, record, None)));
    }
    let kind = rollup.field.as_ref().and_then(|path| path.field(catalog)).map(|field| field.kind.clone());
    let is_number = matches!(kind, None | Some(FieldKind::Decimal(_) | FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration | FieldKind::Date | FieldKind::Datetime | FieldKind::Time | FieldKind::Text(_) | FieldKind::Choice { .. } | FieldKind::Link(_)));
    if !is_number {
        return Ok(Value::Empty);
    }
    let lowered = select::aggregate_rows(catalog, tx.dialect(), table, rollup.field.as_ref(), rollup.function, &condition);
    let row = tx.fetch(&lowered.statement).await?.into_iter().next().unwrap_or_default();
    let value = lowered.decode(row).into_iter().next().unwrap_or_default();
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
