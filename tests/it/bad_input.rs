//! What nobody should send, and what must then happen: a clear refusal, nothing half-written, never a 500.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Database, Site, encoded, violations}};

both!(bodies_that_are_no_records, who_is_refused_while_sending_is_heard, names_of_all_kinds, numbers_and_days_at_the_edge, ids_that_are_none, files, hostile_paths_and_headers);

const LAB: &str = "tests/packs/lab";

async fn bodies_that_are_no_records(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let json_type = ("content-type", "application/json");
    let cases: Vec<(Vec<u8>, (&str, &str), u16)> = vec![
        (b"{".to_vec(), json_type, 400),
        (b"".to_vec(), json_type, 400),
        (b"[]".to_vec(), json_type, 400),
        (b"\"text\"".to_vec(), json_type, 400),
        (b"null".to_vec(), json_type, 400),
        (b"{\"name\": \"\xff\xfe\"}".to_vec(), json_type, 400),
        (b"{\"name\": \"a\"}".to_vec(), ("content-type", "text/plain"), 415),
        (b"name=a".to_vec(), ("content-type", "application/x-www-form-urlencoded"), 415),
        (format!("{{\"extra\": {}1{}}}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes(), json_type, 400),
        (format!("{{\"name\": \"{}\"}}", "a".repeat(10 * 1024 * 1024)).into_bytes(), json_type, 413),
    ];
    for (body, kind, status) in cases {
        let start: String = String::from_utf8_lossy(&body).chars().take(40).collect();
        let answer = kim.send(Method::POST, "/api/v1/records/device", &[kind], Some(body)).await;
        assert_eq!(answer.status.as_u16(), status, "{start}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{start}");
    }
    for (lang, words) in [("zh-CN", "请以 Content-Type: application/json 发送 JSON。"), ("zh-TW", "請以 Content-Type: application/json 傳送 JSON。"), ("en", "send JSON with Content-Type: application/json")] {
        let answer = site.nobody().send(Method::POST, "/api/v1/records/device", &[("accept-language", lang), ("content-type", "text/plain"), ("authorization", &format!("Bearer {}", kim.token.as_deref().expect("a token")))], Some(b"x".to_vec())).await;
        // Who is known is told in their own language, whatever the browser says.
        assert_eq!(answer.refused(415, "unsupported_type")["detail"], "send JSON with Content-Type: application/json");
        let form = site.nobody().send(Method::POST, "/login", &[("accept-language", lang), ("content-type", "text/plain"), ("hx-request", "true")], Some(b"x".to_vec())).await;
        assert_eq!(form.refused(415, "unsupported_type")["detail"], words.replace("application/json", "application/x-www-form-urlencoded").replace("send JSON", "send a form").replace("发送 JSON", "发送表单").replace("傳送 JSON", "傳送表單"));
        let page = site.nobody().send(Method::POST, "/login", &[("accept-language", lang), ("content-type", "text/plain")], Some(b"x".to_vec())).await;
        assert!(page.status.as_u16() == 415 && page.text.starts_with("<!doctype html>"), "{}", page.text);
    }
    let names: serde_json::Map<String, Value> = (0..500).map(|number| (format!("field{number}"), json!(1))).collect();
    kim.post("/records/device", Value::Object(names)).await.refused(422, "invalid");
    let rows: Vec<Value> = (0..12_000).map(|number| json!({"label": format!("R{number}"), "quantity": "1"})).collect();
    let answer = kim.post("/records/device", json!({"name": "Many", "parts": rows})).await;
    assert!([201, 413, 422].contains(&answer.status.as_u16()), "{}", answer.text);
}

/// A refusal comes before the body is read. It is heard all the same, and the connection serves the next request.
async fn who_is_refused_while_sending_is_heard(database: Database) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let host = kim.address();
    for (kind, size) in [("text/plain", 300_000), ("application/json", 3_000_000)] {
        let mut stream = tokio::net::TcpStream::connect(&host).await.expect("a connection");
        let head = format!("POST /api/v1/records/device HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\n\r\n", kim.token.as_deref().expect("a token"));
        stream.write_all(head.as_bytes()).await.expect("sent");
        // In pieces: the server has decided long before the last of them.
        for _ in 0..100 {
            stream.write_all(&vec![b'x'; size / 100]).await.expect("the connection is still there");
            tokio::task::yield_now().await;
        }
        stream.write_all(format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes()).await.expect("the connection is still there");
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.expect("both answers");
        let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)).collect();
        assert_eq!(statuses, [if size > 2_000_000 { "413" } else { "415" }, "200"], "{kind}: {answers}");
    }
}

