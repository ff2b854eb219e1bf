//! The log: what is written down, that it can be read, and that nobody changes it unseen.

use app::log::verify::{Verdict, verify};
use serde_json::json;

use crate::{accounts::{GOOD, root, signed_in}, both, browser::Browser, site::{Database, Site}};

both!(what_people_do_is_written_down, settings_and_packs_are_written_down, the_database_refuses_to_change_a_line, a_changed_line_is_found, a_line_taken_out_is_found, a_cut_end_is_found, a_forged_line_is_found, a_kept_end_must_still_be_there, another_key_is_asked_for, lines_are_filtered_and_exported, many_at_once_are_in_one_row);

const LAB: &str = "tests/packs/lab";

/// A site whose log has some lines.
async fn busy(database: Database) -> Site {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    signed_in(&site, "root").await;
    assert_eq!(Browser::new(&site).sign_in("root", "wrong").await.status, 422);
    root.post("/users", json!({"login": "mei", "groups": ["keeper"]})).await.ok(201);
    assert!(matches!(sound(&site).await, Verdict::Sound { seq, .. } if seq >= 5));
    site
}

async fn sound(site: &Site) -> Verdict {
    verify(&site.app, &[], None).await.expect("looked through")
}

/// What somebody with the database in hand can do who switches its guards off.
async fn tamper(site: &Site, database: Database, statement: &str) {
    let guards = if database == Database::Postgres { vec!["ALTER TABLE sys_log DISABLE TRIGGER ALL".to_owned()] } else { vec!["DROP TRIGGER sys_log_keep_update".to_owned(), "DROP TRIGGER sys_log_keep_delete".to_owned()] };
    site.app.store.apply([guards, vec![statement.to_owned()]].concat()).await.expect("tampered");
}

#[track_caller]
fn broken(verdict: &Verdict, at: i64, words: &str) {
    match verdict {
        Verdict::Broken { seq, why } => assert!(*seq == at && why.contains(words), "{verdict:?}"),
        Verdict::Sound { .. } => panic!("nothing was found"),
    }
}

async fn what_people_do_is_written_down(database: Database) {
    let site = busy(database).await;
    let root = site.nobody();
    root.get("/log/signin").await.refused(401, "unauthenticated");
    let admin = signed_in(&site, "root").await;
    let page = admin.get("/studio/log?log=signin").await.ok(200);
    for words in ["signed in", "sign-in refused", "127.0.0.1", "with password"] {
        assert!(page.text.contains(words), "{words}");
    }
    let page = admin.get("/studio/log?log=operation").await.ok(200);
    for words in ["invited", "link made", "token made", "account made", "command line"] {
        assert!(page.text.contains(words), "{words}");
    }
    admin.post("/logout", &[]).await.ok(303);
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'signed_out' AND actor IS NOT NULL").await, 1);
    // No secret stands in it.
    let statement = sql::Statement { sql: "SELECT about FROM sys_log".into(), binds: Vec::new(), columns: vec![sql::Physical::Text] };
    let all = format!("{:?}", site.app.store.fetch(&statement).await.expect("lines"));
    assert!(!all.contains(GOOD) && !all.contains("wrong"), "{all}");
}

async fn settings_and_packs_are_written_down(database: Database) {
    let site = Site::with(database, LAB).await;
    root(&site).await;
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'packs_installed' AND about LIKE '%lab 1.%'").await, 1);
    app::settings::set(&site.app, "name", "Lab & Sons").await.expect("set");
    app::settings::set(&site.app, "currency", "€").await.expect("set");
    app::settings::set(&site.app, "currency", "¥").await.expect("set");
    assert!(app::settings::set(&site.app, "name", "").await.is_err());
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'setting_changed'").await, 3);
    // A pack that is refused was not installed; tables made anew install nothing.
    let broken = crate::site::Files::from([("pack.json".to_owned(), b"{\"id\": \"broken\", \"version\": \"1.0.0\"}".to_vec()), ("cards/x.json".to_owned(), b"{\"key\": 5}".to_vec())]);
    drop(app::packs::install(&site.app, vec![broken]).await);
    app::packs::keep_up(&site.app).await.expect("kept up");
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'packs_installed'").await, 1);
    assert!(matches!(sound(&site).await, Verdict::Sound { .. }));
    let page = signed_in(&site, "root").await.get("/studio/log?log=operation").await.ok(200);
    for words in ["setting changed", "name: Cardstock → Lab & Sons", "currency: nothing → €", "currency: € → ¥", "packs installed", "lab 1."] {
        assert!(page.text.contains(words), "{words}");
    }
}

