//! What formulas and rules ask of other records, fetched for many records at once: values behind links, rows behind
//! links and rows that point here, places in trees.

use std::{collections::{BTreeMap, HashMap, HashSet}, sync::Arc};

use access::{Actor, Reason};
use chrono::{DateTime, Utc};
use model::{Card, Catalog, Field, FieldKind, Hop, Ident, Leg, Path, Record, RowPath, TableRef, Value, Values, record::value_of};
use sql::{derived::{self, Way}, encode, select};
use store::Tx;
use uuid::Uuid;

use super::{facts::{Linked, RowNeed}, save::ids};
use crate::{AppError, UnitError, snapshot::Snapshot};

/// Records of one statement.
const EACH: usize = 500;

/// Everything of records around these that formulas and rules may ask for.
pub(crate) struct Around {
    /// Behind links.
    pub linked: Linked,
    /// In trees.
    pub ancestors: HashMap<Uuid, HashSet<Uuid>>,
}

/// Fetches it.
pub(crate) async fn around(tx: &mut Tx, snapshot: &Snapshot, card: &Card, records: &[&Record], now: DateTime<Utc>) -> Result<Around, UnitError> {
    let mut linked = values(tx, snapshot, card, records, now).await?;
    for need in snapshot.row_needs(&card.key) {
        rows(tx, snapshot, need, records, now, &mut linked).await?;
    }
    let ancestors = ancestors(tx, snapshot, card, records, &linked, now).await?;
    Ok(Around { linked, ancestors })
}

/// Values behind links: one statement for each card linked to.
async fn values(tx: &mut Tx, snapshot: &Snapshot, card: &Card, records: &[&Record], now: DateTime<Utc>) -> Result<Linked, UnitError> {
    let mut wanted: BTreeMap<Ident, (HashSet<Uuid>, Vec<Path>)> = BTreeMap::new();
    for need in snapshot.needs(&card.key) {
        let ids: Vec<Uuid> = records.iter().flat_map(|record| ids_of(record, need.child.as_ref(), &need.field, &need.target)).collect();
        if ids.is_empty() || need.rest.leaf == "id" && need.rest.hops.is_empty() {
            continue;
        }
        let entry = wanted.entry(need.target.clone()).or_default();
        entry.0.extend(ids);
        if !entry.1.contains(&need.rest) {
            entry.1.push(need.rest.clone());
        }
    }
    let mut linked = Linked::default();
    for (target, (ids, paths)) in wanted {
        let single: Vec<Path> = paths.into_iter().filter(|path| !path.is_many()).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        for (id, values) in fetch(tx, &snapshot.catalog, &target, &ids, &single, now).await? {
            for (path, value) in single.iter().zip(values) {
                linked.values.insert((id, path.clone()), vec![value]);
            }
        }
    }
    Ok(linked)
}

/// Values of records of a card, those in the trash too.
pub(crate) async fn fetch(tx: &mut Tx, catalog: &Catalog, card: &Ident, ids: &[Uuid], paths: &[Path], now: DateTime<Utc>) -> Result<Vec<(Uuid, Vec<Value>)>, UnitError> {
    let system = Actor::system(Reason::Derivation, now);
    let tables = access::tables(catalog, &system, std::slice::from_ref(card), paths).map_err(AppError::from)?;
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(EACH) {
        let lowered = select::by_ids(catalog, tx.dialect(), &tables, &TableRef::card(card), some, paths, true);
        for row in tx.fetch(&lowered.statement).await? {
            let mut values = lowered.decode(row).into_iter();
            if let Some(Value::Id(id)) = values.next() {
                found.push((id, values.collect()));
            }
        }
    }
    Ok(found)
}

/// The rows of one way, by the record it starts from.
async fn rows(tx: &mut Tx, snapshot: &Snapshot, need: &RowNeed, records: &[&Record], now: DateTime<Utc>, linked: &mut Linked) -> Result<(), UnitError> {
    let catalog = &snapshot.catalog;
    let mut starts: Vec<Uuid> = match &need.link {
        None => records.iter().map(|record| record.id).collect(),
        Some((child, field, target)) => records.iter().flat_map(|record| ids_of(record, child.as_ref(), field, target)).collect(),
    };
    starts.sort_unstable();
    starts.dedup();
    let owners = owners(tx, catalog, &need.rest, &starts, now).await?;
    let mut ids: Vec<Uuid> = owners.values().copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let found = last_leg(tx, catalog, need, &ids, now).await?;
    for (start, owner) in owners {
        linked.rows.insert((start, need.rest.clone()), (owner, found.get(&owner).cloned().unwrap_or_default()));
    }
    Ok(())
}

