//! Somebody with a browser: cookies that are kept, and forms with the token of their page.

use std::{collections::BTreeMap, sync::Mutex};

use reqwest::header::HeaderMap;

use crate::site::{Site, client, encoded};

/// A browser.
pub struct Browser {
    base: String,
    http: reqwest::Client,
    pub cookies: Mutex<BTreeMap<String, String>>,
    /// Sent with every request.
    pub extra: Vec<(&'static str, String)>,
}

/// A page, or where it leads to.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    #[track_caller]
    pub fn ok(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
    pub fn to(&self) -> &str {
        self.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
    /// What stands between two texts.
    pub fn between(&self, before: &str, after: &str) -> Option<&str> {
        self.text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
    }
    /// The path of a link to set a password that the page shows.
    #[track_caller]
    pub fn link(&self) -> String {
        let from = self.text.find("/login/link/").unwrap_or_else(|| panic!("no link in {}", self.text));
        self.text[from..].split(['<', '"', ' ']).next().unwrap_or_default().to_owned()
    }
}

impl Browser {
    pub fn new(site: &Site) -> Self {
        Self::at(&site.base)
    }

    pub fn at(base: &str) -> Self {
        Self { base: base.to_owned(), http: client(), cookies: Mutex::default(), extra: Vec::new() }
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> Page {
        let cookies = self.cookies.lock().expect("cookies").iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        for (name, value) in &self.extra {
            request = request.header(*name, value);
        }
        let response = request.send().await.expect("an answer");
        for cookie in response.headers().get_all("set-cookie") {
            let (pair, rest) = cookie.to_str().expect("text").split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            let mut kept = self.cookies.lock().expect("cookies");
            if rest.contains("Max-Age=0") { kept.remove(name) } else { kept.insert(name.to_owned(), value.to_owned()) };
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // As a browser shows it.
        let text = response.text().await.expect("text").replace("&#x2f;", "/").replace("&#x27;", "'").replace("&amp;", "&");
        Page { status, headers, text }
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// A form, as the browser sends it from a page of the site.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.session().map(|session| token_of(&session)).unwrap_or_default();
        self.bare(path, &[&[("_csrf", token.as_str())], fields].concat(), &[("sec-fetch-site", "same-origin")]).await
    }

    /// A form with nothing that was not said.
    pub async fn bare(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let body = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&");
        let mut request = self.http.post(format!("{}{path}", self.base)).header("content-type", "application/x-www-form-urlencoded").body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    pub fn session(&self) -> Option<String> {
        self.cookies.lock().expect("cookies").get("__Host-cardstock_session").cloned()
    }

    /// Signs in; the page that follows.
    pub async fn sign_in(&self, name: &str, password: &str) -> Page {
        self.post("/login", &[("name", name), ("password", password), ("next", "/me")]).await
    }
}

/// The token of a session's pages, found as the pages make it.
pub fn token_of(session: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use sha2::{Digest, Sha256};
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("csrf {session}")))
}
