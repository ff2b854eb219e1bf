//! Statements about second factors, recovery codes, known browsers, and identities at other providers.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn done(dialect: Dialect, sql: &str, binds: Vec<Datum>) -> Statement {
    statement(dialect, sql, binds, Vec::new())
}

/// A user's second factor: the sealed secret, and the last step whose code was used.
pub fn second(dialect: Dialect, user: Uuid) -> Statement {
    statement(dialect, "SELECT second_factor, second_step FROM sys_user WHERE id = {}", vec![Datum::Uuid(user)], vec![Physical::Text, Physical::Integer])
}

/// Turns a second factor on.
pub fn set_second(dialect: Dialect, user: Uuid, secret: &str, step: i64) -> Statement {
    done(dialect, "UPDATE sys_user SET second_factor = {}, second_step = {} WHERE id = {}", vec![text(secret), Datum::Integer(step), Datum::Uuid(user)])
}

/// Uses a code up: no row where one of its step, or a later one, was used before.
pub fn use_step(dialect: Dialect, user: Uuid, step: i64) -> Statement {
    let sql = "UPDATE sys_user SET second_step = {} WHERE id = {} AND COALESCE(second_step, -1) < {} RETURNING id";
    statement(dialect, sql, vec![Datum::Integer(step), Datum::Uuid(user), Datum::Integer(step)], vec![Physical::Uuid])
}

/// Turns a second factor off, with its recovery codes.
pub fn clear_second(dialect: Dialect, user: Uuid) -> Vec<Statement> {
    ["UPDATE sys_user SET second_factor = NULL, second_step = NULL WHERE id = {}", "DELETE FROM sys_recovery_code WHERE user_id = {}", "DELETE FROM sys_second_draft WHERE user_id = {}"]
        .map(|sql| done(dialect, sql, vec![Datum::Uuid(user)])).into()
}

/// A second factor that is being set up, in place of another try.
pub fn put_draft(dialect: Dialect, user: Uuid, secret: &str, now: DateTime<Utc>) -> Statement {
    let sql = "INSERT INTO sys_second_draft (user_id, secret, created_at) VALUES ({}, {}, {}) ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at";
    done(dialect, sql, vec![Datum::Uuid(user), text(secret), Datum::Instant(now)])
}

/// The secret of a second factor that is being set up.
pub fn draft(dialect: Dialect, user: Uuid) -> Statement {
    statement(dialect, "SELECT secret FROM sys_second_draft WHERE user_id = {}", vec![Datum::Uuid(user)], vec![Physical::Text])
}

/// It is set up, or given up.
pub fn clear_draft(dialect: Dialect, user: Uuid) -> Statement {
    done(dialect, "DELETE FROM sys_second_draft WHERE user_id = {}", vec![Datum::Uuid(user)])
}

/// Recovery codes in place of those there were, by their hashes.
pub fn put_codes(dialect: Dialect, user: Uuid, codes: &[Vec<u8>]) -> Vec<Statement> {
    let one = |code: &Vec<u8>| done(dialect, "INSERT INTO sys_recovery_code (user_id, code) VALUES ({}, {})", vec![Datum::Uuid(user), Datum::Bytes(code.clone())]);
    std::iter::once(done(dialect, "DELETE FROM sys_recovery_code WHERE user_id = {}", vec![Datum::Uuid(user)])).chain(codes.iter().map(one)).collect()
}

/// Uses a recovery code up: a row if it was there.
pub fn use_code(dialect: Dialect, user: Uuid, code: Vec<u8>) -> Statement {
    statement(dialect, "DELETE FROM sys_recovery_code WHERE user_id = {} AND code = {} RETURNING user_id", vec![Datum::Uuid(user), Datum::Bytes(code)], vec![Physical::Uuid])
}

/// How many recovery codes are left.
pub fn count_codes(dialect: Dialect, user: Uuid) -> Statement {
    statement(dialect, "SELECT CAST(count(*) AS bigint) FROM sys_recovery_code WHERE user_id = {}", vec![Datum::Uuid(user)], vec![Physical::Integer])
}

/// The password was right: what is still to come must come until then.
pub fn create_step(dialect: Dialect, token: Vec<u8>, user: Uuid, method: &str, expires: DateTime<Utc>) -> Statement {
    let binds = vec![Datum::Bytes(token), Datum::Uuid(user), text(method), Datum::Integer(0), Datum::Instant(expires)];
    done(dialect, "INSERT INTO sys_login_step (token, user_id, method, failures, expires_at) VALUES ({}, {}, {}, {}, {})", binds)
}

