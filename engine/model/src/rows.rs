//! Ways from a record to many rows: its own child rows, records that point to it, what several links point to, and all
//! of these behind a link. `receipt.order` are the receipts that point here by `order`, `customer.order.customer` all
//! orders of the customer.
//!
//! **Invariants**
//! - A field or child table of that name goes before a card of the same name.
//!
//! **Not here:** paths to one value (`path`).

use crate::{Card, Catalog, Field, FieldKind, Hop, Ident, Path, Table, TableRef, path::MAX_HOPS};

/// One step from a record or row to others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Leg {
    /// Along a link, into a child table, or to the record that owns a row.
    Hop(Hop),
    /// To the rows of a table whose path `by` leads to the record.
    Pointing {
        /// The rows.
        table: TableRef,
        /// How they lead here.
        by: Path,
    },
}

/// A way to many rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowPath {
    /// Where it starts.
    pub start: TableRef,
    /// The steps; only the last reaches many.
    pub legs: Vec<Leg>,
    /// The table of the rows.
    pub end: TableRef,
}

/// Where a name of a formula leads.
enum Walked<'c> {
    /// To rows.
    Rows(RowPath),
    /// To a card whose records may point to what was reached: the name goes on.
    Card { card: &'c Card, to: Ident },
}

/// The rows that a name stands for.
pub fn resolve(catalog: &Catalog, start: &TableRef, name: &str) -> Option<RowPath> {
    match walk(catalog, start, name)? {
        Walked::Rows(path) => Some(path),
        Walked::Card { .. } => None,
    }
}

/// The links of a card that point to what was reached, where the name so far ends at that card.
pub fn pointing_links(catalog: &Catalog, start: &TableRef, name: &str) -> Option<Vec<Ident>> {
    match walk(catalog, start, name)? {
        Walked::Card { card, to } => {
            let links: Vec<Ident> = card.table.fields.values().filter(|field| points_to(field, &to)).map(|field| field.key.clone()).collect();
            (!links.is_empty()).then_some(links)
        }
        Walked::Rows(_) => None,
    }
}

fn walk<'c>(catalog: &'c Catalog, start: &TableRef, name: &str) -> Option<Walked<'c>> {
    let mut table: &Table = catalog.table(start)?;
    let mut legs: Vec<Leg> = Vec::new();
    let segments: Vec<&str> = name.split('.').collect();
    if segments.len() > MAX_HOPS {
        return None;
    }
    let ended = |legs: Vec<Leg>, end: &Table| Some(Walked::Rows(RowPath { start: start.clone(), legs, end: end.reference() }));
    let mut at = 0;
    while let Some(segment) = segments.get(at) {
        let is_last = at + 1 == segments.len();
        if let Some(field) = table.fields.get(*segment) {
            let FieldKind::Link(link) = &field.kind else { return None };
            if field.live_source().is_some() || link.multiple != is_last {
                return None;
            }
            let target = &catalog.card(&link.target)?.table;
            let (field, to) = (field.key.clone(), link.target.clone());
            legs.push(Leg::Hop(if link.multiple { Hop::Links { field, target: to } } else { Hop::Link { field, target: to } }));
            if is_last {
                return ended(legs, target);
            }
            table = target;
            at += 1;
            continue;
        }
        let card = catalog.card(&table.card)?;
        if table.child.is_some() {
            if table.card != *segment || is_last {
                return None;
            }
            legs.push(Leg::Hop(Hop::Parent));
            table = &card.table;
            at += 1;
            continue;
        }
        if let Some(child) = card.children.get(*segment) {
            legs.push(Leg::Hop(Hop::Child { table: child.child.clone()? }));
            return if is_last { ended(legs, child) } else { None };
        }
        return pointing(catalog, table, &segments[at..], legs, start);
    }
    None
}

/// `receipt.order`: a card, and its link that leads to what was reached.
fn pointing<'c>(catalog: &'c Catalog, table: &Table, rest: &[&str], mut legs: Vec<Leg>, start: &TableRef) -> Option<Walked<'c>> {
    let other = catalog.card(rest.first()?)?;
    match rest {
        [_] => Some(Walked::Card { card: other, to: table.card.clone() }),
        [_, link] => {
            let field = other.table.fields.get(*link).filter(|field| points_to(field, &table.card) && field.live_source().is_none())?;
            let by = Path::own(other.table.reference(), field.key.clone());
            legs.push(Leg::Pointing { table: other.table.reference(), by });
            Some(Walked::Rows(RowPath { start: start.clone(), legs, end: other.table.reference() }))
        }
        _ => None,
    }
}

fn points_to(field: &Field, card: &Ident) -> bool {
    match &field.kind {
        FieldKind::Link(link) => link.target == *card,
        FieldKind::AnyLink { targets, .. } => targets.contains(card),
        _ => false,
    }
}
