//! Questions past the gate.
//!
//! **Invariants**
//! - Every field that somebody named is readable by some grant; else the question is refused before anything runs.
//! - Where only some grants read a field that a filter, order, group or total names, only their rows are asked.
//! - What nobody named, default columns and quick search, is left out or empty instead.

use std::{collections::HashMap, sync::Arc};

use model::{ActionName, Catalog, Condition, FieldKind, Hop, Ident, Path, RowSource, TableRef, USER_CARD, path};
use query::{CheckedQuery, Selected, Trash};

use crate::{Actor, Denied, Gate, Readable, Shown, gate};

/// What of each card on the way may be seen: rows, and fields with a condition of their own.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    gates: HashMap<Ident, Option<Arc<Gate>>>,
}

impl Tables {
    fn gate(&self, card: &Ident) -> Option<&Gate> {
        self.gates.get(card)?.as_deref()
    }
    /// Which rows of a card may be seen.
    pub fn rows(&self, card: &Ident) -> Condition {
        self.gate(card).map_or(Condition::never(), Gate::rows)
    }
    /// Whether a field may be read.
    pub fn readable(&self, card: &Ident, child: Option<&Ident>, field: &Ident) -> Readable {
        self.gate(card).map_or(Readable::Never, |gate| gate.readable(child, field))
    }
    /// How a field is shown.
    pub fn shown(&self, card: &Ident, child: Option<&Ident>, field: &Ident) -> Shown {
        self.gate(card).map_or(Shown::HIDDEN, |gate| gate.shown(child, field))
    }
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.gates.extend(other.gates);
        self
    }
}

/// A question with the access predicate of everything it touches. Only the gate makes one.
#[derive(Debug, Clone)]
pub struct GatedQuery {
    query: CheckedQuery,
    tables: Tables,
    narrow: Vec<Condition>,
    looked: Looked,
    titles: Vec<LinkTitle>,
    child_titles: HashMap<Ident, Vec<LinkTitle>>,
}

/// What the title of a linked record is made of, seen from the record with the link. What may not be seen is empty.
#[derive(Debug, Clone)]
pub struct LinkTitle {
    /// The column with the link, by its place.
    pub column: usize,
    /// The linked record's id: empty, where the record may not be seen.
    pub id: Path,
    /// The fields of its title, in order.
    pub parts: Vec<Path>,
}

/// Where a reader's words are looked for: places of the search's slots.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// Slots that may be read in every row.
    pub always: Vec<usize>,
    /// Slots that may be read in the rows in which their path reaches something.
    pub some: Vec<usize>,
    /// How a list with them is best carried out.
    pub walk: Walk,
}

