//! Variables and periods of a condition replaced by what they stand for now.

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

/// Replaces every variable; what is not known makes its test unknown.
pub fn bind(condition: &Condition, binder: &dyn Binder) -> Condition {
    match condition {
        Condition::All(parts) => Condition::All(parts.iter().map(|part| bind(part, binder)).collect()),
        Condition::Any(parts) => Condition::Any(parts.iter().map(|part| bind(part, binder)).collect()),
        Condition::Not(part) => Condition::Not(Box::new(bind(part, binder))),
        Condition::Related(related) => Condition::Related(Related { condition: Box::new(bind(&related.condition, binder)), ..related.clone() }),
        Condition::Test(test) => bind_test(test, binder).map_or(Condition::Unknown, Condition::Test),
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

fn bind_test(test: &Test, binder: &dyn Binder) -> Option<Test> {
    let value = |term: &Term| match term {
        Term::Value(value) => Some(value.clone()),
        Term::Variable(variable) => binder.variable(variable),
    };
    let operand = match &test.operand {
        Operand::None => Operand::None,
        Operand::One(one) => Operand::One(Term::Value(value(one)?)),
        Operand::Many(many) => Operand::Many(many.iter().map(|one| Some(Term::Value(value(one)?))).collect::<Option<_>>()?),
        Operand::Range(from, to) => Operand::Range(Term::Value(value(from)?), Term::Value(value(to)?)),
        Operand::Period(period) => {
            let (from, to) = binder.days(*period);
            Operand::Range(Term::Value(Value::Date(from)), Term::Value(Value::Date(to)))
        }
    };
    let op = if test.op == Op::In { Op::Between } else { test.op };
    let test = Test { op, operand, path: test.path.clone() };
    let is_moment = matches!(binder.kind(&test.path), Some(FieldKind::Datetime)) && test.op != Op::AnniversaryIn;
    Some(if is_moment { whole_days(test, binder) } else { test })
}

/// A moment compared with a day: the day's first and last instants take its place.
fn whole_days(test: Test, binder: &dyn Binder) -> Test {
    let first = |day: NaiveDate| Term::Value(Value::Instant(binder.day_start(day)));
    let last = |day: NaiveDate| Term::Value(Value::Instant(binder.day_start(day.succ_opt().unwrap_or(day)) - TimeDelta::microseconds(1)));
    let day = |term: &Term| match term {
        Term::Value(Value::Date(day)) => Some(*day),
        _ => None,
    };
    let (op, operand) = match (test.op, test.operand) {
        (Op::Between, Operand::Range(from, to)) => {
            let (from, to) = (day(&from).map_or(from, first), day(&to).map_or(to, last));
            (Op::Between, Operand::Range(from, to))
        }
        (op, Operand::One(one)) => match (op, day(&one)) {
            (_, None) => (op, Operand::One(one)),
            (Op::Is, Some(day)) => (Op::Between, Operand::Range(first(day), last(day))),
            (Op::Gt | Op::After, Some(day)) => (Op::Gt, Operand::One(last(day))),
            (Op::Lte, Some(day)) => (Op::Lte, Operand::One(last(day))),
            (op, Some(day)) => (op, Operand::One(first(day))),
        },
        other => other,
    };
    Test { op, operand, ..test }
}
