//! Accounts: invitations, passwords, groups, closing, and what must not be possible with them.

use app::accounts::{self, Confirmed, LinkKind, memberships, people::{self, Changed}, signing::{self, TokenAsked}};
use app::log::Event;
use chrono::{TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::{both, browser::Browser, site::{Database, Person, Site}};

both!(
    invited_people_set_a_password_once, links_end_and_take_each_other_s_place, dangerous_acts_ask_for_the_password_again, a_deactivated_user_s_open_session_is_refused,
    rights_taken_are_gone_with_the_next_request, the_last_administrator_stays, two_administrators_cannot_demote_each_other,
    a_form_waits_for_the_password, a_new_password_is_its_own_confirmation, administrators_change_accounts_by_the_api, groups_of_outsiders_do_not_mix, renamed_people_are_found_by_their_new_name, who_somebody_is_in_the_company_is_set, a_group_made_by_an_administrator_is_taken_away,
);

const LAB: &str = "tests/packs/lab";
pub const GOOD: &str = "a good password";

/// Somebody who may administer by the API.
pub async fn root(site: &Site) -> Person {
    let root = site.person("root", &["administrator"]).await;
    let asked = TokenAsked { name: "test".into(), days: None, administers: true };
    let token = signing::make_token(&site.app, root.id.parse().expect("an id"), &asked, Confirmed::command_line().entry(Event::TokenMade), Utc::now()).await.expect("a token");
    root.with(Some(token))
}

/// Signed in with a browser.
pub async fn signed_in(site: &Site, name: &str) -> Browser {
    let browser = Browser::new(site);
    assert_eq!(browser.sign_in(name, GOOD).await.ok(303).to(), "/me");
    browser
}

pub fn id(person: &Person) -> Uuid {
    person.id.parse().expect("an id")
}

/// As if the password had been given an hour ago.
async fn an_hour_later(site: &Site, database: Database) {
    let then = if database == Database::Postgres { "now() - interval '1 hour'".to_owned() } else { (Utc::now() - TimeDelta::hours(1)).timestamp_micros().to_string() };
    site.app.store.apply(vec![format!("UPDATE sys_session SET confirmed_at = {then}")]).await.expect("aged");
}

async fn invited_people_set_a_password_once(database: Database) {
    let site = Site::with(database, LAB).await;
    root(&site).await;
    let admin = signed_in(&site, "root").await;
    admin.get("/studio/users/new").await.ok(200);
    let fields = [("login", "Mei"), ("name", "Mei Lin"), ("email", "mei@example.com"), ("language", "en"), ("groups", "keeper")];
    let made = admin.post("/studio/users", &fields).await.ok(200);
    let link = made.link();
    let token = link.rsplit('/').next().expect("a token").to_owned();
    // Of the link only a hash is kept; the letter that waits is closed.
    let secret = |text: &str| text.contains(&token);
    for table in ["SELECT CAST(content AS text) FROM sys_outgoing", "SELECT about FROM sys_log"] {
        let statement = sql::Statement { sql: table.into(), binds: Vec::new(), columns: vec![sql::Physical::Text] };
        let rows = site.app.store.fetch(&statement).await.expect("rows");
        assert!(!rows.is_empty() && !rows.iter().flatten().any(|datum| secret(&format!("{datum:?}"))), "{table}");
    }
    let mei = Browser::new(&site);
    let page = mei.get(&link).await.ok(200);
    assert!(page.text.contains("Mei Lin") && page.text.contains("<code>mei</code>"), "{}", page.text);
    assert!(mei.post(&link, &[("password", "password123"), ("again", "password123")]).await.ok(422).text.contains("first that others would try"));
    assert!(mei.post(&link, &[("password", GOOD), ("again", "another one")]).await.ok(422).text.contains("differ"));
    assert_eq!(mei.post(&link, &[("password", GOOD), ("again", GOOD)]).await.ok(303).to(), "/login?notice=password");
    assert!(mei.post(&link, &[("password", "another good one"), ("again", "another good one")]).await.ok(422).text.contains("no longer works"));
    assert_eq!(mei.sign_in("MEI", GOOD).await.ok(303).to(), "/me");
    assert_eq!(mei.get("/c/device").await.status, 200);
    // The name is taken.
    assert!(admin.post("/studio/users", &[("login", "mei")]).await.ok(422).text.contains("already"));
    assert!(admin.post("/studio/users", &[("login", "li"), ("email", "nonsense")]).await.ok(422).text.contains("mail address"));
}

async fn links_end_and_take_each_other_s_place(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let browser = Browser::new(&site);
    let old = accounts::login_link(&site.app, id(&kim), Utc::now() - TimeDelta::days(2)).await.expect("a link");
    assert!(browser.get(&format!("/login/link/{old}")).await.ok(200).text.contains("no longer works"));
    assert_eq!(browser.post(&format!("/login/link/{old}"), &[("password", GOOD), ("again", GOOD)]).await.status, 422);
    let first = accounts::login_link(&site.app, id(&kim), Utc::now()).await.expect("a link");
    let second = accounts::login_link(&site.app, id(&kim), Utc::now()).await.expect("a link");
    assert_eq!(browser.post(&format!("/login/link/{first}"), &[("password", GOOD), ("again", GOOD)]).await.status, 422);
    // Two at the same moment: one sets a password.
    let path = format!("/login/link/{second}");
    let (one, other) = tokio::join!(browser.post(&path, &[("password", "first of both words"), ("again", "first of both words")]), browser.post(&path, &[("password", "second of both words"), ("again", "second of both words")]));
    let mut both = [one.status, other.status];
    both.sort_unstable();
    assert_eq!(both, [303, 422]);
    assert_eq!(LinkKind::Invite.lasts(), TimeDelta::days(7));
}

async fn dangerous_acts_ask_for_the_password_again(database: Database) {
    let site = Site::with(database, LAB).await;
    let (root, kim) = (root(&site).await, site.person("kim", &["keeper"]).await);
    let admin = signed_in(&site, "root").await;
    an_hour_later(&site, database).await;
    assert_eq!(admin.get("/studio/users/new").await.ok(303).to(), "/me/confirm?next=%2Fstudio%2Fusers%2Fnew");
    for (path, fields) in [
        ("/studio/users", vec![("login", "mallory"), ("groups", "administrator")]),
        (&*format!("/studio/users/{}/groups", kim.id), vec![("groups", "administrator")]),
        (&*format!("/studio/users/{}/close", root.id), vec![("closed", "true")]),
        (&*format!("/studio/users/{}/link", kim.id), vec![]),
        ("/studio/groups/administrator/members", vec![("user", kim.id.as_str()), ("member", "true")]),
        ("/me/tokens", vec![("label", "stolen")]),
        ("/me/second", vec![("code", "123456")]),
        ("/me/second/off", vec![]),
    ] {
        let asked = admin.post(path, &fields).await.ok(403);
        assert!(asked.text.contains(&format!("action=\"{path}\"")) && asked.text.contains("confirm-password"), "{path}: {}", asked.text);
        // What was typed waits in the page that asks.
        for (name, value) in fields {
            assert!(asked.text.contains(&format!("name=\"{name}\" value=\"{value}\"")), "{path}: {}", asked.text);
        }
    }
    // A new password does not come back in a page.
    let asked = admin.post("/me/password", &[("confirm_password", "wrong"), ("password", "another good one"), ("again", "another good one")]).await.ok(422);
    assert!(asked.text.contains("action=\"/me/confirm\"") && !asked.text.contains("another good one"), "{}", asked.text);
    assert!(admin.get("/studio/log/export?log=signin").await.ok(303).to().starts_with("/me/confirm"));
    assert_eq!(site.number("SELECT count(*) FROM sys_user").await, 2);
    assert_eq!(site.number("SELECT count(*) FROM sys_user_role WHERE role = 'administrator'").await, 1);
    // An API token does no such thing, unless it was made for it.
    let plain = site.person("second", &["administrator"]).await;
    plain.post("/users", json!({"login": "mallory"})).await.refused(403, "confirm_first");
    plain.post("/tokens", json!({"name": "more", "administers": true})).await.refused(403, "confirm_first");
    plain.post("/me/confirm", json!({"password": GOOD})).await.refused(400, "no_session");
    root.post("/users", json!({"login": "mei", "groups": ["keeper"]})).await.ok(201);
    // The password opens it again, for this session.
    admin.get("/me/confirm?next=/studio/users/new").await.ok(200);
    assert_eq!(admin.post("/me/confirm", &[("confirm_password", "wrong"), ("next", "/studio/users/new")]).await.status, 422);
    assert_eq!(admin.post("/me/confirm", &[("confirm_password", GOOD), ("next", "/studio/users/new")]).await.ok(303).to(), "/studio/users/new");
    assert_eq!(admin.post("/me/confirm", &[("confirm_password", GOOD), ("next", "//evil.example")]).await.ok(303).to(), "/");
    admin.get("/studio/users/new").await.ok(200);
}

async fn a_form_waits_for_the_password(database: Database) {
    let site = Site::with(database, LAB).await;
    root(&site).await;
    let admin = signed_in(&site, "root").await;
    an_hour_later(&site, database).await;
    let (path, name) = ("/studio/users?from=\"a\"", "Mei <b>\"Lin\"</b> & 林");
    let typed = [("login", "mei"), ("name", name), ("email", "mei@example.com"), ("groups", "keeper"), ("groups", "clerk")];
    let asked = admin.post(path, &typed).await.ok(403);
    let said = ["name=\"name\" value=\"Mei &lt;b&gt;&quot;Lin&quot;&lt;/b&gt; & 林\"", "name=\"groups\" value=\"keeper\"", "name=\"groups\" value=\"clerk\"", "carried out as soon as"];
    for part in said {
        assert!(asked.text.contains(part), "{part}: {}", asked.text);
    }
    assert!(!asked.text.contains("<b>\"Lin") && asked.headers.get("cache-control").is_some_and(|value| value == "no-store"));
    // Not right: asked again, with the same; nothing has happened.
    let wrong = admin.post(path, &[&typed[..], &[("confirm_password", "not it at all")]].concat()).await.ok(422);
    assert!(said.iter().all(|part| wrong.text.contains(part)) && wrong.text.contains("That was not right") && !wrong.text.contains("not it at all"), "{}", wrong.text);
    assert_eq!(site.number("SELECT count(*) FROM sys_user").await, 1);
    // Right: it is done.
    admin.post(path, &[&typed[..], &[("confirm_password", GOOD), ("confirm_name", "root")]].concat()).await.ok(200).link();
    assert_eq!(site.number("SELECT count(*) FROM sys_user WHERE login = 'mei'").await, 1);
    // The session is sure again for a while, and the log tells of both.
    admin.get("/studio/users/new").await.ok(200);
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event IN ('confirmed', 'confirm_failed')").await, 2);
    // Who guesses is stopped here too; who may not do it is not even asked.
    an_hour_later(&site, database).await;
    for _ in 0..10 {
        admin.post(path, &[("confirm_password", "a guess")]).await.ok(422);
    }
    admin.post(path, &[&typed[..], &[("confirm_password", GOOD)]].concat()).await.ok(429);
    site.person("kim", &["keeper"]).await;
    let kim = signed_in(&site, "kim").await;
    an_hour_later(&site, database).await;
    kim.post(path, &[&typed[..], &[("confirm_password", GOOD)]].concat()).await.ok(403);
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'confirmed'").await, 1);
}

async fn a_new_password_is_its_own_confirmation(database: Database) {
    let site = Site::with(database, LAB).await;
    site.person("kim", &["keeper"]).await;
    let kim = signed_in(&site, "kim").await;
    an_hour_later(&site, database).await;
    let fields = [("confirm_password", GOOD), ("password", "quite another sentence"), ("again", "quite another sentence")];
    assert_eq!(kim.post("/me/password", &fields).await.ok(303).to(), "/login?notice=password");
    kim.sign_in("kim", "quite another sentence").await.ok(303);
}

async fn a_deactivated_user_s_open_session_is_refused(database: Database) {
    let site = Site::with(database, LAB).await;
    let (root, kim) = (root(&site).await, site.person("kim", &["keeper"]).await);
    let browser = signed_in(&site, "kim").await;
    browser.get("/c/device").await.ok(200);
    root.patch(&format!("/users/{}", kim.id), json!({"active": false})).await.ok(200);
    assert!(browser.get("/c/device").await.ok(303).to().starts_with("/login"));
    assert!(browser.post("/c/device", &[("f.name", "Late")]).await.ok(303).to().starts_with("/login"));
    kim.get("/records/device").await.refused(401, "unauthenticated");
    assert_eq!(Browser::new(&site).sign_in("kim", GOOD).await.status, 422);
    // Opened again, the old session and token stay dead.
    root.patch(&format!("/users/{}", kim.id), json!({"active": true})).await.ok(200);
    assert!(browser.get("/c/device").await.ok(303).to().starts_with("/login"));
    kim.get("/records/device").await.refused(401, "unauthenticated");
    signed_in(&site, "kim").await;
    assert_eq!(site.number("SELECT count(*) FROM c_device").await, 0);
}

async fn rights_taken_are_gone_with_the_next_request(database: Database) {
    let site = Site::with(database, LAB).await;
    let (root, kim) = (root(&site).await, site.person("kim", &["keeper"]).await);
    kim.get("/records/device").await.ok(200);
    root.patch(&format!("/users/{}", kim.id), json!({"groups": []})).await.ok(200);
    kim.get("/records/device").await.refused(404, "not_found");
    root.patch(&format!("/users/{}", kim.id), json!({"groups": ["keeper"]})).await.ok(200);
    kim.get("/records/device").await.ok(200);
    // An administrator who is one no more changes nothing more.
    let second = site.person("second", &["administrator"]).await;
    let browser = signed_in(&site, "second").await;
    root.patch(&format!("/users/{}", second.id), json!({"groups": ["keeper"]})).await.ok(200);
    assert_eq!(browser.post(&format!("/studio/users/{}/groups", second.id), &[("groups", "administrator")]).await.status, 403);
    assert_eq!(browser.get("/studio/users").await.status, 403);
    root.patch(&format!("/users/{}", kim.id), json!({"groups": ["keeepr"]})).await.refused(400, "unknown_role");
    root.patch(&format!("/users/{}", kim.id), json!({"password": "x"})).await.refused(400, "bad_user");
}

async fn the_last_administrator_stays(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    let own = format!("/users/{}", root.id);
    root.patch(&own, json!({"active": false})).await.refused(409, "last_administrator");
    root.patch(&own, json!({"groups": ["keeper"]})).await.refused(409, "last_administrator");
    let admin = signed_in(&site, "root").await;
    assert!(admin.post(&format!("/studio/users/{}/close", root.id), &[("closed", "true")]).await.ok(422).text.contains("nobody else may administer"));
    assert!(admin.post(&format!("/studio/users/{}/groups", root.id), &[("seen", "administrator"), ("groups", "keeper")]).await.ok(422).text.contains("nobody else may administer"));
    // What somebody else did since the page was drawn stays.
    let kept = site.person("kept", &["administrator"]).await;
    for (fields, groups) in [(&[("groups", "keeper")][..], json!(["administrator", "keeper"])), (&[("seen", "keeper")], json!(["administrator"])), (&[("seen", "administrator")], json!([]))] {
        admin.post(&format!("/studio/users/{}/groups", kept.id), fields).await.ok(303);
        assert_eq!(root.get(&format!("/users/{}", kept.id)).await.ok(200)["groups"], groups, "{fields:?}");
    }
    assert!(admin.post("/studio/groups/administrator/members", &[("user", &root.id), ("member", "false")]).await.ok(422).text.contains("nobody else may administer"));
    assert!(accounts::set_active(&site.app, id(&root), false).await.is_err());
    // Somebody invited who has no password yet is nobody who could.
    let invited = root.post("/users", json!({"login": "second", "groups": ["administrator"]})).await.ok(201);
    root.patch(&own, json!({"active": false})).await.refused(409, "last_administrator");
    let link = invited["link"].as_str().expect("a link");
    assert_eq!(Browser::new(&site).post(link, &[("password", GOOD), ("again", GOOD)]).await.status, 303);
    root.patch(&own, json!({"groups": ["keeper"]})).await.ok(204);
    root.get("/users").await.refused(403, "forbidden");
}

async fn two_administrators_cannot_demote_each_other(database: Database) {
    let site = Site::with(database, LAB).await;
    let (one, other) = (site.person("one", &["administrator"]).await, site.person("other", &["administrator"]).await);
    let by = Confirmed::command_line();
    let (first, second) = tokio::join!(memberships::set_roles(&site.app, &by, id(&one), &[]), people::close(&site.app, &by, id(&other), true));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(site.number("SELECT count(*) FROM sys_user u JOIN sys_user_role r ON r.user_id = u.id WHERE r.role = 'administrator' AND u.active").await, 1);
}

async fn administrators_change_accounts_by_the_api(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    let made = root.post("/users", json!({"login": "mei", "name": "Mei Lin", "email": "mei@example.com", "language": "zh-Hans", "groups": ["keeper", "guest"]})).await.ok(201);
    let path = format!("/users/{}", made["id"].as_str().expect("an id"));
    let read = root.get(&path).await.ok(200);
    assert_eq!((&read["login"], &read["groups"], &read["password"], &read["second_factor"], &read["active"]), (&json!("mei"), &json!(["guest", "keeper"]), &json!(false), &json!(false), &json!(true)));
    let changed = root.patch(&path, json!({"name": "Mei Lin-Wang", "email": null})).await.ok(200);
    assert_eq!((&changed["name"], &changed["email"], &changed["language"]), (&json!("Mei Lin-Wang"), &json!(null), &json!("zh-Hans")));
    // A form that was shown before changes what was changed in it, and nothing else.
    let form = [("name", "Mei Lin-Wang"), ("was_name", "Mei Lin"), ("email", "mei@example.com"), ("was_email", "mei@example.com"), ("language", "en"), ("was_language", "zh-Hans")];
    signed_in(&site, "root").await.post(&format!("/studio{path}"), &form).await.ok(303);
    let read = root.get(&path).await.ok(200);
    assert_eq!((&read["name"], &read["email"], &read["language"]), (&json!("Mei Lin-Wang"), &json!(null), &json!("en")));
    let found = root.get("/users?q=lin-wang&group=keeper").await.ok(200);
    assert_eq!(found["data"].as_array().expect("people").len(), 1);
    assert_eq!(root.get("/users?q=%25").await.ok(200)["data"], json!([]));
    root.get("/users?nonsense=1").await.refused(400, "unknown_parameter");
    for (body, code) in [(json!({"login": "a b"}), "bad_login"), (json!({"login": ""}), "bad_login"), (json!({}), "bad_user"), (json!([]), "bad_user"), (json!({"login": "x", "groups": "keeper"}), "bad_user"), (json!({"login": "x", "email": "a@b"}), "bad_email"), (json!({"login": "x", "language": "tlh"}), "bad_language"), (json!({"login": "x", "name": "x".repeat(300)}), "bad_name")] {
        root.post("/users", body).await.refused(400, code);
    }
    root.post("/users", json!({"login": "MEI"})).await.refused(409, "login_taken");
    let groups = root.get("/groups").await.ok(200);
    assert!(groups["data"].as_array().expect("groups").iter().any(|group| group["key"] == "keeper" && group["members"] == 1), "{groups}");
    let link = root.post(&format!("{path}/link"), json!({})).await.ok(201);
    assert!(link["link"].as_str().is_some_and(|link| link.starts_with("/login/link/")));
    root.delete(&format!("{path}/sessions")).await.ok(204);
    root.get(&format!("/users/{}", Uuid::now_v7())).await.refused(404, "not_found");
    // Sessions and tokens of everybody.
    signed_in(&site, "root").await;
    let sessions = root.get("/sessions?all=true").await.ok(200);
    let session = sessions["data"][0]["id"].as_str().expect("a session").to_owned();
    root.delete(&format!("/sessions/{session}")).await.ok(204);
    root.delete(&format!("/sessions/{session}")).await.refused(404, "not_found");
    let kim = site.person("kim", &["keeper"]).await;
    kim.get("/sessions?all=true").await.refused(403, "forbidden");
    let tokens = root.get("/tokens?all=true").await.ok(200);
    let of_kim = tokens["data"].as_array().expect("tokens").iter().find(|token| token["user"]["title"] == "kim").expect("kim's").clone();
    root.delete(&format!("/tokens/{}", of_kim["id"].as_str().expect("an id"))).await.ok(204);
    kim.get("/me").await.refused(401, "unauthenticated");
    assert_eq!(root.get("/me").await.ok(200)["login"], "root");
    let made = root.post("/tokens", json!({"name": "short", "days": 1})).await.ok(201);
    assert!(made["token"].as_str().is_some_and(|token| token.len() == 43));
    root.post("/tokens", json!({"name": "", "days": 1})).await.refused(400, "bad_token");
    root.post("/tokens", json!({"name": "x", "days": 0})).await.refused(400, "bad_token");
}

async fn groups_of_outsiders_do_not_mix(database: Database) {
    let outsider = br#"{"key": "outsider", "portal": true, "labels": {"en": "Outsiders"}}"#.to_vec();
    let mut files = crate::site::pack(LAB);
    files.insert("roles/outsider.json".into(), outsider);
    let site = Site::of(database, vec![files]).await;
    let root = root(&site).await;
    root.post("/users", json!({"login": "mei", "groups": ["keeper", "outsider"]})).await.refused(400, "mixed_groups");
    let mei = root.post("/users", json!({"login": "mei", "groups": ["outsider"]})).await.ok(201);
    root.patch(&format!("/users/{}", mei["id"].as_str().expect("an id")), json!({"groups": ["outsider", "administrator"]})).await.refused(400, "mixed_groups");
}

async fn renamed_people_are_found_by_their_new_name(database: Database) {
    let site = Site::with(database, LAB).await;
    let (root, kim) = (root(&site).await, site.person("kim", &["keeper"]).await);
    people::change(&site.app, &Confirmed::command_line(), id(&kim), &Changed { name: Some("Kimberley Newname".into()), ..Changed::default() }).await.expect("changed");
    let found = root.send(reqwest::Method::GET, "/lookup/user?q=newname", &[("hx-request", "true")], None).await;
    assert!(found.text.contains("Kimberley"), "{}", found.text);
}

async fn who_somebody_is_in_the_company_is_set(database: Database) {
    let site = Site::with(database, "tests/packs/club").await;
    let (root, anna) = (root(&site).await, site.person("anna", &["trainer"]).await);
    let squad = root.make("squad", json!({"name": "First"})).await;
    let own = root.make("member", json!({"given": "Anna", "family": "A", "squad": squad})).await;
    let other = root.make("member", json!({"given": "Bea", "family": "B", "squad": squad})).await;
    let admin = signed_in(&site, "root").await;
    let path = format!("/studio/users/{}", anna.id);
    assert!(admin.get(&path).await.ok(200).text.contains("tie-member"));
    admin.post(&format!("{path}/tie"), &[("card", "member"), ("record", &own)]).await.ok(303);
    assert_eq!(root.read("member", &own).await["login"]["id"], anna.id.as_str());
    admin.post(&format!("{path}/tie"), &[("card", "member"), ("record", &other)]).await.ok(303);
    assert!(root.read("member", &own).await["login"].is_null());
    assert_eq!(root.read("member", &other).await["login"]["id"], anna.id.as_str());
    admin.post(&format!("{path}/tie"), &[("card", "member"), ("record", "")]).await.ok(303);
    assert!(root.read("member", &other).await["login"].is_null());
    assert_eq!(admin.post(&format!("{path}/tie"), &[("card", "squad"), ("record", &squad)]).await.status, 404);
}

async fn a_group_made_by_an_administrator_is_taken_away(database: Database) {
    let site = Site::with(database, LAB).await;
    root(&site).await;
    let zoe = site.person("zoe", &[]).await;
    let admin = signed_in(&site, "root").await;
    admin.post("/studio/groups", &[("name", "North sales"), ("card", "device")]).await.ok(303);
    let page = admin.get("/studio/groups/x_north_sales").await.ok(200);
    assert!(page.text.contains("action=\"/studio/groups/x_north_sales/remove\"") && page.text.contains("Remove the group “North sales”?"), "{}", page.text);
    admin.post("/studio/groups/x_north_sales/members", &[("user", zoe.id.as_str()), ("member", "true")]).await.ok(303);
    let member = "SELECT count(*) FROM sys_user_role WHERE role = 'x_north_sales'";
    assert_eq!(site.number(member).await, 1);
    // What a pack brings, a pack takes away.
    assert!(!admin.get("/studio/groups/keeper").await.ok(200).text.contains("/remove\""));
    assert_eq!(admin.post("/studio/groups/keeper/remove", &[]).await.status, 404);
    assert_eq!(admin.post("/studio/groups/administrator/remove", &[]).await.status, 404);
    // Nobody else does, and not long after the password was given.
    assert_eq!(signed_in(&site, "zoe").await.post("/studio/groups/x_north_sales/remove", &[]).await.status, 403);
    an_hour_later(&site, database).await;
    admin.post("/studio/groups/x_north_sales/remove", &[]).await.ok(403);
    assert_eq!(site.number(member).await, 1);
    let admin = signed_in(&site, "root").await;
    assert_eq!(admin.post("/studio/groups/x_north_sales/remove", &[]).await.ok(303).to(), "/studio/groups");
    assert_eq!(site.number(member).await, 0);
    assert!(!admin.get("/studio/groups").await.ok(200).text.contains("x_north_sales"));
    assert_eq!(admin.get("/studio/groups/x_north_sales").await.status, 404);
}
