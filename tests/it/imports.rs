//! Files whose rows become records: read, mapped, checked, run, resumed, taken back.

use std::sync::Once;

use app::jobs::{self, Pace};
use exchange::{Cell, book::{Book, Column, Shape}};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    records::everything,
    site::{Answer, Database, Person, Site},
};

both!(a_file_becomes_records, every_type_comes_back_through_a_file, mistakes_stand_in_their_cells, nothing_or_all, bad_rows_are_left_out_and_handed_back, records_are_changed_by_key, links_are_found_by_what_people_call_them, rows_of_children, the_same_key_twice, an_import_that_was_killed_goes_on, an_import_is_taken_back, rights_hold, hostile_files, what_is_missing_is_made);

const LAB: &str = "tests/packs/lab";

/// The tests' own program to open files with.
pub fn reader() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| exchange::reader::use_program(env!("CARGO_BIN_EXE_read-table").into()));
}

pub async fn lab(database: Database) -> Site {
    reader();
    Site::with(database, LAB).await
}

const SEAM: &str = "a-seam-between-parts";

/// Sends a file with settings.
pub async fn send(person: &Person, path: &str, content: &[u8], settings: &Value) -> Answer {
    let mut body = format!("--{SEAM}\r\nContent-Disposition: form-data; name=\"settings\"\r\n\r\n{settings}\r\n--{SEAM}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"table\"\r\n\r\n").into_bytes();
    body.extend(content);
    body.extend(format!("\r\n--{SEAM}--\r\n").as_bytes());
    person.send(Method::POST, &format!("/api/v1{path}"), &[("content-type", &format!("multipart/form-data; boundary={SEAM}"))], Some(body)).await
}

/// Runs what waits, and gives the import.
pub async fn run(site: &Site, person: &Person, started: Answer) -> Value {
    let started = started.ok(202);
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("a run");
    person.get(&format!("/imports/{}", started["id"].as_str().expect("an id"))).await.ok(200)
}

/// Imports a text.
pub async fn import(site: &Site, person: &Person, card: &str, text: &str, settings: Value) -> Value {
    let started = send(person, &format!("/records/{card}/import"), text.as_bytes(), &settings).await;
    run(site, person, started).await
}

#[track_caller]
pub fn counts(import: &Value) -> (i64, i64, i64, i64) {
    let count = |key: &str| import[key].as_i64().unwrap_or_else(|| panic!("{import}"));
    (count("created"), count("updated"), count("unchanged"), count("failed"))
}

/// A workbook of texts and numbers.
fn workbook(rows: &[Vec<Cell>]) -> Vec<u8> {
    let shape = |place: usize| match rows.get(1).and_then(|row| row.get(place)) {
        Some(Cell::Percent(_)) => Shape::Percent { scale: 0 },
        Some(Cell::Moment(_)) => Shape::Day,
        _ => Shape::Text,
    };
    let columns = rows[0].iter().enumerate().map(|(place, cell)| Column { label: cell.text(), shape: shape(place), width: 10.0, total: None }).collect();
    let mut book = Book::new("Sheet", columns).expect("a book");
    rows[1..].iter().for_each(|row| book.row(row).expect("a row"));
    let mut out = std::io::Cursor::new(Vec::new());
    book.finish(&mut out).expect("a workbook");
    out.into_inner()
}

