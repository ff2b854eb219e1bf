//! One's own second factor: set up with a picture, recovery codes shown once, turned off.

use app::{AppError, accounts::second};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

use super::{get, me};
use crate::{
    Site,
    pages::{Reader, draw, shell},
    view::SecondPage,
    sure::Sure,
};

/// In groups of four, as people read and type them.
fn grouped(secret: &str) -> String {
    let signs: Vec<char> = secret.chars().collect();
    signs.chunks(4).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

async fn build(site: &Site, sure: &Sure) -> Result<SecondPage, AppError> {
    let user = me(&sure.reader)?;
    if second::is_on(&site.app, user).await? {
        return Ok(SecondPage { on: true, left: second::codes_left(&site.app, user).await?, ..SecondPage::default() });
    }
    let setup = second::begin(&site.app, &sure.by, sure.reader.asker.actor.now).await?;
    Ok(SecondPage { secret: grouped(&setup.secret), picture: setup.picture, ..SecondPage::default() })
}

fn drawn(site: &Site, reader: &Reader, status: StatusCode, page: &SecondPage) -> Response {
    draw(site, status, "account/second.html", &shell::of(site, reader, None), page)
}

/// `GET /me/second`
pub async fn page(State(site): State<Site>, sure: Sure) -> Response {
    match build(&site, &sure).await {
        Ok(page) => drawn(&site, &sure.reader, StatusCode::OK, &page),
        Err(error) => sure.reader.failed(&site, &error),
    }
}

/// `POST /me/second`: turns it on with a code; the recovery codes are shown once.
pub async fn turn_on(State(site): State<Site>, sure: Sure) -> Response {
    match second::turn_on(&site.app, &sure.by, get(&sure.fields, "code"), sure.reader.asker.actor.now).await {
        Ok(codes) => shown(&site, &sure, codes),
        Err(AppError::Malformed { code: "wrong_code", .. }) => match build(&site, &sure).await {
            Ok(page) => {
                let error = Some(sure.reader.t(&site, "second.wrong", &[]));
                drawn(&site, &sure.reader, StatusCode::UNPROCESSABLE_ENTITY, &SecondPage { error, ..page })
            }
            Err(error) => sure.reader.failed(&site, &error),
        },
        Err(error) => sure.reader.failed(&site, &error),
    }
}

fn shown(site: &Site, sure: &Sure, codes: Vec<String>) -> Response {
    let left = i64::try_from(codes.len()).unwrap_or_default();
    drawn(site, &sure.reader, StatusCode::OK, &SecondPage { on: true, codes, left, ..SecondPage::default() })
}

/// `POST /me/second/codes`
pub async fn codes(State(site): State<Site>, sure: Sure) -> Response {
    match second::renew_codes(&site.app, &sure.by).await {
        Ok(codes) => shown(&site, &sure, codes),
        Err(error) => sure.reader.failed(&site, &error),
    }
}

/// `POST /me/second/off`
pub async fn turn_off(State(site): State<Site>, sure: Sure) -> Response {
    match second::turn_off(&site.app, &sure.by).await {
        Ok(()) => Redirect::to("/me?saved=1#me-second").into_response(),
        Err(error) => sure.reader.failed(&site, &error),
    }
}
