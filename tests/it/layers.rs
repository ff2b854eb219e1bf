//! The layer of rights that administrators make over what packs bring: it survives upgrades, gives nobody more than its
//! author holds, and fails closed where what it names is gone.

use access::Actor;
use app::{
    accounts::{self, Confirmed, Credential, memberships},
    remembered,
    rights::{self, Wanted},
};
use model::{ActionName, FieldRight, Ident, Labels, build::local::LocalRight, def::ScopeDef};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    both,
    site::{Database, Files, Person, Site, pack},
};

both!(
    groups_are_made_and_filled,
    a_grant_of_a_pack_is_changed_and_holds_through_upgrades,
    what_names_something_gone_matches_nothing,
    guards_are_not_widened,
    nobody_gives_more_than_they_hold,
    ten_thousand_groups_are_no_burden,
    a_preference_is_nobody_elses_business,
    assigning_takes_the_grants_rows
);

const LAB: &str = "tests/packs/lab";

fn key(text: &str) -> Ident {
    Ident::new(text).expect("a key")
}

fn says(actions: &[ActionName], scope: Value, fields: &[(&str, FieldRight)]) -> LocalRight {
    let scope: ScopeDef = serde_json::from_value(scope).expect("a scope");
    LocalRight { actions: actions.to_vec(), scope, fields: fields.iter().map(|(field, right)| ((*field).to_owned(), *right)).collect(), ..LocalRight::default() }
}

fn wanted(role: Option<&str>, says: LocalRight) -> Wanted {
    Wanted { id: None, card: "device".into(), role: role.map(key), replaces: None, says }
}

async fn actor(site: &Site, person: &Person) -> Actor {
    remembered::authenticate(&site.app, &Credential::Token(person.token.as_deref().expect("a token")), chrono::Utc::now()).await.expect("somebody")
}

fn sure() -> Confirmed {
    Confirmed::command_line()
}

/// Somebody is in these groups, and in no others.
async fn enter(site: &Site, person: &Person, groups: &[&str]) {
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    memberships::set_roles(&site.app, &sure(), person.id.parse().expect("an id"), &groups).await.expect("in the groups");
}

async fn names(person: &Person) -> Vec<Value> {
    person.find("device", &json!({"all": []}), "name", "name").await
}

fn words(text: &str) -> Labels {
    Labels::english(text)
}

async fn groups_are_made_and_filled(database: Database) {
    let site = Site::with(database, LAB).await;
    let (root, kim, zoe) = (site.person("root", &["administrator"]).await, site.person("kim", &["keeper"]).await, site.person("zoe", &[]).await);
    kim.make("device", json!({"name": "One", "price": "5"})).await;
    let root = actor(&site, &root).await;
    let group = rights::put_group(&site.app, &root, &sure(), None, &words("North sales"), &Labels::default()).await.expect("a group");
    assert_eq!(group.as_str(), "x_north_sales");
    // Names that leave nothing of themselves, and names that are taken, get keys that are made up.
    let others = [words("北方销售"), words("North sales")];
    for labels in &others {
        let made = rights::put_group(&site.app, &root, &sure(), None, labels, &Labels::default()).await.expect("a group");
        assert!(made.as_str().starts_with("x_") && made != group, "{made}");
    }
    enter(&site, &zoe, &[group.as_str()]).await;
    zoe.get("/records/device").await.refused(404, "not_found");
    rights::put(&site.app, &root, &sure(), wanted(Some(group.as_str()), says(&[ActionName::Read], json!("all"), &[("price", FieldRight::None)]))).await.expect("a grant");
    assert_eq!(names(&zoe).await, [json!("One")]);
    zoe.post("/records/device/query", json!({"filter": {"field": "price", "op": "gt", "value": "1"}})).await.refused(403, "forbidden");
    enter(&site, &zoe, &[]).await;
    zoe.get("/records/device").await.refused(404, "not_found");
    enter(&site, &zoe, &[group.as_str()]).await;
    rights::remove_group(&site.app, &root, &sure(), group.as_str()).await.expect("gone");
    zoe.get("/records/device").await.refused(404, "not_found");
    assert_eq!(site.number("SELECT count(*) FROM sys_grant").await, 0);
    // Packs' groups are the packs'.
    assert!(rights::remove_group(&site.app, &root, &sure(), "keeper").await.is_err());
    assert!(rights::put_group(&site.app, &actor(&site, &kim).await, &sure(), None, &words("Mine"), &Labels::default()).await.is_err());
}

