//! The language of definitions as Rust types: what a pack's JSON files say, nothing resolved yet.
//!
//! **Invariants**
//! - The JSON Schemas in `schemas/` are generated from these types, so a doc comment here is help text there.
//! - Order of keys is meaning: maps are [`indexmap::IndexMap`]s.
//! - Unknown keys are errors, except `$schema`, `$comment` and keys beginning `x-` (taken out before reading).
//!
//! **Not here:** what names mean (`catalog`), whether they make sense together (`check`).

mod card;
mod field;
mod layout;
mod numbering;
mod packs;
mod pool;
mod rights;
mod scripts;
mod views;
mod workflow;

pub use card::*;
pub use field::*;
pub use layout::*;
pub use numbering::*;
pub use packs::*;
pub use pool::*;
pub use rights::*;
pub use scripts::*;
pub use views::*;
pub use workflow::*;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Words a person reads, by language tag: `{"en": "Order", "zh-Hans": "订单"}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Labels(pub IndexMap<String, String>);

impl Labels {
    /// The words in `lang`, else in a related language, else in English, else in whatever there is.
    pub fn get(&self, lang: &str) -> Option<&str> {
        let exact = self.0.get(lang);
        let related = || {
            let stem = lang.split('-').next().unwrap_or(lang);
            self.0.iter().find(|(tag, _)| tag.split('-').next() == Some(stem)).map(|(_, words)| words)
        };
        exact.or_else(related).or_else(|| self.0.get("en")).or_else(|| self.0.values().next()).map(String::as_str)
    }

    /// The words in `lang`, or `key` made readable where nobody wrote any.
    pub fn or_key(&self, lang: &str, key: &str) -> String {
        self.get(lang).map_or_else(|| humanize(key), str::to_owned)
    }

    /// Whether nobody wrote any words.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Labels in English only, for elements the engine itself provides.
    pub fn english(words: &str) -> Self {
        Self(IndexMap::from([("en".to_owned(), words.to_owned())]))
    }
}

/// `credit_level` → `Credit level`.
pub fn humanize(key: &str) -> String {
    let spaced = key.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub(crate) fn is_false(flag: &bool) -> bool {
    !*flag
}
