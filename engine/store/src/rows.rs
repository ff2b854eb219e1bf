//! Data into statements of PostgreSQL, rows out of them.

use futures::future::BoxFuture;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use sql::{Counts, Datum, Physical, Statement};
use sqlx::{Arguments, AssertSqlSafe, Executor, PgConnection, Row, postgres::{PgArguments, PgRow}};
use uuid::Uuid;

use crate::StoreError;

/// The one place where dynamic SQL is declared safe: every text was lowered by the room `sql`, from checked names.
fn sql(text: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(text.to_owned())
}

/// A future with its type erased: sqlx's executors are generic over lifetimes in a way that spawned tasks cannot bear.
type Running<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Transaction control on PostgreSQL: our own words.
pub(crate) fn control_postgres<'a>(connection: &'a mut PgConnection, words: &'static str) -> Running<'a, ()> {
    Box::pin(async move { Ok(connection.execute(sqlx::raw_sql(words)).await.map(|_| ())?) })
}

/// Begins a transaction and gives the state of the catalog that it finds.
pub(crate) fn begin_postgres<'a>(connection: &'a mut PgConnection, words: &'static str) -> Running<'a, Counts> {
    Box::pin(async move {
        let rows = connection.fetch_all(sqlx::raw_sql(words)).await?;
        let row = rows.last().ok_or_else(|| StoreError::Unexpected { detail: "the catalog has no version".into() })?;
        Ok(Counts { version: row.try_get(0)?, rights: row.try_get(1)? })
    })
}

pub(crate) fn time_text(time: NaiveTime) -> String {
    time.format("%H:%M:%S%.f").to_string()
}

fn bound(error: sqlx::error::BoxDynError) -> StoreError {
    StoreError::Unexpected { detail: error.to_string() }
}

fn postgres_arguments(statement: &Statement) -> Result<PgArguments, StoreError> {
    let mut arguments = PgArguments::default();
    for datum in &statement.binds {
        match datum {
            Datum::Null(physical) => match physical {
                Physical::Text => arguments.add(None::<String>),
                Physical::Integer => arguments.add(None::<i64>),
                Physical::Boolean => arguments.add(None::<bool>),
                Physical::Decimal { .. } => arguments.add(None::<Decimal>),
                Physical::Date => arguments.add(None::<NaiveDate>),
                Physical::Time => arguments.add(None::<NaiveTime>),
                Physical::Instant => arguments.add(None::<DateTime<Utc>>),
                Physical::Uuid => arguments.add(None::<Uuid>),
                Physical::Json => arguments.add(None::<serde_json::Value>),
                Physical::Bytes => arguments.add(None::<Vec<u8>>),
            },
            Datum::Text(text) => arguments.add(text.clone()),
            Datum::Integer(number) => arguments.add(*number),
            Datum::Boolean(flag) => arguments.add(*flag),
            Datum::Decimal { value, .. } => arguments.add(*value),
            Datum::Date(date) => arguments.add(*date),
            Datum::Time(time) => arguments.add(*time),
            Datum::Instant(at) => arguments.add(*at),
            Datum::Uuid(id) => arguments.add(*id),
            Datum::Json(json) => arguments.add(json.clone()),
            Datum::Bytes(bytes) => arguments.add(bytes.clone()),
        }
        .map_err(bound)?;
    }
    Ok(arguments)
}

pub(crate) fn execute_postgres<'a>(connection: &'a mut PgConnection, statement: &'a Statement) -> Running<'a, u64> {
    Box::pin(async move {
        let arguments = postgres_arguments(statement)?;
        Ok(sqlx::query_with::<sqlx::Postgres, _>(sql(&statement.sql), arguments).execute(connection).await?.rows_affected())
    })
}

pub(crate) fn fetch_postgres<'a>(connection: &'a mut PgConnection, statement: &'a Statement) -> Running<'a, Vec<Vec<Datum>>> {
    Box::pin(async move {
        let arguments = postgres_arguments(statement)?;
        let rows = sqlx::query_with::<sqlx::Postgres, _>(sql(&statement.sql), arguments).persistent(!statement.is_once()).fetch_all(connection).await?;
        rows.iter().map(|row| statement.columns.iter().enumerate().map(|(index, physical)| postgres_datum(row, index, *physical)).collect()).collect()
    })
}

pub(crate) fn unexpected(what: &str, found: impl std::fmt::Display) -> StoreError {
    StoreError::Unexpected { detail: format!("{found} is no {what}") }
}

fn postgres_datum(row: &PgRow, index: usize, physical: Physical) -> Result<Datum, StoreError> {
    let found = match physical {
        Physical::Text => row.try_get::<Option<String>, _>(index)?.map(Datum::Text),
        Physical::Integer => row.try_get::<Option<i64>, _>(index)?.map(Datum::Integer),
        Physical::Boolean => row.try_get::<Option<bool>, _>(index)?.map(Datum::Boolean),
        Physical::Decimal { scale } => row.try_get::<Option<Decimal>, _>(index)?.map(|value| Datum::Decimal { value, scale }),
        Physical::Date => row.try_get::<Option<NaiveDate>, _>(index)?.map(Datum::Date),
        Physical::Time => row.try_get::<Option<NaiveTime>, _>(index)?.map(Datum::Time),
        Physical::Instant => row.try_get::<Option<DateTime<Utc>>, _>(index)?.map(Datum::Instant),
        Physical::Uuid => row.try_get::<Option<Uuid>, _>(index)?.map(Datum::Uuid),
        Physical::Json => row.try_get::<Option<serde_json::Value>, _>(index)?.map(Datum::Json),
        Physical::Bytes => row.try_get::<Option<Vec<u8>>, _>(index)?.map(Datum::Bytes),
    };
    Ok(found.unwrap_or(Datum::Null(physical)))
}
