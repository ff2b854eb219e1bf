//! Every example is run.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use model::{Diagnostic, build, load::Files, load::PackSource, load::read_pack};
use serde_json::{Value as Json, json};

use crate::{
    blocks::{Block, Document, documents, root},
    demo::{BINARY, Demo},
};

/// A folder's files by path.
fn read_folder(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(current) = open.pop() {
        for path in fs::read_dir(&current).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_string_lossy().into_owned();
                files.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

fn builtin() -> Vec<PackSource> {
    ["base", "sales"].map(|pack| read_pack(read_folder(&root().join("builtin-modules").join(pack))).0).to_vec()
}

/// What is wrong with a pack of one file beside the built-in packs.
fn findings(path: &str, content: &Json) -> Vec<Diagnostic> {
    let manifest = if path == "pack.json" { content.clone() } else { json!({"id": "example", "version": "1.0.0"}) };
    let mut files = Files::from([("pack.json".to_owned(), manifest.to_string().into_bytes())]);
    files.insert(path.to_owned(), content.to_string().into_bytes());
    let (source, mut found) = read_pack(files);
    let id = source.id().to_owned();
    let mut packs = builtin();
    packs.push(source);
    found.extend(build::build(&packs, 0).1.into_iter().filter(|finding| finding.pack == id));
    found
}

/// A definition as a file of a pack of its own.
fn as_file(block: &Block) -> Option<(String, Json)> {
    let json = |text: &str| serde_json::from_str::<Json>(text).unwrap_or_else(|error| panic!("{}: {error}", block.place));
    let text = |json: &Json, key: &str| json[key].as_str().unwrap_or("x").to_owned();
    Some(match block.role.as_str() {
        "fields" => ("cards/example.json".into(), json!({"key": "example", "fields": json(&block.body)})),
        "pack" => ("pack.json".into(), json(&block.body)),
        "card" => (format!("cards/{}.json", text(&json(&block.body), "key")), json(&block.body)),
        "role" => (format!("roles/{}.json", text(&json(&block.body), "key")), json(&block.body)),
        "mixin" => (format!("mixins/{}.json", text(&json(&block.body), "key")), json(&block.body)),
        "extension" => (format!("extensions/{}.json", text(&json(&block.body), "extends")), json(&block.body)),
        "view" => (format!("views/{}.json", text(&json(&block.body), "id")), json(&block.body)),
        _ => return None,
    })
}

#[test]
fn definitions_are_right() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for block in documents().iter().flat_map(Document::blocks) {
        let Some((path, content)) = as_file(&block) else { continue };
        count += 1;
        wrong.extend(findings(&path, &content).iter().map(|finding| format!("{}: {}", block.place, finding.render(None))));
    }
    assert!(count > 10, "only {count} definitions were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_packs_of_documents_are_right() {
    for document in documents() {
        let folder = tempfile::tempdir().expect("a folder");
        for pack in write_files(&document, folder.path()) {
            let output = Command::new(BINARY).args(["pack", "check"]).arg(folder.path().join(&pack)).output().expect("a check");
            assert!(output.status.success(), "{}, pack {pack}:\n{}", document.name, String::from_utf8_lossy(&output.stderr));
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}, pack {pack}", document.name);
        }
    }
}

/// Writes the files of a document; says which packs they are.
fn write_files(document: &Document, folder: &Path) -> Vec<String> {
    let mut packs = Vec::new();
    for block in document.blocks() {
        let Some(path) = block.role.strip_prefix("file=") else { continue };
        let path_there = folder.join(path);
        fs::create_dir_all(path_there.parent().expect("a folder")).expect("a folder is made");
        fs::write(path_there, &block.body).expect("a file is written");
        if let Some(pack) = path.strip_suffix("/pack.json") {
            packs.push(pack.to_owned());
        }
    }
    packs
}

#[test]
fn examples_run() {
    let demo = Demo::start();
    let mut wrong = Vec::new();
    for document in documents() {
        let blocks = document.blocks();
        if blocks.iter().any(|block| block.role == "run") {
            wrong.extend(run_shell(&document, &blocks, &demo));
        }
        for block in &blocks {
            if let Some(card) = block.role.strip_prefix("filter=") {
                let filter: Json = serde_json::from_str(&block.body).unwrap_or_else(|error| panic!("{}: {error}", block.place));
                wrong.extend(ask(&demo, card, &json!({"filter": filter, "count": "exact"})).err().map(|said| format!("{}: {said}", block.place)));
            }
            if let Some(card) = block.role.strip_prefix("query=") {
                let query: Json = serde_json::from_str(&block.body).unwrap_or_else(|error| panic!("{}: {error}", block.place));
                wrong.extend(ask(&demo, card, &query).err().map(|said| format!("{}: {said}", block.place)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Asks the demo server a question about a card.
fn ask(demo: &Demo, card: &str, body: &Json) -> Result<(), String> {
    let url = format!("{}/api/v1/records/{card}/query", demo.address);
    let header = format!("authorization: Bearer {}", demo.token);
    let output = Command::new("curl").args(["-sS", "--fail-with-body", "-H", &header, "-H", "content-type: application/json", "--data-binary", &body.to_string(), &url]).output();
    let output = output.map_err(|error| format!("curl could not be started: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(format!("{body}\n{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))) }
}

/// Runs the shell blocks of a document, one after the other in one shell, and compares what they print.
fn run_shell(document: &Document, blocks: &[Block], demo: &Demo) -> Vec<String> {
    const MARK: &str = "#### block ";
    let folder = tempfile::tempdir().expect("a folder");
    write_files(document, folder.path());
    let mut script = String::from("set -euo pipefail\n");
    let mut expected: BTreeMap<usize, (&str, &str)> = BTreeMap::new();
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.role == "run") {
        script += &format!("echo; echo '{MARK}{index}'\n{}\n", block.body);
        if let Some(next) = blocks.get(index + 1).filter(|next| next.role == "output") {
            expected.insert(index, (&next.place, &next.body));
        }
    }
    let binaries = Path::new(BINARY).parent().expect("a folder").display().to_string();
    let path = format!("{binaries}:{}", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("bash");
    command.arg("-c").arg(script).current_dir(folder.path()).env("PATH", path).env("CARDSTOCK", &demo.address).env("TOKEN", &demo.token).env("DEMO_DATA", demo.data.path());
    let output = command.output().expect("bash runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut wrong = Vec::new();
    if !output.status.success() {
        let last = printed.rsplit(MARK).next().and_then(|rest| rest.lines().next()?.trim().parse::<usize>().ok());
        let place = last.map_or(document.name.as_str(), |index| &blocks[index].place);
        wrong.push(format!("{place} ends with {}:\n{}\n{}", output.status, printed.rsplit(MARK).next().unwrap_or_default(), String::from_utf8_lossy(&output.stderr)));
    }
    for part in printed.split(MARK).skip(1) {
        let (index, text) = part.split_once('\n').unwrap_or((part, ""));
        let Some((place, wanted)) = index.trim().parse::<usize>().ok().and_then(|index| expected.get(&index)) else { continue };
        if !fits(text.trim(), wanted.trim()) {
            wrong.push(format!("{place} prints\n{}\ninstead of\n{wanted}", text.trim()));
        }
    }
    wrong
}

/// Whether a text is the wanted one, where `…` stands for anything.
fn fits(text: &str, wanted: &str) -> bool {
    let mut parts = wanted.split('…');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut open = false;
    for part in parts {
        open = true;
        match rest.find(part) {
            Some(at) if part.is_empty() || at + part.len() <= rest.len() => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || open && wanted.ends_with('…')
}

#[test]
fn dots_stand_for_anything() {
    assert!(fits("abc", "abc") && fits("abc", "a…c") && fits("abc", "…") && fits("abc", "ab…"));
    assert!(!fits("abc", "ab") && !fits("abc", "b…") && !fits("abc", "a…d"));
}
