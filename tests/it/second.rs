//! The second factor: codes of an app, recovery codes, and what must not be possible with them.

use app::accounts::{Confirmed, people};
use chrono::Utc;
use serde_json::json;
use totp_rs::{Algorithm, Builder, Secret};

use crate::{accounts::{GOOD, root, signed_in}, both, browser::Browser, site::{Database, Site}};

both!(a_code_is_asked_for_and_good_once, recovery_codes_are_good_once, many_wrong_codes_end_the_step, it_is_set_up_and_turned_off_by_the_api, an_administrator_helps_out, the_secret_is_closed, confirming_asks_for_the_code_too);

const LAB: &str = "tests/packs/lab";

/// The code of a secret, so many half minutes from now.
fn code(secret: &str, steps: i64) -> String {
    let secret = Secret::try_from_base32(secret.replace(' ', "")).expect("a secret");
    let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(30).with_secret(secret).build().expect("as apps do");
    totp.generate(u64::try_from(Utc::now().timestamp() + 30 * steps).expect("now")).to_string()
}

/// Turned on for somebody who is signed in: the secret and the recovery codes. The present code is used up.
async fn turned_on(browser: &Browser) -> (String, Vec<String>) {
    let page = browser.get("/me/second").await.ok(200);
    let secret = page.between("id=\"second-secret\">", "<").expect("a secret").to_owned();
    assert!(page.text.contains("data:image/svg+xml;base64,"), "a picture");
    assert_eq!(browser.post("/me/second", &[("code", "000000")]).await.status, 422);
    let page = browser.post("/me/second", &[("code", &code(&secret, 0))]).await.ok(200);
    let codes: Vec<String> = page.text.split("<li><code>").skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);
    (secret, codes)
}

async fn a_code_is_asked_for_and_good_once(database: Database) {
    let site = Site::with(database, LAB).await;
    site.person("kim", &["keeper"]).await;
    let (secret, codes) = turned_on(&signed_in(&site, "kim").await).await;
    let browser = Browser::new(&site);
    assert_eq!(browser.get("/login/code").await.ok(303).to(), "/login");
    assert_eq!(browser.sign_in("kim", GOOD).await.ok(303).to(), "/login/code?next=%2Fme");
    assert!(browser.session().is_none(), "the password alone opens nothing");
    assert!(browser.get("/c/device").await.ok(303).to().starts_with("/login"));
    browser.get("/login/code").await.ok(200);
    assert_eq!(browser.post("/login/code", &[("code", "123")]).await.status, 422);
    let now = code(&secret, 1);
    assert_eq!(browser.post("/login/code", &[("code", &now), ("next", "/me")]).await.ok(303).to(), "/me");
    browser.get("/me").await.ok(200);
    // Whoever looked over the shoulder has nothing of it.
    let thief = Browser::new(&site);
    thief.sign_in("kim", GOOD).await.ok(303);
    assert_eq!(thief.post("/login/code", &[("code", &now)]).await.status, 422);
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'code_failed'").await, 2);
    // Nor does a step open twice.
    assert_eq!(thief.post("/login/code", &[("code", &codes[0])]).await.status, 303);
    assert_eq!(thief.post("/login/code", &[("code", &codes[1])]).await.ok(303).to(), "/login");
}

async fn recovery_codes_are_good_once(database: Database) {
    let site = Site::with(database, LAB).await;
    site.person("kim", &["keeper"]).await;
    let owner = signed_in(&site, "kim").await;
    let (_, codes) = turned_on(&owner).await;
    let browser = Browser::new(&site);
    browser.sign_in("kim", GOOD).await.ok(303);
    let typed = codes[0].to_uppercase().replace('-', " ");
    assert_eq!(browser.post("/login/code", &[("code", &typed)]).await.status, 303);
    let again = Browser::new(&site);
    again.sign_in("kim", GOOD).await.ok(303);
    assert_eq!(again.post("/login/code", &[("code", &codes[0])]).await.status, 422);
    assert!(owner.get("/me").await.ok(200).text.contains("9 recovery codes are left"));
    // Others take the place of those there were.
    owner.post("/me/second/codes", &[]).await.ok(200);
    assert_eq!(again.post("/login/code", &[("code", &codes[1])]).await.status, 422);
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE about LIKE '%recovery%'").await, 1);
    // Somebody else's are nothing.
    site.person("zoe", &["keeper"]).await;
    let (_, hers) = turned_on(&signed_in(&site, "zoe").await).await;
    assert_eq!(again.post("/login/code", &[("code", &hers[0])]).await.status, 422);
}

