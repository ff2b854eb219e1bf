//! Folders of records that people keep: statements over them, and how a condition looks into one.
//!
//! **Invariants**
//! - Whether somebody may look into a folder is decided here, in every statement, by who owns it and with which groups
//!   it is shared. Which of its records are seen, the gate decides.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, builder::Builder, system::statement};

fn text(text: &str) -> Datum {
    Datum::Text(text.to_owned())
}

/// Their own, and those shared with a group of theirs; `{}` is the user, twice.
const MAY_SEE: &str = "(f.owner = {} OR EXISTS (SELECT 1 FROM sys_folder_role r JOIN sys_user_role m ON m.role = r.role WHERE r.folder_id = f.id AND m.user_id = {}))";

/// Whether an id stands in one of the folders that the reader may look into.
pub(crate) fn holds(builder: &mut Builder<'_>, column: &str, folders: &[Uuid], reader: Uuid) -> String {
    let ids: Vec<String> = folders.iter().map(|id| builder.bind(Datum::Uuid(*id))).collect();
    let (owner, member) = (builder.bind(Datum::Uuid(reader)), builder.bind(Datum::Uuid(reader)));
    let may_see = MAY_SEE.replacen("{}", &owner, 1).replacen("{}", &member, 1);
    format!("{column} IN (SELECT i.record FROM sys_folder_item i JOIN sys_folder f ON f.id = i.folder_id WHERE f.id IN ({}) AND f.deleted_at IS NULL AND {may_see})", ids.join(", "))
}

/// The columns of [`visible`] and [`one`]: id, owner, owner's name, name, tone, whether it may be filled, groups that look, groups that fill.
const COLUMNS: [Physical; 8] = [Physical::Uuid, Physical::Uuid, Physical::Text, Physical::Text, Physical::Text, Physical::Boolean, Physical::Text, Physical::Text];

fn select(dialect: Dialect) -> String {
    let (joined, yes, no, first, second) = match dialect {
        Dialect::Sqlite => ("group_concat(r.role, ',')", "r.may_edit = 1", "r.may_edit = 0", "1", "0"),
        Dialect::Postgres => ("string_agg(r.role, ',')", "r.may_edit", "NOT r.may_edit", "TRUE", "FALSE"),
    };
    let roles = |which: &str| format!("(SELECT {joined} FROM sys_folder_role r WHERE r.folder_id = f.id AND {which})");
    let fills = format!("CASE WHEN f.owner = {{}} OR EXISTS (SELECT 1 FROM sys_folder_role r JOIN sys_user_role m ON m.role = r.role WHERE r.folder_id = f.id AND {yes} AND m.user_id = {{}}) THEN {first} ELSE {second} END");
    format!("SELECT f.id, f.owner, u.display_name, f.name, f.tone, {fills}, {}, {} FROM sys_folder f JOIN sys_user u ON u.id = f.owner", roles(no), roles(yes))
}

fn twice(user: Uuid) -> [Datum; 2] {
    [Datum::Uuid(user), Datum::Uuid(user)]
}

/// The folders a user may look into: their own in their order, then those of others.
pub fn visible(dialect: Dialect, user: Uuid) -> Statement {
    let sql = format!("{} WHERE f.deleted_at IS NULL AND {MAY_SEE} ORDER BY CASE WHEN f.owner = {{}} THEN 0 ELSE 1 END, f.position, f.id", select(dialect));
    let binds = [twice(user), twice(user)].concat().into_iter().chain([Datum::Uuid(user)]).collect();
    statement(dialect, &sql, binds, COLUMNS.to_vec())
}

/// One of them. `deleted` asks for one that was deleted.
pub fn one(dialect: Dialect, id: Uuid, user: Uuid, deleted: bool) -> Statement {
    let gone = if deleted { "IS NOT NULL" } else { "IS NULL" };
    let sql = format!("{} WHERE f.id = {{}} AND f.deleted_at {gone} AND {MAY_SEE}", select(dialect));
    let binds = twice(user).into_iter().chain([Datum::Uuid(id)]).chain(twice(user)).collect();
    statement(dialect, &sql, binds, COLUMNS.to_vec())
}

