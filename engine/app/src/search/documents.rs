//! What stands in the fields that records are searched by, read from the database, and made into entries.

use std::collections::HashMap;

use access::{Actor, Reason, Tables};
use chrono::DateTime;
use futures::future::BoxFuture;
use model::{Catalog, Card, Hop, Ident, Path, Record, Storage, TableRef, Value};
use query::Slot;
use sql::{Datum, encode, search::Document, select};
use store::Tx;
use uuid::Uuid;

use crate::{AppError, Source, UnitError, snapshot::Snapshot, spread};

/// Records made at a time.
const CHUNK: usize = 100;

/// Makes the entries of these records, in place of those there are.
pub(super) async fn index(tx: &mut Tx, snapshot: &Snapshot, card: &Card, ids: &[Uuid]) -> Result<(), UnitError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for some in ids.chunks(CHUNK) {
        if let Some(hold) = sql::search::hold(tx.dialect(), some) {
            tx.fetch(&hold).await?;
        }
        let documents = documents(&mut Source::Tx(tx), snapshot, card, some).await?;
        keep(tx, card, &documents).await?;
        // The same record may be made again in this unit, by its own change.
        tx.flush().await?;
    }
    Ok(())
}

/// Makes the entries of records that were just stored, as they were stored. They are read again only where the words of
/// others are part of them.
pub(super) async fn index_records(tx: &mut Tx, snapshot: &Snapshot, card: &Card, records: &[&Record]) -> Result<(), UnitError> {
    let Some(searched) = snapshot.search().card(&card.key) else { return Ok(()) };
    let plain = |slot: &Slot| slot.path.hops.is_empty() && slot.path.part.is_none() && slot.path.field(&snapshot.catalog).is_some_and(|field| field.column().is_some() && field.kind.on_delete().is_none());
    if !searched.slots.iter().all(plain) {
        return index(tx, snapshot, card, &records.iter().map(|record| record.id).collect::<Vec<_>>()).await;
    }
    // Made of nothing but the record, which is held: whoever else makes the entry meanwhile reads it before this or after.
    let own = |record: &Record| (record.id, document(&searched.slots, searched.slots.iter().map(|slot| vec![record.get(slot.path.leaf.as_str()).clone()])));
    keep(tx, card, &spread::over(records.to_vec(), own)).await
}

async fn keep(tx: &mut Tx, card: &Card, documents: &[(Uuid, Document)]) -> Result<(), UnitError> {
    let (places, words) = sql::search::keep(tx.dialect(), card.id.as_str(), documents);
    for place in places {
        tx.put(place).await?;
    }
    Ok(tx.put_words(words).await?)
}

/// What stands in the fields that a record is searched by.
fn document(slots: &[Slot], values: impl Iterator<Item = Vec<Value>>) -> Document {
    let mut document = Document::default();
    for (slot, values) in slots.iter().zip(values) {
        let mut entries = ::search::Entries::default();
        values.iter().flat_map(|value| slot.texts(value)).for_each(|text| entries.add(&text, slot.style()));
        if entries != ::search::Entries::default() {
            document.add(slot, &entries);
        }
    }
    document
}

/// What the index keeps of records.
async fn documents(source: &mut Source<'_>, snapshot: &Snapshot, card: &Card, ids: &[Uuid]) -> Result<Vec<(Uuid, Document)>, AppError> {
    let catalog = &snapshot.catalog;
    let Some(searched) = snapshot.search().card(&card.key) else { return Ok(Vec::new()) };
    let paths: Vec<Path> = searched.slots.iter().map(|slot| slot.path.clone()).collect();
    // Everything there is: who may read what is decided when it is asked for.
    let tables = access::tables(catalog, &Actor::system(Reason::Derivation, DateTime::UNIX_EPOCH), std::slice::from_ref(&card.key), &paths)?;
    let reading = Reading { catalog, tables: &tables };
    let table = card.table.reference();
    let (singles, others): (Vec<usize>, Vec<usize>) = (0..paths.len()).partition(|place| is_single(catalog, &paths[*place]));
    let mut found: HashMap<Uuid, Vec<Vec<Value>>> = ids.iter().map(|id| (*id, vec![Vec::new(); paths.len()])).collect();
    let wanted: Vec<Path> = singles.iter().map(|place| paths[*place].clone()).collect();
    for (id, values) in reading.singles(source, &table, ids, &wanted).await? {
        let Some(record) = found.get_mut(&id) else { continue };
        values.into_iter().zip(&singles).for_each(|(value, place)| record[*place] = vec![value]);
    }
    for place in others {
        for (id, values) in reading.values(source, &table, ids, &paths[place]).await? {
            if let Some(record) = found.get_mut(&id) {
                record[place] = values;
            }
        }
    }
    let values = ids.iter().map(|id| (*id, found.remove(id).unwrap_or_default())).collect();
    Ok(spread::over(values, |(id, values): (Uuid, Vec<Vec<Value>>)| (id, document(&searched.slots, values.into_iter()))))
}

fn is_single(catalog: &Catalog, path: &Path) -> bool {
    !path.is_many() && path.field(catalog).is_some_and(|field| field.column().is_some())
}

/// Reading with every right.
struct Reading<'a> {
    catalog: &'a Catalog,
    tables: &'a Tables,
}

/// Values by the row they were asked for.
type Values = HashMap<Uuid, Vec<Value>>;

