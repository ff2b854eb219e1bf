//! Signing in and out; sessions and API tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sql::{Datum, encode, system, system_accounts as rows, system_factors as factors};
use store::Tx;
use uuid::Uuid;

use super::{Confirmed, Credential, Origin, User, by_id, clean_login, hash_of, new_token, passwords, run_logged, second, take_logged, user};
use crate::{App, AppError, UnitError, log::{self, Entry, Event}};

/// How long a session lasts.
const SESSION: TimeDelta = TimeDelta::days(14);
/// How long the second factor may take.
const STEP: TimeDelta = TimeDelta::minutes(10);
/// Most codes tried after one right password.
const MAX_CODES: i64 = 5;
/// How long a browser is known after its last sign-in.
pub const BROWSER: TimeDelta = TimeDelta::days(180);
/// Most sessions or tokens listed.
const MAX_LISTED: u32 = 200;

/// How somebody who wants to sign in fared.
#[derive(Debug)]
pub enum SignedIn {
    /// The name or the password is not right; which, nobody is told.
    Refused,
    /// The password is right, a code is wanted too: the token of this step.
    Code(String),
    /// A session is open.
    Open(Opened),
}

/// A session that was just opened.
#[derive(Debug)]
pub struct Opened {
    /// Its token.
    pub token: String,
    /// By which the browser is known from now on.
    pub browser: String,
}

/// Whether somebody signed in from this browser before: others who guess at their name do not lock them out of it.
pub async fn knows_browser(app: &App, browser: &str, login: &str, now: DateTime<Utc>) -> Result<bool, AppError> {
    Ok(!app.store.fetch(&factors::knows_browser(app.store.dialect(), hash_of(browser), &clean_login(login), now)).await?.is_empty())
}

/// Signs in by name and password.
pub async fn sign_in(app: &App, login: &str, password: &str, origin: &Origin, browser: Option<&str>, now: DateTime<Utc>) -> Result<SignedIn, AppError> {
    let dialect = app.store.dialect();
    let found = super::find(app, login).await?;
    let able = found.clone().filter(|user| user.active).and_then(|user| user.password.clone().map(|hash| (user, hash)));
    let right = match able {
        Some((user, hash)) => passwords::is(password, hash).await.then_some(user),
        None => {
            passwords::waste_time(password).await;
            None
        }
    };
    let Some(right) = right else {
        refused(app, Event::SignInFailed, found.as_ref(), origin).await?;
        return Ok(SignedIn::Refused);
    };
    if second::is_on(app, right.id).await? {
        let step = new_token();
        crate::run(&app.store, vec![factors::create_step(dialect, hash_of(&step), right.id, "password", now + STEP)]).await?;
        return Ok(SignedIn::Code(step));
    }
    open(app, right.id, origin, "password", browser, now).await.map(SignedIn::Open)
}

/// A line about somebody who was refused. A name that nobody has is not written down: it may be a mistyped password.
async fn refused(app: &App, event: Event, user: Option<&User>, origin: &Origin) -> Result<(), AppError> {
    let entry = Entry::new(event, origin);
    let entry = match user {
        Some(user) => entry.to(user.id).about("login", user.login.clone()),
        None => entry,
    };
    log::note(app, entry).await
}

/// A line about too many tries, once until they are allowed again.
pub async fn tried_too_often(app: &App, login: &str, origin: &Origin) -> Result<(), AppError> {
    let found = app.store.fetch(&system::user_by_login(app.store.dialect(), &clean_login(login))).await?.into_iter().next().and_then(user);
    refused(app, Event::TriedTooOften, found.as_ref(), origin).await
}

/// How a code fared.
#[derive(Debug)]
pub enum Coded {
    /// It is not right.
    Wrong,
    /// The step took too long, or too many tries: begin again.
    Gone,
    /// A session is open.
    Open(Opened),
}

/// Whose step is still under way.
pub async fn under_way(app: &App, step: &str, now: DateTime<Utc>) -> Result<Option<Uuid>, AppError> {
    Ok(app.store.fetch(&factors::step_user(app.store.dialect(), hash_of(step), MAX_CODES, now)).await?.into_iter().flatten().next().and_then(|id| encode::id(&id)))
}

