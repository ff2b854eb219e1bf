//! Workflows: transitions are the only way from one state to another; what they ask, who takes them, what they lock.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Answer, Database, Person, Site, violations}};

const WORKS: &str = "tests/packs/works";

both!(
    transitions_move_records_and_nothing_else_does, what_a_transition_asks_is_asked, locked_records_stay_as_they_are, of_two_who_take_a_step_one_wins, what_it_went_through_is_told,
    offers_say_why_not, a_script_runs_with_a_step, many_are_moved_at_once_and_back, many_are_asked_what_a_step_asks, old_records_come_in_their_state, nonsense_is_refused
);

async fn take(person: &Person, id: &str, transition: &str, body: Value) -> Answer {
    person.post(&format!("/records/errand/{id}/transitions/{transition}"), body).await
}

async fn people(site: &Site) -> (Person, Person) {
    (site.person("wu", &["worker"]).await, site.person("bo", &["boss"]).await)
}

async fn transitions_move_records_and_nothing_else_does(database: Database) {
    let site = Site::with(database, WORKS).await;
    let (wu, bo) = people(&site).await;
    let id = wu.make("errand", json!({"name": "A", "amount": 5, "reason": "R", "state": "draft"})).await;
    let made = wu.read("errand", &id).await;
    assert_eq!((&made["state"], &made["sending"]), (&json!("draft"), &json!("here")));
    let refused = bo.patch(&format!("/records/errand/{id}"), json!({"state": "accepted"})).await.refused(422, "invalid");
    assert_eq!(violations(&refused), ["state state"], "{refused}");
    assert!(refused["detail"].as_str().is_some_and(|text| text.contains("check, accept, refuse, reopen, close")), "{refused}");
    let refused = wu.post("/records/errand", json!({"name": "B", "state": "checked"})).await.refused(422, "invalid");
    assert_eq!(violations(&refused), ["state state"]);
    // What was read can be sent back.
    wu.patch(&format!("/records/errand/{id}"), json!({"state": "draft", "note": "n"})).await.ok(200);
    let moved = take(&wu, &id, "check", json!({})).await.ok(200);
    assert_eq!((&moved["state"], &moved["version"]), (&json!("checked"), &json!(3)));
    take(&wu, &id, "accept", json!({})).await.refused(403, "forbidden");
    take(&bo, &id, "accept", json!({"comment": "fine"})).await.ok(200);
    // Each workflow goes its own way.
    take(&wu, &id, "send", json!({})).await.ok(200);
    let read = wu.read("errand", &id).await;
    assert_eq!((&read["state"], &read["sending"]), (&json!("accepted"), &json!("sent")));
    // It is reopened like any step; from the last state nothing leads out.
    take(&bo, &id, "reopen", json!({"comment": "again"})).await.ok(200);
    take(&bo, &id, "check", json!({})).await.ok(200);
    take(&bo, &id, "accept", json!({})).await.ok(200);
    take(&wu, &id, "close", json!({})).await.ok(200);
    take(&bo, &id, "reopen", json!({"comment": "again"})).await.refused(409, "state_changed");
}

async fn what_a_transition_asks_is_asked(database: Database) {
    let site = Site::with(database, WORKS).await;
    let (wu, bo) = people(&site).await;
    let id = wu.make("errand", json!({"name": "A"})).await;
    let refused = take(&wu, &id, "check", json!({})).await.refused(422, "invalid");
    assert_eq!(violations(&refused), ["reason required"]);
    // It is sent along; other fields are not.
    take(&wu, &id, "check", json!({"record": {"reason": "R", "name": "B"}})).await.refused(400, "bad_transition");
    let moved = take(&wu, &id, "check", json!({"record": {"reason": "R"}})).await.ok(200);
    assert_eq!((&moved["state"], &moved["reason"]), (&json!("checked"), &json!("R")));
    let guarded = take(&bo, &id, "accept", json!({})).await.refused(409, "transition_guard");
    assert!(guarded["detail"].as_str().is_some_and(|text| text.contains("Amount")), "in words: {guarded}");
    let refused = take(&bo, &id, "refuse", json!({"comment": "  "})).await.refused(422, "invalid");
    assert_eq!(violations(&refused), ["comment required"]);
    wu.patch(&format!("/records/errand/{id}"), json!({"amount": 1})).await.ok(200);
    take(&bo, &id, "accept", json!({})).await.ok(200);
    // Who may not see it, or may take no step, is told no more than that.
    let other = site.person("xu", &["worker"]).await;
    take(&other, &id, "close", json!({})).await.refused(404, "not_found");
    let reader = site.person("ray", &["reader"]).await;
    take(&reader, &id, "close", json!({})).await.refused(403, "forbidden");
    take(&wu, &id, "nonsense", json!({})).await.refused(404, "not_found");
}

