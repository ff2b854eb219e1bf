//! The invariants of `docs/architecture.md`, as far as they can be seen in the source.
//!
//! **Not here:** what must run to be seen (`tests/`), what the compiler and clippy look at.

mod files;
mod rooms;
mod source;
mod texts;

use std::path::Path;

use crate::shell::{self, Outcome};
use files::File;

/// Every finding: a place, and what is wrong there.
type Findings = Vec<String>;

/// Says every breach at once.
pub fn check() -> Outcome {
    let root = shell::root();
    let files = files::all(&root);
    let found = findings(&root, &files);
    if found.is_empty() {
        println!("tidy: {} files", files.len());
        return Ok(());
    }
    Err(format!("tidy:\n  {}", found.join("\n  ")))
}

fn findings(root: &Path, files: &[File]) -> Findings {
    let mut found = Findings::new();
    rooms::pure(files, &mut found);
    rooms::homes(files, &mut found);
    rooms::neighbours(files, &mut found);
    rooms::lints(files, &mut found);
    source::business_objects(files, &mut found);
    source::forbidden_words(files, &mut found);
    source::signs(files, &mut found);
    source::lengths(files, &mut found);
    source::outside(root, files, &mut found);
    texts::migrations(files, &mut found);
    texts::templates(files, &mut found);
    texts::locales(files, &mut found);
    texts::labels(files, &mut found);
    found
}

#[cfg(test)]
mod tests;
