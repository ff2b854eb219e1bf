//! Secrets: of any type, told nowhere; canaries that must stand in no copy of anything.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{accounts::{GOOD, root, signed_in}, both, publishing::pack_of, site::{Database, Site, pack}};

both!(a_secret_of_any_type_is_told_nowhere, canaries_stand_in_no_copy);

/// 3, 53 · a secret that is no text
async fn a_secret_of_any_type_is_told_nowhere(database: Database) {
    let kinds = [
        ("text", json!("canary-4711")), ("long_text", json!("canary-4711")), ("email", json!("canary-4711@example.com")), ("phone", json!("+49 30 4711081500")), ("url", json!("https://canary-4711.example")), ("integer", json!(47_110_815)),
        ("money", json!("47110815.00")), ("percent", json!("47110815.00")), ("decimal", json!("47110815.00")), ("date", json!("4711-08-15")), ("datetime", json!("4711-08-15T08:15:00Z")), ("duration", json!(47_110_815)), ("colour", json!("#471108")),
        ("choice", json!("canary-4711")), ("json", json!({"canary-4711": 1})), ("address", json!({"city": "canary-4711"})),
    ];
    let mut fields = serde_json::Map::from_iter([("name".to_owned(), json!({"type": "text"}))]);
    for (kind, _) in &kinds {
        let mut field = json!({"type": kind, "class": "secret", "track": "changes"});
        if *kind == "choice" {
            field["options"] = json!([{"value": "canary-4711"}, {"value": "other"}]);
        }
        fields.insert(format!("s_{kind}"), field);
    }
    // What a type does not take as a secret is said when the pack is checked; the others are tried.
    let card = |fields: &serde_json::Map<String, Value>| json!({"key": "safe", "title": "{name}", "fields": fields, "permissions": [{"role": "keeper", "actions": ["*"]}]});
    let site = Site::of(database, vec![pack_of(&[card(&fields)], &[("roles/keeper.json", json!({"key": "keeper"}))])]).await;
    let (kim, boss) = (site.person("kim", &["keeper"]).await, site.person("boss", &["administrator"]).await);
    let mut record = json!({"name": "Safe"});
    for (kind, value) in &kinds {
        record[format!("s_{kind}")] = value.clone();
    }
    let id = kim.make("safe", record).await;
    assert_eq!(site.number("SELECT count(*) FROM c_safe WHERE f_s_text = 'canary-4711' AND f_s_integer = 47110815").await, 1);
    for person in [&kim, &boss] {
        for path in [
            format!("/api/v1/records/safe/{id}"), "/api/v1/records/safe".into(), format!("/api/v1/records/safe/{id}/history"), "/api/v1/records/safe/export?format=csv".into(), "/api/v1/records/safe?q=4711".into(), "/api/v1/search?q=canary".into(), format!("/c/safe/{id}"), "/c/safe".into(),
            format!("/c/safe/{id}/history"), "/palette?q=4711".into(), format!("/api/v1/records/safe/{id}/why"), "/c/safe/columns".into(), "/c/safe/filter".into(), "/c/safe/query".into(),
        ] {
            let answer = person.send(Method::GET, &path, &[], None).await;
            assert!(answer.status.as_u16() < 500, "{path}");
            let text = answer.text.replace("value=\"canary-4711\"", "");
            assert!(!["canary-4711", "47110815", "4711-08-15", "4711081500", "#471108"].iter().any(|word| text.replace("q=4711", "").contains(word)) || path == format!("/c/safe/{id}") && !text.contains("47110815"), "{path} tells: {}", text);
        }
        for (kind, _) in &kinds {
            let name = format!("s_{kind}");
            for body in [
                json!({"totals": [{"field": name, "function": "max"}]}), json!({"totals": [{"field": name, "function": "min"}], "group_by": [{"field": "name"}]}), json!({"totals": [{"field": name, "function": "count_distinct"}]}), json!({"totals": [{"field": name, "function": "count"}]}),
                json!({"group_by": [{"field": name}]}), json!({"sort": name}), json!({"fields": [name]}), json!({"filter": {"field": name, "op": "not_empty"}}), json!({"filter": {"not": {"field": name, "op": "empty"}}}),
            ] {
                let answer = person.post("/records/safe/query", body.clone()).await;
                assert!([400, 403].contains(&answer.status.as_u16()), "{body}: {} {}", answer.status, answer.text);
            }
            for path in [format!("/records/safe/{id}/explain/{name}"), format!("/records/safe/{id}/series/{name}"), format!("/records/safe/export?fields={name}")] {
                let answer = person.get(&path).await;
                assert!(answer.status.is_client_error() && !answer.text.contains("4711-08"), "{path}: {} {}", answer.status, answer.text);
            }
        }
    }
    // Each long enough to stand in no id by chance.
    for word in ["canary-4711", "47110815", "4711-08-15", "4711081500", "#471108"] {
        assert_eq!(written(&site, word).await, ["c_safe"], "copies of the secret {word}");
    }
}

