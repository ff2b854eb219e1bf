//! Two processes on one database: definitions change under readers and writers, and nobody notices but by new fields.

use std::sync::{Arc, atomic::{AtomicBool, AtomicUsize, Ordering}};

use app::App;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    both,
    publishing::{install, pack_of, thing},
    site::{Database, Person, Site},
};

both!(forty_changes_under_load);

const CHANGES: usize = 40;

/// Another process on the same database, served too.
pub async fn second(site: &Site) -> (String, oneshot::Sender<()>) {
    let app = App::open(site.app.folder.clone(), site.url.clone()).await.expect("a second process");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let (stop, stopped) = oneshot::channel::<()>();
    let served = web::Site::new(app).expect("templates");
    tokio::spawn(web::serve(served, listener, async {
        let _ = stopped.await;
    }));
    (base, stop)
}

/// The definitions after so many changes: fields come, go, come back, change their type, get rules and names.
fn version(n: usize) -> Value {
    let kinds = [json!({"type": "text"}), json!({"type": "integer"}), json!({"type": "decimal", "scale": 2}), json!({"type": "text"})];
    let mut fields = json!({"amount": kinds[n % kinds.len()]});
    for more in 0..n % 7 {
        fields[format!("more_{more}")] = json!({"type": "text", "unique": more == 3});
    }
    fields[if n.is_multiple_of(2) { "even" } else { "odd" }] = json!({"id": "parity", "type": "text"});
    thing(fields, json!({}))
}

/// Reads and writes by turns until told to stop; gives how often.
async fn work(person: Person, id: String, stop: Arc<AtomicBool>, done: Arc<AtomicUsize>) -> Vec<i64> {
    let mut written = Vec::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        // A number that reads the same as text, whole number and decimal.
        person.patch(&format!("/records/thing/{id}"), json!({"amount": number.to_string(), "name": format!("kept {number}")})).await.ok(200);
        let found = person.read("thing", &id).await;
        assert_eq!(found["name"], format!("kept {number}"), "an answer that is not empty, and not of before");
        let amount = found["amount"].as_str().map(str::to_owned).unwrap_or_else(|| found["amount"].to_string());
        assert!(amount.trim_end_matches(".00") == number.to_string(), "{amount} was written as {number}");
        let listed = person.get("/records/thing?limit=100").await.ok(200);
        assert!(listed["data"].as_array().is_some_and(|rows| rows.len() >= 4), "{listed}");
        written.push(number);
        done.fetch_add(1, Ordering::Relaxed);
    }
    written
}

async fn forty_changes_under_load(database: Database) {
    let site = Site::of(database, vec![pack_of(&[version(0)], &[])]).await;
    let root = site.person("root", &["administrator"]).await;
    let (other, _stop) = second(&site).await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut workers = tokio::task::JoinSet::new();
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(root.make("thing", json!({"name": format!("T{number}"), "amount": "1"})).await);
    }
    for (number, id) in ids.into_iter().enumerate() {
        let person = if number % 2 == 0 { root.clone() } else { root.at(&other) };
        workers.spawn(work(person, id, stop.clone(), done.clone()));
    }
    for n in 1..=CHANGES {
        install(&site, pack_of(&[version(n)], &[])).await;
        // Each version is worked with before the next comes.
        let before = done.load(Ordering::Relaxed);
        while done.load(Ordering::Relaxed) < before + 4 && workers.len() == 4 {
            tokio::task::yield_now().await;
            if let Some(ended) = workers.try_join_next() {
                panic!("somebody was told of an error: {:?}", ended.err());
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = workers.join_next().await {
        assert!(!ended.expect("no error").is_empty());
    }
    assert_eq!(site.number("SELECT version FROM sys_catalog").await, 1 + CHANGES as i64);
}
