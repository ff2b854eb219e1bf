//! The browser files: styles, scripts, fonts and icons, embedded in the binary under names that carry their hash.
//!
//! **Invariants**
//! - A name never means other bytes than before, so answers may be kept for ever.
//!
//! **Not here:** making the files (`build.rs`, `ui/build.mjs`), pages (`templates`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

#[derive(rust_embed::Embed)]
#[folder = "$OUT_DIR/dist"]
struct Dist;

/// What the build says about its files.
#[derive(Debug, Default, Deserialize)]
struct Manifest {
    /// Source name → file name.
    files: BTreeMap<String, String>,
    /// Icons in `icons.svg`.
    icons: BTreeSet<String>,
    /// Icons in `icons-all.svg`.
    all_icons: BTreeSet<String>,
}

/// With `UI_DEV=ui`, files come from `ui/dist`, where `node build.mjs dist --watch` writes them.
static WATCHED: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("UI_DEV").map(|ui| PathBuf::from(ui).join("dist")));

static EMBEDDED: LazyLock<Arc<Manifest>> = LazyLock::new(|| Arc::new(read_manifest()));

fn read_manifest() -> Manifest {
    read("manifest.json").and_then(|data| serde_json::from_slice(&data).ok()).unwrap_or_default()
}

fn manifest() -> Arc<Manifest> {
    if WATCHED.is_some() { Arc::new(read_manifest()) } else { Arc::clone(&EMBEDDED) }
}

fn read(name: &str) -> Option<Cow<'static, [u8]>> {
    match &*WATCHED {
        Some(dist) if !name.contains(['/', '\\']) => std::fs::read(dist.join(name)).ok().map(Cow::Owned),
        Some(_) => None,
        None => Dist::get(name).map(|file| file.data),
    }
}

/// The address of a browser file by its source name, such as `app.ts`.
pub fn url(name: &str) -> Option<String> {
    manifest().files.get(name).map(|file| format!("/assets/{file}"))
}

/// The address of an icon's drawing. Icons that nobody drew become a plain square, since definitions name icons freely.
pub fn icon_url(name: &str) -> String {
    let manifest = manifest();
    let (sprite, name) = match name {
        name if manifest.icons.contains(name) => ("icons.svg", name),
        name if manifest.all_icons.contains(name) => ("icons-all.svg", name),
        _ => ("icons.svg", "square"),
    };
    format!("{}#{name}", url(sprite).unwrap_or_default())
}

/// Whether an icon of that name exists at all.
pub fn has_icon(name: &str) -> bool {
    manifest().all_icons.contains(name)
}

/// Whether the interface itself uses the icon, so that it is in the small sprite.
pub fn has_own_icon(name: &str) -> bool {
    manifest().icons.contains(name)
}

/// `GET /assets/{name}`.
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if name == "manifest.json" || name.ends_with(".br") || name.ends_with(".gz") {
        return StatusCode::NOT_FOUND.into_response();
    }
    match find(&name, accepted) {
        Some((bytes, encoding)) => answer(&name, bytes, encoding),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The smallest form of a file that the browser takes.
fn find(name: &str, accepted: &str) -> Option<(Body, Option<&'static str>)> {
    let encodings = [("br", "br"), ("gzip", "gz")];
    let squeezed = encodings.iter().filter(|(encoding, _)| accepts(accepted, encoding)).find_map(|(encoding, ending)| {
        Some((body(read(&format!("{name}.{ending}"))?), Some(*encoding)))
    });
    squeezed.or_else(|| read(name).map(|bytes| (body(bytes), None)))
}

/// Embedded bytes are sent as they lie in the binary, without a copy.
fn body(bytes: Cow<'static, [u8]>) -> Body {
    match bytes {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    }
}

/// Whether an `Accept-Encoding` header names an encoding and does not refuse it by `q=0`.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|part| {
        let mut words = part.split(';').map(str::trim);
        let named = words.next().is_some_and(|word| word.eq_ignore_ascii_case(encoding));
        named && !words.any(|word| word.strip_prefix("q=").is_some_and(|q| q.parse().is_ok_and(|q: f32| q == 0.0)))
    })
}

fn answer(name: &str, body: Body, encoding: Option<&'static str>) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_taken_only_when_wanted() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(accepts("GZIP;q=0.5", "gzip"));
        assert!(!accepts("gzip, br;q=0", "br"));
        assert!(!accepts("", "gzip"));
        assert!(!accepts("brotli", "br"));
    }

    #[test]
    fn every_entry_point_is_in_the_binary() {
        for name in ["app.ts", "app.css", "icons.svg", "icons-all.svg", "favicon.svg", "inter-latin-wght-normal.woff2"] {
            let url = url(name).unwrap_or_else(|| panic!("{name} is not in the manifest"));
            assert!(Dist::get(url.trim_start_matches("/assets/")).is_some(), "{url} is not embedded");
        }
    }

    #[test]
    fn unknown_icons_become_a_square() {
        assert!(icon_url("no-such-icon").ends_with("#square"));
        assert!(icon_url("search").ends_with("#search"));
        assert!(has_own_icon("square"));
    }

    #[tokio::test]
    async fn files_are_kept_for_ever_and_others_are_missing() {
        let url = url("app.css").expect("styles");
        let found = serve(Path(url.trim_start_matches("/assets/").to_owned()), HeaderMap::new()).await;
        assert_eq!(found.status(), StatusCode::OK);
        assert_eq!(found.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        for name in ["nothing.js", "manifest.json", "../Cargo.toml"] {
            assert_eq!(serve(Path(name.to_owned()), HeaderMap::new()).await.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }
}