async fn a_file_becomes_records(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    kim.make("room", json!({"name": "Cellar"})).await;
    let text = "Name;Pieces;Weight;Price;Bought;Leased;Grade;Tags;Room\r\nLens;3;1,25;19,90;24.11.2026;yes;First;Hot, New;Cellar\r\nMirror;4;;;;;;;\r\n";
    let done = import(&site, &kim, "device", text, json!({})).await;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(counts(&done), (2, 0, 0, 0));
    let found = kim.post("/records/device/query", json!({"sort": "name", "fields": ["no", "name", "amount", "weight", "price", "bought", "leased", "grade", "tags", "room", "owner"]})).await.ok(200);
    let lens = &found["data"][0];
    assert_eq!((&lens["name"], &lens["amount"], &lens["weight"], &lens["price"]), (&json!("Lens"), &json!(3), &json!("1.250"), &json!("19.90")));
    assert_eq!((&lens["bought"], &lens["leased"], &lens["grade"], &lens["tags"]), (&json!("2026-11-24"), &json!(true), &json!("a"), &json!(["new", "hot"])));
    assert_eq!((&lens["room"]["title"], &lens["no"], &lens["owner"]["id"]), (&json!("Cellar"), &json!("D-0001"), &json!(kim.id)));
    // Defaults hold where the file says nothing.
    assert_eq!(found["data"][1]["grade"], "b");
    // The same as a workbook, with dates and numbers as Excel has them.
    let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 24).expect("a day").and_time(chrono::NaiveTime::MIN);
    let text = |text: &str| Cell::Text(text.into());
    let rows = [vec![text("名称"), text("bought"), text("price"), text("Share")], vec![text("Prism"), Cell::Moment(day), Cell::Number(7.05), Cell::Percent(0.15)], vec![text("Scale"), Cell::Number(46_350.0), Cell::Number(1.0), text("15 %")]];
    let settings = json!({"columns": [{"column": "名称", "field": "name"}, {"column": 2, "field": "bought"}, {"column": "price", "field": "price"}, {"column": 4, "field": "share"}]});
    let started = send(&kim, "/records/device/import", &workbook(&rows), &settings).await;
    assert_eq!(counts(&run(&site, &kim, started).await), (2, 0, 0, 0));
    let found = kim.post("/records/device/query", json!({"filter": {"field": "name", "op": "any_of", "value": ["Prism", "Scale"]}, "sort": "name", "fields": ["bought", "price", "share"]})).await.ok(200);
    for row in found["data"].as_array().expect("rows") {
        assert_eq!((&row["bought"], &row["share"]), (&json!("2026-11-24"), &json!("15.00")), "{row}");
    }
    assert_eq!(found["data"][0]["price"], "7.05");
}

async fn every_type_comes_back_through_a_file(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let room = kim.make("room", json!({"name": "Cellar"})).await;
    let other = kim.make("device", json!({"name": "Other"})).await;
    let mut record = everything(&room, &other, &kim.id);
    record["parts"] = json!([{"label": "A", "quantity": "2", "price": "1.50", "kinds": ["x", "y"], "of": other, "due": "2027-01-01"}, {"label": "B, \"b\"", "quantity": "1"}]);
    record["manual"] = json!("First\nSecond");
    let id = kim.make("device", record).await;
    let before = kim.read("device", &id).await;
    for format in ["xlsx", "csv"] {
        let file = kim.bytes(&format!("/records/device/export?format={format}")).await;
        let settings = json!({"mode": "both", "key": "id"});
        let started = send(&kim, "/records/device/import", &file, &settings).await;
        let done = run(&site, &kim, started).await;
        assert_eq!((done["state"].as_str(), counts(&done)), (Some("done"), (0, 0, 2, 0)), "{format}: {done} {}", kim.get(&format!("/imports/{}/errors", done["id"].as_str().unwrap_or_default())).await.text.len());
        assert_eq!(kim.read("device", &id).await, before, "{format}");
    }
    // Into an empty record, everything is set anew.
    let file = String::from_utf8(kim.bytes("/records/device/export?format=csv&bom=false").await).expect("text");
    let fresh = uuid::Uuid::now_v7().to_string();
    let done = import(&site, &kim, "device", &file.replace(&id, &fresh), json!({"mode": "both", "key": "id"})).await;
    assert_eq!(counts(&done), (1, 0, 1, 0), "{done}");
    let copy = kim.read("device", &fresh).await;
    for key in ["name", "notes", "email", "phone", "web", "manual", "amount", "weight", "price", "share", "stars", "leased", "bought", "opens", "checked", "lasts", "grade", "tags", "room", "kin", "about", "keeper", "address", "place", "extra", "tint", "cost"] {
        assert_eq!(copy[key], before[key], "{key}");
    }
    let parts = |record: &Value| record["parts"].as_array().expect("parts").iter().map(|part| json!([part["label"], part["quantity"], part["price"], part["kinds"], part["of"], part["due"]])).collect::<Vec<_>>();
    assert_eq!(parts(&copy), parts(&before));
}

