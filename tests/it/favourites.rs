//! Folders of records: filled, shared, asked about, and never showing more than their reader may see.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site, encoded, violations}};

both!(a_folder_is_filled_asked_about_and_emptied, folders_are_ones_own_until_they_are_shared, what_may_not_be_seen_is_neither_shown_nor_counted, folders_that_make_no_sense_are_refused, folders_are_put_away_and_brought_back, pages_of_folders);

const LAB: &str = "tests/packs/lab";

async fn folder(person: &Person, body: Value) -> String {
    person.post("/folders", body).await.ok(201)["id"].as_str().expect("an id").to_owned()
}

fn in_folder(field: &str, id: &str) -> Value {
    json!({"field": field, "op": "in_folder", "value": id})
}

async fn a_folder_is_filled_asked_about_and_emptied(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let house = kim.make("room", json!({"name": "House"})).await;
    let (a, b) = (kim.make("device", json!({"name": "Alpha", "room": house})).await, kim.make("device", json!({"name": "Beta"})).await);
    kim.make("device", json!({"name": "Gamma", "kin": [a]})).await;
    let id = folder(&kim, json!({"name": "Best", "tone": "amber"})).await;
    kim.post(&format!("/folders/{id}/records"), json!({"card": "device", "ids": [a, b]})).await.ok(200);
    // Twice is once; a folder holds records of any card.
    kim.post(&format!("/folders/{id}/records"), json!({"card": "device", "ids": [a]})).await.ok(200);
    kim.post(&format!("/folders/{id}/records"), json!({"card": "room", "ids": [house]})).await.ok(200);
    let shown = kim.get(&format!("/folders/{id}")).await.ok(200);
    assert_eq!((&shown["count"], &shown["tone"], shown["records"]["device"].as_array().map(Vec::len), &shown["records"]["room"]), (&json!(3), &json!("amber"), Some(2), &json!([house])));
    // Conditions look into it: of the record itself, of what it points to, the other way round.
    assert_eq!(kim.find("device", &in_folder("id", &id), "name", "name").await, [json!("Alpha"), json!("Beta")]);
    assert_eq!(kim.find("device", &json!({"not": in_folder("id", &id)}), "name", "name").await, [json!("Gamma")]);
    assert_eq!(kim.find("device", &in_folder("room", &id), "name", "name").await, [json!("Alpha")]);
    assert_eq!(kim.find("device", &json!({"not": in_folder("room", &id)}), "name", "name").await, [json!("Beta"), json!("Gamma")]);
    assert_eq!(kim.find("device", &in_folder("kin", &id), "name", "name").await, [json!("Gamma")]);
    assert_eq!(kim.find("device", &json!({"field": "id", "op": "in_folder", "value": [id]}), "name", "name").await.len(), 2);
    kim.delete(&format!("/folders/{id}/records/{a}")).await.ok(204);
    assert_eq!(kim.find("device", &in_folder("id", &id), "name", "name").await, [json!("Beta")]);
    // What is deleted leaves the folder with it, and comes back with it.
    kim.delete(&format!("/records/device/{b}")).await.ok(204);
    assert_eq!(kim.get(&format!("/folders/{id}")).await.ok(200)["count"], 1);
    kim.post(&format!("/records/device/{b}/restore"), json!({})).await;
    assert_eq!(kim.get(&format!("/folders/{id}")).await.ok(200)["count"], 2);
}