async fn locked_records_stay_as_they_are(database: Database) {
    let site = Site::with(database, WORKS).await;
    let (wu, bo) = people(&site).await;
    let id = wu.make("errand", json!({"name": "A", "amount": 5, "reason": "R", "lines": [{"what": "x"}]})).await;
    take(&wu, &id, "check", json!({})).await.ok(200);
    take(&bo, &id, "accept", json!({})).await.ok(200);
    let root = site.person("root", &["administrator"]).await;
    for person in [&wu, &bo, &root] {
        let refused = person.patch(&format!("/records/errand/{id}"), json!({"name": "B", "amount": 6, "lines": []})).await.refused(422, "invalid");
        assert_eq!(violations(&refused), ["amount locked", "lines locked", "name locked"]);
        person.delete(&format!("/records/errand/{id}")).await.refused(409, "locked");
    }
    wu.patch(&format!("/records/errand/{id}"), json!({"note": "seen"})).await.ok(200);
    // What is sent back as it was is no change.
    wu.patch(&format!("/records/errand/{id}"), json!({"name": "A", "note": "seen twice"})).await.ok(200);
    // By many records at once it stays as well.
    let bulk = bo.post("/records/errand/bulk", json!({"action": "edit", "ids": [id], "fields": [{"field": "name", "value": "C"}]})).await.ok(200);
    assert_eq!((&bulk["batch"]["changed"], &bulk["batch"]["skipped"]), (&json!(0), &json!(1)), "{bulk}");
    take(&bo, &id, "reopen", json!({"comment": "wrong name"})).await.ok(200);
    wu.patch(&format!("/records/errand/{id}"), json!({"name": "B"})).await.ok(200);
    wu.delete(&format!("/records/errand/{id}")).await.ok(204);
}

async fn of_two_who_take_a_step_one_wins(database: Database) {
    let site = Site::with(database, WORKS).await;
    let (wu, bo) = people(&site).await;
    let ba = site.person("ba", &["boss"]).await;
    for round in 0..3 {
        let id = wu.make("errand", json!({"name": format!("A{round}"), "amount": 5, "reason": "R"})).await;
        take(&wu, &id, "check", json!({})).await.ok(200);
        let (one, two) = tokio::join!(take(&bo, &id, "accept", json!({})), take(&ba, &id, "refuse", json!({"comment": "no"})));
        let statuses = [one.status.as_u16(), two.status.as_u16()];
        let (lost, winner) = if one.status == 200 { (two, "bo") } else { (one, "ba") };
        assert!(statuses.contains(&200), "{statuses:?}");
        let told = lost.refused(409, "state_changed");
        assert!(told["detail"].as_str().is_some_and(|text| text.contains(winner)), "who was quicker: {told}");
        assert_eq!(site.number("SELECT count(*) FROM sys_state").await, 2 * (round + 1));
    }
    // A version that was read decides too.
    let id = wu.make("errand", json!({"name": "V", "reason": "R"})).await;
    take(&wu, &id, "check", json!({"version": 1})).await.ok(200);
    let stale = bo.post_with(&format!("/records/errand/{id}/transitions/refuse"), &[("if-match", "\"1\"")], json!({"comment": "no"})).await.refused(412, "stale_version");
    assert_eq!(stale["changed_by"], "wu", "{stale}");
}

async fn what_it_went_through_is_told(database: Database) {
    let site = Site::with(database, WORKS).await;
    let (wu, bo) = people(&site).await;
    let id = wu.make("errand", json!({"name": "A", "amount": 5, "reason": "R"})).await;
    let set = |statement: &'static str| async { site.app.store.apply(vec![statement.into()]).await.expect("aged") };
    let hour = if database == Database::Postgres { "UPDATE c_errand SET created_at = created_at - interval '1 hour'" } else { "UPDATE c_errand SET created_at = created_at - 3600000000" };
    set(hour).await;
    take(&wu, &id, "check", json!({})).await.ok(200);
    let day = if database == Database::Postgres { "UPDATE sys_state SET at = at - interval '1 day', since = since - interval '1 day'" } else { "UPDATE sys_state SET at = at - 86400000000, since = since - 86400000000" };
    set(day).await;
    take(&bo, &id, "accept", json!({"comment": "well done"})).await.ok(200);
    let told = wu.get(&format!("/records/errand/{id}/states")).await.ok(200);
    let [last, first] = told["data"].as_array().expect("stages").as_slice() else { panic!("{told}") };
    assert_eq!((&last["from"], &last["to"], &last["transition"], &last["comment"], &last["by"]["title"]), (&json!("checked"), &json!("accepted"), &json!("accept"), &json!("well done"), &json!("bo")));
    assert!(last["seconds"].as_i64().is_some_and(|seconds| (86_400..86_700).contains(&seconds)), "{told}");
    assert!(first["seconds"].as_i64().is_some_and(|seconds| (3_600..3_900).contains(&seconds)), "{told}");
    site.person("xu", &["worker"]).await.get(&format!("/records/errand/{id}/states")).await.refused(404, "not_found");
    let history = wu.get(&format!("/records/errand/{id}/history")).await.ok(200);
    assert_eq!(history["data"][0]["values"], json!([{"field": "state", "old": "checked", "new": "accepted"}]), "{history}");
}

