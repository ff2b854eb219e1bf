//! Signing in with another provider: a small one of our own, that can also lie.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use app::accounts::{self, provider::Provider};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    Audience, EmptyAdditionalClaims, EndUserUsername, IssuerUrl, JsonWebKeyId, Nonce, PrivateSigningKey, StandardClaims, SubjectIdentifier,
    core::{CoreIdToken, CoreIdTokenClaims, CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{accounts::{GOOD, root}, both, browser::{Browser, Page}, site::{Database, Site, encoded}};

both!(
    an_invitation_is_taken_up_and_signed_in_with, an_account_is_tied_by_its_owner, nobody_is_known_by_a_mail_address, what_the_provider_says_is_checked, a_callback_is_good_once_and_for_the_browser_that_began,
    a_deactivated_user_stays_out, without_a_password_the_provider_confirms,
);

const LAB: &str = "tests/packs/lab";
const SECRET: &str = "the secret between both";
/// Made for this test, and used nowhere else.
const KEY: &str = include_str!("fixtures/provider.pem");

/// What the provider hands out for a code.
#[derive(Clone)]
struct Grant {
    subject: String,
    nonce: String,
    challenge: String,
    audience: String,
    issuer: Option<String>,
    expires: DateTime<Utc>,
    auth_time: DateTime<Utc>,
}

/// The provider.
struct Fake {
    base: String,
    grants: Mutex<HashMap<String, Grant>>,
}

fn key() -> CoreRsaPrivateSigningKey {
    CoreRsaPrivateSigningKey::from_pem(KEY, Some(JsonWebKeyId::new("one".into()))).expect("a key")
}

impl Fake {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let fake = Arc::new(Self { base, grants: Mutex::default() });
        let served = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move { served.answer(stream).await });
            }
        });
        fake
    }

    async fn answer(&self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        let mut part = [0_u8; 4096];
        let (head, body) = loop {
            let Ok(read) = stream.read(&mut part).await else { return };
            bytes.extend_from_slice(&part[..read]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { if read == 0 { return } else { continue } };
            let wanted = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:").and_then(|size| size.trim().parse::<usize>().ok())).unwrap_or(0);
            if body.len() >= wanted || read == 0 {
                break (head.to_owned(), body.to_owned());
            }
        };
        let path = head.split(' ').nth(1).unwrap_or_default();
        let (status, answer) = match path {
            "/.well-known/openid-configuration" => (200, json!({
                "issuer": self.base, "authorization_endpoint": format!("{}/authorize", self.base), "token_endpoint": format!("{}/token", self.base), "jwks_uri": format!("{}/keys", self.base),
                "response_types_supported": ["code"], "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
            })),
            "/keys" => (200, serde_json::to_value(CoreJsonWebKeySet::new(vec![key().as_verification_key()])).expect("keys")),
            "/token" => self.token(&head, &body),
            _ => (404, json!({})),
        };
        let text = answer.to_string();
        let _ = stream.write_all(format!("HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len()).as_bytes()).await;
    }

    fn token(&self, head: &str, body: &str) -> (u16, serde_json::Value) {
        let form: HashMap<String, String> = reqwest::Url::parse(&format!("http://x/?{body}")).expect("a form").query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let refused = |why: &str| (400, json!({"error": "invalid_grant", "error_description": why}));
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("cardstock:{}", encoded(SECRET).replace("%20", "+")));
        if !head.contains(&format!("Basic {basic}")) && !head.to_lowercase().contains(&format!("basic {}", basic.to_lowercase())) {
            return refused("who are you?");
        }
        let Some(grant) = self.grants.lock().expect("grants").remove(&form["code"]) else { return refused("no such code") };
        if URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"])) != grant.challenge {
            return refused("another verifier");
        }
        let issuer = IssuerUrl::new(grant.issuer.unwrap_or_else(|| self.base.clone())).expect("an issuer");
        let standard = StandardClaims::new(SubjectIdentifier::new(grant.subject.clone())).set_preferred_username(Some(EndUserUsername::new(format!("{}@there", grant.subject))));
        let claims = CoreIdTokenClaims::new(issuer, vec![Audience::new(grant.audience)], grant.expires, Utc::now(), standard, EmptyAdditionalClaims {}).set_nonce(Some(Nonce::new(grant.nonce))).set_auth_time(Some(grant.auth_time));
        let token = CoreIdToken::new(claims, &key(), CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, None, None).expect("a token");
        (200, json!({"access_token": "x", "token_type": "bearer", "id_token": token.to_string()}))
    }

    /// Somebody signs in there: where their browser is sent back to. `lie` changes what is handed out.
    fn sign_in(&self, subject: &str, page: &Page, lie: impl FnOnce(&mut Grant)) -> String {
        let address = page.between("content=\"0; url=", "\"").expect("on the way").to_owned();
        assert!(address.starts_with(&format!("{}/authorize?", self.base)), "{address}");
        let asked: HashMap<String, String> = reqwest::Url::parse(&address).expect("an address").query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str(), asked["code_challenge_method"].as_str()), ("code", "cardstock", "S256"));
        assert!(asked["redirect_uri"].starts_with("https://cards.example.com/login/provider/back"), "{asked:?}");
        let mut grant = Grant {
            subject: subject.into(), nonce: asked["nonce"].clone(), challenge: asked["code_challenge"].clone(), audience: "cardstock".into(), issuer: None, expires: Utc::now() + TimeDelta::minutes(5), auth_time: Utc::now(),
        };
        lie(&mut grant);
        let code = uuid::Uuid::now_v7().to_string();
        self.grants.lock().expect("grants").insert(code.clone(), grant);
        format!("/login/provider/back?state={}&code={code}", encoded(&asked["state"]))
    }
}

