//! What was changed together is taken back together: values, child rows, the trash, rights, races.

use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site}};

const LAB: &str = "tests/packs/lab";

both!(everything_comes_back, what_others_changed_since_stays, an_undo_is_a_batch_itself, only_its_maker_takes_a_batch_back, a_record_given_away_comes_back, two_undos_at_once_are_one, deletions_come_back_with_what_went_along, secrets_are_never_kept);

/// Many changes in one undoable batch; its id and answer.
async fn batch(person: &Person, card: &str, items: Value) -> (String, Value) {
    let answer = person.post(&format!("/records/{card}/batch"), json!({"undoable": true, "atomic": true, "items": items})).await.ok(200);
    (answer["batch"].as_str().expect("a batch").to_owned(), answer)
}

async fn undo(person: &Person, batch: &str) -> Value {
    person.post(&format!("/batches/{batch}/undo"), json!({})).await.ok(200)
}

/// The results of a batch: `record result fields`.
async fn results(person: &Person, batch: &str) -> Vec<(String, String, Value)> {
    let rows = person.get(&format!("/batches/{batch}/rows?limit=500")).await.ok(200);
    rows["data"].as_array().expect("rows").iter().map(|row| (row["record"].as_str().unwrap_or_default().to_owned(), row["result"].as_str().unwrap_or_default().to_owned(), row["reason"]["fields"].clone())).collect()
}

async fn everything_comes_back(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let room = kim.make("room", json!({"name": "Cellar"})).await;
    let made = json!({"name": "Before", "grade": "a", "tags": ["new", "hot"], "room": room, "price": "3.00", "address": {"city": "Berlin"},
        "parts": [{"label": "A", "quantity": "2", "price": "1.50"}, {"label": "B", "quantity": "1"}, {"label": "C", "quantity": "3", "kinds": ["x", "y"]}]});
    let id = kim.make("device", made).await;
    let before = kim.read("device", &id).await;
    let (a, b, c) = (before["parts"][0]["id"].clone(), before["parts"][1]["id"].clone(), before["parts"][2]["id"].clone());
    let change = json!({"name": "After", "grade": "c", "tags": [], "room": null, "address": null, "notes": "new",
        "parts": [{"id": b, "quantity": "9"}, {"label": "D", "quantity": "4"}, {"id": a}]});
    let other = json!({"name": "Made by it"});
    let (id_of_batch, answer) = batch(&kim, "device", json!([{"op": "update", "id": id, "record": change}, {"op": "create", "record": other}])).await;
    let made = answer["data"][1]["id"].as_str().expect("an id").to_owned();
    assert_eq!(kim.read("device", &id).await["name"], "After");
    let undone = undo(&kim, &id_of_batch).await;
    assert_eq!((&undone["kind"], &undone["changed"], &undone["failed"]), (&json!("undo"), &json!(2), &json!(0)), "{undone}");
    let mut after = kim.read("device", &id).await;
    assert_eq!(after["version"], 3);
    for key in ["name", "grade", "tags", "room", "price", "address", "notes", "parts_total", "worth"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    // Rows come back under their ids, with their values, in their order.
    let rows = after["parts"].take();
    assert_eq!(rows, before["parts"], "{rows:#}");
    assert_eq!(rows[2]["id"], c);
    kim.get(&format!("/records/device/{made}")).await.refused(404, "not_found");
    assert_eq!(kim.get(&format!("/records/device/{made}?trash=only")).await.ok(200)["name"], "Made by it");
    let listed = kim.get("/batches").await.ok(200);
    let states: Vec<(&str, &str)> = listed["data"].as_array().expect("batches").iter().map(|one| (one["kind"].as_str().unwrap_or("?"), one["state"].as_str().unwrap_or("?"))).collect();
    assert_eq!(states, [("undo", "done"), ("api", "undone")]);
}

async fn what_others_changed_since_stays(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, lee) = (site.person("kim", &["keeper"]).await, site.person("lee", &["keeper"]).await);
    let touched = kim.make("device", json!({"name": "Touched", "grade": "a", "notes": "old"})).await;
    let free = kim.make("device", json!({"name": "Free", "grade": "a"})).await;
    let items = json!([{"op": "update", "id": touched, "record": {"grade": "c", "notes": "new"}}, {"op": "update", "id": free, "record": {"grade": "c"}}, {"op": "create", "record": {"name": "Made"}}, {"op": "create", "record": {"name": "Worked on"}}]);
    let (id, answer) = batch(&kim, "device", items).await;
    let worked_on = answer["data"][3]["id"].as_str().expect("an id").to_owned();
    lee.patch(&format!("/records/device/{touched}"), json!({"grade": "b"})).await.ok(200);
    lee.patch(&format!("/records/device/{free}"), json!({"name": "Renamed"})).await.ok(200);
    lee.patch(&format!("/records/device/{worked_on}"), json!({"notes": "lee was here"})).await.ok(200);
    let undone = undo(&kim, &id).await;
    assert_eq!((&undone["changed"], &undone["skipped"], &undone["failed"]), (&json!(3), &json!(1), &json!(0)), "{undone}");
    let (first, second) = (kim.read("device", &touched).await, kim.read("device", &free).await);
    assert_eq!((&first["grade"], &first["notes"]), (&json!("b"), &json!("old")), "only what nobody changed since is set back");
    assert_eq!((&second["grade"], &second["name"]), (&json!("a"), &json!("Renamed")));
    assert_eq!(kim.read("device", &worked_on).await["notes"], "lee was here");
    let told = results(&kim, undone["id"].as_str().expect("an id")).await;
    assert!(told.contains(&(touched.clone(), "updated".into(), json!(["grade"]))), "{told:?}");
    assert!(told.contains(&(worked_on.clone(), "kept".into(), json!(["notes"]))), "{told:?}");
}

