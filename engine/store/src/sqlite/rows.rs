//! Data into statements of SQLite, rows out of them: at once, on the thread that asks.

use chrono::{DateTime, NaiveDate, NaiveTime};
use rust_decimal::Decimal;
use rusqlite::{Connection, Row, Statement as Prepared, ffi, types::{Null, ValueRef}};
use sql::{Datum, Physical, Statement};
use uuid::Uuid;

use crate::{StoreError, rows::{time_text, unexpected}};

/// Transaction control: our own words.
pub(crate) fn control(connection: &Connection, words: &'static str) -> Result<(), StoreError> {
    connection.prepare_cached(words)?.raw_query().next()?;
    Ok(())
}

/// Runs a statement to its end and says how many rows it changed.
pub(crate) fn execute(connection: &Connection, statement: &Statement) -> Result<u64, StoreError> {
    // A text without values may hold several statements.
    if statement.binds.is_empty() {
        connection.execute_batch(&statement.sql)?;
        return Ok(connection.changes());
    }
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    bind(&mut prepared, &statement.binds)?;
    let mut rows = prepared.raw_query();
    while rows.next()?.is_some() {}
    drop(rows);
    Ok(connection.changes())
}

/// Runs a statement and gives its rows.
pub(crate) fn fetch(connection: &Connection, statement: &Statement) -> Result<Vec<Vec<Datum>>, StoreError> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    bind(&mut prepared, &statement.binds)?;
    let mut found = Vec::new();
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(statement.columns.len());
        for (index, physical) in statement.columns.iter().enumerate() {
            values.push(datum(row, index, *physical)?);
        }
        found.push(values);
    }
    Ok(found)
}

fn bind(prepared: &mut Prepared<'_>, binds: &[Datum]) -> Result<(), StoreError> {
    for (index, datum) in binds.iter().enumerate() {
        let at = index + 1;
        match datum {
            Datum::Null(_) => prepared.raw_bind_parameter(at, Null),
            Datum::Text(text) => prepared.raw_bind_parameter(at, text),
            Datum::Integer(number) => prepared.raw_bind_parameter(at, number),
            Datum::Boolean(flag) => prepared.raw_bind_parameter(at, flag),
            Datum::Decimal { value, scale } => prepared.raw_bind_parameter(at, scaled(*value, *scale)?),
            Datum::Date(date) => prepared.raw_bind_parameter(at, date.format("%Y-%m-%d").to_string()),
            Datum::Time(time) => prepared.raw_bind_parameter(at, time_text(*time)),
            Datum::Instant(moment) => prepared.raw_bind_parameter(at, moment.timestamp_micros()),
            Datum::Uuid(id) => prepared.raw_bind_parameter(at, &id.as_bytes()[..]),
            Datum::Json(json) => prepared.raw_bind_parameter(at, json.to_string()),
            Datum::Bytes(bytes) => prepared.raw_bind_parameter(at, bytes),
        }?;
    }
    Ok(())
}

fn scaled(value: Decimal, scale: u8) -> Result<i64, StoreError> {
    let mut value = value;
    value.rescale(u32::from(scale));
    let fits = i64::try_from(value.mantissa()).ok().filter(|_| value.scale() == u32::from(scale));
    fits.ok_or_else(|| StoreError::Unexpected { detail: format!("{value} does not fit at scale {scale}") })
}

fn datum(row: &Row<'_>, index: usize, physical: Physical) -> Result<Datum, StoreError> {
    let value = row.get_ref(index)?;
    if value == ValueRef::Null {
        return Ok(Datum::Null(physical));
    }
    Ok(match physical {
        Physical::Text => Datum::Text(text(value)?),
        Physical::Integer => Datum::Integer(number(value)?),
        Physical::Boolean => Datum::Boolean(number(value)? != 0),
        Physical::Decimal { scale } => Datum::Decimal { value: Decimal::new(number(value)?, u32::from(scale)), scale },
        Physical::Date => text(value).and_then(|text| NaiveDate::parse_from_str(&text, "%Y-%m-%d").map(Datum::Date).map_err(|_| unexpected("date", text)))?,
        Physical::Time => text(value).and_then(|text| NaiveTime::parse_from_str(&text, "%H:%M:%S%.f").map(Datum::Time).map_err(|_| unexpected("time", text)))?,
        Physical::Instant => number(value).and_then(|micros| DateTime::from_timestamp_micros(micros).map(Datum::Instant).ok_or_else(|| unexpected("moment", micros)))?,
        Physical::Uuid => Datum::Uuid(Uuid::from_slice(bytes(value)?).map_err(|error| unexpected("id", error))?),
        Physical::Json => Datum::Json(serde_json::from_slice(bytes(value)?).map_err(|error| unexpected("document", error))?),
        Physical::Bytes => Datum::Bytes(bytes(value)?.to_vec()),
    })
}

/// As SQLite itself would turn one into the other.
fn text(value: ValueRef<'_>) -> Result<String, StoreError> {
    match value {
        ValueRef::Integer(number) => Ok(number.to_string()),
        ValueRef::Real(number) => Ok(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8(bytes.to_vec()).map_err(|error| unexpected("text", error)),
        ValueRef::Null => Ok(String::new()),
    }
}

#[allow(clippy::cast_possible_truncation)] // What SQLite does with a fraction where a number is asked for.
fn number(value: ValueRef<'_>) -> Result<i64, StoreError> {
    match value {
        ValueRef::Integer(number) => Ok(number),
        ValueRef::Real(number) => Ok(number as i64),
        ValueRef::Text(_) | ValueRef::Blob(_) => text(value).and_then(|text| text.parse().map_err(|_| unexpected("number", text))),
        ValueRef::Null => Ok(0),
    }
}

fn bytes(value: ValueRef<'_>) -> Result<&[u8], StoreError> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(bytes),
        ValueRef::Integer(number) => Err(unexpected("text or bytes", number)),
        ValueRef::Real(number) => Err(unexpected("text or bytes", number)),
        ValueRef::Null => Ok(&[]),
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let (code, detail) = match &error {
            rusqlite::Error::SqliteFailure(code, detail) => (code.extended_code, detail.clone().unwrap_or_else(|| error.to_string())),
            rusqlite::Error::SqlInputError { error: code, msg, .. } => (code.extended_code, msg.clone()),
            _ => return Self::Unexpected { detail: error.to_string() },
        };
        // It has no code of its own.
        if detail == "integer overflow" {
            return Self::Overflow { detail };
        }
        match code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => Self::Unique { constraint: constraint(&detail) },
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Self::ForeignKey { constraint: constraint(&detail) },
            // The primary code is the lowest byte.
            code => match code & 0xff {
                ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Self::Busy { detail },
                ffi::SQLITE_NOMEM | ffi::SQLITE_READONLY | ffi::SQLITE_IOERR | ffi::SQLITE_FULL | ffi::SQLITE_CANTOPEN => Self::Unavailable { detail },
                _ => Self::Unexpected { detail },
            },
        }
    }
}

/// SQLite says `UNIQUE constraint failed: table.column` or `index 'name'`.
fn constraint(message: &str) -> String {
    let rest = message.split_once("failed: ").map_or(message, |(_, rest)| rest);
    rest.trim_start_matches("index ").trim_matches('\'').to_owned()
}
