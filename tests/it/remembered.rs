//! What is remembered of people holds no longer than the database says: taken away on one node, it is gone on the
//! next request at any other.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{both, rolling::second, site::{Database, Person, Site}};

both!(a_revoked_token_is_refused_everywhere, a_closed_account_neither_reads_nor_writes, what_users_are_bound_to_is_read_anew, an_empty_answer_is_confirmed_too, a_change_is_made_once, who_is_called_otherwise_is_called_so_everywhere);

const LAB: &str = "tests/packs/lab";

async fn a_revoked_token_is_refused_everywhere(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let (base, _running) = second(&site).await;
    let there = kim.at(&base);
    kim.get("/records/device").await.ok(200);
    there.get("/records/device").await.ok(200);
    let user: Uuid = kim.id.parse().expect("an id");
    let token = app::accounts::tokens(&site.app, Some(user)).await.expect("tokens").remove(0);
    app::accounts::revoke_token(&site.app, user, token.id, &app::accounts::Origin::command_line()).await.expect("revoked");
    there.get("/records/device").await.refused(401, "unauthenticated");
    kim.post("/records/device/query", json!({})).await.refused(401, "unauthenticated");
}

async fn a_closed_account_neither_reads_nor_writes(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, root) = (site.person("kim", &["keeper"]).await, site.person("root", &["administrator"]).await);
    let (base, _running) = second(&site).await;
    let there = kim.at(&base);
    let id = there.make("device", json!({"name": "One"})).await;
    there.get(&format!("/records/device/{id}")).await.ok(200);
    app::accounts::set_active(&site.app, kim.id.parse().expect("an id"), false).await.expect("closed");
    there.patch(&format!("/records/device/{id}"), json!({"name": "Two"})).await.refused(401, "unauthenticated");
    there.post("/records/device", json!({"name": "Three"})).await.refused(401, "unauthenticated");
    there.get(&format!("/records/device/{id}")).await.refused(401, "unauthenticated");
    assert_eq!(root.find("device", &json!({"all": []}), "name", "name").await, [json!("One")]);
}

async fn squads(person: &Person) -> Vec<Value> {
    person.find("squad", &json!({"all": []}), "name", "name").await
}

async fn what_users_are_bound_to_is_read_anew(database: Database) {
    let site = Site::with(database, "tests/packs/club").await;
    let (root, anna) = (site.person("root", &["administrator"]).await, site.person("anna", &["trainer"]).await);
    let (first, second_squad) = (root.make("squad", json!({"name": "First"})).await, root.make("squad", json!({"name": "Second"})).await);
    let (base, _running) = second(&site).await;
    let there = anna.at(&base);
    // Bound to nothing, nothing is seen; bound to a member, that member's squad; moved, the other; in the trash, nothing.
    assert_eq!(squads(&there).await, Vec::<Value>::new());
    let own = root.make("member", json!({"given": "Anna", "family": "A", "login": anna.id, "squad": first})).await;
    assert_eq!(squads(&there).await, [json!("First")]);
    root.patch(&format!("/records/member/{own}"), json!({"squad": second_squad})).await.ok(200);
    assert_eq!(squads(&there).await, [json!("Second")]);
    root.delete(&format!("/records/member/{own}")).await.ok(204);
    assert_eq!(squads(&there).await, Vec::<Value>::new());
    root.post(&format!("/records/member/{own}/restore"), json!({})).await.ok(200);
    assert_eq!(squads(&there).await, [json!("Second")]);
}

async fn an_empty_answer_is_confirmed_too(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    assert_eq!(kim.get("/records/device").await.ok(200)["data"], json!([]));
    app::accounts::set_active(&site.app, kim.id.parse().expect("an id"), false).await.expect("closed");
    kim.get("/records/device").await.refused(401, "unauthenticated");
    kim.get(&format!("/records/device/{}", Uuid::now_v7())).await.refused(401, "unauthenticated");
}

/// Who is read anew in the midst of a change has made it once, not twice.
async fn a_change_is_made_once(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    kim.get("/records/device").await.ok(200);
    for number in 0..5 {
        // Something else of somebody else: what is remembered of everybody holds no more.
        app::accounts::set_language(&site.app, kim.id.parse().expect("an id"), if number % 2 == 0 { "en" } else { "zh-Hans" }).await.expect("set");
        kim.make("device", json!({"name": format!("Number {number}")})).await;
    }
    assert_eq!(kim.find("device", &json!({"all": []}), "name", "name").await.len(), 5);
}

async fn who_is_called_otherwise_is_called_so_everywhere(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, zoe, root) = (site.person("kim", &["keeper"]).await, site.person("zoe", &["keeper"]).await, crate::accounts::root(&site).await);
    let (base, _running) = second(&site).await;
    let there = kim.at(&base);
    let id = zoe.make("device", json!({"name": "One"})).await;
    for (name, who) in [("Zoe", &there), ("Zoe", &kim)] {
        root.patch(&format!("/users/{}", zoe.id), json!({"name": name})).await.ok(200);
        who.get(&format!("/records/device/{id}")).await.ok(200);
    }
    for name in ["Zoë Zhang", "张佐伊"] {
        root.patch(&format!("/users/{}", zoe.id), json!({"name": name})).await.ok(200);
        for _ in 0..2 {
            for who in [&there, &kim] {
                assert_eq!(who.get(&format!("/records/device/{id}")).await.ok(200)["created_by"]["title"], json!(name));
                assert_eq!(who.get("/records/device?fields=name,created_by").await.ok(200)["data"][0]["created_by"]["title"], json!(name));
            }
        }
    }
}
