//! Scripts of packs on records: what they may set, ask and save, and what becomes of those that go wrong.

use model::load::Files;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Database, Site, violations}};

both!(
    scripts_set_fields_and_refuse, what_scripts_set_is_validated, what_comes_after_belongs_to_the_change, scripts_see_what_their_user_sees, budgets_end_scripts, scripts_in_a_ring_end,
    faults_are_told_and_kept, buttons_run_scripts, scripts_are_tried, scripts_run_later, rows_are_set_added_and_removed,
    scripts_run_where_something_is_taken_back, scripts_run_where_merging_moves_links,
);

const TASK: &str = r#"{"key": "task", "title": "{name}", "fields": {
    "name": {"type": "text", "required": true}, "hours": {"type": "decimal", "scale": 1}, "rate": {"type": "money", "default": "50"},
    "cost": {"type": "money", "computed": {"expr": "hours * rate"}}, "note": {"type": "text", "max_length": 20, "read_only": true},
    "kind": {"type": "choice", "options": [{"value": "plain"}, {"value": "dear"}]}, "due": {"type": "date"}, "pin": {"type": "text", "class": "secret"},
    "above": {"type": "link", "target": "task"}, "entries": {"type": "integer", "rollup": {"from": "diary.task", "function": "count"}},
    "total": {"rollup": {"from": "parts", "function": "sum", "field": "price"}}},
  "child_tables": {"parts": {"fields": {"item": {"type": "text"}, "price": {"type": "money"}}}},
  "states": {"open": {}, "done": {}}, "transitions": [{"id": "finish", "from": ["open"], "to": "done"}],
  "scripts": {"before_save": "scripts/before.rhai", "after_save": "scripts/after.rhai"},
  "permissions": [{"role": "keeper", "actions": ["*"]}, {"role": "clerk", "actions": ["read", "create", "update", "delete", "restore"], "scope": "own"}]}"#;
const DIARY: &str = r#"{"key": "diary", "fields": {"task": {"type": "link", "target": "task", "on_delete": "cascade"}, "text": {"type": "text", "required": true}}, "permissions": [{"role": "keeper", "actions": ["*"]}]}"#;

