//! What somebody tries who wants to be somebody else: forged hosts and origins, stolen tokens, guessed passwords.

use app::accounts;
use chrono::Utc;

use crate::{accounts::{GOOD, id, root, signed_in}, both, browser::Browser, site::{Database, Site}};

both!(
    stolen_and_replayed_tokens_are_refused, forged_hosts_and_origins_are_refused, a_change_without_the_token_of_its_page_is_refused,
    guessing_is_braked_and_shuts_nobody_out, addresses_are_believed_from_named_proxies_alone, unknown_names_are_answered_like_wrong_passwords, common_passwords_are_refused,
);

const LAB: &str = "tests/packs/lab";

async fn stolen_and_replayed_tokens_are_refused(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    // Signing out ends the session for whoever copied it.
    let browser = signed_in(&site, "kim").await;
    let before = browser.session();
    let stolen = Browser::new(&site);
    *stolen.cookies.lock().expect("cookies") = browser.cookies.lock().expect("cookies").clone();
    stolen.get("/me").await.ok(200);
    browser.post("/logout", &[]).await.ok(303);
    assert!(stolen.get("/me").await.ok(303).to().starts_with("/login"));
    // Each sign-in is another session; a cookie that was put there before it is worth nothing.
    let fixed = Browser::new(&site);
    fixed.cookies.lock().expect("cookies").insert("__Host-cardstock_session".into(), "attacker-knows-this".into());
    assert_eq!(fixed.post("/login", &[("name", "kim"), ("password", GOOD)]).await.status, 303);
    assert!(fixed.session() != before && fixed.session().as_deref() != Some("attacker-knows-this"));
    // Another password ends every session; a reset ends API tokens, too.
    let here = signed_in(&site, "kim").await;
    here.post("/me/password", &[("confirm_password", GOOD), ("password", "quite another sentence"), ("again", "quite another sentence")]).await.ok(303);
    assert!(fixed.get("/me").await.ok(303).to().starts_with("/login"));
    kim.get("/records/device").await.ok(200);
    let link = accounts::login_link(&site.app, id(&kim), Utc::now()).await.expect("a link");
    assert_eq!(here.post(&format!("/login/link/{link}"), &[("password", GOOD), ("again", GOOD)]).await.status, 303);
    kim.get("/records/device").await.refused(401, "unauthenticated");
    // A session's token is no API token, and the other way round.
    let again = signed_in(&site, "kim").await;
    let bearer = kim.with(again.session());
    bearer.get("/records/device").await.refused(401, "unauthenticated");
    // One kills a session from another.
    let other = signed_in(&site, "kim").await;
    let id = accounts::session_id(&again.session().expect("a session"));
    other.post(&format!("/me/sessions/{id}/end"), &[]).await.ok(303);
    assert!(again.get("/me").await.ok(303).to().starts_with("/login"));
    other.get("/me").await.ok(200);
}

async fn forged_hosts_and_origins_are_refused(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example"] {
        let answer = root.send(reqwest::Method::GET, "/api/v1/users", &[("host", host)], None).await;
        answer.refused(400, "unknown_host");
    }
    root.send(reqwest::Method::GET, "/healthz", &[("host", "evil.example")], None).await.ok(200);
    // What a link says does not depend on who asks for what.
    let mut admin = signed_in(&site, "root").await;
    admin.extra = vec![("x-forwarded-host", "evil.example".into()), ("forwarded", "host=evil.example".into())];
    let made = admin.post("/studio/users", &[("login", "mei")]).await.ok(200);
    assert!(!made.text.contains("evil.example"));
    admin.extra.clear();
    let token = crate::browser::token_of(&admin.session().expect("a session"));
    let fields = [("_csrf", token.as_str()), ("login", "mallory")];
    for headers in [vec![("origin", "https://evil.example")], vec![("origin", "null")], vec![("sec-fetch-site", "cross-site")], vec![("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1")]] {
        assert_eq!(admin.bare("/studio/users", &fields, &headers).await.status, 403, "{headers:?}");
    }
    assert_eq!(site.number("SELECT count(*) FROM sys_user WHERE login = 'mallory'").await, 0);
    // Cookies belong to this host alone.
    let browser = Browser::new(&site);
    let answer = browser.sign_in("root", GOOD).await;
    for cookie in answer.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().expect("text");
        assert!(cookie.starts_with("__Host-cardstock_") && cookie.contains("; Path=/;") && cookie.contains("HttpOnly") && cookie.contains("; Secure") && cookie.contains("SameSite=Lax") && !cookie.contains("Domain"), "{cookie}");
    }
}

