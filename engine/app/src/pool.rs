//! Records without an owner: claimed, given back, and taken back from those who let them lie.
//!
//! **Not here:** limits and races (`records::save`, inside the transaction), who may (`access`).

use std::sync::Arc;

use access::{Actor, Reason};
use chrono::{TimeDelta, Utc};
use model::{Card, FieldKind, Value};
use query::ListRequest;
use serde_json::{Map, Value as Json, json};
use store::Tx;
use uuid::Uuid;

use crate::{
    App, AppError, Snapshot, batches::{self, NewBatch},
    jobs::{Context, JobError},
    lists,
    records::save::{Move, Saved, Work},
};

/// Records returned between two looks at whether to go on.
const EACH: u32 = 100;

/// Takes a record out of the pool.
pub async fn claim(app: &App, actor: &Actor, card: &str, id: Uuid) -> Result<Saved, AppError> {
    run(app, Work::pooled(app, actor, card, id, Move::Claim, None)?).await
}

/// Puts a record back into the pool.
pub async fn release(app: &App, actor: &Actor, card: &str, id: Uuid) -> Result<Saved, AppError> {
    run(app, Work::pooled(app, actor, card, id, Move::Release, None)?).await
}

async fn run(app: &App, work: Work) -> Result<Saved, AppError> {
    let work = Arc::new(work);
    let done = app.store.write(move |tx: &mut Tx| {
        let work = work.clone();
        Box::pin(async move { work.run(tx).await })
    });
    done.await.map_err(|error| error.error)
}

/// Gives back to their pools what nobody worked on for too long. Comes back every hour.
pub async fn handle_return(context: Context) -> Result<Json, JobError> {
    let app = context.app();
    let snapshot = app.snapshot();
    let mut returned = Map::new();
    for card in snapshot.catalog.cards.values() {
        let count = return_idle(&context, &snapshot, card).await?;
        if count > 0 {
            returned.insert(card.key.to_string(), count.into());
        }
    }
    Ok(json!({"returned": returned}))
}

async fn return_idle(context: &Context, snapshot: &Snapshot, card: &Card) -> Result<u64, JobError> {
    let app = context.app();
    let Some(days) = card.pool.as_ref().and_then(|pool| pool.return_after) else { return Ok(0) };
    let system = Actor::system(Reason::Pool, Utc::now());
    let idle_since = system.now - TimeDelta::days(i64::from(days));
    let Some(request) = idle(card, idle_since) else { return Ok(0) };
    let (mut after, mut count, mut batch) = (None, 0, None);
    loop {
        context.go_on().await?;
        let gated = lists::ask(snapshot, &system, card.key.as_str(), &request)?.page(after.map(|id| vec![Value::Id(id)]), EACH);
        let lowered = sql::page::list(&snapshot.catalog, app.store.dialect(), &gated);
        let rows = app.store.fetch(&lowered.statement).await?;
        let ids: Vec<Uuid> = rows.into_iter().take(EACH as usize).filter_map(|row| lowered.decode(row).first().and_then(Value::as_id)).collect();
        let Some(last) = ids.last().copied() else { break };
        if batch.is_none() {
            batch = Some(batches::begin(app, &system, &NewBatch { kind: "return", card: card.key.to_string(), ..NewBatch::default() }).await?);
        }
        for id in ids {
            match run(app, Work::pooled(app, &system, card.key.as_str(), id, Move::Return { idle_since }, batch)?).await {
                Ok(_) => count += 1,
                // Worked on at this moment, or in the way of a rule: it stays with its owner.
                Err(AppError::Conflict { .. } | AppError::Rejected(_) | AppError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        after = Some(last);
    }
    if let Some(batch) = batch {
        batches::finish(app, batch).await?;
    }
    Ok(count)
}

/// The question of records that have an owner and lie idle.
fn idle(card: &Card, since: chrono::DateTime<Utc>) -> Option<ListRequest> {
    let pool = card.pool.as_ref()?;
    let moment = |kind: &FieldKind| match kind {
        FieldKind::Date => since.date_naive().to_string(),
        _ => since.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
    };
    let activity = card.field(pool.activity.as_str())?;
    let mut all = vec![
        json!({"field": "owner", "op": "not_empty"}),
        json!({"any": [
            {"field": activity.key, "op": "before", "value": moment(&activity.kind)},
            {"all": [{"field": activity.key, "op": "empty"}, {"field": "created_at", "op": "before", "value": moment(&FieldKind::Datetime)}]},
        ]}),
    ];
    all.extend(pool.when.as_ref().map(|(_, when)| when.to_json()));
    Some(ListRequest { filter: Some(json!({"all": all})), sort: Some("id".into()), fields: Some(vec!["id".into()]), ..ListRequest::default() })
}
