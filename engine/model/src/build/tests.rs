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
