//! Decisions: agreed, rejected, handed on; and taking an application back.

use std::sync::Arc;

use access::{Actor, Reason};
use model::{ActionName, Card, Code, CommentDef, Ident, NeedDef, Violation};
use sql::system_approvals as rows;
use store::Tx;
use uuid::Uuid;

use super::{kept::{self, Approval, Task, turns}, people::{self, Who}, start::{Course, finishing, hold}};
use crate::{
    App, AppError, Snapshot, Source, UnitError,
    flows::take::comment_of,
    notify::{self, Kind, Notice},
    records::{read, save::{Options, StateMove, Work, conflict}},
};

/// What somebody decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// They agree.
    Approve,
    /// They do not.
    Reject(RejectTo),
    /// Somebody else decides in their place.
    Delegate(Uuid),
    /// Somebody else decides too.
    Add(Uuid),
}

/// Where something goes that was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectTo {
    /// Back to whoever applied: it ends.
    Applicant,
    /// To an earlier step, by its place in the flow.
    Step(usize),
}

/// What became of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The application.
    pub approval: Uuid,
    /// running, approved, rejected, withdrawn.
    pub state: &'static str,
    /// What it is about.
    pub card: String,
    /// See `card`.
    pub record: Uuid,
}

/// Decides on a task.
pub async fn decide(app: &App, actor: &Actor, task: Uuid, decision: &Decision, opinion: Option<&str>) -> Result<Outcome, AppError> {
    app.by_present_definitions(actor, || async {
        let deciding = Arc::new(Deciding::new(app, actor, task, decision, opinion).await?);
        let done = app.store.write(move |tx: &mut Tx| {
            let deciding = deciding.clone();
            Box::pin(async move { deciding.run(tx).await })
        });
        done.await.map_err(|error| error.error)
    })
    .await
}

struct Deciding {
    snapshot: Arc<Snapshot>,
    card: Arc<Card>,
    actor: Actor,
    task: Uuid,
    approval: Uuid,
    decision: Decision,
    opinion: Option<String>,
    /// What happens when all agreed; why it cannot, where it cannot.
    finish: Result<Work, AppError>,
    /// What happens when it is rejected; nothing where the record stays.
    back: Option<Work>,
}

impl Deciding {
    async fn new(app: &App, actor: &Actor, task: Uuid, decision: &Decision, opinion: Option<&str>) -> Result<Self, AppError> {
        let user = actor.user.ok_or(AppError::Unauthenticated)?;
        let mut source = Source::App(app);
        let found = kept::task(&mut source, task).await?;
        let roles: Vec<&str> = actor.roles.iter().map(Ident::as_str).collect();
        let is_turn = !app.store.fetch(&rows::is_turn(app.store.dialect(), task, user, &roles)).await?.is_empty();
        let reassigns = actor.is_administrator() && matches!(decision, Decision::Delegate(_));
        if !is_turn && !reassigns {
            return Err(AppError::not_found("task"));
        }
        let wanted = if matches!(decision, Decision::Reject(_)) { CommentDef::Required } else { CommentDef::Optional };
        let opinion = comment_of(wanted, opinion).map_err(said_as_opinion)?;
        let approval = kept::approval(&mut source, found.approval).await?;
        let snapshot = app.snapshot();
        let card = snapshot.card(&approval.card)?.clone();
        if matches!(decision, Decision::Approve | Decision::Reject(_)) {
            let gate = access::gate(&snapshot.catalog, actor, &card, ActionName::Read).ok();
            let seen = match gate {
                Some(gate) => read::matches(app, &snapshot, &card, approval.record, &gate.rows()).await?,
                None => false,
            };
            if !seen {
                return Err(AppError::forbidden("you may not see what this is about; give it to somebody who may"));
            }
        }
        let workflow = Ident::new(&approval.workflow).map_err(|_| AppError::not_found("workflow"))?;
        let finish = finishing(&crate::scripts::Home::of(app), actor, &approval.card, approval.record, &workflow, &approval.flow, opinion.clone(), None);
        let rejected = approval.flow.approval.as_ref().and_then(|flow| flow.rejected.clone());
        let back = going_back(app, actor, &approval, &workflow, rejected, opinion.clone())?;
        Ok(Self { card, actor: actor.clone(), task, approval: approval.id, decision: decision.clone(), opinion, finish, back, snapshot })
    }

