//! The page of everything that was found.

use serde::Serialize;

use super::Piece;

/// `/search?q=`
#[derive(Debug, Clone, Default, Serialize)]
pub struct SearchPage {
    /// What was looked for.
    pub q: String,
    /// The one card that was looked through; empty for all.
    pub card: String,
    /// All cards, then each in which something was found.
    pub scopes: Vec<SearchScope>,
    /// What was found, by card.
    pub cards: Vec<SearchCard>,
    /// How it went, in words; empty for nothing to say.
    pub note: String,
    /// What is not findable just now, in words; empty for nothing.
    pub rebuilding: String,
}

/// A card with something found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SearchScope {
    /// Its name.
    pub label: String,
    /// Its icon; empty for all cards.
    pub icon: String,
    /// How many, in words: "200+".
    pub count: String,
    /// The same question for this card alone.
    pub url: String,
    /// It is the one shown.
    pub current: bool,
}

/// What was found of one card.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SearchCard {
    /// The card.
    pub scope: SearchScope,
    /// The best, best first.
    pub hits: Vec<SearchHit>,
    /// There is more behind the card's own address.
    pub more: bool,
    /// The card's list with the same words.
    pub list_url: String,
}

/// One record.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SearchHit {
    /// Its page.
    pub url: String,
    /// Its title, cut where words were found.
    pub title: Vec<Piece>,
    /// The name of another field.
    pub label: String,
    /// What stands there.
    pub detail: Vec<Piece>,
}