async fn folders_are_ones_own_until_they_are_shared(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo, root) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await, site.person("root", &["administrator"]).await);
    let mine = cleo.make("device", json!({"name": "Mine"})).await;
    let id = folder(&kim, json!({"name": "Best"})).await;
    kim.post(&format!("/folders/{id}/records"), json!({"card": "device", "ids": [mine]})).await.ok(200);
    for other in [&cleo, &root] {
        other.get(&format!("/folders/{id}")).await.refused(404, "not_found");
        other.patch(&format!("/folders/{id}"), json!({"name": "X"})).await.refused(404, "not_found");
        other.delete(&format!("/folders/{id}")).await.refused(404, "not_found");
        other.post(&format!("/folders/{id}/records"), json!({"card": "device", "ids": [mine]})).await.refused(404, "not_found");
        assert_eq!(other.find("device", &in_folder("id", &id), "name", "name").await, Vec::<Value>::new(), "nobody looks into a folder by knowing its id");
        assert!(!other.get("/folders").await.text.contains(&id));
    }
    site.nobody().get("/folders").await.refused(401, "unauthenticated");
    // To look at.
    kim.patch(&format!("/folders/{id}"), json!({"lookers": ["clerk"]})).await.ok(200);
    let seen = cleo.get(&format!("/folders/{id}")).await.ok(200);
    assert_eq!((&seen["fillable"], &seen["editable"], &seen["count"]), (&json!(false), &json!(false), &json!(1)));
    assert_eq!(cleo.find("device", &in_folder("id", &id), "name", "name").await, [json!("Mine")]);
    cleo.post(&format!("/folders/{id}/records"), json!({"card": "device", "ids": [mine]})).await.refused(403, "forbidden");
    cleo.delete(&format!("/folders/{id}/records/{mine}")).await.refused(403, "forbidden");
    cleo.patch(&format!("/folders/{id}"), json!({"name": "X"})).await.refused(403, "forbidden");
    cleo.delete(&format!("/folders/{id}")).await.refused(403, "forbidden");
    // To fill.
    kim.patch(&format!("/folders/{id}"), json!({"lookers": [], "fillers": ["clerk"]})).await.ok(200);
    cleo.delete(&format!("/folders/{id}/records/{mine}")).await.ok(204);
    cleo.post(&format!("/folders/{id}/records"), json!({"card": "device", "ids": [mine]})).await.ok(200);
    cleo.patch(&format!("/folders/{id}"), json!({"name": "X"})).await.refused(403, "forbidden");
}

async fn what_may_not_be_seen_is_neither_shown_nor_counted(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo, gus) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await, site.person("gus", &["guest"]).await);
    let (mine, theirs) = (cleo.make("device", json!({"name": "Mine"})).await, kim.make("device", json!({"name": "Foreigner"})).await);
    let repair = kim.make("repair", json!({"device": theirs, "text": "Broken"})).await;
    let id = folder(&kim, json!({"name": "All", "fillers": ["clerk", "guest"]})).await;
    kim.post(&format!("/folders/{id}/records"), json!({"card": "device", "ids": [mine, theirs]})).await.ok(200);
    kim.post(&format!("/folders/{id}/records"), json!({"card": "repair", "ids": [repair]})).await.ok(200);
    assert_eq!(kim.get(&format!("/folders/{id}")).await.ok(200)["count"], 3);
    let seen = cleo.get(&format!("/folders/{id}")).await;
    assert!(!seen.text.contains(&theirs) && !seen.text.contains("repair"), "{}", seen.text);
    assert_eq!((&seen.body["count"], &seen.body["records"]), (&json!(1), &json!({"device": [mine]})));
    assert_eq!(gus.get(&format!("/folders/{id}")).await.ok(200)["count"], 0);
    let page = cleo.send(Method::GET, &format!("/fav/{id}"), &[], None).await;
    assert!(page.status == 200 && page.text.contains("Mine") && !page.text.contains("Foreigner") && !page.text.contains(&theirs), "{}", page.text);
    cleo.send(Method::GET, &format!("/fav/menu/device/{theirs}"), &[("hx-request", "true")], None).await.refused(404, "not_found");
    // Nobody puts in what they do not see.
    cleo.post(&format!("/folders/{id}/records"), json!({"card": "device", "ids": [theirs]})).await.refused(404, "not_found");
    cleo.post(&format!("/folders/{id}/records"), json!({"card": "repair", "ids": [repair]})).await.refused(404, "not_found");
    cleo.post(&format!("/folders/{id}/records"), json!({"card": "room", "ids": [mine]})).await.refused(404, "not_found");
    // A right that is taken away is gone at once.
    kim.patch(&format!("/folders/{id}"), json!({"fillers": []})).await.ok(200);
    cleo.get(&format!("/folders/{id}")).await.refused(404, "not_found");
    assert_eq!(cleo.find("device", &in_folder("id", &id), "name", "name").await, Vec::<Value>::new());
}

