//! Scripts of packs, compiled before anything runs by them.

use model::{Catalog, Diagnostic};
use script::{Profile, Script};

use super::NAMES;

/// Every script that does not compile, with its place.
pub fn check(catalog: &Catalog) -> Vec<Diagnostic> {
    let one = |(file, source): (&model::ScriptFile, &std::sync::Arc<str>)| {
        let error = Script::compile(Profile::Rule, source, &NAMES).err()?;
        let mut finding = Diagnostic::error(file.pack.as_str(), &file.file, "", error.message.clone());
        finding.place = Some((error.line.unwrap_or(1), error.column.unwrap_or(1)));
        Some(finding)
    };
    catalog.scripts.iter().filter_map(one).collect()
}
