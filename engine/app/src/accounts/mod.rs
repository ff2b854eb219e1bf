//! Who is who: accounts, how they sign in, and what packs bind to a user.
//!
//! **Invariants**
//! - Of passwords, tokens, links and codes only hashes are kept; a second factor is closed with the site's key.
//! - Whatever changes who may do what counts as a change of rights: it holds from the next request on.
//! - What is done to accounts leaves a line in the log in the same transaction.
//! - There is always somebody left who may administer.

pub mod confirm;
pub mod links;
pub mod memberships;
pub mod passwords;
pub mod people;
pub mod provider;
pub mod second;
pub mod signing;

use std::collections::BTreeMap;

use access::{ADMINISTRATOR, Actor};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use model::Ident;
use sha2::{Digest, Sha256};
use sql::{Datum, system, system_accounts as rows};
use store::Tx;
use uuid::Uuid;

pub use confirm::Confirmed;
pub use links::{Kind as LinkKind, forgotten, login_link, use_link};
pub use passwords::{change_password, set_password};
pub use people::set_active;
pub use signing::{Session, Token, create_token, end_session, revoke_token, session_id, sessions, sign_out, tokens};

use crate::{App, AppError, UnitError, bindings, log::{Entry, Event}, remembered::SEEN, run, run_on_person, snapshot::Snapshot};

/// Where a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address; none for the command line.
    pub address: Option<String>,
    /// What the browser says about itself.
    pub agent: String,
}

impl Origin {
    /// The command line of the machine itself.
    pub fn command_line() -> Self {
        Self { address: None, agent: "command line".into() }
    }
}

/// A user as stored.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct User {
    pub id: Uuid,
    pub login: String,
    pub name: String,
    pub email: Option<String>,
    pub password: Option<String>,
    pub language: Option<String>,
    pub active: bool,
}

fn user(row: Vec<Datum>) -> Option<User> {
    let [Datum::Uuid(id), Datum::Text(login), Datum::Text(name), email, password, language, Datum::Boolean(active)] = <[Datum; 7]>::try_from(row).ok()? else { return None };
    let text = |datum| match datum {
        Datum::Text(text) => Some(text),
        _ => None,
    };
    Some(User { id, login, name, email: text(email), password: text(password), language: text(language), active })
}

fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// 256 random bits as text.
fn new_token() -> String {
    let bytes: [u8; 32] = rand::random();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A sign-in name as it is compared: NFC, lower case, trimmed. With a character that no name has, and that a database may
/// not take, it is the name of nobody.
pub fn clean_login(login: &str) -> String {
    model::types::clean(login).to_lowercase().chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
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
    /// When the session or token was noted as used.
    pub seen: Option<DateTime<Utc>>,
}

/// Who stands behind a credential, with everything rights depend on, as the database has it.
pub(crate) async fn authenticate(app: &App, snapshot: &Snapshot, credential: &Credential<'_>, now: DateTime<Utc>) -> Result<Found, AppError> {
    let dialect = app.store.dialect();
    let statement = match credential {
        Credential::Session(_) => rows::session_user(dialect, credential.hash(), now),
        Credential::Token(_) => rows::token_user(dialect, credential.hash(), now),
    };
    let row = app.store.fetch(&statement).await?.into_iter().next().unwrap_or_default();
    let moment = |index: usize| row.get(index).and_then(|datum| if let Datum::Instant(at) = datum { Some(*at) } else { None });
    let Some(Datum::Uuid(id)) = row.first() else { return Err(AppError::Unauthenticated) };
    let (ends, mut seen) = (moment(1), moment(2));
    if seen.is_some_and(|seen| now - seen > SEEN) {
        let touch = match credential {
            Credential::Session(_) => rows::touch_session(dialect, credential.hash(), now),
            Credential::Token(_) => rows::touch_token(dialect, credential.hash(), now),
        };
        run(&app.store, vec![touch]).await?;
        seen = Some(now);
    }
    Ok(Found { actor: actor_of(app, snapshot, *id, now).await?, ends, seen })
}

/// A user as an actor.
pub async fn actor_of(app: &App, snapshot: &Snapshot, id: Uuid, now: DateTime<Utc>) -> Result<Actor, AppError> {
    let dialect = app.store.dialect();
    let user = by_id(app, id).await?.filter(|user| user.active).ok_or(AppError::Unauthenticated)?;
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
    actor.zone = actor.preferences.get("zone").and_then(|zone| zone.parse().ok()).unwrap_or(app.settings().zone);
    bindings::bind(app, snapshot, &mut actor).await?;
    Ok(actor.anew())
}

/// A sign-in name, checked.
fn checked_login(login: &str) -> Result<String, AppError> {
    let login = clean_login(login);
    if login.is_empty() || login.chars().count() > 100 || login.contains(char::is_whitespace) || login.contains(char::is_control) {
        return Err(AppError::malformed("bad_login", "a sign-in name has 1 to 100 characters and no spaces"));
    }
    Ok(login)
}

/// Groups that there are.
fn checked_roles(snapshot: &Snapshot, roles: &[String]) -> Result<(), AppError> {
    let known = &snapshot.catalog.roles;
    let Some(role) = roles.iter().find(|role| *role != ADMINISTRATOR && !known.contains_key(role.as_str())) else { return Ok(()) };
    let near = model::nearest(role, known.keys().map(Ident::as_str)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(AppError::malformed("unknown_role", format!("there is no role `{role}`{near}")))
}

/// Makes a user. Without a password it can sign in only by a link.
pub async fn create_user(app: &App, login: &str, name: &str, password: Option<&str>, roles: &[String], language: Option<&str>, now: DateTime<Utc>) -> Result<Uuid, AppError> {
    let login = checked_login(login)?;
    let hash = match password {
        Some(password) => Some(passwords::hash(passwords::checked(password, &[&login, name])?).await?),
        None => None,
    };
    let person = NewPerson { login, name: name.to_owned(), email: None, language: language.map(str::to_owned), roles: roles.to_vec(), password: hash };
    let entry = Entry::new(Event::UserMade, &Origin::command_line());
    make(app, person, entry, now).await
}

/// An account to be.
#[derive(Debug, Clone)]
pub(crate) struct NewPerson {
    pub login: String,
    pub name: String,
    pub email: Option<String>,
    pub language: Option<String>,
    pub roles: Vec<String>,
    pub password: Option<String>,
}

/// Makes an account, with its line in the log.
pub(crate) async fn make(app: &App, person: NewPerson, entry: Entry, now: DateTime<Utc>) -> Result<Uuid, AppError> {
    let known = app.snapshot();
    checked_roles(&known, &person.roles)?;
    let dialect = app.store.dialect();
    if !app.store.fetch(&system::user_by_login(dialect, &person.login)).await?.is_empty() {
        return Err(login_taken(&person.login));
    }
    let id = Uuid::now_v7();
    let mut statements = vec![system::create_user(dialect, id, &person.login, &person.name, person.password.as_deref(), person.language.as_deref(), now)];
    if let Some(email) = person.email.as_deref() {
        statements.extend(rows::change_user(dialect, id, None, Some(Some(email)), None));
    }
    statements.extend(person.roles.iter().map(|role| system::add_role(dialect, id, role)));
    let entry = entry.to(id).about("login", person.login.clone()).about("groups", person.roles.clone());
    match crate::search::make_user(app, known, id, statements, entry).await {
        // Somebody took the name at the same moment.
        Err(AppError::Conflict { code: "unique", .. }) => Err(login_taken(&person.login)),
        made => made.map(|()| id),
    }
}

fn login_taken(login: &str) -> AppError {
    AppError::Conflict { code: "login_taken", detail: format!("there is a user `{login}` already"), blockers: Vec::new() }
}

/// Statements and a line of the log, in one transaction, after which nobody is who they were remembered to be.
pub(crate) async fn run_logged(app: &App, statements: Vec<sql::Statement>, entry: Entry) -> Result<(), AppError> {
    let secrets = app.secrets.clone();
    let done = app.store.write(move |tx: &mut Tx| {
        let (statements, secrets, entry) = (statements.clone(), secrets.clone(), entry.clone());
        tx.change_rights();
        Box::pin(async move {
            for statement in &statements {
                tx.execute(statement).await?;
            }
            crate::log::append(tx, &secrets, &entry).await?;
            Ok::<(), UnitError>(())
        })
    });
    done.await.map_err(|error| error.error)
}

/// One statement that gives a row if it did something, and then a line of the log.
pub(crate) async fn take_logged(app: &App, statement: sql::Statement, entry: Entry) -> Result<Option<Vec<Datum>>, AppError> {
    let secrets = app.secrets.clone();
    let done = app.store.write(move |tx: &mut Tx| {
        let (statement, secrets, entry) = (statement.clone(), secrets.clone(), entry.clone());
        Box::pin(async move {
            let found = tx.fetch(&statement).await?.into_iter().next();
            if let Some(row) = &found {
                // What changed nothing is nobody's business.
                tx.change_rights();
                let subject = row.first().and_then(sql::encode::id);
                crate::log::append(tx, &secrets, &Entry { subject: entry.subject.or(subject), ..entry }).await?;
            }
            Ok::<_, UnitError>(found)
        })
    });
    done.await.map_err(|error| error.error)
}

/// A user by sign-in name.
pub async fn find(app: &App, login: &str) -> Result<Option<User>, AppError> {
    Ok(app.store.fetch(&system::user_by_login(app.store.dialect(), &clean_login(login))).await?.into_iter().next().and_then(user))
}

/// Whether there is any user yet.
pub async fn is_empty(app: &App) -> Result<bool, AppError> {
    Ok(app.store.fetch(&system::users(app.store.dialect())).await?.is_empty())
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
    run_on_person(&app.store, user, vec![rows::set_language(app.store.dialect(), user, language)]).await
}

/// The sign-in name of a user.
pub async fn login_of(app: &App, id: Uuid) -> Result<String, AppError> {
    Ok(by_id(app, id).await?.map(|user| user.login).unwrap_or_default())
}

pub(crate) async fn by_id(app: &App, id: Uuid) -> Result<Option<User>, AppError> {
    Ok(app.store.fetch(&system::user_by_id(app.store.dialect(), id)).await?.into_iter().next().and_then(user))
}
