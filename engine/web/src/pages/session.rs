//! Signing in and out, language and theme.

use app::{AppError, accounts};
use axum::{
    extract::{Path as UrlPath, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use chrono::Utc;

use super::{draw, failed, keep, safe_next, shell, words};
use crate::{
    Site, extract::{self, Form},
    view::{LoginPage, PasswordPage},
};

fn get<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

/// `GET /login`
pub async fn form(State(site): State<Site>, headers: HeaderMap, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    if extract::asker(&site, &headers).await.is_ok() {
        return Redirect::to(safe_next(get(&pairs, "next"))).into_response();
    }
    let bare = shell::bare(&site, &headers, "/login");
    let notice = (get(&pairs, "notice") == "password").then(|| site.templates.texts(&bare.lang).get("password.changed", &[]));
    let page = LoginPage { next: safe_next(get(&pairs, "next")).to_owned(), notice, demo: site.demo.to_vec(), ..LoginPage::default() };
    draw(&site, StatusCode::OK, "account/login.html", &bare, &page)
}

/// `POST /login`
pub async fn sign_in(State(site): State<Site>, headers: HeaderMap, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let (name, password) = (get(&fields, "name"), get(&fields, "password"));
    let next = safe_next(get(&fields, "next"));
    let bare = shell::bare(&site, &headers, "/login");
    let keys = [format!("name:{}", name.to_lowercase())];
    let refused = |status: StatusCode, words: String| {
        let page = LoginPage { name: name.to_owned(), next: next.to_owned(), error: Some(words), demo: site.demo.to_vec(), ..LoginPage::default() };
        draw(&site, status, "account/login.html", &bare, &page)
    };
    if let Err(error) = site.throttle.check(&keys) {
        let mut response = refused(StatusCode::TOO_MANY_REQUESTS, error.to_string());
        if let AppError::TooMany { seconds } = error {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        return response;
    }
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match accounts::sign_in(&site.app, name, password, agent, Utc::now()).await {
        Ok(Some(token)) => {
            site.throttle.note(&keys, false);
            let flag = if site.secure { "; Secure" } else { "" };
            let cookie = format!("{}={token}; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax{flag}", extract::SESSION);
            let mut response = Redirect::to(next).into_response();
            response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static("")));
            response
        }
        Ok(None) => {
            site.throttle.note(&keys, true);
            refused(StatusCode::UNPROCESSABLE_ENTITY, words::word("wrong_sign_in", &bare.lang))
        }
        Err(error) => failed(&site, &bare, &error, false),
    }
}

/// `POST /logout`
pub async fn sign_out(State(site): State<Site>, headers: HeaderMap) -> Response {
    if let Some(token) = extract::cookie(&headers, extract::SESSION)
        && let Err(error) = accounts::sign_out(&site.app, token).await {
            return failed(&site, &shell::bare(&site, &headers, "/login"), &error, false);
        }
    let mut response = Redirect::to("/login").into_response();
    let gone = format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax", extract::SESSION);
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_str(&gone).unwrap_or(HeaderValue::from_static("")));
    response
}

/// `POST /lang/{code}`: kept with the account if there is one, and in a cookie.
pub async fn language(State(site): State<Site>, UrlPath(code): UrlPath<String>, headers: HeaderMap, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let known = crate::templates::LANGUAGES.iter().any(|(lang, _)| *lang == code);
    if !known {
        return failed(&site, &shell::bare(&site, &headers, "/"), &AppError::not_found("language"), false);
    }
    if let Ok(asker) = extract::asker(&site, &headers).await
        && let Some(user) = asker.actor.user
            && let Err(error) = accounts::set_language(&site.app, user, &code).await {
                return failed(&site, &shell::bare(&site, &headers, "/"), &error, false);
            }
    with_cookie(safe_next(get(&fields, "next")), extract::LANGUAGE, &code, site.secure)
}

/// `POST /theme/{name}`
pub async fn theme(State(site): State<Site>, UrlPath(name): UrlPath<String>, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let name = if ["light", "dark"].contains(&name.as_str()) { name } else { "system".into() };
    with_cookie(safe_next(get(&fields, "next")), extract::THEME, &name, site.secure)
}

fn with_cookie(next: &str, name: &str, value: &str, secure: bool) -> Response {
    let mut response = Redirect::to(next).into_response();
    response.headers_mut().append(header::SET_COOKIE, keep(name, value, secure));
    response
}

/// `GET /login/link/{token}`
pub async fn link_form(State(site): State<Site>, UrlPath(token): UrlPath<String>, headers: HeaderMap) -> Response {
    let page = PasswordPage { action: format!("/login/link/{token}"), min_length: 10, ..PasswordPage::default() };
    draw(&site, StatusCode::OK, "account/password.html", &shell::bare(&site, &headers, "/login"), &page)
}

/// `POST /login/link/{token}`
pub async fn use_link(State(site): State<Site>, UrlPath(token): UrlPath<String>, headers: HeaderMap, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let (password, again) = (get(&fields, "password"), get(&fields, "again"));
    let bare = shell::bare(&site, &headers, "/login");
    let mut page = PasswordPage { action: format!("/login/link/{token}"), min_length: 10, ..PasswordPage::default() };
    if password != again {
        page.error = Some(site.templates.texts(&bare.lang).get("password.differ", &[]));
        return draw(&site, StatusCode::UNPROCESSABLE_ENTITY, "account/password.html", &bare, &page);
    }
    match accounts::use_link(&site.app, &token, password, Utc::now()).await {
        Ok(()) => Redirect::to("/login?notice=password").into_response(),
        Err(AppError::Malformed { code, detail }) => {
            page.expired = code == "bad_link";
            page.error = Some(detail);
            draw(&site, StatusCode::UNPROCESSABLE_ENTITY, "account/password.html", &bare, &page)
        }
        Err(error) => failed(&site, &bare, &error, false),
    }
}

