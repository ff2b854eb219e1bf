//! Which transitions a record has for somebody: those that can be taken, and why others cannot.

use std::{collections::HashMap, sync::Arc};

use access::Actor;
use model::{ActionName, Card, Ident, TransitionDef};
use uuid::Uuid;

use super::{guard_words, is_for, role_words};
use crate::{App, AppError, Snapshot, Source, lists::bind_for, records::{self, read}};

/// A transition that starts where a record is.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// The workflow's field.
    pub workflow: Ident,
    /// The transition.
    pub transition: TransitionDef,
    /// Why it cannot be taken now; `None` where it can.
    pub why: Option<String>,
}

/// The transitions that start where a record is, in the order of their definition. `states` are the states the record
/// is in, by workflow. Whoever may take none of the card's has no offers.
pub async fn offers(app: &App, snapshot: &Snapshot, actor: &Actor, card: &Arc<Card>, id: Uuid, states: &HashMap<Ident, String>) -> Result<Vec<Offer>, AppError> {
    let catalog = &snapshot.catalog;
    let Ok(gate) = access::gate(catalog, actor, card, ActionName::Transition) else { return Ok(Vec::new()) };
    if card.builtin || card.workflows.is_empty() {
        return Ok(Vec::new());
    }
    let is_mine = read::matches(app, snapshot, card, id, &gate.rows()).await?;
    let applied = app.store.fetch(&sql::system_approvals::running(app.store.dialect(), id)).await?;
    let waits = |key: &Ident| applied.iter().any(|row| matches!(row.first(), Some(sql::Datum::Text(workflow)) if workflow == key.as_str()));
    let mut offers = Vec::new();
    for (key, workflow) in &card.workflows {
        let Some(state) = states.get(key) else { continue };
        for transition in workflow.transitions.iter().filter(|transition| transition.from.iter().any(|from| *from == state.as_str())) {
            let why = match () {
                () if waits(key) => Some("an approval is under way: it is decided, or withdrawn, first".to_owned()),
                () if !is_mine => Some("you may take no steps with this record".to_owned()),
                () if !is_for(actor, transition) => Some(format!("only {} can take this step", role_words(catalog, actor, transition))),
                () if !holds(app, snapshot, actor, card, id, transition).await? => Some(format!("this needs: {}", guard_words(catalog, actor, card, transition))),
                () => None,
            };
            offers.push(Offer { workflow: key.clone(), transition: transition.clone(), why });
        }
    }
    Ok(offers)
}

async fn holds(app: &App, snapshot: &Snapshot, actor: &Actor, card: &Card, id: Uuid, transition: &TransitionDef) -> Result<bool, AppError> {
    let Some(guard) = card.guards.get(&transition.id) else { return Ok(true) };
    let told = records::seen_from(&mut Source::App(app), snapshot, actor, card, id, guard).await?;
    read::matches(app, snapshot, card, id, &bind_for(actor, &snapshot.catalog, &told)).await
}
