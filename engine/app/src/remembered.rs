//! Who asked lately, and how people are called. What was read of them is kept, and holds while the database counts no
//! change of rights of theirs.
//!
//! **Invariants**
//! - The counts are read before what is remembered, so that it is never older than they say.
//! - Nobody is answered by what is remembered alone: the counts are read again, in the statement or the transaction
//!   that answers ([`Actor::known_at`]), or by a statement of their own.
//! - Whatever changes what is read here says so: [`store::Tx::change_rights`], or of whom:
//!   [`store::Tx::change_rights_of`]. A change of one user's costs the others nothing but a look at whose it was.
//! - Names are given to those alone whose answer finds out whether the counts still hold.
//!
//! **Not here:** who is who (`accounts`).

use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
};

use access::Actor;
use chrono::{DateTime, TimeDelta, Utc};
use sql::{Counts, Datum, system_rights};
use uuid::Uuid;

use crate::{App, AppError, accounts::{self, Credential}};

/// How exactly it is known when a session was last used.
pub(crate) const SEEN: TimeDelta = TimeDelta::minutes(10);
/// Most that are remembered; beyond it everybody is read anew.
const MOST: usize = 10_000;

/// Everybody who asked lately, by the hash of what they said who they are with.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<Everybody>);

/// All of them as they are at one state of definitions and rights.
#[derive(Default)]
struct Everybody {
    counts: Option<Counts>,
    people: HashMap<Vec<u8>, Known>,
    names: HashMap<Uuid, String>,
}

/// Somebody, as read once.
#[derive(Clone)]
struct Known {
    actor: Actor,
    /// When what was read ends by itself: the session or token, or something shared with them.
    ends: Option<DateTime<Utc>>,
    /// When the session was last noted as used.
    seen: Option<DateTime<Utc>>,
}

impl Known {
    /// Still good by the clock; whether by the counts too is for whoever answers to find out.
    fn holds(&self, now: DateTime<Utc>) -> bool {
        self.ends.is_none_or(|ends| ends > now) && self.seen.is_none_or(|seen| now - seen <= SEEN)
    }
}

impl Remembered {
    fn get(&self, token: &[u8], now: DateTime<Utc>) -> Option<(Known, Counts)> {
        let all = self.0.lock().ok()?;
        Some((all.people.get(token).filter(|known| known.holds(now)).cloned()?, all.counts?))
    }

    /// Keeps what was read at some counts, if everybody else is known as of the same.
    fn put(&self, token: Vec<u8>, known: Known, counts: Counts) {
        let Ok(mut all) = self.0.lock() else { return };
        if all.counts != Some(counts) {
            return;
        }
        if all.people.len() >= MOST {
            all.people.clear();
        }
        all.people.insert(token, known);
    }

    /// What some people are called, and the counts of which that is true; nothing for who asks outside of a request, or
    /// is known as of other counts.
    pub(crate) fn names(&self, actor: &Actor, users: &[Uuid]) -> Option<(Counts, Vec<(Uuid, String)>)> {
        let all = self.0.lock().ok()?;
        let counts = all.counts?;
        let present = match actor.known_at {
            Some(known_at) => known_at == counts.number(),
            // The request has found it out already.
            None => actor.known_since.is_some(),
        };
        let names = users.iter().filter_map(|user| Some((*user, all.names.get(user)?.clone())));
        present.then(|| (counts, names.collect()))
    }

    /// Keeps a name that was read after those counts.
    pub(crate) fn put_name(&self, counts: Counts, user: Uuid, name: String) {
        let Ok(mut all) = self.0.lock() else { return };
        if all.counts != Some(counts) {
            return;
        }
        if all.names.len() >= MOST {
            all.names.clear();
        }
        all.names.insert(user, name);
    }

    fn counts(&self) -> Option<Counts> {
        self.0.lock().ok()?.counts
    }

    /// Goes on to newer counts without those whose rights changed meanwhile; with nobody, where that is not known.
    fn go_on(&self, from: Option<Counts>, to: Counts, changed: Option<&HashSet<Uuid>>) {
        let Ok(mut all) = self.0.lock() else { return };
        if all.counts != from {
            return; // Another request was quicker.
        }
        match changed {
            Some(changed) => {
                all.people.retain(|_, known| known.actor.user.is_none_or(|user| !changed.contains(&user)));
                all.names.retain(|user, _| !changed.contains(user));
            }
            None => {
                all.people.clear();
                all.names.clear();
            }
        }
        all.counts = Some(to);
    }
}

/// Whose rights changed between two counts; `None` where it may be anybody's.
async fn changed_since(app: &App, from: Counts, to: Counts) -> Result<Option<HashSet<Uuid>>, AppError> {
    if from.version != to.version || from.rights > to.rights {
        return Ok(None);
    }
    let rows = app.store.fetch(&system_rights::changes_after(app.store.dialect(), from.rights)).await?;
    let (mut numbers, mut users) = (HashSet::new(), HashSet::new());
    for row in rows {
        match row.as_slice() {
            [Datum::Integer(n), Datum::Uuid(user)] => {
                numbers.insert(*n);
                users.insert(*user);
            }
            _ => return Ok(None),
        }
    }
    let all = (from.rights + 1..=to.rights).all(|n| numbers.contains(&n));
    Ok(all.then_some(users))
}

/// Who asks, as remembered. The answer must find out whether that still holds: until then it is only presumed.
pub fn presumed(app: &App, credential: &Credential<'_>, now: DateTime<Utc>) -> Option<Actor> {
    let (known, counts) = app.remembered.get(&credential.hash(), now)?;
    let present = u64::try_from(counts.version).ok() == Some(app.snapshot().catalog.version);
    present.then(|| known.actor.again(now, Some(counts.number())))
}

/// Who asks, as of now.
pub async fn authenticate(app: &App, credential: &Credential<'_>, now: DateTime<Utc>) -> Result<Actor, AppError> {
    let counts = app.store.counts().await?;
    app.refresh_to(counts.version).await?;
    let before = app.remembered.counts();
    if before != Some(counts) {
        let changed = match before {
            Some(before) => changed_since(app, before, counts).await?,
            None => None,
        };
        app.remembered.go_on(before, counts, changed.as_ref());
    }
    let token = credential.hash();
    if let Some((known, _)) = app.remembered.get(&token, now).filter(|(_, at)| *at == counts) {
        return Ok(known.actor.again(now, None));
    }
    let found = accounts::authenticate(app, &app.snapshot(), credential, now).await?;
    let ends = [found.ends, found.actor.shares_end].into_iter().flatten().min();
    let mut actor = found.actor;
    actor.known_since = Some(counts.number());
    let known = Known { actor, ends, seen: found.seen };
    let actor = known.actor.again(now, None);
    app.remembered.put(token, known, counts);
    Ok(actor)
}

/// Whether what an actor was presumed by still holds.
pub async fn confirm(app: &App, actor: &Actor) -> Result<bool, AppError> {
    Ok(match actor.known_at {
        None => true,
        Some(known_at) => app.store.counts().await?.number() == known_at,
    })
}
