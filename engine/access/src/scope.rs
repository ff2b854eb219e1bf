//! Which records the named scopes mean.

use model::{Card, Catalog, Condition, Hop, Ident, Op, Operand, Path, Scope, TableRef, Term, Test, Value, Variable};

use crate::Actor;

/// How many units above a record's own are looked at for one that the actor leads.
const MAX_LEVELS: usize = 8;

/// A scope as a condition, variables still open.
pub(crate) fn condition(catalog: &Catalog, actor: &Actor, card: &Card, scope: &Scope) -> Condition {
    let unit = || actor.org_unit.map(|unit| Operand::One(Term::Value(Value::Id(unit))));
    match scope {
        Scope::All => Condition::always(),
        Scope::Own => own(card),
        Scope::OrgUnit => unit().map_or(Condition::never(), |unit| own_test(card, "org_unit", Op::Is, unit)),
        Scope::OrgTree => unit().map_or(Condition::never(), |unit| own_test(card, "org_unit", Op::Under, unit)),
        Scope::Subordinates => Condition::Any(std::iter::once(own(card)).chain(led(catalog, actor, card)).collect()),
        // Nothing is shared record by record yet.
        Scope::Shared => Condition::never(),
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

/// Records of the units that the actor leads, and of all units below: one condition for each level between.
fn led(catalog: &Catalog, actor: &Actor, card: &Card) -> Vec<Condition> {
    let Some(org) = &catalog.org else { return Vec::new() };
    let (Some(manager), Some(unit)) = (&org.manager, card.table.fields.get("org_unit")) else { return Vec::new() };
    let who: Vec<Term> = leader_ids(catalog, actor, org.card.as_str(), manager).into_iter().map(|id| Term::Value(Value::Id(id))).collect();
    if who.is_empty() {
        return Vec::new();
    }
    let levels = if org.parent.is_some() { MAX_LEVELS } else { 1 };
    let at = |level: usize| {
        let mut hops = vec![Hop::Link { field: unit.key.clone(), target: org.card.clone() }];
        hops.extend(std::iter::repeat_n(org.parent.clone(), level).flatten().map(|parent| Hop::Link { field: parent, target: org.card.clone() }));
        let path = Path { start: card.table.reference(), hops, leaf: manager.clone(), part: None, end: TableRef::card(&org.card) };
        Condition::Test(Test { path, op: Op::AnyOf, operand: Operand::Many(who.clone()) })
    };
    (0..levels).map(at).collect()
}

/// Who the actor is where units name their managers: the user itself, or a record that a pack binds to it.
fn leader_ids(catalog: &Catalog, actor: &Actor, org: &str, manager: &Ident) -> Vec<uuid::Uuid> {
    let target = catalog.card(org).and_then(|card| card.field(manager.as_str())).and_then(|field| match &field.kind {
        model::FieldKind::Link(link) => Some(&link.target),
        _ => None,
    });
    let Some(target) = target else { return Vec::new() };
    if *target == model::USER_CARD {
        return actor.user.into_iter().collect();
    }
    // The actor's own record, not one that it leads to, such as its manager's.
    let own = |name: &&Ident| catalog.bindings.get(*name).is_some_and(|binding| binding.path.is_none() && binding.card == *target);
    actor.bound.iter().filter(|(name, _)| own(name)).filter_map(|(_, value)| value.as_id()).collect()
}
