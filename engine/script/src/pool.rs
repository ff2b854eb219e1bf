//! Threads of their own for scripts, so that a long one never holds up requests.
//!
//! **Invariants**
//! - The number of threads and of waiting jobs is fixed; a full queue is an error at once, never a wait.
//! - One script less than there are processors calculates at a time. One that waits for its host leaves its seat to
//!   others: whoever holds what another waits for can always go on.
//! - Stacks are large enough for the deepest value a script may build.
//! - A panic ends its script, not its thread.
//!
//! **Not here:** formulas, which run inline.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use crate::fault::{Fault, ScriptError};

/// Stack of a script thread, in bytes.
pub(crate) const STACK: usize = 8 * 1024 * 1024;

type Job = Box<dyn FnOnce() + Send>;

/// Threads of a pool: as many scripts may wait for their host at once.
const THREADS: usize = 48;

/// Seats for those that calculate.
#[derive(Debug)]
struct Seats {
    free: Mutex<usize>,
    left: Condvar,
}

impl Seats {
    fn take(&self) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.left.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
    }
    fn leave(&self) {
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.left.notify_one();
    }
}

thread_local! {
    /// The seats of the pool this thread belongs to.
    static SEATS: RefCell<Option<Arc<Seats>>> = const { RefCell::new(None) };
}

/// Waits for something while others calculate.
pub fn resting<T>(wait: impl FnOnce() -> T) -> T {
    let seats = SEATS.with_borrow(Clone::clone);
    seats.iter().for_each(|seats| seats.leave());
    let got = wait();
    seats.iter().for_each(|seats| seats.take());
    got
}

/// The threads that run scripts. Dropping it lets running and waiting scripts finish.
#[derive(Debug)]
pub struct ScriptPool {
    queue: Option<SyncSender<Job>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl ScriptPool {
    /// A pool in which one script less than there are processors calculates at a time, at least one.
    pub fn new() -> std::io::Result<Self> {
        let seats = thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1));
        Self::with_seats(seats, THREADS, 64)
    }

    /// A pool of so many threads and waiting places, each thread with a seat.
    pub fn with_size(threads: usize, waiting: usize) -> std::io::Result<Self> {
        Self::with_seats(threads, threads, waiting)
    }

    /// A pool of so many seats, threads and waiting places.
    pub fn with_seats(seats: usize, threads: usize, waiting: usize) -> std::io::Result<Self> {
        let seats = Arc::new(Seats { free: Mutex::new(seats.max(1)), left: Condvar::new() });
        let (queue, jobs) = sync_channel::<Job>(waiting);
        let jobs = Arc::new(Mutex::new(jobs));
        let start = |number| {
            let (jobs, seats) = (Arc::clone(&jobs), Arc::clone(&seats));
            thread::Builder::new().name(format!("script-{number}")).stack_size(STACK).spawn(move || work(&jobs, &seats))
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

fn work(jobs: &Mutex<Receiver<Job>>, seats: &Arc<Seats>) {
    SEATS.set(Some(Arc::clone(seats)));
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            // `done` may panic as well; the thread goes on.
            Ok(job) => {
                seats.take();
                drop(catch_unwind(AssertUnwindSafe(job)));
                seats.leave();
            }
            Err(_) => return,
        }
    }
}
