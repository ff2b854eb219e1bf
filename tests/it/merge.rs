//! Look-alikes are told and found; several records become one, and several again.

use app::jobs::{self, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site, violations}};

const POOL: &str = "tests/packs/pool";

both!(look_alikes_are_told_and_refused, two_who_make_the_same_at_once, look_alikes_are_found_and_dismissed, what_was_there_before_is_compared, records_become_one_and_are_brought_apart, choices_are_kept, merging_takes_rights, what_stands_in_the_way_is_said, two_mergers_at_once, very_many_links_move_in_a_job);

async fn run_jobs(site: &Site) {
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("jobs run");
}

async fn look_alikes_are_told_and_refused(database: Database) {
    let site = Site::with(database, POOL).await;
    let (chief, ann, bea) = (site.person("chief", &["chief"]).await, site.person("ann", &["seller"]).await, site.person("bea", &["seller"]).await);
    let first = ann.make("lead", json!({"name": "Acme Ltd.", "city": "深圳（南山）", "phone": "+86 138 1234 5678"})).await;
    let made = ann.post("/records/lead", json!({"name": "ＡＣＭＥ  ltd", "city": "深圳(南山)"})).await.ok(201);
    assert_eq!((&made["warnings"][0]["code"], &made["warnings"][0]["records"], &made["warnings"][0]["count"]), (&json!("duplicate"), &json!([first]), &json!(1)), "{made}");
    // Saving it again, or something else of it, says nothing.
    let id = made["id"].as_str().expect("an id").to_owned();
    assert!(ann.patch(&format!("/records/lead/{id}"), json!({"grade": "a"})).await.ok(200)["warnings"].is_null());
    // A refusal names those that may be seen, and counts the others.
    let problem = chief.post("/records/lead", json!({"name": "Other", "phone": "13812345678"})).await.refused(422, "invalid");
    assert_eq!((violations(&problem), &problem["violations"][0]["records"]), (vec!["phone duplicate".to_owned()], &json!([first])));
    let problem = bea.post("/records/lead", json!({"name": "Other", "phone": "138-1234-5678"})).await.refused(422, "invalid");
    assert_eq!((&problem["violations"][0]["records"], &problem["violations"][0]["count"]), (&json!([]), &json!(1)));
    // What lies in the trash is no duplicate; what has no value neither.
    chief.delete(&format!("/records/lead/{first}")).await.ok(204);
    bea.make("lead", json!({"name": "Other", "phone": "138-1234-5678"})).await;
    let made = bea.post("/records/lead", json!({"name": "Other"})).await.ok(201);
    assert!(made["warnings"].is_null(), "{made}");
    // Many at once are checked the same way.
    let items = json!([{"op": "create", "record": {"name": "X", "phone": "777"}}, {"op": "create", "record": {"name": "Y", "phone": "7 7 7"}}]);
    let answer = bea.post("/records/lead/batch", json!({"items": items})).await.ok(200);
    assert_eq!((&answer["data"][0]["status"], &answer["data"][1]["status"]), (&json!(201), &json!(422)), "{answer}");
}

async fn two_who_make_the_same_at_once(database: Database) {
    let site = Site::with(database, POOL).await;
    let (ann, bea) = (site.person("ann", &["seller"]).await, site.person("bea", &["seller"]).await);
    for number in ["1001", "1002", "1003"] {
        let lead = json!({"name": "L", "phone": number});
        let (one, two) = tokio::join!(ann.post("/records/lead", lead.clone()), bea.post("/records/lead", lead));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422], "{} {}", one.text, two.text);
    }
}

async fn groups(person: &Person, rule: usize) -> Vec<Vec<String>> {
    let found = person.get(&format!("/records/lead/duplicates?rule={rule}")).await.ok(200);
    let ids = |group: &Value| group["records"].as_array().expect("records").iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect();
    found["data"].as_array().expect("groups").iter().map(ids).collect()
}

