//! Errors as `application/problem+json` (RFC 9457). The one place where a status is chosen.

use std::any::Any;

use app::AppError;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value as Json, json};

/// An error on its way to an API client, in the client's language.
pub struct Problem {
    /// What went wrong.
    pub error: AppError,
    /// The actor's language.
    pub lang: String,
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self { error, lang: "en".into() }
    }
}

/// The status of every error.
pub fn status(error: &AppError) -> StatusCode {
    match error {
        AppError::Malformed { .. } => StatusCode::BAD_REQUEST,
        AppError::Unauthenticated => StatusCode::UNAUTHORIZED,
        AppError::Forbidden { .. } | AppError::ConfirmFirst => StatusCode::FORBIDDEN,
        AppError::NotFound { .. } => StatusCode::NOT_FOUND,
        AppError::Conflict { .. } => StatusCode::CONFLICT,
        AppError::Stale(_) => StatusCode::PRECONDITION_FAILED,
        AppError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        AppError::UnsupportedType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        AppError::Rejected(_) => StatusCode::UNPROCESSABLE_ENTITY,
        AppError::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        AppError::Unavailable { .. } | AppError::Outdated => StatusCode::SERVICE_UNAVAILABLE,
        AppError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The problem document.
pub fn document(error: &AppError, lang: &str) -> Json {
    let status = status(error);
    let mut body = Map::new();
    body.insert("type".into(), "about:blank".into());
    body.insert("title".into(), status.canonical_reason().unwrap_or("Error").into());
    body.insert("status".into(), status.as_u16().into());
    body.insert("code".into(), error.code().into());
    body.insert("detail".into(), detail(error, lang).into());
    match error {
        AppError::Rejected(rejected) => {
            body.insert("violations".into(), rejected.0.iter().map(|violation| said(violation, lang)).collect());
        }
        AppError::Stale(stale) => {
            let one = |field: &app::StaleField| json!({"path": field.path, "theirs": field.theirs, "yours": field.yours});
            body.insert("version".into(), stale.version.into());
            body.insert("changed_by".into(), stale.changed_by.clone().into());
            body.insert("conflicts".into(), stale.fields.iter().map(one).collect());
        }
        AppError::Conflict { blockers, .. } if !blockers.is_empty() => {
            let one = |blocker: &app::Blocker| json!({"card": blocker.card, "field": blocker.field, "count": blocker.count});
            body.insert("blockers".into(), blockers.iter().map(one).collect());
        }
        _ => {}
    }
    Json::Object(body)
}

/// A violation as clients see it; of look-alikes also which they are, and how many.
pub fn said(violation: &model::Violation, lang: &str) -> Json {
    let mut said = json!({"path": violation.path, "code": violation.code.name(), "message": violation.message(lang)});
    if let Some((records, count)) = app::duplicates::candidates(violation) {
        said["records"] = json!(records);
        said["count"] = count.into();
    }
    said
}

fn detail(error: &AppError, lang: &str) -> String {
    match error {
        // What went wrong inside is for the log, not for the client.
        AppError::Internal(cause) => {
            tracing::error!(%cause, "an internal error");
            words(lang, "Something went wrong on our side; nothing was changed.", "系统内部出错，未作任何更改。", "系統內部出錯，未作任何變更。")
        }
        AppError::Unavailable { detail } => {
            tracing::warn!(%detail, "the database is not available");
            words(lang, "The database is busy or away; try again in a moment.", "数据库暂时不可用，请稍后重试。", "資料庫暫時無法使用，請稍後再試。")
        }
        AppError::Rejected(rejected) => match rejected.0.as_slice() {
            [one] => one.message(lang),
            _ => words(lang, "Some values do not fit; each is named below.", "部分内容不符合要求，详见下列各项。", "部分內容不符合要求，詳見下列各項。"),
        },
        AppError::Stale(_) => words(lang, "Somebody else changed the same fields meanwhile.", "其他人同时修改了相同的字段。", "其他人同時修改了相同的欄位。"),
        AppError::Unauthenticated => words(lang, "Sign in first.", "请先登录。", "請先登入。"),
        other => crate::phrases::told(&other.to_string(), lang),
    }
}

/// The words in one of the three languages.
fn words(lang: &str, en: &str, hans: &str, hant: &str) -> String {
    match lang {
        "zh-Hans" => hans,
        "zh-Hant" => hant,
        _ => en,
    }
    .to_owned()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = status(&self.error);
        let body = document(&self.error, &self.lang).to_string();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let wait = match &self.error {
            AppError::Unavailable { .. } | AppError::Outdated => Some(2),
            AppError::TooMany { seconds } => Some(*seconds),
            _ => None,
        };
        if let Some(seconds) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A panic is a fault of ours: said as one, with nothing of its inside.
pub fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let cause = cause.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| cause.downcast_ref::<String>().cloned());
    Problem::from(AppError::Internal(cause.unwrap_or_else(|| "a panic".into()))).into_response()
}