/// How a list of rows that hold words is carried out; which rows those are does not hang on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Walk {
    /// From the index to the rows, which are then put in order: for few.
    #[default]
    Index,
    /// In the list's order, each row looked for among those that hold the words.
    Collected,
    /// In the list's order, each row looked up in the index: for words that almost every row holds.
    OneByOne,
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
    /// Beyond the rows that may be seen: those in which everything the question refers to may be read. Lowered with every right.
    pub fn narrow(&self) -> &[Condition] {
        &self.narrow
    }
    /// The same question for another page, limit or count; rights do not change by that.
    #[must_use]
    pub fn page(mut self, after: Option<Vec<model::Value>>, limit: u32) -> Self {
        self.query.after = after;
        self.query.limit = limit;
        self
    }
    /// Where quick search looks.
    pub fn looked(&self) -> &Looked {
        &self.looked
    }
    /// The same question, with how its words are best looked for; rights do not change by that.
    #[must_use]
    pub fn walked(mut self, walk: Walk) -> Self {
        self.looked.walk = walk;
        self
    }
    /// With child tables of the same card: they follow their record.
    #[must_use]
    pub fn with_children(mut self, children: Vec<Ident>) -> Self {
        self.query.children = children;
        self
    }
    /// With the titles of what single links point to read along with the rows: for few rows, of which each has links of
    /// its own.
    #[must_use]
    pub fn with_titles(mut self, catalog: &Catalog, actor: &Actor) -> Self {
        let mut asking = Asking { catalog, actor, tables: std::mem::take(&mut self.tables), narrow: Vec::new() };
        self.titles = asking.titles(&self.query.select);
        self.tables = asking.tables;
        for child in self.query.children.clone() {
            let columns = self.child_columns(catalog, &child);
            let mut asking = Asking { catalog, actor, tables: std::mem::take(&mut self.tables), narrow: Vec::new() };
            self.child_titles.insert(child, asking.titles(&columns));
            self.tables = asking.tables;
        }
        self
    }
    /// Titles read along with the rows: of the record's own columns, or of a child table's.
    pub fn titles(&self, child: Option<&Ident>) -> &[LinkTitle] {
        match child {
            None => &self.titles,
            Some(child) => self.child_titles.get(child).map_or(&[], Vec::as_slice),
        }
    }
    /// What is shown of a child table's rows: every field of which something may be seen, live fetches included.
    pub fn child_columns(&self, catalog: &Catalog, child: &Ident) -> Vec<Selected> {
        let card = &self.query.card;
        let Some(table) = card.children.get(child) else { return Vec::new() };
        let start = TableRef::child(&card.key, child);
        let column = |key: &Ident| {
            let path = path::resolve(catalog, &start, key.as_str()).ok().filter(|path| *key != "id" && !path.is_many())?;
            let reached = path.hops.is_empty() || path.field(catalog)?.column().is_some();
            let seen = reached && Tables::walk(&path).all(|(table, field, last)| self.tables.sees(&table, &field, last));
            seen.then(|| Selected { name: key.to_string(), path })
        };
        table.fields.keys().filter_map(column).collect()
    }
}

/// Puts the gate before a question. Named fields that may not be read are an error, decided before anything runs.
pub fn gate_query(catalog: &Catalog, actor: &Actor, mut query: CheckedQuery) -> Result<GatedQuery, Denied> {
    let own = Arc::new(gate(catalog, actor, &query.card, ActionName::Read)?);
    let mut narrow = Vec::new();
    if query.trash == Trash::Only {
        narrow.push(gate(catalog, actor, &query.card, ActionName::Restore)?.rows());
    }
    let mut asking = Asking { catalog, actor, tables: Tables::default(), narrow };
    asking.tables.gates.insert(query.card.key.clone(), Some(own));
    asking.select(&mut query)?;
    asking.order(&query)?;
    query.totals.iter().filter_map(|total| total.path.as_ref()).try_for_each(|path| asking.refer(path))?;
    query.groups.iter().try_for_each(|group| asking.refer(&group.path))?;
    // Titles only put groups in order: one that may not be read is empty.
    query.groups.iter().filter_map(|group| group.title.as_ref()).for_each(|path| asking.open_path(path));
    asking.condition(&query.filter)?;
    let looked = asking.search(&query);
    asking.open_children(&query);
    asking.narrow.retain(|condition| !condition.is_always());
    Ok(GatedQuery { query, tables: asking.tables, narrow: asking.narrow, looked, titles: Vec::new(), child_titles: HashMap::new() })
}

/// Whether an actor may name a path in a question: as a column, a filter, an order.
pub fn may_name(catalog: &Catalog, actor: &Actor, path: &Path) -> bool {
    let mut asking = Asking { catalog, actor, tables: Tables::default(), narrow: Vec::new() };
    asking.refer(path).is_ok()
}

/// The gates of cards and everything `paths` touch, for reads that are not lists: titles, single records.
pub fn tables(catalog: &Catalog, actor: &Actor, cards: &[Ident], paths: &[Path]) -> Result<Tables, Denied> {
    let mut asking = Asking { catalog, actor, tables: Tables::default(), narrow: Vec::new() };
    cards.iter().for_each(|card| asking.open(card));
    paths.iter().try_for_each(|path| asking.show(path))?;
    Ok(asking.tables)
}

/// A question on its way through the gate.
struct Asking<'a> {
    catalog: &'a Catalog,
    actor: &'a Actor,
    tables: Tables,
    narrow: Vec<Condition>,
}

