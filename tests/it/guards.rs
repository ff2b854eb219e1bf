//! What keeps the promises of `tests/faults`, each shown by itself: weakened in one place of the program, the case named
//! here fails, without a crash that has to come at the right moment.

use std::{process::Command, sync::{Arc, atomic::{AtomicBool, Ordering}}};

use reqwest::Method;
use serde_json::json;
use sql::{Physical, Statement};
use store::{Store, StoreError, Target, Tx};

use crate::{both, site::{Database, Site}};

both!(an_answer_and_its_change_are_kept_together);

fn statement(sql: &str, columns: Vec<Physical>) -> Statement {
    Statement { sql: sql.to_owned(), binds: Vec::new(), columns }
}

async fn sqlite() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&Target::Sqlite { path: folder.path().join("site.db") }).await.expect("a database");
    store.apply(vec!["CREATE TABLE t (a INTEGER, b BLOB)".to_owned()]).await.expect("a table");
    (folder, store)
}

async fn count(store: &Store) -> usize {
    store.fetch(&statement("SELECT a FROM t", vec![Physical::Integer])).await.expect("rows").len()
}

/// `store/src/sqlite.rs`, `done`: who is answered before the commit of the batch could lose what was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_waits_for_the_commit_of_its_batch() {
    let (_folder, store) = sqlite().await;
    let mut shared = 0;
    for round in 0..50 {
        shared += usize::from(two_in_a_batch(&store, round * 2).await);
        assert_eq!(count(&store).await, (round + 1) * 2);
    }
    assert!(shared > 0, "no two units were in one batch");
}

/// Two units, the second waiting while the first works; whether they were one batch.
async fn two_in_a_batch(store: &Store, before: usize) -> bool {
    let answered = Arc::new(AtomicBool::new(false));
    let (begun, began) = tokio::sync::oneshot::channel();
    let (go_on, goes_on) = tokio::sync::oneshot::channel::<()>();
    let (begun, goes_on) = (Arc::new(std::sync::Mutex::new(Some(begun))), Arc::new(tokio::sync::Mutex::new(Some(goes_on))));
    let (writer, flag) = (store.clone(), answered.clone());
    let first = tokio::spawn(async move {
        let done = writer.write(move |tx: &mut Tx| {
            let (begun, goes_on) = (begun.clone(), goes_on.clone());
            Box::pin(async move {
                tx.execute(&statement("INSERT INTO t (a) VALUES (1)", Vec::new())).await?;
                begun.lock().expect("a lock").take().map(|begun| begun.send(()));
                if let Some(goes_on) = goes_on.lock().await.take() {
                    goes_on.await.expect("told");
                }
                Ok::<_, StoreError>(())
            })
        });
        done.await.expect("written");
        flag.store(true, Ordering::SeqCst);
    });
    began.await.expect("it began");
    let (writer, flag, reader) = (store.clone(), answered.clone(), store.clone());
    let second = tokio::spawn(async move {
        let unit = writer.write(move |tx: &mut Tx| {
            let (flag, reader) = (flag.clone(), reader.clone());
            Box::pin(async move {
                for _ in 0..200 {
                    tokio::task::yield_now().await;
                }
                let was_answered = flag.load(Ordering::SeqCst);
                let kept = count(&reader).await > before;
                assert!(kept || !was_answered, "answered before its batch was committed");
                tx.execute(&statement("INSERT INTO t (a) VALUES (2)", Vec::new())).await.map(|_| !kept)
            })
        });
        unit.await.expect("written")
    });
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    go_on.send(()).expect("told");
    first.await.expect("answered");
    second.await.expect("ran")
}