    async fn run(&self, tx: &mut Tx) -> Result<Outcome, UnitError> {
        crate::still_present(tx, &self.snapshot, &self.actor).await?;
        let approval = kept::approval(&mut Source::Tx(tx), self.approval).await?;
        hold(tx, &self.snapshot, &self.card, approval.record).await?;
        let (task, approval) = (kept::task(&mut Source::Tx(tx), self.task).await?, kept::approval(&mut Source::Tx(tx), self.approval).await?);
        if !task.is_open() || !approval.is_running() {
            return Err(self.decided_meanwhile(tx, &task, &approval).await?.into());
        }
        let course = Course { snapshot: &self.snapshot, card: &self.card, now: self.actor.now, by: self.actor.user };
        let state = match &self.decision {
            Decision::Approve => self.approve(tx, &course, &approval, &task).await?,
            Decision::Reject(to) => self.reject(tx, &course, &approval, &task, *to).await?,
            Decision::Delegate(user) => {
                self.check_other(tx, &approval, &task, *user).await?;
                self.settle(tx, &task, "passed").await?;
                course.ask(tx, &approval, [task.stage, task.step, task.round], "delegated", &Who::User(*user), Some(task.id)).await?;
                "running"
            }
            Decision::Add(user) => {
                self.check_other(tx, &approval, &task, *user).await?;
                course.ask(tx, &approval, [task.stage, task.step, task.round], "added", &Who::User(*user), Some(task.id)).await?;
                "running"
            }
        };
        if state != "running" {
            let to = approval.applicant.iter().map(|(id, _)| *id).collect();
            let notice = Notice { by: self.actor.user, ..Notice::new(Kind::Decision, state, to).about_record(&self.card.key, approval.record) };
            notify::tell(tx, &notice).await?;
        }
        Ok(Outcome { approval: approval.id, state, card: approval.card, record: approval.record })
    }

    async fn settle(&self, tx: &mut Tx, task: &Task, state: &str) -> Result<(), UnitError> {
        tx.execute(&rows::decide(tx.dialect(), task.id, state, self.actor.user, self.opinion.as_deref(), self.actor.now)).await?;
        Ok(())
    }

    async fn approve(&self, tx: &mut Tx, course: &Course<'_>, approval: &Approval, task: &Task) -> Result<&'static str, UnitError> {
        self.settle(tx, task, "approved").await?;
        let all = kept::tasks(&mut Source::Tx(tx), approval.id).await?;
        let turn = usize::try_from(approval.stage).unwrap_or(0);
        let steps = turns(&approval.flow).into_iter().nth(turn).unwrap_or_default();
        let mut through = true;
        for index in steps {
            let of: Vec<&Task> = all.iter().filter(|one| one.round == approval.round && usize::try_from(one.step).ok() == Some(index) && one.state != "passed").collect();
            let (added, asked): (Vec<&Task>, Vec<&Task>) = of.into_iter().partition(|one| one.kind == "added");
            let need = approval.flow.approval.as_ref().and_then(|flow| flow.steps.get(index)).map_or(NeedDef::All, |step| step.need);
            let agreed = |one: &&Task| one.state == "approved";
            let enough = match need {
                NeedDef::Any => asked.is_empty() || asked.iter().any(agreed),
                NeedDef::All => asked.iter().all(agreed),
            };
            if enough && asked.iter().any(|one| one.is_open()) {
                tx.execute(&rows::skip(tx.dialect(), approval.id, approval.round, i64::try_from(index).unwrap_or(0))).await?;
            }
            through &= enough && added.iter().all(agreed);
        }
        if !through || course.ask_from(tx, approval, turn + 1, approval.round).await? {
            return Ok("running");
        }
        self.finish(tx, approval).await
    }

    async fn finish(&self, tx: &mut Tx, approval: &Approval) -> Result<&'static str, UnitError> {
        end(tx, approval, "approved", &self.actor).await?;
        match &self.finish {
            Ok(work) => work.run(tx).await?,
            Err(error) => return Err(error.again().into()),
        };
        Ok("approved")
    }