async fn the_database_refuses_to_change_a_line(database: Database) {
    let site = busy(database).await;
    for statement in ["UPDATE sys_log SET event = 'nothing' WHERE seq = 1", "DELETE FROM sys_log WHERE seq = 1", "UPDATE sys_audit SET action = 'nothing'", "DELETE FROM sys_audit"] {
        site.person(&format!("p{}", statement.len()), &[]).await;
        let record = site.person(&format!("q{}", statement.len()), &["keeper"]).await;
        record.make("device", json!({"name": "One"})).await;
        assert!(site.app.store.apply(vec![statement.to_owned()]).await.is_err(), "{statement}");
    }
    assert!(matches!(sound(&site).await, Verdict::Sound { .. }));
}

async fn a_changed_line_is_found(database: Database) {
    for change in ["event = 'signed_out'", "address = '10.0.0.1'", "about = '{}'", "log = 'signin'"] {
        let site = busy(database).await;
        tamper(&site, database, &format!("UPDATE sys_log SET {change} WHERE seq = 3")).await;
        broken(&sound(&site).await, 3, "not as it was written");
    }
}

async fn a_line_taken_out_is_found(database: Database) {
    let site = busy(database).await;
    tamper(&site, database, "DELETE FROM sys_log WHERE seq = 2").await;
    broken(&sound(&site).await, 2, "missing");
    // Nor do those behind it close up unseen.
    site.app.store.apply(vec!["UPDATE sys_log SET seq = -seq WHERE seq > 2".into(), "UPDATE sys_log SET seq = -seq - 1 WHERE seq < 0".into(), "UPDATE sys_log_head SET seq = seq - 1".into()]).await.expect("moved");
    broken(&sound(&site).await, 2, "not as it was written");
}

async fn a_cut_end_is_found(database: Database) {
    let site = busy(database).await;
    let end = site.number("SELECT seq FROM sys_log_head").await;
    tamper(&site, database, &format!("DELETE FROM sys_log WHERE seq = {end}")).await;
    broken(&sound(&site).await, end, "cut off");
    // Nor with the end put where it is now.
    let before = end - 1;
    site.app.store.apply(vec![format!("UPDATE sys_log_head SET seq = {before}, mac = (SELECT mac FROM sys_log WHERE seq = {before})")]).await.expect("moved");
    broken(&sound(&site).await, before, "cut off");
}

async fn a_forged_line_is_found(database: Database) {
    let site = busy(database).await;
    let end = site.number("SELECT seq FROM sys_log_head").await;
    let copy = format!("INSERT INTO sys_log (seq, at, log, event, about, key, mac) SELECT {}, at, log, event, about, key, mac FROM sys_log WHERE seq = {end}", end + 1);
    site.app.store.apply(vec![copy, format!("UPDATE sys_log_head SET seq = {}", end + 1)]).await.expect("forged");
    broken(&sound(&site).await, end + 1, "not as it was written");
}

async fn a_kept_end_must_still_be_there(database: Database) {
    let site = busy(database).await;
    let Verdict::Sound { seq, mac } = sound(&site).await else { panic!("sound") };
    signed_in(&site, "root").await;
    assert!(matches!(verify(&site.app, &[], Some((seq, &mac))).await.expect("looked"), Verdict::Sound { .. }));
    broken(&verify(&site.app, &[], Some((seq, &"0".repeat(64)))).await.expect("looked"), seq, "not the one that was kept");
    broken(&verify(&site.app, &[], Some((seq + 100, &mac))).await.expect("looked"), seq + 2, "cut off");
}

