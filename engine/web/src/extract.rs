//! What handlers are given: who asks, and bodies with clear errors.

use std::sync::Arc;

use access::Actor;
use app::{AppError, Snapshot, accounts::Credential, remembered};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Multipart, Request},
    http::{HeaderMap, header, request::Parts as Head},
    response::Response,
};
use chrono::Utc;
use form::Locale;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::{Site, pages::portal, problem::Problem};

pub use crate::visit::{Cookie, session_of};

/// The language of people who are not signed in yet.
pub const LANGUAGE: &str = "cardstock_lang";
/// The theme.
pub const THEME: &str = "cardstock_theme";

/// Whose pages an administrator looks at.
pub const VIEW_AS: &str = "cardstock_view_as";

/// Deepest JSON that is read.
const MAX_DEPTH: usize = 64;

/// Who asks, with the definitions as they are during this request.
pub struct Asker {
    /// Who.
    pub actor: Actor,
    /// The definitions.
    pub snapshot: Arc<Snapshot>,
    /// How values are shown.
    pub locale: Locale,
}

impl Asker {
    /// The same, who was found to be as remembered by what was done already.
    pub fn confirmed(&self) -> Self {
        Self { actor: self.actor.again(self.actor.now, None), snapshot: self.snapshot.clone(), locale: self.locale.clone() }
    }

    /// An error in the asker's language.
    pub fn problem(&self, error: AppError) -> Problem {
        Problem { error, lang: self.actor.lang.clone() }
    }
}

/// A cookie's value.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// One of the three languages: the cookie's, else what the browser prefers, else English.
pub fn language(headers: &HeaderMap) -> String {
    let chosen = cookie(headers, LANGUAGE).filter(|lang| ["en", "zh-Hans", "zh-Hant"].contains(lang));
    if let Some(lang) = chosen {
        return lang.to_owned();
    }
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_lowercase();
    let first = accepted.split([',', ';']).find(|tag| tag.starts_with("zh") || tag.starts_with("en")).unwrap_or("en");
    match first {
        tag if tag.starts_with("zh-tw") || tag.starts_with("zh-hk") || tag.starts_with("zh-hant") => "zh-Hant".into(),
        tag if tag.starts_with("zh") => "zh-Hans".into(),
        _ => "en".into(),
    }
}

/// Who asks, or that nobody does.
pub async fn asker(site: &Site, headers: &HeaderMap) -> Result<Asker, AppError> {
    let credential = credential(site, headers).ok_or(AppError::Unauthenticated)?;
    let actor = remembered::authenticate(&site.app, &credential, Utc::now()).await?;
    Ok(asking(site, actor))
}

/// Who asks, perhaps only as remembered: for use cases that read a page of a list, or a record, or save one, before
/// anything else, and find out by the very statement or transaction they need whether somebody still is who they were.
pub struct Caller {
    first: Arc<Asker>,
    headers: HeaderMap,
    /// Whether people from outside reach what is asked for.
    open: bool,
}

impl FromRequestParts<Site> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Head, site: &Site) -> Result<Self, Problem> {
        let open = portal::is_open(parts);
        // Nobody is turned away by what is only presumed.
        let presumed = match cookie(&parts.headers, VIEW_AS) {
            Some(_) => None,
            None => credential(site, &parts.headers).and_then(|credential| remembered::presumed(&site.app, &credential, Utc::now())),
        };
        let first = match presumed.filter(|actor| portal::admit(&site.app.snapshot(), actor, open).is_ok()) {
            Some(actor) => asking(site, actor),
            None => Asker::from_request_parts(parts, site).await?,
        };
        Ok(Self { first: Arc::new(first), headers: parts.headers.clone(), open })
    }
}

impl Caller {
    /// Answers; again, for who they are now, if `answer` finds that they are not who they were remembered to be
    /// ([`AppError::Outdated`]), or refuses by what no longer holds.
    pub async fn answer<'a>(self, site: &Site, answer: impl Fn(Arc<Asker>) -> BoxFuture<'a, Result<Response, AppError>>) -> Result<Response, Problem> {
        let refused = match answer(self.first.clone()).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let outdated = matches!(refused, AppError::Outdated) && self.first.actor.known_at.is_some();
        if !outdated && remembered::confirm(&site.app, &self.first.actor).await? {
            return Err(self.first.problem(refused));
        }
        let asker = asker(site, &self.headers).await.map_err(|error| Problem { error, lang: language(&self.headers) })?;
        portal::admit(&asker.snapshot, &asker.actor, self.open).map_err(|error| asker.problem(error))?;
        let asker = Arc::new(asker);
        answer(asker.clone()).await.map_err(|error| asker.problem(error))
    }
}

