//! Who asked lately. What was read of them is kept, and holds while the database counts no change of rights.
//!
//! **Invariants**
//! - The counts are read before what is remembered, so that it is never older than they say.
//! - Nobody is answered by what is remembered alone: the counts are read again, in the statement or the transaction
//!   that answers ([`Actor::known_at`]), or by a statement of their own.
//! - Whatever changes what is read here says so: [`store::Tx::change_rights`].
//!
//! **Not here:** who is who (`accounts`).

use std::{collections::HashMap, sync::Mutex};

use access::Actor;
use chrono::{DateTime, TimeDelta, Utc};
use sql::Counts;

use crate::{App, AppError, accounts::{self, Credential}};

/// How exactly it is known when a session was last used.
pub(crate) const SEEN: TimeDelta = TimeDelta::minutes(10);
/// Most that are remembered; beyond it everybody is read anew.
const MOST: usize = 10_000;

/// Everybody who asked lately, by the hash of what they said who they are with.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<HashMap<Vec<u8>, Known>>);

/// Somebody, as read at [`Known::counts`].
#[derive(Clone)]
struct Known {
    actor: Actor,
    counts: Counts,
    /// When the session or token ends.
    ends: Option<DateTime<Utc>>,
    /// When the session was last noted as used.
    seen: Option<DateTime<Utc>>,
}

impl Known {
    /// Still good by the clock; whether by the counts too is for whoever answers to find out.
    fn holds(&self, now: DateTime<Utc>) -> bool {
        self.ends.is_none_or(|ends| ends > now) && self.seen.is_none_or(|seen| now - seen <= SEEN)
    }

    fn at(&self, now: DateTime<Utc>, known_at: Option<Counts>) -> Actor {
        self.actor.again(now, known_at.map(Counts::number))
    }
}

impl Remembered {
    fn get(&self, token: &[u8], now: DateTime<Utc>) -> Option<Known> {
        let known = self.0.lock().ok()?;
        known.get(token).filter(|known| known.holds(now)).cloned()
    }

    fn put(&self, token: Vec<u8>, known: Known) {
        let Ok(mut all) = self.0.lock() else { return };
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(token, known);
    }
}

/// Who asks, as remembered. The answer must find out whether that still holds: until then it is only presumed.
pub fn presumed(app: &App, credential: &Credential<'_>, now: DateTime<Utc>) -> Option<Actor> {
    let known = app.remembered.get(&credential.hash(), now)?;
    let present = u64::try_from(known.counts.version).ok() == Some(app.snapshot().catalog.version);
    present.then(|| known.at(now, Some(known.counts)))
}

/// Who asks, as of now.
pub async fn authenticate(app: &App, credential: &Credential<'_>, now: DateTime<Utc>) -> Result<Actor, AppError> {
    let counts = app.store.counts().await?;
    app.refresh_to(counts.version).await?;
    let token = credential.hash();
    if let Some(known) = app.remembered.get(&token, now).filter(|known| known.counts == counts) {
        return Ok(known.at(now, None));
    }
    let found = accounts::authenticate(app, &app.snapshot(), credential, now).await?;
    let known = Known { actor: found.actor, counts, ends: found.ends, seen: found.seen };
    let actor = known.at(now, None);
    app.remembered.put(token, known);
    Ok(actor)
}

/// Whether what an actor was presumed by still holds.
pub async fn confirm(app: &App, actor: &Actor) -> Result<bool, AppError> {
    Ok(match actor.known_at {
        None => true,
        Some(known_at) => app.store.counts().await?.number() == known_at,
    })
}