impl Reading<'_> {
    /// Paths that reach one value from each row.
    async fn singles(&self, source: &mut Source<'_>, table: &TableRef, ids: &[Uuid], paths: &[Path]) -> Result<Vec<(Uuid, Vec<Value>)>, AppError> {
        let mut all = Vec::with_capacity(ids.len());
        for some in ids.chunks(500).filter(|_| !paths.is_empty()) {
            let lowered = select::by_ids(self.catalog, source.dialect(), self.tables, table, some, paths, true);
            for row in source.fetch(&lowered.statement).await? {
                let mut values = lowered.decode(row).into_iter();
                if let Some(Value::Id(id)) = values.next() {
                    all.push((id, values.collect()));
                }
            }
        }
        Ok(all)
    }

    /// A path that may reach many values from each row: up to the first step to many, over it, then on from there.
    fn values<'f>(&'f self, source: &'f mut Source<'_>, table: &'f TableRef, ids: &'f [Uuid], path: &'f Path) -> BoxFuture<'f, Result<Values, AppError>> {
        Box::pin(async move {
            if is_single(self.catalog, path) {
                let found = self.singles(source, table, ids, std::slice::from_ref(path)).await?;
                return Ok(found.into_iter().map(|(id, values)| (id, values.into_iter().filter(|value| !value.is_empty()).collect())).collect());
            }
            let split = path.hops.iter().position(|hop| matches!(hop, Hop::Child { .. } | Hop::Links { .. })).unwrap_or(path.hops.len());
            let (owner, owners) = self.owners(source, table, ids, &path.hops[..split]).await?;
            let mids: Vec<Uuid> = owners.values().copied().collect();
            let reached = match path.hops.get(split) {
                None => self.side(source, &owner, &path.leaf, &mids).await?,
                Some(hop) => {
                    let (next, rows) = self.over(source, &owner, hop, &mids).await?;
                    let rest = Path { start: next.clone(), hops: path.hops[split + 1..].to_vec(), ..path.clone() };
                    let ids: Vec<Uuid> = rows.values().flatten().filter_map(Value::as_id).collect();
                    let inner = self.values(source, &next, &ids, &rest).await?;
                    rows.into_iter().map(|(mid, rows)| (mid, rows.iter().filter_map(Value::as_id).flat_map(|id| inner.get(&id).cloned().unwrap_or_default()).collect())).collect()
                }
            };
            Ok(owners.into_iter().filter_map(|(id, mid)| Some((id, reached.get(&mid)?.clone()))).collect())
        })
    }

    /// The rows that single links lead to.
    async fn owners(&self, source: &mut Source<'_>, table: &TableRef, ids: &[Uuid], hops: &[Hop]) -> Result<(TableRef, HashMap<Uuid, Uuid>), AppError> {
        let end = hops.iter().fold(table.clone(), |table, hop| match hop {
            Hop::Link { target, .. } | Hop::AnyLink { target, .. } | Hop::Links { target, .. } => TableRef::card(target),
            Hop::Child { table: child } => TableRef::child(&table.card, child),
            Hop::Parent => TableRef::card(&table.card),
        });
        let Some(leaf) = self.catalog.table(&end).and_then(|table| table.fields.get("id")).map(|field| field.key.clone()) else { return Ok((end, HashMap::new())) };
        if hops.is_empty() {
            return Ok((end, ids.iter().map(|id| (*id, *id)).collect()));
        }
        let path = Path { start: table.clone(), hops: hops.to_vec(), leaf, part: None, end: end.clone() };
        let found = self.singles(source, table, ids, &[path]).await?;
        Ok((end, found.into_iter().filter_map(|(id, values)| Some((id, values.first()?.as_id()?))).collect()))
    }

    /// Rows of a child table, or records that a field with several links points to, as ids in order.
    async fn over(&self, source: &mut Source<'_>, owner: &TableRef, hop: &Hop, ids: &[Uuid]) -> Result<(TableRef, Values), AppError> {
        match hop {
            Hop::Child { table: child } => {
                let next = TableRef::child(&owner.card, child);
                let mut rows = Values::default();
                for some in ids.chunks(500) {
                    let lowered = select::children(self.catalog, source.dialect(), self.tables, &next, some, &[], &[]);
                    for row in source.fetch(&lowered.statement).await? {
                        if let [Value::Id(parent), row @ Value::Id(_)] = lowered.decode(row).as_slice() {
                            rows.entry(*parent).or_default().push(row.clone());
                        }
                    }
                }
                Ok((next, rows))
            }
            Hop::Links { field, target } | Hop::Link { field, target } | Hop::AnyLink { field, target } => Ok((TableRef::card(target), self.side(source, owner, field, ids).await?)),
            Hop::Parent => Ok((TableRef::card(&owner.card), Values::default())),
        }
    }

    /// Several values of a field.
    async fn side(&self, source: &mut Source<'_>, owner: &TableRef, field: &Ident, ids: &[Uuid]) -> Result<Values, AppError> {
        let mut values = Values::default();
        let Some(card) = self.catalog.card(&owner.card) else { return Ok(values) };
        let Some(kind) = card.table_of(owner.child.as_ref()).and_then(|table| table.field(field)).filter(|field| matches!(field.storage, Storage::Side { .. })).map(|field| &field.kind) else {
            return Ok(values);
        };
        for some in ids.chunks(500) {
            let Some(lowered) = select::side(self.catalog, source.dialect(), card, owner.child.as_ref(), field, some) else { continue };
            for row in source.fetch(&lowered.statement).await? {
                if let Ok([Datum::Uuid(owner), value]) = <[Datum; 2]>::try_from(row) {
                    let value = match encode::side_value(kind, vec![value]) {
                        Value::Ids(ids) => ids.first().map_or(Value::Empty, |id| Value::Id(*id)),
                        other => other,
                    };
                    values.entry(owner).or_default().push(value);
                }
            }
        }
        Ok(values)
    }
}