/// From where a way starts to the record whose rows its last step reaches.
async fn owners(tx: &mut Tx, catalog: &Catalog, rest: &RowPath, starts: &[Uuid], now: DateTime<Utc>) -> Result<HashMap<Uuid, Uuid>, UnitError> {
    let hops: Vec<Hop> = rest.legs.iter().take(rest.legs.len().saturating_sub(1)).filter_map(|leg| match leg {
        Leg::Hop(hop) => Some(hop.clone()),
        Leg::Pointing { .. } => None,
    }).collect();
    let Some((Hop::Link { field, .. }, before)) = hops.split_last() else { return Ok(starts.iter().map(|id| (*id, *id)).collect()) };
    let end = before.iter().fold(rest.start.clone(), |at, hop| match hop {
        Hop::Link { target, .. } => TableRef::card(target),
        _ => at,
    });
    let path = Path { start: rest.start.clone(), hops: before.to_vec(), leaf: field.clone(), part: None, end };
    let found = fetch(tx, catalog, &rest.start.card, starts, std::slice::from_ref(&path), now).await?;
    Ok(found.into_iter().filter_map(|(start, values)| Some((start, values.first()?.as_id()?))).collect())
}

type RowsOf = HashMap<Uuid, Arc<Vec<(Uuid, Values)>>>;

async fn last_leg(tx: &mut Tx, catalog: &Catalog, need: &RowNeed, owners: &[Uuid], now: DateTime<Utc>) -> Result<RowsOf, UnitError> {
    let paths: Vec<Path> = need.fields.iter().map(|field| Path::own(need.rest.end.clone(), field.clone())).collect();
    let named = |values: &[Value]| -> Values { need.fields.iter().cloned().zip(values.iter().cloned()).filter(|(_, value)| !value.is_empty()).collect() };
    let mut found: HashMap<Uuid, Vec<(Uuid, Values)>> = HashMap::new();
    let at = need.rest.legs.iter().rev().skip(1).find_map(|leg| match leg {
        Leg::Hop(Hop::Link { target, .. }) => Some(target.clone()),
        _ => None,
    });
    let of = at.unwrap_or_else(|| need.rest.start.card.clone());
    match need.rest.legs.last() {
        // The records that several links lead to are the rows themselves.
        None => {
            for (id, values) in fetch(tx, catalog, &need.rest.end.card, owners, &paths, now).await? {
                found.entry(id).or_default().push((id, named(&values)));
            }
        }
        Some(Leg::Hop(Hop::Child { table })) => {
            let system = Actor::system(Reason::Derivation, now);
            let tables = access::tables(catalog, &system, std::slice::from_ref(&of), &[]).map_err(AppError::from)?;
            for some in owners.chunks(EACH) {
                let lowered = select::children(catalog, tx.dialect(), &tables, &TableRef::child(&of, table), some, &paths, &[]);
                for row in tx.fetch(&lowered.statement).await? {
                    let values = lowered.decode(row);
                    if let [Value::Id(owner), Value::Id(row), values @ ..] = values.as_slice() {
                        found.entry(*owner).or_default().push((*row, named(values)));
                    }
                }
            }
        }
        Some(Leg::Hop(Hop::Links { field, target })) => return several(tx, catalog, (&of, field, target), owners, &paths, &named, now).await,
        Some(Leg::Hop(Hop::Link { .. } | Hop::AnyLink { .. } | Hop::Parent)) => {}
        Some(Leg::Pointing { table, by }) => {
            for some in owners.chunks(EACH) {
                let way = Way { table, by, to: &of };
                let lowered = derived::in_order(catalog, tx.dialect(), way, &paths, None, None, some, (false, None));
                for row in tx.fetch(&lowered.statement).await? {
                    let values = lowered.decode(row);
                    if let [Value::Id(owner), Value::Id(row), values @ ..] = values.as_slice() {
                        found.entry(*owner).or_default().push((*row, named(values)));
                    }
                }
            }
        }
    }
    Ok(found.into_iter().map(|(owner, rows)| (owner, Arc::new(rows))).collect())
}

