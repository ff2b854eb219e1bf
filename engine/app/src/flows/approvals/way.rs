//! The way an application went, and goes: its steps with people, opinions and times.

use access::Actor;
use model::Ident;
use serde_json::{Value as Json, json};
use sql::{Datum, system, system_approvals as rows};
use uuid::Uuid;

use super::{kept::{self, Approval, Task, turns}, people::{self, Who}, start::Course};
use crate::{App, AppError, Snapshot, Source, records::read};

/// Most applications of one record that are told.
const MOST: u32 = 20;

/// One application of a record, from its beginning to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// The application.
    pub approval: Approval,
    /// Its steps, in order, those of earlier rounds before those of the last.
    pub steps: Vec<Step>,
    /// The tasks of it on which the reader decides now.
    pub mine: Vec<Uuid>,
    /// Earlier steps it may be sent back to: their place in the flow, and their words.
    pub earlier: Vec<(usize, String)>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its place in the flow.
    pub index: usize,
    /// What it is called.
    pub label: String,
    /// Which round of it: 0 before anything was sent back.
    pub round: i64,
    /// done, open, coming, left_out.
    pub state: &'static str,
    /// Everybody who was asked.
    pub tasks: Vec<Task>,
    /// Who will be asked, by name, where nobody was yet.
    pub expected: Vec<String>,
}

/// The applications of a record, the latest first. The record must be readable.
pub async fn ways(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, record: Uuid) -> Result<Vec<Way>, AppError> {
    let found = snapshot.card(card)?;
    let gate = access::gate(&snapshot.catalog, actor, found, model::ActionName::Read)?;
    if !read::matches(app, snapshot, found, record, &gate.rows()).await? {
        return Err(AppError::not_found("record"));
    }
    let mut source = Source::App(app);
    let approvals: Vec<Approval> = source.fetch(&rows::of_record(source.dialect(), record, MOST)).await?.into_iter().filter_map(Approval::from_row).collect();
    let mut ways = Vec::new();
    for approval in approvals {
        let tasks = kept::tasks(&mut source, approval.id).await?;
        let mut mine = Vec::new();
        if let Some(user) = actor.user.filter(|_| approval.is_running()) {
            let roles: Vec<&str> = actor.roles.iter().map(Ident::as_str).collect();
            for task in tasks.iter().filter(|task| task.is_open()) {
                if !source.fetch(&rows::is_turn(source.dialect(), task.id, user, &roles)).await?.is_empty() {
                    mine.push(task.id);
                }
            }
        }
        let course = Course { snapshot, card: found, now: actor.now, by: actor.user };
        let told = Told { course: &course, lang: &actor.lang, approval: &approval, tasks: &tasks };
        let (steps, earlier) = (told.steps(&mut source).await?, told.earlier());
        ways.push(Way { approval, steps, mine, earlier });
    }
    Ok(ways)
}

struct Told<'a> {
    course: &'a Course<'a>,
    lang: &'a str,
    approval: &'a Approval,
    tasks: &'a [Task],
}

