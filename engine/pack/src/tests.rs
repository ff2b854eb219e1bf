use std::collections::BTreeMap;

use model::{Catalog, build, load, places::{Place, PlaceState, Places}};

/// A catalog of one card.
fn catalog(card: &str) -> Catalog {
    let pack = r#"{"id": "p", "version": "1.0.0", "labels": {"en": "P"}}"#;
    let files = BTreeMap::from([("pack.json".to_owned(), pack.as_bytes().to_vec()), ("cards/thing.json".to_owned(), card.as_bytes().to_vec())]);
    let (source, mut findings) = load::read_pack(files);
    let (catalog, found) = build::build(&[source], 1);
    findings.extend(found);
    catalog.unwrap_or_else(|| panic!("{}", findings.iter().map(|finding| finding.render(None)).collect::<String>()))
}

fn card(fields: &str, more: &str) -> String {
    format!(r#"{{"key": "thing", "labels": {{"en": "Thing"}}, "title": "{{name}}", "fields": {{"name": {{"type": "text"}}{fields}}}{more}}}"#)
}

#[track_caller]
fn check(old: &str, new: &str, places: &Places, expected: &[&str]) {
    let found: Vec<String> = super::diff(&catalog(old), &catalog(new), places).iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_goes_is_retired_and_what_comes_is_new() {
    let (old, new) = (card(r#", "a": {"type": "text"}"#, ""), card(r#", "b": {"type": "integer"}"#, ""));
    check(&old, &new, &Places::default(), &["retired: thing.a; its values stay where they are", "new: thing.b, integer"]);
}

#[test]
fn a_rename_is_no_change_of_anything_else() {
    let (old, new) = (card(r#", "a": {"type": "text", "unique": true}"#, ""), card(r#", "b": {"id": "a", "type": "text", "unique": true}"#, ""));
    check(&old, &new, &Places::default(), &["renamed: thing.a is called thing.b"]);
}

#[test]
fn another_type_converts_and_other_settings_do_not() {
    let (old, new) = (card(r#", "a": {"type": "text"}"#, ""), card(r#", "a": {"type": "decimal", "scale": 3}"#, ""));
    check(&old, &new, &Places::default(), &["converted: thing.a, from text to decimal:3"]);
    let (old, new) = (card(r#", "a": {"type": "text"}"#, ""), card(r#", "a": {"type": "email"}"#, ""));
    check(&old, &new, &Places::default(), &["changed: what thing.a takes"]);
}

#[test]
fn a_field_returns_with_its_values_also_as_another_type() {
    let place = Place { n: 1, shape: "text".into(), name: "f_a".into(), state: PlaceState::Live };
    let places = Places(BTreeMap::from([(("c_thing".to_owned(), "a".to_owned()), vec![place])]));
    check(&card("", ""), &card(r#", "a": {"type": "text"}"#, ""), &places, &["returned: thing.a, with the values it had"]);
    let converted = ["returned: thing.a, with the values it had", "converted: thing.a, from text to date"];
    check(&card("", ""), &card(r#", "a": {"type": "date"}"#, ""), &places, &converted);
}

#[test]
fn what_records_may_break_is_named() {
    let old = card(r#", "a": {"type": "text"}"#, "");
    let new = card(r#", "a": {"type": "text", "required": true, "unique": true}"#, r#", "rules": [{"id": "r", "when": {"field": "a", "op": "is", "value": "x"}, "message": {"en": "No x."}}]"#);
    check(&old, &new, &Places::default(), &["required: thing.a", "unique: a of thing", "rule: r of thing"]);
    check(&new, &old, &Places::default(), &[]);
}
