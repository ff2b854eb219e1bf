//! Values that follow from the day it is: calculated anew once, as a day begins where the site is.
//!
//! **Invariants**
//! - Only fields that ask for the day are gone through; what hangs on them follows where a value changed.
//! - The day is written down after all records: what is interrupted begins again.

use std::{collections::{BTreeMap, BTreeSet, HashMap}, sync::Arc};

use chrono::{DateTime, Utc};
use model::Ident;
use serde_json::{Value as Json, json};
use sql::{Datum, system_derived};

use super::recompute::{Pass, made_by, part};
use crate::{App, AppError, jobs::{Context, JobError}, snapshot::Snapshot};

/// The job that looks whether a day began.
pub(crate) const KIND: &str = "derived.day";

/// Under which name the last day of a field is kept.
fn name(snapshot: &Snapshot, node: usize) -> Option<String> {
    made_by(snapshot, node).map(|(field, _)| format!("{field}@day"))
}

/// The fields that ask for the day and were not renewed on this one, by card.
async fn due(app: &App, snapshot: &Snapshot, now: DateTime<Utc>) -> Result<Vec<Pass>, AppError> {
    let nodes = &snapshot.graph().nodes;
    if nodes.iter().all(|node| !node.asks_day) {
        return Ok(Vec::new());
    }
    let today = snapshot.day(now).to_string();
    let rows = app.store.fetch(&system_derived::states(app.store.dialect())).await?;
    let known: HashMap<String, String> = rows.into_iter().filter_map(|row| match <[Datum; 2]>::try_from(row).ok()? {
        [Datum::Text(field), Datum::Text(day)] => Some((field, day)),
        _ => None,
    }).collect();
    let is_due = |node: usize| name(snapshot, node).is_some_and(|name| known.get(&name) != Some(&today));
    let mut by: BTreeMap<Ident, BTreeSet<usize>> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate().filter(|(index, node)| node.asks_day && is_due(*index)) {
        by.entry(node.place.0.card.clone()).or_default().insert(index);
    }
    Ok(by.into_iter().filter_map(|(card, nodes)| Some(Pass { card: snapshot.catalog.card(&card)?.clone(), nodes, follows: true, now })).collect())
}

/// Renews what asks for the day, if that was not done yet on the day it is; how many records were looked at.
pub async fn renew_day(app: &App, now: DateTime<Utc>) -> Result<i64, AppError> {
    let snapshot = app.snapshot();
    let mut count = 0;
    for pass in due(app, &snapshot, now).await? {
        let mut after = None;
        while let Some((last, some)) = part(app, &snapshot, &pass, after, None).await? {
            (after, count) = (Some(last), count + some);
        }
        keep(app, &snapshot, &pass).await?;
    }
    Ok(count)
}

/// The same by a job, from the last checkpoint on if that is of the same day.
pub(crate) async fn day_job(context: Context) -> Result<Json, JobError> {
    let app = context.app().clone();
    app.refresh().await?;
    let (snapshot, now) = (app.snapshot(), Utc::now());
    let stamp = json!([snapshot.catalog.version, snapshot.day(now).to_string()]);
    let point = context.resume_point().filter(|point| point.get("stamp") == Some(&stamp)).cloned();
    let mut count = 0;
    for pass in due(&app, &snapshot, now).await? {
        let here = point.as_ref().filter(|point| point.get("card").and_then(Json::as_str) == Some(pass.card.key.as_str()));
        let mut after = here.and_then(|point| serde_json::from_value(point.get("after")?.clone()).ok());
        loop {
            let point = json!({"stamp": stamp, "card": pass.card.key});
            let Some((last, some)) = part(&app, &snapshot, &pass, after, Some((context.clone(), point))).await? else { break };
            (after, count) = (Some(last), count + some);
            context.progress(count, None).await?;
            context.go_on().await?;
        }
        keep(&app, &snapshot, &pass).await?;
    }
    Ok(json!({"records": count}))
}

async fn keep(app: &App, snapshot: &Arc<Snapshot>, pass: &Pass) -> Result<(), AppError> {
    let (dialect, today) = (app.store.dialect(), snapshot.day(pass.now).to_string());
    let states = pass.nodes.iter().filter_map(|node| name(snapshot, *node)).map(|name| system_derived::put_state(dialect, &name, &today));
    crate::run(&app.store, states.collect()).await
}
