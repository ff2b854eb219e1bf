//! What every calculated field of a catalog reads, made once: in which order fields are calculated, who is to be
//! renewed when something changes.
//!
//! **Invariants**
//! - A field is after everything it reads, on whatever card that is.
//! - Nothing is known of values here: who reads a field is looked up, not found out by trying.
//!
//! **Not here:** what needs itself (`circles`), walking to the records (`follow`), calculating (`renew`).

use std::collections::{BTreeSet, HashMap};

use model::{Aggregate, Catalog, Condition, FieldKind, Hop, Ident, Leg, OnDelete, Op, Operand, Path, Rollup, RowSource, Source, Table, TableRef, Term, Test, Variable, path, rows};

use crate::formulas::TODAY;

/// A field: its table and key.
pub(crate) type Place = (TableRef, Ident);

/// A calculated field.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Where it stands.
    pub place: Place,
    /// What it reads.
    pub reads: Vec<Read>,
    /// How many calculated fields stand one behind the other before it.
    pub rank: u32,
    /// How many of them stand on other records: what a record reads of itself is calculated with it.
    pub level: u32,
    /// Whether changes of single rows can be added to the value there is.
    pub is_additive: bool,
    /// Whether it follows from the day, too.
    pub asks_day: bool,
}

/// Something a field reads: the way there, and the field at its end; `None` for how many rows there are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Read {
    pub legs: Vec<Leg>,
    pub end: TableRef,
    pub leaf: Option<Ident>,
}

/// Who is to be renewed when a field, or the rows themselves, of a table change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Use {
    /// The table that changes.
    pub table: TableRef,
    /// The field; `None` when records or rows come or go.
    pub on: Option<Ident>,
    /// The way from the field that is to be renewed to what changes.
    pub legs: Vec<Leg>,
    /// The field that is to be renewed.
    pub node: usize,
}

/// The graph.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub nodes: Vec<Node>,
    by_place: HashMap<Place, usize>,
    uses: HashMap<Ident, Vec<Use>>,
    heights: HashMap<Ident, u32>,
    down: BTreeSet<Ident>,
    /// Who reads itself over a tree, from the field that reads to the one that is read.
    pub(super) again: BTreeSet<(usize, usize)>,
    /// Who reads other records, in the same way.
    pub(super) far: BTreeSet<(usize, usize)>,
}

impl Graph {
    /// Reads a catalog. `reads` gives what the formula of a field reads, by name.
    pub fn new(catalog: &Catalog, reads: &dyn Fn(&Table, &Ident) -> Vec<String>) -> Self {
        let mut graph = Self::default();
        for table in catalog.cards.values().flat_map(|card| std::iter::once(&card.table).chain(card.children.values())) {
            for field in table.own_fields() {
                let names = if matches!(field.source, Source::Computed { .. }) { reads(table, &field.key) } else { Vec::new() };
                let found = match &field.source {
                    Source::Computed { .. } => names.iter().flat_map(|name| of_name(catalog, table, name)).collect(),
                    Source::Rollup(rollup) => of_rollup(rollup),
                    Source::Snapshot { path, more, kept: true, .. } => std::iter::once(path).chain(more).map(|path| of_path(&[], path)).collect(),
                    Source::Entered | Source::Live { .. } | Source::Snapshot { .. } => continue,
                };
                let place = (table.reference(), field.key.clone());
                let is_additive = matches!(&field.source, Source::Rollup(rollup) if additive(catalog, &field.kind, rollup));
                graph.by_place.insert(place.clone(), graph.nodes.len());
                let asks_day = match &field.source {
                    Source::Rollup(rollup) => rollup.condition.as_ref().is_some_and(Condition::asks_time),
                    _ => names.iter().any(|name| name == TODAY) && table.fields.get(TODAY).is_none(),
                };
                graph.nodes.push(Node { place, reads: found, rank: 0, level: 0, is_additive, asks_day });
            }
        }
        graph.find_again(catalog);
        graph.rank();
        graph.find_uses(catalog);
        graph.find_heights();
        graph
    }

    /// The node of a field, if it is calculated.
    pub fn node(&self, place: &Place) -> Option<usize> {
        self.by_place.get(place).copied()
    }

