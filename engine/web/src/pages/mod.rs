//! Pages and their fragments: the same use cases as the API, drawn for people.
//!
//! **Invariants**
//! - Handlers fill the structs of `view`; templates only place what stands there.
//! - Every fragment also answers without htmx; nothing is decided here that the API would decide otherwise.

pub mod approvals;
pub mod batches;
pub mod builder;
pub mod bulk;
mod cells;
pub mod docs;
pub mod duplicates;
pub mod favourites;
mod fields;
pub mod filter;
pub mod health;
pub mod imports;
pub mod jobs;
pub mod list;
pub mod me;
pub mod merge;
pub mod notices;
pub mod palette;
pub mod portal;
pub mod provider;
pub mod panels;
pub mod record;
pub mod rights;
pub mod search;
pub mod session;
pub mod share;
mod shell;
pub mod studio;
pub mod trash;
pub mod views;
mod words;

use app::AppError;
use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Serialize;

use crate::{
    Site,
    extract::{self, Asker},
    problem,
    view::{ErrorKind, ErrorPage, Shell},
};

/// A person reading pages: signed in, at an address.
pub struct Reader {
    /// Who, and the definitions.
    pub asker: Asker,
    /// The session this request came with, by its id.
    pub session: Option<String>,
    /// What every change of this session carries.
    pub csrf: String,
    /// Where the request comes from.
    pub origin: app::accounts::Origin,
    /// The theme's cookie.
    pub theme: String,
    /// Path and query of this page, or of the page a fragment belongs to.
    pub here: String,
    /// Asked for by htmx.
    pub fragment: bool,
    /// The folders of records this reader may look into; of fragments only those that show or ask for them.
    pub folders: Vec<app::folders::Folder>,
    /// How many applications wait for this reader; none where no card has any, and of fragments.
    pub waiting: Option<i64>,
    /// How many notices are new; asked for whole pages only.
    pub unread: i64,
    /// Lists this reader keeps in sight; asked for whole pages only.
    pub pins: Vec<(std::sync::Arc<model::Card>, app::views::Listed)>,
}

impl FromRequestParts<Site> for Reader {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        let fragment = parts.headers.contains_key("hx-request");
        let here = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let theme = extract::cookie(&parts.headers, extract::THEME).unwrap_or("system").to_owned();
        match extract::looking(site, parts).await {
            Ok(asker) => {
                let session = extract::session_of(site, &parts.headers).map(app::accounts::session_id);
                let (csrf, origin) = (crate::visit::csrf_of(site, &parts.headers), crate::visit::origin(site, &parts.headers, &parts.extensions));
                let shown = !fragment || ["/query", "/filter", "/fav"].iter().any(|part| parts.uri.path().contains(part));
                let around = async {
                    let folders = if shown { app::folders::all(&site.app, &asker.actor).await? } else { Vec::new() };
                    let unread = if fragment { 0 } else { app::notify::unread(&site.app, &asker.actor).await? };
                    let pins = if fragment { Vec::new() } else { app::views::pinned(&site.app, &asker.snapshot, &asker.actor).await? };
                    let applies = !fragment && asker.snapshot.catalog.cards.values().any(|card| app::flows::asks_others(card));
                    let waiting = if applies { Some(app::flows::approvals::count_waiting(&site.app, &asker.actor).await?) } else { None };
                    Ok((folders, unread, pins, waiting))
                };
                match around.await {
                    Ok((folders, unread, pins, waiting)) => Ok(Self { asker, session, csrf, origin, theme, here, fragment, folders, unread, pins, waiting }),
                    Err(error) => Err(failed(site, &shell::bare(site, &parts.headers, &here), &error, fragment)),
                }
            }
            Err(AppError::Unauthenticated) => Err(to_sign_in(&parts.uri, fragment)),
            Err(error) => Err(failed(site, &shell::bare(site, &parts.headers, &here), &error, fragment)),
        }
    }
}

/// Nobody is signed in: to the sign-in page, and back here afterwards.
fn to_sign_in(uri: &Uri, fragment: bool) -> Response {
    let here = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    if fragment {
        return problem::Problem::from(AppError::Unauthenticated).into_response();
    }
    let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
    Redirect::to(&format!("/login?next={next}")).into_response()
}

/// Draws a page or a fragment.
pub fn draw(site: &Site, status: StatusCode, name: &str, shell: &Shell, page: &impl Serialize) -> Response {
    match site.templates.render(name, shell, page) {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, cause = ?std::error::Error::source(&error), "a page could not be drawn");
            (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be drawn. It has been recorded.\n").into_response()
        }
    }
}