async fn look_alikes_are_found_and_dismissed(database: Database) {
    let site = Site::with(database, POOL).await;
    let (chief, ann) = (site.person("chief", &["chief"]).await, site.person("ann", &["seller"]).await);
    let lead = |name: &str| json!({"name": name, "city": "Berlin"});
    let (a, b, c) = (chief.make("lead", lead("Same")).await, chief.make("lead", lead("same ")).await, chief.make("lead", lead("S a m e")).await);
    let mine = ann.make("lead", lead("SAME")).await;
    chief.make("lead", lead("Different")).await;
    assert_eq!(groups(&chief, 0).await, [vec![a.clone(), b.clone(), c.clone(), mine.clone()]]);
    // Who sees only one of them sees no group.
    assert_eq!(groups(&ann, 0).await, Vec::<Vec<String>>::new());
    chief.post("/records/lead/duplicates/dismiss", json!({"records": [a, b, c, mine]})).await.ok(204);
    assert_eq!(groups(&chief, 0).await, Vec::<Vec<String>>::new());
    // It is remembered of the pairs: a new one is one again, and is told of those it was not told apart from.
    let late = chief.post("/records/lead", lead("Same")).await.ok(201);
    assert_eq!(late["warnings"][0]["count"], 4);
    assert_eq!(groups(&chief, 0).await.len(), 1);
    // Paging goes through all groups once.
    for name in ["P", "Q", "R"] {
        chief.make("lead", lead(name)).await;
        chief.make("lead", lead(name)).await;
    }
    let (mut after, mut seen) = (String::new(), 0);
    loop {
        let page = chief.get(&format!("/records/lead/duplicates?rule=0&limit=2{after}")).await.ok(200);
        seen += page["data"].as_array().map_or(0, Vec::len);
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 4);
    ann.post("/records/lead/duplicates/dismiss", json!({"records": [a, mine]})).await.refused(404, "not_found");
    chief.post("/records/lead/duplicates/dismiss", json!({"records": [a]})).await.refused(400, "bad_pair");
    chief.get("/records/lead/duplicates?rule=9").await.refused(404, "not_found");
    chief.get("/records/lead/duplicates?after=zz").await.refused(400, "bad_cursor");
    site.person("zoe", &[]).await.get("/records/lead/duplicates").await.refused(404, "not_found");
    site.nobody().get("/records/lead/duplicates").await.refused(401, "unauthenticated");
}

async fn what_was_there_before_is_compared(database: Database) {
    let site = Site::with(database, POOL).await;
    let chief = site.person("chief", &["chief"]).await;
    for _ in 0..3 {
        chief.make("lead", json!({"name": "Old", "city": "Bonn"})).await;
    }
    // As if the rules had come after the records.
    site.app.store.apply(vec!["DELETE FROM sys_likeness".into(), "DELETE FROM sys_site WHERE key LIKE 'likeness:%'".into()]).await.expect("forgotten");
    let before = chief.get("/records/lead/duplicates").await.ok(200);
    assert_eq!((&before["data"], &before["complete"]), (&json!([]), &json!(false)));
    app::duplicates::ask_to_build(&site.app).await.expect("asked");
    run_jobs(&site).await;
    let after = chief.get("/records/lead/duplicates").await.ok(200);
    assert_eq!((after["data"][0]["records"].as_array().map(Vec::len), &after["complete"]), (Some(3), &json!(true)));
}

async fn upload(person: &Person) -> String {
    let body = b"--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\ncontent-type: text/plain\r\n\r\nhello\r\n--x--\r\n".to_vec();
    let sent = person.send(Method::POST, "/api/v1/files", &[("content-type", "multipart/form-data; boundary=x")], Some(body)).await;
    assert!(sent.status.is_success(), "{}", sent.text);
    sent.body["data"][0]["id"].as_str().expect("an id").to_owned()
}

/// A value in which links are their ids: what they point to may be called otherwise meanwhile.
fn without_titles(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(without_titles).collect(),
        Value::Object(map) => map.iter().filter(|(key, _)| *key != "title").map(|(key, value)| (key.clone(), without_titles(value))).collect(),
        other => other.clone(),
    }
}

