//! Formulas and scripts: Rhai over the fields of a record, in a sandbox.
//!
//! A [`Formula`] is one calculation, compiled once over [`Names`] and calculated inline over [`Inputs`]:
//!
//! ```
//! use model::Value;
//! use script::{Formula, Inputs, Kind, NameList, RowSet};
//!
//! struct Line;
//! impl Inputs for Line {
//!     fn value(&self, name: &str) -> Option<Value> {
//!         (name == "quantity").then_some(Value::Int(7))
//!     }
//!     fn rows(&self, _: &str) -> Option<RowSet> {
//!         None
//!     }
//! }
//!
//! let names: NameList = [("quantity", Kind::Number)].into_iter().collect();
//! let half = Formula::check("quantity / 2", &names)?;
//! assert_eq!(half.eval(&Line)?, Value::Decimal("3.5".parse().expect("a number")));
//!
//! let error = Formula::check("quantitty / 2", &names).expect_err("no such field");
//! assert_eq!(error.to_string(), "the formula names `quantitty`, which is no field; did you mean `quantity`? (line 1, column 1)");
//! # Ok::<(), script::ScriptError>(())
//! ```
//!
//! [`order()`] puts computed fields in the order of their needs. A [`Script`] has statements, for rules and reports, and
//! runs on the threads of a [`ScriptPool`].
//!
//! **Invariants**
//! - Numbers are exact decimals; `/` never cuts off. An operator with an empty operand gives empty; comparing with
//!   empty is false, and an empty condition counts as no.
//! - Every limit is set, what reaches outside is not there, and what can grow its input is measured first.
//! - Running never panics and never aborts the process.
//!
//! **Not here:** which formulas there are (`model`), when they run (`app`).

mod clock;
mod conditions;
mod convert;
mod doc;
mod fault;
mod formula;
mod functions;
mod host;
mod names;
mod natives;
mod operators;
mod order;
mod pool;
mod profile;
mod rows;
mod script;
mod tokens;

pub use doc::{Found, Settable};
pub use fault::{Fault, Refused, ScriptError};
pub use formula::{Formula, Inputs};
pub use functions::{FUNCTIONS, Function, ROW_FUNCTIONS};
pub use host::{Answer, Call, HOST_FUNCTIONS, Host, Refusal};
pub use names::{Kind, NameList, Names};
pub use order::{Cycle, order};
pub use pool::{ScriptPool, resting};
pub use profile::{Limits, Profile};
pub use rows::RowSet;
pub use script::{AtHand, Given, RECORD, Ran, Script};

#[cfg(test)]
mod tests;
