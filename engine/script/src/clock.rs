//! The time a script has, kept per thread.
//!
//! **Invariants**
//! - A clock inside another never gives more time than the outer one has left; steps inside are steps of the outer one.

use std::{
    cell::Cell,
    marker::PhantomData,
    time::{Duration, Instant},
};

thread_local! {
    static ENDS: Cell<Option<Instant>> = const { Cell::new(None) };
    /// Steps of all scripts inside one another.
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Running time; ends with its scope, on the thread that started it.
pub(crate) struct Clock {
    outer: Option<Instant>,
    thread: PhantomData<*const ()>,
}

impl Clock {
    /// Starts the time of a script.
    pub(crate) fn start(span: Duration) -> Self {
        let outer = ENDS.get();
        if outer.is_none() {
            STEPS.set(0);
        }
        let ends = Instant::now() + span;
        ENDS.set(Some(outer.map_or(ends, |outer| outer.min(ends))));
        Self { outer, thread: PhantomData }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        ENDS.set(self.outer);
    }
}

/// Counts steps; whether there are more than that by now.
pub(crate) fn counted(steps: u64, limit: u64) -> bool {
    let now = STEPS.get().saturating_add(steps);
    STEPS.set(now);
    now > limit
}

/// Whether the time of the script on this thread is over.
pub(crate) fn is_over() -> bool {
    ENDS.get().is_some_and(|ends| Instant::now() > ends)
}
