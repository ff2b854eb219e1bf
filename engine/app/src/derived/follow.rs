//! After a change: whoever's values follow from it, on other cards, through links, at any distance, is renewed in the
//! same transaction; where they are very many, by a job.
//!
//! **Invariants**
//! - Fields are renewed after everything they read: nearest first.
//! - Every change of a record, be it a save or a renewal, is followed; so nothing is left that is not right.

use std::{collections::{BTreeMap, BTreeSet, HashMap}, sync::Arc};

use chrono::{DateTime, Utc};
use model::{Card, Code, Hop, Ident, Leg, Path, Record, Table, TableRef, Value, Values, Violation, record::value_of};
use serde_json::json;
use sql::{derived::{self, Way}, system_derived, write};
use store::{StoreError, Tx};
use uuid::Uuid;

use super::{graph::{Graph, Use, tables_along}, renew::{Asked, Renewed, Renewing}, rollup};
use crate::{AppError, UnitError, jobs::{self, NewJob}, records::save::ids, snapshot::Snapshot};

/// So many records are renewed in the change's own transaction.
pub(crate) const MOST: usize = 10_000;
/// Records renewed together.
pub(super) const TOGETHER: usize = 500;
/// So often one record is renewed at most over one change. No tree is as deep; a circle among old records is.
const DEEPEST: u32 = 1_000;

/// A record as it was and as it is; out of the trash both times, or not there.
#[derive(Debug)]
pub(crate) struct Change {
    pub old: Option<Record>,
    pub new: Option<Record>,
    /// It was made just now: nothing points to it.
    pub is_fresh: bool,
}

/// The records into which rows of a record are added up, old and new: held before anything is read of them.
pub(crate) fn targets(snapshot: &Snapshot, card: &Card, old: Option<&Record>, new: Option<&Record>) -> BTreeSet<(Ident, Uuid)> {
    let graph = snapshot.graph();
    let mut targets = BTreeSet::new();
    for used in graph.uses(&card.key) {
        let [Leg::Pointing { table, by }] = used.legs.as_slice() else { continue };
        let to = &graph.nodes[used.node].place.0.card;
        for record in [old, new].into_iter().flatten().filter(|_| table.card == card.key) {
            targets.extend(pointed_at(record, table, by, to).into_iter().map(|id| (to.clone(), id)));
        }
    }
    targets
}

/// The records of a card that rows of a record lead to.
fn pointed_at(record: &Record, table: &TableRef, by: &Path, to: &Ident) -> Vec<Uuid> {
    let of = |values: &Values| match value_of(values, by.leaf.as_str()) {
        Value::AnyId { card, id } => if card == to { vec![*id] } else { Vec::new() },
        value => ids(value),
    };
    match (&table.child, by.hops.as_slice()) {
        (None, []) => of(&record.values),
        // The owner itself, or what it points to.
        (Some(_), [Hop::Parent]) if by.leaf == "id" => vec![record.id],
        (Some(_), [Hop::Parent]) => of(&record.values),
        (Some(child), []) => record.rows(child.as_str()).iter().flat_map(|row| of(&row.values)).collect(),
        _ => Vec::new(),
    }
}

/// Renews whatever follows from a change of a record.
pub(crate) async fn after_save(tx: &mut Tx, snapshot: &Snapshot, card: &Card, change: Change, now: DateTime<Utc>) -> Result<(), UnitError> {
    let mut queue = Queue::new(snapshot, now);
    queue.note(tx, card, Arc::new(change)).await?;
    queue.run(tx).await
}

/// What is still to be renewed.
pub(super) struct Queue<'a> {
    snapshot: &'a Snapshot,
    now: DateTime<Utc>,
    /// By how far along the fields stand, then by card and record.
    open: BTreeMap<(u32, Ident), BTreeMap<Uuid, Asked>>,
    found: usize,
    most: usize,
    /// How often records of trees were renewed.
    renewed: HashMap<Uuid, u32>,
}

impl<'a> Queue<'a> {
    pub fn new(snapshot: &'a Snapshot, now: DateTime<Utc>) -> Self {
        Self { snapshot, now, open: BTreeMap::new(), found: 0, most: MOST, renewed: HashMap::new() }
    }

