//! The process is killed while values of a large table are given another type.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, atomic::{AtomicBool, Ordering}},
    time::Duration,
};

use serde_json::json;

use crate::server::{BINARY, Server, client, sqlite};

const ROWS: i64 = 60_000;
/// Each row whose number can be divided by this has a code that is no number.
const ODD: i64 = 1_000;
/// How often it is killed in the middle, at the least.
const KILLS: usize = 3;

/// The pack of entries with a code of some type, as a folder.
fn pack(folder: &Path, code: &str) -> String {
    let from = Path::new("../../tests/packs/ledger");
    let mut card: serde_json::Value = serde_json::from_slice(&std::fs::read(from.join("cards/entry.json")).expect("the card")).expect("JSON");
    card["fields"]["code"] = json!({"type": code});
    let folder = folder.join(code);
    std::fs::create_dir_all(folder.join("cards")).expect("a folder");
    std::fs::copy(from.join("pack.json"), folder.join("pack.json")).expect("the pack");
    std::fs::write(folder.join("cards/entry.json"), card.to_string()).expect("written");
    folder.display().to_string()
}

/// Where the job stands: its state, and how far it came.
fn job(file: &Path) -> Option<(String, i64)> {
    let line = sqlite(file, "SELECT state || ' ' || done FROM sys_job WHERE kind = 'publish.convert'").into_iter().next()?;
    let (state, done) = line.split_once(' ')?;
    Some((state.to_owned(), done.parse().ok()?))
}

/// A minute passes: whoever held the job has lost it.
fn let_go(file: &Path) {
    let done = Command::new("sqlite3").args(["-cmd", ".timeout 10000"]).arg(file).arg("UPDATE sys_job SET lease_until = 1 WHERE kind = 'publish.convert' AND lease_until IS NOT NULL").status();
    assert!(done.expect("sqlite3").success());
}

/// Killed again and again in the middle of a conversion, while people write: it is finished in the end, each row
/// converted once and rightly, and no entry that was answered is lost.
///
/// Guards that a part is converted and its place noted in one transaction (`app/src/packs/fill.rs`, `Context::checkpoint`):
/// noted before, rows of a killed part keep nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_values_are_converted_it_goes_on() {
    let data = tempfile::tempdir().expect("a folder");
    let packs = tempfile::tempdir().expect("a folder");
    let mut server = Server::new(data.path(), None);
    let file = data.path().join("site.db");
    server.run(&["pack", "install", &pack(packs.path(), "text"), "--modules", "none"]);
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) INSERT INTO c_entry (id, version, created_at, updated_at, f_name, f_code) \
         SELECT randomblob(16), 1, 0, 0, 'N' || i, CASE WHEN i % {ODD} = 0 THEN 'x' ELSE i END FROM n"
    );
    assert!(Command::new("sqlite3").arg(&file).arg(fill).status().expect("sqlite3").success());

    let mut install = Command::new(BINARY);
    install.args(["pack", "install", &pack(packs.path(), "integer"), "--modules", "none", "--data"]).arg(data.path()).stdout(Stdio::null());
    let mut install = install.spawn().expect("it installs");
    let begun = async {
        while job(&file).is_none_or(|(_, done)| done == 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), begun).await.expect("it converts");
    install.kill().expect("killed");
    install.wait().expect("ended");

    let (mut answered, mut kills, mut seen) = (BTreeSet::new(), 0, 0);
    for cycle in 0.. {
        let (state, done) = job(&file).expect("the job");
        assert!(done >= seen, "it went back from {seen} to {done}");
        if state == "done" {
            break;
        }
        assert!(state != "failed" && state != "cancelled" && cycle < 60, "{state} after {done}");
        if done > seen {
            kills += 1;
        }
        seen = done;
        let_go(&file);
        server.start().await;
        let stop = Arc::new(AtomicBool::new(false));
        let writer = server.writer(format!("w{cycle}"), stop.clone(), Arc::default());
        // Until it has gone on for a part or more; the first kills come early, later ones let it come further.
        let goes_on = async {
            while job(&file).is_some_and(|(state, done)| state != "done" && done < seen + 4_000 * (1 + cycle)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let went_on = tokio::time::timeout(Duration::from_secs(60), goes_on).await;
        assert!(went_on.is_ok(), "it stays at {:?}", sqlite(&file, "SELECT state, done, attempts, lease_until, error, checkpoint FROM sys_job WHERE kind = 'publish.convert'"));
        server.kill();
        stop.store(true, Ordering::Relaxed);
        answered.extend(writer.await.expect("a writer"));
    }
    assert!(kills >= KILLS, "it was killed in the middle only {kills} times");

    server.start().await;
    assert_eq!(sqlite(&file, "PRAGMA integrity_check"), ["ok"]);
    assert_eq!(sqlite(&file, "SELECT count(*) - max(seq) FROM sys_change"), ["0"]);
    let kept: BTreeSet<String> = sqlite(&file, "SELECT e.f_name FROM c_entry e WHERE (SELECT count(*) FROM c_entry__lines l WHERE l.parent_id = e.id) = 2").into_iter().collect();
    let lost: Vec<&String> = answered.difference(&kept).collect();
    assert!(lost.is_empty() && !answered.is_empty(), "of {} answered entries are lost: {lost:?}", answered.len());
    let right = json!({"filter": {"field": "code", "op": "not_empty"}, "fields": ["name", "code"], "totals": [{"field": "code", "function": "sum"}], "count": "exact", "limit": 1});
    let answer = server.query(&client(), "entry", &right).await;
    let odd: i64 = (1..=ROWS / ODD).map(|n| n * ODD).sum();
    assert_eq!(answer["totals"]["code.sum"].as_i64().or_else(|| answer["totals"]["code.sum"].as_str().and_then(|sum| sum.parse().ok())), Some(ROWS * (ROWS + 1) / 2 - odd), "{answer}");
    assert_eq!(answer["count"]["value"], json!(ROWS - ROWS / ODD), "{answer}");
}