async fn mistakes_stand_in_their_cells(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let text = "name,amount,price,bought,grade,room,email,opens,leased\nLens,many,a lot,soon,z,Nowhere,nobody,25:00,perhaps\n,1,1,2026-01-01,a,,,,\nFine,1,1,2026-01-01,a,,,,\n";
    let preview = send(&kim, "/records/device/import?preview=true", text.as_bytes(), &json!({})).await.ok(200);
    let rows = preview["rows"].as_array().expect("rows");
    let columns = |row: &Value| row["errors"].as_array().expect("errors").iter().map(|error| error["column"].as_u64().unwrap_or(0)).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(rows[0]["result"], "error");
    // Everything the file itself gets wrong is said at once: the room is none, and “perhaps” is neither yes nor no.
    assert_eq!(columns(&rows[0]), [6, 9].into(), "{}", rows[0]);
    let rest = "name,amount,price,bought,grade,email,opens\nLens,many,a lot,soon,z,nobody,25:00\n";
    let again = send(&kim, "/records/device/import?preview=true", rest.as_bytes(), &json!({})).await.ok(200);
    assert_eq!(columns(&again["rows"][0]), [2, 3, 4, 5, 6, 7].into(), "{}", again["rows"][0]);
    assert_eq!((columns(&rows[1]), rows[1]["row"].as_u64()), ([1].into(), Some(3)));
    assert_eq!((&rows[2]["result"], rows[2]["errors"].as_array().map(Vec::len)), (&json!("create"), Some(0)));
    // Nothing was kept of looking.
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 0);
    kim.get(&format!("/imports/{}", preview["import"]["id"].as_str().expect("an id"))).await.ok(200);
}

async fn nothing_or_all(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let mut text = String::from("name,amount\n");
    (0..1200).for_each(|number| text.push_str(&format!("Lens {number},{}\n", if number == 1100 { -1 } else { number })));
    let done = import(&site, &kim, "device", &text, json!({})).await;
    assert_eq!((done["state"].as_str(), counts(&done)), (Some("failed"), (0, 0, 0, 1)), "{done}");
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 0);
    // No number was used up.
    let done = import(&site, &kim, "device", "name\nFirst\n", json!({})).await;
    assert_eq!(counts(&done), (1, 0, 0, 0));
    assert_eq!(kim.find("device", &json!({"field": "name", "op": "is", "value": "First"}), "name", "no").await, [json!("D-0001")]);
}

async fn bad_rows_are_left_out_and_handed_back(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let text = "name,amount,anything\nGood,1,x\nBad,-1,y\nWorse,many,z\n";
    let settings = json!({"skip": true, "columns": [{"column": "name", "field": "name"}, {"column": "amount", "field": "amount"}]});
    let done = import(&site, &kim, "device", text, settings.clone()).await;
    assert_eq!((done["state"].as_str(), counts(&done)), (Some("done"), (1, 0, 0, 2)), "{done}");
    let file = kim.bytes(&format!("/imports/{}/errors", done["id"].as_str().expect("an id"))).await;
    let lines = read(&file);
    assert_eq!(lines[0][..3], ["name", "amount", "anything"]);
    assert_eq!((lines[1][..3].join(","), lines[2][..3].join(",")), ("Bad,-1,y".into(), "Worse,many,z".into()));
    assert!(lines[1][3].starts_with("amount: "), "{lines:?}");
    // Sent again as it is, it is refused again; what was right is not made twice.
    let started = send(&kim, "/records/device/import", &file, &settings).await;
    assert_eq!(counts(&run(&site, &kim, started).await), (0, 0, 0, 2));
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 1);
}

/// The texts of a workbook.
pub fn read(file: &[u8]) -> Vec<Vec<String>> {
    reader();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, file).expect("a file");
    let mut reader = exchange::Reader::open(exchange::Job { path, ..exchange::Job::default() }).expect("a table");
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line().expect("a line") {
        lines.push(line.cells.iter().map(Cell::text).collect());
    }
    lines
}