    async fn reject(&self, tx: &mut Tx, course: &Course<'_>, approval: &Approval, task: &Task, to: RejectTo) -> Result<&'static str, UnitError> {
        self.settle(tx, task, "rejected").await?;
        let earlier = match to {
            RejectTo::Applicant => None,
            RejectTo::Step(step) => {
                let turn = turns(&approval.flow).iter().position(|turn| turn.contains(&step)).filter(|turn| i64::try_from(*turn).is_ok_and(|turn| turn < approval.stage));
                Some(turn.ok_or_else(|| AppError::malformed("bad_decision", "`to` is `applicant`, or the number of an earlier step"))?)
            }
        };
        if let Some(turn) = earlier {
            tx.execute(&rows::cancel(tx.dialect(), approval.id)).await?;
            if course.ask_from(tx, approval, turn, approval.round + 1).await? {
                return Ok("running");
            }
            return self.finish(tx, approval).await;
        }
        end(tx, approval, "rejected", &self.actor).await?;
        put_back(tx, self.back.as_ref()).await?;
        Ok("rejected")
    }

    /// Whether somebody else can be asked.
    async fn check_other(&self, tx: &mut Tx, approval: &Approval, task: &Task, user: Uuid) -> Result<(), UnitError> {
        let mut source = Source::Tx(tx);
        if !people::is_active(&mut source, user).await? {
            return Err(AppError::rejected(Violation::new("user", Code::NotFound)).into());
        }
        if approval.partial().contains(&user) {
            return Err(conflict("own_application", "nobody decides on their own application").into());
        }
        let asked = |one: &Task| one.is_open() && one.round == task.round && one.user.as_ref().is_some_and(|(id, _)| *id == user);
        if kept::tasks(&mut source, approval.id).await?.iter().any(asked) {
            return Err(conflict("asked_already", "they are asked already").into());
        }
        Ok(())
    }

    async fn decided_meanwhile(&self, tx: &mut Tx, task: &Task, approval: &Approval) -> Result<AppError, UnitError> {
        // Of several who were asked, and of whom one was enough, that one is named.
        let all = kept::tasks(&mut Source::Tx(tx), approval.id).await?;
        let last = task.decided_by.clone().zip(task.decided_at).or_else(|| all.iter().filter_map(|one| one.decided_by.clone().zip(one.decided_at)).max_by_key(|(_, at)| *at));
        Ok(match last {
            Some(((_, name), at)) => conflict("task_decided", format!("{name} decided on this at {}", at.with_timezone(&self.actor.zone).format("%Y-%m-%d %H:%M"))),
            None => conflict("task_decided", "this was withdrawn, and waits for nobody any more"),
        })
    }
}

fn said_as_opinion(error: AppError) -> AppError {
    match error {
        AppError::Rejected(mut rejected) => {
            rejected.0.iter_mut().for_each(|violation| "opinion".clone_into(&mut violation.path));
            AppError::Rejected(rejected)
        }
        other => other,
    }
}

async fn end(tx: &mut Tx, approval: &Approval, state: &str, actor: &Actor) -> Result<(), UnitError> {
    for statement in rows::end(tx.dialect(), approval.id, state, actor.now) {
        tx.execute(&statement).await?;
    }
    Ok(())
}

/// A record that is gone meanwhile goes nowhere; what waited for it ends all the same.
async fn put_back(tx: &mut Tx, back: Option<&Work>) -> Result<(), UnitError> {
    let Some(back) = back else { return Ok(()) };
    match back.run(tx).await {
        Ok(_) => Ok(()),
        Err(UnitError { error: AppError::NotFound { .. }, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The record goes where it was, or where rejected ones go; nothing where it is there already.
fn going_back(app: &App, actor: &Actor, approval: &Approval, workflow: &Ident, rejected: Option<Ident>, comment: Option<String>) -> Result<Option<Work>, AppError> {
    let before = Ident::new(&approval.from).map_err(|_| AppError::not_found("state"))?;
    let during = approval.flow.approval.as_ref().and_then(|flow| flow.during.clone());
    let now = during.unwrap_or_else(|| before.clone());
    let snapshot = app.snapshot();
    let states = snapshot.card(&approval.card)?.workflows.get(workflow).map(|known| &known.states);
    // A state that is gone since: it goes back to where it was.
    let to = rejected.filter(|state| states.is_some_and(|states| states.contains_key(state))).unwrap_or_else(|| before.clone());
    if to == now {
        return Ok(None);
    }
    let state = StateMove { from: vec![now], to: Some(to), required: Vec::new(), settled: true, back: true, asker: Some(actor.clone()), ..StateMove::take(workflow, &approval.flow, comment) };
    Work::transition(&crate::scripts::Home::of(app), &actor.for_reason(Reason::Approval), &approval.card, approval.record, state, serde_json::Map::new(), &Options::default()).map(Some)
}

/// Takes an application back: by who applied, and by administrators.
pub async fn withdraw(app: &App, actor: &Actor, id: Uuid, comment: Option<&str>) -> Result<Outcome, AppError> {
    app.by_present_definitions(actor, || async {
        let approval = kept::approval(&mut Source::App(app), id).await?;
        let mine = actor.user.is_some() && approval.applicant.as_ref().map(|(id, _)| *id) == actor.user;
        if !mine && !actor.is_administrator() {
            return Err(AppError::not_found("application"));
        }
        let comment = comment_of(CommentDef::Optional, comment)?;
        let workflow = Ident::new(&approval.workflow).map_err(|_| AppError::not_found("workflow"))?;
        let back = going_back(app, actor, &approval, &workflow, None, comment)?;
        let snapshot = app.snapshot();
        let work = Arc::new((snapshot.card(&approval.card)?.clone(), snapshot, actor.clone(), back, approval));
        let done = app.store.write(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move {
                let (card, snapshot, actor, back, approval) = &*work;
                crate::still_present(tx, snapshot, actor).await?;
                hold(tx, snapshot, card, approval.record).await?;
                if !kept::approval(&mut Source::Tx(tx), approval.id).await?.is_running() {
                    return Err(conflict("task_decided", "this was decided already").into());
                }
                end(tx, approval, "withdrawn", actor).await?;
                put_back(tx, back.as_ref()).await?;
                Ok::<_, UnitError>(Outcome { approval: approval.id, state: "withdrawn", card: approval.card.clone(), record: approval.record })
            })
        });
        done.await.map_err(|error| error.error)
    })
    .await
}
