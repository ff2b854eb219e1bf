//! The files of the repository, as far as they are text of ours.

use std::path::Path;

/// A file, and what is in it.
pub struct File {
    /// From the repository's folder, with `/`.
    pub path: String,
    pub text: String,
}

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 5] = ["target", "node_modules", ".git", "artifacts", "dist"];

/// Every text file.
pub fn all(root: &Path) -> Vec<File> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // A link may lead anywhere, such as to packages kept elsewhere.
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if is_link || SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if let (Ok(text), Ok(relative)) = (std::fs::read_to_string(&path), path.strip_prefix(root)) {
                found.push(File { path: relative.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

impl File {
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it is a source of the product, and no test or example.
    pub fn is_engine(&self) -> bool {
        self.is_rust() && self.path.starts_with("engine/") && !self.is_test()
    }

    pub fn is_test(&self) -> bool {
        ["/tests/", "/examples/", "/benches/", "/fixtures/"].iter().any(|part| self.path.contains(part)) || self.path.starts_with("tests/") || self.path.ends_with("/tests.rs")
    }

    /// The code without tests and comments.
    pub fn code(&self) -> String {
        let text = self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    }

    /// The last part of its path, without its ending.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.split('.').next().unwrap_or(name)
    }
}