/// Draws an error in the place of what was asked for.
pub fn failed(site: &Site, shell: &Shell, error: &AppError, fragment: bool) -> Response {
    if fragment {
        // Scripts show the detail as a toast, and keep the page as it is.
        return problem::Problem { error: error.again(), lang: shell.lang.clone() }.into_response();
    }
    let status = problem::status(error);
    let kind = match error {
        AppError::Unauthenticated => ErrorKind::SignIn,
        AppError::Forbidden { .. } | AppError::ConfirmFirst => ErrorKind::Forbidden,
        AppError::NotFound { .. } => ErrorKind::Missing,
        AppError::Conflict { .. } | AppError::Stale(_) => ErrorKind::Conflict,
        AppError::TooLarge { .. } => ErrorKind::TooLarge,
        AppError::TooMany { .. } => ErrorKind::TooMany,
        AppError::Unavailable { .. } | AppError::Outdated => ErrorKind::Busy,
        AppError::Internal(_) => ErrorKind::Broken,
        AppError::Malformed { .. } | AppError::UnsupportedType { .. } | AppError::Rejected(_) => ErrorKind::Bad,
    };
    let said = problem::document(error, &shell.lang);
    let detail = match error {
        AppError::NotFound { .. } | AppError::Internal(_) | AppError::Unauthenticated => None,
        _ => said.get("detail").and_then(serde_json::Value::as_str).map(str::to_owned),
    };
    let page = ErrorPage { kind, status: status.as_u16(), detail, request_id: None, back_url: "/".into(), retry_url: None };
    draw(site, status, "errors/page.html", shell, &page)
}

/// A form that was refused before anybody read who sent it.
pub fn refused(site: &Site, headers: &HeaderMap, error: &AppError) -> Response {
    failed(site, &shell::bare(site, headers, "/"), error, headers.contains_key("hx-request"))
}

impl Reader {
    /// Draws a page inside the shell.
    pub fn draw(&self, site: &Site, name: &str, card: Option<&str>, page: &impl Serialize) -> Response {
        draw(site, StatusCode::OK, name, &shell::of(site, self, card), page)
    }

    /// Draws an error for this reader.
    pub fn failed(&self, site: &Site, error: &AppError) -> Response {
        failed(site, &shell::of(site, self, None), error, self.fragment)
    }

    /// A card on which this reader has a right: who has none learns nothing from what else is wrong with a request.
    pub fn card(&self, key: &str) -> Result<std::sync::Arc<model::Card>, AppError> {
        app::lists::may_see(&self.asker.snapshot, &self.asker.actor, key)?;
        Ok(self.asker.snapshot.card(key)?.clone())
    }

    /// Whether this reader may see what a path leads to, in some record.
    pub fn may_show(&self, path: &model::Path) -> bool {
        access::tables(&self.asker.snapshot.catalog, &self.asker.actor, &[], std::slice::from_ref(path)).is_ok()
    }

    /// What a page shows has been seen: notices about it are no news any more.
    pub async fn has_seen(&mut self, site: &Site, subject: uuid::Uuid) -> Result<(), AppError> {
        if self.unread > 0 {
            app::notify::see(&site.app, &self.asker.actor, &app::notify::Which::About(subject)).await?;
            self.unread = app::notify::unread(&site.app, &self.asker.actor).await?;
        }
        Ok(())
    }

    /// A text of the interface.
    pub fn t(&self, site: &Site, key: &str, args: &[(&str, &str)]) -> String {
        site.templates.texts(&self.asker.actor.lang).get(key, args)
    }
}

/// `GET /`: the first list the reader may see.
pub async fn home(State(site): State<Site>, reader: Reader) -> Response {
    if access::is_outsider(&reader.asker.snapshot.catalog, &reader.asker.actor) {
        return portal::page(&site, &reader).await;
    }
    let shell = shell::of(&site, &reader, None);
    if shell.home_url == "/" {
        return reader.failed(&site, &AppError::forbidden(reader.t(&site, "error.forbidden_hint", &[])));
    }
    Redirect::to(&shell.home_url).into_response()
}

/// Whatever has no page.
pub async fn not_found(State(site): State<Site>, reader: Reader) -> Response {
    reader.failed(&site, &AppError::not_found("page"))
}

/// `key=value&…` of pairs, leaving out empty values.
pub fn query_of(pairs: &[(&str, &str)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        text.append_pair(key, value);
    }
    text.finish()
}

/// A parameter, or a field of a form, as it was sent; empty where it was not.
pub(crate) fn get<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

/// The same without the space around it.
pub(crate) fn trimmed<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    get(pairs, name).trim()
}

/// A path with a query, if there is one.
pub fn url(path: &str, pairs: &[(&str, &str)]) -> String {
    let query = query_of(pairs);
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// A cookie for a year.
pub fn keep(name: &str, value: &str, secure: bool) -> HeaderValue {
    let flag = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly{flag}")).unwrap_or(HeaderValue::from_static(""))
}

/// Where to go back to: only a path of this site.
pub fn safe_next(next: &str) -> &str {
    if next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.contains(char::is_control) { next } else { "/" }
}
