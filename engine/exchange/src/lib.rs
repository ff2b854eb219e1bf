//! Tables in files: Excel workbooks and CSV, read and written row by row.
//!
//! Whatever somebody sends is opened in a process of its own ([`worker`]) that may use little memory and little time;
//! [`reader`] starts it and gets its rows over a pipe. [`book`] and [`text`] write.
//!
//! **Invariants**
//! - Memory does not grow with the number of rows, in either direction.
//! - A workbook is looked over with a counter before anything in it is believed; sizes that a file claims allocate nothing.
//! - Formulas are read as the values they had, macros and links to elsewhere not at all.
//! - Text is written as text: a cell that begins with `=` is no formula.
//!
//! **Not here:** what a column means, which records become of rows (`app`).

pub mod book;
mod cell;
mod comma;
mod encoding;
mod fault;
pub mod limits;
mod numbers;
pub mod reader;
mod scan;
pub mod text;
mod workbook;
pub mod worker;

pub use cell::{Cell, Line};
pub use fault::{Fault, FaultCode};
pub use numbers::{from_serial, number_text};
pub use reader::{Head, Job, Reader, SheetName};

#[cfg(test)]
mod tests;
