//! Signing in and out, language and theme.

use app::{AppError, accounts::{self, links, passwords, signing::{self, Coded, SignedIn}}};
use axum::{
    extract::{Path as UrlPath, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use chrono::Utc;

use super::{draw, failed, keep, safe_next, shell, url, words};
use crate::{
    Site, extract::{self, Cookie, Form},
    throttle::Key,
    view::{CodePage, ForgottenPage, LoginPage, PasswordPage},
    visit::From,
};
use crate::pages::get;

/// `GET /login`
pub async fn form(State(site): State<Site>, headers: HeaderMap, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    if extract::asker(&site, &headers).await.is_ok() {
        return Redirect::to(safe_next(get(&pairs, "next"))).into_response();
    }
    let bare = shell::bare(&site, &headers, "/login");
    let notice = [("password", "password.changed"), ("again", "second.too_late"), ("provider", "provider.failed"), ("unknown", "provider.unknown")].into_iter().find(|(word, _)| *word == get(&pairs, "notice"));
    let notice = notice.map(|(_, key)| site.templates.texts(&bare.lang).get(key, &[("name", &provider_name(&site).unwrap_or_default())]));
    let page = LoginPage { provider: provider_name(&site), next: safe_next(get(&pairs, "next")).to_owned(), notice, demo: site.demo.to_vec(), forgotten_url: forgotten_url(&site), ..LoginPage::default() };
    draw(&site, StatusCode::OK, "account/login.html", &bare, &page)
}

/// What failures of a name are counted for.
async fn keys(site: &Site, name: &str, origin: &accounts::Origin, browser: Option<&str>) -> Result<Vec<Key>, AppError> {
    if let Some(browser) = browser
        && signing::knows_browser(&site.app, browser, name, Utc::now()).await? {
            return Ok(vec![Key::Browser(accounts::session_id(browser))]);
        }
    // As names are compared: every spelling of one name counts for it.
    let name: String = accounts::clean_login(name).chars().take(200).collect();
    Ok(std::iter::once(Key::Name(name)).chain(Key::address(origin.address.as_deref())).collect())
}

/// `POST /login`
pub async fn sign_in(State(site): State<Site>, From(origin): From, headers: HeaderMap, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let (name, password) = (get(&fields, "name"), get(&fields, "password"));
    let next = safe_next(get(&fields, "next"));
    let bare = shell::bare(&site, &headers, "/login");
    let browser = Cookie::Browser.of(&site, &headers);
    let refused = |status: StatusCode, words: String| {
        let page = LoginPage { name: name.to_owned(), next: next.to_owned(), error: Some(words), demo: site.demo.to_vec(), provider: provider_name(&site), forgotten_url: forgotten_url(&site), ..LoginPage::default() };
        draw(&site, status, "account/login.html", &bare, &page)
    };
    let keys = match keys(&site, name, &origin, browser).await {
        Ok(keys) => keys,
        Err(error) => return failed(&site, &bare, &error, false),
    };
    if let Err(error) = site.throttle.check(&keys) {
        return too_many(refused(StatusCode::TOO_MANY_REQUESTS, crate::phrases::told(&error.to_string(), &bare.lang)), &error);
    }
    match signing::sign_in(&site.app, name, password, &origin, browser, Utc::now()).await {
        Ok(SignedIn::Open(opened)) => {
            site.throttle.succeeded(&keys);
            signed_in(&site, &opened, next)
        }
        Ok(SignedIn::Code(step)) => {
            let mut response = Redirect::to(&url("/login/code", &[("next", next)])).into_response();
            Cookie::Step.give(&site, &mut response, &step);
            response
        }
        Ok(SignedIn::Refused) => {
            if site.throttle.failed(&keys)
                && let Err(error) = signing::tried_too_often(&site.app, name, &origin).await {
                    return failed(&site, &bare, &error, false);
                }
            refused(StatusCode::UNPROCESSABLE_ENTITY, words::word("wrong_sign_in", &bare.lang))
        }
        Err(error) => failed(&site, &bare, &error, false),
    }
}

fn too_many(mut response: Response, error: &AppError) -> Response {
    if let AppError::TooMany { seconds } = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    response
}

pub(super) fn provider_name(site: &Site) -> Option<String> {
    site.provider.as_ref().map(|provider| provider.name.clone())
}

/// A session is open: to where they wanted to go.
pub(super) fn signed_in(site: &Site, opened: &signing::Opened, next: &str) -> Response {
    let mut response = Redirect::to(safe_next(next)).into_response();
    Cookie::Session.give(site, &mut response, &opened.token);
    Cookie::Browser.give(site, &mut response, &opened.browser);
    response
}

fn forgotten_url(site: &Site) -> Option<&'static str> {
    site.has_mail.then_some("/login/forgotten")
}

/// `GET /login/forgotten`: a letter with a link, for whoever forgot the password.
pub async fn forgotten_form(State(site): State<Site>, headers: HeaderMap) -> Response {
    if !site.has_mail {
        return Redirect::to("/login").into_response();
    }
    draw(&site, StatusCode::OK, "account/forgotten.html", &shell::bare(&site, &headers, "/login"), &ForgottenPage::default())
}

/// `POST /login/forgotten`: the same answer, after the same time, whether there is such an account or not.
pub async fn forgotten(State(site): State<Site>, From(origin): From, headers: HeaderMap, Form(fields): Form<Vec<(String, String)>>) -> Response {
    if !site.has_mail {
        return Redirect::to("/login").into_response();
    }
    let bare = shell::bare(&site, &headers, "/login");
    let name: String = get(&fields, "name").trim().chars().take(320).collect();
    let page = |status: StatusCode, page: ForgottenPage| draw(&site, status, "account/forgotten.html", &bare, &page);
    if name.is_empty() {
        return page(StatusCode::OK, ForgottenPage::default());
    }
    // Of one address: nobody elsewhere keeps somebody from asking for their own.
    let letter = Key::Letter(format!("{} {}", origin.address.as_deref().unwrap_or_default(), accounts::clean_login(&name)));
    let keys: Vec<Key> = std::iter::once(letter).chain(Key::address(origin.address.as_deref())).collect();
    if let Err(error) = site.throttle.check(&keys) {
        let refused = page(StatusCode::TOO_MANY_REQUESTS, ForgottenPage { error: Some(crate::phrases::told(&error.to_string(), &bare.lang)), ..ForgottenPage::default() });
        return too_many(refused, &error);
    }
    site.throttle.failed(&keys);
    let (app, said, lang) = (site.app.clone(), name.clone(), bare.lang.clone());
    tokio::spawn(async move {
        if let Err(error) = accounts::forgotten(&app, &said, &lang, &origin, Utc::now()).await {
            tracing::error!(%error, "a letter for a forgotten password could not be written");
        }
    });
    page(StatusCode::OK, ForgottenPage { asked: Some(name), error: None })
}

/// `GET /login/code`: the second factor.
pub async fn code_form(State(site): State<Site>, headers: HeaderMap, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    let under_way = match Cookie::Step.of(&site, &headers) {
        Some(step) => signing::under_way(&site.app, step, Utc::now()).await,
        None => Ok(None),
    };
    match under_way {
        Ok(Some(_)) => draw(&site, StatusCode::OK, "account/code.html", &shell::bare(&site, &headers, "/login"), &CodePage { next: safe_next(get(&pairs, "next")).to_owned(), error: None }),
        Ok(None) => Redirect::to("/login").into_response(),
        Err(error) => failed(&site, &shell::bare(&site, &headers, "/login"), &error, false),
    }
}

/// What wrong codes are counted for: whoever has the password, too, tries only so many.
async fn code_keys(site: &Site, step: &str, origin: &accounts::Origin, browser: Option<&str>) -> Result<Vec<Key>, AppError> {
    let Some(user) = signing::under_way(&site.app, step, Utc::now()).await? else { return Ok(Vec::new()) };
    if let Some(browser) = browser
        && signing::knows_browser(&site.app, browser, &accounts::login_of(&site.app, user).await?, Utc::now()).await? {
            return Ok(vec![Key::Code(accounts::session_id(browser))]);
        }
    Ok(std::iter::once(Key::Code(user.to_string())).chain(Key::address(origin.address.as_deref())).collect())
}

/// `POST /login/code`
pub async fn code(State(site): State<Site>, From(origin): From, headers: HeaderMap, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let bare = shell::bare(&site, &headers, "/login");
    let (next, browser) = (safe_next(get(&fields, "next")), Cookie::Browser.of(&site, &headers));
    let Some(step) = Cookie::Step.of(&site, &headers) else { return Redirect::to("/login").into_response() };
    let refused = |status: StatusCode, words: String| draw(&site, status, "account/code.html", &bare, &CodePage { next: next.to_owned(), error: Some(words) });
    let keys = match code_keys(&site, step, &origin, browser).await {
        Ok(keys) => keys,
        Err(error) => return failed(&site, &bare, &error, false),
    };
    if let Err(error) = site.throttle.check(&keys) {
        return too_many(refused(StatusCode::TOO_MANY_REQUESTS, crate::phrases::told(&error.to_string(), &bare.lang)), &error);
    }
    match signing::end_step(&site.app, step, get(&fields, "code"), &origin, browser, Utc::now()).await {
        Ok(Coded::Open(opened)) => {
            site.throttle.succeeded(&keys);
            let mut response = signed_in(&site, &opened, next);
            Cookie::Step.take(&site, &mut response);
            response
        }
        Ok(Coded::Wrong) => {
            site.throttle.failed(&keys);
            refused(StatusCode::UNPROCESSABLE_ENTITY, site.templates.texts(&bare.lang).get("second.wrong", &[]))
        }
        Ok(Coded::Gone) => Redirect::to("/login?notice=again").into_response(),
        Err(error) => failed(&site, &bare, &error, false),
    }
}

/// `POST /logout`
pub async fn sign_out(State(site): State<Site>, From(origin): From, headers: HeaderMap) -> Response {
    if let Some(token) = extract::session_of(&site, &headers)
        && let Err(error) = accounts::sign_out(&site.app, token, &origin).await {
            return failed(&site, &shell::bare(&site, &headers, "/login"), &error, false);
        }
    let mut response = Redirect::to("/login").into_response();
    Cookie::Session.take(&site, &mut response);
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
    let bare = shell::bare(&site, &headers, "/login");
    match link_page(&site, &token).await {
        Ok(page) => draw(&site, StatusCode::OK, "account/password.html", &bare, &page),
        Err(error) => failed(&site, &bare, &error, false),
    }
}

async fn link_page(site: &Site, token: &str) -> Result<PasswordPage, AppError> {
    let found = links::look(&site.app, token, Utc::now()).await?;
    let min_length = u32::try_from(*passwords::LENGTH.start()).unwrap_or_default();
    let provider = found.as_ref().filter(|(_, kind)| *kind == links::Kind::Invite).and_then(|_| provider_name(site));
    let (name, login) = found.as_ref().map(|(user, _)| (user.name.clone(), user.login.clone())).unwrap_or_default();
    Ok(PasswordPage { name, login, action: format!("/login/link/{token}"), token: token.to_owned(), min_length, expired: found.is_none(), forgotten_url: forgotten_url(site), provider, error: None })
}

/// `POST /login/link/{token}`
pub async fn use_link(State(site): State<Site>, UrlPath(token): UrlPath<String>, From(origin): From, headers: HeaderMap, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let (password, again) = (get(&fields, "password"), get(&fields, "again"));
    let bare = shell::bare(&site, &headers, "/login");
    let page = match link_page(&site, &token).await {
        Ok(page) => page,
        Err(error) => return failed(&site, &bare, &error, false),
    };
    let refused = |page: PasswordPage| draw(&site, StatusCode::UNPROCESSABLE_ENTITY, "account/password.html", &bare, &page);
    if password != again && !page.expired {
        return refused(PasswordPage { error: Some(site.templates.texts(&bare.lang).get("password.differ", &[])), ..page });
    }
    match accounts::use_link(&site.app, &token, password, &origin, Utc::now()).await {
        Ok(()) => Redirect::to("/login?notice=password").into_response(),
        Err(AppError::Malformed { code, detail }) => refused(PasswordPage { expired: code == "bad_link", error: Some(crate::phrases::told(&detail, &bare.lang)), ..page }),
        Err(error) => failed(&site, &bare, &error, false),
    }
}
