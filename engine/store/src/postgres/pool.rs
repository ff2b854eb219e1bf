//! Connections to PostgreSQL, kept for the next who needs one.
//!
//! **Invariants**
//! - Only a connection whose holder said that it is done with it is used again: one that was dropped in the middle of
//!   something, or inside a transaction, is closed.
//! - One that was just used is taken for alive; a statement that finds it lost is run on another. One that lay idle is
//!   asked first.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{sync::{OwnedSemaphorePermit, Semaphore}, time::{sleep, timeout}};

use crate::StoreError;

/// Most connections.
pub(super) const MAX_CONNECTIONS: u32 = 20;
/// How long one waits for a connection to be free, and for a server that is starting.
const PATIENCE: Duration = Duration::from_secs(10);
const STARTING: Duration = Duration::from_secs(5);
/// Idle for longer, a connection is asked whether it is alive; after still longer it is closed.
const FRESH: Duration = Duration::from_secs(1);
const KEPT: Duration = Duration::from_secs(600);

#[derive(Clone)]
pub(crate) struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    options: PgConnectOptions,
    turns: Arc<Semaphore>,
    /// The one that was used last is at the end.
    idle: Mutex<Vec<Idle>>,
}

/// A connection that nobody holds.
struct Idle {
    connection: PgConnection,
    since: Instant,
    is_told: bool,
}

/// A connection of one's own for a while.
pub(crate) struct Pooled {
    connection: Box<PgConnection>,
    /// Whether it knows what units of work begin with.
    pub(super) is_told: bool,
    inner: Arc<Inner>,
    _turn: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { inner: Arc::new(Inner { options, turns: Arc::new(Semaphore::new(MAX_CONNECTIONS as usize)), idle: Mutex::default() }) }
    }

    pub(crate) async fn acquire(&self) -> Result<Pooled, StoreError> {
        let away = |detail: &str| StoreError::Unavailable { detail: detail.to_owned() };
        let turn = match self.inner.turns.clone().try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => timeout(PATIENCE, self.inner.turns.clone().acquire_owned())
                .await
                .map_err(|_| away("all connections are busy"))?
                .map_err(|_| away("the database is closed"))?,
        };
        let (connection, is_told) = loop {
            let idle = self.inner.idle.lock().ok().and_then(|mut idle| idle.pop());
            match idle {
                None => break (self.inner.connect().await?, false),
                Some(idle) if idle.since.elapsed() <= FRESH => break (idle.connection, idle.is_told),
                Some(mut idle) => {
                    if idle.connection.ping().await.is_ok() {
                        break (idle.connection, idle.is_told);
                    }
                }
            }
        };
        Ok(Pooled { connection: Box::new(connection), is_told, inner: self.inner.clone(), _turn: turn })
    }

    /// Gives nothing out any more, and closes what is idle.
    pub(super) async fn close(&self) {
        self.inner.turns.close();
        let idle = self.inner.idle.lock().map(|mut idle| std::mem::take(&mut *idle)).unwrap_or_default();
        for idle in idle {
            if let Err(error) = idle.connection.close().await {
                tracing::debug!(%error, "a connection was not closed cleanly");
            }
        }
    }
}

impl Inner {
    /// A new connection; a server that is only starting is waited for.
    async fn connect(&self) -> Result<PgConnection, StoreError> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(20);
        loop {
            match PgConnection::connect_with(&self.options).await {
                Ok(connection) => return Ok(connection),
                Err(error) if may_yet_answer(&error) && began.elapsed() < STARTING => {
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(500));
                }
                Err(error) => {
                    return Err(match StoreError::from(error) {
                        // There was none to lose.
                        StoreError::Lost { detail } => StoreError::Unavailable { detail },
                        other => other,
                    });
                }
            }
        }
    }
}

fn may_yet_answer(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => matches!(error.kind(), std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::NotFound),
        // Starting up; more connections than the server takes.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code == "57P03" || code == "53300"),
        _ => false,
    }
}

impl Pooled {
    /// Done with it: nothing is under way, no transaction is open.
    pub(crate) fn give_back(self) {
        if self.inner.turns.is_closed() {
            return;
        }
        if let Ok(mut idle) = self.inner.idle.lock() {
            idle.push(Idle { connection: *self.connection, since: Instant::now(), is_told: self.is_told });
            if idle.first().is_some_and(|idle| idle.since.elapsed() > KEPT) {
                idle.remove(0);
            }
        }
    }
}

impl Deref for Pooled {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}
impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
