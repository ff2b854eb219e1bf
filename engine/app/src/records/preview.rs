//! What a draft would become: for forms that show totals while people type. Nothing is stored.

use std::sync::Arc;

use access::Actor;
use model::{Record, Violation};
use serde_json::{Map, Value as Json};
use store::Tx;
use uuid::Uuid;

use super::save::{Options, Work};
use crate::{App, AppError, UnitError};

/// The record as it would be, and what is wrong with it so far.
pub struct Preview {
    /// Derived values included.
    pub record: Record,
    /// Errors and warnings.
    pub violations: Vec<Violation>,
}

/// Carries a save out up to the point of storing. `fresh` are links that were set just now, `customer` or
/// `lines/0/product`: what is copied when they are set is copied anew, whatever the body says of it.
pub async fn preview(app: &App, actor: &Actor, card: &str, id: Option<Uuid>, body: Map<String, Json>, fresh: Vec<String>) -> Result<Preview, AppError> {
    let work = Arc::new((Work::new(app, actor, card, id, body, &Options { dry_run: true, ..Options::default() })?, fresh));
    app.store
        .look(move |tx: &mut Tx| {
            let work = work.clone();
            Box::pin(async move { work.0.preview(tx, &work.1).await })
        })
        .await
        .map_err(|error: UnitError| error.error)
}