/// Ends a step with a code, or with a recovery code.
pub async fn end_step(app: &App, step: &str, code: &str, origin: &Origin, browser: Option<&str>, now: DateTime<Utc>) -> Result<Coded, AppError> {
    let statement = factors::try_step(app.store.dialect(), hash_of(step), MAX_CODES, now);
    let tried = app.store.write(move |tx: &mut Tx| {
        let statement = statement.clone();
        Box::pin(async move { Ok::<_, UnitError>(tx.fetch(&statement).await?) })
    });
    let Some(id) = tried.await.map_err(|error| error.error)?.into_iter().flatten().next().and_then(|id| encode::id(&id)) else { return Ok(Coded::Gone) };
    let Some(user) = by_id(app, id).await?.filter(|user| user.active) else { return Ok(Coded::Gone) };
    let Some(method) = second::try_code(app, id, code, true, now).await? else {
        refused(app, Event::CodeFailed, Some(&user), origin).await?;
        return Ok(Coded::Wrong);
    };
    crate::run(&app.store, vec![factors::end_step(app.store.dialect(), hash_of(step))]).await?;
    open(app, id, origin, method, browser, now).await.map(Coded::Open)
}

/// Opens a session.
pub(crate) async fn open(app: &App, user: Uuid, origin: &Origin, method: &'static str, browser: Option<&str>, now: DateTime<Utc>) -> Result<Opened, AppError> {
    let (token, dialect) = (new_token(), app.store.dialect());
    // A browser that others signed in from before is known for this one, too, by a token of its own.
    let browser = match browser {
        Some(browser) if !app.store.fetch(&factors::knows_browser(dialect, hash_of(browser), &super::login_of(app, user).await?, now)).await?.is_empty() => browser.to_owned(),
        _ => new_token(),
    };
    let agent: String = origin.agent.chars().filter(|c| !c.is_control()).take(200).collect();
    let session = rows::NewSession { token: hash_of(&token), user, expires: now + SESSION, agent: &agent, address: origin.address.as_deref(), method };
    let statements = vec![rows::create_session(dialect, &session, now), rows::touch_user(dialect, user, now), factors::know_browser(dialect, hash_of(&browser), user, now + BROWSER)];
    let (secrets, entry) = (app.secrets.clone(), Entry::new(Event::SignedIn, origin).by(Some(user)).about("method", method));
    let done = app.store.write(move |tx: &mut Tx| {
        let (statements, secrets, entry) = (statements.clone(), secrets.clone(), entry.clone());
        Box::pin(async move {
            // Whoever was shut out at this very moment stays out.
            let active = tx.fetch(&system::user_by_id(tx.dialect(), user)).await?.into_iter().next().and_then(super::user).is_some_and(|user| user.active);
            if !active {
                return Err(AppError::Unauthenticated.into());
            }
            for statement in &statements {
                tx.execute(statement).await?;
            }
            log::append(tx, &secrets, &entry).await?;
            Ok::<(), UnitError>(())
        })
    });
    done.await.map_err(|error| error.error)?;
    Ok(Opened { token, browser })
}

/// Ends a session, as its owner.
pub async fn sign_out(app: &App, token: &str, origin: &Origin) -> Result<(), AppError> {
    let dialect = app.store.dialect();
    let whose = app.store.fetch(&rows::session_user(dialect, hash_of(token), Utc::now())).await?.into_iter().flatten().next().and_then(|id| encode::id(&id));
    let entry = Entry::new(Event::SignedOut, origin).by(whose);
    take_logged(app, rows::end_session(dialect, hash_of(token), None), entry).await.map(|_| ())
}

/// A session, as its owner and administrators may know it.
#[derive(Debug, Clone)]
pub struct Session {
    /// The hash of its token, which says nothing about the token.
    pub id: String,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it was last used, to ten minutes.
    pub seen: DateTime<Utc>,
    /// What the browser said about itself.
    pub agent: String,
    /// Where it began from.
    pub address: Option<String>,
    /// Whose.
    pub user: (Uuid, String),
}

/// Where a user is signed in, or where everybody is.
pub async fn sessions(app: &App, user: Option<Uuid>, now: DateTime<Utc>) -> Result<Vec<Session>, AppError> {
    let found = app.store.fetch(&rows::sessions(app.store.dialect(), user, now, MAX_LISTED)).await?;
    let text = |datum| if let Datum::Text(text) = datum { Some(text) } else { None };
    let session = |row: Vec<Datum>| match <[Datum; 8]>::try_from(row) {
        Ok([Datum::Bytes(token), Datum::Instant(began), Datum::Instant(seen), agent, address, _, Datum::Uuid(user), Datum::Text(name)]) => {
            Some(Session { id: URL_SAFE_NO_PAD.encode(token), began, seen, agent: text(agent).unwrap_or_default(), address: text(address), user: (user, name) })
        }
        _ => None,
    };
    Ok(found.into_iter().filter_map(session).collect())
}

/// The id of the session that a token belongs to.
pub fn session_id(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash_of(token))
}

/// Ends one of a user's own sessions; it may be the one that asks.
pub async fn end_session(app: &App, user: Uuid, id: &str, origin: &Origin) -> Result<(), AppError> {
    let entry = Entry::new(Event::SessionEnded, origin).by(Some(user));
    end(app, id, Some(user), entry).await
}

