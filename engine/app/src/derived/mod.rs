//! Values that follow from others: formulas, aggregates, what is taken from linked records. Always as they would be if
//! everything were calculated anew.
//!
//! **Invariants**
//! - What a change of one record means for others is carried out in its own transaction, or, for very many, by a job
//!   that is enqueued in it; until the job is done those fields are marked.
//! - Records are locked from those that are added up to those they are added up into; who goes the other way goes alone.
//!
//! **Not here:** values of a record from its own fields and rows (`records::derive`).

mod circles;
mod day;
pub mod explain;
mod follow;
mod graph;
mod job;
mod marks;
mod recompute;
mod renew;
mod rollup;

pub(crate) use follow::{Change, after_save, targets};
pub(crate) use circles::Circle;
pub(crate) use day::{KIND as DAY_KIND, day_job};
pub use day::renew_day;
pub(crate) use graph::Graph;
pub(crate) use job::{FOLLOW_KIND, follow_job};
pub(crate) use marks::Marks;
pub use marks::{Marked, marked};
pub(crate) use recompute::{KIND, recompute_job, settle};
pub use recompute::{Stale, recompute, verify};
pub(crate) use rollup::{asked_by_record, average, depends_on_record};

use chrono::{DateTime, Utc};
use model::Card;
use store::Tx;
use uuid::Uuid;

use crate::{UnitError, snapshot::Snapshot};

/// Renews records that nothing was followed to while they lay in the trash.
pub(crate) async fn after_restore(tx: &mut Tx, snapshot: &Snapshot, card: &Card, ids: &[Uuid], now: DateTime<Utc>) -> Result<(), UnitError> {
    let mut queue = follow::Queue::new(snapshot, now);
    queue.ask_everything(card, ids.iter().copied());
    queue.run(tx).await
}

/// A unit of work that changes records of a card begins with this: beside others, unless it was found to go alone.
pub(crate) async fn begin(tx: &mut Tx, snapshot: &Snapshot, card: &Card) -> Result<(), UnitError> {
    if snapshot.graph().goes_down(&card.key) {
        let turn = if tx.goes_alone() { sql::system_derived::take_turn(tx.dialect()) } else { sql::system_derived::share_turn(tx.dialect()) };
        if let Some(turn) = turn {
            tx.execute(&turn).await?;
        }
    }
    Ok(())
}
