//! Records as the system sees them, whole: for saving, which answers for rules over all of a record.

use std::collections::HashMap;

use access::{Actor, Reason, Tables, tables};
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use model::{Card, Catalog, Ident, Path, Record, Row, Storage, Table, TableRef, Value, Values};
use sql::{Datum, encode, select, write};
use store::Tx;
use uuid::Uuid;

use crate::{AppError, Source};

/// Records of one statement.
const EACH: usize = 500;

/// Every field that is stored in a row of the table, in order.
fn paths(table: &Table) -> Vec<Path> {
    let stored = table.fields.values().filter(|field| field.key != "id" && !matches!(field.storage, Storage::Nowhere));
    stored.map(|field| Path::own(table.reference(), field.key.clone())).collect()
}

fn unbounded(catalog: &Catalog, card: &Ident, now: DateTime<Utc>) -> Result<Tables, AppError> {
    Ok(tables(catalog, &Actor::system(Reason::Integrity, now), std::slice::from_ref(card), &[])?)
}

/// A record with its child rows; `None` if there is none. Records in the trash are found too.
pub(crate) async fn record(source: &mut Source<'_>, catalog: &Catalog, card: &Card, id: Uuid, now: DateTime<Utc>) -> Result<Option<Record>, AppError> {
    Ok(records(source, catalog, card, &[id], now).await?.pop())
}

/// A record that is held for a change until the end of the transaction.
pub(crate) async fn held(tx: &mut Tx, catalog: &Catalog, card: &Card, id: Uuid, now: DateTime<Utc>) -> Result<Option<Record>, AppError> {
    let seen = unbounded(catalog, &card.key, now)?;
    let Some(lowered) = write::held(catalog, tx.dialect(), &seen, card, id, &paths(&card.table)) else {
        if let Some(hold) = write::hold_for_update(catalog, tx.dialect(), card, id) {
            tx.fetch(&hold).await?;
        }
        return record(&mut Source::Tx(tx), catalog, card, id, now).await;
    };
    let rows = tx.fetch(&lowered.statement).await?;
    let records = own_values(&lowered, &paths(&card.table), rows);
    Ok(whole(&mut Source::Tx(tx), catalog, card, &seen, records).await?.pop())
}

/// Records with their child rows, as far as they are there, those in the trash too: a few statements for all.
pub(crate) async fn records(source: &mut Source<'_>, catalog: &Catalog, card: &Card, ids: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Record>, AppError> {
    let seen = unbounded(catalog, &card.key, now)?;
    let own = paths(&card.table);
    let mut records: Vec<Record> = Vec::with_capacity(ids.len());
    for some in ids.chunks(EACH) {
        let lowered = select::by_ids(catalog, source.dialect(), &seen, &card.table.reference(), some, &own, true);
        let rows = source.fetch(&lowered.statement).await?;
        records.extend(own_values(&lowered, &own, rows));
    }
    whole(source, catalog, card, &seen, records).await
}

fn own_values(lowered: &select::Lowered, own: &[Path], rows: Vec<Vec<Datum>>) -> Vec<Record> {
    let record = |row| {
        let mut decoded = lowered.decode(row).into_iter();
        let id = decoded.next()?.as_id()?;
        Some(Record { id, values: values_of(own, decoded), children: IndexMap::new() })
    };
    rows.into_iter().filter_map(record).collect()
}

/// What of records stands elsewhere: several values, and child rows.
async fn whole(source: &mut Source<'_>, catalog: &Catalog, card: &Card, seen: &Tables, mut records: Vec<Record>) -> Result<Vec<Record>, AppError> {
    let mut owners: Vec<(Uuid, &mut Values)> = records.iter_mut().map(|record| (record.id, &mut record.values)).collect();
    sides(source, catalog, card, None, &mut owners).await?;
    for key in card.children.keys() {
        children(source, catalog, card, key, seen, &mut records).await?;
    }
    Ok(records)
}

/// The rows of one child table, in order.
async fn children(source: &mut Source<'_>, catalog: &Catalog, card: &Card, key: &Ident, seen: &Tables, records: &mut [Record]) -> Result<(), AppError> {
    let Some(table) = card.children.get(key) else { return Ok(()) };
    let own = paths(table);
    let mut found: HashMap<Uuid, Vec<Row>> = HashMap::new();
    for some in records.chunks(EACH) {
        let ids: Vec<Uuid> = some.iter().map(|record| record.id).collect();
        let lowered = select::children(catalog, source.dialect(), seen, &TableRef::child(&card.key, key), &ids, &own, &[]);
        for row in source.fetch(&lowered.statement).await? {
            let mut decoded = lowered.decode(row).into_iter();
            let (Some(Value::Id(owner)), Some(Value::Id(id))) = (decoded.next(), decoded.next()) else { continue };
            found.entry(owner).or_default().push(Row { id, values: values_of(&own, decoded) });
        }
    }
    let mut owners: Vec<(Uuid, &mut Values)> = found.values_mut().flatten().map(|row| (row.id, &mut row.values)).collect();
    sides(source, catalog, card, Some(key), &mut owners).await?;
    for record in records {
        record.children.insert(key.clone(), found.remove(&record.id).unwrap_or_default());
    }
    Ok(())
}

fn values_of(paths: &[Path], values: impl Iterator<Item = Value>) -> Values {
    paths.iter().zip(values).filter(|(_, value)| !value.is_empty()).map(|(path, value)| (path.leaf.clone(), value)).collect()
}

async fn sides(source: &mut Source<'_>, catalog: &Catalog, card: &Card, child: Option<&Ident>, owners: &mut [(Uuid, &mut Values)]) -> Result<(), AppError> {
    let Some(table) = card.table_of(child) else { return Ok(()) };
    let ids: Vec<Uuid> = owners.iter().map(|(id, _)| *id).collect();
    for field in table.own_fields().filter(|field| matches!(field.storage, Storage::Side { .. })) {
        if ids.is_empty() {
            break;
        }
        let mut found: HashMap<Uuid, Vec<Datum>> = HashMap::new();
        for chunk in ids.chunks(500) {
            let Some(lowered) = select::side(catalog, source.dialect(), card, child, &field.key, chunk) else { continue };
            for row in source.fetch(&lowered.statement).await? {
                if let [Datum::Uuid(owner), value] = row.as_slice() {
                    found.entry(*owner).or_default().push(value.clone());
                }
            }
        }
        for (id, values) in owners.iter_mut() {
            if let Some(rows) = found.remove(id) {
                values.insert(field.key.clone(), encode::side_value(&field.kind, rows));
            }
        }
    }
    Ok(())
}
