//! Publishing: nothing is lost, nothing is half done, a grown database equals a fresh one.

use std::collections::{BTreeMap, BTreeSet};

use app::{jobs::{self, Pace}, packs};
use serde_json::{Value, json};
use sql::schema;

use crate::{
    both,
    site::{Database, Files, Person, Site},
};

both!(
    a_grown_database_equals_a_fresh_one,
    a_rename_loses_nothing,
    what_is_retired_comes_back,
    types_change_with_a_report,
    a_plan_says_what_breaks,
    what_records_refuse_changes_nothing,
    large_tables_are_converted_while_people_go_on,
    a_conversion_that_is_cancelled_leaves_everything,
);

/// A pack of cards, each given by its definition.
pub fn pack_of(cards: &[Value], more: &[(&str, Value)]) -> Files {
    let manifest = json!({"id": "shop", "version": "1.0.0", "labels": {"en": "Shop"}});
    let mut files = Files::from([("pack.json".to_owned(), manifest.to_string().into_bytes())]);
    for card in cards {
        files.insert(format!("cards/{}.json", card["key"].as_str().expect("a key")), card.to_string().into_bytes());
    }
    files.extend(more.iter().map(|(path, content)| ((*path).to_owned(), content.to_string().into_bytes())));
    files
}

/// The card `thing` with a name and other fields.
pub fn thing(fields: Value, more: Value) -> Value {
    let mut card = json!({"key": "thing", "labels": {"en": "Thing"}, "title": "{name}", "fields": {"name": {"type": "text"}}});
    card["fields"].as_object_mut().expect("fields").extend(fields.as_object().expect("fields").clone());
    card.as_object_mut().expect("a card").extend(more.as_object().expect("keys").clone());
    card
}

pub async fn install(site: &Site, files: Files) -> packs::Installed {
    let installed = packs::install(&site.app, vec![files]).await.expect("installed");
    let errors: Vec<String> = installed.findings.iter().filter(|finding| finding.level == model::Level::Error).map(|finding| finding.render(None)).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    installed
}

async fn site_with(database: Database, card: Value) -> (Site, Person) {
    let site = Site::of(database, vec![pack_of(&[card], &[])]).await;
    let root = site.person("root", &["administrator"]).await;
    (site, root)
}

/// What a database has of what its definitions want: tables by physical name, columns by the id of their field, with
/// their types; and indexes, columns called the same way.
async fn live_schema(site: &Site) -> BTreeMap<String, String> {
    let catalog = site.app.snapshot().catalog.clone();
    let existing = site.app.store.existing().await.expect("a schema");
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (_, field) in model::places::stored(&catalog) {
        match &field.storage {
            model::Storage::Column(name) => drop(names.insert(name.clone(), format!("<{}>", field.id))),
            model::Storage::CardAndColumn { id, card } => {
                names.insert(id.clone(), format!("<{}>", field.id));
                names.insert(card.clone(), format!("<{} card>", field.id));
            }
            model::Storage::Side { table } => drop(names.insert(table.clone(), format!("<{} side>", field.id))),
            model::Storage::Nowhere => {}
        }
    }
    let called = |name: &str| names.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let wanted = schema::desired(&catalog);
    let mut found = BTreeMap::new();
    let mut indexes = BTreeSet::new();
    for table in &wanted.tables {
        let columns = existing.tables.get(&table.name).unwrap_or_else(|| panic!("the table {} is missing", table.name));
        for column in &table.columns {
            let kind = columns.get(&column.name).unwrap_or_else(|| panic!("the column {}.{} is missing", table.name, column.name));
            found.insert(format!("{}.{}", called(&table.name), called(&column.name)), kind.clone());
        }
        for index in &table.indexes {
            assert!(existing.indexes.contains(&index.name), "the index {} is missing", index.name);
            indexes.insert(index.name.clone());
            let columns: Vec<String> = index.columns.iter().map(|column| called(column)).collect();
            found.insert(format!("{} ({}) {:?}", called(&table.name), columns.join(", "), index.condition), format!("unique: {}", index.unique));
        }
    }
    let stale: Vec<&String> = existing.indexes.iter().filter(|name| name.starts_with("uq_c_") && !indexes.contains(*name)).collect();
    assert!(stale.is_empty(), "rules that are gone still refuse records: {stale:?}");
    found
}

