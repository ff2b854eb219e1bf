//! The second factor: codes of an authenticator app that change every half minute, and recovery codes for when the
//! telephone is gone.
//!
//! **Invariants**
//! - A code is good once: the step it belongs to is used up in the statement that looks at it.
//! - The secret is closed with the site's key, for its owner; recovery codes are hashes, each good once.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use qrcode::{QrCode, render::svg};
use sql::{Datum, Statement, system_factors as rows};
use store::Tx;
use totp_rs::{Algorithm, Builder, Secret, Totp};
use uuid::Uuid;

use super::{Confirmed, hash_of, login_of, run_logged};
use crate::{App, AppError, UnitError, log::Event};

/// How many recovery codes there are.
const CODES: usize = 10;
/// Letters and digits that nobody takes for each other.
const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// A second factor that is being set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The secret, for typing it in.
    pub secret: String,
    /// The picture that an authenticator app reads, as the address of an image.
    pub picture: String,
}

fn internal(error: impl std::fmt::Display) -> AppError {
    AppError::Internal(error.to_string())
}

fn totp(app: &App, login: &str, secret: &str) -> Result<Totp, AppError> {
    let secret = Secret::try_from_base32(secret).map_err(internal)?;
    // A colon ends the name in what apps read.
    let plain = |text: &str| text.replace(':', " ");
    let made = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(30).with_secret(secret);
    made.with_issuer(Some(plain(&app.settings().name))).with_account_name(plain(login)).build().map_err(internal)
}

/// Whether a user has a second factor.
pub async fn is_on(app: &App, user: Uuid) -> Result<bool, AppError> {
    Ok(matches!(app.store.fetch(&rows::second(app.store.dialect(), user)).await?.into_iter().next().as_deref(), Some([Datum::Text(_), _])))
}

/// Begins to set a second factor up, or shows again what was begun.
pub async fn begin(app: &App, by: &Confirmed, now: DateTime<Utc>) -> Result<Setup, AppError> {
    let user = by.user().ok_or(AppError::Unauthenticated)?;
    if is_on(app, user).await? {
        return Err(is_on_already());
    }
    let secret = match draft(app, user).await? {
        Some(secret) => secret,
        None => {
            let bytes: [u8; 20] = rand::random();
            let secret = Secret::from(bytes).to_base32();
            let closed = app.secrets.seal("second", user.as_bytes(), &secret)?;
            crate::run(&app.store, vec![rows::put_draft(app.store.dialect(), user, &closed, now)]).await?;
            secret
        }
    };
    let address = totp(app, &login_of(app, user).await?, &secret)?.to_url().map_err(internal)?;
    let picture = QrCode::new(address.as_bytes()).map_err(internal)?.render::<svg::Color>().min_dimensions(220, 220).build();
    Ok(Setup { secret, picture: format!("data:image/svg+xml;base64,{}", STANDARD.encode(picture)) })
}

async fn draft(app: &App, user: Uuid) -> Result<Option<String>, AppError> {
    let found = app.store.fetch(&rows::draft(app.store.dialect(), user)).await?.into_iter().flatten().next();
    Ok(match found {
        Some(Datum::Text(closed)) => app.secrets.open_sealed("second", user.as_bytes(), &closed),
        _ => None,
    })
}

fn is_on_already() -> AppError {
    AppError::Conflict { code: "second_factor_on", detail: "there is a second factor already; turn it off first".into(), blockers: Vec::new() }
}

fn wrong_code() -> AppError {
    AppError::malformed("wrong_code", "this code is not right; take the one that the app shows now")
}

/// Turns the second factor on, with a code that shows that it works: the recovery codes, the one time they can be read.
pub async fn turn_on(app: &App, by: &Confirmed, code: &str, now: DateTime<Utc>) -> Result<Vec<String>, AppError> {
    let user = by.user().ok_or(AppError::Unauthenticated)?;
    if is_on(app, user).await? {
        return Err(is_on_already());
    }
    let secret = draft(app, user).await?.ok_or_else(wrong_code)?;
    let step = matched(&totp(app, &login_of(app, user).await?, &secret)?, code, now).ok_or_else(wrong_code)?;
    let (codes, dialect) = (new_codes(), app.store.dialect());
    let closed = app.secrets.seal("second", user.as_bytes(), &secret)?;
    let mut statements = vec![rows::set_second(dialect, user, &closed, step), rows::clear_draft(dialect, user)];
    statements.extend(put_codes(dialect, user, &codes));
    run_logged(app, statements, by.entry(Event::SecondOn).to(user)).await?;
    Ok(codes)
}

