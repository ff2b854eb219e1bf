//! A PostgreSQL cluster of one's own, to be stopped at will.

use std::{path::PathBuf, process::Command};

use tempfile::TempDir;

pub struct Cluster {
    folder: TempDir,
    bin: PathBuf,
    is_root: bool,
}

fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = versions.chain(std::env::split_paths(&path)).filter(|folder| folder.join("pg_ctl").exists()).max();
    found.expect("these cases need PostgreSQL: `cargo xtask test` says what to install")
}

impl Cluster {
    pub fn start() -> Self {
        // Sockets have short names, and the unprivileged user must reach the folder.
        let folder = tempfile::Builder::new().prefix("cs").tempdir_in("/var/tmp").expect("a folder");
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0"));
        let cluster = Self { folder, bin: bin(), is_root };
        if is_root {
            assert!(Command::new("chown").arg("postgres").arg(cluster.folder.path()).status().expect("chown").success());
        }
        let (bin, folder) = (cluster.bin.display(), cluster.folder.path().display());
        cluster.run(&format!("{bin}/initdb -D {folder}/data -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null"));
        cluster.up();
        cluster
    }

    fn run(&self, command: &str) {
        let done = if self.is_root { Command::new("su").args(["postgres", "-s", "/bin/sh", "-c", command]).status() } else { Command::new("sh").args(["-c", command]).status() };
        assert!(done.expect("a shell").success(), "{command}");
    }

    pub fn up(&self) {
        let (bin, folder) = (self.bin.display(), self.folder.path().display());
        self.run(&format!("{bin}/pg_ctl -D {folder}/data -o \"-k {folder} -c listen_addresses= -c max_connections=60 -c shared_buffers=32MB\" -l {folder}/log -w start >/dev/null"));
    }

    /// As if its machine had lost power: no checkpoint, no goodbye.
    pub fn down(&self) {
        let (bin, folder) = (self.bin.display(), self.folder.path().display());
        self.run(&format!("{bin}/pg_ctl -D {folder}/data -m immediate -w stop >/dev/null"));
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.path().display())
    }

    /// What a statement finds, a line for each row.
    pub fn rows(&self, statement: &str) -> Vec<String> {
        let output = Command::new("psql").args([&self.url(), "-Atc", statement]).output().expect("psql");
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let (bin, folder) = (self.bin.display(), self.folder.path().display());
        let command = format!("{bin}/pg_ctl -D {folder}/data -m immediate -w stop >/dev/null 2>&1");
        let _ = if self.is_root { Command::new("su").args(["postgres", "-s", "/bin/sh", "-c", &command]).status() } else { Command::new("sh").args(["-c", &command]).status() };
    }
}
