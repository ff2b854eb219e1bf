//! The same change to many records, and the pool.

use app::{batches, bulk, pool};
use serde_json::json;

use super::head::*;

/// `POST /records/{card}/bulk`
pub async fn change(State(site): State<Site>, Path(card): Path<String>, asker: Asker, Body(body): Body) -> Answer {
    asker.answer(async {
        asker.card(&card)?;
        let request = bulk::Request::read(&body)?;
        let started = bulk::start(&site.app, &asker.snapshot, &asker.actor, &card, &request).await?;
        Ok((accepted(&started.batch), Json(json!({"total": started.total, "batch": started.batch.to_json(&asker.actor)}))))
    })
    .await
}

/// Done, or to be done by a job.
pub(super) fn accepted(batch: &batches::Batch) -> StatusCode {
    if batch.job.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK }
}

/// `POST /records/{card}/{id}/claim`
pub async fn claim(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    let saved = async { pool::claim(&site.app, &asker.actor, &card, id_of(&id, "record")?).await };
    super::records::answer_of(&site, &asker, &card, saved.await.map_err(|error| asker.problem(error))?).await
}

/// `POST /records/{card}/{id}/release`
pub async fn release(State(site): State<Site>, Path((card, id)): Path<(String, String)>, asker: Asker) -> Answer {
    let saved = async { pool::release(&site.app, &asker.actor, &card, id_of(&id, "record")?).await };
    super::records::answer_of(&site, &asker, &card, saved.await.map_err(|error| asker.problem(error))?).await
}
