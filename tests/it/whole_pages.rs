//! Parts of pages are pages of their own for whoever opens their address: in the frame, with a way back.

use reqwest::Method;
use serde_json::json;

use crate::{both, site::{Database, Person, Site, encoded}};

both!(parts_are_pages_of_their_own, what_they_show_is_the_same);

const LAB: &str = "tests/packs/lab";

/// The page at an address, and the part of one that htmx gets.
async fn both_ways(person: &Person, path: &str) -> (String, String) {
    let page = person.send(Method::GET, path, &[("accept", "text/html")], None).await;
    let part = person.send(Method::GET, path, &[("hx-request", "true")], None).await;
    assert_eq!((page.status.as_u16(), part.status.as_u16()), (200, 200), "{path}: {} {}", page.text, part.text);
    let plain = |text: &str| text.replace("&#x2f;", "/");
    (plain(&page.text), plain(&part.text))
}

async fn parts_are_pages_of_their_own(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "A <b>scale</b>"})).await;
    let record = format!("/c/device/{id}");
    let filter = encoded(r#"{"all": [{"field": "name", "op": "contains", "value": "scale"}]}"#);
    let cases = [
        (format!("{record}/history"), record.clone()),
        ("/c/device/filter".to_owned(), "/c/device".to_owned()),
        (format!("/c/device/filter?filter={filter}&index=0"), "/c/device?filter=".to_owned()),
        ("/c/device/filter?field=name".to_owned(), "/c/device".to_owned()),
        ("/palette".to_owned(), "/c/device".to_owned()),
        ("/palette?q=scale".to_owned(), record),
    ];
    for (path, back) in cases {
        let (page, part) = both_ways(&kim, &path).await;
        assert!(page.starts_with("<!doctype html>") && page.contains("<main") && page.contains("class=\"side\"") && page.contains("<h1"), "{path}: {page}");
        assert!(!part.contains("<!doctype") && !part.contains("<main"), "{path}: {part}");
        assert!(page.contains(&format!("href=\"{back}")), "{path}: no way to {back}: {page}");
        assert!(!page.contains("<b>scale</b>"), "{path}");
    }
}

async fn what_they_show_is_the_same(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let id = kim.make("device", json!({"name": "Scale"})).await;
    kim.patch(&format!("/records/device/{id}"), json!({"name": "Balance"})).await.ok(200);
    for (path, words) in [(format!("/c/device/{id}/history"), "Scale"), ("/c/device/filter?field=name".to_owned(), "data-filter-form"), ("/palette?q=balance".to_owned(), "<mark>Balance</mark>")] {
        let (page, part) = both_ways(&kim, &path).await;
        assert!(page.contains(words) && part.contains(words), "{path}: {part}");
    }
    // Another's record is not there, either way.
    for headers in [("accept", "text/html"), ("hx-request", "true")] {
        assert_eq!(cleo.send(Method::GET, &format!("/c/device/{id}/history"), &[headers], None).await.status.as_u16(), 404);
    }
    let (page, _) = both_ways(&cleo, "/palette?q=balance").await;
    assert!(!page.contains(&id), "{page}");
}
