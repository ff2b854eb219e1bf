//! Dangerous acts ask for the password again, unless it was given a moment ago.
//!
//! **Invariants**
//! - A use case that changes accounts, rights, tokens, passwords or gives the log away takes a [`Confirmed`]; there is no
//!   other way to get one than to have signed in, or confirmed, within [`WINDOW`], or to hold a token made for it.

use access::Actor;
use chrono::{DateTime, TimeDelta, Utc};
use sql::{Datum, system_accounts as rows};
use uuid::Uuid;

use super::{Credential, Origin, by_id, hash_of, passwords, second};
use crate::{App, AppError, log::{self, Entry, Event}};

/// How long the password is not asked for again.
pub const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Somebody who has just shown who they are.
#[derive(Debug, Clone)]
pub struct Confirmed {
    user: Option<Uuid>,
    administers: bool,
    origin: Origin,
}

impl Confirmed {
    /// Whoever may run commands on the machine itself.
    pub fn command_line() -> Self {
        Self { user: None, administers: true, origin: Origin::command_line() }
    }

    /// Who.
    pub fn user(&self) -> Option<Uuid> {
        self.user
    }

    /// Where from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Goes on for administrators only.
    pub fn administering(&self) -> Result<(), AppError> {
        if self.administers { Ok(()) } else { Err(AppError::forbidden("only administrators look after accounts")) }
    }

    /// A line of the log about what they do.
    pub fn entry(&self, event: Event) -> Entry {
        Entry::new(event, &self.origin).by(self.user)
    }
}

/// Whoever holds this credential, if they have shown lately who they are.
pub async fn require(app: &App, credential: &Credential<'_>, actor: &Actor, origin: Origin) -> Result<Confirmed, AppError> {
    let found = app.store.fetch(&credential.trusted(app.store.dialect())).await?.into_iter().flatten().next();
    let trusted = match found {
        Some(Datum::Instant(at)) => actor.now - at < WINDOW,
        Some(Datum::Boolean(administers)) => administers,
        _ => false,
    };
    if trusted { Ok(Confirmed { user: actor.user, administers: actor.is_administrator(), origin }) } else { Err(AppError::ConfirmFirst) }
}

/// What somebody has to give to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The password; without one, signing in again at the other provider.
    pub password: bool,
    /// A code of the second factor.
    pub code: bool,
}

/// What this user has to give.
pub async fn needs(app: &App, user: Uuid) -> Result<Needs, AppError> {
    let password = by_id(app, user).await?.is_some_and(|user| user.password.is_some());
    Ok(Needs { password, code: password && second::is_on(app, user).await? })
}

/// Somebody shows again who they are: `false` if the password or the code is not right.
pub async fn again(app: &App, actor: &Actor, session: &str, password: &str, code: &str, origin: &Origin, now: DateTime<Utc>) -> Result<bool, AppError> {
    let user = actor.user.ok_or(AppError::Unauthenticated)?;
    let needs = needs(app, user).await?;
    let right = needs.password && passwords::is_of(app, user, password).await? && (!needs.code || second::try_code(app, user, code, false, now).await?.is_some());
    let event = if right { Event::Confirmed } else { Event::ConfirmFailed };
    log::note(app, Entry::new(event, origin).by(Some(user))).await?;
    if right {
        crate::run(&app.store, vec![rows::confirm_session(app.store.dialect(), hash_of(session), now)]).await?;
    }
    Ok(right)
}
