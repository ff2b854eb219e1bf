//! Fields edited in lists, and lists drawn by kind: the same rights, rules and versions as everywhere.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Answer, Database, Person, Site, encoded}};

both!(a_cell_is_saved_with_its_version, a_clash_names_both_sides, rights_decide_over_cells, every_kind_is_drawn_for_whoever_may_see_it, columns_are_remembered_for_one_person);

async fn page(person: &Person, path: &str) -> Answer {
    person.send(Method::GET, path, &[("hx-request", "true")], None).await
}

async fn save(person: &Person, id: &str, fields: &[(&str, &str)]) -> Answer {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("hx-request", "true"), ("accept", "application/json")];
    person.send(Method::POST, &format!("/c/device/{id}/cell"), &headers, Some(body.join("&").into_bytes())).await
}

async fn a_cell_is_saved_with_its_version(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "Alpha", "amount": 3, "price": "2"})).await;
    let editor = page(&kim, &format!("/c/device/{id}/cell?field=amount")).await;
    assert_eq!(editor.status.as_u16(), 200, "{}", editor.text);
    assert!(editor.text.contains("name=\"f.amount\"") && editor.text.contains("value=\"3\""), "{}", editor.text);
    let saved = save(&kim, &id, &[("version", "1"), ("was.f.amount", "3"), ("f.amount", "1,200")]).await.ok(200);
    assert_eq!((&saved["version"], &saved["merged"]), (&json!(2), &json!(false)));
    assert_eq!(kim.read("device", &id).await["amount"], 1200);
    // A warning of a rule is told; an error refuses, and names the field.
    let warned = save(&kim, &id, &[("version", "2"), ("was.f.price", "2"), ("f.price", "0.5")]).await.ok(200);
    assert_eq!(warned["warnings"], json!(["That is very cheap."]));
    let refused = save(&kim, &id, &[("version", "3"), ("was.f.amount", "1200"), ("f.amount", "-1")]).await.refused(422, "invalid");
    assert_eq!(refused["violations"][0]["path"], "amount");
    // Another field that somebody changed meanwhile is kept.
    let merged = save(&kim, &id, &[("version", "1"), ("was.f.name", "Alpha"), ("f.name", "Beta")]).await.ok(200);
    assert_eq!(merged["merged"], true);
    // Its row, drawn anew.
    let row = page(&kim, &format!("/c/device/rows?cols=name,amount&only={id}")).await;
    assert!(row.text.contains("Beta") && row.text.contains("1,200") && row.text.matches("<tr class=\"rec\"").count() == 1, "{}", row.text);
}

async fn a_clash_names_both_sides(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    let max = site.person("max", &["keeper"]).await;
    let id = kim.make("device", json!({"name": "Alpha"})).await;
    save(&max, &id, &[("version", "1"), ("was.f.name", "Alpha"), ("f.name", "Theirs")]).await.ok(200);
    let clash = save(&kim, &id, &[("version", "1"), ("was.f.name", "Alpha"), ("f.name", "Mine")]).await;
    assert_eq!(clash.status.as_u16(), 412, "{}", clash.text);
    assert!(clash.text.contains("Theirs") && clash.text.contains("Mine") && clash.text.contains("max") && clash.text.contains("data-clash=\"2\""), "{}", clash.text);
    assert_eq!(kim.read("device", &id).await["name"], "Theirs");
    save(&kim, &id, &[("version", "1"), ("over", "2"), ("was.f.name", "Alpha"), ("f.name", "Mine")]).await.ok(200);
    assert_eq!(kim.read("device", &id).await["name"], "Mine");
}

async fn rights_decide_over_cells(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    let lee = site.person("lee", &["clerk"]).await;
    let own = lee.make("device", json!({"name": "Own", "grade": "a"})).await;
    let foreign = kim.make("device", json!({"name": "Foreign"})).await;
    assert_eq!(page(&lee, &format!("/c/device/{own}/cell?field=name")).await.status.as_u16(), 200);
    // Read only for this role, calculated for everybody, hidden, secret, and not there.
    assert_eq!(page(&lee, &format!("/c/device/{own}/cell?field=price")).await.status.as_u16(), 403);
    assert_eq!(page(&kim, &format!("/c/device/{own}/cell?field=worth")).await.status.as_u16(), 403);
    assert_eq!(page(&lee, &format!("/c/device/{own}/cell?field=cost")).await.status.as_u16(), 404);
    assert_eq!(page(&lee, &format!("/c/device/{own}/cell?field=nonsense")).await.status.as_u16(), 404);
    assert_eq!(page(&lee, &format!("/c/device/{foreign}/cell?field=name")).await.status.as_u16(), 404);
    assert_eq!(save(&lee, &own, &[("version", "1"), ("f.price", "3")]).await.status.as_u16(), 422);
    assert_eq!(save(&lee, &foreign, &[("version", "1"), ("f.name", "Taken")]).await.status.as_u16(), 404);
    assert_eq!(kim.read("device", &foreign).await["name"], "Foreign");
    // Who may only read sees a board, and is told that nothing moves there.
    let gus = site.person("gus", &["guest"]).await;
    let board = page(&gus, "/c/device?kind=board:grade").await;
    assert!(board.text.contains("data-locked=") && !board.text.contains("Foreign"), "{}", board.text);
    assert!(!page(&kim, "/c/device?kind=board:grade").await.text.contains("data-locked="));
    // A foreign record is not drawn either.
    assert!(!page(&lee, &format!("/c/device/rows?cols=name&only={foreign}")).await.text.contains("Foreign"));
    assert_eq!(site.nobody().send(Method::GET, &format!("/c/device/{own}/cell?field=name"), &[("hx-request", "true")], None).await.status.as_u16(), 401);
}

