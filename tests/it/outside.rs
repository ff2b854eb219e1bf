//! Scripts that take transitions, ask for messages, and run at their times.

use app::{jobs, outgoing, schedules};
use chrono::{DateTime, TimeDelta, Utc};
use model::load::Files;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    derived::run_jobs,
    site::{Database, Person, Site},
};

both!(
    scripts_take_transitions,
    each_transition_runs_a_script,
    messages_wait_with_their_change,
    messages_that_make_no_sense_are_refused,
    markup_in_a_message_is_shown_as_text,
    schedules_run_at_their_times,
    schedules_run_for_records,
    dead_letters_are_replayed,
    every_kind_of_job_has_a_name
);

const TASK: &str = r#"{"key": "task", "title": "{name}", "fields": {
    "name": {"type": "text", "required": true}, "mail": {"type": "email"}, "note": {"type": "text"}, "said": {"type": "text", "read_only": true}, "due": {"type": "date"}, "above": {"type": "link", "target": "task"}},
  "states": {"open": {}, "done": {"locks": true, "editable": ["said"]}},
  "transitions": [{"id": "finish", "from": ["open"], "to": "done", "required": ["note"], "comment": "required"}, {"id": "reopen", "from": ["done"], "to": "open", "roles": ["boss"]}],
  "scripts": {"after_save": "scripts/after.rhai", "on_transition": "scripts/moved.rhai", "on_schedule": [
    {"id": "nightly", "labels": {"en": "Every night"}, "cron": "0 2 * * *", "zone": "Asia/Shanghai", "run": "scripts/night.rhai"},
    {"id": "late", "cron": "0 8 * * MON-FRI", "run": "scripts/late.rhai", "where": {"all": [{"field": "due", "op": "before", "value": "@today"}, {"field": "note", "op": "empty"}]}}]},
  "permissions": [{"role": "keeper", "actions": ["*"]}]}"#;

