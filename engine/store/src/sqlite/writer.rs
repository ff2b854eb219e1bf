//! The one connection that writes: a thread of its own, on which units of work run one after the other.
//!
//! **Invariants**
//! - Every unit is a savepoint of a batch, but for the first, with which the whole transaction is undone: to be able to
//!   undo a part, SQLite keeps a copy of every page it touches, here in memory. Answers go out only after the batch's
//!   commit, so that many waiting units share one sync.
//! - Words for the search index are written together, before the commit, or before anybody looks for some.
//! - After a failure that another unit would meet too, the whole batch is given up and the connection thrown away.

use std::{
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, atomic::{AtomicUsize, Ordering}, mpsc},
    time::{Duration, Instant},
};

use futures::FutureExt;
use rusqlite::Connection;
use tokio::{runtime::Handle, sync::oneshot};

use super::{CACHE, rows::{control, execute}, writing};
use crate::{After, Company, Failure, StoreError, Tx, TxInner, Unit, carry_out};

/// Most units that share one commit, and the longest that the first of them waits for others.
const MAX_UNITS: usize = 256;
const MAX_AGE: Duration = Duration::from_millis(20);
/// Most units that may wait for their turn; more are told to come back.
const MAX_WAITING: usize = 4_000;

/// Hands units of work to the writing thread.
#[derive(Clone)]
pub(super) struct Writer {
    sender: mpsc::Sender<Job>,
    waiting: Arc<AtomicUsize>,
}

/// Something to do on the writing thread.
enum Job {
    /// Runs a unit in the batch, or in one of its own.
    Unit(Box<dyn FnOnce(&mut State) + Send>, Company),
    /// Commits, closes the connection, and says so.
    Close(oneshot::Sender<()>),
}

type Ended = oneshot::Sender<Result<(), StoreError>>;

struct State {
    path: PathBuf,
    connection: Option<Connection>,
    batch: Option<Batch>,
}

/// A transaction that several units share.
struct Batch {
    began: Instant,
    done: Vec<Ended>,
    /// What is written before the commit.
    last: Vec<sql::search::Words>,
}

/// Where in its batch a unit runs.
#[derive(Clone, Copy)]
enum Place {
    /// Nothing of the transaction is anybody else's.
    First,
    /// Others' work came before.
    Later,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(path: PathBuf, connection: Connection) -> Result<Self, StoreError> {
        let (sender, jobs) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let state = State { path, connection: Some(connection), batch: None };
        let taken = waiting.clone();
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || work(state, &jobs, &taken));
        thread.map_err(|error| StoreError::Unavailable { detail: format!("no thread to write with: {error}") })?;
        Ok(Self { sender, waiting })
    }

    /// Runs a unit: whoever asked may go away, it is carried out or undone whole.
    pub(super) async fn write<T, E>(&self, mut unit: impl Unit<T, E>, company: Company) -> Result<(T, After), E>
    where
        T: Send + 'static,
        E: Failure,
    {
        if self.waiting.load(Ordering::Relaxed) >= MAX_WAITING {
            return Err(StoreError::Unavailable { detail: "too many changes are waiting".into() }.into());
        }
        let (answer, answered) = oneshot::channel();
        let (done, committed) = oneshot::channel();
        let handle = Handle::current();
        let job = move |state: &mut State| {
            let result = state.run(&handle, &mut unit, done);
            // Who went away need not be told.
            let _ = answer.send(result);
        };
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let closed = || StoreError::Unavailable { detail: "the database is closed".into() };
        if self.sender.send(Job::Unit(Box::new(job), company)).is_err() {
            return Err(closed().into());
        }
        let given_up = || StoreError::Unavailable { detail: "the batch of changes was given up".into() };
        // The commit comes after the answer, but for a unit that failed: of that there is nothing to commit.
        let value = answered.await.map_err(|_| given_up())??;
        match committed.await {
            Ok(Ok(())) => Ok(value),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(given_up().into()),
        }
    }

    /// Commits what is under way and closes the connection.
    pub(super) async fn close(&self) {
        let (said, closed) = oneshot::channel();
        if self.sender.send(Job::Close(said)).is_ok() {
            // A thread that is gone has closed it.
            let _ = closed.await;
        }
    }
}

