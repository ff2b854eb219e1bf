//! What changes when packs are installed or upgraded: two catalogs compared, element by element, by permanent ids.
//!
//! **Invariants**
//! - Pure: what stored records make of a change (how many break a rule, which values do not convert) is counted by
//!   whoever has them.
//! - Nothing here drops anything: what is gone is retired.
//!
//! **Not here:** reading packs (`model::load`), carrying changes out (`app::packs`).

mod diff;
#[cfg(test)]
mod tests;

pub use diff::{At, Change, diff};
