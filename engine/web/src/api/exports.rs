//! Lists as files.

use std::io::{Seek, SeekFrom};

use app::{AppError, exports::{self, Asked, Format}, lists};
use axum::{
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use query::ListRequest;
use tokio::io::AsyncReadExt;

use crate::{Site, extract::Asker, problem::Problem};

/// Bytes sent at a time.
const PIECE: usize = 64 * 1024;

/// `GET /records/{card}/export`: the same parameters as a list, and `format`, `group_by`, `totals`.
pub async fn export(State(site): State<Site>, Path(card): Path<String>, Query(pairs): Query<Vec<(String, String)>>, asker: Asker) -> Result<Response, Problem> {
    let answer = async {
        lists::may_see(&asker.snapshot, &asker.actor, &card)?;
        let asked = asked(&pairs)?;
        send(&site, &asker, &card, &asked).await
    };
    answer.await.map_err(|error: AppError| asker.problem(error))
}

/// The parameters of a list, and those of an export.
fn asked(pairs: &[(String, String)]) -> Result<Asked, AppError> {
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut format = Format::read(get("format").unwrap_or("xlsx"))?;
    if let (Format::Csv { mark }, Some(said)) = (&mut format, get("bom")) {
        *mark = said != "false";
    }
    let of_list: Vec<(String, String)> = pairs.iter().filter(|(key, _)| !matches!(key.as_str(), "format" | "bom" | "group_by" | "totals")).cloned().collect();
    let mut list = ListRequest::from_url(&of_list)?;
    list.group_by = read(get("group_by"), "group_by")?;
    list.totals = read(get("totals"), "totals")?;
    Ok(Asked { list, format, widths: Vec::new() })
}

fn read<T: for<'de> serde::Deserialize<'de> + Default>(text: Option<&str>, name: &str) -> Result<T, AppError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(T::default()) };
    serde_json::from_str(text).map_err(|error| AppError::malformed("bad_parameter", format!("`{name}` is JSON as in the body of a query: {error}")))
}

/// Writes an export to a file that nobody else knows of, and sends it.
pub async fn send(site: &Site, asker: &Asker, card: &str, asked: &Asked) -> Result<Response, AppError> {
    let file = exports::scratch().await?;
    let copy = file.try_clone().map_err(|error| AppError::Unavailable { detail: error.to_string() })?;
    exports::export(&site.app, &asker.snapshot, &asker.actor, card, asked, &asker.locale, copy).await?;
    let name = exports::file_name(asker.snapshot.card(card)?, &asker.actor, &asker.actor.lang, asked.format);
    attachment(file, &name, asked.format.media_type()).await
}

/// A file to be kept, piece by piece.
pub async fn attachment(mut file: std::fs::File, name: &str, kind: &'static str) -> Result<Response, AppError> {
    let away = |error: std::io::Error| AppError::Unavailable { detail: error.to_string() };
    let size = file.seek(SeekFrom::End(0)).map_err(away)?;
    file.seek(SeekFrom::Start(0)).map_err(away)?;
    let pieces = futures::stream::try_unfold(tokio::fs::File::from_std(file), |mut file| async move {
        let mut piece = vec![0_u8; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), file)))
    });
    let encoded: String = name.bytes().map(|byte| if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect();
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{encoded}")).unwrap_or(HeaderValue::from_static("attachment")));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    Ok(response)
}