/// `store/src/sqlite/writer.rs`, `run`: a unit that fails is undone by itself, be it the first of its batch, which has no
/// savepoint, or one after it; the others are kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_fails_takes_nobody_along() {
    let (_folder, store) = sqlite().await;
    for failing in 0..4 {
        // All but the first wait while the first is at work: they share its batch, where it does not fail.
        let unit = |number: usize| {
            let store = store.clone();
            async move {
                let done = store.write(move |tx: &mut Tx| {
                    Box::pin(async move {
                        let text = format!("INSERT INTO t (a) VALUES ({})", failing * 10 + number);
                        tx.execute(&statement(&text, Vec::new())).await?;
                        if number == 0 {
                            std::thread::sleep(std::time::Duration::from_millis(20));
                        }
                        match number == failing {
                            true => Err(StoreError::Unexpected { detail: "on purpose".into() }),
                            false => Ok(()),
                        }
                    })
                });
                assert_eq!(done.await.is_err(), number == failing);
            }
        };
        futures::future::join_all((0..4).map(unit)).await;
        let found = store.fetch(&statement(&format!("SELECT a FROM t WHERE a >= {} ORDER BY a", failing * 10), vec![Physical::Integer])).await.expect("rows");
        let kept: Vec<String> = found.iter().map(|row| format!("{row:?}")).collect();
        assert_eq!(kept.len(), 3, "{kept:?} with {failing} failing");
        assert!(kept.iter().all(|row| !row.contains(&format!("({})", failing * 10 + failing))), "{kept:?} with {failing} failing");
    }
}

/// `store/src/sqlite.rs`, `fail`: a connection whose disk was full is thrown away; kept, it never writes again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_found_the_disk_full_is_not_used_again() {
    let (_folder, store) = sqlite().await;
    let full = store.write(|tx: &mut Tx| {
        Box::pin(async move {
            // This connection alone may make no more pages: for it, the disk is full.
            tx.fetch(&statement("PRAGMA max_page_count = 1", vec![Physical::Integer])).await?;
            tx.execute(&statement("INSERT INTO t (a) VALUES (0)", Vec::new())).await?;
            tx.execute(&statement("INSERT INTO t (a, b) VALUES (1, zeroblob(4000000))", Vec::new())).await
        })
    });
    assert!(matches!(full.await, Err(StoreError::Unavailable { .. })));
    let after = store.write(|tx: &mut Tx| Box::pin(async move { tx.execute(&statement("INSERT INTO t (a, b) VALUES (2, zeroblob(4000000))", Vec::new())).await }));
    assert_eq!(after.await.expect("it is another connection"), 1);
    assert_eq!(count(&store).await, 1, "nothing of the refused one is there");
}

/// `app/src/records/save/repeat.rs`, `remember`: a change without its kept answer would be made twice by who asks again,
/// an answer without its change would tell of what is not there.
async fn an_answer_and_its_change_are_kept_together(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    let refuse = async |table: &str, on: bool| {
        let texts = match (database, on) {
            (Database::Sqlite, true) => vec![format!("CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END")],
            (Database::Sqlite, false) => vec!["DROP TRIGGER refuse".to_owned()],
            (Database::Postgres, true) => vec!["CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$".to_owned(), format!("CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()")],
            (Database::Postgres, false) => vec![format!("DROP TRIGGER refuse ON {table}")],
        };
        site.app.store.apply(texts).await.expect("a trigger");
    };
    for table in ["sys_idempotency", "sys_change", "sys_audit"] {
        refuse(table, true).await;
        let answer = kim.post_with("/records/room", &[("idempotency-key", table)], json!({"name": table})).await;
        assert!(answer.status.is_server_error(), "{table}: {}", answer.text);
        refuse(table, false).await;
        assert_eq!((site.number("SELECT count(*) FROM c_room").await, site.number("SELECT count(*) FROM sys_idempotency").await), (0, 0), "{table}: one is there without the other");
    }
    for _ in 0..2 {
        kim.post_with("/records/room", &[("idempotency-key", "again")], json!({"name": "Once"})).await.ok(201);
    }
    assert_eq!(site.number("SELECT count(*) FROM c_room").await, 1);
}

/// `store/src/postgres.rs`, `begin`: connections that died unnoticed are replaced before anything is done with them.
#[test]
fn connections_that_died_unnoticed_are_replaced() {
    crate::site::run(Database::Postgres, async |database| {
        let site = Site::with(database, "tests/packs/lab").await;
        let kim = site.person("kim", &["keeper"]).await;
        let url = site.url.clone().expect("an address");
        for round in 0..5 {
            let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
            assert!(Command::new("psql").args([&url, "-qAtc", kill]).output().expect("psql").status.success());
            let answer = kim.send(Method::POST, "/api/v1/records/room", &[("content-type", "application/json")], Some(json!({"name": format!("R{round}")}).to_string().into_bytes())).await;
            assert_eq!(answer.status.as_u16(), 201, "{}", answer.text);
        }
    });
}
