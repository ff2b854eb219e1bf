//! Everybody's sessions and API tokens, for administrators.

use app::accounts::people;
use axum::extract::{Path as UrlPath, Query};
use uuid::Uuid;

use super::{users::get, *};
use crate::{pages::me, view::AccessPage, sure::Sure};

/// `GET /studio/sessions`
pub async fn page(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let answer = async {
        if !reader.asker.actor.is_administrator() {
            return Err(AppError::forbidden("only administrators look after accounts"));
        }
        Ok(AccessPage { sessions: me::sessions(&site, &reader, None).await?, tokens: me::tokens(&site, &reader, None).await?, saved: !get(&pairs, "saved").is_empty() })
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "studio/sessions.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// Back to where the button stood: the person's page, or everybody's.
fn back(fields: &[(String, String)]) -> Response {
    let to = match Uuid::try_parse(get(fields, "user")) {
        Ok(user) => format!("/studio/users/{user}?saved=1"),
        Err(_) => "/studio/sessions?saved=1".to_owned(),
    };
    Redirect::to(&to).into_response()
}

/// `POST /studio/sessions/{id}/end`
pub async fn end_session(State(site): State<Site>, UrlPath(id): UrlPath<String>, Sure { reader, by, fields }: Sure) -> Response {
    match people::end_session(&site.app, &by, &id).await {
        Ok(()) => back(&fields),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /studio/tokens/{id}/revoke`
pub async fn revoke(State(site): State<Site>, UrlPath(id): UrlPath<String>, Sure { reader, by, fields }: Sure) -> Response {
    let work = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("token"))?;
        people::revoke_token(&site.app, &by, id).await
    };
    match work.await {
        Ok(()) => back(&fields),
        Err(error) => reader.failed(&site, &error),
    }
}
