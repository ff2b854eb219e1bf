//! PostgreSQL: a pool, a transaction for each unit of work, another try after what another try can heal.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::{AtomicBool, AtomicUsize, Ordering}},
    time::Duration,
};

use futures::FutureExt;
use sqlx::{
    Connection, PgPool,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use sql::{Counts, Statement};

use crate::{After, Company, Failure, StoreError, Tx, TxInner, Unit, carry_out, rows::{begin_postgres, control_postgres, execute_postgres, fetch_postgres}};

/// Most connections.
const MAX_CONNECTIONS: u32 = 20;
/// How often a unit of work is tried.
const MAX_TRIES: u32 = 5;

/// Most units that may wait for a connection; more are told to come back.
const MAX_WAITING: usize = 1_000;

#[derive(Clone)]
pub(crate) struct Postgres {
    pool: PgPool,
    writing: Arc<AtomicUsize>,
}

impl Postgres {
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let options = options
            .options([("statement_timeout", "60s"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "60s"), ("timezone", "UTC")])
            .statement_cache_capacity(256);
        let pool = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(10))
            .test_before_acquire(false)
            .before_acquire(|connection, metadata| {
                Box::pin(async move {
                    // A connection that was just used is alive; one that lay idle may not be.
                    if metadata.idle_for > Duration::from_secs(1) && connection.ping().await.is_err() {
                        return Ok(false);
                    }
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(options)
            .await?;
        sqlx::migrate!("../../migrations/postgres").run(&pool).await.map_err(StoreError::migrating)?;
        Ok(Self { pool, writing: Arc::default() })
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
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
                Err(StoreError::Lost { .. }) if lost < MAX_CONNECTIONS => {
                    drop(connection.detach());
                    lost += 1;
                }
                result => return result,
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
        // The connection has a setting of its own now: it is not used again.
        drop(connection.detach());
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
async fn begin(pool: &PgPool, company: Company) -> Result<(PoolConnection<sqlx::Postgres>, Counts), StoreError> {
    let words = if company == Company::Nobody { sql::system::BEGIN_ALONE } else { sql::system::BEGIN };
    let mut lost = 0;
    loop {
        let mut connection = pool.acquire().await?;
        match begin_postgres(&mut connection, words).await {
            Ok(counts) => return Ok((connection, counts)),
            Err(error) => {
                if control_postgres(&mut connection, "ROLLBACK").await.is_err() {
                    drop(connection.detach());
                }
                lost += 1;
                if lost > MAX_CONNECTIONS || !matches!(error, StoreError::Lost { .. }) {
                    return Err(error);
                }
            }
        }
    }
}

async fn run<T, E>(pool: &PgPool, unit: &mut impl Unit<T, E>, company: Company, alone: &Arc<AtomicBool>) -> Result<(T, After), E>
where
    T: Send + 'static,
    E: Failure,
{
    let (connection, counts) = begin(pool, company).await?;
    let mut tx = Tx::new(TxInner::Postgres(Box::new(connection)));
    tx.counts = Some(counts);
    tx.alone = alone.clone();
    let result = AssertUnwindSafe(carry_out(&mut tx, unit)).catch_unwind().await;
    let after = std::mem::take(&mut tx.after);
    let TxInner::Postgres(mut connection) = tx.inner else { unreachable!("made as PostgreSQL above") };
    match result.unwrap_or_else(|_| Err(StoreError::Unexpected { detail: "a unit of work panicked".into() }.into())) {
        Ok(value) => {
            control_postgres(&mut connection, "COMMIT").await?;
            Ok((value, after))
        }
        Err(error) => {
            if control_postgres(&mut connection, "ROLLBACK").await.is_err() {
                // What cannot roll back must not be used again.
                drop(connection.detach());
            }
            Err(error)
        }
    }
}