async fn records_are_changed_by_key(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    import(&site, &kim, "device", "name,amount,notes\nLens,1,keep\nMirror,2,keep\n", json!({})).await;
    let settings = |mode: &str| json!({"mode": mode, "key": "no", "columns": [{"column": "no", "field": "no"}, {"column": "amount", "field": "amount"}, {"column": "notes", "field": "notes"}]});
    let text = "no,amount,notes\nD-0001,10,\nD-0002,2,\n";
    let done = import(&site, &kim, "device", text, settings("update")).await;
    assert_eq!(counts(&done), (0, 1, 1, 0), "{done}");
    let lens = kim.post("/records/device/query", json!({"filter": {"field": "no", "op": "is", "value": "D-0001"}, "fields": ["amount", "notes", "name", "version"]})).await.ok(200);
    // An empty cell says nothing, unless it is to.
    assert_eq!((&lens["data"][0]["amount"], &lens["data"][0]["notes"], &lens["data"][0]["version"]), (&json!(10), &json!("keep"), &json!(2)));
    let mut clearing = settings("update");
    clearing["clear"] = json!(true);
    import(&site, &kim, "device", "no,amount,notes\nD-0001,10,\n", clearing).await;
    assert_eq!(kim.find("device", &json!({"field": "no", "op": "is", "value": "D-0001"}), "no", "notes").await, [Value::Null]);
    // A number that is not there is no record, and none is made with it: numbers are given.
    for mode in ["update", "both"] {
        let done = import(&site, &kim, "device", "no,amount,notes\nD-0009,1,x\n", settings(mode)).await;
        assert_eq!((done["state"].as_str(), counts(&done)), (Some("failed"), (0, 0, 0, 1)), "{done}");
    }
    for (wrong, code) in [(json!({"mode": "update"}), "bad_mapping"), (json!({"mode": "update", "key": "name"}), "bad_mapping"), (json!({"mood": "update"}), "bad_mapping"), (json!({"columns": [{"column": "nothing", "field": "name"}]}), "bad_mapping"), (json!({"columns": [{"column": "name", "field": "pin"}]}), "bad_mapping"), (json!({"columns": [{"column": "name", "field": "worth"}]}), "bad_mapping")] {
        send(&kim, "/records/device/import", b"name\nx\n", &wrong).await.refused(400, code);
    }
}

async fn links_are_found_by_what_people_call_them(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let cellar = kim.make("room", json!({"name": "Cellar"})).await;
    for login in ["twin1", "twin2"] {
        app::accounts::create_user(&site.app, login, "Twin", None, &[], None, chrono::Utc::now()).await.expect("a user");
    }
    let lens = kim.make("device", json!({"name": "Lens"})).await;
    let text = format!("name,room,kin,about\nA,Cellar,D-0001 Lens,room: Cellar\nB,{cellar},D-0001,{lens}\n");
    let done = import(&site, &kim, "device", &text, json!({})).await;
    assert_eq!(counts(&done), (2, 0, 0, 0), "{done}");
    let found = kim.post("/records/device/query", json!({"filter": {"field": "name", "op": "any_of", "value": ["A", "B"]}, "sort": "name", "fields": ["room", "kin", "about"]})).await.ok(200);
    assert_eq!((&found["data"][0]["room"]["id"], &found["data"][0]["kin"][0]["id"], &found["data"][0]["about"]["id"]), (&json!(cellar), &json!(lens), &json!(cellar)));
    assert_eq!((&found["data"][1]["room"]["id"], &found["data"][1]["kin"][0]["id"], &found["data"][1]["about"]["id"]), (&json!(cellar), &json!(lens), &json!(lens)));
    let preview = send(&kim, "/records/device/import?preview=true", b"name,keeper\nA,Twin\nB,Nobody\n", &json!({})).await.ok(200);
    for (row, word) in [(0, "2 records"), (1, "No record")] {
        assert!(preview["rows"][row]["errors"][0]["message"].as_str().is_some_and(|message| message.contains(word)), "{preview}");
    }
    // A record may point to one above it in the same file.
    let done = import(&site, &kim, "device", "name,kin\nParent,\nChild,D-0004 Parent\n", json!({})).await;
    assert_eq!(counts(&done), (2, 0, 0, 0), "{done}");
}

async fn what_is_missing_is_made(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let settings = json!({"columns": [{"column": "name", "field": "name"}, {"column": "room", "field": "room", "create": true}]});
    let done = import(&site, &kim, "device", "name,room\nA,Loft\nB,Loft\nC,Attic\n", settings).await;
    assert_eq!(counts(&done), (3, 0, 0, 0), "{done}");
    assert_eq!(kim.find("room", &json!({"field": "name", "op": "not_empty"}), "name", "name").await, [json!("Attic"), json!("Loft")]);
    // What was made goes when the import is taken back.
    kim.post(&format!("/batches/{}/undo", done["batch"].as_str().expect("a batch")), json!({})).await;
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("a run");
    assert!(kim.find("device", &json!({"field": "name", "op": "not_empty"}), "name", "name").await.is_empty());
    assert!(kim.find("room", &json!({"field": "name", "op": "not_empty"}), "name", "name").await.is_empty());
}

