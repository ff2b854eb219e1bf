//! One record: made, read, changed, merged, deleted, brought back.

use serde_json::{Value, json};

use crate::{both, site::{Database, Site, violations}};

const LAB: &str = "tests/packs/lab";

both!(every_type_comes_back_as_it_went_in, a_new_record_has_its_defaults_and_number, everything_wrong_is_said_at_once, child_rows_are_changed_in_parts, totals_follow, a_stale_change_merges_or_is_refused, an_idempotency_key_makes_one_record, what_points_here_is_asked_on_delete, batches, history_names_what_changed, links_must_be_there_and_in_sight, unique_values);

/// A value for every type there is.
pub fn everything(room: &str, other: &str, me: &str) -> Value {
    json!({
        "name": "Küvette “Ω” 比色皿 🔬",
        "notes": "First line\nsecond line",
        "email": "lab@example.com",
        "phone": "+49 30 1234567",
        "web": "https://example.com/a?b=c",
        "amount": 12,
        "weight": "1.250",
        "price": "19.90",
        "share": "15.00",
        "stars": 4,
        "leased": true,
        "bought": "2026-02-28",
        "opens": "09:30",
        "checked": "2026-11-24T08:15:00Z",
        "lasts": 5400,
        "grade": "a",
        "tags": ["hot", "new"],
        "room": room,
        "kin": [other],
        "about": {"card": "room", "id": room},
        "keeper": me,
        "address": {"country": "DE", "city": "Berlin", "street": "Unter den Linden 1", "postcode": "10117"},
        "place": {"lat": 52.5, "lon": 13.4},
        "extra": {"a": [1, null, "x"]},
        "tint": "#1d4ed8",
        "cost": "7.05",
        "pin": "1234"
    })
}

async fn every_type_comes_back_as_it_went_in(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let room = kim.make("room", json!({"name": "Cellar", "budget": "1000"})).await;
    let other = kim.make("device", json!({"name": "Other"})).await;
    let sent = everything(&room, &other, &kim.id);
    let id = kim.make("device", sent.clone()).await;
    let read = kim.read("device", &id).await;
    for key in ["name", "notes", "email", "phone", "web", "amount", "weight", "price", "share", "stars", "leased", "bought", "checked", "lasts", "grade", "extra", "tint", "cost"] {
        assert_eq!(read[key], sent[key], "{key}");
    }
    assert_eq!(read["opens"].as_str().map(|time| &time[..5]), Some("09:30"));
    // Choices stand in the order of their options.
    assert_eq!(read["tags"], json!(["new", "hot"]));
    assert_eq!(read["room"], json!({"id": room, "title": "Cellar"}));
    assert_eq!(read["kin"][0]["id"], other.as_str());
    assert_eq!(read["about"], json!({"card": "room", "id": room, "title": "Cellar"}));
    assert_eq!(read["keeper"]["title"], "kim");
    assert_eq!(read["address"]["city"], "Berlin");
    assert_eq!(read["room_budget"], "1000.00");
    assert!(read.get("pin").is_none_or(Value::is_null), "a secret is written, never read: {}", read["pin"]);
    // Everything can be emptied again, but what is required.
    let empty: serde_json::Map<String, Value> = sent.as_object().expect("a record").keys().filter(|key| *key != "name").map(|key| (key.clone(), Value::Null)).collect();
    kim.patch(&format!("/records/device/{id}"), Value::Object(empty)).await.ok(200);
    let read = kim.read("device", &id).await;
    for key in ["notes", "amount", "price", "stars", "bought", "opens", "grade", "room", "about", "address", "place", "extra", "tint"] {
        assert!(read[key].is_null(), "{key}: {}", read[key]);
    }
    assert_eq!((&read["tags"], &read["kin"]), (&json!([]), &json!([])));
}

async fn a_new_record_has_its_defaults_and_number(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let made = kim.post("/records/device", json!({"name": "First"})).await;
    assert_eq!(made.header("location"), format!("/api/v1/records/device/{}", made.body["id"].as_str().expect("an id")));
    assert_eq!(made.header("etag"), "\"1\"");
    let first = made.ok(201);
    assert_eq!(first["no"], "D-0001");
    assert_eq!(first["grade"], "b");
    assert_eq!(first["bought"], chrono::Utc::now().date_naive().to_string());
    assert_eq!(first["keeper"]["id"], kim.id.as_str());
    assert_eq!(first["owner"]["id"], kim.id.as_str());
    assert_eq!(first["version"], 1);
    // What is refused uses no number up.
    kim.post("/records/device", json!({"name": ""})).await.refused(422, "invalid");
    assert_eq!(kim.read("device", &kim.make("device", json!({"name": "Second"})).await).await["no"], "D-0002");
    kim.post("/records/device", json!({"name": "Third", "no": "X"})).await.refused(422, "invalid");
}

