//! Records without an owner: claimed by one, within limits, given back, and returned when they lie idle.

use app::jobs::{self, Pace};
use serde_json::{Value, json};

use crate::{both, site::{Database, Person, Site}};

const POOL: &str = "tests/packs/pool";

both!(a_record_is_claimed_and_given_back, of_two_claimers_one_wins, limits_hold_however_many_arrive, idle_records_go_back, claims_in_bulk_are_taken_back);

async fn leads(chief: &Person, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for index in 0..count {
        ids.push(chief.make("lead", json!({"name": format!("L{index}"), "owner": null})).await);
    }
    ids
}

async fn claim(person: &Person, id: &str) -> crate::site::Answer {
    person.post(&format!("/records/lead/{id}/claim"), json!({})).await
}

async fn release(person: &Person, id: &str) -> crate::site::Answer {
    person.post(&format!("/records/lead/{id}/release"), json!({})).await
}

async fn a_record_is_claimed_and_given_back(database: Database) {
    let site = Site::with(database, POOL).await;
    let (ann, bea, chief) = (site.person("ann", &["seller"]).await, site.person("bea", &["seller"]).await, site.person("chief", &["chief"]).await);
    let id = leads(&chief, 1).await.remove(0);
    assert_eq!(ann.find("lead", &json!({"field": "owner", "op": "empty"}), "name", "name").await, [json!("L0")]);
    ann.patch(&format!("/records/lead/{id}"), json!({"city": "X"})).await.refused(403, "forbidden");
    let claimed = claim(&ann, &id).await.ok(200);
    assert_eq!((claimed["owner"]["id"].as_str(), claimed["version"].as_i64()), (Some(ann.id.as_str()), Some(2)));
    ann.patch(&format!("/records/lead/{id}"), json!({"city": "X"})).await.ok(200);
    claim(&ann, &id).await.refused(409, "claimed");
    // Who saw it in the pool a moment ago is told.
    claim(&bea, &id).await.refused(409, "claimed");
    release(&bea, &id).await.refused(404, "not_found");
    release(&ann, &id).await.ok(200);
    release(&ann, &id).await.refused(409, "in_pool");
    assert!(chief.read("lead", &id).await["owner"].is_null());
    // Who gave it back lets others try.
    claim(&ann, &id).await.refused(409, "pool_cooldown");
    claim(&bea, &id).await.ok(200);
    // Who may assign takes it away.
    release(&chief, &id).await.ok(200);
    let changes = chief.get(&format!("/records/lead/{id}/history")).await.ok(200);
    assert_eq!(changes["data"][0]["fields"], json!(["owner"]), "{changes}");
    // Not every record is the pool's, and not every card has one.
    let graded = chief.make("lead", json!({"name": "B", "grade": "b", "owner": null})).await;
    claim(&ann, &graded).await.refused(409, "not_pooled");
    let theirs = bea.make("lead", json!({"name": "Bea's own"})).await;
    claim(&ann, &theirs).await.refused(404, "not_found");
    let visit = chief.make("visit", json!({"what": "V"})).await;
    chief.post(&format!("/records/visit/{visit}/claim"), json!({})).await.refused(404, "not_found");
    site.person("zoe", &[]).await.post(&format!("/records/lead/{id}/claim"), json!({})).await.refused(404, "not_found");
    site.nobody().post(&format!("/records/lead/{id}/claim"), json!({})).await.refused(401, "unauthenticated");
}

async fn of_two_claimers_one_wins(database: Database) {
    let site = Site::with(database, POOL).await;
    let (ann, bea, chief) = (site.person("ann", &["seller"]).await, site.person("bea", &["seller"]).await, site.person("chief", &["chief"]).await);
    for id in leads(&chief, 3).await {
        let (one, two) = tokio::join!(claim(&ann, &id), claim(&bea, &id));
        let statuses = [one.status.as_u16(), two.status.as_u16()];
        let lost = if one.status == 200 { &two } else { &one };
        assert!(statuses.contains(&200) && lost.body["code"] == "claimed", "{} {}", one.text, two.text);
    }
}

