//! What a database has: tables, columns, indexes, foreign keys.

use sql::{Datum, Dialect, schema::Existing, system};

use crate::{Store, StoreError};

pub(crate) async fn existing(store: &Store) -> Result<Existing, StoreError> {
    let mut existing = Existing::default();
    for row in store.fetch(&system::columns(store.dialect())).await? {
        if let [Datum::Text(table), Datum::Text(column), Datum::Text(kind)] = row.as_slice() {
            existing.tables.entry(table.clone()).or_default().insert(column.clone(), kind.to_lowercase());
        }
    }
    for row in store.fetch(&system::indexes(store.dialect())).await? {
        if let [Datum::Text(name)] = row.as_slice() {
            existing.indexes.insert(name.clone());
        }
    }
    if store.dialect() == Dialect::Postgres {
        for row in store.fetch(&system::foreign_keys()).await? {
            if let [Datum::Text(name)] = row.as_slice() {
                existing.constraints.insert(name.clone());
            }
        }
    }
    Ok(existing)
}
