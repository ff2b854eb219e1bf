//! What was: fields over time, dated links, records as of a day.

use app::jobs::Pace;
use serde_json::{Value, json};

use crate::{
    both,
    publishing::pack_of,
    site::{Database, Person, Site, violations},
};

both!(
    values_over_time,
    calculated_values_over_time,
    dated_links_keep_where_they_led,
    dated_links_are_guarded_and_taken_back,
    records_as_they_were,
    what_was_is_seen_by_todays_rights,
    a_card_that_comes_to_keep_its_past,
    an_engine_that_makes_more_of_definitions_keeps_up
);

fn text() -> Value {
    json!({"type": "text"})
}

fn cards(keeps: bool) -> model::load::Files {
    let firm = json!({"key": "firm", "title": "{name}", "fields": {"name": text(), "size": {"type": "integer", "track": "series"}, "wages": {"type": "money", "track": "series", "rollup": {"from": "person.firm", "function": "sum", "field": "wage"}}},
        "permissions": [{"role": "clerk", "actions": ["read"], "scope": {"field": "name", "op": "is_not", "value": "Secret"}}]});
    let person = json!({"key": "person", "title": "{name}", "search": ["name", "firm.name"], "as_of": keeps, "fields": {
            "name": text(), "wage": {"type": "money"}, "pin": {"type": "text", "class": "secret"}, "tags": {"type": "choices", "options": [{"value": "a"}, {"value": "b"}]},
            "firm": {"type": "link", "target": "firm", "history": true, "on_delete": "set_null"}, "double": {"type": "money", "computed": {"expr": "wage * 2"}}},
        "child_tables": {"skills": {"fields": {"skill": text(), "level": {"type": "integer"}}}},
        "permissions": [{"role": "clerk", "actions": ["read", "update"], "fields": {"wage": "none", "firm": "read"}}, {"role": "blind", "actions": ["read"], "fields": {"firm": "none"}}]});
    let mut files = pack_of(&[firm, person], &[]);
    for role in ["clerk", "blind"] {
        files.insert(format!("roles/{role}.json"), json!({"key": role}).to_string().into_bytes());
    }
    files
}

async fn site(database: Database) -> (Site, Person) {
    let site = Site::of(database, vec![cards(true)]).await;
    let root = site.person("root", &["administrator"]).await;
    (site, root)
}

async fn run_jobs(site: &Site) {
    app::jobs::run_due(&site.app, &app::jobs::builtin(), Pace::default()).await.expect("jobs");
}

/// Has a record made and changed days ago, past all checks: what the clock said then cannot be had otherwise.
async fn long_ago(site: &Site, database: Database, days: i64) {
    let micros = days * 86_400_000_000;
    let earlier = |column: &str| match database {
        Database::Sqlite => format!("{column} = {column} - {micros}"),
        Database::Postgres => format!("{column} = {column} - interval '{days} days'"),
    };
    let mut texts: Vec<String> = ["created_at", "updated_at"].iter().map(|column| format!("UPDATE c_person SET {}", earlier(column))).collect();
    texts.extend(["from_at", "until_at"].iter().map(|column| format!("UPDATE sys_version SET {}", earlier(column))));
    // What keeps the log from being changed stands in the way of the clock.
    texts.push(match database {
        Database::Sqlite => "DROP TRIGGER IF EXISTS sys_audit_keep_update".to_owned(),
        Database::Postgres => "ALTER TABLE sys_audit DISABLE TRIGGER ALL".to_owned(),
    });
    texts.push(format!("UPDATE sys_audit SET {}", earlier("at")));
    let day = |column: &str| match database {
        Database::Sqlite => format!("{column} = date({column}, '-{days} days')"),
        Database::Postgres => format!("{column} = {column} - {days}"),
    };
    texts.extend(["f_since", "f_ended"].iter().map(|column| format!("UPDATE c_person__firm_history SET {}", day(column))));
    site.app.store.apply(texts).await.expect("long ago");
}

