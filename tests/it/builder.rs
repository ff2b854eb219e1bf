//! The query builder: a form that is changed step by step, and the filter that comes out of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, site::{Answer, Database, Person, Site, encoded}};

both!(a_query_is_written_step_by_step, mistakes_stand_at_their_condition, fields_on_offer_are_those_that_may_be_read, a_query_is_saved_from_the_builder);

const LAB: &str = "tests/packs/lab";

async fn step(person: &Person, at: &str, fields: &[(&str, &str)]) -> Answer {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    person.send(Method::POST, at, &[("content-type", "application/x-www-form-urlencoded"), ("hx-request", "true")], Some(body.join("&").into_bytes())).await
}

/// The tree that the form carries along.
fn draft(answer: &Answer) -> String {
    let text = &answer.text;
    let at = text.find("name=\"draft\" value=\"").unwrap_or_else(|| panic!("no draft: {text}")) + 20;
    text[at..].split('"').next().expect("a value").replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&").replace("&#x2f;", "/")
}

/// The filter of the address that the builder leads to.
fn filter(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let to = answer.header("hx-redirect").to_owned();
    let pairs = url_pairs(&to);
    pairs.iter().find(|(name, _)| name == "filter").map_or(Value::Null, |(_, text)| serde_json::from_str(text).expect("a filter"))
}

fn url_pairs(url: &str) -> Vec<(String, String)> {
    reqwest::Url::parse(&format!("http://x{url}")).expect("an address").query_pairs().into_owned().collect()
}

async fn a_query_is_written_step_by_step(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    kim.make("device", json!({"name": "Alpha", "amount": 10, "parts": [{"label": "Screw", "quantity": "4"}]})).await;
    kim.make("device", json!({"name": "Beta", "amount": 20})).await;
    let at = "/c/device/query?q=x";
    let open = kim.send(Method::GET, at, &[("hx-request", "true")], None).await;
    let one = step(&kim, at, &[("draft", &draft(&open)), ("do", "add:0:amount")]).await;
    let two = step(&kim, at, &[("draft", &draft(&one)), ("op.1", "gt"), ("v.1", "5"), ("do", "group:0")]).await;
    let three = step(&kim, at, &[("draft", &draft(&two)), ("do", "add:2:grade")]).await;
    let four = step(&kim, at, &[("draft", &draft(&three)), ("v.3", ""), ("v.3", "a"), ("v.3", "b"), ("do", "related:2:parts")]).await;
    let five = step(&kim, at, &[("draft", &draft(&four)), ("do", "add:4:quantity")]).await;
    let six = step(&kim, at, &[("draft", &draft(&five)), ("op.4", "has_not"), ("op.5", "gte"), ("v.5", "3"), ("do", "redraw")]).await;
    assert!(six.text.contains("has no Parts") || six.text.contains("has no"), "{}", six.text);
    let counted = step(&kim, "/c/device/query/count?q=x", &[("draft", &draft(&six))]).await;
    assert!(counted.text.contains(" match · "), "{}", counted.text);
    let done = step(&kim, at, &[("draft", &draft(&six)), ("do", "apply")]).await;
    let expected = json!({"all": [
        {"field": "amount", "op": "gt", "value": 5},
        {"any": [{"field": "grade", "op": "any_of", "value": ["a", "b"]}, {"related": "parts", "has_not": {"all": [{"field": "quantity", "op": "gte", "value": "3"}]}}]}
    ]});
    assert_eq!(filter(&done), expected);
    assert!(url_pairs(done.header("hx-redirect")).contains(&("q".into(), "x".into())), "the rest of the address stays");
    // Moved, removed, asked when opened.
    let moved = step(&kim, at, &[("draft", &draft(&six)), ("do", "drop:1:2:0")]).await;
    let asked = step(&kim, at, &[("draft", &draft(&moved)), ("do", "src:1:@param")]).await;
    let fewer = step(&kim, at, &[("draft", &draft(&asked)), ("ask.amount", "How many"), ("do", "remove:4")]).await;
    let done = step(&kim, at, &[("draft", &draft(&fewer)), ("ask.amount", "How many"), ("do", "apply")]).await;
    assert_eq!(filter(&done), json!({"all": [{"any": [{"field": "amount", "op": "gt", "value": "@param.amount"}, {"field": "grade", "op": "any_of", "value": ["a", "b"]}]}]}));
    let page = kim.send(Method::GET, done.header("hx-redirect"), &[], None).await;
    assert!(page.status == 200 && page.text.contains("How many") && page.text.contains("name=\"param.amount\""), "{}", page.text);
    // Without scripts the same form leads on by itself.
    let plain = kim.send(Method::POST, at, &[("content-type", "application/x-www-form-urlencoded")], Some(format!("draft={}&do=apply", encoded(&draft(&six))).into_bytes())).await;
    assert_eq!(plain.status, 303);
}

