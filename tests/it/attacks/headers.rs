//! What every answer says to browsers.

use reqwest::Method;

use crate::{accounts::root, both, route_rows::ROUTES, routes::send, site::{Answer, Database, Site}};

both!(every_answer_says_what_a_browser_may_do_with_it);

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