async fn values_over_time(database: Database) {
    let (_site, root) = site(database).await;
    let firm = root.make("firm", json!({"name": "Acme", "size": 5})).await;
    for change in [json!({"size": 9}), json!({"name": "Acme & Co"}), json!({"size": 7}), json!({"size": null})] {
        root.patch(&format!("/records/firm/{firm}"), change).await.ok(200);
    }
    let told = root.get(&format!("/records/firm/{firm}/series/size")).await.ok(200);
    let values: Vec<&Value> = told["points"].as_array().expect("points").iter().map(|point| &point["value"]).collect();
    assert_eq!(values, [&json!(5), &json!(9), &json!(7), &Value::Null]);
    assert_eq!(told["points"][1]["by"]["title"], "root");
    for field in ["name", "nothing", "id"] {
        root.get(&format!("/records/firm/{firm}/series/{field}")).await.refused(404, "not_found");
    }
    let page = root.send(reqwest::Method::GET, &format!("/c/firm/{firm}/series/size"), &[], None).await;
    assert!(page.status == 200 && page.text.contains("<svg") && page.text.contains("series-list"), "{}", page.text);
    let record = root.send(reqwest::Method::GET, &format!("/c/firm/{firm}"), &[], None).await.text.replace("&#x2f;", "/");
    assert!(record.contains(&format!("data-explain=\"/c/firm/{firm}/series/size\"")), "{record}");
    assert!(!record.contains("/series/name"), "only what is kept is shown");
}

async fn calculated_values_over_time(database: Database) {
    let (_site, root) = site(database).await;
    let firm = root.make("firm", json!({"name": "Acme"})).await;
    let ann = root.make("person", json!({"name": "Ann", "wage": "10", "firm": firm})).await;
    root.make("person", json!({"name": "Bob", "wage": "5", "firm": firm})).await;
    root.patch(&format!("/records/person/{ann}"), json!({"wage": "12"})).await.ok(200);
    let told = root.get(&format!("/records/firm/{firm}/series/wages")).await.ok(200);
    let values: Vec<&str> = told["points"].as_array().expect("points").iter().filter_map(|point| point["value"].as_str()).collect();
    assert_eq!(values[values.len() - 3..], ["10.00", "15.00", "17.00"], "{told}");
    assert_eq!(root.read("firm", &firm).await["version"], 1, "it is nobody's edit");
}

/// Where a person's firm led: firm, since, until.
async fn led(root: &Person, person: &str) -> Vec<(String, Value, Value)> {
    let rows = root.read("person", person).await["firm_history"].clone();
    rows.as_array().expect("rows").iter().map(|row| (row["firm"]["title"].as_str().unwrap_or("-").to_owned(), row["since"].clone(), row["ended"].clone())).collect()
}