    /// Who is to be renewed when records of a card change.
    pub fn uses(&self, card: &Ident) -> &[Use] {
        self.uses.get(card).map_or(&[], Vec::as_slice)
    }

    /// Records are locked from those that add up others to those that are added up into more: low first.
    pub fn height(&self, card: &Ident) -> u32 {
        self.heights.get(card).copied().unwrap_or(0)
    }

    /// Whether values of a card's records are read through links, or read others so: such changes go against the order
    /// of locks, and take turns.
    pub fn goes_down(&self, card: &Ident) -> bool {
        self.down.contains(card)
    }

    /// The calculated fields that a field reads.
    pub(crate) fn needs<'g>(&'g self, node: &'g Node) -> impl Iterator<Item = usize> + 'g {
        node.reads.iter().flat_map(|read| read.fields(&node.place.0)).filter_map(|place| self.node(&place))
    }

    /// Every field that follows from these, however far.
    pub fn closure(&self, from: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = from.into_iter().collect();
        loop {
            let more: Vec<usize> = (0..self.nodes.len()).filter(|index| !found.contains(index) && self.needs(&self.nodes[*index]).any(|need| found.contains(&need))).collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    fn find_uses(&mut self, catalog: &Catalog) {
        let mut seen = std::collections::HashSet::new();
        for index in 0..self.nodes.len() {
            for read in &self.nodes[index].reads {
                for used in uses_of(catalog, &self.nodes[index].place.0, read, index) {
                    if seen.insert(used.clone()) {
                        self.uses.entry(used.table.card.clone()).or_default().push(used);
                    }
                }
            }
        }
        let goes_down = |used: &&Use| used.legs.iter().any(|leg| matches!(leg, Leg::Hop(Hop::Link { .. } | Hop::Links { .. } | Hop::AnyLink { .. })));
        let down: Vec<(Ident, Ident)> = self.uses.values().flatten().filter(goes_down).map(|used| (used.table.card.clone(), self.nodes[used.node].place.0.card.clone())).collect();
        let trees = self.again.iter().map(|(node, _)| self.nodes[*node].place.0.card.clone());
        self.down = down.into_iter().flat_map(|(of, to)| [of, to]).chain(trees).collect();
        // Whatever is changed in the same breath takes turns too.
        loop {
            let near: Vec<Ident> = self.uses.values().flatten().map(|used| (&used.table.card, &self.nodes[used.node].place.0.card)).filter(|(of, to)| self.down.contains(*of) != self.down.contains(*to)).flat_map(|(of, to)| [of.clone(), to.clone()]).collect();
            if near.is_empty() {
                break;
            }
            self.down.extend(near);
        }
    }

    fn find_heights(&mut self) {
        let up: Vec<(Ident, Ident)> = self.uses.values().flatten().filter(|used| matches!(used.legs.first(), Some(Leg::Pointing { .. }))).map(|used| (used.table.card.clone(), self.nodes[used.node].place.0.card.clone())).collect();
        let cards: BTreeSet<&Ident> = up.iter().flat_map(|(of, to)| [of, to]).collect();
        for _ in 0..cards.len() {
            for (of, to) in up.iter().filter(|(of, to)| of != to) {
                let above = self.heights.get(of).copied().unwrap_or(0) + 1;
                if self.heights.get(to).copied().unwrap_or(0) < above && above < 1_000 {
                    self.heights.insert(to.clone(), above);
                }
            }
        }
    }
}

impl Read {
    /// Every field that is looked at on the way and at its end.
    pub(super) fn fields<'r>(&'r self, start: &'r TableRef) -> impl Iterator<Item = Place> + 'r {
        let tables = tables_along(start, &self.legs);
        let links = self.legs.iter().enumerate().filter_map(move |(index, leg)| match leg {
            Leg::Hop(Hop::Link { field, .. } | Hop::Links { field, .. } | Hop::AnyLink { field, .. }) => Some((tables[index].clone(), field.clone())),
            Leg::Pointing { by, .. } => Some((by.end.clone(), by.leaf.clone())),
            Leg::Hop(Hop::Child { .. } | Hop::Parent) => None,
        });
        links.chain(self.leaf.iter().map(|leaf| (self.end.clone(), leaf.clone())))
    }
}

/// The table before each leg, and that after the last.
pub(crate) fn tables_along(start: &TableRef, legs: &[Leg]) -> Vec<TableRef> {
    let mut tables = vec![start.clone()];
    for leg in legs {
        let at = tables.last().unwrap_or(start);
        let next = match leg {
            Leg::Hop(Hop::Link { target, .. } | Hop::Links { target, .. } | Hop::AnyLink { target, .. }) => TableRef::card(target),
            Leg::Hop(Hop::Child { table }) => TableRef::child(&at.card, table),
            Leg::Hop(Hop::Parent) => TableRef::card(&at.card),
            Leg::Pointing { table, .. } => table.clone(),
        };
        tables.push(next);
    }
    tables
}

pub(super) fn stays(leg: &Leg) -> bool {
    matches!(leg, Leg::Hop(Hop::Child { .. } | Hop::Parent))
}

/// Whose change a read makes felt: of the links on the way, of rows that come and go, and of the field at its end.
/// What a record reads of itself it calculates itself.
fn uses_of(catalog: &Catalog, start: &TableRef, read: &Read, node: usize) -> Vec<Use> {
    let tables = tables_along(start, &read.legs);
    let mut found = Vec::new();
    let mut add = |table: &TableRef, on: Option<&Ident>, legs: &[Leg]| {
        if !legs.iter().all(stays) {
            found.push(Use { table: table.clone(), on: on.cloned(), legs: legs.to_vec(), node });
        }
    };
    for (index, leg) in read.legs.iter().enumerate() {
        let (before, upto) = (&read.legs[..index], &read.legs[..=index]);
        match leg {
            Leg::Hop(Hop::Link { field, target } | Hop::Links { field, target } | Hop::AnyLink { field, target }) => {
                add(&tables[index], Some(field), before);
                // A link that is emptied when its target goes reads as empty from then on.
                let on_delete = catalog.table(&tables[index]).and_then(|table| table.field(field)).and_then(|field| field.kind.on_delete());
                if on_delete == Some(OnDelete::SetNull) {
                    add(&TableRef::card(target), None, upto);
                }
            }
            Leg::Hop(Hop::Child { .. }) => add(&tables[index + 1], None, upto),
            Leg::Hop(Hop::Parent) => {}
            Leg::Pointing { table, by } => {
                add(table, None, upto);
                if by.leaf != "id" {
                    add(&by.end, Some(&by.leaf), upto);
                }
            }
        }
    }
    if let Some(leaf) = &read.leaf {
        add(&read.end, Some(leaf), &read.legs);
    }
    found
}

fn legs_of(hops: &[Hop]) -> impl Iterator<Item = Leg> + '_ {
    hops.iter().cloned().map(Leg::Hop)
}

fn of_path(before: &[Leg], path: &Path) -> Read {
    Read { legs: before.iter().cloned().chain(legs_of(&path.hops)).collect(), end: path.end.clone(), leaf: Some(path.leaf.clone()) }
}

/// What a name in a formula reads: `quantity`, `customer.level`, `lines.amount`, `receipt.order.amount`, `lines.*`.
fn of_name(catalog: &Catalog, table: &Table, name: &str) -> Vec<Read> {
    let start = table.reference();
    let rows_of = |name: &str| rows::resolve(catalog, &start, name);
    if let Ok(path) = path::resolve(catalog, &start, name)
        && !path.is_many() {
            return vec![of_path(&[], &path)];
        }
    if let Some(rows) = rows_of(name) {
        return vec![Read { legs: rows.legs, end: rows.end, leaf: None }];
    }
    let Some((rows, field)) = name.rsplit_once('.') else { return Vec::new() };
    let Some(rows) = rows_of(rows) else { return Vec::new() };
    let all = catalog.table(&rows.end);
    let fields: Vec<Ident> = match field {
        "*" => all.into_iter().flat_map(|table| table.fields.keys().cloned()).collect(),
        field => all.and_then(|table| table.fields.get(field)).map(|field| field.key.clone()).into_iter().collect(),
    };
    let count = Read { legs: rows.legs.clone(), end: rows.end.clone(), leaf: None };
    std::iter::once(count).chain(fields.into_iter().map(|leaf| Read { legs: rows.legs.clone(), end: rows.end.clone(), leaf: Some(leaf) })).collect()
}

fn leg_of(rows: &RowSource) -> Option<Leg> {
    match rows {
        RowSource::Child { table } => Some(Leg::Hop(Hop::Child { table: table.child.clone()? })),
        RowSource::Pointing { table, by } => Some(Leg::Pointing { table: table.clone(), by: by.clone() }),
    }
}

fn of_rollup(rollup: &Rollup) -> Vec<Read> {
    let before: Vec<Leg> = leg_of(&rollup.rows).into_iter().collect();
    let mut reads = vec![Read { legs: before.clone(), end: rollup.rows.table().clone(), leaf: None }];
    reads.extend(rollup.field.iter().map(|path| of_path(&before, path)));
    if let Some(condition) = &rollup.condition {
        of_condition(&before, condition, &mut reads);
    }
    reads
}

/// What a condition over rows reads: of the rows, of rows related to them, and of the record that is asked for.
fn of_condition(before: &[Leg], condition: &Condition, reads: &mut Vec<Read>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| of_condition(before, part, reads)),
        Condition::Not(part) => of_condition(before, part, reads),
        Condition::Test(test) => {
            reads.push(of_path(before, &test.path));
            reads.extend(test.operand.terms().filter_map(|term| match term {
                Term::Variable(Variable::Record(path) | Variable::Row(path)) => Some(of_path(&[], path)),
                Term::Variable(Variable::Outer(path) | Variable::Same(path)) => Some(of_path(before, path)),
                _ => None,
            }));
        }
        Condition::Related(related) => {
            let legs: Vec<Leg> = before.iter().cloned().chain(leg_of(&related.rows)).collect();
            reads.push(Read { legs: legs.clone(), end: related.rows.table().clone(), leaf: None });
            of_condition(&legs, &related.condition, reads);
        }
        Condition::Unknown => {}
    }
}

