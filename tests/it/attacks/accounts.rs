//! Accounts: names that look alike, brakes that are moved, fields that were not asked for, links that outlive their account.

use app::accounts;
use chrono::Utc;
use reqwest::Method;
use serde_json::json;

use crate::{accounts::{GOOD, root, signed_in}, both, browser::Browser, site::{Database, Site}};

both!(a_name_that_only_looks_alike_is_another, no_spelling_or_header_moves_the_brake, a_closed_account_takes_its_links_along, fields_that_were_not_asked_for_change_nothing, what_an_answer_sets_belongs_to_no_cache);

const LAB: &str = "tests/packs/lab";

/// 45 · a link for an account whose name only looks alike
async fn a_name_that_only_looks_alike_is_another(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    site.person("kim", &["keeper"]).await;
    for name in ["kím", "ｋｉｍ", "k\u{131}m", "kіm", "kim\u{200b}", "ki\u{ad}m", "kim%", "k_m", "kim'--", "kim\0", "\"kim\"", "kim@evil.example"] {
        let answer = Browser::new(&site).sign_in(name, GOOD).await;
        assert!([400, 422].contains(&answer.status), "{name:?} is let in as kim: {}", answer.status);
    }
    // Only case and spaces around it do not matter.
    assert_eq!(Browser::new(&site).sign_in(" KIM ", GOOD).await.status, 303);
    // Two names that are the same are no two accounts.
    root.post("/users", json!({"login": "José", "email": "jose@example.com"})).await.ok(201);
    for twin in ["jose\u{301}", "JOSE\u{301}", " josé "] {
        root.post("/users", json!({"login": twin})).await.refused(409, "login_taken");
    }
    // A letter goes to the address that is stored, whatever the request says.
    let all = root.get("/users?q=jos").await.ok(200);
    let jose = all["data"].as_array().and_then(|all| all.iter().find(|one| one["email"] == "jose@example.com")).expect("an account")["id"].as_str().expect("an id").to_owned();
    root.post(&format!("/users/{jose}/link"), json!({"email": "mallory@evil.example", "to": "mallory@evil.example", "recipient": "mallory@evil.example"})).await;
    assert_eq!(site.number("SELECT count(*) FROM sys_outgoing WHERE target <> 'jose@example.com'").await, 0);
    assert!(site.number("SELECT count(*) FROM sys_outgoing WHERE target = 'jose@example.com'").await >= 1);
}

/// 48 · another spelling, another header, another field: the brake counts on
async fn no_spelling_or_header_moves_the_brake(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    root.post("/users", json!({"login": "éloïse"})).await.ok(201);
    let spellings = ["éloïse", "e\u{301}loïse", "éloi\u{308}se", "E\u{301}LOI\u{308}SE", " Éloïse", "ÉLOÏSE ", "e\u{301}loi\u{308}se\u{a0}", "\u{3000}éloïse", "É\u{4c}oïse", "éLOïSE"];
    let mut statuses = Vec::new();
    for (round, name) in spellings.iter().chain(&spellings).enumerate() {
        // A new browser each time, and everything changed that a client may choose.
        let mut browser = Browser::new(&site);
        browser.extra = vec![("x-forwarded-for", format!("10.0.0.{round}")), ("x-real-ip", format!("10.1.0.{round}")), ("forwarded", format!("for=10.2.0.{round}")), ("user-agent", format!("agent {round}")), ("accept-language", "zh".into()), ("cf-connecting-ip", format!("10.3.0.{round}"))];
        let number = round.to_string();
        let answer = browser.post("/login", &[("name", *name), ("password", "guess"), ("next", &number), ("email", &number), ("login", &number), ("name", "other")]).await;
        statuses.push(answer.status);
    }
    assert_eq!(statuses[..10], [422; 10], "{statuses:?}");
    assert_eq!(statuses[10..], [429; 10], "{statuses:?}");
}

/// 46 · a link that outlives the account it was for
async fn a_closed_account_takes_its_links_along(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    let mei = root.post("/users", json!({"login": "mei", "groups": ["keeper"]})).await.ok(201)["id"].as_str().expect("an id").to_owned();
    let user = mei.parse().expect("an id");
    let link = accounts::login_link(&site.app, user, Utc::now()).await.expect("a link");
    accounts::set_active(&site.app, user, false).await.expect("closed");
    let fields = [("password", "quite another sentence"), ("again", "quite another sentence")];
    let used = Browser::new(&site).post(&format!("/login/link/{link}"), &fields).await;
    assert_ne!(used.status, 303, "the link of a closed account is good");
    assert_eq!(site.number("SELECT count(*) FROM sys_user WHERE login = 'mei' AND password IS NOT NULL").await, 0);
    // Opened again, it starts without what was given before.
    accounts::set_active(&site.app, user, true).await.expect("opened");
    assert_ne!(Browser::new(&site).post(&format!("/login/link/{link}"), &fields).await.status, 303, "an old link came back with its account");
}

