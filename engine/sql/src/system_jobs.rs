//! Statements over jobs. What a worker writes names its lease: a worker that lost it changes nothing.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

/// A job about to be kept.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// Its id.
    pub id: Uuid,
    /// Which handler runs it.
    pub kind: &'a str,
    /// What the handler is told, as JSON.
    pub payload: String,
    /// At most one job with this key waits or runs.
    pub unique_key: Option<&'a str>,
    /// Not before this moment.
    pub run_at: DateTime<Utc>,
    /// Comes back after so many seconds.
    pub every_seconds: Option<i64>,
    /// How often it is tried.
    pub max_attempts: i64,
    /// How much there is to do, if it is known.
    pub total: Option<i64>,
    /// Whose job it is.
    pub created_by: Option<Uuid>,
    /// When it was asked for.
    pub now: DateTime<Utc>,
}

fn text(value: Option<&str>) -> Datum {
    value.map_or(Datum::Null(Physical::Text), |value| Datum::Text(value.to_owned()))
}
fn number(value: Option<i64>) -> Datum {
    value.map_or(Datum::Null(Physical::Integer), Datum::Integer)
}

/// Keeps a job, unless one with its key waits or runs.
pub fn enqueue(dialect: Dialect, row: &Row<'_>) -> Statement {
    let binds = vec![
        Datum::Uuid(row.id),
        Datum::Text(row.kind.to_owned()),
        Datum::Text(row.payload.clone()),
        text(row.unique_key),
        Datum::Instant(row.run_at),
        number(row.every_seconds),
        Datum::Integer(row.max_attempts),
        Datum::Boolean(false),
        number(row.total),
        row.created_by.map_or(Datum::Null(Physical::Uuid), Datum::Uuid),
        Datum::Instant(row.now),
    ];
    let sql = "INSERT INTO sys_job (id, kind, payload, unique_key, state, run_at, every_seconds, attempts, max_attempts, cancel, done, total, created_by, created_at) \
               VALUES ({}, {}, {}, {}, 'waiting', {}, {}, 0, {}, {}, 0, {}, {}, {}) ON CONFLICT DO NOTHING";
    statement(dialect, sql, binds, Vec::new())
}

/// The job that waits or runs under a key.
pub fn by_key(dialect: Dialect, key: &str) -> Statement {
    let sql = "SELECT id FROM sys_job WHERE unique_key = {} AND state IN ('waiting', 'running')";
    statement(dialect, sql, vec![Datum::Text(key.to_owned())], vec![Physical::Uuid])
}

const DUE: &str = "state IN ('waiting', 'running') AND run_at <= {} AND (state = 'waiting' OR lease_until < {})";

fn kinds_in(kinds: &[&str]) -> String {
    format!("kind IN ({})", vec!["{}"; kinds.len().max(1)].join(", "))
}
fn kind_binds(kinds: &[&str]) -> Vec<Datum> {
    if kinds.is_empty() { vec![Datum::Null(Physical::Text)] } else { kinds.iter().map(|kind| Datum::Text((*kind).to_owned())).collect() }
}

/// Whether any job of these kinds could be taken.
pub fn any_due(dialect: Dialect, kinds: &[&str], now: DateTime<Utc>) -> Statement {
    let mut binds = vec![Datum::Instant(now), Datum::Instant(now)];
    binds.extend(kind_binds(kinds));
    statement(dialect, &format!("SELECT attempts FROM sys_job WHERE {DUE} AND {} LIMIT 1", kinds_in(kinds)), binds, vec![Physical::Integer])
}

/// The columns of [`claim`]: id, kind, payload, checkpoint, attempts, max attempts, cancel, done, total, created by, every.
pub const CLAIMED: [Physical; 11] = [
    Physical::Uuid,
    Physical::Text,
    Physical::Text,
    Physical::Text,
    Physical::Integer,
    Physical::Integer,
    Physical::Boolean,
    Physical::Integer,
    Physical::Integer,
    Physical::Uuid,
    Physical::Integer,
];