/// Turns one's own second factor off.
pub async fn turn_off(app: &App, by: &Confirmed) -> Result<(), AppError> {
    let user = by.user().ok_or(AppError::Unauthenticated)?;
    run_logged(app, rows::clear_second(app.store.dialect(), user), by.entry(Event::SecondOff).to(user)).await
}

/// Other recovery codes in place of those there were.
pub async fn renew_codes(app: &App, by: &Confirmed) -> Result<Vec<String>, AppError> {
    let user = by.user().ok_or(AppError::Unauthenticated)?;
    if !is_on(app, user).await? {
        return Err(AppError::Conflict { code: "second_factor_off", detail: "there is no second factor; turn one on first".into(), blockers: Vec::new() });
    }
    let codes = new_codes();
    run_logged(app, put_codes(app.store.dialect(), user, &codes), by.entry(Event::CodesMade).to(user)).await?;
    Ok(codes)
}

/// How many recovery codes are left.
pub async fn codes_left(app: &App, user: Uuid) -> Result<i64, AppError> {
    let found = app.store.fetch(&rows::count_codes(app.store.dialect(), user)).await?.into_iter().flatten().next();
    Ok(if let Some(Datum::Integer(count)) = found { count } else { 0 })
}

fn new_codes() -> Vec<String> {
    let one = || {
        let bytes: [u8; 16] = rand::random();
        let signs: String = bytes.iter().map(|byte| char::from(SIGNS[usize::from(byte % 32)])).collect();
        [&signs[..4], &signs[4..8], &signs[8..12], &signs[12..]].join("-")
    };
    std::iter::repeat_with(one).take(CODES).collect()
}

/// As it is compared, however it was typed; another user's is another.
fn hash_code(user: Uuid, code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    hash_of(&format!("{} {plain}", user.simple()))
}

fn put_codes(dialect: sql::Dialect, user: Uuid, codes: &[String]) -> Vec<Statement> {
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| hash_code(user, code)).collect();
    rows::put_codes(dialect, user, &hashes)
}

/// The step that a code belongs to, now or half a minute around.
fn matched(totp: &Totp, code: &str, now: DateTime<Utc>) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let step = totp.check(&digits, u64::try_from(now.timestamp()).ok()?)?;
    i64::try_from(step).ok()
}

/// Tries a code, and with `recovery` also as a recovery code: which of them it was. It is used up.
pub(crate) async fn try_code(app: &App, user: Uuid, code: &str, recovery: bool, now: DateTime<Utc>) -> Result<Option<&'static str>, AppError> {
    let dialect = app.store.dialect();
    let found = app.store.fetch(&rows::second(dialect, user)).await?.into_iter().next();
    let secret = match found.as_deref() {
        Some([Datum::Text(closed), _]) => app.secrets.open_sealed("second", user.as_bytes(), closed),
        _ => return Ok(None),
    };
    let step = match secret {
        Some(secret) => matched(&totp(app, &login_of(app, user).await?, &secret)?, code, now),
        // The site's key is another one: recovery codes still open.
        None => None,
    };
    let (statement, method) = match step {
        Some(step) => (rows::use_step(dialect, user, step), "code"),
        None if recovery => (rows::use_code(dialect, user, hash_code(user, code)), "recovery"),
        None => return Ok(None),
    };
    let used = app.store.write(move |tx: &mut Tx| {
        let statement = statement.clone();
        Box::pin(async move { Ok::<_, UnitError>(tx.fetch(&statement).await?) })
    });
    let used = used.await.map_err(|error| error.error)?;
    Ok((!used.is_empty()).then_some(method))
}