/// The thread: units as they come, and a commit as soon as none waits.
fn work(mut state: State, jobs: &mpsc::Receiver<Job>, waiting: &AtomicUsize) {
    while let Ok(job) = jobs.recv() {
        let mut next = Some(job);
        while let Some(job) = next.take() {
            match job {
                Job::Unit(run, company @ (Company::Others | Company::Large)) => {
                    waiting.fetch_sub(1, Ordering::AcqRel);
                    if company == Company::Large {
                        state.commit();
                        state.say("PRAGMA cache_size = -32000");
                    }
                    run(&mut state);
                    if company == Company::Large {
                        state.commit();
                        state.say(CACHE);
                    }
                    if state.batch.as_ref().is_some_and(|batch| batch.done.len() >= MAX_UNITS || batch.began.elapsed() >= MAX_AGE) {
                        state.commit();
                    }
                    next = jobs.try_recv().ok();
                }
                Job::Unit(run, Company::Nobody) => {
                    waiting.fetch_sub(1, Ordering::AcqRel);
                    // Whole tables may be sorted and written anew: not in memory. The next unit must find it committed,
                    // since it reads the definitions anew.
                    state.commit();
                    state.say("PRAGMA temp_store = file");
                    run(&mut state);
                    state.commit();
                    state.say("PRAGMA temp_store = memory");
                    next = jobs.try_recv().ok();
                }
                Job::Close(said) => {
                    state.commit();
                    if let Some((_, error)) = state.connection.take().and_then(|connection| connection.close().err()) {
                        tracing::warn!(%error, "the database was not closed cleanly");
                    }
                    let _ = said.send(());
                    return;
                }
            }
        }
        state.commit();
    }
    state.commit();
}

impl State {
    fn run<T, E>(&mut self, handle: &Handle, unit: &mut impl Unit<T, E>, done: Ended) -> Result<(T, After), E>
    where
        T: Send + 'static,
        E: Failure,
    {
        let (connection, place) = match self.begin() {
            Ok(begun) => begun,
            Err(error) => {
                self.fail(&error);
                return Err(error.into());
            }
        };
        let mut tx = Tx::new(TxInner::Sqlite(connection));
        tx.last.others = self.batch.as_mut().map(|batch| std::mem::take(&mut batch.last)).unwrap_or_default();
        let result = handle.block_on(AssertUnwindSafe(carry_out(&mut tx, unit)).catch_unwind());
        let (after, last) = (std::mem::take(&mut tx.after), std::mem::take(&mut tx.last));
        let TxInner::Sqlite(connection) = tx.inner else { unreachable!("made as SQLite above") };
        let result = result.unwrap_or_else(|_| Err(StoreError::Unexpected { detail: "a unit of work panicked".into() }.into())).map(|value| (value, after));
        let fatal = result.as_ref().err().and_then(Failure::store).filter(|error| matches!(error, StoreError::Unavailable { .. } | StoreError::Lost { .. })).cloned();
        let ended = match (&fatal, &result, place) {
            (Some(error), ..) => Err(error.clone()),
            (None, Ok(_), Place::First) => Ok(()),
            (None, Err(_), Place::First) => control(&connection, "ROLLBACK"),
            (None, Ok(_), Place::Later) => control(&connection, "RELEASE SAVEPOINT unit"),
            (None, Err(_), Place::Later) => control(&connection, "ROLLBACK TO SAVEPOINT unit").and_then(|()| control(&connection, "RELEASE SAVEPOINT unit")),
        };
        match ended {
            Ok(()) => {
                self.connection = Some(connection);
                if let Some(batch) = &mut self.batch {
                    batch.last = last.left(result.is_ok());
                }
                match (&result, place, &mut self.batch) {
                    (Ok(_), _, Some(batch)) => batch.done.push(done),
                    (Err(_), Place::First, _) => self.batch = None,
                    (Err(_), Place::Later, _) | (Ok(_), _, None) => {}
                }
                result
            }
            Err(error) => {
                // The connection is dropped with its transaction: nothing of the batch is kept, and everybody is told.
                self.fail(&error);
                result.and(Err(error.into()))
            }
        }
    }

    /// Says how much SQLite remembers, and where it keeps what it sorts and could undo; between two transactions.
    fn say(&mut self, words: &'static str) {
        let Some(connection) = &self.connection else { return };
        // Not as a kept statement: this is done when it is prepared, not when it is run.
        if let Err(error) = connection.execute_batch(words) {
            // A connection that cannot even do this is not worth keeping; the next is made by `begin`.
            tracing::warn!(%error, "the connection that writes is made anew");
            self.connection = None;
        }
    }

    /// The connection, inside a transaction, at the start of a unit.
    fn begin(&mut self) -> Result<(Connection, Place), StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => writing(&self.path)?,
        };
        if self.batch.is_none() {
            control(&connection, "BEGIN IMMEDIATE")?;
            self.batch = Some(Batch { began: Instant::now(), done: Vec::new(), last: Vec::new() });
            return Ok((connection, Place::First));
        }
        control(&connection, "SAVEPOINT unit")?;
        Ok((connection, Place::Later))
    }

    /// Commits the batch and tells everybody in it.
    fn commit(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        let Some(connection) = self.connection.take() else { return };
        let last = if batch.last.is_empty() { Ok(()) } else { execute(&connection, &sql::search::write_words(&batch.last)).map(drop) };
        match last.and_then(|()| control(&connection, "COMMIT")) {
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