    fn graph(&self) -> &'a Graph {
        self.snapshot.graph()
    }

    /// Asks for every calculated field of records.
    pub fn ask_everything(&mut self, card: &Card, records: impl IntoIterator<Item = Uuid>) {
        let asked = everything(self.snapshot, card);
        self.open.entry((0, card.key.clone())).or_default().extend(records.into_iter().map(|id| (id, asked.clone())));
    }

    /// Asks for one field of records.
    pub fn ask(&mut self, node: usize, records: impl IntoIterator<Item = Uuid>) {
        let place = &self.graph().nodes[node];
        let open = self.open.entry((place.rank, place.place.0.card.clone())).or_default();
        for id in records {
            Arc::make_mut(&mut open.entry(id).or_default().all).insert(node);
        }
    }

    /// Finds who follows from a change.
    pub async fn note(&mut self, tx: &mut Tx, card: &Card, change: Arc<Change>) -> Result<(), UnitError> {
        let mut added: BTreeSet<(usize, Uuid)> = BTreeSet::new();
        for used in self.graph().uses(&card.key) {
            if !applies(used, &change) {
                continue;
            }
            let node = &self.graph().nodes[used.node];
            let is_direct = matches!(used.legs.as_slice(), [Leg::Pointing { .. }]) || is_owned(&used.legs);
            let Some(records) = self.reach(tx, used, &change).await? else { continue };
            if !(is_direct && node.is_additive) {
                self.ask(used.node, records);
                continue;
            }
            let (rank, of) = (node.rank, node.place.0.card.clone());
            for id in records.into_iter().filter(|id| added.insert((used.node, *id))) {
                let asked = self.open.entry((rank, of.clone())).or_default().entry(id).or_default();
                asked.by.entry(used.node).or_default().push(change.clone());
            }
        }
        Ok(())
    }

    /// The records that are reached backwards along a way, or nothing where a job looks after them.
    async fn reach(&mut self, tx: &mut Tx, used: &Use, change: &Change) -> Result<Option<BTreeSet<Uuid>>, UnitError> {
        let own: BTreeSet<Uuid> = change.old.iter().chain(&change.new).map(|record| record.id).collect();
        if matches!(used.legs.last(), Some(Leg::Hop(Hop::Link { .. } | Hop::Links { .. } | Hop::AnyLink { .. }))) || used.legs.len() > 1 && used.legs.iter().any(|leg| matches!(leg, Leg::Hop(Hop::Link { .. }))) {
            alone(tx).await?;
        }
        // Two that move at once, each below the other: nobody moves beside another.
        if used.on.is_some() && used.on.as_ref() == tree_link(self.snapshot, used) && !change.is_fresh {
            alone(tx).await?;
        }
        let left = self.most.saturating_sub(self.found);
        match back(tx, self.snapshot, used, Some(change), own, used.legs.len(), left).await? {
            Reached::All(records) => {
                self.found += records.len();
                Ok(Some(records))
            }
            Reached::TooMany { at, from } => {
                later(tx, self.snapshot, used, at, &from).await?;
                Ok(None)
            }
        }
    }

    /// Renews until nothing is open.
    pub async fn run(&mut self, tx: &mut Tx) -> Result<(), UnitError> {
        while let Some((key, mut records)) = self.open.pop_first() {
            let Some(card) = self.snapshot.catalog.card(&key.1).cloned() else { continue };
            while !records.is_empty() {
                let some: BTreeMap<Uuid, Asked> = {
                    let rest = records.keys().nth(TOGETHER).copied().map(|id| records.split_off(&id)).unwrap_or_default();
                    std::mem::replace(&mut records, rest)
                };
                if self.snapshot.graph().goes_over_tree(&card.key) {
                    self.check_depth(&card, some.keys())?;
                }
                let renewing = Renewing { snapshot: self.snapshot, card: &card, now: self.now };
                for Renewed { before, after, .. } in renewing.store(tx, &some).await? {
                    self.note(tx, &card, Arc::new(Change { old: Some(before), new: Some(after), is_fresh: false })).await?;
                }
            }
        }
        Ok(())
    }
}

impl Queue<'_> {
    /// What goes round in a circle of records is refused, not followed for ever.
    fn check_depth<'i>(&mut self, card: &Card, records: impl Iterator<Item = &'i Uuid>) -> Result<(), UnitError> {
        for id in records {
            let times = self.renewed.entry(*id).or_default();
            *times += 1;
            if *times > DEEPEST {
                let at = card.tree.as_ref().map_or("", Ident::as_str);
                return Err(AppError::rejected(Violation::new(at, Code::Cycle)).into());
            }
        }
        Ok(())
    }
}

/// The link to the record above, where a field is added up over a tree.
fn tree_link<'s>(snapshot: &'s Snapshot, used: &Use) -> Option<&'s Ident> {
    let graph = snapshot.graph();
    if !graph.is_over_tree(used.node) {
        return None;
    }
    snapshot.catalog.card(&graph.nodes[used.node].place.0.card).filter(|card| used.table == card.table.reference())?.tree.as_ref()
}

/// Every aggregate of a record over other records.
pub(super) fn everything(snapshot: &Snapshot, card: &Card) -> Asked {
    let table = card.table.reference();
    let nodes = rollup::pointing(&card.table).filter_map(|(field, ..)| snapshot.graph().node(&(table.clone(), field.key.clone())));
    Asked { all: Arc::new(nodes.collect()), by: BTreeMap::new() }
}

fn is_owned(legs: &[Leg]) -> bool {
    matches!(legs, [Leg::Pointing { .. }, rest @ ..] if rest.iter().all(|leg| matches!(leg, Leg::Hop(Hop::Parent))))
}

