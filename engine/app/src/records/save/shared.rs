//! What saves of one unit of work share: what was looked up for one is known to the next, and what tells of them is
//! written together at the end.
//!
//! **Invariants**
//! - Only what cannot change by the saves themselves is shared: nothing of the card at hand, and nothing at all where
//!   others' derived values hang on its records.
//! - Whoever undoes a part of the work gives up what it shares.

use std::{borrow::Cow, sync::{Mutex, atomic::{AtomicBool, Ordering}}};

use sql::Statement;

use super::*;
use crate::notify::Notice;

/// Records to be made searchable, each once, by card and identity.
type Found = IndexMap<(Ident, Uuid), (Arc<Card>, search::Kept<'static>)>;

/// What saves of one unit of work share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(super) targets: Mutex<Targets>,
    later: Mutex<Vec<Statement>>,
    notices: Mutex<BTreeMap<Uuid, Notice>>,
    found: Mutex<Found>,
    written: AtomicBool,
}

impl Shared {
    /// Something is about to be written.
    pub(super) fn write(&self) {
        self.written.store(true, Ordering::Relaxed);
    }
    /// Whether anything was written since the last look.
    pub(crate) fn take_written(&self) -> bool {
        self.written.swap(false, Ordering::Relaxed)
    }
    /// Keeps statements for the end: they only tell of what was done.
    pub(super) fn later(&self, statements: Vec<Statement>) {
        if let Ok(mut later) = self.later.lock() {
            later.extend(statements);
        }
    }
    /// Keeps a record to be made searchable at the end, as it was saved last.
    pub(super) fn find_later(&self, card: &Arc<Card>, kept: &search::Kept<'_>) {
        let Ok(mut found) = self.found.lock() else { return };
        let place = (card.key.clone(), kept.record.id);
        // One that was made here stays to be made searchable, whatever of it changed since.
        let changed = match found.swap_remove(&place) {
            None => kept.changed.clone(),
            Some((_, before)) => before.changed.zip(kept.changed.as_ref()).map(|(before, now)| before.union(now).cloned().collect()),
        };
        found.insert(place, (card.clone(), search::Kept { record: Cow::Owned(Record::clone(&kept.record)), changed }));
    }
    /// The records to be made searchable, card by card.
    pub(crate) fn found(&self) -> Vec<(Arc<Card>, Vec<search::Kept<'static>>)> {
        let found = self.found.lock().map_or_else(|_| IndexMap::new(), |mut found| std::mem::take(&mut *found));
        let mut by_card: IndexMap<Ident, (Arc<Card>, Vec<search::Kept<'static>>)> = IndexMap::new();
        for (card, kept) in found.into_values() {
            by_card.entry(card.key.clone()).or_insert_with(|| (card, Vec::new())).1.push(kept);
        }
        by_card.into_values().collect()
    }
    /// Somebody is to be told at the end, once for all that is the same.
    pub(super) fn tell(&self, user: Uuid, notice: Notice) {
        if let Ok(mut notices) = self.notices.lock() {
            let times = notices.get(&user).map_or(0, |known| known.times);
            notices.insert(user, Notice { times: times + 1, ..notice });
        }
    }
    /// Who is told what.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.notices.lock().map_or_else(|_| Vec::new(), |mut notices| std::mem::take(&mut *notices).into_values().collect())
    }
    /// What tells of everything that was done, in few statements.
    pub(crate) fn told(&self) -> Vec<Statement> {
        self.later.lock().map_or_else(|_| Vec::new(), |mut later| sql::together(std::mem::take(&mut *later)))
    }
}

impl Work {
    /// A save among others of the same unit of work.
    pub(crate) fn sharing(&mut self, shared: Option<Arc<Shared>>) {
        self.shared = shared;
    }

    /// What may be taken from the saves before: nothing where other records' values hang on this card's.
    pub(super) fn known(&self) -> Option<&Shared> {
        let followed = !self.snapshot.graph().uses(&self.card.key).is_empty();
        self.shared.as_deref().filter(|_| !followed)
    }
}
