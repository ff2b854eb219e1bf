//! Fields that need themselves. That is a fault, but where each step of the circle goes down a tree of records, or each
//! goes up: a department adds up what its departments add up, and that ends where the tree does.
//!
//! **Invariants**
//! - The order of fields does not count steps over such trees: the same field of another record is not another field.
//! - Nothing goes down and up at once, and nothing over a link that may lead in a circle.

use std::collections::BTreeSet;

use model::{Catalog, Hop, Ident, Leg, Source, TableRef};

use super::graph::{Graph, Place, Read, stays, tables_along};

/// Fields that read one another in a circle; the first stands at the end again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circle(pub Vec<Place>);

/// Where a field is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Same,
    Down,
    Up,
    Elsewhere,
}

/// The link by which a card's records make a tree, if it is one that people set.
fn tree_of<'c>(catalog: &'c Catalog, card: &Ident) -> Option<&'c Ident> {
    let card = catalog.card(card)?;
    let parent = card.tree.as_ref()?;
    card.table.field(parent).filter(|field| matches!(field.source, Source::Entered)).map(|_| parent)
}

fn step(catalog: &Catalog, start: &TableRef, read: &Read) -> Step {
    let tables = tables_along(start, &read.legs);
    let mut far = read.legs.iter().enumerate().filter(|(_, leg)| !stays(leg));
    let Some((at, leg)) = far.next() else { return Step::Same };
    let own = TableRef::card(&start.card);
    let is_tree = |link: &Ident| tree_of(catalog, &start.card) == Some(link) && tables[at] == own;
    match leg {
        _ if far.next().is_some() => Step::Elsewhere,
        Leg::Pointing { table, by } if *table == own && by.hops.is_empty() && is_tree(&by.leaf) => Step::Down,
        Leg::Hop(Hop::Link { field, target }) if *target == start.card && is_tree(field) => Step::Up,
        _ => Step::Elsewhere,
    }
}

impl Graph {
    /// Finds who reads other records, and who reads itself over a tree: every circle there goes one way.
    pub(super) fn find_again(&mut self, catalog: &Catalog) {
        let mut steps: Vec<(usize, usize, Step)> = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            for read in &node.reads {
                let step = step(catalog, &node.place.0, read);
                steps.extend(read.fields(&node.place.0).filter_map(|place| self.node(&place)).map(|need| (index, need, step)));
            }
        }
        let reached = |from: usize, forward: bool| {
            let mut found = BTreeSet::from([from]);
            let mut open = vec![from];
            while let Some(at) = open.pop() {
                let next = steps.iter().filter_map(|(reader, need, _)| match forward {
                    true => (*reader == at).then_some(*need),
                    false => (*need == at).then_some(*reader),
                });
                open.extend(next.filter(|next| found.insert(*next)).collect::<Vec<_>>());
            }
            found
        };
        let mut again = BTreeSet::new();
        for (reader, need, way) in steps.iter().filter(|(.., way)| matches!(way, Step::Down | Step::Up)) {
            let ahead = reached(*need, true);
            if !ahead.contains(reader) || again.contains(&(*reader, *need)) {
                continue;
            }
            let back = reached(*reader, false);
            let within = |node: &usize| ahead.contains(node) && back.contains(node);
            let all = || steps.iter().filter(|(reader, need, _)| within(reader) && within(need));
            if all().all(|(.., step)| step == way || *step == Step::Same) {
                again.extend(all().filter(|(.., step)| step == way).map(|(reader, need, _)| (*reader, *need)));
            }
        }
        self.far = steps.iter().filter(|(.., step)| *step != Step::Same).map(|(reader, need, _)| (*reader, *need)).collect();
        self.again = again;
    }

    /// Whether a field's value follows from the same field of other records of its card.
    pub fn is_over_tree(&self, node: usize) -> bool {
        self.again.range((node, 0)..=(node, usize::MAX)).next().is_some()
    }

    /// Whether values of a card's records follow from one another over their tree.
    pub fn goes_over_tree(&self, card: &Ident) -> bool {
        self.again.iter().any(|(node, _)| self.nodes[*node].place.0.card == *card)
    }

    /// What a field needs before it can be calculated, but over its own tree.
    fn before(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.needs(&self.nodes[node]).filter(move |need| !self.again.contains(&(node, *need)))
    }

    /// Fields that need themselves, one circle of them.
    pub fn circle(&self) -> Option<Circle> {
        let mut state = vec![0_u8; self.nodes.len()];
        for start in 0..self.nodes.len() {
            let mut way = Vec::new();
            if let Some(circle) = self.walk(start, &mut state, &mut way) {
                return Some(Circle(circle.into_iter().map(|index| self.nodes[index].place.clone()).collect()));
            }
        }
        None
    }

    /// Depth first; a field met again on the way there closes a circle.
    fn walk(&self, at: usize, state: &mut [u8], way: &mut Vec<usize>) -> Option<Vec<usize>> {
        match state[at] {
            2 => return None,
            1 => {
                let from = way.iter().position(|known| *known == at).unwrap_or(0);
                return Some(way[from..].iter().copied().chain([at]).collect());
            }
            _ => {}
        }
        state[at] = 1;
        way.push(at);
        for need in self.before(at) {
            if let Some(circle) = self.walk(need, state, way) {
                return Some(circle);
            }
        }
        way.pop();
        state[at] = 2;
        None
    }

    /// Each field after what it reads. A circle, which no publish lets through, ends by the number of fields.
    pub(super) fn rank(&mut self) {
        for _ in 0..self.nodes.len() {
            let places: Vec<(u32, u32)> = (0..self.nodes.len()).map(|node| {
                let rank = self.before(node).map(|need| self.nodes[need].rank + 1).max().unwrap_or(0);
                let level = self.before(node).map(|need| self.nodes[need].level + u32::from(self.far.contains(&(node, need)))).max().unwrap_or(0);
                (rank, level)
            }).collect();
            let is_settled = self.nodes.iter().zip(&places).all(|(node, place)| (node.rank, node.level) == *place);
            self.nodes.iter_mut().zip(places).for_each(|(node, place)| (node.rank, node.level) = place);
            if is_settled {
                break;
            }
        }
    }
}
