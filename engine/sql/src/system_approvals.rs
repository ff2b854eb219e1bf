//! Statements over approvals: transitions that wait for others to agree, and those who are asked.
//!
//! **Invariants**
//! - Whose turn it is, and who may not decide on their own application, is decided here, in every statement that asks.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Datum, Dialect, Physical, Statement, system::statement};

fn text(text: &str) -> Datum {
    Datum::Text(text.to_owned())
}

fn uuid(value: Option<Uuid>) -> Datum {
    value.map_or(Datum::Null(Physical::Uuid), Datum::Uuid)
}

fn words(value: Option<&str>) -> Datum {
    value.map_or(Datum::Null(Physical::Text), text)
}

fn instant(value: Option<DateTime<Utc>>) -> Datum {
    value.map_or(Datum::Null(Physical::Instant), Datum::Instant)
}

/// An approval that begins.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewApproval<'a> {
    pub id: Uuid,
    pub card: &'a str,
    pub record: Uuid,
    pub workflow: &'a str,
    pub transition: &'a str,
    /// The transition as it is now: it is finished by this, whatever is published meanwhile.
    pub flow: String,
    pub from_state: &'a str,
    pub applicant: Option<Uuid>,
    pub owner: Option<Uuid>,
    /// Whether whoever applies may decide too.
    pub own: bool,
    pub comment: Option<&'a str>,
    pub at: DateTime<Utc>,
}

/// An approval begins; changes nothing if one is under way.
pub fn begin(dialect: Dialect, new: &NewApproval<'_>) -> Statement {
    let binds = vec![
        Datum::Uuid(new.id), text(new.card), Datum::Uuid(new.record), text(new.workflow), text(new.transition), Datum::Text(new.flow.clone()), text(new.from_state),
        uuid(new.applicant), uuid(new.owner), Datum::Boolean(new.own), words(new.comment), Datum::Instant(new.at),
    ];
    let sql = "INSERT INTO sys_approval (id, card, record, workflow, transition, flow, state, from_state, stage, round, applicant, owner, own, comment, started_at) \
               VALUES ({}, {}, {}, {}, {}, {}, 'running', {}, 0, 0, {}, {}, {}, {}, {})";
    statement(dialect, sql, binds, Vec::new())
}

const COLUMNS: &str = "a.id, a.card, a.record, a.workflow, a.transition, a.flow, a.state, a.from_state, a.stage, a.round, a.applicant, p.display_name, a.owner, a.own, a.comment, a.started_at, a.ended_at";
const FROM: &str = "sys_approval a LEFT JOIN sys_user p ON p.id = a.applicant";

fn approval_columns() -> Vec<Physical> {
    use Physical::{Boolean, Instant, Integer, Text, Uuid};
    vec![Uuid, Text, Uuid, Text, Text, Text, Text, Text, Integer, Integer, Uuid, Text, Uuid, Boolean, Text, Instant, Instant]
}

/// One approval: id, card, record, workflow, transition, flow, state, from, stage, round, applicant (id, name), owner,
/// own, comment, begun, ended.
pub fn one(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, &format!("SELECT {COLUMNS} FROM {FROM} WHERE a.id = {{}}"), vec![Datum::Uuid(id)], approval_columns())
}

/// The approvals of a record, the latest first.
pub fn of_record(dialect: Dialect, record: Uuid, limit: u32) -> Statement {
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE a.record = {{}} ORDER BY a.started_at DESC, a.id DESC LIMIT {limit}");
    statement(dialect, &sql, vec![Datum::Uuid(record)], approval_columns())
}

/// What somebody applied for, the latest first, before a moment.
pub fn of_applicant(dialect: Dialect, user: Uuid, before: Option<DateTime<Utc>>, limit: u32) -> Statement {
    let mut binds = vec![Datum::Uuid(user)];
    let clause = before.map_or("", |before| {
        binds.push(Datum::Instant(before));
        " AND a.started_at < {}"
    });
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE a.applicant = {{}}{clause} ORDER BY a.started_at DESC, a.id DESC LIMIT {limit}");
    statement(dialect, &sql, binds, approval_columns())
}

/// The workflows in which a record waits for others: workflow, approval.
pub fn running(dialect: Dialect, record: Uuid) -> Statement {
    statement(dialect, "SELECT workflow, id FROM sys_approval WHERE record = {} AND state = 'running'", vec![Datum::Uuid(record)], vec![Physical::Text, Physical::Uuid])
}

/// Where an approval stands.
pub fn set_stage(dialect: Dialect, id: Uuid, stage: i64, round: i64) -> Statement {
    statement(dialect, "UPDATE sys_approval SET stage = {}, round = {} WHERE id = {}", vec![Datum::Integer(stage), Datum::Integer(round), Datum::Uuid(id)], Vec::new())
}