async fn dated_links_keep_where_they_led(database: Database) {
    let (site, root) = site(database).await;
    let today = chrono::Utc::now().date_naive().to_string();
    let [acme, best, corp] = [root.make("firm", json!({"name": "Acme"})).await, root.make("firm", json!({"name": "Best"})).await, root.make("firm", json!({"name": "Corp"})).await];
    let ann = root.make("person", json!({"name": "Ann", "firm": acme})).await;
    assert_eq!(led(&root, &ann).await, [("Acme".into(), Value::Null, Value::Null)], "since when is not known");
    // A mistake that is mended on the day it was made is no history.
    root.patch(&format!("/records/person/{ann}"), json!({"firm": corp})).await.ok(200);
    assert_eq!(led(&root, &ann).await, [("Corp".into(), Value::Null, Value::Null)]);
    long_ago(&site, database, 30).await;
    root.patch(&format!("/records/person/{ann}"), json!({"firm": acme})).await.ok(200);
    assert_eq!(led(&root, &ann).await, [("Corp".into(), Value::Null, json!(today)), ("Acme".into(), json!(today), Value::Null)]);
    long_ago(&site, database, 10).await;
    root.patch(&format!("/records/person/{ann}"), json!({"firm": null, "name": "Ann B"})).await.ok(200);
    let then = (chrono::Utc::now() - chrono::TimeDelta::days(10)).date_naive().to_string();
    assert_eq!(led(&root, &ann).await, [("Corp".into(), Value::Null, json!(then)), ("Acme".into(), json!(then), json!(today))]);
    // It is asked, and looked for, like any other rows.
    let find = async |filter: Value| root.find("person", &filter, "name", "name").await;
    let ever = |firm: &str| json!({"related": "firm_history", "has": {"field": "firm", "op": "is", "value": firm}});
    assert_eq!(find(ever(&corp)).await, [json!("Ann B")]);
    assert_eq!(find(ever(&best)).await, Vec::<Value>::new());
    let on = |firm: &str, day: &str| {
        json!({"related": "firm_history", "has": {"all": [{"field": "firm", "op": "is", "value": firm},
        {"any": [{"field": "since", "op": "empty"}, {"field": "since", "op": "lte", "value": day}]}, {"any": [{"field": "ended", "op": "empty"}, {"field": "ended", "op": "gte", "value": day}]}]}})
    };
    assert_eq!((find(on(&corp, "2001-01-01")).await.len(), find(on(&acme, "2001-01-01")).await.len(), find(on(&acme, &then)).await.len()), (1, 0, 1));
    for (word, found) in [("Acme", 1), ("Corp", 1), ("Best", 0)] {
        let told = root.get(&format!("/records/person?q={word}")).await.ok(200);
        assert_eq!(told["data"].as_array().map(Vec::len), Some(found), "{word}: {told}");
    }
}

async fn dated_links_are_guarded_and_taken_back(database: Database) {
    let (site, root) = site(database).await;
    let [acme, best] = [root.make("firm", json!({"name": "Acme"})).await, root.make("firm", json!({"name": "Best"})).await];
    let ann = root.make("person", json!({"name": "Ann", "firm": acme})).await;
    long_ago(&site, database, 30).await;
    // Rows that people write stay as they wrote them, and must make sense.
    let wrong = root.patch(&format!("/records/person/{ann}"), json!({"firm_history": {"add": [{"firm": best, "since": "2020-02-01", "ended": "2020-01-01"}]}})).await.refused(422, "invalid");
    assert!(violations(&wrong)[0].starts_with("firm_history"), "{wrong}");
    root.patch(&format!("/records/person/{ann}"), json!({"firm_history": {"add": [{"firm": best, "since": "2020-01-01", "ended": "2020-02-01"}]}})).await.ok(200);
    // A change of many records, taken back, takes its rows along.
    let batch = root.post("/records/person/bulk", json!({"action": "edit", "ids": [ann], "fields": [{"field": "firm", "value": best}]})).await.ok(200);
    assert_eq!(led(&root, &ann).await.len(), 3, "{batch}");
    root.post(&format!("/batches/{}/undo", batch["batch"]["id"].as_str().expect("a batch")), json!({})).await.ok(200);
    run_jobs(&site).await;
    assert_eq!(led(&root, &ann).await, [("Acme".into(), Value::Null, Value::Null), ("Best".into(), json!("2020-01-01"), json!("2020-02-01"))]);
    // Whoever may only read the link may only read where it led; whoever may not see it sees neither.
    let (clerk, blind) = (site.person("clerk", &["clerk"]).await, site.person("blind", &["blind"]).await);
    assert_eq!(clerk.read("person", &ann).await["firm_history"][0]["firm"]["title"], "Acme");
    let refused = clerk.patch(&format!("/records/person/{ann}"), json!({"firm_history": []})).await;
    assert!(refused.status == 422 || refused.status == 403, "{}", refused.text);
    assert!(blind.read("person", &ann).await["firm_history"].as_array().is_none_or(|rows| rows.iter().all(|row| row["firm"].is_null() && row["since"].is_null() && row["ended"].is_null())));
    // Only a link to one record is dated.
    let odd = json!({"key": "odd", "fields": {"firms": {"type": "links", "target": "firm", "history": true}}});
    let found = app::packs::check(&site.app, vec![pack_of(&[odd], &[])]).await.expect("checked");
    assert!(found.iter().any(|finding| finding.pointer == "/fields/firms/history" && finding.message.contains("to several does not")), "{found:?}");
}