async fn folders_that_make_no_sense_are_refused(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let refused = kim.post("/folders", json!({"name": "x".repeat(61), "lookers": ["nobody_at_all"]})).await.refused(422, "invalid");
    assert_eq!(violations(&refused), ["lookers/0 option", "name max_length"]);
    kim.post("/folders", json!({"name": " "})).await.refused(422, "invalid");
    for body in [json!([]), json!({"nmae": "X"}), json!({"name": 3}), json!({"name": "X", "tone": "loud"}), json!({"name": "X", "lookers": "clerk"})] {
        kim.post("/folders", body).await.refused(400, "bad_folder");
    }
    let id = folder(&kim, json!({"name": "Best"})).await;
    for body in [json!({}), json!({"card": "device"}), json!({"card": "device", "ids": ["x"]})] {
        kim.post(&format!("/folders/{id}/records"), body).await.refused(400, "bad_folder");
    }
    kim.post(&format!("/folders/{id}/records"), json!({"card": "device", "ids": []})).await.refused(404, "not_found");
    kim.get("/folders/nonsense").await.refused(404, "not_found");
    kim.delete(&format!("/folders/{id}/records/nonsense")).await.refused(404, "not_found");
    for filter in [in_folder("id", "Best"), json!({"field": "id", "op": "in_folder", "value": 3}), in_folder("name", &id)] {
        kim.post("/records/device/query", json!({"filter": filter})).await.refused(400, "bad_filter");
    }
}

async fn folders_are_put_away_and_brought_back(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let device = kim.make("device", json!({"name": "Alpha"})).await;
    let (first, second) = (folder(&kim, json!({"name": "First"})).await, folder(&kim, json!({"name": "Second"})).await);
    kim.post(&format!("/folders/{first}/records"), json!({"card": "device", "ids": [device]})).await.ok(200);
    let order = |person: Person| async move { person.get("/folders").await.ok(200)["data"].as_array().expect("folders").iter().map(|folder| folder["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>() };
    let form = [("content-type", "application/x-www-form-urlencoded")];
    kim.send(Method::POST, "/fav/order", &form, Some(format!("ids={second},{first}").into_bytes())).await;
    assert_eq!(order(kim.clone()).await, ["Second", "First"]);
    kim.delete(&format!("/folders/{first}")).await.ok(204);
    assert_eq!(order(kim.clone()).await, ["Second"]);
    assert_eq!(kim.find("device", &in_folder("id", &first), "name", "name").await, Vec::<Value>::new());
    assert_eq!(kim.post(&format!("/folders/{first}/restore"), json!({})).await.ok(200)["count"], 1);
    assert_eq!(order(kim.clone()).await, ["Second", "First"]);
}

async fn pages_of_folders(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let device = kim.make("device", json!({"name": "Alpha"})).await;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("hx-request", "true")];
    let made = kim.send(Method::POST, "/fav", &form, Some(format!("name=Best&tone=violet&role.clerk=look&card=device&ids={device}").into_bytes())).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let url = made.body["url"].as_str().expect("an address").to_owned();
    let id = url.rsplit('/').next().expect("an id");
    let page = kim.send(Method::GET, &url, &[], None).await;
    assert!(page.text.contains("Alpha") && page.text.contains("t-violet") && page.text.contains("Shared with Clerk"), "{}", page.text);
    let list = kim.send(Method::GET, &format!("/c/device?filter={}", encoded(&in_folder("id", id).to_string())), &[], None).await;
    assert!(list.status == 200 && list.text.contains("Alpha") && list.text.contains("Best"), "{}", list.text);
    let menu = kim.send(Method::GET, &format!("/fav/menu/device/{device}"), &[("hx-request", "true")], None).await;
    assert!(menu.text.contains("aria-checked=\"true\""), "{}", menu.text);
    let counts = kim.send(Method::GET, "/fav/counts", &[("hx-request", "true")], None).await;
    assert!(counts.text.contains(&format!("#fc-{id}")) && counts.text.contains(">1<"), "{}", counts.text);
    // All that a list has, by its address.
    kim.make("device", json!({"name": "Beta"})).await;
    let all = kim.send(Method::POST, &format!("/fav/{id}/add"), &form, Some(b"card=device&query=sort%3Dname".to_vec())).await;
    assert!(all.status == 200 && all.text.contains("2 records added"), "{}", all.text);
    for path in ["/fav/new", "/fav/choose?card=device", &format!("/fav/{id}/edit"), &format!("/fav/menu/device/{device}")] {
        let answer = kim.send(Method::GET, path, &[], None).await;
        assert!(answer.status == 200 && answer.text.contains("<html"), "{path} answers as a whole page");
    }
}
