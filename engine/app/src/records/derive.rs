//! What follows from a record by itself: values taken over through links, formulas, aggregates of its own rows.
//!
//! **Invariants**
//! - The same draft gives the same values, however it came in.
//! - Settles: where one pass is not enough, until nothing changes any more.

use std::{collections::{HashMap, HashSet}, sync::Arc};

use model::{Aggregate, Card, Code, Field, FieldKind, Ident, Record, RowSource, Rollup, Source, Table, Value, Values, Violation, eval::{Facts, Place, compare, holds}, path, record::value_of, types};
use rust_decimal::Decimal;
use script::{Inputs, RowSet};

use super::{facts::DraftFacts, save::{Touched, with_facts}};
use crate::{derived::average, formulas::TODAY, snapshot::{Snapshot, is_zero_over_nothing}};

/// How often everything is calculated at most; a publish refuses circles, so this is depth.
const ROUNDS: usize = 6;

/// Calculates every derived value of a record. `taken` are links that were set now: what is copied through them is
/// copied anew. Faults of formulas are violations.
pub(crate) fn derive(snapshot: &Snapshot, card: &Card, mut record: Record, context: &Context<'_>, violations: &mut Vec<Violation>) -> Record {
    take_over(card, &mut record, context);
    let rounds = if snapshot.settles_at_once(&card.key) { 1 } else { ROUNDS };
    for round in 0..rounds {
        let (mut changed, mut found) = (false, Vec::new());
        for (key, table) in &card.children {
            for index in 0..record.rows(key.as_str()).len() {
                changed |= formulas(snapshot, card, table, &Place::Row { table: key.clone(), index }, &mut record, context, &mut found);
            }
        }
        changed |= rollups(card, &mut record, context);
        changed |= formulas(snapshot, card, &card.table, &Place::Record, &mut record, context, &mut found);
        if !changed || round + 1 == rounds {
            violations.extend(found);
            break;
        }
    }
    record
}

/// What derivation looks at beside the record.
pub(crate) struct Context<'a> {
    /// Who calculates, at which moment: [`Snapshot::calculating`], so that whoever saves gets the same.
    pub actor: &'a access::Actor,
    /// What was fetched of linked records.
    pub linked: &'a super::facts::Linked,
    /// Records of trees with everything above them.
    pub ancestors: &'a HashMap<uuid::Uuid, std::collections::HashSet<uuid::Uuid>>,
    /// Links that were set now: (child table, row, field).
    pub set: &'a HashSet<Touched>,
    /// Fields that the client gave a value: (child table, row, field).
    pub given: &'a HashSet<Touched>,
}

impl Context<'_> {
    pub(crate) fn facts<'f>(&'f self, record: &'f Record, pointing: &'f HashMap<String, bool>) -> DraftFacts<'f> {
        DraftFacts { record, actor: self.actor, linked: self.linked, ancestors: self.ancestors, pointing }
    }
}

fn fields_of<'t>(card: &'t Card, place: &Place) -> Option<&'t Table> {
    match place {
        Place::Record => Some(&card.table),
        Place::Row { table, .. } => card.children.get(table),
    }
}

fn values_mut<'r>(record: &'r mut Record, place: &Place) -> Option<&'r mut Values> {
    match place {
        Place::Record => Some(&mut record.values),
        Place::Row { table, index } => record.children.get_mut(table)?.get_mut(*index).map(|row| &mut row.values),
    }
}

fn places(card: &Card, record: &Record) -> Vec<(Place, Option<(Ident, uuid::Uuid)>)> {
    let rows = card.children.keys().flat_map(|key| record.rows(key.as_str()).iter().enumerate().map(|(index, row)| (Place::Row { table: key.clone(), index }, Some((key.clone(), row.id)))));
    std::iter::once((Place::Record, None)).chain(rows).collect()
}

/// Snapshots: copied when the link is set, unless the client gave a value of its own; what is kept always.
fn take_over(card: &Card, record: &mut Record, context: &Context<'_>) {
    let nothing = HashMap::new();
    let takes = |table: &Table| table.own_fields().any(|field| matches!(field.source, Source::Snapshot { .. }));
    if !takes(&card.table) && !card.children.values().any(takes) {
        return;
    }
    for (place, owner) in places(card, record) {
        let Some(table) = fields_of(card, &place) else { continue };
        for field in table.own_fields() {
            let Source::Snapshot { path, editable, kept, more } = &field.source else { continue };
            let Some(link) = field.copied_from() else { continue };
            let was_set = context.set.contains(&(owner.clone(), link.clone()));
            let was_given = *editable && context.given.contains(&(owner.clone(), field.key.clone()));
            if !kept && (!was_set || was_given) {
                continue;
            }
            let facts = context.facts(record, &nothing);
            let taken = std::iter::once(path).chain(more).flat_map(|path| facts.values(&place, path)).find(|value| !value.is_empty()).unwrap_or_default();
            if let Some(values) = values_mut(record, &place) {
                values.insert(field.key.clone(), fitted(field, taken));
            }
        }
    }
}

