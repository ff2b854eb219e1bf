//! The process is killed while a large table is being converted to another type.

use std::{path::Path, process::Command};

use crate::server::{Server, sqlite};

const ROWS: i64 = 60_000;
const KILLS: usize = 3;

fn change(file: &Path, statement: &str) {
    let done = Command::new("sqlite3").args(["-cmd", ".timeout 10000"]).arg(file).arg(statement).status().expect("sqlite3");
    assert!(done.success(), "{statement}");
}

fn number(file: &Path, statement: &str) -> i64 {
    sqlite(file, statement).first().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Killed three times on the way, it goes on from its last checkpoint: every value is converted, each once.
///
/// Guards that the point to go on from is kept with the rows it tells of (`app/src/packs/fill.rs`, `part`): kept apart,
/// rows are counted twice, or left out, when the process dies between the two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversion_goes_on_where_it_was_killed() {
    let data = tempfile::tempdir().expect("a folder");
    let mut server = Server::new(data.path(), None);
    let file = data.path().join("site.db");
    let rows = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})");
    change(&file, &format!("{rows} INSERT INTO c_entry (id, version, created_at, updated_at, f_name, f_text, f_total) SELECT randomblob(16), 1, 0, 0, 'N' || i, CASE WHEN i % 1000 = 0 THEN 'odd' ELSE i END, 0 FROM n"));
    let pack = tempfile::tempdir().expect("a folder");
    let card = r#"{"key": "entry", "title": "{name}", "fields": {"name": {"type": "text", "required": true}, "text": {"type": "integer"}, "total": {"rollup": {"from": "lines", "function": "sum", "field": "amount"}}},
        "child_tables": {"lines": {"fields": {"amount": {"type": "money", "required": true}}}}}"#;
    std::fs::create_dir(pack.path().join("cards")).expect("a folder");
    std::fs::write(pack.path().join("pack.json"), r#"{"id": "ledger", "version": "2.0.0"}"#).expect("a file");
    std::fs::write(pack.path().join("cards/entry.json"), card).expect("a file");
    server.run(&["pack", "install", &pack.path().display().to_string()]);
    let job = "FROM sys_job WHERE kind = 'publish.convert'";
    assert_eq!(number(&file, &format!("SELECT count(*) {job}")), 1, "the conversion waits as a job");
    let done = format!("SELECT done {job}");
    let (mut at, mut kills) = (0, 0);
    while kills < KILLS {
        server.start().await;
        let began = number(&file, &done);
        assert!(began >= at, "it began again at {began} after it was at {at}");
        let further = async {
            while number(&file, &done) <= began.max(at) && sqlite(&file, &format!("SELECT state {job}")) != ["done"] {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), further).await.expect("it goes on");
        server.kill();
        at = number(&file, &done);
        kills += 1;
        assert!(at < ROWS, "killed before it was through, else this shows nothing: {at} after {kills}");
        // As if the minute had passed for which the dead worker held it.
        change(&file, "UPDATE sys_job SET lease_until = 0 WHERE state = 'running'");
    }
    server.start().await;
    let through = async {
        while sqlite(&file, &format!("SELECT state {job}")) != ["done"] {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), through).await.expect("it comes to its end");
    let place = sqlite(&file, "SELECT place FROM sys_place WHERE tbl = 'c_entry' AND field = 'text' AND state = 'live' ORDER BY n DESC LIMIT 1");
    let column = place.first().expect("the new place");
    assert_ne!(column, "f_text");
    let wrong = format!("SELECT count(*) FROM c_entry WHERE {column} IS NOT CASE WHEN f_text = 'odd' THEN NULL ELSE CAST(f_text AS INTEGER) END");
    assert_eq!(sqlite(&file, &wrong), ["0"], "every value is what it was");
    let result = sqlite(&file, &format!("SELECT json_extract(result, '$.converted'), json_extract(result, '$.lost[0].count') {job}"));
    assert_eq!(result, [format!("{ROWS}|{}", ROWS / 1_000)], "each row is counted once");
    println!("{KILLS} kills, {ROWS} rows converted once each");
}
