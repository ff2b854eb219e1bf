//! The database server crashes, or goes away for a while.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::{AtomicBool, AtomicUsize, Ordering}},
    time::Duration,
};

use reqwest::StatusCode;

use crate::{
    cluster::Cluster,
    server::{Server, TORN, client},
};

const CRASHES: usize = 5;
/// Entries answered before each crash, and after the last.
const BETWEEN: usize = 30;

/// Five crashes under load: clients that ask again with the same key find each of their entries, once.
///
/// Guards that answers are kept with the change they tell of (`app/src/records/save/repeat.rs`, `remember`);
/// shown by itself in `tests/it/guards.rs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_lose_nothing_and_repeat_nothing() {
    let cluster = Cluster::start();
    let data = tempfile::tempdir().expect("a folder");
    let mut server = Server::new(data.path(), Some(cluster.url()));
    server.start().await;
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let at_work = async |entries: usize| {
        while count.load(Ordering::Relaxed) < entries {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let writers: Vec<_> = (0..8).map(|writer| server.stubborn(format!("W{writer}"), stop.clone(), count.clone())).collect();
    for crash in 0..CRASHES {
        at_work((crash + 1) * BETWEEN).await;
        cluster.down();
        cluster.up();
        server.until_ready().await;
    }
    at_work((CRASHES + 1) * BETWEEN).await;
    stop.store(true, Ordering::Relaxed);
    let mut answered = Vec::new();
    for writer in writers {
        answered.extend(writer.await.expect("a writer"));
    }
    let kept = cluster.rows("SELECT f_name FROM c_entry");
    let names: BTreeSet<&String> = kept.iter().collect();
    let lost: Vec<&String> = answered.iter().filter(|name| !names.contains(name)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert_eq!((names.len(), answered.len()), (kept.len(), kept.len()), "each is there once, and nothing that nobody asked for");
    for statement in TORN {
        assert_eq!(cluster.rows(statement), Vec::<String>::new(), "{statement}");
    }
    println!("{CRASHES} crashes, {} answered, none lost, none twice", answered.len());
}

/// While it is away people are told to come back; once it is there again everything works without a restart.
///
/// Guards that a connection lost unnoticed is replaced by another (`store/src/postgres.rs`, `begin`): it failed before
/// that was so, with a 503 after the server was back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_went_away_and_came_back() {
    let cluster = Cluster::start();
    let data = tempfile::tempdir().expect("a folder");
    let mut server = Server::new(data.path(), Some(cluster.url()));
    server.start().await;
    let client = client();
    assert_eq!(server.post(&client, "before", "", None).await.expect("an answer").0, StatusCode::CREATED);
    cluster.down();
    for _ in 0..3 {
        let (status, come_back, body) = server.post(&client, "during", "", None).await.expect("an answer");
        assert!(status == StatusCode::SERVICE_UNAVAILABLE && come_back && body["code"] == "unavailable", "{status} {body}");
    }
    let ready = client.get(server.url("/readyz")).send().await.expect("an answer");
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    cluster.up();
    server.until_ready().await;
    for number in 0..30 {
        let (status, _, body) = server.post(&client, &format!("after {number}"), "", None).await.expect("an answer");
        assert_eq!(status, StatusCode::CREATED, "every one is carried out, not only some: {number} {body}");
    }
    assert_eq!(cluster.rows("SELECT count(*) FROM c_entry"), ["31"]);
}
