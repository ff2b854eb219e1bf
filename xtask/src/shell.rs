//! Running programs, and installing those that are missing.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::Command,
};

/// Nothing, or what went wrong.
pub type Outcome = Result<(), String>;

/// Longest that one program may take, in seconds: what hangs must not hang for ever.
const LONGEST: &str = "2700";

/// Runs a program in the workspace's folder; its output is shown.
pub fn run(what: &str, program: &str, args: &[&str], env: &[(&str, &str)]) -> Outcome {
    // At a terminal a person can end it, and `timeout` would keep the keys from it.
    let mut command = if exists("timeout") && !std::io::stdin().is_terminal() {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=30", LONGEST, program]);
        command
    } else {
        Command::new(program)
    };
    let status = command.args(args).envs(env.iter().copied()).current_dir(root()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) if status.code() == Some(124) => Err(format!("{what}: {program} {} took longer than {LONGEST} seconds and was ended", args.join(" "))),
        Ok(status) => Err(format!("{what}: {program} {} ended with {status}", args.join(" "))),
        Err(error) => Err(format!("{what}: {program} could not be started: {error}")),
    }
}

/// What a program prints; as an error, if it fails.
pub fn output(program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(args).current_dir(root()).output().map_err(|error| format!("{program} could not be started: {error}"))?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// The workspace's folder: the one cargo runs us in, for build output may be shared by several copies.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
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

/// The oldest Node.js that builds the browser files.
const OLDEST_NODE: u32 = 20;

/// Node.js is there, and not too old.
pub fn check_node() -> Outcome {
    let advice = format!("install Node.js {OLDEST_NODE} or newer, with npm, first");
    let version = output("node", &["--version"]).map_err(|_| format!("Node.js was not found on the path; {advice}"))?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
    match major {
        Some(major) if major < OLDEST_NODE => Err(format!("Node.js {} is too old; {advice}", version.trim())),
        _ if !exists("npm") => Err(format!("npm was not found on the path; {advice}")),
        _ => Ok(()),
    }
}

/// A Debian package that a step needs.
pub struct Need {
    pub package: &'static str,
    /// Whether what it brings is there, from wherever.
    pub is_there: bool,
}

/// Installs the packages that are missing, or says how.
pub fn install(needs: &[Need]) -> Outcome {
    let missing: Vec<&str> = needs.iter().filter(|need| !need.is_there).map(|need| need.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !exists("apt-get") {
        return Err(format!("these packages are missing: {0}\ninstall them first: sudo apt-get install {0}", missing.join(" ")));
    }
    println!("== installing {}", missing.join(" "));
    if missing.contains(&"postgresql") {
        // Tests make clusters of their own; the package's would only run beside them.
        let written = std::fs::create_dir_all("/etc/postgresql-common").and_then(|()| std::fs::write("/etc/postgresql-common/createcluster.conf", "create_main_cluster = false\n"));
        written.map_err(|error| format!("/etc/postgresql-common/createcluster.conf: {error}"))?;
    }
    let quiet = ["-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
    let env = [("DEBIAN_FRONTEND", "noninteractive")];
    run("apt", "apt-get", &[&quiet[..], &["update"]].concat(), &env)?;
    run("apt", "apt-get", &[&quiet[..], &["install", "-y", "--no-install-recommends"], &missing].concat(), &env)
}