async fn a_change_without_the_token_of_its_page_is_refused(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let browser = signed_in(&site, "kim").await;
    let other = signed_in(&site, "kim").await;
    let foreign = crate::browser::token_of(&other.session().expect("a session"));
    for token in ["", "nonsense", foreign.as_str()] {
        assert_eq!(browser.bare("/me", &[("density", "compact"), ("_csrf", token)], &[("sec-fetch-site", "same-origin")]).await.status, 403);
    }
    // Neither form nor browser: what says nothing of where it comes from changes nothing by cookie.
    assert_eq!(browser.bare("/api/v1/notices/seen", &[], &[("content-type", "application/json")]).await.status, 403);
    let own = crate::browser::token_of(&browser.session().expect("a session"));
    assert_eq!(browser.bare("/me", &[("density", "compact")], &[("x-csrf-token", &own)]).await.status, 303);
    assert!(browser.get("/me").await.ok(200).text.contains(&format!("content=\"{own}\"")));
    assert_eq!(site.number(&format!("SELECT count(*) FROM sys_preference WHERE value = 'compact' AND user_id = {}", literal(database, &kim.id))).await, 1);
}

async fn guessing_is_braked_and_shuts_nobody_out(database: Database) {
    let site = Site::with(database, LAB).await;
    site.person("kim", &["keeper"]).await;
    let owner = signed_in(&site, "kim").await;
    owner.post("/logout", &[]).await.ok(303);
    let attacker = Browser::new(&site);
    for _ in 0..10 {
        attacker.sign_in("kim", "guess").await.ok(422);
    }
    let answer = attacker.sign_in("kim", GOOD).await.ok(429);
    assert!(answer.headers.contains_key("retry-after"));
    // Another spelling is the same name, and another header the same address.
    assert_eq!(attacker.sign_in(" KIM ", "guess").await.status, 429);
    let mut disguised = Browser::new(&site);
    disguised.extra = vec![("x-forwarded-for", "10.1.2.3".into())];
    assert_eq!(disguised.sign_in("kim", "guess").await.status, 429);
    // Whoever signed in from their browser before still does.
    assert_eq!(owner.sign_in("kim", GOOD).await.status, 303);
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'tried_too_often'").await, 1);
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'sign_in_failed'").await, 10);
}

async fn addresses_are_believed_from_named_proxies_alone(database: Database) {
    let site = Site::with(database, LAB).await;
    site.person("kim", &["keeper"]).await;
    let address = async |extra: &str, proxies: &[&str]| {
        let served = web::Site { proxies: proxies.iter().map(|net| net.parse().expect("a net")).collect(), ..web::Site::new(site.app.clone()).expect("templates") };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (_stop, stopped) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(web::serve(served, listener, async { let _ = stopped.await; }));
        let mut browser = Browser::at(&base);
        browser.extra = vec![("x-forwarded-for", extra.to_owned())];
        browser.sign_in("kim", GOOD).await.ok(303);
        let statement = sql::Statement { sql: "SELECT address FROM sys_log ORDER BY seq DESC LIMIT 1".into(), binds: Vec::new(), columns: vec![sql::Physical::Text] };
        match site.app.store.fetch(&statement).await.expect("a line").remove(0).remove(0) {
            sql::Datum::Text(text) => text,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(address("203.0.113.7", &[]).await, "127.0.0.1");
    assert_eq!(address("203.0.113.7", &["127.0.0.1/32"]).await, "203.0.113.7");
    assert_eq!(address("1.1.1.1, 203.0.113.7", &["127.0.0.1/32"]).await, "203.0.113.7");
    assert_eq!(address("203.0.113.7, 10.0.0.2", &["127.0.0.1/32", "10.0.0.0/8"]).await, "203.0.113.7");
    assert_eq!(address("nonsense", &["127.0.0.1/32"]).await, "127.0.0.1");
}

async fn unknown_names_are_answered_like_wrong_passwords(database: Database) {
    let site = Site::with(database, LAB).await;
    site.person("kim", &["keeper"]).await;
    let answer = async |name: &str| Browser::new(&site).sign_in(name, "wrong password here").await.ok(422).text.replace(name, "NAME");
    assert_eq!(answer("kim").await, answer("nobody-at-all").await);
    // A name that nobody has may be a password typed in the wrong place: it is not kept.
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE about LIKE '%nobody-at-all%'").await, 0);
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE about LIKE '%kim%' AND event = 'sign_in_failed'").await, 1);
}

async fn common_passwords_are_refused(database: Database) {
    let site = Site::with(database, LAB).await;
    let kim = site.person("kim", &["keeper"]).await;
    let browser = signed_in(&site, "kim").await;
    for (password, words) in [("password123", "first that others would try"), ("1234567890", "first that others would try"), ("short", "10 to 128"), (&*"x".repeat(200), "10 to 128")] {
        let page = browser.post("/me/password", &[("confirm_password", GOOD), ("password", password), ("again", password)]).await.ok(422);
        assert!(page.text.contains(words), "{password}");
    }
    assert!(accounts::set_password(&site.app, id(&kim), "iloveyou123").await.is_err());
    assert_eq!(browser.post("/me/password", &[("confirm_password", "not it at all"), ("password", "quite another sentence"), ("again", "quite another sentence")]).await.status, 422);
}

fn literal(database: Database, id: &str) -> String {
    if database == Database::Postgres { format!("'{id}'") } else { format!("X'{}'", id.replace('-', "")) }
}
