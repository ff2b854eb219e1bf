//! An approval begins, and goes from one turn to the next.

use std::sync::Arc;

use access::{Actor, Reason};
use chrono::{DateTime, TimeDelta, Utc};
use model::{ApprovalStepDef, Card, Ident, Path, Scopes, TableRef, TransitionDef, Value};
use sql::{select, system_approvals as rows};
use store::{StoreError, Tx};
use uuid::Uuid;

use super::{kept::{self, Approval, turns}, people::{self, About, Who}};
use crate::{
    AppError, Snapshot, Source, UnitError,
    lists::bind_for,
    notify::{self, Kind, Notice},
    records::{
        self, load,
        save::{Options, Saved, StateMove, Work, conflict},
    },
    scripts::{Home, Running},
};

/// What goes on inside a unit of work.
pub(super) struct Course<'a> {
    pub snapshot: &'a Snapshot,
    pub card: &'a Card,
    pub now: DateTime<Utc>,
    /// Whoever moves it on; they are not told of it.
    pub by: Option<Uuid>,
}

/// A transition that needs others to agree, as data: it may be begun again.
pub(crate) struct Start {
    snapshot: Arc<Snapshot>,
    card: Arc<Card>,
    actor: Actor,
    record: Uuid,
    workflow: Ident,
    flow: TransitionDef,
    comment: Option<String>,
    finish: Work,
}

impl Start {
    #[allow(clippy::too_many_arguments)] // One transition of one record, and what it belongs to.
    pub fn new(home: &Home, actor: &Actor, card: &str, record: Uuid, workflow: &Ident, flow: &TransitionDef, comment: Option<String>, batch: Option<Uuid>) -> Result<Self, AppError> {
        let snapshot = home.snapshot.clone();
        let found = snapshot.card(card)?.clone();
        let finish = finishing(home, actor, card, record, workflow, flow, None, batch)?;
        Ok(Self { card: found, actor: actor.clone(), record, workflow: workflow.clone(), flow: flow.clone(), comment, finish, snapshot })
    }

    /// Set off by a script, whose budget it shares.
    pub fn set_off_by(self, running: &Running) -> Self {
        Self { finish: self.finish.set_off_by(running.clone()), ..self }
    }

    /// The state before, held until the end.
    pub async fn before(&self, tx: &mut Tx) -> Result<String, UnitError> {
        hold(tx, &self.snapshot, &self.card, self.record).await?;
        let state = value(&mut Source::Tx(tx), &self.snapshot, &self.card, self.record, &self.workflow, self.actor.now).await?;
        Ok(state.as_text().unwrap_or_default().to_owned())
    }

    /// Begins: the approval, or what became of the record where nobody had to be asked.
    pub async fn begin(&self, tx: &mut Tx, from: &str) -> Result<(Uuid, Option<Saved>), UnitError> {
        let stored = load::record(&mut Source::Tx(tx), &self.snapshot.catalog, &self.card, self.record, self.actor.now).await?.unwrap_or_default();
        let id = Uuid::now_v7();
        let new = rows::NewApproval {
            id,
            card: self.card.key.as_str(),
            record: self.record,
            workflow: self.workflow.as_str(),
            transition: self.flow.id.as_str(),
            flow: serde_json::to_string(&self.flow).unwrap_or_default(),
            from_state: from,
            applicant: self.actor.user,
            owner: stored.get("owner").as_id(),
            own: self.flow.approval.as_ref().is_some_and(|approval| approval.own),
            comment: self.comment.as_deref(),
            at: self.actor.now,
        };
        tx.execute(&rows::begin(tx.dialect(), &new)).await.map_err(|error| match error {
            StoreError::Unique { .. } => running().into(),
            error => UnitError::from(error),
        })?;
        let approval = kept::approval(&mut Source::Tx(tx), id).await?;
        let course = Course { snapshot: &self.snapshot, card: &self.card, now: self.actor.now, by: self.actor.user };
        if course.ask_from(tx, &approval, 0, 0).await? {
            return Ok((id, None));
        }
        for statement in rows::end(tx.dialect(), id, "approved", self.actor.now) {
            tx.execute(&statement).await?;
        }
        Ok((id, Some(self.finish.run(tx).await?)))
    }
}

