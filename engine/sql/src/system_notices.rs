//! Statements over what people are told.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

/// A notice about to be kept.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// Its id.
    pub id: Uuid,
    /// Who is told.
    pub user: Uuid,
    /// Of what kind it is.
    pub kind: &'a str,
    /// What happened.
    pub word: &'a str,
    /// Others of the same bundle are counted, not told again.
    pub bundle: Option<&'a str>,
    /// The card of the record it is about.
    pub card: Option<&'a str>,
    /// What it is about: a record, a job.
    pub subject: Option<Uuid>,
    /// Where it leads, if not to the record.
    pub url: Option<&'a str>,
    /// What its words name, as JSON.
    pub about: String,
    /// How often it happened.
    pub times: i64,
    /// Who did it.
    pub by: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
}

fn text(value: Option<&str>) -> Datum {
    value.map_or(Datum::Null(Physical::Text), |value| Datum::Text(value.to_owned()))
}
fn id(value: Option<Uuid>) -> Datum {
    value.map_or(Datum::Null(Physical::Uuid), Datum::Uuid)
}
fn marks(count: usize) -> String {
    vec!["{}"; count.max(1)].join(", ")
}
fn ids(ids: &[Uuid]) -> Vec<Datum> {
    if ids.is_empty() { vec![Datum::Null(Physical::Uuid)] } else { ids.iter().copied().map(Datum::Uuid).collect() }
}

/// Whether a user is there, and did not turn a preference off.
const WANTS: &str = "EXISTS (SELECT 1 FROM sys_user u WHERE u.id = {} AND u.active = {} AND NOT EXISTS \
    (SELECT 1 FROM sys_preference p WHERE p.user_id = u.id AND p.key = {} AND p.value = 'false'))";

fn wants(row: &Row<'_>) -> [Datum; 3] {
    [Datum::Uuid(row.user), Datum::Boolean(true), Datum::Text(format!("notify.{}", row.kind))]
}

/// Counts on a notice of the same bundle that was not seen yet and is not older than `since`, or keeps the notice, if its
/// user is there and wants to be told: one statement, and nothing is asked back. On PostgreSQL.
/// A notice that somebody counts on just now is left to them: nobody waits for anybody to tell.
pub fn count_or_keep(row: &Row<'_>, since: DateTime<Utc>) -> Statement {
    let mut binds = vec![Datum::Integer(row.times), id(row.subject), Datum::Instant(row.at), Datum::Uuid(row.user), text(row.bundle), Datum::Instant(since)];
    binds.extend(wants(row));
    let (kept, more) = keep_words(row);
    binds.extend(more);
    let sql = format!("WITH counted AS ({COUNT} WHERE id IN ({SAME} FOR UPDATE SKIP LOCKED) AND {WANTS} RETURNING user_id) {kept} AND NOT EXISTS (SELECT 1 FROM counted)");
    statement(Dialect::Postgres, &sql, binds, Vec::new())
}

const COUNT: &str = "UPDATE sys_notice SET times = times + {}, subject = {}, at = {}";
const SAME: &str = "SELECT n.id FROM sys_notice n WHERE n.user_id = {} AND n.bundle = {} AND n.seen_at IS NULL AND n.at > {} LIMIT 1";

/// Such a notice on SQLite, where asking first is quicker than an answer of what was changed: for that SQLite makes a
/// table of its own each time.
pub fn same(row: &Row<'_>, since: DateTime<Utc>) -> Statement {
    statement(Dialect::Sqlite, SAME, vec![Datum::Uuid(row.user), text(row.bundle), Datum::Instant(since)], vec![Physical::Uuid])
}

/// Counts on a notice, if its user is there and wants to be told.
pub fn count_on(notice: Uuid, row: &Row<'_>) -> Statement {
    let mut binds = vec![Datum::Integer(row.times), id(row.subject), Datum::Instant(row.at), Datum::Uuid(notice)];
    binds.extend(wants(row));
    statement(Dialect::Sqlite, &format!("{COUNT} WHERE id = {{}} AND {WANTS}"), binds, Vec::new())
}

/// Keeps a notice, if its user is there and wants to be told.
pub fn keep(dialect: Dialect, row: &Row<'_>) -> Statement {
    let (words, binds) = keep_words(row);
    statement(dialect, &words, binds, Vec::new())
}

