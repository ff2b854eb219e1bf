//! Aggregates over rows that lead to a record: added to by what changed, where that is exact, or asked of the database.
//!
//! **Invariants**
//! - What is added gives the same as asking for all: where it would not, all is asked for.
//! - The target is held while it is added to.
//!
//! **Not here:** aggregates of a record's own rows (`records::derive`).

use std::{cmp::Ordering, collections::{HashMap, HashSet}, sync::Arc};

use access::Actor;
use model::{Aggregate, Card, Condition, Field, FieldKind, Ident, Path, Record, Rollup, RowSource, Source as FieldSource, Table, TableRef, Value, eval::{Facts, Place, compare, holds}};
use rust_decimal::Decimal;
use sql::{Datum, derived::{self, Way}, encode, system_derived};
use store::Tx;
use uuid::Uuid;

use super::follow::Change;
use crate::{Source, UnitError, lists::bind_for, records::{derive::{self, Context}, facts::{DraftFacts, Linked}, with_facts}, snapshot::{Snapshot, is_zero_over_nothing}};

/// Texts of one `concat` are cut after so many characters, where its field says nothing.
const MOST_TEXT: u32 = 100_000;

/// The aggregates over other records of a table: field, rollup, the rows, how they lead here.
pub(super) fn pointing(table: &Table) -> impl Iterator<Item = (&Field, &Rollup, &TableRef, &Path)> {
    table.own_fields().filter_map(|field| match &field.source {
        FieldSource::Rollup(rollup) => match &rollup.rows {
            RowSource::Pointing { table, by } => Some((field, &**rollup, table, by)),
            RowSource::Child { .. } => None,
        },
        _ => None,
    })
}

fn names_record(rollup: &Rollup) -> bool {
    rollup.condition.as_ref().is_some_and(Condition::names_record)
}

/// Whether an aggregate over other records asks for values of this one, or of its rows.
pub(crate) fn depends_on_record(card: &Card) -> bool {
    pointing(&card.table).any(|(_, rollup, ..)| names_record(rollup)) || card.children.values().any(|table| pointing(table).next().is_some())
}

/// The record with every aggregate over other records that asks for values of it or of its rows.
pub(crate) async fn asked_by_record(tx: &mut Tx, snapshot: &Snapshot, card: &Card, record: Record, context: &Context<'_>) -> Result<Record, UnitError> {
    let mut renewed = record.clone();
    let nothing = HashMap::new();
    let facts = context.facts(&record, &nothing);
    for (field, rollup, ..) in pointing(&card.table).filter(|(_, rollup, ..)| names_record(rollup)) {
        let value = one(tx, snapshot, card, (field, rollup), &facts, &Place::Record).await?;
        renewed.values.insert(field.key.clone(), derive::fitted(field, value));
    }
    for (key, rows) in &card.children {
        for (field, rollup, ..) in pointing(rows) {
            for index in 0..record.rows(key.as_str()).len() {
                let value = one(tx, snapshot, card, (field, rollup), &facts, &Place::Row { table: key.clone(), index }).await?;
                if let Some(row) = renewed.children.get_mut(key).and_then(|rows| rows.get_mut(index)) {
                    row.values.insert(field.key.clone(), derive::fitted(field, value));
                }
            }
        }
    }
    Ok(renewed)
}

/// One aggregate of one record, or of one of its rows.
async fn one(tx: &mut Tx, snapshot: &Snapshot, card: &Card, (field, rollup): (&Field, &Rollup), facts: &DraftFacts<'_>, at: &Place) -> Result<Value, UnitError> {
    let condition = rollup.condition.as_ref().map(|condition| bind_for(facts.actor, &snapshot.catalog, &with_facts(condition, facts, at)));
    let found = Asking { snapshot, card, field, rollup, condition: condition.as_ref() }.all(tx, &[facts.record.id]).await?;
    Ok(found.into_values().next().unwrap_or_default().value(rollup.function))
}

/// What is known of one aggregate: its value, or for an average what it is made of.
#[derive(Debug, Clone, PartialEq, Default)]
struct Found {
    value: Value,
    total: Option<(Decimal, i64)>,
}

impl Found {
    fn value(self, function: Aggregate) -> Value {
        match (self.total, self.value) {
            (Some((total, counted)), _) => average(total, counted),
            (None, Value::Empty) if is_zero_over_nothing(function) => Value::Int(0),
            (None, value) => value,
        }
    }
}

