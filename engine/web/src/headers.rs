//! Headers of every answer, and the check that a change comes from our own pages.

use app::AppError;
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{Site, extract, problem::Problem};

/// What pages may load and run: their own files, nothing inline, nothing from elsewhere.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx 'allow-duplicates'";

/// Puts the headers on, and refuses changes that another site asked a browser for.
pub async fn guard(State(_): State<Site>, request: Request, next: Next) -> Response {
    if let Some(error) = foreign(&request) {
        return Problem { error, lang: extract::language(request.headers()) }.into_response();
    }
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::CONTENT_SECURITY_POLICY, POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "same-origin");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if !is_asset {
        put(header::CACHE_CONTROL, "no-store");
    }
    response
}

/// A change by cookie must come from a page of this very site: browsers say where a request comes from, and scripts
/// of other sites cannot say otherwise. Requests with a token of their own need no such proof.
fn foreign(request: &Request) -> Option<AppError> {
    let headers = request.headers();
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let by_cookie = headers.get(header::AUTHORIZATION).is_none();
    if !is_change || !by_cookie {
        return None;
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let same = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin.split_once("://").map(|(_, host)| host) == text("host"),
        // Neither: no browser, and so no cookie that a victim's browser would have added.
        (None, None) => true,
    };
    (!same).then(|| AppError::forbidden("this change was asked for by another site"))
}
