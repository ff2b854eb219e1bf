//! A record in memory: values by key, child rows with it.

use indexmap::IndexMap;
use uuid::Uuid;

use crate::{Ident, Value};

/// Values by field key. A key that is not there reads as empty. Keys come from definitions, never from requests, so the
/// quick hash is safe here.
pub type Values = IndexMap<Ident, Value, foldhash::fast::RandomState>;

/// One record with the child rows that were read or submitted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// Its id.
    pub id: Uuid,
    /// Values of its own fields, the engine's included.
    pub values: Values,
    /// Rows by child table, in order.
    pub children: IndexMap<Ident, Vec<Row>>,
}

/// A child row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// Its id.
    pub id: Uuid,
    /// Its values.
    pub values: Values,
}

/// The value of a key, empty where it is missing.
pub fn value_of<'v>(values: &'v Values, key: &str) -> &'v Value {
    values.get(key).unwrap_or(&Value::Empty)
}

impl Record {
    /// The value of a field, empty where it is missing.
    pub fn get(&self, key: &str) -> &Value {
        value_of(&self.values, key)
    }
    /// The rows of a child table.
    pub fn rows(&self, table: &str) -> &[Row] {
        self.children.get(table).map_or(&[], Vec::as_slice)
    }
    /// The version, 0 before the first save.
    pub fn version(&self) -> i64 {
        match self.get("version") {
            Value::Int(version) => *version,
            _ => 0,
        }
    }
}

/// A record that [`validate`](crate::validate::validate) let through; only such are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidRecord(pub(crate) Record);

impl ValidRecord {
    /// The record.
    pub fn record(&self) -> &Record {
        &self.0
    }
    /// Gives the record up, and with it the proof that it is valid.
    pub fn into_inner(self) -> Record {
        self.0
    }
}
