//! A person's own preferences.

use app::{AppError, accounts};
use axum::{
    Form,
    extract::State,
    http::header,
    response::{IntoResponse, Redirect, Response},
};

use super::{Reader, keep};
use crate::{
    Site, extract,
    templates::LANGUAGES,
    view::{Choice, MePage},
};

const ZONES: [&str; 18] = [
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Asia/Kolkata", "Asia/Dubai", "Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Moscow",
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Sao_Paulo", "Australia/Sydney", "UTC",
];

fn get<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

async fn build(site: &Site, reader: &Reader) -> Result<MePage, AppError> {
    let user = reader.asker.actor.user.ok_or(AppError::Unauthenticated)?;
    let zone = accounts::preference(&site.app, user, "zone").await?.unwrap_or_else(|| "UTC".into());
    let choice = |value: &str, text: &str, selected: bool| Choice { value: value.into(), text: text.into(), selected };
    let themes = ["system", "light", "dark"].map(|name| choice(name, &reader.t(site, &format!("theme.{name}"), &[]), reader.theme == name));
    Ok(MePage {
        name: reader.asker.actor.name.clone(),
        login: accounts::login_of(&site.app, user).await?,
        languages: LANGUAGES.iter().map(|(code, name)| choice(code, name, *code == reader.asker.actor.lang)).collect(),
        themes: themes.to_vec(),
        zones: ZONES.iter().map(|name| choice(name, name, *name == zone)).collect(),
        shortcuts: true,
        ..MePage::default()
    })
}

/// `GET /me`
pub async fn page(State(site): State<Site>, reader: Reader) -> Response {
    match build(&site, &reader).await {
        Ok(page) => reader.draw(&site, "account/me.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /me`
pub async fn save(State(site): State<Site>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let answer = async {
        let user = reader.asker.actor.user.ok_or(AppError::Unauthenticated)?;
        let (language, zone) = (get(&fields, "language"), get(&fields, "zone"));
        if LANGUAGES.iter().any(|(code, _)| *code == language) {
            accounts::set_language(&site.app, user, language).await?;
        }
        if zone.parse::<chrono_tz::Tz>().is_ok() {
            accounts::put_preference(&site.app, user, "zone", zone).await?;
        }
        Ok::<_, AppError>(())
    };
    if let Err(error) = answer.await {
        return reader.failed(&site, &error);
    }
    let mut response = Redirect::to("/me").into_response();
    let theme = get(&fields, "theme");
    if ["system", "light", "dark"].contains(&theme) {
        response.headers_mut().append(header::SET_COOKIE, keep(extract::THEME, theme, site.secure));
    }
    response
}

/// `POST /me/password`
pub async fn password(State(site): State<Site>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    match accounts::change_password(&site.app, &reader.asker.actor, get(&fields, "current"), get(&fields, "password")).await {
        // Every session has ended, this one too.
        Ok(()) => Redirect::to("/login").into_response(),
        Err(AppError::Malformed { detail, .. }) => match build(&site, &reader).await {
            Ok(page) => reader.draw(&site, "account/me.html", None, &MePage { password_error: Some(detail), ..page }),
            Err(error) => reader.failed(&site, &error),
        },
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /me/tokens`: the new token is shown once.
pub async fn token(State(site): State<Site>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    let answer = async {
        let user = reader.asker.actor.user.ok_or(AppError::Unauthenticated)?;
        let token = accounts::create_token(&site.app, user, get(&fields, "label"), reader.asker.actor.now).await?;
        Ok::<_, AppError>(MePage { new_token: Some(token), ..build(&site, &reader).await? })
    };
    match answer.await {
        Ok(page) => reader.draw(&site, "account/me.html", None, &page),
        Err(error) => reader.failed(&site, &error),
    }
}
