//! Out of the trash for good: who may, what goes along, what stands in the way, and what happens by itself.

use app::{jobs::{self, Pace}, settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    accounts::{root, signed_in},
    both,
    site::{Database, Person, Site},
};

both!(
    nothing_is_left_but_the_log,
    only_who_administers_deletes_for_good,
    nobody_reaches_beyond_what_they_administer,
    what_was_merged_goes_by_itself,
    a_restore_at_the_same_moment_loses_nothing,
    what_cannot_do_without_it_stands_in_the_way,
    a_retired_link_lets_go,
    the_trash_is_emptied,
    old_trash_goes_by_itself,
);

const LAB: &str = "tests/packs/lab";

/// The tables with a row in which an id stands; where others pointed to it once is theirs.
async fn traces(site: &Site, id: &str) -> Vec<String> {
    let sqlite = site.url.is_none();
    let own = if sqlite { format!("X'{}'", id.replace('-', "")) } else { format!("'{id}'") };
    assert_eq!(site.number(&format!("SELECT count(*) FROM sys_version WHERE record = {own}")).await, 0);
    let tables = if sqlite {
        "SELECT m.name, group_concat('quote(\"' || p.name || '\")', '||'',''||') FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' GROUP BY m.name"
    } else {
        "SELECT tablename::text, 't::text' FROM pg_tables WHERE schemaname = current_schema()"
    };
    let id = if sqlite { id.replace('-', "").to_uppercase() } else { id.to_owned() };
    let mut found = Vec::new();
    for table in site.texts(tables.to_owned(), 2).await {
        let (name, row) = (&table[0], &table[1]);
        if site.number(&format!("SELECT count(*) FROM \"{name}\" t WHERE {row} LIKE '%{id}%'")).await > 0 {
            found.push(name.clone());
        }
    }
    found.retain(|table| table != "sys_version");
    found.sort();
    found
}

async fn run(site: &Site) {
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("ran");
    assert_eq!(site.number("SELECT count(*) FROM sys_job WHERE error IS NOT NULL").await, 0);
}

async fn upload(person: &Person, text: &str) -> String {
    let body = format!("--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"paper.txt\"\r\ncontent-type: text/plain\r\n\r\n{text}\r\n--XX--\r\n");
    let answer = person.send(Method::POST, "/api/v1/files", &[("content-type", "multipart/form-data; boundary=XX")], Some(body.into_bytes())).await.ok(201);
    answer["id"].as_str().or(answer["data"][0]["id"].as_str()).expect("an id").to_owned()
}

