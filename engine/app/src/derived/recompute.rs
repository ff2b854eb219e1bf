//! Every record of a card calculated anew, some at a time: after definitions changed, or because somebody says so; and
//! looking for values that are not what they would be.
//!
//! **Invariants**
//! - Cards are gone through in the order in which their fields hang on each other; so each record is right when it is
//!   left, and nothing needs to be followed, but over trees and from day to day.
//! - Where a field stands that was made by another definition is written down only after all of its records.
//!
//! **Not here:** calculating (`renew`).

use std::{collections::{BTreeMap, BTreeSet}, sync::Arc};

use chrono::{DateTime, Utc};
use model::{Card, Ident, Value, record::value_of, types};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use sql::{Datum, system_derived};
use store::Tx;
use uuid::Uuid;

use super::{follow::Queue, graph::Graph, job::unmark, marks, renew::{Asked, Renewing, differing}};
use crate::{App, AppError, UnitError, jobs::{self, Context, JobError, NewJob}, snapshot::Snapshot};

/// The job that calculates anew what was made by other definitions.
pub(crate) const KIND: &str = "derived.recompute";
/// Records of one transaction.
const BATCH: u32 = 2_000;
/// So many records are calculated anew at once, without a job.
const SMALL: i64 = 1_000;

/// Some fields of one card, in the order of needs.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    pub card: Arc<Card>,
    pub nodes: BTreeSet<usize>,
    /// Whether others are to follow each change: those above in a tree, and what hangs on a day that begins.
    pub follows: bool,
    pub now: DateTime<Utc>,
}

/// By what a field is made: another mark means other values.
pub(super) fn made_by(snapshot: &Snapshot, node: usize) -> Option<(String, String)> {
    let node = snapshot.graph().nodes.get(node)?;
    let table = snapshot.catalog.table(&node.place.0)?;
    let field = table.field(&node.place.1)?;
    let reads: Vec<String> = node.reads.iter().map(|read| {
        let leaf = read.leaf.as_ref().and_then(|leaf| snapshot.catalog.table(&read.end)?.field(leaf));
        format!("{read:?} {:?}", leaf.map(|leaf| (&leaf.kind, &leaf.id)))
    }).collect();
    let made = Sha256::digest(format!("{:?} {:?} {reads:?}", field.kind, field.source));
    Some((format!("{}.{}", table.physical, field.id), made.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// The fields whose values were made by other definitions, and everything that follows from them.
async fn open(app: &App, snapshot: &Snapshot) -> Result<BTreeSet<usize>, AppError> {
    let rows = app.store.fetch(&system_derived::states(app.store.dialect())).await?;
    let known: BTreeMap<String, String> = rows.into_iter().filter_map(|row| match <[Datum; 2]>::try_from(row).ok()? {
        [Datum::Text(field), Datum::Text(made)] => Some((field, made)),
        _ => None,
    }).collect();
    let graph = snapshot.graph();
    let changed = (0..graph.nodes.len()).filter(|node| made_by(snapshot, *node).is_some_and(|(field, made)| known.get(&field) != Some(&made)));
    Ok(graph.closure(changed))
}

/// Which fields of which cards one after the other: once for all that a record reads of itself.
fn passes(snapshot: &Snapshot, nodes: &BTreeSet<usize>) -> Vec<Pass> {
    let graph = snapshot.graph();
    let mut by: BTreeMap<(u32, Ident), BTreeSet<usize>> = BTreeMap::new();
    for node in nodes {
        let found = &graph.nodes[*node];
        by.entry((found.level, found.place.0.card.clone())).or_default().insert(*node);
    }
    let now = Utc::now();
    by.into_iter().filter_map(|((_, card), nodes)| {
        let follows = nodes.iter().any(|node| graph.is_over_tree(*node));
        Some(Pass { card: snapshot.catalog.card(&card)?.clone(), nodes, follows, now })
    }).collect()
}

async fn size(app: &App, snapshot: &Snapshot, card: &Card, most: Option<u32>) -> Result<i64, AppError> {
    match app.store.fetch(&sql::search::size(&snapshot.catalog, app.store.dialect(), card, most)).await?.into_iter().flatten().next() {
        Some(Datum::Integer(size)) => Ok(size),
        _ => Ok(0),
    }
}

/// After definitions changed: where there are few records they are calculated anew at once, else by a job, and marked.
pub(crate) async fn settle(app: &App) -> Result<(), AppError> {
    let snapshot = app.snapshot();
    let nodes = open(app, &snapshot).await?;
    if nodes.is_empty() {
        return Ok(());
    }
    let mut all = 0;
    for pass in passes(&snapshot, &nodes) {
        all += size(app, &snapshot, &pass.card, Some(u32::try_from(SMALL).unwrap_or(u32::MAX) + 1)).await?;
    }
    if all > SMALL {
        return later(app, snapshot, nodes).await;
    }
    for pass in passes(&snapshot, &nodes) {
        let mut after = None;
        while let Some((last, _)) = part(app, &snapshot, &pass, after, None).await? {
            after = Some(last);
        }
    }
    keep(app, &snapshot, &nodes).await
}

async fn later(app: &App, snapshot: Arc<Snapshot>, nodes: BTreeSet<usize>) -> Result<(), AppError> {
    let work = Arc::new((snapshot, nodes));
    let done = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let job = jobs::enqueue_in(tx, NewJob { unique_key: Some(KIND.to_owned()), ..NewJob::new(KIND, Json::Null) }).await?;
            mark(tx, work.0.graph(), &work.1, job).await
        })
    });
    done.await.map_err(|error: UnitError| error.error)
}

