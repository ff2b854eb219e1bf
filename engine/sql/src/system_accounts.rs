//! Statements about accounts: who somebody is, sessions, tokens, links, second factors.
//!
//! **Not here:** groups and preferences (`system`), the log of what was done (`system_log`).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

fn text(text: impl Into<String>) -> Datum {
    Datum::Text(text.into())
}

fn maybe(value: Option<&str>) -> Datum {
    value.map_or(Datum::Null(Physical::Text), text)
}

fn done(dialect: Dialect, sql: &str, binds: Vec<Datum>) -> Statement {
    statement(dialect, sql, binds, Vec::new())
}

/// Held from the begin of whatever changes who may administer: two who take it from each other come one after the other.
pub fn hold_accounts() -> Statement {
    statement(Dialect::Postgres, "SELECT 1::bigint FROM pg_advisory_xact_lock(6011200720021)", Vec::new(), vec![Physical::Integer])
}

/// The columns of [`people`] and [`person`]: id, name to sign in with, name, mail, language, active, whether there is a
/// password, whether there is a second factor, made, last seen, groups.
pub const PERSON_COLUMNS: [Physical; 11] = [
    Physical::Uuid, Physical::Text, Physical::Text, Physical::Text, Physical::Text, Physical::Boolean, Physical::Boolean, Physical::Boolean, Physical::Instant, Physical::Instant, Physical::Text,
];

fn person_columns(dialect: Dialect) -> String {
    let joined = if dialect == Dialect::Sqlite { "group_concat" } else { "string_agg" };
    format!(
        "u.id, u.login, u.display_name, u.email, u.language, u.active, u.password IS NOT NULL, u.second_factor IS NOT NULL, u.created_at, u.seen_at, \
         (SELECT {joined}(r.role, ',') FROM sys_user_role r WHERE r.user_id = u.id)"
    )
}

/// Which accounts are listed.
#[derive(Debug, Clone, Default)]
pub struct People<'a> {
    /// Text of a name or address, in lower case.
    pub text: Option<&'a str>,
    /// Only those that are open, or closed.
    pub active: Option<bool>,
    /// Only members of a group.
    pub role: Option<&'a str>,
    /// After this name.
    pub after: Option<&'a str>,
}

/// Accounts by the name they sign in with.
pub fn people(dialect: Dialect, asked: &People<'_>, limit: u32) -> Statement {
    let (mut binds, mut tests) = (Vec::new(), vec!["1 = 1".to_owned()]);
    if let Some(part) = asked.text {
        let like = format!("%{}%", part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        binds.extend([text(like.clone()), text(like.clone()), text(like)]);
        tests.push("(u.login LIKE {} ESCAPE '\\' OR lower(u.display_name) LIKE {} ESCAPE '\\' OR lower(u.email) LIKE {} ESCAPE '\\')".into());
    }
    if let Some(active) = asked.active {
        binds.push(Datum::Boolean(active));
        tests.push("u.active = {}".into());
    }
    if let Some(role) = asked.role {
        binds.push(text(role));
        tests.push("EXISTS (SELECT 1 FROM sys_user_role m WHERE m.user_id = u.id AND m.role = {})".into());
    }
    if let Some(after) = asked.after {
        binds.push(text(after));
        tests.push("u.login > {}".into());
    }
    let sql = format!("SELECT {} FROM sys_user u WHERE {} ORDER BY u.login LIMIT {limit}", person_columns(dialect), tests.join(" AND "));
    statement(dialect, &sql, binds, PERSON_COLUMNS.to_vec())
}

/// One account.
pub fn person(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, &format!("SELECT {} FROM sys_user u WHERE u.id = {{}}", person_columns(dialect)), vec![Datum::Uuid(id)], PERSON_COLUMNS.to_vec())
}

/// How many members each group has that may sign in: group, count.
pub fn members(dialect: Dialect) -> Statement {
    let sql = "SELECT r.role, CAST(count(*) AS bigint) FROM sys_user_role r JOIN sys_user u ON u.id = r.user_id WHERE u.active = {} GROUP BY r.role ORDER BY r.role";
    statement(dialect, sql, vec![Datum::Boolean(true)], vec![Physical::Text, Physical::Integer])
}