impl Told<'_> {
    async fn steps(&self, source: &mut Source<'_>) -> Result<Vec<Step>, AppError> {
        let mut steps = Vec::new();
        for round in 0..self.approval.round {
            steps.extend((0..self.count()).filter_map(|index| self.asked(index, round)));
        }
        for (turn, of) in turns(&self.approval.flow).into_iter().enumerate() {
            for index in of {
                let step = match self.asked(index, self.approval.round) {
                    Some(step) => step,
                    None => self.coming(source, turn, index).await?,
                };
                steps.push(step);
            }
        }
        // What a later round did not ask again was told with the round it was asked in.
        steps.retain(|step| !(step.state == "left_out" && steps_before(self.tasks, step, self.approval.round)));
        Ok(steps)
    }

    fn count(&self) -> usize {
        self.approval.flow.approval.as_ref().map_or(0, |flow| flow.steps.len())
    }

    /// Earlier steps than the one that is open.
    fn earlier(&self) -> Vec<(usize, String)> {
        let before = turns(&self.approval.flow).into_iter().take(usize::try_from(self.approval.stage).unwrap_or(0)).flatten();
        before.filter(|index| self.tasks.iter().any(|task| usize::try_from(task.step).ok() == Some(*index))).map(|index| (index, self.label(index))).collect()
    }

    fn asked(&self, index: usize, round: i64) -> Option<Step> {
        let tasks: Vec<Task> = self.tasks.iter().filter(|task| task.round == round && usize::try_from(task.step).ok() == Some(index)).cloned().collect();
        let state = if tasks.is_empty() { return None } else if tasks.iter().any(Task::is_open) { "open" } else { "done" };
        Some(Step { index, label: self.label(index), round, state, tasks, expected: Vec::new() })
    }

    async fn coming(&self, source: &mut Source<'_>, turn: usize, index: usize) -> Result<Step, AppError> {
        let mut step = Step { index, label: self.label(index), round: self.approval.round, state: "left_out", tasks: Vec::new(), expected: Vec::new() };
        let Some(def) = self.approval.flow.approval.as_ref().and_then(|flow| flow.steps.get(index)) else { return Ok(step) };
        let ahead = self.approval.is_running() && i64::try_from(turn).is_ok_and(|turn| turn > self.approval.stage);
        if ahead && self.course.applies(source, self.approval, def).await? {
            step.state = "coming";
            let about = self.course.about(source, self.approval).await?;
            for by in def.by.each() {
                let (who, _) = people::who(source, &about, by).await?;
                step.expected.push(self.name(source, &who).await?);
            }
            step.expected.dedup();
        }
        Ok(step)
    }

    async fn name(&self, source: &mut Source<'_>, who: &Who) -> Result<String, AppError> {
        match who {
            Who::Role(role) => Ok(role_name(self.course.snapshot, role, self.lang)),
            Who::User(user) => match source.fetch(&system::user_by_id(source.dialect(), *user)).await?.into_iter().next().unwrap_or_default().into_iter().nth(2) {
                Some(Datum::Text(name)) => Ok(name),
                _ => Ok(String::new()),
            },
        }
    }

    fn label(&self, index: usize) -> String {
        let Some(step) = self.approval.flow.approval.as_ref().and_then(|flow| flow.steps.get(index)) else { return String::new() };
        if let Some(label) = step.labels.get(self.lang) {
            return label.to_owned();
        }
        let pick = |en: &str, hans: &str, hant: &str| match self.lang { "zh-Hans" => hans, "zh-Hant" => hant, _ => en }.to_owned();
        let word = |by: &String| match by.as_str() {
            "manager" => pick("Manager", "直属上级", "直屬主管"),
            "head" => pick("Head of the unit", "部门负责人", "部門主管"),
            by => match by.strip_prefix("role:") {
                Some(role) => role_name(self.course.snapshot, role, self.lang),
                None => form::sentence::path_label(&self.course.snapshot.catalog, &self.course.card.table.reference(), by, self.lang),
            },
        };
        step.by.each().iter().map(word).collect::<Vec<_>>().join(", ")
    }
}

/// Whether a step was asked in a round before the last.
fn steps_before(tasks: &[Task], step: &Step, round: i64) -> bool {
    tasks.iter().any(|task| task.round < round && usize::try_from(task.step).ok() == Some(step.index))
}

/// A group's name.
pub fn role_name(snapshot: &Snapshot, role: &str, lang: &str) -> String {
    snapshot.catalog.roles.get(role).map_or_else(
        || match (role, lang) {
            (access::ADMINISTRATOR, "zh-Hans") => "管理员".into(),
            (access::ADMINISTRATOR, "zh-Hant") => "管理員".into(),
            (access::ADMINISTRATOR, _) => "Administrators".into(),
            _ => model::humanize(role),
        },
        |known| known.labels.or_key(lang, role),
    )
}

impl Way {
    /// As the API shows it.
    pub fn to_json(&self, lang: &str) -> Json {
        let mut json = self.approval.to_json(lang);
        json["steps"] = self.steps.iter().map(|step| json!({"step": step.index, "round": step.round, "label": step.label, "state": step.state, "expected": step.expected, "tasks": step.tasks.iter().map(Task::to_json).collect::<Vec<_>>()})).collect();
        json["mine"] = json!(self.mine);
        json
    }
}

impl Task {
    /// As the API shows it.
    pub fn to_json(&self) -> Json {
        let who = |who: &(Uuid, String)| json!({"id": who.0, "title": who.1});
        let at = |at: &chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        json!({
            "id": self.id, "kind": self.kind, "user": self.user.as_ref().map(who), "role": self.role, "state": self.state, "decided_by": self.decided_by.as_ref().map(who),
            "decided_at": self.decided_at.as_ref().map(at), "opinion": self.opinion, "since": at(&self.since), "reminded": self.reminded,
        })
    }
}
