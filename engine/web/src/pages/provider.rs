//! Signing in at another provider: there and back.

use app::{AppError, accounts::provider::{self, Back, Purpose}};
use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use chrono::Utc;

use super::{Reader, draw, failed, safe_next, session, shell};
use crate::{
    Site, extract::{self, Cookie, Form},
    view::AwayPage,
    sure::Sure,
    visit::From,
};
use crate::pages::get;

/// Sends the browser away. By a page that goes on by itself: forms of this site may not lead to another, not even by a
/// redirect.
async fn away(site: &Site, headers: &HeaderMap, purpose: Purpose) -> Result<Response, AppError> {
    let provider = site.provider.as_ref().ok_or_else(|| AppError::not_found("page"))?;
    let (address, state) = provider::begin(&site.app, provider, purpose, Utc::now()).await?;
    let page = AwayPage { name: provider.name.clone(), address };
    let mut response = draw(site, StatusCode::OK, "account/away.html", &shell::bare(site, headers, "/login"), &page);
    Cookie::Provider.give(site, &mut response, &state);
    Ok(response)
}

/// `POST /login/provider`: to sign in, or, with the token of a link, to take an invitation up.
pub async fn begin(State(site): State<Site>, headers: HeaderMap, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let purpose = match get(&fields, "link") {
        "" => Purpose::SignIn(safe_next(get(&fields, "next")).to_owned()),
        link => Purpose::Accept(link.to_owned()),
    };
    away(&site, &headers, purpose).await.unwrap_or_else(|error| failed(&site, &shell::bare(&site, &headers, "/login"), &error, false))
}

/// `POST /me/provider`: to tie it to one's own account; with `confirm`, to show again who one is.
pub async fn tie(State(site): State<Site>, reader: Reader, headers: HeaderMap, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let answer = async {
        let user = reader.asker.actor.user.ok_or(AppError::Unauthenticated)?;
        let session = reader.session.clone().ok_or(AppError::Unauthenticated)?;
        if get(&fields, "confirm") == "true" {
            return away(&site, &headers, Purpose::Confirm(user, session, safe_next(get(&fields, "next")).to_owned())).await;
        }
        let credential = extract::credential(&site, &headers).ok_or(AppError::Unauthenticated)?;
        app::accounts::confirm::require(&site.app, &credential, &reader.asker.actor, reader.origin.clone()).await?;
        away(&site, &headers, Purpose::Tie(user)).await
    };
    match answer.await {
        Err(AppError::ConfirmFirst) => Redirect::to("/me/confirm?next=/me").into_response(),
        answer => answer.unwrap_or_else(|error| reader.failed(&site, &error)),
    }
}

/// `POST /me/provider/untie`
pub async fn untie(State(site): State<Site>, sure: Sure) -> Response {
    match provider::untie(&site.app, &sure.by).await {
        Ok(()) => Redirect::to("/me?saved=1#me-provider").into_response(),
        Err(error) => sure.reader.failed(&site, &error),
    }
}

/// `GET /login/provider/back`
pub async fn back(State(site): State<Site>, From(origin): From, headers: HeaderMap, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    let answer = async {
        let provider = site.provider.as_ref().ok_or_else(|| AppError::not_found("page"))?;
        let kept = Cookie::Provider.of(&site, &headers).unwrap_or_default();
        let said = (get(&pairs, "state"), get(&pairs, "code"));
        provider::end(&site.app, provider, said, kept, extract::session_of(&site, &headers), &origin, Cookie::Browser.of(&site, &headers), Utc::now()).await
    };
    let mut response = match answer.await {
        Ok(Back::Open(opened, next)) => session::signed_in(&site, &opened, &next),
        Ok(Back::Tied) => Redirect::to("/me?saved=1#me-provider").into_response(),
        Ok(Back::Confirmed(next)) => Redirect::to(safe_next(&next)).into_response(),
        Ok(Back::Unknown) => Redirect::to("/login?notice=unknown").into_response(),
        Ok(Back::Failed) => Redirect::to("/login?notice=provider").into_response(),
        Err(error) => failed(&site, &shell::bare(&site, &headers, "/login"), &error, false),
    };
    Cookie::Provider.take(&site, &mut response);
    response
}
