//! Jobs: what was asked for and is done later.

use app::{AppError, jobs};
use serde_json::json;
use uuid::Uuid;

use super::head::*;

/// `GET /jobs`: one's own, the newest first; `before` continues.
pub async fn list(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Answer {
    asker.answer(async {
        if let Some((name, _)) = pairs.iter().find(|(name, _)| name != "before") {
            return Err(AppError::malformed("unknown_parameter", format!("`{name}` means nothing here; `before` continues after a page")));
        }
        let before = pairs.first().map(|(_, text)| Uuid::try_parse(text)).transpose().map_err(|_| AppError::malformed("bad_cursor", "`before` is the id of a job"))?;
        let found = jobs::own(&site.app, &asker.actor, before).await?;
        let is_full = found.len() >= jobs::MAX_LISTED as usize;
        let next = found.last().filter(|_| is_full).map(|job| job.id);
        Ok(Json(json!({"data": found.iter().map(jobs::Job::to_json).collect::<Vec<_>>(), "next": next})))
    })
    .await
}

/// `GET /jobs/{id}`
pub async fn read(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Answer {
    asker.answer(async { Ok(Json(jobs::read(&site.app, &asker.actor, id_of(&id, "job")?).await?.to_json())) }).await
}

/// `POST /jobs/{id}/cancel`
pub async fn cancel(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Answer {
    asker.answer(async { Ok(Json(jobs::cancel(&site.app, &asker.actor, id_of(&id, "job")?).await?.to_json())) }).await
}
