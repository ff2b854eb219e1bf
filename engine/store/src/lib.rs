//! Databases: connections, transactions, and running the statements that others wrote.
//!
//! **Invariants**
//! - SQLite has one writer. Every unit of work is a savepoint of the writer's batch; answers go out only after the
//!   batch's commit, so that many waiting writes share one sync (`synchronous=FULL`).
//! - A unit of work runs on a task, or the writing thread, of its own: a client that goes away never leaves half a
//!   transaction behind.
//! - After a full disk, an I/O error or lack of memory the whole batch fails and the connection is thrown away.
//! - Dynamic SQL comes from the room `sql` alone; for PostgreSQL it is declared safe in one function, [`rows::sql`].
//!
//! **Not here:** what statements say (`sql`), what units of work do (`app`).

mod error;
mod introspect;
mod postgres;
mod rows;
mod sqlite;
mod told;
mod tx;

use std::{path::PathBuf, sync::{Arc, atomic::{AtomicU64, Ordering}}};

use futures::future::BoxFuture;
use sql::{Counts, Datum, Dialect, Statement};
use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

pub use error::{Failure, StoreError};
use tx::{After, TxInner};
pub use tx::Tx;

/// Where a site's data are.
#[derive(Debug, Clone)]
pub enum Target {
    /// An embedded database file.
    Sqlite { path: PathBuf },
    /// A PostgreSQL server.
    Postgres { url: String },
}

/// A database, opened.
#[derive(Clone)]
pub struct Store {
    inner: Inner,
    work: Arc<Notify>,
    told: Arc<told::Told>,
    statements: Arc<AtomicU64>,
}

#[derive(Clone)]
enum Inner {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

fn counts(rows: Vec<Vec<Datum>>) -> Result<Counts, StoreError> {
    match rows.into_iter().next().as_deref() {
        Some([Datum::Integer(version), Datum::Integer(rights)]) => Ok(Counts { version: *version, rights: *rights }),
        other => Err(StoreError::Unexpected { detail: format!("{other:?} is no state of the catalog") }),
    }
}

/// Who else may write while a unit of work is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    Others,
    /// Others too, but it touches very much.
    Large,
    Nobody,
}

/// What a unit of work is: it may be run again after a failure that another try can heal.
pub trait Unit<T, E>: for<'t> FnMut(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static {}
impl<T, E, F> Unit<T, E> for F where F: for<'t> FnMut(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static {}

/// Runs a unit, and what is to be its end.
async fn carry_out<T, E: Failure>(tx: &mut Tx, unit: &mut impl Unit<T, E>) -> Result<T, E> {
    let value = unit(tx).await?;
    tx.finish().await?;
    Ok(value)
}

impl Store {
    /// Opens a database and brings the engine's own tables up to date.
    pub async fn open(target: &Target) -> Result<Self, StoreError> {
        let inner = match target {
            Target::Sqlite { path } => Inner::Sqlite(sqlite::Sqlite::open(path).await?),
            Target::Postgres { url } => Inner::Postgres(postgres::Postgres::open(url).await?),
        };
        Ok(Self { inner, work: Arc::default(), told: Arc::default(), statements: Arc::default() })
    }

    /// Which words statements must be written in.
    pub fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::Sqlite(_) => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a reading statement.
    pub async fn fetch(&self, statement: &Statement) -> Result<Vec<Vec<Datum>>, StoreError> {
        match &self.inner {
            Inner::Sqlite(sqlite) => sqlite.readers().fetch(statement).await,
            Inner::Postgres(postgres) => postgres.fetch(statement).await,
        }
    }

