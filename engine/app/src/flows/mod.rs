//! Workflows: which transitions there are for whom, taking them, and what a record went through.
//!
//! **Invariants**
//! - A transition is taken by those who hold `transition` on the record, and belong to its roles where it names some.
//! - Whatever takes one, a page, the API, a change of many records, comes through [`Taking`].
//!
//! **Not here:** the states themselves (`records::save::states`).

pub mod approvals;
mod offers;
mod stages;
mod take;

use access::Actor;
use model::{Card, Catalog, TransitionDef};
use uuid::Uuid;

use crate::{App, AppError};

pub use offers::{Offer, offers};
pub use stages::{Stage, stages};
pub(crate) use take::{Taking, comment_of};
pub use take::{Asked, Taken, take};

/// Whether a transition of a card asks others first.
pub fn asks_others(card: &Card) -> bool {
    card.workflows.values().flat_map(|workflow| &workflow.transitions).any(|transition| transition.approval.is_some())
}

/// Whether others decide on a record now.
pub async fn is_applied(app: &App, card: &Card, record: Uuid) -> Result<bool, AppError> {
    Ok(asks_others(card) && !app.store.fetch(&sql::system_approvals::running(app.store.dialect(), record)).await?.is_empty())
}

/// Whether the groups of an actor are among those of a transition.
pub fn is_for(actor: &Actor, transition: &TransitionDef) -> bool {
    actor.is_unbounded() || transition.roles.is_empty() || transition.roles.iter().any(|role| actor.roles.contains(role))
}

/// Who takes a transition, by the names of the groups.
pub(crate) fn role_words(catalog: &Catalog, actor: &Actor, transition: &TransitionDef) -> String {
    let name = |role: &model::Ident| catalog.roles.get(role).map_or_else(|| role.to_string(), |known| known.labels.or_key(&actor.lang, role.as_str()));
    transition.roles.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The condition of a transition as a sentence in the actor's language.
pub(crate) fn guard_words(catalog: &Catalog, actor: &Actor, card: &Card, transition: &TransitionDef) -> String {
    let Some(when) = &transition.when else { return String::new() };
    let locale = form::Locale::of(&actor.lang, actor.zone);
    let sentences = form::sentence::Sentences { catalog, locale: &locale, titles: &|_| None, parameters: &|_| None };
    sentences.of(&card.table.reference(), when)
}
