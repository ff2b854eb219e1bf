use crate::{build::build, diagnostic::Level, load::{Files, read_pack}};

fn files(parts: &[(&str, &str)]) -> Files {
    parts.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

/// Every finding of a pack, as `file pointer: message (help)`.
#[track_caller]
fn findings(parts: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![("pack.json", r#"{"id": "p", "version": "1.0.0"}"#)];
    all.extend(parts);
    let (source, mut found) = read_pack(files(&all));
    found.extend(build(&[source], 1).1);
    let shown = |finding: &crate::Diagnostic| {
        let level = if finding.level == Level::Warning { "warning " } else { "" };
        let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{level}{} {}: {}{help}", finding.file, finding.pointer, finding.message)
    };
    found.iter().map(shown).collect()
}

#[test]
fn a_small_pack_builds() {
    let card = r##"{"$schema": "x", "key": "thing", "title": "{no} {name}", "numbering": {"field": "no", "pattern": "T-{####}"},
        "fields": {"no": {"type": "text", "unique": true, "read_only": true}, "name": {"type": "text", "required": true},
        "total": {"type": "money", "rollup": {"from": "lines", "function": "sum", "field": "amount"}}},
        "child_tables": {"lines": {"fields": {"quantity": {"type": "decimal", "scale": 3}, "price": {"type": "money"},
        "amount": {"type": "money", "computed": {"expr": "quantity * price"}}}}},
        "rules": [{"id": "some", "when": {"related": "lines", "has_not": {"all": []}}, "message": {"en": "At least one line."}}]}"##;
    assert_eq!(findings(&[("cards/thing.json", card)]), Vec::<String>::new());
}

#[test]
fn mistakes_are_all_told_at_once_with_the_nearest_name() {
    let card = r#"{"key": "thing", "titel": "x", "fields": {"a": {"type": "txt"}, "b": {"type": "text", "requird": true}}}"#;
    assert_eq!(findings(&[("cards/thing.json", card)]), [
        "cards/thing.json /titel: `titel` means nothing here (did you mean `title`?)",
        "cards/thing.json /fields/a/type: `txt` is not one of the known words (did you mean `text`?)",
        "cards/thing.json /fields/b/requird: `requird` means nothing here (did you mean `required`?)",
    ]);
}

#[test]
fn names_of_other_things_must_exist() {
    let card = r#"{"key": "thing", "title": "{nam}", "fields": {"name": {"type": "text"}, "parent": {"type": "link", "target": "thng"},
        "size": {"type": "integer", "scale": 2}},
        "tabs": [{"id": "main", "sections": [{"id": "head", "place": ["name", "nmae"]}]}], "search": ["parent.name"]}"#;
    assert_eq!(findings(&[("cards/thing.json", card)]), [
        "cards/thing.json /title: `thing` has no field `nam`; did you mean `name`?",
        "cards/thing.json /fields/parent/target: there is no card `thng` (did you mean `thing`?)",
        "cards/thing.json /fields/size/scale: `scale` means nothing for a field of type integer",
        "cards/thing.json /tabs/0/sections/0/place/1: `thing` has no field `nmae` (did you mean `name`?)",
        "cards/thing.json /search/0: the target `thng` of `parent` does not exist",
    ]);
}

#[test]
fn operators_must_fit_types() {
    let card = r#"{"key": "thing", "fields": {"on": {"type": "boolean"}}, "views": [{"id": "v", "filter": {"field": "on", "op": "contains", "value": "x"}}]}"#;
    assert_eq!(findings(&[("cards/thing.json", card)]), [
        "cards/thing.json /views/0/filter/op: `contains` does not fit `on`, a boolean; fitting are is, is_not, empty, not_empty"
    ]);
}

#[test]
fn extensions_put_sections_into_tabs_of_others() {
    let card = r#"{"key": "thing", "fields": {"name": {"type": "text"}, "size": {"type": "integer"}},
        "tabs": [{"id": "main", "sections": [{"id": "head", "place": ["name"]}]}]}"#;
    let extension = |body: &str| format!(r#"{{"extends": "thing", "sections": [{body}]}}"#);
    let figures = r#""section": {"id": "figures", "panel": {"kind": "figures", "columns": ["size", "siez"]}}"#;
    let good = extension(&format!(r#"{{"tab": "main", "before": "head", {}}}"#, figures.replace(r#", "siez""#, "")));
    let all = [("pack.json", r#"{"id": "p", "version": "1.0.0"}"#), ("cards/thing.json", card), ("extensions/thing.json", good.as_str())];
    let (catalog, _) = build(&[read_pack(files(&all)).0], 1);
    let catalog = catalog.expect("a catalog");
    let crate::TabContent::Sections(sections) = &catalog.card("thing").expect("a card").tabs[0].content else { panic!("sections") };
    assert_eq!(sections.iter().map(|section| section.id.as_str()).collect::<Vec<_>>(), ["figures", "head"]);
    let bad = extension(&format!(r#"{{"tab": "main", "after": "hed", {figures}}}, {{"tab": "man", {figures}}}"#));
    assert_eq!(findings(&[("cards/thing.json", card), ("extensions/thing.json", bad.as_str())]), [
        "warning extensions/thing.json /sections/0/after: the tab `main` has no section `hed` (did you mean `head`?)",
        "extensions/thing.json /sections/0/section/panel/columns/1: `thing` has no field `siez` (did you mean `size`?)",
        "extensions/thing.json /sections/1/tab: there is no tab `man` (did you mean `main`?)",
    ]);
}
