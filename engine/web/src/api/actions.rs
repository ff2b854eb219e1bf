//! Buttons of a card, pressed by a program.

use app::{AppError, scripts};
use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Site, extract::Asker, problem::Problem};

/// `POST /records/{card}/{id}/actions/{action}`
pub async fn act(State(site): State<Site>, Path((card, id, action)): Path<(String, String, String)>, asker: Asker) -> Result<Json<Value>, Problem> {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("record"))?;
        let acted = scripts::act(&site.app, &asker.actor, &card, id, &action).await?;
        Ok(json!({"message": acted.message, "version": acted.saved.map(|saved| saved.version)}))
    };
    answer.await.map(Json).map_err(|error| asker.problem(error))
}
