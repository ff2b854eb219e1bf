//! The password is asked for again, before something dangerous.

use app::{AppError, accounts::{self, confirm as sudo}};
use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use chrono::Utc;

use super::{get, me};
use crate::{
    Site, extract::{self, Form},
    pages::{Reader, draw, safe_next, session, shell},
    sure::{CODE, PASSWORD},
    throttle::Key,
    view::ConfirmPage,
};

type Pairs = Vec<(String, String)>;

async fn page(site: &Site, reader: &Reader, action: String, fields: Pairs, wrong: bool) -> Result<ConfirmPage, AppError> {
    let user = me(reader)?;
    let needs = sudo::needs(&site.app, user).await?;
    Ok(ConfirmPage {
        login: accounts::login_of(&site.app, user).await?,
        next: safe_next(get(&fields, "next")).to_owned(),
        kept: action != "/me/confirm",
        action,
        fields,
        error: wrong.then(|| reader.t(site, "confirm.wrong", &[])),
        password: needs.password,
        code: needs.code,
        provider: session::provider_name(site),
        done: false,
    })
}

/// Whether a form says all that is needed to show who one is.
pub async fn given(site: &Site, reader: &Reader, fields: &Pairs) -> Result<bool, AppError> {
    if get(fields, PASSWORD).is_empty() {
        return Ok(false);
    }
    Ok(!sudo::needs(&site.app, me(reader)?).await?.code || !get(fields, CODE).is_empty())
}

/// Whether what a form says is right; then the session is sure for a while.
pub async fn again(site: &Site, reader: &Reader, headers: &HeaderMap, fields: &Pairs) -> Result<bool, AppError> {
    let session = extract::session_of(site, headers).ok_or(AppError::Unauthenticated)?;
    let keys = [Key::Confirm(me(reader)?.to_string())];
    site.throttle.check(&keys)?;
    let right = sudo::again(&site.app, &reader.asker.actor, session, get(fields, PASSWORD), get(fields, CODE), &reader.origin, Utc::now()).await?;
    if right { site.throttle.succeeded(&keys) } else { site.throttle.failed(&keys); }
    Ok(right)
}

/// Asks, and keeps a form meanwhile that goes to `action` with the answer.
pub async fn asked(site: &Site, reader: &Reader, action: String, fields: Pairs, wrong: bool) -> Response {
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::FORBIDDEN };
    match page(site, reader, action, fields, wrong).await {
        Ok(page) => draw(site, status, "account/confirm.html", &shell::of(site, reader, None), &page),
        Err(error) => reader.failed(site, &error),
    }
}

fn onward(next: &str) -> (String, Pairs) {
    ("/me/confirm".to_owned(), vec![("next".to_owned(), safe_next(next).to_owned())])
}

/// `GET /me/confirm?next=…`; with `done`, what somebody reads who signed in again beside a form that waits.
pub async fn form(State(site): State<Site>, Query(pairs): Query<Pairs>, reader: Reader) -> Response {
    let (action, fields) = onward(get(&pairs, "next"));
    match page(&site, &reader, action, fields, false).await {
        Ok(page) => reader.draw(&site, "account/confirm.html", None, &ConfirmPage { done: !get(&pairs, "done").is_empty(), ..page }),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /me/confirm`
pub async fn confirm(State(site): State<Site>, reader: Reader, headers: HeaderMap, Form(fields): Form<Pairs>) -> Response {
    let next = get(&fields, "next");
    match again(&site, &reader, &headers, &fields).await {
        Ok(true) => Redirect::to(safe_next(next)).into_response(),
        Ok(false) => {
            let (action, kept) = onward(next);
            asked(&site, &reader, action, kept, true).await
        }
        Err(error) => reader.failed(&site, &error),
    }
}
