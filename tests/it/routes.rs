//! Every route: what it asks of whoever comes, and that it does. A route without a row here fails the test.
//!
//! **Invariants**
//! - A refused request changes nothing in the database.
//! - A record that is somebody else's is answered as one that is not there: same status, same words.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::{both, route_rows::{Asks::{Admin, Card, Nothing, Own, Record, Said, Seen}, ROUTES}, site::{Answer, Database, Person, Site, folder}};

both!(nobody_gets_in, without_a_right_there_is_no_card, without_an_action_it_is_forbidden, administering_is_for_administrators, anothers_record_is_not_there, what_belongs_to_a_person_is_theirs, what_else_a_route_asks_is_answered_so);

/// Many records at once: each is answered for itself, those that are not there by their number.
const MANY: [&str; 2] = ["/c/{card}/delete", "/c/{card}/restore"];

#[test]
fn every_route_has_a_row() {
    let source = std::fs::read_to_string(folder("engine/web/src/lib.rs")).expect("the router");
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    let mut prefix = "";
    for line in source.lines().map(str::trim) {
        if line.starts_with("let ") && line.contains("Router::new()") {
            prefix = if line.starts_with("let api") { "/api/v1" } else { "" };
        }
        if line.starts_with("Router::new()") {
            prefix = "";
        }
        let Some((path, handlers)) = line.strip_prefix(".route(\"").and_then(|rest| rest.split_once("\",")) else { continue };
        for (word, method) in [("get(", "GET"), ("post(", "POST"), ("patch(", "PATCH"), ("delete(", "DELETE"), ("put(", "PUT")] {
            if handlers.contains(&format!(" {word}")) || handlers.contains(&format!(".{word}")) {
                found.insert((method.into(), format!("{prefix}{path}")));
            }
        }
    }
    let rows: BTreeSet<(String, String)> = ROUTES.iter().map(|(method, path, _)| ((*method).into(), (*path).into())).collect();
    assert!(found.len() > 40, "the router could not be read");
    assert_eq!(found.difference(&rows).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "a route without a row in ROUTES: say what it asks");
    assert_eq!(rows.difference(&found).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "a row without a route");
}

/// Sends what the route takes, so that only the right is missing.
pub async fn send(person: &Person, method: &str, path: &str, card: &str, id: &str) -> Answer {
    let address = path.replace("{card}", card).replace("{id}", id).replace("{token}", "nonsense").replace("{code}", "en").replace("{name}", "dark").replace("{panel}", "history").replace("{action}", "check").replace("{folder}", id).replace("{record}", id).replace("{import}", id).replace("{field}", "worth").replace("{task}", id).replace("{*path}", "app.css");
    let method: Method = method.parse().expect("a method");
    if method == Method::GET || method == Method::DELETE {
        return person.send(method, &address, &[], None).await;
    }
    let (kind, body) = if path.ends_with("/files") || path.ends_with("/import") {
        ("multipart/form-data; boundary=XX", "--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nx\r\n--XX--\r\n".to_owned())
    } else if path.starts_with("/api/") {
        let body = match path.rsplit('/').next() {
            Some("query") => json!({}),
            Some("bulk") => json!({"action": "delete", "ids": [id]}),
            Some("merge") => json!({"master": id, "others": [MISSING]}),
            Some("dismiss") => json!({"records": [id, MISSING]}),
            Some("batch") => json!({"items": [{"op": "update", "id": id, "record": {"name": "Changed"}}]}),
            _ => json!({"name": "Changed"}),
        };
        ("application/json", body.to_string())
    } else {
        ("application/x-www-form-urlencoded", format!("f.name=Changed&ids={id}&version=1&name=zoe&password=wrong+password&action=delete&all=false&records={id}&view=&cols=name"))
    };
    person.send(method, &address, &[("content-type", kind), ("sec-fetch-site", "same-origin")], Some(body.into_bytes())).await
}

/// What the database holds: every row of every table, in one number.
async fn held(site: &Site) -> String {
    site.content().await
}

const LAB: &str = "tests/packs/lab";
const MISSING: &str = "01930000-0000-7000-8000-00000000dead";

async fn nobody_gets_in(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "Theirs"})).await;
    let before = held(&site).await;
    for (method, path, asks) in ROUTES {
        let answer = send(&site.nobody(), method, path, "device", &id).await;
        let to_login = answer.status.as_u16() == 303 && answer.header("location").starts_with("/login");
        match asks {
            Nothing => assert!(answer.status.as_u16() < 500 && (answer.status.as_u16() != 401 || *path == "/login"), "{method} {path}: {} {}", answer.status, answer.text),
            _ if path.starts_with("/api/v1") => {
                answer.refused(401, "unauthenticated");
            }
            _ => assert!(to_login || answer.status.as_u16() == 401, "{method} {path}: {} {}", answer.status, answer.text),
        }
    }
    assert_eq!(held(&site).await, before);
}

async fn without_a_right_there_is_no_card(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, zoe) = (site.person("kim", &["keeper"]).await, site.person("zoe", &[]).await);
    let id = kim.make("device", json!({"name": "Theirs"})).await;
    let before = held(&site).await;
    for (method, path, asks) in ROUTES.iter().filter(|(_, _, asks)| matches!(asks, Card(_) | Record(_) | Seen | Said(..))) {
        let answer = send(&zoe, method, path, "device", &id).await;
        let missing = send(&zoe, method, path, "nonsense", &id).await;
        assert_eq!(answer.status.as_u16(), 404, "{method} {path} ({asks:?}): {}", answer.text);
        assert_eq!((answer.status, like(&answer, &id)), (missing.status, like(&missing, &id)), "{method} {path}: a card that is there is answered otherwise");
        assert_eq!(held(&site).await, before, "{method} {path}");
    }
}