async fn nothing_is_left_but_the_log(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    let room = root.make("room", json!({"name": "Attic"})).await;
    let other = root.make("device", json!({"name": "Other", "price": "3"})).await;
    let paper = upload(&root, "secret").await;
    let parts = json!([{"label": "a", "quantity": "2", "of": other, "kinds": ["x", "y"]}]);
    let id = root.make("device", json!({"name": "Scale", "price": "5", "tags": ["new", "hot"], "kin": [other], "room": room, "papers": [paper], "parts": parts})).await;
    root.patch(&format!("/records/device/{id}"), json!({"price": "6"})).await.ok(200);
    let repair = root.make("repair", json!({"device": id, "text": "Calibrate"})).await;
    // What points to it lets go.
    root.patch(&format!("/records/device/{other}"), json!({"kin": [id], "parts": [{"label": "b", "quantity": "1", "of": id}]})).await.ok(200);
    let folder = root.post("/folders", json!({"name": "Mine"})).await.ok(201)["id"].as_str().expect("an id").to_owned();
    root.post(&format!("/folders/{folder}/records"), json!({"card": "device", "ids": [id]})).await.ok(200);
    root.post(&format!("/records/device/{id}/shares"), json!({"group": "guest"})).await.ok(200);
    root.post(&format!("/records/device/{id}/purge"), json!({})).await.refused(404, "not_found");
    root.delete(&format!("/records/device/{id}")).await.ok(204);
    assert_eq!(root.post(&format!("/records/device/{id}/purge"), json!({})).await.ok(200), json!({"deleted": 2}));
    for gone in [&id, &repair] {
        // Who did what, and when: also what scripts and people were told stays for its own time.
        assert_eq!(traces(&site, gone).await, ["sys_audit", "sys_change"], "{gone}");
    }
    assert_eq!(traces(&site, &paper).await, [""; 0]);
    root.get(&format!("/files/{paper}")).await.refused(404, "not_found");
    root.get(&format!("/records/device/{id}?trash=only")).await.refused(404, "not_found");
    root.post(&format!("/records/device/{id}/restore"), json!({})).await.refused(404, "not_found");
    let left = root.read("device", &other).await;
    assert_eq!((&left["kin"], &left["parts"][0]["of"], &left["parts"][0]["label"]), (&json!([]), &json!(null), &json!("b")));
    assert_eq!(site.texts("SELECT action FROM sys_audit ORDER BY id DESC LIMIT 2".into(), 1).await, [["purged"], ["purged"]]);
    // What is written afterwards is sound.
    root.patch(&format!("/records/device/{other}"), json!({"name": "Changed"})).await.ok(200);
    assert_eq!(app::derived::verify(&site.app, &[], &mut |stale| panic!("{stale:?}")).await.expect("verified"), 1);
}

async fn only_who_administers_deletes_for_good(database: Database) {
    let site = Site::with(database, LAB).await;
    let (root, kim) = (root(&site).await, site.person("kim", &["keeper"]).await);
    let id = kim.make("device", json!({"name": "Scale"})).await;
    kim.delete(&format!("/records/device/{id}")).await.ok(204);
    let before = site.content().await;
    kim.post(&format!("/records/device/{id}/purge"), json!({})).await.refused(403, "confirm_first");
    let browser = signed_in(&site, "kim").await;
    let at_sign_in = site.content().await;
    browser.post("/c/device/purge", &[("ids", &id)]).await.ok(403);
    browser.post("/c/device/purge", &[("all", "1")]).await.ok(403);
    assert_eq!(site.content().await, at_sign_in);
    assert_ne!(before, at_sign_in, "signing in is seen");
    assert!(!browser.get("/c/device/trash").await.ok(200).text.contains("/c/device/purge"));
    // A token that was not made for it asks first.
    let plain = site.person("ada", &["administrator"]).await;
    plain.post(&format!("/records/device/{id}/purge"), json!({})).await.refused(403, "confirm_first");
    for wrong in ["nonsense", "00000000-0000-0000-0000-000000000000"] {
        root.post(&format!("/records/device/{wrong}/purge"), json!({})).await.refused(404, "not_found");
    }
    root.post(&format!("/records/room/{id}/purge"), json!({})).await.refused(404, "not_found");
    root.post(&format!("/records/user/{}/purge", root.id), json!({})).await.refused(403, "forbidden");
    root.post(&format!("/records/device/{id}/purge"), json!({})).await.ok(200);
}

async fn what_cannot_do_without_it_stands_in_the_way(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    let id = root.make("device", json!({"name": "Scale"})).await;
    let loan = root.make("loan", json!({"device": id})).await;
    let about = root.make("device", json!({"name": "About it", "about": {"card": "device", "id": id}})).await;
    root.delete(&format!("/records/loan/{loan}")).await.ok(204);
    root.delete(&format!("/records/device/{about}")).await.ok(204);
    root.delete(&format!("/records/device/{id}")).await.ok(204);
    let before = site.content().await;
    // Both lie in the trash, and could come back.
    let problem = root.post(&format!("/records/device/{id}/purge"), json!({})).await.refused(409, "restricted");
    let blockers: Vec<(&str, i64)> = problem["blockers"].as_array().expect("blockers").iter().filter_map(|one| Some((one["field"].as_str()?, one["count"].as_i64()?))).collect();
    assert_eq!(blockers, [("about", 1), ("device", 1)]);
    assert_eq!(site.content().await, before);
    let browser = signed_in(&site, "root").await;
    let page = browser.post("/c/device/purge", &[("ids", &id)]).await.ok(409);
    assert!(page.text.contains("id=\"trash-error\"") && page.text.contains("cannot be without this one"), "{}", page.text);
    root.post(&format!("/records/loan/{loan}/purge"), json!({})).await.ok(200);
    root.post(&format!("/records/device/{about}/purge"), json!({})).await.ok(200);
    root.post(&format!("/records/device/{id}/purge"), json!({})).await.ok(200);
}