async fn many_wrong_codes_end_the_step(database: Database) {
    let site = Site::with(database, LAB).await;
    site.person("kim", &["keeper"]).await;
    let (secret, _) = turned_on(&signed_in(&site, "kim").await).await;
    let browser = Browser::new(&site);
    browser.sign_in("kim", GOOD).await.ok(303);
    for _ in 0..5 {
        browser.post("/login/code", &[("code", "111111")]).await.ok(422);
    }
    assert_eq!(browser.post("/login/code", &[("code", &code(&secret, 0))]).await.ok(303).to(), "/login?notice=again");
    assert!(browser.session().is_none());
}

async fn it_is_set_up_and_turned_off_by_the_api(database: Database) {
    let site = Site::with(database, LAB).await;
    let root = root(&site).await;
    let plain = site.person("kim", &["keeper"]).await;
    plain.post("/me/second-factor", json!({})).await.refused(403, "confirm_first");
    let setup = root.post("/me/second-factor", json!({})).await.ok(200);
    let secret = setup["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(root.post("/me/second-factor", json!({})).await.ok(200)["secret"], secret.as_str());
    root.patch("/me/second-factor", json!({"code": "12345"})).await.refused(400, "wrong_code");
    root.post("/me/second-factor/codes", json!({})).await.refused(409, "second_factor_off");
    let on = root.patch("/me/second-factor", json!({"code": code(&secret, 0)})).await.ok(200);
    assert_eq!(on["recovery_codes"].as_array().expect("codes").len(), 10);
    root.post("/me/second-factor", json!({})).await.refused(409, "second_factor_on");
    assert_eq!(root.get("/me").await.ok(200)["second_factor"], true);
    root.delete("/me/second-factor").await.ok(204);
    assert_eq!(root.get("/me").await.ok(200)["recovery_codes"], 0);
    signed_in(&site, "root").await;
}

async fn an_administrator_helps_out(database: Database) {
    let site = Site::with(database, LAB).await;
    let (root, kim) = (root(&site).await, site.person("kim", &["keeper"]).await);
    let open = signed_in(&site, "kim").await;
    turned_on(&open).await;
    root.delete(&format!("/users/{}/second-factor", kim.id)).await.ok(204);
    assert!(open.get("/me").await.ok(303).to().starts_with("/login"), "what was open is closed");
    signed_in(&site, "kim").await;
    // A new password does not turn it off.
    turned_on(&signed_in(&site, "kim").await).await;
    let link = people::send_link(&site.app, &Confirmed::command_line(), kim.id.parse().expect("an id"), "en", Utc::now()).await.expect("a link");
    let browser = Browser::new(&site);
    browser.post(&format!("/login/link/{link}"), &[("password", GOOD), ("again", GOOD)]).await.ok(303);
    assert!(browser.sign_in("kim", GOOD).await.ok(303).to().starts_with("/login/code"));
}

async fn the_secret_is_closed(database: Database) {
    let site = Site::with(database, LAB).await;
    site.person("kim", &["keeper"]).await;
    let (secret, codes) = turned_on(&signed_in(&site, "kim").await).await;
    let plain = secret.replace(' ', "");
    for column in ["SELECT second_factor FROM sys_user", "SELECT about FROM sys_log", "SELECT secret FROM sys_second_draft"] {
        let statement = sql::Statement { sql: column.into(), binds: Vec::new(), columns: vec![sql::Physical::Text] };
        let held = format!("{:?}", site.app.store.fetch(&statement).await.expect("rows"));
        assert!(!held.contains(&plain) && !codes.iter().any(|code| held.contains(code.as_str())), "{column}");
    }
}

async fn confirming_asks_for_the_code_too(database: Database) {
    let site = Site::with(database, LAB).await;
    site.person("kim", &["keeper"]).await;
    let browser = signed_in(&site, "kim").await;
    let (secret, codes) = turned_on(&browser).await;
    let page = browser.get("/me/confirm?next=/me/second").await.ok(200);
    assert!(page.text.contains("confirm-code"));
    for code in ["", "000000", codes[0].as_str()] {
        assert_eq!(browser.post("/me/confirm", &[("confirm_password", GOOD), ("confirm_code", code)]).await.status, 422, "{code}");
    }
    assert_eq!(browser.post("/me/confirm", &[("confirm_password", GOOD), ("confirm_code", &code(&secret, 1)), ("next", "/me/second")]).await.ok(303).to(), "/me/second");
}