async fn everything_wrong_is_said_at_once(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let wrong = json!({
        "email": "nobody", "web": "javascript:alert(1)", "amount": -1, "weight": "1.2345", "price": "a lot", "stars": 6, "leased": "yes", "bought": "2026-02-30", "opens": "25:00",
        "checked": "yesterday", "grade": "z", "tags": ["hot", "cold"], "room": "00000000-0000-7000-8000-000000000000", "tint": "#12", "colour": 1,
        "place": {"lat": 91, "lon": 0}, "parts": [{"label": "P", "quantity": "-1"}, {"quantity": "1", "due": "2026-13-01"}]
    });
    let problem = kim.post("/records/device", wrong).await.refused(422, "invalid");
    let found = violations(&problem);
    let paths: Vec<&str> = found.iter().filter_map(|line| line.split(' ').next()).collect();
    for path in ["name", "email", "web", "amount", "weight", "price", "stars", "leased", "bought", "opens", "checked", "grade", "tags", "room", "tint", "colour", "parts/0/quantity", "parts/1/label", "parts/1/due"] {
        assert!(paths.contains(&path), "{path} is missing in {found:?}");
    }
    assert!(found.iter().any(|line| line.starts_with("place")), "{found:?}");
    for one in problem["violations"].as_array().expect("violations") {
        assert!(one["message"].as_str().is_some_and(|message| message.len() > 5), "{one}");
    }
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 0);
}

async fn child_rows_are_changed_in_parts(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "Set", "parts": [{"label": "A", "quantity": "2", "price": "1.50", "kinds": ["x", "y"]}, {"label": "B", "quantity": "1"}, {"label": "C", "quantity": "3"}]})).await;
    let path = format!("/records/device/{id}");
    let read = kim.read("device", &id).await;
    let labels = |read: &Value| read["parts"].as_array().expect("rows").iter().map(|row| row["label"].as_str().unwrap_or("").to_owned()).collect::<Vec<_>>();
    assert_eq!(labels(&read), ["A", "B", "C"]);
    assert_eq!(read["parts"][0]["kinds"], json!(["x", "y"]));
    let row = |read: &Value, index: usize| read["parts"][index]["id"].as_str().expect("an id").to_owned();
    let (a, b, c) = (row(&read, 0), row(&read, 1), row(&read, 2));
    // The whole table: in another order, one changed, one new, one left out.
    kim.patch(&path, json!({"parts": [{"id": c, "quantity": "4"}, {"label": "D", "quantity": "1"}, {"id": a}]})).await.ok(200);
    let read = kim.read("device", &id).await;
    assert_eq!(labels(&read), ["C", "D", "A"]);
    assert_eq!((row(&read, 0), row(&read, 2)), (c.clone(), a.clone()));
    assert_eq!(read["parts"][0]["quantity"], "4.000");
    // Parts of it.
    kim.patch(&path, json!({"parts": {"add": [{"label": "E", "quantity": "1"}], "change": [{"id": a, "price": "9"}], "remove": [c]}})).await.ok(200);
    let read = kim.read("device", &id).await;
    assert_eq!(labels(&read), ["D", "A", "E"]);
    assert_eq!(read["parts"][1]["amount"], "18.00");
    // Rows that are gone may be removed again, not changed; rows of another record, the same value twice.
    kim.patch(&path, json!({"parts": {"remove": [b]}})).await.ok(200);
    kim.patch(&path, json!({"parts": {"change": [{"id": b, "quantity": "1"}]}})).await.refused(422, "invalid");
    let other = kim.make("device", json!({"name": "Other", "parts": [{"label": "A", "quantity": "1"}]})).await;
    let foreign = row(&kim.read("device", &other).await, 0);
    kim.patch(&path, json!({"parts": {"change": [{"id": foreign, "quantity": "7"}]}})).await.refused(422, "invalid");
    let problem = kim.patch(&path, json!({"parts": {"add": [{"label": "A", "quantity": "1"}]}})).await.refused(422, "invalid");
    assert!(violations(&problem).iter().any(|line| line.ends_with("unique")), "{problem}");
    // Values exchanged between two rows are no doubles.
    let read = kim.read("device", &id).await;
    let (first, second) = (row(&read, 0), row(&read, 1));
    kim.patch(&path, json!({"parts": {"change": [{"id": first, "label": "A"}, {"id": second, "label": "D"}]}})).await.ok(200);
    assert_eq!(labels(&kim.read("device", &id).await), ["A", "D", "E"]);
}

