//! The disk is full.

use std::{path::{Path, PathBuf}, process::Command, time::Duration};

use reqwest::StatusCode;

use crate::server::{Server, check_sqlite, client, sqlite};

/// A small disk: a file system of its own as root, else a limit on what the process may write.
struct SmallDisk {
    folder: tempfile::TempDir,
    mounted: bool,
}

const SIZE: &str = "size=16m";
const BALLAST: u64 = 6 * 1024 * 1024;
const BLOCKS: u64 = 10 * 1024 * 2;

impl SmallDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder.path()).output().is_ok_and(|done| done.status.success());
        let disk = Self { folder, mounted };
        if mounted {
            std::fs::write(disk.ballast(), vec![0; usize::try_from(BALLAST).expect("a size")]).expect("ballast");
        }
        disk
    }
    fn path(&self) -> &Path {
        self.folder.path()
    }
    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
    /// Somebody makes room.
    fn free(&self, server: &Server) {
        if self.mounted {
            std::fs::remove_file(self.ballast()).expect("removed");
        } else {
            let done = Command::new("prlimit").args(["--pid", &server.pid().to_string(), "--fsize=unlimited"]).status().expect("prlimit");
            assert!(done.success());
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
        }
    }
}

/// Writes until nothing fits: 503 with a time to come back, reading goes on, nothing is half there. With room again
/// writes go on without a restart.
///
/// Guards that the writer's connection is thrown away after a full disk (`store/src/sqlite.rs`, `fail`); shown by
/// itself in `tests/it/guards.rs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_recovers() {
    let disk = SmallDisk::new();
    let mut server = Server::new(&disk.path().join("site"), None);
    server.blocks = (!disk.mounted).then_some(BLOCKS);
    server.start().await;
    let file = disk.path().join("site/site.db");
    let (client, text) = (client(), "words ".repeat(8_000));
    let mut answered = Vec::new();
    let mut refused = 0;
    for number in 0..2_000 {
        let name = format!("N{number}");
        let (status, come_back, body) = server.post(&client, &name, &text, None).await.expect("an answer");
        match status {
            StatusCode::CREATED => answered.push(name),
            StatusCode::SERVICE_UNAVAILABLE => {
                assert!(come_back && body["code"] == "unavailable", "{body}");
                refused += 1;
            }
            other => panic!("{other}: {body}"),
        }
        if refused == 20 {
            break;
        }
    }
    assert!(refused == 20 && answered.len() > 10, "{} fitted, {refused} did not", answered.len());
    let read = client.get(server.url("/healthz")).send().await.expect("an answer");
    assert_eq!(read.status(), StatusCode::OK);
    disk.free(&server);
    let mut tries = 0;
    loop {
        let (status, _, body) = server.post(&client, "after", "", None).await.expect("an answer");
        if status == StatusCode::CREATED {
            break;
        }
        tries += 1;
        assert!(status == StatusCode::SERVICE_UNAVAILABLE && tries < 100, "writes do not go on: {status} {body}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    check_sqlite(&file);
    let kept = sqlite(&file, "SELECT f_name FROM c_entry ORDER BY id");
    answered.push("after".to_owned());
    assert_eq!(kept, answered, "what was answered is there, what was refused is not");
    println!("{} fitted, {refused} refused, writes went on after {tries} more tries", answered.len() - 1);
}