async fn names_of_all_kinds(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    for name in ["O'Brien \"& Söhne\"; DROP TABLE c_device; --", "🧪👩‍🔬", "\u{202e}evil", "比色皿", "<script>alert(1)</script>", "{{ 7 * 7 }}", "\\", "%_", "a\u{0301}"] {
        let id = kim.make("device", json!({"name": name})).await;
        let read = kim.read("device", &id).await;
        // Composed, so that what looks the same is the same.
        let expected = if name == "a\u{0301}" { "á" } else { name };
        let stored = read["name"].as_str().unwrap_or_default();
        assert!(stored == expected || name.starts_with('\u{202e}'), "{name:?} came back as {stored:?}");
        let found = kim.find("device", &json!({"field": "name", "op": "is", "value": stored}), "no", "id").await;
        assert!(found.contains(&json!(id)), "{name:?} is not found");
    }
    for name in ["a\u{0}b", "a\u{7}b", "", "   ", "x\ny"] {
        let problem = kim.post("/records/device", json!({"name": name})).await.refused(422, "invalid");
        assert!(violations(&problem)[0].starts_with("name "), "{problem}");
    }
    kim.post("/records/device/query", json!({"filter": {"field": "name", "op": "contains", "value": "a\u{0}b"}})).await.refused(400, "bad_filter");
    let problem = kim.post("/records/device", json!({"name": "n".repeat(61)})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["name max_length"]);
}

async fn numbers_and_days_at_the_edge(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let wrong = [
        ("price", json!("1000000000000000")), ("price", json!("1e400")), ("price", json!("NaN")), ("price", json!("Infinity")), ("price", json!("0x10")), ("price", json!("1,5")), ("price", json!("")),
        ("amount", json!(9_007_199_254_740_993_i64)), ("amount", json!(1.5)), ("amount", json!("many")), ("lasts", json!(1e30)), ("stars", json!(-1)),
        ("bought", json!("2026-02-29")), ("bought", json!("0000-01-01")), ("bought", json!("10000-01-01")), ("bought", json!("24.11.2026")), ("bought", json!(20_261_124)),
        ("opens", json!("24:00")), ("checked", json!("2026-11-24T25:00:00Z")), ("checked", json!("2026-11-24 10:00")), ("checked", json!("+262143-12-31T23:59:59Z")),
        ("place", json!({"lat": "north", "lon": 1})), ("address", json!(["Berlin"])), ("extra", json!(null)),
    ];
    for (key, value) in wrong {
        let answer = kim.post("/records/device", json!({"name": "Edge", key: value})).await;
        let empties = value.is_null() || value == "";
        assert_eq!(answer.status.as_u16(), if empties { 201 } else { 422 }, "{key} {value}: {}", answer.text);
        if !empties {
            assert!(violations(&answer.body)[0].starts_with(key), "{}", answer.text);
        }
    }
    for (key, value) in [("price", json!("9999999999999.99")), ("weight", json!("-999999999999.999")), ("amount", json!(0)), ("bought", json!("0001-01-01")), ("bought", json!("9999-12-31")), ("checked", json!("2026-11-24T10:00:00+08:00")), ("price", json!(12.5))] {
        let id = kim.make("device", json!({"name": "Fits", key: value})).await;
        assert!(!kim.read("device", &id).await[key].is_null(), "{key}");
    }
    // A product beyond what fits is said, not cut.
    let problem = kim.post("/records/device", json!({"name": "Huge", "parts": [{"label": "A", "quantity": "999999999999", "price": "9999999999999.99"}]})).await.refused(422, "invalid");
    assert!(violations(&problem).iter().any(|line| line.starts_with("parts")), "{problem}");
}

async fn ids_that_are_none(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    for id in ["1", "nonsense", "00000000-0000-0000-0000-000000000000", "..%2F..%2Fetc", "%00", "ffffffff-ffff-ffff-ffff-ffffffffffff'"] {
        kim.get(&format!("/records/device/{id}")).await.refused(404, "not_found");
        kim.patch(&format!("/records/device/{id}"), json!({"name": "x"})).await.refused(404, "not_found");
        kim.delete(&format!("/records/device/{id}")).await.refused(404, "not_found");
        kim.get(&format!("/records/device/{id}/history")).await.refused(404, "not_found");
        kim.post(&format!("/records/device/{id}/restore"), json!({})).await.refused(404, "not_found");
        kim.get(&format!("/files/{id}")).await.refused(404, "not_found");
    }
    for body in [json!({"name": "x", "id": "nonsense"}), json!({"name": "x", "version": "three"}), json!({"name": "x", "room": {"id": 5}}), json!({"name": "x", "parts": {"remove": ["x"]}}), json!({"name": "x", "parts": "none"}), json!({"name": "x", "parts": [1]})] {
        kim.post("/records/device", body).await.refused(422, "invalid");
    }
    // A maker may choose the id; only once.
    let id = "01930000-0000-7000-8000-000000000001";
    kim.post("/records/device", json!({"id": id, "name": "Chosen"})).await.ok(201);
    kim.post("/records/device", json!({"id": id, "name": "Again"})).await.refused(409, "id_taken");
}

