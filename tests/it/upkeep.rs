//! What a site does for itself: numbers of the change log, an end for what has had its time.

use std::{path::PathBuf, time::{Duration, SystemTime}};

use app::jobs::{self, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    site::{Database, Person, Site},
};

both!(changes_are_numbered_without_gaps, what_had_its_time_is_deleted, contents_nobody_names_are_deleted, the_planner_knows_tables, old_notices_go);

/// As if everything of that table had happened in 1970.
async fn age(site: &Site, database: Database, table: &str, column: &str) {
    let long_ago = if database == Database::Sqlite { "0" } else { "'1970-01-01T00:00:00Z'" };
    site.app.store.apply(vec![format!("UPDATE {table} SET {column} = {long_ago}")]).await.expect("aged");
}

async fn run(site: &Site, database: Database) {
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("ran");
    age(site, database, "sys_job", "run_at").await;
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("ran");
    assert_eq!(site.number("SELECT count(*) FROM sys_job WHERE error IS NOT NULL").await, 0);
}

async fn changes_are_numbered_without_gaps(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let root = site.person("root", &["administrator"]).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let (root, app) = (root.clone(), site.app.clone());
        writers.spawn(async move {
            for number in 0..10 {
                root.make("room", json!({"name": format!("R{writer}-{number}")})).await;
                app::upkeep::number_changes(&app.store).await.expect("numbered");
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.expect("wrote");
    }
    app::upkeep::number_changes(&site.app.store).await.expect("numbered");
    assert_eq!(site.number("SELECT count(*) FROM sys_change WHERE seq IS NULL").await, 0);
    let all = site.number("SELECT count(*) FROM sys_change").await;
    assert_eq!((all, site.number("SELECT max(seq) FROM sys_change").await, site.number("SELECT count(DISTINCT seq) FROM sys_change").await), (40, 40, 40));
}

/// What signing in leaves behind, and by what it is over.
const ENDING: [(&str, &str); 5] = [("sys_login_step", "expires_at"), ("sys_provider_step", "expires_at"), ("sys_browser", "expires_at"), ("sys_second_draft", "created_at"), ("sys_outgoing", "created_at")];

async fn what_had_its_time_is_deleted(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let root = site.person("root", &["administrator"]).await;
    root.post_with("/records/room", &[("idempotency-key", "one")], json!({"name": "A"})).await.ok(201);
    let id = uuid::Uuid::try_parse(&root.id).expect("an id");
    app::accounts::login_link(&site.app, id, chrono::Utc::now()).await.expect("a link");
    let (token, user, moment) = if database == Database::Sqlite { ("X'00'", format!("X'{}'", id.simple()), "9000000000000000") } else { ("'\\x00'", format!("'{id}'"), "'2200-01-01T00:00:00Z'") };
    site.app.store.apply(vec![
        format!("INSERT INTO sys_login_step (token, user_id, method, failures, expires_at) VALUES ({token}, {user}, 'password', 0, {moment})"),
        format!("INSERT INTO sys_provider_step (state, content, expires_at) VALUES ({token}, '{{}}', {moment})"),
        format!("INSERT INTO sys_browser (token, user_id, expires_at) VALUES ({token}, {user}, {moment})"),
        format!("INSERT INTO sys_second_draft (user_id, secret, created_at) VALUES ({user}, 'closed', {moment})"),
        format!("INSERT INTO sys_outgoing (id, kind, target, subject, content, state, run_at, attempts, created_at) VALUES ({user}, 'email', 'x', 'reset', '{{}}', 'waiting', {moment}, 0, {moment})"),
    ]).await.expect("kept");
    run(&site, database).await;
    for (table, column) in ENDING {
        assert_eq!(site.number(&format!("SELECT count(*) FROM {table}")).await, 1, "{table}");
        age(&site, database, table, column).await;
    }
    assert_eq!(site.number("SELECT count(*) FROM sys_idempotency").await, 1, "it is kept for a day");
    assert_eq!(site.number("SELECT count(*) FROM sys_login_link").await, 1);
    age(&site, database, "sys_idempotency", "created_at").await;
    age(&site, database, "sys_login_link", "expires_at").await;
    run(&site, database).await;
    assert_eq!(site.number("SELECT count(*) FROM sys_idempotency").await, 0);
    assert_eq!(site.number("SELECT count(*) FROM sys_login_link").await, 0);
    for (table, _) in ENDING {
        assert_eq!(site.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    root.get("/records/room").await.ok(200);
}

async fn old_notices_go(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = uuid::Uuid::try_parse(&site.person("kim", &["keeper"]).await.id).expect("an id");
    let moment = |days: i64| chrono::Utc::now() - chrono::TimeDelta::days(days);
    let at = |days: i64| if database == Database::Sqlite { moment(days).timestamp_micros().to_string() } else { format!("'{}'", moment(days).to_rfc3339()) };
    let id = |id: uuid::Uuid| if database == Database::Sqlite { format!("X'{}'", id.simple()) } else { format!("'{id}'") };
    // Days since each was made, and since it was counted on last.
    let rows = [(1, 1), (89, 89), (100, 10), (91, 91), (100, 100)].map(|(made, told)| {
        let stamp = uuid::Timestamp::from_unix_time(moment(made).timestamp().unsigned_abs(), 0, 0, 0);
        format!("INSERT INTO sys_notice (id, user_id, kind, word, about, times, at) VALUES ({}, {}, 'job', 'done', '{{}}', {made}, {})", id(uuid::Uuid::new_v7(stamp)), id(kim), at(told))
    });
    site.app.store.apply(rows.to_vec()).await.expect("kept");
    run(&site, database).await;
    assert_eq!(site.number("SELECT count(*) FROM sys_notice").await, 3);
    assert_eq!(site.number("SELECT CAST(sum(times) AS bigint) FROM sys_notice").await, 190, "those of the last ninety days stay");
}

/// Of which table's rows the planner knows how many there are.
async fn known(site: &Site, table: &str) -> i64 {
    if site.number("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'").await == 0 {
        return 0;
    }
    site.number(&format!("SELECT count(*) FROM sqlite_stat1 WHERE tbl = '{table}' AND CAST(stat AS INTEGER) > 0")).await
}

async fn the_planner_knows_tables(database: Database) {
    let site = crate::imports::lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let fill = async |from: usize, to: usize| {
        let rows: Vec<Value> = (from..to).map(|number| json!({"op": "create", "record": {"name": format!("R{number}")}})).collect();
        kim.post("/records/room/batch", json!({"atomic": true, "items": rows})).await.ok(200);
    };
    fill(0, 400).await;
    if database == Database::Postgres {
        // It looks by itself; the upkeep must only not stumble.
        return run(&site, database).await;
    }
    assert_eq!(known(&site, "c_room").await, 0);
    run(&site, database).await;
    assert_eq!(known(&site, "c_room").await, 0, "what a small table holds is soon another thing");
    fill(400, 1_400).await;
    fill(1_400, 1_800).await;
    run(&site, database).await;
    assert!(known(&site, "c_room").await > 0, "after the hourly upkeep");
    assert_eq!(known(&site, "c_device").await, 0);
    let file: String = (0..1_500).map(|number| format!("D{number}\n")).collect();
    let done = crate::imports::import(&site, &kim, "device", &format!("name\n{file}"), json!({})).await;
    assert_eq!(done["state"], "done", "{done}");
    assert!(known(&site, "c_device").await > 0, "after an import");
    // Answers stay what they were.
    assert_eq!(kim.find("device", &json!({"field": "name", "op": "is", "value": "D7"}), "no", "name").await, [json!("D7")]);
}

async fn upload(person: &Person, text: &str) -> Value {
    let body = format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--x--\r\n");
    let sent = person.send(Method::POST, "/api/v1/files", &[("content-type", "multipart/form-data; boundary=x")], Some(body.into_bytes())).await;
    sent.ok(201)["data"][0]["id"].clone()
}

fn contents(site: &Site) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(site.app.folder.join("files")).expect("a folder");
    folders.flat_map(|folder| std::fs::read_dir(folder.expect("a folder").path()).expect("a folder")).map(|entry| entry.expect("a file").path()).collect()
}

async fn contents_nobody_names_are_deleted(database: Database) {
    let site = Site::of(database, Vec::new()).await;
    let root = site.person("root", &["administrator"]).await;
    for text in ["left behind", "left behind", "new"] {
        upload(&root, text).await;
    }
    let two_days_ago = SystemTime::now() - Duration::from_secs(2 * 24 * 3_600);
    let old = |path: &PathBuf| std::fs::File::options().write(true).open(path).and_then(|file| file.set_modified(two_days_ago)).expect("aged");
    contents(&site).iter().for_each(old);
    run(&site, database).await;
    assert_eq!((contents(&site).len(), site.number("SELECT count(*) FROM sys_file").await), (2, 3), "an old content that a new upload names stays");
    age(&site, database, "sys_file", "created_at").await;
    let again = upload(&root, "new").await;
    let broken_off = contents(&site)[0].with_file_name(".half");
    std::fs::write(&broken_off, "hal").expect("written");
    old(&broken_off);
    run(&site, database).await;
    assert_eq!((contents(&site).len(), site.number("SELECT count(*) FROM sys_file").await), (1, 1));
    let kept = root.send(Method::GET, &format!("/api/v1/files/{}", again.as_str().expect("an id")), &[], None).await;
    assert_eq!(kept.text, "new");
}