/// An approval of the record is under way.
pub(crate) fn running() -> AppError {
    conflict("approval_running", "an approval is under way: it is decided, or withdrawn, first")
}

/// The last part of a transition: what others agreed to happens.
#[allow(clippy::too_many_arguments)] // One transition of one record, and what it belongs to.
pub(super) fn finishing(home: &Home, actor: &Actor, card: &str, record: Uuid, workflow: &Ident, flow: &TransitionDef, comment: Option<String>, batch: Option<Uuid>) -> Result<Work, AppError> {
    let state = StateMove { from: at_present(&home.snapshot, card, workflow, flow)?, required: Vec::new(), settled: true, asker: Some(actor.clone()), ..StateMove::take(workflow, flow, comment) };
    Work::transition(home, &actor.for_reason(Reason::Approval), card, record, state, serde_json::Map::new(), &Options { batch, ..Options::default() })
}

/// Where a record may be while it waits. What became of the states since the flow began is told here.
pub(super) fn at_present(snapshot: &Snapshot, card: &str, workflow: &Ident, flow: &TransitionDef) -> Result<Vec<Ident>, AppError> {
    let states = &snapshot.card(card)?.workflows.get(workflow).ok_or_else(|| AppError::not_found("workflow"))?.states;
    if !states.contains_key(&flow.to) {
        return Err(conflict("approval_outdated", format!("the state `{}` that this leads to is not there any more; reject it, or withdraw it", flow.to)));
    }
    let during = flow.approval.iter().filter_map(|approval| approval.during.clone());
    Ok(during.chain(flow.from.iter().cloned()).collect())
}

/// Keeps others from the record until the end.
pub(super) async fn hold(tx: &mut Tx, snapshot: &Snapshot, card: &Card, record: Uuid) -> Result<(), UnitError> {
    // Whoever changes records begins with what is calculated from them: always in this order.
    crate::derived::begin(tx, snapshot, card).await?;
    if let Some(hold) = sql::write::hold_for_update(&snapshot.catalog, tx.dialect(), card, record) {
        tx.fetch(&hold).await?;
    }
    Ok(())
}

async fn value(source: &mut Source<'_>, snapshot: &Snapshot, card: &Card, record: Uuid, field: &Ident, now: DateTime<Utc>) -> Result<Value, AppError> {
    let path = Path::own(card.table.reference(), field.clone());
    let tables = access::tables(&snapshot.catalog, &Actor::system(Reason::Approval, now), std::slice::from_ref(&card.key), &[])?;
    let lowered = select::by_ids(&snapshot.catalog, source.dialect(), &tables, &TableRef::card(&card.key), &[record], std::slice::from_ref(&path), false);
    let row = source.fetch(&lowered.statement).await?.into_iter().next();
    Ok(row.and_then(|row| lowered.decode(row).into_iter().nth(1)).unwrap_or_default())
}

