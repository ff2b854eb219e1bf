//! What people are told: of what others did, in their rights, unless they turned it off.

use app::{accounts, jobs::{self, Pace}, notify::{self, Kind, Notice}};
use serde_json::{Value, json};
use store::Tx;
use uuid::Uuid;

use crate::{both, site::{Database, Person, Site}};

const LAB: &str = "tests/packs/lab";

both!(whoever_is_given_a_record_is_told, several_are_one_notice, what_was_turned_off_is_not_told, the_end_of_a_job_is_told, a_notice_goes_with_its_transaction, other_processes_hear_of_it, what_is_looked_at_is_seen, pages_hear_of_it, the_page_says_what_happened);

async fn told(person: &Person) -> Vec<Value> {
    person.get("/notices").await.ok(200)["data"].as_array().expect("notices").clone()
}

async fn unread(person: &Person) -> i64 {
    person.get("/notices").await.ok(200)["unread"].as_i64().expect("a count")
}

async fn give(from: &Person, card: &str, id: &str, to: &Person) {
    from.patch(&format!("/records/{card}/{id}"), json!({"owner": to.id})).await.ok(200);
}

async fn whoever_is_given_a_record_is_told(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let id = kim.make("device", json!({"name": "Scales"})).await;
    assert_eq!(told(&kim).await, Vec::<Value>::new(), "what one makes oneself is no news");
    give(&kim, "device", &id, &cleo).await;
    let notices = told(&cleo).await;
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!((&notice["kind"], &notice["word"], &notice["times"], &notice["seen"]), (&json!("assigned"), &json!("record"), &json!(1), &json!(false)), "{notice}");
    assert_eq!(notice["record"], json!({"card": "device", "id": id, "title": "D-0001 Scales"}));
    assert_eq!(notice["by"]["title"], "kim");
    assert_eq!(told(&kim).await, Vec::<Value>::new());
    // Whom it is taken from again sees no title in the notice.
    give(&kim, "device", &id, &kim).await;
    assert_eq!(told(&cleo).await[0]["record"]["title"], Value::Null);
    // A change of something else is no news.
    kim.patch(&format!("/records/device/{id}"), json!({"name": "Other"})).await.ok(200);
    assert_eq!(told(&cleo).await.len(), 1);
    // Seen, and new again.
    let notice = notice["id"].clone();
    cleo.post("/notices/seen", json!({"ids": [notice]})).await.ok(200);
    assert_eq!((unread(&cleo).await, cleo.get("/notices?unread=true").await.ok(200)["data"].as_array().map(Vec::len)), (0, Some(0)));
    kim.post("/notices/seen", json!({"ids": [notice], "seen": false})).await.ok(200);
    assert_eq!(unread(&cleo).await, 0, "it is hers alone");
    cleo.post("/notices/seen", json!({"ids": [notice], "seen": false})).await.ok(200);
    assert_eq!(cleo.post("/notices/seen", json!({"all": true})).await.ok(200)["unread"], 0);
    cleo.post("/notices/seen", json!({"all": "yes"})).await.refused(400, "bad_parameter");
    cleo.get("/notices?befor=1").await.refused(400, "unknown_parameter");
    cleo.get("/notices?before=1").await.refused(400, "bad_cursor");
}

async fn several_are_one_notice(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let mut ids = Vec::new();
    for index in 0..7 {
        ids.push(kim.make("device", json!({"name": format!("Device {index}")})).await);
    }
    kim.post("/records/device/bulk", json!({"action": "assign", "owner": cleo.id, "ids": ids[..5]})).await.ok(200);
    give(&kim, "device", &ids[5], &cleo).await;
    let notices = told(&cleo).await;
    assert_eq!((notices.len(), &notices[0]["times"]), (1, &json!(6)), "{notices:?}");
    // Once seen, what comes later is told anew.
    cleo.post("/notices/seen", json!({"all": true})).await.ok(200);
    give(&kim, "device", &ids[6], &cleo).await;
    let notices = told(&cleo).await;
    assert_eq!(notices.iter().map(|notice| notice["times"].clone()).collect::<Vec<_>>(), [json!(1), json!(6)]);
}

async fn what_was_turned_off_is_not_told(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    accounts::put_preference(&site.app, cleo.id.parse().expect("an id"), &Kind::Assigned.preference(), "false").await.expect("kept");
    let id = kim.make("device", json!({"name": "Scales"})).await;
    give(&kim, "device", &id, &cleo).await;
    assert_eq!(told(&cleo).await, Vec::<Value>::new());
}

async fn the_end_of_a_job_is_told(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let all: Vec<Value> = (0..150).map(|index| json!({"op": "create", "record": {"name": format!("Device {index}")}})).collect();
    kim.post("/records/device/batch", json!({"atomic": true, "items": all})).await.ok(200);
    let started = kim.post("/records/device/bulk", json!({"action": "edit", "fields": [{"field": "grade", "value": "a"}], "all": {}})).await.ok(202);
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("jobs run");
    let notices = told(&kim).await;
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!((&notice["kind"], &notice["word"], &notice["job"], &notice["about"]["job"]), (&json!("job"), &json!("done"), &started["batch"]["job"], &json!("bulk")), "{notice}");
}

fn notice(to: &Person) -> Notice {
    Notice::new(Kind::Approval, "asked", vec![to.id.parse().expect("an id")])
}