async fn records_become_one_and_are_brought_apart(database: Database) {
    let site = Site::with(database, POOL).await;
    let chief = site.person("chief", &["chief"]).await;
    let paper = upload(&chief).await;
    let master = chief.make("lead", json!({"name": "Acme", "city": "Ulm", "tags": ["new"], "calls": [{"said": "one"}]})).await;
    let other = chief.make("lead", json!({"name": "Acme Ltd", "city": "Bonn", "phone": "1234567", "grade": "a", "tags": ["hot"], "papers": [paper], "calls": [{"said": "two"}]})).await;
    let third = chief.make("lead", json!({"name": "Acme 3", "parent": other})).await;
    let visit = chief.make("visit", json!({"what": "V", "lead": other, "others": [other, third, master], "about": {"card": "lead", "id": other}, "people": [{"who": third, "role": "x"}, {"who": other}]})).await;
    let unread = chief.make("visit", json!({"what": "W", "lead": third})).await;
    let before: Vec<Value> = [chief.read("lead", &master).await, chief.read("lead", &other).await, chief.read("lead", &third).await, chief.read("visit", &visit).await].to_vec();
    assert_eq!(before[3]["city"], "Bonn");
    let batch = chief.post("/records/lead/merge", json!({"master": master, "others": [other, third]})).await.ok(200);
    assert_eq!((batch["kind"].as_str(), batch["state"].as_str()), (Some("merge"), Some("done")), "{batch}");
    let merged = chief.read("lead", &master).await;
    assert_eq!((&merged["name"], &merged["city"], &merged["phone"], &merged["grade"], &merged["tags"]), (&json!("Acme"), &json!("Ulm"), &json!("1234567"), &json!("a"), &json!(["new", "hot"])));
    let calls: Vec<&Value> = merged["calls"].as_array().expect("rows").iter().map(|row| &row["said"]).collect();
    assert_eq!(calls, [&json!("one"), &json!("two")]);
    assert_eq!(merged["papers"][0]["id"], paper.as_str());
    assert_eq!(chief.send(Method::GET, &format!("/api/v1/files/{paper}"), &[], None).await.text, "hello");
    // Every kind of link points to the one that is left; what was copied through links stays.
    let moved = chief.read("visit", &visit).await;
    assert_eq!((moved["lead"]["id"].as_str(), moved["about"]["id"].as_str(), moved["city"].as_str()), (Some(master.as_str()), Some(master.as_str()), Some("Bonn")));
    assert_eq!(moved["others"].as_array().map(Vec::len), Some(1), "{moved}");
    assert!(moved["people"].as_array().expect("rows").iter().all(|row| row["who"]["id"] == master.as_str()), "{moved}");
    assert_eq!(chief.read("visit", &unread).await["lead"]["id"], master.as_str());
    // An old address says where it leads; the page goes there.
    let gone = chief.get(&format!("/records/lead/{other}")).await.refused(404, "not_found");
    assert_eq!(gone["merged_into"], json!({"card": "lead", "id": master}));
    let page = chief.send(Method::GET, &format!("/c/lead/{other}"), &[], None).await;
    assert_eq!((page.status.as_u16(), page.header("location")), (303, format!("/c/lead/{master}").as_str()));
    let history = chief.get(&format!("/records/lead/{master}/history")).await.ok(200);
    assert!(history["data"].as_array().expect("changes").iter().any(|change| change["action"] == "merged"), "{history}");
    // Somebody goes on working; then it is undone.
    chief.patch(&format!("/records/lead/{master}"), json!({"name": "Acme now"})).await.ok(200);
    let undone = chief.post(&format!("/batches/{}/undo", batch["id"].as_str().expect("an id")), json!({})).await.ok(200);
    assert_eq!(undone["failed"], 0, "{undone}");
    let after: Vec<Value> = [chief.read("lead", &master).await, chief.read("lead", &other).await, chief.read("lead", &third).await, chief.read("visit", &visit).await].to_vec();
    for (was, is) in before.iter().zip(&after) {
        for key in ["city", "phone", "grade", "tags", "calls", "papers", "parent", "lead", "others", "about", "people"] {
            assert_eq!(without_titles(&is[key]), without_titles(&was[key]), "{key} of {}", was["name"]);
        }
    }
    assert_eq!(after[0]["name"], "Acme now");
    assert_eq!(chief.send(Method::GET, &format!("/api/v1/files/{paper}"), &[], None).await.text, "hello");
    assert!(chief.get(&format!("/records/lead/{other}")).await.ok(200)["merged_into"].is_null());
    chief.post(&format!("/batches/{}/undo", undone["id"].as_str().expect("an id")), json!({})).await.refused(409, "merge_again");
}

