//! Documents and the fenced blocks in them.

use std::path::{Path, PathBuf};

/// A document of the repository.
pub struct Document {
    /// From the repository's folder.
    pub name: String,
    pub text: String,
}

/// A fenced block.
pub struct Block {
    /// `docs/api.md:12`
    pub place: String,
    /// The first word after the fence, and the others.
    pub language: String,
    pub role: String,
    pub body: String,
}

/// The repository's folder: tests run in that of their package.
pub fn root() -> PathBuf {
    Path::new("../..").canonicalize().expect("the repository")
}

/// Every document a person reads.
pub fn documents() -> Vec<Document> {
    let root = root();
    let mut names: Vec<String> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(str::to_owned).to_vec();
    let mut open = vec![root.join("docs")];
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).expect("docs can be listed").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                names.push(path.strip_prefix(&root).expect("below the root").display().to_string());
            }
        }
    }
    names.sort();
    names.into_iter().map(|name| Document { text: std::fs::read_to_string(root.join(&name)).expect("a document can be read"), name }).collect()
}

impl Document {
    /// Its fenced blocks, in order.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let Some(info) = line.strip_prefix("```") else { continue };
            let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let (language, role) = info.split_once(' ').unwrap_or((info, ""));
            blocks.push(Block { place: format!("{}:{}", self.name, number + 1), language: language.to_owned(), role: role.to_owned(), body: body.join("\n") + "\n" });
        }
        blocks
    }
}

#[test]
fn every_block_says_what_becomes_of_it() {
    let known = |block: &Block| match (block.language.as_str(), block.role.split('=').next().unwrap_or_default()) {
        ("sh", role) => matches!(role, "run" | "hand"),
        ("json", role) => matches!(role, "" | "file" | "fields" | "card" | "extension" | "role" | "mixin" | "view" | "pack" | "filter" | "query"),
        ("rhai", role) => role == "file",
        ("text", role) => matches!(role, "" | "output"),
        ("nginx" | "toml" | "ini" | "rust" | "sql", role) => role.is_empty(),
        _ => false,
    };
    let all = documents();
    let unknown: Vec<String> = all.iter().flat_map(Document::blocks).filter(|block| !known(block)).map(|block| format!("{}: ```{} {}", block.place, block.language, block.role)).collect();
    assert!(unknown.is_empty(), "blocks that no test knows what to do with:\n{}", unknown.join("\n"));
}
