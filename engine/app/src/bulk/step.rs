//! A handful of records in one unit of work, each by itself.

use std::sync::Arc;

use access::{Actor, Readable, gate_write};
use model::{ActionName, Card, Code, Ident, Rejected, Violation, types};
use serde_json::{Map, Value as Json};
use sql::system_batches as rows;
use store::{Failure, StoreError, Tx};
use uuid::Uuid;

use super::asked::{Change, EditOp};
use crate::{
    App, AppError, Snapshot, UnitError, batches,
    flows::{Asked, Taking},
    jobs::Context,
    records::{draft, remove::{Deletion, Restoration}, save::{Move, Options, Several, Work, check_asked}},
};

/// A change, checked as far as it can be before any record is looked at.
pub(crate) struct Plan {
    card: Ident,
    change: Change,
    body: Map<String, Json>,
    several: Vec<Several>,
}

impl Plan {
    /// Everything wrong with the change itself, all at once.
    pub fn new(snapshot: &Snapshot, actor: &Actor, card: &str, change: &Change) -> Result<Self, AppError> {
        let found = snapshot.card(card)?.clone();
        // The gate first: who may not see the card learns nothing from what is wrong with the change.
        let action = match change {
            Change::Edit(_) | Change::Assign { .. } => ActionName::Update,
            Change::Delete => ActionName::Delete,
            Change::Restore => ActionName::Restore,
            Change::Claim | Change::Release => ActionName::Claim,
            Change::Transition { .. } => ActionName::Transition,
        };
        let gated = gate_write(&snapshot.catalog, actor, &found, action)?;
        let mut plan = Self { card: found.key.clone(), change: change.clone(), body: Map::new(), several: Vec::new() };
        let mut wrong = Vec::new();
        match change {
            Change::Edit(edits) => {
                for edit in edits {
                    if plan.body.contains_key(&edit.field) || plan.several.iter().any(|one| one.field == edit.field.as_str()) {
                        wrong.push(Violation::new(edit.field.as_str(), Code::Repeated).with("found", &edit.field));
                    } else if matches!(edit.op, EditOp::Set | EditOp::Clear) {
                        plan.body.insert(edit.field.clone(), edit.value.clone());
                    } else {
                        plan.add_several(&found, edit, &mut wrong);
                    }
                }
                let named = edits.iter().filter_map(|edit| found.field(&edit.field));
                let refused = named.filter_map(|field| match () {
                    () if !field.is_editable() => Some(Violation::new(field.key.as_str(), Code::ReadOnly)),
                    () if gated.editable(None, &field.key) == Readable::Never => Some(Violation::new(field.key.as_str(), Code::Forbidden)),
                    () => None,
                });
                wrong.extend(refused);
            }
            Change::Assign { owner, org_unit } => {
                if !gated.may_assign() {
                    return Err(AppError::forbidden("giving records to others takes the right `assign`"));
                }
                plan.body.extend(owner.clone().map(|owner| ("owner".to_owned(), owner)));
                plan.body.extend(org_unit.clone().map(|unit| ("org_unit".to_owned(), unit)));
            }
            Change::Claim | Change::Release if found.pool.is_none() => return Err(AppError::not_found("pool")),
            Change::Transition { transition, comment, record } => {
                let (_, _, def) = found.transition(transition).ok_or_else(|| AppError::not_found("transition"))?;
                // Without what must be said, and with what is not asked for, it would fail for each.
                crate::flows::comment_of(def.comment, comment.as_deref())?;
                check_asked(&def.required, record)?;
            }
            Change::Delete | Change::Restore | Change::Claim | Change::Release => {}
        }
        wrong.extend(draft::read(&found, &snapshot.catalog, &plan.body).1);
        if wrong.is_empty() { Ok(plan) } else { Err(AppError::Rejected(Rejected(wrong))) }
    }

    fn add_several(&mut self, card: &Card, edit: &super::Edit, wrong: &mut Vec<Violation>) {
        let Some(field) = card.field(&edit.field) else {
            // Said with the nearest name by whoever reads the body.
            self.body.insert(edit.field.clone(), Json::Null);
            return;
        };
        let holds_several = match &field.kind {
            model::FieldKind::Choice { multiple, .. } => *multiple,
            model::FieldKind::Link(link) => link.multiple,
            _ => false,
        };
        match types::read_json(&field.kind, &edit.value) {
            _ if !holds_several => wrong.push(Violation::new(edit.field.as_str(), Code::Type).with("wanted", "A field with several values")),
            Ok(values) if values.is_empty() => wrong.push(Violation::new(edit.field.as_str(), Code::Required)),
            Ok(values) => self.several.push(Several { field: field.key.clone(), values, add: edit.op == EditOp::Add }),
            Err(violation) => wrong.push(violation.under(&edit.field)),
        }
    }