impl Course<'_> {
    /// Asks those of a turn; where nobody is, those of the next. Whether somebody is asked now.
    pub async fn ask_from(&self, tx: &mut Tx, approval: &Approval, turn: usize, round: i64) -> Result<bool, UnitError> {
        for (number, steps) in turns(&approval.flow).into_iter().enumerate().skip(turn) {
            let mut asked = false;
            for index in steps {
                asked |= self.ask_step(tx, approval, number, index, round).await?;
            }
            if asked {
                tx.execute(&rows::set_stage(tx.dialect(), approval.id, at(number), round)).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn ask_step(&self, tx: &mut Tx, approval: &Approval, turn: usize, index: usize, round: i64) -> Result<bool, UnitError> {
        let Some(step) = approval.flow.approval.as_ref().and_then(|flow| flow.steps.get(index)) else { return Ok(false) };
        let mut source = Source::Tx(tx);
        if !self.applies(&mut source, approval, step).await? {
            return Ok(false);
        }
        let about = self.about(&mut source, approval).await?;
        let mut asked: Vec<Who> = Vec::new();
        let mut new = Vec::new();
        for by in step.by.each() {
            let (who, stands_in) = people::who(&mut source, &about, by).await?;
            if !asked.contains(&who) {
                new.push((who.clone(), if stands_in { "stand_in" } else { "asked" }));
                asked.push(who);
            }
        }
        for (who, kind) in new {
            self.ask(tx, approval, [at(turn), at(index), round], kind, &who, None).await?;
        }
        Ok(true)
    }

    /// Somebody is asked: `place` is turn, step and round.
    pub async fn ask(&self, tx: &mut Tx, approval: &Approval, place: [i64; 3], kind: &str, who: &Who, parent: Option<Uuid>) -> Result<Uuid, UnitError> {
        let step = usize::try_from(place[1]).ok().and_then(|index| approval.flow.approval.as_ref()?.steps.get(index));
        let after = |hours: Option<u32>| hours.map(|hours| self.now + TimeDelta::hours(i64::from(hours)));
        let (user, role) = match who {
            Who::User(user) => (Some(*user), None),
            Who::Role(role) => (None, Some(role.as_str())),
        };
        // Above the administrators is nobody.
        let last = role == Some(access::ADMINISTRATOR);
        let new = rows::NewTask {
            id: Uuid::now_v7(),
            approval: approval.id,
            round: place[2],
            stage: place[0],
            step: place[1],
            kind,
            user,
            role,
            parent,
            at: self.now,
            remind_at: after(step.and_then(|step| step.remind_after)),
            escalate_at: after(step.and_then(|step| step.escalate_after)).filter(|_| !last),
        };
        tx.execute(&rows::ask(tx.dialect(), &new)).await?;
        self.tell(tx, approval, who, "waits").await?;
        Ok(new.id)
    }

    /// Those who are asked are told, all of a group but those who may not decide.
    pub async fn tell(&self, tx: &mut Tx, approval: &Approval, who: &Who, word: &'static str) -> Result<(), UnitError> {
        let to = match who {
            Who::User(user) => vec![*user],
            Who::Role(role) => tx.fetch(&rows::others_in_role(tx.dialect(), role, &approval.partial())).await?.into_iter().flatten().filter_map(|id| sql::encode::id(&id)).collect(),
        };
        let notice = Notice { by: self.by, ..Notice::new(Kind::Approval, word, to).about_record(&self.card.key, approval.record) };
        Ok(notify::tell(tx, &notice).await?)
    }

    /// Whether a step is asked: its condition holds. One that cannot be understood any more is asked to be safe.
    pub async fn applies(&self, source: &mut Source<'_>, approval: &Approval, step: &ApprovalStepDef) -> Result<bool, AppError> {
        let Some(when) = &step.when else { return Ok(true) };
        let (catalog, table) = (&self.snapshot.catalog, self.card.table.reference());
        let scopes = Scopes { table: table.clone(), record: Some(table.clone()), row: None };
        let Ok(condition) = model::check_filter(catalog, &scopes, when) else { return Ok(true) };
        let system = Actor::system(Reason::Approval, self.now);
        let told = records::seen_from(source, self.snapshot, &system, self.card, approval.record, &condition).await?;
        let lowered = select::matching(catalog, source.dialect(), &table, &[approval.record], &bind_for(&system, catalog, &told));
        Ok(!source.fetch(&lowered.statement).await?.is_empty())
    }

    /// What people are asked about.
    pub async fn about(&self, source: &mut Source<'_>, approval: &Approval) -> Result<About<'_>, AppError> {
        let mut own = [Value::Empty, Value::Empty];
        for (name, value_of) in ["owner", "org_unit"].into_iter().zip(&mut own) {
            if let Some(field) = self.card.field(name) {
                *value_of = value(source, self.snapshot, self.card, approval.record, &field.key, self.now).await?;
            }
        }
        let owner = own[0].as_id().or(approval.applicant.as_ref().map(|(id, _)| *id));
        Ok(About { snapshot: self.snapshot, card: self.card, record: approval.record, owner, org_unit: own[1].as_id(), partial: approval.partial(), now: self.now })
    }
}

/// A place as it is kept.
fn at(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(0)
}
