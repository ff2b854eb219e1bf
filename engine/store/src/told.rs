//! Who is told that something happened: listeners of this process, and through PostgreSQL those of others.
//!
//! **Invariants**
//! - What is said here was committed.
//! - Whoever may have missed something is told so; what happened stands in the database.

use std::{sync::atomic::{AtomicBool, Ordering}, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::sync::broadcast;
use uuid::Uuid;

/// Most that a listener may lag behind before it is told to look for itself.
const KEPT: usize = 256;
/// Pause before listening is tried again.
const PAUSE: Duration = Duration::from_secs(5);

pub(crate) struct Told {
    sender: broadcast::Sender<Option<Uuid>>,
    hears: AtomicBool,
}

impl Default for Told {
    fn default() -> Self {
        Self { sender: broadcast::channel(KEPT).0, hears: AtomicBool::new(false) }
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