/// 14, 52 · a password, a token or a secret in some copy of the data
async fn canaries_stand_in_no_copy(database: Database) {
    let site = Site::of(database, vec![pack("tests/packs/lab")]).await;
    let root = root(&site).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "Safe", "pin": "canary-pin"})).await;
    kim.patch(&format!("/records/device/{id}"), json!({"pin": "canary-pin-2"})).await.ok(200);
    kim.post("/records/device/bulk", json!({"action": "edit", "ids": [id], "fields": [{"field": "pin", "value": "canary-pin-3"}]})).await;
    kim.post_with("/records/device", &[("idempotency-key", "once")], json!({"name": "Twice", "pin": "canary-pin-4"})).await.ok(201);
    crate::imports::reader();
    crate::imports::send(&kim, "/records/device/import", b"name,pin\nx,canary-pin-5\n", &json!({})).await;
    let browser = signed_in(&site, "kim").await;
    let session = browser.session().expect("a session");
    browser.post("/me/password", &[("confirm_password", GOOD), ("password", "canary password one"), ("again", "canary password one")]).await.ok(303);
    crate::browser::Browser::new(&site).sign_in("kim", "canary password two").await.ok(422);
    crate::browser::Browser::new(&site).sign_in("canary password three", "x").await.ok(422);
    let link = app::accounts::login_link(&site.app, crate::accounts::id(&kim), chrono::Utc::now()).await.expect("a link");
    root.delete(&format!("/records/device/{id}")).await;
    let token = kim.token.clone().expect("a token");
    for canary in ["canary password", token.as_str(), session.as_str(), link.as_str(), GOOD] {
        assert_eq!(written(&site, canary).await, Vec::<String>::new(), "{canary} is kept");
    }
    // What waits to be imported waits closed.
    assert_eq!(written(&site, "canary-pin").await, ["c_device"], "copies of a secret");
    for path in ["/log/signin", "/log/operation", "/notices", "/jobs", "/batches"] {
        let answer = root.get(path).await;
        assert!(!answer.text.contains("canary"), "{path}: {}", answer.text);
    }
}

/// The tables in which a text stands, whatever the column.
async fn written(site: &Site, word: &str) -> Vec<String> {
    let sqlite = site.url.is_none();
    let tables = if sqlite {
        "SELECT m.name, group_concat('CASE typeof(\"' || p.name || '\") WHEN ''blob'' THEN hex(\"' || p.name || '\") ELSE coalesce(\"' || p.name || '\", '''') END', ' || '' '' || ') FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' GROUP BY m.name ORDER BY m.name"
    } else {
        "SELECT tablename::text, 't::text' FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    };
    let mut found = Vec::new();
    for row in site.texts(tables.to_owned(), 2).await {
        let (name, text) = (&row[0], &row[1]);
        // PostgreSQL writes bytes as numbers.
        let bytes: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
        let count = format!("SELECT count(*) FROM \"{name}\" t WHERE {text} LIKE '%{}%' OR {text} LIKE '%{bytes}%'", word.replace('\'', "''"));
        // The definitions say what may be chosen.
        if !name.starts_with("sys_catalog") && !name.starts_with("sys_pack") && !name.starts_with("sys_definition") && site.number(&count).await > 0 {
            found.push(name.clone());
        }
    }
    found
}