/// The records that a field with several links leads to, in the order of the links.
async fn several(tx: &mut Tx, catalog: &Catalog, (of, field, target): (&Ident, &Ident, &Ident), owners: &[Uuid], paths: &[Path], named: &(dyn Fn(&[Value]) -> Values + Sync), now: DateTime<Utc>) -> Result<RowsOf, UnitError> {
    let mut links: Vec<(Uuid, Uuid)> = Vec::new();
    let Some(card) = catalog.card(of) else { return Ok(RowsOf::new()) };
    for some in owners.chunks(EACH) {
        let Some(lowered) = select::side(catalog, tx.dialect(), card, None, field, some) else { continue };
        links.extend(tx.fetch(&lowered.statement).await?.iter().filter_map(|row| Some((encode::id(row.first()?)?, encode::id(row.get(1)?)?))));
    }
    let mut ids: Vec<Uuid> = links.iter().map(|(_, id)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let values: HashMap<Uuid, Vec<Value>> = fetch(tx, catalog, target, &ids, paths, now).await?.into_iter().collect();
    let mut found: HashMap<Uuid, Vec<(Uuid, Values)>> = HashMap::new();
    for (owner, id) in links {
        if let Some(values) = values.get(&id) {
            found.entry(owner).or_default().push((id, named(values)));
        }
    }
    Ok(found.into_iter().map(|(owner, rows)| (owner, Arc::new(rows))).collect())
}

/// What lies above everything the records point to in trees, directly, from a row, or behind a link that is asked about.
async fn ancestors(tx: &mut Tx, snapshot: &Snapshot, card: &Card, records: &[&Record], linked: &Linked, now: DateTime<Utc>) -> Result<HashMap<Uuid, HashSet<Uuid>>, UnitError> {
    let catalog = &snapshot.catalog;
    let is_tree = |field: &Field| matches!(&field.kind, FieldKind::Link(link) if catalog.card(&link.target).is_some_and(|target| target.tree.is_some()));
    let mut asked: Vec<(Ident, Uuid)> = Vec::new();
    let mut add = |field: &Field, value: &Value| {
        if let FieldKind::Link(link) = &field.kind {
            asked.extend(ids(value).into_iter().map(|id| (link.target.clone(), id)));
        }
    };
    let own: Vec<&Field> = card.table.fields.values().filter(|field| is_tree(field)).collect();
    let of_rows: Vec<(&Ident, Vec<&Field>)> = card.children.iter().map(|(key, table)| (key, table.fields.values().filter(|field| is_tree(field)).collect())).collect();
    for record in records {
        own.iter().for_each(|field| add(field, record.get(field.key.as_str())));
        for (key, fields) in of_rows.iter().filter(|(_, fields)| !fields.is_empty()) {
            for row in record.rows(key.as_str()) {
                fields.iter().for_each(|field| add(field, value_of(&row.values, field.key.as_str())));
            }
        }
    }
    for ((_, path), values) in &linked.values {
        if let Some(field) = path.field(catalog) {
            values.iter().for_each(|value| add(field, value));
        }
    }
    let mut found: HashMap<Uuid, HashSet<Uuid>> = HashMap::new();
    for (target, id) in asked {
        let Some(tree) = catalog.card(&target).filter(|card| card.tree.is_some()) else { continue };
        if found.contains_key(&id) {
            continue;
        }
        let mut above = HashSet::new();
        let mut at = Some(id);
        // A tree is shallow; a circle in old data must not catch us.
        while let Some(current) = at.filter(|current| above.len() < 100 && above.insert(*current)) {
            at = parent_of(tx, snapshot, tree, current, now).await?;
        }
        found.insert(id, above);
    }
    Ok(found)
}

async fn parent_of(tx: &mut Tx, snapshot: &Snapshot, tree: &Card, id: Uuid, now: DateTime<Utc>) -> Result<Option<Uuid>, UnitError> {
    let Some(parent) = &tree.tree else { return Ok(None) };
    let path = Path::own(tree.table.reference(), parent.clone());
    let found = fetch(tx, &snapshot.catalog, &tree.key, &[id], std::slice::from_ref(&path), now).await?;
    Ok(found.first().and_then(|(_, values)| values.first()?.as_id()))
}

fn ids_of(record: &Record, child: Option<&Ident>, field: &Ident, target: &Ident) -> Vec<Uuid> {
    let of = |values: &Values| match value_of(values, field.as_str()) {
        Value::AnyId { card, id } => if card == target { vec![*id] } else { Vec::new() },
        value => ids(value),
    };
    match child {
        None => of(&record.values),
        Some(child) => record.rows(child.as_str()).iter().flat_map(|row| of(&row.values)).collect(),
    }
}
