//! Messages that leave: e-mails to a real mail server, webhooks to a receiver of our own, letters to people.

use std::{
    collections::VecDeque, io::{BufRead, BufReader}, path::PathBuf, process::{Child, Command, Stdio}, sync::{Arc, Mutex}, time::Duration,
};

use app::{
    outbound::Outbound,
    outgoing::{self, Kind, MailSettings, Mailer, Outgoing, Post, State, send_due},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    accounts::{GOOD, root},
    both,
    browser::Browser,
    outside::{boss, pack, site},
    receiver::{Receiver, header},
    site::{Database, Site, folder},
};

both!(
    a_mail_server_takes_what_scripts_ask_for,
    what_is_refused_is_given_up_or_tried_again,
    each_receiver_gets_an_email_once,
    a_dead_mail_server_holds_nothing_else_up,
    two_processes_send_once,
    webhooks_are_signed_and_keep_their_order,
    webhooks_stay_outside,
    whoever_forgot_the_password_gets_a_letter,
    an_invitation_arrives,
    letters_are_closed_and_run_out,
);

/// A mail server, which ends with this value.
struct MailServer {
    child: Child,
    strict: u64,
    plain: u64,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl MailServer {
    fn start() -> Self {
        let mut child = Command::new("node").arg(folder("tests/mail/server.mjs")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node, for the mail server of the tests");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines().map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON"));
        let ports = lines.next().expect("its ports");
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = taken.clone();
        std::thread::spawn(move || lines.for_each(|mail| kept.lock().expect("the list").push(mail)));
        Self { child, strict: ports["strict"].as_u64().expect("a port"), plain: ports["plain"].as_u64().expect("a port"), taken }
    }

