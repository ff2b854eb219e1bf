//! Headers of every answer, and the check that a change comes from our own pages.

use app::AppError;
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{Site, extract, problem::Problem, visit};

/// What pages may load and run: their own files, nothing inline, nothing from elsewhere.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx 'allow-duplicates'";

/// Puts the headers on, and refuses requests for other sites and changes that another site asked a browser for.
pub async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = answer(&site, request, next).await;
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
    // People reach it by TLS: their browsers are never to ask in the open again. Of other hosts of the domain nothing is said.
    if site.base_url.as_deref().is_some_and(|base| base.starts_with("https://")) {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// What the site answers, or that it does not.
async fn answer(site: &Site, request: Request, next: Next) -> Response {
    let lang = extract::language(request.headers());
    let refuse = |error: AppError| Problem { error, lang: lang.clone() }.into_response();
    if !WATCHED.contains(&request.uri().path()) && !visit::is_for_us(site, request.headers()) {
        return refuse(AppError::malformed("unknown_host", "this site is not known by that name; whoever runs it says its address with --base-url"));
    }
    if let Some(error) = foreign(site, &request) {
        return refuse(error);
    }
    match with_token(site, request).await {
        Ok(request) => next.run(request).await,
        Err(error) => refuse(error),
    }
}

/// What is asked for by whoever watches over the process, by whatever name they reach it.
const WATCHED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

fn is_change(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) && request.headers().get(header::AUTHORIZATION).is_none()
}

fn text<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// What a browser says of where a request comes from; nothing where no browser says anything.
fn same_site(site: &Site, request: &Request) -> Option<bool> {
    let own = || match site.base_url.as_deref() {
        Some(base) => base.split_once("://").map(|(_, host)| host),
        None => text(request, "host"),
    };
    match (text(request, "sec-fetch-site"), text(request, "origin")) {
        (Some(site), _) => Some(matches!(site, "same-origin" | "none")),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            Some(host.is_some() && (host == own() || host == text(request, "host")))
        }
        (None, None) => None,
    }
}

/// A change by cookie must come from a page of this very site: browsers say where a request comes from, and scripts
/// of other sites cannot say otherwise. Requests with a token of their own need no such proof.
fn foreign(site: &Site, request: &Request) -> Option<AppError> {
    let refused = is_change(request) && same_site(site, request) == Some(false);
    refused.then(|| AppError::forbidden("this change was asked for by another site"))
}

/// A change by the cookie of a session must also carry the token that its pages carry: forms do in a field, scripts in a
/// header. What only scripts can send, and not to other sites, passes where the browser says that it is from here.
async fn with_token(site: &Site, request: Request) -> Result<Request, AppError> {
    let Some(session) = extract::session_of(site, request.headers()).filter(|_| is_change(&request)) else { return Ok(request) };
    let wanted = visit::csrf(session);
    if text(&request, "x-csrf-token") == Some(&wanted) {
        return Ok(request);
    }
    let refused = || AppError::forbidden("this change carries no token of this site's pages; read the page again");
    let is_form = text(&request, "content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return if same_site(site, &request) == Some(true) { Ok(request) } else { Err(refused()) };
    }
    let (head, body) = request.into_parts();
    let bytes = to_bytes(body, crate::MAX_BODY).await.map_err(|_| AppError::TooLarge { detail: format!("a body has at most {} bytes", crate::MAX_BODY) })?;
    let carries = form_urlencoded::parse(&bytes).any(|(name, value)| name == "_csrf" && value == wanted);
    if carries { Ok(Request::from_parts(head, Body::from(bytes))) } else { Err(refused()) }
}