/// A new folder, behind those there are.
pub fn create(dialect: Dialect, id: Uuid, owner: Uuid, name: &str, tone: &str, now: DateTime<Utc>) -> Statement {
    let sql = "INSERT INTO sys_folder (id, owner, name, tone, position, created_at) VALUES ({}, {}, {}, {}, (SELECT COALESCE(max(o.position), 0) + 1 FROM sys_folder o WHERE o.owner = {}), {})";
    statement(dialect, sql, vec![Datum::Uuid(id), Datum::Uuid(owner), text(name), text(tone), Datum::Uuid(owner), Datum::Instant(now)], Vec::new())
}

/// A folder's name, tone and groups as they are now: (group, may fill).
pub fn change(dialect: Dialect, id: Uuid, name: &str, tone: &str, roles: &[(String, bool)]) -> Vec<Statement> {
    let rename = statement(dialect, "UPDATE sys_folder SET name = {}, tone = {} WHERE id = {}", vec![text(name), text(tone), Datum::Uuid(id)], Vec::new());
    let unshare = statement(dialect, "DELETE FROM sys_folder_role WHERE folder_id = {}", vec![Datum::Uuid(id)], Vec::new());
    [rename, unshare].into_iter().chain(share(dialect, id, roles)).collect()
}

/// Shares a folder.
pub fn share(dialect: Dialect, id: Uuid, roles: &[(String, bool)]) -> Vec<Statement> {
    let sql = "INSERT INTO sys_folder_role (folder_id, role, may_edit) VALUES ({}, {}, {})";
    roles.iter().map(|(role, may_edit)| statement(dialect, sql, vec![Datum::Uuid(id), text(role), Datum::Boolean(*may_edit)], Vec::new())).collect()
}

/// A folder's place among its owner's.
pub fn place(dialect: Dialect, id: Uuid, owner: Uuid, position: i64) -> Statement {
    statement(dialect, "UPDATE sys_folder SET position = {} WHERE id = {} AND owner = {}", vec![Datum::Integer(position), Datum::Uuid(id), Datum::Uuid(owner)], Vec::new())
}

/// Puts a folder away, to be brought back for a while; what was put away before `before` goes for good.
pub fn delete(dialect: Dialect, id: Uuid, now: DateTime<Utc>, before: DateTime<Utc>) -> Vec<Statement> {
    vec![
        statement(dialect, "DELETE FROM sys_folder_item WHERE folder_id IN (SELECT f.id FROM sys_folder f WHERE f.deleted_at < {})", vec![Datum::Instant(before)], Vec::new()),
        statement(dialect, "DELETE FROM sys_folder WHERE deleted_at < {}", vec![Datum::Instant(before)], Vec::new()),
        statement(dialect, "UPDATE sys_folder SET deleted_at = {} WHERE id = {}", vec![Datum::Instant(now), Datum::Uuid(id)], Vec::new()),
    ]
}

/// Brings a folder back.
pub fn restore(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, "UPDATE sys_folder SET deleted_at = NULL WHERE id = {}", vec![Datum::Uuid(id)], Vec::new())
}

/// The cards whose records stand in a folder.
pub fn cards(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, "SELECT DISTINCT card FROM sys_folder_item WHERE folder_id = {}", vec![Datum::Uuid(id)], vec![Physical::Text])
}

/// The folders among `folders` in which a record stands.
pub fn holding(dialect: Dialect, record: Uuid) -> Statement {
    statement(dialect, "SELECT folder_id FROM sys_folder_item WHERE record = {}", vec![Datum::Uuid(record)], vec![Physical::Uuid])
}

/// How many records a folder holds, seen or not.
pub fn size(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, "SELECT count(*) FROM sys_folder_item WHERE folder_id = {}", vec![Datum::Uuid(id)], vec![Physical::Integer])
}

/// Puts a record into a folder; twice is once.
pub fn add(dialect: Dialect, id: Uuid, card: &str, record: Uuid, by: Uuid, now: DateTime<Utc>) -> Statement {
    let sql = "INSERT INTO sys_folder_item (folder_id, record, card, added_by, added_at) VALUES ({}, {}, {}, {}, {}) ON CONFLICT (folder_id, record) DO NOTHING";
    statement(dialect, sql, vec![Datum::Uuid(id), Datum::Uuid(record), text(card), Datum::Uuid(by), Datum::Instant(now)], Vec::new())
}

/// Takes a record out of a folder.
pub fn remove(dialect: Dialect, id: Uuid, record: Uuid) -> Statement {
    statement(dialect, "DELETE FROM sys_folder_item WHERE folder_id = {} AND record = {}", vec![Datum::Uuid(id), Datum::Uuid(record)], Vec::new())
}
