//! Every way to ask times every kind of hidden field: no answer hangs on the value. Each request is sent, the value is
//! changed, and the request is sent again; what comes back is the same, or was refused before anything ran.
//!
//! **Invariants**
//! - The matrix is generated: a way to ask that is not in [`ways`] is not tested, so new ones belong there.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Answer, Database, Files, Person, Site, encoded, pack}};

both!(no_answer_hangs_on_what_is_hidden);

/// Hidden by a grant (of the record, of a linked record, of a child row), and secret for everybody.
const FIELDS: [(&str, &str); 5] = [("cost", "hidden"), ("pin", "secret"), ("parts.price", "hidden"), ("kin.cost", "hidden"), ("room.budget", "hidden")];
const VALUES: [&str; 2] = ["4711", "8080"];

fn lab() -> Files {
    let mut files = pack("tests/packs/lab");
    let blind = json!({"key": "blind", "grants": [
        {"card": "device", "actions": ["read", "export", "update", "report", "print", "bulk", "restore"], "fields": {"cost": "none", "parts.price": "none", "worth": "none", "parts.amount": "none", "parts_total": "none", "room_budget": "none"}},
        {"card": "room", "actions": ["read"], "fields": {"budget": "none"}}, {"card": "loan", "actions": ["read"]}]});
    files.insert("roles/blind.json".into(), blind.to_string().into_bytes());
    files
}

/// One request of the matrix, told by its name.
struct Way { name: String, method: Method, path: String, body: Option<Value> }

fn get(name: impl Into<String>, path: impl Into<String>) -> Way {
    Way { name: name.into(), method: Method::GET, path: path.into(), body: None }
}

fn post(name: impl Into<String>, path: impl Into<String>, body: Value) -> Way {
    Way { name: name.into(), method: Method::POST, path: path.into(), body: Some(body) }
}

/// Every way to name a field: itself, and through links up to four deep.
fn paths(field: &str) -> Vec<String> {
    let through = ["", "kin.", "kin.kin.", "kin.kin.kin.", "about(device).", "kin.about(device)."];
    through.iter().map(|way| format!("{way}{field}")).filter(|path| path.matches('.').count() <= 4).collect()
}

/// Everything that can be asked about one field of a device.
fn ways(field: &str, id: &str) -> Vec<Way> {
    let list = |extra: &str| format!("/api/v1/records/device?{extra}");
    let query = "/api/v1/records/device/query";
    let mut all = Vec::new();
    for path in paths(field) {
        for op in ["is", "is_not", "gt", "gte", "lt", "lte", "contains", "not_contains", "starts_with", "ends_with", "any_of", "none_of", "empty", "not_empty", "between"] {
            let value = match op { "any_of" | "none_of" => json!([VALUES[0]]), "between" => json!([VALUES[0], "5000"]), "empty" | "not_empty" => Value::Null, _ => json!(VALUES[0]) };
            let mut test = json!({"field": path, "op": op, "value": value});
            if value.is_null() {
                test.as_object_mut().expect("a test").remove("value");
            }
            all.push(post(format!("filter {op}"), query, json!({"filter": test, "count": "exact"})));
            if op == "is" {
                all.push(post("filter, negated", query, json!({"filter": {"not": test}, "count": "exact"})));
                all.push(post("filter, one of several", query, json!({"filter": {"any": [test, {"field": "name", "op": "is", "value": "nobody"}]}})));
                all.push(get("filter of a list's page", format!("/c/device?filter={}", encoded(&test.to_string()))));
                all.push(get("count of a list's page", format!("/c/device/count?filter={}", encoded(&test.to_string()))));
                all.push(get("export, filtered", format!("/api/v1/records/device/export?format=csv&filter={}", encoded(&test.to_string()))));
                all.push(post("rows that point here", "/api/v1/records/loan/query", json!({"filter": {"field": format!("device.{path}"), "op": "is", "value": VALUES[0]}})));
                all.push(post("related rows", "/api/v1/records/room/query", json!({"filter": {"related": "device.room", "has": test}})));
                all.push(post("a kept list", "/api/v1/views/device", json!({"labels": {"en": "Kept"}, "columns": ["name"], "filter": test})));
                all.push(post("many at once", "/api/v1/records/device/bulk", json!({"action": "edit", "filter": test, "values": {}, "dry_run": true})));
            }
        }
        for sort in [path.clone(), format!("-{path}")] {
            all.push(get("sort", list(&format!("sort={}", encoded(&sort)))));
            all.push(get("sort of a page", format!("/c/device?sort={}", encoded(&sort))));
        }
        all.push(post("group", query, json!({"group_by": [{"field": path}]})));
        for function in ["sum", "avg", "min", "max", "count", "count_distinct", "count_empty"] {
            all.push(post(format!("total {function}"), query, json!({"totals": [{"field": path, "function": function}]})));
        }
        all.push(get("selected", list(&format!("fields=name,{}", encoded(&path)))));
        all.push(post("selected twice", query, json!({"fields": [path, "name", path]})));
        all.push(get("expanded", list(&format!("expand={}", encoded(&path)))));
        all.push(get("export, chosen", format!("/api/v1/records/device/export?format=csv&fields=name,{}", encoded(&path))));
        all.push(get("explained", format!("/api/v1/records/device/{id}/explain/{}", encoded(&path))));
    }
    for value in VALUES {
        all.push(get("search", format!("/api/v1/search?q={value}")));
        all.push(get("search in a list", list(&format!("q={value}&count=exact"))));
        all.push(get("palette", format!("/palette?q={value}")));
        all.push(get("link picker", format!("/lookup/device?q={value}")));
        all.push(get("search page", format!("/search?q={value}")));
    }
    for path in ["", "/history", "/states", "/transitions", "/shares", "/why"] {
        all.push(get("a record", format!("/api/v1/records/device/{id}{path}")));
    }
    all.push(get("a record with all around", format!("/api/v1/records/device/{id}?expand=kin,room,about")));
    all.push(get("a record's page", format!("/c/device/{id}")));
    all.push(get("a record's why", format!("/c/device/{id}/why")));
    all.push(get("a whole list", list("limit=500&count=exact")));
    all.push(get("a whole page", "/c/device"));
    all.push(get("export", "/api/v1/records/device/export?format=csv"));
    all.push(get("trash", list("trash=only")));
    all.push(get("definition", "/api/v1/cards/device"));
    all.push(get("document", "/api/v1/openapi.json"));
    all.push(get("notices", "/api/v1/notices"));
    all.push(get("duplicates", "/api/v1/records/device/duplicates"));
    all
}