fn keep_words(row: &Row<'_>) -> (String, Vec<Datum>) {
    let mut binds = vec![
        Datum::Uuid(row.id),
        Datum::Uuid(row.user),
        Datum::Text(row.kind.to_owned()),
        Datum::Text(row.word.to_owned()),
        text(row.bundle),
        text(row.card),
        id(row.subject),
        text(row.url),
        Datum::Text(row.about.clone()),
        Datum::Integer(row.times),
        id(row.by),
        Datum::Instant(row.at),
    ];
    binds.extend(wants(row));
    let words = format!(
        "INSERT INTO sys_notice (id, user_id, kind, word, bundle, card, subject, url, about, times, by_user, at) \
         SELECT {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}}, {{}} WHERE {WANTS}"
    );
    (words, binds)
}

/// Says to every process that users were told something.
pub fn announce(users: &[Uuid]) -> Statement {
    let rows = vec!["({})"; users.len()].join(", ");
    let sql = format!("SELECT count(*) FROM (SELECT pg_notify('{CHANNEL}', v.id) FROM (VALUES {rows}) AS v (id)) AS told");
    statement(Dialect::Postgres, &sql, users.iter().map(|user| Datum::Text(user.to_string())).collect(), vec![Physical::Integer])
}

/// Where processes listen for [`announce`].
pub const CHANNEL: &str = "cardstock_told";

/// How many notices a user has not seen, up to a hundred.
pub fn unread(dialect: Dialect, user: Uuid) -> Statement {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM sys_notice WHERE user_id = {} AND seen_at IS NULL LIMIT 100) AS few";
    statement(dialect, sql, vec![Datum::Uuid(user)], vec![Physical::Integer])
}

/// The columns of [`list`]: id, kind, word, card, subject, url, about, times, by, their name, at, seen.
pub const NOTICE: [Physical; 12] = [
    Physical::Uuid,
    Physical::Text,
    Physical::Text,
    Physical::Text,
    Physical::Uuid,
    Physical::Text,
    Physical::Text,
    Physical::Integer,
    Physical::Uuid,
    Physical::Text,
    Physical::Instant,
    Physical::Instant,
];
const COLUMNS: &str = "n.id, n.kind, n.word, n.card, n.subject, n.url, n.about, n.times, n.by_user, u.display_name, n.at, n.seen_at";

/// A user's notices, the latest first; those after `before` in that order.
pub fn list(dialect: Dialect, user: Uuid, unread: bool, before: Option<Uuid>, limit: u32) -> Statement {
    let mut binds = vec![Datum::Uuid(user)];
    let mut more = String::new();
    if unread {
        more.push_str(" AND n.seen_at IS NULL");
    }
    if let Some(before) = before {
        more.push_str(" AND (n.at, n.id) < (SELECT b.at, b.id FROM sys_notice b WHERE b.id = {})");
        binds.push(Datum::Uuid(before));
    }
    let sql = format!("SELECT {COLUMNS} FROM sys_notice n LEFT JOIN sys_user u ON u.id = n.by_user WHERE n.user_id = {{}}{more} ORDER BY n.at DESC, n.id DESC LIMIT {limit}");
    statement(dialect, &sql, binds, NOTICE.to_vec())
}

/// One notice of a user.
pub fn one(dialect: Dialect, user: Uuid, id: Uuid) -> Statement {
    let sql = format!("SELECT {COLUMNS} FROM sys_notice n LEFT JOIN sys_user u ON u.id = n.by_user WHERE n.user_id = {{}} AND n.id = {{}}");
    statement(dialect, &sql, vec![Datum::Uuid(user), Datum::Uuid(id)], NOTICE.to_vec())
}

/// Which notices have been seen.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// All of a user.
    All,
    /// These.
    Ids(&'a [Uuid]),
    /// Those about something.
    About(Uuid),
}

/// A user has seen notices.
pub fn see(dialect: Dialect, user: Uuid, seen: Seen<'_>, now: DateTime<Utc>) -> Statement {
    let mut binds = vec![Datum::Instant(now), Datum::Uuid(user)];
    let which = match seen {
        Seen::All => String::new(),
        Seen::Ids(wanted) => {
            binds.extend(ids(wanted));
            format!(" AND id IN ({})", marks(wanted.len()))
        }
        Seen::About(subject) => {
            binds.push(Datum::Uuid(subject));
            " AND subject = {}".to_owned()
        }
    };
    statement(dialect, &format!("UPDATE sys_notice SET seen_at = {{}} WHERE user_id = {{}} AND seen_at IS NULL{which}"), binds, Vec::new())
}

/// Notices are as if they had not been seen.
pub fn unsee(dialect: Dialect, user: Uuid, wanted: &[Uuid]) -> Statement {
    let mut binds = vec![Datum::Uuid(user)];
    binds.extend(ids(wanted));
    statement(dialect, &format!("UPDATE sys_notice SET seen_at = NULL WHERE user_id = {{}} AND id IN ({})", marks(wanted.len())), binds, Vec::new())
}