/// An approval ends, if it is under way; those who were still asked are not any more.
pub fn end(dialect: Dialect, id: Uuid, state: &str, at: DateTime<Utc>) -> Vec<Statement> {
    vec![
        statement(dialect, "UPDATE sys_approval SET state = {}, ended_at = {} WHERE id = {} AND state = 'running'", vec![text(state), Datum::Instant(at), Datum::Uuid(id)], Vec::new()),
        cancel(dialect, id),
    ]
}

/// Those who are still asked are not any more.
pub fn cancel(dialect: Dialect, approval: Uuid) -> Statement {
    statement(dialect, "UPDATE sys_approval_task SET state = 'cancelled' WHERE approval = {} AND state = 'open'", vec![Datum::Uuid(approval)], Vec::new())
}

/// One who is asked.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewTask<'a> {
    pub id: Uuid,
    pub approval: Uuid,
    pub round: i64,
    pub stage: i64,
    pub step: i64,
    /// asked, added, delegated, escalated, stand_in.
    pub kind: &'a str,
    pub user: Option<Uuid>,
    pub role: Option<&'a str>,
    pub parent: Option<Uuid>,
    pub at: DateTime<Utc>,
    pub remind_at: Option<DateTime<Utc>>,
    pub escalate_at: Option<DateTime<Utc>>,
}

/// Somebody is asked.
pub fn ask(dialect: Dialect, new: &NewTask<'_>) -> Statement {
    let binds = vec![
        Datum::Uuid(new.id), Datum::Uuid(new.approval), Datum::Integer(new.round), Datum::Integer(new.stage), Datum::Integer(new.step), text(new.kind), uuid(new.user), words(new.role),
        uuid(new.parent), Datum::Instant(new.at), instant(new.remind_at), instant(new.escalate_at),
    ];
    let sql = "INSERT INTO sys_approval_task (id, approval, round, stage, step, kind, user_id, role, state, parent, created_at, remind_at, escalate_at, reminded) \
               VALUES ({}, {}, {}, {}, {}, {}, {}, {}, 'open', {}, {}, {}, {}, 0)";
    statement(dialect, sql, binds, Vec::new())
}

const TASK: &str = "t.id, t.approval, t.round, t.stage, t.step, t.kind, t.user_id, u.display_name, u.active, t.role, t.state, t.decided_by, d.display_name, t.decided_at, t.opinion, t.parent, t.created_at, t.reminded";
const TASK_FROM: &str = "sys_approval_task t LEFT JOIN sys_user u ON u.id = t.user_id LEFT JOIN sys_user d ON d.id = t.decided_by";

fn task_columns() -> Vec<Physical> {
    use Physical::{Boolean, Instant, Integer, Text, Uuid};
    vec![Uuid, Uuid, Integer, Integer, Integer, Text, Uuid, Text, Boolean, Text, Text, Uuid, Text, Instant, Text, Uuid, Instant, Integer]
}

/// Everybody who was asked in an approval, in order: id, approval, round, stage, step, kind, who (id, name, active),
/// group, state, who decided (id, name), when, opinion, from whom it came, since, how often reminded.
pub fn tasks(dialect: Dialect, approval: Uuid) -> Statement {
    statement(dialect, &format!("SELECT {TASK} FROM {TASK_FROM} WHERE t.approval = {{}} ORDER BY t.created_at, t.id"), vec![Datum::Uuid(approval)], task_columns())
}

/// One task.
pub fn task(dialect: Dialect, id: Uuid) -> Statement {
    statement(dialect, &format!("SELECT {TASK} FROM {TASK_FROM} WHERE t.id = {{}}"), vec![Datum::Uuid(id)], task_columns())
}

/// Whose turn it is: the person's, or one of the groups'; but of a group nobody decides on what is their own.
fn turn(user: Uuid, roles: &[&str], binds: &mut Vec<Datum>) -> String {
    binds.push(Datum::Uuid(user));
    if roles.is_empty() {
        return "t.user_id = {}".into();
    }
    binds.extend(roles.iter().map(|role| text(role)));
    binds.extend([Datum::Uuid(user), Datum::Uuid(user)]);
    let places = vec!["{}"; roles.len()].join(", ");
    format!("(t.user_id = {{}} OR (t.role IN ({places}) AND (a.own OR (COALESCE(a.applicant <> {{}}, TRUE) AND COALESCE(a.owner <> {{}}, TRUE)))))")
}

/// Tasks that wait for somebody, the oldest first: the task, then its approval, see [`tasks`] and [`one`].
pub fn waiting(dialect: Dialect, user: Uuid, roles: &[&str], limit: u32) -> Statement {
    let mut binds = Vec::new();
    let turn = turn(user, roles, &mut binds);
    let sql = format!("SELECT {TASK}, {COLUMNS} FROM {TASK_FROM} JOIN sys_approval a ON a.id = t.approval LEFT JOIN sys_user p ON p.id = a.applicant WHERE t.state = 'open' AND {turn} ORDER BY t.created_at, t.id LIMIT {limit}");
    statement(dialect, &sql, binds, [task_columns(), approval_columns()].concat())
}