/// Versions of one pack, each changing many things of the one before.
fn versions() -> Vec<Files> {
    let maker = json!({"key": "maker", "labels": {"en": "Maker"}, "title": "{name}", "fields": {"name": {"type": "text", "required": true}}});
    let lines = |fields: Value| json!({"child_tables": {"lines": {"fields": fields}}});
    let first = thing(
        json!({"size": {"type": "text"}, "price": {"type": "decimal", "scale": 2}, "tag": {"type": "text", "unique": true}, "maker": {"type": "text"}, "old": {"type": "text"}, "about": {"type": "link_any", "targets": ["maker", "thing"]}}),
        lines(json!({"count": {"type": "text"}})),
    );
    let second = thing(
        json!({"size": {"type": "integer"}, "price": {"type": "decimal", "scale": 4}, "tag": {"type": "choices", "options": [{"value": "a"}, {"value": "b"}]}, "maker": {"type": "link", "target": "maker"}, "about": {"type": "link_any", "targets": ["maker", "thing"]}}),
        lines(json!({"count": {"type": "integer"}, "note": {"type": "text"}})),
    );
    let third = thing(
        json!({"measure": {"id": "size", "type": "decimal", "scale": 1, "unique": true}, "price": {"type": "decimal", "scale": 4}, "tag": {"type": "text"}, "old": {"type": "date"}, "maker": {"type": "links", "target": "maker"}, "about": {"type": "link", "target": "maker"}}),
        lines(json!({"count": {"type": "integer"}})),
    );
    let fourth = thing(
        json!({"measure": {"id": "size", "type": "decimal", "scale": 1, "unique": true}, "price": {"type": "decimal", "scale": 2}, "tag": {"type": "text", "unique": true}, "old": {"type": "date"}, "maker": {"type": "links", "target": "maker"}, "about": {"type": "link", "target": "maker"}}),
        lines(json!({"quantity": {"id": "count", "type": "decimal", "scale": 2}, "note": {"type": "text"}})),
    );
    let extension = json!({"extends": "thing", "fields": {"extra": {"type": "text"}}});
    vec![
        pack_of(&[maker.clone(), first], &[]),
        pack_of(&[maker.clone(), second], &[("extensions/thing.json", extension.clone())]),
        pack_of(&[maker.clone(), third], &[]),
        pack_of(&[maker, fourth], &[("extensions/thing.json", extension)]),
    ]
}

/// The same people do the same things.
async fn answers(root: &Person) -> Value {
    let maker = root.make("maker", json!({"name": "Ann"})).await;
    root.make("thing", json!({"name": "N1", "measure": "1.5", "price": "2.25", "tag": "new", "old": "2026-01-02", "maker": [maker], "about": maker, "extra": "more", "lines": [{"quantity": "3.25", "note": "n"}]})).await;
    root.post("/records/thing", json!({"name": "N2", "measure": "1.5"})).await.refused(422, "invalid");
    root.make("thing", json!({"name": "N3"})).await;
    let asked = json!({"filter": {"field": "name", "op": "starts_with", "value": "N"}, "sort": "-measure,name", "fields": ["name", "measure", "price", "tag", "old", "extra", "about.name"], "totals": [{"field": "price", "function": "sum"}]});
    let mut found = root.post("/records/thing/query", asked).await.ok(200);
    let lines = root.find("thing", &json!({"field": "name", "op": "is", "value": "N1"}), "name", "id").await;
    let record = root.read("thing", lines[0].as_str().expect("an id")).await;
    for row in found["data"].as_array_mut().expect("rows") {
        row.as_object_mut().expect("a row").retain(|key, _| !matches!(key.as_str(), "id" | "maker" | "about"));
    }
    json!({"rows": found["data"], "totals": found["totals"], "line": record["lines"][0]["quantity"], "makers": record["maker"][0]["title"]})
}

