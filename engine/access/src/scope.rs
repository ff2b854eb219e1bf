//! Which records the named scopes mean.
//!
//! **Invariants**
//! - What the actor lacks (a unit, units to lead, anything shared) makes a scope match nothing.
//! - Units below a unit are found along the tree in the database, however deep, and once each where it goes in a circle.

use model::{ActionName, Card, Catalog, Condition, Op, Operand, Path, Scope, Term, Test, Value, Variable};

use crate::Actor;

/// A scope as a condition, variables still open.
pub(crate) fn condition(catalog: &Catalog, actor: &Actor, card: &Card, scope: &Scope, action: ActionName) -> Condition {
    let unit = || actor.org_unit.map(|unit| Operand::One(Term::Value(Value::Id(unit))));
    match scope {
        Scope::All => Condition::always(),
        Scope::Own => own(card),
        Scope::OrgUnit => unit().map_or(Condition::never(), |unit| own_test(card, "org_unit", Op::Is, unit)),
        Scope::OrgTree => unit().map_or(Condition::never(), |unit| under(catalog, card, unit)),
        Scope::Subordinates => {
            let led: Vec<Term> = actor.led.iter().map(|id| Term::Value(Value::Id(*id))).collect();
            if led.is_empty() { own(card) } else { Condition::Any(vec![own(card), under(catalog, card, Operand::Many(led))]) }
        }
        Scope::Shared => shared(actor, card, action),
        Scope::Pool => pool(card),
        Scope::Filter(condition) => condition.clone(),
    }
}

fn own(card: &Card) -> Condition {
    own_test(card, "owner", Op::Is, Operand::One(Term::Variable(Variable::Me)))
}

fn own_test(card: &Card, field: &str, op: Op, operand: Operand) -> Condition {
    match card.table.fields.get(field) {
        Some(field) => Condition::Test(Test { path: Path::own(card.table.reference(), field.key.clone()), op, operand }),
        None => Condition::never(),
    }
}

/// Records of units, and of those below where units form a tree.
fn under(catalog: &Catalog, card: &Card, units: Operand) -> Condition {
    let is_tree = catalog.org.as_ref().and_then(|org| catalog.card(&org.card)).is_some_and(|units| units.tree.is_some());
    let op = match (is_tree, &units) {
        (true, _) => Op::Under,
        (false, Operand::One(_)) => Op::Is,
        (false, _) => Op::AnyOf,
    };
    own_test(card, "org_unit", op, units)
}

/// Whether a share to read is enough for an action; others take one to change.
fn only_reads(action: ActionName) -> bool {
    matches!(action, ActionName::Read | ActionName::Export | ActionName::Print | ActionName::Report)
}

fn shared(actor: &Actor, card: &Card, action: ActionName) -> Condition {
    // Nothing is shared with them, or nothing any more: no need to look.
    let Some(at) = actor.shared_at else { return Condition::never() };
    own_test(card, "id", Op::AnyOf, Operand::Shared { with: actor.who(), edit: !only_reads(action), at })
}

fn pool(card: &Card) -> Condition {
    let Some(pool) = &card.pool else { return Condition::never() };
    let unowned = own_test(card, "owner", Op::Empty, Operand::None);
    match &pool.when {
        None => unowned,
        Some((when, _)) => unowned.and(when.clone()),
    }
}