async fn choices_are_kept(database: Database) {
    let site = Site::with(database, POOL).await;
    let chief = site.person("chief", &["chief"]).await;
    let master = chief.make("lead", json!({"name": "M", "city": "Ulm", "tags": ["new"], "calls": [{"said": "one"}]})).await;
    let other = chief.make("lead", json!({"name": "O", "city": "Bonn", "tags": ["hot"], "calls": [{"said": "two"}]})).await;
    let body = json!({"master": master, "others": [other], "fields": {"name": other, "tags": master}, "tables": {"calls": other}});
    chief.post("/records/lead/merge", body).await.ok(200);
    let merged = chief.read("lead", &master).await;
    assert_eq!((&merged["name"], &merged["city"], &merged["tags"], &merged["calls"][0]["said"], merged["calls"].as_array().map(Vec::len)), (&json!("O"), &json!("Ulm"), &json!(["new"]), &json!("two"), Some(1)));
    let stranger = chief.make("lead", json!({"name": "S"})).await;
    for body in [json!({}), json!({"master": master}), json!({"master": master, "others": []}), json!({"master": master, "others": [master]}), json!({"master": master, "others": [stranger], "fields": {"name": other}}), json!({"master": master, "others": [stranger], "tables": {"calls": 1}})] {
        chief.post("/records/lead/merge", body).await.refused(400, "bad_merge");
    }
    // A chain of merges leads to its end.
    chief.post("/records/lead/merge", json!({"master": stranger, "others": [master]})).await.ok(200);
    assert_eq!(chief.get(&format!("/records/lead/{other}")).await.body["merged_into"]["id"], stranger.as_str());
}

async fn merging_takes_rights(database: Database) {
    let site = Site::with(database, POOL).await;
    let (chief, ann, bea) = (site.person("chief", &["chief"]).await, site.person("ann", &["seller"]).await, site.person("bea", &["seller"]).await);
    let (one, two) = (ann.make("lead", json!({"name": "1"})).await, ann.make("lead", json!({"name": "2"})).await);
    let theirs = bea.make("lead", json!({"name": "3"})).await;
    let visit = chief.make("visit", json!({"what": "V", "lead": two})).await;
    ann.post("/records/lead/merge", json!({"master": one, "others": [theirs]})).await.refused(404, "not_found");
    ann.post("/records/lead/merge", json!({"master": theirs, "others": [one]})).await.refused(404, "not_found");
    site.person("zoe", &[]).await.post("/records/lead/merge", json!({"master": one, "others": [two]})).await.refused(404, "not_found");
    site.nobody().post("/records/lead/merge", json!({"master": one, "others": [two]})).await.refused(401, "unauthenticated");
    // Links of records one may not change move all the same, and come back: a link into the trash helps nobody.
    let batch = ann.post("/records/lead/merge", json!({"master": one, "others": [two]})).await.ok(200);
    let moved = chief.read("visit", &visit).await;
    assert_eq!((moved["lead"]["id"].as_str(), moved["updated_by"]["id"].as_str()), (Some(one.as_str()), Some(ann.id.as_str())));
    let undone = ann.post(&format!("/batches/{}/undo", batch["id"].as_str().expect("an id")), json!({})).await.ok(200);
    assert_eq!(undone["failed"], 0, "{undone}");
    assert_eq!(chief.read("visit", &visit).await["lead"]["id"], two.as_str());
    // Of the one that is left only those are told who may see it.
    ann.post("/records/lead/merge", json!({"master": one, "others": [two]})).await.ok(200);
    assert!(bea.get(&format!("/records/lead/{two}")).await.refused(404, "not_found")["merged_into"].is_null());
}

