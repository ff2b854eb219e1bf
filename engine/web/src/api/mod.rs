//! The REST API: requests to use cases, answers to JSON. Version 1.

pub mod batches;
pub mod bulk;
pub mod cards;
pub mod exports;
pub mod files;
pub mod folders;
pub mod merge;
pub mod imports;
pub mod jobs;
pub mod records;
pub mod search;
pub mod views;

use app::AppError;

use crate::{extract::Asker, problem::Problem};

/// Whatever has no route.
pub async fn not_found(asker: Asker) -> Problem {
    asker.problem(AppError::not_found("address"))
}
