//! Files whose rows become records: sent, checked, run.

use app::{AppError, imports::{self, Import, Outcome, Preview, Settings}};
use axum::{
    Json,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::{Site, api::exports::attachment, extract::{self, Asker}, problem::Problem};

/// Room for what is sent around a file.
pub const AROUND: usize = 256 * 1024;

fn id_of(text: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(text).map_err(|_| AppError::not_found("import"))
}

fn too_large() -> AppError {
    AppError::TooLarge { detail: format!("a file has at most {} MB; send it in parts", imports::MAX_FILE >> 20) }
}

/// Takes a file in, with the fields sent beside it. A file that says it is too large is refused before it is read.
pub async fn take(site: &Site, asker: &Asker, card: &str, request: Request) -> Result<(Import, Vec<(String, String)>), AppError> {
    imports::may(&asker.snapshot, &asker.actor, card)?;
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > imports::MAX_FILE + AROUND as u64) {
        return Err(too_large());
    }
    let mut parts = extract::multipart(request, site).await?;
    let (mut sent, mut fields) = (None, Vec::new());
    while let Some(mut part) = parts.next_field().await.map_err(|error| bad(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            fields.push((name, part.text().await.map_err(|error| bad(&error))?));
            continue;
        }
        let file_name = part.file_name().unwrap_or("file").to_owned();
        let (id, path) = imports::place(&site.app).await?;
        let away = |error: std::io::Error| AppError::Unavailable { detail: error.to_string() };
        let mut file = tokio::fs::File::create_new(&path).await.map_err(away)?;
        let written = async {
            let mut size = 0_u64;
            while let Some(piece) = part.chunk().await.map_err(|error| bad(&error))? {
                size += piece.len() as u64;
                if size > imports::MAX_FILE {
                    return Err(too_large());
                }
                file.write_all(&piece).await.map_err(away)?;
            }
            file.sync_all().await.map_err(away)?;
            Ok(size)
        };
        match written.await {
            Ok(size) => sent = Some((id, file_name, size)),
            Err(error) => {
                let _ = tokio::fs::remove_file(&path).await;
                return Err(error);
            }
        }
    }
    let (id, name, size) = sent.filter(|(_, _, size)| *size > 0).ok_or_else(|| AppError::malformed("no_file", "send multipart/form-data with a part `file` that is not empty"))?;
    let settings = settings(&fields)?;
    let import = imports::create(&site.app, &asker.actor, card, id, &name, size, &settings).await?;
    Ok((import, fields))
}

fn bad(error: &axum::extract::multipart::MultipartError) -> AppError {
    match error.status().as_u16() {
        413 => too_large(),
        _ => AppError::malformed("bad_upload", error.body_text()),
    }
}

/// The settings sent beside a file, as JSON.
fn settings(fields: &[(String, String)]) -> Result<Settings, AppError> {
    let Some((_, text)) = fields.iter().find(|(name, _)| name == "settings") else { return Ok(Settings::default()) };
    serde_json::from_str(text).map_err(|error| AppError::malformed("bad_mapping", format!("`settings` does not say how to read the file: {error}")))
}

/// `POST /records/{card}/import`: runs as a job, or with `preview=true` only says what would come of the first rows.
pub async fn create(State(site): State<Site>, Path(card): Path<String>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker, request: Request) -> Result<Response, Problem> {
    let answer = async {
        let preview = pairs.iter().any(|(key, value)| key == "preview" && value == "true");
        let (import, fields) = take(&site, &asker, &card, request).await?;
        let settings = settings(&fields)?;
        if preview {
            let preview = imports::preview(&site.app, &asker.actor, &asker.locale, &import, &settings).await?;
            return Ok(Json(preview_json(&import, &preview)).into_response());
        }
        let import = imports::start(&site.app, &asker.actor, &asker.locale, &import, &settings).await?;
        Ok((StatusCode::ACCEPTED, Json(import.to_json())).into_response())
    };
    answer.await.map_err(|error: AppError| asker.problem(error))
}

fn preview_json(import: &Import, preview: &Preview) -> Value {
    let row = |(line, outcome): &(imports::Line, Outcome)| {
        let (word, errors) = outcome_words(outcome);
        let own: Vec<Value> = errors.iter().filter(|error| error.row == line.row).map(|error| json!({"column": error.column.map(|column| column + 1), "message": error.message})).collect();
        json!({"row": line.row, "cells": line.cells.iter().map(imports::Cell::text).collect::<Vec<_>>(), "result": word, "errors": own})
    };
    json!({"import": import.to_json(), "settings": preview.settings, "headings": preview.headings, "rows": preview.rows.iter().map(row).collect::<Vec<_>>()})
}

/// What came of a record, in a word.
pub fn outcome_words(outcome: &Outcome) -> (&'static str, &[imports::CellError]) {
    match outcome {
        Outcome::Created => ("create", &[]),
        Outcome::Updated => ("update", &[]),
        Outcome::Unchanged => ("unchanged", &[]),
        Outcome::Failed(errors) => ("error", errors),
    }
}

/// `GET /imports/{id}`
pub async fn read(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Result<Response, Problem> {
    let answer = async { imports::read(&site.app, &asker.actor, id_of(&id)?).await };
    answer.await.map(|import| Json(import.to_json()).into_response()).map_err(|error| asker.problem(error))
}

/// `POST /imports/{id}/run`: what was only looked at before.
pub async fn start(State(site): State<Site>, Path(id): Path<String>, asker: Asker, crate::extract::Body(body): crate::extract::Body) -> Result<Response, Problem> {
    let answer = async {
        let import = imports::read(&site.app, &asker.actor, id_of(&id)?).await?;
        let settings: Settings = serde_json::from_value(body).map_err(|error| AppError::malformed("bad_mapping", error.to_string()))?;
        let import = imports::start(&site.app, &asker.actor, &asker.locale, &import, &settings).await?;
        Ok::<_, AppError>((StatusCode::ACCEPTED, Json(import.to_json())).into_response())
    };
    answer.await.map_err(|error| asker.problem(error))
}

/// `GET /imports/{id}/errors`: the rows that did not become records, as a workbook to correct.
pub async fn errors(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Result<Response, Problem> {
    let answer = async {
        let import = imports::read(&site.app, &asker.actor, id_of(&id)?).await?;
        mistakes(&site, &asker, &import).await
    };
    answer.await.map_err(|error: AppError| asker.problem(error))
}

/// The rows that did not become records, to be kept.
pub async fn mistakes(site: &Site, asker: &Asker, import: &Import) -> Result<Response, AppError> {
    let file = app::exports::scratch().await?;
    let copy = file.try_clone().map_err(|error| AppError::Unavailable { detail: error.to_string() })?;
    let heading = site.templates.texts(&asker.actor.lang).get("import.mistakes", &[]);
    imports::mistakes(&site.app, import, &heading, copy).await?;
    let name = format!("{} {}.xlsx", import.name.rsplit_once('.').map_or(import.name.as_str(), |(stem, _)| stem), heading);
    attachment(file, &name, app::exports::Format::Xlsx.media_type()).await
}
