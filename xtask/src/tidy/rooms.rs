//! What each room may use, read from its manifest.

use std::collections::BTreeMap;

use super::{Findings, files::File};

/// Room → the rooms it may use.
const MAY_USE: [(&str, &[&str]); 14] = [
    ("model", &[]),
    ("search", &[]),
    ("query", &["model", "search"]),
    ("access", &["model", "query"]),
    ("sql", &["model", "search", "query", "access"]),
    ("exchange", &[]),
    ("form", &["model"]),
    ("script", &["model"]),
    ("pack", &["model"]),
    ("report", &["model"]),
    ("store", &["model", "query", "sql"]),
    ("app", &["model", "search", "query", "form", "sql", "script", "store", "access", "pack", "exchange"]),
    ("web", &["access", "app", "form", "model", "query", "search"]),
    ("cardstock", &["access", "app", "exchange", "model", "report", "web"]),
];

/// Rooms that do no input or output.
const PURE: [&str; 8] = ["model", "search", "query", "form", "sql", "access", "pack", "script"];
/// What does it.
const IMPURE: [&str; 7] = ["tokio", "sqlx", "rusqlite", "axum", "reqwest", "tempfile", "tracing-subscriber"];
/// Heavy crates stand in one room's manifest each.
const ONE_HOME: [&str; 7] = ["polars", "sqlx", "rusqlite", "axum", "rhai", "calamine", "rust_xlsxwriter"];

/// The rooms: name, manifest, and what it depends on outside of tests.
fn rooms(files: &[File]) -> Vec<(&str, &File, Vec<&str>)> {
    let manifests = files.iter().filter_map(|file| {
        let room = file.path.strip_prefix("engine/")?.strip_suffix("/Cargo.toml")?;
        Some((room, file, used(&file.text)))
    });
    manifests.collect()
}

fn used(manifest: &str) -> Vec<&str> {
    let (_, rest) = manifest.split_once("[dependencies]").unwrap_or_default();
    let section = rest.split("\n[").next().unwrap_or_default();
    section.lines().filter_map(|line| line.split(['=', '.', ' ']).next()).filter(|name| !name.is_empty() && !name.starts_with('#')).collect()
}

pub fn pure(files: &[File], found: &mut Findings) {
    for (room, file, uses) in rooms(files).into_iter().filter(|(room, ..)| PURE.contains(room)) {
        for name in uses.into_iter().filter(|name| IMPURE.contains(name)) {
            found.push(format!("{}: uses {name}, but `{room}` does no input or output", file.path));
        }
    }
}

pub fn homes(files: &[File], found: &mut Findings) {
    let mut homes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (room, _, uses) in rooms(files) {
        uses.into_iter().filter(|name| ONE_HOME.contains(name)).for_each(|name| homes.entry(name).or_default().push(room));
    }
    for (name, rooms) in homes.iter().filter(|(_, rooms)| rooms.len() > 1) {
        found.push(format!("{name} stands in the manifests of {}; one room is its home", rooms.join(" and ")));
    }
}

pub fn neighbours(files: &[File], found: &mut Findings) {
    for (room, file, uses) in rooms(files) {
        let Some((_, may)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
            found.push(format!("{}: the architecture knows no room `{room}`", file.path));
            continue;
        };
        for other in uses.into_iter().filter(|name| MAY_USE.iter().any(|(room, _)| room == name) && !may.contains(name)) {
            found.push(format!("{}: `{room}` may not use `{other}`", file.path));
        }
    }
}

/// Every package keeps the workspace's lints, among them the one that forbids unsafe code.
pub fn lints(files: &[File], found: &mut Findings) {
    for file in files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        if !file.text.contains("[lints]\nworkspace = true") {
            found.push(format!("{}: keeps no lints; add [lints] workspace = true", file.path));
        }
    }
    let workspace = files.iter().find(|file| file.path == "Cargo.toml");
    if !workspace.is_some_and(|file| file.text.contains("unsafe_code = \"forbid\"")) {
        found.push("Cargo.toml: unsafe code is not forbidden".into());
    }
}
