//! Records as the system sees them, whole: for saving, which answers for rules over all of a record.

use std::collections::HashMap;

use access::{Actor, Reason, Tables, tables};
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use model::{Card, Catalog, Ident, Path, Record, Row, Storage, Table, TableRef, Value, Values};
use sql::{Datum, encode, select};
use uuid::Uuid;

use crate::{AppError, Source};

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
    let seen = unbounded(catalog, &card.key, now)?;
    let own = paths(&card.table);
    let lowered = select::by_ids(catalog, source.dialect(), &seen, &card.table.reference(), &[id], &own, true);
    let Some(row) = source.fetch(&lowered.statement).await?.into_iter().next() else { return Ok(None) };
    let mut values = values_of(&own, lowered.decode(row).into_iter().skip(1));
    sides(source, catalog, card, None, &mut [(id, &mut values)]).await?;
    let mut record = Record { id, values, children: IndexMap::new() };
    for (key, table) in &card.children {
        let own = paths(table);
        let lowered = select::children(catalog, source.dialect(), &seen, &TableRef::child(&card.key, key), &[id], &own, &[]);
        let mut rows: Vec<Row> = Vec::new();
        for row in source.fetch(&lowered.statement).await? {
            let mut decoded = lowered.decode(row).into_iter().skip(1);
            let Some(Value::Id(id)) = decoded.next() else { continue };
            rows.push(Row { id, values: values_of(&own, decoded) });
        }
        let mut owners: Vec<(Uuid, &mut Values)> = rows.iter_mut().map(|row| (row.id, &mut row.values)).collect();
        sides(source, catalog, card, Some(key), &mut owners).await?;
        record.children.insert(key.clone(), rows);
    }
    Ok(Some(record))
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
