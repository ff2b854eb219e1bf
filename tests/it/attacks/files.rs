//! Files: nothing that was uploaded runs, nothing is read past its record and field, no name leads elsewhere.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Answer, Database, Person, Site, pack}};

both!(whatever_is_uploaded_nothing_of_it_runs, a_file_is_read_through_its_record_and_field_alone, no_name_of_a_file_leads_elsewhere);

const LAB: &str = "tests/packs/lab";

async fn upload(person: &Person, name: &str, kind: &str, bytes: &[u8]) -> Answer {
    let mut body = format!("--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: {kind}\r\n\r\n").into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--XX--\r\n");
    person.send(Method::POST, "/api/v1/files", &[("content-type", "multipart/form-data; boundary=XX")], Some(body)).await
}

fn id_of(answer: Answer) -> String {
    answer.ok(201)["data"][0]["id"].as_str().expect("an id").to_owned()
}

/// The smallest picture there is.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\x0f\x04\0\x09\xfb\x03\xfd\xe3U\xf2\x9c\0\0\0\0IEND\xaeB`\x82";

/// 37 · a page, a drawing, a script that calls itself a picture
async fn whatever_is_uploaded_nothing_of_it_runs(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let contents: [(&str, &[u8]); 9] = [
        ("html", b"<!doctype html><script>alert(1)</script>"), ("svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"), ("xml", b"<?xml version='1.0'?><x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>"), ("js", b"alert(1)"),
        ("pdf", b"%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj"), ("css", b"@import 'javascript:alert(1)'"), ("swf", b"FWS\x05\x00\x00\x00\x00"), ("hta", b"<hta:application><script>1</script>"), ("png", b"GIF89a/*<script>alert(1)</script>*/=1;"),
    ];
    let said = ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/javascript", "image/png", "application/pdf", "text/html; charset=utf-7", "multipart/mixed", "nonsense", "image/png\tx", "text/css", ""];
    for (ending, content) in contents {
        for kind in said {
            let id = id_of(upload(&kim, &format!("a.{ending}"), kind, content).await);
            for path in [format!("/api/v1/files/{id}"), format!("/files/{id}")] {
                let answer = kim.send(Method::GET, &path, &[], None).await;
                let (sent, way) = (answer.header("content-type").to_owned(), answer.header("content-disposition").to_owned());
                assert_eq!(answer.status.as_u16(), 200, "{ending} {kind}");
                // A picture is one by its bytes; all else is kept, not shown.
                let picture = sent == "image/gif" && content.starts_with(b"GIF89a");
                assert!(picture || sent == "application/octet-stream" && way.starts_with("attachment;"), "{ending} as {kind:?} is served as {sent:?}, {way:?}");
                assert_eq!(answer.header("x-content-type-options"), "nosniff", "{ending} {kind}");
                let policy = answer.header("content-security-policy");
                assert!(policy.contains("sandbox") && policy.contains("default-src 'none'") && !policy.contains("allow-"), "{ending} {kind}: {policy}");
                assert!(answer.header("cache-control").starts_with("private"), "{}", answer.header("cache-control"));
                assert!(!way.contains(['\r', '\n', '/', '\\', '"']), "{way}");
            }
        }
    }
    let picture = id_of(upload(&kim, "a.html", "text/html", PICTURE).await);
    assert_eq!(kim.send(Method::GET, &format!("/files/{picture}"), &[], None).await.header("content-type"), "image/png");
}