fn pack(before: &str, after: &str) -> Files {
    let parts = [
        ("pack.json", r#"{"id": "bench", "version": "1.0.0"}"#), ("cards/task.json", TASK), ("cards/diary.json", DIARY), ("roles/keeper.json", r#"{"key": "keeper"}"#), ("roles/clerk.json", r#"{"key": "clerk"}"#),
        ("scripts/before.rhai", before), ("scripts/after.rhai", after), ("scripts/other.rhai", "save(\"diary\", #{task: record, text: `later ${given.word}`})"),
    ];
    parts.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect()
}

async fn site(database: Database, before: &str, after: &str) -> Site {
    Site::of(database, vec![pack(before, after)]).await
}

/// What was kept for the administrator: level, message, line and column.
async fn kept(site: &Site, wanted: usize) -> Vec<(String, String, Option<(i64, i64)>)> {
    let boss = access::Actor::user(uuid::Uuid::nil(), "boss", vec![model::Ident::new(access::ADMINISTRATOR).expect("a key")], chrono::Utc::now());
    for _ in 0..500 {
        let entries = app::scripts::entries(&site.app, &boss, 100).await.expect("entries");
        if entries.len() >= wanted {
            return entries.into_iter().map(|entry| (entry.level.word().to_owned(), entry.message, entry.place)).collect();
        }
        tokio::task::yield_now().await;
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{wanted} entries are not there");
}

async fn scripts_set_fields_and_refuse(database: Database) {
    let before = r#"
        if record.name == "late" { throw #{field: "due", message: #{en: "Too late.", zh_Hans: "x"}}; }
        if record.cost >= 1000 { record.kind = "dear"; record.note = "from " + text(record.cost); }
        if is_empty(before) { record.due = add_days(today, 3); } else if before.hours != record.hours { record.note = "was " + text(before.hours); }
    "#;
    let site = site(database, before, "").await;
    let kim = site.person("kim", &["keeper"]).await;
    let made = kim.post("/records/task", json!({"name": "Roof", "hours": "20"})).await.ok(201);
    // Calculated before the script, and after it; a field that nobody sets by hand is the script's to set.
    assert_eq!((&made["cost"], &made["kind"], &made["note"]), (&json!("1000.00"), &json!("dear"), &json!("from 1000.00")), "{made}");
    assert_eq!(made["due"].as_str().map(str::len), Some(10));
    let id = made["id"].as_str().expect("an id");
    let changed = kim.patch(&format!("/records/task/{id}"), json!({"hours": "2"})).await.ok(200);
    assert_eq!((&changed["cost"], &changed["note"]), (&json!("100.00"), &json!("was 20.0")), "{changed}");
    let problem = kim.post("/records/task", json!({"name": "late"})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["due rule"]);
    assert_eq!(problem["violations"][0]["message"], "Too late.");
    // In a batch, too, and by a file.
    let batch = kim.post("/records/task/batch", json!({"atomic": true, "items": [{"op": "create", "record": {"name": "A", "hours": "30"}}, {"op": "create", "record": {"name": "B"}}]})).await.ok(200);
    assert_eq!(batch["data"].as_array().map(Vec::len), Some(2), "{batch}");
    assert_eq!(kim.find("task", &json!({"field": "kind", "op": "is", "value": "dear"}), "name", "name").await, [json!("A"), json!("Roof")]);
}

async fn what_scripts_set_is_validated(database: Database) {
    let before = r#"switch record.name {
        "long" => record.note = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "option" => record.kind = "odd",
        "type" => record.due = "soon",
        "empty" => record.name = "",
        "link" => record.above = "01930000-0000-7000-8000-00000000dead",
        "computed" => record.cost = 1,
        "state" => record.state = "done",
        "system" => record.owner = (),
        "typo" => record.nmae = "x",
        "secret" => record.note = record.pin,
        _ => ()
    }"#;
    let site = site(database, before, "").await;
    let kim = site.person("kim", &["keeper"]).await;
    for (name, wrong) in [("long", "note max_length"), ("option", "kind option"), ("type", "due type"), ("empty", "name required"), ("link", "above not_found")] {
        let problem = kim.post("/records/task", json!({"name": name, "pin": "1234"})).await.refused(422, "invalid");
        assert_eq!(violations(&problem), [wrong], "{name}: {problem}");
    }
    for (name, words) in [("computed", "only transitions"), ("state", "only transitions"), ("system", "only transitions"), ("typo", "did you mean `name`?"), ("secret", "no field `pin`")] {
        let problem = kim.post("/records/task", json!({"name": name, "pin": "1234"})).await.refused(409, "script_failed");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(words) && detail.contains("bench/scripts/before.rhai") && detail.contains("line ")), "{name}: {problem}");
    }
    assert_eq!(site.number("SELECT count(*) FROM c_task").await, 0);
}