/// The database knows of links that definitions know no more of.
async fn a_retired_link_lets_go(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    let room = root.make("room", json!({"name": "Attic"})).await;
    let id = root.make("device", json!({"name": "Scale", "room": room, "tags": ["new"], "parts": [{"label": "a", "quantity": "1", "kinds": ["x"]}]})).await;
    let mut files = crate::site::pack(LAB);
    let card = files.get_mut("cards/device.json").expect("a card");
    let mut device: Value = serde_json::from_slice(card).expect("JSON");
    for key in ["room", "room_budget", "tags", "parts_total", "worth"] {
        device["fields"].as_object_mut().expect("fields").remove(key);
    }
    device["search"] = json!(["no", "name"]);
    device["rules"] = json!([]);
    device["child_tables"] = json!({});
    *card = serde_json::to_vec(&device).expect("JSON");
    let installed = app::packs::install(&site.app, vec![files]).await.expect("installed");
    assert!(installed.findings.iter().all(|finding| finding.level != model::Level::Error), "{:?}", installed.findings);
    for (card, id) in [("room", &room), ("device", &id)] {
        root.delete(&format!("/records/{card}/{id}")).await.ok(204);
    }
    // What time does by itself takes nothing from definitions that may come back.
    settings::set(&site.app, "trash_days", "1").await.expect("set");
    let ago = |card: &str| if database == Database::Postgres { format!("UPDATE c_{card} SET trashed_at = trashed_at - interval '2 days'") } else { format!("UPDATE c_{card} SET trashed_at = trashed_at - 2 * 86400000000") };
    let restored = root.post(&format!("/records/device/{id}/restore"), json!({})).await;
    restored.ok(200);
    site.app.store.apply(vec![ago("room")]).await.expect("aged");
    run(&site).await;
    assert_eq!(site.number("SELECT count(*) FROM c_room").await, 1);
    root.delete(&format!("/records/device/{id}")).await.ok(204);
    for (card, id) in [("room", &room), ("device", &id)] {
        root.post(&format!("/records/{card}/{id}/purge"), json!({})).await.ok(200);
        assert_eq!(traces(&site, id).await, ["sys_audit", "sys_change"]);
    }
}

async fn the_trash_is_emptied(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    let mut rooms = Vec::new();
    // Each the parent of the next: the oldest cannot go before the others.
    for number in 0..5 {
        let parent = rooms.last().cloned();
        rooms.push(root.make("room", json!({"name": format!("R{number}"), "parent": parent})).await);
    }
    for id in rooms.iter().rev() {
        root.delete(&format!("/records/room/{id}")).await.ok(204);
    }
    let kept = root.make("room", json!({"name": "Kept"})).await;
    let browser = signed_in(&site, "root").await;
    let page = browser.get("/c/room/trash").await.ok(200);
    assert!(page.text.contains("id=\"trash-empty\""), "{}", page.text);
    let done = browser.post("/c/room/purge", &[("ids", &rooms[4])]).await.ok(303);
    assert!(browser.get(done.to()).await.ok(200).text.contains("Deleted for good: 1"));
    assert_eq!(browser.post("/c/room/purge", &[("all", "1")]).await.ok(303).to(), "/c/room/trash?gone=later");
    run(&site).await;
    assert_eq!(site.number("SELECT count(*) FROM c_room").await, 1);
    root.read("room", &kept).await;
    assert!(browser.get("/c/room/trash").await.ok(200).text.contains("The trash is empty"));
    // Whoever asked stands in the log.
    let asked = "SELECT count(*) FROM sys_audit a JOIN sys_user u ON u.id = a.actor WHERE a.action = 'purged' AND u.login = 'root'";
    assert_eq!(site.number(asked).await, 5);
}