/// 20, 21, 41 · groups, names and flags in a form that asks for none
async fn fields_that_were_not_asked_for_change_nothing(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let device = cleo.make("device", json!({"name": "Mine"})).await;
    let before = cleo.read("device", &device).await;
    let browser = signed_in(&site, "cleo").await;
    let wishes = [("groups", "administrator"), ("roles", "administrator"), ("role", "administrator"), ("administrator", "true"), ("login", "root"), ("active", "false"), ("is_active", "1"), ("id", kim.id.as_str()), ("user", kim.id.as_str()), ("email", "mallory@evil.example"), ("password", "quite another sentence")];
    for path in ["/me", "/me/tokens", "/lang/en", "/theme/dark"] {
        let answer = browser.post(path, &[&[("name", "Cleo"), ("density", "compact"), ("language", "en")], &wishes[..]].concat()).await;
        assert!(answer.status < 500, "{path}: {}", answer.text);
    }
    let account = cleo.get("/me").await.ok(200);
    assert!(account["login"] == "cleo" && !account.to_string().contains("administrator"), "{account}");
    cleo.get("/users").await.refused(403, "forbidden");
    assert_eq!(Browser::new(&site).sign_in("cleo", GOOD).await.status, 303);
    // Of a record: what the engine keeps is not taken from a body, by none of the ways in.
    let engine = json!({"created_at": "2001-01-01T00:00:00Z", "created_by": kim.id, "updated_by": kim.id, "updated_at": "2001-01-01T00:00:00Z", "site": "elsewhere", "trashed_at": "2001-01-01T00:00:00Z", "deleted_at": "2001-01-01T00:00:00Z", "version": 1});
    let mut body = engine.clone();
    body["notes"] = json!("changed");
    let changed = cleo.patch(&format!("/records/device/{device}"), body).await;
    let after = cleo.read("device", &device).await;
    for key in ["created_at", "created_by", "site"] {
        assert_eq!(after[key], before[key], "{key}: {}", changed.text);
    }
    assert!(after["updated_by"].is_null() || after["updated_by"]["id"] == cleo.id.as_str(), "{after}");
    let form = b"f.notes=x&f.owner=".iter().copied().chain(kim.id.bytes()).chain(*b"&f.created_by=").chain(kim.id.bytes()).chain(*b"&created_by=x&owner=x&f.site=elsewhere&version=99").collect::<Vec<u8>>();
    let answer = cleo.send(Method::POST, &format!("/c/device/{device}"), &[("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")], Some(form)).await;
    assert!(answer.status.as_u16() < 500, "{}", answer.text);
    let after = cleo.read("device", &device).await;
    assert_eq!((&after["owner"]["id"], &after["created_by"], &after["site"]), (&json!(cleo.id), &before["created_by"], &before["site"]));
    let batch = cleo.post("/records/device/batch", json!({"items": [{"op": "update", "id": device, "record": {"owner": kim.id}}, {"op": "create", "record": {"name": "For kim", "owner": kim.id}}]})).await.ok(200);
    assert!(batch["data"].as_array().expect("results").iter().all(|one| one["status"] == 422), "{batch}");
}

/// 52 · an answer to one that a cache gives to another
async fn what_an_answer_sets_belongs_to_no_cache(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "Theirs"})).await;
    let browser = signed_in(&site, "kim").await;
    for path in ["/", "/me", "/c/device", &format!("/c/device/{id}"), "/notices", "/login", "/search?q=x"] {
        let kept = browser.get(path).await.headers.get("cache-control").map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default();
        assert!(kept.contains("no-store") || kept.contains("private") && kept.contains("no-cache"), "{path}: {kept:?}");
    }
    for path in ["/me", "/records/device", &format!("/records/device/{id}"), "/tokens", "/sessions", "/openapi.json"] {
        let answer = kim.get(path).await;
        let kept = answer.header("cache-control");
        assert!(kept.contains("no-store") || kept.contains("private") && kept.contains("no-cache"), "{path}: {kept:?}");
    }
}