async fn records_as_they_were(database: Database) {
    let (site, root) = site(database).await;
    let [acme, best] = [root.make("firm", json!({"name": "Acme"})).await, root.make("firm", json!({"name": "Best"})).await];
    let ann = root.make("person", json!({"name": "Ann", "wage": "10", "pin": "1234", "tags": ["a"], "firm": acme, "skills": [{"skill": "Sewing", "level": 2}, {"skill": "Law", "level": 1}]})).await;
    long_ago(&site, database, 20).await;
    let skills = root.read("person", &ann).await["skills"].clone();
    root.patch(&format!("/records/person/{ann}"), json!({"wage": "15", "tags": ["b"], "firm": best, "skills": [{"id": skills[0]["id"], "level": 5}, {"skill": "Chess"}]})).await.ok(200);
    long_ago(&site, database, 20).await;
    root.patch(&format!("/records/person/{ann}"), json!({"name": "Anna", "skills": []})).await.ok(200);
    let day = |days: i64| (chrono::Utc::now() - chrono::TimeDelta::days(days)).date_naive();
    let as_of = async |days: i64| root.get(&format!("/records/person/{ann}?as_of={}", day(days))).await.ok(200);
    let first = as_of(30).await;
    assert_eq!(
        (&first["name"], &first["wage"], &first["double"], &first["tags"], &first["firm"]["title"], &first["version"]),
        (&json!("Ann"), &json!("10.00"), &json!("20.00"), &json!(["a"]), &json!("Acme"), &json!(1))
    );
    let names = |record: &Value| -> Vec<(String, Value)> {
        record["skills"].as_array().expect("rows").iter().map(|row| (row["skill"].as_str().unwrap_or_default().to_owned(), row["level"].clone())).collect()
    };
    assert_eq!(names(&first), [("Sewing".into(), json!(2)), ("Law".into(), json!(1))]);
    let second = as_of(10).await;
    assert_eq!((&second["name"], &second["wage"], &second["firm"]["title"]), (&json!("Ann"), &json!("15.00"), &json!("Best")));
    assert_eq!(names(&second), [("Sewing".into(), json!(5)), ("Chess".into(), Value::Null)]);
    assert!(first.get("pin").is_none_or(Value::is_null) && first["as_of"].is_string());
    let now = as_of(0).await;
    assert_eq!((&now["name"], names(&now).len()), (&json!("Anna"), 0));
    root.get(&format!("/records/person/{ann}?as_of=2001-01-01")).await.refused(400, "as_of_unknown");
    root.get(&format!("/records/person/{ann}?as_of=yesterday")).await.refused(400, "bad_as_of");
    root.get(&format!("/records/firm/{acme}?as_of=2001-01-01")).await.refused(400, "as_of_not_kept");
    // The page shows it, and nothing to change.
    let page = async |at: &str| root.send(reqwest::Method::GET, &format!("/c/person/{ann}/as-of?at={at}"), &[], None).await;
    let told = page(&day(30).to_string()).await;
    assert!(told.status == 200 && told.text.contains("As it was") && told.text.contains("Sewing") && !told.text.contains("Chess"), "{}", told.text);
    assert!(!told.text.contains("id=\"form\"") && !told.text.contains("savebar"), "nothing is edited there");
    let unknown = page("2001-01-01").await;
    assert!(unknown.status == 200 && unknown.text.contains("is known from"), "{}", unknown.text);
    assert_eq!(root.send(reqwest::Method::GET, &format!("/c/firm/{acme}/as-of"), &[], None).await.status, 400);
}

