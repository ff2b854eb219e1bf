//! Every page and fragment of the interface with invented data, through the real templates: for looking at, and for
//! taking pictures. `cargo run -p web --example gallery -- 8130`, then <http://127.0.0.1:8130/>.
//!
//! `?lang=`, `?theme=` and `?state=` choose language, theme and what is wrong.

mod lists;
mod misc;
mod records;
mod words;

use std::collections::HashMap;

use axum::extract::{Path, Query, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use web::view::Shell;
use web::{assets, templates};

/// The query of a request.
pub type Asked = Query<HashMap<String, String>>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8130".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router()).await
}

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/c/customer") }))
        .route("/assets/{name}", get(assets::serve))
        .route("/c/{card}", get(lists::index).post(records::create))
        .route("/c/{card}/rows", get(lists::rows))
        .route("/c/{card}/count", get(lists::count))
        .route("/c/{card}/totals", get(lists::totals))
        .route("/c/{card}/filter", get(lists::filter))
        .route("/c/{card}/columns", get(lists::columns))
        .route("/c/{card}/trash", get(lists::trash))
        .route("/c/{card}/delete", post(|| async { StatusCode::NO_CONTENT }))
        .route("/c/{card}/restore", post(|| async { StatusCode::NO_CONTENT }))
        .route("/c/{card}/new", get(records::new))
        .route("/c/{card}/{id}", get(records::show).post(records::save))
        .route("/c/{card}/recompute", post(records::recompute))
        .route("/c/{card}/{id}/recompute", post(records::recompute))
        .route("/c/{card}/{id}/tab/{tab}", get(records::tab_page))
        .route("/c/{card}/{id}/history", get(records::history))
        .route("/palette", get(misc::palette))
        .route("/lookup/{card}", get(misc::lookup))
        .route("/files", post(misc::upload))
        .route("/me", get(misc::me))
        .route("/login", get(misc::login))
        .route("/login/password", get(misc::password))
        .route("/errors/{kind}", get(misc::error))
        .route("/api/docs", get(misc::docs))
        .route("/lang/{code}", post(|Path(code): Path<String>| async move { remember("lang", &code) }))
        .route("/theme/{name}", post(|Path(name): Path<String>| async move { remember("theme", &name) }))
        .fallback(|asked: Asked| async move { misc::error(Path("missing".to_owned()), asked).await })
        .layer(from_fn(policy))
}

/// Puts the product's policy on every answer, and cookies into the query.
async fn policy(mut request: Request, next: Next) -> Response {
    let cookies = request.headers().get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let query = request.uri().query().unwrap_or_default();
    let extra: Vec<&str> = cookies.split("; ").filter(|cookie| ["lang", "theme"].iter().any(|name| cookie.starts_with(name) && !query.contains(&format!("{name}=")))).collect();
    let all = [query, &extra.join("&")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    if let Ok(uri) = format!("{}?{all}", request.uri().path()).parse() {
        *request.uri_mut() = uri;
    }
    let asked: Vec<String> = request.uri().query().unwrap_or_default().split('&').filter(|pair| pair.starts_with("lang=") || pair.starts_with("theme=")).map(str::to_owned).collect();
    let mut response = next.run(request).await;
    for pair in asked {
        if let Ok(cookie) = HeaderValue::from_str(&format!("{pair}; Path=/")) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(web::CONTENT_SECURITY_POLICY));
    response
}

fn remember(name: &str, value: &str) -> Response {
    let mut response = Redirect::to("/c/customer").into_response();
    if let Ok(cookie) = HeaderValue::from_str(&format!("{name}={value}; Path=/")) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Draws a template, or shows why it could not be drawn.
pub fn draw(name: &str, shell: &Shell, page: &impl Serialize) -> Response {
    let drawn = match templates::shared() {
        Ok(templates) => templates.render(name, shell, page).map_err(|error| format!("{error}: {:#?}", std::error::Error::source(&error))),
        Err(error) => Err(format!("{error}: {:#?}", std::error::Error::source(error))),
    };
    match drawn {
        Ok(html) => Html(html).into_response(),
        Err(why) => {
            eprintln!("{why}");
            (StatusCode::INTERNAL_SERVER_ERROR, why).into_response()
        }
    }
}

/// An answer in JSON, for uploads.
pub fn json(value: serde_json::Value) -> Response {
    Json(value).into_response()
}