async fn limits_hold_however_many_arrive(database: Database) {
    let site = Site::with(database, POOL).await;
    let (ann, bea, chief) = (site.person("ann", &["seller"]).await, site.person("bea", &["seller"]).await, site.person("chief", &["chief"]).await);
    let ids = leads(&chief, 8).await;
    let answers = tokio::join!(claim(&ann, &ids[0]), claim(&ann, &ids[1]), claim(&ann, &ids[2]), claim(&ann, &ids[3]), claim(&ann, &ids[4]));
    let all = [answers.0, answers.1, answers.2, answers.3, answers.4];
    assert_eq!(all.iter().filter(|answer| answer.status == 200).count(), 3, "three at a time");
    assert!(all.iter().filter(|answer| answer.status != 200).all(|answer| answer.body["code"] == "pool_limit"));
    // Five a day, however many were given back.
    for id in &ids[..5] {
        if claim(&bea, id).await.status == 200 {
            release(&bea, id).await.ok(200);
        }
    }
    for id in &ids[5..] {
        if claim(&bea, id).await.status == 200 {
            release(&bea, id).await.ok(200);
        }
    }
    assert_eq!(site.number("SELECT count(*) FROM sys_pool WHERE action = 'claimed'").await, 3 + 5);
}

async fn idle_records_go_back(database: Database) {
    let site = Site::with(database, POOL).await;
    let (ann, chief) = (site.person("ann", &["seller"]).await, site.person("chief", &["chief"]).await);
    let ids = leads(&chief, 2).await;
    claim(&ann, &ids[0]).await.ok(200);
    claim(&ann, &ids[1]).await.ok(200);
    let run = || async { jobs::run_due(&site.app, &jobs::builtin(), Pace::default()).await.expect("jobs run") };
    let again = || async { site.app.store.apply(vec!["UPDATE sys_job SET run_at = created_at WHERE kind = 'pool.return'".into()]).await.expect("due again") };
    run().await;
    assert_eq!(site.number("SELECT count(*) FROM c_lead WHERE owner IS NOT NULL").await, 2, "both were claimed a moment ago");
    // As if both had lain for forty days, and one had been worked on since.
    let old = if database == Database::Postgres { "now() - interval '40 days'".to_owned() } else { (chrono::Utc::now() - chrono::TimeDelta::days(40)).timestamp_micros().to_string() };
    let let_go = if database == Database::Sqlite { "DROP TRIGGER sys_audit_keep_update" } else { "ALTER TABLE sys_audit DISABLE TRIGGER ALL" };
    site.app.store.apply(vec![let_go.to_owned(), format!("UPDATE c_lead SET updated_at = {old}, created_at = {old}"), format!("UPDATE sys_audit SET at = {old}")]).await.expect("aged");
    ann.patch(&format!("/records/lead/{}", ids[1]), json!({"city": "Y"})).await.ok(200);
    again().await;
    run().await;
    assert!(chief.read("lead", &ids[0]).await["owner"].is_null());
    assert_eq!(chief.read("lead", &ids[1]).await["owner"]["id"], ann.id.as_str());
    // It is told, and can be taken back.
    let boss = site.person("boss", &["administrator"]).await;
    let batches = boss.get("/batches?of=everybody").await.ok(200);
    assert_eq!((&batches["data"][0]["kind"], &batches["data"][0]["changed"]), (&json!("return"), &json!(1)), "{batches}");
    boss.post(&format!("/batches/{}/undo", batches["data"][0]["id"].as_str().expect("an id")), json!({})).await.ok(200);
    assert_eq!(chief.read("lead", &ids[0]).await["owner"]["id"], ann.id.as_str());
}

async fn claims_in_bulk_are_taken_back(database: Database) {
    let site = Site::with(database, POOL).await;
    let (ann, chief) = (site.person("ann", &["seller"]).await, site.person("chief", &["chief"]).await);
    leads(&chief, 5).await;
    let claimed = ann.post("/records/lead/bulk", json!({"action": "claim", "all": {"filter": {"field": "owner", "op": "empty"}}})).await.ok(200);
    let batch = &claimed["batch"];
    assert_eq!((&batch["changed"], &batch["skipped"]), (&json!(3), &json!(2)), "{batch}");
    let undone = ann.post(&format!("/batches/{}/undo", batch["id"].as_str().expect("an id")), json!({})).await.ok(200);
    assert_eq!((&undone["changed"], &undone["failed"]), (&json!(3), &json!(0)), "{undone}");
    assert_eq!(site.number("SELECT count(*) FROM c_lead WHERE owner IS NULL").await, 5);
    let views: Vec<Value> = chief.get("/cards/lead").await.ok(200)["views"].as_array().cloned().unwrap_or_default();
    assert!(views.is_empty() || views.iter().any(|view| view["id"] == "pool"), "{views:?}");
}
