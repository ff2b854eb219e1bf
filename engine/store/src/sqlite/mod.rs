//! SQLite: one thread that writes, several connections that read.

use std::{path::Path, time::Duration};

use rusqlite::Connection;
use sqlx::{ConnectOptions, Connection as _, sqlite::SqliteConnectOptions};

use crate::{After, Company, Failure, StoreError, Unit};

mod readers;
pub(crate) mod rows;
mod writer;

pub(crate) use readers::{Reader, Readers};
use writer::Writer;

/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 256;

#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: Writer,
    readers: Readers,
}

impl Sqlite {
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let was_left_open = path.with_extension("db-wal").metadata().is_ok_and(|log| log.len() > 0);
        let connection = writing(path).map_err(|error| damaged(path, error))?;
        if was_left_open {
            check(&connection, path)?;
        }
        migrate(path).await?;
        let readers = Readers::open(path)?;
        Ok(Self { writer: Writer::start(path.to_owned(), connection)?, readers })
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(crate) async fn write<T, E>(&self, unit: impl Unit<T, E>, company: Company) -> Result<(T, After), E>
    where
        T: Send + 'static,
        E: Failure,
    {
        self.writer.write(unit, company).await
    }

    pub(crate) async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}

/// A connection as all of ours are.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = 1; PRAGMA cache_size = -32000; PRAGMA temp_store = memory; PRAGMA mmap_size = 268435456",
    )?;
    Ok(connection)
}

/// What the connection that writes remembers. Little: after a commit in which pages of an index were sorted SQLite goes
/// through all of it (`pcache1TruncateUnsafe`), which took a tenth of a single save with 32 MB.
const CACHE: &str = "PRAGMA cache_size = -8000";

/// The connection that writes.
fn writing(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    // Checkpoints write each page once, however often it changed since the last: 16 MiB lie between them.
    connection.execute_batch("PRAGMA wal_autocheckpoint = 4000")?;
    connection.execute_batch(CACHE)?;
    Ok(connection)
}

/// Brings the engine's own tables up to date.
async fn migrate(path: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(Duration::from_secs(5));
    let mut connection = options.connect().await.map_err(|error| damaged(path, error.into()))?;
    sqlx::migrate!("../../migrations/sqlite").run(&mut connection).await.map_err(|error| damaged(path, StoreError::migrating(error)))?;
    Ok(connection.close().await?)
}

/// A file whose process ended without closing it is looked through before anybody works with it: going on with a
/// damaged one would make it worse.
fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let said = match rows::fetch(connection, &sql::system::quick_check()) {
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
