//! A person's own preferences, password, sessions and API tokens.

pub mod confirm;
pub mod second;

use app::{AppError, accounts::{self, provider, second as second_factor, signing::{self, TokenAsked}}, notify::Kind};
use axum::{
    extract::{Path as UrlPath, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use chrono_tz::TZ_VARIANTS;
use form::format::{self, DATES, NUMBERS};
use uuid::Uuid;

use super::{Reader, keep, session, words};
use crate::{
    Site, extract::{self, Form},
    templates::LANGUAGES,
    throttle::Key,
    view::{Choice, MePage, SessionRow, TokenRow},
    sure::Sure,
};
pub(super) use crate::pages::get;

const THEMES: [&str; 3] = ["system", "light", "dark"];
const DENSITIES: [&str; 3] = ["compact", "normal", "roomy"];
/// Where people live; the other names of the zone database are old or technical.
const AREAS: [&str; 9] = ["Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/"];

fn choice(value: &str, text: impl Into<String>, selected: bool) -> Choice {
    Choice { value: value.into(), text: text.into(), selected }
}

pub(super) fn me(reader: &Reader) -> Result<Uuid, AppError> {
    reader.asker.actor.user.ok_or(AppError::Unauthenticated)
}

async fn build(site: &Site, reader: &Reader) -> Result<MePage, AppError> {
    let user = me(reader)?;
    let actor = &reader.asker.actor;
    let chosen = |name: &str| actor.preferences.get(name).map(String::as_str).unwrap_or_default();
    let named = |prefix: &str, names: &[&str], current: &str| names.iter().map(|name| choice(name, reader.t(site, &format!("{prefix}.{name}"), &[]), *name == current)).collect();
    let density = Some(chosen("density")).filter(|name| !name.is_empty()).unwrap_or("normal");
    let (sessions, tokens) = (sessions(site, reader, Some(user)).await?, tokens(site, reader, Some(user)).await?);
    let (second, codes) = (second_factor::is_on(&site.app, user).await?, second_factor::codes_left(&site.app, user).await?);
    let tied = provider::identities(&site.app, user).await?.into_iter().next().map(|(_, name)| name);
    Ok(MePage {
        name: actor.name.clone(),
        login: accounts::login_of(&site.app, user).await?,
        languages: LANGUAGES.iter().map(|(code, name)| choice(code, *name, *code == actor.lang)).collect(),
        themes: named("theme", &THEMES, &reader.theme),
        densities: named("me.density", &DENSITIES, density),
        zones: zones(actor.zone),
        dates: dates(site, reader, chosen("date")),
        numbers: numbers(site, reader, chosen("number")),
        shortcuts: chosen("shortcuts") != "false",
        notices: Kind::ALL.map(|kind| choice(&kind.preference(), reader.t(site, &format!("me.notify_{}", kind.word()), &[]), chosen(&kind.preference()) != "false")).into(),
        sessions,
        tokens,
        second,
        codes,
        provider: session::provider_name(site),
        tied,
        ..MePage::default()
    })
}

fn zones(current: chrono_tz::Tz) -> Vec<Choice> {
    let shown = |zone: &&chrono_tz::Tz| **zone == current || zone.name() == "UTC" || AREAS.iter().any(|area| zone.name().starts_with(area));
    TZ_VARIANTS.iter().filter(shown).map(|zone| choice(zone.name(), zone.name().replace('_', " "), *zone == current)).collect()
}

/// Each way is shown by today's date; the first is the language's own.
fn dates(site: &Site, reader: &Reader, current: &str) -> Vec<Choice> {
    let today = reader.asker.actor.today();
    let example = |name: &str| format::date_text(today, &form::Locale::of(&reader.asker.actor.lang, reader.asker.actor.zone).with_habits(Some(name), None));
    let usual = choice("", reader.t(site, "me.usual", &[("example", &example(""))]), current.is_empty());
    std::iter::once(usual).chain(DATES.iter().map(|(name, _)| choice(name, example(name), *name == current))).collect()
}

fn numbers(site: &Site, reader: &Reader, current: &str) -> Vec<Choice> {
    let example = |name: &str| format::number_text(rust_decimal::Decimal::new(123_456_789, 2), 2, &form::Locale::of(&reader.asker.actor.lang, reader.asker.actor.zone).with_habits(None, Some(name)));
    let usual = choice("", reader.t(site, "me.usual", &[("example", &example(""))]), current.is_empty());
    std::iter::once(usual).chain(NUMBERS.iter().map(|(name, _, _)| choice(name, example(name), *name == current))).collect()
}

/// Sessions as people read them; `everybody` says whose each is.
pub(super) async fn sessions(site: &Site, reader: &Reader, user: Option<Uuid>) -> Result<Vec<SessionRow>, AppError> {
    let actor = &reader.asker.actor;
    let row = |session: signing::Session| {
        let current = reader.session.as_ref() == Some(&session.id);
        let seen = if current { reader.t(site, "me.now", &[]) } else { words::ago(session.seen, actor.now, &actor.lang) };
        let seen = session.address.as_ref().map_or(seen.clone(), |address| format!("{seen} · {address}"));
        let (who, who_url) = if user.is_none() { (session.user.1, format!("/studio/users/{}", session.user.0)) } else { Default::default() };
        SessionRow { device: device(&session.agent).unwrap_or_else(|| reader.t(site, "me.some_device", &[])), seen, current, id: session.id, who, who_url }
    };
    Ok(signing::sessions(&site.app, user, actor.now).await?.into_iter().map(row).collect())
}

/// API tokens as people read them.
pub(super) async fn tokens(site: &Site, reader: &Reader, user: Option<Uuid>) -> Result<Vec<TokenRow>, AppError> {
    let actor = &reader.asker.actor;
    let day = |at: chrono::DateTime<chrono::Utc>| format::date_text(at.with_timezone(&actor.zone).date_naive(), &reader.asker.locale);
    let row = |token: signing::Token| {
        let (who, who_url) = if user.is_none() { (token.user.1, format!("/studio/users/{}", token.user.0)) } else { Default::default() };
        TokenRow {
            id: token.id.to_string(),
            label: token.name,
            made: reader.t(site, "me.token_since", &[("when", &day(token.made))]),
            ends: token.ends.map(|at| reader.t(site, "me.token_until", &[("when", &day(at))])),
            used: token.seen.map(|at| reader.t(site, "me.token_used", &[("when", &words::ago(at, actor.now, &actor.lang))])),
            administers: token.administers,
            who,
            who_url,
        }
    };
    Ok(signing::tokens(&site.app, user).await?.into_iter().map(row).collect())
}

/// Browser and system, out of what the browser says about itself.
pub(super) fn device(agent: &str) -> Option<String> {
    let first = |pairs: &[(&str, &str)]| pairs.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| (*name).to_owned());
    // The order matters: most browsers also name those they want to be taken for.
    let browser = first(&[("Edg/", "Edge"), ("OPR/", "Opera"), ("MicroMessenger/", "WeChat"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl")]);
    let system = first(&[("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")]);
    match (browser, system) {
        (Some(browser), Some(system)) => Some(format!("{browser} · {system}")),
        (browser, system) => browser.or(system),
    }
}

/// The page, with what this request adds to it.
async fn show(site: &Site, reader: &Reader, status: StatusCode, add: impl FnOnce(MePage) -> MePage) -> Response {
    match build(site, reader).await {
        Ok(page) => {
            let mut response = reader.draw(site, "account/me.html", None, &add(page));
            *response.status_mut() = status;
            response
        }
        Err(error) => reader.failed(site, &error),
    }
}

/// `GET /me`
pub async fn page(State(site): State<Site>, Query(pairs): Query<Vec<(String, String)>>, reader: Reader) -> Response {
    let saved = !get(&pairs, "saved").is_empty();
    show(&site, &reader, StatusCode::OK, |page| MePage { saved, ..page }).await
}

/// `POST /me`
pub async fn save(State(site): State<Site>, reader: Reader, Form(fields): Form<Vec<(String, String)>>) -> Response {
    if let Err(error) = keep_preferences(&site, &reader, &fields).await {
        return reader.failed(&site, &error);
    }
    let mut response = Redirect::to("/me?saved=1").into_response();
    let theme = get(&fields, "theme");
    if THEMES.contains(&theme) {
        response.headers_mut().append(header::SET_COOKIE, keep(extract::THEME, theme, site.secure));
    }
    let lang = get(&fields, "lang");
    if LANGUAGES.iter().any(|(code, _)| *code == lang) {
        response.headers_mut().append(header::SET_COOKIE, keep(extract::LANGUAGE, lang, site.secure));
    }
    response
}

/// Values that are on offer are kept; others are passed over.
async fn keep_preferences(site: &Site, reader: &Reader, fields: &[(String, String)]) -> Result<(), AppError> {
    let user = me(reader)?;
    let lang = get(fields, "lang");
    if LANGUAGES.iter().any(|(code, _)| *code == lang) {
        accounts::set_language(&site.app, user, lang).await?;
    }
    for (index, (name, value)) in fields.iter().enumerate() {
        // Of a switch and its hidden companion the last one counts.
        if fields[index + 1..].iter().any(|(later, _)| later == name) {
            continue;
        }
        let fits = match name.as_str() {
            "zone" => value.parse::<chrono_tz::Tz>().is_ok(),
            "density" => DENSITIES.contains(&value.as_str()),
            "date" => value.is_empty() || DATES.iter().any(|(known, _)| known == value),
            "number" => value.is_empty() || NUMBERS.iter().any(|(known, _, _)| known == value),
            "shortcuts" => matches!(value.as_str(), "true" | "false"),
            name if Kind::ALL.iter().any(|kind| kind.preference() == name) => matches!(value.as_str(), "true" | "false"),
            _ => false,
        };
        if fits && reader.asker.actor.preferences.get(name) != Some(value) {
            accounts::put_preference(&site.app, user, name, value).await?;
        }
    }
    Ok(())
}

/// `POST /me/password`
pub async fn password(State(site): State<Site>, Sure { reader, by, fields }: Sure) -> Response {
    let refused = |words: String| show(&site, &reader, StatusCode::UNPROCESSABLE_ENTITY, |page| MePage { password_error: Some(words), ..page });
    if get(&fields, "password") != get(&fields, "again") {
        return refused(reader.t(&site, "password.differ", &[])).await;
    }
    let keys = [Key::Confirm(me(&reader).map(|user| user.to_string()).unwrap_or_default())];
    if let Err(error) = site.throttle.check(&keys) {
        return reader.failed(&site, &error);
    }
    match accounts::change_password(&site.app, &reader.asker.actor, &by, get(&fields, crate::sure::PASSWORD), get(&fields, "password")).await {
        // Every session has ended, this one too.
        Ok(()) => Redirect::to("/login?notice=password").into_response(),
        Err(AppError::Malformed { code: "wrong_password", .. }) => {
            site.throttle.failed(&keys);
            refused(reader.t(&site, "password.wrong", &[])).await
        }
        Err(AppError::Malformed { code: "weak_password", .. }) => refused(reader.t(&site, "password.weak", &[])).await,
        Err(AppError::Malformed { detail, .. }) => refused(crate::phrases::told(&detail, &reader.asker.actor.lang)).await,
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /me/tokens`: the new token is shown once.
pub async fn token(State(site): State<Site>, Sure { reader, by, fields }: Sure) -> Response {
    let asked = TokenAsked { name: get(&fields, "label").to_owned(), days: get(&fields, "days").parse().ok(), administers: get(&fields, "administers") == "true" };
    match signing::own_token(&site.app, &by, &asked, reader.asker.actor.now).await {
        Ok(token) => show(&site, &reader, StatusCode::OK, |page| MePage { new_token: Some(token), ..page }).await,
        Err(AppError::Malformed { .. }) => {
            let words = reader.t(&site, "me.token_label_rule", &[]);
            show(&site, &reader, StatusCode::UNPROCESSABLE_ENTITY, |page| MePage { token_error: Some(words), ..page }).await
        }
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /me/tokens/{id}/revoke`
pub async fn revoke(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let answer = async {
        let id = Uuid::try_parse(&id).map_err(|_| AppError::not_found("token"))?;
        accounts::revoke_token(&site.app, me(&reader)?, id, &reader.origin).await
    };
    match answer.await {
        Ok(()) => Redirect::to("/me?saved=1#me-tokens").into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}

/// `POST /me/sessions/{id}/end`
pub async fn end_session(State(site): State<Site>, UrlPath(id): UrlPath<String>, reader: Reader) -> Response {
    let answer = async { accounts::end_session(&site.app, me(&reader)?, &id, &reader.origin).await };
    match answer.await {
        Ok(()) => Redirect::to("/me?saved=1#me-sessions").into_response(),
        Err(error) => reader.failed(&site, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart() {
        for (agent, expected) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", Some("Edge · Windows")),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", Some("Safari · iPhone")),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Some("Firefox · Linux")),
            ("something", None),
        ] {
            assert_eq!(device(agent).as_deref(), expected, "{agent}");
        }
    }
}