async fn what_comes_after_belongs_to_the_change(database: Database) {
    let after = r#"
        save("diary", #{task: record, text: if is_empty(before) { "made" } else { `was ${before.name}` }});
        log(`${record.name} is saved`);
        if record.name == "broken" { throw "not this one"; }
        if record.name == "caught" { try { save("diary", #{task: record}); } catch (error) { save("diary", #{task: record, text: "caught: " + error}); } }
    "#;
    let site = site(database, "", after).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("task", json!({"name": "Roof"})).await;
    kim.patch(&format!("/records/task/{id}"), json!({"name": "Wall"})).await.ok(200);
    assert_eq!(kim.find("diary", &json!({"field": "task", "op": "is", "value": id}), "created_at", "text").await, [json!("made"), json!("was Roof")]);
    // What other records derive is right at once.
    assert_eq!(kim.read("task", &id).await["entries"], json!(2));
    // A refusal after it undoes all of it: the record, the entry, the line.
    let problem = kim.post("/records/task", json!({"name": "broken"})).await.refused(422, "invalid");
    assert_eq!(problem["violations"][0]["message"], "not this one");
    assert_eq!((site.number("SELECT count(*) FROM c_task").await, site.number("SELECT count(*) FROM c_diary").await), (1, 2));
    assert_eq!(kept(&site, 2).await.iter().map(|(_, message, _)| message.as_str()).collect::<Vec<_>>(), ["Wall is saved", "Roof is saved"]);
    // A refused save is undone by itself where the script goes on without it.
    let id = kim.make("task", json!({"name": "caught"})).await;
    let texts = kim.find("diary", &json!({"field": "task", "op": "is", "value": id}), "created_at", "text").await;
    assert_eq!(texts, [json!("made"), json!("caught: text: This must be filled in.")]);
    kim.delete(&format!("/records/task/{id}")).await.ok(204);
}

async fn scripts_see_what_their_user_sees(database: Database) {
    let before = r#"
        if record.name == "ask" { record.note = text(query("task", #{sort: "name"}).len()) + " " + text(query("task").sum("hours")); }
        if record.name == "read" { let other = read("task", record.above); record.note = if is_empty(other) { "nothing" } else { other.name }; }
        if record.name == "diary" { record.note = text(query("diary").len()); }
        if record.name == "catch" { try { query("diary"); } catch (error) { record.note = left(error, 20); } }
        if record.name == "filter" { record.note = query("task", #{filter: #{field: "hours", op: "gt", value: 2}, fields: ["name"]})[0].name; }
    "#;
    let site = site(database, before, "").await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let theirs = kim.make("task", json!({"name": "Theirs", "hours": "3"})).await;
    cleo.make("task", json!({"name": "Own", "hours": "1.5"})).await;
    let note = |made: Value| made["note"].clone();
    assert_eq!(note(kim.post("/records/task", json!({"name": "ask"})).await.ok(201)), "2 4.5");
    assert_eq!(note(cleo.post("/records/task", json!({"name": "ask"})).await.ok(201)), "1 1.5");
    assert_eq!(note(kim.post("/records/task", json!({"name": "read", "above": theirs})).await.ok(201)), "Theirs");
    assert_eq!(note(kim.post("/records/task", json!({"name": "filter"})).await.ok(201)), "Theirs");
    // Another's record is not there; a card one has no right on is as one that is not there.
    let problem = cleo.post("/records/task", json!({"name": "read", "above": theirs})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["above not_found"]);
    let problem = cleo.post("/records/task", json!({"name": "diary"})).await.refused(409, "script_failed");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("there is no such card")), "{problem}");
    assert_eq!(note(cleo.post("/records/task", json!({"name": "catch"})).await.ok(201)), "there is no such car");
    assert_eq!(note(kim.post("/records/task", json!({"name": "diary"})).await.ok(201)), "0");
}

async fn budgets_end_scripts(database: Database) {
    let after = r#"
        if record.name == "loop" { try { loop { } } catch { } }
        if record.name == "writes" { for i in 0..200 { try { save("diary", #{task: record, text: "x"}); } catch { } } }
        if record.name == "asks" { for i in 0..200 { try { query("task"); } catch { } } }
        if record.name == "jobs" { for i in 0..20 { try { later("scripts/other.rhai", #{word: i}); } catch { } } }
        if record.name == "lines" { for i in 0..200 { try { log(i); } catch { } } }
        if record.name == "enough" { for i in 0..20 { save("diary", #{task: record, text: "x"}); } for i in 0..10 { later("scripts/other.rhai", #{word: i}); } }
    "#;
    let site = site(database, "", after).await;
    let kim = site.person("kim", &["keeper"]).await;
    for (name, words) in [("loop", "too many steps"), ("writes", "at most 150"), ("asks", "at most 100"), ("jobs", "at most 10"), ("lines", "at most 100")] {
        let problem = kim.post("/records/task", json!({"name": name})).await.refused(409, "script_failed");
        let detail = problem["detail"].as_str().unwrap_or_default();
        // On a busy machine its time may be over before its budget is.
        assert!(detail.contains(words) || detail.contains("too long"), "{name}: {problem}");
    }
    let left = site.number("SELECT count(*) FROM c_task").await + site.number("SELECT count(*) FROM c_diary").await + site.number("SELECT count(*) FROM sys_job WHERE kind = 'script'").await;
    assert_eq!(left, 0, "nothing of them is kept");
    kim.make("task", json!({"name": "enough"})).await;
    assert_eq!((site.number("SELECT count(*) FROM c_diary").await, site.number("SELECT count(*) FROM sys_job WHERE kind = 'script'").await), (20, 10));
}

async fn scripts_in_a_ring_end(database: Database) {
    let after = r#"if contains(record.name, "ring") { try { save("task", #{name: record.name + "."}); } catch { } }"#;
    let site = site(database, "", after).await;
    let kim = site.person("kim", &["keeper"]).await;
    let problem = kim.post("/records/task", json!({"name": "ring"})).await.refused(409, "script_failed");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("more than 4 deep")), "{problem}");
    assert_eq!(site.number("SELECT count(*) FROM c_task").await, 0);
    // Many at once: whoever waits for the database leaves the processor to others.
    let people: Vec<_> = (0..12).map(|number| (kim.clone(), number)).collect();
    let mut all = tokio::task::JoinSet::new();
    for (kim, number) in people {
        all.spawn(async move { kim.post("/records/task", json!({"name": format!("plain {number}")})).await.ok(201) });
    }
    while let Some(done) = all.join_next().await {
        done.expect("saved");
    }
    assert_eq!(site.number("SELECT count(*) FROM c_task").await, 12);
}

async fn faults_are_told_and_kept(database: Database) {
    let site = site(database, "let x = 1;\n\nif record.name == \"zero\" { x / (record.hours - record.hours); }", "").await;
    let kim = site.person("kim", &["keeper"]).await;
    let problem = kim.post("/records/task", json!({"name": "zero", "hours": 1})).await.refused(409, "script_failed");
    assert_eq!(problem["detail"], "the script bench/scripts/before.rhai failed: a division by zero (line 3, column 30)");
    assert_eq!(kept(&site, 1).await, [("fault".to_owned(), "a division by zero".to_owned(), Some((3, 30)))]);
    // One that does not compile is never installed.
    let mut files = pack("let x = ;", "");
    files.insert("pack.json".into(), br#"{"id": "bench", "version": "1.0.1"}"#.to_vec());
    let refused = app::packs::install(&site.app, vec![files]).await.expect("looked at");
    let told: Vec<String> = refused.findings.iter().map(|finding| format!("{} {:?} {}", finding.file, finding.place, finding.message)).collect();
    assert_eq!(told, ["scripts/before.rhai Some((1, 9)) `;` has no place here"], "{told:?}");
    let mut files = pack("", "");
    files.insert("cards/task.json".into(), TASK.replace("scripts/before.rhai", "scripts/befor.rhai").into_bytes());
    let refused = app::packs::install(&site.app, vec![files]).await.expect("looked at");
    assert!(refused.findings.iter().any(|finding| finding.pointer == "/scripts/before_save" && finding.help.as_deref() == Some("did you mean `scripts/before.rhai`?")), "{:?}", refused.findings);
}

async fn buttons_run_scripts(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, cleo, root) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await, site.person("root", &[access::ADMINISTRATOR]).await);
    let (good, bad, never) = (kim.make("device", json!({"name": "Good"})).await, kim.make("device", json!({"name": "Bad", "stars": 1})).await, kim.make("device", json!({"name": "Never", "grade": "c"})).await);
    let done = kim.post(&format!("/records/device/{good}/actions/check"), json!({})).await.ok(200);
    assert_eq!((&done["message"], &done["version"]), (&json!("Good is checked"), &json!(2)));
    let read = kim.read("device", &good).await;
    assert!(read["checked"].is_string() && read["updated_by"]["id"] == kim.id.as_str(), "{read}");
    let problem = kim.post(&format!("/records/device/{bad}/actions/check"), json!({})).await.refused(422, "invalid");
    assert_eq!(violations(&problem), ["stars rule"]);
    kim.post(&format!("/records/device/{never}/actions/check"), json!({})).await.refused(409, "not_offered");
    kim.post(&format!("/records/device/{good}/actions/chek"), json!({})).await.refused(404, "not_found");
    cleo.post(&format!("/records/device/{good}/actions/check"), json!({})).await.refused(404, "not_found");
    // On the page: where its condition holds, and nowhere else.
    let page = async |id: &str| kim.send(Method::GET, &format!("/c/device/{id}"), &[], None).await.text.replace("&#x2f;", "/");
    assert!(page(&good).await.contains(&format!("/c/device/{good}/actions/check")));
    assert!(!page(&never).await.contains("/actions/check"));
    let form = [("content-type", "application/x-www-form-urlencoded"), ("hx-request", "true")];
    let pressed = kim.send(Method::POST, &format!("/c/device/{good}/actions/check"), &form, Some(Vec::new())).await;
    assert!(pressed.status.is_success() && pressed.text.contains("Good is checked"), "{}", pressed.text);
    // On selected records of a list, each by itself.
    assert!(kim.send(Method::GET, "/c/device", &[], None).await.text.replace("&#x2f;", "/").contains("data-url=\"/c/device/actions/check\""));
    let many = kim.send(Method::POST, "/c/device/actions/check", &form, Some(format!("ids={good},{bad},{never}").into_bytes())).await.ok(200);
    assert_eq!((&many["done"], &many["failed"]), (&json!([good]), &json!(2)), "{many}");
    kim.send(Method::POST, "/c/device/actions/check", &form, Some(b"ids=".to_vec())).await.refused(400, "bad_bulk");
    // What went wrong stands where the administrator looks, and nobody else does.
    let told = root.send(Method::GET, "/studio/scripts", &[], None).await;
    assert!(told.status.is_success() && told.text.contains("<h1"), "{}", told.text);
    assert_eq!(kim.send(Method::GET, "/studio/scripts", &[], None).await.status.as_u16(), 403);
    let paths = kim.get("/openapi.json").await.ok(200)["paths"].clone();
    assert!(paths["/api/v1/records/device/{id}/actions/check"]["post"].is_object());
}

async fn scripts_are_tried(database: Database) {
    let site = site(database, "", "").await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("task", json!({"name": "Roof", "hours": "2"})).await;
    let snapshot = site.app.snapshot();
    let actor = app::accounts::actor_of(&site.app, &snapshot, uuid::Uuid::try_parse(&kim.id).expect("an id"), chrono::Utc::now()).await.expect("an actor");
    let source = r#"record.hours = 3; save("diary", #{task: record, text: "tried"}); log("half way"); record.hours * 2"#;
    let id_of = uuid::Uuid::try_parse(&id).expect("an id");
    for keep in [false, true] {
        let tried = app::scripts::try_out(&site.app, &actor, "try.rhai", source, "task", Some(id_of), keep).await.expect("tried");
        assert_eq!((tried.result, tried.lines), (json!("6"), vec!["half way".to_owned()]));
        assert_eq!(serde_json::Value::Object(tried.changes), json!({"hours": 3}));
        let kept = kim.read("task", &id).await;
        assert_eq!((kept["hours"].clone(), kept["entries"].clone()), if keep { (json!("3.0"), json!(1)) } else { (json!("2.0"), json!(0)) });
    }
    let wrong = app::scripts::try_out(&site.app, &actor, "try.rhai", "let x = nothing;", "task", None, false).await.expect_err("refused");
    assert_eq!((wrong.code(), wrong.to_string()), ("bad_script", "there is no `nothing` here (line 1, column 9)".to_owned()));
}

async fn scripts_run_later(database: Database) {
    let site = site(database, "", r#"if record.name == "Roof" { later("scripts/other.rhai", #{word: "on"}); }"#).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("task", json!({"name": "Roof"})).await;
    assert_eq!(site.number("SELECT count(*) FROM c_diary").await, 0);
    app::jobs::run_due(&site.app, &app::jobs::builtin(), app::jobs::Pace::default()).await.expect("ran");
    assert_eq!(kim.find("diary", &json!({"field": "task", "op": "is", "value": id}), "text", "text").await, [json!("later on")]);
    assert_eq!(kim.find("diary", &json!({"all": []}), "text", "created_by").await[0]["id"], kim.id.as_str());
}

async fn rows_are_set_added_and_removed(database: Database) {
    let before = r#"
        for part in record.parts { if is_empty(part.price) { part.price = 7; } }
        if record.name == "add" { record.parts.add(#{item: "fee", price: 2.5}); record.parts[0].item = "first"; }
        if record.name == "cut" { record.parts.remove(0); }
        record.note = text(record.parts.len()) + " for " + text(record.parts.sum("price"));
    "#;
    let site = site(database, before, "").await;
    let kim = site.person("kim", &["keeper"]).await;
    let made = kim.post("/records/task", json!({"name": "add", "parts": [{"item": "a"}, {"item": "b", "price": "1"}]})).await.ok(201);
    let rows: Vec<(&Value, &Value)> = made["parts"].as_array().expect("rows").iter().map(|row| (&row["item"], &row["price"])).collect();
    assert_eq!(rows, [(&json!("first"), &json!("7.00")), (&json!("b"), &json!("1.00")), (&json!("fee"), &json!("2.50"))]);
    assert_eq!((&made["total"], &made["note"]), (&json!("10.50"), &json!("3 for 10.50")), "{made}");
    let id = made["id"].as_str().expect("an id");
    let cut = kim.patch(&format!("/records/task/{id}"), json!({"name": "cut"})).await.ok(200);
    assert_eq!((cut["parts"].as_array().map(Vec::len), &cut["total"]), (Some(2), &json!("3.50")), "{cut}");
    assert_eq!(site.number("SELECT count(*) FROM c_task__parts").await, 2);
}

/// Sets what follows, tells what was, refuses, and keeps a diary of it.
const BEFORE: &str = r#"
    if record.name == "shut" && given.cause == "undo" { throw "this one stays"; }
    record.kind = if or(record.cost, 0) >= 500 { "dear" } else { "plain" };
    if !is_empty(before) && before.hours != record.hours { record.note = "was " + text(before.hours); }
"#;
const AFTER: &str = r#"save("diary", #{task: record, text: text(record.hours) + " " + or(given.cause, "save")});"#;

async fn scripts_run_where_something_is_taken_back(database: Database) {
    let site = site(database, BEFORE, AFTER).await;
    let kim = site.person("kim", &["keeper"]).await;
    let mut ids = Vec::new();
    for name in ["whole", "touched", "shut"] {
        ids.push(kim.make("task", json!({"name": name, "hours": "2"})).await);
    }
    let edited = kim.post("/records/task/bulk", json!({"action": "edit", "fields": [{"field": "hours", "value": "20"}], "ids": ids})).await.ok(200);
    let values = async |id: &str| {
        let read = kim.read("task", id).await;
        ["hours", "kind", "note"].map(|field| read[field].as_str().unwrap_or("").to_owned())
    };
    assert_eq!(values(&ids[0]).await, ["20.0", "dear", "was 2.0"]);
    kim.patch(&format!("/records/task/{}", ids[1]), json!({"rate": "500"})).await.ok(200);
    let batch = edited["batch"]["id"].as_str().expect("a batch");
    let undone = kim.post(&format!("/batches/{batch}/undo"), json!({})).await.ok(200);
    assert_eq!((&undone["changed"], &undone["failed"]), (&json!(2), &json!(1)), "{undone}");
    assert_eq!(values(&ids[0]).await, ["2.0", "plain", ""], "as it was");
    // Its rate is another since: what was right with the rate of then is not.
    assert_eq!(values(&ids[1]).await, ["2.0", "dear", "was 20.0"], "as in any save");
    assert_eq!(values(&ids[2]).await, ["20.0", "dear", "was 2.0"], "refused");
    let rows = kim.get(&format!("/batches/{}/rows", undone["id"].as_str().expect("a batch"))).await.ok(200);
    assert!(rows.to_string().contains("this one stays"), "{rows}");
    let texts = async |id: &str| kim.find("diary", &json!({"field": "task", "op": "is", "value": id}), "created_at", "text").await;
    assert_eq!(texts(&ids[0]).await, [json!("2.0 save"), json!("20.0 save"), json!("2.0 undo")]);
    assert_eq!(texts(&ids[2]).await, [json!("2.0 save"), json!("20.0 save")], "what was refused told nobody");
}

async fn scripts_run_where_merging_moves_links(database: Database) {
    let before = r#"
        if record.name == "loyal" && given.cause == "merge" { throw "it stays where it is"; }
        if record.name == "asks" { try { query("diary"); record.kind = "dear"; } catch { record.kind = "plain"; } }
        let above = read("task", record.above);
        record.note = if is_empty(above) { "" } else { or(given.cause, "save") + " " + above.name };
    "#;
    let site = site(database, before, "").await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let (one, two) = (cleo.make("task", json!({"name": "One"})).await, cleo.make("task", json!({"name": "Two"})).await);
    let below = kim.make("task", json!({"name": "below", "above": two})).await;
    assert_eq!(kim.read("task", &below).await["note"], "save Two");
    let merged = kim.post("/records/task/merge", json!({"master": one, "others": [two]})).await.ok(200);
    let read = kim.read("task", &below).await;
    assert_eq!((&read["above"]["id"], &read["note"]), (&json!(one), &json!("merge One")));
    kim.post(&format!("/batches/{}/undo", merged["id"].as_str().expect("a batch")), json!({})).await.ok(200);
    let read = kim.read("task", &below).await;
    assert_eq!((&read["above"]["id"], &read["note"]), (&json!(two), &json!("save Two")), "as it was");
    // Links move in the name of whoever merges, scripts see no more than they do.
    let asks = kim.make("task", json!({"name": "asks", "above": two})).await;
    assert_eq!(kim.read("task", &asks).await["kind"], "dear");
    let merged = cleo.post("/records/task/merge", json!({"master": one, "others": [two]})).await.ok(200);
    assert_eq!(kim.read("task", &asks).await["kind"], "plain");
    kim.post(&format!("/batches/{}/undo", merged["id"].as_str().expect("a batch")), json!({})).await.refused(404, "not_found");
    cleo.post(&format!("/batches/{}/undo", merged["id"].as_str().expect("a batch")), json!({})).await.ok(200);
    // One that refuses keeps all of it from happening.
    let loyal = kim.make("task", json!({"name": "loyal", "above": two})).await;
    let problem = kim.post("/records/task/merge", json!({"master": one, "others": [two]})).await.refused(409, "merge_blocked");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("it stays where it is")), "{problem}");
    assert_eq!((kim.read("task", &loyal).await["above"]["id"].clone(), kim.read("task", &below).await["note"].clone()), (json!(two), json!("save Two")));
}