pub fn pack(parts: &[(&str, &str)]) -> Files {
    let mut files = Files::from([
        ("pack.json".to_owned(), br#"{"id": "bench", "version": "1.0.0"}"#.to_vec()),
        ("cards/task.json".to_owned(), TASK.as_bytes().to_vec()),
        ("roles/keeper.json".to_owned(), br#"{"key": "keeper"}"#.to_vec()),
        ("roles/boss.json".to_owned(), br#"{"key": "boss"}"#.to_vec()),
    ]);
    for name in ["after", "moved", "night", "late"] {
        let text = parts.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
        files.insert(format!("scripts/{name}.rhai"), text.as_bytes().to_vec());
    }
    files
}

pub async fn site(database: Database, parts: &[(&str, &str)]) -> (Site, Person) {
    let site = Site::of(database, vec![pack(parts)]).await;
    let kim = site.person("kim", &["keeper"]).await;
    (site, kim)
}

pub fn boss() -> access::Actor {
    access::Actor::user(uuid::Uuid::nil(), "boss", vec![model::Ident::new(access::ADMINISTRATOR).expect("a key")], Utc::now())
}

async fn waiting(site: &Site) -> Vec<outgoing::Outgoing> {
    outgoing::list(&site.app, &boss(), &[outgoing::State::Waiting], None).await.expect("messages")
}

async fn scripts_take_transitions(database: Database) {
    let after = r#"
        if record.name == "sum" && record.state == "open" {
            for one in query("task", #{filter: #{field: "above", op: "is", value: record.id}}) {
                let taken = transition("task", one.id, "finish", #{comment: "all at once", record: #{note: "by script"}});
                log(`${taken.name} is ${taken.state}`);
            }
        }
        if record.name == "try" && record.state == "open" {
            try { transition("task", record.above, "finish"); } catch (e) { log(`refused: ${e}`); }
            try { transition("task", record.above, "reopen"); } catch (e) { log(`refused: ${e}`); }
            try { transition("task", "nothing", "finish"); } catch (e) { log(`refused: ${e}`); }
        }
    "#;
    let (site, kim) = site(database, &[("after", after)]).await;
    let sum = kim.make("task", json!({"name": "top"})).await;
    let part = kim.make("task", json!({"name": "part", "above": sum})).await;
    kim.patch(&format!("/records/task/{sum}"), json!({"name": "sum"})).await.ok(200);
    let read = kim.read("task", &part).await;
    assert_eq!((&read["state"], &read["note"]), (&json!("done"), &json!("by script")));
    let states = kim.get(&format!("/records/task/{part}/states")).await.ok(200);
    assert!(states.to_string().contains("all at once"), "{states}");
    // What its user may not, or what it leaves out, is refused like anything else, and the change goes on.
    kim.make("task", json!({"name": "try", "above": part})).await;
    let said: Vec<String> = app::scripts::entries(&site.app, &boss(), 10).await.expect("lines").into_iter().map(|entry| entry.message).collect();
    assert_eq!(said.iter().filter(|line| line.starts_with("refused: ")).count(), 3, "{said:?}");
    assert!(said.iter().any(|line| line.contains("Boss")), "{said:?}");
    assert_eq!(kim.read("task", &part).await["state"], "done");
}

async fn each_transition_runs_a_script(database: Database) {
    let (_site, kim) = site(database, &[("moved", "if given.comment == \"never\" { throw \"Not like this.\"; } record.said = `${event} to ${given.to}: ${given.comment}`;")]).await;
    let id = kim.make("task", json!({"name": "One"})).await;
    let path = format!("/records/task/{id}/transitions/finish");
    kim.post(&path, json!({"comment": "never", "record": {"note": "x"}})).await.refused(422, "invalid");
    assert_eq!(kim.read("task", &id).await["state"], "open");
    kim.post(&path, json!({"comment": "well", "record": {"note": "x"}})).await.ok(200);
    assert_eq!(kim.read("task", &id).await["said"], "finish to done: well");
}

async fn messages_wait_with_their_change(database: Database) {
    let after = r#"
        mail(#{to: record.mail, cc: ["a@example.com", "b@example.com"], subject: `About ${record.name}`, text: "Hello\nthere"});
        webhook("https://example.com/hook?x=1", #{task: record.id, name: record.name});
        if record.name == "bad" { throw "no"; }
        if record.name == "many" { for i in 0..9 { webhook("https://example.com", #{}); } }
    "#;
    let (site, kim) = site(database, &[("after", after)]).await;
    let id = kim.make("task", json!({"name": "Roof", "mail": "kim@example.com"})).await;
    let found = waiting(&site).await;
    let [hook, mail] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((mail.kind.as_str(), mail.target.as_str(), mail.subject.as_str()), ("email", "kim@example.com", "About Roof"));
    assert_eq!((&mail.content["cc"], &mail.content["text"]), (&json!(["a@example.com", "b@example.com"]), &json!("Hello\nthere")));
    assert_eq!(mail.record.as_ref().map(|(card, id)| (card.as_str(), id.to_string())), Some(("task", id.clone())));
    assert_eq!((hook.kind.as_str(), hook.target.as_str(), &hook.content), ("webhook", "https://example.com/hook?x=1", &json!({"task": id, "name": "Roof"})));
    // What is undone sends nothing; who asks for too much sends nothing either.
    kim.post("/records/task", json!({"name": "bad", "mail": "kim@example.com"})).await.refused(422, "invalid");
    kim.post("/records/task", json!({"name": "many", "mail": "kim@example.com"})).await.refused(409, "script_failed");
    assert_eq!(waiting(&site).await.len(), 2);
    // Nothing that waits is cleared away.
    jobs::run_due(&site.app, &jobs::builtin(), jobs::Pace::default()).await.expect("jobs");
    assert_eq!(waiting(&site).await.len(), 2);
    // Administrators see them and say if one is not to be sent.
    let root = site.person("root", &["administrator"]).await;
    let page = root.send(Method::GET, "/studio/outgoing", &[], None).await;
    assert!(page.status == 200 && page.text.contains("About Roof") && page.text.contains("example.com"), "{}", page.text);
    assert_eq!(kim.send(Method::GET, "/studio/outgoing", &[], None).await.status.as_u16(), 403);
    outgoing::cancel(&site.app, &boss(), mail.id).await.expect("cancelled");
    assert!(outgoing::cancel(&site.app, &boss(), mail.id).await.is_err());
    assert_eq!(waiting(&site).await.len(), 1);
    outgoing::again(&site.app, &boss(), mail.id).await.expect("again");
    assert_eq!(waiting(&site).await.len(), 2);
}

/// Mail is not received, but what waits to be sent is shown to administrators: as its text, whatever stands in it.
async fn markup_in_a_message_is_shown_as_text(database: Database) {
    let after = r#"
        mail(#{to: "a@example.com", subject: record.name, text: record.note});
        mail(#{to: "b@example.com", subject: `<svg onload=alert(2)>`, html: `<p onclick="alert(3)">${record.note}</p></pre><iframe src="javascript:alert(4)"></iframe>`});
        webhook("https://example.com/hook?x=<script>alert(5)</script>", #{note: record.note});
    "#;
    let (site, kim) = site(database, &[("after", after)]).await;
    kim.make("task", json!({"name": "</b><img src=x onerror=alert(1)>", "note": "</pre></details><script>alert(6)</script>"})).await;
    let root = site.person("root", &["administrator"]).await;
    for state in ["waiting", "cancelled"] {
        let page = root.send(Method::GET, &format!("/studio/outgoing?state={state}"), &[], None).await;
        assert_eq!(page.status, 200, "{}", page.text);
        for raw in ["<img src=x", "<svg onload", "<p onclick", "<iframe", "<script>alert", "</pre></details><script"] {
            assert!(!page.text.contains(raw), "{state} {raw}: {}", page.text);
        }
        for shown in ["&lt;img src=x", "&lt;svg onload", "&lt;p onclick", "&lt;iframe", "&lt;script&gt;alert"] {
            assert!(page.text.contains(shown), "{state} {shown}: {}", page.text);
        }
        for one in waiting(&site).await {
            outgoing::cancel(&site.app, &boss(), one.id).await.expect("cancelled");
        }
    }
}

async fn messages_that_make_no_sense_are_refused(database: Database) {
    let after = r#"
        let wrong = [#{subject: "x", text: "x"}, #{to: "nobody", subject: "x", text: "x"}, #{to: "a@b.c", text: "x"}, #{to: "a@b.c", subject: "x"}, #{to: "a@b.c", subject: "x\ny", text: "x"}, #{to: "a@b.c", subjekt: "x", text: "x"}, #{to: "a@b.c\r\nBcc: d@e.f", subject: "x", text: "x"}];
        let count = 0;
        for one in wrong { try { mail(one); } catch (e) { count += 1; log(text(e)); } }
        for url in ["ftp://example.com", "example.com", "https://", "https://me:secret@example.com", "https://exa mple.com", "javascript:alert(1)"] { try { webhook(url, #{}); } catch (e) { count += 1; } }
        log(`refused ${count}`);
    "#;
    let (site, kim) = site(database, &[("after", after)]).await;
    kim.make("task", json!({"name": "Roof"})).await;
    let said: Vec<String> = app::scripts::entries(&site.app, &boss(), 20).await.expect("lines").into_iter().map(|entry| entry.message).collect();
    assert_eq!(said[0], "refused 13", "{said:?}");
    assert!(said.iter().any(|line| line.contains("did you mean `subject`?")), "{said:?}");
    assert!(waiting(&site).await.is_empty());
}

/// Looks what is due at a moment, and runs it.
async fn look(site: &Site, at: &str) -> usize {
    let due = schedules::look(&site.app, at.parse::<DateTime<Utc>>().expect("a moment")).await.expect("a look");
    run_jobs(site).await;
    due
}

async fn schedules_run_at_their_times(database: Database) {
    let (site, kim) = site(database, &[("night", "save(\"task\", #{name: `night ${given.due} ${is_empty(today)}`})")]).await;
    let next = async || schedules::list(&site.app, &boss()).await.expect("schedules").into_iter().find(|one| one.schedule.id == "nightly").expect("the schedule").next.map(|at| at.to_rfc3339());
    assert_eq!(next().await, None);
    assert_eq!(look(&site, "2099-03-01T00:00:00Z").await, 0, "it is only noted when it is due");
    assert_eq!(next().await.as_deref(), Some("2099-03-01T18:00:00+00:00"), "two in the morning in Shanghai");
    assert_eq!(look(&site, "2099-03-01T17:59:59Z").await, 0);
    // What was due while nothing ran is made up for, once.
    assert_eq!(look(&site, "2099-03-04T10:00:00Z").await, 2, "this one, and the one in the site's zone");
    let made = kim.find("task", &json!({"all": []}), "name", "name").await;
    assert_eq!(made, [json!("night 2099-03-01T18:00:00Z false")]);
    assert_eq!(next().await.as_deref(), Some("2099-03-04T18:00:00+00:00"));
    assert_eq!(kim.find("task", &json!({"all": []}), "name", "created_by").await, [Value::Null], "nobody's doing");
    // It stands on the page of jobs and runs beside its times.
    let root = site.person("root", &["administrator"]).await;
    let page = root.send(Method::GET, "/studio/jobs", &[], None).await;
    assert!(page.text.contains("Every night") && page.text.contains("0 2 * * *"), "{}", page.text);
    schedules::now(&site.app, &boss(), "task", "nightly").await.expect("now");
    run_jobs(&site).await;
    assert_eq!(kim.find("task", &json!({"all": []}), "name", "name").await.len(), 2);
    // Times that are none are not installed.
    let mut wrong = pack(&[]);
    let card = TASK.replace("0 2 * * *", "0 25 * * *").replace("Asia/Shanghai", "Mars/Olympus");
    wrong.insert("cards/task.json".into(), card.into_bytes());
    let found = app::packs::check(&site.app, vec![wrong]).await.expect("checked");
    let places: Vec<&str> = found.iter().map(|finding| finding.pointer.as_str()).collect();
    assert!(places.contains(&"/scripts/on_schedule/0/cron") && places.contains(&"/scripts/on_schedule/0/zone"), "{found:?}");
}

async fn schedules_run_for_records(database: Database) {
    let late = "if record.name == \"broken\" { throw \"not this one\"; } record.note = `late since ${record.due}`; mail(#{to: \"boss@example.com\", subject: record.name, text: \"late\"});";
    let (site, kim) = site(database, &[("late", late)]).await;
    let day = |days: i64| (Utc::now() + TimeDelta::days(days)).date_naive().to_string();
    for (name, due) in [("one", day(-3)), ("broken", day(-3)), ("two", day(-2)), ("early", day(3))] {
        kim.make("task", json!({"name": name, "due": due})).await;
    }
    schedules::now(&site.app, &boss(), "task", "late").await.expect("now");
    run_jobs(&site).await;
    let noted = kim.find("task", &json!({"field": "note", "op": "not_empty"}), "name", "name").await;
    assert_eq!(noted, [json!("one"), json!("two")]);
    assert_eq!(waiting(&site).await.len(), 2);
    let job = jobs::all(&site.app, &boss(), &[jobs::State::Done], None).await.expect("jobs").into_iter().find(|(job, _)| job.kind == "schedule").expect("the run").0;
    assert_eq!(job.result, Some(json!({"runs": 3, "failed": 1})));
}

async fn dead_letters_are_replayed(database: Database) {
    let (site, kim) = site(database, &[("night", "if query(\"task\").is_empty() { throw \"nothing there yet\"; } save(\"task\", #{name: \"after all\"})")]).await;
    schedules::now(&site.app, &boss(), "task", "nightly").await.expect("now");
    let pace = jobs::Pace { backoff: std::time::Duration::ZERO, max_backoff: std::time::Duration::ZERO, ..jobs::Pace::default() };
    jobs::run_due(&site.app, &jobs::builtin(), pace).await.expect("jobs");
    let failed = jobs::all(&site.app, &boss(), &[jobs::State::Failed], None).await.expect("jobs");
    let [(job, _)] = failed.as_slice() else { panic!("{failed:?}") };
    assert!(job.error.as_deref().is_some_and(|error| error.contains("nothing there yet")), "{job:?}");
    let root = site.person("root", &["administrator"]).await;
    let page = root.send(Method::GET, "/studio/jobs?state=failed", &[], None).await;
    assert!(page.text.contains("Scheduled script") && page.text.contains("nothing there yet"), "{}", page.text);
    kim.make("task", json!({"name": "first"})).await;
    jobs::replay(&site.app, &boss(), job.id).await.expect("replayed");
    jobs::run_due(&site.app, &jobs::builtin(), pace).await.expect("jobs");
    assert_eq!(kim.find("task", &json!({"field": "name", "op": "is", "value": "after all"}), "name", "name").await.len(), 1);
    assert!(jobs::replay(&site.app, &boss(), job.id).await.is_err(), "what is done is not tried again");
}

async fn every_kind_of_job_has_a_name(_database: Database) {
    for lang in ["en", "zh-Hans", "zh-Hant"] {
        let texts: Value = serde_json::from_slice(&std::fs::read(crate::site::folder(&format!("ui/locales/{lang}.json"))).expect("texts")).expect("JSON");
        let missing: Vec<&str> = jobs::builtin().kinds().into_iter().filter(|kind| texts[format!("job.kind.{kind}")].as_str().is_none_or(str::is_empty)).collect();
        assert!(missing.is_empty(), "{lang}: {missing:?}");
    }
}
