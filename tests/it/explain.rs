//! Where values come from, told to those who may see it all and to those who may not.

use serde_json::{Value, json};

use crate::{
    both,
    derived::trade,
    site::{Database, Site},
};

both!(a_value_explains_itself, what_may_not_be_seen_is_only_counted, the_page_says_the_same);

/// The trading cards, and somebody who sees own orders and no rates.
async fn site(database: Database) -> Site {
    let mut files = trade();
    let clerk = json!({"key": "clerk", "labels": {"en": "Clerk"}, "grants": [
        {"card": "client", "actions": ["read"], "scope": "all", "fields": {"rate": "none"}},
        {"card": "order", "actions": ["read", "create", "update"], "scope": "own"}]});
    files.insert("roles/clerk.json".into(), clerk.to_string().into_bytes());
    Site::of(database, vec![files]).await
}

fn order(client: &str, price: &str) -> Value {
    json!({"client": client, "done": true, "kind": "web", "lines": [{"price": price, "quantity": "2"}]})
}

async fn a_value_explains_itself(database: Database) {
    let site = site(database).await;
    let root = site.person("root", &["administrator"]).await;
    let client = root.make("client", json!({"name": "Acme", "rate": "2"})).await;
    let id = root.make("order", order(&client, "5")).await;
    root.make("order", order(&client, "1")).await;
    let explain = async |card: &str, id: &str, field: &str| root.get(&format!("/records/{card}/{id}/explain/{field}")).await;
    let told = explain("client", &client, "turnover").await.ok(200);
    assert_eq!((&told["way"], &told["function"], &told["value"], &told["recomputing"]), (&json!("rollup"), &json!("sum"), &json!("12.00"), &json!(false)));
    assert_eq!((&told["rows"]["card"], &told["rows"]["count"], &told["rows"]["hidden"]), (&json!("order"), &json!(2), &json!(0)));
    let mut values: Vec<&str> = told["rows"]["data"].as_array().expect("rows").iter().filter_map(|row| row["value"].as_str()).collect();
    values.sort_unstable();
    assert_eq!(values, ["10.00", "2.00"]);
    assert!(told["computed_at"].as_str() >= root.read("order", &id).await["updated_at"].as_str(), "{told}");
    // The filter finds the very rows.
    assert_eq!(root.find("order", &told["rows"]["filter"], "id", "id").await.len(), 2);
    let pieces = explain("client", &client, "pieces_done").await.ok(200);
    assert_eq!(root.find("order", &pieces["rows"]["filter"], "id", "id").await.len(), 2);
    let told = explain("client", &client, "worth").await.ok(200);
    assert_eq!((&told["way"], &told["formula"]), (&json!("computed"), &json!("turnover * rate")));
    let inputs: Vec<(&str, &Value, &Value)> = told["inputs"].as_array().expect("inputs").iter().map(|one| (one["name"].as_str().unwrap_or("?"), &one["value"], &one["explain"])).collect();
    assert_eq!(inputs, [("rate", &json!("2.00"), &Value::Null), ("turnover", &json!("12.00"), &json!("turnover"))]);
    let line = root.read("order", &id).await["lines"][0]["id"].as_str().expect("a row").to_owned();
    let told = explain("order", &id, &format!("lines.{line}.amount")).await.ok(200);
    assert_eq!((&told["value"], &told["inputs"][0]["value"]), (&json!("10.00"), &json!("5.00")));
    let told = explain("order", &id, "weighted").await.ok(200);
    assert_eq!((&told["inputs"][0]["name"], &told["inputs"][0]["value"]), (&json!("client.rate"), &json!("2.00")));
    for field in ["name", "nothing", "lines.x.amount", "id", "lines"] {
        explain("client", &client, field).await.refused(404, "not_found");
    }
}

async fn what_may_not_be_seen_is_only_counted(database: Database) {
    let site = site(database).await;
    let (root, clerk) = (site.person("root", &["administrator"]).await, site.person("clerk", &["clerk"]).await);
    let client = root.make("client", json!({"name": "Acme", "rate": "2"})).await;
    root.make("order", order(&client, "5")).await;
    root.make("order", order(&client, "7")).await;
    let own = clerk.make("order", order(&client, "1")).await;
    let told = clerk.get(&format!("/records/client/{client}/explain/turnover")).await.ok(200);
    assert_eq!((&told["value"], &told["rows"]["count"], &told["rows"]["hidden"]), (&json!("26.00"), &json!(1), &json!(2)));
    assert_eq!(told["rows"]["data"], json!([{"id": own, "title": "web", "value": "2.00"}]));
    for (card, id, field, name) in [("client", &client, "worth", "rate"), ("order", &own, "weighted", "client.rate")] {
        let told = clerk.get(&format!("/records/{card}/{id}/explain/{field}")).await.ok(200);
        let rate = told["inputs"].as_array().expect("inputs").iter().find(|one| one["name"] == name).expect("the rate");
        assert_eq!((&rate["value"], &rate["hidden"]), (&Value::Null, &json!(true)), "{told}");
    }
    let theirs = root.make("order", order(&client, "9")).await;
    clerk.get(&format!("/records/order/{theirs}/explain/total")).await.refused(404, "not_found");
}

async fn the_page_says_the_same(database: Database) {
    let site = site(database).await;
    let root = site.person("root", &["administrator"]).await;
    let client = root.make("client", json!({"name": "Acme", "rate": "2"})).await;
    root.make("order", order(&client, "5")).await;
    let page = async |path: String| {
        let mut answer = root.send(reqwest::Method::GET, &path, &[], None).await;
        answer.text = answer.text.replace("&#x2f;", "/");
        answer
    };
    let record = page(format!("/c/client/{client}")).await;
    assert!(record.text.contains(&format!("data-explain=\"/c/client/{client}/explain/turnover\"")), "{}", record.text);
    let told = page(format!("/c/client/{client}/explain/turnover")).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert!(told.text.contains("10.00") && told.text.contains("Rows: 1") && told.text.contains("/c/order?filter="), "{}", told.text);
    assert!(page(format!("/c/client/{client}/explain/worth")).await.text.contains("turnover * rate"));
    assert_eq!(page(format!("/c/client/{client}/explain/name")).await.status, 404);
    // Heads of columns say which cells of a list tell it; what is entered tells nothing, nor what another record calculates.
    let list = page("/c/client?cols=name,turnover,rate".to_owned()).await;
    let head = |name: &str| list.text.split("<th scope=\"col\" class=\"").skip(1).find(|head| head.contains(&format!("data-path=\"{name}\""))).unwrap_or_default().split('>').next().unwrap_or_default().to_owned();
    assert!(head("turnover").contains(" data-why=\""), "{}", head("turnover"));
    assert!(!head("rate").contains("data-why") && !head("name").contains("data-why") && !head("rate").is_empty());
}
