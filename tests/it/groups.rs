//! Groups: by every type, by parts of dates, by levels of trees, in any order; and the records each one holds.

use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site}};

both!(every_type_groups_and_each_group_is_found_again, dates_by_every_part_in_the_readers_zone, trees_by_level, order_by_value_count_and_total, what_cannot_be_grouped_is_refused);

async fn several(site: &Site) -> (Person, [String; 3]) {
    let kim = site.person("kim", &["keeper"]).await;
    let house = kim.make("room", json!({"name": "House"})).await;
    let attic = kim.make("room", json!({"name": "Attic", "parent": house})).await;
    let shelf = kim.make("room", json!({"name": "Shelf", "parent": attic})).await;
    let first = kim
        .make("device", json!({
            "name": "Alpha", "notes": "one", "email": "a@example.com", "phone": "+1 555", "web": "https://a.example", "amount": 10, "weight": "1.5", "price": "99.95", "share": "10", "stars": 5,
            "leased": true, "bought": "2026-01-15", "opens": "08:00", "checked": "2026-03-01T12:00:00Z", "lasts": 60, "grade": "a", "tags": ["new", "hot"], "room": shelf,
            "about": {"card": "room", "id": house}, "address": {"city": "Berlin", "country": "DE"}, "tint": "red"
        }))
        .await;
    kim.make("device", json!({
        "name": "Beta", "amount": 20, "weight": "-2.25", "price": "5", "share": "20", "stars": 3, "leased": false, "bought": "2026-06-30", "opens": "17:30", "checked": "2026-06-01T00:30:00Z",
        "lasts": 120, "grade": "c", "tags": ["new"], "room": attic, "kin": [first], "about": {"card": "device", "id": first}, "address": {"city": "Lyon"}, "keeper": null
    }))
    .await;
    kim.make("device", json!({"name": "gamma", "bought": null, "grade": null, "keeper": null})).await;
    kim.make("device", json!({"name": "Delta", "amount": 20, "price": "5", "leased": true, "bought": "2026-01-31", "checked": "2025-12-31T23:30:00Z", "grade": "c", "tags": ["loud"], "room": house})).await;
    (kim, [house, attic, shelf])
}

async fn groups(kim: &Person, group_by: Value, totals: Value) -> Vec<Value> {
    let answer = kim.post("/records/device/query", json!({"group_by": group_by, "totals": totals, "limit": 1})).await.ok(200);
    answer["groups"].as_array().expect("groups").clone()
}

fn labels(groups: &[Value]) -> Vec<&str> {
    groups.iter().map(|group| group["label"][0].as_str().expect("a label")).collect()
}

async fn every_type_groups_and_each_group_is_found_again(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, _) = several(&site).await;
    let fields = [
        "no", "name", "notes", "email", "phone", "web", "amount", "weight", "price", "share", "stars", "leased", "bought", "opens", "checked", "lasts", "grade", "tags", "room", "kin", "about", "keeper",
        "address.city", "tint", "owner", "parts_total", "worth", "room_budget", "room.name", "room.parent", "created_at",
    ];
    for field in fields {
        let found = groups(&kim, json!([{"field": field}]), json!([])).await;
        let several = matches!(field, "tags" | "kin");
        let mut sum = 0;
        for group in &found {
            let records = kim.find("device", &group["filter"], "name", "name").await;
            assert_eq!(group["count"], records.len(), "{field}: {group}");
            sum += records.len();
        }
        assert!(several || sum == 4, "{field}: {found:?}");
        assert!(!several || sum > 4 - 1, "{field}: {found:?}");
    }
    // Several levels: the filters of all of them together find a group's records.
    let found = groups(&kim, json!([{"field": "grade"}, {"field": "bought", "by": "month"}, {"field": "tags"}]), json!([])).await;
    assert!(found.iter().any(|group| group["key"].as_array().map(Vec::len) == Some(3)));
    for group in found {
        assert_eq!(group["count"], kim.find("device", &group["filter"], "name", "name").await.len(), "{group}");
    }
}