/// 42 · a file by its id alone
async fn a_file_is_read_through_its_record_and_field_alone(database: Database) {
    let mut files = pack(LAB);
    for (key, fields) in [("blind", json!({"papers": "none"})), ("seeing", json!({}))] {
        let role = json!({"key": key, "grants": [{"card": "device", "actions": ["read", "create", "update", "delete"], "scope": {"field": "grade", "op": "is", "value": "a"}, "fields": fields}]});
        files.insert(format!("roles/{key}.json"), role.to_string().into_bytes());
    }
    let site = Site::of(database, vec![files]).await;
    let (kim, eve, ann) = (site.person("kim", &["keeper"]).await, site.person("eve", &["blind"]).await, site.person("ann", &["seeing"]).await);
    let file = id_of(upload(&kim, "plan.txt", "text/plain", b"the plan").await);
    let device = kim.make("device", json!({"name": "With paper", "grade": "a", "papers": [file]})).await;
    let path = format!("/files/{file}");
    ann.get(&path).await.ok_text("the plan");
    // The record may be read, the field not.
    eve.get(&format!("/records/device/{device}")).await.ok(200);
    eve.get(&path).await.refused(404, "not_found");
    site.nobody().get(&path).await.refused(401, "unauthenticated");
    // Nobody attaches, takes over or replaces another's file.
    for body in [json!({"name": "Mine", "grade": "a", "papers": [file]}), json!({"name": "Mine", "grade": "a", "picture": file})] {
        assert_eq!(ann.post("/records/device", body.clone()).await.status.as_u16(), 422, "{body}");
        assert_eq!(eve.post("/records/device", body.clone()).await.status.as_u16(), 422, "{body}");
    }
    for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::POST] {
        let answer = ann.send(method.clone(), &format!("/api/v1{path}"), &[("content-type", "application/json")], Some(b"{}".to_vec())).await;
        assert_eq!(answer.status.as_u16(), 405, "{method}: {}", answer.text);
    }
    // No longer one's record, no longer one's file: at once, and in the trash too.
    kim.patch(&format!("/records/device/{device}"), json!({"grade": "b"})).await.ok(200);
    ann.get(&path).await.refused(404, "not_found");
    kim.patch(&format!("/records/device/{device}"), json!({"grade": "a"})).await.ok(200);
    ann.get(&path).await.ok_text("the plan");
    ann.delete(&format!("/records/device/{device}")).await.ok(204);
    kim.get(&path).await.ok_text("the plan");
    ann.get(&path).await.refused(404, "not_found");
    assert_ne!(eve.get(&path).await.status.as_u16(), 200);
}

/// 43 · a file whose name is a path
async fn no_name_of_a_file_leads_elsewhere(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let before = entries(&site);
    for name in ["../../../../tmp/evil", "..\\..\\evil.txt", "/etc/passwd", "C:\\Windows\\evil.ini", "....//....//evil", "%2e%2e%2fevil", "evil\u{202e}txt.exe", ".", "..", "...", "con", "a/b/c", "~root", "evil.txt\u{0}.png", "x".repeat(5_000).as_str(), "\u{2215}etc\u{2215}passwd", ".htaccess"] {
        let answer = upload(&kim, name, "text/plain", format!("content of {name}").as_bytes()).await;
        assert!([201, 400].contains(&answer.status.as_u16()), "{name:?}: {}", answer.text);
        let Some(file) = answer.body["data"].get(0) else { continue };
        let (id, kept) = (file["id"].as_str().expect("an id"), file["name"].as_str().expect("a name"));
        assert!(!kept.is_empty() && kept.chars().count() <= 200 && !kept.contains(['/', '\\', '\0']), "{name:?} is kept as {kept:?}");
        let way = kim.get(&format!("/files/{id}")).await;
        assert!(way.header("content-disposition").is_ascii() && !way.header("content-disposition").contains(['/', '\\']), "{}", way.header("content-disposition"));
    }
    // Contents lie under their hash and nowhere else.
    for path in entries(&site).into_iter().filter(|path| !before.contains(path)) {
        let mut parts = path.split('/');
        let (folder, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        assert!(parts.next().is_none() && name.len() == 64 && name.starts_with(folder) && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{path}");
    }
    for id in ["../../site.key", "..%2f..%2fsite.key", "%2e%2e%2f%2e%2e%2fsite.key", "....//site.key", "site.key", "00/../../site.key"] {
        for path in [format!("/api/v1/files/{id}"), format!("/files/{id}"), format!("/assets/{id}"), format!("/api/v1/imports/{id}"), format!("/c/device/import/{id}")] {
            let answer = kim.send(Method::GET, &path, &[], None).await;
            assert!([404, 400].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
        }
    }
}

/// What lies in the site's folder of files.
fn entries(site: &Site) -> Vec<String> {
    let root = site.app.folder.join("files");
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() { open.push(path) } else { found.push(path.strip_prefix(&root).expect("inside").to_string_lossy().into_owned()) }
        }
    }
    found
}

trait Text {
    fn ok_text(self, text: &str);
}

impl Text for Answer {
    #[track_caller]
    fn ok_text(self, text: &str) {
        assert_eq!((self.status.as_u16(), self.text.as_str(), Value::Null), (200, text, self.body));
    }
}
