//! What a draft would become: for forms that show totals while people type. Nothing is stored.

use std::sync::{Arc, Mutex};

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

/// Carries a save out up to the point of storing, then undoes it.
pub async fn preview(app: &App, actor: &Actor, card: &str, id: Option<Uuid>, body: Map<String, Json>) -> Result<Preview, AppError> {
    let work = Arc::new(Work::new(app, actor, card, id, body, &Options { dry_run: true, ..Options::default() })?);
    let found: Arc<Mutex<Option<Preview>>> = Arc::default();
    let keep = found.clone();
    let result = app
        .store
        .write(move |tx: &mut Tx| {
            let (work, keep) = (work.clone(), keep.clone());
            Box::pin(async move {
                let preview = work.preview(tx).await?;
                if let Ok(mut slot) = keep.lock() {
                    *slot = Some(preview);
                }
                // Undone on purpose: a number that was drawn goes back.
                Err::<(), UnitError>(AppError::malformed("preview", "nothing is stored").into())
            })
        })
        .await;
    let preview = found.lock().ok().and_then(|mut slot| slot.take());
    match (preview, result) {
        (Some(preview), _) => Ok(preview),
        (None, Err(error)) => Err(error.error),
        (None, Ok(())) => Err(AppError::Internal("a preview gave nothing".into())),
    }
}
