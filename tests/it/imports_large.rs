//! Files of many rows: written together, taken whole or not at all, run by whichever process has time.

use app::{imports, jobs::{self, Pace}};
use serde_json::{Value, json};

use crate::{
    both,
    imports::{counts, import, lab, reader, run, send},
    site::{Database, Person, Site},
};

both!(what_is_made_together_is_checked_together, a_large_file_is_taken_whole_or_not_at_all, another_process_runs_it, old_files_are_forgotten, what_was_sent_is_closed_and_let_go);

async fn clinic(database: Database) -> (Site, Person) {
    reader();
    let site = Site::with(database, "tests/packs/clinic").await;
    let kim = site.person("kim", &["administrator"]).await;
    (site, kim)
}

fn patients(rows: impl Iterator<Item = (String, String, String)>) -> String {
    rows.fold("name,born,phone\n".to_owned(), |text, (name, born, phone)| text + &*format!("{name},{born},{phone}\n"))
}

fn some(count: usize) -> impl Iterator<Item = (String, String, String)> {
    (0..count).map(|n| (format!("Patient {n}"), format!("19{:02}-03-0{}", n % 90 + 10, n % 9 + 1), format!("+49 30 {}", 1_000_000 + n)))
}

/// What is wrong with the rows of an import: row and words.
async fn wrong(site: &Site, kim: &Person, import: &Value) -> Vec<(i64, String)> {
    let snapshot = site.app.snapshot();
    let actor = app::accounts::actor_of(&site.app, &snapshot, kim.id.parse().expect("an id"), chrono::Utc::now()).await.expect("an actor");
    let found = imports::read(&site.app, &actor, import["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")).await.expect("an import");
    let errors = imports::errors(&site.app, &found, 0, 100).await.expect("errors");
    errors.into_iter().map(|(row, errors)| (row, errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join(" "))).collect()
}

async fn what_is_made_together_is_checked_together(database: Database) {
    let (site, kim) = clinic(database).await;
    kim.make("patient", json!({"name": "Patient 7", "born": "1917-03-08", "phone": "+49 30 555"})).await;
    // One is there already, one stands in the file twice, one breaks a rule; one looks like another, which only warns.
    let mut rows: Vec<_> = some(700).collect();
    rows[300] = (rows[200].0.clone(), rows[200].1.clone(), "+49 30 99".into());
    rows[400].1 = "2999-01-01".into();
    rows[500].2 = rows[499].2.clone();
    let done = import(&site, &kim, "patient", &patients(rows.clone().into_iter()), json!({"skip": true})).await;
    assert_eq!((done["state"].as_str(), counts(&done)), (Some("done"), (697, 0, 0, 3)), "{done}");
    let rows: Vec<i64> = wrong(&site, &kim, &done).await.into_iter().map(|(row, _)| row).collect();
    assert_eq!(rows, [9, 302, 402], "rows are counted as people count them");
    // Numbers have no gaps, and everything else is there: search, look-alikes, history, the way back.
    assert_eq!(site.number("SELECT count(*) FROM c_patient").await, 698);
    assert_eq!(site.number("SELECT value FROM sys_counter WHERE name LIKE 'patient.no.%'").await, 698);
    assert_eq!(site.number("SELECT count(*) FROM sys_search WHERE card = 'patient'").await, 698);
    assert_eq!(site.number("SELECT count(*) FROM sys_likeness WHERE card = 'patient'").await, 698);
    assert_eq!(site.number("SELECT count(*) FROM sys_change WHERE card = 'patient'").await, 698);
    let found = kim.get("/records/patient?q=Patient%20699&fields=name").await.ok(200);
    assert_eq!(found["data"][0]["name"], "Patient 699", "{found}");
    // All or nothing: the same file again leaves everything as it is.
    let done = import(&site, &kim, "patient", &patients(some(10)), json!({})).await;
    assert_eq!((done["state"].as_str(), counts(&done)), (Some("failed"), (0, 0, 0, 10)), "{done}");
    assert_eq!(site.number("SELECT count(*) FROM c_patient").await, 698);
}

/// Runs what waits, taking files of more than 100 rows part by part.
async fn run_large(site: &Site, person: &Person, started: &Value) -> Value {
    let handlers = jobs::builtin().with(imports::KIND, |context| imports::run_job_within(context, 100));
    jobs::run_due(&site.app, &handlers, Pace::default()).await.expect("a run");
    person.get(&format!("/imports/{}", started["id"].as_str().expect("an id"))).await.ok(200)
}

async fn a_large_file_is_taken_whole_or_not_at_all(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    kim.make("room", json!({"name": "Attic"})).await;
    let file = |bad: Option<usize>| (0..1_300).fold("name,budget\n".to_owned(), |text, n| text + &*format!("Room {n},{}\n", if bad == Some(n) { "much".into() } else { n.to_string() }));
    let started = send(&kim, "/records/room/import", file(Some(1_250)).as_bytes(), &json!({})).await.ok(202);
    let done = run_large(&site, &kim, &started).await;
    // It is told as failed when nothing of it is left.
    assert_eq!((done["state"].as_str(), counts(&done)), (Some("failed"), (0, 0, 0, 1)), "{done}");
    assert_eq!(site.number("SELECT count(*) FROM c_room WHERE trashed_at IS NULL").await, 1);
    assert_eq!(site.number("SELECT count(*) FROM sys_job WHERE state IN ('waiting', 'running') AND every_seconds IS NULL").await, 0);
    let batch = kim.get(&format!("/batches/{}", done["batch"].as_str().expect("a batch"))).await.ok(200);
    assert_eq!(batch["state"], "undone", "{batch}");
    // Corrected, it is taken.
    let started = send(&kim, "/records/room/import", file(None).as_bytes(), &json!({})).await.ok(202);
    let done = run_large(&site, &kim, &started).await;
    assert_eq!((done["state"].as_str(), counts(&done)), (Some("done"), (1_300, 0, 0, 0)), "{done}");
    assert_eq!(site.number("SELECT count(*) FROM c_room WHERE trashed_at IS NULL").await, 1_301);
    // Taking it back is a job, which the page leads to.
    let answer = kim.send(reqwest::Method::POST, &format!("/c/room/import/{}/undo", done["id"].as_str().expect("an id")), &[("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")], Some(Vec::new())).await;
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
    assert!(answer.header("location").starts_with("/jobs/"), "{}", answer.header("location"));
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("a run");
    assert_eq!(site.number("SELECT count(*) FROM c_room WHERE trashed_at IS NULL").await, 1);
}

