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

use std::{path::PathBuf, sync::{Arc, atomic::{AtomicBool, AtomicU64, Ordering}}};

use futures::future::BoxFuture;
use sql::{Counts, Datum, Dialect, Statement};
use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

pub use error::{Failure, StoreError};

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

/// A unit of work under way.
pub struct Tx {
    inner: TxInner,
    after: After,
    put: Vec<Statement>,
    rights: bool,
    counts: Option<Counts>,
    alone: Arc<AtomicBool>,
}

/// Most statements that are put aside, and most values of them: PostgreSQL takes 65,535 in one statement.
const MAX_PUT: usize = 24;
const MAX_BINDS: usize = 32_000;

/// What follows once a unit of work is committed.
#[derive(Debug, Default)]
struct After {
    wakes: bool,
    told: Vec<Uuid>,
    statements: u64,
}

enum TxInner {
    Sqlite(rusqlite::Connection),
    SqliteReader(sqlite::Reader),
    Postgres(postgres::Pooled),
}

impl Tx {
    fn new(inner: TxInner) -> Self {
        Self { inner, after: After::default(), put: Vec::new(), rights: false, counts: None, alone: Arc::default() }
    }

    /// Which definitions hold until the end of this unit of work, for none are published meanwhile, and which rights
    /// held when it began.
    pub async fn counts(&mut self) -> Result<Counts, StoreError> {
        if let Some(counts) = self.counts {
            return Ok(counts);
        }
        let statement = sql::system::counts(self.dialect());
        counts(self.fetch(&statement).await?)
    }

    /// What this unit of work changes is remembered of people: once it is committed, nobody goes on by what was
    /// remembered. Counted as its very last statement, so that no other unit waits for it for long, nor in a circle.
    pub fn change_rights(&mut self) {
        self.rights = true;
    }

    /// The last statements of a unit of work.
    async fn finish(&mut self) -> Result<(), StoreError> {
        self.flush().await?;
        if std::mem::take(&mut self.rights) {
            let statement = sql::system::next_rights(self.dialect());
            self.execute(&statement).await?;
        }
        Ok(())
    }

    /// Once this is committed, whoever waits for work in this process is woken.
    pub fn wake(&mut self) {
        self.after.wakes = true;
    }

    /// Once this is committed, whoever listens for a user, in any process, hears of it.
    pub fn tell(&mut self, user: Uuid) {
        if !self.after.told.contains(&user) {
            self.after.told.push(user);
        }
    }

    /// When this unit is run again, it knows that it must not go beside others of its kind.
    pub fn go_alone(&self) {
        self.alone.store(true, Ordering::Relaxed);
    }

    /// Whether an earlier try found that.
    pub fn goes_alone(&self) -> bool {
        self.alone.load(Ordering::Relaxed)
    }

    /// A statement of which nothing is asked back, and which touches no row that another one put aside does. Where
    /// each statement is a round trip, those that were put go together, before the next that is asked for an answer.
    pub async fn put(&mut self, statement: Statement) -> Result<(), StoreError> {
        if self.dialect() == Dialect::Sqlite {
            return self.execute(&statement).await.map(|_| ());
        }
        let binds: usize = self.put.iter().map(|put| put.binds.len()).sum();
        if self.put.len() >= MAX_PUT || binds + statement.binds.len() > MAX_BINDS {
            self.flush().await?;
        }
        self.put.push(statement);
        Ok(())
    }

    /// Runs what was put aside.
    pub async fn flush(&mut self) -> Result<(), StoreError> {
        match sql::joined(std::mem::take(&mut self.put)) {
            Some(statement) => self.execute_now(&statement).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Runs a statement and says how many rows it changed.
    pub async fn execute(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        self.flush().await?;
        self.execute_now(statement).await
    }

    async fn execute_now(&mut self, statement: &Statement) -> Result<u64, StoreError> {
        self.after.statements += 1;
        match &mut self.inner {
            TxInner::Sqlite(connection) => sqlite::rows::execute(connection, statement),
            TxInner::SqliteReader(reader) => sqlite::rows::execute(reader.connection(), statement),
            TxInner::Postgres(connection) => rows::execute_postgres(connection, statement).await,
        }
    }

    /// Runs a statement and gives its rows.
    pub async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Vec<Datum>>, StoreError> {
        self.flush().await?;
        self.after.statements += 1;
        match &mut self.inner {
            TxInner::Sqlite(connection) => sqlite::rows::fetch(connection, statement),
            TxInner::SqliteReader(reader) => sqlite::rows::fetch(reader.connection(), statement),
            TxInner::Postgres(connection) => rows::fetch_postgres(connection, statement).await,
        }
    }

    /// Which words the statements must be written in.
    pub fn dialect(&self) -> Dialect {
        match self.inner {
            TxInner::Sqlite(_) | TxInner::SqliteReader(_) => Dialect::Sqlite,
            TxInner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Begins a part that can be undone by itself.
    pub async fn savepoint(&mut self) -> Result<(), StoreError> {
        self.flush().await?;
        self.control("SAVEPOINT part").await
    }

    /// Keeps what the part did.
    pub async fn release(&mut self) -> Result<(), StoreError> {
        self.flush().await?;
        self.control("RELEASE SAVEPOINT part").await
    }

    /// Undoes what the part did.
    pub async fn undo(&mut self) -> Result<(), StoreError> {
        self.put.clear();
        self.control("ROLLBACK TO SAVEPOINT part").await?;
        self.control("RELEASE SAVEPOINT part").await
    }

    /// Nothing is open any more: the connection may be used again. One that this is not said of is thrown away.
    fn give_back(self) {
        match self.inner {
            TxInner::Sqlite(connection) => drop(connection),
            TxInner::SqliteReader(reader) => reader.give_back(),
            TxInner::Postgres(connection) => connection.give_back(),
        }
    }

    async fn control(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match &mut self.inner {
            TxInner::Sqlite(connection) => sqlite::rows::control(connection, sql),
            TxInner::SqliteReader(reader) => sqlite::rows::control(reader.connection(), sql),
            TxInner::Postgres(connection) => rows::control_postgres(connection, sql).await,
        }
    }
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
