//! Who is told that something happened: listeners of this process, and through PostgreSQL those of others.
//!
//! **Invariants**
//! - What is said here was committed.
//! - Whoever may have missed something is told so; what happened stands in the database.

use std::{collections::BTreeSet, sync::{Arc, Mutex, atomic::{AtomicBool, Ordering}}, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::postgres::Postgres;

/// Most that a listener may lag behind before it is told to look for itself.
const KEPT: usize = 256;
/// Pause before listening is tried again.
const PAUSE: Duration = Duration::from_secs(5);
/// How long what other processes are to be told may wait for more of it.
const TOGETHER: Duration = Duration::from_millis(20);

pub(crate) struct Told {
    sender: broadcast::Sender<Option<Uuid>>,
    hears: AtomicBool,
    /// Of whom other processes have not been told yet; nothing where nobody is at it.
    open: Mutex<Option<BTreeSet<Uuid>>>,
}

impl Default for Told {
    fn default() -> Self {
        Self { sender: broadcast::channel(KEPT).0, hears: AtomicBool::new(false), open: Mutex::default() }
    }
}

impl Told {
    pub(crate) fn listen(&self) -> broadcast::Receiver<Option<Uuid>> {
        self.sender.subscribe()
    }

    pub(crate) fn say(&self, user: Option<Uuid>) {
        // An error says that nobody listens.
        let _ = self.sender.send(user);
    }

    /// Tells other processes. Not in the unit's own transaction: those that notify commit one after the other. What is
    /// to be told within a moment goes together.
    pub(crate) fn announce(self: &Arc<Self>, postgres: &Postgres, users: Vec<Uuid>) {
        let Ok(mut open) = self.open.lock() else { return };
        if users.is_empty() {
            return;
        }
        if let Some(open) = open.as_mut() {
            open.extend(users);
            return;
        }
        *open = Some(users.into_iter().collect());
        let (told, postgres) = (self.clone(), postgres.clone());
        tokio::spawn(async move {
            while let Some(users) = told.next() {
                if let Err(error) = postgres.fetch(&sql::system_notices::announce(&users)).await {
                    tracing::debug!(%error, "other processes are not told at the moment");
                }
                tokio::time::sleep(TOGETHER).await;
            }
        });
    }

    fn next(&self) -> Option<Vec<Uuid>> {
        let mut open = self.open.lock().ok()?;
        let users = open.as_mut().map(std::mem::take).filter(|users| !users.is_empty());
        if users.is_none() {
            *open = None;
        }
        users.map(|users| users.into_iter().collect())
    }

    /// Begins, once, to hear what other processes say.
    pub(crate) fn hear_others(&self, pool: &PgPool) {
        if self.hears.swap(true, Ordering::AcqRel) {
            return;
        }
        let (sender, pool) = (self.sender.clone(), pool.clone());
        tokio::spawn(async move {
            while !pool.is_closed() {
                if let Err(error) = hear(&pool, &sender).await {
                    tracing::debug!(%error, "other processes are not heard at the moment");
                }
                let _ = sender.send(None);
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = pool.close_event() => {}
                }
            }
        });
    }
}

/// Hears until the connection is given up. One that was lost in between has missed something.
async fn hear(pool: &PgPool, sender: &broadcast::Sender<Option<Uuid>>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(sql::system_notices::CHANNEL).await?;
    loop {
        let user = listener.try_recv().await?.and_then(|told| Uuid::try_parse(told.payload()).ok());
        let _ = sender.send(user);
    }
}
