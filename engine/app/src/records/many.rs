//! Many records in one unit of work, each by itself: one that is refused leaves no trace and stops none of the others.
//!
//! They are saved together first: what is looked up for one is known to the next, and what tells of them is written at
//! once. Rules are asked before anything is written, so a refusal leaves nothing to undo; where it does all the same,
//! all are undone and saved again one by one.

use std::sync::Arc;

use store::{Failure, StoreError, Tx};

use super::save::{Saved, Shared, Work};
use crate::{AppError, UnitError, notify, search};

type Results = Vec<Result<Saved, AppError>>;

/// Saves; says what came of each, in order.
pub(crate) async fn save(tx: &mut Tx, mut works: Vec<Result<Work, AppError>>) -> Result<Results, UnitError> {
    let shared = Arc::new(Shared::default());
    works.iter_mut().flatten().for_each(|work| work.sharing(Some(shared.clone())));
    tx.savepoint().await?;
    if let Some(results) = together(tx, &works, &shared).await? {
        tx.release().await?;
        return Ok(results);
    }
    tx.undo().await?;
    works.iter_mut().flatten().for_each(|work| work.sharing(None));
    let mut results = Vec::with_capacity(works.len());
    for work in &works {
        results.push(match work {
            Ok(work) => one(tx, work).await?,
            Err(error) => Err(error.again()),
        });
    }
    Ok(results)
}

/// Nothing if one was refused after it had written.
async fn together(tx: &mut Tx, works: &[Result<Work, AppError>], shared: &Shared) -> Result<Option<Results>, UnitError> {
    let mut results = Vec::with_capacity(works.len());
    for work in works {
        let result = match work {
            Ok(work) => work.run(tx).await,
            Err(error) => Err(error.again().into()),
        };
        let has_written = shared.take_written();
        results.push(match result {
            Ok(saved) => Ok(saved),
            Err(error) if cannot_go_on(&error) => return Err(error),
            Err(error) if has_written || error.store().is_some() => return Ok(None),
            Err(error) => Err(error.error),
        });
    }
    if let Some(work) = works.iter().flatten().next() {
        for (card, kept) in shared.found() {
            search::after_save(tx, work.snapshot(), &card, &kept).await?;
        }
    }
    for statement in shared.told() {
        tx.execute(&statement).await?;
    }
    for notice in shared.notices() {
        notify::tell(tx, &notice).await?;
    }
    Ok(Some(results))
}

/// Another try of the whole may heal it, and nothing else will.
fn cannot_go_on(error: &UnitError) -> bool {
    error.store().is_some_and(|error| error.can_retry() || matches!(error, StoreError::Unavailable { .. }))
}

async fn one(tx: &mut Tx, work: &Work) -> Result<Result<Saved, AppError>, UnitError> {
    tx.savepoint().await?;
    match work.run(tx).await {
        Ok(saved) => {
            tx.release().await?;
            Ok(Ok(saved))
        }
        Err(error) if cannot_go_on(&error) => Err(error),
        Err(error) => {
            tx.undo().await?;
            Ok(Err(error.error))
        }
    }
}