async fn an_undo_is_a_batch_itself(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "X", "grade": "a", "parts": [{"label": "A", "quantity": "1"}]})).await;
    let row = kim.read("device", &id).await["parts"][0]["id"].clone();
    // Twice in one batch: each change of it is no change by others.
    let items = json!([{"op": "update", "id": id, "record": {"grade": "b", "parts": {"remove": [row]}}}, {"op": "update", "id": id, "record": {"grade": "c"}}]);
    let (first, _) = batch(&kim, "device", items).await;
    let undone = undo(&kim, &first).await;
    assert_eq!((&undone["changed"], &undone["skipped"]), (&json!(2), &json!(0)), "{undone}");
    let read = kim.read("device", &id).await;
    assert_eq!((&read["grade"], &read["parts"][0]["id"]), (&json!("a"), &row));
    kim.post(&format!("/batches/{first}/undo"), json!({})).await.refused(409, "batch_undone");
    let redone = undo(&kim, undone["id"].as_str().expect("an id")).await;
    assert_eq!(redone["failed"], 0, "{redone}");
    let read = kim.read("device", &id).await;
    assert_eq!((&read["grade"], &read["parts"]), (&json!("c"), &json!([])));
}

async fn only_its_maker_takes_a_batch_back(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, lee, boss) = (site.person("kim", &["keeper"]).await, site.person("lee", &["keeper"]).await, site.person("boss", &["administrator"]).await);
    let (one, _) = batch(&kim, "room", json!([{"op": "create", "record": {"name": "One"}}])).await;
    let (two, _) = batch(&kim, "room", json!([{"op": "create", "record": {"name": "Two"}}])).await;
    for path in ["", "/rows", "/rows?format=csv"] {
        lee.get(&format!("/batches/{one}{path}")).await.refused(404, "not_found");
        site.nobody().get(&format!("/batches/{one}{path}")).await.refused(401, "unauthenticated");
    }
    lee.post(&format!("/batches/{one}/undo"), json!({})).await.refused(404, "not_found");
    assert_eq!(lee.get("/batches").await.ok(200)["data"], json!([]));
    lee.get("/batches?of=everybody").await.refused(403, "forbidden");
    assert_eq!(boss.get("/batches?of=everybody").await.ok(200)["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(undo(&boss, &one).await["changed"], 1);
    // Rights that are gone meanwhile are missed: each record says so.
    site.app.store.apply(vec!["DELETE FROM sys_user_role WHERE role = 'keeper'".into(), "UPDATE sys_catalog SET rights = rights + 1".into()]).await.expect("rights taken");
    let undone = undo(&kim, &two).await;
    assert_eq!((&undone["changed"], &undone["failed"]), (&json!(0), &json!(1)), "{undone}");
    let csv = kim.get(&format!("/batches/{}/rows?format=csv", undone["id"].as_str().expect("an id"))).await;
    assert!(csv.text.contains("room,") && csv.text.contains(",failed,"), "{}", csv.text);
}

async fn a_record_given_away_comes_back(database: Database) {
    let site = Site::with(database, "tests/packs/pool").await;
    let (ann, bea) = (site.person("ann", &["seller"]).await, site.person("bea", &["seller"]).await);
    let id = ann.make("lead", json!({"name": "Lead"})).await;
    let (given, _) = batch(&ann, "lead", json!([{"op": "update", "id": id, "record": {"owner": bea.id}}])).await;
    ann.get(&format!("/records/lead/{id}")).await.refused(404, "not_found");
    let undone = undo(&ann, &given).await;
    assert_eq!((&undone["changed"], &undone["failed"]), (&json!(1), &json!(0)), "{undone}");
    assert_eq!(ann.read("lead", &id).await["owner"]["id"], ann.id.as_str());
    // But not if its owner is another since.
    let (given, _) = batch(&ann, "lead", json!([{"op": "update", "id": id, "record": {"owner": bea.id, "name": "Given"}}])).await;
    let cat = site.person("cat", &["seller"]).await;
    bea.patch(&format!("/records/lead/{id}"), json!({"owner": cat.id})).await;
    let undone = undo(&ann, &given).await;
    assert_eq!((&undone["changed"], &undone["failed"]), (&json!(0), &json!(1)), "{undone}");
    assert_eq!(cat.read("lead", &id).await["name"], "Given");
}

async fn two_undos_at_once_are_one(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let ids: Vec<String> = {
        let items: Vec<Value> = (0..30).map(|n| json!({"op": "create", "record": {"name": format!("D{n}"), "amount": 1}})).collect();
        let made = kim.post("/records/device/batch", json!({"atomic": true, "items": items})).await.ok(200);
        made["data"].as_array().expect("ids").iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let items: Vec<Value> = ids.iter().map(|id| json!({"op": "update", "id": id, "record": {"amount": 2}})).collect();
    let (id, _) = batch(&kim, "device", json!(items)).await;
    let path = format!("/batches/{id}/undo");
    // Somebody edits while it is taken back: each record is either.
    let editing = async {
        for id in &ids {
            kim.patch(&format!("/records/device/{id}"), json!({"amount": 3})).await.ok(200);
        }
    };
    let (one, other, ()) = tokio::join!(kim.post(&path, json!({})), kim.post(&path, json!({})), editing);
    let statuses = [one.status.as_u16(), other.status.as_u16()];
    assert!(statuses.contains(&200) && statuses.contains(&409), "{statuses:?}");
    let done = if one.status == 200 { one.body } else { other.body };
    assert_eq!(done["changed"].as_i64().unwrap_or(0) + done["skipped"].as_i64().unwrap_or(0), 30, "{done}");
    for amount in kim.find("device", &json!({"all": []}), "no", "amount").await {
        assert_eq!(amount, 3, "nobody's edit is lost");
    }
}

async fn deletions_come_back_with_what_went_along(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let device = kim.make("device", json!({"name": "Old"})).await;
    let repair = kim.make("repair", json!({"device": device, "text": "screw"})).await;
    let (id, _) = batch(&kim, "device", json!([{"op": "delete", "id": device}])).await;
    kim.get(&format!("/records/repair/{repair}")).await.refused(404, "not_found");
    let undone = undo(&kim, &id).await;
    assert_eq!((&undone["changed"], &undone["failed"]), (&json!(2), &json!(0)), "{undone}");
    assert_eq!(kim.read("repair", &repair).await["device"]["id"], device.as_str());
    let redone = undo(&kim, undone["id"].as_str().expect("an id")).await;
    assert_eq!(redone["failed"], 0, "{redone}");
    kim.get(&format!("/records/device/{device}")).await.refused(404, "not_found");
}

async fn secrets_are_never_kept(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "Safe", "pin": "73519264"})).await;
    batch(&kim, "device", json!([{"op": "update", "id": id, "record": {"pin": "1", "notes": "n"}}])).await;
    assert_eq!(site.number("SELECT count(*) FROM sys_batch_row WHERE before LIKE '%73519264%'").await, 0);
    assert_eq!(site.number("SELECT count(*) FROM sys_batch_row WHERE before LIKE '%notes%'").await, 1);
    // What is older than a week is forgotten.
    app::batches::clean(&site.app, chrono::Utc::now() + chrono::TimeDelta::days(8)).await.expect("cleaned");
    assert_eq!(site.number("SELECT count(*) FROM sys_batch_row").await, 0);
    assert_eq!(kim.get("/batches").await.ok(200)["data"], json!([]));
}