/// Members of a group, beside one, who may sign in and have something to do it with.
pub fn other_members(dialect: Dialect, role: &str, beside: Uuid) -> Statement {
    let sql = "SELECT u.id FROM sys_user u JOIN sys_user_role r ON r.user_id = u.id WHERE r.role = {} AND u.active = {} AND u.id <> {} \
               AND (u.password IS NOT NULL OR EXISTS (SELECT 1 FROM sys_identity i WHERE i.user_id = u.id)) LIMIT 1";
    statement(dialect, sql, vec![text(role), Datum::Boolean(true), Datum::Uuid(beside)], vec![Physical::Uuid])
}

/// Another name, mail address, language.
pub fn change_user(dialect: Dialect, id: Uuid, name: Option<&str>, email: Option<Option<&str>>, language: Option<Option<&str>>) -> Option<Statement> {
    let said = [("display_name", name.map(text)), ("email", email.map(maybe)), ("language", language.map(maybe))];
    let (sets, mut binds): (Vec<String>, Vec<Datum>) = said.into_iter().filter_map(|(column, datum)| Some((format!("{column} = {{}}"), datum?))).unzip();
    binds.push(Datum::Uuid(id));
    (!sets.is_empty()).then(|| done(dialect, &format!("UPDATE sys_user SET {} WHERE id = {{}}", sets.join(", ")), binds))
}

/// Takes a user out of a group.
pub fn remove_role(dialect: Dialect, user: Uuid, role: &str) -> Statement {
    done(dialect, "DELETE FROM sys_user_role WHERE user_id = {} AND role = {}", vec![Datum::Uuid(user), text(role)])
}

/// Another password.
pub fn set_password(dialect: Dialect, user: Uuid, password: &str) -> Statement {
    done(dialect, "UPDATE sys_user SET password = {} WHERE id = {}", vec![text(password), Datum::Uuid(user)])
}

/// Another language.
pub fn set_language(dialect: Dialect, user: Uuid, language: &str) -> Statement {
    done(dialect, "UPDATE sys_user SET language = {} WHERE id = {}", vec![text(language), Datum::Uuid(user)])
}

/// Whether the user may sign in.
pub fn set_active(dialect: Dialect, user: Uuid, active: bool) -> Statement {
    done(dialect, "UPDATE sys_user SET active = {} WHERE id = {}", vec![Datum::Boolean(active), Datum::Uuid(user)])
}

/// Notes that a user signed in.
pub fn touch_user(dialect: Dialect, user: Uuid, now: DateTime<Utc>) -> Statement {
    done(dialect, "UPDATE sys_user SET seen_at = {} WHERE id = {}", vec![Datum::Instant(now), Datum::Uuid(user)])
}

/// A session to be.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    /// Hash of its token.
    pub token: Vec<u8>,
    /// Whose.
    pub user: Uuid,
    /// When it ends.
    pub expires: DateTime<Utc>,
    /// What the browser says about itself.
    pub agent: &'a str,
    /// Where from.
    pub address: Option<&'a str>,
    /// How they signed in: `password`, `code`, `recovery`, `provider`.
    pub method: &'a str,
}

/// A new session, whose user has just shown who they are.
pub fn create_session(dialect: Dialect, session: &NewSession<'_>, now: DateTime<Utc>) -> Statement {
    let at = || Datum::Instant(now);
    let binds = vec![Datum::Bytes(session.token.clone()), Datum::Uuid(session.user), at(), at(), Datum::Instant(session.expires), text(session.agent), maybe(session.address), text(session.method), at()];
    done(dialect, "INSERT INTO sys_session (token, user_id, created_at, seen_at, expires_at, agent, address, method, confirmed_at) VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {})", binds)
}

/// The user of a session that has not expired, when it ends, when it was last noted as used.
pub fn session_user(dialect: Dialect, token: Vec<u8>, now: DateTime<Utc>) -> Statement {
    let sql = "SELECT user_id, expires_at, seen_at FROM sys_session WHERE token = {} AND expires_at > {}";
    statement(dialect, sql, vec![Datum::Bytes(token), Datum::Instant(now)], vec![Physical::Uuid, Physical::Instant, Physical::Instant])
}

/// When the user of a session last showed who they are.
pub fn session_confirmed(dialect: Dialect, token: Vec<u8>) -> Statement {
    statement(dialect, "SELECT confirmed_at FROM sys_session WHERE token = {}", vec![Datum::Bytes(token)], vec![Physical::Instant])
}

