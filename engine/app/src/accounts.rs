//! Who is who: signing in, sessions, tokens, and what packs bind to a user.

use std::collections::BTreeMap;

use access::{ADMINISTRATOR, Actor};
use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use model::Ident;
use sha2::{Digest, Sha256};
use sql::{Datum, system};
use uuid::Uuid;

use crate::{App, AppError, bindings, remembered::SEEN, run, run_on_people, run_on_person, snapshot::Snapshot};

/// How long a session lasts.
const SESSION: TimeDelta = TimeDelta::days(14);
/// How long a link to set a password is good.
const LINK: TimeDelta = TimeDelta::hours(24);
/// Shortest and longest password, in characters.
const PASSWORD: std::ops::RangeInclusive<usize> = 10..=128;

/// A user as stored.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct User {
    pub id: Uuid,
    pub login: String,
    pub name: String,
    pub password: Option<String>,
    pub language: Option<String>,
    pub active: bool,
}

fn user(row: Vec<Datum>) -> Option<User> {
    let [Datum::Uuid(id), Datum::Text(login), Datum::Text(name), _, password, language, Datum::Boolean(active)] = <[Datum; 7]>::try_from(row).ok()? else { return None };
    let text = |datum| match datum {
        Datum::Text(text) => Some(text),
        _ => None,
    };
    Some(User { id, login, name, password: text(password), language: text(language), active })
}

fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// 256 random bits as text.
fn new_token() -> String {
    let bytes: [u8; 32] = rand::random();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A sign-in name as it is compared: NFC, lower case, trimmed.
fn clean_login(login: &str) -> String {
    model::types::clean(login).to_lowercase()
}

/// argon2id; takes tens of milliseconds on purpose, so on a thread of its own.
async fn hash_password(password: String) -> Result<String, AppError> {
    let hashed = tokio::task::spawn_blocking(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())).await;
    hashed.map_err(|error| AppError::Internal(error.to_string()))?.map_err(|error| AppError::Internal(error.to_string()))
}

async fn is_password(password: String, hash: String) -> bool {
    let checked = tokio::task::spawn_blocking(move || {
        let parsed = PasswordHash::new(&hash);
        parsed.is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
    });
    checked.await.unwrap_or(false)
}

/// Checks a password against a made-up hash, so that an unknown name takes as long as a known one.
async fn waste_time(password: String) {
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$o2zp9lmFJ1Ji2+zDMMoYVd5xSMNlmjZ4SOZYf2ZYxGs";
    let _ = is_password(password, NOBODY.to_owned()).await;
}

/// Signs in: the token of a new session, or nothing that says what was wrong.
pub async fn sign_in(app: &App, login: &str, password: &str, agent: &str, now: DateTime<Utc>) -> Result<Option<String>, AppError> {
    let dialect = app.store.dialect();
    let found = app.store.fetch(&system::user_by_login(dialect, &clean_login(login))).await?.into_iter().next().and_then(user);
    let found = found.filter(|user| user.active);
    let Some((user, hash)) = found.and_then(|user| user.password.clone().map(|hash| (user, hash))) else {
        waste_time(password.to_owned()).await;
        return Ok(None);
    };
    if !is_password(password.to_owned(), hash).await {
        return Ok(None);
    }
    open_session(app, user.id, agent, now).await.map(Some)
}

async fn open_session(app: &App, user: Uuid, agent: &str, now: DateTime<Utc>) -> Result<String, AppError> {
    let token = new_token();
    let agent: String = agent.chars().filter(|c| !c.is_control()).take(200).collect();
    run(&app.store, vec![system::create_session(app.store.dialect(), hash_of(&token), user, now, now + SESSION, &agent)]).await?;
    Ok(token)
}

/// Ends a session.
pub async fn sign_out(app: &App, token: &str) -> Result<(), AppError> {
    run_on_people(&app.store, vec![system::end_session(app.store.dialect(), hash_of(token))]).await
}

