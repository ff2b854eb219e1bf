//! Threads of their own for scripts, so that a long one never holds up requests.
//!
//! **Invariants**
//! - The number of threads and of waiting jobs is fixed; a full queue is an error at once, never a wait.
//! - Stacks are large enough for the deepest value a script may build.
//! - A panic ends its script, not its thread.
//!
//! **Not here:** formulas, which run inline.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use crate::fault::{Fault, ScriptError};

/// Stack of a script thread, in bytes.
pub(crate) const STACK: usize = 8 * 1024 * 1024;

type Job = Box<dyn FnOnce() + Send>;

/// The threads that run scripts. Dropping it lets running and waiting scripts finish.
#[derive(Debug)]
pub struct ScriptPool {
    queue: Option<SyncSender<Job>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl ScriptPool {
    /// A pool of one thread less than there are processors, at least one, with room for 64 waiting scripts per thread.
    pub fn new() -> std::io::Result<Self> {
        let threads = thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1));
        Self::with_size(threads, threads * 64)
    }

    /// A pool of so many threads and waiting places.
    pub fn with_size(threads: usize, waiting: usize) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel::<Job>(waiting);
        let jobs = Arc::new(Mutex::new(jobs));
        let start = |number| {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("script-{number}")).stack_size(STACK).spawn(move || work(&jobs))
        };
        let threads = (0..threads.max(1)).map(start).collect::<std::io::Result<_>>()?;
        Ok(Self { queue: Some(queue), threads })
    }

    /// Runs `work` on a thread of the pool and hands its result to `done`, on that thread. A full queue is
    /// [`Fault::Busy`], and then `done` is not called.
    pub fn spawn<T>(&self, work: impl FnOnce() -> Result<T, ScriptError> + Send + 'static, done: impl FnOnce(Result<T, ScriptError>) + Send + 'static) -> Result<(), ScriptError> {
        let job: Job = Box::new(move || done(guarded(work)));
        let Some(queue) = &self.queue else { return Err(busy()) };
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => busy(),
        })
    }

    /// Runs `work` on a thread of the pool and waits for it. Not for threads that serve requests.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, ScriptError> + Send + 'static) -> Result<T, ScriptError> {
        let (done, result) = sync_channel(1);
        self.spawn(work, move |result| {
            // Nobody waits any more when the receiver is gone; the result is nobody's then.
            let _ = done.send(result);
        })?;
        result.recv().unwrap_or_else(|_| Err(ScriptError::new(Fault::Internal, "the script was lost")))
    }
}

impl Drop for ScriptPool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A job may own the last handle of the pool: a thread cannot wait for itself.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn busy() -> ScriptError {
    ScriptError::new(Fault::Busy, "too many scripts are waiting; try again in a moment")
}

fn guarded<T>(work: impl FnOnce() -> Result<T, ScriptError>) -> Result<T, ScriptError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(ScriptError::new(Fault::Internal, "the script was stopped by an internal fault")))
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            // `done` may panic as well; the thread goes on.
            Ok(job) => drop(catch_unwind(AssertUnwindSafe(job))),
            Err(_) => return,
        }
    }
}
