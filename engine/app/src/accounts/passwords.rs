//! Passwords: which are taken, how they are kept, how they are checked.
//!
//! A password must be long enough, and not one of those that everybody tries first: the estimator `zxcvbn` brings the
//! passwords most often found in breaches, with names and words of several languages, and knows how they are dressed
//! up. It works without asking anybody.

use access::Actor;
use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use sql::system_accounts as rows;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{Confirmed, Origin, by_id, run_logged};
use crate::{App, AppError, log::{Entry, Event}};

/// Shortest and longest password, in characters.
pub const LENGTH: std::ops::RangeInclusive<usize> = 10..=128;
/// Fewer tries than this to guess it are too few: ten to the so-many-th.
const TRIES: f64 = 6.0;
/// So many are hashed at a time: each takes 19 MB and tens of milliseconds on purpose.
static HASHING: Semaphore = Semaphore::const_new(4);

/// A password that may be set; `about` are words that others know of its owner.
pub(crate) fn checked(password: &str, about: &[&str]) -> Result<String, AppError> {
    if !LENGTH.contains(&password.chars().count()) {
        return Err(AppError::malformed("weak_password", format!("a password has {} to {} characters", LENGTH.start(), LENGTH.end())));
    }
    let about: Vec<&str> = about.iter().copied().filter(|word| word.chars().count() > 2).chain(["cardstock"]).collect();
    if zxcvbn::zxcvbn(password, &about).guesses_log10() < TRIES {
        return Err(AppError::malformed("common_password", "this password is among the first that others would try; take some words that nobody says together"));
    }
    Ok(password.to_owned())
}

/// argon2id, on a thread of its own.
pub(crate) async fn hash(password: String) -> Result<String, AppError> {
    let _place = HASHING.acquire().await.map_err(|error| AppError::Internal(error.to_string()))?;
    let hashed = tokio::task::spawn_blocking(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())).await;
    hashed.map_err(|error| AppError::Internal(error.to_string()))?.map_err(|error| AppError::Internal(error.to_string()))
}

/// Whether it is the password of a hash.
pub(crate) async fn is(password: &str, hash: String) -> bool {
    let Ok(_place) = HASHING.acquire().await else { return false };
    // Longer ones were never set; hashing them would only take time.
    let password: String = password.chars().take(LENGTH.end() + 1).collect();
    let checked = tokio::task::spawn_blocking(move || {
        let parsed = PasswordHash::new(&hash);
        parsed.is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
    });
    checked.await.unwrap_or(false)
}

/// Checks a password against a made-up hash, so that an unknown name takes as long as a known one.
pub(crate) async fn waste_time(password: &str) {
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$o2zp9lmFJ1Ji2+zDMMoYVd5xSMNlmjZ4SOZYf2ZYxGs";
    let _ = is(password, NOBODY.to_owned()).await;
}

/// Whether it is the password of a user.
pub(crate) async fn is_of(app: &App, user: Uuid, password: &str) -> Result<bool, AppError> {
    match by_id(app, user).await?.and_then(|user| user.password) {
        Some(hash) => Ok(is(password, hash).await),
        None => Ok(false),
    }
}

/// Sets a password from outside: every way in that there was ends.
pub async fn set_password(app: &App, user: Uuid, password: &str) -> Result<(), AppError> {
    set(app, user, password, true, Entry::new(Event::PasswordSet, &Origin::command_line()).to(user)).await
}

/// Sets a password; every session and link ends, and with `reset` tokens, too.
pub(crate) async fn set(app: &App, user: Uuid, password: &str, reset: bool, entry: Entry) -> Result<(), AppError> {
    let known = by_id(app, user).await?.ok_or_else(|| AppError::not_found("user"))?;
    let hash = hash(checked(password, &[&known.login, &known.name])?).await?;
    let dialect = app.store.dialect();
    let mut statements = vec![rows::set_password(dialect, user, &hash)];
    statements.extend(rows::end_sessions(dialect, user));
    if reset {
        statements.extend(rows::end_ways(dialect, user));
    } else {
        statements.push(rows::end_links(dialect, user));
    }
    run_logged(app, statements, entry).await
}

/// Changes one's own password, knowing the old one.
pub async fn change_password(app: &App, actor: &Actor, by: &Confirmed, old: &str, new: &str) -> Result<(), AppError> {
    let id = actor.user.ok_or(AppError::Unauthenticated)?;
    if !is_of(app, id, old).await? {
        return Err(AppError::malformed("wrong_password", "the present password is not right"));
    }
    set(app, id, new, false, by.entry(Event::PasswordSet).to(id)).await
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[track_caller]
    fn refused(password: &str, code: &str) {
        match checked(password, &["mei.lin", "Mei Lin"]) {
            Err(error) => assert_eq!(error.code(), code, "{password}"),
            Ok(_) => panic!("`{password}` was taken"),
        }
    }

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        refused("short", "weak_password");
        refused(&"x".repeat(129), "weak_password");
        for common in ["password123", "Passw0rd12", "1234567890", "qwertyuiop", "iloveyou123", "aaaaaaaaaaaa", "mei.linmei.lin", "0987654321", "password1234567890"] {
            refused(common, "common_password");
        }
    }

    #[test]
    fn words_that_nobody_says_together_are_taken() {
        for good in ["correct horse battery", "a good password", "明天再去买三斤白菜好吗", "demo-admin-1", "tR4-9xK2-pq"] {
            assert!(checked(good, &["mei"]).is_ok(), "{good}");
        }
    }
}
