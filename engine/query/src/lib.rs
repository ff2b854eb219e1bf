//! Questions to a card's records: from a URL or a JSON body to a query whose every name and type is resolved.
//!
//! **Invariants**
//! - A [`CheckedQuery`] names only what the catalog has; it says nothing about who may ask.
//! - Its order always ends in `id`, so that pages never overlap.
//!
//! **Not here:** rights (`access`), SQL (`sql`).

mod aggregates;
pub mod bind;
mod check;
pub mod cursor;
mod order;
mod request;
mod search;
pub mod zone;

pub use aggregates::fitting;
pub use bind::{Binder, bind};
pub use check::check;
pub use search::{Search, Slot, layout, slots};
pub use request::{Count, GroupRequest, ListRequest, TotalRequest, Trash};

use std::sync::Arc;

use model::{Aggregate, Card, Condition, DatePart, Ident, Path, Value};

/// Rows a page has when nobody says.
pub const DEFAULT_LIMIT: u32 = 50;
/// Most rows of a page.
pub const MAX_LIMIT: u32 = 500;

/// A question whose names and types are resolved.
#[derive(Debug, Clone)]
pub struct CheckedQuery {
    /// Whose records.
    pub card: Arc<Card>,
    /// Whether nobody named what is wanted: what may not be read is then left out, not refused.
    pub whole: bool,
    /// What is wanted of each.
    pub select: Vec<Selected>,
    /// Child tables wanted with each.
    pub children: Vec<Ident>,
    /// Links wanted as whole records.
    pub expand: Vec<Path>,
    /// Which records; variables already replaced.
    pub filter: Condition,
    /// What quick search asks besides. Nobody named its fields, so those that may not be read are passed over, not refused.
    pub search: Option<Search>,
    /// In which order; ends in `id`.
    pub sort: Vec<Sort>,
    /// Whether nobody said in which order.
    pub default_order: bool,
    /// After which record: the sort keys of the last one seen.
    pub after: Option<Vec<Value>>,
    /// How many at most.
    pub limit: u32,
    /// Whether the trash is meant.
    pub trash: Trash,
    /// How matches are counted.
    pub count: Count,
    /// Totals over all matches.
    pub totals: Vec<Total>,
    /// Groups over all matches.
    pub groups: Vec<Group>,
    /// The actor's zone, where groups by days of moments need it.
    pub zone: zone::Offsets,
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Selected {
    /// As asked: `customer.name`.
    pub name: String,
    /// Where it is.
    pub path: Path,
}

/// One key of the order.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    /// By what.
    pub path: Path,
    /// Largest first. Empty values are last either way.
    pub descending: bool,
}

/// An aggregate over all matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Total {
    /// As asked: `total`.
    pub name: String,
    /// Over what; `None` counts records.
    pub path: Option<Path>,
    /// How.
    pub function: Aggregate,
}

/// One level of grouping.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// As asked.
    pub name: String,
    /// By what.
    pub path: Path,
    /// For days and moments: by which span.
    pub by: Option<DatePart>,
    /// For links into a tree: at which level from the top records are gathered.
    pub level: Option<u8>,
    /// For links: the first field of the target's title, which they are ordered by.
    pub title: Option<Path>,
    /// In which order.
    pub order: GroupOrder,
}

/// In which order the groups of a level come. Empty ones are last where values decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupOrder {
    /// By what.
    pub by: GroupKey,
    /// Largest first.
    pub descending: bool,
}

/// What groups are ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GroupKey {
    /// Their value: options in their order, links by title.
    #[default]
    Value,
    /// How many records.
    Count,
    /// One of the totals, by its place.
    Total(usize),
}

/// Why a question makes no sense: 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct QueryError {
    /// The stable word.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl QueryError {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