/// Marks fields until a job is done.
pub(super) async fn mark(tx: &mut Tx, graph: &Graph, nodes: &BTreeSet<usize>, job: Uuid) -> Result<(), UnitError> {
    for node in nodes {
        let (table, field) = &graph.nodes[*node].place;
        let field = table.child.as_ref().map_or_else(|| field.to_string(), |child| format!("{child}.{field}"));
        tx.execute(&system_derived::mark(tx.dialect(), table.card.as_str(), &field, job)).await?;
    }
    marks::changed();
    Ok(())
}

/// Writes down that fields are made by today's definitions.
async fn keep(app: &App, snapshot: &Snapshot, nodes: &BTreeSet<usize>) -> Result<(), AppError> {
    let dialect = app.store.dialect();
    let states = nodes.iter().filter_map(|node| made_by(snapshot, *node)).map(|(field, made)| system_derived::put_state(dialect, &field, &made));
    crate::run(&app.store, states.collect()).await
}

/// The next records of a pass, in one transaction with what tells how far it is; nothing when there are no more.
pub(super) async fn part(app: &App, snapshot: &Arc<Snapshot>, pass: &Pass, after: Option<Uuid>, point: Option<(Context, Json)>) -> Result<Option<(Uuid, i64)>, AppError> {
    let work = Arc::new((snapshot.clone(), pass.clone(), point));
    let done = app.store.write_large(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let (snapshot, pass, point) = &*work;
            crate::still_present(tx, snapshot, &snapshot.calculating(pass.now)).await?;
            if let Some(turn) = system_derived::take_turn(tx.dialect()) {
                tx.execute(&turn).await?;
            }
            let ids = next(tx, snapshot, &pass.card, after).await?;
            if pass.follows {
                let mut queue = Queue::new(snapshot, pass.now);
                pass.nodes.iter().for_each(|node| queue.ask(*node, ids.iter().copied()));
                queue.run(tx).await?;
            } else {
                let all = Arc::new(pass.nodes.clone());
                let asked = ids.iter().map(|id| (*id, Asked { all: all.clone(), by: BTreeMap::new() })).collect();
                Renewing { snapshot, card: &pass.card, now: pass.now }.store(tx, &asked).await?;
            }
            if let (Some((context, point)), Some(last)) = (point, ids.last()) {
                let mut point = point.clone();
                point["after"] = json!(last);
                context.checkpoint_in(tx, &point).await?;
            }
            Ok::<_, UnitError>(ids.last().map(|last| (*last, i64::try_from(ids.len()).unwrap_or(0))))
        })
    });
    done.await.map_err(|error| error.error)
}

