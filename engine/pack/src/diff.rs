//! Two catalogs compared.

use std::{collections::HashMap, fmt};

use model::{Card, Catalog, Field, Ident, Table, convert, places::Places};

/// A field, where it stands in the new catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// Its card.
    pub card: Ident,
    /// Its child table, if it is in one.
    pub child: Option<Ident>,
    /// Its key.
    pub field: Ident,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.child {
            Some(child) => write!(f, "{}.{child}.{}", self.card, self.field),
            None => write!(f, "{}.{}", self.card, self.field),
        }
    }
}

/// One change of definitions that matters to stored records.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Change {
    /// A new card, or a child table of one.
    NewTable { name: String },
    /// A card or child table that is no longer defined. Its records stay where they are.
    RetiredTable { name: String },
    /// A card with another key and the same id.
    RenamedCard { from: Ident, to: Ident },
    NewField { at: At, kind: String },
    /// A field that was there once, with what was in it.
    ReturnedField { at: At },
    /// A field that is no longer defined. Its values stay where they are.
    RetiredField { name: String },
    RenamedField { from: String, to: At },
    /// Its values mean something else: each is converted.
    Retyped { at: At, from: String, to: String },
    /// Its values mean the same, but bounds, patterns or options are others.
    Settings { at: At },
    Required { at: At },
    Unique { card: Ident, child: Option<Ident>, fields: Vec<Ident> },
    /// A rule that is new, or says something else.
    Rule { card: Ident, id: Ident },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewTable { name } => write!(f, "new: {name}"),
            Self::RetiredTable { name } => write!(f, "retired: {name}; its records stay where they are"),
            Self::RenamedCard { from, to } => write!(f, "renamed: {from} is called {to}"),
            Self::NewField { at, kind } => write!(f, "new: {at}, {kind}"),
            Self::ReturnedField { at } => write!(f, "returned: {at}, with the values it had"),
            Self::RetiredField { name } => write!(f, "retired: {name}; its values stay where they are"),
            Self::RenamedField { from, to } => write!(f, "renamed: {from} is called {to}"),
            Self::Retyped { at, from, to } => write!(f, "converted: {at}, from {from} to {to}"),
            Self::Settings { at } => write!(f, "changed: what {at} takes"),
            Self::Required { at } => write!(f, "required: {at}"),
            Self::Unique { card, child, fields } => {
                let names: Vec<&str> = fields.iter().map(Ident::as_str).collect();
                write!(f, "unique: {} of {card}{}", names.join(" and "), child.as_ref().map(|child| format!(".{child}")).unwrap_or_default())
            }
            Self::Rule { card, id } => write!(f, "rule: {id} of {card}"),
        }
    }
}

fn tables(catalog: &Catalog) -> impl Iterator<Item = (&Card, &Table)> {
    let cards = catalog.cards.values().filter(|card| !card.builtin);
    cards.flat_map(|card| std::iter::once(&card.table).chain(card.children.values()).map(move |table| (&**card, table)))
}

fn name(table: &Table) -> String {
    table.child.as_ref().map_or_else(|| table.card.to_string(), |child| format!("{}.{child}", table.card))
}

/// Everything that changes, in the order in which it is best read: what goes, what comes, what becomes another.
pub fn diff(old: &Catalog, new: &Catalog, places: &Places) -> Vec<Change> {
    let known: HashMap<&str, (&Card, &Table)> = tables(old).map(|(card, table)| (table.physical.as_str(), (card, table))).collect();
    let wanted: HashMap<&str, &Table> = tables(new).map(|(_, table)| (table.physical.as_str(), table)).collect();
    let mut changes = Vec::new();
    for (_, table) in tables(old) {
        match wanted.get(table.physical.as_str()) {
            None => changes.push(Change::RetiredTable { name: name(table) }),
            Some(kept) => {
                let gone = fields(table).filter(|field| !fields(kept).any(|kept| kept.id == field.id));
                changes.extend(gone.map(|field| Change::RetiredField { name: format!("{}.{}", name(table), field.key) }));
            }
        }
    }
    for (card, table) in tables(new) {
        match known.get(table.physical.as_str()) {
            None => changes.push(Change::NewTable { name: name(table) }),
            Some((before, old_table)) => {
                if table.child.is_none() && before.key != card.key {
                    changes.push(Change::RenamedCard { from: before.key.clone(), to: card.key.clone() });
                }
                of_table(old_table, table, (old, new), places, &mut changes);
                uniques(before, old_table, card, table, &mut changes);
                if table.child.is_none() {
                    let told = card.rules.iter().filter(|rule| !before.rules.iter().any(|known| known.id == rule.id && known.when == rule.when));
                    changes.extend(told.map(|rule| Change::Rule { card: card.key.clone(), id: rule.id.clone() }));
                }
            }
        }
    }
    changes
}

fn fields(table: &Table) -> impl Iterator<Item = &Field> {
    table.own_fields().filter(|field| field.storage != model::Storage::Nowhere)
}

fn of_table(old_table: &Table, table: &Table, (old, new): (&Catalog, &Catalog), places: &Places, changes: &mut Vec<Change>) {
    for field in fields(table) {
        let at = At { card: table.card.clone(), child: table.child.clone(), field: field.key.clone() };
        let shape = convert::shape(new, &field.kind);
        let place = places.live(&table.physical, &field.id);
        let before = fields(old_table).find(|known| known.id == field.id);
        match (before, place) {
            (None, None) => changes.push(Change::NewField { at: at.clone(), kind: field.kind_name().to_owned() }),
            (None, Some(_)) => changes.push(Change::ReturnedField { at: at.clone() }),
            (Some(before), _) if before.key != field.key => changes.push(Change::RenamedField { from: format!("{}.{}", name(old_table), before.key), to: at.clone() }),
            (Some(_), _) => {}
        }
        let found = place.map(|place| place.shape.clone()).or_else(|| before.map(|before| convert::shape(old, &before.kind)));
        match found {
            Some(found) if found != shape => changes.push(Change::Retyped { at: at.clone(), from: found, to: shape }),
            _ if before.is_some_and(|before| before.kind != field.kind) => changes.push(Change::Settings { at: at.clone() }),
            _ => {}
        }
        if field.required && !before.is_some_and(|before| before.required) {
            changes.push(Change::Required { at });
        }
    }
}

fn uniques(before: &Card, old_table: &Table, card: &Card, table: &Table, changes: &mut Vec<Change>) {
    let ids = |table: &Table, set: &[Ident]| -> Vec<Ident> { set.iter().filter_map(|key| Some(table.field(key)?.id.clone())).collect() };
    let (old_sets, sets) = if table.child.is_none() { (&before.unique, &card.unique) } else { (&old_table.unique, &table.unique) };
    let known: Vec<Vec<Ident>> = old_sets.iter().map(|set| ids(old_table, set)).collect();
    let fresh = sets.iter().filter(|set| !known.contains(&ids(table, set)));
    changes.extend(fresh.map(|set| Change::Unique { card: card.key.clone(), child: table.child.clone(), fields: set.clone() }));
}