/// A site that knows the provider, served a second time.
async fn together(database: Database) -> (Site, Arc<Fake>, String) {
    let (site, fake) = (Site::with(database, LAB).await, Fake::start().await);
    let provider = Provider::new("Example ID", &fake.base, "cardstock", Some(SECRET.into()), "https://cards.example.com", &[]).expect("a provider");
    let served = web::Site { provider: Some(Arc::new(provider)), ..web::Site::new(site.app.clone()).expect("templates") };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(web::serve(served, listener, std::future::pending()));
    (site, fake, base)
}

fn honest(_: &mut Grant) {}

async fn an_invitation_is_taken_up_and_signed_in_with(database: Database) {
    let (site, fake, base) = together(database).await;
    let root = root(&site).await;
    let made = root.post("/users", json!({"login": "mei", "groups": ["keeper"]})).await.ok(201);
    let link = made["link"].as_str().expect("a link");
    let mei = Browser::at(&base);
    assert!(mei.get(link).await.ok(200).text.contains("Use Example ID instead of a password"));
    let token = link.rsplit('/').next().expect("a token");
    let away = mei.post("/login/provider", &[("link", token)]).await.ok(200);
    assert_eq!(mei.get(&fake.sign_in("mei-there", &away, honest)).await.ok(303).to(), "/");
    mei.get("/c/device").await.ok(200);
    // The link is used up; from now on the provider alone is enough.
    assert!(mei.get(link).await.ok(200).text.contains("no longer works"));
    let again = Browser::at(&base);
    let away = again.post("/login/provider", &[("next", "/c/device")]).await.ok(200);
    assert_eq!(again.get(&fake.sign_in("mei-there", &away, honest)).await.ok(303).to(), "/c/device");
    again.get("/c/device").await.ok(200);
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'identity_tied'").await, 1);
}

async fn an_account_is_tied_by_its_owner(database: Database) {
    let (site, fake, base) = together(database).await;
    site.person("kim", &["keeper"]).await;
    let kim = Browser::at(&base);
    kim.sign_in("kim", GOOD).await.ok(303);
    let away = kim.post("/me/provider", &[]).await.ok(200);
    let back = fake.sign_in("kim-there", &away, honest);
    // In another browser it ties nothing.
    let other = Browser::at(&base);
    assert_eq!(other.get(&back).await.ok(303).to(), "/login?notice=provider");
    let away = kim.post("/me/provider", &[]).await.ok(200);
    assert_eq!(kim.get(&fake.sign_in("kim-there", &away, honest)).await.ok(303).to(), "/me?saved=1#me-provider");
    assert!(kim.get("/me").await.ok(200).text.contains("kim-there@there"));
    // Nor can it be tied to a second account.
    site.person("zoe", &["keeper"]).await;
    let zoe = Browser::at(&base);
    zoe.sign_in("zoe", GOOD).await.ok(303);
    let away = zoe.post("/me/provider", &[]).await.ok(200);
    assert_eq!(zoe.get(&fake.sign_in("kim-there", &away, honest)).await.ok(303).to(), "/login?notice=provider");
    kim.post("/me/provider/untie", &[]).await.ok(303);
    let away = other.post("/login/provider", &[]).await.ok(200);
    assert_eq!(other.get(&fake.sign_in("kim-there", &away, honest)).await.ok(303).to(), "/login?notice=unknown");
}

async fn nobody_is_known_by_a_mail_address(database: Database) {
    let (site, fake, base) = together(database).await;
    let root = root(&site).await;
    root.post("/users", json!({"login": "boss@there", "email": "boss@example.com", "groups": ["administrator"]})).await.ok(201);
    let thief = Browser::at(&base);
    let away = thief.post("/login/provider", &[]).await.ok(200);
    assert_eq!(thief.get(&fake.sign_in("boss", &away, honest)).await.ok(303).to(), "/login?notice=unknown");
    assert!(thief.session().is_none());
}

