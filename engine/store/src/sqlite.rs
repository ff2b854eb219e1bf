//! SQLite: one writer whose waiting units share a commit, several readers.

use std::{
    panic::AssertUnwindSafe,
    path::Path,
    sync::{Arc, atomic::{AtomicUsize, Ordering}},
    time::{Duration, Instant},
};

use futures::FutureExt;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{Mutex, oneshot};

use crate::{After, Company, Failure, StoreError, Tx, TxInner, Unit, carry_out, rows::{self, control_sqlite}};

/// Most units that share one commit, and the longest that the first of them waits for others.
const MAX_UNITS: usize = 256;
const MAX_AGE: Duration = Duration::from_millis(20);
/// Most units that may wait for their turn; more are told to come back.
const MAX_WAITING: usize = 4_000;

#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: Arc<Writer>,
    readers: SqlitePool,
}

struct Writer {
    options: SqliteConnectOptions,
    state: Mutex<State>,
    waiting: AtomicUsize,
}

#[derive(Default)]
struct State {
    connection: Option<Box<SqliteConnection>>,
    batch: Option<Batch>,
}

/// A transaction that several units share.
struct Batch {
    began: Instant,
    done: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

impl Sqlite {
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("cache_size", "-32000")
            .pragma("temp_store", "memory")
            .pragma("mmap_size", "268435456")
            .statement_cache_capacity(256);
        let was_left_open = path.with_extension("db-wal").metadata().is_ok_and(|log| log.len() > 0);
        let mut connection = options.connect().await.map_err(|error| damaged(path, error.into()))?;
        if was_left_open {
            check(&mut connection, path).await?;
        }
        sqlx::migrate!("../../migrations/sqlite").run(&mut connection).await.map_err(|error| damaged(path, StoreError::migrating(error)))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(6)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .test_before_acquire(false)
            .connect_with(options.clone().pragma("query_only", "1"))
            .await?;
        let state = State { connection: Some(Box::new(connection)), batch: None };
        let writer = Writer { options, state: Mutex::new(state), waiting: AtomicUsize::new(0) };
        Ok(Self { writer: Arc::new(writer), readers })
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(crate) async fn write<T, E>(&self, unit: impl Unit<T, E>, company: Company) -> Result<(T, After), E>
    where
        T: Send + 'static,
        E: Failure,
    {
        if self.writer.waiting.load(Ordering::Relaxed) >= MAX_WAITING {
            return Err(StoreError::Unavailable { detail: "too many changes are waiting".into() }.into());
        }
        let writer = self.writer.clone();
        // A task of its own: whoever asked may go away, the unit is carried out or undone whole.
        match tokio::spawn(async move { writer.run(unit, company).await }).await {
            Ok(result) => result,
            Err(error) => Err(StoreError::Unexpected { detail: error.to_string() }.into()),
        }
    }

    pub(crate) async fn close(&self) {
        let mut state = self.writer.state.lock().await;
        state.commit().await;
        self.readers.close().await;
        if let Some(connection) = state.connection.take()
            && let Err(error) = connection.close().await {
                tracing::warn!(%error, "the database was not closed cleanly");
            }
    }
}

/// A file whose process ended without closing it is looked through before anybody works with it: going on with a
/// damaged one would make it worse.
async fn check(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let statement = sql::system::quick_check();
    let said = match rows::fetch_sqlite(connection, &statement).await {
        Ok(rows) => rows.into_iter().flatten().next(),
        Err(error) => return Err(damaged(path, error)),
    };
    match said {
        Some(sql::Datum::Text(said)) if said == "ok" => Ok(()),
        other => Err(damaged_by(path, &format!("{other:?}"))),
    }
}

/// What SQLite says of a file that is none of its own, or no more.
fn damaged(path: &Path, error: StoreError) -> StoreError {
    let said = error.to_string();
    if said.contains("malformed") || said.contains("not a database") { damaged_by(path, &said) } else { error }
}

fn damaged_by(path: &Path, said: &str) -> StoreError {
    StoreError::Unexpected { detail: format!("the database {} is damaged ({said}); restore a backup", path.display()) }
}

impl Writer {
    async fn run<T, E>(&self, mut unit: impl Unit<T, E>, company: Company) -> Result<(T, After), E>
    where
        T: Send + 'static,
        E: Failure,
    {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let mut state = self.state.lock().await;
        let still_waiting = self.waiting.fetch_sub(1, Ordering::AcqRel) - 1;
        let (result, done) = self.run_in_batch(&mut state, &mut unit).await;
        let batch_is_full = state.batch.as_ref().is_some_and(|batch| batch.done.len() >= MAX_UNITS || batch.began.elapsed() >= MAX_AGE);
        // Whoever waits now takes the batch over and commits it; with nobody waiting it is ours to commit.
        // After a publish the next unit must find it committed: it reads the definitions anew.
        if still_waiting == 0 && self.waiting.load(Ordering::Acquire) == 0 || batch_is_full || company == Company::Nobody {
            state.commit().await;
        }
        drop(state);
        let value = result?;
        match done.await {
            Ok(Ok(())) => Ok(value),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(StoreError::Unavailable { detail: "the batch of changes was given up".into() }.into()),
        }
    }