/// How many wait for somebody, counted up to `limit`.
pub fn count_waiting(dialect: Dialect, user: Uuid, roles: &[&str], limit: u32) -> Statement {
    let mut binds = Vec::new();
    let turn = turn(user, roles, &mut binds);
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM sys_approval_task t JOIN sys_approval a ON a.id = t.approval WHERE t.state = 'open' AND {turn} LIMIT {limit}) counted");
    statement(dialect, &sql, binds, vec![Physical::Integer])
}

/// Whether it is somebody's turn to decide on a task.
pub fn is_turn(dialect: Dialect, task: Uuid, user: Uuid, roles: &[&str]) -> Statement {
    let mut binds = vec![Datum::Uuid(task)];
    let turn = turn(user, roles, &mut binds);
    let sql = format!("SELECT t.id FROM sys_approval_task t JOIN sys_approval a ON a.id = t.approval WHERE t.id = {{}} AND {turn}");
    statement(dialect, &sql, binds, vec![Physical::Uuid])
}

/// What somebody decided, the latest first, before a moment.
pub fn decided(dialect: Dialect, user: Uuid, before: Option<DateTime<Utc>>, limit: u32) -> Statement {
    let mut binds = vec![Datum::Uuid(user)];
    let clause = before.map_or("", |before| {
        binds.push(Datum::Instant(before));
        " AND t.decided_at < {}"
    });
    let sql = format!("SELECT {TASK}, {COLUMNS} FROM {TASK_FROM} JOIN sys_approval a ON a.id = t.approval LEFT JOIN sys_user p ON p.id = a.applicant WHERE t.decided_by = {{}}{clause} ORDER BY t.decided_at DESC, t.id DESC LIMIT {limit}");
    statement(dialect, &sql, binds, [task_columns(), approval_columns()].concat())
}

/// A task is decided on, if it is open.
pub fn decide(dialect: Dialect, task: Uuid, state: &str, by: Option<Uuid>, opinion: Option<&str>, at: DateTime<Utc>) -> Statement {
    let binds = vec![text(state), uuid(by), Datum::Instant(at), words(opinion), Datum::Uuid(task)];
    statement(dialect, "UPDATE sys_approval_task SET state = {}, decided_by = {}, decided_at = {}, opinion = {} WHERE id = {} AND state = 'open'", binds, Vec::new())
}

/// Others of a step are not asked any more: one was enough.
pub fn skip(dialect: Dialect, approval: Uuid, round: i64, step: i64) -> Statement {
    let binds = vec![Datum::Uuid(approval), Datum::Integer(round), Datum::Integer(step)];
    statement(dialect, "UPDATE sys_approval_task SET state = 'skipped' WHERE approval = {} AND round = {} AND step = {} AND state = 'open' AND kind <> 'added'", binds, Vec::new())
}

/// Open tasks to look after: whose time for a reminder or for others has come, or whose person is not active any more.
/// Task, whether to remind, whether it goes to somebody else.
pub fn late(dialect: Dialect, now: DateTime<Utc>, limit: u32) -> Statement {
    let sql = format!(
        "SELECT t.id, COALESCE(t.remind_at <= {{}}, FALSE), COALESCE(t.escalate_at <= {{}}, FALSE) OR COALESCE(NOT u.active, FALSE) FROM sys_approval_task t LEFT JOIN sys_user u ON u.id = t.user_id \
         WHERE t.state = 'open' AND (t.remind_at <= {{}} OR t.escalate_at <= {{}} OR NOT u.active) ORDER BY t.created_at LIMIT {limit}"
    );
    statement(dialect, &sql, vec![Datum::Instant(now); 4], vec![Physical::Uuid, Physical::Boolean, Physical::Boolean])
}

/// Somebody was reminded, and is again at a moment.
pub fn remind(dialect: Dialect, task: Uuid, next: Option<DateTime<Utc>>) -> Statement {
    statement(dialect, "UPDATE sys_approval_task SET reminded = reminded + 1, remind_at = {} WHERE id = {} AND state = 'open'", vec![instant(next), Datum::Uuid(task)], Vec::new())
}

/// Active users of a group other than these.
pub fn others_in_role(dialect: Dialect, role: &str, not: &[Uuid]) -> Statement {
    let mut binds = vec![text(role)];
    binds.extend(not.iter().map(|id| Datum::Uuid(*id)));
    let yes = match dialect {
        Dialect::Sqlite => "u.active = 1",
        Dialect::Postgres => "u.active",
    };
    let but = if not.is_empty() { String::new() } else { format!(" AND u.id NOT IN ({})", vec!["{}"; not.len()].join(", ")) };
    statement(dialect, &format!("SELECT u.id FROM sys_user u JOIN sys_user_role r ON r.user_id = u.id WHERE r.role = {{}} AND {yes}{but} ORDER BY u.display_name LIMIT 1000"), binds, vec![Physical::Uuid])
}