async fn offers_say_why_not(database: Database) {
    let site = Site::with(database, WORKS).await;
    let (wu, bo) = people(&site).await;
    let id = wu.make("errand", json!({"name": "A", "reason": "R"})).await;
    take(&wu, &id, "check", json!({})).await.ok(200);
    let offers = async |person: &Person| {
        let told = person.get(&format!("/records/errand/{id}/transitions")).await.ok(200);
        told["data"].as_array().expect("offers").iter().map(|one| format!("{} {} {}", one["id"].as_str().unwrap_or("?"), one["open"], one["why"].as_str().unwrap_or("-"))).collect::<Vec<_>>()
    };
    assert_eq!(offers(&wu).await, ["accept false only Bosses can take this step", "refuse false only Bosses can take this step", "send true -"]);
    assert_eq!(offers(&bo).await, ["accept false this needs: Amount is above 0.00", "refuse true -", "send true -"]);
    assert!(offers(&site.person("ray", &["reader"]).await).await.is_empty());
}

async fn a_script_runs_with_a_step(database: Database) {
    let site = Site::with(database, WORKS).await;
    let (wu, bo) = people(&site).await;
    let mut ids = Vec::new();
    for amount in [5, 500] {
        let id = wu.make("errand", json!({"name": "A", "amount": amount, "reason": "R"})).await;
        take(&wu, &id, "check", json!({})).await.ok(200);
        take(&bo, &id, "accept", json!({})).await.ok(200);
        ids.push(id);
    }
    let closed = take(&wu, &ids[0], "close", json!({"comment": "all there"})).await.ok(200);
    assert_eq!((&closed["state"], &closed["note"]), (&json!("closed"), &json!("close: all there")));
    // What it refuses does not happen.
    let refused = take(&wu, &ids[1], "close", json!({"comment": "x"})).await.refused(422, "invalid");
    assert_eq!(violations(&refused), ["amount rule"]);
    assert_eq!(wu.read("errand", &ids[1]).await["state"], "accepted");
}

async fn many_are_moved_at_once_and_back(database: Database) {
    let site = Site::with(database, WORKS).await;
    let (wu, bo) = people(&site).await;
    let mut ids = Vec::new();
    for index in 0..4 {
        ids.push(wu.make("errand", json!({"name": format!("A{index}"), "amount": index, "reason": "R"})).await);
    }
    let bulk = wu.post("/records/errand/bulk", json!({"action": "transition", "transition": "check", "ids": ids})).await.ok(200);
    assert_eq!((&bulk["batch"]["kind"], &bulk["batch"]["changed"]), (&json!("transition"), &json!(4)), "{bulk}");
    let accepted = bo.post("/records/errand/bulk", json!({"action": "transition", "transition": "accept", "comment": "all of them", "all": {"filter": {"field": "state", "op": "is", "value": "checked"}}})).await.ok(200);
    let batch = accepted["batch"]["id"].as_str().expect("an id").to_owned();
    assert_eq!((&accepted["batch"]["changed"], &accepted["batch"]["skipped"]), (&json!(3), &json!(1)), "without an amount it stays: {accepted}");
    wu.post("/records/errand/bulk", json!({"action": "transition", "transition": "accept", "ids": ids})).await.ok(200);
    take(&wu, &ids[3], "close", json!({})).await.ok(200);
    let undone = bo.post(&format!("/batches/{batch}/undo"), json!({})).await.ok(200);
    assert_eq!((&undone["changed"], &undone["failed"]), (&json!(2), &json!(1)), "what went on stays: {undone}");
    assert_eq!(bo.find("errand", &json!({"all": []}), "name", "state").await, [json!("checked"), json!("checked"), json!("checked"), json!("closed")]);
    bo.post("/records/errand/bulk", json!({"action": "transition", "transition": "nonsense", "ids": ids})).await.refused(404, "not_found");
    bo.post("/records/errand/bulk", json!({"action": "transition", "ids": ids})).await.refused(400, "bad_bulk");
}

async fn old_records_come_in_their_state(database: Database) {
    let site = Site::with(database, WORKS).await;
    let root = site.person("root", &["administrator"]).await;
    let id = root.make("errand", json!({"name": "Old", "state": "closed"})).await;
    assert_eq!(root.read("errand", &id).await["state"], "closed");
    root.patch(&format!("/records/errand/{id}"), json!({"state": "draft"})).await.refused(422, "invalid");
    root.post("/records/errand", json!({"name": "Odd", "state": "nowhere"})).await.refused(422, "invalid");
}

