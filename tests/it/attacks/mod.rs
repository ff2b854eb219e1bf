//! What was done to programs of this kind, tried here. `docs/security-proof.md` lists all of it, with the test that tries
//! it; here stand those that no other file of cases tries.
//!
//! **Invariants**
//! - A case is named by what is tried, and says its number in the document.
//! - An attack that succeeds is a fault of the product, never of the case.

mod accounts;
mod asking;
mod files;
mod headers;
mod lines;
mod names;
mod secrets;
mod structure;
mod table;