async fn what_the_provider_says_is_checked(database: Database) {
    let (site, fake, base) = together(database).await;
    let kim = site.person("kim", &["keeper"]).await;
    let tied = |subject: &str| sql::system_factors::tie_identity(site.app.store.dialect(), &fake.base, subject, kim.id.parse().expect("an id"), "kim", Utc::now());
    let statement = tied("kim-there");
    site.app.store.write(move |tx: &mut store::Tx| { let statement = statement.clone(); Box::pin(async move { tx.execute(&statement).await }) }).await.expect("tied");
    type Lie = fn(&mut Grant);
    let lies: [(&str, Lie); 5] = [
        ("nonce", |grant| grant.nonce = "another".into()),
        ("audience", |grant| grant.audience = "another site".into()),
        ("issuer", |grant| grant.issuer = Some("https://evil.example".into())),
        ("expired", |grant| grant.expires = Utc::now() - TimeDelta::hours(1)),
        ("verifier", |grant| grant.challenge = "another".into()),
    ];
    for (what, lie) in lies {
        let browser = Browser::at(&base);
        let away = browser.post("/login/provider", &[]).await.ok(200);
        assert_eq!(browser.get(&fake.sign_in("kim-there", &away, lie)).await.ok(303).to(), "/login?notice=provider", "{what}");
        assert!(browser.session().is_none(), "{what}");
    }
    let browser = Browser::at(&base);
    let away = browser.post("/login/provider", &[]).await.ok(200);
    assert_eq!(browser.get(&fake.sign_in("kim-there", &away, honest)).await.ok(303).to(), "/");
}

async fn a_callback_is_good_once_and_for_the_browser_that_began(database: Database) {
    let (site, fake, base) = together(database).await;
    let root = root(&site).await;
    let made = root.post("/users", json!({"login": "mei", "groups": ["keeper"]})).await.ok(201);
    let token = made["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a token").to_owned();
    let mei = Browser::at(&base);
    let away = mei.post("/login/provider", &[("link", &token)]).await.ok(200);
    let back = fake.sign_in("mei-there", &away, honest);
    // A callback that an attacker sends: the victim's browser did not begin.
    let victim = Browser::at(&base);
    assert_eq!(victim.get(&back).await.ok(303).to(), "/login?notice=provider");
    assert!(victim.session().is_none());
    assert_eq!(mei.get(&back).await.ok(303).to(), "/");
    assert_eq!(mei.get(&back).await.ok(303).to(), "/login?notice=provider");
    for forged in ["/login/provider/back", "/login/provider/back?state=&code=x", "/login/provider/back?error=access_denied&state=x"] {
        assert_eq!(mei.get(forged).await.ok(303).to(), "/login?notice=provider", "{forged}");
    }
}

async fn a_deactivated_user_stays_out(database: Database) {
    let (site, fake, base) = together(database).await;
    let root = root(&site).await;
    let made = root.post("/users", json!({"login": "mei", "groups": ["keeper"]})).await.ok(201);
    let token = made["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a token").to_owned();
    let mei = Browser::at(&base);
    let away = mei.post("/login/provider", &[("link", &token)]).await.ok(200);
    mei.get(&fake.sign_in("mei-there", &away, honest)).await.ok(303);
    accounts::set_active(&site.app, made["id"].as_str().and_then(|id| id.parse().ok()).expect("an id"), false).await.expect("closed");
    assert!(mei.get("/c/device").await.ok(303).to().starts_with("/login"));
    let away = mei.post("/login/provider", &[]).await.ok(200);
    assert_eq!(mei.get(&fake.sign_in("mei-there", &away, honest)).await.ok(303).to(), "/login?notice=unknown");
}

async fn without_a_password_the_provider_confirms(database: Database) {
    let (site, fake, base) = together(database).await;
    let root = root(&site).await;
    let made = root.post("/users", json!({"login": "mei", "groups": ["administrator"]})).await.ok(201);
    let token = made["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a token").to_owned();
    let mei = Browser::at(&base);
    let away = mei.post("/login/provider", &[("link", &token)]).await.ok(200);
    mei.get(&fake.sign_in("mei-there", &away, honest)).await.ok(303);
    mei.get("/studio/users/new").await.ok(200);
    let then = if database == Database::Postgres { "now() - interval '1 hour'".to_owned() } else { (Utc::now() - TimeDelta::hours(1)).timestamp_micros().to_string() };
    site.app.store.apply(vec![format!("UPDATE sys_session SET confirmed_at = {then}")]).await.expect("aged");
    mei.get("/studio/users/new").await.ok(303);
    assert!(mei.get("/me/confirm?next=/studio/users/new").await.ok(200).text.contains("Sign in at Example ID again"));
    // Having signed in there yesterday is not enough, and no more is being somebody else.
    let away = mei.post("/me/provider", &[("confirm", "true"), ("next", "/studio/users/new")]).await.ok(200);
    assert_eq!(mei.get(&fake.sign_in("mei-there", &away, |grant| grant.auth_time = Utc::now() - TimeDelta::days(1))).await.ok(303).to(), "/login?notice=provider");
    let away = mei.post("/me/provider", &[("confirm", "true"), ("next", "/studio/users/new")]).await.ok(200);
    mei.get(&fake.sign_in("somebody-else", &away, honest)).await.ok(303);
    mei.get("/studio/users/new").await.ok(303);
    let away = mei.post("/me/provider", &[("confirm", "true"), ("next", "/studio/users/new")]).await.ok(200);
    assert_eq!(mei.get(&fake.sign_in("mei-there", &away, honest)).await.ok(303).to(), "/studio/users/new");
    mei.get("/studio/users/new").await.ok(200);
}
