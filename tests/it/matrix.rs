//! The pages where administrators give and take rights, and ask why: the table of a card, a grant and its condition,
//! guards, groups.

use serde_json::{Value, json};

use crate::{
    accounts::{id, root, signed_in},
    both,
    browser::{Browser, Page},
    site::{Database, Person, Site},
};

both!(
    a_condition_is_written_without_json, whoever_is_refused_finds_everything_as_it_was_typed, what_the_builder_cannot_say_is_text, a_pack_s_grant_is_taken_back_and_comes_again,
    guards_and_groups_are_made_and_taken_away, the_page_says_why, the_page_is_for_who_administers,
);

const LAB: &str = "tests/packs/lab";
const GRANT: &str = "/studio/rights/device/grant";
const STEP: &str = "/studio/rights/device/condition";

async fn names(person: &Person) -> Vec<Value> {
    person.find("device", &json!({"all": []}), "name", "name").await
}

/// The draft that a page carries along.
fn draft(page: &Page) -> String {
    page.between("name=\"draft\" value=\"", "\"").expect("a draft").replace("&quot;", "\"")
}

async fn begin(database: Database) -> (Site, Person, Browser) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    for (name, grade) in [("First", "a"), ("Second", "b"), ("Third", "c")] {
        root.make("device", json!({"name": name, "grade": grade})).await;
    }
    let admin = signed_in(&site, "root").await;
    (site, root, admin)
}

async fn a_condition_is_written_without_json(database: Database) {
    let (site, _, admin) = begin(database).await;
    let cleo = site.person("cleo", &["clerk"]).await;
    assert!(names(&cleo).await.is_empty());
    let form = admin.get(GRANT).await.ok(200);
    assert!(form.text.contains("data-group=\"0\"") && !form.text.contains("name=\"condition\""), "{}", form.text);
    // A step keeps what else was chosen, and changes nothing.
    let chosen = [("role", "clerk"), ("action", "read"), ("scope", "condition"), ("field.price", "none")];
    let step = admin.post(STEP, &[&chosen[..], &[("draft", &draft(&form)), ("do", "add:0:grade")]].concat()).await.ok(200);
    for kept in ["value=\"clerk\" selected", "value=\"read\" checked", "value=\"condition\" selected", "name=\"op.1\""] {
        assert!(step.text.contains(kept), "{kept} in {}", step.text);
    }
    assert!(step.between("name=\"field.price\"", "</select>").is_some_and(|choices| choices.contains("value=\"none\" selected")), "{}", step.text);
    assert!(names(&cleo).await.is_empty());
    // What was chosen is read back as a sentence; a scope asks nobody anything.
    let typed = [("draft", draft(&step)), ("op.1", "is".to_owned()), ("v.1", "a".to_owned())];
    let typed: Vec<(&str, &str)> = typed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let read = admin.post(STEP, &[&chosen[..], &typed, &[("do", "redraw")]].concat()).await.ok(200);
    let sentence = read.between("id=\"query-sentence\" aria-live=\"polite\">", "</p>").expect("a sentence");
    assert!(sentence.contains("Grade") && sentence.contains("First"), "{sentence}");
    assert!(!read.text.contains("@param"), "{}", read.text);
    let saved = admin.post(GRANT, &[&chosen[..], &typed].concat()).await.ok(303);
    assert_eq!(saved.to(), "/studio/rights?card=device");
    assert_eq!(names(&cleo).await, [json!("First")]);
    let table = admin.get(saved.to()).await.ok(200);
    assert!(table.text.contains(sentence), "{sentence} in {}", table.text);
    // It is opened again as it was written.
    let id = table.between("/studio/rights/device/remove?id=", "\"").expect("one's own grant").to_owned();
    let again = admin.get(&format!("{GRANT}?id={id}")).await.ok(200);
    assert!(again.text.contains("name=\"v.1\"") && again.text.contains("value=\"condition\" selected"), "{}", again.text);
    assert!(again.between("name=\"field.price\"", "</select>").is_some_and(|choices| choices.contains("value=\"none\" selected")), "{}", again.text);
}

