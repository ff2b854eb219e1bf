//! The job that converts values of large tables while people go on working, and then lets the new definitions hold.
//!
//! What is written meanwhile goes to both places (`sql::write`), so each row needs to be visited once only, in whatever
//! state it is then.

use std::sync::Arc;

use model::places::PlaceState;
use serde_json::{Value as Json, json};
use sql::{publish, system};
use store::Tx;
use uuid::Uuid;

use super::{
    convert::{self, Filling, Tally},
    publish::Publication,
    state::State,
};
use crate::{App, AppError, UnitError, jobs::{Context, Handlers, JobError}};

/// The job's kind.
pub(super) const KIND: &str = "publish.convert";
/// Rows converted at a time: each part is one transaction.
const PART: u32 = 1_000;

pub(crate) fn handlers(handlers: Handlers) -> Handlers {
    handlers.with(KIND, run)
}

/// Where the job is: which table, after which row; and what did not convert.
struct Point {
    table: usize,
    after: Option<Uuid>,
    done: i64,
    tally: Tally,
}

impl Point {
    fn read(json: Option<&Json>) -> Self {
        let number = |name: &str| json.and_then(|json| json.get(name)).and_then(Json::as_i64).unwrap_or(0);
        let after = json.and_then(|json| json.get("after")).and_then(Json::as_str).and_then(|text| Uuid::try_parse(text).ok());
        Self { table: usize::try_from(number("table")).unwrap_or(0), after, done: number("done"), tally: Tally::from_json(json.and_then(|json| json.get("lost"))) }
    }
    fn to_json(&self) -> Json {
        json!({"table": self.table, "after": self.after, "done": self.done, "lost": self.tally.to_json()})
    }
}

async fn run(context: Context) -> Result<Json, JobError> {
    let result = convert_and_publish(&context).await;
    if let Err(error) = &result
        && (matches!(error, JobError::Cancelled) || !error.can_retry() || matches!(error, JobError::Failed(AppError::Conflict { .. }))) {
            give_up(context.app()).await?;
        }
    match result {
        // What records refuse stays refused: another try would find the same.
        Err(JobError::Failed(AppError::Conflict { detail, code, .. })) => Err(AppError::malformed(code, detail).into()),
        result => result,
    }
}

async fn convert_and_publish(context: &Context) -> Result<Json, JobError> {
    let app = context.app();
    let state = State::read(&app.store).await?;
    let Some(coming) = state.coming()? else { return Ok(Json::Null) };
    let fillings = convert::fillings(&state.places, &coming)?;
    let mut total = 0;
    for filling in &fillings {
        let rows = app.store.fetch(&publish::count_rows(app.store.dialect(), &filling.table, u32::MAX)).await?;
        total += rows.first().and_then(|row| match row.first() { Some(sql::Datum::Integer(count)) => Some(*count), _ => None }).unwrap_or(0);
    }
    let mut point = Point::read(context.resume_point());
    while let Some(filling) = fillings.get(point.table) {
        context.go_on().await?;
        point = part(context, filling, point, total).await?;
    }
    finish(app, &state, &coming).await?;
    crate::upkeep::tables_changed(&app.store).await?;
    app.reload().await?;
    crate::derived::settle(app).await?;
    crate::search::settle(app).await?;
    crate::duplicates::ask_to_build(app).await?;
    Ok(json!({"converted": point.done, "lost": point.tally.to_json()}))
}

/// Converts some rows and keeps the point after them, in one transaction.
async fn part(context: &Context, filling: &Filling, point: Point, total: i64) -> Result<Point, JobError> {
    context.progress(point.done, Some(total.max(point.done))).await?;
    let work = Arc::new((context.clone(), filling.clone(), point));
    let done = context.app().store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let (context, filling, point) = &*work;
            let mut tally = point.tally.clone();
            let (after, count) = convert::fill_part(tx, filling, point.after, PART, &mut tally).await?;
            let done = point.done + i64::try_from(count).unwrap_or(0);
            let table = if after.is_none() { point.table + 1 } else { point.table };
            let next = Point { table, after, done, tally };
            context.checkpoint_in(tx, &next.to_json()).await?;
            Ok::<Point, UnitError>(next)
        })
    });
    Ok(done.await.map_err(|error| error.error)?)
}

/// Lets the new definitions hold.
async fn finish(app: &App, state: &State, coming: &model::Catalog) -> Result<(), AppError> {
    let work = Arc::new(Publication::new(app, state, coming, PlaceState::Live).await?);
    let done = app.store.write_alone(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            if u64::try_from(tx.counts().await?.version).unwrap_or(0) != work.version {
                return Err(UnitError::from(AppError::Outdated));
            }
            Publication::execute(tx, &work.grow).await?;
            for statement in publish::take_waiting(tx.dialect()) {
                tx.execute(&statement).await?;
            }
            tx.execute(&publish::end_filling(tx.dialect(), PlaceState::Live)).await?;
            work.end(tx).await
        })
    });
    done.await.map_err(|error| error.error)
}

/// Gives a publish up: the definitions that waited are forgotten, the places that were being filled are left.
pub(super) async fn give_up(app: &App) -> Result<(), AppError> {
    let done = app.store.write_alone(|tx: &mut Tx| {
        Box::pin(async move {
            tx.execute(&publish::clear_waiting(tx.dialect())).await?;
            tx.execute(&publish::end_filling(tx.dialect(), PlaceState::GivenUp)).await?;
            tx.fetch(&system::next_catalog_version(tx.dialect())).await?;
            Ok::<(), UnitError>(())
        })
    });
    done.await.map_err(|error| error.error)?;
    app.reload().await
}
