//! One record: read, saved, removed, remembered.

pub mod batch;
mod derive;
pub mod draft;
pub mod facts;
pub mod history;
pub(crate) mod load;
pub mod merge;
pub mod preview;
pub mod read;
pub mod remove;
mod renew;
pub mod save;

/// A condition with `@record.id` replaced; other values of the record stay open.
pub(crate) fn with_record_id(condition: &model::Condition, id: uuid::Uuid) -> model::Condition {
    let record = model::Record { id, ..model::Record::default() };
    save::with_record(condition, &record, None)
}
