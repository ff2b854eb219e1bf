//! Turns what the gate has passed into SQL statements, for both dialects.
//!
//! **Invariants**
//! - Pure: no pool, no clock, no `async`. The manifest names neither sqlx nor tokio.
//! - What a user typed reaches SQL only as a bind; names only as they stand in the catalog.
//! - Never `SELECT *`; the schema version stands in every statement's text.
//!
//! **Not here:** running statements (`store`), deciding who may ask (`access`).

pub mod builder;
pub mod derived;
pub mod encode;
pub mod groups;
pub mod indexes;
pub mod page;
pub mod predicate;
pub mod publish;
pub mod related;
pub mod schema;
pub mod search;
pub mod select;
mod statement;
pub mod system;
pub mod system_accounts;
pub mod system_advice;
pub mod system_approvals;
pub mod system_batches;
pub mod system_derived;
pub mod system_factors;
pub mod system_folders;
pub mod system_log;
pub mod system_views;
pub mod system_likeness;
pub mod system_outgoing;
pub mod system_pool;
pub mod system_schedules;
pub mod system_imports;
pub mod system_jobs;
pub mod system_notices;
pub mod system_rights;
pub mod system_scripts;
pub mod system_shares;
pub mod system_states;
pub mod system_upkeep;
pub mod system_versions;
pub mod write;

pub use statement::{Counts, Datum, Dialect, Physical, Statement, joined, together};
