//! The REST API: requests to use cases, answers to JSON. Version 1.

pub mod accounts;
pub mod approvals;
pub mod actions;
pub mod batches;
pub mod bulk;
pub mod cards;
pub mod explain;
pub mod exports;
pub mod files;
pub mod flows;
pub mod folders;
pub mod grants;
pub mod log;
pub mod merge;
pub mod imports;
pub mod jobs;
pub mod notices;
pub mod records;
pub mod rights;
pub mod search;
pub mod users;
pub mod views;

use app::AppError;
use uuid::Uuid;

use crate::{extract::Asker, problem::Problem};

/// What every handler needs.
mod head {
    pub use axum::{
        Json,
        extract::{Path, Query, State},
        http::StatusCode,
        response::{IntoResponse, Response},
    };

    pub use super::{Answer, id_of};
    pub use crate::{
        Site,
        extract::{Asker, Body},
    };
}

/// What handlers answer.
pub type Answer = Result<axum::response::Response, Problem>;

/// An id out of an address; what is none is of nothing there.
pub fn id_of(text: &str, what: &'static str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found(what))
}

impl Asker {
    /// An answer whose errors are told in the asker's language.
    pub async fn answer<T: axum::response::IntoResponse>(&self, work: impl Future<Output = Result<T, AppError>>) -> Answer {
        work.await.map(axum::response::IntoResponse::into_response).map_err(|error| self.problem(error))
    }

    /// The card of an address. Who may see nothing of it learns nothing from what else is wrong with a request.
    pub fn card(&self, key: &str) -> Result<std::sync::Arc<model::Card>, AppError> {
        app::lists::may_see(&self.snapshot, &self.actor, key)?;
        Ok(self.snapshot.card(key)?.clone())
    }
}

/// Whatever has no route.
pub async fn not_found(asker: Asker) -> Problem {
    asker.problem(AppError::not_found("address"))
}
