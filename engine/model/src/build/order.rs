//! Packs in the order of their needs.

use crate::{diagnostic::Diagnostic, load::PackSource};

/// The version of the engine, for `engine` ranges.
pub const ENGINE: &str = env!("CARGO_PKG_VERSION");

/// Packs such that each comes after those it requires.
pub(crate) fn sort<'p>(packs: &'p [PackSource], findings: &mut Vec<Diagnostic>) -> Vec<&'p PackSource> {
    let mut open: Vec<&PackSource> = packs.iter().filter(|pack| pack.manifest.is_some()).collect();
    for (index, pack) in open.iter().enumerate() {
        if open[..index].iter().any(|other| other.id() == pack.id()) {
            findings.push(Diagnostic::error(pack.id(), "pack.json", "/id", format!("two packs are called `{}`", pack.id())));
        }
        check_needs(pack, packs, findings);
    }
    let mut sorted: Vec<&PackSource> = Vec::new();
    while !open.is_empty() {
        let ready = |pack: &&&PackSource| needs(pack).all(|need| !open.iter().any(|other| other.id() == need) || need == pack.id());
        let Some(next) = open.iter().position(|pack| ready(&pack)) else {
            let names: Vec<&str> = open.iter().map(|pack| pack.id()).collect();
            findings.push(Diagnostic::error(names[0], "pack.json", "/requires", format!("the packs {} require one another in a circle", names.join(", "))));
            sorted.append(&mut open);
            break;
        };
        sorted.push(open.remove(next));
    }
    sorted
}

fn needs(pack: &PackSource) -> impl Iterator<Item = &str> {
    pack.manifest.iter().flat_map(|manifest| manifest.requires.keys().map(crate::Ident::as_str))
}

fn check_needs(pack: &PackSource, packs: &[PackSource], findings: &mut Vec<Diagnostic>) {
    let Some(manifest) = &pack.manifest else { return };
    let id = pack.id();
    if semver::Version::parse(&manifest.version).is_err() {
        findings.push(Diagnostic::error(id, "pack.json", "/version", format!("`{}` is no version", manifest.version)).help("three numbers: 1.0.0"));
    }
    if let Some(range) = &manifest.engine {
        check_range(id, "/engine", "the engine", range, ENGINE, findings);
    }
    for (need, range) in &manifest.requires {
        let found = packs.iter().filter_map(|other| other.manifest.as_ref()).find(|other| other.id == *need);
        match found {
            Some(found) => check_range(id, &format!("/requires/{need}"), &format!("the pack `{need}`"), range, &found.version, findings),
            None => {
                let known = packs.iter().map(PackSource::id);
                findings.push(Diagnostic::error(id, "pack.json", format!("/requires/{need}"), format!("the pack `{need}` is not here")).near(need.as_str(), known));
            }
        }
    }
}

fn check_range(id: &str, pointer: &str, what: &str, range: &str, found: &str, findings: &mut Vec<Diagnostic>) {
    let Ok(wanted) = semver::VersionReq::parse(range) else {
        findings.push(Diagnostic::error(id, "pack.json", pointer, format!("`{range}` is no range of versions")).help("such as \"^1.2\" or \">=1.0, <2.0\""));
        return;
    };
    if semver::Version::parse(found).is_ok_and(|found| !wanted.matches(&found)) {
        findings.push(Diagnostic::error(id, "pack.json", pointer, format!("{what} is {found}, wanted is {range}")));
    }
}