async fn old_trash_goes_by_itself(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    let old = root.make("device", json!({"name": "Old"})).await;
    let loan = root.make("loan", json!({"device": old})).await;
    let new = root.make("device", json!({"name": "New"})).await;
    for (card, id) in [("loan", &loan), ("device", &old), ("device", &new)] {
        root.delete(&format!("/records/{card}/{id}")).await.ok(204);
    }
    let month = |card: &str, id: &str| match database {
        Database::Postgres => format!("UPDATE c_{card} SET trashed_at = trashed_at - interval '31 days' WHERE id = '{id}'"),
        Database::Sqlite => format!("UPDATE c_{card} SET trashed_at = trashed_at - 31 * 86400000000 WHERE id = X'{}'", id.replace('-', "")),
    };
    site.app.store.apply(vec![month("device", &old), month("loan", &loan)]).await.expect("aged");
    let again = || async {
        let now = if database == Database::Sqlite { "0" } else { "'1970-01-01T00:00:00Z'" };
        site.app.store.apply(vec![format!("UPDATE sys_job SET run_at = {now}")]).await.expect("due");
        run(&site).await;
        site.number("SELECT (SELECT count(*) FROM c_device) + (SELECT count(*) FROM c_loan)").await
    };
    // Nothing is lost that nobody said is to be.
    assert_eq!(again().await, 3);
    for wrong in ["-1", "0", "soon", "99999999999"] {
        settings::set(&site.app, "trash_days", wrong).await.expect_err("refused");
    }
    settings::set(&site.app, "trash_days", "30").await.expect("set");
    assert_eq!(again().await, 1);
    root.post(&format!("/records/device/{new}/restore"), json!({})).await.ok(200);
    let browser = signed_in(&site, "root").await;
    assert!(browser.get("/c/device/trash").await.ok(200).text.contains("After 30 days they are deleted for good."));
}

/// Who administers one card, or some records of it, deletes nothing else along with them.
async fn nobody_reaches_beyond_what_they_administer(database: Database) {
    let mut files = crate::site::pack(LAB);
    let deputy = json!({"key": "deputy", "grants": [{"card": "repair", "actions": ["read", "update", "delete", "restore", "administer"], "scope": "all"},
        {"card": "device", "actions": ["read", "delete", "restore"], "scope": "all"}, {"card": "room", "actions": ["read", "create", "delete", "restore", "administer"], "scope": "own"}]});
    files.insert("roles/deputy.json".into(), deputy.to_string().into_bytes());
    let site = Site::of(database, vec![files]).await;
    let root = root(&site).await;
    let dee = site.person("dee", &["deputy"]).await;
    let id = root.make("device", json!({"name": "Scale"})).await;
    let repair = root.make("repair", json!({"device": id, "text": "Calibrate"})).await;
    let (theirs, own) = (root.make("room", json!({"name": "Theirs"})).await, dee.make("room", json!({"name": "Own"})).await);
    root.delete(&format!("/records/device/{id}")).await.ok(204);
    root.delete(&format!("/records/room/{theirs}")).await.ok(204);
    root.delete(&format!("/records/room/{own}")).await.ok(204);
    let browser = signed_in(&site, "dee").await;
    browser.post("/c/repair/purge", &[("ids", &repair)]).await.ok(403);
    browser.post("/c/device/purge", &[("ids", &id)]).await.ok(403);
    browser.post("/c/room/purge", &[("ids", &theirs)]).await.ok(404);
    // Not all rooms are theirs: emptying is not offered, and refused.
    assert!(!browser.get("/c/room/trash").await.ok(200).text.contains("trash-empty"));
    browser.post("/c/room/purge", &[("all", "1")]).await.ok(403);
    // The job does what they may: of the repair's trash, nothing.
    assert_eq!(browser.post("/c/repair/purge", &[("all", "1")]).await.ok(303).to(), "/c/repair/trash?gone=later");
    run(&site).await;
    assert_eq!(site.number("SELECT (SELECT count(*) FROM c_device) + (SELECT count(*) FROM c_repair) + (SELECT count(*) FROM c_room)").await, 4);
    browser.post("/c/room/purge", &[("ids", &own)]).await.ok(303);
    assert_eq!(site.number("SELECT count(*) FROM c_room").await, 1);
}

