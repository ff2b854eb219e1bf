//! The invariants of `docs/architecture.md`, looked for in the source.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::shell::{self, Outcome};

/// Keys of built-in cards that are also plain words of the engine.
const PLAIN_WORDS: [&str; 3] = ["unit", "order", "product"];

/// Says every breach at once.
pub fn check() -> Outcome {
    let root = shell::root();
    let sources = files(&root.join("engine"), "rs");
    let mut found = Vec::new();
    business_objects(&root, &sources, &mut found);
    pure_rooms(&root, &mut found);
    single_homes(&root, &mut found);
    forbidden_words(&sources, &mut found);
    migrations(&root, &mut found);
    templates(&root, &mut found);
    if found.is_empty() {
        println!("tidy: {} files", sources.len());
        return Ok(());
    }
    Err(format!("tidy:\n  {}", found.join("\n  ")))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                all.push(path);
            }
        }
    }
    all.sort();
    all
}

/// A file without its tests and comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.ends_with("/tests.rs") || text.contains("/tests/") || text.contains("/examples/")
}

/// 1. No Rust source outside tests names a business object of the built-in modules.
fn business_objects(root: &Path, sources: &[PathBuf], found: &mut Vec<String>) {
    let cards: BTreeSet<String> = files(&root.join("builtin-modules"), "json")
        .iter()
        .filter(|path| path.parent().is_some_and(|folder| folder.ends_with("cards")))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .filter(|key| !PLAIN_WORDS.contains(&key.as_str()))
        .collect();
    for path in sources.iter().filter(|path| !is_test(path)) {
        let text = code(path);
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        for card in cards.iter().filter(|card| words.contains(card.as_str())) {
            found.push(format!("{}: names the business object `{card}`", path.display()));
        }
    }
}

/// 2. Rooms that do no I/O.
fn pure_rooms(root: &Path, found: &mut Vec<String>) {
    for room in ["model", "query", "form", "sql", "access", "pack", "script"] {
        let manifest = fs::read_to_string(root.join(format!("engine/{room}/Cargo.toml"))).unwrap_or_default();
        let manifest = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for crate_name in ["tokio", "sqlx", "axum"] {
            if manifest.lines().any(|line| line.starts_with(crate_name)) {
                found.push(format!("engine/{room}/Cargo.toml: names {crate_name}, but the room does no I/O"));
            }
        }
    }
}

/// 3. Heavy crates stand in one manifest each.
fn single_homes(root: &Path, found: &mut Vec<String>) {
    for crate_name in ["polars", "sqlx", "axum", "rhai"] {
        let homes = files(&root.join("engine"), "toml").into_iter().filter(|path| fs::read_to_string(path).unwrap_or_default().lines().any(|line| line.starts_with(&format!("{crate_name} "))));
        let homes: Vec<String> = homes.map(|path| path.display().to_string()).collect();
        if homes.len() > 1 {
            found.push(format!("{crate_name} stands in {}", homes.join(" and ")));
        }
    }
}

fn forbidden_words(sources: &[PathBuf], found: &mut Vec<String>) {
    for path in sources.iter().filter(|path| !is_test(path)) {
        let text = code(path);
        for word in ["SELECT *", "RETURNING *", "todo!(", "unimplemented!(", "dbg!(", "TODO", "FIXME"] {
            if text.contains(word) {
                found.push(format!("{}: contains {word}", path.display()));
            }
        }
        if text.contains("AssertSqlSafe(") && !path.ends_with("store/src/rows.rs") {
            found.push(format!("{}: declares SQL safe; only store's rows may", path.display()));
        }
    }
}

/// The same system migrations for both databases.
fn migrations(root: &Path, found: &mut Vec<String>) {
    let names = |folder: &str| -> BTreeSet<String> { files(&root.join("migrations").join(folder), "sql").iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect() };
    if names("sqlite") != names("postgres") {
        found.push("migrations: sqlite and postgres have different files".into());
    }
}

/// Nothing in a page runs as code from an attribute.
fn templates(root: &Path, found: &mut Vec<String>) {
    for path in files(&root.join("ui/templates"), "html") {
        let text = fs::read_to_string(&path).unwrap_or_default();
        for word in [" style=", " onclick=", "hx-on", "javascript:", "\"js:"] {
            if text.contains(word) {
                found.push(format!("{}: contains `{}`, which the page's policy forbids", path.display(), word.trim()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_source_keeps_its_invariants() {
        assert_eq!(super::check(), Ok(()));
    }
}
