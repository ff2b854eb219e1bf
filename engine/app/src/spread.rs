//! Work on many items, spread over the processors.
//!
//! **Invariants**
//! - The results come in the order of the items, as if one thread had done all of it.
//! - Nothing waits in here: what asks a database is done before or after.

/// Fewer are done at once sooner than others are asked to help.
const WORTH_IT: usize = 64;

/// What comes of each item.
pub(crate) fn over<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(items.len() / WORTH_IT + 1);
    if threads < 2 {
        return items.into_iter().map(work).collect();
    }
    let each = items.len().div_ceil(threads);
    let mut parts: Vec<Vec<T>> = Vec::with_capacity(threads);
    let mut items = items.into_iter();
    while items.len() > 0 {
        parts.push(items.by_ref().take(each).collect());
    }
    let work = &work;
    std::thread::scope(|scope| {
        let mut parts = parts.into_iter();
        let own = parts.next().unwrap_or_default();
        let others: Vec<_> = parts.map(|part| scope.spawn(move || part.into_iter().map(work).collect::<Vec<R>>())).collect();
        let mut results: Vec<R> = own.into_iter().map(work).collect();
        for other in others {
            match other.join() {
                Ok(part) => results.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
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
