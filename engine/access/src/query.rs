//! Questions past the gate.

use std::{collections::HashMap, sync::Arc};

use model::{ActionName, Catalog, Condition, Hop, Ident, Path, RowSource};
use query::{CheckedQuery, Trash};

use crate::{Actor, Denied, Gate, Readable, gate, gate::source_card};

/// What of each card on the way may be seen: rows, and fields with a condition of their own.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    gates: HashMap<Ident, Option<Arc<Gate>>>,
}

impl Tables {
    /// Which rows of a card may be seen.
    pub fn rows(&self, card: &Ident) -> Condition {
        match self.gates.get(card) {
            Some(Some(gate)) => gate.rows(),
            _ => Condition::never(),
        }
    }
    /// Whether a field may be seen.
    pub fn readable(&self, card: &Ident, child: Option<&Ident>, field: &Ident) -> Readable {
        match self.gates.get(card) {
            Some(Some(gate)) => gate.readable(child, field),
            _ => Readable::Never,
        }
    }
}

/// A question with the access predicate of everything it touches. Only the gate makes one.
#[derive(Debug, Clone)]
pub struct GatedQuery {
    query: CheckedQuery,
    tables: Tables,
}

impl GatedQuery {
    /// The question.
    pub fn query(&self) -> &CheckedQuery {
        &self.query
    }
    /// What may be seen of each card it touches.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }
    /// The same question for another page, limit or count; rights do not change by that.
    #[must_use]
    pub fn page(mut self, after: Option<Vec<model::Value>>, limit: u32) -> Self {
        self.query.after = after;
        self.query.limit = limit;
        self
    }
}

/// Puts the gate before a question. Named fields that may not be read are an error, decided before anything runs.
pub fn gate_query(catalog: &Catalog, actor: &Actor, query: CheckedQuery) -> Result<GatedQuery, Denied> {
    let own = Arc::new(gate(catalog, actor, &query.card, ActionName::Read)?);
    if query.trash == Trash::Only {
        gate(catalog, actor, &query.card, ActionName::Restore)?;
    }
    let mut tables = Tables::default();
    tables.gates.insert(query.card.key.clone(), Some(own));
    let named = query.select.iter().map(|selected| &selected.path);
    let named = named.chain(query.sort.iter().map(|sort| &sort.path)).chain(query.totals.iter().filter_map(|total| total.path.as_ref()));
    let named = named.chain(query.groups.iter().map(|group| &group.path)).chain(&query.expand);
    for path in named {
        tables.add_path(catalog, actor, path)?;
    }
    tables.add_condition(catalog, actor, &query.filter)?;
    Ok(GatedQuery { query, tables })
}

/// The gates of a card and everything `paths` touch, for reads that are not lists: titles, single records.
pub fn tables(catalog: &Catalog, actor: &Actor, cards: &[Ident], paths: &[Path]) -> Result<Tables, Denied> {
    let mut tables = Tables::default();
    for card in cards {
        tables.open(catalog, actor, card);
    }
    for path in paths {
        tables.add_path(catalog, actor, path)?;
    }
    Ok(tables)
}

impl Tables {
    fn open(&mut self, catalog: &Catalog, actor: &Actor, card: &Ident) {
        if !self.gates.contains_key(card) {
            // A linked card that may not be read at all is no error: its values are empty.
            let opened = catalog.card(card).and_then(|card| gate(catalog, actor, card, ActionName::Read).ok());
            self.gates.insert(card.clone(), opened.map(Arc::new));
        }
    }

    fn add_path(&mut self, catalog: &Catalog, actor: &Actor, path: &Path) -> Result<(), Denied> {
        let mut table = path.start.clone();
        self.open(catalog, actor, &table.card);
        for hop in &path.hops {
            match hop {
                Hop::Link { field, target } | Hop::Links { field, target } | Hop::AnyLink { field, target } => {
                    self.check(catalog, actor, &table, field)?;
                    table = model::TableRef::card(target);
                    self.open(catalog, actor, target);
                }
                Hop::Child { table: child } => table.child = Some(child.clone()),
                Hop::Parent => table.child = None,
            }
        }
        self.check(catalog, actor, &table, &path.leaf)
    }

    fn check(&self, catalog: &Catalog, actor: &Actor, table: &model::TableRef, field: &Ident) -> Result<(), Denied> {
        // Of a card that may not be read at all, everything is empty: there is nothing to refuse.
        let closed = matches!(self.gates.get(&table.card), Some(None) | None);
        if closed || field == "id" || self.readable(&table.card, table.child.as_ref(), field) != Readable::Never {
            return Ok(());
        }
        let card = catalog.card(&table.card).map_or_else(|| table.card.to_string(), |card| card.labels.or_key(&actor.lang, card.key.as_str()));
        Err(Denied::Field { field: field.to_string(), card })
    }

    fn add_condition(&mut self, catalog: &Catalog, actor: &Actor, condition: &Condition) -> Result<(), Denied> {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().try_for_each(|part| self.add_condition(catalog, actor, part)),
            Condition::Not(part) => self.add_condition(catalog, actor, part),
            Condition::Test(test) => self.add_path(catalog, actor, &test.path),
            Condition::Related(related) => {
                self.open(catalog, actor, source_card(&related.rows));
                if let RowSource::Pointing { by, .. } = &related.rows {
                    self.add_path(catalog, actor, by)?;
                }
                self.add_condition(catalog, actor, &related.condition)
            }
            Condition::Unknown => Ok(()),
        }
    }
}

impl Tables {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.gates.extend(other.gates);
        self
    }
}

impl GatedQuery {
    /// With child tables of the same card: they follow their record.
    #[must_use]
    pub fn with_children(mut self, children: Vec<Ident>) -> Self {
        self.query.children = children;
        self
    }
}