/// Ends a session.
pub(crate) async fn end(app: &App, id: &str, of: Option<Uuid>, entry: Entry) -> Result<(), AppError> {
    let token = URL_SAFE_NO_PAD.decode(id).map_err(|_| AppError::not_found("session"))?;
    take_logged(app, rows::end_session(app.store.dialect(), token, of), entry).await?.map(|_| ()).ok_or_else(|| AppError::not_found("session"))
}

/// An API token, as its owner and administrators may know it.
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
    /// When it was last used, to ten minutes.
    pub seen: Option<DateTime<Utc>>,
    /// Whether it may do what else asks for the password again.
    pub administers: bool,
    /// Whose.
    pub user: (Uuid, String),
}

/// A user's API tokens, or everybody's.
pub async fn tokens(app: &App, user: Option<Uuid>) -> Result<Vec<Token>, AppError> {
    let found = app.store.fetch(&rows::tokens(app.store.dialect(), user, Utc::now(), MAX_LISTED)).await?;
    let moment = |datum| if let Datum::Instant(at) = datum { Some(at) } else { None };
    let token = |row: Vec<Datum>| match <[Datum; 8]>::try_from(row) {
        Ok([Datum::Uuid(id), Datum::Text(name), Datum::Instant(made), ends, seen, Datum::Boolean(administers), Datum::Uuid(user), Datum::Text(owner)]) => {
            Some(Token { id, name, made, ends: moment(ends), seen: moment(seen), administers, user: (user, owner) })
        }
        _ => None,
    };
    Ok(found.into_iter().filter_map(token).collect())
}

/// A token to be made.
#[derive(Debug, Clone, Default)]
pub struct TokenAsked {
    /// What it is for.
    pub name: String,
    /// After how many days it ends; never if not said.
    pub days: Option<i64>,
    /// Whether it may do what else asks for the password again.
    pub administers: bool,
}

/// A new API token, as the command line makes it: the one time it can be read.
pub async fn create_token(app: &App, user: Uuid, name: &str, now: DateTime<Utc>) -> Result<String, AppError> {
    let asked = TokenAsked { name: name.to_owned(), ..TokenAsked::default() };
    make_token(app, user, &asked, Entry::new(Event::TokenMade, &Origin::command_line()), now).await
}

/// A new API token of one's own.
pub async fn own_token(app: &App, by: &Confirmed, asked: &TokenAsked, now: DateTime<Utc>) -> Result<String, AppError> {
    let user = by.user().ok_or(AppError::Unauthenticated)?;
    make_token(app, user, asked, by.entry(Event::TokenMade), now).await
}

/// A new API token of somebody.
pub async fn make_token(app: &App, user: Uuid, asked: &TokenAsked, entry: Entry, now: DateTime<Utc>) -> Result<String, AppError> {
    let name = model::types::clean(&asked.name);
    if name.is_empty() || name.chars().count() > 100 || name.contains(char::is_control) {
        return Err(AppError::malformed("bad_token", "a token is named by 1 to 100 characters that say what it is for"));
    }
    if asked.days.is_some_and(|days| !(1..=3_650).contains(&days)) {
        return Err(AppError::malformed("bad_token", "a token ends after 1 to 3650 days, or never"));
    }
    let token = new_token();
    let new = rows::NewToken { token: hash_of(&token), id: Uuid::now_v7(), user, name: &name, expires: asked.days.map(|days| now + TimeDelta::days(days)), administers: asked.administers };
    let entry = entry.to(user).about("name", name.clone()).about("administers", asked.administers);
    run_logged(app, vec![rows::create_token(app.store.dialect(), &new, now)], entry).await?;
    Ok(token)
}

/// Takes one of a user's own API tokens back.
pub async fn revoke_token(app: &App, user: Uuid, id: Uuid, origin: &Origin) -> Result<(), AppError> {
    let entry = Entry::new(Event::TokenRevoked, origin).by(Some(user));
    revoke(app, id, Some(user), entry).await
}

/// Takes an API token back.
pub(crate) async fn revoke(app: &App, id: Uuid, of: Option<Uuid>, entry: Entry) -> Result<(), AppError> {
    take_logged(app, rows::revoke_token(app.store.dialect(), id, of), entry).await?.map(|_| ()).ok_or_else(|| AppError::not_found("token"))
}

impl Credential<'_> {
    /// The statement that says whether whoever holds it may do what is dangerous: when they last showed who they are, or
    /// whether the token administers.
    pub(crate) fn trusted(&self, dialect: sql::Dialect) -> sql::Statement {
        match self {
            Self::Session(_) => rows::session_confirmed(dialect, self.hash()),
            Self::Token(_) => rows::token_administers(dialect, self.hash()),
        }
    }
}
