//! Slow lists, and the indexes that help them.

use app::jobs;
use serde_json::json;
use sql::{indexes::Shape, system_advice};

use crate::{
    both,
    site::{Database, Site},
};

both! { a_slow_list_gets_the_index_that_helps, the_shape_of_a_question_has_no_values }

const LAB: &str = "tests/packs/lab";

async fn page(person: &crate::site::Person) -> crate::site::Answer {
    person.send(reqwest::Method::GET, "/studio/speed", &[], None).await
}

async fn a_slow_list_gets_the_index_that_helps(database: Database) {
    let site = Site::with(database, LAB).await;
    let boss = site.person("boss", &["administrator"]).await;
    let kim = site.person("kim", &["keeper"]).await;
    assert_eq!(page(&kim).await.status, 403);
    assert!(page(&boss).await.text.contains("No slow lists"));
    let card = model::Ident::new("device").expect("a key");
    let shape = Shape { card, narrowed: vec!["f_grade".into()], sorted: vec!["f_bought".into()] };
    let note = system_advice::note(site.app.store.dialect(), &shape, 250_000, chrono::Utc::now());
    site.app.store.write(move |tx: &mut store::Tx| {
        let note = note.clone();
        Box::pin(async move { tx.execute(&note).await.map(|_| ()) })
    }).await.expect("noted");
    let shown = page(&boss).await.text;
    assert!(shown.contains("250 ms at worst") && shown.contains("f_grade,f_bought,id"), "{shown}");
    let asked = |columns: &str| format!("card=device&columns={columns}").into_bytes();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let other = boss.send(reqwest::Method::POST, "/studio/speed", &form, Some(asked("f_name,id"))).await;
    assert_eq!(other.status, 404, "only what was noticed is made: {}", other.text);
    assert_eq!(kim.send(reqwest::Method::POST, "/studio/speed", &form, Some(asked("f_grade,f_bought,id"))).await.status, 403);
    let made = boss.send(reqwest::Method::POST, "/studio/speed", &form, Some(asked("f_grade,f_bought,id"))).await;
    assert_eq!(made.status, 303, "{}", made.text);
    jobs::run_due(&site.app, &jobs::builtin(), jobs::Pace::default()).await.expect("run");
    let existing = site.app.store.existing().await.expect("a look at the database");
    assert!(existing.indexes.contains("ix_c_device__f_grade__f_bought__id"), "{:?}", existing.indexes);
    assert!(page(&boss).await.text.contains("No slow lists"));
}

async fn the_shape_of_a_question_has_no_values(database: Database) {
    let site = Site::with(database, LAB).await;
    let snapshot = site.app.snapshot();
    let actor = access::Actor::system(access::Reason::Integrity, chrono::Utc::now());
    let shape = |filter: serde_json::Value, sort: &str| {
        let request = query::ListRequest { filter: Some(filter), sort: Some(sort.to_owned()), ..query::ListRequest::default() };
        let gated = app::lists::ask(&snapshot, &actor, "device", &request).expect("a question");
        Shape::of(&gated).map(|shape| shape.columns().join(" "))
    };
    let is = |field: &str, value: &str| json!({"field": field, "op": "is", "value": value});
    assert_eq!(shape(json!({"all": [is("grade", "a"), {"field": "name", "op": "contains", "value": "x"}]}), "-bought").as_deref(), Some("f_grade f_bought id"));
    assert_eq!(shape(json!({"any": [is("grade", "a"), is("grade", "b")]}), "bought").as_deref(), Some("f_bought id"));
    assert_eq!(shape(json!({"all": []}), "room.name"), None);
}
