//! References name everything there is, and nothing that is not: features, error codes, field types, operators,
//! functions, keys of definitions, commands.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde_json::Value as Json;

use crate::blocks::root;

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() && !path.ends_with("tests") && !path.ends_with("examples") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found
}

/// The words in backticks that begin the first cell of a table's rows.
fn first_cells(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned)).collect()
}

/// The part of a document beneath a heading.
fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("there is no heading {heading}"));
    rest.split("\n## ").next().unwrap_or(rest)
}

#[track_caller]
fn same(what: &str, documented: &BTreeSet<String>, there_is: &BTreeSet<String>) {
    let missing: Vec<&String> = there_is.difference(documented).collect();
    let invented: Vec<&String> = documented.difference(there_is).collect();
    assert!(missing.is_empty() && invented.is_empty(), "{what}: not documented are {missing:?}; documented, but not there are {invented:?}");
}

fn words<'w>(all: impl IntoIterator<Item = &'w str>) -> BTreeSet<String> {
    all.into_iter().map(str::to_owned).collect()
}

#[test]
fn features_have_ids_of_their_own_and_a_status() {
    let text = read("docs/features.md");
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id ")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [id, what, status] = cells.as_slice() else { panic!("a feature has an id, a line and a status: {row}") };
        let (letter, number) = id.split_at(1);
        assert!(letter.chars().all(|c| c.is_ascii_uppercase()) && number.parse::<u32>().is_ok(), "{id} is no id such as D3");
        assert!(what.len() > 10, "{id} says too little");
        assert!(["yes", "partly", "not yet"].contains(&status.split([':', ',']).next().unwrap_or_default()), "{id} is `{status}`; it is yes, partly or not yet");
        *seen.entry((*id).to_owned()).or_default() += 1;
    }
    let twice: Vec<&String> = seen.iter().filter(|(_, count)| **count > 1).map(|(id, _)| id).collect();
    assert!(twice.is_empty(), "ids that stand twice: {twice:?}");
    for (letter, count) in [("A", 6), ("B", 5), ("C", 3), ("D", 10), ("E", 7), ("F", 6), ("G", 11), ("H", 10)] {
        (1..=count).for_each(|number| assert!(seen.contains_key(&format!("{letter}{number}")), "{letter}{number} is missing"));
    }
}

#[test]
fn every_error_code_is_explained() {
    let mut codes = BTreeSet::new();
    for path in sources(&root().join("engine")) {
        let text = std::fs::read_to_string(&path).expect("a source");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for opening in ["malformed(\"", "QueryError::new(\"", "Conflict { code: \"", "code: \"", "conflict(\"", "refused(\""] {
            let found = text.split(opening).skip(1).filter_map(|rest| rest.split('"').next());
            codes.extend(found.filter(|code| !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c == '_')).map(str::to_owned));
        }
    }
    // Those without a word of their own in the source of their use.
    let text = read("engine/app/src/error.rs");
    let (_, of_kinds) = text.split_once("pub fn code(&self)").expect("errors have codes");
    codes.extend(of_kinds.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    assert!(codes.len() > 30, "the search for codes found only {codes:?}");
    same("problem codes in docs/errors.md", &first_cells(section(&read("docs/errors.md"), "Problems")), &codes);
}

#[test]
fn every_violation_is_explained() {
    let codes = words(model::Code::ALL.iter().map(|code| code.name()));
    same("violations in docs/errors.md", &first_cells(section(&read("docs/errors.md"), "Violations")), &codes);
}

#[test]
fn every_field_type_operator_and_function_is_explained() {
    let text = read("docs/definitions.md");
    same("field types", &first_cells(section(&text, "Field types")), &words(model::FieldType::ALL.iter().map(|kind| kind.name())));
    let mut operators = words(model::Op::ALL.iter().map(|op| op.name()));
    operators.extend(words(["has", "has_not"]));
    same("operators", &first_cells(section(&text, "Operators")), &operators);
    same("functions", &first_cells(section(&text, "Functions")), &words(script::FUNCTIONS.iter().map(|function| function.name)));
    same("host functions", &first_cells(section(&text, "Host functions")), &words(script::HOST_FUNCTIONS.iter().map(|function| function.name)));
    same("functions over rows", &first_cells(section(&text, "Functions over rows")), &words(script::ROW_FUNCTIONS.iter().map(|function| function.name)));
}

/// Every key that the published schemas know stands in the reference, by itself or in an example.
#[test]
fn every_key_of_a_definition_is_explained() {
    let text = read("docs/definitions.md");
    let mut missing = BTreeSet::new();
    for name in ["card", "extension", "mixin", "role", "view", "pack"] {
        let schema: Json = serde_json::from_str(&read(&format!("schemas/{name}.schema.json"))).expect("a schema");
        let mut keys = BTreeSet::new();
        collect(&schema, &mut keys);
        missing.extend(keys.into_iter().filter(|key| !text.contains(&format!("`{key}`")) && !text.contains(&format!("\"{key}\":"))).map(|key| format!("{name}: {key}")));
    }
    assert!(missing.is_empty(), "docs/definitions.md says nothing of {missing:#?}");
}

fn collect(schema: &Json, keys: &mut BTreeSet<String>) {
    match schema {
        Json::Object(map) => {
            if let Some(properties) = map.get("properties").and_then(Json::as_object) {
                keys.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| collect(value, keys));
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        _ => {}
    }
}

/// Every address of the API stands in its document.
#[test]
fn every_route_of_the_api_is_explained() {
    let text = read("docs/api.md");
    let router = read("engine/web/src/lib.rs");
    let (_, api) = router.split_once("let api = ").expect("a router");
    let (api, _) = api.split_once("let pages = ").expect("pages after it");
    let routes: Vec<&str> = api.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(routes.len() > 8, "the search for routes found only {routes:?}");
    let missing: Vec<&&str> = routes.iter().filter(|route| !text.contains(&format!("/api/v1{route}"))).collect();
    assert!(missing.is_empty(), "docs/api.md says nothing of {missing:?}");
}
