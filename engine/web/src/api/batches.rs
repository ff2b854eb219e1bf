//! Batches: what was changed together, what came of each record, and taking it back.

use app::{AppError, batches};
use axum::http::header;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{bulk::accepted, head::*};

type Pairs = Vec<(String, String)>;

fn value<'p>(pairs: &'p Pairs, key: &str) -> Option<&'p str> {
    pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

fn limit(pairs: &Pairs) -> Result<u32, AppError> {
    match value(pairs, "limit").map(str::parse::<u32>) {
        None => Ok(50),
        Some(Ok(limit @ 1..=500)) => Ok(limit),
        Some(_) => Err(AppError::malformed("bad_limit", "limit is a number from 1 to 500")),
    }
}

/// `GET /batches?of=everybody&before=…&limit=50`
pub async fn list(State(site): State<Site>, Query(pairs): Query<Pairs>, asker: Asker) -> Answer {
    asker.answer(async {
        let everybody = match value(&pairs, "of") {
            None | Some("me") => false,
            Some("everybody") => true,
            Some(_) => return Err(AppError::malformed("bad_of", "of is `me` or `everybody`")),
        };
        let before = match value(&pairs, "before").map(chrono::DateTime::parse_from_rfc3339) {
            None => None,
            Some(Ok(at)) => Some(at.with_timezone(&chrono::Utc)),
            Some(Err(_)) => return Err(AppError::malformed("bad_before", "before is a moment, as 2026-11-24T08:00:00Z")),
        };
        let found = batches::list(&site.app, &asker.actor, everybody, before, limit(&pairs)?).await?;
        Ok(Json(json!({"data": found.iter().map(|batch| batch.to_json(&asker.actor)).collect::<Vec<_>>()})).into_response())
    })
    .await
}

/// `GET /batches/{id}`
pub async fn read(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Answer {
    asker.answer(async { Ok(Json(batches::read(&site.app, &asker.actor, id_of(&id, "batch")?).await?.to_json(&asker.actor))) }).await
}

/// `GET /batches/{id}/rows?after=…&limit=50&format=csv`
pub async fn rows(State(site): State<Site>, Path(id): Path<String>, Query(pairs): Query<Pairs>, asker: Asker) -> Answer {
    asker.answer(async {
        let batch = batches::read(&site.app, &asker.actor, id_of(&id, "batch")?).await?;
        match value(&pairs, "format") {
            None | Some("json") => {}
            Some("csv") => return csv(&site, batch.id).await,
            Some(_) => return Err(AppError::malformed("bad_format", "format is `json` or `csv`")),
        }
        let after = value(&pairs, "after").map(Uuid::try_parse).transpose().map_err(|_| AppError::malformed("bad_cursor", "after is the id of a row"))?;
        let limit = limit(&pairs)?;
        let found = batches::results(&site.app, batch.id, after, limit).await?;
        let next = found.last().filter(|_| found.len() == limit as usize).map(|row| row.id);
        Ok(Json(json!({"data": found.iter().map(batches::RowResult::to_json).collect::<Vec<_>>(), "next": next})).into_response())
    })
    .await
}

/// Every row as lines of a table, sent as they are read.
async fn csv(site: &Site, batch: Uuid) -> Result<Response, AppError> {
    let app = site.app.clone();
    let first = std::iter::once("\u{feff}card,record,result,reason,fields\r\n".to_owned());
    let lines = futures::stream::unfold((app, None, false), move |(app, after, done)| async move {
        if done {
            return None;
        }
        let found = batches::results(&app, batch, after, 500).await.ok()?;
        let text: String = found.iter().map(line).collect();
        let (next, end) = (found.last().map(|row| row.id), found.len() < 500);
        Some((text, (app, next, end)))
    });
    let stream = futures::StreamExt::chain(futures::stream::iter(first), lines);
    let body = axum::body::Body::from_stream(futures::StreamExt::map(stream, Ok::<_, std::convert::Infallible>));
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, format!("attachment; filename=\"batch-{batch}.csv\""))];
    Ok((headers, body).into_response())
}

fn line(row: &batches::RowResult) -> String {
    let reason = row.reason.as_ref();
    let detail = reason.and_then(|reason| reason["detail"].as_str()).unwrap_or_default();
    let places = reason.into_iter().flat_map(|reason| {
        let fields = reason["fields"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let violations = reason["violations"].as_array().into_iter().flatten().filter_map(|one| one["path"].as_str());
        fields.chain(violations).map(str::to_owned).collect::<Vec<_>>()
    });
    format!("{},{},{},{},{}\r\n", row.card, row.record, row.op, cell(detail), cell(&places.collect::<Vec<_>>().join(" ")))
}

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let safe = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    format!("\"{}\"", safe.replace('"', "\"\""))
}

/// `POST /batches/{id}/undo`
pub async fn undo(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Answer {
    asker.answer(async {
        let batch = batches::undo(&site.app, &asker.actor, id_of(&id, "batch")?).await?;
        Ok((accepted(&batch), Json(batch.to_json(&asker.actor))))
    })
    .await
}
