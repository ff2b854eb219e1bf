//! What of a catalog search needs: slots and layout of each card, and whose words stand in other records.

use std::collections::{BTreeSet, HashMap};

use model::{Card, Catalog, Hop, Ident, Path, TableRef};
use query::Slot;

/// Slots of all cards, and where changes of a record must be followed.
#[derive(Default)]
pub struct Uses {
    cards: HashMap<Ident, Searched>,
    followed: HashMap<Ident, Vec<Use>>,
}

/// A card as it is searched.
pub struct Searched {
    /// Where its records are looked for.
    pub slots: Vec<Slot>,
    /// What its entries are made by.
    pub layout: String,
    /// Own fields and child tables that its entries hang on.
    own: BTreeSet<Ident>,
}

/// A card whose records are found by words of another card's.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// The card that is found.
    pub card: Ident,
    /// The tables on the way from there, the one before each hop.
    pub tables: Vec<TableRef>,
    /// The way.
    pub hops: Vec<Hop>,
    /// The field or child table of the other card that counts.
    pub on: Ident,
}

impl Uses {
    /// Reads a catalog.
    pub fn new(catalog: &Catalog) -> Self {
        let mut uses = Self::default();
        for card in catalog.cards.values() {
            let slots = query::slots(catalog, card);
            let mut own = BTreeSet::new();
            for slot in &slots {
                own.insert(first(&slot.path, 0));
                for used in uses_of(card, &slot.path) {
                    let all = uses.followed.entry(used.0).or_default();
                    if !all.contains(&used.1) {
                        all.push(used.1);
                    }
                }
            }
            let layout = query::layout(&slots);
            uses.cards.insert(card.key.clone(), Searched { slots, layout, own });
        }
        uses
    }

    /// A card as it is searched.
    pub fn card(&self, card: &Ident) -> Option<&Searched> {
        self.cards.get(card)
    }

    /// Whether a card's own entries hang on one of these fields and child tables.
    pub fn touched(&self, card: &Ident, changed: &BTreeSet<Ident>) -> bool {
        self.cards.get(card).is_some_and(|searched| !searched.own.is_disjoint(changed))
    }

    /// Other records that are found by words of this card's; `None` for whatever changed.
    pub fn following<'u>(&'u self, card: &Ident, changed: Option<&'u BTreeSet<Ident>>) -> impl Iterator<Item = &'u Use> {
        self.followed.get(card).into_iter().flatten().filter(move |used| changed.is_none_or(|changed| changed.contains(&used.on)))
    }
}

/// The field or child table by which a path leaves the table reached after so many hops, or its end.
fn first(path: &Path, at: usize) -> Ident {
    match path.hops.get(at) {
        Some(Hop::Link { field, .. } | Hop::Links { field, .. } | Hop::AnyLink { field, .. }) => field.clone(),
        Some(Hop::Child { table }) => table.clone(),
        Some(Hop::Parent) | None => path.leaf.clone(),
    }
}

/// For each card that a path reaches over links: how it is reached, and what of it counts.
fn uses_of(card: &Card, path: &Path) -> Vec<(Ident, Use)> {
    let mut found = Vec::new();
    let mut table = card.table.reference();
    let mut tables = Vec::new();
    for (at, hop) in path.hops.iter().enumerate() {
        tables.push(table.clone());
        match hop {
            Hop::Link { target, .. } | Hop::Links { target, .. } | Hop::AnyLink { target, .. } => {
                table = TableRef::card(target);
                let used = Use { card: card.key.clone(), tables: tables.clone(), hops: path.hops[..=at].to_vec(), on: first(path, at + 1) };
                found.push((target.clone(), used));
            }
            Hop::Child { table: child } => table.child = Some(child.clone()),
            Hop::Parent => table.child = None,
        }
    }
    found
}