async fn files(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let upload = async |person: &crate::site::Person, name: &str, kind: &str, bytes: &[u8]| {
        let mut body = format!("--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: {kind}\r\n\r\n").into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--XX--\r\n");
        person.send(Method::POST, "/api/v1/files", &[("content-type", "multipart/form-data; boundary=XX")], Some(body)).await
    };
    let id_of = |body: &Value| body["id"].as_str().or(body["data"][0]["id"].as_str()).expect("an id").to_owned();
    let page = upload(&kim, "../../evil.html", "text/html", b"<script>alert(1)</script>").await.ok(201);
    let id = id_of(&page);
    // An upload is its uploader's alone until it belongs to a record.
    cleo.get(&format!("/files/{id}")).await.refused(404, "not_found");
    let answer = kim.get(&format!("/files/{id}")).await;
    assert_eq!(answer.status.as_u16(), 200);
    assert!(answer.header("content-disposition").starts_with("attachment") && !answer.header("content-disposition").contains('/'), "{}", answer.header("content-disposition"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-security-policy").contains("sandbox"), "{}", answer.header("content-security-policy"));
    // Another's upload cannot be attached.
    let problem = cleo.post("/records/device", json!({"name": "Steal", "papers": [id]})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["papers not_found"]);
    let device = kim.make("device", json!({"name": "With paper", "papers": [id]})).await;
    assert_eq!(kim.read("device", &device).await["papers"][0]["id"], id.as_str());
    cleo.get(&format!("/files/{id}")).await.refused(404, "not_found");
    // A file of one record is not another's.
    kim.post("/records/device", json!({"name": "Second", "papers": [id]})).await.refused(422, "invalid");
    // Pictures are pictures, and not larger than the field takes.
    let problem = kim.post("/records/device", json!({"name": "Picture", "picture": id_of(&upload(&kim, "a.png", "image/png", b"not a picture").await.ok(201))})).await.refused(422, "invalid");
    assert!(violations(&problem)[0].starts_with("picture"), "{problem}");
    let large = id_of(&upload(&kim, "large.bin", "application/octet-stream", &vec![7; 100_001]).await.ok(201));
    let problem = kim.post("/records/device", json!({"name": "Large", "papers": [large]})).await.refused(422, "invalid");
    assert!(violations(&problem)[0].starts_with("papers"), "{problem}");
    // Not a form, and a form without a file.
    let answer = kim.post("/files", json!({})).await;
    assert!([400, 415].contains(&answer.status.as_u16()), "{}", answer.text);
    let answer = kim.send(Method::POST, "/api/v1/files", &[("content-type", "multipart/form-data; boundary=XX")], Some(b"--XX--\r\n".to_vec())).await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
}

async fn hostile_paths_and_headers(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    for path in ["/api/v1/records/sqlite_master", "/api/v1/records/sys_user", "/api/v1/records/device%00", "/api/v1/nothing", "/assets/../Cargo.toml", "/assets/%2e%2e/%2e%2e/etc/passwd", "/api/v1/records/c_device"] {
        let answer = kim.send(Method::GET, path, &[], None).await;
        assert_eq!(answer.status.as_u16(), 404, "{path}: {}", answer.text);
    }
    for (name, value) in [("if-match", "\"one\""), ("if-match", "\"99999999999999999999\""), ("idempotency-key", "")] {
        let id = kim.make("device", json!({"name": "H"})).await;
        let answer = kim.patch_with(&format!("/records/device/{id}"), &[(name, value)], json!({"name": "I"})).await;
        assert_eq!(answer.status.as_u16(), 400, "{name}: {value}: {}", answer.text);
    }
    let long = "x".repeat(201);
    kim.post_with("/records/device", &[("idempotency-key", &long)], json!({"name": "K"})).await.refused(400, "bad_key");
    let answer = kim.get(&format!("/records/device?filter={}", encoded(&"[".repeat(3_000)))).await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
}