async fn a_notice_goes_with_its_transaction(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let wanted = notice(&kim);
    let undone = site.app.store.write(move |tx: &mut Tx| {
        let wanted = wanted.clone();
        Box::pin(async move {
            notify::tell(tx, &wanted).await?;
            Err::<(), app::UnitError>(app::AppError::forbidden("not so").into())
        })
    });
    assert!(undone.await.is_err());
    assert_eq!(told(&kim).await, Vec::<Value>::new());
}

async fn tell(app: &app::App, wanted: Notice) {
    let done = app.store.write(move |tx: &mut Tx| {
        let wanted = wanted.clone();
        Box::pin(async move { notify::tell(tx, &wanted).await })
    });
    done.await.expect("told");
}

/// Whom a listener hears of next.
async fn next(listener: &mut tokio::sync::broadcast::Receiver<Option<Uuid>>) -> Uuid {
    let heard = async {
        loop {
            if let Some(user) = listener.recv().await.expect("something is said") {
                return user;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), heard).await.expect("heard within a minute")
}

async fn other_processes_hear_of_it(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id: Uuid = kim.id.parse().expect("an id");
    let mut here = site.app.store.listen();
    tell(&site.app, notice(&kim)).await;
    assert_eq!(next(&mut here).await, id);
    let Some(url) = site.url.clone() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let other = app::App::open(folder.path().to_path_buf(), Some(url)).await.expect("a second process");
    let mut there = other.store.listen();
    // It takes a moment until it listens: said again until it is heard.
    let heard = async {
        loop {
            tell(&site.app, notice(&kim)).await;
            if tokio::time::timeout(std::time::Duration::from_millis(50), next(&mut there)).await.is_ok_and(|user| user == id) {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), heard).await.expect("heard within a minute");
    other.store.close().await;
}

async fn what_is_looked_at_is_seen(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let id = kim.make("device", json!({"name": "Scales"})).await;
    give(&kim, "device", &id, &cleo).await;
    assert_eq!(unread(&cleo).await, 1);
    let snapshot = site.app.snapshot();
    let actor = accounts::actor_of(&site.app, &snapshot, cleo.id.parse().expect("an id"), chrono::Utc::now()).await.expect("an actor");
    notify::see(&site.app, &actor, &notify::Which::About(id.parse().expect("an id"))).await.expect("seen");
    assert_eq!(unread(&cleo).await, 0);
}

/// Text of a stream up to and with some words.
async fn heard(stream: &mut reqwest::Response, words: &str) -> String {
    let reading = async {
        let mut text = String::new();
        while !text.contains(words) {
            match stream.chunk().await.expect("a stream") {
                Some(piece) => text.push_str(&String::from_utf8_lossy(&piece)),
                None => break,
            }
        }
        text
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), reading).await.expect("heard within a minute")
}

async fn pages_hear_of_it(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let listen = |token: &str| reqwest::Client::new().get(format!("{}/events", site.base)).bearer_auth(token).send();
    let mut stream = listen(kim.token.as_deref().expect("a token")).await.expect("an answer");
    assert_eq!((stream.status().as_u16(), stream.headers()["content-type"].to_str().ok()), (200, Some("text/event-stream")));
    assert!(heard(&mut stream, "data: 0\n\n").await.contains("event: notices"));
    tell(&site.app, notice(&kim)).await;
    assert!(heard(&mut stream, "data: 1\n\n").await.contains("data: 1"));
    kim.post("/notices/seen", json!({"all": true})).await.ok(200);
    assert!(heard(&mut stream, "data: 0\n\n").await.contains("data: 0"));
    // When the site stops, it hangs up, and nobody waits for it.
    drop(site);
    assert!(!heard(&mut stream, "never").await.contains("never"));
}

async fn the_page_says_what_happened(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let id = kim.make("device", json!({"name": "Scales"})).await;
    give(&kim, "device", &id, &cleo).await;
    let get = async |path: String| cleo.send(reqwest::Method::GET, &path, &[], None).await;
    let page = get("/notices".into()).await;
    assert!(page.text.contains("kim handed you D-0001 Scales"), "{}", page.text);
    assert!(page.text.contains("data-count=\"1\""), "the bell counts: {}", page.text);
    // It leads to the record, and is seen from then on.
    let notice = told(&cleo).await[0]["id"].as_str().expect("an id").to_owned();
    let answer = get(format!("/notices/{notice}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, format!("/c/device/{id}").as_str()));
    assert_eq!(unread(&cleo).await, 0);
    assert_eq!(kim.send(reqwest::Method::GET, &format!("/notices/{notice}"), &[], None).await.status.as_u16(), 404, "it is hers alone");
    // Several lead to the list of what is one's own.
    for index in 0..3 {
        let id = kim.make("device", json!({"name": format!("Device {index}")})).await;
        give(&kim, "device", &id, &cleo).await;
    }
    let page = get("/notices?unread=1".into()).await;
    assert!(page.text.contains("kim handed you 3 records: Devices"), "{}", page.text);
    let notice = told(&cleo).await[0]["id"].as_str().expect("an id").to_owned();
    assert!(get(format!("/notices/{notice}")).await.header("location").starts_with("/c/device?filter="));
    // Preferences: what is turned off on the page is not told any more.
    let form = |text: &str| (Some(text.as_bytes().to_vec()), [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")]);
    let (body, headers) = form("notify.assigned=false&notify.job=false&notify.job=true");
    assert_eq!(cleo.send(reqwest::Method::POST, "/me", &headers, body).await.status.as_u16(), 303);
    let before = told(&cleo).await.len();
    let id = kim.make("device", json!({"name": "Quiet"})).await;
    give(&kim, "device", &id, &cleo).await;
    assert_eq!(told(&cleo).await.len(), before);
}