async fn every_kind_is_drawn_for_whoever_may_see_it(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    let house = kim.make("room", json!({"name": "House"})).await;
    for (name, grade, day) in [("Alpha", "a", "2026-05-14"), ("Beta", "b", "2026-05-14"), ("Gamma", "b", "2026-06-01")] {
        kim.make("device", json!({"name": name, "grade": grade, "bought": day, "checked": format!("{day}T12:00:00Z"), "room": house, "price": "10", "tags": ["new", "hot"]})).await;
    }
    let has = |answer: Answer, parts: &[&str]| {
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
        for part in parts {
            assert!(answer.text.contains(part), "`{part}` is missing in {}", answer.text);
        }
    };
    has(page(&kim, "/c/device?kind=board:grade&cols=name,price").await, &["data-value=\"a\"", "data-value=\"b\"", "Alpha"]);
    has(page(&kim, "/c/device/lanes?kind=board:grade&cols=name,price&totals=price:sum").await, &["lane-count-1", ">2<", ">20.00<"]);
    has(page(&kim, "/c/device?kind=calendar:bought&at=2026-05-01&cols=name").await, &["May 2026", "data-day=\"2026-05-14\"", "Alpha", "data-raw=\"2026-05-14\""]);
    assert!(!page(&kim, "/c/device?kind=calendar:bought&at=2026-04-01&cols=name").await.text.contains("Alpha"));
    has(page(&kim, "/c/device?kind=calendar:checked&at=2026-05-14&span=week&cols=name").await, &["class=\"cal week", "12:00", "Beta"]);
    has(page(&kim, "/c/device?kind=cards&cols=name,price").await, &["class=\"gcard rec\"", "10.00"]);
    // A kind for which the card has nothing, and addresses that make no sense, are no errors of ours.
    has(page(&kim, "/c/room?kind=board").await, &["class=\"grid\""]);
    has(page(&kim, "/c/device?kind=calendar:bought&at=nonsense").await, &["data-calendar"]);
    for group in ["grade", "bought:month", "room:1", "room:own", "tags", "kin", "about", "keeper", "leased", "price", "address.city", "created_at:week:-value", "grade:-price.sum,bought:quarter"] {
        let answer = page(&kim, &format!("/c/device?cols=name,price&group={}", encoded(group))).await;
        assert_eq!(answer.status.as_u16(), 200, "{group}: {}", answer.text);
        assert!(answer.text.contains("class=\"grp\""), "{group}: {}", answer.text);
        // What stands in the first group is fetched by the address its head has.
        let inside = answer.text.split("data-content=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an address").replace("&amp;", "&");
        let inside = inside.replace("&#x2f;", "/").replace("&#x3d;", "=");
        let opened = page(&kim, &inside).await;
        assert!(opened.status.as_u16() == 200 && opened.text.contains("aria-level=\"2\""), "{group} {inside}: {}", opened.text);
    }
    for path in ["/c/device?group=pin", "/c/device?group=nonsense", "/c/device/groups?group=name&within=nonsense", "/c/device/rows?within=%7B%7D"] {
        let answer = page(&kim, path).await;
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text);
    }
}

async fn columns_are_remembered_for_one_person(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    let max = site.person("max", &["keeper"]).await;
    kim.make("device", json!({"name": "Alpha"})).await;
    let post = async |body: &str| kim.send(Method::POST, "/c/device/layout", &[("content-type", "application/x-www-form-urlencoded"), ("hx-request", "true")], Some(body.as_bytes().to_vec())).await;
    let heads = async |person: &Person, path: &str| -> Vec<String> {
        let text = page(person, path).await.text;
        text.split("<th scope=\"col\"").skip(1).filter_map(|head| Some(head.split("data-path=\"").nth(1)?.split('"').next()?.to_owned())).collect()
    };
    let usual = heads(&max, "/c/device").await;
    let before = post("view=&cols=name%2Camount%2Croom.name&widths=%7B%22amount%22%3A333%2C%22name%22%3A1%7D&pinned=2").await.ok(200);
    assert_eq!(before, json!({}));
    assert_eq!(heads(&kim, "/c/device").await, ["name", "amount", "room.name"]);
    let text = page(&kim, "/c/device").await.text;
    assert!(text.contains("width=\"333\"") && text.contains("width=\"48\""), "{text}");
    assert_eq!(heads(&max, "/c/device").await, usual);
    // An address that names columns goes before; names that lead nowhere fall away.
    assert_eq!(heads(&kim, "/c/device?cols=price").await, ["price"]);
    post("view=&cols=nonsense%2Cgrade").await.ok(200);
    assert_eq!(heads(&kim, "/c/device").await, ["grade"]);
    post("view=&kept=%7B%7D").await.ok(200);
    assert_eq!(heads(&kim, "/c/device").await, usual);
    post("view=&widths=nonsense").await.refused(400, "bad_body");
    let gus = site.person("gus", &[]).await;
    let refused: Value = gus.send(Method::POST, "/c/device/layout", &[("content-type", "application/x-www-form-urlencoded")], Some(b"view=".to_vec())).await.body;
    assert_eq!(refused["status"], 404);
}
