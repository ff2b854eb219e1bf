//! Every route: what it asks of whoever comes, and that it does. A route without a row here fails the test.
//!
//! **Invariants**
//! - A refused request changes nothing in the database.
//! - A record that is somebody else's is answered as one that is not there: same status, same words.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::{both, site::{Answer, Database, Person, Site, folder}};

both!(nobody_gets_in, without_a_right_there_is_no_card, without_an_action_it_is_forbidden, administering_is_for_administrators, anothers_record_is_not_there, what_belongs_to_a_person_is_theirs);

/// What a route asks of whoever comes.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Asks {
    /// Nothing.
    Nothing,
    /// An account.
    Account,
    /// Something of one's own, by its id.
    Own,
    /// A right on the card: read, or the action named.
    Card(&'static str),
    /// A right on the record: read, or the action named.
    Record(&'static str),
    /// To administer the site.
    Admin,
    /// To see the card; what else it asks, cases of its own test.
    Seen,
}

use Asks::{Account, Admin, Card, Nothing, Own, Record, Seen};

const ROUTES: &[(&str, &str, Asks)] = &[
    ("GET", "/api/v1/cards", Account),
    ("GET", "/api/v1/cards/{card}", Card("read")),
    ("GET", "/api/v1/records/{card}", Card("read")),
    ("POST", "/api/v1/records/{card}", Card("create")),
    ("POST", "/api/v1/records/{card}/query", Card("read")),
    ("POST", "/api/v1/records/{card}/batch", Card("read")),
    ("GET", "/api/v1/records/{card}/{id}", Record("read")),
    ("PATCH", "/api/v1/records/{card}/{id}", Record("update")),
    ("DELETE", "/api/v1/records/{card}/{id}", Record("delete")),
    ("POST", "/api/v1/records/{card}/{id}/restore", Record("restore")),
    ("GET", "/api/v1/records/{card}/{id}/history", Record("read")),
    ("GET", "/api/v1/records/{card}/{id}/states", Record("read")),
    ("GET", "/api/v1/records/{card}/{id}/approvals", Record("read")),
    ("GET", "/api/v1/approvals", Account),
    ("POST", "/api/v1/approvals", Account),
    ("POST", "/api/v1/approvals/{task}", Own),
    ("GET", "/api/v1/applications", Account),
    ("POST", "/api/v1/applications/{id}/withdraw", Own),
    ("GET", "/api/v1/records/{card}/{id}/transitions", Record("read")),
    ("POST", "/api/v1/records/{card}/{id}/transitions/{transition}", Seen),
    ("GET", "/api/v1/records/{card}/{id}/explain/{field}", Record("read")),
    ("GET", "/c/{card}/{id}/explain/{field}", Record("read")),
    ("POST", "/api/v1/files", Account),
    ("GET", "/api/v1/files/{id}", Own),
    ("GET", "/api/v1/openapi.json", Account),
    ("GET", "/api/v1/batches", Account),
    ("GET", "/api/v1/batches/{id}", Own),
    ("GET", "/api/v1/batches/{id}/rows", Own),
    ("POST", "/api/v1/batches/{id}/undo", Own),
    ("GET", "/api/v1/jobs", Account),
    ("GET", "/api/v1/jobs/{id}", Own),
    ("POST", "/api/v1/jobs/{id}/cancel", Own),
    ("GET", "/api/v1/notices", Account),
    ("POST", "/api/v1/notices/seen", Account),
    ("GET", "/jobs/{id}", Own),
    ("POST", "/jobs/{id}/cancel", Own),
    ("GET", "/", Account),
    ("GET", "/login", Nothing),
    ("POST", "/login", Nothing),
    ("GET", "/login/link/{token}", Nothing),
    ("POST", "/login/link/{token}", Nothing),
    ("POST", "/logout", Nothing),
    ("POST", "/lang/{code}", Nothing),
    ("POST", "/theme/{name}", Nothing),
    ("GET", "/me", Account),
    ("POST", "/me", Account),
    ("POST", "/me/password", Account),
    ("POST", "/me/tokens", Account),
    ("POST", "/me/tokens/{id}/revoke", Own),
    ("POST", "/me/sessions/{id}/end", Own),
    ("GET", "/palette", Account),
    ("GET", "/lookup/{card}", Card("read")),
    ("GET", "/c/{card}", Card("read")),
    ("POST", "/c/{card}", Card("create")),
    ("GET", "/c/{card}/rows", Card("read")),
    ("GET", "/c/{card}/count", Card("read")),
    ("GET", "/c/{card}/totals", Card("read")),
    ("GET", "/c/{card}/columns", Card("read")),
    ("GET", "/c/{card}/filter", Card("read")),
    ("GET", "/c/{card}/trash", Card("restore")),
    ("GET", "/c/{card}/new", Card("create")),
    ("POST", "/c/{card}/recompute", Card("create")),
    ("POST", "/c/{card}/delete", Record("delete")),
    ("POST", "/c/{card}/restore", Record("restore")),
    ("GET", "/api/v1/views/{card}", Seen),
    ("POST", "/api/v1/views/{card}", Seen),
    ("GET", "/api/v1/views/{card}/{id}", Seen),
    ("PATCH", "/api/v1/views/{card}/{id}", Seen),
    ("DELETE", "/api/v1/views/{card}/{id}", Seen),
    ("POST", "/api/v1/views/{card}/{id}/restore", Seen),
    ("GET", "/c/{card}/views/counts", Seen),
    ("GET", "/c/{card}/views/new", Seen),
    ("GET", "/c/{card}/views/{id}/edit", Seen),
    ("POST", "/c/{card}/views", Seen),
    // The order of one's own lists, whatever card it names.
    ("POST", "/c/{card}/views/order", Account),
    ("POST", "/c/{card}/views/restore", Seen),
    ("POST", "/c/{card}/views/{id}", Seen),
    ("POST", "/c/{card}/views/{id}/delete", Seen),
    ("POST", "/c/{card}/views/{id}/first", Seen),
    ("POST", "/c/{card}/views/{id}/move", Seen),
    ("POST", "/c/{card}/views/{id}/save", Seen),
    ("GET", "/api/v1/folders", Account),
    ("POST", "/api/v1/folders", Account),
    ("GET", "/api/v1/folders/{id}", Own),
    ("PATCH", "/api/v1/folders/{id}", Own),
    ("DELETE", "/api/v1/folders/{id}", Own),
    ("POST", "/api/v1/folders/{id}/restore", Own),
    ("POST", "/api/v1/folders/{id}/records", Own),
    ("DELETE", "/api/v1/folders/{id}/records/{record}", Own),
    ("GET", "/c/{card}/query", Seen),
    ("POST", "/c/{card}/query", Seen),
    ("GET", "/c/{card}/query/fields", Seen),
    ("POST", "/c/{card}/query/count", Seen),
    ("POST", "/fav", Account),
    ("GET", "/fav/new", Account),
    ("POST", "/fav/order", Account),
    ("POST", "/fav/restore", Account),
    ("GET", "/fav/counts", Account),
    ("GET", "/fav/choose", Account),
    ("GET", "/fav/menu/{card}/{record}", Own),
    ("GET", "/fav/{folder}", Own),
    ("POST", "/fav/{folder}", Own),
    ("GET", "/fav/{folder}/edit", Own),
    ("POST", "/fav/{folder}/delete", Own),
    ("POST", "/fav/{folder}/add", Own),
    ("POST", "/fav/{folder}/remove", Own),
    ("POST", "/api/v1/records/{card}/bulk", Seen),
    ("POST", "/api/v1/records/{card}/merge", Seen),
    ("GET", "/api/v1/records/{card}/duplicates", Seen),
    ("POST", "/api/v1/records/{card}/duplicates/dismiss", Seen),
    ("POST", "/api/v1/records/{card}/{id}/claim", Seen),
    ("POST", "/api/v1/records/{card}/{id}/release", Seen),
    ("GET", "/approvals", Account),
    ("POST", "/approvals", Account),
    ("GET", "/approvals/{task}", Own),
    ("POST", "/approvals/{task}", Own),
    ("GET", "/applications", Account),
    ("POST", "/applications/{id}/withdraw", Own),
    ("GET", "/c/{card}/{id}/step/{transition}", Seen),
    ("POST", "/c/{card}/{id}/step/{transition}", Seen),
    ("POST", "/c/{card}/{id}/move", Seen),
    ("GET", "/me/batches", Account),
    ("GET", "/me/batches/{id}", Own),
    ("POST", "/me/batches/{id}/undo", Own),
    ("GET", "/c/{card}/bulk", Seen),
    ("POST", "/c/{card}/bulk", Seen),
    ("GET", "/c/{card}/bulk/field", Seen),
    ("GET", "/c/{card}/merge", Seen),
    ("POST", "/c/{card}/merge", Seen),
    ("GET", "/c/{card}/duplicates", Seen),
    ("POST", "/c/{card}/duplicates", Seen),
    ("POST", "/c/{card}/{id}/claim", Seen),
    ("POST", "/c/{card}/{id}/release", Seen),
    ("GET", "/api/v1/search", Account),
    ("GET", "/search", Account),
    ("GET", "/api/v1/imports/{id}", Own),
    ("POST", "/api/v1/imports/{id}/run", Own),
    ("GET", "/api/v1/imports/{id}/errors", Own),
    ("POST", "/api/v1/records/{card}/import", Seen),
    ("GET", "/api/v1/records/{card}/export", Seen),
    ("GET", "/c/{card}/export", Seen),
    ("POST", "/c/{card}/export", Seen),
    ("GET", "/c/{card}/import", Seen),
    ("POST", "/c/{card}/import", Seen),
    ("GET", "/c/{card}/import/{import}", Seen),
    ("POST", "/c/{card}/import/{import}", Seen),
    ("GET", "/c/{card}/import/{import}/errors.xlsx", Seen),
    ("POST", "/c/{card}/import/{import}/undo", Seen),
    ("GET", "/studio/speed", Admin),
    ("POST", "/studio/speed", Admin),
    ("GET", "/c/{card}/groups", Seen),
    ("GET", "/c/{card}/lanes", Seen),
    ("POST", "/c/{card}/layout", Seen),
    ("GET", "/c/{card}/{id}/cell", Record("field")),
    ("POST", "/c/{card}/{id}/cell", Record("field")),
    ("GET", "/c/{card}/{id}/counts", Record("read")),
    ("GET", "/c/{card}/{id}", Record("read")),
    ("POST", "/c/{card}/{id}", Record("update")),
    ("POST", "/c/{card}/{id}/recompute", Record("update")),
    ("GET", "/c/{card}/{id}/history", Record("read")),
    ("GET", "/c/{card}/{id}/panel/{panel}", Record("read")),
    ("GET", "/api/docs", Account),
    ("POST", "/files", Account),
    ("GET", "/files/{id}", Own),
    ("GET", "/assets/{*path}", Nothing),
    ("GET", "/healthz", Nothing),
    ("GET", "/readyz", Nothing),
    ("GET", "/metrics", Nothing),
];

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
async fn send(person: &Person, method: &str, path: &str, card: &str, id: &str) -> Answer {
    let address = path.replace("{card}", card).replace("{id}", id).replace("{token}", "nonsense").replace("{code}", "en").replace("{name}", "dark").replace("{panel}", "history").replace("{folder}", id).replace("{record}", id).replace("{import}", id).replace("{field}", "worth").replace("{task}", id).replace("{*path}", "app.css");
    let method: Method = method.parse().expect("a method");
    if method == Method::GET || method == Method::DELETE {
        return person.send(method, &address, &[], None).await;
    }
    let (kind, body) = if path.ends_with("/files") {
        ("multipart/form-data; boundary=XX", "--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nx\r\n--XX--\r\n".to_owned())
    } else if path.starts_with("/api/") {
        let body = match path.rsplit('/').next() {
            Some("query") => json!({}),
            Some("batch") => json!({"items": [{"op": "update", "id": id, "record": {"name": "Changed"}}]}),
            _ => json!({"name": "Changed"}),
        };
        ("application/json", body.to_string())
    } else {
        ("application/x-www-form-urlencoded", format!("f.name=Changed&ids={id}&version=1&name=zoe&password=wrong+password"))
    };
    person.send(method, &address, &[("content-type", kind), ("sec-fetch-site", "same-origin")], Some(body.into_bytes())).await
}

/// What the database holds, in one text: how many rows of everything, and the versions of records.
async fn held(site: &Site) -> String {
    let mut text = String::new();
    for table in ["sys_user", "sys_user_role", "sys_session", "sys_token", "sys_login_link", "sys_preference", "sys_idempotency", "sys_audit", "sys_change", "sys_outbox", "sys_file", "c_room", "c_repair", "c_loan", "c_device__parts"] {
        text.push_str(&format!("{table} {} ", site.number(&format!("SELECT count(*) FROM {table}")).await));
    }
    for number in ["SELECT CAST(COALESCE(sum(version), 0) AS bigint) FROM c_device", "SELECT count(*) FROM c_device", "SELECT count(*) FROM c_device WHERE trashed_at IS NOT NULL", "SELECT count(*) FROM c_device WHERE f_name = 'Changed'"] {
        text.push_str(&format!("{} ", site.number(number).await));
    }
    text
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
    for (method, path, asks) in ROUTES.iter().filter(|(_, _, asks)| matches!(asks, Card(_) | Record(_) | Seen)) {
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