/// A merge gives files of the one to the other; whichever goes first, the other keeps its own.
async fn what_was_merged_goes_by_itself(database: Database) {
    for master_first in [true, false] {
        let site = Site::with(database, LAB).await;
        let root = root(&site).await;
        let (one, two) = (upload(&root, "of the master").await, upload(&root, "of the other").await);
        let master = root.make("device", json!({"name": "Master", "papers": [one]})).await;
        let other = root.make("device", json!({"name": "Other", "papers": [two]})).await;
        root.post("/records/device/merge", json!({"master": master, "others": [other], "fields": {"papers": master}})).await.ok(200);
        assert_eq!(root.read("device", &master).await["papers"].as_array().map(Vec::len), Some(1));
        if master_first {
            root.delete(&format!("/records/device/{master}")).await.ok(204);
            root.post(&format!("/records/device/{master}/purge"), json!({})).await.ok(200);
            root.post(&format!("/records/device/{other}/restore"), json!({})).await.ok(200);
            assert_eq!(root.read("device", &other).await["papers"][0]["id"], two.as_str());
            assert_eq!(root.get(&format!("/files/{two}")).await.status, 200);
            root.get(&format!("/files/{one}")).await.refused(404, "not_found");
        } else {
            root.post(&format!("/records/device/{other}/purge"), json!({})).await.ok(200);
            assert_eq!(root.get(&format!("/files/{one}")).await.status, 200);
            root.get(&format!("/files/{two}")).await.refused(404, "not_found");
            // The address of the one that went leads on.
            let answer = signed_in(&site, "root").await.get(&format!("/c/device/{other}")).await;
            assert!(answer.to().contains(&master), "{} {}", answer.status, answer.text);
        }
        assert_eq!(site.number("SELECT count(*) FROM sys_file").await, 1);
    }
}

/// Whoever has been told that a record is back has it.
async fn a_restore_at_the_same_moment_loses_nothing(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    for round in 0..12 {
        let id = root.make("device", json!({"name": format!("Scale {round}")})).await;
        let repair = root.make("repair", json!({"device": id, "text": "Calibrate"})).await;
        root.delete(&format!("/records/device/{id}")).await.ok(204);
        let (restore, purge) = (format!("/records/repair/{repair}/restore"), format!("/records/device/{id}/purge"));
        let (back, gone) = tokio::join!(root.post(&restore, json!({})), root.post(&purge, json!({})));
        assert!(back.status.is_success() != gone.status.is_success(), "{} {}", back.text, gone.text);
        let there = site.number("SELECT (SELECT count(*) FROM c_device WHERE trashed_at IS NULL) + (SELECT count(*) FROM c_repair WHERE trashed_at IS NULL)").await;
        assert_eq!(there, if back.status.is_success() { 2 } else { 0 }, "{} {}", back.text, gone.text);
        if back.status.is_success() {
            root.delete(&format!("/records/device/{id}")).await.ok(204);
            root.post(&purge, json!({})).await.ok(200);
        }
    }
}