/// The user of a session has shown again who they are.
pub fn confirm_session(dialect: Dialect, token: Vec<u8>, now: DateTime<Utc>) -> Statement {
    done(dialect, "UPDATE sys_session SET confirmed_at = {} WHERE token = {}", vec![Datum::Instant(now), Datum::Bytes(token)])
}

/// Notes that a session is in use.
pub fn touch_session(dialect: Dialect, token: Vec<u8>, now: DateTime<Utc>) -> Statement {
    done(dialect, "UPDATE sys_session SET seen_at = {} WHERE token = {}", vec![Datum::Instant(now), Datum::Bytes(token)])
}

/// Sessions that have not expired, of one user or of all, the last used first: hash of the token, begun, last used,
/// browser, address, how, whose, their name.
pub fn sessions(dialect: Dialect, user: Option<Uuid>, now: DateTime<Utc>, limit: u32) -> Statement {
    let mut binds = vec![Datum::Instant(now)];
    let own = user.map_or("", |user| {
        binds.push(Datum::Uuid(user));
        " AND s.user_id = {}"
    });
    let sql = format!(
        "SELECT s.token, s.created_at, s.seen_at, s.agent, s.address, s.method, s.user_id, u.display_name FROM sys_session s JOIN sys_user u ON u.id = s.user_id \
         WHERE s.expires_at > {{}}{own} ORDER BY s.seen_at DESC, s.created_at DESC LIMIT {limit}"
    );
    let columns = vec![Physical::Bytes, Physical::Instant, Physical::Instant, Physical::Text, Physical::Text, Physical::Text, Physical::Uuid, Physical::Text];
    statement(dialect, &sql, binds, columns)
}

/// Ends one session: its user, if there was one. With `of`, only if it is theirs.
pub fn end_session(dialect: Dialect, token: Vec<u8>, of: Option<Uuid>) -> Statement {
    let mut binds = vec![Datum::Bytes(token)];
    let own = of.map_or("", |user| {
        binds.push(Datum::Uuid(user));
        " AND user_id = {}"
    });
    statement(dialect, &format!("DELETE FROM sys_session WHERE token = {{}}{own} RETURNING user_id"), binds, vec![Physical::Uuid])
}

/// Ends every session of a user, with what stands between a right password and one.
pub fn end_sessions(dialect: Dialect, user: Uuid) -> Vec<Statement> {
    ["DELETE FROM sys_session WHERE user_id = {}", "DELETE FROM sys_login_step WHERE user_id = {}"].map(|sql| done(dialect, sql, vec![Datum::Uuid(user)])).into()
}

/// Ends the links of a user.
pub fn end_links(dialect: Dialect, user: Uuid) -> Statement {
    done(dialect, "DELETE FROM sys_login_link WHERE user_id = {}", vec![Datum::Uuid(user)])
}

/// Takes every other way in away from a user: tokens, links, browsers that were known.
pub fn end_ways(dialect: Dialect, user: Uuid) -> Vec<Statement> {
    ["DELETE FROM sys_token WHERE user_id = {}", "DELETE FROM sys_login_link WHERE user_id = {}", "DELETE FROM sys_browser WHERE user_id = {}"].map(|sql| done(dialect, sql, vec![Datum::Uuid(user)])).into()
}

/// An API token to be.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// Its hash.
    pub token: Vec<u8>,
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub user: Uuid,
    /// What it is for.
    pub name: &'a str,
    /// When it ends.
    pub expires: Option<DateTime<Utc>>,
    /// Whether it may do what else needs a confirmed session.
    pub administers: bool,
}

/// A new API token.
pub fn create_token(dialect: Dialect, token: &NewToken<'_>, now: DateTime<Utc>) -> Statement {
    let ends = token.expires.map_or(Datum::Null(Physical::Instant), Datum::Instant);
    let binds = vec![Datum::Bytes(token.token.clone()), Datum::Uuid(token.id), Datum::Uuid(token.user), text(token.name), Datum::Instant(now), ends, Datum::Boolean(token.administers)];
    done(dialect, "INSERT INTO sys_token (token, id, user_id, name, created_at, expires_at, administers) VALUES ({}, {}, {}, {}, {}, {}, {})", binds)
}