    fn one(&self, app: &App, actor: &Actor, batch: Uuid, id: Uuid) -> Result<One, AppError> {
        let card = self.card.as_str();
        Ok(match &self.change {
            Change::Edit(_) | Change::Assign { .. } => {
                let options = Options { batch: Some(batch), ..Options::default() };
                let work = Work::new(app, actor, card, Some(id), self.body.clone(), &options)?;
                One::Save(if self.several.is_empty() { work } else { work.with_several(self.several.clone()) })
            }
            Change::Delete => One::Delete(Deletion::new(app, actor, card, id, Some(batch))?),
            Change::Restore => One::Restore(Restoration::new(app, actor, card, id, Some(batch))?),
            Change::Claim => One::Save(Work::pooled(app, actor, card, id, Move::Claim, Some(batch))?),
            Change::Transition { transition, comment, record } => {
                let asked = Asked { comment: comment.clone(), record: record.clone(), options: Options { batch: Some(batch), ..Options::default() } };
                One::Take(Box::new(Taking::new(&crate::scripts::Home::of(app), actor, card, id, transition, &asked)?))
            }
            Change::Release => One::Save(Work::pooled(app, actor, card, id, Move::Release, Some(batch))?),
        })
    }
}

enum One {
    Save(Work),
    Delete(Deletion),
    Restore(Restoration),
    Take(Box<Taking>),
}

impl One {
    /// Whether anything was changed.
    async fn run(&self, tx: &mut Tx) -> Result<bool, UnitError> {
        match self {
            Self::Save(work) => Ok(work.run(tx).await?.changed),
            Self::Take(taking) => Ok(taking.run(tx).await?.saved.changed),
            Self::Delete(deletion) => deletion.run(tx).await.map(|_| true),
            Self::Restore(restoration) if restoration.0.in_trash(tx).await? == Some(false) => Ok(false),
            Self::Restore(restoration) => restoration.run(tx).await.map(|()| true),
        }
    }
}

/// Changes some records, and notes what came of each; with a job, how far it came is committed with what it did.
pub(super) async fn run(app: &App, actor: &Actor, plan: &Plan, batch: Uuid, ids: &[Uuid], job: Option<(&Context, Json)>) -> Result<(), AppError> {
    let ones: Vec<(Uuid, Result<One, AppError>)> = ids.iter().map(|id| (*id, plan.one(app, actor, batch, *id))).collect();
    let last = ids.last().copied();
    let work = Arc::new((ones, plan.card.clone(), actor.lang.clone(), job.map(|(context, point)| (context.clone(), point))));
    let done = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let (ones, card, lang, job) = &*work;
            for (id, one) in ones {
                change(tx, card, lang, batch, *id, one).await?;
            }
            if let Some(last) = last {
                tx.execute(&rows::set_cursor(tx.dialect(), batch, last)).await?;
            }
            if let Some((context, point)) = job {
                context.checkpoint_in(tx, point).await?;
            }
            Ok::<(), UnitError>(())
        })
    });
    done.await.map_err(|error| error.error)
}

async fn change(tx: &mut Tx, card: &Ident, lang: &str, batch: Uuid, id: Uuid, one: &Result<One, AppError>) -> Result<(), UnitError> {
    tx.savepoint().await?;
    let why = match one {
        Ok(one) => match one.run(tx).await {
            Ok(changed) => {
                tx.release().await?;
                return if changed { Ok(()) } else { batches::note(tx, batch, card, id, "unchanged", None).await };
            }
            // Another try of the whole may heal it.
            Err(error) if error.store().is_some_and(StoreError::can_retry) => return Err(error),
            Err(error) if matches!(error.error, AppError::Unavailable { .. }) => return Err(error),
            Err(error) => error.error,
        },
        Err(error) => error.again(),
    };
    tx.undo().await?;
    batches::note(tx, batch, card, id, verdict(&why), Some(batches::reason(&why, lang))).await
}

/// What one may not change is passed over; what does not fit has failed.
fn verdict(error: &AppError) -> &'static str {
    match error {
        AppError::Forbidden { .. } | AppError::NotFound { .. } | AppError::Conflict { .. } => "skipped",
        AppError::Rejected(rejected) if rejected.0.iter().all(|violation| matches!(violation.code, Code::Forbidden | Code::ReadOnly | Code::Locked)) => "skipped",
        _ => "failed",
    }
}
