//! Records shared one by one: what a share gives, to whom, until when, and that it is taken back.

use access::Actor;
use app::{accounts::{self, Credential}, lists, remembered};
use query::ListRequest;
use serde_json::{Value, json};

use crate::{
    both,
    site::{Database, Files, Person, Site, pack},
};

both!(
    a_share_gives_what_the_grant_for_shared_records_says,
    groups_are_shared_with_too,
    a_share_ends_by_itself,
    nobody_shares_more_than_they_may,
    a_share_is_taken_back_and_put_again,
    what_is_shared_is_told,
    everybody_is_found_among_six_hundred
);

/// The lab, where helpers see what is shared with them, without its price.
fn lab() -> Files {
    let mut files = pack("tests/packs/lab");
    let helper = json!({"key": "helper", "grants": [{"card": "device", "actions": ["read", "update"], "scope": "shared", "fields": {"price": "none"}}]});
    files.insert("roles/helper.json".into(), helper.to_string().into_bytes());
    let lender = json!({"key": "lender", "grants": [{"card": "device", "actions": ["read", "share"], "scope": "own"}]});
    files.insert("roles/lender.json".into(), lender.to_string().into_bytes());
    files
}

async fn share(person: &Person, id: &str, body: Value) -> crate::site::Answer {
    person.post(&format!("/records/device/{id}/shares"), body).await
}

async fn names(person: &Person) -> Vec<Value> {
    person.find("device", &json!({"all": []}), "name", "name").await
}

async fn a_share_gives_what_the_grant_for_shared_records_says(database: Database) {
    let site = Site::of(database, vec![lab()]).await;
    let (kim, hal, zoe) = (site.person("kim", &["keeper"]).await, site.person("hal", &["helper"]).await, site.person("zoe", &[]).await);
    let (one, _other) = (kim.make("device", json!({"name": "One", "price": "12.50"})).await, kim.make("device", json!({"name": "Other"})).await);
    assert!(names(&hal).await.is_empty());
    assert_eq!(share(&kim, &one, json!({"user": hal.id})).await.ok(200)["before"], Value::Null);
    assert_eq!(names(&hal).await, [json!("One")]);
    let read = hal.read("device", &one).await;
    assert!(read.get("price").is_none_or(Value::is_null), "{read}");
    hal.patch(&format!("/records/device/{one}"), json!({"name": "Mine"})).await.refused(403, "forbidden");
    // To change it takes a share to change it; its other fields stay as they are to the helper.
    assert_eq!(share(&kim, &one, json!({"user": hal.id, "edit": true})).await.ok(200)["before"]["edit"], false);
    hal.patch(&format!("/records/device/{one}"), json!({"name": "Ours"})).await.ok(200);
    hal.patch(&format!("/records/device/{one}"), json!({"price": "1"})).await.refused(422, "invalid");
    // Without a grant for shared records a share gives nothing, and says so.
    share(&kim, &one, json!({"user": zoe.id})).await.ok(200);
    zoe.get(&format!("/records/device/{one}")).await.refused(404, "not_found");
    let shares = kim.get(&format!("/records/device/{one}/shares")).await.ok(200);
    let works: Vec<(&Value, &Value)> = shares["data"].as_array().expect("shares").iter().map(|share| (&share["user"]["title"], &share["works"])).collect();
    assert_eq!(works, [(&json!("hal"), &json!(true)), (&json!("zoe"), &json!(false))]);
}

async fn groups_are_shared_with_too(database: Database) {
    let site = Site::of(database, vec![lab()]).await;
    let (kim, hal) = (site.person("kim", &["keeper"]).await, site.person("hal", &["helper"]).await);
    let one = kim.make("device", json!({"name": "One"})).await;
    assert!(names(&hal).await.is_empty());
    share(&kim, &one, json!({"group": "helper"})).await.ok(200);
    assert_eq!(names(&hal).await, [json!("One")]);
    let refused = share(&kim, &one, json!({"group": "helpers"})).await.refused(400, "bad_share");
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("helper")), "{refused}");
}

