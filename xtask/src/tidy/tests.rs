use super::{Findings, File, files, findings, rooms, source, texts};

fn file(path: &str, text: &str) -> File {
    File { path: path.into(), text: text.into() }
}

/// What one check finds in one file.
#[track_caller]
fn finds(check: fn(&[File], &mut Findings), path: &str, text: &str, expected: &str) {
    let mut found = Findings::new();
    check(&[file("builtin-modules/base/cards/contact.json", "{}"), file(path, text)], &mut found);
    let own: Vec<&String> = found.iter().filter(|finding| finding.contains(expected)).collect();
    assert!(!own.is_empty(), "nothing about `{expected}` in {found:?}");
}

#[test]
fn the_source_keeps_its_invariants() {
    let root = crate::shell::root();
    let found = findings(&root, &files::all(&root));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn breaches_are_found() {
    finds(rooms::pure, "engine/model/Cargo.toml", "[dependencies]\ntokio = { workspace = true }\n", "uses tokio");
    finds(rooms::neighbours, "engine/model/Cargo.toml", "[dependencies]\nquery.workspace = true\n", "may not use `query`");
    finds(rooms::neighbours, "engine/cellar/Cargo.toml", "[dependencies]\n", "knows no room `cellar`");
    finds(rooms::lints, "engine/model/Cargo.toml", "[dependencies]\n", "keeps no lints");
    finds(source::business_objects, "engine/app/src/x.rs", "//! X\nlet card = \"contact\";", "names the business object `contact`");
    finds(source::forbidden_words, "engine/sql/src/x.rs", "format!(\"SELECT * FROM\")", "name the columns");
    finds(source::forbidden_words, "engine/app/src/x.rs", "AssertSqlSafe(text)", "declares SQL safe");
    finds(source::signs, "engine/app/src/x.rs", "use std::fmt;", "without a sign");
    finds(source::lengths, "engine/app/src/x.rs", &"\n".repeat(401), "has 401 lines");
    finds(texts::templates, "ui/templates/x.html", "<p style=\"x\">", "policy forbids");
    finds(texts::migrations, "migrations/sqlite/0001_x.sql", "", "one of the databases only");
    finds(texts::labels, "builtin-modules/base/cards/x.json", r#"{"labels": {"en": "X"}}"#, "says nothing in zh-Hans");
    finds(texts::locales, "ui/locales/en.json", r#"{"a": "b"}"#, "only in one of");
    finds(|files, found| source::outside(std::path::Path::new("."), files, found), "docs/x.md", concat!("see /ro", "ot/x"), "outside of the repository");
}

#[test]
fn two_homes_are_found() {
    let manifest = "[dependencies]\nrhai = { workspace = true }\n";
    let mut found = Findings::new();
    rooms::homes(&[file("engine/app/Cargo.toml", manifest), file("engine/script/Cargo.toml", manifest)], &mut found);
    assert_eq!(found, ["rhai stands in the manifests of app and script; one room is its home"]);
}

#[test]
fn tests_and_comments_may_say_what_they_like() {
    let mut found = Findings::new();
    let text = "//! X\n// SELECT * is forbidden\n#[cfg(test)]\nmod tests { const X: &str = \"SELECT *\"; }";
    source::forbidden_words(&[file("engine/sql/src/x.rs", text), file("engine/sql/src/tests/x.rs", "SELECT *")], &mut found);
    assert_eq!(found, Findings::new());
}