fn upgraded(change: impl Fn(&mut Value)) -> Files {
    let mut files = pack(LAB);
    let mut card: Value = serde_json::from_slice(&files["cards/device.json"]).expect("a card");
    change(&mut card);
    files.insert("cards/device.json".into(), card.to_string().into_bytes());
    files
}

async fn a_grant_of_a_pack_is_changed_and_holds_through_upgrades(database: Database) {
    let site = Site::with(database, LAB).await;
    let (root, kim, gus) = (site.person("root", &["administrator"]).await, site.person("kim", &["keeper"]).await, site.person("gus", &["guest"]).await);
    kim.make("device", json!({"name": "A", "grade": "a"})).await;
    kim.make("device", json!({"name": "B", "grade": "b"})).await;
    assert_eq!(names(&gus).await, [json!("A")]);
    let root = actor(&site, &root).await;
    let packs = site.app.snapshot().catalog.card("device").expect("devices").grants_of(&key("guest"))[0].id.clone();
    let changed = Wanted { replaces: Some(packs.clone()), ..wanted(Some("guest"), says(&[ActionName::Read], json!({"field": "grade", "op": "is", "value": "b"}), &[])) };
    let id = rights::put(&site.app, &root, &sure(), changed.clone()).await.expect("changed");
    assert_eq!(names(&gus).await, [json!("B")]);
    assert!(rights::put(&site.app, &root, &sure(), changed).await.is_err(), "changed once already");
    // The pack comes anew, and says otherwise: what the administrator said holds.
    let files = upgraded(|card| card["permissions"].as_array_mut().expect("grants").iter_mut().filter(|grant| grant["role"] == "guest").for_each(|grant| grant["scope"] = json!("all")));
    app::packs::install(&site.app, vec![files]).await.expect("upgraded");
    assert_eq!(names(&gus).await, [json!("B")]);
    // Taken back, the pack's holds as it is by now.
    rights::remove(&site.app, &root, &sure(), id).await.expect("gone");
    assert_eq!(names(&gus).await, [json!("A"), json!("B")]);
    // A grant taken back altogether: nothing in its place.
    let off = Wanted { replaces: Some(packs), ..wanted(Some("guest"), says(&[], json!("all"), &[])) };
    rights::put(&site.app, &root, &sure(), off).await.expect("off");
    gus.get("/records/device").await.refused(404, "not_found");
    assert!(site.number("SELECT count(*) FROM sys_log WHERE event = 'rights_changed'").await >= 3);
}

/// Takes names out of every list of them.
fn leave_out(json: &mut Value, names: &[&str]) {
    match json {
        Value::Array(all) => {
            all.retain(|one| !names.iter().any(|name| one == name));
            all.iter_mut().for_each(|one| leave_out(one, names));
        }
        Value::Object(map) => map.values_mut().for_each(|one| leave_out(one, names)),
        _ => {}
    }
}

async fn what_names_something_gone_matches_nothing(database: Database) {
    let site = Site::with(database, LAB).await;
    let (root, kim, zoe) = (site.person("root", &["administrator"]).await, site.person("kim", &["keeper"]).await, site.person("zoe", &[]).await);
    kim.make("device", json!({"name": "One"})).await;
    let root = actor(&site, &root).await;
    let group = rights::put_group(&site.app, &root, &sure(), None, &words("Visitors"), &Labels::default()).await.expect("a group");
    enter(&site, &zoe, &[group.as_str()]).await;
    rights::put(&site.app, &root, &sure(), wanted(Some(group.as_str()), says(&[ActionName::Read], json!({"not": {"field": "web", "op": "is", "value": "https://x.example"}}), &[("phone", FieldRight::None)])))
        .await
        .expect("a grant");
    assert_eq!(names(&zoe).await, [json!("One")]);
    let refused =
        rights::put(&site.app, &root, &sure(), wanted(Some(group.as_str()), says(&[ActionName::Read], json!({"field": "wep", "op": "empty"}), &[("fone", FieldRight::None)]))).await.expect_err("refused");
    assert!(format!("{refused:?}").contains("wep") && format!("{refused:?}").contains("fone"), "{refused:?}");
    // The field goes with an upgrade: the scope is unknown, so nothing is seen; and the grant says why.
    let files = upgraded(|card| {
        card["fields"].as_object_mut().expect("fields").remove("web");
        let phone = card["fields"].as_object_mut().expect("fields").remove("phone").expect("a field");
        card["fields"]["telephone"] = phone;
        card["fields"]["telephone"]["id"] = json!("phone");
        leave_out(card, &["web", "phone"]);
    });
    let installed = app::packs::install(&site.app, vec![files]).await.expect("upgraded");
    let errors: Vec<String> = installed.findings.iter().filter(|finding| finding.level == model::Level::Error).map(|finding| finding.render(None)).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert!(names(&zoe).await.is_empty());
    let snapshot = site.app.snapshot();
    let grant = snapshot.catalog.card("device").expect("devices").grants_of(&group).first().cloned().expect("a grant");
    assert!(grant.fault.as_ref().is_some_and(|fault| fault.contains("web")), "{grant:?}");
    // A renamed field keeps its right.
    assert_eq!(grant.fields.keys().map(|(_, field)| field.as_str()).collect::<Vec<_>>(), ["telephone"]);
    // The site starts with it.
    site.app.reload().await.expect("read");
}