async fn next(tx: &mut Tx, snapshot: &Snapshot, card: &Card, after: Option<Uuid>) -> Result<Vec<Uuid>, UnitError> {
    let rows = tx.fetch(&sql::search::records_after(&snapshot.catalog, tx.dialect(), card, after, BATCH)).await?;
    Ok(super::rollup::ids_of(&rows).collect())
}

/// The job: until nothing is open. A publish meanwhile begins it again.
pub(crate) async fn recompute_job(context: Context) -> Result<Json, JobError> {
    let app = context.app().clone();
    let mut done = 0;
    crate::upkeep::tables_changed(&app.store).await?;
    loop {
        app.refresh().await?;
        let snapshot = app.snapshot();
        let nodes = open(&app, &snapshot).await?;
        if nodes.is_empty() {
            break;
        }
        match go_through(&context, &snapshot, &nodes, &mut done).await {
            Err(JobError::Failed(AppError::Outdated)) => {}
            result => {
                result?;
                keep(&app, &snapshot, &nodes).await?;
            }
        }
    }
    unmark(&app, context.id()).await?;
    Ok(json!({"records": done}))
}

/// Every pass from the last checkpoint on, if that was made by the same definitions.
async fn go_through(context: &Context, snapshot: &Arc<Snapshot>, nodes: &BTreeSet<usize>, done: &mut i64) -> Result<(), JobError> {
    let app = context.app();
    let version = snapshot.catalog.version;
    let point = context.resume_point().filter(|point| point.get("version").and_then(Json::as_u64) == Some(version));
    let number = |name: &str| point.and_then(|point| point.get(name)).and_then(Json::as_i64).unwrap_or(0);
    let (first, mut after) = (usize::try_from(number("pass")).unwrap_or(0), point.and_then(|point| serde_json::from_value::<Uuid>(point.get("after")?.clone()).ok()));
    *done = number("done");
    let all = passes(snapshot, nodes);
    let mut total = 0;
    for pass in &all {
        total += size(app, snapshot, &pass.card, None).await?;
    }
    for (index, pass) in all.iter().enumerate().skip(first) {
        loop {
            context.progress(*done, Some(total.max(*done))).await?;
            let point = json!({"version": version, "pass": index, "done": *done});
            let Some((last, count)) = part(app, snapshot, pass, after, Some((context.clone(), point))).await? else { break };
            after = Some(last);
            *done += count;
            context.go_on().await?;
        }
        after = None;
    }
    Ok(())
}

/// Calculates every record of a card, or of all cards, anew. `tell` hears of each step: card, done, of how many.
/// Answers how many records were looked at.
pub async fn recompute(app: &App, only: &[String], tell: &mut (dyn FnMut(&Card, i64, i64) + Send)) -> Result<i64, AppError> {
    crate::upkeep::tables_changed(&app.store).await?;
    let snapshot = app.snapshot();
    let nodes = nodes_of(&snapshot, only)?;
    let mut all = 0;
    for pass in passes(&snapshot, &nodes) {
        let total = size(app, &snapshot, &pass.card, None).await?;
        let (mut after, mut done) = (None, 0);
        while let Some((last, count)) = part(app, &snapshot, &pass, after, None).await? {
            (after, done) = (Some(last), done + count);
            tell(&pass.card, done, total);
        }
        all += done;
    }
    keep(app, &snapshot, &nodes).await?;
    Ok(all)
}

