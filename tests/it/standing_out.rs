//! What stands out in lists, and how many values are missing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site, pack}};

both!(values_stand_out_as_their_conditions_say, totals_count_what_is_empty);

/// The lab, whose prices stand out, and a list that says otherwise.
async fn lab(database: Database) -> Site {
    let mut files = pack("tests/packs/lab");
    let file = files.get_mut("cards/device.json").expect("a card");
    let mut card: Value = serde_json::from_slice(file).expect("JSON");
    card["fields"]["price"]["emphasis"] = json!([
        {"when": {"all": [{"field": "price", "op": "gt", "value": "100"}, {"related": "parts", "has": {"field": "due", "op": "before", "value": "@today"}}]}, "tone": "danger"},
        {"when": {"field": "price", "op": "gt", "value": "100"}, "tone": "info"},
        {"when": {"field": "cost", "op": "gt", "value": "5"}, "tone": "warning"}
    ]);
    card["views"] = json!([{"id": "everything", "labels": {"en": "Everything"}, "columns": ["name", "price"]}, {"id": "cheap", "labels": {"en": "Cheap"}, "columns": ["name", "price"], "emphasis": {"price": [{"when": {"field": "price", "op": "lt", "value": "50"}, "tone": "success"}]}}]);
    *file = card.to_string().into_bytes();
    Site::of(database, vec![files]).await
}

/// The tones of prices by name.
async fn tones(person: &Person, query: &str) -> Vec<(String, String)> {
    let page = person.send(Method::GET, &format!("/c/device?cols=name,price&sort=name&{query}"), &[], None).await;
    assert_eq!(page.status.as_u16(), 200, "{}", page.text);
    let row = |text: &str| {
        let tone = text.split("em-").nth(1).map_or("", |rest| rest.split(['"', ' ']).next().unwrap_or_default());
        let name = ["One", "Two", "Three", "Four"].into_iter().find(|name| text.contains(&format!(">{name}<")) || text.contains(&format!("{name}</"))).unwrap_or("?");
        (name.to_owned(), tone.to_owned())
    };
    page.text.split("data-id=\"").skip(1).map(|text| row(text.split("</tr>").next().unwrap_or_default())).collect()
}

async fn values_stand_out_as_their_conditions_say(database: Database) {
    let site = lab(database).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    for (name, price, cost, due) in [("Four", "40", "1", "2020-01-01"), ("One", "200", "9", "2020-01-01"), ("Three", "50", "9", "2999-01-01"), ("Two", "200", "1", "2999-01-01")] {
        kim.make("device", json!({"name": name, "price": price, "cost": cost, "owner": cleo.id, "bought": "2019-01-01", "parts": [{"label": "A", "quantity": "1", "due": due}]})).await;
    }
    let pairs = |all: [(&str, &str); 4]| all.map(|(name, tone)| (name.to_owned(), tone.to_owned())).to_vec();
    assert_eq!(tones(&kim, "").await, pairs([("Four", ""), ("One", "danger"), ("Three", "warning"), ("Two", "info")]));
    // What one may not read makes nothing stand out.
    assert_eq!(tones(&cleo, "").await, pairs([("Four", ""), ("One", "danger"), ("Three", ""), ("Two", "info")]));
    // A list says otherwise.
    assert_eq!(tones(&kim, "view=cheap").await, pairs([("Four", "success"), ("One", ""), ("Three", ""), ("Two", "")]));
    // A condition that makes no sense is refused before anything is published.
    let mut files = pack("tests/packs/lab");
    let text = String::from_utf8(files["cards/device.json"].clone()).expect("text").replacen("\"price\": {", "\"price\": {\"emphasis\": [{\"when\": {\"field\": \"pricey\", \"op\": \"gt\", \"value\": 1}, \"tone\": \"danger\"}], ", 1);
    files.insert("cards/device.json".into(), text.into_bytes());
    let (source, _) = model::load::read_pack(files);
    let (_, findings) = model::build::build(&[source], 1);
    assert!(findings.iter().any(|finding| finding.level == model::Level::Error && finding.render(None).contains("emphasis/0/when")), "{findings:?}");
}

async fn totals_count_what_is_empty(database: Database) {
    let site = Site::with(database, "tests/packs/lab").await;
    let kim = site.person("kim", &["keeper"]).await;
    for (name, price) in [("One", json!("1")), ("Two", Value::Null), ("Three", Value::Null)] {
        kim.make("device", json!({"name": name, "price": price, "room": null})).await;
    }
    let asked = json!({"totals": [{"field": "price", "function": "count_empty"}, {"field": "price", "function": "count"}, {"field": "room.name", "function": "count_empty"}], "limit": 1});
    let totals = kim.post("/records/device/query", asked).await.ok(200)["totals"].clone();
    assert_eq!((&totals["price.count_empty"], &totals["price.count"], &totals["room.name.count_empty"]), (&json!(2), &json!(1), &json!(3)), "{totals}");
    let row = kim.send(Method::GET, "/c/device/totals?cols=name,price&totals=price:count_empty", &[], None).await;
    assert!(row.text.contains("price%3Acount_empty") || row.text.contains("count_empty"), "{}", row.text);
    // A rollup says it with a condition.
    let mut files = pack("tests/packs/lab");
    let text = String::from_utf8(files["cards/device.json"].clone()).expect("text").replacen("\"function\": \"count\"}", "\"function\": \"count_empty\"}", 1);
    files.insert("cards/device.json".into(), text.into_bytes());
    let (source, _) = model::load::read_pack(files);
    let (_, findings) = model::build::build(&[source], 1);
    assert!(findings.iter().any(|finding| finding.render(None).contains("a rollup takes `count`")), "{findings:?}");
}
