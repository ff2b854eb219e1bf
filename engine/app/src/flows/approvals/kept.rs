//! Approvals and those who are asked, as they are kept.

use chrono::{DateTime, Utc};
use model::TransitionDef;
use serde_json::{Value as Json, json};
use sql::{Datum, encode, system_approvals as rows};
use uuid::Uuid;

use crate::{AppError, Source};

/// A transition that waits, or waited, for others.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Approval {
    pub id: Uuid,
    pub card: String,
    pub record: Uuid,
    pub workflow: String,
    /// The transition as it was when it began.
    pub flow: TransitionDef,
    /// running, approved, rejected, withdrawn.
    pub state: String,
    pub from: String,
    pub stage: i64,
    pub round: i64,
    pub applicant: Option<(Uuid, String)>,
    pub owner: Option<Uuid>,
    pub own: bool,
    pub comment: Option<String>,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// One who is, or was, asked.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Task {
    pub id: Uuid,
    pub approval: Uuid,
    pub round: i64,
    pub stage: i64,
    pub step: i64,
    /// asked, added, delegated, escalated, stand_in.
    pub kind: String,
    pub user: Option<(Uuid, String)>,
    pub role: Option<String>,
    /// open, approved, rejected, skipped, passed, cancelled.
    pub state: String,
    pub decided_by: Option<(Uuid, String)>,
    pub decided_at: Option<DateTime<Utc>>,
    pub opinion: Option<String>,
    pub parent: Option<Uuid>,
    pub since: DateTime<Utc>,
    pub reminded: i64,
}

fn text(datum: Datum) -> Option<String> {
    match datum {
        Datum::Text(text) => Some(text),
        _ => None,
    }
}

fn at(datum: Datum) -> Option<DateTime<Utc>> {
    match datum {
        Datum::Instant(at) => Some(at),
        _ => None,
    }
}

fn person(id: &Datum, name: Datum) -> Option<(Uuid, String)> {
    encode::id(id).zip(text(name))
}

/// Columns of an approval in a row.
const APPROVAL: usize = 17;
/// Columns of a task in a row.
const TASK: usize = 18;

impl Approval {
    pub(super) fn from_row(row: Vec<Datum>) -> Option<Self> {
        let [Datum::Uuid(id), Datum::Text(card), Datum::Uuid(record), Datum::Text(workflow), Datum::Text(_), Datum::Text(flow), Datum::Text(state), Datum::Text(from), Datum::Integer(stage), Datum::Integer(round), applicant, name, owner, Datum::Boolean(own), comment, Datum::Instant(started_at), ended_at] =
            <[Datum; APPROVAL]>::try_from(row).ok()?
        else {
            return None;
        };
        let flow = serde_json::from_str(&flow).ok()?;
        Some(Self { id, card, record, workflow, flow, state, from, stage, round, applicant: person(&applicant, name), owner: encode::id(&owner), own, comment: text(comment), started_at, ended_at: at(ended_at) })
    }

    /// Whether it is still under way.
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }

    /// Those who may not decide, unless the flow says so.
    pub(super) fn partial(&self) -> Vec<Uuid> {
        if self.own { Vec::new() } else { self.applicant.as_ref().map(|(id, _)| *id).into_iter().chain(self.owner).collect() }
    }

    /// As the API shows it.
    pub fn to_json(&self, lang: &str) -> Json {
        let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        let who = |who: &(Uuid, String)| json!({"id": who.0, "title": who.1});
        json!({
            "id": self.id, "card": self.card, "record": self.record, "workflow": self.workflow, "transition": self.flow.id, "label": self.flow.labels.or_key(lang, self.flow.id.as_str()),
            "state": self.state, "applicant": self.applicant.as_ref().map(who), "comment": self.comment, "started_at": moment(self.started_at), "ended_at": self.ended_at.map(moment),
        })
    }
}

impl Task {
    pub(super) fn from_row(row: Vec<Datum>) -> Option<Self> {
        let [Datum::Uuid(id), Datum::Uuid(approval), Datum::Integer(round), Datum::Integer(stage), Datum::Integer(step), Datum::Text(kind), user, name, _, role, Datum::Text(state), by, by_name, decided_at, opinion, parent, Datum::Instant(since), Datum::Integer(reminded)] =
            <[Datum; TASK]>::try_from(row).ok()?
        else {
            return None;
        };
        Some(Self { id, approval, round, stage, step, kind, user: person(&user, name), role: text(role), state, decided_by: person(&by, by_name), decided_at: at(decided_at), opinion: text(opinion), parent: encode::id(&parent), since, reminded })
    }

    /// A task and its approval, from one row.
    pub(super) fn with_approval(mut row: Vec<Datum>) -> Option<(Self, Approval)> {
        if row.len() < TASK {
            return None;
        }
        let approval = row.split_off(TASK);
        Some((Self::from_row(row)?, Approval::from_row(approval)?))
    }

    /// Whether somebody still decides.
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }
}

/// An approval by its id.
pub(super) async fn approval(source: &mut Source<'_>, id: Uuid) -> Result<Approval, AppError> {
    let statement = rows::one(source.dialect(), id);
    source.fetch(&statement).await?.into_iter().next().and_then(Approval::from_row).ok_or_else(|| AppError::not_found("application"))
}

/// A task by its id.
pub(super) async fn task(source: &mut Source<'_>, id: Uuid) -> Result<Task, AppError> {
    let statement = rows::task(source.dialect(), id);
    source.fetch(&statement).await?.into_iter().next().and_then(Task::from_row).ok_or_else(|| AppError::not_found("task"))
}

/// Everybody who was asked in an approval.
pub(super) async fn tasks(source: &mut Source<'_>, approval: Uuid) -> Result<Vec<Task>, AppError> {
    let statement = rows::tasks(source.dialect(), approval);
    Ok(source.fetch(&statement).await?.into_iter().filter_map(Task::from_row).collect())
}

/// The steps of a flow by turns: those that are asked at one time.
pub(super) fn turns(flow: &TransitionDef) -> Vec<Vec<usize>> {
    let mut turns: Vec<Vec<usize>> = Vec::new();
    for (index, step) in flow.approval.iter().flat_map(|approval| &approval.steps).enumerate() {
        match turns.last_mut().filter(|_| step.parallel) {
            Some(turn) => turn.push(index),
            None => turns.push(vec![index]),
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_steps_take_one_turn() {
        let flow: TransitionDef = serde_json::from_value(json!({"id": "go", "from": ["a"], "to": "b", "approval": {"steps": [
            {"by": "manager"}, {"by": "role:x"}, {"by": "role:y", "parallel": true}, {"by": "head", "parallel": true}, {"by": "owner"}]}})).expect("a flow");
        assert_eq!(turns(&flow), [vec![0], vec![1, 2, 3], vec![4]]);
    }
}
