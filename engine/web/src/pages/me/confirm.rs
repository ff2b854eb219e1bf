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
    throttle::Key,
    view::ConfirmPage,
};

async fn page(site: &Site, reader: &Reader, next: &str) -> Result<ConfirmPage, AppError> {
    let user = me(reader)?;
    let needs = sudo::needs(&site.app, user).await?;
    Ok(ConfirmPage { login: accounts::login_of(&site.app, user).await?, next: safe_next(next).to_owned(), error: None, password: needs.password, code: needs.code, provider: session::provider_name(site) })
}

/// `GET /me/confirm?next=…`
pub async fn form(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    match page(&site, &reader, get(&pairs, "next")).await {
        Ok(page) => reader.draw(&site, "account/confirm.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /me/confirm`
pub async fn confirm(State(site): State<Site>, reader: Reader, headers: HeaderMap, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let next = safe_next(get(&fields, "next"));
    let answer = async {
        let session = extract::session_of(&site, &headers).ok_or(AppError::Unauthenticated)?;
        let keys = [Key::Confirm(me(&reader)?.to_string())];
        site.throttle.check(&keys)?;
        let right = sudo::again(&site.app, &reader.asker.actor, session, get(&fields, "password"), get(&fields, "code"), &reader.origin, Utc::now()).await?;
        if right { site.throttle.succeeded(&keys) } else { site.throttle.failed(&keys); }
        Ok::<bool, AppError>(right)
    };
    match answer.await {
        Ok(true) => Redirect::to(next).into_response(),
        Ok(false) => match page(&site, &reader, next).await {
            Ok(page) => {
                let error = Some(reader.t(&site, "confirm.wrong", &[]));
                draw(&site, StatusCode::UNPROCESSABLE_ENTITY, "account/confirm.html", &shell::of(&site, &reader, None), &ConfirmPage { error, ..page })
            }
            Err(error) => reader.failed(&site, &error),
        },
        Err(error) => reader.failed(&site, &error),
    }
}