/// How somebody says who they are.
pub enum Credential<'a> {
    /// The token of a session.
    Session(&'a str),
    /// An API token.
    Token(&'a str),
}

impl Credential<'_> {
    /// By which the database knows it.
    pub(crate) fn hash(&self) -> Vec<u8> {
        let (Self::Session(token) | Self::Token(token)) = self;
        hash_of(token)
    }
}

/// Who was found behind a credential.
pub(crate) struct Found {
    pub actor: Actor,
    /// When the session or token ends.
    pub ends: Option<DateTime<Utc>>,
    /// When the session was noted as used.
    pub seen: Option<DateTime<Utc>>,
}

/// Who stands behind a credential, with everything rights depend on, as the database has it.
pub(crate) async fn authenticate(app: &App, snapshot: &Snapshot, credential: &Credential<'_>, now: DateTime<Utc>) -> Result<Found, AppError> {
    let dialect = app.store.dialect();
    let statement = match credential {
        Credential::Session(_) => system::session_user(dialect, credential.hash(), now),
        Credential::Token(_) => system::token_user(dialect, credential.hash(), now),
    };
    let row = app.store.fetch(&statement).await?.into_iter().next().unwrap_or_default();
    let moment = |index: usize| row.get(index).and_then(|datum| if let Datum::Instant(at) = datum { Some(*at) } else { None });
    let Some(Datum::Uuid(id)) = row.first() else { return Err(AppError::Unauthenticated) };
    let (ends, mut seen) = (moment(1), moment(2));
    if seen.is_some_and(|seen| now - seen > SEEN) {
        run(&app.store, vec![system::touch_session(dialect, credential.hash(), now)]).await?;
        seen = Some(now);
    }
    Ok(Found { actor: actor_of(app, snapshot, *id, now).await?, ends, seen })
}

/// A user as an actor.
pub async fn actor_of(app: &App, snapshot: &Snapshot, id: Uuid, now: DateTime<Utc>) -> Result<Actor, AppError> {
    let dialect = app.store.dialect();
    let user = app.store.fetch(&system::user_by_id(dialect, id)).await?.into_iter().next().and_then(user);
    let user = user.filter(|user| user.active).ok_or(AppError::Unauthenticated)?;
    let roles = app.store.fetch(&system::roles_of(dialect, id)).await?;
    let roles = roles.into_iter().flatten().filter_map(|role| match role {
        Datum::Text(role) => Ident::new(&role).ok(),
        _ => None,
    });
    let mut actor = Actor::user(id, user.name, roles.collect(), now);
    if let Some(language) = user.language {
        actor.lang = language;
    }
    actor.preferences = preferences(app, id).await?;
    if let Some(zone) = actor.preferences.get("zone").and_then(|zone| zone.parse().ok()) {
        actor.zone = zone;
    }
    bindings::bind(app, snapshot, &mut actor).await?;
    Ok(actor.anew())
}

