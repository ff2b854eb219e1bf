//! Builds the browser files of `ui/` into `$OUT_DIR/dist`, from where `src/assets.rs` embeds them.
//!
//! `npm ci` runs only when the lock file has changed since the last time. With `UI_DIST` set, files made elsewhere by
//! `node ui/build.mjs DIR --release` are taken instead, for machines without Node.js.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

const OLDEST_NODE: u32 = 20;

/// What the browser files are made from. Never `node_modules`: cargo would look at ten thousand files. A path that
/// does not exist would make cargo rebuild every time.
const SOURCES: [&str; 10] =
    ["src", "css", "static", "templates", "locales", "icons.txt", "build.mjs", "tsconfig.json", "package.json", "package-lock.json"];

fn main() {
    let ui = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("../../ui");
    let dist = PathBuf::from(variable("OUT_DIR")).join("dist");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", ui.join(source).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=UI_DIST");
    if let Err(error) = build(&ui, &dist) {
        stop(&error);
    }
}

fn build(ui: &Path, dist: &Path) -> Result<(), String> {
    if dist.exists() {
        fs::remove_dir_all(dist).map_err(|error| format!("{} could not be emptied: {error}", dist.display()))?;
    }
    if let Ok(made) = env::var("UI_DIST") {
        println!("cargo::rerun-if-changed={made}");
        return copy(Path::new(&made), dist).map_err(|error| format!("UI_DIST={made} could not be copied: {error}"));
    }
    check_node()?;
    install(ui)?;
    let mode = if variable("PROFILE") == "release" { "--release" } else { "--dev" };
    run(Command::new("node").arg("build.mjs").arg(dist).arg(mode).current_dir(ui), "node build.mjs")
}

fn check_node() -> Result<(), String> {
    let advice = format!(
        "The browser files are built from ui/. Install Node.js {OLDEST_NODE} or newer (Debian: apt-get install nodejs npm),\n\
         or point UI_DIST at a folder that `node ui/build.mjs DIR --release` made elsewhere."
    );
    let Ok(output) = Command::new("node").arg("--version").output() else {
        return Err(format!("Node.js was not found on PATH. {advice}"));
    };
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
    match major {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => Err(format!("Node.js {version} is too old. {advice}")),
    }
}

fn install(ui: &Path) -> Result<(), String> {
    let stamp = ui.join("node_modules/.lock-stamp");
    let lock = fs::read(ui.join("package-lock.json")).map_err(|error| format!("ui/package-lock.json could not be read: {error}"))?;
    if fs::read(&stamp).is_ok_and(|stamped| stamped == lock) {
        return Ok(());
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    run(Command::new(npm).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(ui), "npm ci")?;
    fs::write(&stamp, &lock).map_err(|error| format!("{} could not be written: {error}", stamp.display()))
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "`{what}` in ui/ failed ({}):\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => Err(format!("`{what}` could not be started: {error}")),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| stop(&format!("cargo did not set {name}")))
}

fn stop(why: &str) -> ! {
    for line in why.lines() {
        println!("cargo::error=ui: {line}");
    }
    std::process::exit(1)
}