async fn a_grown_database_equals_a_fresh_one(database: Database) {
    let fresh = Site::of(database, vec![versions().pop().expect("versions")]).await;
    let fresh_root = fresh.person("root", &["administrator"]).await;
    let expected = (live_schema(&fresh).await, answers(&fresh_root).await);
    for from in 0..versions().len() {
        let grown = Site::of(database, vec![versions()[from].clone()]).await;
        let root = grown.person("root", &["administrator"]).await;
        for number in 0..5 {
            root.make("thing", json!({"name": format!("old {number}")})).await;
        }
        for next in versions().into_iter().skip(from + 1) {
            install(&grown, next).await;
        }
        assert_eq!(live_schema(&grown).await, expected.0, "from version {}", from + 1);
        assert_eq!(answers(&root).await, expected.1, "from version {}", from + 1);
        assert_eq!(grown.number("SELECT count(*) FROM c_thing").await, 7);
    }
}

async fn a_rename_loses_nothing(database: Database) {
    let (site, root) = site_with(database, thing(json!({"size": {"type": "text", "unique": true, "track": "changes"}, "about": {"type": "link_any", "targets": ["thing"]}, "paper": {"type": "file"}}), json!({}))).await;
    let body = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n";
    let file = root.send(reqwest::Method::POST, "/api/v1/files", &[("content-type", "multipart/form-data; boundary=x")], Some(body.as_bytes().to_vec())).await.ok(201)["data"][0]["id"].clone();
    let first = root.make("thing", json!({"name": "A", "size": "L", "paper": file})).await;
    let second = root.make("thing", json!({"name": "B", "size": "M", "about": {"card": "thing", "id": first}})).await;
    root.patch(&format!("/records/thing/{first}"), json!({"size": "XL"})).await.ok(200);
    let before = site.app.store.existing().await.expect("a schema");
    let mut renamed = thing(json!({"dimension": {"id": "size", "type": "text", "unique": true, "track": "changes"}, "about": {"type": "link_any", "targets": ["item"]}, "document": {"id": "paper", "type": "file"}}), json!({"key": "item", "id": "thing"}));
    renamed["labels"] = json!({"en": "Item"});
    let installed = install(&site, pack_of(&[renamed], &[])).await;
    assert!(installed.plan.statements.is_empty(), "a rename is no change of tables: {:?}", installed.plan.statements);
    assert_eq!(site.app.store.existing().await.expect("a schema"), before);
    let found = root.read("item", &first).await;
    assert_eq!((&found["dimension"], &found["document"]["id"]), (&json!("XL"), &file), "{found}");
    let history = root.get(&format!("/records/item/{first}/history")).await.ok(200);
    assert_eq!((&history["data"][0]["fields"], &history["data"][0]["values"][0]), (&json!(["dimension"]), &json!({"field": "dimension", "old": "L", "new": "XL"})), "its history too");
    assert_eq!(root.read("item", &second).await["about"]["id"], json!(first));
    let kept = root.send(reqwest::Method::GET, &format!("/api/v1/files/{}", file.as_str().expect("an id")), &[], None).await;
    assert_eq!((kept.status.as_u16(), kept.text.as_str()), (200, "hello"), "its file is still its reader's");
    root.post("/records/item", json!({"name": "C", "dimension": "XL"})).await.refused(422, "invalid");
}