pub(crate) fn average(total: Decimal, counted: i64) -> Value {
    total.checked_div(Decimal::from(counted)).map_or(Value::Empty, Value::Decimal)
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Decimal(number) => Some(*number),
        Value::Int(number) => Some(Decimal::from(*number)),
        _ => None,
    }
}

/// One aggregated field, and the condition as it is for the records at hand.
struct Asking<'a> {
    snapshot: &'a Snapshot,
    card: &'a Card,
    field: &'a Field,
    rollup: &'a Rollup,
    condition: Option<&'a Condition>,
}

impl Asking<'_> {
    fn way(&self) -> Option<Way<'_>> {
        match &self.rollup.rows {
            RowSource::Pointing { table, by } => Some(Way { table, by, to: &self.card.key }),
            RowSource::Child { .. } => None,
        }
    }

    /// Asked of the database, for each of these records.
    async fn all(&self, tx: &mut Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, Found>, UnitError> {
        let kind = self.rollup.field.as_ref().and_then(|path| path.field(&self.snapshot.catalog)).map(|field| &field.kind);
        let can_be_aggregated = match kind {
            None => true,
            Some(FieldKind::Link(link)) => !link.multiple,
            Some(FieldKind::Choice { multiple, .. }) => !multiple,
            Some(kind) => matches!(kind, FieldKind::Decimal(_) | FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration | FieldKind::Date | FieldKind::Datetime | FieldKind::Time | FieldKind::Text(_)),
        };
        if !can_be_aggregated {
            return Ok(HashMap::new());
        }
        match self.rollup.function {
            Aggregate::First | Aggregate::Last | Aggregate::Concat => self.in_order(tx, ids).await,
            Aggregate::Avg => self.grouped(tx, ids, &[Aggregate::Sum, Aggregate::Count]).await,
            function => self.grouped(tx, ids, &[function]).await,
        }
    }

    async fn grouped(&self, tx: &mut Tx, ids: &[Uuid], functions: &[Aggregate]) -> Result<HashMap<Uuid, Found>, UnitError> {
        let Some(way) = self.way() else { return Ok(HashMap::new()) };
        let dialect = tx.dialect();
        let (lowered, rows) = Source::Tx(tx).fetch_sums(|sums| derived::aggregates(&self.snapshot.catalog, dialect, way, self.rollup.field.as_ref(), functions, self.condition, ids, sums)).await?;
        let mut found = HashMap::new();
        for row in rows {
            let mut values = lowered.decode(row).into_iter();
            let Some(Value::Id(id)) = values.next() else { continue };
            let known = match (values.next().unwrap_or_default(), values.next()) {
                (total, Some(Value::Int(counted))) => Found { value: Value::Empty, total: Some((number(&total).unwrap_or_default(), counted)) },
                (value, _) => Found { value, total: None },
            };
            found.insert(id, known);
        }
        Ok(found)
    }

    async fn in_order(&self, tx: &mut Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, Found>, UnitError> {
        let (Some(way), Some(path)) = (self.way(), &self.rollup.field) else { return Ok(HashMap::new()) };
        let limit = match self.rollup.function {
            // Each text has a character and is parted from the next: more are cut off anyway.
            Aggregate::Concat => most_text(&self.field.kind),
            _ => 1,
        };
        let newest_first = self.rollup.function == Aggregate::Last;
        let mut found = HashMap::new();
        for id in ids {
            let lowered = derived::in_order(&self.snapshot.catalog, tx.dialect(), way, std::slice::from_ref(path), Some(path), self.condition, &[*id], (newest_first, Some(limit)));
            let rows = tx.fetch(&lowered.statement).await?;
            let values: Vec<Value> = rows.into_iter().filter_map(|row| lowered.decode(row).into_iter().nth(2)).collect();
            found.insert(*id, Found { value: derive::aggregate(self.rollup, &values), total: None });
        }
        Ok(found)
    }

    fn is_averaged(&self) -> bool {
        self.rollup.function == Aggregate::Avg && !names_record(self.rollup)
    }

    /// How many different values there are after some came and some went.
    async fn distinct(&self, tx: &mut Tx, id: Uuid, stored: &Value, moved: &Moved) -> Result<Option<Value>, UnitError> {
        let (Value::Int(mut count), Some(way), Some(path)) = (stored.clone(), self.way(), &self.rollup.field) else { return Ok(None) };
        for (value, net) in moved.net() {
            let most = usize::try_from(net.max(0)).unwrap_or(0) + 1;
            let rows = tx.fetch(&derived::count_value(&self.snapshot.catalog, tx.dialect(), way, path, &value, self.condition, id, most)).await?;
            let Some(Datum::Integer(now)) = rows.into_iter().flatten().next() else { return Ok(None) };
            let before = now - net;
            // Only whether there are any is known beyond those that came.
            count += i64::from(now > 0) - i64::from(before > 0);
        }
        Ok(Some(Value::Int(count)))
    }
}

/// Most characters of a text.
fn most_text(kind: &FieldKind) -> u32 {
    match kind {
        FieldKind::Text(text) => text.max,
        _ => MOST_TEXT,
    }
}

/// Values that rows brought and took away.
#[derive(Debug, Default)]
pub(super) struct Moved {
    added: Vec<Value>,
    removed: Vec<Value>,
}

impl Moved {
    /// What stays on either side is left out.
    fn settle(mut self) -> Self {
        let removed = std::mem::take(&mut self.removed);
        for value in removed {
            match self.added.iter().position(|added| *added == value) {
                Some(index) => {
                    self.added.swap_remove(index);
                }
                None => self.removed.push(value),
            }
        }
        self
    }

    /// Each value with how many more, or fewer, rows have it.
    fn net(&self) -> Vec<(Value, i64)> {
        let mut net: Vec<(Value, i64)> = Vec::new();
        for (value, by) in self.added.iter().map(|value| (value, 1)).chain(self.removed.iter().map(|value| (value, -1))) {
            match net.iter_mut().find(|(known, _)| known == value) {
                Some((_, count)) => *count += by,
                None => net.push((value.clone(), by)),
            }
        }
        net
    }

    fn count(&self) -> Option<i64> {
        Some(i64::try_from(self.added.len()).ok()? - i64::try_from(self.removed.len()).ok()?)
    }

    fn sum(&self) -> Option<Decimal> {
        let added = self.added.iter().try_fold(Decimal::ZERO, |sum, value| sum.checked_add(number(value)?))?;
        self.removed.iter().try_fold(added, |sum, value| sum.checked_sub(number(value)?))
    }

    /// The stored value with what moved; nothing where that cannot be told.
    fn onto(&self, function: Aggregate, stored: &Value) -> Option<Value> {
        match (function, stored) {
            (_, Value::Empty) => None,
            (Aggregate::Count, Value::Int(count)) => Some(Value::Int(count + self.count()?)),
            (Aggregate::Sum, stored) => Some(Value::Decimal(number(stored)?.checked_add(self.sum()?)?)),
            (Aggregate::Min, stored) => self.extreme(stored, Ordering::Less),
            (Aggregate::Max, stored) => self.extreme(stored, Ordering::Greater),
            _ => None,
        }
    }

    fn extreme(&self, stored: &Value, wanted: Ordering) -> Option<Value> {
        let beats = |value: &Value, other: &Value| compare(value, other).map(|order| order == wanted);
        let best = self.added.iter().reduce(|best, value| if beats(value, best) == Some(true) { value } else { best });
        for gone in &self.removed {
            // The extreme itself left: only what came may be as good.
            if compare(gone, stored)? == Ordering::Equal {
                return best.filter(|best| beats(stored, best) == Some(false)).cloned();
            }
            if beats(gone, stored)? {
                return None;
            }
        }
        match best {
            Some(best) if beats(best, stored)? => Some(best.clone()),
            _ => Some(stored.clone()),
        }
    }
}

/// The values that rows of a record bring to another record.
fn brought(record: &Record, rollup: &Rollup, condition: Option<&Condition>, (card, id): (&Ident, Uuid), system: &Actor) -> Vec<Value> {
    let RowSource::Pointing { table, by } = &rollup.rows else { return Vec::new() };
    if !record.get("trashed_at").is_empty() {
        return Vec::new();
    }
    let (linked, ancestors, nothing) = (Linked::default(), HashMap::new(), HashMap::new());
    let facts = DraftFacts { record, actor: system, linked: &linked, ancestors: &ancestors, pointing: &nothing };
    let places: Vec<Place> = match &table.child {
        None => vec![Place::Record],
        Some(child) => (0..facts.row_count(child)).map(|index| Place::Row { table: child.clone(), index }).collect(),
    };
    let leads_here = |place: &Place| {
        facts.values(place, by).iter().any(|value| match value {
            Value::Id(to) => *to == id,
            Value::AnyId { card: of, id: to } => of == card && *to == id,
            Value::Ids(ids) => ids.contains(&id),
            _ => false,
        })
    };
    let kept = places.iter().filter(|place| leads_here(place) && condition.is_none_or(|condition| holds(condition, place, &facts)));
    match &rollup.field {
        None => kept.map(|_| Value::Int(1)).collect(),
        Some(path) => kept.flat_map(|place| facts.values(place, path)).filter(|value| !value.is_empty()).collect(),
    }
}

/// One aggregated field of many records, renewed.
pub(super) struct Renewal<'a> {
    pub snapshot: &'a Snapshot,
    pub card: &'a Card,
    pub field: &'a Field,
    pub rollup: &'a Rollup,
    pub system: &'a Actor,
    /// Whether totals behind averages are kept; who only looks keeps nothing.
    pub keeps: bool,
}