/// A value brought to the field's kind and scale; what does not fit is text or nothing.
pub(crate) fn fitted(field: &Field, value: Value) -> Value {
    match (&field.kind, value) {
        (_, Value::Empty) => Value::Empty,
        (FieldKind::Decimal(settings), Value::Decimal(number)) => {
            let mut number = types::round(number, settings.scale, settings.rounding);
            number.rescale(u32::from(settings.scale));
            Value::Decimal(number)
        }
        (FieldKind::Decimal(settings), Value::Int(number)) => {
            let mut number = Decimal::from(number);
            number.rescale(u32::from(settings.scale));
            Value::Decimal(number)
        }
        (FieldKind::Integer { .. } | FieldKind::Rating { .. } | FieldKind::Duration, Value::Decimal(number)) => {
            i64::try_from(types::round(number, 0, model::Rounding::HalfUp).trunc()).map_or(Value::Empty, Value::Int)
        }
        (FieldKind::Text(text), Value::Text(value)) => Value::Text(cut(value, text.max)),
        (FieldKind::Text(_), value @ (Value::Decimal(_) | Value::Date(_))) => Value::Text(shown(&value)),
        (FieldKind::Date, Value::Instant(at)) => Value::Date(at.date_naive()),
        (_, value) => value,
    }
}

struct FieldInputs<'a> {
    snapshot: &'a Snapshot,
    card: &'a Card,
    table: &'a Table,
    place: &'a Place,
    facts: &'a DraftFacts<'a>,
}

impl Inputs for FieldInputs<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        if let Some(field) = self.table.fields.get(name).filter(|field| !field.secret && field.live_source().is_none()) {
            return Some(self.facts.own(self.place, field.key.as_str()));
        }
        let Ok(path) = path::resolve(&self.snapshot.catalog, &self.table.reference(), name) else { return (name == TODAY).then(|| Value::Date(self.facts.actor.today())) };
        Some(self.facts.values(self.place, &path).into_iter().next().unwrap_or_default())
    }
    fn rows(&self, name: &str) -> Option<RowSet> {
        if self.card.children.get(name).is_none_or(|_| *self.place != Place::Record) {
            let table = self.table.reference();
            let path = self.snapshot.rows_named(&table, name)?;
            return Some(RowSet(Arc::new(self.facts.rows_behind(self.place, &table, path))));
        }
        Some(RowSet(Arc::new(self.facts.record.rows(name).iter().map(|row| row.values.clone()).collect())))
    }
}

/// Sets a calculated value; whether it is another than before.
fn put(record: &mut Record, place: &Place, key: &Ident, value: Value) -> bool {
    let Some(values) = values_mut(record, place) else { return false };
    let changed = *value_of(values, key.as_str()) != value;
    values.insert(key.clone(), value);
    changed
}

/// Whether anything changed.
fn formulas(snapshot: &Snapshot, card: &Card, table: &Table, place: &Place, record: &mut Record, context: &Context<'_>, violations: &mut Vec<Violation>) -> bool {
    let (nothing, mut changed) = (HashMap::new(), false);
    for (key, formula) in snapshot.formulas(&card.key, table.child.as_ref()) {
        let Some(field) = table.field(key) else { continue };
        let result = match formula {
            Ok(formula) => {
                let facts = context.facts(record, &nothing);
                formula.eval(&FieldInputs { snapshot, card, table, place, facts: &facts }).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.clone()),
        };
        let value = match result {
            Ok(value) => fitted(field, value),
            Err(detail) => {
                violations.push(Violation::new(path_of(place, key), Code::Formula).with("detail", detail));
                Value::Empty
            }
        };
        changed |= put(record, place, key, value);
    }
    changed
}

fn path_of(place: &Place, key: &Ident) -> String {
    match place {
        Place::Record => key.to_string(),
        Place::Row { table, index } => format!("{table}/{index}/{key}"),
    }
}

