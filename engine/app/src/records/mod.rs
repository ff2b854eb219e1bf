//! One record: read, saved, removed, remembered.

use std::collections::HashMap;

use access::Actor;
use model::{ActionName, Card, Condition, Record, eval::Place};
use uuid::Uuid;

use crate::{AppError, Source, snapshot::Snapshot};

pub mod batch;
pub(crate) mod derive;
pub mod draft;
pub mod facts;
pub(crate) mod gather;
pub mod history;
pub(crate) mod load;
pub(crate) mod many;
pub mod merge;
pub mod preview;
pub mod purge;
pub mod read;
pub mod remove;
pub mod save;
pub mod series;
pub(crate) mod told;
pub mod versions;

pub(crate) use save::with_facts;

/// A condition with `@record.…` replaced by what the actor may read of a stored record; what they may not stays unknown.
pub(crate) async fn seen_from(source: &mut Source<'_>, snapshot: &Snapshot, actor: &Actor, card: &Card, id: Uuid, condition: &Condition) -> Result<Condition, AppError> {
    let mut record = Record { id, ..Record::default() };
    if condition.names_record() {
        let gate = access::gate(&snapshot.catalog, actor, snapshot.card(card.key.as_str())?, ActionName::Read)?;
        let stored = load::record(source, &snapshot.catalog, card, id, actor.now).await?.unwrap_or_default();
        record.values = stored.values.into_iter().filter(|(key, _)| gate.readable(None, key) == access::Readable::Always).collect();
    }
    let (linked, ancestors, pointing) = (facts::Linked::default(), HashMap::new(), HashMap::new());
    let facts = facts::DraftFacts { record: &record, actor, linked: &linked, ancestors: &ancestors, pointing: &pointing };
    Ok(save::with_facts(condition, &facts, &Place::Record))
}