async fn totals_follow(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let model = kim.make("device", json!({"name": "Model", "price": "2.50"})).await;
    let id = kim.make("device", json!({"name": "Set", "price": "10", "parts": [{"label": "A", "of": model, "quantity": "3"}, {"label": "B", "quantity": "0.333", "price": "3"}]})).await;
    let read = kim.read("device", &id).await;
    // The price comes from the linked record when the link is set; 0.333 × 3 is rounded to cents, half away from zero.
    assert_eq!((&read["parts"][0]["price"], &read["parts"][0]["amount"], &read["parts"][1]["amount"]), (&json!("2.50"), &json!("7.50"), &json!("1.00")));
    assert_eq!((&read["parts_total"], &read["worth"]), (&json!("8.50"), &json!("18.50")));
    kim.patch(&format!("/records/device/{id}"), json!({"worth": "1"})).await.refused(422, "invalid");
    // A price that was agreed goes before the linked one, in a new row as in an old one.
    let agreed = kim.make("device", json!({"name": "Agreed", "parts": [{"label": "A", "of": model, "quantity": "1", "price": "7"}]})).await;
    let row = kim.read("device", &agreed).await["parts"][0].clone();
    assert_eq!(row["price"], "7.00");
    kim.patch(&format!("/records/device/{agreed}"), json!({"parts": {"change": [{"id": row["id"], "of": null}]}})).await.ok(200);
    kim.patch(&format!("/records/device/{agreed}"), json!({"parts": {"change": [{"id": row["id"], "of": model}]}})).await.ok(200);
    assert_eq!(kim.read("device", &agreed).await["parts"][0]["price"], "2.50");
    // A later change of the model leaves what was agreed.
    kim.patch(&format!("/records/device/{model}"), json!({"price": "99"})).await.ok(200);
    assert_eq!(kim.read("device", &id).await["parts_total"], "8.50");
    // Rows of another card are counted with them.
    let loan = kim.make("loan", json!({"device": id, "since": "2026-01-01"})).await;
    kim.make("loan", json!({"device": id, "since": "2026-01-02"})).await;
    assert_eq!(kim.read("device", &id).await["loans"], 2);
    kim.delete(&format!("/records/loan/{loan}")).await.ok(204);
    assert_eq!(kim.read("device", &id).await["loans"], 1);
    kim.post(&format!("/records/loan/{loan}/restore"), json!({})).await.ok(200);
    kim.patch(&format!("/records/loan/{loan}"), json!({"device": model})).await.ok(200);
    assert_eq!((&kim.read("device", &id).await["loans"], &kim.read("device", &model).await["loans"]), (&json!(1), &json!(1)));
}

async fn a_stale_change_merges_or_is_refused(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, lee) = (site.person("kim", &["keeper"]).await, site.person("lee", &["keeper"]).await);
    let id = kim.make("device", json!({"name": "Shared", "amount": 1, "parts": [{"label": "A", "quantity": "1"}]})).await;
    let path = format!("/records/device/{id}");
    let row = kim.read("device", &id).await["parts"][0]["id"].as_str().expect("an id").to_owned();
    lee.patch_with(&path, &[("if-match", "\"1\"")], json!({"amount": 2})).await.ok(200);
    // Another field: both are kept.
    kim.patch_with(&path, &[("if-match", "\"1\"")], json!({"notes": "mine"})).await.ok(200);
    let read = kim.read("device", &id).await;
    assert_eq!((&read["amount"], &read["notes"], &read["version"]), (&json!(2), &json!("mine"), &json!(3)));
    // The same field: refused, with both sides.
    let stale = kim.patch_with(&path, &[("if-match", "\"1\"")], json!({"amount": 5, "notes": "again"})).await.refused(412, "stale_version");
    assert_eq!(stale["version"], 3);
    assert_eq!(stale["changed_by"], "kim");
    assert!(stale["conflicts"].as_array().is_some_and(|all| all.contains(&json!({"path": "amount", "theirs": 2, "yours": 5}))), "{stale}");
    // Rows merge by row and field.
    lee.patch(&path, json!({"parts": {"change": [{"id": row, "quantity": "4"}]}})).await.ok(200);
    kim.patch(&path, json!({"version": 3, "parts": {"change": [{"id": row, "price": "2"}]}})).await.ok(200);
    assert_eq!(kim.read("device", &id).await["parts_total"], "8.00");
    let stale = kim.patch(&path, json!({"version": 3, "parts": {"change": [{"id": row, "quantity": "9"}]}})).await.refused(412, "stale_version");
    assert_eq!(stale["conflicts"][0]["path"], format!("parts/{row}/quantity"));
    // Without a version the last one wins, as it says.
    kim.patch(&path, json!({"amount": 7})).await.ok(200);
    // What changes nothing makes no version.
    let before = kim.read("device", &id).await["version"].clone();
    kim.patch(&path, json!({"amount": 7})).await.ok(200);
    assert_eq!(kim.read("device", &id).await["version"], before);
}