async fn rows_of_children(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let text = "name,amount,parts.label,parts.quantity\nSet,1,A,2\n,,B,1\nSet,1,C,3\nOther,2,A,1\nBare,3,,\n";
    let done = import(&site, &kim, "device", text, json!({})).await;
    assert_eq!(counts(&done), (3, 0, 0, 0), "{done}");
    let id = kim.find("device", &json!({"field": "name", "op": "is", "value": "Set"}), "name", "id").await[0].as_str().expect("an id").to_owned();
    let labels = |record: &Value| record["parts"].as_array().expect("parts").iter().map(|part| part["label"].as_str().unwrap_or("?").to_owned()).collect::<Vec<_>>();
    let before = kim.read("device", &id).await;
    assert_eq!(labels(&before), ["A", "B", "C"]);
    // By key the file's rows are the record's rows; those that stay keep their identity.
    let settings = json!({"mode": "update", "key": "no", "columns": [{"column": "no", "field": "no"}, {"column": "label", "field": "parts.label"}, {"column": "n", "field": "parts.quantity"}]});
    let done = import(&site, &kim, "device", "no,label,n\nD-0001,A,5\nD-0001,B,1\n", settings.clone()).await;
    assert_eq!(counts(&done), (0, 1, 0, 0), "{done}");
    let after = kim.read("device", &id).await;
    assert_eq!((labels(&after), &after["parts"][0]["id"], &after["parts"][0]["quantity"]), (vec!["A".to_owned(), "B".to_owned()], &before["parts"][0]["id"], &json!("5.000")));
    // A mistake in a row of a child stands in that row.
    let preview = send(&kim, "/records/device/import?preview=true", b"name,parts.label,parts.quantity\nX,A,1\n,B,-1\n", &json!({})).await.ok(200);
    assert_eq!((preview["rows"][0]["errors"].as_array().map(Vec::len), &preview["rows"][1]["errors"][0]["column"]), (Some(0), &json!(3)), "{preview}");
    let preview = send(&kim, "/records/device/import?preview=true", b"no,name,label,n\nD-0001,One,A,1\nD-0001,Two,B,1\n", &json!({"mode": "update", "key": "no", "columns": [{"column": 1, "field": "no"}, {"column": 2, "field": "name"}, {"column": 3, "field": "parts.label"}, {"column": 4, "field": "parts.quantity"}]})).await.ok(200);
    assert_eq!(preview["rows"][1]["errors"][0]["column"], 2, "{preview}");
}

async fn the_same_key_twice(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    import(&site, &kim, "device", "name\nLens\n", json!({})).await;
    let settings = json!({"mode": "update", "key": "no", "skip": true, "columns": [{"column": "no", "field": "no"}, {"column": "amount", "field": "amount"}]});
    let done = import(&site, &kim, "device", "no,amount\nD-0001,1\nD-0001,2\n", settings).await;
    assert_eq!(counts(&done), (0, 1, 0, 1), "{done}");
    assert_eq!(kim.find("device", &json!({"field": "no", "op": "is", "value": "D-0001"}), "no", "amount").await, [json!(1)]);
}

