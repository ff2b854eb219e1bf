//! sql
pub mod statement;
pub use statement::{Datum, Dialect, Physical, Statement};
