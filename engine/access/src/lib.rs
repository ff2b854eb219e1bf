//! Who may do what: the one gate. Grants are compiled to one predicate per actor, card and action.
//!
//! **Invariants**
//! - [`GatedQuery`] and [`GatedWrite`] are made here alone, and are all that the room `sql` lowers.
//! - What no grant names is denied. An unknown anywhere in a scope makes its grant match nothing.
//! - Fields belong to the grant that admits the row: rows of one grant are never seen with the fields of another.
//! - Decided before anything runs.
//!
//! **Not here:** who is signed in (`app`), SQL (`sql`).

mod actor;
mod covers;
mod explain;
mod gate;
mod query;
mod scope;
#[cfg(test)]
mod tests;
mod write;

pub use actor::{ADMINISTRATOR, Actor, Reason};
pub use covers::{Lacking, covers};
pub use explain::{Explanation, Guarded, Verdict, explain};
pub use gate::{Admission, Gate, Readable, Shown, gate, is_outsider, word as action_word};
pub use query::{GatedQuery, LinkTitle, Looked, Tables, Walk, gate_query, may_name, tables};
pub use write::{GatedWrite, gate_write};

/// Why the gate stays shut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No grant on the card at all: as if it did not exist.
    #[error("there is no such card")]
    Hidden,
    /// The card may be seen, but this may not be done.
    #[error("you may not {action} {card}")]
    Action { action: String, card: String },
    /// A field is named that the actor may not read.
    #[error("you may not read the field `{field}` of {card}")]
    Field { field: String, card: String },
}