async fn a_share_ends_by_itself(database: Database) {
    let site = Site::of(database, vec![lab()]).await;
    let (kim, hal) = (site.person("kim", &["keeper"]).await, site.person("hal", &["helper"]).await);
    let one = kim.make("device", json!({"name": "One"})).await;
    let now = chrono::Utc::now();
    share(&kim, &one, json!({"user": hal.id, "until": (now - chrono::TimeDelta::hours(1)).to_rfc3339()})).await.refused(400, "bad_share");
    share(&kim, &one, json!({"user": hal.id, "until": (now + chrono::TimeDelta::hours(1)).to_rfc3339()})).await.ok(200);
    assert_eq!(names(&hal).await.len(), 1);
    let seen = async |now: chrono::DateTime<chrono::Utc>| {
        let token = hal.token.clone().expect("a token");
        let actor: Actor = remembered::authenticate(&site.app, &Credential::Token(&token), now).await.expect("hal");
        let snapshot = site.app.snapshot();
        let gated = lists::ask(&snapshot, &actor, "device", &ListRequest::default()).expect("a question");
        lists::page(&site.app, &snapshot, &actor, &gated, &form::Locale::of("en", actor.zone)).await.expect("a page").items.len()
    };
    assert_eq!((seen(now).await, seen(now + chrono::TimeDelta::minutes(59)).await, seen(now + chrono::TimeDelta::minutes(61)).await), (1, 1, 0));
}

async fn nobody_shares_more_than_they_may(database: Database) {
    let site = Site::of(database, vec![lab()]).await;
    let (kim, hal, gus) = (site.person("kim", &["keeper"]).await, site.person("hal", &["helper"]).await, site.person("gus", &["guest"]).await);
    let len = site.person("len", &["lender"]).await;
    let public = kim.make("device", json!({"name": "Public", "grade": "a"})).await;
    let hidden = kim.make("device", json!({"name": "Hidden"})).await;
    let lent = kim.make("device", json!({"name": "Lent"})).await;
    kim.patch(&format!("/records/device/{lent}"), json!({"owner": len.id})).await.ok(200);
    // Who sees it and may not share it; who does not see it; who may share it and not change it.
    share(&gus, &public, json!({"user": gus.id})).await.refused(403, "forbidden");
    share(&gus, &hidden, json!({"user": gus.id})).await.refused(404, "not_found");
    share(&len, &lent, json!({"user": hal.id, "edit": true})).await.refused(403, "forbidden");
    assert_eq!(site.number("SELECT count(*) FROM sys_share").await, 0);
    share(&len, &lent, json!({"user": hal.id})).await.ok(200);
    for body in [
        json!({}),
        json!({"user": hal.id, "group": "helper"}),
        json!({"user": "nonsense"}),
        json!({"user": hal.id, "edits": true}),
        json!({"user": hal.id, "edit": "yes"}),
        json!({"user": "01930000-0000-7000-8000-00000000dead"}),
    ] {
        share(&kim, &public, body).await.refused(400, "bad_share");
    }
}

async fn a_share_is_taken_back_and_put_again(database: Database) {
    let site = Site::of(database, vec![lab()]).await;
    let (kim, hal) = (site.person("kim", &["keeper"]).await, site.person("hal", &["helper"]).await);
    let one = kim.make("device", json!({"name": "One"})).await;
    share(&kim, &one, json!({"user": hal.id, "edit": true})).await.ok(200);
    assert_eq!(names(&hal).await.len(), 1);
    let path = format!("/records/device/{one}/shares/remove");
    let before = kim.post(&path, json!({"user": hal.id})).await.ok(200)["before"].clone();
    assert!(names(&hal).await.is_empty());
    kim.post(&path, json!({"user": hal.id})).await.refused(404, "not_found");
    // What a removal answers is what puts it back.
    share(&kim, &one, before).await.ok(200);
    hal.patch(&format!("/records/device/{one}"), json!({"name": "Again"})).await.ok(200);
    // In the trash nobody shares it, and nobody sees it.
    kim.delete(&format!("/records/device/{one}")).await.ok(204);
    share(&kim, &one, json!({"group": "helper"})).await.refused(404, "not_found");
    hal.get(&format!("/records/device/{one}")).await.refused(404, "not_found");
}

