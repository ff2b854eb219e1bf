//! Packs with a mistake in them: what is said of each, with its place and what would be right. One snapshot is read as
//! a whole, so that a message that stopped teaching is seen.

use std::fmt::Write;

use model::{Diagnostic, build, load::{Files, read_pack}};

/// A sound pack; each case breaks it in one place.
const SOUND: [(&str, &str); 7] = [
    ("pack.json", r#"{
  "id": "shop",
  "version": "1.2.0",
  "menu": [{"id": "shop", "items": ["article", "sale"]}],
  "actor": {"clerk": {"card": "clerk", "by": "account"}}
}"#),
    ("cards/article.json", r#"{
  "key": "article",
  "title": "{code} {name}",
  "numbering": {"field": "code", "pattern": "A-{####}"},
  "fields": {
    "code": {"type": "text", "unique": true, "read_only": true},
    "name": {"type": "text", "required": true, "max_length": 60},
    "kind": {"type": "choice", "options": [{"value": "tool"}, {"value": "toy", "colour": "blue"}]},
    "group": {"type": "category", "target": "shelf"},
    "price": {"type": "money", "min": 0},
    "tax": {"type": "percent", "default": "19"},
    "gross": {"type": "money", "computed": {"expr": "price * (100 + tax) / 100"}},
    "sold": {"type": "decimal", "rollup": {"from": "sale.lines", "by": "article", "function": "sum", "field": "quantity"}}
  },
  "unique": [["name", "kind"]],
  "indexes": [["group"]],
  "search": ["code", "name"],
  "views": [{"id": "all", "columns": ["code", "name", "group.name"], "sort": "-price,name", "filter": {"field": "kind", "op": "is", "value": "toy"}}],
  "permissions": [{"role": "keeper", "actions": ["*"]}, {"role": "guest", "actions": ["read"], "scope": {"field": "price", "op": "lt", "value": 100}, "fields": {"gross": "none"}}]
}"#),
    ("cards/shelf.json", r#"{
  "key": "shelf",
  "tree": {"parent": "above"},
  "fields": {"name": {"type": "text"}, "above": {"type": "link", "target": "shelf"}}
}"#),
    ("cards/clerk.json", r#"{
  "key": "clerk",
  "fields": {"name": {"type": "text"}, "account": {"type": "user"}}
}"#),
    ("cards/sale.json", r#"{
  "key": "sale",
  "fields": {
    "on": {"type": "date", "default": "@today"},
    "clerk": {"type": "link", "target": "clerk", "default": "@me.clerk"},
    "total": {"type": "money", "rollup": {"from": "lines", "function": "sum", "field": "amount"}}
  },
  "child_tables": {
    "lines": {
      "fields": {
        "article": {"type": "link", "target": "article", "required": true, "where": {"field": "kind", "op": "is", "value": "tool"}},
        "quantity": {"type": "decimal", "scale": 3},
        "price": {"type": "money", "fetch": {"path": "article.price", "mode": "snapshot", "editable": true}},
        "amount": {"type": "money", "computed": {"expr": "quantity * price"}}
      },
      "unique": [["article"]]
    }
  },
  "rules": [{"id": "some", "when": {"related": "lines", "has": {"field": "quantity", "op": "lt", "value": 0}}, "field": "lines.quantity", "message": {"en": "No."}}],
  "tabs": [{"id": "main", "sections": [{"id": "head", "columns": 2, "place": ["on", "clerk"]}, {"id": "rows", "panel": {"kind": "child", "table": "lines", "totals": ["amount"]}}]}],
  "states": {"open": {}, "done": {"final": true}},
  "transitions": [{"id": "finish", "from": ["open"], "to": "done"}]
}"#),
    ("roles/keeper.json", r#"{"key": "keeper"}"#),
    ("roles/guest.json", r#"{"key": "guest", "grants": [{"card": "shelf", "actions": ["read"]}]}"#),
];

/// What is broken: a name, the file, what stands there, what takes its place.
const BROKEN: [(&str, &str, &str, &str); 64] = [
    ("not JSON", "cards/clerk.json", "\"fields\": {", "\"fields\": {,"),
    ("a key twice", "cards/clerk.json", "\"key\": \"clerk\",", "\"key\": \"clerk\", \"key\": \"clerc\","),
    ("unknown key of a card", "cards/article.json", "\"title\":", "\"titel\":"),
    ("unknown key of a field", "cards/article.json", "\"required\": true", "\"mandatory\": true"),
    ("unknown type", "cards/article.json", "{\"type\": \"percent\"", "{\"type\": \"percentage\""),
    ("no type", "cards/article.json", "{\"type\": \"percent\", \"default\"", "{\"default\""),
    ("a type that follows from itself", "cards/shelf.json", "\"above\": {", "\"room\": {\"fetch\": {\"path\": \"above.room\", \"mode\": \"snapshot\"}}, \"above\": {"),
    ("a setting that does not fit the source's type", "cards/sale.json", "{\"type\": \"money\", \"rollup\"", "{\"pattern\": \"x\", \"rollup\""),
    ("a word for a label", "cards/clerk.json", "\"fields\"", "\"labels\": \"Clerk\", \"fields\""),
    ("a key with a capital", "cards/clerk.json", "\"account\":", "\"Account\":"),
    ("a reserved key", "cards/clerk.json", "\"account\": {", "\"version\": {\"type\": \"text\"}, \"account\": {"),
    ("the file is called otherwise", "cards/clerk.json", "\"key\": \"clerk\"", "\"key\": \"clerks\""),
    ("no such target", "cards/sale.json", "\"target\": \"clerk\"", "\"target\": \"clark\""),
    ("a link without target", "cards/sale.json", "\"target\": \"clerk\", ", ""),
    ("a category that points to no tree", "cards/article.json", "\"target\": \"shelf\"", "\"target\": \"clerk\""),
    ("a setting of another type", "cards/article.json", "\"max_length\": 60", "\"max_length\": 60, \"scale\": 2"),
    ("an upside-down range", "cards/article.json", "\"min\": 0", "\"min\": 10, \"max\": 1"),
    ("a bound that is no number", "cards/article.json", "\"min\": 0", "\"min\": \"none\""),
    ("a broken pattern", "cards/article.json", "\"max_length\": 60", "\"pattern\": \"[A-\""),
    ("a choice without options", "cards/article.json", "\"options\": [{\"value\": \"tool\"}, {\"value\": \"toy\", \"colour\": \"blue\"}]", "\"help\": {\"en\": \"x\"}"),
    ("an option twice", "cards/article.json", "{\"value\": \"tool\"}", "{\"value\": \"toy\"}"),
    ("a colour that is none", "cards/article.json", "\"colour\": \"blue\"", "\"colour\": \"bleu\""),
    ("a default of another type", "cards/article.json", "\"default\": \"19\"", "\"default\": \"much\""),
    ("a default of an unknown variable", "cards/sale.json", "@today", "@tomorow"),
    ("two sources", "cards/sale.json", "\"computed\": {\"expr\": \"quantity * price\"}", "\"computed\": {\"expr\": \"1\"}, \"fetch\": {\"path\": \"article.price\", \"mode\": \"live\"}"),
    ("a formula with an unknown name", "cards/article.json", "price * (100", "prise * (100"),
    ("a formula that is not finished", "cards/article.json", "(100 + tax) / 100", "(100 + tax / 100"),
    ("a formula of kinds that do not fit", "cards/article.json", "price * (100 + tax) / 100", "price * name"),
    ("a formula with an unknown function", "cards/article.json", "price * (100 + tax) / 100", "rond(price, 0)"),
    ("formulas in a circle", "cards/article.json", "\"tax\": {\"type\": \"percent\", \"default\": \"19\"}", "\"tax\": {\"type\": \"percent\", \"computed\": {\"expr\": \"gross / price\"}}"),
    ("an unknown path in a fetch", "cards/sale.json", "article.price", "article.prize"),
    ("a fetch that leads to many", "cards/sale.json", "\"clerk\": {\"type\"", "\"first\": {\"type\": \"money\", \"fetch\": {\"path\": \"lines.price\", \"mode\": \"live\"}}, \"clerk\": {\"type\""),
    ("a fetch through a number", "cards/sale.json", "article.price", "quantity.price"),
    ("a rollup from nowhere", "cards/sale.json", "\"from\": \"lines\"", "\"from\": \"line\""),
    ("a rollup of an unknown field", "cards/sale.json", "\"field\": \"amount\"", "\"field\": \"amont\""),
    ("a rollup without a field", "cards/sale.json", ", \"field\": \"amount\"", ""),
    ("a rollup without a way back", "cards/article.json", "\"by\": \"article\", ", ""),
    ("a rollup over several links", "cards/shelf.json", "\"above\": {", "\"sold\": {\"type\": \"decimal\", \"rollup\": {\"from\": \"sale.lines\", \"by\": \"article.group\", \"function\": \"sum\", \"field\": \"quantity\"}}, \"above\": {"),
    ("an unknown function of a rollup", "cards/sale.json", "\"function\": \"sum\"", "\"function\": \"total\""),
    ("a title with an unknown field", "cards/article.json", "{code} {name}", "{code} {nmae}"),
    ("a number for no field", "cards/article.json", "\"field\": \"code\"", "\"field\": \"codes\""),
    ("a number without digits", "cards/article.json", "A-{####}", "A-"),
    ("unique by an unknown field", "cards/article.json", "[\"name\", \"kind\"]", "[\"name\", \"kynd\"]"),
    ("an index over several values", "cards/article.json", "[[\"group\"]]", "[[\"grupp\"]]"),
    ("an unknown field in a child's unique set", "cards/sale.json", "[[\"article\"]]", "[[\"artikel\"]]"),
    ("a tree by a field that is none", "cards/shelf.json", "\"parent\": \"above\"", "\"parent\": \"name\""),
    ("an unknown field in a filter", "cards/article.json", "{\"field\": \"kind\", \"op\": \"is\", \"value\": \"toy\"}", "{\"field\": \"kine\", \"op\": \"is\", \"value\": \"toy\"}"),
    ("an operator that does not fit", "cards/article.json", "\"op\": \"lt\", \"value\": 100", "\"op\": \"contains\", \"value\": 100"),
    ("an operator that is none", "cards/article.json", "\"op\": \"is\", \"value\": \"toy\"", "\"op\": \"equals\", \"value\": \"toy\""),
    ("an option that is none in a filter", "cards/article.json", "\"value\": \"toy\"}}", "\"value\": \"toi\"}}"),
    ("a value of another type in a filter", "cards/article.json", "\"op\": \"lt\", \"value\": 100", "\"op\": \"lt\", \"value\": \"cheap\""),
    ("a variable that is nowhere", "cards/article.json", "\"op\": \"lt\", \"value\": 100", "\"op\": \"lt\", \"value\": \"@record.price\""),
    ("related rows from nowhere", "cards/sale.json", "{\"related\": \"lines\"", "{\"related\": \"lyne\""),
    ("a rule beside an unknown field", "cards/sale.json", "\"field\": \"lines.quantity\"", "\"field\": \"lines.quantities\""),
    ("an unknown column", "cards/article.json", "\"group.name\"", "\"group.nam\""),
    ("an unknown key to sort by", "cards/article.json", "\"-price,name\"", "\"-prize,name\""),
    ("an unknown field on a tab", "cards/sale.json", "[\"on\", \"clerk\"]", "[\"on\", \"klerk\"]"),
    ("a panel of an unknown table", "cards/sale.json", "\"table\": \"lines\"", "\"table\": \"rows\""),
    ("an unknown state", "cards/sale.json", "\"to\": \"done\"", "\"to\": \"don\""),
    ("an unknown role", "cards/article.json", "\"role\": \"keeper\"", "\"role\": \"keper\""),
    ("an unknown action", "cards/article.json", "[\"read\"]", "[\"reed\"]"),
    ("an unknown field in a right", "cards/article.json", "{\"gross\": \"none\"}", "{\"grosss\": \"none\"}"),
    ("an unknown card in a role", "roles/guest.json", "\"shelf\"", "\"shelve\""),
    ("a version that is none", "pack.json", "\"1.2.0\"", "\"new\""),
];

/// Mistakes of whole files.
const FILES: [(&str, &str, &str); 14] = [
    ("no such card to extend", "extensions/articel.json", r#"{"extends": "articel", "fields": {"x": {"type": "text"}}}"#),
    ("a field that is there already", "extensions/article.json", r#"{"extends": "article", "fields": {"name": {"type": "text"}}}"#),
    ("an override of nothing", "extensions/article.json", r#"{"extends": "article", "override": {"nam": {"required": true}}}"#),
    ("a place in no section", "extensions/sale.json", r#"{"extends": "sale", "fields": {"x": {"type": "text"}}, "place": [{"section": "hed", "fields": ["x"]}]}"#),
    ("a tab after none", "extensions/sale.json", r#"{"extends": "sale", "tabs": [{"id": "more", "after": "mian", "sections": []}]}"#),
    ("what is kept cannot be changed", "cards/box.json", r#"{"key": "box", "fields": {"name": {"type": "text"}, "above": {"type": "link", "target": "box"}, "of": {"fetch": {"path": "above.name", "mode": "kept", "editable": true}}}}"#),
    ("what is kept is taken through a link that people set", "cards/box.json", r#"{"key": "box", "fields": {"name": {"type": "text"}, "above": {"type": "link", "target": "box"}, "top": {"fetch": {"path": "above.above", "mode": "kept"}}, "of": {"type": "text", "fetch": {"path": "top.name", "mode": "kept"}}}}"#),
    ("entered from what is no link", "cards/box.json", r#"{"key": "box", "entered_from": "name", "fields": {"name": {"type": "text"}}}"#),
    ("bookings from a day to a moment", "cards/box.json", r#"{"key": "box", "no_overlap": {"by": "name", "from": "first", "to": "last"}, "fields": {"name": {"type": "text"}, "first": {"type": "date"}, "last": {"type": "datetime"}}}"#),
    ("bookings by the clock", "cards/box.json", r#"{"key": "box", "no_overlap": {"by": "name", "from": "first", "to": "first", "when": {"field": "first", "op": "after", "value": "@today"}}, "fields": {"name": {"type": "text"}, "first": {"type": "date"}}}"#),
    ("rights of a field that is not there", "cards/box.json", r#"{"key": "box", "fields": {"name": {"type": "text"}, "short": {"type": "text", "rights_of": "nmae"}}}"#),
    ("a mixin that is not there", "cards/box.json", r#"{"key": "box", "mixins": [{"use": "lables"}], "fields": {"name": {"type": "text"}}}"#),
    ("a folder that nothing reads", "card/box.json", r#"{"key": "box"}"#),
    ("a view of no card", "views/toys.json", r#"{"id": "toys", "card": "articles", "columns": ["name"]}"#),
];

fn findings(files: Files) -> Vec<Diagnostic> {
    let (source, mut found) = read_pack(files);
    let packs = [source];
    let (catalog, more) = build::build(&packs, 1);
    found.extend(more);
    found.extend(catalog.iter().flat_map(|catalog| app::formulas::check(catalog, &packs)));
    found
}

fn sound() -> Files {
    SOUND.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

fn told(name: &str, files: Files, text: &mut String) {
    let found = findings(files.clone());
    assert!(!found.is_empty(), "nothing is said of: {name}");
    let _ = writeln!(text, "## {name}\n");
    for finding in found {
        let source = files.get(&finding.file).and_then(|bytes| std::str::from_utf8(bytes).ok());
        assert!(finding.place.is_some() || source.is_none(), "{name}: no place is told of {finding:?}");
        text.push_str(&finding.render(source));
    }
    text.push('\n');
}

#[test]
fn the_sound_pack_is_sound() {
    let found = findings(sound());
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_mistake_is_told_with_what_would_be_right() {
    let mut text = String::new();
    for (name, file, from, to) in BROKEN {
        let mut files = sound();
        let old = String::from_utf8(files[file].clone()).expect("text");
        assert!(old.contains(from), "{name}: `{from}` does not stand in {file}");
        files.insert(file.into(), old.replacen(from, to, 1).into_bytes());
        told(name, files, &mut text);
    }
    for (name, file, content) in FILES {
        let mut files = sound();
        files.insert(file.into(), content.as_bytes().to_vec());
        told(name, files, &mut text);
    }
    let mut files = sound();
    files.remove("pack.json");
    told("no pack.json", files, &mut text);
    let mut files = sound();
    files.insert("cards/clerk.json".into(), vec![0xff, 0xfe, 0x00]);
    told("not UTF-8", files, &mut text);
    insta::assert_snapshot!(text);
}

#[test]
fn all_mistakes_come_at_once() {
    // Those that do not stand in one another's way: a file that cannot be read hides what is in it.
    let mut files = sound();
    for (_, file, from, to) in BROKEN.iter().filter(|(name, ..)| ["no such target", "an upside-down range", "an unknown column", "a panel of an unknown table", "an unknown card in a role"].contains(name)) {
        let old = String::from_utf8(files[*file].clone()).expect("text");
        files.insert((*file).into(), old.replacen(from, to, 1).into_bytes());
    }
    let mut said: Vec<String> = findings(files).into_iter().map(|finding| format!("{}{}", finding.file, finding.pointer)).collect();
    said.sort();
    assert_eq!(said, ["cards/article.json/fields/price/min", "cards/article.json/views/0/columns/2", "cards/sale.json/fields/clerk/target", "cards/sale.json/tabs/0/sections/1/panel/table", "roles/guest.json/grants/0/card"]);
}
