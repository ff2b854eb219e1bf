//! A temporary PostgreSQL cluster on a socket. `initdb` refuses root, so as root an unprivileged user runs it.

use std::{path::PathBuf, process::Command};

use crate::shell::{self, Outcome};

/// Longest name that a socket may have, with its file in the folder.
const MAX_SOCKET: usize = 80;

fn folder() -> PathBuf {
    // A place that an unprivileged user can reach, and short: sockets have short names.
    let cached = shell::cache().join("pg");
    if shell::is_root() {
        PathBuf::from("/var/tmp/cardstock-pg")
    } else if cached.as_os_str().len() > MAX_SOCKET {
        std::env::temp_dir().join("cardstock-pg")
    } else {
        cached
    }
}

fn as_owner(command: &str) -> Outcome {
    if shell::is_root() { shell::run("postgres", "su", &["postgres", "-s", "/bin/sh", "-c", command], &[]) } else { shell::run("postgres", "sh", &["-c", command], &[]) }
}

fn is_running(bin: &str, folder: &str) -> bool {
    let command = format!("{bin}/pg_ctl -D {folder}/data status >/dev/null 2>&1");
    as_owner(&command).is_ok()
}

/// A running cluster.
pub struct Cluster {
    /// Its address.
    pub url: String,
    /// Whether it was started now, and did not run before.
    pub is_ours: bool,
}

/// Starts the cluster, unless it runs.
pub fn start() -> Result<Cluster, String> {
    let bin = shell::postgres_bin().ok_or("PostgreSQL is not installed")?.display().to_string();
    let path = folder();
    let folder = path.display().to_string();
    std::fs::create_dir_all(&path).map_err(|error| format!("{folder}: {error}"))?;
    if shell::is_root() {
        shell::run("chown", "chown", &["postgres", &folder], &[])?;
    }
    let url = format!("postgres://postgres@localhost/postgres?host={folder}");
    if is_running(&bin, &folder) {
        return Ok(Cluster { url, is_ours: false });
    }
    let init = format!("rm -rf {folder}/data && {bin}/initdb -D {folder}/data -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null");
    as_owner(&init)?;
    let options = format!("-k {folder} -c listen_addresses= -c max_connections=1000 -c shared_buffers=64MB");
    as_owner(&format!("{bin}/pg_ctl -D {folder}/data -o \"{options}\" -l {folder}/log -w start >/dev/null"))?;
    Ok(Cluster { url, is_ours: true })
}

/// Stops the cluster and forgets its data.
pub fn stop() -> Outcome {
    let Some(bin) = shell::postgres_bin() else { return Ok(()) };
    let folder = folder().display().to_string();
    if is_running(&bin.display().to_string(), &folder) {
        as_owner(&format!("{}/pg_ctl -D {folder}/data -m immediate stop >/dev/null", bin.display()))?;
    }
    // The log stays, for whoever wants to know why.
    let _ = Command::new("rm").args(["-rf", &format!("{folder}/data")]).status();
    Ok(())
}