    async fn run_in_batch<T, E>(&self, state: &mut State, unit: &mut impl Unit<T, E>) -> (Result<(T, After), E>, oneshot::Receiver<Result<(), StoreError>>)
    where
        T: Send + 'static,
        E: Failure,
    {
        let (sender, receiver) = oneshot::channel();
        let mut connection = match self.begin(state).await {
            Ok(connection) => connection,
            Err(error) => {
                state.fail(&error);
                return (Err(error.into()), receiver);
            }
        };
        if let Err(error) = control_sqlite(&mut connection, "SAVEPOINT unit").await {
            state.fail(&error);
            return (Err(error.into()), receiver);
        }
        let mut tx = Tx::new(TxInner::Sqlite(connection));
        let result = AssertUnwindSafe(carry_out(&mut tx, unit)).catch_unwind().await;
        let after = std::mem::take(&mut tx.after);
        let TxInner::Sqlite(mut connection) = tx.inner else { unreachable!("made as SQLite above") };
        let result = result.unwrap_or_else(|_| Err(StoreError::Unexpected { detail: "a unit of work panicked".into() }.into())).map(|value| (value, after));
        let fatal = result.as_ref().err().and_then(Failure::store).filter(|error| matches!(error, StoreError::Unavailable { .. } | StoreError::Lost { .. })).cloned();
        let ended = match (&fatal, &result) {
            (Some(error), _) => Err(error.clone()),
            (None, Ok(_)) => control_sqlite(&mut connection, "RELEASE SAVEPOINT unit").await,
            (None, Err(_)) => match control_sqlite(&mut connection, "ROLLBACK TO SAVEPOINT unit").await {
                Ok(()) => control_sqlite(&mut connection, "RELEASE SAVEPOINT unit").await,
                Err(error) => Err(error),
            },
        };
        match ended {
            Ok(()) => {
                state.connection = Some(connection);
                if let Some(batch) = &mut state.batch {
                    batch.done.push(sender);
                }
                (result, receiver)
            }
            Err(error) => {
                // The connection is dropped with its transaction: nothing of the batch is kept, and everybody is told.
                state.fail(&error);
                (result.and(Err(error.into())), receiver)
            }
        }
    }

    /// The writer's connection, inside a transaction.
    async fn begin(&self, state: &mut State) -> Result<Box<SqliteConnection>, StoreError> {
        let mut connection = match state.connection.take() {
            Some(connection) => connection,
            None => Box::new(self.options.connect().await?),
        };
        if state.batch.is_none() {
            control_sqlite(&mut connection, "BEGIN IMMEDIATE").await?;
            state.batch = Some(Batch { began: Instant::now(), done: Vec::new() });
        }
        Ok(connection)
    }
}

impl State {
    /// Commits the batch and tells everybody in it.
    async fn commit(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        let Some(mut connection) = self.connection.take() else { return };
        match control_sqlite(&mut connection, "COMMIT").await {
            Ok(()) => {
                self.connection = Some(connection);
                for done in batch.done {
                    // Who went away need not be told.
                    let _ = done.send(Ok(()));
                }
            }
            Err(error) => {
                tracing::error!(%error, "a batch of changes could not be committed");
                let error = StoreError::Unavailable { detail: error.to_string() };
                batch.done.into_iter().for_each(|done| drop(done.send(Err(error.clone()))));
            }
        }
    }

    /// Gives the batch up: its transaction went with the connection.
    fn fail(&mut self, error: &StoreError) {
        self.connection = None;
        if let Some(batch) = self.batch.take() {
            let error = StoreError::Unavailable { detail: error.to_string() };
            batch.done.into_iter().for_each(|done| drop(done.send(Err(error.clone()))));
        }
    }
}