async fn nonsense_is_refused(database: Database) {
    let site = Site::with(database, WORKS).await;
    let (wu, _) = people(&site).await;
    let id = wu.make("errand", json!({"name": "A", "reason": "R"})).await;
    for body in [json!([]), json!("x"), json!({"comment": 5}), json!({"record": []}), json!({"version": "x"}), json!({"coment": "x"}), json!({"record": {"nonsense": 1}})] {
        take(&wu, &id, "check", body.clone()).await.refused(400, "bad_transition");
    }
    take(&wu, &id, "check", json!({"comment": "x".repeat(5_000)})).await.refused(422, "invalid");
    take(&wu, "nonsense", "check", json!({})).await.refused(404, "not_found");
    assert_eq!(wu.read("errand", &id).await["state"], "draft");
    let again = [("idempotency-key", "k1")];
    let path = format!("/records/errand/{id}/transitions/check");
    wu.post_with(&path, &again, json!({})).await.ok(200);
    wu.post_with(&path, &again, json!({})).await.ok(200);
    wu.post_with(&format!("/records/errand/{id}/transitions/send"), &again, json!({})).await.refused(422, "invalid");
}

async fn many_are_asked_what_a_step_asks(database: Database) {
    let site = Site::with(database, WORKS).await;
    let (wu, bo) = people(&site).await;
    let mut ids = Vec::new();
    for (name, reason) in [("A", Value::Null), ("B", Value::Null), ("C", json!("own"))] {
        ids.push(wu.make("errand", json!({"name": name, "reason": reason})).await);
    }
    let asked = |more: Value| {
        let mut body = json!({"action": "transition", "transition": "check", "ids": ids});
        body.as_object_mut().expect("a body").extend(more.as_object().expect("keys").clone());
        body
    };
    // Each answers for itself what it lacks.
    let without = wu.post("/records/errand/bulk", asked(json!({}))).await.ok(200);
    assert_eq!((&without["batch"]["changed"], &without["batch"]["failed"]), (&json!(1), &json!(2)), "{without}");
    // What would be wrong with all of them is said before any is touched.
    wu.post("/records/errand/bulk", asked(json!({"record": {"name": "Z"}}))).await.refused(400, "bad_transition");
    let with = wu.post("/records/errand/bulk", asked(json!({"record": {"reason": "R"}, "ids": ids[..2]}))).await.ok(200);
    assert_eq!(with["batch"]["changed"], json!(2), "{with}");
    assert_eq!(wu.find("errand", &json!({"all": []}), "name", "reason").await, [json!("R"), json!("R"), json!("own")]);
    assert_eq!(wu.find("errand", &json!({"all": []}), "name", "state").await, [json!("checked"), json!("checked"), json!("checked")]);
    // What must be said is asked before any is touched, and stands with each.
    let refuse = |comment: Value| json!({"action": "transition", "transition": "refuse", "comment": comment, "ids": ids});
    assert_eq!(violations(&bo.post("/records/errand/bulk", refuse(Value::Null)).await.refused(422, "invalid")), ["comment required"]);
    bo.post("/records/errand/bulk", refuse(json!("not now"))).await.ok(200);
    let told = bo.get(&format!("/records/errand/{}/states", ids[1])).await.ok(200);
    assert!(told.to_string().contains("not now"), "{told}");
    // The dialog asks the same, and sends it.
    let form = [("content-type", "application/x-www-form-urlencoded"), ("hx-request", "true")];
    let dialog = async |person: &Person, step: &str| person.send(Method::GET, &format!("/c/errand/bulk/field?transition={step}"), &form[1..], None).await.text;
    let check = dialog(&wu, "check").await;
    assert!(check.contains("name=\"f.reason\"") && !check.contains("name=\"comment\"") && !check.contains("name=\"f.name\""), "{check}");
    let refuse = dialog(&bo, "refuse").await;
    assert!(refuse.contains("name=\"comment\"") && refuse.contains("required"), "{refuse}");
    assert!(!dialog(&wu, "refuse").await.contains("comment"), "it is not wu's to take");
    let sent = wu.send(Method::POST, "/c/errand/bulk", &form, Some(format!("action=transition&transition=check&f.reason=again&f.name=Z&ids={}", ids.join("%2C")).into_bytes())).await.ok(200);
    assert!(sent["undo_url"].is_string(), "{sent}");
    assert_eq!(wu.find("errand", &json!({"all": []}), "name", "reason").await, [json!("again"), json!("again"), json!("again")]);
    assert_eq!(wu.find("errand", &json!({"all": []}), "name", "name").await, [json!("A"), json!("B"), json!("C")]);
}
