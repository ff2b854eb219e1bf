//! Between people and values: what a form shows, and what its fields send back.
//!
//! `format` turns values into words for a person's language, zone and habits; `submit` turns the strings of a
//! submitted form into the same JSON body that API clients send, so that both go through one reader.
//!
//! **Invariants**
//! - Pure: no pool, no clock, no HTML.
//! - Whatever `format::input` writes into a field, `submit` reads back as the same value.
//!
//! **Not here:** HTML (`web`), checking (`model`).

pub mod format;
pub mod sentence;
pub mod submit;
pub mod words;

pub use format::Locale;