async fn ask(person: &Person, way: &Way) -> Answer {
    let headers = [("content-type", "application/json"), ("sec-fetch-site", "same-origin")];
    person.send(way.method.clone(), &way.path, &headers, way.body.as_ref().map(|body| body.to_string().into_bytes())).await
}

/// What an answer says, without what a change leaves behind on a record whatever was changed: its version and when.
fn said(answer: &Answer) -> String {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for key in ["version", "updated_at", "updated_by", "at", "id", "next", "etag", "computed_at"] {
                    map.remove(key);
                }
                map.values_mut().for_each(strip);
            }
            Value::Array(all) => all.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut body = answer.body.clone();
    if body.is_null() {
        // Of a page only whether it says a value, and its length in lines, since ages and nonces stand in it.
        return format!("{} {}", answer.status, VALUES.iter().map(|value| answer.text.matches(value).count().to_string()).collect::<Vec<_>>().join(" "));
    }
    strip(&mut body);
    format!("{} {body}", answer.status)
}

async fn no_answer_hangs_on_what_is_hidden(database: Database) {
    let site = Site::of(database, vec![lab()]).await;
    let (kim, eve) = (site.person("kim", &["keeper"]).await, site.person("eve", &["blind"]).await);
    let room = kim.make("room", json!({"name": "Vault", "budget": VALUES[0]})).await;
    let far = kim.make("device", json!({"name": "Far", "cost": VALUES[0]})).await;
    let near = kim.make("device", json!({"name": "Near", "kin": [far], "cost": VALUES[0], "about": {"card": "device", "id": far}})).await;
    let id = kim.make("device", json!({"name": "Here", "room": room, "kin": [near], "about": {"card": "device", "id": near}, "cost": VALUES[0], "pin": VALUES[0], "parts": [{"label": "Nut", "quantity": "1", "price": VALUES[0]}]})).await;
    kim.make("loan", json!({"device": id, "since": "2026-03-01"})).await;
    let row = kim.read("device", &id).await["parts"][0]["id"].clone();
    let put = async |value: &str| {
        kim.patch(&format!("/records/room/{room}"), json!({"budget": value})).await.ok(200);
        for device in [&far, &near] {
            kim.patch(&format!("/records/device/{device}"), json!({"cost": value, "pin": value})).await.ok(200);
        }
        kim.patch(&format!("/records/device/{id}"), json!({"cost": value, "pin": value, "parts": {"change": [{"id": row, "price": value}]}})).await.ok(200);
    };
    // History grows with every change, whatever it is of: both times as many were made.
    put(VALUES[1]).await;
    put(VALUES[0]).await;
    let (mut first, mut cells) = (Vec::new(), BTreeSet::new());
    let matrix: Vec<(&str, Vec<Way>)> = FIELDS.iter().map(|(field, class)| (*class, ways(field, &id))).collect();
    for (class, ways) in &matrix {
        for way in ways {
            let answer = ask(&eve, way).await;
            assert!(answer.status.as_u16() < 500, "{}: {}", way.name, answer.text);
            first.push(said(&answer));
            cells.insert(format!("{class} {}", way.name));
        }
    }
    put(VALUES[1]).await;
    let mut leaks = Vec::new();
    for (way, before) in matrix.iter().flat_map(|(_, ways)| ways).zip(&first).filter(|(way, _)| !way.path.ends_with("/history")) {
        let after = said(&ask(&eve, way).await);
        // What is searched for stands in the answer; it is the same both times.
        if after != *before {
            leaks.push(format!("{} {} {:?}\n  {before}\n  {after}", way.name, way.path, way.body.as_ref().map(Value::to_string)));
        }
    }
    assert!(leaks.is_empty(), "{} answers hang on what is hidden:\n{}", leaks.len(), leaks.join("\n"));
    assert!(cells.len() > 90, "{} cells", cells.len());
    // The history tells that something was changed, and never of a hidden field.
    let history = eve.get(&format!("/records/device/{id}/history")).await.ok(200).to_string();
    for word in ["cost", "pin", VALUES[0], VALUES[1]] {
        assert!(!history.contains(&format!("\"{word}\"")), "{word}: {history}");
    }
    // And somebody who reads everything sees the difference: the matrix asks something.
    let root = site.person("root", &["keeper"]).await;
    let seen = root.post("/records/device/query", json!({"filter": {"field": "cost", "op": "is", "value": VALUES[1]}, "count": "exact"})).await.ok(200);
    assert_eq!(seen["count"]["value"], 3);
}
