//! Ways to hear of a record that ask nothing: the line on which pages hear of news, and scripts that ask in somebody's name.

use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};

use crate::{both, site::{Database, Files, Person, Site, client, pack}};

both!(the_line_for_news_tells_a_number_and_no_more, scripts_ask_with_the_eyes_of_who_presses);

const VALUES: [&str; 2] = ["4711", "8080"];

fn lab() -> Files {
    let mut files = pack("tests/packs/lab");
    let blind = json!({"key": "blind", "grants": [
        {"card": "device", "actions": ["read", "update"], "scope": {"field": "grade", "op": "is", "value": "a"}, "fields": {"cost": "none", "worth": "none", "room_budget": "none"}}, {"card": "room", "actions": ["read"], "fields": {"budget": "none"}}]});
    files.insert("roles/blind.json".into(), blind.to_string().into_bytes());
    files
}

async fn listen(site: &Site, person: &Person) -> Response {
    let answer = client().get(format!("{}/events", site.base)).bearer_auth(person.token.as_deref().expect("a token")).send().await.expect("a line");
    assert_eq!(answer.status().as_u16(), 200);
    answer
}

/// What comes until a number is told.
async fn until(line: &mut Response, number: i64) -> String {
    let mut heard = String::new();
    let reading = async {
        while !heard.contains(&format!("data: {number}\n")) {
            let part = line.chunk().await.expect("the line holds").expect("the line does not end");
            heard.push_str(&String::from_utf8_lossy(&part));
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.unwrap_or_else(|_| panic!("{number} is not told"));
    heard
}

/// 25 · what others are told, and hidden values, on the line for news
async fn the_line_for_news_tells_a_number_and_no_more(database: Database) {
    let site = Site::of(database, vec![lab()]).await;
    let (kim, eve, gus) = (site.person("kim", &["keeper"]).await, site.person("eve", &["blind"]).await, site.person("gus", &["keeper"]).await);
    let (mut hers, mut his) = (listen(&site, &eve).await, listen(&site, &gus).await);
    let (mut heard, mut told) = (until(&mut hers, 0).await, until(&mut his, 0).await);
    for (round, value) in VALUES.iter().enumerate() {
        let shown = kim.make("device", json!({"name": "Shown", "grade": "a", "cost": value, "pin": value})).await;
        let kept = kim.make("device", json!({"name": "Kept", "grade": "b"})).await;
        // Of a record she may not read, and of fields of one that she may.
        kim.patch(&format!("/records/device/{kept}"), json!({"name": format!("Kept {value}"), "owner": gus.id})).await.ok(200);
        told.push_str(&until(&mut his, 1).await);
        kim.patch(&format!("/records/device/{kept}"), json!({"owner": kim.id})).await.ok(200);
        kim.patch(&format!("/records/device/{shown}"), json!({"cost": VALUES[1 - round], "pin": VALUES[1 - round]})).await.ok(200);
        // And one of which she is told: before it nothing came.
        kim.post(&format!("/records/device/{shown}/shares"), json!({"user": eve.id})).await.ok(200);
        heard.push_str(&until(&mut hers, 1).await);
        kim.post(&format!("/records/device/{shown}/shares/remove"), json!({"user": eve.id})).await.ok(200);
        kim.post(&format!("/records/device/{shown}/shares"), json!({"user": gus.id})).await.ok(200);
        told.push_str(&until(&mut his, 2).await);
        kim.post(&format!("/records/device/{shown}/shares/remove"), json!({"user": gus.id})).await.ok(200);
        // Several of a kind are told as one until they are seen.
        for who in [&eve, &gus] {
            who.post("/notices/seen", json!({"all": true})).await.ok(200);
        }
        heard.push_str(&until(&mut hers, 0).await);
        told.push_str(&until(&mut his, 0).await);
    }
    let lines: Vec<&str> = heard.lines().filter(|line| !line.is_empty() && !line.starts_with(':')).collect();
    assert_eq!(lines, ["data: 0", "data: 1", "data: 0", "data: 1", "data: 0"].map(|data| ["event: notices", data]).concat());
    let told: Vec<&str> = told.lines().filter(|line| line.starts_with("data:")).collect();
    assert_eq!(told, ["data: 0", "data: 1", "data: 2", "data: 0", "data: 1", "data: 2", "data: 0"]);
    assert_eq!(client().get(format!("{}/events", site.base)).send().await.expect("an answer").status().as_u16(), 401);
}

/// What scripts try, with the name of a field in it.
const PROBES: [&str; 7] = [
    "text(query(\"device\", #{filter: #{field: \"FIELD\", op: \"is\", value: \"4711\"}}).len())", "text(query(\"device\", #{filter: #{not: #{field: \"FIELD\", op: \"is\", value: \"4711\"}}}).len())", "text(query(\"device\", #{sort: \"FIELD\", fields: [\"name\"]}).len())",
    "text(query(\"device\", #{fields: [\"name\", \"FIELD\"]}).len())", "text(query(\"device\").sum(\"FIELD\"))", "text(query(\"device\").max(\"FIELD\"))", "text(query(\"device\", #{limit: 1}).min(\"FIELD\"))",
];

/// 25, 30 · hidden and secret values through a script's questions
async fn scripts_ask_with_the_eyes_of_who_presses(database: Database) {
    let mut files = lab();
    let mut card: Value = serde_json::from_slice(&files["cards/device.json"]).expect("a card");
    let mut names = Vec::new();
    for field in ["cost", "pin", "kin.cost", "room.budget", "room_budget"] {
        for probe in PROBES {
            let name = format!("probe{}", names.len());
            files.insert(format!("scripts/{name}.rhai"), format!("try {{ {} }} catch (error) {{ `refused: ${{error}}` }}", probe.replace("FIELD", field)).into_bytes());
            card["actions"].as_array_mut().expect("actions").push(json!({"id": name, "labels": {"en": name}, "run": format!("scripts/{name}.rhai")}));
            names.push((name, field, probe));
        }
    }
    files.insert("cards/device.json".into(), card.to_string().into_bytes());
    let site = Site::of(database, vec![files]).await;
    let (kim, eve) = (site.person("kim", &["keeper"]).await, site.person("eve", &["blind"]).await);
    let room = kim.make("room", json!({"name": "Vault", "budget": VALUES[0]})).await;
    let far = kim.make("device", json!({"name": "Far", "grade": "a", "cost": VALUES[0], "pin": VALUES[0]})).await;
    let id = kim.make("device", json!({"name": "Here", "grade": "a", "room": room, "kin": [far], "cost": VALUES[0], "pin": VALUES[0]})).await;
    let mut said: [Vec<String>; 2] = Default::default();
    let mut seen: [Vec<String>; 2] = Default::default();
    for (round, value) in VALUES.iter().enumerate() {
        kim.patch(&format!("/records/room/{room}"), json!({"budget": value})).await.ok(200);
        for device in [&far, &id] {
            kim.patch(&format!("/records/device/{device}"), json!({"cost": value, "pin": value})).await.ok(200);
        }
        for (name, field, probe) in &names {
            for (who, kept) in [(&eve, &mut said), (&kim, &mut seen)] {
                let answer = who.post(&format!("/records/device/{id}/actions/{name}"), json!({})).await;
                assert!(answer.status.as_u16() < 500, "{field} {probe}: {}", answer.text);
                kept[round].push(format!("{field} {probe}: {} {} {}", answer.status, answer.body["message"], answer.body["detail"]));
            }
        }
    }
    let told = |line: &String| line.split_once("): ").map_or(line.as_str(), |(_, rest)| rest).to_owned();
    for (before, after) in said[0].iter().zip(&said[1]) {
        let (first, then) = (told(before), told(after));
        assert!(!first.contains("4711") || first.contains("refused"), "{before}");
        assert!(!then.contains("8080"), "{after}");
        assert_eq!(before, after);
    }
    for (before, after) in seen[0].iter().zip(&seen[1]).filter(|(before, _)| before.starts_with("pin")) {
        assert!(!told(before).contains("\"4711\"") && !told(after).contains("8080"), "{after}");
    }
    // Who may read sees the difference: the scripts ask something.
    assert!(seen[0].iter().zip(&seen[1]).filter(|(before, after)| before.starts_with("cost") && before != after).count() >= 3, "{seen:?}");
}
