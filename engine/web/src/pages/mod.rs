//! Pages and their fragments: the same use cases as the API, drawn for people.

pub mod health;

use app::AppError;

use crate::{extract::Asker, problem::Problem};

/// Whatever has no page.
pub async fn not_found(asker: Asker) -> Problem {
    asker.problem(AppError::not_found("page"))
}
