//! The language of definitions: what cards, fields, filters and rights are, and what they mean together.
//!
//! JSON goes in through [`load`], comes out as an immutable [`Catalog`] that every other room reads.
//!
//! **Invariants**
//! - No I/O: no pool, no clock, no `async`.
//! - Names that may reach SQL are [`Ident`]s or made of them in [`catalog`].
//!
//! **Not here:** SQL (`sql`), who may do what (`access`), running formulas (`script`).

#[cfg(test)]
extern crate self as model;
#[cfg(test)]
#[path = "../fixtures/plant.rs"]
mod plant;

pub mod build;
pub mod catalog;
pub mod condition;
pub mod convert;
pub mod def;
pub mod diagnostic;
pub mod eval;
pub mod filter;
mod ident;
pub mod load;
mod nearest;
mod operand;
pub mod path;
pub mod places;
pub mod record;
pub mod resolve;
pub mod rows;
pub mod schedule;
pub mod schema;
pub mod spans;
mod states;
pub mod types;
pub mod validate;
mod value;
pub mod view;
mod violation;

pub use catalog::*;
pub use condition::{Condition, Operand, Period, Related, RowSource, SpanUnit, Term, Test, Variable};
pub use def::*;
pub use filter::{Filter, FilterError, Op};
pub use ident::{Ident, NotAnIdent};
pub use nearest::nearest;
pub use diagnostic::{Diagnostic, Level};
pub use resolve::{Scopes, check_filter};
pub use path::{Hop, Part, Path, PathError, TableRef};
pub use record::{Record, Row, ValidRecord, Values};
pub use rows::{Leg, RowPath};
pub use value::Value;
pub use view::resolve_view;
pub use violation::{Code, Rejected, Violation};
