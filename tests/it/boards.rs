//! Boards: each lane is the list it would be by itself.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site, encoded}};

both!(each_lane_is_a_list, a_step_says_where_it_led);

/// The records of each lane on the page, by its value.
async fn lanes(person: &Person, query: &str) -> Vec<(String, Vec<String>, bool)> {
    let page = person.send(Method::GET, &format!("/c/device?kind=board&by=grade&{query}"), &[], None).await;
    assert_eq!(page.status.as_u16(), 200, "{}", page.text);
    let lane = |text: &str| {
        let value = text.split('"').next().unwrap_or_default().to_owned();
        let body = text.split("</section>").next().unwrap_or_default();
        let ids = body.split("data-id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
        (value, ids, body.contains("class=\"more\""))
    };
    page.text.split("<section class=\"lane\" data-value=\"").skip(1).map(lane).collect()
}

async fn each_lane_is_a_list(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let (kim, gus) = (site.person("kim", &["keeper"]).await, site.person("gus", &["guest"]).await);
    let room = kim.make("room", json!({"name": "Attic"})).await;
    let grades = ["a", "a", "a", "b"];
    let items: Vec<Value> = (0..60).map(|n| {
        // Every third has no price: where it is sorted by, those come last.
        let price = if n % 3 == 0 { Value::Null } else { json!(format!("{}.50", (n * 7) % 40)) };
        json!({"op": "create", "record": {"name": format!("Device {n:02}"), "grade": grades[n % 4], "price": price, "room": if n % 2 == 0 { json!(room) } else { Value::Null }, "tags": ["hot"]}})
    }).chain([json!({"op": "create", "record": {"name": "Without", "grade": null}})]).collect();
    kim.post("/records/device/batch", json!({"atomic": true, "items": items})).await.ok(200);
    for sort in ["name", "-price", "price,-name", "room.name,-created_at"] {
        for filter in [Value::Null, json!({"field": "room", "op": "is", "value": room})] {
            let query = if filter.is_null() { format!("sort={sort}") } else { format!("sort={sort}&filter={}", encoded(&filter.to_string())) };
            let lanes = lanes(&kim, &query).await;
            assert!(lanes.len() >= 3, "{lanes:?}");
            for (grade, shown, more) in lanes {
                let inside = if grade.is_empty() { json!({"field": "grade", "op": "empty"}) } else { json!({"field": "grade", "op": "is", "value": grade}) };
                let all = if filter.is_null() { inside } else { json!({"all": [filter, inside]}) };
                let alone = kim.post("/records/device/query", json!({"filter": all, "sort": sort, "fields": ["id"], "limit": 20})).await.ok(200);
                let ids: Vec<&str> = alone["data"].as_array().expect("rows").iter().filter_map(|row| row["id"].as_str()).collect();
                assert_eq!(shown, ids, "lane `{grade}` sorted by {sort}, {filter}");
                assert_eq!(more, !alone["next"].is_null(), "lane `{grade}` sorted by {sort}, {filter}");
            }
        }
    }
    // A guest sees only what has the grade a.
    let seen: Vec<(String, usize)> = lanes(&gus, "sort=name").await.into_iter().map(|(grade, ids, _)| (grade, ids.len())).collect();
    assert_eq!(seen.iter().map(|(_, count)| count).sum::<usize>(), 20, "{seen:?}");
    assert!(seen.contains(&("a".into(), 20)), "{seen:?}");
}

async fn a_step_says_where_it_led(database: Database) {
    let site = Site::with(database, "tests/packs/works").await;
    let boss = site.person("boss", &["boss"]).await;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("hx-request", "true")];
    let moved = async |id: &str, to: &str| boss.send(Method::POST, &format!("/c/leave/{id}/move"), &form, Some(format!("field=state&to={to}&version=1").into_bytes())).await.ok(200);
    // Others must agree first, and it has no state for that time: it stays where it was.
    let waits = boss.make("leave", json!({"why": "Rest", "days": 1})).await;
    let told = moved(&waits, "granted").await;
    assert_eq!((&told["state"], told["text"].is_string()), (&json!("draft"), true), "{told}");
    assert_eq!(boss.read("leave", &waits).await["state"], "draft");
    // One that asks something is not taken yet.
    let asks = boss.make("leave", json!({"why": "Rest", "days": 1})).await;
    let told = moved(&asks, "asked").await;
    assert_eq!(told["dialog"], format!("/c/leave/{asks}/step/ask"));
    assert_eq!(boss.read("leave", &asks).await["state"], "draft");
}