impl Renewal<'_> {
    /// What average of which field: its totals are kept under this name.
    pub fn name(card: &Card, field: &Field) -> String {
        format!("{}.{}", card.id, field.id)
    }

    /// The field of these records, all asked for, or where changes are given only added to. Put into `values`.
    pub async fn put(&self, tx: &mut Tx, records: &mut [(&mut Record, Option<Vec<Arc<Change>>>)]) -> Result<(), UnitError> {
        let condition = self.rollup.condition.as_ref().map(|condition| bind_for(self.system, &self.snapshot.catalog, condition));
        let asking = Asking { snapshot: self.snapshot, card: self.card, field: self.field, rollup: self.rollup, condition: condition.as_ref() };
        let mut all: Vec<Uuid> = Vec::new();
        for (record, changes) in records.iter_mut() {
            let value = match changes {
                Some(changes) => self.added(tx, &asking, record, changes).await?,
                None => None,
            };
            match value {
                Some(value) => {
                    record.values.insert(self.field.key.clone(), derive::fitted(self.field, value));
                }
                None => all.push(record.id),
            }
        }
        if all.is_empty() {
            return Ok(());
        }
        let mut found = asking.all(tx, &all).await?;
        let all: HashSet<Uuid> = all.into_iter().collect();
        for (record, _) in records.iter_mut().filter(|(record, _)| all.contains(&record.id)) {
            let known = found.remove(&record.id).unwrap_or_default();
            if self.keeps && asking.is_averaged() {
                let (total, counted) = known.total.unwrap_or_default();
                self.keep(tx, record.id, total, counted).await?;
            }
            record.values.insert(self.field.key.clone(), derive::fitted(self.field, known.value(self.rollup.function)));
        }
        Ok(())
    }

    async fn added(&self, tx: &mut Tx, asking: &Asking<'_>, record: &Record, changes: &[Arc<Change>]) -> Result<Option<Value>, UnitError> {
        let mut moved = Moved::default();
        for change in changes {
            let side = |record_: &Option<Record>| record_.as_ref().map(|side| brought(side, self.rollup, asking.condition, (&self.card.key, record.id), self.system)).unwrap_or_default();
            moved.removed.extend(side(&change.old));
            moved.added.extend(side(&change.new));
        }
        let moved = moved.settle();
        let stored = record.get(self.field.key.as_str());
        match self.rollup.function {
            Aggregate::CountDistinct => asking.distinct(tx, record.id, stored, &moved).await,
            Aggregate::Avg => self.averaged(tx, record.id, &moved).await,
            function => Ok(moved.onto(function, stored)),
        }
    }

    async fn averaged(&self, tx: &mut Tx, id: Uuid, moved: &Moved) -> Result<Option<Value>, UnitError> {
        let rows = tx.fetch(&system_derived::totals(tx.dialect(), &Self::name(self.card, self.field), &[id])).await?;
        let Some([_, Datum::Text(total), Datum::Integer(counted)]) = rows.first().map(Vec::as_slice) else { return Ok(None) };
        let next = total.parse::<Decimal>().ok().and_then(|total| Some((total.checked_add(moved.sum()?)?, counted + moved.count()?)));
        let Some((total, counted)) = next else { return Ok(None) };
        self.keep(tx, id, total, counted).await?;
        Ok(Some(average(total, counted)))
    }

    async fn keep(&self, tx: &mut Tx, id: Uuid, total: Decimal, counted: i64) -> Result<(), UnitError> {
        tx.execute(&system_derived::put_total(tx.dialect(), &Self::name(self.card, self.field), id, &total.normalize().to_string(), counted)).await?;
        Ok(())
    }
}

/// The ids of rows of a statement.
pub(super) fn ids_of(rows: &[Vec<Datum>]) -> impl Iterator<Item = Uuid> + '_ {
    rows.iter().filter_map(|row| row.first().and_then(encode::id))
}
