//! Links within the repository lead to files and headings that are there; pictures are there and small.

use std::{collections::BTreeSet, path::Path};

use crate::blocks::{Document, documents, root};

/// Most bytes of a picture.
const MAX_PICTURE: u64 = 200_000;

/// The text without its fenced blocks.
fn prose(document: &Document) -> String {
    let mut inside = false;
    let kept = document.text.lines().filter(|line| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    kept.collect::<Vec<_>>().join("\n")
}

fn targets(text: &str) -> Vec<String> {
    let after = text.split("](").skip(1);
    after.filter_map(|rest| rest.split([')', ' ']).next()).map(str::to_owned).collect()
}

/// The anchors of a document's headings, as repository viewers make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let slug = |heading: &str| -> String {
        let plain = heading.trim().to_lowercase();
        plain.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    text.lines().filter(|line| line.starts_with('#')).map(|line| slug(line.trim_start_matches('#'))).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let folder = root().join(&document.name).parent().map(Path::to_path_buf).expect("a document lies in a folder");
        for target in targets(&prose(&document)) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').map_or((target.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let path = if file.is_empty() { root().join(&document.name) } else { folder.join(file) };
            if !path.exists() {
                broken.push(format!("{}: {target} is not there", document.name));
                continue;
            }
            let Some(anchor) = anchor else { continue };
            if !anchors(&std::fs::read_to_string(&path).unwrap_or_default()).contains(anchor) {
                broken.push(format!("{}: {target} names no heading", document.name));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_document_can_be_reached_from_the_first() {
    let all = documents();
    let mut open = vec!["README.md".to_owned()];
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Some(document) = all.iter().find(|document| document.name == name).filter(|_| seen.insert(name.clone())) else { continue };
        let folder = Path::new(&name).parent().map(Path::to_path_buf).unwrap_or_default();
        open.extend(targets(&prose(document)).iter().filter_map(|target| target.split('#').next()).filter(|file| file.ends_with(".md")).map(|file| tidy(&folder.join(file))));
    }
    let lost: Vec<&str> = all.iter().map(|document| document.name.as_str()).filter(|name| !seen.contains(*name) && *name != "docs/benchmarks.md").collect();
    assert!(lost.is_empty(), "nothing leads to {}", lost.join(", "));
}

/// `docs/../README.md` → `README.md`
fn tidy(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()) {
        if part == ".." {
            parts.pop();
        } else if part != "." {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[test]
fn pictures_are_small() {
    for entry in std::fs::read_dir(root().join("docs/images")).expect("there are pictures") {
        let path = entry.expect("an entry").path();
        let size = path.metadata().expect("a file").len();
        assert!(size <= MAX_PICTURE, "{} has {size} bytes; at most {MAX_PICTURE} make a quick page", path.display());
    }
}
