//! A catalog with everything that is made of it once: formulas compiled and ordered, and what saving will ask for.

use std::{collections::{HashMap, HashSet}, sync::Arc};

use access::{Actor, Reason};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use indexmap::IndexSet;
use model::{Aggregate, Card, Catalog, Field, Hop, Ident, RowPath, ScriptFile, Source, Table, TableRef, path, rows};
use script::{Fault, Formula, Profile, Script, ScriptError};

use crate::{derived::Graph, formulas::OfTable, records::facts::{Need, RowNeed, needs, row_needs}};

/// A computed field and its formula, or why it does not compile.
type Compiled = (Ident, Result<Formula, String>);

/// A catalog ready to work with.
#[derive(Default)]
pub struct Snapshot {
    /// The definitions.
    pub catalog: Arc<Catalog>,
    scripts: HashMap<ScriptFile, Result<Script, ScriptError>>,
    formulas: HashMap<(Ident, Option<Ident>), Vec<Compiled>>,
    needs: HashMap<Ident, IndexSet<Need>>,
    rows: HashMap<TableRef, HashMap<String, RowPath>>,
    row_needs: HashMap<Ident, Vec<RowNeed>>,
    search: crate::search::Uses,
    graph: Graph,
    /// Cards of which one pass over everything calculated gives what more passes would.
    settled: HashSet<Ident>,
    /// Cards whose records say what users are bound to.
    binding: HashSet<Ident>,
    /// Where the site is; nothing for UTC.
    zone: Option<Tz>,
}

impl Snapshot {
    /// Compiles what a catalog says.
    pub fn new(catalog: Catalog) -> Self {
        let catalog = Arc::new(catalog);
        let mut made = Self { search: crate::search::Uses::new(&catalog), ..Self::default() };
        let mut reads: HashMap<(TableRef, Ident), Vec<String>> = HashMap::new();
        for card in catalog.cards.values() {
            let (mut paths, mut sets) = (Vec::new(), Vec::new());
            for table in std::iter::once(&card.table).chain(card.children.values()) {
                let compiled = compile(&catalog, card, table);
                for (key, formula) in compiled.iter().filter_map(|(key, formula)| Some((key, formula.as_ref().ok()?))) {
                    let resolved = |name: &String| path::resolve(&catalog, &table.reference(), name).ok().filter(|path| !path.is_many());
                    paths.extend(formula.names().iter().filter_map(resolved));
                    for (name, found) in formula.names().iter().filter_map(|name| Some((name, rows::resolve(&catalog, &table.reference(), name)?))) {
                        sets.push((table.reference(), found.clone(), fields_of(&catalog, &found, name, &formula.reads())));
                        made.rows.entry(table.reference()).or_default().insert(name.clone(), found);
                    }
                    reads.insert((table.reference(), key.clone()), formula.reads());
                }
                made.formulas.insert((card.key.clone(), table.child.clone()), compiled);
            }
            made.needs.insert(card.key.clone(), needs(&catalog, card, &paths));
            made.row_needs.insert(card.key.clone(), row_needs(&sets));
        }
        let scripts = catalog.scripts.iter().map(|(file, source)| (file.clone(), Script::compile(Profile::Rule, source, &crate::scripts::NAMES))).collect();
        made.scripts = scripts;
        made.binding = binding(&catalog);
        made.graph = Graph::new(&catalog, &|table, field| reads.get(&(table.reference(), field.clone())).cloned().unwrap_or_default());
        let mut of_cards: HashMap<&Ident, Vec<usize>> = HashMap::new();
        for (index, node) in made.graph.nodes.iter().enumerate() {
            of_cards.entry(&node.place.0.card).or_default().push(index);
        }
        made.settled = catalog.cards.values().filter(|card| made.is_in_order(card, of_cards.get(&card.key).map_or(&[], Vec::as_slice))).map(|card| card.key.clone()).collect();
        made.catalog = catalog;
        made
    }

    /// Whether everything calculated of a record is calculated after what it reads of the same record, in the order in
    /// which it is done: what is taken over, formulas of rows, aggregates, formulas of the record.
    /// `calculated` are the nodes of the card.
    fn is_in_order(&self, card: &Card, calculated: &[usize]) -> bool {
        let formulas = |table: &Table| self.formulas(&card.key, table.child.as_ref()).iter().map(|(key, _)| (table.reference(), key.clone())).collect::<Vec<_>>();
        let aggregates = |table: &Table| table.own_fields().filter(|field| matches!(field.source, Source::Rollup(_))).map(|field| (table.reference(), field.key.clone())).collect::<Vec<_>>();
        let rows = card.children.values();
        let order = rows.clone().flat_map(formulas).chain(aggregates(&card.table)).chain(rows.flat_map(aggregates)).chain(formulas(&card.table));
        let at: HashMap<usize, usize> = order.enumerate().filter_map(|(at, place)| Some((self.graph.node(&place)?, at + 1))).collect();
        // What is taken over is so first of all.
        let at = |node: usize| at.get(&node).copied().unwrap_or(0);
        let of_card = |node: &usize| self.graph.nodes[*node].place.0.card == card.key;
        // A row has all its aggregates before the next row has any: those of the same table are not in order.
        let of_rows = |node: usize| {
            let (table, key) = &self.graph.nodes[node].place;
            let field = card.table_of(table.child.as_ref())?.field(key)?;
            table.child.as_ref().filter(|_| matches!(field.source, Source::Rollup(_)))
        };
        let after = |need: usize, node: usize| at(need) < at(node) && (of_rows(node).is_none() || of_rows(node) != of_rows(need));
        calculated.iter().all(|node| self.graph.needs(&self.graph.nodes[*node]).filter(of_card).all(|need| after(need, *node)))
    }

