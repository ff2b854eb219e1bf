//! The same change to many records: to those selected, or to all that a question matches.
//!
//! Small selections are done at once; larger ones are a job. Either way each record goes through the one save path by
//! itself, and the whole is a batch: told row by row, and taken back as one.
//!
//! **Invariants**
//! - Records the actor may not change are passed over and told; rights are asked of each.
//! - All matches are walked by id, once each, however the change moves them in or out of the question; what is made
//!   after the start is not among them.
//! - More than a page's worth takes the right `bulk`.

mod asked;
mod job;
mod step;

use std::sync::Arc;

use access::Actor;
use model::{ActionName, Ident, Value};
use query::{Count, ListRequest, Trash};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

pub use asked::{Change, Edit, EditOp, Request, Selection};
pub use job::{handle, handle_undo};
pub(crate) use step::Plan;

use crate::{
    App, AppError, Snapshot,
    batches::{self, Batch, NewBatch},
    lists,
};

/// Most records that are changed at once, without a job and without the right `bulk`.
pub const AT_ONCE: usize = 100;
/// Most ids of one request.
pub const MAX_IDS: usize = 10_000;
/// Records of one unit of work.
pub(crate) const EACH: usize = 25;

/// What came of a request: the batch, done or handed to a job.
#[derive(Debug, Clone)]
pub struct Started {
    /// The batch.
    pub batch: Batch,
    /// How many records it is about.
    pub total: i64,
}

/// Changes many records. What cannot be done at all is an error, decided before anything is changed.
pub async fn start(app: &Arc<App>, snapshot: &Snapshot, actor: &Actor, card: &str, request: &Request) -> Result<Started, AppError> {
    let plan = Plan::new(snapshot, actor, card, &request.change)?;
    let total = count(app, snapshot, actor, card, request).await?;
    if total == 0 {
        return Err(AppError::malformed("nothing_selected", "no record is selected"));
    }
    let small = usize::try_from(total).is_ok_and(|total| total <= AT_ONCE);
    if !small {
        access::gate(&snapshot.catalog, actor, snapshot.card(card)?, ActionName::Bulk).map_err(|_| AppError::forbidden(format!("more than {AT_ONCE} records at once take the right `bulk`")))?;
    }
    let new = NewBatch { kind: request.change.word(), card: card.to_owned(), about: request.change.about(), undo_of: None };
    if small {
        let ids = match &request.selection {
            Selection::Ids(ids) => ids.clone(),
            Selection::All { .. } => next(app, snapshot, actor, card, request, None, AT_ONCE).await?,
        };
        let batch = batches::begin(app, actor, &new).await?;
        for part in ids.chunks(EACH) {
            step::run(app, actor, &plan, batch, part, None).await?;
        }
        batches::finish(app, batch).await?;
        return Ok(Started { batch: batches::read(app, actor, batch).await?, total });
    }
    let payload = json!({"card": card, "request": request.to_json(), "started": actor.now});
    let batch = batches::begin_job(app, actor, new, "bulk", payload, Some(total)).await?;
    Ok(Started { batch, total })
}

/// How many records a request is about, as far as the actor sees them.
pub async fn count(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, request: &Request) -> Result<i64, AppError> {
    match &request.selection {
        Selection::Ids(ids) => Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX)),
        Selection::All { .. } => {
            let asked = question(actor, request, Count::Exact);
            let gated = lists::ask(snapshot, actor, card, &asked)?;
            Ok(lists::count(app, snapshot, &gated).await?.map_or(0, |counted| counted.value))
        }
    }
}

/// The question of all matches, in the order of ids.
fn question(actor: &Actor, request: &Request, count: Count) -> ListRequest {
    let Selection::All { filter, q } = &request.selection else { return ListRequest::default() };
    let there = json!({"not": {"field": "created_at", "op": "after", "value": actor.now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)}});
    let filter = match filter {
        Some(filter) => json!({"all": [filter, there]}),
        None => there,
    };
    let trash = if request.change == Change::Restore { Trash::Only } else { Trash::Without };
    ListRequest { filter: Some(filter), q: q.clone(), sort: Some("id".into()), fields: Some(vec!["id".into()]), count, trash, ..ListRequest::default() }
}

/// The next matches after an id.
pub(crate) async fn next(app: &App, snapshot: &Snapshot, actor: &Actor, card: &str, request: &Request, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>, AppError> {
    let gated = lists::ask(snapshot, actor, card, &question(actor, request, Count::None))?;
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let gated = gated.page(after.map(|id| vec![Value::Id(id)]), limit);
    let lowered = sql::page::list(&snapshot.catalog, app.store.dialect(), &gated);
    let found = app.store.fetch(&lowered.statement).await?;
    Ok(found.into_iter().take(limit as usize).filter_map(|row| lowered.decode(row).first().and_then(Value::as_id)).collect())
}

/// Whether a card offers an action to this actor at all.
pub fn may(snapshot: &Snapshot, actor: &Actor, card: &Ident, action: ActionName) -> bool {
    snapshot.catalog.card(card).is_some_and(|card| !card.builtin && access::gate(&snapshot.catalog, actor, card, action).is_ok())
}

/// A request as kept with its job.
impl Request {
    pub(crate) fn to_json(&self) -> Json {
        let mut json = Map::new();
        match &self.selection {
            Selection::Ids(ids) => json.insert("ids".into(), ids.iter().map(|id| Json::from(id.to_string())).collect()),
            Selection::All { filter, q } => json.insert("all".into(), json!({"filter": filter, "q": q})),
        };
        self.change.write(&mut json);
        Json::Object(json)
    }
}