/// The calculated fields of cards, with all that follows from them.
fn nodes_of(snapshot: &Snapshot, only: &[String]) -> Result<BTreeSet<usize>, AppError> {
    for key in only {
        snapshot.card(key)?;
    }
    let graph = snapshot.graph();
    let of = |node: &usize| only.is_empty() || only.iter().any(|key| graph.nodes[*node].place.0.card == key.as_str());
    Ok(graph.closure((0..graph.nodes.len()).filter(of)))
}

/// A value that is not what it would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Stale {
    /// The card.
    pub card: Ident,
    /// The record.
    pub record: Uuid,
    /// `total`, `lines/2/amount`.
    pub field: String,
    /// What is stored.
    pub stored: Json,
    /// What it would be.
    pub right: Json,
}

/// Looks at every calculated value of a card, or of all, and changes none. `found` hears of each that is not right.
/// Answers how many records were looked at.
pub async fn verify(app: &App, only: &[String], found: &mut (dyn FnMut(Stale) + Send)) -> Result<i64, AppError> {
    let snapshot = app.snapshot();
    for key in only {
        snapshot.card(key)?;
    }
    let mut all = 0;
    let wanted = |card: &&Arc<Card>| !card.builtin && (only.is_empty() || only.iter().any(|key| card.key == key.as_str()));
    for card in snapshot.catalog.cards.values().filter(wanted) {
        if snapshot.graph().nodes.iter().all(|node| node.place.0.card != card.key) {
            continue;
        }
        let mut after = None;
        while let Some((last, count, stale)) = verify_part(app, &snapshot, card, after).await? {
            stale.into_iter().for_each(&mut *found);
            after = Some(last);
            all += count;
        }
    }
    Ok(all)
}

type Verified = Option<(Uuid, i64, Vec<Stale>)>;

async fn verify_part(app: &App, snapshot: &Arc<Snapshot>, card: &Arc<Card>, after: Option<Uuid>) -> Result<Verified, AppError> {
    let work = Arc::new((snapshot.clone(), card.clone()));
    let done = app.store.look(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move {
            let (snapshot, card) = &*work;
            let ids = next(tx, snapshot, card, after).await?;
            let everything = super::follow::everything(snapshot, card);
            let asked = ids.iter().map(|id| (*id, everything.clone())).collect();
            let differ = Renewing { snapshot, card, now: Utc::now() }.calculate(tx, &asked, false).await?;
            // What lies in the trash is followed to when it comes back.
            let stale = differ.iter().filter(|renewed| renewed.before.get("trashed_at").is_empty()).flat_map(|renewed| stale_of(card, renewed)).collect();
            Ok::<Verified, UnitError>(ids.last().map(|last| (*last, i64::try_from(ids.len()).unwrap_or(0), stale)))
        })
    });
    done.await.map_err(|error| error.error)
}

fn stale_of(card: &Card, renewed: &super::renew::Renewed) -> Vec<Stale> {
    let (before, after) = (&renewed.before, &renewed.after);
    let mut found = Vec::new();
    let mut add = |table: &model::Table, stored: &model::Values, right: &model::Values, prefix: &str| {
        for key in differing(table, stored, right) {
            let shown = |value: &Value| table.field(&key).map_or(Json::Null, |field| types::to_json(&field.kind, value));
            let (stored, right) = (shown(value_of(stored, key.as_str())), shown(value_of(right, key.as_str())));
            found.push(Stale { card: card.key.clone(), record: before.id, field: format!("{prefix}{key}"), stored, right });
        }
    };
    add(&card.table, &before.values, &after.values, "");
    for (key, table) in &card.children {
        for (index, (stored, right)) in before.rows(key.as_str()).iter().zip(after.rows(key.as_str())).enumerate() {
            add(table, &stored.values, &right.values, &format!("{key}/{index}/"));
        }
    }
    found
}
