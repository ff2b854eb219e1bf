//! Groups, grants and guards that administrators make, and whose rights changed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

fn text(text: &str) -> Datum {
    Datum::Text(text.to_owned())
}

fn optional(value: Option<&str>) -> Datum {
    value.map_or(Datum::Null(Physical::Text), text)
}

fn by(user: Option<Uuid>) -> Datum {
    user.map_or(Datum::Null(Physical::Uuid), Datum::Uuid)
}

/// Every group that administrators made: key, labels, help.
pub fn groups(dialect: Dialect) -> Statement {
    statement(dialect, "SELECT key, labels, help FROM sys_group ORDER BY key", Vec::new(), vec![Physical::Text; 3])
}

/// Every grant and guard that administrators made: id, card, role, replaces, what it says.
pub fn grants(dialect: Dialect) -> Statement {
    let columns = vec![Physical::Uuid, Physical::Text, Physical::Text, Physical::Text, Physical::Text];
    statement(dialect, "SELECT id, card, role, replaces, says FROM sys_grant ORDER BY changed_at, id", Vec::new(), columns)
}

/// One of them: card, role, replaces, what it says, what the pack's grant said when it was changed.
pub fn grant(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, "SELECT card, role, replaces, says, base FROM sys_grant WHERE id = {}", vec![Datum::Uuid(id)], vec![Physical::Text; 5])
}

/// Puts a group, or other words for it.
pub fn put_group(dialect: Dialect, key: &str, labels: &str, help: &str, user: Option<Uuid>, now: DateTime<Utc>) -> Statement {
    let sql = "INSERT INTO sys_group (key, labels, help, created_by, created_at) VALUES ({}, {}, {}, {}, {}) ON CONFLICT (key) DO UPDATE SET labels = excluded.labels, help = excluded.help";
    statement(dialect, sql, vec![text(key), text(labels), text(help), by(user), Datum::Instant(now)], Vec::new())
}

/// Takes a group away with everything that it may and that is shared with it.
pub fn remove_group(dialect: Dialect, key: &str) -> Vec<Statement> {
    vec![
        statement(dialect, "DELETE FROM sys_grant WHERE role = {}", vec![text(key)], Vec::new()),
        statement(dialect, "DELETE FROM sys_user_role WHERE role = {}", vec![text(key)], Vec::new()),
        statement(dialect, "DELETE FROM sys_share WHERE who = {}", vec![text(&format!("g:{key}"))], Vec::new()),
        statement(dialect, "DELETE FROM sys_group WHERE key = {}", vec![text(key)], Vec::new()),
    ]
}

/// A grant or guard as it is kept.
#[allow(missing_docs)]
pub struct Kept<'k> {
    pub id: Uuid,
    pub card: &'k str,
    pub role: Option<&'k str>,
    pub replaces: Option<&'k str>,
    pub base: Option<&'k str>,
    pub says: &'k str,
}

/// Puts a grant or guard.
pub fn put_grant(dialect: Dialect, kept: &Kept<'_>, user: Option<Uuid>, now: DateTime<Utc>) -> Statement {
    let sql = "INSERT INTO sys_grant (id, card, role, replaces, base, says, changed_by, changed_at) VALUES ({}, {}, {}, {}, {}, {}, {}, {}) \
               ON CONFLICT (id) DO UPDATE SET says = excluded.says, changed_by = excluded.changed_by, changed_at = excluded.changed_at";
    let binds = vec![Datum::Uuid(kept.id), text(kept.card), optional(kept.role), optional(kept.replaces), optional(kept.base), text(kept.says), by(user), Datum::Instant(now)];
    statement(dialect, sql, binds, Vec::new())
}

/// Takes a grant or guard away; the pack's in whose place it stood holds again.
pub fn remove_grant(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, "DELETE FROM sys_grant WHERE id = {}", vec![Datum::Uuid(id)], Vec::new())
}

/// How many changes of rights are remembered one by one.
const KEPT: i64 = 1_000;

/// Of whom the change of rights is that was counted last in this transaction; and those too old go.
pub fn changed(dialect: Dialect, user: Option<Uuid>) -> [Statement; 2] {
    [
        statement(dialect, "INSERT INTO sys_rights_change (n, user_id) SELECT rights, {} FROM sys_catalog", vec![by(user)], Vec::new()),
        statement(dialect, "DELETE FROM sys_rights_change WHERE n <= (SELECT rights FROM sys_catalog) - {}", vec![Datum::Integer(KEPT)], Vec::new()),
    ]
}

/// The changes of rights after one: number, of whom.
pub fn changes_after(dialect: Dialect, n: i64) -> Statement {
    statement(dialect, "SELECT n, user_id FROM sys_rights_change WHERE n > {} ORDER BY n", vec![Datum::Integer(n)], vec![Physical::Integer, Physical::Uuid])
}