async fn what_is_retired_comes_back(database: Database) {
    let with = || thing(json!({"size": {"type": "text"}}), json!({}));
    let (site, root) = site_with(database, with()).await;
    let extension = json!({"extends": "thing", "fields": {"extra": {"type": "text"}}});
    install(&site, pack_of(&[with()], &[("extensions/thing.json", extension.clone())])).await;
    let id = root.make("thing", json!({"name": "A", "size": "12", "extra": "kept"})).await;
    install(&site, pack_of(&[thing(json!({}), json!({}))], &[])).await;
    let found = root.read("thing", &id).await;
    assert!(found.get("size").is_none() && found.get("extra").is_none(), "{found}");
    root.patch(&format!("/records/thing/{id}"), json!({"name": "B"})).await.ok(200);
    install(&site, pack_of(&[with()], &[("extensions/thing.json", extension)])).await;
    let found = root.read("thing", &id).await;
    assert_eq!((&found["name"], &found["size"], &found["extra"]), (&json!("B"), &json!("12"), &json!("kept")));
    // It comes back as another type too, with what was in it.
    install(&site, pack_of(&[thing(json!({}), json!({}))], &[])).await;
    install(&site, pack_of(&[thing(json!({"size": {"type": "integer"}}), json!({}))], &[])).await;
    assert_eq!(root.read("thing", &id).await["size"], 12);
}

/// A field, values of it, the field it becomes, the values then, how many would not convert.
type Conversion = (Value, Vec<Value>, Value, Vec<Value>, u64);