impl Asking<'_> {
    fn select(&mut self, query: &mut CheckedQuery) -> Result<(), Denied> {
        let mut select = std::mem::take(&mut query.select);
        for selected in &select {
            let shown = self.show(&selected.path);
            if !query.whole {
                shown?;
            }
        }
        if query.whole {
            select.retain(|selected| Tables::walk(&selected.path).all(|(table, field, last)| self.tables.sees(&table, &field, last)));
        }
        query.select = select;
        query.expand.iter().try_for_each(|path| self.show(path))
    }

    /// An order that nobody asked for refuses nothing, and leaves no rows out.
    fn order(&mut self, query: &CheckedQuery) -> Result<(), Denied> {
        if query.default_order {
            query.sort.iter().for_each(|sort| self.open_path(&sort.path));
            return Ok(());
        }
        query.sort.iter().try_for_each(|sort| self.refer(&sort.path))
    }

    /// Nobody named the fields that search looks into, so what may not be read is passed over.
    fn search(&mut self, query: &CheckedQuery) -> Looked {
        let mut looked = Looked::default();
        for (place, slot) in query.search.iter().flat_map(|search| &search.slots).enumerate() {
            self.open_path(&slot.path);
            match self.reach(&slot.path) {
                Readable::Always => looked.always.push(place),
                // A word may come from any of many rows, and of which the index does not say.
                Readable::When(_) if slot.path.is_many() => {}
                Readable::When(_) => looked.some.push(place),
                Readable::Never => {}
            }
        }
        looked
    }

    /// Whether what stands at the end of a path may be read wherever it leads; which rows that are is not said.
    fn reach(&self, path: &Path) -> Readable {
        let mut whole = path.hops.iter().all(|hop| match hop {
            Hop::Link { target, .. } | Hop::Links { target, .. } | Hop::AnyLink { target, .. } => self.tables.rows(target).is_always(),
            Hop::Child { .. } | Hop::Parent => true,
        });
        for (table, field, _) in Tables::walk(path) {
            match self.tables.step(&table, &field) {
                Readable::Never => return Readable::Never,
                Readable::When(_) => whole = false,
                Readable::Always => {}
            }
        }
        if whole { Readable::Always } else { Readable::When(Condition::always()) }
    }

    /// The titles behind single links among some columns.
    fn titles(&mut self, columns: &[Selected]) -> Vec<LinkTitle> {
        let mut titles = Vec::new();
        for (column, selected) in columns.iter().enumerate() {
            let Some(FieldKind::Link(link)) = selected.path.field(self.catalog).map(|field| &field.kind) else { continue };
            let Some(target) = self.catalog.card(&link.target) else { continue };
            let through = |path: &Path| selected.path.through(self.catalog, path);
            let Some(id) = target.table.fields.get("id").and_then(|field| through(&Path::own(target.table.reference(), field.key.clone()))) else { continue };
            let Some(parts) = target.title.paths().map(through).collect::<Option<Vec<Path>>>() else { continue };
            std::iter::once(&id).chain(&parts).for_each(|path| self.open_path(path));
            // People are called the same in all rows: their names need no place in each.
            let apart = target.key == USER_CARD && self.tables.rows(&target.key).is_always();
            titles.extend((!apart).then_some(LinkTitle { column, id, parts }));
        }
        titles
    }

    /// Child rows are read after their records, along with what their live fetches reach.
    fn open_children(&mut self, query: &CheckedQuery) {
        for table in query.card.children.values() {
            let live = table.fields.values().filter(|field| field.live_source().is_some());
            let paths: Vec<Path> = live.filter_map(|field| path::resolve(self.catalog, &table.reference(), field.key.as_str()).ok()).collect();
            paths.iter().for_each(|path| self.open_path(path));
        }
    }

    fn open(&mut self, card: &Ident) {
        if !self.tables.gates.contains_key(card) {
            let opened = self.catalog.card(card).and_then(|card| gate(self.catalog, self.actor, card, ActionName::Read).ok()).map(Arc::new);
            self.tables.gates.insert(card.clone(), opened);
        }
    }

    /// Opens the gates on the way without asking for anything: what may not be seen there is empty.
    fn open_path(&mut self, path: &Path) {
        self.open(&path.start.card);
        for hop in &path.hops {
            if let Hop::Link { target, .. } | Hop::Links { target, .. } | Hop::AnyLink { target, .. } = hop {
                self.open(target);
            }
        }
    }

    /// A path whose value is shown: its end may be masked.
    fn show(&mut self, path: &Path) -> Result<(), Denied> {
        self.open_path(path);
        let hidden = Tables::walk(path).find(|(table, field, last)| !self.tables.sees(table, field, *last));
        hidden.map_or(Ok(()), |(table, field, _)| Err(self.denied(&table, &field)))
    }

    /// A path that decides which records are seen, in which order or group: read in full, and only where it may be.
    fn refer(&mut self, path: &Path) -> Result<(), Denied> {
        self.open_path(path);
        let mut still_here = true;
        for (table, field, last) in Tables::walk(path) {
            match self.tables.step(&table, &field) {
                Readable::Never => return Err(self.denied(&table, &field)),
                // Elsewhere, what may not be read is empty. Here, whole rows are left out.
                Readable::When(rows) if still_here && !self.narrow.contains(&rows) => self.narrow.push(rows),
                Readable::When(_) | Readable::Always => {}
            }
            still_here &= last;
        }
        Ok(())
    }

    fn denied(&self, table: &TableRef, field: &Ident) -> Denied {
        let card = self.catalog.card(&table.card).map_or_else(|| table.card.to_string(), |card| card.labels.or_key(&self.actor.lang, card.key.as_str()));
        Denied::Field { field: field.to_string(), card }
    }

    fn condition(&mut self, condition: &Condition) -> Result<(), Denied> {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().try_for_each(|part| self.condition(part)),
            Condition::Not(part) => self.condition(part),
            Condition::Test(_) => {
                let mut named = Vec::new();
                condition.each_path(&mut |path| named.push(path.clone()));
                named.iter().try_for_each(|path| self.refer(path))
            }
            Condition::Related(related) => self.related(related),
            Condition::Unknown => Ok(()),
        }
    }

    /// Rows of another card may be asked about by those who may read that card; of which rows, its own gate decides.
    fn related(&mut self, related: &model::Related) -> Result<(), Denied> {
        if let RowSource::Pointing { table, by } = &related.rows {
            self.open(&table.card);
            self.elsewhere(|asking| asking.refer(by))?;
            return self.elsewhere(|asking| asking.condition(&related.condition));
        }
        self.condition(&related.condition)
    }

    /// What is referred to of other rows narrows nothing here: where it may not be read it is empty.
    fn elsewhere(&mut self, refer: impl FnOnce(&mut Self) -> Result<(), Denied>) -> Result<(), Denied> {
        let narrow = std::mem::take(&mut self.narrow);
        let done = refer(self);
        self.narrow = narrow;
        done
    }
}

