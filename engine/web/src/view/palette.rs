//! What the command palette and the pickers of links find.

use serde::Serialize;

use super::Avatar;

/// The answer of `/palette?q=`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Palette {
    /// What was looked for.
    pub q: String,
    /// Groups that have something, in order: records, cards, actions.
    pub groups: Vec<PaletteGroup>,
    /// Where all that was found stands; none where nothing was looked for.
    pub all_url: Option<String>,
    /// How it went, in words: "7 in 11 ms". Empty for nothing to say.
    pub note: String,
    /// What is not findable just now, in words; empty for nothing.
    pub rebuilding: String,
}

/// A group of findings.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PaletteGroup {
    /// Its heading.
    pub label: String,
    /// How many there are; empty where all are shown.
    pub count: String,
    /// What was found.
    pub items: Vec<PaletteItem>,
}

/// One finding.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PaletteItem {
    /// A Lucide icon.
    pub icon: String,
    /// The words, cut into pieces so that what matched can be shown.
    pub label: Vec<Piece>,
    /// What tells it from others, or why it was found.
    pub detail: Vec<Piece>,
    /// Where it leads.
    pub url: String,
    /// Keys that do the same.
    pub keys: Vec<String>,
}

/// A piece of a text.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Piece {
    /// The words.
    pub text: String,
    /// They matched.
    pub hit: bool,
}

/// The answer of `/lookup/CARD?q=&ctx=`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LookupResults {
    /// Where this list hangs: the id of its input, sent as `for`. Options' ids are made from it.
    pub target: String,
    /// What was looked for.
    pub q: String,
    /// What was found, best first.
    pub options: Vec<LookupOption>,
    /// There is more; typing narrows it.
    pub more: bool,
    /// Where a new record is made; opens in a new tab.
    pub create_url: Option<String>,
    /// Words for that.
    pub create_label: Option<String>,
}

/// A record that may be linked.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LookupOption {
    /// What the form sends: an id, or `card:id`.
    pub value: String,
    /// Its title.
    pub title: String,
    /// The title, cut where words were found.
    pub pieces: Vec<Piece>,
    /// What tells it from others of that title.
    pub detail: Vec<Piece>,
    /// Its avatar.
    pub avatar: Option<Avatar>,
    /// Its page.
    pub url: Option<String>,
}