/// From a type and its values to another type: what the values become, and how many do not.
#[rustfmt::skip]
fn conversions() -> Vec<Conversion> {
    let choice = || json!({"type": "choice", "options": [{"value": "red", "labels": {"en": "Red"}}, {"value": "blue", "labels": {"en": "Blue"}}]});
    let text = || json!({"type": "text"});
    vec![
        (text(), vec![json!("12"), json!("x"), json!(null)], json!({"type": "integer"}), vec![json!(12), json!(null), json!(null)], 1),
        (text(), vec![json!("12.5"), json!("1.255")], json!({"type": "money"}), vec![json!("12.50"), json!(null)], 1),
        (text(), vec![json!("2026-11-24"), json!("24.11.2026")], json!({"type": "date"}), vec![json!("2026-11-24"), json!(null)], 1),
        (text(), vec![json!("09:30"), json!("noon")], json!({"type": "time"}), vec![json!("09:30"), json!(null)], 1),
        (text(), vec![json!("2026-11-24T09:30:00Z")], json!({"type": "datetime"}), vec![json!("2026-11-24T09:30:00Z")], 0),
        (text(), vec![json!("yes"), json!("maybe")], json!({"type": "boolean"}), vec![json!(true), json!(null)], 1),
        (text(), vec![json!("red"), json!("Blue"), json!("green")], choice(), vec![json!("red"), json!("blue"), json!(null)], 1),
        (text(), vec![json!("red")], json!({"type": "choices", "options": [{"value": "red"}]}), vec![json!(["red"])], 0),
        (text(), vec![json!("a@b.example"), json!("no address")], json!({"type": "email"}), vec![json!("a@b.example"), json!("no address")], 0),
        (text(), vec![json!("words")], json!({"type": "rich_text"}), vec![json!({"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "words"}]}]})], 0),
        (text(), vec![json!("{\"a\":1}"), json!("b")], json!({"type": "json"}), vec![json!({"a": 1}), json!("b")], 0),
        (json!({"type": "integer"}), vec![json!(7)], text(), vec![json!("7")], 0),
        (json!({"type": "integer"}), vec![json!(7)], json!({"type": "decimal", "scale": 3}), vec![json!("7.000")], 0),
        (json!({"type": "integer"}), vec![json!(1), json!(7)], json!({"type": "boolean"}), vec![json!(true), json!(null)], 1),
        (json!({"type": "integer"}), vec![json!(4)], json!({"type": "rating"}), vec![json!(4)], 0),
        (json!({"type": "decimal", "scale": 2}), vec![json!("7.00"), json!("7.50")], json!({"type": "integer"}), vec![json!(7), json!(null)], 1),
        (json!({"type": "decimal", "scale": 4}), vec![json!("7.2500"), json!("7.2501")], json!({"type": "decimal", "scale": 2}), vec![json!("7.25"), json!(null)], 1),
        (json!({"type": "money"}), vec![json!("7.20")], text(), vec![json!("7.20")], 0),
        (json!({"type": "boolean"}), vec![json!(true), json!(false)], text(), vec![json!("true"), json!("false")], 0),
        (json!({"type": "boolean"}), vec![json!(true)], json!({"type": "integer"}), vec![json!(1)], 0),
        (json!({"type": "date"}), vec![json!("2026-11-24")], text(), vec![json!("2026-11-24")], 0),
        (json!({"type": "date"}), vec![json!("2026-11-24")], json!({"type": "datetime"}), vec![json!("2026-11-24T00:00:00Z")], 0),
        (json!({"type": "datetime"}), vec![json!("2026-11-24T09:30:00Z")], json!({"type": "date"}), vec![json!("2026-11-24")], 0),
        (choice(), vec![json!("red")], text(), vec![json!("red")], 0),
        (choice(), vec![json!("red"), json!("blue")], json!({"type": "choices", "options": [{"value": "red"}]}), vec![json!(["red"]), json!([])], 1),
        (json!({"type": "choices", "options": [{"value": "red"}, {"value": "blue"}]}), vec![json!(["red"]), json!(["red", "blue"])], choice(), vec![json!("red"), json!(null)], 1),
        (json!({"type": "choices", "options": [{"value": "red"}, {"value": "blue"}]}), vec![json!(["red", "blue"])], text(), vec![json!("red, blue")], 0),
        (json!({"type": "rich_text"}), vec![json!("one\ntwo")], json!({"type": "long_text"}), vec![json!("one\ntwo")], 0),
        (json!({"type": "address"}), vec![json!({"city": "Tainan"})], text(), vec![json!("Tainan")], 0),
    ]
}

async fn types_change_with_a_report(database: Database) {
    let cases = conversions();
    let fields = |which: fn(&Conversion) -> &Value| -> Value {
        cases.iter().enumerate().map(|(index, case)| (format!("f{index}"), which(case).clone())).collect::<serde_json::Map<_, _>>().into()
    };
    let (site, root) = site_with(database, thing(fields(|case| &case.0), json!({}))).await;
    let most = cases.iter().map(|case| case.1.len()).max().unwrap_or(0);
    let mut ids = Vec::new();
    for row in 0..most {
        let record: serde_json::Map<String, Value> = cases.iter().enumerate().filter_map(|(index, case)| Some((format!("f{index}"), case.1.get(row)?.clone()))).collect();
        ids.push(root.make("thing", record.into()).await);
    }
    let next = pack_of(&[thing(fields(|case| &case.2), json!({}))], &[]);
    let (_, planned) = packs::plan(&site.app, vec![next.clone()]).await.expect("a plan");
    assert_eq!(root.read("thing", &ids[0]).await["f0"], "12", "a plan changes nothing");
    let installed = install(&site, next).await;
    for (index, case) in cases.iter().enumerate() {
        for (row, expected) in case.3.iter().enumerate() {
            assert_eq!(&root.read("thing", &ids[row]).await[format!("f{index}")], expected, "{} to {}: {}", case.0, case.2, case.1[row]);
        }
        let lost = installed.lost.iter().find(|lost| lost.field == format!("thing.f{index}")).map_or(0, |lost| lost.count);
        assert_eq!(lost, case.4, "{} to {}", case.0, case.2);
        let step = planned.steps.iter().map(ToString::to_string).find(|step| step.contains(&format!("thing.f{index},")));
        let told = step.as_ref().is_some_and(|step| step.starts_with("BREAKS") && step.contains("not convert"));
        assert_eq!(told, lost > 0, "the plan says so: {step:?}");
    }
    let lost = installed.lost.iter().find(|lost| lost.field == "thing.f0").expect("a report");
    assert_eq!(lost.examples, ["x"]);
    assert_eq!(site.number("SELECT count(*) FROM c_thing WHERE f_f0 = 'x'").await, 1, "what did not convert is where it was");
    // A second time back: from its new place to a third.
    install(&site, pack_of(&[thing(json!({"f0": {"type": "text"}}), json!({}))], &[])).await;
    assert_eq!(root.read("thing", &ids[0]).await["f0"], "12");
}

fn steps(plan: &packs::Plan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

async fn a_plan_says_what_breaks(database: Database) {
    let (site, root) = site_with(database, thing(json!({"size": {"type": "text"}, "tag": {"type": "text"}}), json!({}))).await;
    for (size, tag) in [("long words", "a"), ("s", "a"), ("", "b"), ("", "")] {
        root.make("thing", json!({"name": "N", "size": size, "tag": tag})).await;
    }
    let rules = json!({"rules": [{"id": "no_b", "when": {"field": "tag", "op": "is", "value": "b"}, "message": {"en": "Not b."}}]});
    let next = pack_of(&[thing(json!({"size": {"type": "text", "required": true, "max_length": 3}, "tag": {"type": "text", "unique": true}, "added": {"type": "text", "required": true}}), rules.clone())], &[]);
    let (findings, plan) = packs::plan(&site.app, vec![next.clone()]).await.expect("a plan");
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(
        steps(&plan),
        [
            "BREAKS changed: what thing.size takes: 1 value does not fit: “long words”",
            "BREAKS required: thing.size: 2 records have nothing in it",
            "new: thing.added, text",
            "BREAKS required: thing.added: 4 records have nothing in it",
            "REFUSED unique: tag of thing: “a” 2 times",
            "BREAKS rule: no_b of thing: 1 record breaks it",
        ]
    );
    let version = site.app.snapshot().catalog.version;
    let refused = packs::install(&site.app, vec![next]).await.expect_err("refused");
    assert_eq!((refused.code(), refused.to_string().contains("“a” 2 times")), ("publish_refused", true), "{refused}");
    assert_eq!(site.app.snapshot().catalog.version, version);
    // What only breaks is published; records are asked to mend it when they are changed.
    install(&site, pack_of(&[thing(json!({"size": {"type": "text", "required": true}, "tag": {"type": "text"}}), rules)], &[])).await;
    root.post("/records/thing", json!({"name": "N", "size": "x", "tag": "b"})).await.refused(422, "invalid");
}

async fn what_records_refuse_changes_nothing(database: Database) {
    let (site, root) = site_with(database, thing(json!({"size": {"type": "text"}}), json!({}))).await;
    for size in ["1", "1.0", "2"] {
        root.make("thing", json!({"name": size, "size": size})).await;
    }
    let before = (site.app.store.existing().await.expect("a schema"), site.number("SELECT version FROM sys_catalog").await, site.number("SELECT count(*) FROM sys_place").await);
    // Only once they are numbers are two of them the same.
    let next = pack_of(&[thing(json!({"size": {"type": "decimal", "scale": 2, "unique": true}, "other": {"type": "text"}}), json!({}))], &[]);
    let refused = packs::install(&site.app, vec![next]).await.expect_err("refused");
    assert!(refused.code() == "publish_refused" && refused.to_string().contains("“1.00” 2 times"), "{refused}");
    let after = (site.app.store.existing().await.expect("a schema"), site.number("SELECT version FROM sys_catalog").await, site.number("SELECT count(*) FROM sys_place").await);
    assert_eq!(after, before, "a publish that is refused leaves nothing behind");
    assert_eq!(root.find("thing", &json!({"field": "size", "op": "is", "value": "1.0"}), "name", "size").await, [json!("1.0")]);
}

/// More rows than are converted inside a publish.
async fn fill(site: &Site, database: Database) {
    let insert = "INSERT INTO c_thing (id, version, created_at, updated_at, f_name, f_size)";
    let rows = match database {
        Database::Sqlite => "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20100) SELECT randomblob(16), 1, 0, 0, 'N' || i, CASE WHEN i % 1000 = 0 THEN 'x' ELSE i END FROM n",
        Database::Postgres => "SELECT gen_random_uuid(), 1, now(), now(), 'N' || i, CASE WHEN i % 1000 = 0 THEN 'x' ELSE i::text END FROM generate_series(1, 20100) i",
    };
    site.app.store.apply(vec![format!("{insert} {rows}")]).await.expect("filled");
}

async fn large(database: Database) -> (Site, Person, uuid::Uuid) {
    let (site, root) = site_with(database, thing(json!({"size": {"type": "text"}}), json!({}))).await;
    fill(&site, database).await;
    let next = pack_of(&[thing(json!({"size": {"type": "integer"}, "added": {"type": "text"}}), json!({}))], &[]);
    let installed = install(&site, next).await;
    let job = installed.job.expect("a job");
    (site, root, job)
}

async fn large_tables_are_converted_while_people_go_on(database: Database) {
    let (site, root, job) = large(database).await;
    let id = root.find("thing", &json!({"field": "name", "op": "is", "value": "N7"}), "name", "id").await[0].as_str().expect("an id").to_owned();
    assert_eq!(root.read("thing", &id).await["size"], "7", "the old definition holds until all is converted");
    let field = |card: &Value| card["fields"].as_array().expect("fields").iter().find(|field| field["key"] == "size").expect("the field").clone();
    let card = root.get("/cards/thing").await.ok(200);
    assert_eq!((field(&card)["type"].clone(), field(&card)["becoming"].clone()), (json!("text"), json!("integer")));
    let refused = packs::install(&site.app, vec![pack_of(&[thing(json!({}), json!({}))], &[])]).await.expect_err("refused");
    assert_eq!(refused.code(), "publishing");
    // Changed, made and emptied before their turn comes, and between two parts.
    root.patch(&format!("/records/thing/{id}"), json!({"size": "70"})).await.ok(200);
    let made = root.make("thing", json!({"name": "made", "size": "88"})).await;
    let odd = root.make("thing", json!({"name": "odd", "size": "eight"})).await;
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("ran");
    assert_eq!((root.read("thing", &id).await["size"].clone(), root.read("thing", &made).await["size"].clone(), root.read("thing", &odd).await["size"].clone()), (json!(70), json!(88), Value::Null));
    assert!(field(&root.get("/cards/thing").await.ok(200)).get("becoming").is_none());
    let ended = root.get(&format!("/jobs/{job}")).await.ok(200);
    assert_eq!((&ended["state"], ended["result"]["lost"][0]["count"].clone(), ended["result"]["converted"].clone()), (&json!("done"), json!(21), json!(20_102)), "{ended}");
    let right = root.post("/records/thing/query", json!({"filter": {"field": "size", "op": "not_empty"}, "fields": ["name"], "count": "exact", "limit": 1})).await.ok(200);
    assert_eq!(right["count"]["value"].as_i64().or(right["count"].as_i64()), Some(20_102 - 21), "{right}");
    root.patch(&format!("/records/thing/{id}"), json!({"size": 71, "added": "x"})).await.ok(200);
}

async fn a_conversion_that_is_cancelled_leaves_everything(database: Database) {
    let (site, root, job) = large(database).await;
    root.post(&format!("/jobs/{job}/cancel"), json!({})).await.ok(200);
    assert_eq!(root.get(&format!("/jobs/{job}")).await.ok(200)["state"], "cancelled");
    let id = root.make("thing", json!({"name": "A", "size": "text"})).await;
    // The next publish finds the job dead and gives its publish up.
    install(&site, pack_of(&[thing(json!({"size": {"type": "text"}, "other": {"type": "text"}}), json!({}))], &[])).await;
    assert_eq!(root.read("thing", &id).await["size"], "text");
    let card = root.get("/cards/thing").await.ok(200);
    assert!(card["fields"].as_array().expect("fields").iter().all(|field| field.get("becoming").is_none()));
    let again = install(&site, pack_of(&[thing(json!({"size": {"type": "integer"}}), json!({}))], &[])).await;
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("ran");
    assert_eq!(root.get(&format!("/jobs/{}", again.job.expect("a job"))).await.ok(200)["state"], "done");
    assert_eq!(root.find("thing", &json!({"field": "size", "op": "is", "value": 7}), "name", "name").await, [json!("N7")]);
}
