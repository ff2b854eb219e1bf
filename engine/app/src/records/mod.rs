//! One record: read, saved, removed, remembered.

pub mod batch;
mod derive;
pub mod draft;
pub mod facts;
pub mod history;
mod load;
pub mod merge;
pub mod preview;
pub mod read;
pub mod remove;
mod renew;
pub mod save;