/// API tokens of one user or of all, the newest first: id, what it is for, made, ends, last used, whether it
/// administers, whose, their name.
pub fn tokens(dialect: Dialect, user: Option<Uuid>, now: DateTime<Utc>, limit: u32) -> Statement {
    let mut binds = vec![Datum::Instant(now)];
    let own = user.map_or("", |user| {
        binds.push(Datum::Uuid(user));
        " AND t.user_id = {}"
    });
    let sql = format!(
        "SELECT t.id, t.name, t.created_at, t.expires_at, t.seen_at, t.administers, t.user_id, u.display_name FROM sys_token t JOIN sys_user u ON u.id = t.user_id \
         WHERE (t.expires_at IS NULL OR t.expires_at > {{}}){own} ORDER BY t.created_at DESC, t.id LIMIT {limit}"
    );
    let columns = vec![Physical::Uuid, Physical::Text, Physical::Instant, Physical::Instant, Physical::Instant, Physical::Boolean, Physical::Uuid, Physical::Text];
    statement(dialect, &sql, binds, columns)
}

/// Takes one API token back: its user, if there was one. With `of`, only if it is theirs.
pub fn revoke_token(dialect: Dialect, id: Uuid, of: Option<Uuid>) -> Statement {
    let mut binds = vec![Datum::Uuid(id)];
    let own = of.map_or("", |user| {
        binds.push(Datum::Uuid(user));
        " AND user_id = {}"
    });
    statement(dialect, &format!("DELETE FROM sys_token WHERE id = {{}}{own} RETURNING user_id"), binds, vec![Physical::Uuid])
}

/// The user of an API token that has not expired, when it ends, when it was last noted as used.
pub fn token_user(dialect: Dialect, token: Vec<u8>, now: DateTime<Utc>) -> Statement {
    let sql = "SELECT user_id, expires_at, COALESCE(seen_at, created_at) FROM sys_token WHERE token = {} AND (expires_at IS NULL OR expires_at > {})";
    statement(dialect, sql, vec![Datum::Bytes(token), Datum::Instant(now)], vec![Physical::Uuid, Physical::Instant, Physical::Instant])
}

/// Whether an API token administers.
pub fn token_administers(dialect: Dialect, token: Vec<u8>) -> Statement {
    statement(dialect, "SELECT administers FROM sys_token WHERE token = {}", vec![Datum::Bytes(token)], vec![Physical::Boolean])
}

/// Notes that an API token is in use.
pub fn touch_token(dialect: Dialect, token: Vec<u8>, now: DateTime<Utc>) -> Statement {
    done(dialect, "UPDATE sys_token SET seen_at = {} WHERE token = {}", vec![Datum::Instant(now), Datum::Bytes(token)])
}

/// A link with which a password is set, once: first what ends those that were made before, then what keeps it.
pub fn create_login_link(dialect: Dialect, token: Vec<u8>, user: Uuid, kind: &str, now: DateTime<Utc>, expires: DateTime<Utc>) -> Vec<Statement> {
    let binds = vec![Datum::Bytes(token), Datum::Uuid(user), text(kind), Datum::Instant(now), Datum::Instant(expires)];
    vec![
        done(dialect, "DELETE FROM sys_login_link WHERE user_id = {}", vec![Datum::Uuid(user)]),
        done(dialect, "INSERT INTO sys_login_link (token, user_id, kind, created_at, expires_at) VALUES ({}, {}, {}, {}, {})", binds),
    ]
}

/// Whose a link is, if it is still good: user, kind.
pub fn login_link(dialect: Dialect, token: Vec<u8>, now: DateTime<Utc>) -> Statement {
    let sql = "SELECT user_id, kind FROM sys_login_link WHERE token = {} AND expires_at > {}";
    statement(dialect, sql, vec![Datum::Bytes(token), Datum::Instant(now)], vec![Physical::Uuid, Physical::Text])
}

/// Uses a link up: the user it was for, if it was still good, and its kind.
pub fn use_login_link(dialect: Dialect, token: Vec<u8>, now: DateTime<Utc>) -> Statement {
    let sql = "DELETE FROM sys_login_link WHERE token = {} AND expires_at > {} RETURNING user_id, kind";
    statement(dialect, sql, vec![Datum::Bytes(token), Datum::Instant(now)], vec![Physical::Uuid, Physical::Text])
}

/// Until when a link of a user is good: kind, end.
pub fn link_of(dialect: Dialect, user: Uuid, now: DateTime<Utc>) -> Statement {
    statement(dialect, "SELECT kind, expires_at FROM sys_login_link WHERE user_id = {} AND expires_at > {}", vec![Datum::Uuid(user), Datum::Instant(now)], vec![Physical::Text, Physical::Instant])
}