/// Whether what a row adds can be told from that row and its record alone, exactly, whenever it is asked.
fn additive(catalog: &Catalog, kind: &FieldKind, rollup: &Rollup) -> bool {
    let RowSource::Pointing { .. } = &rollup.rows else { return false };
    let near = |path: &Path| path.part.is_none() && path.hops.iter().all(|hop| matches!(hop, Hop::Parent));
    let source = rollup.field.as_ref().and_then(|path| path.field(catalog)).map(|field| &field.kind);
    let is_exact = match (kind, source) {
        (FieldKind::Decimal(own), Some(FieldKind::Decimal(of))) => own.scale >= of.scale,
        (FieldKind::Integer { .. } | FieldKind::Duration | FieldKind::Rating { .. }, Some(FieldKind::Decimal(_))) => false,
        (FieldKind::Date, Some(FieldKind::Datetime)) => false,
        _ => true,
    };
    let is_single = rollup.field.as_ref().is_none_or(|path| near(path) && path.field(catalog).is_some_and(|field| field.column().is_some()));
    let fits = match rollup.function {
        Aggregate::Sum | Aggregate::Min | Aggregate::Max => is_exact,
        Aggregate::Count | Aggregate::CountDistinct | Aggregate::Avg => true,
        Aggregate::First | Aggregate::Last | Aggregate::Concat | Aggregate::CountEmpty => false,
    };
    fits && is_single && rollup.condition.as_ref().is_none_or(|condition| is_plain(condition, &near))
}

/// Whether a condition asks a row for nothing but its own values, which never change by the clock.
fn is_plain(condition: &Condition, near: &dyn Fn(&Path) -> bool) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().all(|part| is_plain(part, near)),
        Condition::Not(part) => is_plain(part, near),
        Condition::Test(Test { path, op, operand }) => {
            let fits = !matches!(op, Op::In | Op::Under | Op::InFolder | Op::AnniversaryIn) && !matches!(operand, Operand::Period(_) | Operand::Folders { .. } | Operand::Shared { .. });
            fits && near(path) && operand.terms().all(|term| matches!(term, Term::Value(_)))
        }
        Condition::Related(_) | Condition::Unknown => false,
    }
}
