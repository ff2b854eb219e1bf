//! Why somebody can, or cannot, do something: the same grants that the gate compiles, told one by one.

use std::sync::Arc;

use model::{ActionName, Card, Catalog, Condition, FieldRight, Grant, Ident, Scope};

use crate::{Actor, gate::rows_of};

/// What decides about one action of one actor on one card.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Every right is there without a grant: the system, and administrators.
    pub unbounded: bool,
    /// Every grant of the card, in its order.
    pub grants: Vec<Verdict>,
}

/// What one grant contributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Whose grant it is.
    pub role: Ident,
    /// Whether the actor is in that group.
    pub held: bool,
    /// Whether it allows the action.
    pub allows: bool,
    /// To which records, as written.
    pub scope: Scope,
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
}

/// Tells what each grant of a card says about an action of this actor.
pub fn explain(catalog: &Catalog, actor: &Actor, card: &Arc<Card>, action: ActionName) -> Explanation {
    let verdict = |grant: &Grant| Verdict {
        role: grant.role.clone(),
        held: actor.roles.contains(&grant.role),
        allows: grant.actions.contains(&action),
        scope: grant.scope.clone(),
        rows: rows_of(catalog, actor, card, &grant.scope),
        fields: grant.fields.iter().map(|((child, field), right)| (child.clone(), field.clone(), *right)).collect(),
    };
    Explanation { unbounded: actor.is_unbounded(), grants: card.grants.iter().map(verdict).collect() }
}
