//! The search index: kept in the transaction of every change, made again when its layout changes, asked under the gate.
//!
//! **Invariants**
//! - What the index says of a record is a function of the database and the catalog: entries made again are the same.
//! - A record whose words stand in another record is found by the new ones from the moment that one is saved; where
//!   very many point there, a job follows within moments.
//! - Every question to the index is a gated list: rows and fields that a reader may not read make nothing be found.
//!
//! **Not here:** how texts are cut (`search`), statements (`sql::search`).

mod documents;
mod find;
mod follow;
mod rebuild;
mod uses;

pub use find::{CardHits, Detail, Hit, everywhere, in_card};
pub use rebuild::{KIND, Open, cards_open, rebuild, rebuild_job, settle};
pub(crate) use follow::{FOLLOW_KIND, Kept, after_save, after_trash, follow_job, make_user, user_changed};
pub(crate) use uses::Uses;
