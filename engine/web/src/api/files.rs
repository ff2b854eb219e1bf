//! Attachments: upload and download.

use app::{AppError, files};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use crate::{Site, extract::{Asker, Parts}, problem::Problem};

/// `POST /files`: one or several parts with a file name.
pub async fn upload(State(site): State<Site>, asker: Asker, Parts(mut parts): Parts) -> Result<Response, Problem> {
    let mut kept = Vec::new();
    loop {
        let part = parts.next_field().await.map_err(|error| asker.problem(bad(&error)))?;
        let Some(part) = part else { break };
        let Some(name) = part.file_name().map(str::to_owned) else { continue };
        let kind = part.content_type().unwrap_or("application/octet-stream").to_owned();
        let content = part.bytes().await.map_err(|error| asker.problem(bad(&error)))?;
        let info = files::upload(&site.app, &asker.actor, &name, &kind, content.to_vec()).await.map_err(|error| asker.problem(error))?;
        kept.push(info.to_json());
    }
    if kept.is_empty() {
        return Err(asker.problem(AppError::malformed("no_file", "send multipart/form-data with at least one file")));
    }
    Ok((StatusCode::CREATED, Json(json!({"data": kept}))).into_response())
}

fn bad(error: &axum::extract::multipart::MultipartError) -> AppError {
    match error.status().as_u16() {
        413 => AppError::TooLarge { detail: format!("a file has at most {} bytes", files::MAX_UPLOAD) },
        _ => AppError::malformed("bad_upload", error.body_text()),
    }
}

/// `GET /files/{id}`: pictures are shown, everything else is offered to be kept; nothing of it runs here.
pub async fn download(State(site): State<Site>, Path(id): Path<String>, asker: Asker) -> Result<Response, Problem> {
    let id = Uuid::try_parse(&id).map_err(|_| asker.problem(AppError::not_found("file")))?;
    let (info, content) = files::read(&site.app, &asker.actor, id).await.map_err(|error| asker.problem(error))?;
    let picture = matches!(info.media_type.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp");
    let kind = if picture { info.media_type.as_str() } else { "application/octet-stream" };
    let way = if picture { "inline" } else { "attachment" };
    let name: String = info.name.bytes().map(|byte| if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect();
    let disposition = format!("{way}; filename*=UTF-8''{name}");
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream")));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment")));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    Ok(response)
}