/// Takes the job that has waited longest, or one whose worker's lease ran out. Two workers never get the same.
pub fn claim(dialect: Dialect, kinds: &[&str], lease: Uuid, now: DateTime<Utc>, until: DateTime<Utc>) -> Statement {
    let lock = match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
    };
    let sql = format!(
        "UPDATE sys_job SET state = 'running', lease = {{}}, lease_until = {{}}, attempts = attempts + 1, started_at = COALESCE(started_at, {{}}) \
         WHERE id = (SELECT id FROM sys_job WHERE {DUE} AND {} ORDER BY run_at, id LIMIT 1{lock}) \
         RETURNING id, kind, payload, checkpoint, attempts, max_attempts, cancel, done, total, created_by, every_seconds",
        kinds_in(kinds)
    );
    let mut binds = vec![Datum::Uuid(lease), Datum::Instant(until), Datum::Instant(now), Datum::Instant(now), Datum::Instant(now)];
    binds.extend(kind_binds(kinds));
    statement(dialect, &sql, binds, CLAIMED.to_vec())
}

/// Keeps the lease for longer; says whether the job was asked to end. No row: the lease is lost.
pub fn beat(dialect: Dialect, id: Uuid, lease: Uuid, until: DateTime<Utc>) -> Statement {
    let sql = "UPDATE sys_job SET lease_until = {} WHERE id = {} AND lease = {} RETURNING cancel";
    statement(dialect, sql, vec![Datum::Instant(until), Datum::Uuid(id), Datum::Uuid(lease)], vec![Physical::Boolean])
}

/// How far it is.
pub fn progress(dialect: Dialect, id: Uuid, lease: Uuid, done: i64, total: Option<i64>) -> Statement {
    let sql = "UPDATE sys_job SET done = {}, total = {} WHERE id = {} AND lease = {}";
    statement(dialect, sql, vec![Datum::Integer(done), number(total), Datum::Uuid(id), Datum::Uuid(lease)], Vec::new())
}

/// Where to go on after an end in the middle. What got this far is not broken: attempts are counted anew.
pub fn checkpoint(dialect: Dialect, id: Uuid, lease: Uuid, point: &str, done: i64, total: Option<i64>) -> Statement {
    let sql = "UPDATE sys_job SET checkpoint = {}, done = {}, total = {}, attempts = 1 WHERE id = {} AND lease = {}";
    statement(dialect, sql, vec![Datum::Text(point.to_owned()), Datum::Integer(done), number(total), Datum::Uuid(id), Datum::Uuid(lease)], Vec::new())
}

/// Ends a job for good.
pub fn end(dialect: Dialect, id: Uuid, lease: Uuid, state: &str, result: Option<&str>, error: Option<&str>, now: DateTime<Utc>) -> Statement {
    let done = if state == "done" { "COALESCE(total, done)" } else { "done" };
    let sql = format!("UPDATE sys_job SET state = {{}}, result = {{}}, error = {{}}, ended_at = {{}}, done = {done}, lease = NULL, lease_until = NULL WHERE id = {{}} AND lease = {{}}");
    let binds = vec![Datum::Text(state.to_owned()), text(result), text(error), Datum::Instant(now), Datum::Uuid(id), Datum::Uuid(lease)];
    statement(dialect, &sql, binds, Vec::new())
}

/// Puts a job back to be run later. `attempts` is how many count from now on.
pub fn again(dialect: Dialect, id: Uuid, lease: Uuid, run_at: DateTime<Utc>, attempts: i64, error: Option<&str>) -> Statement {
    let sql = "UPDATE sys_job SET state = 'waiting', run_at = {}, attempts = {}, error = {}, lease = NULL, lease_until = NULL WHERE id = {} AND lease = {}";
    statement(dialect, sql, vec![Datum::Instant(run_at), Datum::Integer(attempts), text(error), Datum::Uuid(id), Datum::Uuid(lease)], Vec::new())
}

/// Puts a returning job back for its next turn.
pub fn next_turn(dialect: Dialect, id: Uuid, lease: Uuid, run_at: DateTime<Utc>, error: Option<&str>) -> Statement {
    let sql = "UPDATE sys_job SET state = 'waiting', run_at = {}, attempts = 0, error = {}, done = 0, checkpoint = NULL, started_at = NULL, lease = NULL, lease_until = NULL WHERE id = {} AND lease = {}";
    statement(dialect, sql, vec![Datum::Instant(run_at), text(error), Datum::Uuid(id), Datum::Uuid(lease)], Vec::new())
}

/// Asks a job to end: one that waits is ended at once, one that runs sees it at its next look.
pub fn cancel(dialect: Dialect, id: Uuid, now: DateTime<Utc>) -> Statement {
    let sql = "UPDATE sys_job SET cancel = {}, ended_at = CASE state WHEN 'waiting' THEN {} ELSE ended_at END, state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE state END \
               WHERE id = {} AND state IN ('waiting', 'running') AND every_seconds IS NULL";
    statement(dialect, sql, vec![Datum::Boolean(true), Datum::Instant(now), Datum::Uuid(id)], Vec::new())
}