    /// How often definitions were published and rights changed.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        counts(self.fetch(&sql::system::counts(self.dialect())).await?)
    }

    /// Runs a unit of work: all of it, or nothing.
    pub async fn write<T, E>(&self, unit: impl Unit<T, E>) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        self.run(unit, Company::Others).await
    }

    /// Runs a unit of work that touches very much. On SQLite it goes first in its batch: to be able to undo it alone, all
    /// that it touches would be kept twice.
    pub async fn write_large<T, E>(&self, unit: impl Unit<T, E>) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        self.run(unit, Company::Large).await
    }

    /// Runs a unit of work beside which no other is under way, in any process: publishing.
    pub async fn write_alone<T, E>(&self, unit: impl Unit<T, E>) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        self.run(unit, Company::Nobody).await
    }

    async fn run<T, E>(&self, unit: impl Unit<T, E>, company: Company) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let (value, after) = match &self.inner {
            Inner::Sqlite(sqlite) => sqlite.write(unit, company).await,
            Inner::Postgres(postgres) => postgres.write(unit, company).await,
        }?;
        if after.wakes {
            self.work.notify_one();
        }
        self.statements.fetch_add(after.statements, Ordering::Relaxed);
        after.told.iter().for_each(|user| self.told.say(Some(*user)));
        if let Inner::Postgres(postgres) = &self.inner {
            self.told.announce(postgres, after.told);
        }
        Ok(value)
    }

    /// How many statements the units of work of this process took that were committed.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Waits until a unit of work in this process was committed that called [`Tx::wake`].
    pub async fn woken(&self) {
        self.work.notified().await;
    }

    /// Whom [`Tx::tell`] was called for from now on, here and, on PostgreSQL, in other processes; nobody in particular
    /// where some of it may have been missed.
    pub fn listen(&self) -> broadcast::Receiver<Option<Uuid>> {
        if let Inner::Postgres(postgres) = &self.inner {
            self.told.hear_others(postgres.listening());
        }
        self.told.listen()
    }

    /// Runs a unit that only reads, on one consistent state of the database; whatever it might change is undone.
    pub async fn look<T, E>(&self, mut unit: impl Unit<T, E>) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let inner = match &self.inner {
            Inner::Sqlite(sqlite) => TxInner::SqliteReader(sqlite.readers().acquire().await?),
            Inner::Postgres(postgres) => TxInner::Postgres(postgres.pool().acquire().await?),
        };
        let mut tx = Tx::new(inner);
        let begin = if tx.dialect() == Dialect::Sqlite { "BEGIN" } else { "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" };
        let is_embedded = matches!(tx.inner, TxInner::SqliteReader(_));
        let looking = async move {
            tx.control(begin).await?;
            let result = unit(&mut tx).await;
            if tx.control("ROLLBACK").await.is_ok() {
                tx.give_back();
            }
            result
        };
        // Statements of SQLite keep the thread they run on.
        let handle = tokio::runtime::Handle::current();
        let task = if is_embedded { tokio::task::spawn_blocking(move || handle.block_on(looking)) } else { tokio::spawn(looking) };
        match task.await {
            Ok(result) => result,
            Err(error) => Err(StoreError::Unexpected { detail: error.to_string() }.into()),
        }
    }

    /// Runs statements that change tables, in one transaction.
    pub async fn apply(&self, steps: Vec<String>) -> Result<(), StoreError> {
        let statements: Vec<Statement> = steps.into_iter().map(|sql| Statement { sql, binds: Vec::new(), columns: Vec::new() }).collect();
        self.write(move |tx: &mut Tx| {
            let statements = statements.clone();
            Box::pin(async move {
                for statement in &statements {
                    tx.execute(statement).await?;
                }
                Ok::<(), StoreError>(())
            })
        })
        .await
    }

    /// Makes an index while others read and, on PostgreSQL, write. What is left of a try that failed is taken away.
    pub async fn make_index(&self, name: &str, sql: &str) -> Result<(), StoreError> {
        match &self.inner {
            Inner::Sqlite(_) => self.apply(vec![sql.to_owned()]).await,
            Inner::Postgres(postgres) => postgres.make_index(name, sql).await,
        }
    }

    /// The tables, columns, indexes and foreign keys there are.
    pub async fn existing(&self) -> Result<sql::schema::Existing, StoreError> {
        introspect::existing(self).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let statement = sql::system::ping(self.dialect());
        self.fetch(&statement).await.map(|_| ())
    }

    /// Leaves cleanly: waits for the batch under way, moves the log into the file, closes connections.
    pub async fn close(&self) {
        match &self.inner {
            Inner::Sqlite(sqlite) => sqlite.close().await,
            Inner::Postgres(postgres) => postgres.close().await,
        }
    }
}
