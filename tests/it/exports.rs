//! Lists as files: what a list shows, and nothing else.

use serde_json::json;

use crate::{
    both,
    imports::{lab, read},
    site::{Database, encoded},
};

both!(a_list_becomes_a_workbook, groups_and_totals, no_cell_is_a_formula, only_what_may_be_seen_and_exported, parameters_are_checked, what_is_selected_becomes_a_file);

async fn a_list_becomes_a_workbook(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let room = kim.make("room", json!({"name": "Cellar"})).await;
    for (name, price, grade) in [("Lens", "19.90", "a"), ("Mirror", "5", "b"), ("Prism", "7.05", "a")] {
        kim.make("device", json!({"name": name, "price": price, "grade": grade, "room": room, "share": "15", "bought": "2026-02-28", "leased": true})).await;
    }
    let filter = encoded(&json!({"field": "grade", "op": "is", "value": "a"}).to_string());
    let file = kim.bytes(&format!("/records/device/export?format=xlsx&filter={filter}&sort=-price&fields=name,price,grade,room,room.name,share,bought,leased")).await;
    assert_eq!(read(&file), [
        vec!["Name", "Price", "Grade", "Room", "Room · Name", "Share", "Bought", "Leased"],
        vec!["Lens", "19.9", "First", "Cellar", "Cellar", "15%", "2026-02-28", "true"],
        vec!["Prism", "7.05", "First", "Cellar", "Cellar", "15%", "2026-02-28", "true"],
    ]);
    let text = String::from_utf8(kim.bytes("/records/device/export?format=csv&q=Mirror&fields=name,price,share,leased").await).expect("text");
    assert_eq!(text, "\u{feff}Name,Price,Share,Leased\r\nMirror,5.00,15.00%,Yes\r\n");
    assert_eq!(site.number("SELECT count(*) FROM sys_audit WHERE action = 'exported'").await, 2);
}

async fn groups_and_totals(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    for (name, price, grade, bought) in [("Lens", "1", "b", "2026-01-05"), ("Mirror", "2", "a", "2026-01-20"), ("Prism", "3", "a", "2026-02-01"), ("Scale", "4", "a", "2026-01-31")] {
        kim.make("device", json!({"name": name, "price": price, "grade": grade, "bought": bought})).await;
    }
    let groups = encoded(&json!([{"field": "grade"}, {"field": "bought", "by": "month"}]).to_string());
    let totals = encoded(&json!([{"field": "price", "function": "sum"}]).to_string());
    let file = kim.bytes(&format!("/records/device/export?fields=name,price&sort=name&group_by={groups}&totals={totals}")).await;
    let rows = read(&file);
    let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["Name", "Mirror", "Scale", "Σ January 2026", "Prism", "Σ February 2026", "Σ First", "Lens", "Σ January 2026", "Σ Second", "Σ"]);
    let sums: Vec<&str> = rows.iter().filter(|row| row[0].starts_with('Σ')).map(|row| row[1].as_str()).collect();
    assert_eq!(sums, ["6", "3", "9", "1", "1", "10"]);
}

async fn no_cell_is_a_formula(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    for name in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)"] {
        kim.make("device", json!({"name": name})).await;
    }
    let text = String::from_utf8(kim.bytes("/records/device/export?format=csv&fields=name&sort=created_at&bom=false").await).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines, ["Name", "'=cmd|' /C calc'!A0", "'+1", "'-1", "'@SUM(A1)"]);
    // In a workbook they are texts by their type.
    let file = kim.bytes("/records/device/export?format=xlsx&fields=name&sort=created_at").await;
    assert_eq!(read(&file)[1], ["=cmd|' /C calc'!A0"]);
}

async fn only_what_may_be_seen_and_exported(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let (clerk, guest) = (site.person("clerk", &["clerk"]).await, site.person("guest", &["guest"]).await);
    kim.make("device", json!({"name": "Lens", "cost": "5", "pin": "1234", "grade": "a"})).await;
    clerk.get("/records/device/export").await.refused(403, "forbidden");
    guest.get("/records/device/export").await.refused(403, "forbidden");
    site.nobody().get("/records/device/export").await.refused(401, "unauthenticated");
    kim.get("/records/nothing/export").await.refused(404, "not_found");
    let all = String::from_utf8(kim.bytes("/records/device/export?format=csv").await).expect("text");
    assert!(!all.contains("1234") && !all.contains("PIN"), "{all}");
    kim.get("/records/device/export?fields=pin").await.refused(403, "forbidden");
}

async fn parameters_are_checked(database: Database) {
    let site = lab(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    for (query, code) in [("format=pdf", "bad_format"), ("fields=nothing", "unknown_field"), ("fliter=x", "unknown_parameter"), ("filter=x", "bad_filter"), ("group_by=x", "bad_parameter"), ("group_by=%5B%7B%22field%22%3A%22nothing%22%7D%5D", "unknown_field"), ("sort=nothing", "unknown_field")] {
        kim.get(&format!("/records/device/export?{query}")).await.refused(400, code);
    }
}

async fn what_is_selected_becomes_a_file(database: Database) {
    let site = lab(database).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let mut ids = Vec::new();
    for name in ["Lens", "Mirror", "Prism", "Scale"] {
        ids.push(kim.make("device", json!({"name": name, "grade": "a"})).await);
    }
    let send = async |person: &crate::site::Person, query: &str, body: String| {
        person.send(reqwest::Method::POST, &format!("/c/device/export?cols=name&{query}"), &[("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")], Some(body.into_bytes())).await
    };
    // What was selected, in the order of the list, whether or not it still matches.
    let filter = encoded(&json!({"field": "grade", "op": "is", "value": "b"}).to_string());
    let file = send(&kim, &format!("sort=-name&filter={filter}"), format!("format=csv&ids={},{}", ids[0], ids[2])).await;
    assert_eq!((file.status.as_u16(), file.text.trim_start_matches('\u{feff}')), (200, "Name\r\nPrism\r\nLens\r\n"));
    // Without ids, all that match.
    let file = send(&kim, "sort=name&q=Mirror", "format=csv&ids=".into()).await;
    assert_eq!((file.status.as_u16(), file.text.trim_start_matches('\u{feff}')), (200, "Name\r\nMirror\r\n"));
    assert_eq!(send(&cleo, "sort=name", format!("format=csv&ids={}", ids[0])).await.status.as_u16(), 403);
    let many = std::iter::repeat_n(ids[0].as_str(), 5_001).collect::<Vec<_>>().join(",");
    assert_eq!(send(&kim, "sort=name", format!("format=csv&ids={many}")).await.status.as_u16(), 413);
}