async fn an_import_that_was_killed_goes_on(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let mut text = String::from("name,amount\n");
    (0..1700).for_each(|number| text.push_str(&format!("Lens {number},{}\n", if number % 170 == 169 { -1 } else { number })));
    let started = send(&kim, "/records/device/import", text.as_bytes(), &json!({"skip": true})).await.ok(202);
    // A worker that dies at every look: its job is put back, and another goes on from what was committed.
    for _ in 0..3 {
        let dying = tokio::spawn({
            let app = site.app.clone();
            async move { jobs::run_due(&app, &jobs::builtin(), Pace { lease: std::time::Duration::from_millis(1), ..Pace::default() }).await }
        });
        until(async || site.number("SELECT count(*) FROM c_device").await > 0).await;
        dying.abort();
        let _ = dying.await;
    }
    until(async || {
        jobs::run_due(&site.app, &jobs::builtin(), Pace { backoff: std::time::Duration::ZERO, max_backoff: std::time::Duration::ZERO, ..Pace::default() }).await.expect("a run");
        kim.get(&format!("/imports/{}", started["id"].as_str().expect("an id"))).await.ok(200)["state"] == "done"
    })
    .await;
    let done = kim.get(&format!("/imports/{}", started["id"].as_str().expect("an id"))).await.ok(200);
    assert_eq!(counts(&done), (1690, 0, 0, 10), "{done}");
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 1690);
    assert_eq!(site.number("SELECT count(DISTINCT f_name) FROM c_device").await, 1690);
    // Run once more, nothing happens.
    send(&kim, &format!("/imports/{}/run", started["id"].as_str().expect("an id")), b"", &json!({})).await;
    kim.post(&format!("/imports/{}/run", started["id"].as_str().expect("an id")), json!({})).await.refused(409, "import_started");
}

/// Looks until it is so.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(90), looking).await.expect("it came to be");
}

async fn an_import_is_taken_back(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    import(&site, &kim, "device", "name,amount\nLens,1\nMirror,2\n", json!({})).await;
    let settings = json!({"mode": "update", "key": "no", "columns": [{"column": "no", "field": "no"}, {"column": "amount", "field": "amount"}]});
    let done = import(&site, &kim, "device", "no,amount\nD-0001,10\nD-0002,20\n", settings).await;
    assert_eq!(counts(&done), (0, 2, 0, 0), "{done}");
    kim.post(&format!("/batches/{}/undo", done["batch"].as_str().expect("a batch")), json!({})).await;
    jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("a run");
    assert_eq!(kim.find("device", &json!({"field": "name", "op": "not_empty"}), "name", "amount").await, [json!(1), json!(2)]);
}

async fn rights_hold(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let clerk = site.person("clerk", &["clerk"]).await;
    let guest = site.person("guest", &["guest"]).await;
    let path = "/records/device/import";
    // Who may not import is told so; who may not see the card is told nothing.
    send(&clerk, path, b"name\nx\n", &json!({})).await.refused(403, "forbidden");
    send(&guest, path, b"name\nx\n", &json!({})).await.refused(403, "forbidden");
    send(&site.nobody(), path, b"name\nx\n", &json!({})).await.refused(401, "unauthenticated");
    send(&kim, "/records/nothing/import", b"name\nx\n", &json!({})).await.refused(404, "not_found");
    send(&kim, "/records/user/import", b"name\nx\n", &json!({})).await.refused(403, "forbidden");
    // An import is its maker's alone.
    let done = import(&site, &kim, "device", "name\nx\n", json!({})).await;
    let id = done["id"].as_str().expect("an id");
    clerk.get(&format!("/imports/{id}")).await.refused(404, "not_found");
    clerk.get(&format!("/imports/{id}/errors")).await.refused(404, "not_found");
    clerk.post(&format!("/imports/{id}/run"), json!({})).await.refused(404, "not_found");
    kim.get("/imports/nonsense").await.refused(404, "not_found");
}

async fn hostile_files(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let path = "/records/device/import";
    for (name, content, status, code) in [
        ("nothing", b"".to_vec(), 400, "no_file"),
        ("an old workbook", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), vec![0; 600]].concat(), 400, "bad_file"),
        ("a picture", b"\x89PNG\r\n\x1a\n0000".to_vec(), 400, "bad_file"),
        ("half a workbook", workbook(&[vec![Cell::Text("name".into())], vec![Cell::Text("x".into())]])[..200].to_vec(), 400, "bad_file"),
        ("no text", vec![0xff, 0xfe, 0x00, 0xd8, 0x41, 0x00], 400, "bad_file"),
        ("an open quotation mark", [b"name\n\"x\n".to_vec(), b"y\n".repeat(5_000_000)].concat(), 400, "bad_file"),
    ] {
        let answer = send(&kim, path, &content, &json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (status, Some(code)), "{name}: {}", answer.text);
    }
    // What says it has a gigabyte is refused before a byte of it is read.
    let headers = [("content-type", "multipart/form-data; boundary=x"), ("content-length", "1073741824")];
    assert_eq!(kim.claim(&format!("/api/v1{path}"), &headers).await, 413);
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 0);
}