impl Tables {
    /// Every field on the way of a path: its table, itself, and whether the way has not left the record by it.
    fn walk(path: &Path) -> impl Iterator<Item = (TableRef, Ident, bool)> + use<> {
        let mut table = path.start.clone();
        let mut steps = Vec::new();
        for hop in &path.hops {
            match hop {
                Hop::Link { field, target } | Hop::Links { field, target } | Hop::AnyLink { field, target } => {
                    steps.push((table, field.clone(), false));
                    table = TableRef::card(target);
                }
                Hop::Child { table: child } => table.child = Some(child.clone()),
                Hop::Parent => table.child = None,
            }
        }
        steps.push((table, path.leaf.clone(), true));
        steps.into_iter()
    }

    /// Whether a field on the way may be read. An id says no more than that the record is there.
    fn step(&self, table: &TableRef, field: &Ident) -> Readable {
        match self.gate(&table.card) {
            None => Readable::Never,
            Some(_) if field == "id" => Readable::Always,
            Some(gate) => gate.readable(table.child.as_ref(), field),
        }
    }

    fn sees(&self, table: &TableRef, field: &Ident, last: bool) -> bool {
        let masked = || last && !self.shown(&table.card, table.child.as_ref(), field).is_hidden();
        !self.step(table, field).is_never() || masked()
    }
}
