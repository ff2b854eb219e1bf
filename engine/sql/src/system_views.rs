//! Statements over the lists that people keep.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

fn text(text: &str) -> Datum {
    Datum::Text(text.to_owned())
}

/// The columns of [`visible`] and [`one`]: id, owner, owner's name, name, folder, definition, groups joined by commas.
const COLUMNS: [Physical; 7] = [Physical::Uuid, Physical::Uuid, Physical::Text, Physical::Text, Physical::Text, Physical::Text, Physical::Text];

fn select(dialect: Dialect) -> String {
    let joined = match dialect {
        Dialect::Sqlite => "group_concat(r.role, ',')",
        Dialect::Postgres => "string_agg(r.role, ',')",
    };
    format!(
        "SELECT v.id, v.owner, u.display_name, v.name, v.folder, v.definition, (SELECT {joined} FROM sys_view_role r WHERE r.view_id = v.id) \
         FROM sys_view v JOIN sys_user u ON u.id = v.owner"
    )
}

/// Their own, and those shared with a group of theirs; `all` means every shared one.
const MAY_SEE: &str = "(v.owner = {} OR EXISTS (SELECT 1 FROM sys_view_role r LEFT JOIN sys_user_role m ON m.role = r.role AND m.user_id = {} WHERE r.view_id = v.id AND ({} OR m.role IS NOT NULL)))";

/// The lists of a card that a user sees, oldest first.
pub fn visible(dialect: Dialect, card: &str, user: Uuid, all: bool) -> Statement {
    let sql = format!("{} WHERE v.card = {{}} AND v.deleted_at IS NULL AND {MAY_SEE} ORDER BY v.id", select(dialect));
    statement(dialect, &sql, vec![text(card), Datum::Uuid(user), Datum::Uuid(user), Datum::Boolean(all)], COLUMNS.to_vec())
}

/// One of them. `deleted` asks for one that was deleted.
pub fn one(dialect: Dialect, card: &str, id: Uuid, user: Uuid, all: bool, deleted: bool) -> Statement {
    let gone = if deleted { "IS NOT NULL" } else { "IS NULL" };
    let sql = format!("{} WHERE v.id = {{}} AND v.card = {{}} AND v.deleted_at {gone} AND {MAY_SEE}", select(dialect));
    statement(dialect, &sql, vec![Datum::Uuid(id), text(card), Datum::Uuid(user), Datum::Uuid(user), Datum::Boolean(all)], COLUMNS.to_vec())
}

/// How many lists of a card a user keeps.
pub fn count(dialect: Dialect, card: &str, owner: Uuid) -> Statement {
    statement(dialect, "SELECT count(*) FROM sys_view WHERE card = {} AND owner = {} AND deleted_at IS NULL", vec![text(card), Datum::Uuid(owner)], vec![Physical::Integer])
}

/// What is kept of a list.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Kept<'a> {
    pub name: &'a str,
    pub folder: &'a str,
    pub definition: &'a str,
    pub roles: &'a [String],
}

/// A new list.
pub fn create(dialect: Dialect, id: Uuid, card: &str, owner: Uuid, kept: &Kept<'_>, now: DateTime<Utc>) -> Vec<Statement> {
    let sql = "INSERT INTO sys_view (id, card, owner, name, folder, definition, created_at, updated_at) VALUES ({}, {}, {}, {}, {}, {}, {}, {})";
    let binds = vec![Datum::Uuid(id), text(card), Datum::Uuid(owner), text(kept.name), text(kept.folder), text(kept.definition), Datum::Instant(now), Datum::Instant(now)];
    std::iter::once(statement(dialect, sql, binds, Vec::new())).chain(share(dialect, id, kept.roles)).collect()
}

/// A list as it is now.
pub fn change(dialect: Dialect, id: Uuid, kept: &Kept<'_>, now: DateTime<Utc>) -> Vec<Statement> {
    let sql = "UPDATE sys_view SET name = {}, folder = {}, definition = {}, updated_at = {} WHERE id = {}";
    let binds = vec![text(kept.name), text(kept.folder), text(kept.definition), Datum::Instant(now), Datum::Uuid(id)];
    let unshare = statement(dialect, "DELETE FROM sys_view_role WHERE view_id = {}", vec![Datum::Uuid(id)], Vec::new());
    [statement(dialect, sql, binds, Vec::new()), unshare].into_iter().chain(share(dialect, id, kept.roles)).collect()
}

fn share(dialect: Dialect, id: Uuid, roles: &[String]) -> impl Iterator<Item = Statement> {
    roles.iter().map(move |role| statement(dialect, "INSERT INTO sys_view_role (view_id, role) VALUES ({}, {})", vec![Datum::Uuid(id), text(role)], Vec::new()))
}

/// Puts a list away, to be brought back for a while; what was put away before `before` goes for good.
pub fn delete(dialect: Dialect, id: Uuid, now: DateTime<Utc>, before: DateTime<Utc>) -> Vec<Statement> {
    vec![
        statement(dialect, "DELETE FROM sys_view WHERE deleted_at < {}", vec![Datum::Instant(before)], Vec::new()),
        statement(dialect, "UPDATE sys_view SET deleted_at = {} WHERE id = {}", vec![Datum::Instant(now), Datum::Uuid(id)], Vec::new()),
    ]
}

/// Brings a list back.
pub fn restore(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, "UPDATE sys_view SET deleted_at = NULL WHERE id = {}", vec![Datum::Uuid(id)], Vec::new())
}
