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

/// The types of a card's fields, as `key: type` with scale, options and target where there are any.
#[track_caller]
fn types(parts: &[(&str, &str)], card: &str) -> Vec<String> {
    let mut all = vec![("pack.json", r#"{"id": "p", "version": "1.0.0"}"#)];
    all.extend(parts);
    let (catalog, found) = build(&[read_pack(files(&all)).0], 1);
    let catalog = catalog.unwrap_or_else(|| panic!("{found:?}"));
    let shown = |field: &crate::Field| {
        let more = match &field.kind {
            crate::FieldKind::Decimal(decimal) => format!(" {}", decimal.scale),
            crate::FieldKind::Choice { options, .. } => options.iter().map(|option| format!(" {}", option.value)).collect(),
            crate::FieldKind::Link(link) => format!(" {}", link.target),
            crate::FieldKind::AnyLink { targets, .. } => targets.iter().map(|target| format!(" {target}")).collect(),
            crate::FieldKind::Text(text) => format!(" {}", text.max),
            crate::FieldKind::Rating { max } => format!(" {max}"),
            _ => String::new(),
        };
        format!("{}: {}{more}", field.key, field.type_name.name())
    };
    catalog.card(card).expect("a card").table.own_fields().map(shown).collect()
}

const SHOP: &str = r#"{"key": "shop", "fields": {
    "name": {"type": "text", "max_length": 500}, "open": {"type": "choice", "options": [{"value": "yes"}, {"value": "no"}]}, "owner_of": {"type": "user"},
    "tags": {"type": "choices", "options": [{"value": "a"}]}, "rent": {"type": "money", "scale": 3}, "stars": {"type": "rating", "max": 9}, "seats": {"type": "integer"},
    "place": {"type": "address"}, "spot": {"type": "geo"}, "next": {"type": "link", "target": "shop"},
    "spent": {"rollup": {"from": "visit.shop", "function": "sum", "field": "cost"}},
    "mean": {"rollup": {"from": "visit.shop", "function": "avg", "field": "guests"}},
    "dear": {"rollup": {"from": "visit.shop", "function": "avg", "field": "cost"}},
    "best": {"rollup": {"from": "visit.shop", "function": "max", "field": "stars"}},
    "points": {"rollup": {"from": "visit.shop", "function": "sum", "field": "stars"}},
    "visits": {"rollup": {"from": "visit.shop", "function": "count"}},
    "sorts": {"rollup": {"from": "visit.shop", "function": "count_distinct", "field": "open"}},
    "latest": {"rollup": {"from": "visit.shop", "function": "last", "field": "on"}}}}"#;

#[test]
fn what_comes_from_elsewhere_is_of_its_source_s_type() {
    // In an order in which each waits for one further down; through links that are themselves fetched; of sums of sums.
    let visit = r#"{"key": "visit", "fields": {
        "third": {"fetch": {"path": "beyond.open", "mode": "snapshot"}}, "beyond": {"fetch": {"path": "shop.next", "mode": "live"}},
        "open": {"fetch": {"path": "shop.open", "mode": "snapshot"}}, "name": {"fetch": {"path": "shop.name", "mode": "live"}},
        "tags": {"fetch": {"path": "shop.tags", "mode": "snapshot"}}, "keeper": {"fetch": {"path": "shop.owner_of", "mode": "snapshot"}},
        "rent": {"scale": 1, "fetch": {"path": "shop.rent", "mode": "snapshot"}}, "stars": {"fetch": {"path": "shop.stars", "mode": "live"}},
        "city": {"fetch": {"path": "shop.place.city", "mode": "live"}}, "lat": {"fetch": {"path": "shop.spot.lat", "mode": "snapshot"}},
        "made": {"fetch": {"path": "shop.created_at", "mode": "live"}},
        "cost": {"rollup": {"from": "lines", "function": "sum", "field": "cost"}}, "guests": {"type": "integer"}, "on": {"type": "date"}, "shop": {"type": "link", "target": "shop"}},
        "child_tables": {"lines": {"fields": {"cost": {"type": "money"}}}}}"#;
    let parts = [("cards/visit.json", visit), ("cards/shop.json", SHOP)];
    assert_eq!(types(&parts, "visit"), [
        "third: choice yes no", "beyond: link shop", "open: choice yes no", "name: text 500", "tags: choices a", "keeper: user user", "rent: money 1", "stars: rating 9",
        "city: text 255", "lat: decimal 7", "made: datetime", "cost: money 2", "guests: integer", "on: date", "shop: link shop",
    ]);
    assert_eq!(types(&parts, "shop")[10..], ["spent: money 2", "mean: decimal 2", "dear: money 2", "best: rating 9", "points: integer", "visits: integer", "sorts: integer", "latest: date"]);
}

#[test]
fn a_type_that_follows_from_nothing_is_told_once() {
    let card = r#"{"key": "thing", "fields": {"other": {"type": "link", "target": "thing"}, "plain": {"labels": {"en": "x"}},
        "a": {"fetch": {"path": "other.a", "mode": "snapshot"}}, "b": {"fetch": {"path": "other.a", "mode": "snapshot"}},
        "c": {"fetch": {"path": "other.nme", "mode": "live"}}, "d": {"fetch": {"path": "other.c.name", "mode": "live"}}, "name": {"type": "text"}}}"#;
    assert_eq!(findings(&[("cards/thing.json", card)]), ["cards/thing.json /fields/plain: `type` is missing (only with `fetch` or `rollup` may it be left out)"]);
    let card = card.replace(r#""plain": {"labels": {"en": "x"}},"#, "");
    assert_eq!(findings(&[("cards/thing.json", &card)]), [
        "cards/thing.json /fields/a: `type` is missing, and does not follow from the field's source (its source takes its own type from here, or has none: write `type` at one of them)",
        "cards/thing.json /fields/c/fetch/path: `thing` has no field `nme`; did you mean `name`?",
    ]);
}
