//! Conditions of definitions with the values of the record at hand.

use model::eval::{Facts, Place};

use super::*;

/// `@record.…` and `@row.…` of a condition replaced by what the facts say of them, behind links too.
pub(crate) fn with_facts(condition: &Condition, facts: &DraftFacts<'_>, at: &Place) -> Condition {
    let value = |at: &Place, path: &Path| facts.values(at, path).into_iter().next().filter(|value| !value.is_empty());
    replace(condition, &|variable| match variable {
        model::Variable::Record(path) => value(&Place::Record, path),
        model::Variable::Row(path) => value(at, path),
        _ => None,
    })
}

/// Where a place of a record stands: the record itself, or a child row by its id.
pub(crate) fn place_of(record: &Record, owner: Option<&(Ident, Uuid)>) -> Place {
    let row = owner.and_then(|(table, id)| Some((table, record.rows(table.as_str()).iter().position(|row| row.id == *id)?)));
    row.map_or(Place::Record, |(table, index)| Place::Row { table: table.clone(), index })
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

/// `customer`, or `lines/0/product` by the row's place in the table.
pub(super) fn touched_at(record: &Record, path: &str) -> Option<Touched> {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [key] => Some((None, Ident::new(key).ok()?)),
        [table, index, key] => {
            let row = record.rows(table).get(index.parse::<usize>().ok()?)?;
            Some((Some((Ident::new(table).ok()?, row.id)), Ident::new(key).ok()?))
        }
        _ => None,
    }
}
