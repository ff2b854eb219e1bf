//! Conditions of definitions with the values of the record at hand.

use super::*;

/// `@record.…` and `@row.…` of a condition replaced by the draft's own values; what lies behind links stays unknown.
pub(crate) fn with_record(condition: &Condition, record: &Record, owner: Option<&(Ident, Uuid)>) -> Condition {
    let row = owner.and_then(|(table, id)| record.rows(table.as_str()).iter().find(|row| row.id == *id));
    let value = |path: &Path, values: Option<&model::Values>| -> Option<Value> {
        if path.leaf == "id" && path.hops.is_empty() && path.start.child.is_none() {
            return Some(Value::Id(record.id));
        }
        values.filter(|_| path.hops.is_empty()).map(|values| value_of(values, path.leaf.as_str()).clone()).filter(|value| !value.is_empty())
    };
    replace(condition, &|variable| match variable {
        model::Variable::Record(path) => value(path, Some(&record.values)),
        model::Variable::Row(path) => value(path, row.map(|row| &row.values)),
        _ => None,
    })
}

pub(super) fn replace(condition: &Condition, with: &dyn Fn(&model::Variable) -> Option<Value>) -> Condition {
    use model::{Operand, Term};
    let term = |term: &Term| match term {
        Term::Variable(variable) => with(variable).map_or_else(|| term.clone(), Term::Value),
        Term::Value(_) => term.clone(),
    };
    match condition {
        Condition::All(parts) => Condition::All(parts.iter().map(|part| replace(part, with)).collect()),
        Condition::Any(parts) => Condition::Any(parts.iter().map(|part| replace(part, with)).collect()),
        Condition::Not(part) => Condition::Not(Box::new(replace(part, with))),
        Condition::Related(related) => Condition::Related(model::Related { condition: Box::new(replace(&related.condition, with)), ..related.clone() }),
        Condition::Test(test) => {
            let operand = match &test.operand {
                Operand::One(one) => Operand::One(term(one)),
                Operand::Many(many) => Operand::Many(many.iter().map(term).collect()),
                Operand::Range(from, to) => Operand::Range(term(from), term(to)),
                other => other.clone(),
            };
            Condition::Test(model::Test { operand, ..test.clone() })
        }
        Condition::Unknown => Condition::Unknown,
    }
}
