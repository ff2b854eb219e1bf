//! Packs: checked, planned, published.
//!
//! **Invariants**
//! - A publish is one transaction, or it is not there: a plan that existing records refuse changes nothing.
//! - Nothing is dropped. What is gone from the definitions is retired where it is; another type gets another place.
//! - While values of a large table are being converted, the old definitions hold; what is written goes to both places.
//!
//! **Not here:** what changes (`pack`), what a value becomes (`model::convert`).

mod convert;
mod fill;
mod plan;
mod publish;
mod state;

use std::sync::Arc;

use model::{Diagnostic, load::Files};
use serde_json::Value as Json;
use uuid::Uuid;

pub use convert::Lost;
pub use plan::{Plan, Step, Verdict};
pub use state::check;
pub(crate) use fill::handlers;
pub(crate) use state::State;

use crate::{App, AppError};

/// What installing packs did, or why it did not.
#[derive(Debug)]
pub struct Installed {
    /// Findings, errors and warnings.
    pub findings: Vec<Diagnostic>,
    /// What changed, and what it means for records.
    pub plan: Plan,
    /// Values that did not convert.
    pub lost: Vec<Lost>,
    /// The job that converts values of large tables; the publish is done when it is.
    pub job: Option<Uuid>,
}

/// Says what installing packs would do, and changes nothing.
pub async fn plan(app: &Arc<App>, new: Vec<Files>) -> Result<(Vec<Diagnostic>, Plan), AppError> {
    let draft = state::Draft::new(app, new).await?;
    let Some(coming) = &draft.coming else { return Ok((draft.findings, Plan::default())) };
    let plan = plan::make(app, &draft.state, coming, plan::Depth::Values).await?;
    Ok((draft.findings, plan))
}

/// Installs packs, or upgrades them: diff, plan, apply, swap. Nothing is dropped; what is gone is retired.
pub async fn install(app: &Arc<App>, new: Vec<Files>) -> Result<Installed, AppError> {
    for _ in 0..5 {
        match install_once(app, new.clone()).await {
            Err(AppError::Outdated) => {}
            result => return result,
        }
    }
    Err(AppError::Outdated)
}

/// An engine that came to make more of the same definitions gives a site the tables it lacks: a publish that changes no
/// definition. Whether there was one.
pub async fn keep_up(app: &Arc<App>) -> Result<bool, AppError> {
    let (existing, wanted) = (app.store.existing().await?, sql::schema::desired(&app.snapshot().catalog));
    if sql::schema::plan(&existing, &wanted, app.store.dialect()).grow.is_empty() {
        return Ok(false);
    }
    match install(app, Vec::new()).await {
        // What is under way makes them.
        Err(AppError::Conflict { code: "publishing", .. }) => Ok(false),
        installed => installed.map(|_| true),
    }
}

async fn install_once(app: &Arc<App>, new: Vec<Files>) -> Result<Installed, AppError> {
    let draft = state::Draft::new(app, new).await?;
    let Some(coming) = &draft.coming else { return Ok(Installed { findings: draft.findings, plan: Plan::default(), lost: Vec::new(), job: None }) };
    publish::none_is_under_way(app, &draft.state).await?;
    let plan = plan::make(app, &draft.state, coming, plan::Depth::Sizes).await?;
    if let Some(why) = plan.refusal() {
        return Err(AppError::Conflict { code: "publish_refused", detail: why, blockers: Vec::new() });
    }
    let done = publish::publish(app, &draft, coming, &plan).await?;
    app.reload().await?;
    crate::derived::settle(app).await?;
    crate::search::settle(app).await?;
    crate::duplicates::ask_to_build(app).await?;
    Ok(Installed { findings: draft.findings, plan, lost: done.lost, job: done.job })
}

/// What a job that converted values found, as [`Lost`].
pub fn lost_of(result: &Json) -> Vec<Lost> {
    convert::read_lost(result.get("lost"))
}

/// The records that come with a pack: `data/*.json`, by stable key, written by the one save path.
pub async fn load_data(app: &Arc<App>, files: &Files, now: chrono::DateTime<chrono::Utc>) -> Result<usize, AppError> {
    let actor = access::Actor::system(access::Reason::PackData, now);
    let mut count = 0;
    for (path, content) in files.iter().filter(|(path, _)| path.starts_with("data/") && path.ends_with(".json")) {
        let data: serde_json::Value = serde_json::from_slice(content).map_err(|error| AppError::malformed("bad_data", format!("{path}: {error}")))?;
        let card = data.get("card").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let key = data.get("key").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        for record in data.get("records").and_then(serde_json::Value::as_array).into_iter().flatten() {
            let Some(record) = record.as_object() else { continue };
            if exists(app, &actor, &card, &key, record).await? {
                continue;
            }
            crate::records::save::create(app, &actor, &card, record.clone(), &crate::records::save::Options::default()).await.map_err(|error| match error {
                AppError::Rejected(rejected) => AppError::malformed("bad_data", format!("{path}: {rejected}")),
                other => other,
            })?;
            count += 1;
        }
    }
    Ok(count)
}

async fn exists(app: &App, actor: &access::Actor, card: &str, key: &str, record: &serde_json::Map<String, serde_json::Value>) -> Result<bool, AppError> {
    let Some(value) = record.get(key) else { return Ok(false) };
    let request = query::ListRequest { filter: Some(serde_json::json!({"field": key, "op": "is", "value": value})), limit: Some(1), fields: Some(vec!["id".into()]), ..query::ListRequest::default() };
    let snapshot = app.snapshot();
    let gated = crate::lists::ask(&snapshot, actor, card, &request)?;
    let lowered = sql::page::list(&snapshot.catalog, app.store.dialect(), &gated);
    Ok(!app.store.fetch(&lowered.statement).await?.is_empty())
}
