//! What follows from a change for very many records, some at a time.

use std::{collections::BTreeSet, sync::Arc};

use chrono::Utc;
use model::Ident;
use serde_json::{Value as Json, json};
use sql::system_derived;
use store::Tx;
use uuid::Uuid;

use super::{follow::{Queue, Reached, TOGETHER, back}, graph::Use};
use crate::{App, AppError, UnitError, jobs::{Context, JobError}, snapshot::Snapshot};

/// What follows a change of a record that very many read.
pub(crate) const FOLLOW_KIND: &str = "derived.follow";
/// Most records that one job renews.
const MOST: usize = 20_000_000;

/// Renews, from the last checkpoint on, and takes the marks away.
pub(crate) async fn follow_job(context: Context) -> Result<Json, JobError> {
    let app = context.app().clone();
    app.refresh().await?;
    let snapshot = app.snapshot();
    let found = used(&snapshot, context.payload());
    let mut done = 0;
    if let Some((used, upto, from)) = found {
        let records = records(&app, &snapshot, &used, upto, from).await?;
        let after = context.resume_point().and_then(|point| serde_json::from_value::<Uuid>(point.get("after")?.clone()).ok());
        let rest: Vec<Uuid> = records.iter().copied().filter(|id| after.is_none_or(|after| *id > after)).collect();
        done = records.len() - rest.len();
        let total = i64::try_from(records.len()).ok();
        for some in rest.chunks(TOGETHER) {
            context.progress(i64::try_from(done).unwrap_or(i64::MAX), total).await?;
            part(&context, &snapshot, used.node, some).await?;
            done += some.len();
            context.go_on().await?;
        }
    }
    unmark(&app, context.id()).await?;
    Ok(json!({"records": done}))
}

/// The way as the catalog has it now; a definition that changed meanwhile is calculated anew by itself.
fn used(snapshot: &Snapshot, payload: &Json) -> Option<(Use, usize, BTreeSet<Uuid>)> {
    let text = |name: &str| payload.get(name).and_then(Json::as_str);
    let (table, field, way) = (text("table")?, text("field")?, text("way")?);
    let of = Ident::new(text("of")?).ok()?;
    let fits = |used: &&Use| {
        let place = &snapshot.graph().nodes[used.node].place;
        place.0.to_string() == table && place.1 == field && format!("{:?}", used.legs) == way
    };
    let used = snapshot.graph().uses(&of).iter().find(fits)?.clone();
    let at = payload.get("at").and_then(Json::as_u64).and_then(|at| usize::try_from(at).ok())?;
    let from = serde_json::from_value(payload.get("from")?.clone()).ok()?;
    Some((used, at, from))
}

async fn records(app: &App, snapshot: &Arc<Snapshot>, used: &Use, upto: usize, from: BTreeSet<Uuid>) -> Result<BTreeSet<Uuid>, AppError> {
    let work = Arc::new((snapshot.clone(), used.clone(), from));
    let found = app.store.look(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            match back(tx, &work.0, &work.1, None, work.2.clone(), upto, MOST).await? {
                Reached::All(records) => Ok(records),
                Reached::TooMany { .. } => Err(UnitError::from(AppError::Internal(format!("more than {MOST} records follow one change")))),
            }
        })
    });
    found.await.map_err(|error: UnitError| error.error)
}

/// Some records and the checkpoint after them, in one transaction.
async fn part(context: &Context, snapshot: &Arc<Snapshot>, node: usize, some: &[Uuid]) -> Result<(), AppError> {
    let work = Arc::new((context.clone(), snapshot.clone(), some.to_vec()));
    let done = context.app().store.write_large(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let (context, snapshot, some) = &*work;
            crate::still_present(tx, snapshot, &snapshot.calculating(Utc::now())).await?;
            if let Some(turn) = system_derived::take_turn(tx.dialect()) {
                tx.execute(&turn).await?;
            }
            let mut queue = Queue::new(snapshot, Utc::now());
            queue.ask(node, some.iter().copied());
            queue.run(tx).await?;
            context.checkpoint_in(tx, &json!({"after": some.last()})).await
        })
    });
    done.await.map_err(|error: UnitError| error.error)
}

/// Takes a job's marks away.
pub(super) async fn unmark(app: &App, job: Uuid) -> Result<(), AppError> {
    crate::run(&app.store, vec![system_derived::unmark(app.store.dialect(), job)]).await?;
    super::marks::changed();
    Ok(())
}
