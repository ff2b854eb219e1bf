//! The process is killed while people write.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::{AtomicBool, AtomicUsize, Ordering}},
    time::Duration,
};

use crate::server::{Server, check_sqlite, sqlite};

const CYCLES: u64 = 20;
/// So many entries are answered before the server is killed: on a busy machine that takes its time.
const BUSY: usize = 6;

/// Twenty times killed under load: every entry that was answered is there, and nothing is torn.
///
/// Guards that answers wait for their batch's commit (`store/src/sqlite.rs`, `done`); shown by itself in
/// `tests/it/guards.rs`. Killing a process cannot show a
/// missing sync: what the system has taken survives it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twenty_times_under_load_loses_nothing() {
    let data = tempfile::tempdir().expect("a folder");
    let mut server = Server::new(data.path(), None);
    let file = data.path().join("site.db");
    let mut answered = BTreeSet::new();
    for cycle in 0..CYCLES {
        server.start().await;
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let writers: Vec<_> = (0..4).map(|writer| server.writer(format!("{cycle}-{writer}"), stop.clone(), count.clone())).collect();
        let began = std::time::Instant::now();
        while count.load(Ordering::Relaxed) < BUSY {
            assert!(began.elapsed() < Duration::from_secs(60), "the server answers no entry");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Another moment of the work in each cycle, the same in each run.
        tokio::time::sleep(Duration::from_millis(cycle * 37 % 200)).await;
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            answered.extend(writer.await.expect("a writer"));
        }
    }
    server.start().await;
    check_sqlite(&file);
    let kept: BTreeSet<String> = sqlite(&file, "SELECT f_name FROM c_entry").into_iter().collect();
    let lost: Vec<&String> = answered.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} answered entries are lost: {lost:?}", lost.len(), answered.len());
    println!("{CYCLES} kills, {} answered, {} kept, none lost", answered.len(), kept.len());
}
