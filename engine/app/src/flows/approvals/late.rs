//! What waits too long is reminded of, or goes to who leads those who did not answer; so does what waits for people who
//! are not there any more.

use std::sync::Arc;

use access::{Actor, Reason};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};
use sql::{Datum, system_approvals as rows};
use store::Tx;
use uuid::Uuid;

use super::{kept, people::{self, Who}, start::Course};
use crate::{App, AppError, Snapshot, Source, UnitError, jobs::{Context, JobError}};

/// Tasks looked at in one go.
const EACH: u32 = 200;

/// Comes back every few minutes.
pub async fn handle_late(context: Context) -> Result<Json, JobError> {
    let (reminded, passed) = look_after(context.app(), Utc::now()).await?;
    Ok(json!({"reminded": reminded, "passed": passed}))
}

/// Looks after everything that waits: how many were reminded, and how many went to somebody else.
pub async fn look_after(app: &App, now: DateTime<Utc>) -> Result<(u64, u64), AppError> {
    let (mut reminded, mut passed) = (0, 0);
    let found = app.store.fetch(&rows::late(app.store.dialect(), now, EACH)).await?;
    for row in found {
        let Ok([Datum::Uuid(task), Datum::Boolean(remind), Datum::Boolean(pass)]) = <[Datum; 3]>::try_from(row) else { continue };
        let snapshot = app.snapshot();
        let work = Arc::new((snapshot, task, pass));
        let done = app.store.write(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move { if work.2 { pass_on(tx, &work.0, work.1, now).await } else { remind_of(tx, &work.0, work.1, now).await } })
        });
        done.await.map_err(|error: UnitError| error.error)?;
        passed += u64::from(pass);
        reminded += u64::from(remind && !pass);
    }
    Ok((reminded, passed))
}

async fn remind_of(tx: &mut Tx, snapshot: &Snapshot, id: Uuid, now: DateTime<Utc>) -> Result<(), UnitError> {
    let task = kept::task(&mut Source::Tx(tx), id).await?;
    let approval = kept::approval(&mut Source::Tx(tx), task.approval).await?;
    let step = usize::try_from(task.step).ok().and_then(|index| approval.flow.approval.as_ref()?.steps.get(index));
    let next = step.and_then(|step| step.remind_after).map(|hours| now + TimeDelta::hours(i64::from(hours)));
    tx.execute(&rows::remind(tx.dialect(), id, next)).await?;
    let who = task.user.map(|(id, _)| Who::User(id)).or(task.role.map(Who::Role));
    if let (Some(who), Ok(card)) = (who, snapshot.card(&approval.card)) {
        Course { snapshot, card, now, by: None }.tell(tx, &approval, &who, "reminded").await?;
    }
    Ok(())
}

/// Somebody else decides: who leads them, or the administrators.
async fn pass_on(tx: &mut Tx, snapshot: &Snapshot, id: Uuid, now: DateTime<Utc>) -> Result<(), UnitError> {
    crate::still_present(tx, snapshot, &Actor::system(Reason::Approval, now)).await?;
    let task = kept::task(&mut Source::Tx(tx), id).await?;
    let approval = kept::approval(&mut Source::Tx(tx), task.approval).await?;
    let Ok(card) = snapshot.card(&approval.card) else { return Ok(()) };
    super::start::hold(tx, snapshot, card, approval.record).await?;
    let task = kept::task(&mut Source::Tx(tx), id).await?;
    if !task.is_open() {
        return Ok(());
    }
    let course = Course { snapshot, card, now, by: None };
    let mut source = Source::Tx(tx);
    let (who, kind) = match &task.user {
        Some((user, _)) => {
            let kind = if people::is_active(&mut source, *user).await? { "escalated" } else { "stand_in" };
            let about = course.about(&mut source, &approval).await?;
            (people::above(&mut source, &about, *user).await?.0, kind)
        }
        None => (Who::Role(access::ADMINISTRATOR.into()), "escalated"),
    };
    tx.execute(&rows::decide(tx.dialect(), task.id, "passed", None, None, now)).await?;
    course.ask(tx, &approval, [task.stage, task.step, task.round], kind, &who, Some(task.id)).await?;
    Ok(())
}
