//! Folded characters into runs: a word of letters, a word of digits, a stretch of characters without spaces.

use crate::fold::{Class, Folded};

/// Characters that belong together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'f> {
    pub chars: &'f [Folded],
    pub class: Class,
    /// No space stands between it and the run before it.
    pub glued: bool,
}

impl Run<'_> {
    /// Its characters as a word, cut where words are.
    pub fn text(&self) -> String {
        self.chars.iter().take(crate::LONGEST).map(|folded| folded.ch).collect()
    }
}

/// Cuts. A stretch of dense characters goes on over spaces and the dots between names, as their readers do.
pub(crate) fn runs(folded: &[Folded]) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let mut from = 0;
    for at in 1..=folded.len() {
        let ends = match folded.get(at) {
            None => true,
            Some(next) => {
                let same = next.class == folded[at - 1].class;
                let joined = match next.apart {
                    None => true,
                    Some(gentle) => gentle && next.class == Class::Dense,
                };
                !(same && joined)
            }
        };
        if ends && from < at {
            let first = folded[from];
            runs.push(Run { chars: &folded[from..at], class: first.class, glued: first.apart != Some(true) && from > 0 });
            from = at;
        }
    }
    runs
}
