//! Variables and periods of a condition replaced by what they stand for now.
//!
//! **Invariants**
//! - A variable that stands for nothing makes its test unknown, and only its test.
//! - Days and moments are never compared with each other: after binding, a test of a moment names moments, one of a day days.
//!
//! **Not here:** who asks (`access`), evaluation (`model::eval`, the room `sql`).

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use model::{Condition, FieldKind, Op, Operand, Path, Period, Related, Term, Test, Value, Variable};

/// Who asks, when and where.
pub trait Binder {
    /// What a variable stands for; `None` is unknown.
    fn variable(&self, variable: &Variable) -> Option<Value>;
    /// First and last day of a period, in the actor's zone.
    fn days(&self, period: Period) -> (NaiveDate, NaiveDate);
    /// The instant at which a day begins in the actor's zone.
    fn day_start(&self, day: NaiveDate) -> DateTime<Utc>;
    /// The kind of what stands at the end of a path.
    fn kind(&self, path: &Path) -> Option<FieldKind>;
}

/// The day an instant falls on in the actor's zone.
pub fn day_of(binder: &dyn Binder, at: DateTime<Utc>) -> NaiveDate {
    let utc = at.date_naive();
    let next = utc.succ_opt().unwrap_or(utc);
    if binder.day_start(next) <= at {
        next
    } else if binder.day_start(utc) <= at {
        utc
    } else {
        utc.pred_opt().unwrap_or(utc)
    }
}

/// Replaces every variable; what is not known makes its test unknown.
pub fn bind(condition: &Condition, binder: &dyn Binder) -> Condition {
    match condition {
        Condition::All(parts) => Condition::All(parts.iter().map(|part| bind(part, binder)).collect()),
        Condition::Any(parts) => Condition::Any(parts.iter().map(|part| bind(part, binder)).collect()),
        Condition::Not(part) => Condition::Not(Box::new(bind(part, binder))),
        Condition::Related(related) => Condition::Related(Related { condition: Box::new(bind(&related.condition, binder)), ..related.clone() }),
        Condition::Test(test) => bind_test(test, binder).unwrap_or(Condition::Unknown),
        Condition::Unknown => Condition::Unknown,
    }
}

/// Whether a bound condition has an unknown anywhere: such a scope admits nothing.
pub fn has_unknown(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(has_unknown),
        Condition::Not(part) => has_unknown(part),
        Condition::Related(related) => has_unknown(&related.condition),
        Condition::Test(_) => false,
        Condition::Unknown => true,
    }
}

fn bind_test(test: &Test, binder: &dyn Binder) -> Option<Condition> {
    let kind = binder.kind(&test.path);
    let is_day = matches!(kind, Some(FieldKind::Date));
    let bound = |term: &Term| -> Option<Term> {
        let value = match term {
            Term::Value(value) => value.clone(),
            // The record around, and the row itself, are there only when the statement runs.
            Term::Variable(Variable::Outer(_) | Variable::Same(_)) => return Some(term.clone()),
            Term::Variable(variable) => binder.variable(variable).filter(|value| !value.is_empty())?,
        };
        Some(Term::Value(match value {
            Value::Instant(at) if is_day => Value::Date(day_of(binder, at)),
            value => value,
        }))
    };
    let operand = match &test.operand {
        Operand::None => Operand::None,
        Operand::One(one) => Operand::One(bound(one)?),
        Operand::Many(many) => Operand::Many(many.iter().map(bound).collect::<Option<_>>()?),
        Operand::Range(from, to) => Operand::Range(bound(from)?, bound(to)?),
        Operand::Folders { folders, .. } => match binder.variable(&Variable::Me) {
            Some(Value::Id(reader)) => Operand::Folders { folders: folders.clone(), reader: Some(reader) },
            // The system keeps no folders.
            _ => return None,
        },
        Operand::Shared { .. } => test.operand.clone(),
        Operand::Period(period) => {
            let (from, to) = binder.days(*period);
            Operand::Range(Term::Value(Value::Date(from)), Term::Value(Value::Date(to)))
        }
    };
    let op = if test.op == Op::In { Op::Between } else { test.op };
    let test = Test { op, operand, path: test.path.clone() };
    Some(if matches!(kind, Some(FieldKind::Datetime)) { moments(test, binder) } else { Condition::Test(test) })
}

fn day(term: &Term) -> Option<NaiveDate> {
    match term {
        Term::Value(Value::Date(day)) => Some(*day),
        _ => None,
    }
}

/// A moment compared with days: the days' first and last instants take their place.
fn moments(test: Test, binder: &dyn Binder) -> Condition {
    let first = |day: NaiveDate| Term::Value(Value::Instant(binder.day_start(day)));
    let last = |day: NaiveDate| Term::Value(Value::Instant(binder.day_start(day.succ_opt().unwrap_or(day)) - TimeDelta::microseconds(1)));
    let with = |op: Op, operand: Operand| Condition::Test(Test { op, operand, path: test.path.clone() });
    let within = |from: &Term, to: &Term| {
        let (from, to) = (day(from).map_or(from.clone(), first), day(to).map_or(to.clone(), last));
        with(Op::Between, Operand::Range(from, to))
    };
    let equal = |term: &Term| if day(term).is_some() { within(term, term) } else { with(Op::Is, Operand::One(term.clone())) };
    match (test.op, &test.operand) {
        (Op::Between, Operand::Range(from, to)) => within(from, to),
        (Op::AnyOf, Operand::Many(many)) if many.iter().any(|term| day(term).is_some()) => Condition::Any(many.iter().map(equal).collect()),
        (Op::NoneOf, Operand::Many(many)) if many.iter().any(|term| day(term).is_some()) => Condition::Not(Box::new(Condition::Any(many.iter().map(equal).collect()))),
        (op, Operand::One(one)) => match (op, day(one)) {
            (Op::Is, Some(_)) => equal(one),
            (Op::IsNot, Some(_)) => Condition::Not(Box::new(equal(one))),
            (Op::Gt | Op::After, Some(day)) => with(Op::Gt, Operand::One(last(day))),
            (Op::Lte, Some(day)) => with(Op::Lte, Operand::One(last(day))),
            (op, Some(day)) => with(op, Operand::One(first(day))),
            (_, None) => Condition::Test(test),
        },
        _ => Condition::Test(test),
    }
}

#[cfg(test)]
mod tests;