fn folder_of(site: &Site) -> std::path::PathBuf {
    site.app.folder.join("imports")
}

async fn another_process_runs_it(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    // More than one part of the file, whose own disk is lost.
    let long = "x".repeat(3_000);
    let text = (0..700).fold("name,notes\n".to_owned(), |text, n| text + &*format!("Device {n},{long}\n"));
    assert!(text.len() > 2 * 1024 * 1024);
    let started = send(&kim, "/records/device/import", text.as_bytes(), &json!({})).await.ok(202);
    std::fs::remove_dir_all(folder_of(&site)).expect("the disk is lost");
    match site.url.clone() {
        None => drop(jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("a run")),
        Some(url) => {
            // Its own disk, and the site's key.
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::copy(site.app.folder.join("site.key"), folder.path().join("site.key")).expect("the key");
            let other = app::App::open(folder.path().to_path_buf(), Some(url)).await.expect("a second process");
            jobs::run_due(&other, &jobs::builtin(), Pace::default()).await.expect("a run");
            other.store.close().await;
        }
    }
    let done = kim.get(&format!("/imports/{}", started["id"].as_str().expect("an id"))).await.ok(200);
    assert_eq!((done["state"].as_str(), counts(&done)), (Some("done"), (700, 0, 0, 0)), "{done}");
}

async fn old_files_are_forgotten(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    import(&site, &kim, "device", "name,amount\nLens,many\n", json!({})).await;
    assert_eq!(site.number("SELECT count(*) FROM sys_import_part").await, 1);
    imports::clean(&site.app, chrono::Utc::now() + imports::KEPT + chrono::TimeDelta::hours(1)).await.expect("cleaned");
    assert_eq!(site.number("SELECT count(*) FROM sys_import_part").await + site.number("SELECT count(*) FROM sys_import").await, 0);
    assert_eq!(std::fs::read_dir(folder_of(&site)).expect("the folder").count(), 0);
}

/// A file may hold what nobody is to read, in columns that become nothing too.
async fn what_was_sent_is_closed_and_let_go(database: Database) {
    const CANARY: &str = "canary-4711-of-a-pin";
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let settings = json!({"skip": true, "columns": [{"column": "name", "field": "name"}, {"column": "amount", "field": "amount"}]});
    let kept = async || {
        let statement = sql::Statement { sql: "SELECT content FROM sys_import_part".into(), binds: Vec::new(), columns: vec![sql::Physical::Bytes] };
        let parts = site.app.store.fetch(&statement).await.expect("parts").into_iter().flatten();
        parts.map(|part| if let sql::Datum::Bytes(part) = part { part } else { panic!("bytes") }).collect::<Vec<_>>()
    };
    let tells = |part: &Vec<u8>| part.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    // While it waits, and while its mistakes can be asked for, nothing of it can be read in the database.
    let text = format!("name,amount,pin\nLens,many,{CANARY}\nFilm,2,{CANARY}\n");
    let started = send(&kim, "/records/device/import", text.as_bytes(), &settings).await;
    assert!(kept().await.len() == 1 && !kept().await.iter().any(tells));
    let wrong = run(&site, &kim, started).await;
    assert_eq!(counts(&wrong), (1, 0, 0, 1), "{wrong}");
    assert!(kept().await.len() == 1 && !kept().await.iter().any(tells));
    std::fs::remove_dir_all(folder_of(&site)).expect("the disk is lost");
    let errors = format!("/imports/{}/errors", wrong["id"].as_str().expect("an id"));
    kim.get(&errors).await.ok(200);
    // A copy goes when nobody read it for a while; asked for again it is fetched again.
    let copy = folder_of(&site).join(wrong["id"].as_str().expect("an id").replace('-', ""));
    std::fs::File::options().append(true).open(&copy).expect("the copy").set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(7_200)).expect("aged");
    imports::clean(&site.app, chrono::Utc::now()).await.expect("cleaned");
    assert!(!copy.exists());
    kim.get(&errors).await.ok(200);
    // Of a file without a mistake nothing stays.
    let right = import(&site, &kim, "device", &format!("name,amount,pin\nLens,3,{CANARY}\n"), settings).await;
    assert_eq!(counts(&right), (1, 0, 0, 0), "{right}");
    let id = right["id"].as_str().expect("an id");
    assert_eq!(site.number("SELECT count(*) FROM sys_import_part").await, 1);
    assert!(!folder_of(&site).join(id.replace('-', "")).exists());
    kim.get(&format!("/imports/{id}/errors")).await.refused(404, "not_found");
}