/// Makes a user. Without a password it can sign in only by a link.
pub async fn create_user(app: &App, login: &str, name: &str, password: Option<&str>, roles: &[String], language: Option<&str>, now: DateTime<Utc>) -> Result<Uuid, AppError> {
    let login = clean_login(login);
    if login.is_empty() || login.chars().count() > 100 || login.contains(char::is_whitespace) {
        return Err(AppError::malformed("bad_login", "a sign-in name has 1 to 100 characters and no spaces"));
    }
    let known = app.snapshot();
    if let Some(role) = roles.iter().find(|role| *role != ADMINISTRATOR && !known.catalog.roles.contains_key(role.as_str())) {
        let near = model::nearest(role, known.catalog.roles.keys().map(Ident::as_str)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(AppError::malformed("unknown_role", format!("there is no role `{role}`{near}")));
    }
    let hash = match password {
        Some(password) => Some(hash_password(checked_password(password)?).await?),
        None => None,
    };
    let dialect = app.store.dialect();
    if !app.store.fetch(&system::user_by_login(dialect, &login)).await?.is_empty() {
        return Err(AppError::Conflict { code: "login_taken", detail: format!("there is a user `{login}` already"), blockers: Vec::new() });
    }
    let id = Uuid::now_v7();
    let mut statements = vec![system::create_user(dialect, id, &login, name, hash.as_deref(), language, now)];
    statements.extend(roles.iter().map(|role| system::add_role(dialect, id, role)));
    crate::search::make_user(app, known, id, statements).await?;
    Ok(id)
}

fn checked_password(password: &str) -> Result<String, AppError> {
    if PASSWORD.contains(&password.chars().count()) {
        return Ok(password.to_owned());
    }
    Err(AppError::malformed("weak_password", format!("a password has {} to {} characters", PASSWORD.start(), PASSWORD.end())))
}

/// Sets a password and ends every session of the user.
pub async fn set_password(app: &App, user: Uuid, password: &str) -> Result<(), AppError> {
    let hash = hash_password(checked_password(password)?).await?;
    let dialect = app.store.dialect();
    run_on_people(&app.store, vec![system::set_password(dialect, user, &hash), system::end_sessions(dialect, user)]).await
}

/// Changes one's own password, knowing the old one.
pub async fn change_password(app: &App, actor: &Actor, old: &str, new: &str) -> Result<(), AppError> {
    let id = actor.user.ok_or(AppError::Unauthenticated)?;
    let found = app.store.fetch(&system::user_by_id(app.store.dialect(), id)).await?.into_iter().next().and_then(user);
    let hash = found.and_then(|user| user.password).unwrap_or_default();
    if !is_password(old.to_owned(), hash).await {
        return Err(AppError::malformed("wrong_password", "the present password is not right"));
    }
    set_password(app, id, new).await
}

/// A link's token with which a user sets a password, once.
pub async fn login_link(app: &App, user: Uuid, now: DateTime<Utc>) -> Result<String, AppError> {
    let token = new_token();
    run(&app.store, vec![system::create_login_link(app.store.dialect(), hash_of(&token), user, now + LINK)]).await?;
    Ok(token)
}

/// Sets a password by a link; the link is used up.
pub async fn use_link(app: &App, token: &str, password: &str, now: DateTime<Utc>) -> Result<(), AppError> {
    checked_password(password)?;
    let statement = system::use_login_link(app.store.dialect(), hash_of(token), now);
    let found = app
        .store
        .write(move |tx: &mut store::Tx| {
            let statement = statement.clone();
            Box::pin(async move { Ok::<_, crate::UnitError>(tx.fetch(&statement).await?) })
        })
        .await
        .map_err(|error| error.error)?;
    let Some(Datum::Uuid(user)) = found.into_iter().flatten().next() else {
        return Err(AppError::malformed("bad_link", "this link was used already or is too old; ask for another"));
    };
    set_password(app, user, password).await
}

/// A new API token of a user: the one time it can be read.
pub async fn create_token(app: &App, user: Uuid, name: &str, now: DateTime<Utc>) -> Result<String, AppError> {
    let token = new_token();
    run(&app.store, vec![system::create_token(app.store.dialect(), hash_of(&token), Uuid::now_v7(), user, name, now)]).await?;
    Ok(token)
}

/// A user by sign-in name.
pub async fn find(app: &App, login: &str) -> Result<Option<User>, AppError> {
    Ok(app.store.fetch(&system::user_by_login(app.store.dialect(), &clean_login(login))).await?.into_iter().next().and_then(user))
}

/// Whether there is any user yet.
pub async fn is_empty(app: &App) -> Result<bool, AppError> {
    Ok(app.store.fetch(&system::users(app.store.dialect())).await?.is_empty())
}

/// Lets a user sign in, or no longer; what is open is closed.
pub async fn set_active(app: &App, user: Uuid, active: bool) -> Result<(), AppError> {
    let dialect = app.store.dialect();
    let mut statements = vec![system::set_active(dialect, user, active)];
    if !active {
        statements.push(system::end_sessions(dialect, user));
    }
    run_on_people(&app.store, statements).await?;
    if !active {
        // What waits for them goes to who stands in.
        crate::flows::approvals::look_after(app, Utc::now()).await?;
    }
    Ok(())
}

/// A session, as its owner may know it.
#[derive(Debug, Clone)]
pub struct Session {
    /// The hash of its token, which says nothing about the token.
    pub id: String,
    /// When it was last used, to ten minutes.
    pub seen: DateTime<Utc>,
    /// What the browser said about itself.
    pub agent: String,
}

/// Where a user is signed in.
pub async fn sessions(app: &App, user: Uuid, now: DateTime<Utc>) -> Result<Vec<Session>, AppError> {
    let rows = app.store.fetch(&system::sessions_of(app.store.dialect(), user, now)).await?;
    let session = |row: Vec<Datum>| match <[Datum; 4]>::try_from(row) {
        Ok([Datum::Bytes(token), _, Datum::Instant(seen), Datum::Text(agent)]) => Some(Session { id: URL_SAFE_NO_PAD.encode(token), seen, agent }),
        Ok([Datum::Bytes(token), _, Datum::Instant(seen), _]) => Some(Session { id: URL_SAFE_NO_PAD.encode(token), seen, agent: String::new() }),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(session).collect())
}

/// The id of the session that a token belongs to.
pub fn session_id(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash_of(token))
}

