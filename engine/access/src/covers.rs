//! Whether somebody holds what they would give to others: nobody gives more than they have.

use std::sync::Arc;

use model::{ActionName, Card, FieldRight, Grant, Ident, Scope};

use crate::{Actor, gate::held};

/// The first thing of a grant that its giver does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Lacking {
    /// No grant of the giver allows the action in those records.
    Action(ActionName),
    /// No such grant lets the giver do as much with the field.
    Field(Option<Ident>, Ident),
}

/// Whether the actor holds each action of a grant, in its records, with its fields, by a grant of their own. Records are
/// compared as they are written: all, or the same.
pub fn covers(actor: &Actor, card: &Arc<Card>, given: &Grant) -> Result<(), Lacking> {
    if actor.is_unbounded() {
        return Ok(());
    }
    let own: Vec<&Grant> = held(card, actor).filter(|grant| grant.scope == Scope::All || grant.scope == given.scope).collect();
    for action in &given.actions {
        let allowing: Vec<&&Grant> = own.iter().filter(|grant| grant.actions.contains(action)).collect();
        if allowing.is_empty() {
            return Err(Lacking::Action(*action));
        }
        let right = |grant: &Grant, place: &(Option<Ident>, Ident)| grant.fields.get(place).copied().unwrap_or(FieldRight::Edit);
        let fits = |grant: &Grant| grant.fields.keys().all(|place| right(grant, place) >= right(given, place));
        if !allowing.iter().any(|grant| fits(grant)) {
            let lacking = allowing[0].fields.keys().find(|place| right(allowing[0], place) < right(given, place));
            let (child, field) = lacking.cloned().unwrap_or_else(|| (None, card.key.clone()));
            return Err(Lacking::Field(child, field));
        }
    }
    Ok(())
}
