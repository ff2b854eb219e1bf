//! Connections that only read.
//!
//! **Invariants**
//! - A statement known to be quick runs on the thread that asks: handing it to another thread would take longer than it
//!   does. One that is not known, or was slow, leaves that thread to others meanwhile.
//! - No more statements run at once than there are connections.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use sql::{Datum, Statement};
use tokio::{runtime::{Handle, RuntimeFlavor}, sync::{OwnedSemaphorePermit, Semaphore}, time::timeout};

use super::{connect, rows};
use crate::StoreError;

/// Most connections that read, and how long one waits for its turn.
const CONNECTIONS: usize = 6;
const PATIENCE: Duration = Duration::from_secs(10);
/// A statement is quick that never took longer.
const QUICK: Duration = Duration::from_micros(500);
/// Most statements whose time is remembered.
const REMEMBERED: usize = 4_096;

#[derive(Clone)]
pub(crate) struct Readers {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    /// Whether statements were quick every time, by their text.
    known: RwLock<HashMap<String, bool>>,
}

/// A connection of one's own; thrown away unless it is given back.
pub(crate) struct Reader {
    connection: Connection,
    inner: Arc<Inner>,
    _turn: OwnedSemaphorePermit,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let first = reading(path)?;
        Ok(Self { inner: Arc::new(Inner { path: path.to_owned(), turns: Arc::new(Semaphore::new(CONNECTIONS)), idle: Mutex::new(vec![first]), known: RwLock::default() }) })
    }

    /// A connection of one's own for a while.
    pub(crate) async fn acquire(&self) -> Result<Reader, StoreError> {
        let away = |detail: &str| StoreError::Unavailable { detail: detail.to_owned() };
        let turn = match self.inner.turns.clone().try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => timeout(PATIENCE, self.inner.turns.clone().acquire_owned())
                .await
                .map_err(|_| away("too many questions are waiting"))?
                .map_err(|_| away("the database is closed"))?,
        };
        let idle = self.inner.idle.lock().ok().and_then(|mut idle| idle.pop());
        let connection = match idle {
            Some(connection) => connection,
            None => reading(&self.inner.path)?,
        };
        Ok(Reader { connection, inner: self.inner.clone(), _turn: turn })
    }

    /// Runs one statement.
    pub(crate) async fn fetch(&self, statement: &Statement) -> Result<Vec<Vec<Datum>>, StoreError> {
        let reader = self.acquire().await?;
        let known = self.inner.known.read().ok().and_then(|known| known.get(&statement.sql).copied());
        let began = Instant::now();
        let found = if known == Some(true) { rows::fetch(&reader.connection, statement) } else { aside(|| rows::fetch(&reader.connection, statement)) };
        let is_quick = began.elapsed() <= QUICK;
        reader.give_back();
        if known.is_none() || known == Some(true) && !is_quick {
            self.remember(&statement.sql, is_quick);
        }
        found
    }

    fn remember(&self, text: &str, is_quick: bool) {
        if let Ok(mut known) = self.inner.known.write() {
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(text.to_owned(), is_quick);
        }
    }

    /// Gives nothing out any more, and closes what is idle.
    pub(super) fn close(&self) {
        self.inner.turns.close();
        if let Ok(mut idle) = self.inner.idle.lock() {
            idle.clear();
        }
    }
}

impl Reader {
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Done with it: no transaction is open.
    pub(crate) fn give_back(self) {
        if let Ok(mut idle) = self.inner.idle.lock() && !self.inner.turns.is_closed() {
            idle.push(self.connection);
        }
    }
}

fn reading(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    connection.execute_batch("PRAGMA query_only = 1")?;
    Ok(connection)
}

/// Runs something that may take long, and lets others have the thread's turn.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
