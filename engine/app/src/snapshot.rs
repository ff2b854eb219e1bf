//! A catalog with everything that is made of it once: formulas compiled and ordered, and what saving will ask for.

use std::{collections::{HashMap, HashSet}, sync::Arc};

use indexmap::IndexSet;
use model::{Aggregate, Card, Catalog, Field, Hop, Ident, Path, RowSource, ScriptFile, Source, Table, TableRef, path};
use script::{Fault, Formula, Profile, Script, ScriptError};

use crate::records::facts::{Need, needs};

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
    search: crate::search::Uses,
    /// Table whose rows are aggregated → rollups elsewhere that read them.
    rollups: HashMap<TableRef, Vec<RollupUse>>,
    /// Cards whose records say what users are bound to.
    binding: HashSet<Ident>,
}

/// A rollup of a card over rows of another.
#[derive(Debug, Clone)]
pub struct RollupUse {
    /// The card that has the field.
    pub card: Ident,
    /// The field.
    pub field: Ident,
    /// How the rows lead there.
    pub by: Path,
}

impl Snapshot {
    /// Compiles what a catalog says.
    pub fn new(catalog: Catalog) -> Self {
        let catalog = Arc::new(catalog);
        let mut formulas = HashMap::new();
        let mut needed = HashMap::new();
        let mut rollups: HashMap<TableRef, Vec<RollupUse>> = HashMap::new();
        for card in catalog.cards.values() {
            let mut paths = Vec::new();
            for table in std::iter::once(&card.table).chain(card.children.values()) {
                let compiled = compile(card, table);
                for (_, formula) in &compiled {
                    let names = formula.iter().flat_map(|formula| formula.names()).filter(|name| name.contains('.'));
                    paths.extend(names.filter_map(|name| path::resolve(&catalog, &table.reference(), name).ok()));
                }
                formulas.insert((card.key.clone(), table.child.clone()), compiled);
                for field in table.own_fields() {
                    if let Source::Rollup(rollup) = &field.source
                        && let RowSource::Pointing { table: from, by } = &rollup.rows {
                            rollups.entry(from.clone()).or_default().push(RollupUse { card: card.key.clone(), field: field.key.clone(), by: by.clone() });
                        }
                }
            }
            needed.insert(card.key.clone(), needs(&catalog, card, &paths));
        }
        let scripts = catalog.scripts.iter().map(|(file, source)| (file.clone(), Script::compile(Profile::Rule, source, &crate::scripts::NAMES))).collect();
        Self { scripts, search: crate::search::Uses::new(&catalog), binding: binding(&catalog), catalog, formulas, needs: needed, rollups }
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

    /// Rollups elsewhere that read rows of a table.
    pub fn rollups_over(&self, table: &TableRef) -> &[RollupUse] {
        self.rollups.get(table).map_or(&[], Vec::as_slice)
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
    catalog.bindings.values().flat_map(read).collect()
}

fn compile(card: &Card, table: &Table) -> Vec<(Ident, Result<Formula, String>)> {
    let children: Vec<&Ident> = if table.child.is_none() { card.children.keys().collect() } else { Vec::new() };
    let mut names: Vec<String> = table.fields.keys().chain(children.iter().copied()).map(Ident::to_string).collect();
    if table.child.is_some() {
        names.push(card.key.to_string());
    }
    let known = |name: &str| names.iter().any(|known| known == name);
    let one = |field: &Field| match &field.source {
        Source::Computed { expr, .. } => Some((field.key.clone(), Formula::compile(expr, &known, &names).map_err(|error| error.to_string()))),
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
