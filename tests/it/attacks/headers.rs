//! What every answer says to browsers.

use reqwest::Method;

use crate::{accounts::root, both, route_rows::ROUTES, routes::send, site::{Answer, Database, Site}};

both!(every_answer_says_what_a_browser_may_do_with_it, over_tls_browsers_are_told_to_stay_there);

fn faults(answer: &Answer, asset: bool) -> Vec<&'static str> {
    let has = |name: &str, words: &[&str]| words.iter().all(|word| answer.header(name).contains(word));
    let policy = answer.header("content-security-policy");
    let all = [
        (has("content-security-policy", &["default-src 'none'"]), "loads only what is named"),
        (policy.contains("sandbox") || has("content-security-policy", &["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "require-trusted-types-for 'script'"]), "stays within itself"),
        (!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "nothing inline, nothing from elsewhere"),
        (has("x-content-type-options", &["nosniff"]), "is what it says"),
        (has("referrer-policy", &["same-origin"]), "tells no addresses"),
        (has("x-frame-options", &["DENY"]), "is not framed"),
        (has("cross-origin-opener-policy", &["same-origin"]), "stands alone"),
        (!answer.headers.contains_key("access-control-allow-origin"), "is read by no other site"),
        (asset || has("cache-control", &["no-store"]) || has("cache-control", &["private"]), "is not kept"),
        (!answer.headers.contains_key("server") && !answer.headers.contains_key("x-powered-by"), "says nothing of its making"),
    ];
    all.into_iter().filter(|(right, _)| !right).map(|(_, what)| what).collect()
}

/// 35 · a page that runs or loads what somebody put there
async fn every_answer_says_what_a_browser_may_do_with_it(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (root, kim) = (root(&site).await, site.person("kim", &["keeper"]).await);
    let id = kim.make("device", serde_json::json!({"name": "One"})).await;
    let mut wrong = Vec::new();
    for (method, path, _) in ROUTES.iter().filter(|(_, path, _)| *path != "/events") {
        for person in [&root, &kim, &site.nobody()] {
            let answer = send(person, method, path, "device", &id).await;
            let found = faults(&answer, path.starts_with("/assets"));
            if !found.is_empty() {
                wrong.push(format!("{method} {path} {}: {found:?}", answer.status));
            }
        }
    }
    // What is refused before anything looks at it says so too.
    for headers in [vec![("host", "evil.example")], vec![("sec-fetch-site", "cross-site")]] {
        let answer = site.nobody().send(Method::POST, "/login", &headers, None).await;
        let found = faults(&answer, false);
        if !found.is_empty() || !answer.status.is_client_error() {
            wrong.push(format!("{headers:?} {}: {found:?}", answer.status));
        }
    }
    for (method, path) in [("GET", "/nowhere"), ("OPTIONS", "/api/v1/records/device"), ("TRACE", "/"), ("PUT", "/c/device"), ("GET", "/api/v1/nowhere"), ("GET", "/assets/nowhere.js")] {
        let answer = root.send(method.parse::<Method>().expect("a method"), path, &[("origin", "https://evil.example"), ("access-control-request-method", "POST")], None).await;
        let found = faults(&answer, path.starts_with("/assets"));
        if !found.is_empty() || answer.status.is_success() {
            wrong.push(format!("{method} {path} {}: {found:?}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A site that is reached by TLS is never asked for in the open by a browser that was there; what is said holds for no
/// other host of its domain, and on this machine nothing is said.
async fn over_tls_browsers_are_told_to_stay_there(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    for (base, said) in [(Some("https://cards.example.com"), Some("max-age=31536000")), (Some("http://localhost:8080"), None), (None, None)] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let served = web::Site { base_url: base.map(Into::into), ..web::Site::new(site.app.clone()).expect("templates") };
        tokio::spawn(web::serve(served, listener, std::future::pending()));
        for path in ["/login", "/assets/nowhere.js", "/healthz"] {
            let answer = reqwest::get(format!("{address}{path}")).await.expect("an answer");
            assert_eq!(answer.headers().get("strict-transport-security").map(|value| value.to_str().expect("text")), said, "{base:?} {path}");
        }
    }
}