async fn mistakes_stand_at_their_condition(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let open = kim.send(Method::GET, "/c/device/query", &[("hx-request", "true")], None).await;
    let one = step(&kim, "/c/device/query", &[("draft", &draft(&open)), ("do", "add:0:amount")]).await;
    assert!(!one.text.contains("qe-1"), "what was not written yet is no mistake");
    let two = step(&kim, "/c/device/query", &[("draft", &draft(&one)), ("do", "add:0:bought")]).await;
    let two = step(&kim, "/c/device/query", &[("draft", &draft(&two)), ("op.2", "before"), ("v.1", "many"), ("do", "redraw")]).await;
    let bad = step(&kim, "/c/device/query", &[("draft", &draft(&two)), ("v.1", "many"), ("do", "apply")]).await;
    assert_eq!(bad.status, 422);
    assert!(bad.text.contains("id=\"qe-1\"") && bad.text.contains("id=\"qe-2\""), "all at once: {}", bad.text);
    // Conditions on what may not be read are refused where they stand, and told nothing about.
    let sly = format!("/c/device/query?filter={}", encoded(&json!({"field": "cost", "op": "gt", "value": "1"}).to_string()));
    let refused = cleo.send(Method::GET, &sly, &[("hx-request", "true")], None).await;
    assert!(refused.text.contains("You may not ask about this field."), "{}", refused.text);
    let counted = step(&cleo, "/c/device/query/count", &[("draft", &draft(&refused))]).await;
    assert!(!counted.text.contains("match"), "{}", counted.text);
    // Nonsense is an empty query, never a fault.
    for (name, value) in [("draft", "nonsense"), ("draft", "{\"mode\":\"all\",\"parts\":[{\"n\":1}]}"), ("do", "drop:9:9:9"), ("do", "add:7:x:y"), ("do", "::"), ("do", "src:1:@")] {
        assert_eq!(step(&kim, "/c/device/query", &[(name, value)]).await.status, 200, "{name}={value}");
    }
}

async fn fields_on_offer_are_those_that_may_be_read(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo, zoe) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await, site.person("zoe", &[]).await);
    let at = "/c/device/query/fields?in=device&for=add%3A0";
    let all = kim.send(Method::GET, at, &[("hx-request", "true")], None).await.text;
    assert!(all.contains("add:0:cost") && all.contains("related:0:parts") && all.contains("repair.device"), "{all}");
    let some = cleo.send(Method::GET, at, &[("hx-request", "true")], None).await.text;
    assert!(some.contains("add:0:name") && !some.contains("add:0:cost") && !some.contains("repair"), "{some}");
    let through = kim.send(Method::GET, &format!("{at}&at=kin.room"), &[("hx-request", "true")], None).await.text;
    assert!(through.contains("add:0:kin.room.budget"), "{through}");
    zoe.send(Method::GET, at, &[("hx-request", "true")], None).await.refused(404, "not_found");
    kim.send(Method::GET, "/c/device/query/fields?in=device&for=add%3A0&at=nonsense", &[("hx-request", "true")], None).await.refused(400, "unknown_field");
    assert!(kim.send(Method::GET, at, &[], None).await.text.contains("<html"));
}

async fn a_query_is_saved_from_the_builder(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let id = kim.post("/views/device", json!({"name": "Own", "filter": {"field": "amount", "op": "gt", "value": 5}})).await.ok(201)["id"].as_str().expect("an id").to_owned();
    let at = format!("/c/device/query?view={id}");
    let open = kim.send(Method::GET, &at, &[("hx-request", "true")], None).await;
    // Nothing changed: the address says nothing about the filter.
    let same = step(&kim, &at, &[("draft", &draft(&open)), ("do", "apply")]).await;
    assert_eq!(same.header("hx-redirect"), format!("/c/device?view={id}"), "{}", same.text);
    let saved = step(&kim, &at, &[("draft", &draft(&open)), ("v.1", "7"), ("do", "save")]).await;
    assert_eq!(saved.header("hx-redirect"), format!("/c/device?view={id}"), "{}", saved.text);
    assert_eq!(kim.get(&format!("/views/device/{id}")).await.ok(200)["filter"], json!({"all": [{"field": "amount", "op": "gt", "value": 7}]}));
    let again = kim.send(Method::GET, &at, &[("hx-request", "true")], None).await;
    let form = step(&kim, &at, &[("draft", &draft(&again)), ("v.1", "9"), ("do", "save_new")]).await;
    assert!(form.header("hx-retarget") == "#sheet" && form.text.contains("device&#x2f;views?view="), "{}", form.text);
}
