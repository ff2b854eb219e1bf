//! Questions that want to know more than may be known, or more than can be answered.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Database, Site, encoded, pack}};

both!(a_title_does_not_tell_a_hidden_field, a_word_in_the_address_opens_no_door, questions_that_grow_are_cut_short, an_empty_list_lets_nothing_through, spellings_of_a_column_name_nothing);

const LAB: &str = "tests/packs/lab";
const WORD: &str = "Zyzzyva";

/// 12 · a title made of a field one may not read
async fn a_title_does_not_tell_a_hidden_field(database: Database) {
    let mut files = pack(LAB);
    let blind = json!({"key": "blind", "grants": [{"card": "device", "actions": ["read", "export", "print", "share", "report"], "fields": {"name": "none"}}, {"card": "loan", "actions": ["read", "export"]}, {"card": "room", "actions": ["read"]}]});
    files.insert("roles/blind.json".into(), blind.to_string().into_bytes());
    let site = Site::of(database, vec![files]).await;
    let (kim, eve) = (site.person("kim", &["keeper"]).await, site.person("eve", &["blind"]).await);
    let id = kim.make("device", json!({"name": WORD})).await;
    let next = kim.make("device", json!({"name": "Next", "kin": [id], "about": {"card": "device", "id": id}})).await;
    let loan = kim.make("loan", json!({"device": id, "since": "2026-03-01"})).await;
    kim.post(&format!("/records/device/{id}/shares"), json!({"user": eve.id})).await.ok(200);
    let mut told = Vec::new();
    for path in [
        "/api/v1/records/device".to_owned(), format!("/api/v1/records/device/{id}"), format!("/api/v1/records/device/{next}?expand=kin,about"), "/api/v1/records/device?fields=kin".into(), "/api/v1/records/loan".into(), format!("/api/v1/records/loan/{loan}?expand=device"),
        "/api/v1/records/loan?fields=device&sort=device".into(), format!("/api/v1/search?q={WORD}"), format!("/api/v1/records/device/{id}/history"), format!("/api/v1/records/device/{id}/why"), "/api/v1/records/device/export?format=csv".into(),
        "/api/v1/records/loan/export?format=csv".into(), "/api/v1/notices".into(), "/c/device".into(), format!("/c/device/{id}"), format!("/c/device/{next}"), "/c/loan".into(), format!("/c/loan/{loan}"), "/palette?q=D-".into(), "/lookup/device?q=D-".into(), "/search?q=D-".into(),
        format!("/c/device/{id}/as-of"), format!("/c/device/{id}/history"), "/notices".into(), "/".into(), format!("/fav/menu/device/{id}"), "/api/v1/records/device/duplicates".into(), "/api/v1/approvals".into(), "/c/device/trash".into(), format!("/c/device/{id}/share"),
    ] {
        let answer = eve.send(Method::GET, &path, &[], None).await;
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text);
        // What was asked for stands in the answer to it.
        if answer.text.replace(&format!("q={WORD}"), "").contains(WORD) {
            told.push(format!("{path}: {}", answer.text.split(WORD).next().unwrap_or_default().chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect::<String>()));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    let grouped = eve.post("/records/loan/query", json!({"group_by": [{"field": "device"}]})).await;
    assert!(!grouped.text.contains(WORD), "{}", grouped.text);
    assert!(kim.post("/records/loan/query", json!({"group_by": [{"field": "device"}]})).await.text.contains(WORD));
}

/// 24 · a word in the address that looks like a public page
async fn a_word_in_the_address_opens_no_door(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": WORD})).await;
    let nobody = site.nobody();
    let mut wrong = Vec::new();
    for path in [format!("/api/v1/records/device/{id}"), "/api/v1/records/device".into(), "/c/device".into(), format!("/c/device/{id}"), "/studio/users".into(), "/api/v1/users".into()] {
        for spelling in [
            format!("{path}?/login"), format!("{path}?next=/healthz"), format!("{path}?x=/assets/app.css"), format!("{path}#/login"), format!("/{path}"), format!("/login/..{path}"), format!("/assets/..{path}"), format!("/assets/%2e%2e{path}"), format!("{path}/"),
            format!("{path};/login"), format!("{path}%00"), format!("{path}%2f..%2flogin"), path.to_uppercase(), format!("{path}/.css"), format!("/healthz/..{path}"), format!("{path}?_method=GET&user=root&token=x"), format!("/.{path}"), format!("{path}%20"),
        ] {
            for headers in [vec![], vec![("x-original-url", "/login")], vec![("x-rewrite-url", "/healthz"), ("x-forwarded-user", "kim")], vec![("x-http-method-override", "GET"), ("x-user", "kim"), ("remote-user", "kim")]] {
                let answer = nobody.send(Method::GET, &spelling, &headers, None).await;
                let shut = [400, 401, 303, 404, 308].contains(&answer.status.as_u16()) || spelling.starts_with("/assets");
                if !shut || answer.text.contains(WORD) || answer.text.contains("\"login\"") {
                    wrong.push(format!("{spelling}: {} {}", answer.status, answer.text.chars().take(100).collect::<String>()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// 58 · questions that make much out of little
async fn questions_that_grow_are_cut_short(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    kim.make("device", json!({"name": "One"})).await;
    let test = json!({"field": "name", "op": "is", "value": "x"});
    // As text: what is this deep, clients build no otherwise.
    let around = |times: usize, before: &str| format!("{{\"filter\": {}{test}{}}}", before.repeat(times), "}".repeat(times));
    for (name, body) in [("deep", around(2_000, "{\"not\": ")), ("somewhat deep", around(100, "{\"not\": ")), ("related", around(30, "{\"related\": \"device.kin\", \"has\": "))] {
        let answer = kim.send(Method::POST, "/api/v1/records/device/query", &[("content-type", "application/json")], Some(body.into_bytes())).await;
        assert_eq!(answer.status.as_u16(), 400, "{name}: {}", answer.text.chars().take(200).collect::<String>());
    }
    let wide = |times: usize| json!({"any": vec![test.clone(); times]});
    let path = format!("{}name", "kin.".repeat(40));
    let query = |key: &str, value: Value| json!({key: value});
    for (name, body) in [
        ("wide", query("filter", wide(20_000))), ("values", query("filter", json!({"field": "name", "op": "any_of", "value": vec!["x"; 50_000]}))),
        ("path", query("filter", json!({"field": path, "op": "is", "value": "x"}))), ("groups", query("group_by", json!(vec![json!({"field": "grade"}); 500]))),
        ("limit", query("limit", json!(100_000_000))), ("path of a field", query("fields", json!([path]))),
    ] {
        let answer = kim.post("/records/device/query", body).await;
        assert!([400, 413].contains(&answer.status.as_u16()), "{name}: {} {}", answer.status, answer.text.chars().take(200).collect::<String>());
    }
    // The same once more is the same: nothing is carried out a thousand times.
    for (name, body) in [("sort", query("sort", json!(vec!["name"; 3_000].join(",")))), ("fields", query("fields", json!(vec!["name"; 5_000]))), ("expand", query("expand", json!(vec!["kin"; 5_000]))), ("totals", query("totals", json!(vec![json!({"field": "price", "function": "sum"}); 5_000])))] {
        let answer = kim.post("/records/device/query", body).await;
        assert!([400, 413].contains(&answer.status.as_u16()) || answer.text.len() < 20_000, "{name}: {} {} bytes", answer.status, answer.text.len());
    }
}

/// 16 · an empty list, an empty text, a variable that is nothing
async fn an_empty_list_lets_nothing_through(database: Database) {
    let mut files = pack(LAB);
    for (key, scope) in [
        ("nobody", json!({"field": "grade", "op": "any_of", "value": []})), ("unit", json!({"field": "room", "op": "is", "value": "@me.employee"})), ("none", json!({"not": {"field": "grade", "op": "any_of", "value": []}})),
        ("mixed", json!({"any": [{"field": "grade", "op": "any_of", "value": []}, {"field": "room", "op": "is_not", "value": "@me.employee"}]})),
    ] {
        let role = json!({"key": key, "grants": [{"card": "device", "actions": ["read", "update"], "scope": scope}]});
        files.insert(format!("roles/{key}.json"), role.to_string().into_bytes());
    }
    // Who somebody is in the company is said by a binding; for these people it leads nowhere.
    let mut manifest: Value = serde_json::from_slice(&files["pack.json"]).expect("the manifest");
    manifest["actor"] = json!({"employee": {"card": "room", "by": "account"}});
    files.insert("pack.json".into(), manifest.to_string().into_bytes());
    let mut room: Value = serde_json::from_slice(&files["cards/room.json"]).expect("a card");
    room["fields"]["account"] = json!({"type": "user"});
    files.insert("cards/room.json".into(), room.to_string().into_bytes());
    let site = Site::of(database, vec![files]).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": WORD})).await;
    for role in ["nobody", "unit", "none", "mixed"] {
        let eve = site.person(&format!("eve-{role}"), &[role]).await;
        assert!(eve.find("device", &json!({"all": []}), "name", "name").await.is_empty(), "{role}");
        eve.get(&format!("/records/device/{id}")).await.refused(404, "not_found");
        eve.patch(&format!("/records/device/{id}"), json!({"name": "x"})).await.refused(404, "not_found");
    }
}

/// 4, 6, 7 · other names for what may not be named
async fn spellings_of_a_column_name_nothing(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let id = cleo.make("device", json!({"name": "Mine"})).await;
    kim.patch(&format!("/records/device/{id}"), json!({"cost": "4711"})).await.ok(200);
    for name in ["f_cost", "c_device.f_cost", "t1.cost", "t.f_cost", "device.cost", "\"cost\"", "`cost`", "[cost]", "cost ", " cost", "COST", "Cost", "c\u{43e}st", "cost\u{200b}", "cost as name", "name:cost", "cost.value", "cost/0", "owner.password", "created_by.password", "updated_by.token", "keeper.password"] {
        for body in [json!({"fields": [name]}), json!({"sort": name}), json!({"filter": {"field": name, "op": "not_empty"}}), json!({"group_by": [{"field": name}]}), json!({"totals": [{"field": name, "function": "max"}]}), json!({"expand": [name]})] {
            let answer = cleo.post("/records/device/query", body.clone()).await;
            assert!([400, 403].contains(&answer.status.as_u16()) && !answer.text.contains("4711"), "{body}: {} {}", answer.status, answer.text);
        }
    }
    for body in [
        json!({"alias": {"seen": "cost"}, "fields": ["seen"]}), json!({"fields": [{"field": "cost", "as": "name"}]}), json!({"fields": {"name": "cost"}}), json!({"computed": {"x": "cost"}}), json!({"lookup": "cost"}), json!({"filter": {"field": "name", "lookup": "cost", "op": "is", "value": 1}}),
        json!({"filter": {"field": "name", "op": "is", "value": "x", "or": []}}), json!({"filter": {"$or": []}}), json!({"filter": {"name": {"$gt": ""}}}), json!({"where": "1=1"}), json!({"totals": [{"expr": "max(cost)", "function": "max"}]}), json!({"filter": {"field": "name", "op": "is", "value": {"field": "cost"}}}),
        json!({"filter": {"field": "name", "op": "is", "value": "@record.cost"}}),
    ] {
        let answer = cleo.post("/records/device/query", body.clone()).await;
        assert!([400, 403].contains(&answer.status.as_u16()) && !answer.text.contains("4711"), "{body}: {} {}", answer.status, answer.text);
    }
    for pair in ["alias[x]=cost&fields=x", "filter[cost][_gt]=1", "where=cost>1", "fields[]=cost", "sort[]=cost", "deep[kin][_filter]=1", "aggregate[max]=cost", "groupBy=cost"] {
        let answer = cleo.get(&format!("/records/device?{}", pair.split('&').map(|pair| pair.split('=').map(encoded).collect::<Vec<_>>().join("=")).collect::<Vec<_>>().join("&"))).await;
        assert!([400, 403].contains(&answer.status.as_u16()) && !answer.text.contains("4711"), "{pair}: {} {}", answer.status, answer.text);
    }
}