/// The text of an answer, without what was asked for.
fn like(answer: &Answer, id: &str) -> String {
    let mut text = answer.text.replace("nonsense", "CARD").replace("device", "CARD").replace(MISSING, "ID");
    if !id.is_empty() {
        text = text.replace(id, "ID");
    }
    text
}

async fn without_an_action_it_is_forbidden(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, gus) = (site.person("kim", &["keeper"]).await, site.person("gus", &["guest"]).await);
    // The guest reads what has the grade a, and does nothing else.
    let id = kim.make("device", json!({"name": "Public", "grade": "a"})).await;
    let before = held(&site).await;
    for (method, path, asks) in ROUTES {
        let (Card(action) | Record(action)) = asks else { continue };
        let answer = send(&gus, method, path, "device", &id).await;
        if *action == "field" {
            // Of one field: that it cannot be changed is said by cases of its own.
            continue;
        }
        if *action == "read" {
            assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text);
        } else {
            assert_eq!(answer.status.as_u16(), 403, "{method} {path}: {}", answer.text);
        }
        assert_eq!(held(&site).await, before, "{method} {path}");
    }
}

async fn administering_is_for_administrators(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let before = held(&site).await;
    for (method, path, _) in ROUTES.iter().filter(|(_, _, asks)| *asks == Admin) {
        let answer = send(&kim, method, path, "", "").await;
        assert!([403, 404].contains(&answer.status.as_u16()), "{method} {path}: {} {}", answer.status, answer.text);
        assert_eq!(held(&site).await, before, "{method} {path}");
    }
}

async fn anothers_record_is_not_there(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let theirs = kim.make("device", json!({"name": "Theirs"})).await;
    let trashed = kim.make("device", json!({"name": "Trashed"})).await;
    kim.delete(&format!("/records/device/{trashed}")).await.ok(204);
    let before = held(&site).await;
    for (method, path, asks) in ROUTES.iter().filter(|(_, _, asks)| matches!(asks, Record(_))) {
        for id in [&theirs, &trashed] {
            let answer = send(&cleo, method, path, "device", id).await;
            let missing = send(&cleo, method, path, "device", MISSING).await;
            if !MANY.contains(path) {
                assert_eq!(answer.status.as_u16(), 404, "{method} {path} ({asks:?}): {}", answer.text);
            }
            assert_eq!((answer.status, like(&answer, id)), (missing.status, like(&missing, id)), "{method} {path}: a record that is there is answered otherwise");
            assert_eq!(held(&site).await, before, "{method} {path}");
        }
    }
    let batch = cleo.post("/records/device/batch", json!({"items": [{"op": "update", "id": theirs, "record": {"name": "Changed"}}, {"op": "delete", "id": theirs}, {"op": "update", "id": MISSING, "record": {"name": "Changed"}}]})).await.ok(200);
    let statuses: Vec<i64> = batch["data"].as_array().expect("results").iter().filter_map(|one| one["status"].as_i64()).collect();
    assert_eq!(statuses, [404, 404, 404], "{batch}");
    assert_eq!(held(&site).await, before);
}

async fn what_belongs_to_a_person_is_theirs(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let uploaded = send(&kim, "POST", "/api/v1/files", "", "").await.ok(201);
    let file = uploaded["data"][0]["id"].as_str().expect("an id").to_owned();
    let before = held(&site).await;
    for (method, path, _) in ROUTES.iter().filter(|(_, _, asks)| *asks == Own) {
        let answer = send(&cleo, method, path, "", &file).await;
        let missing = send(&cleo, method, path, "", MISSING).await;
        assert_eq!((answer.status, like(&answer, &file)), (missing.status, like(&missing, &file)), "{method} {path}");
        assert!(answer.status.is_client_error() || answer.status.is_redirection() || path.starts_with("/me"), "{method} {path}: {}", answer.status);
    }
    assert_eq!(held(&site).await, before);
    // Another's token stays good.
    kim.get("/records/device").await.ok(200);
}

/// Rows that a right of the card does not say all of: what who may only read hears, and what who may everything.
async fn what_else_a_route_asks_is_answered_so(database: Database) {
    let site = crate::imports::lab(database).await;
    let (kim, gus) = (site.person("kim", &["keeper"]).await, site.person("gus", &["guest"]).await);
    let mut wrong = Vec::new();
    for (method, path, asks) in ROUTES {
        let Said(reader, holder) = asks else { continue };
        let id = if path.contains("/views/{id}") {
            kim.post("/views/device", json!({"name": "Own"})).await.ok(201)["id"].as_str().expect("an id").to_owned()
        } else {
            kim.make("device", json!({"name": "Public", "grade": "a"})).await
        };
        let before = held(&site).await;
        let first = send(&gus, method, path, "device", &id).await;
        if first.status.is_client_error() {
            assert_eq!(held(&site).await, before, "{method} {path}");
        }
        let second = send(&kim, method, path, "device", &id).await;
        if (first.status.as_u16(), second.status.as_u16()) != (*reader, *holder) {
            wrong.push(format!("{method} {path}: {} {}", first.status.as_u16(), second.status.as_u16()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
