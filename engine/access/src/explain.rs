//! Why somebody can, or cannot, do something: the same grants that the gate compiles, told one by one.

use std::sync::Arc;

use model::{ActionName, Bound, Card, Catalog, Condition, FieldRight, Filter, Grant, Ident, Scope};

use crate::{
    Actor,
    gate::{holds_for, rows_of},
};

/// What decides about one action of one actor on one card.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Every right is there without a grant: the system, and administrators.
    pub unbounded: bool,
    /// Every grant of the card, in its order.
    pub grants: Vec<Verdict>,
    /// Every guard of the card.
    pub bounds: Vec<Guarded>,
}

/// What one grant contributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// By which it is known.
    pub id: String,
    /// Whose grant it is.
    pub role: Ident,
    /// Whether the actor is in that group.
    pub held: bool,
    /// Whether it allows the action.
    pub allows: bool,
    /// To which records, as written.
    pub scope: Scope,
    /// Why it matches nothing any more.
    pub fault: Option<String>,
    /// The condition of its scope as written.
    pub written: Option<Filter>,
    /// To which records now: `never` where something the scope asks for is not known of the actor.
    pub rows: Condition,
    /// The fields on which it says anything but `edit`.
    pub fields: Vec<(Option<Ident>, Ident, FieldRight)>,
}

impl Verdict {
    /// Whether the grant counts at all.
    pub fn counts(&self) -> bool {
        self.held && self.allows
    }
    /// What it says of a field.
    pub fn right(&self, child: Option<&Ident>, field: &Ident) -> FieldRight {
        self.fields.iter().find(|(of, key, _)| of.as_ref() == child && key == field).map_or(FieldRight::Edit, |(_, _, right)| *right)
    }
}

/// What one guard lets through.
#[derive(Debug, Clone, PartialEq)]
pub struct Guarded {
    /// By which it is known.
    pub id: String,
    /// Whether it holds for the actor.
    pub holds: bool,
    /// Which records it lets through, as written.
    pub scope: Scope,
    /// Why it lets nothing through any more.
    pub fault: Option<String>,
    /// The condition of its scope as written.
    pub written: Option<Filter>,
    /// Which records it lets through now.
    pub rows: Condition,
}

/// Tells what each grant of a card says about an action of this actor.
pub fn explain(catalog: &Catalog, actor: &Actor, card: &Arc<Card>, action: ActionName) -> Explanation {
    let verdict = |grant: &Grant| Verdict {
        id: grant.id.clone(),
        role: grant.role.clone(),
        held: actor.roles.contains(&grant.role),
        allows: grant.actions.contains(&action),
        scope: grant.scope.clone(),
        fault: grant.fault.clone(),
        written: grant.written.clone(),
        rows: rows_of(catalog, actor, card, &grant.scope, action),
        fields: grant.fields.iter().map(|((child, field), right)| (child.clone(), field.clone(), *right)).collect(),
    };
    let guarded = |bound: &Bound| Guarded {
        id: bound.id.clone(),
        holds: holds_for(bound, actor),
        scope: bound.scope.clone(),
        fault: bound.fault.clone(),
        written: bound.written.clone(),
        rows: rows_of(catalog, actor, card, &bound.scope, action),
    };
    Explanation { unbounded: actor.is_unbounded(), grants: card.grants.iter().map(verdict).collect(), bounds: card.bounds.iter().map(guarded).collect() }
}
