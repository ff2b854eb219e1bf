//! Lists that took long, and the indexes that would make them quick: noticed while people work, offered to
//! administrators, made by a job while people go on.
//!
//! **Invariants**
//! - Only columns are kept of what was asked, never values.
//! - Noticing keeps nobody waiting, and happens at most once a minute for lists of one shape.
//!
//! **Not here:** indexes that definitions ask for by themselves (`sql::schema`).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use access::{Actor, GatedQuery};
use chrono::{DateTime, Utc};
use model::Ident;
use serde_json::{Value as Json, json};
use sql::{Datum, indexes::Shape, system_advice};

use crate::{
    App, AppError,
    jobs::{self, Context, JobError, NewJob},
};

/// The kind of job that makes an index.
pub const KIND: &str = "index.make";
/// From here on a list is slow.
const SLOW: Duration = Duration::from_millis(100);
/// How often lists of one shape are noted at most.
const EVERY: Duration = Duration::from_secs(60);
/// Most shapes remembered, and most pieces of advice.
const MAX: usize = 200;

/// Shapes noted not long ago.
#[derive(Default)]
pub struct Noticed(Mutex<HashMap<Shape, Instant>>);

impl Noticed {
    fn is_due(&self, shape: &Shape) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, at| at.elapsed() < EVERY);
        if known.contains_key(shape) || known.len() >= MAX {
            return false;
        }
        known.insert(shape.clone(), Instant::now());
        true
    }
}

/// Takes note of how long a page of a list took.
pub(crate) fn notice(app: &App, gated: &GatedQuery, took: Duration) {
    if took < SLOW {
        return;
    }
    let Some(shape) = Shape::of(gated).filter(|shape| app.noticed.is_due(shape)) else { return };
    let store = app.store.clone();
    tokio::spawn(async move {
        let note = system_advice::note(store.dialect(), &shape, i64::try_from(took.as_micros()).unwrap_or(i64::MAX), Utc::now());
        if let Err(error) = crate::run(&store, vec![note]).await {
            tracing::warn!(%error, card = %shape.card, "a slow list could not be noted");
        }
    });
}

/// A list that took long, and whether its index is there.
#[derive(Debug, Clone)]
pub struct Advice {
    /// How it was narrowed and sorted.
    pub shape: Shape,
    /// How often it took long.
    pub seen: i64,
    /// The longest, in microseconds.
    pub worst: i64,
    /// The last time.
    pub last: DateTime<Utc>,
}

/// What would help, asked for most first.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Advice>, AppError> {
    must_administer(actor)?;
    let existing = app.store.existing().await?;
    let catalog = &app.snapshot().catalog;
    let rows = app.store.fetch(&system_advice::slow(app.store.dialect(), 200)).await?;
    let columns = |text: String| text.split(',').filter(|column| !column.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let read = |row: Vec<Datum>| {
        let [Datum::Text(card), Datum::Text(narrowed), Datum::Text(sorted), Datum::Integer(seen), Datum::Integer(worst), Datum::Instant(last)] = <[Datum; 6]>::try_from(row).ok()? else { return None };
        let shape = Shape { card: Ident::new(&card).ok()?, narrowed: columns(narrowed), sorted: columns(sorted) };
        let card = catalog.card(&shape.card)?;
        let known = existing.tables.get(&card.table.physical)?;
        let helps = shape.columns().iter().all(|column| known.contains_key(column)) && !existing.indexes.contains(&shape.name(card));
        helps.then_some(Advice { shape, seen, worst, last })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Makes the index that helps a list, by a job; its id.
pub async fn make(app: &App, actor: &Actor, card: &str, columns: &[String]) -> Result<uuid::Uuid, AppError> {
    let advice = list(app, actor).await?;
    let Some(found) = advice.into_iter().find(|advice| advice.shape.card == card && advice.shape.columns() == columns) else {
        return Err(AppError::not_found("advice"));
    };
    let payload = json!({"card": found.shape.card, "narrowed": found.shape.narrowed, "sorted": found.shape.sorted});
    let unique_key = Some(format!("{KIND}:{card}:{}", columns.join(",")));
    jobs::enqueue(app, NewJob { created_by: actor.user, unique_key, ..NewJob::new(KIND, payload) }).await
}

/// The job that makes one index.
pub(crate) async fn run(context: Context) -> Result<Json, JobError> {
    let app: Arc<App> = context.app().clone();
    let list = |key: &str| context.payload()[key].as_array().into_iter().flatten().filter_map(|column| column.as_str().map(str::to_owned)).collect::<Vec<_>>();
    let name = context.payload()["card"].as_str().unwrap_or_default().to_owned();
    let snapshot = app.snapshot();
    let card = snapshot.card(&name)?;
    let shape = Shape { card: card.key.clone(), narrowed: list("narrowed"), sorted: list("sorted") };
    let columns = shape.columns();
    let existing = app.store.existing().await?;
    if !existing.tables.get(&card.table.physical).is_some_and(|known| columns.iter().all(|column| known.contains_key(column))) {
        return Err(AppError::malformed("unknown_field", format!("{} has no columns {}", card.table.physical, columns.join(", "))).into());
    }
    app.store.make_index(&shape.name(card), &shape.statement(card, app.store.dialect())).await?;
    crate::upkeep::tables_changed(&app.store).await?;
    let dialect = app.store.dialect();
    crate::run(&app.store, vec![system_advice::made(dialect, &name, &columns, Utc::now()), system_advice::forget(dialect, &shape)]).await?;
    Ok(json!({"index": shape.name(card)}))
}

fn must_administer(actor: &Actor) -> Result<(), AppError> {
    if actor.is_administrator() { Ok(()) } else { Err(AppError::forbidden("only administrators look after indexes")) }
}
