//! The same change to many records: those selected, or all matches; with the rights of whoever asks.

use app::jobs::{self, Pace};
use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site, violations}};

const LAB: &str = "tests/packs/lab";
const POOL: &str = "tests/packs/pool";

both!(selected_records_are_changed_and_told, several_values_are_added_and_taken_out, what_is_wrong_with_the_change_is_said_first, all_matches_take_the_right_and_a_job, ten_thousand_are_changed_and_taken_back, a_cancelled_change_is_taken_back, records_are_given_to_others);

async fn bulk(person: &Person, card: &str, body: Value) -> Value {
    let answer = person.post(&format!("/records/{card}/bulk"), body).await;
    assert!(matches!(answer.status.as_u16(), 200 | 202), "{}", answer.text);
    answer.body["batch"].clone()
}

fn counts(batch: &Value) -> (i64, i64, i64) {
    let number = |key: &str| batch[key].as_i64().unwrap_or(-1);
    (number("changed"), number("skipped"), number("failed"))
}

fn id_of(batch: &Value) -> String {
    batch["id"].as_str().expect("a batch").to_owned()
}

async fn run_jobs(site: &Site) {
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("jobs run");
}

/// Many records in few requests.
async fn many(person: &Person, card: &str, count: usize, record: impl Fn(usize) -> Value) -> Vec<String> {
    let mut ids = Vec::with_capacity(count);
    let all: Vec<Value> = (0..count).map(|index| json!({"op": "create", "record": record(index)})).collect();
    for part in all.chunks(1_000) {
        let made = person.post(&format!("/records/{card}/batch"), json!({"atomic": true, "items": part})).await.ok(200);
        ids.extend(made["data"].as_array().expect("ids").iter().map(|one| one["id"].as_str().unwrap_or_default().to_owned()));
    }
    ids
}

async fn selected_records_are_changed_and_told(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let theirs = kim.make("device", json!({"name": "Theirs"})).await;
    let mine = cleo.make("device", json!({"name": "Mine"})).await;
    let same = cleo.make("device", json!({"name": "Same", "grade": "a"})).await;
    let late = cleo.make("device", json!({"name": "Late", "bought": "2026-01-01", "parts": [{"label": "A", "quantity": "1", "due": "2026-02-01"}]})).await;
    let nothing = "00000000-0000-7000-8000-000000000000";
    let batch = bulk(&cleo, "device", json!({"action": "edit", "fields": [{"field": "grade", "value": "a"}], "ids": [mine, theirs, same, nothing, mine]})).await;
    assert_eq!(counts(&batch), (1, 3, 0), "{batch}");
    assert_eq!((cleo.read("device", &mine).await["grade"].clone(), kim.read("device", &theirs).await["grade"].clone()), (json!("a"), json!("b")));
    let rows = cleo.get(&format!("/batches/{}/rows", id_of(&batch))).await.ok(200);
    let told: Vec<(&str, &str, &str)> = rows["data"].as_array().expect("rows").iter().map(|row| (row["record"].as_str().unwrap_or("?"), row["result"].as_str().unwrap_or("?"), row["reason"]["code"].as_str().unwrap_or(""))).collect();
    assert_eq!(told, [(mine.as_str(), "updated", ""), (theirs.as_str(), "skipped", "not_found"), (same.as_str(), "unchanged", ""), (nothing, "skipped", "not_found")]);
    // A rule that is broken is a failure of that row alone.
    let batch = bulk(&cleo, "device", json!({"action": "edit", "fields": [{"field": "bought", "value": "2026-03-01"}, {"field": "notes", "op": "set", "value": "x"}], "ids": [mine, late]})).await;
    assert_eq!(counts(&batch), (1, 0, 1), "{batch}");
    let csv = cleo.get(&format!("/batches/{}/rows?format=csv", id_of(&batch))).await;
    assert!(csv.text.contains("cannot be due before") && csv.header("content-disposition").contains("attachment"), "{}", csv.text);
    // Deleting and bringing back, many at once.
    let batch = bulk(&cleo, "device", json!({"action": "delete", "ids": [mine, same, theirs]})).await;
    assert_eq!(counts(&batch), (2, 1, 0), "{batch}");
    let batch = bulk(&cleo, "device", json!({"action": "restore", "all": {}})).await;
    assert_eq!(counts(&batch), (2, 0, 0), "{batch}");
    cleo.read("device", &mine).await;
    // Nothing of a card one may not see; nobody without a session.
    cleo.post("/records/repair/bulk", json!({"action": "delete", "ids": [mine]})).await.refused(404, "not_found");
    site.nobody().post("/records/device/bulk", json!({"action": "delete", "ids": [mine]})).await.refused(401, "unauthenticated");
    site.person("gus", &["guest"]).await.post("/records/device/bulk", json!({"action": "delete", "ids": [mine]})).await.refused(403, "forbidden");
}