async fn an_idempotency_key_makes_one_record(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let key = [("idempotency-key", "abc-1")];
    let first = kim.post_with("/records/device", &key, json!({"name": "Once"})).await.ok(201);
    let again = kim.post_with("/records/device", &key, json!({"name": "Once"})).await.ok(201);
    assert_eq!(first["id"], again["id"]);
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 1);
    let other = kim.post_with("/records/device", &key, json!({"name": "Twice"})).await;
    assert!([409, 422].contains(&other.status.as_u16()), "{}", other.text);
    // Another person's key is another key.
    let lee = site.person("lee", &["keeper"]).await;
    lee.post_with("/records/device", &key, json!({"name": "Once"})).await.ok(201);
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 2);
    // All at once: still one.
    let all = (0..8).map(|_| {
        let kim = kim.clone();
        tokio::spawn(async move { kim.post_with("/records/device", &[("idempotency-key", "race")], json!({"name": "Race"})).await })
    });
    let mut ids = Vec::new();
    for one in all.collect::<Vec<_>>() {
        let answer = one.await.expect("an answer");
        assert!([201, 409].contains(&answer.status.as_u16()), "{}", answer.text);
        ids.extend(answer.body["id"].as_str().map(str::to_owned));
    }
    ids.dedup();
    assert_eq!((ids.len(), site.number("SELECT count(*) FROM c_device").await), (1, 3));
}

async fn what_points_here_is_asked_on_delete(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let room = kim.make("room", json!({"name": "Attic"})).await;
    let id = kim.make("device", json!({"name": "Scale", "room": room})).await;
    let repair = kim.make("repair", json!({"device": id, "text": "Calibrate"})).await;
    let loan = kim.make("loan", json!({"device": id})).await;
    // Restrict: a loan stands in the way.
    let problem = kim.delete(&format!("/records/device/{id}")).await.refused(409, "restricted");
    assert_eq!(problem["blockers"], json!([{"card": "loan", "field": "device", "count": 1}]));
    kim.delete(&format!("/records/loan/{loan}")).await.ok(204);
    // Cascade: the repair goes with it, and comes back with it.
    kim.delete(&format!("/records/device/{id}")).await.ok(204);
    kim.get(&format!("/records/repair/{repair}")).await.refused(404, "not_found");
    kim.get(&format!("/records/device/{id}")).await.refused(404, "not_found");
    assert_eq!(kim.get(&format!("/records/device/{id}?trash=only")).await.ok(200)["name"], "Scale");
    assert_eq!(kim.get("/records/device?trash=only").await.ok(200)["data"].as_array().map(Vec::len), Some(1));
    // A loan cannot come back while its device is away.
    kim.post(&format!("/records/loan/{loan}/restore"), json!({})).await.refused(409, "restricted");
    kim.post(&format!("/records/device/{id}/restore"), json!({})).await.ok(200);
    kim.read("repair", &repair).await;
    kim.post(&format!("/records/loan/{loan}/restore"), json!({})).await.ok(200);
    // Set null: the link reads as empty while its target is in the trash.
    kim.delete(&format!("/records/room/{room}")).await.ok(204);
    assert!(kim.read("device", &id).await["room"].is_null());
    kim.post(&format!("/records/room/{room}/restore"), json!({})).await.ok(200);
    assert_eq!(kim.read("device", &id).await["room"]["title"], "Attic");
}