/// The columns of [`read`] and [`own`]: id, kind, state, run at, attempts, cancel, done, total, result, error, created by, created, started, ended.
pub const JOB: [Physical; 14] = [
    Physical::Uuid,
    Physical::Text,
    Physical::Text,
    Physical::Instant,
    Physical::Integer,
    Physical::Boolean,
    Physical::Integer,
    Physical::Integer,
    Physical::Text,
    Physical::Text,
    Physical::Uuid,
    Physical::Instant,
    Physical::Instant,
    Physical::Instant,
];
const COLUMNS: &str = "id, kind, state, run_at, attempts, cancel, done, total, result, error, created_by, created_at, started_at, ended_at";

/// One job.
pub fn read(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, &format!("SELECT {COLUMNS} FROM sys_job WHERE id = {{}}"), vec![Datum::Uuid(id)], JOB.to_vec())
}

/// Somebody's jobs, the newest first; those asked for before `before`.
pub fn own(dialect: Dialect, user: Uuid, before: Option<Uuid>, limit: u32) -> Statement {
    let mut binds = vec![Datum::Uuid(user)];
    let older = before.map_or("", |id| {
        binds.push(Datum::Uuid(id));
        " AND id < {}"
    });
    statement(dialect, &format!("SELECT {COLUMNS} FROM sys_job WHERE created_by = {{}}{older} ORDER BY id DESC LIMIT {limit}"), binds, JOB.to_vec())
}

/// The columns of [`all`]: those of [`read`], and the name of whoever asked.
pub fn named() -> Vec<Physical> {
    JOB.iter().copied().chain([Physical::Text]).collect()
}

fn columns_of_j() -> String {
    COLUMNS.split(", ").map(|column| format!("j.{column}")).collect::<Vec<_>>().join(", ")
}

/// Everybody's jobs of some states, the newest first; those asked for before `before`. What comes back by itself is not
/// among them.
pub fn all(dialect: Dialect, states: &[&str], before: Option<Uuid>, limit: u32) -> Statement {
    let mut binds: Vec<Datum> = states.iter().map(|state| Datum::Text((*state).to_owned())).collect();
    let marks = vec!["{}"; states.len().max(1)].join(", ");
    if states.is_empty() {
        binds.push(Datum::Null(Physical::Text));
    }
    let older = before.map_or("", |id| {
        binds.push(Datum::Uuid(id));
        " AND j.id < {}"
    });
    let sql = format!("SELECT {}, u.display_name FROM sys_job j LEFT JOIN sys_user u ON u.id = j.created_by WHERE j.every_seconds IS NULL AND j.state IN ({marks}){older} ORDER BY j.id DESC LIMIT {limit}", columns_of_j());
    statement(dialect, &sql, binds, named())
}

/// How many jobs there are of each state; what comes back by itself is not among them.
pub fn counts(dialect: Dialect) -> Statement {
    statement(dialect, "SELECT state, count(*) FROM sys_job WHERE every_seconds IS NULL GROUP BY state", Vec::new(), vec![Physical::Text, Physical::Integer])
}

/// What comes back by itself: its job, and after how many seconds.
pub fn schedules(dialect: Dialect) -> Statement {
    let columns = JOB.iter().copied().chain([Physical::Integer]).collect();
    statement(dialect, &format!("SELECT {COLUMNS}, every_seconds FROM sys_job WHERE every_seconds IS NOT NULL AND state IN ('waiting', 'running') ORDER BY kind"), Vec::new(), columns)
}

/// A job that was given up or cancelled is tried again from its last checkpoint; its result says nothing any more.
pub fn replay(dialect: Dialect, id: Uuid, now: DateTime<Utc>) -> Statement {
    let sql = "UPDATE sys_job SET state = 'waiting', run_at = {}, attempts = 0, cancel = {}, error = NULL, result = NULL, ended_at = NULL WHERE id = {} AND state IN ('failed', 'cancelled')";
    statement(dialect, sql, vec![Datum::Instant(now), Datum::Boolean(false), Datum::Uuid(id)], Vec::new())
}

/// What waits for its time is run as soon as possible.
pub fn hurry(dialect: Dialect, id: Uuid, now: DateTime<Utc>) -> Statement {
    statement(dialect, "UPDATE sys_job SET run_at = {} WHERE id = {} AND state = 'waiting'", vec![Datum::Instant(now), Datum::Uuid(id)], Vec::new())
}
