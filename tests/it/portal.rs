//! People from outside: one page, and nothing of the house, whatever their grants say.

use reqwest::Method;
use serde_json::json;

use crate::{accounts::{root, signed_in}, both, browser::Browser, route_rows::{Asks, OUTSIDE, ROUTES}, routes::send, site::{Database, Site, pack}};

both!(nothing_of_the_house_is_there, their_page_shows_what_they_may_read, who_comes_to_be_from_outside_is_so_at_once);

const MISSING: &str = "01930000-0000-7000-8000-00000000dead";

/// The lab, with people from outside who may do everything with devices, and nothing else.
async fn site(database: Database) -> Site {
    let mut files = pack("tests/packs/lab");
    let role = json!({"key": "outsider", "portal": true, "labels": {"en": "Outsiders"}, "grants": [{"card": "device", "actions": ["*"], "scope": "all", "fields": {"notes": "none"}}]});
    files.insert("roles/outsider.json".into(), role.to_string().into_bytes());
    Site::of(database, vec![files]).await
}

async fn nothing_of_the_house_is_there(database: Database) {
    let site = site(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let mallory = site.person("mallory", &["outsider"]).await;
    let id = kim.make("device", json!({"name": "Zyzzyva", "notes": "between us"})).await;
    let before = site.content().await;
    let mut wrong = Vec::new();
    // What asks for nothing comes last: a sign-in that fails is written down, whoever tries it.
    let (free, asking): (Vec<_>, Vec<_>) = ROUTES.iter().partition(|(_, _, asks)| *asks == Asks::Nothing);
    for (index, (method, path, asks)) in asking.iter().chain(&free).enumerate() {
        if index == asking.len() {
            assert_eq!(site.content().await, before);
        }
        let answer = send(&mallory, method, path, "device", &id).await;
        let status = answer.status.as_u16();
        let open = OUTSIDE.contains(&(method, path));
        // What asks for nothing is the same for everybody: signing in, files of the pages.
        let right = match asks {
            Asks::Nothing => status < 500,
            _ if open => status == 200,
            _ => status == 404,
        };
        let told = ["kim", "between us", "/studio", "/palette"].iter().any(|word| answer.text.contains(word)) || (answer.text.contains("Zyzzyva") && !open);
        if !right || (told && *asks != Asks::Nothing) {
            wrong.push(format!("{method} {path}: {status} {}", answer.text.chars().take(160).collect::<String>()));
        }
        if *asks != Asks::Nothing && !open {
            let missing = send(&mallory, method, path, "nonsense", MISSING).await;
            let alike = |text: &str| text.replace(MISSING, "ID").replace(&id, "ID").replace("nonsense", "CARD").replace("device", "CARD");
            if (missing.status, alike(&missing.text)) != (answer.status, alike(&answer.text)) {
                wrong.push(format!("{method} {path}: what is there is answered otherwise than what is not"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (method, path) in OUTSIDE {
        assert!(ROUTES.iter().any(|(known, at, _)| known == method && at == path), "{method} {path}");
    }
    // The same with the cookie of a session.
    let browser = signed_in(&site, "mallory").await;
    for path in ["/me", "/c/device", "/studio/users", "/api/v1/users", "/palette?q=a", "/lookup/user?q=k", "/search?q=a", "/events", "/nowhere"] {
        let page = browser.get(path).await;
        assert!(page.status == 404 && !page.text.contains("Zyzzyva") && !page.text.contains("kim"), "{path}: {}", page.status);
    }
    assert_eq!(browser.post("/me/tokens", &[("name", "x")]).await.status, 404);
    assert_eq!(browser.post(&format!("/c/device/{id}"), &[("f.name", "Changed"), ("version", "1")]).await.status, 404);
    assert_eq!(kim.read("device", &id).await["name"], "Zyzzyva");
}

async fn their_page_shows_what_they_may_read(database: Database) {
    let site = site(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    site.person("mallory", &["outsider"]).await;
    kim.make("device", json!({"name": "Zyzzyva <b>", "notes": "between us"})).await;
    kim.make("room", json!({"name": "Cellar"})).await;
    let browser = signed_in(&site, "mallory").await;
    let page = browser.get("/").await.ok(200);
    for words in ["mallory", "Cardstock", "Devices", "Zyzzyva &lt;b&gt;", "action=\"/logout\"", "/lang/zh-Hans", "/theme/dark"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    for words in ["Cellar", "kim", "between us", "/palette", "/studio", "/me\"", "sidebar", "/c/device", "/fav", "<b>"] {
        assert!(!page.text.split("<body").nth(1).unwrap_or_default().contains(words), "{words}");
    }
    // An administrator who looks at the site as she would sees the same, and comes back.
    let root = root(&site).await;
    let admin = signed_in(&site, "root").await;
    let her = root.get("/users?q=mallory").await.ok(200)["data"].as_array().expect("people").iter().find(|one| one["login"] == "mallory").expect("her").clone();
    admin.post("/view-as", &[("user", her["id"].as_str().expect("an id"))]).await.ok(303);
    let seen = admin.get("/").await.ok(200);
    assert!(seen.text.contains("Zyzzyva &lt;b&gt;") && seen.text.contains("/view-as/end") && !seen.text.contains("Cellar"));
    assert_eq!(admin.get("/c/device").await.status, 404);
    admin.post("/view-as/end", &[]).await.ok(303);
    admin.get("/c/device").await.ok(200);
    browser.post("/lang/zh-Hans", &[("next", "/")]).await.ok(303);
    assert!(browser.get("/").await.ok(200).text.contains("您好"));
    browser.post("/logout", &[]).await.ok(303);
    assert!(browser.get("/").await.ok(303).to().starts_with("/login"));
}

async fn who_comes_to_be_from_outside_is_so_at_once(database: Database) {
    let site = site(database).await;
    let root = root(&site).await;
    let zoe = site.person("zoe", &["keeper"]).await;
    zoe.get("/records/device").await.ok(200);
    let path = format!("/users/{}", zoe.id);
    root.patch(&path, json!({"groups": ["outsider"]})).await.ok(200);
    zoe.get("/notices").await.refused(404, "not_found");
    assert_eq!(zoe.send(Method::GET, "/c/device", &[], None).await.status.as_u16(), 404);
    root.patch(&path, json!({"groups": ["keeper"]})).await.ok(200);
    zoe.get("/notices").await.ok(200);
    assert_eq!(Browser::new(&site).sign_in("zoe", crate::accounts::GOOD).await.status, 303);
}