/// Who asks; for an administrator who looks at the site as somebody else, that other, who changes nothing.
pub async fn looking(site: &Site, parts: &Head) -> Result<Asker, AppError> {
    let own = asker(site, &parts.headers).await?;
    portal::admit(&own.snapshot, &own.actor, portal::is_open(parts))?;
    let Some(user) = cookie(&parts.headers, VIEW_AS).and_then(|id| uuid::Uuid::try_parse(id).ok()).filter(|_| own.actor.is_administrator() && !parts.headers.contains_key(header::AUTHORIZATION)) else { return Ok(own) };
    let path = parts.uri.path();
    let changes = !parts.method.is_safe() || path.ends_with("/export");
    let ends = ["/view-as/end", "/logout"].contains(&path);
    if changes && !ends {
        return Err(AppError::forbidden("you look at the site as somebody else; nothing is changed or taken out that way"));
    }
    match app::accounts::actor_of(&site.app, &own.snapshot, user, own.actor.now).await {
        Ok(mut actor) => {
            // Of somebody from outside, what they would see.
            portal::admit(&own.snapshot, &actor, ends || portal::is_open(parts))?;
            actor.viewed_by = own.actor.user;
            // In the administrator's language: it is the administrator who reads.
            actor.lang.clone_from(&own.actor.lang);
            Ok(asking(site, actor))
        }
        Err(AppError::Unauthenticated) => Ok(own),
        Err(error) => Err(error),
    }
}

/// By what a request says who asks.
pub fn credential<'h>(site: &Site, headers: &'h HeaderMap) -> Option<Credential<'h>> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    match (bearer, session_of(site, headers)) {
        (Some(token), _) => Some(Credential::Token(token.trim())),
        (None, Some(token)) => Some(Credential::Session(token)),
        (None, None) => None,
    }
}

fn asking(site: &Site, actor: Actor) -> Asker {
    let habit = |name: &str| actor.preferences.get(name).map(String::as_str);
    let locale = Locale::of(&actor.lang, actor.zone).with_habits(habit("date"), habit("number")).with_currency(&site.app.settings().currency);
    Asker { actor, snapshot: site.app.snapshot(), locale }
}

impl FromRequestParts<Site> for Asker {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Head, site: &Site) -> Result<Self, Problem> {
        looking(site, parts).await.map_err(|error| Problem { error, lang: language(&parts.headers) })
    }
}

/// A JSON body: the right type, not too large, not too deep.
pub struct Body(pub Json);

impl FromRequest<Site> for Body {
    type Rejection = Problem;
    async fn from_request(request: Request, site: &Site) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        match read_json(request, site).await {
            Ok(json) => Ok(Self(json)),
            Err(error) => Err(refused(site, &headers, error).await),
        }
    }
}

/// A form of a page.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Site> for Form<T> {
    type Rejection = Response;
    async fn from_request(request: Request, site: &Site) -> Result<Self, Response> {
        let headers = request.headers().clone();
        let rejection = match axum::Form::<T>::from_request(request, site).await {
            Ok(axum::Form(fields)) => return Ok(Self(fields)),
            Err(rejection) => rejection,
        };
        let error = match rejection.status().as_u16() {
            413 => AppError::TooLarge { detail: format!("a body has at most {} bytes", crate::MAX_BODY) },
            415 => unsupported("a form", "application/x-www-form-urlencoded"),
            _ => AppError::malformed("bad_body", rejection.body_text()),
        };
        Err(crate::pages::refused(site, &headers, &error))
    }
}

/// Files, and fields beside them.
pub struct Parts(pub Multipart);

impl FromRequest<Site> for Parts {
    type Rejection = Problem;
    async fn from_request(request: Request, site: &Site) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        match multipart(request, site).await {
            Ok(parts) => Ok(Self(parts)),
            Err(error) => Err(refused(site, &headers, error).await),
        }
    }
}

/// The parts of a body of several, or that it is none.
pub async fn multipart(request: Request, site: &Site) -> Result<Multipart, AppError> {
    const KIND: &str = "multipart/form-data";
    let is_one = content_type(request.headers()).starts_with(KIND);
    if !is_one {
        return Err(unsupported("files", KIND));
    }
    Multipart::from_request(request, site).await.map_err(|rejection| AppError::malformed("bad_upload", rejection.body_text()))
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn unsupported(what: &str, kind: &str) -> AppError {
    AppError::UnsupportedType { detail: format!("send {what} with Content-Type: {kind}") }
}

/// A body that was refused, told in the language of whoever sent it.
async fn refused(site: &Site, headers: &HeaderMap, error: AppError) -> Problem {
    let lang = asker(site, headers).await.map_or_else(|_| language(headers), |asker| asker.actor.lang);
    Problem { error, lang }
}

async fn read_json(request: Request, site: &Site) -> Result<Json, AppError> {
    const KIND: &str = "application/json";
    if !content_type(request.headers()).starts_with(KIND) {
        return Err(unsupported("JSON", KIND));
    }
    let bytes = Bytes::from_request(request, site).await.map_err(|rejection| match rejection.status().as_u16() {
        413 => AppError::TooLarge { detail: format!("a body has at most {} bytes", crate::MAX_BODY) },
        _ => AppError::malformed("bad_body", rejection.body_text()),
    })?;
    if depth(&bytes) > MAX_DEPTH {
        return Err(AppError::malformed("too_deep", format!("the JSON is nested deeper than {MAX_DEPTH} levels")));
    }
    serde_json::from_slice(&bytes).map_err(|error| AppError::malformed("bad_json", format!("the body is not JSON: {error}")))
}

/// Nesting of brackets outside of texts; counted before parsing, so that nothing recurses on what a client sent.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
