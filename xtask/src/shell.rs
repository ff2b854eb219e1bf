//! Running programs, and installing those that are missing.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Nothing, or what went wrong.
pub type Outcome = Result<(), String>;

/// Runs a program in the workspace's folder; its output is shown.
pub fn run(what: &str, program: &str, args: &[&str], env: &[(&str, &str)]) -> Outcome {
    let status = Command::new(program).args(args).envs(env.iter().copied()).current_dir(root()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {program} {} ended with {status}", args.join(" "))),
        Err(error) => Err(format!("{what}: {program} could not be started: {error}")),
    }
}

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A folder outside the checkout, for what should outlive it.
pub fn cache() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let base = || variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache"))).unwrap_or_else(std::env::temp_dir);
    variable("CARDSTOCK_CACHE").unwrap_or_else(|| base().join("cardstock"))
}

/// Where cargo builds.
pub fn target() -> String {
    std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| cache().join("target").display().to_string())
}

/// Whether a program is on the path.
pub fn exists(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// Whether a PostgreSQL server is installed.
pub fn postgres_installed() -> bool {
    postgres_bin().is_some()
}

/// The folder of the newest PostgreSQL server's programs.
pub fn postgres_bin() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).filter(|bin| bin.join("initdb").is_file()).collect();
    found.sort();
    found.pop()
}

/// Whether this process may install packages.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// Installs the Debian packages that are missing, or says how.
pub fn install(packages: &[(&str, &dyn Fn() -> bool)]) -> Outcome {
    if !exists("node") {
        return Err("Node.js 20 or newer was not found on the path; install it first".into());
    }
    let missing: Vec<&str> = packages.iter().filter(|(_, there)| !there()).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !exists("apt-get") {
        return Err(format!("these packages are missing: {0}\ninstall them first: sudo apt-get install {0}", missing.join(" ")));
    }
    if missing.contains(&"postgresql") {
        // Tests make clusters of their own; the package's would only run beside them.
        let written = std::fs::create_dir_all("/etc/postgresql-common").and_then(|()| std::fs::write("/etc/postgresql-common/createcluster.conf", "create_main_cluster = false\n"));
        written.map_err(|error| format!("/etc/postgresql-common/createcluster.conf: {error}"))?;
    }
    let wait = ["-q", "-o", "DPkg::Lock::Timeout=300"];
    let env = [("DEBIAN_FRONTEND", "noninteractive")];
    run("apt", "apt-get", &[&wait[..], &["update"]].concat(), &env)?;
    run("apt", "apt-get", &[&wait[..], &["install", "-y", "--no-install-recommends"], &missing].concat(), &env)
}