async fn several_values_are_added_and_taken_out(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let (one, two) = (kim.make("device", json!({"name": "1", "tags": ["hot"]})).await, kim.make("device", json!({"name": "2"})).await);
    let edit = |op: &str, value: Value| json!({"action": "edit", "fields": [{"field": "tags", "op": op, "value": value}, {"field": "kin", "op": op, "value": [one]}], "ids": [one, two]});
    let added = bulk(&kim, "device", edit("add", json!(["new", "hot"]))).await;
    assert_eq!(counts(&added), (2, 0, 0), "{added}");
    let read = |id: String| { let kim = kim.clone(); async move { let record = kim.read("device", &id).await; (record["tags"].clone(), record["kin"].as_array().map_or(0, Vec::len)) } };
    assert_eq!((read(one.clone()).await, read(two.clone()).await), ((json!(["new", "hot"]), 1), (json!(["new", "hot"]), 1)));
    bulk(&kim, "device", edit("remove", json!(["hot"]))).await;
    assert_eq!(read(two.clone()).await, (json!(["new"]), 0));
    let cleared = bulk(&kim, "device", json!({"action": "edit", "fields": [{"field": "tags", "op": "clear"}], "ids": [one, two]})).await;
    assert_eq!((counts(&cleared), read(one.clone()).await.0), ((2, 0, 0), json!([])));
    kim.post(&format!("/batches/{}/undo", id_of(&cleared)), json!({})).await.ok(200);
    assert_eq!(read(one.clone()).await.0, json!(["new"]));
}

async fn what_is_wrong_with_the_change_is_said_first(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let id = kim.make("device", json!({"name": "X"})).await;
    let edit = |fields: Value| json!({"action": "edit", "fields": fields, "ids": [id]});
    let problem = kim.post("/records/device/bulk", edit(json!([{"field": "no", "value": "1"}, {"field": "nmae", "value": "1"}, {"field": "price", "value": "a lot"}, {"field": "grade", "op": "add", "value": ["a"]}, {"field": "worth", "value": "1"}, {"field": "tags", "op": "add"}]))).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["grade type", "nmae unknown_field", "no read_only", "price type", "tags required", "worth read_only"]);
    let problem = cleo.post("/records/device/bulk", edit(json!([{"field": "price", "value": "1"}, {"field": "cost", "value": "1"}]))).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["cost forbidden", "price forbidden"]);
    cleo.post("/records/device/bulk", json!({"action": "assign", "owner": kim.id, "ids": [id]})).await.refused(403, "forbidden");
    for body in [json!([]), json!({"action": "edit", "ids": [id]}), json!({"action": "fly", "ids": [id]}), json!({"action": "delete"}), json!({"action": "delete", "ids": ["x"]}), json!({"action": "delete", "ids": [id], "all": {}}), json!({"action": "assign", "ids": [id]}), json!({"action": "delete", "ids": [id], "colour": 1}), edit(json!([{"field": "name", "op": "fly"}])), edit(json!([{"op": "set"}]))] {
        kim.post("/records/device/bulk", body).await.refused(400, "bad_bulk");
    }
    kim.post("/records/device/bulk", json!({"action": "delete", "ids": []})).await.refused(400, "nothing_selected");
    kim.post("/records/device/bulk", json!({"action": "delete", "all": {"filter": {"field": "nmae", "op": "is", "value": "x"}}})).await.refused(400, "bad_filter");
    cleo.post("/records/device/bulk", json!({"action": "delete", "all": {"filter": {"field": "cost", "op": "gt", "value": "1"}}})).await.refused(403, "forbidden");
    kim.post("/records/device/bulk", json!({"action": "claim", "ids": [id]})).await.refused(404, "not_found");
}

