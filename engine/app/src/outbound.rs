//! Requests to other servers: the one way out.
//!
//! A name is looked up once, every address it has is looked at, and the connection goes to one of those very addresses:
//! what the name stands for a moment later does not matter.
//!
//! **Invariants**
//! - No request goes to this machine, its network, or what only looks public, but to hosts that whoever runs the program named.
//! - One address that is not public refuses the name: nobody hides an inner one among others.
//! - Redirects are handed back, never followed; proxies of the surroundings are not asked.
//!
//! **Not here:** what is asked (`accounts::provider`), messages that wait, mail servers (`outgoing`).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use reqwest::{dns::{Addrs, Name, Resolve, Resolving}, header::HeaderMap};
// What others say a request with: they need no client of their own.
pub use reqwest::{Method, Request, StatusCode, Url, header};

use crate::AppError;

/// Longest time from the first look-up to the last byte.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a name becomes addresses.
pub trait Lookup: Send + Sync {
    /// Every address of a name.
    fn look(&self, name: &str) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>>;
}

/// As the machine looks names up.
pub struct System;

impl Lookup for System {
    fn look(&self, name: &str) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// What kept a request from being answered.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// It would not have left for the outside.
    #[error("{0} is not asked: it is no public address, and nobody named it")]
    Inner(String),
    /// No address of a server.
    #[error("`{0}` is not asked: addresses begin with https:// and hold no name or password")]
    Address(String),
    /// On the way.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    /// More than is read.
    #[error("the answer is longer than is read")]
    TooLong,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// The way out.
#[derive(Clone)]
pub struct Outbound {
    http: reqwest::Client,
    named: Arc<[String]>,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").field("named", &self.named).finish_non_exhaustive()
    }
}

impl Outbound {
    /// With hosts that may be inner ones.
    pub fn new(named: &[String]) -> Result<Self, AppError> {
        Self::with(named, Arc::new(System))
    }

    /// The same with another way to look names up.
    pub fn with(named: &[String], lookup: Arc<dyn Lookup>) -> Result<Self, AppError> {
        // Another part of the program may have said so before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let named: Arc<[String]> = named.iter().map(|host| plain(host)).filter(|host| !host.is_empty()).collect();
        let guard = Guard { named: named.clone(), lookup };
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(PATIENCE).dns_resolver(Arc::new(guard)).build();
        Ok(Self { http: http.map_err(|error| AppError::Internal(error.to_string()))?, named })
    }

    /// Whether an address may be asked, as far as it can be said without looking its name up.
    pub fn check(&self, url: &Url) -> Result<(), OutboundError> {
        let Some(host) = url.host_str() else { return Err(OutboundError::Address(url.scheme().to_owned())) };
        let is_named = self.named.contains(&plain(host));
        let scheme = url.scheme() == "https" || url.scheme() == "http" && is_named;
        if !scheme || !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Address(format!("{}://{host}", url.scheme())));
        }
        // Numbers are never looked up: they are looked at here.
        match plain(host).parse::<IpAddr>() {
            Ok(address) if !is_named && !is_public(address) => Err(OutboundError::Inner(host.to_owned())),
            _ => Ok(()),
        }
    }

    /// Sends a request, and reads of the answer no more than its head.
    pub async fn status(&self, request: Request) -> Result<(StatusCode, HeaderMap), OutboundError> {
        self.check(request.url())?;
        let answer = self.http.execute(request).await?;
        Ok((answer.status(), answer.headers().clone()))
    }

    /// Sends a request, and reads at most so many bytes of the answer.
    pub async fn send(&self, request: Request, most: usize) -> Result<Answer, OutboundError> {
        self.check(request.url())?;
        let mut answer = self.http.execute(request).await?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > most {
                return Err(OutboundError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: answer.status(), headers: answer.headers().clone(), body })
    }
}

/// A host as it is compared.
fn plain(host: &str) -> String {
    host.trim().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

struct Guard {
    named: Arc<[String]>,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let host = plain(name.as_str());
        let (is_named, looking) = (self.named.contains(&host), self.lookup.look(&host));
        Box::pin(async move {
            let found = looking.await?;
            if !is_named && !found.iter().copied().all(is_public) {
                return Err(Box::from(OutboundError::Inner(host)));
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// Whether an address belongs to the public net: what is not known to, does not.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    // This network, inner ones, those of carriers, this machine, of the link (and what clouds say of themselves), for
    // protocols, examples, measuring, old relays, many at once, kept for later.
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _) | (100, 64..=127, _) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _) | (192, 0, 0 | 2) | (192, 88, 99) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Of what is given out to the public (2000::/3) not: tunnels and protocols (2001:0000::/23), examples, the old relays
    // that hold an address of the fourth version.
    (0x2000..=0x3fff).contains(&a) && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8)) && a != 0x2002 && !(a == 0x3fff && b < 0x1000)
}
