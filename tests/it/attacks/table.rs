//! The table of the document is whole, and every test that it names is there.

use std::{collections::BTreeSet, path::Path};

use crate::site::folder;

/// Attacks of the document.
const MOST: u32 = 59;

/// A row: its number, what is tried, the tests named, and what else the last cell says.
fn rows(text: &str) -> Vec<(u32, String, Vec<String>, String)> {
    let rows = text.lines().filter(|line| line.starts_with("| ")).filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, what, how] = cells.as_slice() else { return None };
        let tests = how.split('`').skip(1).step_by(2).filter(|word| word.contains("::")).map(str::to_owned).collect();
        Some((number.parse().ok()?, (*what).to_owned(), tests, (*how).to_owned()))
    });
    rows.collect()
}

/// Whether a source below a folder, named like the module, has this test: `rights::name` in `rights.rs` or `rights/`.
pub fn is_there(test: &str) -> bool {
    let (module, name) = test.rsplit_once("::").expect("a module and a name");
    let wanted = if name.ends_with(".test.mjs") { String::new() } else { format!("fn {name}(") };
    let path = module.replace("::", "/");
    let places = [format!("tests/it/{path}.rs"), format!("tests/it/{path}/mod.rs"), format!("tests/{path}.rs"), format!("engine/{}/src/tests.rs", path.trim_end_matches("/tests")), format!("engine/{path}.rs")];
    let unit = path.split_once('/').map(|(room, rest)| format!("engine/{room}/src/{rest}.rs"));
    let found = places.iter().chain(&unit).any(|place| std::fs::read_to_string(folder(place)).is_ok_and(|text| text.contains(&wanted)));
    found || Path::new(&folder("tests/browser")).join(name).is_file() && module == "browser"
}

#[test]
fn every_attack_has_a_row_and_every_test_named_is_there() {
    let text = std::fs::read_to_string(folder("docs/security-proof.md")).expect("the document");
    let rows = rows(&text);
    let numbers: Vec<u32> = rows.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=MOST).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for (number, what, tests, how) in &rows {
        if what.len() < 15 || tests.is_empty() && !how.starts_with("does not apply") {
            wrong.push(format!("{number} has no test, and does not say why it does not apply"));
        }
        wrong.extend(tests.iter().filter(|test| !is_there(test)).map(|test| format!("{number} names {test}, which is not there")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!is_there("rights::nothing_of_this_name") && !is_there("nowhere::scopes_admit_rows"));
}

/// What the cases here say of themselves, the document says too.
#[test]
fn the_cases_here_stand_in_the_document() {
    let text = std::fs::read_to_string(folder("docs/security-proof.md")).expect("the document");
    let rows = rows(&text);
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(folder("tests/it/attacks")).expect("a folder") {
        let path = entry.expect("a file").path();
        let source = std::fs::read_to_string(&path).expect("a source");
        let module = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let lines: Vec<&str> = source.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let Some(numbers) = line.strip_prefix("/// ").and_then(|rest| rest.split_once(" · ")).map(|(numbers, _)| numbers) else { continue };
            let Ok(numbers) = numbers.split(", ").map(str::parse::<u32>).collect::<Result<Vec<_>, _>>() else { continue };
            let name = lines[index..].iter().find_map(|line| line.split_once("fn ").and_then(|(_, rest)| rest.split_once('('))).expect("a case below its number").0;
            for number in numbers {
                let test = format!("attacks::{module}::{name}");
                assert!(rows.iter().any(|(row, _, tests, _)| *row == number && tests.contains(&test)), "{test} is not named in row {number}");
                seen.insert(test);
            }
        }
    }
    assert!(seen.len() >= 15, "{seen:?}");
}

/// A requirement of the table of `docs/asvs.csv` has an id, a level, and evidence that is there; `docs/security.md` counts them.
#[test]
fn evidence_of_every_requirement_is_there() {
    let text = std::fs::read_to_string(folder("docs/asvs.csv")).expect("the table");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,level,requirement,evidence"));
    let (mut wrong, mut seen, mut levels) = (Vec::new(), BTreeSet::new(), [0, 0]);
    for line in lines {
        // Only what is required may hold a comma; it is quoted then.
        let (id, rest) = line.split_once(',').expect("an id");
        let (level, rest) = rest.split_once(',').expect("a level");
        let (what, evidence) = rest.rsplit_once(',').expect("evidence");
        let parts: Vec<u32> = id.split('.').filter_map(|part| part.parse().ok()).collect();
        match level {
            "1" => levels[0] += 1,
            "2" => levels[1] += 1,
            _ => wrong.push(format!("{id}: level {level}")),
        }
        if parts.len() != 3 || what.len() < 10 || !seen.insert(id) {
            wrong.push(format!("{id} is no requirement, or stands there twice"));
        }
        for one in evidence.split("; ") {
            let found = match one.split_once('#') {
                Some((document, heading)) => std::fs::read_to_string(folder(document)).is_ok_and(|text| text.lines().any(|line| line.trim_start_matches('#').trim() == heading && line.starts_with('#'))),
                None => is_there(one),
            };
            if !found {
                wrong.push(format!("{id}: {one} is not there"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let counted = format!("{} requirements of the first two levels ({} of the first, {} of the second)", seen.len(), levels[0], levels[1]);
    assert!(std::fs::read_to_string(folder("docs/security.md")).expect("the document").replace('\n', " ").contains(&counted), "docs/security.md counts otherwise than: {counted}");
}