async fn what_is_shared_is_told(database: Database) {
    let site = Site::of(database, vec![lab()]).await;
    let (kim, hal) = (site.person("kim", &["keeper"]).await, site.person("hal", &["helper"]).await);
    let one = kim.make("device", json!({"name": "One"})).await;
    share(&kim, &one, json!({"user": hal.id})).await.ok(200);
    kim.post(&format!("/records/device/{one}/shares/remove"), json!({"user": hal.id})).await.ok(200);
    let history = kim.get(&format!("/records/device/{one}/history")).await.ok(200);
    let actions: Vec<&Value> = history["data"].as_array().expect("changes").iter().map(|change| &change["action"]).collect();
    assert!(actions.contains(&&json!("shared")) && actions.contains(&&json!("unshared")), "{history}");
    let notices = hal.get("/notices").await.ok(200);
    assert!(notices["data"].as_array().is_some_and(|all| all.iter().any(|notice| notice["kind"] == "shared")), "{notices}");
    // Why: by the grant for shared records, once it is shared again.
    share(&kim, &one, json!({"user": hal.id})).await.ok(200);
    let root = site.person("root", &["administrator"]).await;
    let why = root.get(&format!("/records/device/{one}/why?user={}", hal.id)).await.ok(200);
    let read = why["actions"].as_array().expect("actions").iter().find(|about| about["action"] == "read").expect("reading");
    assert_eq!((&read["may"], &why["shared"]), (&json!(true), &json!(true)), "{why}");
    let fields = why["fields"].as_array().expect("fields");
    let price = fields.iter().find(|field| field["field"] == "price").expect("a field");
    assert_eq!((&price["read"], &price["edit"]), (&json!("none"), &json!(false)));
    // Of others' rights only administrators are told; of their own everybody is.
    hal.get(&format!("/records/device/{one}/why?user={}", kim.id)).await.refused(403, "forbidden");
    assert_eq!(hal.get(&format!("/records/device/{one}/why")).await.ok(200)["user"]["title"], "hal");
}

/// Far more people than a page of a list holds: whoever is meant is found by name, on the server.
async fn everybody_is_found_among_six_hundred(database: Database) {
    let site = Site::of(database, vec![lab()]).await;
    let (kim, gus) = (site.person("kim", &["keeper"]).await, site.person("gus", &["guest"]).await);
    let now = chrono::Utc::now();
    for n in 0..600 {
        accounts::create_user(&site.app, &format!("p{n:03}"), &format!("Person {n:03}"), None, &[], Some("en"), now).await.expect("a user");
    }
    let zoltan = site.person("zoltan", &["helper"]).await;
    accounts::create_user(&site.app, "away", "Zoltan Away", None, &[], Some("en"), now).await.expect("a user");
    let one = kim.make("device", json!({"name": "One", "grade": "a"})).await;
    let base = format!("/c/device/{one}/share");
    let page = async |person: &Person, path: &str| person.send(reqwest::Method::GET, path, &[], None).await;
    let sheet = page(&kim, &base).await;
    assert!(sheet.status == 200 && !sheet.text.contains("Person 000"), "{}", sheet.text);
    let options = |text: &str| text.matches("role=\"option\"").count();
    let last = page(&kim, &format!("{base}/who?q=Person%20599&for=share-who")).await;
    assert!(options(&last.text) == 1 && last.text.contains("data-title=\"Person 599\""), "{}", last.text);
    // Many are cut, and it says so; groups are found as people are; nobody shares with themselves.
    let many = page(&kim, &format!("{base}/who?q=Person")).await;
    assert!(options(&many.text) == 20 && many.text.contains("Type to narrow"), "{}", many.text);
    assert!(page(&kim, &format!("{base}/who?q=helper")).await.text.contains("data-value=\"g:helper\""));
    assert_eq!(options(&page(&kim, &format!("{base}/who?q=kim")).await.text), 0);
    assert_eq!(page(&gus, &format!("{base}/who?q=Person")).await.status, 403);
    assert_eq!(page(&zoltan, &format!("{base}/who")).await.status, 404);
    // Chosen, or typed whole where nothing was chosen.
    let sent = async |fields: &str| kim.send(reqwest::Method::POST, &base, &[("content-type", "application/x-www-form-urlencoded")], Some(fields.as_bytes().to_vec())).await;
    assert_eq!(sent("who=&find=Person").await.status, 400);
    let typed = sent("who=&find=zoltan&level=read").await;
    assert_eq!(typed.status, 303, "{}", typed.text);
    assert_eq!(names(&zoltan).await, [json!("One")]);
    assert_eq!(sent(&format!("who=u:{}&find=zoltan&level=edit", zoltan.id)).await.status, 303);
    zoltan.patch(&format!("/records/device/{one}"), json!({"name": "Ours"})).await.ok(200);
    assert_eq!(sent("who=&find=helper").await.status, 303);
    let shared = kim.get(&format!("/records/device/{one}/shares")).await.ok(200);
    assert_eq!(shared["data"].as_array().map(Vec::len), Some(2), "{shared}");
}
