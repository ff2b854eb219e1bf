//! Which handler runs which kind of job.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use serde_json::Value as Json;

use super::{Context, JobError};
use crate::search;

type Handler = Arc<dyn Fn(Context) -> BoxFuture<'static, Result<Json, JobError>> + Send + Sync>;

/// Handlers by kind, and what comes back by itself.
#[derive(Clone, Default)]
pub struct Handlers {
    by_kind: BTreeMap<&'static str, Handler>,
    pub(super) returning: Vec<(&'static str, Duration)>,
}

impl Handlers {
    /// With a handler for a kind.
    #[must_use]
    pub fn with<F>(mut self, kind: &'static str, handler: impl Fn(Context) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Json, JobError>> + Send + 'static,
    {
        self.by_kind.insert(kind, Arc::new(move |context| handler(context).boxed()));
        self
    }

    /// With a handler that is run again and again, by one process at a time.
    #[must_use]
    pub fn returning<F>(mut self, kind: &'static str, every: Duration, handler: impl Fn(Context) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Json, JobError>> + Send + 'static,
    {
        self.returning.push((kind, every));
        self.with(kind, handler)
    }

    pub(super) fn find(&self, kind: &str) -> Option<&Handler> {
        self.by_kind.get(kind)
    }
    /// Every kind of job that is run.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.by_kind.keys().copied().collect()
    }
}

/// Every kind of job the engine has.
pub fn builtin() -> Handlers {
    let handlers = crate::schedules::handlers(crate::packs::handlers(crate::upkeep::handlers(Handlers::default())));
    handlers
        .with(crate::advice::KIND, crate::advice::run)
        .with(search::KIND, search::rebuild_job)
        .with(search::FOLLOW_KIND, search::follow_job)
        .with(crate::derived::FOLLOW_KIND, crate::derived::follow_job)
        .with(crate::derived::KIND, crate::derived::recompute_job)
        .with("bulk", crate::bulk::handle)
        .with("undo", crate::bulk::handle_undo)
        .with("merge", crate::merge::handle)
        .with(crate::imports::KIND, crate::imports::run_job)
        .with(crate::scripts::KIND, crate::scripts::handle)
        .returning(crate::derived::DAY_KIND, Duration::from_secs(600), crate::derived::day_job)
        .returning("batches.clean", Duration::from_secs(24 * 3_600), crate::batches::handle_clean)
        .returning("duplicates.build", Duration::from_secs(600), crate::duplicates::handle_build)
        .returning("approvals.late", Duration::from_secs(300), crate::flows::approvals::handle_late)
        .with(crate::records::purge::KIND, crate::records::purge::handle_empty)
        .returning(crate::records::purge::RETURNING, Duration::from_secs(6 * 3_600), crate::records::purge::handle_clear)
        .returning("pool.return", Duration::from_secs(3_600), crate::pool::handle_return)
}
