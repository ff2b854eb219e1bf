//! What must not stand in sources, and what must.

use std::{collections::BTreeSet, path::Path};

use super::{Findings, files::File};

/// Keys of built-in cards that are also plain words of the engine.
const PLAIN_WORDS: [&str; 4] = ["unit", "order", "product", "user"];

/// Longest source file, in lines.
const MAX_LINES: usize = 400;
/// Files that may be longer, and why. Split one and take it out of this list.
const LONG: [&str; 3] = [
    // One place for what all rooms know of definitions.
    "engine/model/src/catalog.rs",
    // One pass over fields with one story.
    "engine/model/src/build/fields.rs",
    // Every way to read, side by side.
    "engine/sql/src/select.rs",
];

/// What may not stand in the product's code, and why.
const FORBIDDEN: [(&str, &str); 9] = [
    ("SELECT *", "a column added meanwhile would be read into the wrong place; name the columns"),
    ("RETURNING *", "a column added meanwhile would be read into the wrong place; name the columns"),
    ("todo!(", "nothing is left to be done later"),
    ("unimplemented!(", "nothing is left to be done later"),
    ("dbg!(", "use tracing"),
    ("TODO", "nothing is left to be done later"),
    ("FIXME", "nothing is left to be done later"),
    ("std::thread::sleep", "it stops everybody on the same thread"),
    ("allow(unsafe_code)", "unsafe code is forbidden"),
];

/// No source outside tests names a kind of business record of the built-in modules.
pub fn business_objects(files: &[File], found: &mut Findings) {
    let cards: BTreeSet<&str> = files
        .iter()
        .filter(|file| file.path.starts_with("builtin-modules/") && file.path.contains("/cards/"))
        .map(File::stem)
        .filter(|key| !PLAIN_WORDS.contains(key))
        .collect();
    let ours = |file: &&File| file.is_engine() || file.path.starts_with("ui/src/") || file.path.starts_with("ui/templates/");
    for file in files.iter().filter(ours) {
        let code = file.code();
        let words: BTreeSet<&str> = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        for card in cards.iter().filter(|card| words.contains(**card)) {
            found.push(format!("{}: names the business object `{card}`; say it in a pack", file.path));
        }
    }
}

pub fn forbidden_words(files: &[File], found: &mut Findings) {
    for file in files.iter().filter(|file| file.is_engine()) {
        let code = file.code();
        for (word, why) in FORBIDDEN.iter().filter(|(word, _)| code.contains(word)) {
            found.push(format!("{}: contains {word}: {why}", file.path));
        }
        if code.contains("AssertSqlSafe(") && file.path != "engine/store/src/rows.rs" {
            found.push(format!("{}: declares SQL safe; only store's rows may", file.path));
        }
    }
}

/// A module says at its door what it is for.
pub fn signs(files: &[File], found: &mut Findings) {
    for file in files.iter().filter(|file| file.is_engine() || file.path.starts_with("xtask/") && file.is_rust() && !file.is_test()) {
        if !file.text.is_empty() && !file.text.starts_with("//! ") {
            found.push(format!("{}: begins without a sign on the door (`//! …`)", file.path));
        }
    }
}

pub fn lengths(files: &[File], found: &mut Findings) {
    for file in files.iter().filter(|file| file.is_rust() && !LONG.contains(&file.path.as_str())) {
        let lines = file.text.lines().count();
        if lines > MAX_LINES {
            found.push(format!("{}: has {lines} lines; at most {MAX_LINES} can be read in one sitting", file.path));
        }
    }
    for gone in LONG.iter().filter(|path| !files.iter().any(|file| file.path == **path)) {
        found.push(format!("{gone}: stands in the list of long files, and is not there"));
    }
}

/// Nothing names a place outside the repository: a path of one machine, somebody's home.
pub fn outside(root: &Path, files: &[File], found: &mut Findings) {
    let here = root.canonicalize().map(|path| path.display().to_string()).unwrap_or_default();
    // Written in two parts, so that this list does not find itself.
    let mut words = [("/ro", "ot/"), ("/ho", "me/"), ("/wo", "rk/"), ("sha", "red/design"), ("file", "://")].map(|(one, two)| format!("{one}{two}")).to_vec();
    words.extend(Some(here).filter(|here| here.len() > 3));
    for file in files.iter().filter(|file| !file.path.ends_with("package-lock.json")) {
        for (number, line) in file.text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(word.as_str())) {
                found.push(format!("{}:{}: names `{word}`, which is outside of the repository", file.path, number + 1));
            }
        }
    }
}
