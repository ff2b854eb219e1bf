//! A unit of work: its statements, and what follows once it is committed.
//!
//! **Not here:** beginning and ending transactions (`sqlite`, `postgres`).

use std::sync::{Arc, atomic::{AtomicBool, Ordering}};

use sql::{Counts, Datum, Dialect, Statement, search::Words};
use uuid::Uuid;

use crate::{StoreError, counts, postgres, rows, sqlite};

/// A unit of work under way.
pub struct Tx {
    pub(crate) inner: TxInner,
    pub(crate) after: After,
    put: Vec<Statement>,
    pub(crate) last: Last,
    rights: Rights,
    pub(crate) counts: Option<Counts>,
    pub(crate) alone: Arc<AtomicBool>,
}

/// What writes the words of records, put off to the end of the batch on SQLite: FTS5 writes out what it has at every
/// savepoint, a sixth of the time of a batch of small units.
#[derive(Debug, Default)]
pub(crate) struct Last {
    /// Of units before this one, in the same batch.
    pub others: Vec<Words>,
    /// Whether those were run within this unit: they are undone with it.
    pub ran: bool,
    /// Of this unit.
    pub own: Vec<Words>,
}

/// Where words stand; whatever names this finds all of them.
const WORDS: &str = "sys_search_index";
/// Of so many records words are put off, in one unit.
const MAX_LAST: usize = 1_000;

impl Last {
    /// What is still to be run after this unit: all of it, or as if it had not been.
    pub fn left(mut self, kept: bool) -> Vec<Words> {
        if !kept {
            return self.others;
        }
        if self.ran {
            self.others.clear();
        }
        self.others.append(&mut self.own);
        self.others
    }
}

/// Of whom a unit of work changes what is remembered.
#[derive(Debug, Default)]
enum Rights {
    #[default]
    Nobody,
    These(Vec<Uuid>),
    Everybody,
}

/// From so many people on a change is one of everybody.
const MANY_PEOPLE: usize = 20;

/// Most statements that are put aside, and most values of them: PostgreSQL takes 65,535 in one statement.
const MAX_PUT: usize = 24;
const MAX_BINDS: usize = 32_000;

/// What follows once a unit of work is committed.
#[derive(Debug, Default)]
pub(crate) struct After {
    pub wakes: bool,
    pub told: Vec<Uuid>,
    pub statements: u64,
}

pub(crate) enum TxInner {
    Sqlite(rusqlite::Connection),
    SqliteReader(sqlite::Reader),
    Postgres(postgres::Pooled),
}

impl Tx {
    pub(crate) fn new(inner: TxInner) -> Self {
        Self { inner, after: After::default(), put: Vec::new(), last: Last::default(), rights: Rights::default(), counts: None, alone: Arc::default() }
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
        self.rights = Rights::Everybody;
    }

    /// The same, where it is remembered of one user alone.
    pub fn change_rights_of(&mut self, user: Uuid) {
        match &mut self.rights {
            Rights::Nobody => self.rights = Rights::These(vec![user]),
            Rights::These(users) if users.contains(&user) => {}
            Rights::These(users) if users.len() < MANY_PEOPLE => users.push(user),
            Rights::These(_) | Rights::Everybody => self.rights = Rights::Everybody,
        }
    }

    /// The last statements of a unit of work.
    pub(crate) async fn finish(&mut self) -> Result<(), StoreError> {
        self.flush().await?;
        let whose: Vec<Option<Uuid>> = match std::mem::take(&mut self.rights) {
            Rights::Nobody => return Ok(()),
            Rights::These(users) => users.into_iter().map(Some).collect(),
            Rights::Everybody => vec![None],
        };
        let dialect = self.dialect();
        let changed = whose.into_iter().flat_map(|user| sql::system_rights::changed(dialect, user));
        for statement in std::iter::once(sql::system::next_rights(dialect)).chain(changed) {
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
        let is_second = statement.has_parts() && self.put.iter().any(Statement::has_parts);
        if is_second || self.put.len() >= MAX_PUT || binds + statement.binds.len() > MAX_BINDS {
            self.flush().await?;
        }
        self.put.push(statement);
        Ok(())
    }

    /// Words for the search index of SQLite. They are written before the commit, or before anybody looks for some.
    pub async fn put_words(&mut self, words: Vec<Words>) -> Result<(), StoreError> {
        self.last.own.extend(words);
        if self.last.own.len() >= MAX_LAST { self.write_words().await } else { Ok(()) }
    }

    async fn write_words(&mut self) -> Result<(), StoreError> {
        let Last { others, ran, own } = &mut self.last;
        let open: Vec<Words> = others.iter().filter(|_| !*ran).cloned().chain(std::mem::take(own)).collect();
        *ran = true;
        if open.is_empty() { Ok(()) } else { self.execute_now(&sql::search::write_words(&open)).await.map(drop) }
    }

    /// Before a statement: what was put aside, and words if it looks for any.
    async fn before(&mut self, statement: &Statement) -> Result<(), StoreError> {
        self.flush().await?;
        let is_open = !self.last.own.is_empty() || !self.last.ran && !self.last.others.is_empty();
        if is_open && statement.sql.contains(WORDS) { self.write_words().await } else { Ok(()) }
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
        self.before(statement).await?;
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
        self.before(statement).await?;
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
        // What came before is not to be undone with the part.
        self.write_words().await?;
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
        self.last.own.clear();
        self.control("ROLLBACK TO SAVEPOINT part").await?;
        self.control("RELEASE SAVEPOINT part").await
    }

    /// Nothing is open any more: the connection may be used again. One that this is not said of is thrown away.
    pub(crate) fn give_back(self) {
        match self.inner {
            TxInner::Sqlite(connection) => drop(connection),
            TxInner::SqliteReader(reader) => reader.give_back(),
            TxInner::Postgres(connection) => connection.give_back(),
        }
    }

    pub(crate) async fn control(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match &mut self.inner {
            TxInner::Sqlite(connection) => sqlite::rows::control(connection, sql),
            TxInner::SqliteReader(reader) => sqlite::rows::control(reader.connection(), sql),
            TxInner::Postgres(connection) => rows::control_postgres(connection, sql).await,
        }
    }
}