async fn what_was_is_seen_by_todays_rights(database: Database) {
    let (site, root) = site(database).await;
    let secret = root.make("firm", json!({"name": "Secret"})).await;
    let ann = root.make("person", json!({"name": "Ann", "wage": "10", "firm": secret})).await;
    long_ago(&site, database, 20).await;
    root.patch(&format!("/records/person/{ann}"), json!({"wage": "11", "firm": null})).await.ok(200);
    let day = (chrono::Utc::now() - chrono::TimeDelta::days(10)).date_naive();
    let (clerk, blind, nobody) = (site.person("clerk", &["clerk"]).await, site.person("blind", &["blind"]).await, site.person("kim", &[]).await);
    let path = format!("/records/person/{ann}?as_of={day}");
    let told = clerk.get(&path).await.ok(200);
    assert!(told.get("wage").is_none_or(Value::is_null), "{told}");
    assert_eq!(told["firm"]["title"], Value::Null, "what it led to may not be seen: {told}");
    assert!(!told.to_string().contains("Secret"));
    assert!(blind.get(&path).await.ok(200).get("firm").is_none_or(Value::is_null));
    nobody.get(&path).await.refused(404, "not_found");
    let page = clerk.send(reqwest::Method::GET, &format!("/c/person/{ann}/as-of?at={day}"), &[], None).await;
    assert!(page.status == 200 && !page.text.contains("Secret") && !page.text.contains("10.00"), "{}", page.text);
    root.delete(&format!("/records/person/{ann}")).await.ok(204);
    clerk.get(&path).await.refused(404, "not_found");
}

async fn an_engine_that_makes_more_of_definitions_keeps_up(database: Database) {
    let (site, root) = site(database).await;
    assert!(!app::packs::keep_up(&site.app).await.expect("looked"), "nothing is missing");
    site.app.store.apply(vec!["DROP TABLE c_person__firm_history".to_owned()]).await.expect("as an older engine left it");
    assert!(app::packs::keep_up(&site.app).await.expect("kept up"));
    let acme = root.make("firm", json!({"name": "Acme"})).await;
    let ann = root.make("person", json!({"name": "Ann", "firm": acme})).await;
    assert_eq!(led(&root, &ann).await.len(), 1);
    assert!(!app::packs::keep_up(&site.app).await.expect("looked"));
}

async fn a_card_that_comes_to_keep_its_past(database: Database) {
    let site = Site::of(database, vec![cards(false)]).await;
    let root = site.person("root", &["administrator"]).await;
    let ann = root.make("person", json!({"name": "Ann", "skills": [{"skill": "Law"}, {"skill": "Sewing"}]})).await;
    long_ago(&site, database, 20).await;
    crate::publishing::install(&site, cards(true)).await;
    let path = |days: i64| format!("/records/person/{ann}?as_of={}", (chrono::Utc::now() - chrono::TimeDelta::days(days)).date_naive());
    assert_eq!(root.get(&path(10)).await.ok(200)["name"], "Ann", "nobody changed it since");
    root.get(&path(40)).await.refused(400, "as_of_unknown");
    let law = root.read("person", &ann).await["skills"][0]["id"].clone();
    root.patch(&format!("/records/person/{ann}"), json!({"name": "Anna", "skills": [{"id": law, "level": 3}]})).await.ok(200);
    let then = root.get(&path(10)).await.ok(200);
    assert_eq!((&then["name"], then["skills"].as_array().map(Vec::len), &then["skills"][0]["level"]), (&json!("Ann"), Some(2), &Value::Null));
    assert_eq!(root.get(&path(0)).await.ok(200)["skills"].as_array().map(Vec::len), Some(1));
}