async fn batches(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "Old"})).await;
    let items = json!([{"op": "create", "record": {"name": "New"}}, {"op": "update", "id": id, "record": {"amount": -5}}, {"op": "delete", "id": id}]);
    // All or nothing: the second is wrong.
    let problem = kim.post("/records/device/batch", json!({"atomic": true, "items": items})).await.refused(422, "invalid");
    assert!(problem.to_string().contains("amount"), "{problem}");
    assert_eq!(site.number("SELECT count(*) FROM c_device WHERE trashed_at IS NULL").await, 1);
    // Each for itself.
    let done = kim.post("/records/device/batch", json!({"items": items})).await.ok(200);
    let statuses: Vec<i64> = done["data"].as_array().expect("results").iter().filter_map(|one| one["status"].as_i64()).collect();
    assert_eq!(statuses, [201, 422, 204], "{done}");
    assert_eq!(site.number("SELECT count(*) FROM c_device WHERE trashed_at IS NULL").await, 1);
}

async fn history_names_what_changed(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "One", "price": "1", "pin": "1111"})).await;
    kim.patch(&format!("/records/device/{id}"), json!({"name": "Two", "price": "2", "notes": "x", "pin": "2222"})).await.ok(200);
    let history = kim.get(&format!("/records/device/{id}/history")).await.ok(200);
    let latest = &history["data"][0];
    assert_eq!(latest["action"], "updated");
    assert_eq!(latest["by"]["title"], "kim");
    let fields: Vec<&str> = latest["fields"].as_array().expect("fields").iter().filter_map(Value::as_str).collect();
    assert!(["name", "price", "notes"].iter().all(|field| fields.contains(field)), "{latest}");
    // What is calculated is told where its definition keeps it.
    assert_eq!(latest["values"], json!([{"field": "name", "old": "One", "new": "Two"}, {"field": "price", "old": "1.00", "new": "2.00"}, {"field": "worth", "old": "1.00", "new": "2.00"}]));
    assert!(!history.to_string().contains("1111") && !history.to_string().contains("2222"), "{history}");
    // One audit row and one change for each save; changes are numbered without gaps.
    assert_eq!(site.number("SELECT count(*) FROM sys_audit").await, 2);
    assert_eq!(site.number("SELECT count(*) FROM sys_change").await, 2);
}

async fn links_must_be_there_and_in_sight(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let theirs = kim.make("device", json!({"name": "Not yours"})).await;
    // A record that is gone, one that may not be seen: the same answer.
    for id in [theirs.as_str(), "00000000-0000-7000-8000-000000000000"] {
        let problem = cleo.post("/records/device", json!({"name": "Mine", "kin": [id]})).await.refused(422, "invalid");
        assert_eq!(violations(&problem), ["kin not_found"]);
    }
    kim.delete(&format!("/records/device/{theirs}")).await.ok(204);
    let problem = kim.post("/records/loan", json!({"device": theirs})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["device not_found"]);
    // A link by a unique field of its target.
    let id = kim.make("device", json!({"name": "By number"})).await;
    let no = kim.read("device", &id).await["no"].clone();
    let loan = kim.make("loan", json!({"device": {"no": no}})).await;
    assert_eq!(kim.read("loan", &loan).await["device"]["id"], id.as_str());
    let problem = kim.post("/records/loan", json!({"device": {"no": "D-9999"}})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["device not_found"]);
}

async fn unique_values(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let attic = kim.make("room", json!({"name": "Attic"})).await;
    let problem = kim.post("/records/room", json!({"name": "Attic"})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["name unique"]);
    // The trash holds no values; coming back to a taken one is a conflict.
    kim.delete(&format!("/records/room/{attic}")).await.ok(204);
    kim.make("room", json!({"name": "Attic"})).await;
    kim.post(&format!("/records/room/{attic}/restore"), json!({})).await.refused(409, "value_taken");
    // Two at the same moment: one wins.
    let device = kim.make("device", json!({"name": "D"})).await;
    let both: Vec<_> = (0..6)
        .map(|_| {
            let (kim, device) = (kim.clone(), device.clone());
            tokio::spawn(async move { kim.post("/records/loan", json!({"device": device, "since": "2026-05-05"})).await })
        })
        .collect();
    let mut made = 0;
    for one in both {
        let answer = one.await.expect("an answer");
        assert!([201, 422].contains(&answer.status.as_u16()), "{}", answer.text);
        made += usize::from(answer.status.as_u16() == 201);
    }
    assert_eq!(made, 1);
    // A circle in a tree.
    let root = kim.make("room", json!({"name": "Root"})).await;
    let leaf = kim.make("room", json!({"name": "Leaf", "parent": root})).await;
    let problem = kim.patch(&format!("/records/room/{root}"), json!({"parent": leaf})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["parent cycle"]);
}