    /// Whether one pass over everything that is calculated of a record of a card is enough.
    pub(crate) fn settles_at_once(&self, card: &Ident) -> bool {
        self.settled.contains(card)
    }

    /// By the clock of a site.
    pub(crate) fn in_zone(self, zone: Tz) -> Self {
        Self { zone: Some(zone), ..self }
    }

    /// The day of the site at a moment.
    pub(crate) fn day(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&self.zone.unwrap_or(Tz::UTC)).date_naive()
    }

    /// Who calculates values at a moment: the same for whoever saves, by the clock of the site.
    pub(crate) fn calculating(&self, now: DateTime<Utc>) -> Actor {
        let mut system = Actor::system(Reason::Derivation, now);
        system.zone = self.zone.unwrap_or(Tz::UTC);
        system
    }

    /// The card of that key, or nothing that can be told from nothing.
    pub fn card(&self, key: &str) -> Result<&Arc<Card>, crate::AppError> {
        self.catalog.card(key).ok_or_else(|| crate::AppError::not_found("card"))
    }

    /// A script of a pack, or why it does not run.
    pub fn script(&self, file: &ScriptFile) -> Result<&Script, ScriptError> {
        match self.scripts.get(file) {
            Some(Ok(script)) => Ok(script),
            Some(Err(error)) => Err(error.clone()),
            None => Err(ScriptError::of(Fault::UnknownName, format!("there is no script {file}"))),
        }
    }

    /// The computed fields of a table in the order of their needs.
    pub fn formulas(&self, card: &Ident, child: Option<&Ident>) -> &[(Ident, Result<Formula, String>)] {
        self.formulas.get(&(card.clone(), child.cloned())).map_or(&[], Vec::as_slice)
    }

    /// Whether records of a card say what users are bound to: an employee of a user, the department of that.
    pub(crate) fn binds_users(&self, card: &Ident) -> bool {
        self.binding.contains(card)
    }

    /// How records are searched, and what follows a change of one.
    pub(crate) fn search(&self) -> &crate::search::Uses {
        &self.search
    }

    /// What saving a record asks of linked records.
    pub fn needs(&self, card: &Ident) -> impl Iterator<Item = &Need> {
        self.needs.get(card).into_iter().flatten()
    }

    /// The rows that a name in a formula of a table stands for.
    pub(crate) fn rows_named(&self, table: &TableRef, name: &str) -> Option<&RowPath> {
        self.rows.get(table)?.get(name)
    }

    /// The rows that formulas of a card ask for beyond the record's own.
    pub(crate) fn row_needs(&self, card: &Ident) -> &[RowNeed] {
        self.row_needs.get(card).map_or(&[], Vec::as_slice)
    }

    /// What every calculated field reads, and who follows what.
    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }
}

fn binding(catalog: &Catalog) -> HashSet<Ident> {
    let read = |binding: &model::Binding| {
        let passed = |hop| match hop {
            &Hop::Link { ref target, .. } | &Hop::Links { ref target, .. } | &Hop::AnyLink { ref target, .. } => Some(target),
            &Hop::Child { .. } | &Hop::Parent => None,
        };
        let reached = binding.path.iter().flat_map(|path| path.hops.iter().filter_map(passed).chain([&path.end.card]));
        std::iter::once(&binding.card).chain(reached).cloned().collect::<Vec<_>>()
    };
    // Who leads a unit is read with them, too.
    catalog.bindings.values().flat_map(read).chain(catalog.org.iter().map(|org| org.card.clone())).collect()
}

/// The fields of rows that a formula asks for: of those it names, or all.
fn fields_of(catalog: &Catalog, rows: &RowPath, name: &str, reads: &[String]) -> Vec<Ident> {
    let Some(table) = catalog.table(&rows.end) else { return Vec::new() };
    let named: Vec<&str> = reads.iter().filter_map(|read| read.strip_prefix(name)?.strip_prefix('.')).collect();
    table.fields.values().filter(|field| !field.secret && field.live_source().is_none()).map(|field| field.key.clone()).filter(|key| named.contains(&"*") || named.contains(&key.as_str())).collect()
}

fn compile(catalog: &Catalog, card: &Card, table: &Table) -> Vec<(Ident, Result<Formula, String>)> {
    let one = |field: &Field| match &field.source {
        Source::Computed { expr, .. } => Some((field.key.clone(), Formula::check(expr, &OfTable { catalog, card, table }).map_err(|error| error.to_string()))),
        _ => None,
    };
    order(table.own_fields().filter_map(one).collect())
}

/// Each formula after those whose result it reads. What stands in a circle keeps its order: a publish refuses it.
fn order(mut open: Vec<(Ident, Result<Formula, String>)>) -> Vec<(Ident, Result<Formula, String>)> {
    let mut sorted = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let reads_open = |formula: &Result<Formula, String>, own: &Ident| {
            formula.as_ref().is_ok_and(|formula| formula.names().iter().any(|name| open.iter().any(|(other, _)| other == name.as_str() && other != own)))
        };
        let next = open.iter().position(|(key, formula)| !reads_open(formula, key)).unwrap_or(0);
        sorted.push(open.remove(next));
    }
    sorted
}

/// Whether an aggregate of no rows is zero rather than empty.
pub fn is_zero_over_nothing(function: Aggregate) -> bool {
    matches!(function, Aggregate::Sum | Aggregate::Count | Aggregate::CountDistinct)
}