async fn whoever_is_refused_finds_everything_as_it_was_typed(database: Database) {
    let (site, _, admin) = begin(database).await;
    let chosen = [("action", "update"), ("scope", "condition"), ("field.cost", "mask")];
    let unfinished = r#"{"mode":"all","parts":[{"n":1,"test":{"field":"grade","op":"is","value":null}}]}"#;
    let role = [("role", "guest")];
    let cases: [(Vec<(&str, &str)>, &str); 4] = [
        (vec![("draft", "")], "Choose a group."),
        ([&role[..], &[("draft", "")]].concat(), "Say which records: add a condition."),
        ([&role[..], &[("draft", unfinished)]].concat(), "A value is missing."),
        ([&role[..], &[("condition", r#"{"field": "grado", "op": "is", "value": "a"}"#)]].concat(), "did you mean `grade`?"),
    ];
    for (fields, said) in cases {
        let refused = admin.post(GRANT, &[&chosen[..], &fields].concat()).await.ok(422);
        assert!(refused.text.contains(said), "{said} in {}", refused.text);
        assert!(refused.text.contains("value=\"update\" checked") && refused.text.contains("value=\"condition\" selected"), "{}", refused.text);
        assert!(refused.between("name=\"field.cost\"", "</select>").is_some_and(|choices| choices.contains("value=\"mask\" selected")), "{}", refused.text);
    }
    assert_eq!(site.number("SELECT count(*) FROM sys_grant").await, 0);
}

async fn what_the_builder_cannot_say_is_text(database: Database) {
    let (site, _, admin) = begin(database).await;
    let gus = site.person("gus", &["clerk"]).await;
    let chosen = [("role", "clerk"), ("action", "read"), ("scope", "condition")];
    let drafted = r#"{"mode":"any","parts":[{"n":1,"test":{"field":"grade","op":"is","value":"c"}}]}"#;
    let text = admin.post(STEP, &[&chosen[..], &[("draft", drafted), ("op.1", "is"), ("v.1", "c"), ("do", "turn")]].concat()).await.ok(200);
    let written = text.between("data-step>", "</textarea>").expect("text").replace("&quot;", "\"");
    assert_eq!(serde_json::from_str::<Value>(&written).expect("json"), json!({"any": [{"field": "grade", "op": "is", "value": "c"}]}));
    // What cannot be read stays where it is.
    let wrong = admin.post(STEP, &[&chosen[..], &[("condition", "{grade"), ("do", "turn")]].concat()).await.ok(200);
    assert!(wrong.text.contains("{grade</textarea>") && wrong.text.contains("role=\"alert\""), "{}", wrong.text);
    let back = admin.post(STEP, &[&chosen[..], &[("condition", &written), ("do", "turn")]].concat()).await.ok(200);
    assert_eq!(draft(&back), drafted);
    admin.post(GRANT, &[&chosen[..], &[("condition", &written)]].concat()).await.ok(303);
    assert_eq!(names(&gus).await, [json!("Third")]);
}

async fn a_pack_s_grant_is_taken_back_and_comes_again(database: Database) {
    let (site, _, admin) = begin(database).await;
    let gus = site.person("gus", &["guest"]).await;
    assert_eq!(names(&gus).await, [json!("First")]);
    let table = admin.get("/studio/rights?card=device").await.ok(200);
    assert!(table.text.contains("from ") && table.text.contains("Guest"), "{}", table.text);
    let snapshot = site.app.snapshot();
    let grant = snapshot.catalog.card("device").expect("a card").grants.iter().find(|grant| grant.role == "guest").expect("a grant").id.clone();
    admin.post(&format!("/studio/rights/device/off?id={}", crate::site::encoded(&grant)), &[]).await.ok(303);
    gus.get("/records/device").await.refused(404, "not_found");
    let off = admin.get("/studio/rights?card=device").await.ok(200);
    let own = off.between("/studio/rights/device/remove?id=", "\"").expect("what was changed").to_owned();
    // A pack's grant cannot be removed, one's own not under another card, and nothing twice.
    admin.post(&format!("/studio/rights/device/remove?id={}", crate::site::encoded(&grant)), &[]).await.ok(404);
    admin.post("/studio/rights/device/off?id=nonsense", &[]).await.ok(404);
    admin.post(&format!("/studio/rights/device/remove?id={own}"), &[]).await.ok(303);
    admin.post(&format!("/studio/rights/device/remove?id={own}"), &[]).await.ok(404);
    assert_eq!(names(&gus).await, [json!("First")]);
    // It is changed in its place, too.
    let fields = [("action", "read"), ("scope", "all")];
    admin.post(&format!("{GRANT}?id={}", crate::site::encoded(&grant)), &fields).await.ok(303);
    assert_eq!(names(&gus).await.len(), 3);
    admin.get(&format!("{GRANT}?id=nonsense")).await.ok(404);
}

async fn guards_and_groups_are_made_and_taken_away(database: Database) {
    let (site, _, admin) = begin(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let made = admin.post("/studio/groups", &[("name", "Night shift"), ("card", "device")]).await.ok(303);
    assert_eq!(made.to(), "/studio/rights?card=device");
    let guard = format!("{GRANT}?guard=yes");
    assert!(admin.get(&guard).await.ok(200).text.contains("value=\"x_night_shift\""));
    let not_third = r#"{"mode":"all","parts":[{"n":1,"test":{"field":"grade","op":"is_not","value":"c"}}]}"#;
    let fields = [("scope", "condition"), ("draft", not_third), ("except", "x_night_shift")];
    admin.post(&guard, &fields).await.ok(303);
    assert_eq!(names(&kim).await, [json!("First"), json!("Second")]);
    let nothing = admin.post(&guard, &[("scope", "all")]).await.ok(422);
    assert!(nothing.text.contains("guards nothing"), "{}", nothing.text);
    // Who the guard does not hold for sees everything again.
    admin.post("/studio/groups/x_night_shift/members", &[("user", &kim.id), ("member", "true")]).await.ok(303);
    assert_eq!(names(&kim).await.len(), 3);
    admin.post("/studio/groups/x_night_shift/remove", &[]).await.ok(303);
    assert_eq!(names(&kim).await.len(), 2);
    let table = admin.get("/studio/rights?card=device").await.ok(200);
    let own = table.between("/studio/rights/device/remove?id=", "\"").expect("the guard").to_owned();
    admin.post(&format!("/studio/rights/device/remove?id={own}"), &[]).await.ok(303);
    assert_eq!(names(&kim).await.len(), 3);
}

async fn the_page_says_why(database: Database) {
    let (site, root, admin) = begin(database).await;
    let (gus, zoe) = (site.person("gus", &["guest"]).await, site.person("zoe", &[]).await);
    let third = root.find("device", &json!({"field": "grade", "op": "is", "value": "c"}), "name", "id").await[0].as_str().expect("an id").to_owned();
    let why = async |of: &Person| admin.get(&format!("/c/device/{third}/why?user={}", of.id)).await.ok(200).text;
    assert!(why(&zoe).await.contains("No group gives it") || why(&zoe).await.contains("zoe"));
    let told = why(&gus).await;
    assert!(told.contains("Guest") && told.contains("Grade"), "{told}");
    let first = root.find("device", &json!({"field": "grade", "op": "is", "value": "a"}), "name", "id").await[0].as_str().expect("an id").to_owned();
    let fields = admin.get(&format!("/c/device/{first}/why?user={}", gus.id)).await.ok(200);
    assert!(fields.text.contains("Cost") && fields.text.contains("/studio/rights?card=device"), "{}", fields.text);
    admin.get(&format!("/c/device/{first}/why?user=nonsense")).await.ok(404);
    admin.get(&format!("/c/device/{}/why", id(&gus))).await.ok(404);
    // Everybody asks of themselves; of others only who administers.
    let theirs = signed_in(&site, "gus").await;
    assert!(theirs.get(&format!("/c/device/{first}/why")).await.ok(200).text.contains("gus"));
    theirs.get(&format!("/c/device/{first}/why?user={}", zoe.id)).await.ok(403);
    theirs.get(&format!("/c/device/{third}/why")).await.ok(404);
}

async fn the_page_is_for_who_administers(database: Database) {
    let (site, _, _) = begin(database).await;
    site.person("kim", &["keeper"]).await;
    site.person("gus", &["guest"]).await;
    let before = site.content().await;
    let gus = signed_in(&site, "gus").await;
    for path in ["/studio/rights", "/studio/rights?card=device", GRANT] {
        gus.get(path).await.ok(403);
    }
    for path in [GRANT, STEP, "/studio/rights/device/off?id=x", "/studio/rights/device/remove?id=x", "/studio/groups", "/studio/groups/guest/remove"] {
        gus.post(path, &[("role", "guest"), ("action", "read"), ("scope", "all"), ("name", "Mine")]).await.ok(403);
    }
    let rows = |content: &str| content.lines().filter(|line| line.starts_with("sys_grant") || line.starts_with("sys_group")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&site.content().await), rows(&before));
}
