//! Groups, grants and guards by the API: what the pages of administrators do, for programs.

use serde_json::{Value, json};

use crate::{
    accounts::root,
    both,
    site::{Database, Person, Site, encoded},
};

both!(grants_are_given_changed_and_taken, guards_are_put_and_taken, memberships_given_at_once_are_all_kept, groups_and_their_members_are_made_by_programs, only_a_token_made_for_it_administers, mistakes_are_named, the_document_tells_whom_it_may);

const LAB: &str = "tests/packs/lab";

async fn names(person: &Person) -> Vec<Value> {
    person.find("device", &json!({"all": []}), "name", "name").await
}

async fn begin(database: Database) -> (Site, Person) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    for (name, grade) in [("First", "a"), ("Second", "b"), ("Third", "c")] {
        root.make("device", json!({"name": name, "grade": grade})).await;
    }
    (site, root)
}

/// The grant of a group that a pack brings.
async fn of_pack(root: &Person, group: &str) -> Value {
    let rights = root.get("/rights/device").await.ok(200);
    rights["grants"].as_array().expect("grants").iter().find(|grant| grant["group"] == group).expect("a grant").clone()
}

/// Where a grant is changed; those of packs have slashes in their ids.
fn path_of(grant: &Value) -> String {
    format!("/rights/device/grants/{}", encoded(grant["id"].as_str().expect("an id")))
}

async fn grants_are_given_changed_and_taken(database: Database) {
    let (site, root) = begin(database).await;
    let (gus, cleo) = (site.person("gus", &["guest"]).await, site.person("cleo", &["clerk"]).await);
    let scope = json!({"field": "grade", "op": "is", "value": "c"});
    let given = root.post("/rights/device/grants", json!({"group": "clerk", "actions": ["read"], "scope": scope, "fields": {"price": "none"}})).await.ok(201);
    assert_eq!((&given["group"], &given["actions"], &given["scope"], &given["fields"], &given["pack"]), (&json!("clerk"), &json!(["read"]), &scope, &json!({"price": "none"}), &Value::Null), "{given}");
    assert_eq!(names(&cleo).await, [json!("Third")]);
    let path = path_of(&given);
    // What is left out stays.
    let changed = root.patch(&path, json!({"scope": "all"})).await.ok(200);
    assert_eq!((&changed["scope"], &changed["fields"]), (&json!("all"), &json!({"price": "none"})), "{changed}");
    assert_eq!(names(&cleo).await.len(), 3);
    root.delete(&path).await.ok(204);
    root.delete(&path).await.refused(404, "not_found");
    assert!(names(&cleo).await.is_empty());
    // A pack's is changed in its place, is back when that is taken away, and gives nothing once it is taken itself.
    let packs = of_pack(&root, "guest").await;
    let own = root.patch(&path_of(&packs), json!({"scope": "all"})).await.ok(200);
    assert_eq!((&own["replaces"], &own["fields"]), (&packs["id"], &packs["fields"]), "{own}");
    assert_eq!(names(&gus).await.len(), 3);
    root.delete(&path_of(&own)).await.ok(204);
    assert_eq!(names(&gus).await, [json!("First")]);
    root.delete(&path_of(&packs)).await.ok(204);
    gus.get("/records/device").await.refused(404, "not_found");
    // Each stands in the log.
    let log = root.get("/log/operation?event=rights_changed").await.ok(200);
    assert_eq!(log["data"].as_array().map(Vec::len), Some(6), "{log}");
}

