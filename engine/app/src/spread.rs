//! Work on many items, spread over the processors.
//!
//! **Invariants**
//! - The results come in the order of the items, as if one thread had done all of it.
//! - Nothing waits in here: what asks a database is done before or after.

use std::sync::{Mutex, OnceLock};

/// Fewer are done at once sooner than others are asked to help.
const WORTH_IT: usize = 64;

/// How many threads work at once.
fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

/// What comes of each item.
pub(crate) fn over<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = if items.len() < WORTH_IT { 1 } else { processors().min(items.len() / WORTH_IT + 1) };
    if threads < 2 {
        return items.into_iter().map(work).collect();
    }
    let each = items.len().div_ceil(threads);
    let mut parts: Vec<Mutex<Vec<T>>> = Vec::with_capacity(threads);
    let mut items = items.into_iter();
    while items.len() > 0 {
        parts.push(Mutex::new(items.by_ref().take(each).collect()));
    }
    // A part lies where both find it: the thread that was made for it or, where none could be made, this one.
    let done = |part: &Mutex<Vec<T>>| part.lock().map(|mut part| std::mem::take(&mut *part)).unwrap_or_default().into_iter().map(&work).collect::<Vec<R>>();
    let done = &done;
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.iter().skip(1).map(|part| std::thread::Builder::new().spawn_scoped(scope, move || done(part)).ok()).collect();
        let mut results = parts.first().map(done).unwrap_or_default();
        for (part, other) in parts.iter().skip(1).zip(others) {
            results.extend(match other.map(std::thread::ScopedJoinHandle::join) {
                None => done(part),
                Some(Ok(part)) => part,
                Some(Err(panic)) => std::panic::resume_unwind(panic),
            });
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_places() {
        for count in [0, 1, WORTH_IT - 1, WORTH_IT, 3 * WORTH_IT + 7] {
            let results = over((0..count).collect(), |item| item * 2);
            assert_eq!(results, (0..count).map(|item| item * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "the last one")]
    fn what_goes_wrong_in_one_goes_wrong_in_all() {
        over((0..2 * WORTH_IT).collect(), |item| assert!(item + 1 < 2 * WORTH_IT, "the last one"));
    }
}