async fn dates_by_every_part_in_the_readers_zone(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, _) = several(&site).await;
    let user = kim.id.parse().expect("an id");
    for zone in ["UTC", "America/New_York", "Asia/Shanghai"] {
        app::accounts::put_preference(&site.app, user, "zone", zone).await.expect("a zone");
        for field in ["bought", "checked"] {
            for part in ["day", "week", "month", "quarter", "year"] {
                let found = groups(&kim, json!([{"field": field, "by": part}]), json!([])).await;
                for group in &found {
                    assert_eq!(group["count"], kim.find("device", &group["filter"], "name", "name").await.len(), "{zone} {field} {part}: {group}");
                }
                assert_eq!(found.iter().filter_map(|group| group["count"].as_i64()).sum::<i64>(), 4);
            }
        }
    }
    // Half past midnight of the first of June in UTC is still May in New York, and the last of 2025 already 2026 in Shanghai.
    app::accounts::put_preference(&site.app, user, "zone", "America/New_York").await.expect("a zone");
    let months = groups(&kim, json!([{"field": "checked", "by": "month"}]), json!([])).await;
    assert_eq!(labels(&months), ["December 2025", "March 2026", "May 2026", ""]);
    app::accounts::put_preference(&site.app, user, "zone", "Asia/Shanghai").await.expect("a zone");
    let years = groups(&kim, json!([{"field": "checked", "by": "year"}]), json!([])).await;
    assert_eq!(labels(&years), ["2026", ""]);
    let words = groups(&kim, json!([{"field": "bought", "by": "quarter", "order": "-value"}]), json!([])).await;
    assert_eq!(labels(&words), ["Q2 2026", "Q1 2026", ""]);
}

async fn trees_by_level(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, _) = several(&site).await;
    for (level, expected) in [(1, vec![("House", 3), ("", 1)]), (2, vec![("Attic", 2), ("House", 1), ("", 1)]), (3, vec![("Attic", 1), ("House", 1), ("Shelf", 1), ("", 1)])] {
        let found = groups(&kim, json!([{"field": "room", "level": level}]), json!([{"field": "amount", "function": "sum"}])).await;
        let told: Vec<(&str, i64)> = found.iter().map(|group| (group["label"][0].as_str().expect("a label"), group["count"].as_i64().expect("a count"))).collect();
        assert_eq!(told, expected, "level {level}");
        for group in &found {
            assert_eq!(group["count"], kim.find("device", &group["filter"], "name", "name").await.len(), "level {level}: {group}");
        }
    }
    // A clerk sees rooms, but only own devices: none.
    let lee = site.person("lee", &["clerk"]).await;
    assert!(groups(&lee, json!([{"field": "room", "level": 1}]), json!([])).await.is_empty());
}

async fn order_by_value_count_and_total(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, _) = several(&site).await;
    for number in 0..3 {
        kim.make("device", json!({"name": format!("B{number}"), "grade": "b", "price": "-0.01".trim_start_matches('-'), "amount": number})).await;
    }
    let totals = json!([{"field": "price", "function": "sum"}, {"field": "amount", "function": "avg"}, {"field": "name", "function": "max"}]);
    for (order, expected) in [
        ("value", ["First", "Second", "Third", ""]), ("-value", ["Third", "Second", "First", ""]), ("-count", ["Second", "Third", "First", ""]), ("price.sum", ["Second", "Third", "First", ""]),
        ("-price.sum", ["First", "Third", "Second", ""]), ("-amount.avg", ["Third", "First", "Second", ""]), ("name.max", ["First", "Second", "Third", ""]),
    ] {
        let found = groups(&kim, json!([{"field": "grade", "order": order}]), totals.clone()).await;
        let mut told = labels(&found);
        // Without a value one record stands alone: by count it comes wherever one belongs.
        if order == "-count" {
            told.sort_by_key(|label| label.is_empty());
        }
        assert_eq!(told, expected, "{order}");
    }
    // Links stand in the order of their titles, not of their ids.
    let rooms = groups(&kim, json!([{"field": "room"}]), json!([])).await;
    assert_eq!(labels(&rooms), ["Attic", "House", "Shelf", ""]);
}

async fn what_cannot_be_grouped_is_refused(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    for group in [
        json!({"field": "pin"}), json!({"field": "extra"}), json!({"field": "papers"}), json!({"field": "manual"}), json!({"field": "place"}), json!({"field": "address"}), json!({"field": "parts.label"}),
        json!({"field": "name", "by": "month"}), json!({"field": "name", "level": 1}), json!({"field": "room", "level": 0}), json!({"field": "name", "order": "price.sum"}), json!({"field": "kin.tags"}),
    ] {
        kim.post("/records/device/query", json!({"group_by": [group]})).await.refused(400, "bad_group");
    }
    let lee = site.person("lee", &["clerk"]).await;
    assert_eq!(lee.post("/records/device/query", json!({"group_by": [{"field": "cost"}]})).await.status.as_u16(), 403);
}