/// Ends one of a user's own sessions.
pub async fn end_session(app: &App, user: Uuid, id: &str) -> Result<(), AppError> {
    let token = URL_SAFE_NO_PAD.decode(id).map_err(|_| AppError::not_found("session"))?;
    run_on_people(&app.store, vec![system::end_session_of(app.store.dialect(), user, token)]).await
}

/// An API token, as its owner may know it.
#[derive(Debug, Clone)]
pub struct Token {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// When it ends.
    pub ends: Option<DateTime<Utc>>,
}

/// A user's API tokens.
pub async fn tokens(app: &App, user: Uuid) -> Result<Vec<Token>, AppError> {
    let rows = app.store.fetch(&system::tokens_of(app.store.dialect(), user)).await?;
    let token = |row: Vec<Datum>| match <[Datum; 4]>::try_from(row) {
        Ok([Datum::Uuid(id), Datum::Text(name), Datum::Instant(made), ends]) => Some(Token { id, name, made, ends: if let Datum::Instant(ends) = ends { Some(ends) } else { None } }),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(token).collect())
}

/// Takes one of a user's own API tokens back.
pub async fn revoke_token(app: &App, user: Uuid, id: Uuid) -> Result<(), AppError> {
    run_on_people(&app.store, vec![system::revoke_token(app.store.dialect(), user, id)]).await
}

/// How a user likes things shown.
pub async fn preferences(app: &App, user: Uuid) -> Result<BTreeMap<String, String>, AppError> {
    let rows = app.store.fetch(&system::preferences(app.store.dialect(), user)).await?;
    let pair = |row: Vec<Datum>| match <[Datum; 2]>::try_from(row) {
        Ok([Datum::Text(key), Datum::Text(value)]) => Some((key, value)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}

/// Keeps a preference.
pub async fn put_preference(app: &App, user: Uuid, key: &str, value: &str) -> Result<(), AppError> {
    run_on_person(&app.store, user, vec![system::put_preference(app.store.dialect(), user, key, value)]).await
}

/// Another language for the interface.
pub async fn set_language(app: &App, user: Uuid, language: &str) -> Result<(), AppError> {
    run_on_person(&app.store, user, vec![system::set_language(app.store.dialect(), user, language)]).await
}

/// The sign-in name of a user.
pub async fn login_of(app: &App, id: Uuid) -> Result<String, AppError> {
    let found = app.store.fetch(&system::user_by_id(app.store.dialect(), id)).await?.into_iter().next().and_then(user);
    Ok(found.map(|user| user.login).unwrap_or_default())
}