async fn another_key_is_asked_for(database: Database) {
    let site = busy(database).await;
    let key = site.app.folder.join(app::secrets::FILE);
    let kept = site.app.folder.join("kept.key");
    std::fs::rename(&key, &kept).expect("moved");
    let again = app::App::open(site.app.folder.clone(), site.url.clone()).await.expect("opened");
    broken(&verify(&again, &[], None).await.expect("looked"), 1, "not here");
    let old = app::secrets::Secrets::from_file(&kept).expect("a key");
    assert!(matches!(verify(&again, &[old], None).await.expect("looked"), Verdict::Sound { .. }));
}

async fn lines_are_filtered_and_exported(database: Database) {
    let site = busy(database).await;
    let admin = signed_in(&site, "root").await;
    let lines = |text: &str| text.matches("<time ").count();
    let refused = admin.get("/studio/log?log=signin&event=sign_in_failed").await.ok(200);
    assert_eq!(lines(&refused.text), 1);
    assert_eq!(lines(&admin.get("/studio/log?log=signin&address=10.").await.ok(200).text), 0);
    assert_eq!(lines(&admin.get("/studio/log?log=signin&from=2001-01-01&to=2001-12-31").await.ok(200).text), 0);
    assert_eq!(admin.get("/studio/log?log=nonsense").await.status, 404);
    // Whom it is about is chosen from a list that the server makes, or called by name.
    let li = site.person("li", &["keeper"]).await;
    let page = admin.get(&format!("/studio/log?log=operation&user={}", li.id)).await.ok(200);
    assert!(lines(&page.text) > 0 && page.text.contains("data-url=\"/lookup/user\"") && page.text.contains(&format!("name=\"user\" value=\"{}\"", li.id)), "{}", page.text);
    let named = admin.get("/studio/log?log=operation&find=li").await.ok(200);
    assert_eq!(lines(&named.text), lines(&page.text));
    assert!(named.text.contains(&format!("/studio/log/export?log=operation&user={}", li.id)), "{}", named.text);
    assert!(!admin.get("/studio/log?log=operation").await.ok(200).text.contains(&format!("value=\"{}\"", li.id)), "nobody is listed beforehand");
    assert_eq!(admin.get("/studio/log?log=operation&find=nobody").await.status, 400);
    assert_eq!(signed_in(&site, "li").await.get("/studio/log?log=operation&find=nobody").await.status, 403);
    let file = admin.get("/studio/log/export?log=signin").await.ok(200);
    assert!(file.text.starts_with('\u{feff}') && file.text.contains("sign_in_failed") && file.headers["content-disposition"].to_str().is_ok_and(|name| name.contains("log-signin")), "{}", file.text);
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'log_exported'").await, 1);
    let mei = li;
    mei.get("/log/signin").await.refused(403, "forbidden");
    mei.get("/log/operation/export").await.refused(403, "confirm_first");
    // What a browser says of itself is no formula in a spreadsheet.
    let mut evil = Browser::new(&site);
    evil.extra = vec![("user-agent", "=cmd|'/c calc'!A1".into())];
    evil.sign_in("root", GOOD).await.ok(303);
    assert!(admin.get("/studio/log/export?log=signin").await.ok(200).text.contains("'=cmd"));
}

async fn many_at_once_are_in_one_row(database: Database) {
    let site = busy(database).await;
    let tries = (0..8).map(|number| {
        let browser = Browser::new(&site);
        async move { browser.sign_in(&format!("nobody{number}"), "guess").await.ok(422) }
    });
    futures::future::join_all(tries).await;
    assert!(matches!(sound(&site).await, Verdict::Sound { .. }));
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'sign_in_failed'").await, 9);
}