async fn all_matches_take_the_right_and_a_job(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    many(&cleo, "device", 130, |index| json!({"name": format!("D{index}"), "grade": if index < 120 { "b" } else { "c" }})).await;
    let body = json!({"action": "edit", "fields": [{"field": "grade", "value": "a"}], "all": {"filter": {"field": "grade", "op": "is", "value": "b"}}});
    cleo.post("/records/device/bulk", body.clone()).await.refused(403, "forbidden");
    let answer = kim.post("/records/device/bulk", body).await;
    assert_eq!((answer.status.as_u16(), answer.body["total"].as_i64()), (202, Some(120)), "{}", answer.text);
    let batch = answer.body["batch"].clone();
    kim.post(&format!("/batches/{}/undo", id_of(&batch)), json!({})).await.refused(409, "batch_running");
    // What is made after the start is not among the matches.
    let late = kim.make("device", json!({"name": "Late", "grade": "b"})).await;
    run_jobs(&site).await;
    let batch = kim.get(&format!("/batches/{}", id_of(&batch))).await.ok(200);
    assert_eq!((counts(&batch), batch["state"].as_str()), ((120, 0, 0), Some("done")), "{batch}");
    assert_eq!(kim.read("device", &late).await["grade"], "b");
    let job = kim.get(&format!("/jobs/{}", batch["job"].as_str().expect("a job"))).await.ok(200);
    assert_eq!((&job["state"], &job["done"], &job["result"]["batch"]), (&json!("done"), &json!(120), &batch["id"]));
    // Few matches are changed at once, by whoever may.
    let few = bulk(&cleo, "device", json!({"action": "edit", "fields": [{"field": "notes", "value": "n"}], "all": {"filter": {"field": "grade", "op": "is", "value": "c"}}})).await;
    assert_eq!((counts(&few), few["job"].is_null()), ((10, 0, 0), true));
}

async fn ten_thousand_are_changed_and_taken_back(database: Database) {
    // One database shows that many parts of a job add up; the other that it is the same there.
    let many_of_them = if database == Database::Sqlite { 10_000 } else { 2_000 };
    let wanted = i64::try_from(many_of_them).expect("a small number");
    let site = Site::with(database, POOL).await;
    let chief = site.person("chief", &["chief"]).await;
    many(&chief, "visit", many_of_them, |index| json!({"what": format!("V{index}")})).await;
    let batch = bulk(&chief, "visit", json!({"action": "edit", "fields": [{"field": "what", "value": "done"}], "all": {}})).await;
    run_jobs(&site).await;
    let batch = chief.get(&format!("/batches/{}", id_of(&batch))).await.ok(200);
    assert_eq!(counts(&batch), (wanted, 0, 0), "{batch}");
    let undone = chief.post(&format!("/batches/{}/undo", id_of(&batch)), json!({})).await.ok(202);
    run_jobs(&site).await;
    let undone = chief.get(&format!("/batches/{}", id_of(&undone))).await.ok(200);
    assert_eq!(counts(&undone), (wanted, 0, 0), "{undone}");
    assert_eq!(site.number("SELECT count(DISTINCT f_what) FROM c_visit").await, wanted);
}


async fn a_cancelled_change_is_taken_back(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let ids = many(&kim, "device", 150, |index| json!({"name": format!("D{index}")})).await;
    let batch = bulk(&kim, "device", json!({"action": "edit", "fields": [{"field": "grade", "value": "a"}], "ids": ids})).await;
    kim.post(&format!("/jobs/{}/cancel", batch["job"].as_str().expect("a job")), json!({})).await.ok(200);
    run_jobs(&site).await;
    let batch = kim.get(&format!("/batches/{}", id_of(&batch))).await.ok(200);
    assert_eq!((batch["state"].as_str(), counts(&batch)), (Some("done"), (0, 0, 0)), "{batch}");
    assert_eq!(batch["undoable"], false);
}

async fn records_are_given_to_others(database: Database) {
    let site = Site::with(database, POOL).await;
    let (ann, bea, chief) = (site.person("ann", &["seller"]).await, site.person("bea", &["seller"]).await, site.person("chief", &["chief"]).await);
    let ids = many(&ann, "lead", 3, |index| json!({"name": format!("L{index}")})).await;
    let other = chief.make("lead", json!({"name": "Chief's"})).await;
    let mut asked = ids.clone();
    asked.push(other);
    let batch = bulk(&ann, "lead", json!({"action": "assign", "owner": bea.id, "ids": asked})).await;
    assert_eq!(counts(&batch), (3, 1, 0), "{batch}");
    assert_eq!(bea.find("lead", &json!({"field": "owner", "op": "is", "value": bea.id}), "name", "name").await.len(), 3);
    ann.get(&format!("/records/lead/{}", ids[0])).await.refused(404, "not_found");
    let undone = ann.post(&format!("/batches/{}/undo", id_of(&batch)), json!({})).await.ok(200);
    assert_eq!(counts(&undone), (3, 0, 0), "{undone}");
    assert_eq!(ann.find("lead", &json!({"field": "owner", "op": "is", "value": ann.id}), "name", "name").await.len(), 3);
}