/// Aggregates over the record's own rows. Those over other cards are renewed when their rows change.
fn rollups(card: &Card, record: &mut Record, context: &Context<'_>) -> bool {
    let (nothing, mut changed) = (HashMap::new(), false);
    let has = |table: &Table| table.own_fields().any(|field| matches!(field.source, Source::Rollup(_)));
    let own = has(&card.table).then_some(Place::Record);
    let rows = card.children.iter().filter(|(_, table)| has(table)).flat_map(|(key, _)| (0..record.rows(key.as_str()).len()).map(|index| Place::Row { table: key.clone(), index }));
    let places: Vec<Place> = own.into_iter().chain(rows).collect();
    for place in places {
        for field in fields_of(card, &place).into_iter().flat_map(|table| table.own_fields()) {
            let Source::Rollup(rollup) = &field.source else { continue };
            let value = match &rollup.rows {
                RowSource::Child { table } => table.child.as_ref().map(|child| aggregate_rows(rollup, child, &place, &context.facts(record, &nothing))),
                // A new record has no rows pointing to it yet.
                RowSource::Pointing { .. } => {
                    let path = model::Path::own(fields_of(card, &place).map_or_else(|| card.table.reference(), Table::reference), field.key.clone());
                    let known = context.facts(record, &nothing).values(&place, &path).into_iter().any(|value| !value.is_empty());
                    (!known && is_zero_over_nothing(rollup.function)).then_some(Value::Int(0))
                }
            };
            changed |= value.is_some_and(|value| put(record, &place, &field.key, fitted(field, value)));
        }
    }
    changed
}

fn aggregate_rows(rollup: &Rollup, child: &Ident, at: &Place, facts: &DraftFacts<'_>) -> Value {
    let condition = rollup.condition.as_ref().map(|condition| with_facts(condition, facts, at));
    let rows = (0..facts.row_count(child)).map(|index| Place::Row { table: child.clone(), index });
    let rows: Vec<Place> = rows.filter(|row| condition.as_ref().is_none_or(|condition| holds(condition, row, facts))).collect();
    let values: Vec<Value> = match &rollup.field {
        None => return Value::Int(i64::try_from(rows.len()).unwrap_or(i64::MAX)),
        Some(path) => rows.iter().flat_map(|row| facts.values(row, path)).filter(|value| !value.is_empty()).collect(),
    };
    aggregate(rollup, &values)
}

/// A value as text; a time of day without its seconds only where it has none.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Decimal(number) => number.normalize().to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Time(time) => time.to_string(),
        Value::Instant(at) => at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        Value::Texts(texts) => texts.join(", "),
        Value::Empty | Value::Id(_) | Value::AnyId { .. } | Value::Ids(_) | Value::Json(_) => String::new(),
    }
}

/// A calculated text that is longer than its field is cut, and shows it.
fn cut(text: String, most: u32) -> String {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if text.chars().nth(most).is_none() {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// An aggregate of values that are not empty.
pub(crate) fn aggregate(rollup: &Rollup, values: &[Value]) -> Value {
    let number = |value: &Value| match value {
        Value::Decimal(number) => *number,
        Value::Int(number) => Decimal::from(*number),
        _ => Decimal::ZERO,
    };
    let sum = || values.iter().try_fold(Decimal::ZERO, |sum, value| sum.checked_add(number(value)));
    let extreme = |wanted| values.iter().reduce(|best, value| if compare(value, best) == Some(wanted) { value } else { best }).cloned().unwrap_or_default();
    match rollup.function {
        Aggregate::Count => Value::Int(i64::try_from(values.len()).unwrap_or(i64::MAX)),
        // Values at hand are filled; of lists it is asked elsewhere, and a rollup has none.
        Aggregate::CountEmpty => Value::Int(0),
        Aggregate::CountDistinct => {
            let mut seen: Vec<&Value> = Vec::new();
            values.iter().for_each(|value| if !seen.contains(&value) { seen.push(value) });
            Value::Int(i64::try_from(seen.len()).unwrap_or(i64::MAX))
        }
        Aggregate::Sum => sum().map_or(Value::Empty, Value::Decimal),
        Aggregate::Avg if values.is_empty() => Value::Empty,
        Aggregate::Avg => sum().map_or(Value::Empty, |sum| average(sum, i64::try_from(values.len()).unwrap_or(i64::MAX))),
        Aggregate::Min => extreme(std::cmp::Ordering::Less),
        Aggregate::Max => extreme(std::cmp::Ordering::Greater),
        Aggregate::First => values.first().cloned().unwrap_or_default(),
        Aggregate::Last => values.last().cloned().unwrap_or_default(),
        Aggregate::Concat if values.is_empty() => Value::Empty,
        Aggregate::Concat => Value::Text(values.iter().map(shown).collect::<Vec<_>>().join(&rollup.separator)),
    }
}