async fn guards_are_not_widened(database: Database) {
    let site = Site::with(database, LAB).await;
    let (root, kim, cleo) = (site.person("root", &["administrator"]).await, site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let a = kim.make("device", json!({"name": "A", "grade": "a"})).await;
    let b = kim.make("device", json!({"name": "B", "grade": "b"})).await;
    let asked = root.clone();
    let root = actor(&site, &root).await;
    let id = rights::put(&site.app, &root, &sure(), wanted(None, says(&[], json!({"field": "grade", "op": "is", "value": "a"}), &[]))).await.expect("a guard");
    assert_eq!(names(&kim).await, [json!("A")]);
    kim.get(&format!("/records/device/{b}")).await.refused(404, "not_found");
    // Nothing is carried out of it: not by a change, not by making, not by assigning.
    kim.patch(&format!("/records/device/{a}"), json!({"grade": "b"})).await.refused(403, "forbidden");
    kim.patch(&format!("/records/device/{a}"), json!({"grade": "b", "owner": cleo.id})).await.refused(403, "forbidden");
    kim.post("/records/device", json!({"name": "C", "grade": "c"})).await.refused(403, "forbidden");
    // Administrators are not held by it; nor is a group it leaves out.
    assert_eq!(names(&asked).await.len(), 2);
    let except = LocalRight { except: vec![key("keeper")], ..says(&[], json!({"field": "grade", "op": "is", "value": "a"}), &[]) };
    rights::put(&site.app, &root, &sure(), Wanted { id: Some(id), ..wanted(None, except) }).await.expect("changed");
    assert_eq!(names(&kim).await.len(), 2);
    assert!(rights::put(&site.app, &root, &sure(), wanted(None, says(&[], json!("all"), &[]))).await.is_err(), "a guard that guards nothing");
    assert!(rights::put(&site.app, &actor(&site, &kim).await, &sure(), wanted(None, says(&[], json!("own"), &[]))).await.is_err());
}

async fn nobody_gives_more_than_they_hold(database: Database) {
    let mut files = pack(LAB);
    let deputy = json!({"key": "deputy", "grants": [{"card": "device", "actions": ["read", "update", "administer"], "scope": "all", "fields": {"price": "read", "cost": "none"}}, {"card": "device", "actions": ["delete"], "scope": "own"}]});
    files.insert("roles/deputy.json".into(), deputy.to_string().into_bytes());
    let site = Site::of(database, vec![files]).await;
    let (root, dee, zoe) = (site.person("root", &["administrator"]).await, site.person("dee", &["deputy"]).await, site.person("zoe", &[]).await);
    let group = rights::put_group(&site.app, &actor(&site, &root).await, &sure(), None, &words("Team"), &Labels::default()).await.expect("a group");
    let give =
        async |actions: &[ActionName], scope: Value, fields: &[(&str, FieldRight)]| rights::put(&site.app, &actor(&site, &dee).await, &sure(), wanted(Some(group.as_str()), says(actions, scope, fields))).await;
    let without = [("price", FieldRight::Read), ("cost", FieldRight::None)];
    // An action that is not theirs, rows that are not theirs, a field that is not theirs, administering others' cards.
    assert!(give(&[ActionName::Export], json!("all"), &without).await.is_err());
    assert!(give(&[ActionName::Delete], json!("all"), &without).await.is_err());
    assert!(give(&[ActionName::Read], json!("all"), &[]).await.is_err());
    assert!(give(&[ActionName::Read], json!("all"), &[("price", FieldRight::Edit), ("cost", FieldRight::None)]).await.is_err());
    assert_eq!(site.number("SELECT count(*) FROM sys_grant").await, 0);
    give(&[ActionName::Read, ActionName::Update], json!({"field": "grade", "op": "is", "value": "a"}), &without).await.expect("what they hold");
    give(&[ActionName::Delete], json!("own"), &without).await.expect("what they hold");
    // Nor do they change what packs give others.
    let keeper = site.app.snapshot().catalog.card("device").expect("devices").grants_of(&key("keeper"))[0].id.clone();
    let off = Wanted { replaces: Some(keeper), ..wanted(Some("keeper"), says(&[], json!("all"), &[])) };
    assert!(rights::put(&site.app, &actor(&site, &dee).await, &sure(), off).await.is_err());
    assert!(rights::put(&site.app, &actor(&site, &zoe).await, &sure(), wanted(Some(group.as_str()), says(&[ActionName::Read], json!("all"), &without))).await.is_err());
}

async fn ten_thousand_groups_are_no_burden(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let zoe = site.person("zoe", &[]).await;
    kim.make("device", json!({"name": "One"})).await;
    let dialect = site.app.store.dialect();
    let zoe_id: Uuid = zoe.id.parse().expect("an id");
    site.app
        .store
        .write_alone(move |tx: &mut store::Tx| {
            Box::pin(async move {
                let now = chrono::Utc::now();
                for number in 0..10_000 {
                    let group = format!("x_group_{number}");
                    tx.execute(&sql::system_rights::put_group(dialect, &group, "{\"en\": \"Group\"}", "{}", None, now)).await?;
                    let kept = sql::system_rights::Kept { id: Uuid::now_v7(), card: "device", role: Some(&group), replaces: None, base: None, says: r#"{"actions": ["read"], "scope": "own"}"# };
                    tx.execute(&sql::system_rights::put_grant(dialect, &kept, None, now)).await?;
                }
                tx.execute(&sql::system::add_role(dialect, zoe_id, "x_group_77")).await?;
                tx.fetch(&sql::system::next_catalog_version(dialect)).await?;
                Ok::<(), app::UnitError>(())
            })
        })
        .await
        .map_err(|error| error.error)
        .expect("groups");
    assert!(names(&zoe).await.is_empty());
    zoe.get("/cards/device").await.ok(200);
    assert_eq!(names(&kim).await, [json!("One")]);
    assert_eq!(site.app.snapshot().catalog.card("device").expect("devices").grants_of(&key("x_group_9999")).len(), 1);
}

/// What one keeps of how one likes things is read anew by nobody else.
async fn a_preference_is_nobody_elses_business(database: Database) {
    let site = Site::with(database, LAB).await;
    let (kim, cleo) = (site.person("kim", &["keeper"]).await, site.person("cleo", &["clerk"]).await);
    let (first, own) = (actor(&site, &cleo).await, actor(&site, &kim).await);
    accounts::put_preference(&site.app, kim.id.parse().expect("an id"), "width", "9").await.expect("kept");
    let (second, after) = (actor(&site, &cleo).await, actor(&site, &kim).await);
    assert_eq!(first.known_since, second.known_since);
    assert!(own.known_since < after.known_since && after.preferences.get("width").map(String::as_str) == Some("9"));
    // What is everybody's business is read anew by everybody.
    accounts::set_active(&site.app, kim.id.parse().expect("an id"), false).await.expect("closed");
    assert!(actor(&site, &cleo).await.known_since > second.known_since);
}

async fn assigning_takes_the_grants_rows(database: Database) {
    let mut files = pack(LAB);
    let giver = json!({"key": "giver", "grants": [{"card": "device", "actions": ["read", "update"]}, {"card": "device", "actions": ["assign"], "scope": "own"}]});
    files.insert("roles/giver.json".into(), giver.to_string().into_bytes());
    let site = Site::of(database, vec![files]).await;
    let (kim, gil) = (site.person("kim", &["keeper"]).await, site.person("gil", &["giver"]).await);
    let (theirs, mine) = (kim.make("device", json!({"name": "Theirs"})).await, kim.make("device", json!({"name": "Mine"})).await);
    kim.patch(&format!("/records/device/{mine}"), json!({"owner": gil.id})).await.ok(200);
    // Others' records may be changed, but not given away.
    gil.patch(&format!("/records/device/{theirs}"), json!({"name": "Changed"})).await.ok(200);
    gil.patch(&format!("/records/device/{theirs}"), json!({"owner": gil.id})).await.refused(422, "invalid");
    gil.patch(&format!("/records/device/{mine}"), json!({"owner": kim.id})).await.ok(200);
}