/// Whether a change touches what is read.
fn applies(used: &Use, change: &Change) -> bool {
    let (Some(old), Some(new)) = (&change.old, &change.new) else {
        // Rows that come or go; links that are emptied with their target, unless nothing can point to it yet.
        return used.on.is_none() && (!change.is_fresh || matches!(used.legs.last(), Some(Leg::Pointing { .. })));
    };
    let rows = |record: &Record, table: &Ident| -> Vec<Uuid> { record.rows(table.as_str()).iter().map(|row| row.id).collect() };
    match (&used.table.child, &used.on) {
        (None, None) => false,
        (None, Some(key)) => old.get(key.as_str()) != new.get(key.as_str()),
        (Some(table), None) => rows(old, table) != rows(new, table),
        (Some(table), Some(key)) => new.rows(table.as_str()).iter().any(|row| {
            let known = old.rows(table.as_str()).iter().find(|known| known.id == row.id);
            known.is_some_and(|known| value_of(&known.values, key.as_str()) != value_of(&row.values, key.as_str()))
        }),
    }
}

/// What was reached backwards.
pub(super) enum Reached {
    /// All records.
    All(BTreeSet<Uuid>),
    /// Before the leg `at` there are more than wanted.
    TooMany { at: usize, from: BTreeSet<Uuid> },
}

/// Walks back over the first `upto` legs of a way, from records to those that read them. Of the change itself old and
/// new links are known; of all others what is stored.
pub(super) async fn back(tx: &mut Tx, snapshot: &Snapshot, used: &Use, change: Option<&Change>, from: BTreeSet<Uuid>, upto: usize, most: usize) -> Result<Reached, UnitError> {
    let catalog = &snapshot.catalog;
    let start = &snapshot.graph().nodes[used.node].place.0;
    let tables = tables_along(start, &used.legs);
    let mut change = change;
    let mut reached = from;
    for (index, leg) in used.legs[..upto].iter().enumerate().rev() {
        let next: BTreeSet<Uuid> = match leg {
            Leg::Hop(Hop::Child { .. } | Hop::Parent) => continue,
            Leg::Hop(Hop::Link { field, .. } | Hop::Links { field, .. } | Hop::AnyLink { field, .. }) => {
                let Some(table) = catalog.table(&tables[index]) else { return Ok(Reached::All(BTreeSet::new())) };
                match pointing(tx, snapshot, table, field, &reached, most).await? {
                    Some(found) => found,
                    None => return Ok(Reached::TooMany { at: index, from: reached }),
                }
            }
            Leg::Pointing { table, by } => match change {
                Some(change) => change.old.iter().chain(&change.new).flat_map(|record| pointed_at(record, table, by, &tables[index].card)).collect(),
                None => {
                    let way = Way { table, by, to: &tables[index].card };
                    let mut found = BTreeSet::new();
                    let from: Vec<Uuid> = reached.iter().copied().collect();
                    for some in from.chunks(TOGETHER) {
                        found.extend(rollup::ids_of(&tx.fetch(&derived::led_to(catalog, tx.dialect(), way, some)).await?));
                    }
                    found
                }
            },
        };
        change = None;
        reached = next;
    }
    Ok(Reached::All(reached))
}

/// The records whose link, or whose rows' link, leads to these; nothing for too many.
async fn pointing(tx: &mut Tx, snapshot: &Snapshot, table: &Table, field: &Ident, to: &BTreeSet<Uuid>, most: usize) -> Result<Option<BTreeSet<Uuid>>, UnitError> {
    let Some(field) = table.field(field) else { return Ok(Some(BTreeSet::new())) };
    let (mut found, to): (BTreeSet<Uuid>, Vec<Uuid>) = (BTreeSet::new(), to.iter().copied().collect());
    let limit = u32::try_from(most).unwrap_or(u32::MAX - 1) + 1;
    for some in to.chunks(TOGETHER) {
        let rows = tx.fetch(&write::pointing(&snapshot.catalog, tx.dialect(), table, field, some, limit, false)).await?;
        found.extend(rollup::ids_of(&rows));
        if rows.len() > most || found.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

/// Leaves it to a job, and marks what is not right until then.
async fn later(tx: &mut Tx, snapshot: &Snapshot, used: &Use, at: usize, from: &BTreeSet<Uuid>) -> Result<(), UnitError> {
    let graph = snapshot.graph();
    let place = &graph.nodes[used.node].place;
    let payload = json!({"table": place.0.to_string(), "field": place.1, "way": format!("{:?}", used.legs), "of": used.table.card, "at": at + 1, "from": from});
    let job = jobs::enqueue_in(tx, NewJob::new(super::FOLLOW_KIND, payload)).await?;
    super::recompute::mark(tx, graph, &graph.closure([used.node]), job).await
}

/// Goes alone from here on, or asks to be begun again: others who are under way may wait for what this one holds.
async fn alone(tx: &mut Tx) -> Result<(), UnitError> {
    let Some(turn) = system_derived::try_turn(tx.dialect()) else { return Ok(()) };
    match tx.fetch(&turn).await?.first().and_then(|row| row.first()) {
        Some(sql::Datum::Boolean(true)) => Ok(()),
        _ => {
            tx.go_alone();
            Err(StoreError::Busy { detail: "others are changing what would be renewed".into() }.into())
        }
    }
}
