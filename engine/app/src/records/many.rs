//! Many records in one unit of work, each by itself: one that is refused leaves no trace and stops none of the others.

use store::{Failure, Tx};

use super::save::{Saved, Work};
use crate::{AppError, UnitError};

/// Saves; says what came of each, in order.
pub(crate) async fn save(tx: &mut Tx, works: Vec<Result<Work, AppError>>) -> Result<Vec<Result<Saved, AppError>>, UnitError> {
    let mut results = Vec::with_capacity(works.len());
    for work in works {
        results.push(match work {
            Ok(work) => one(tx, &work).await?,
            Err(error) => Err(error),
        });
    }
    Ok(results)
}

async fn one(tx: &mut Tx, work: &Work) -> Result<Result<Saved, AppError>, UnitError> {
    tx.savepoint().await?;
    match work.run(tx).await {
        Ok(saved) => {
            tx.release().await?;
            Ok(Ok(saved))
        }
        // Another try of the whole may heal it, and nothing else will.
        Err(error) if error.store().is_some_and(|error| error.can_retry() || matches!(error, store::StoreError::Unavailable { .. })) => Err(error),
        Err(error) => {
            tx.undo().await?;
            Ok(Err(error.error))
        }
    }
}