/// Takes a try at a step under way, and counts it: whose it is.
pub fn try_step(dialect: Dialect, token: Vec<u8>, most: i64, now: DateTime<Utc>) -> Statement {
    let sql = "UPDATE sys_login_step SET failures = failures + 1 WHERE token = {} AND failures < {} AND expires_at > {} RETURNING user_id";
    statement(dialect, sql, vec![Datum::Bytes(token), Datum::Integer(most), Datum::Instant(now)], vec![Physical::Uuid])
}

/// Whose a step under way is.
pub fn step_user(dialect: Dialect, token: Vec<u8>, most: i64, now: DateTime<Utc>) -> Statement {
    let sql = "SELECT user_id FROM sys_login_step WHERE token = {} AND failures < {} AND expires_at > {}";
    statement(dialect, sql, vec![Datum::Bytes(token), Datum::Integer(most), Datum::Instant(now)], vec![Physical::Uuid])
}

/// A step is done.
pub fn end_step(dialect: Dialect, token: Vec<u8>) -> Statement {
    done(dialect, "DELETE FROM sys_login_step WHERE token = {}", vec![Datum::Bytes(token)])
}

/// A browser from which somebody signed in.
pub fn know_browser(dialect: Dialect, token: Vec<u8>, user: Uuid, expires: DateTime<Utc>) -> Statement {
    let sql = "INSERT INTO sys_browser (token, user_id, expires_at) VALUES ({}, {}, {}) ON CONFLICT (token) DO UPDATE SET expires_at = excluded.expires_at";
    done(dialect, sql, vec![Datum::Bytes(token), Datum::Uuid(user), Datum::Instant(expires)])
}

/// Whether somebody signed in from a browser before.
pub fn knows_browser(dialect: Dialect, token: Vec<u8>, login: &str, now: DateTime<Utc>) -> Statement {
    let sql = "SELECT b.user_id FROM sys_browser b JOIN sys_user u ON u.id = b.user_id WHERE b.token = {} AND u.login = {} AND b.expires_at > {}";
    statement(dialect, sql, vec![Datum::Bytes(token), text(login), Datum::Instant(now)], vec![Physical::Uuid])
}

/// Who somebody of another provider is here.
pub fn identity(dialect: Dialect, issuer: &str, subject: &str) -> Statement {
    statement(dialect, "SELECT user_id FROM sys_identity WHERE issuer = {} AND subject = {}", vec![text(issuer), text(subject)], vec![Physical::Uuid])
}

/// Ties somebody of another provider to a user.
pub fn tie_identity(dialect: Dialect, issuer: &str, subject: &str, user: Uuid, name: &str, now: DateTime<Utc>) -> Statement {
    let binds = vec![text(issuer), text(subject), Datum::Uuid(user), text(name), Datum::Instant(now)];
    done(dialect, "INSERT INTO sys_identity (issuer, subject, user_id, name, created_at) VALUES ({}, {}, {}, {}, {})", binds)
}

/// At which providers a user is known: issuer, name there.
pub fn identities(dialect: Dialect, user: Uuid) -> Statement {
    statement(dialect, "SELECT issuer, name FROM sys_identity WHERE user_id = {} ORDER BY issuer", vec![Datum::Uuid(user)], vec![Physical::Text, Physical::Text])
}

/// Forgets who a user is elsewhere.
pub fn untie_identities(dialect: Dialect, user: Uuid) -> Statement {
    done(dialect, "DELETE FROM sys_identity WHERE user_id = {}", vec![Datum::Uuid(user)])
}

/// Signing in at another provider begins.
pub fn begin_provider(dialect: Dialect, state: Vec<u8>, content: &str, expires: DateTime<Utc>) -> Statement {
    done(dialect, "INSERT INTO sys_provider_step (state, content, expires_at) VALUES ({}, {}, {})", vec![Datum::Bytes(state), text(content), Datum::Instant(expires)])
}

/// Somebody comes back from another provider: what was kept, once.
pub fn end_provider(dialect: Dialect, state: Vec<u8>, now: DateTime<Utc>) -> Statement {
    let sql = "DELETE FROM sys_provider_step WHERE state = {} AND expires_at > {} RETURNING content";
    statement(dialect, sql, vec![Datum::Bytes(state), Datum::Instant(now)], vec![Physical::Text])
}