async fn what_stands_in_the_way_is_said(database: Database) {
    let site = Site::with(database, POOL).await;
    let chief = site.person("chief", &["chief"]).await;
    let (one, two) = (chief.make("lead", json!({"name": "1"})).await, chief.make("lead", json!({"name": "2"})).await);
    chief.make("visit", json!({"what": "V", "lead": one})).await;
    let twin = chief.make("visit", json!({"what": "V", "lead": two})).await;
    let problem = chief.post("/records/lead/merge", json!({"master": one, "others": [two]})).await.refused(409, "merge_blocked");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("Visit") && detail.contains("value")), "{problem}");
    // Nothing was done.
    chief.read("lead", &two).await;
    assert_eq!(chief.read("visit", &twin).await["lead"]["id"], two.as_str());
    assert_eq!(site.number("SELECT count(*) FROM sys_batch").await, 0);
}

async fn two_mergers_at_once(database: Database) {
    let site = Site::with(database, POOL).await;
    let chief = site.person("chief", &["chief"]).await;
    for _ in 0..3 {
        let (one, two) = (chief.make("lead", json!({"name": "1"})).await, chief.make("lead", json!({"name": "2"})).await);
        let visit = chief.make("visit", json!({"what": format!("V {one}"), "lead": one})).await;
        let (left, right) = tokio::join!(
            chief.post("/records/lead/merge", json!({"master": one, "others": [two]})),
            chief.post("/records/lead/merge", json!({"master": two, "others": [one]}))
        );
        let mut statuses = [left.status.as_u16(), right.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404], "{} {}", left.text, right.text);
        let kept = if left.status == 200 { &one } else { &two };
        chief.read("lead", kept).await;
        assert_eq!(chief.read("visit", &visit).await["lead"]["id"], kept.as_str());
    }
}

async fn very_many_links_move_in_a_job(database: Database) {
    if database == Database::Postgres {
        return; // The same code; two thousand records are made once only.
    }
    let site = Site::with(database, POOL).await;
    let chief = site.person("chief", &["chief"]).await;
    let (one, two) = (chief.make("lead", json!({"name": "1"})).await, chief.make("lead", json!({"name": "2"})).await);
    for part in 0..3 {
        let items: Vec<Value> = (0..700).map(|index| json!({"op": "create", "record": {"what": format!("{part} {index}"), "lead": two}})).collect();
        chief.post("/records/visit/batch", json!({"atomic": true, "items": items})).await.ok(200);
    }
    let batch = chief.post("/records/lead/merge", json!({"master": one, "others": [two]})).await.ok(202);
    run_jobs(&site).await;
    let batch = chief.get(&format!("/batches/{}", batch["id"].as_str().expect("an id"))).await.ok(200);
    assert_eq!((batch["state"].as_str(), batch["failed"].as_i64()), (Some("done"), Some(0)), "{batch}");
    let left = chief.post("/records/visit/query", json!({"count": "exact", "filter": {"field": "lead", "op": "is", "value": one}})).await.ok(200);
    assert_eq!(left["count"]["value"], 2_100);
    let undone = chief.post(&format!("/batches/{}/undo", batch["id"].as_str().expect("an id")), json!({})).await.ok(202);
    run_jobs(&site).await;
    let undone = chief.get(&format!("/batches/{}", undone["id"].as_str().expect("an id"))).await.ok(200);
    assert_eq!((undone["failed"].as_i64(), undone["changed"].as_i64()), (Some(0), Some(2_101)), "{undone}");
}
