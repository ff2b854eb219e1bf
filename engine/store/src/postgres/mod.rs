//! PostgreSQL: a pool, a transaction for each unit of work, another try after what another try can heal.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::{AtomicBool, AtomicUsize, Ordering}},
    time::Duration,
};

use futures::FutureExt;
use sqlx::{Connection, PgConnection, PgPool, postgres::{PgConnectOptions, PgPoolOptions}};

use sql::{Counts, Statement};

use crate::{After, Company, Failure, StoreError, Tx, TxInner, Unit, carry_out, rows::{begin_postgres, control_postgres, execute_postgres, fetch_postgres}};

mod pool;

use pool::{MAX_CONNECTIONS, Pool};
pub(crate) use pool::Pooled;

/// How often a unit of work is tried.
const MAX_TRIES: u32 = 5;

/// Most units that may wait for a connection; more are told to come back.
const MAX_WAITING: usize = 1_000;

#[derive(Clone)]
pub(crate) struct Postgres {
    pool: Pool,
    /// For whoever listens: a connection of its own.
    listening: PgPool,
    writing: Arc<AtomicUsize>,
}

impl Postgres {
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let options = options
            .options([("statement_timeout", "60s"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "60s"), ("timezone", "UTC")])
            .statement_cache_capacity(256);
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::migrate!("../../migrations/postgres").run(&mut connection).await.map_err(StoreError::migrating)?;
        connection.close().await?;
        let listening = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
        Ok(Self { pool: Pool::new(options), listening, writing: Arc::default() })
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn listening(&self) -> &PgPool {
        &self.listening
    }

    pub(crate) async fn close(&self) {
        self.listening.close().await;
        self.pool.close().await;
    }

    pub(crate) async fn write<T, E>(&self, mut unit: impl Unit<T, E>, company: Company) -> Result<(T, After), E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let pool = self.pool.clone();
        let place = Place::take(&self.writing)?;
        let task = tokio::spawn(async move {
            let _place = place;
            let mut tries = 1;
            let alone = Arc::new(AtomicBool::new(false));
            loop {
                match run(&pool, &mut unit, company, &alone).await {
                    Err(error) if tries < MAX_TRIES && error.store().is_some_and(StoreError::can_retry) => {
                        tokio::time::sleep(pause(tries)).await;
                        tries += 1;
                    }
                    result => return result,
                }
            }
        });
        match task.await {
            Ok(result) => result,
            Err(error) => Err(StoreError::Unexpected { detail: error.to_string() }.into()),
        }
    }
}

impl Postgres {
    /// Runs a reading statement; again on another connection, if this one was lost unnoticed.
    pub(crate) async fn fetch(&self, statement: &Statement) -> Result<Vec<Vec<sql::Datum>>, StoreError> {
        let mut lost = 0;
        loop {
            let mut connection = self.pool.acquire().await?;
            match fetch_postgres(&mut connection, statement).await {
                Err(StoreError::Lost { .. }) if lost < MAX_CONNECTIONS => lost += 1,
                result => {
                    connection.give_back();
                    return result;
                }
            }
        }
    }

    /// Outside of a transaction, however long it takes.
    pub(crate) async fn make_index(&self, name: &str, sql: &str) -> Result<(), StoreError> {
        let plain = |sql: String| Statement { sql, binds: Vec::new(), columns: Vec::new() };
        let mut connection = self.pool.acquire().await?;
        control_postgres(&mut connection, "SET statement_timeout = 0").await?;
        let made = execute_postgres(&mut connection, &plain(sql.to_owned())).await;
        let made = match made {
            Ok(_) => Ok(()),
            Err(error) => execute_postgres(&mut connection, &plain(format!("DROP INDEX CONCURRENTLY IF EXISTS {name}"))).await.and(Err(error)),
        };
        // The connection has a setting of its own now: it is not given back.
        made
    }
}

/// A place among those that write or wait to; given back in whatever way a unit ends.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(writing: &Arc<AtomicUsize>) -> Result<Self, StoreError> {
        let place = Self(writing.clone());
        if writing.fetch_add(1, Ordering::AcqRel) >= MAX_WAITING {
            return Err(StoreError::Unavailable { detail: "too many changes are waiting".into() });
        }
        Ok(place)
    }
}
impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Longer after each try, and never the same for two that collided.
fn pause(tries: u32) -> Duration {
    let jitter = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.subsec_nanos() % 7_000);
    Duration::from_micros(u64::from(2_u32.pow(tries) * 2_000 + jitter))
}

/// A connection inside a transaction. One that was lost unnoticed has done nothing yet: another is taken. While the
/// server is away none can be made, which ends this.
async fn begin(pool: &Pool, company: Company) -> Result<(Pooled, Counts), StoreError> {
    let mut lost = 0;
    loop {
        let mut connection = pool.acquire().await?;
        match begin_on(&mut connection, company).await {
            Ok(counts) => return Ok((connection, counts)),
            Err(error) => {
                // One that was told a part of how units begin could not be told again.
                if connection.is_told && control_postgres(&mut connection, "ROLLBACK").await.is_ok() {
                    connection.give_back();
                }
                lost += 1;
                if lost > MAX_CONNECTIONS || !matches!(error, StoreError::Lost { .. }) {
                    return Err(error);
                }
            }
        }
    }
}

async fn begin_on(connection: &mut Pooled, company: Company) -> Result<Counts, StoreError> {
    match company {
        Company::Nobody => begin_postgres(connection, sql::system::BEGIN_ALONE).await,
        Company::Others | Company::Large => {
            if !connection.is_told {
                control_postgres(connection, sql::system::BEGINNING).await?;
                connection.is_told = true;
            }
            begin_postgres(connection, sql::system::BEGIN).await
        }
    }
}

async fn run<T, E>(pool: &Pool, unit: &mut impl Unit<T, E>, company: Company, alone: &Arc<AtomicBool>) -> Result<(T, After), E>
where
    T: Send + 'static,
    E: Failure,
{
    let (connection, counts) = begin(pool, company).await?;
    let mut tx = Tx::new(TxInner::Postgres(connection));
    tx.counts = Some(counts);
    tx.alone = alone.clone();
    let result = AssertUnwindSafe(carry_out(&mut tx, unit)).catch_unwind().await;
    let after = std::mem::take(&mut tx.after);
    let TxInner::Postgres(mut connection) = tx.inner else { unreachable!("made as PostgreSQL above") };
    match result.unwrap_or_else(|_| Err(StoreError::Unexpected { detail: "a unit of work panicked".into() }.into())) {
        Ok(value) => {
            control_postgres(&mut connection, "COMMIT").await?;
            connection.give_back();
            Ok((value, after))
        }
        Err(error) => {
            // What cannot roll back must not be used again.
            if control_postgres(&mut connection, "ROLLBACK").await.is_ok() {
                connection.give_back();
            }
            Err(error)
        }
    }
}
