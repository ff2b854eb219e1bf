//! What a request tells about where it comes from: cookies, address, host; and who has just shown who they are.
//!
//! **Invariants**
//! - Cookies belong to this host alone (`__Host-`, TLS or loopback only), unless the site was started with
//!   `--insecure-http`.
//! - What a proxy says of an address counts only if the proxy was named.

use std::net::{IpAddr, SocketAddr};

use app::{AppError, accounts::{Confirmed, Origin, confirm}};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, HeaderMap, HeaderValue, header, request::Parts as Head},
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{Site, extract::{self, Asker, cookie}, problem::Problem};

/// Cookies that say who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// A session.
    Session,
    /// Between the password and the second factor.
    Step,
    /// A browser from which somebody signed in before.
    Browser,
    /// Away at another provider.
    Provider,
}

impl Cookie {
    fn name(self, strict: bool) -> &'static str {
        match (self, strict) {
            (Self::Session, true) => "__Host-cardstock_session",
            (Self::Session, false) => "cardstock_session",
            (Self::Step, true) => "__Host-cardstock_step",
            (Self::Step, false) => "cardstock_step",
            (Self::Browser, true) => "__Host-cardstock_browser",
            (Self::Browser, false) => "cardstock_browser",
            (Self::Provider, true) => "__Host-cardstock_provider",
            (Self::Provider, false) => "cardstock_provider",
        }
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Session => 14 * 86_400,
            Self::Step | Self::Provider => 600,
            Self::Browser => app::accounts::signing::BROWSER.num_seconds(),
        }
    }

    /// What a request has of it.
    pub fn of<'h>(self, site: &Site, headers: &'h HeaderMap) -> Option<&'h str> {
        cookie(headers, self.name(site.secure)).filter(|value| !value.is_empty())
    }

    /// Gives it to the browser.
    pub fn give(self, site: &Site, response: &mut Response, value: &str) {
        self.put(site, response, value, self.seconds());
    }

    /// Takes it from the browser.
    pub fn take(self, site: &Site, response: &mut Response) {
        self.put(site, response, "", 0);
    }

    fn put(self, site: &Site, response: &mut Response, value: &str, seconds: i64) {
        let secure = if site.secure { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", self.name(site.secure));
        if let Ok(text) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::SET_COOKIE, text);
        }
    }
}

/// The token of a session.
pub fn session_of<'h>(site: &Site, headers: &'h HeaderMap) -> Option<&'h str> {
    Cookie::Session.of(site, headers)
}

/// What pages of a session send back with every change: other sites cannot read it.
pub fn csrf_of(site: &Site, headers: &HeaderMap) -> String {
    session_of(site, headers).map(csrf).unwrap_or_default()
}

/// The same, of the token of a session.
pub fn csrf(session: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("csrf {session}")))
}

/// The address a request comes from: the neighbour's, or what a proxy that was named says of it.
fn address(site: &Site, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
    let neighbour = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_canonical())?;
    let trusted = |address: &IpAddr| site.proxies.iter().any(|net| net.contains(address));
    if !trusted(&neighbour) {
        return Some(neighbour);
    }
    // Each proxy adds to the right whom it heard; the first from there that is no proxy of ours is whom it was.
    let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim).collect::<Vec<_>>();
    let mut last = neighbour;
    for text in said.iter().rev() {
        let Ok(address) = text.parse::<IpAddr>() else { break };
        last = address.to_canonical();
        if !trusted(&last) {
            break;
        }
    }
    Some(last)
}

/// Where a request comes from.
pub fn origin(site: &Site, headers: &HeaderMap, extensions: &Extensions) -> Origin {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Origin { address: address(site, headers, extensions).map(|address| address.to_string()), agent: agent.to_owned() }
}

/// Where a request comes from, for handlers.
pub struct From(pub Origin);

impl FromRequestParts<Site> for From {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Head, site: &Site) -> Result<Self, Self::Rejection> {
        Ok(Self(origin(site, &parts.headers, &parts.extensions)))
    }
}

/// Whether a request is for this site: by the address it was told, or, without one, by a number or a name of this very
/// machine, which no other site can be made to stand for.
pub fn is_for_us(site: &Site, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(host, |(name, _)| name);
    let plain = name.trim_start_matches('[').trim_end_matches(']');
    let here = plain.eq_ignore_ascii_case("localhost") || plain.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match site.base_url.as_deref().and_then(|base| base.split_once("://")) {
        Some((_, own)) => here || host.eq_ignore_ascii_case(own),
        None => !site.secure || here || plain.parse::<IpAddr>().is_ok(),
    }
}

/// Somebody of the API who has just shown who they are.
pub struct SureAsker {
    /// Who.
    pub asker: Asker,
    /// That they have.
    pub by: Confirmed,
}

impl FromRequestParts<Site> for SureAsker {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Head, site: &Site) -> Result<Self, Problem> {
        let asker = Asker::from_request_parts(parts, site).await?;
        match confirmed(site, parts, &asker).await {
            Ok(by) => Ok(Self { asker, by }),
            Err(error) => Err(asker.problem(error)),
        }
    }
}

/// That whoever sends this request has shown lately who they are.
pub async fn confirmed(site: &Site, parts: &Head, asker: &Asker) -> Result<Confirmed, AppError> {
    let credential = extract::credential(site, &parts.headers).ok_or(AppError::Unauthenticated)?;
    confirm::require(&site.app, &credential, &asker.actor, origin(site, &parts.headers, &parts.extensions)).await
}

/// The page whose form was sent.
pub fn came_from(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = referer.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or("/");
    crate::pages::safe_next(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_page_tells_nothing_of_the_session() {
        assert_ne!(csrf("a"), csrf("b"));
        assert!(!csrf("secret").contains("secret"));
    }
}
