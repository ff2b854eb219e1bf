//! The time a script has, kept per thread.
//!
//! **Invariants**
//! - A clock inside another never gives more time than the outer one has left.

use std::{
    cell::Cell,
    marker::PhantomData,
    time::{Duration, Instant},
};

thread_local! {
    static ENDS: Cell<Option<Instant>> = const { Cell::new(None) };
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

/// Whether the time of the script on this thread is over.
pub(crate) fn is_over() -> bool {
    ENDS.get().is_some_and(|ends| Instant::now() > ends)
}