    /// What it took, once that are so many.
    async fn taken(&self, count: usize) -> Vec<Value> {
        for _ in 0..200 {
            let taken = self.taken.lock().expect("the list").clone();
            if taken.len() >= count {
                return taken;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the mail server did not take {count} messages: {:?}", self.taken.lock())
    }

    fn post(&self) -> Post {
        post(MailSettings { server: format!("smtp://localhost:{}", self.plain), from: "Cards <cards@example.com>".into(), ..MailSettings::default() }, &[])
    }
}

fn post(settings: MailSettings, hosts: &[String]) -> Post {
    let mailer = Mailer::new(&settings, hosts).expect("a mailer");
    Post::new(Some(mailer), Outbound::new(hosts).expect("a way out"), Some("https://cards.example.com".into()), web::letters::words).expect("a post")
}

/// Sends what is due, until nothing is.
async fn send(site: &Site, post: &Post, after: TimeDelta) -> usize {
    let mut count = 0;
    for kind in [Kind::Email, Kind::Webhook] {
        loop {
            match send_due(&site.app, post, kind, Utc::now() + after).await.expect("sent") {
                0 => break,
                sent => count += sent,
            }
        }
    }
    count
}

async fn of(site: &Site, state: State) -> Vec<Outgoing> {
    outgoing::list(&site.app, &boss(), &[state], None).await.expect("messages")
}

const MAILING: &str = r#"
    if record.name == "rich" {
        mail(#{to: record.mail, cc: "copy@example.com", bcc: ["hidden@example.com"], reply_to: "desk@example.com", subject: "Größe 客户 ✓", text: "Zeile\n.\n客户", html: "<p>Zeile</p>"});
    } else { mail(#{to: record.mail, subject: record.name, text: "plain"}); }
"#;

async fn a_mail_server_takes_what_scripts_ask_for(database: Database) {
    let server = MailServer::start();
    let (site, kim) = site(database, &[("after", MAILING)]).await;
    kim.make("task", json!({"name": "rich", "mail": "a@example.com"})).await;
    let settings = MailSettings {
        server: format!("smtp://localhost:{}", server.strict),
        user: Some("cards".into()),
        password: Some("wrong".into()),
        from: "Cards <cards@example.com>".into(),
        authority: Some(folder("tests/mail/authority.pem")),
    };
    // What is wrong is how we sign in: the message waits for somebody to put that right.
    assert_eq!(send(&site, &post(settings.clone(), &[]), TimeDelta::zero()).await, 0, "nothing leaves at the moment");
    let waiting = of(&site, State::Waiting).await;
    assert!(waiting[0].error.as_deref().is_some_and(|error| error.contains("535")), "{waiting:?}");
    // Nothing is sent to a server nobody vouches for.
    let unknown = MailSettings { authority: Some(PathBuf::from("it/fixtures/other.pem")), password: Some("secret".into()), ..settings.clone() };
    assert_eq!(send(&site, &post(unknown, &[]), TimeDelta::hours(1)).await, 0);
    let waiting = of(&site, State::Waiting).await;
    assert!(waiting[0].error.as_deref().is_some_and(|error| error.contains("certificate")), "{waiting:?}");
    assert_eq!(send(&site, &post(MailSettings { password: Some("secret".into()), ..settings }, &[]), TimeDelta::days(1)).await, 1);
    let all = server.taken(3).await;
    assert_eq!(all.iter().map(|mail| mail["to"][0].as_str().unwrap_or_default()).collect::<Vec<_>>(), ["a@example.com", "copy@example.com", "hidden@example.com"]);
    let mail = &all[2];
    assert_eq!(mail["from"], "cards@example.com");
    assert_eq!((&mail["secure"], &mail["user"], &mail["subject"]), (&json!(true), &json!("cards"), &json!("Größe 客户 ✓")));
    assert_eq!((mail["text"].as_str().map(str::trim_end), mail["html"].as_str().map(str::trim_end)), (Some("Zeile\n.\n客户"), Some("<p>Zeile</p>")));
    let headers = &mail["headers"];
    assert!(headers.get("bcc").is_none() && headers["reply-to"] == "desk@example.com" && headers["auto-submitted"] == "auto-generated", "{headers}");
    let [sent] = of(&site, State::Sent).await.try_into().expect("one");
    assert_eq!(headers["message-id"], json!(format!("<{}@example.com>", sent.id)));
    assert_eq!((sent.attempts, sent.error), (3, None));
    // What was sent is not sent again, whatever an administrator tries.
    assert!(outgoing::again(&site.app, &boss(), sent.id).await.is_err() && outgoing::cancel(&site.app, &boss(), sent.id).await.is_err());
    assert_eq!(send(&site, &server.post(), TimeDelta::days(9)).await, 0);
}

async fn what_is_refused_is_given_up_or_tried_again(database: Database) {
    let server = MailServer::start();
    let (site, kim) = site(database, &[("after", MAILING)]).await;
    for who in ["nobody", "busy", "once", "well"] {
        kim.make("task", json!({"name": who, "mail": format!("{who}@example.com")})).await;
    }
    let post = server.post();
    assert_eq!(send(&site, &post, TimeDelta::zero()).await, 4);
    assert_eq!(server.taken(1).await[0]["subject"], "well");
    assert_eq!(of(&site, State::Waiting).await.len(), 3);
    assert_eq!(send(&site, &post, TimeDelta::seconds(20)).await, 0, "not before its time");
    assert_eq!(send(&site, &post, TimeDelta::seconds(40)).await, 3);
    assert_eq!(server.taken(2).await[1]["subject"], "once");
    // Administrators see why, and when it is tried next.
    let root = site.person("root", &["administrator"]).await;
    let page = root.send(Method::GET, "/studio/outgoing", &[], None).await;
    assert!(page.text.contains("come back later") && page.text.contains("Tried 2 times"), "{}", page.text);
    // What is refused is given up soon, what nobody takes after two days; and is tried again, if somebody wants that.
    for seconds in [170, 780, 2_600] {
        send(&site, &post, TimeDelta::seconds(seconds)).await;
    }
    let [failed] = of(&site, State::Failed).await.try_into().expect("one");
    assert!(failed.subject == "nobody" && failed.attempts == 4 && failed.error.as_deref().is_some_and(|error| error.contains("no such person here")), "{failed:?}");
    for seconds in [9_900, 31_600, 74_900, 161_400] {
        send(&site, &post, TimeDelta::seconds(seconds)).await;
    }
    let failed = of(&site, State::Failed).await;
    let busy = failed.iter().find(|one| one.subject == "busy").expect("the busy one");
    assert_eq!(busy.attempts, 9);
    outgoing::again(&site.app, &boss(), busy.id).await.expect("again");
    assert_eq!(send(&site, &post, TimeDelta::zero()).await, 1);
    assert_eq!(of(&site, State::Waiting).await.len(), 1);
}

/// One who is not there keeps an e-mail from nobody else, and nobody gets it twice.
async fn each_receiver_gets_an_email_once(database: Database) {
    let server = MailServer::start();
    let (site, kim) = site(database, &[("after", r#"mail(#{to: ["a@example.com", "nobody@example.com", "once@example.com"], cc: "b@example.com", subject: "All", text: "x"});"#)]).await;
    kim.make("task", json!({"name": "Roof"})).await;
    let post = server.post();
    for seconds in [0, 40, 170, 780, 2_600] {
        send(&site, &post, TimeDelta::seconds(seconds)).await;
    }
    let taken: Vec<String> = server.taken(3).await.iter().map(|mail| mail["to"][0].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(taken, ["a@example.com", "b@example.com", "once@example.com"]);
    let [failed] = of(&site, State::Failed).await.try_into().expect("one");
    assert!(failed.error.as_deref().is_some_and(|error| error.contains("no such person here")), "{failed:?}");
}

/// A mail server that cannot be reached is not asked for each message, and holds no webhook up.
async fn a_dead_mail_server_holds_nothing_else_up(database: Database) {
    let (receiver, base) = Receiver::start().await;
    let (site, kim) = site(database, &[("after", &format!("for i in 0..9 {{ mail(#{{to: \"a@example.com\", subject: \"x\", text: \"x\"}}); }} webhook(\"{base}/hook\", #{{number: 1}});"))]).await;
    for name in ["a", "b", "c"] {
        kim.make("task", json!({"name": name})).await;
    }
    let nowhere = post(MailSettings { server: "smtp://localhost:1".into(), from: "cards@example.com".into(), ..MailSettings::default() }, &["127.0.0.1".into()]);
    assert_eq!(send(&site, &nowhere, TimeDelta::zero()).await, 3);
    assert_eq!(receiver.numbers(), [1, 1, 1]);
    let tried = of(&site, State::Waiting).await.iter().filter(|one| one.attempts > 0).count();
    assert!((1..=8).contains(&tried), "{tried}");
}

async fn two_processes_send_once(database: Database) {
    let server = MailServer::start();
    let (site, kim) = site(database, &[("after", "for i in 0..9 { mail(#{to: record.mail, subject: `${record.name} ${i}`, text: \"x\"}); }")]).await;
    for name in ["a", "b", "c"] {
        kim.make("task", json!({"name": name, "mail": "a@example.com"})).await;
    }
    let post = server.post();
    let (one, other) = tokio::join!(send(&site, &post, TimeDelta::zero()), send(&site, &post, TimeDelta::zero()));
    assert_eq!(one + other, 27);
    assert_eq!(server.taken(27).await.len(), 27);
    // Whoever dies with a message in hand lets go of it after a while.
    kim.make("task", json!({"name": "d", "mail": "a@example.com"})).await;
    let (now, dialect) = (Utc::now(), site.app.store.dialect());
    for one in of(&site, State::Waiting).await {
        let claim = sql::system_outgoing::claim(dialect, one.id, now, now + TimeDelta::minutes(5));
        let claimed = site.app.store.write(move |tx: &mut store::Tx| {
            let claim = claim.clone();
            Box::pin(async move { tx.execute(&claim).await })
        });
        assert_eq!(claimed.await.expect("claimed"), 1);
    }
    assert_eq!(send(&site, &post, TimeDelta::zero()).await, 0);
    assert_eq!(send(&site, &post, TimeDelta::minutes(6)).await, 9);
    assert_eq!(server.taken(36).await.len(), 36);
}

async fn webhooks_are_signed_and_keep_their_order(database: Database) {
    let (receiver, base) = Receiver::start().await;
    let (site, kim) = site(database, &[("after", &format!("for i in 0..4 {{ webhook(\"{base}/hook\", #{{number: i, name: record.name}}); }} webhook(\"{base}/other\", #{{number: 9}});"))]).await;
    kim.make("task", json!({"name": "客户 \"x\""})).await;
    let post = Post::new(None, Outbound::new(&["127.0.0.1".into()]).expect("a way out"), None, web::letters::words).expect("a post");
    // The second of the first address fails, in whichever round it comes: those behind it wait, those elsewhere do not.
    *receiver.answers.lock().expect("answers") = VecDeque::from(["200 OK", "200 OK", "500 Oh"]);
    assert_eq!(send(&site, &post, TimeDelta::zero()).await, 3);
    let first = receiver.numbers();
    assert!(first.contains(&9) && first.last() == Some(&1), "{first:?}");
    assert_eq!(of(&site, State::Waiting).await.len(), 3);
    // Refused, then asked to wait for an hour, then taken.
    *receiver.answers.lock().expect("answers") = VecDeque::from(["404 Not Found", "429 Slow\r\nretry-after: 3600"]);
    assert_eq!(send(&site, &post, TimeDelta::minutes(1)).await, 1);
    assert_eq!(send(&site, &post, TimeDelta::minutes(4)).await, 1);
    assert_eq!(send(&site, &post, TimeDelta::minutes(30)).await, 0);
    assert_eq!(send(&site, &post, TimeDelta::hours(2)).await, 3);
    assert_eq!(receiver.numbers()[first.len()..], [1, 1, 1, 2, 3]);
    let got = receiver.got.lock().expect("what came").clone();
    let ids: std::collections::BTreeSet<Option<String>> = got.iter().filter(|(_, body)| body.contains("\"number\":1")).map(|(head, _)| header(head, "webhook-id")).collect();
    assert_eq!(ids.len(), 1, "tried again it is the same message");
    // Whoever has the key knows who sent it.
    let key = outgoing::key_of(&site.app.secrets, &base).expect("a key");
    let key = STANDARD.decode(key.strip_prefix("whsec_").expect("a prefix")).expect("base64");
    for (head, body) in &got {
        let of = |name: &str| header(head, name).expect("a header");
        let signed = format!("{}.{}.{body}", of("webhook-id"), of("webhook-timestamp"));
        assert_eq!(of("webhook-signature"), format!("v1,{}", STANDARD.encode(hmac(&key, signed.as_bytes()))));
        assert_eq!(of("content-type"), "application/json");
    }
    assert_ne!(outgoing::key_of(&site.app.secrets, "https://example.com/hook").expect("a key"), outgoing::key_of(&site.app.secrets, &base).expect("a key"));
    // Without a mail server webhooks leave all the same; who is not there any more is not asked again.
    *receiver.answers.lock().expect("answers") = VecDeque::from(["410 Gone"; 5]);
    kim.make("task", json!({"name": "again"})).await;
    assert_eq!(send(&site, &post, TimeDelta::days(1)).await, 5);
    assert_eq!(of(&site, State::Failed).await.len(), 5);
}

/// RFC 2104, by the hash alone: the way of the tests, beside the way of the engine.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let pad = |byte: u8| (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ byte).collect::<Vec<u8>>();
    Sha256::digest([pad(0x5c), Sha256::digest([pad(0x36), text.to_vec()].concat()).to_vec()].concat()).to_vec()
}

async fn webhooks_stay_outside(database: Database) {
    let (receiver, base) = Receiver::start().await;
    let (site, kim) = site(database, &[("after", &format!("webhook(\"{base}/hook\", #{{}}); webhook(\"https://169.254.169.254/latest\", #{{}}); webhook(\"https://[::ffff:10.0.0.1]/\", #{{}});"))]).await;
    kim.make("task", json!({"name": "Roof"})).await;
    let post = Post::new(None, Outbound::new(&[]).expect("a way out"), None, web::letters::words).expect("a post");
    assert_eq!(send(&site, &post, TimeDelta::zero()).await, 3);
    assert!(receiver.got.lock().expect("what came").is_empty());
    let failed = of(&site, State::Failed).await;
    assert!(failed.len() == 3 && failed.iter().all(|one| one.error.as_deref().is_some_and(|error| error.contains("is not asked"))), "{failed:?}");
}

/// The same site with a mail server, on another address.
async fn with_mail(site: &Site) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let served = web::Site { has_mail: true, ..web::Site::new(site.app.clone()).expect("templates") };
    tokio::spawn(web::serve(served, listener, std::future::pending()));
    base
}

/// The address that a letter leads to, on this machine.
fn link(mail: &Value) -> String {
    let text = mail["text"].as_str().expect("a text");
    let at = text.find("https://cards.example.com/login/link/").expect("a link");
    text[at..].split_whitespace().next().expect("a link").trim_start_matches("https://cards.example.com").to_owned()
}

async fn whoever_forgot_the_password_gets_a_letter(database: Database) {
    let server = MailServer::start();
    let site = Site::of(database, vec![pack(&[])]).await;
    let root = root(&site).await;
    for (login, email) in [("mei", Some("Mei@Example.com")), ("without", None)] {
        let id = site.person(login, &["keeper"]).await.id;
        if let Some(email) = email {
            root.patch(&format!("/users/{id}"), json!({"email": email, "language": "zh-Hans"})).await.ok(200);
        }
    }
    let base = with_mail(&site).await;
    let browser = Browser::at(&base);
    let page = browser.get("/login").await;
    assert!(page.text.contains("/login/forgotten"), "{}", page.text);
    let mut answers = Vec::new();
    for name in ["mei", "MEI@example.com", "nobody", "without", "' OR 1=1 --"] {
        browser.get("/login/forgotten").await;
        let answer = browser.post("/login/forgotten", &[("name", name)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let shown = name.replace('\'', "&#x27;");
        answers.push(answer.text.replace(&shown, "NAME").replace(name, "NAME").split("<h1>").nth(1).unwrap_or_default().to_owned());
    }
    assert!(answers.iter().all(|answer| answer.contains("NAME") && *answer == answers[0]), "{answers:#?}");
    // Once, however often and by whichever name it is asked for.
    let post = server.post();
    for _ in 0..100 {
        if send(&site, &post, TimeDelta::zero()).await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mail = server.taken(1).await[0].clone();
    assert_eq!((mail["to"][0].as_str().map(str::to_lowercase).as_deref(), mail["subject"].as_str().map(|subject| subject.contains("设置新密码"))), (Some("mei@example.com"), Some(true)));
    assert!(mail["text"].as_str().is_some_and(|text| text.contains("账户 mei")), "{mail}");
    let asked = async |minutes| {
        let (origin, now) = (app::accounts::Origin::command_line(), Utc::now() + TimeDelta::minutes(minutes));
        let (one, other) = tokio::join!(app::accounts::forgotten(&site.app, "mei", "en", &origin, now), app::accounts::forgotten(&site.app, "mei@example.com", "en", &origin, now));
        one.expect("asked") + other.expect("asked")
    };
    assert_eq!((asked(9).await, send(&site, &post, TimeDelta::minutes(1)).await), (0, 0));
    // It is in the log, as nobody's doing, and the old password holds until the link is used.
    assert_eq!(site.number("SELECT count(*) FROM sys_log WHERE event = 'link_made' AND about LIKE '%forgotten%'").await, 1);
    let page = browser.get(&link(&mail)).await;
    assert!(page.status == 200 && page.text.contains("mei"), "{}", page.text);
    let done = browser.post(&link(&mail), &[("password", GOOD), ("again", GOOD)]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert!(browser.get(&link(&mail)).await.text.contains("no longer works"));
    assert_eq!(asked(20).await, 1, "two who ask at the same moment");
    // Where no mail leaves, nobody is led to believe so.
    let plain = Browser::new(&site);
    assert!(!plain.get("/login").await.text.contains("/login/forgotten"));
    assert_eq!(plain.get("/login/forgotten").await.status, 303);
}

async fn an_invitation_arrives(database: Database) {
    let server = MailServer::start();
    let site = Site::of(database, vec![pack(&[])]).await;
    let root = root(&site).await;
    let made = root.post("/users", json!({"login": "li", "name": "Li Wei", "email": "li@example.com", "groups": ["keeper"]})).await.ok(201);
    assert_eq!(send(&site, &server.post(), TimeDelta::zero()).await, 1);
    let mail = &server.taken(1).await[0];
    assert!(mail["subject"] == "You are invited to Cardstock" && mail["text"].as_str().is_some_and(|text| text.contains("Hello Li Wei") && text.contains("user name is li")), "{mail}");
    assert!(made["link"].as_str().is_some_and(|known| known.ends_with(&link(mail))), "{made}");
}

async fn letters_are_closed_and_run_out(database: Database) {
    let server = MailServer::start();
    let site = Site::of(database, vec![pack(&[])]).await;
    let root = root(&site).await;
    root.post("/users", json!({"login": "li", "name": "Li Wei", "email": "li@example.com", "groups": ["keeper"]})).await.ok(201);
    let page = root.send(Method::GET, "/studio/outgoing", &[], None).await;
    assert!(page.text.contains("Invitation") && page.text.contains("for its reader alone") && !page.text.contains("/login/link/"), "{}", page.text);
    assert!(page.text.contains("No mail server is configured"), "{}", page.text);
    let sealed = site.app.secrets.seal("mail", b"another", "{}").expect("closed");
    site.app.store.apply(vec![format!("UPDATE sys_outgoing SET content = '{{\"letter\":\"reset\",\"sealed\":\"{sealed}\"}}'")]).await.expect("changed");
    // A letter that was put in another's place does not open.
    assert_eq!(send(&site, &server.post(), TimeDelta::zero()).await, 1);
    let failed = of(&site, State::Failed).await;
    assert!(failed[0].error.as_deref().is_some_and(|error| error.contains("another key")), "{failed:?}");
    // One that leads nowhere any more is not sent.
    let id = app::accounts::find(&site.app, "li").await.expect("looked").expect("li").id;
    app::accounts::login_link(&site.app, id, Utc::now() - TimeDelta::days(2)).await.expect("a link");
    assert_eq!(send(&site, &server.post(), TimeDelta::zero()).await, 1);
    let failed = of(&site, State::Failed).await;
    assert!(failed.iter().any(|one| one.error.as_deref().is_some_and(|error| error.contains("ran out"))), "{failed:?}");
    // Nor is one to an address that is theirs no more; and the link in it leads nowhere.
    let token = app::accounts::login_link(&site.app, id, Utc::now()).await.expect("a link");
    root.patch(&format!("/users/{id}"), json!({"email": "li.wei@example.com"})).await.ok(200);
    assert_eq!((send(&site, &server.post(), TimeDelta::zero()).await, of(&site, State::Cancelled).await.len()), (0, 1));
    assert!(app::accounts::links::look(&site.app, &token, Utc::now()).await.expect("looked").is_none());
}
