//! Where fields keep their values once their type has changed: a new place each time, the old one left as it is.
//!
//! **Invariants**
//! - Places belong to ids of fields, not to keys: a rename changes nothing here.
//! - The first place of a field is the one the catalog gives it by itself.
//!
//! **Not here:** when a place is filled and by whom (`app::packs`).

use std::{collections::BTreeMap, sync::Arc};

use crate::{Catalog, Field, Ident, Storage, Table, convert};

/// One place of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// 1 for the first, one more for each change of type.
    pub n: i64,
    /// What the values there mean ([`convert::shape`]).
    pub shape: String,
    /// The column, or the table of several values.
    pub name: String,
    /// Whether it counts.
    pub state: PlaceState,
}

/// Whether a place counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceState {
    /// It holds the field's values, or did until a later one.
    Live,
    /// It is being filled: nobody reads it yet.
    Filling,
    /// It was to be filled, and the publish was given up.
    GivenUp,
}

impl PlaceState {
    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Filling => "filling",
            Self::GivenUp => "given_up",
        }
    }
    /// From its word.
    pub fn read(word: &str) -> Option<Self> {
        [Self::Live, Self::Filling, Self::GivenUp].into_iter().find(|state| state.word() == word)
    }
}

/// Places by the table's physical name and the field's id, in order of their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(pub BTreeMap<(String, String), Vec<Place>>);

/// Tables with their fields that are stored, mixins and extensions included.
pub fn stored(catalog: &Catalog) -> impl Iterator<Item = (&Table, &Field)> {
    let tables = catalog.cards.values().filter(|card| !card.builtin).flat_map(|card| std::iter::once(&card.table).chain(card.children.values()));
    tables.flat_map(|table| table.own_fields().filter(|field| field.storage != Storage::Nowhere).map(move |field| (table, field)))
}

impl Places {
    /// The place that counts.
    pub fn live(&self, table: &str, field: &Ident) -> Option<&Place> {
        self.of(table, field).iter().rev().find(|place| place.state == PlaceState::Live)
    }
    /// The place that is being filled.
    pub fn filling(&self, table: &str, field: &Ident) -> Option<&Place> {
        self.of(table, field).iter().rev().find(|place| place.state == PlaceState::Filling)
    }
    fn of(&self, table: &str, field: &Ident) -> &[Place] {
        self.0.get(&(table.to_owned(), field.to_string())).map_or(&[], Vec::as_slice)
    }

    /// The next place of a field: its number and name.
    pub fn next(&self, table: &str, field: &Field) -> (i64, String) {
        let n = self.0.get(&(table.to_owned(), field.id.to_string())).and_then(|places| places.last()).map_or(1, |place| place.n) + 1;
        let name = first_name(field).unwrap_or_default();
        let full = format!("{name}__{n}");
        // PostgreSQL cuts longer names off, silently; numbers and ids together tell places apart.
        let cut = full.len() - full.len().min(63);
        (n, if cut == 0 { full } else { format!("{}__{n}", &name[..name.len() - cut]) })
    }

    /// Fields that have no place written down yet: table, field.
    pub fn missing<'c>(&'c self, catalog: &'c Catalog) -> impl Iterator<Item = (&'c Table, &'c Field)> {
        stored(catalog).filter(|(table, field)| self.of(&table.physical, &field.id).is_empty())
    }

    /// Fields whose values mean something else than what lies in their place: table, field, that place.
    pub fn changed<'c>(&'c self, catalog: &'c Catalog) -> impl Iterator<Item = (&'c Table, &'c Field, &'c Place)> {
        stored(catalog).filter_map(|(table, field)| {
            let place = self.live(&table.physical, &field.id)?;
            (place.shape != convert::shape(catalog, &field.kind)).then_some((table, field, place))
        })
    }

    /// Tells a catalog where its fields are.
    pub fn settle(&self, catalog: &mut Catalog) {
        let shapes: BTreeMap<(String, String), String> = stored(catalog).map(|(table, field)| ((table.physical.clone(), field.id.to_string()), convert::shape(catalog, &field.kind))).collect();
        each_table(catalog, |table| {
            for field in table.fields.values_mut().filter(|field| !field.system) {
                let known = self.of(&table.physical, &field.id);
                let shape = shapes.get(&(table.physical.clone(), field.id.to_string()));
                // The place of the field's own shape: one being filled is the future's, seen from the future's catalog.
                let place = known.iter().rev().find(|place| place.state != PlaceState::GivenUp && Some(&place.shape) == shape);
                if let Some(place) = place {
                    field.storage = at(&field.storage, &place.name);
                }
            }
        });
    }

    /// Lets the fields of a catalog know what they are becoming, from the catalog that is to come.
    pub fn prepare(&self, catalog: &mut Catalog, coming: &Catalog) {
        let find = |physical: &str, id: &Ident| {
            stored(coming).find(|(table, field)| table.physical == physical && field.id == *id).map(|(_, field)| field.clone())
        };
        each_table(catalog, |table| {
            let fields: Vec<(Ident, Ident)> = table.own_fields().map(|field| (field.key.clone(), field.id.clone())).collect();
            for (key, id) in fields {
                if self.filling(&table.physical, &id).is_some()
                    && let Some(coming) = find(&table.physical, &id) {
                        table.becoming.push(Field { key, ..coming });
                    }
            }
        });
    }
}

/// Where a field would be without any change of type.
pub fn first_name(field: &Field) -> Option<String> {
    match &field.storage {
        Storage::Column(name) | Storage::CardAndColumn { id: name, .. } | Storage::Side { table: name } => Some(name.clone()),
        Storage::Nowhere => None,
    }
}

/// The same kind of storage at another place.
pub fn at(storage: &Storage, name: &str) -> Storage {
    match storage {
        Storage::Column(_) => Storage::Column(name.to_owned()),
        Storage::CardAndColumn { .. } => Storage::CardAndColumn { id: name.to_owned(), card: format!("{name}__card") },
        Storage::Side { .. } => Storage::Side { table: name.to_owned() },
        Storage::Nowhere => Storage::Nowhere,
    }
}

fn each_table(catalog: &mut Catalog, mut change: impl FnMut(&mut Table)) {
    for card in catalog.cards.values_mut().filter(|card| !card.builtin) {
        let card = Arc::make_mut(card);
        change(&mut card.table);
        card.children.values_mut().for_each(&mut change);
    }
}