async fn guards_are_put_and_taken(database: Database) {
    let (site, root) = begin(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let guard = root.post("/rights/device/guards", json!({"scope": {"field": "grade", "op": "is_not", "value": "c"}, "except": ["guest"]})).await.ok(201);
    assert_eq!(guard["except"], json!(["guest"]), "{guard}");
    assert_eq!(names(&kim).await.len(), 2);
    assert_eq!(root.get("/rights/device").await.ok(200)["guards"].as_array().map(Vec::len), Some(1));
    root.post("/rights/device/guards", json!({"scope": "all"})).await.refused(400, "bad_right");
    let path = format!("/rights/device/guards/{}", guard["id"].as_str().expect("an id"));
    root.delete(&path).await.ok(204);
    root.delete(&path).await.refused(404, "not_found");
    assert_eq!(names(&kim).await.len(), 3);
}

async fn memberships_given_at_once_are_all_kept(database: Database) {
    let (site, root) = begin(database).await;
    let zoe = site.person("zoe", &[]).await;
    let keys: Vec<String> = site.app.snapshot().catalog.roles.values().filter(|role| !role.portal).map(|role| role.key.to_string()).collect();
    assert!(keys.len() > 1, "{keys:?}");
    let member = |key: &str| format!("/api/v1/groups/{key}/members/{}", zoe.id);
    let held = async || root.get(&format!("/users/{}", zoe.id)).await.ok(200)["groups"].as_array().map_or(0, Vec::len);
    let said = "SELECT count(*) FROM sys_log WHERE event = 'groups_changed'";
    let before = site.number(said).await;
    for round in 1..=5 {
        for (method, left) in [(reqwest::Method::PUT, keys.len()), (reqwest::Method::DELETE, 0)] {
            let all = keys.iter().map(|key| { let (path, method, root) = (member(key), method.clone(), &root); async move { root.send(method, &path, &[], None).await.ok(204) } });
            futures::future::join_all(all).await;
            assert_eq!(held().await, left, "{method} in round {round}");
        }
    }
    // One line for each, which says that one alone.
    assert_eq!(site.number(said).await - before, 10 * keys.len() as i64);
    let statement = sql::Statement { sql: "SELECT about FROM sys_log WHERE event = 'groups_changed' ORDER BY seq DESC LIMIT 1".into(), binds: Vec::new(), columns: vec![sql::Physical::Text] };
    let last = format!("{:?}", site.app.store.fetch(&statement).await.expect("a line"));
    assert_eq!(keys.iter().filter(|key| last.contains(&format!("\\\"{key}\\\""))).count(), 1, "{last}");
    // Given twice at once is given once, and said once.
    let before = site.number(said).await;
    let path = member(&keys[0]);
    let (one, other) = tokio::join!(root.send(reqwest::Method::PUT, &path, &[], None), root.send(reqwest::Method::PUT, &path, &[], None));
    assert_eq!((one.status.as_u16(), other.status.as_u16(), held().await, site.number(said).await - before), (204, 204, 1, 1));
}

async fn groups_and_their_members_are_made_by_programs(database: Database) {
    let (site, root) = begin(database).await;
    let zoe = site.person("zoe", &[]).await;
    let made = root.post("/groups", json!({"labels": {"en": "Night shift", "zh-Hans": "夜班"}})).await.ok(201);
    assert_eq!((&made["key"], &made["label"], &made["local"], &made["members"]), (&json!("x_night_shift"), &json!("Night shift"), &json!(true), &json!(0)), "{made}");
    root.post("/rights/device/grants", json!({"group": "x_night_shift", "actions": ["read"], "scope": "all"})).await.ok(201);
    let member = format!("/groups/x_night_shift/members/{}", zoe.id);
    root.send(reqwest::Method::PUT, &format!("/api/v1{member}"), &[], None).await.ok(204);
    assert_eq!(names(&zoe).await.len(), 3);
    assert_eq!(root.get("/groups/x_night_shift").await.ok(200)["members"], 1);
    root.delete(&member).await.ok(204);
    zoe.get("/records/device").await.refused(404, "not_found");
    let renamed = root.patch("/groups/x_night_shift", json!({"help": {"en": "From ten to six"}})).await.ok(200);
    assert_eq!((&renamed["label"], &renamed["help"]["en"]), (&json!("Night shift"), &json!("From ten to six")), "{renamed}");
    // Groups of packs keep their words, and stay.
    root.patch("/groups/guest", json!({"labels": {"en": "X"}})).await.refused(404, "not_found");
    root.delete("/groups/guest").await.refused(404, "not_found");
    root.delete("/groups/x_night_shift").await.ok(204);
    root.get("/groups/x_night_shift").await.refused(404, "not_found");
    assert_eq!(root.get("/groups/administrator").await.ok(200)["members"], 1);
    let last = format!("/groups/administrator/members/{}", root.id);
    root.delete(&last).await.refused(409, "last_administrator");
}

/// An administrator's token gives no rights unless it was made for that: whoever finds one does not make himself at home.
async fn only_a_token_made_for_it_administers(database: Database) {
    let (site, _) = begin(database).await;
    let admin = site.person("admin", &["administrator"]).await;
    let packs = of_pack(&admin, "guest").await;
    let grant = path_of(&packs);
    admin.post("/rights/device/grants", json!({"group": "guest", "actions": ["read"], "scope": "all"})).await.refused(403, "confirm_first");
    admin.patch(&grant, json!({"scope": "all"})).await.refused(403, "confirm_first");
    admin.delete(&grant).await.refused(403, "confirm_first");
    admin.post("/rights/device/guards", json!({"scope": "own"})).await.refused(403, "confirm_first");
    admin.post("/groups", json!({"labels": {"en": "Mine"}})).await.refused(403, "confirm_first");
    admin.delete("/groups/guest").await.refused(403, "confirm_first");
    admin.send(reqwest::Method::PUT, &format!("/api/v1/groups/keeper/members/{}", admin.id), &[], None).await.refused(403, "confirm_first");
    assert_eq!((site.number("SELECT count(*) FROM sys_grant").await, site.number("SELECT count(*) FROM sys_group").await), (0, 0));
}

async fn mistakes_are_named(database: Database) {
    let (site, root) = begin(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let cases = [
        (json!({"group": "guest", "action": ["read"], "scope": "all"}), "did you mean `actions`?"),
        (json!({"actions": ["read"], "scope": "all"}), "`group` is wanted"),
        (json!({"group": "guest", "scope": "all"}), "`actions` is wanted"),
        (json!({"group": "guest", "actions": ["read"]}), "`scope` is wanted"),
        (json!({"group": "guest", "actions": ["reed"], "scope": "all"}), "`actions`"),
        (json!({"group": "guest", "actions": ["read"], "scope": "mine"}), "one of all, own"),
        (json!({"group": "guest", "actions": ["read"], "scope": {"field": "grado", "op": "is", "value": "a"}}), "did you mean `grade`?"),
        (json!({"group": "guest", "actions": ["read"], "scope": {"all": []}}), "may not be empty"),
        (json!({"group": "guest", "actions": ["read"], "scope": "all", "fields": {"prize": "none"}}), "no field `prize`"),
        (json!({"group": "guests", "actions": ["read"], "scope": "all"}), "no such group"),
        (json!([]), "an object"),
    ];
    for (body, said) in cases {
        let refused = root.post("/rights/device/grants", body.clone()).await;
        assert_eq!(refused.header("content-type"), "application/problem+json", "{body}");
        let problem = refused.refused(400, "bad_right");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(said)), "{body}: {problem}");
    }
    root.post("/groups", json!({"label": "X"})).await.refused(400, "bad_right");
    root.get("/rights/devices").await.refused(404, "not_found");
    kim.get("/rights/device").await.refused(403, "forbidden");
    kim.get("/groups/guest").await.refused(403, "forbidden");
}

async fn the_document_tells_whom_it_may(database: Database) {
    let (site, root) = begin(database).await;
    let gus = site.person("gus", &["guest"]).await;
    let ours = root.get("/openapi.json").await.ok(200);
    for (path, method) in [
        ("/rights/device", "get"), ("/rights/device/grants", "post"), ("/rights/device/grants/{id}", "patch"), ("/rights/device/guards/{id}", "delete"), ("/groups/{role}/members/{id}", "put"),
        ("/records/device/{id}/shares", "post"), ("/records/device/{id}/shares/remove", "post"), ("/records/device/{id}/why", "get"),
    ] {
        assert!(ours["paths"][format!("/api/v1{path}")][method].is_object(), "{method} {path}");
    }
    let theirs = gus.get("/openapi.json").await.ok(200);
    assert!(theirs["paths"]["/api/v1/records/device/{id}/shares"]["get"].is_object() && theirs["paths"]["/api/v1/records/device/{id}/shares"]["post"].is_null());
    assert!(theirs["paths"]["/api/v1/rights/device"].is_null() && theirs["paths"]["/api/v1/groups"].is_null());
}
