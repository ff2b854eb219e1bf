//! The one way out: where it does not lead, however the address is written and whatever a name stands for.

use std::{net::IpAddr, sync::{Arc, Mutex, atomic::{AtomicUsize, Ordering}}};

use app::outbound::{Lookup, Outbound, OutboundError, is_public};
use futures::future::BoxFuture;
use reqwest::{Method, Request, Url};
use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::TcpListener};

/// Names that stand for what they are told to, by turns.
struct Told {
    turns: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Told {
    fn new(turns: &[&[&str]]) -> Arc<Self> {
        let turns = turns.iter().rev().map(|all| all.iter().map(|one| one.parse().expect("an address")).collect()).collect();
        Arc::new(Self { turns: Mutex::new(turns), asked: AtomicUsize::new(0) })
    }
}

impl Lookup for Told {
    fn look(&self, _: &str) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut turns = self.turns.lock().expect("turns");
        let found = if turns.len() > 1 { turns.pop().expect("a turn") } else { turns[0].clone() };
        Box::pin(async move { Ok(found) })
    }
}

fn ask(url: &str) -> Request {
    Request::new(Method::GET, Url::parse(url).expect("an address"))
}

/// A server of the inner network that counts who comes, and sends everybody on.
async fn inner() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (port, came) = (listener.local_addr().expect("an address").port(), Arc::new(AtomicUsize::new(0)));
    let counted = came.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut request = [0_u8; 2_048];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{port}/inner\r\ncontent-length: 5\r\nconnection: close\r\n\r\nmoved").as_bytes()).await;
        }
    });
    (port, came)
}

/// Why nothing was asked, through all that a client wraps around it.
fn is_inner(error: &OutboundError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = cause {
        if one.to_string().contains("no public address") {
            return true;
        }
        cause = one.source();
    }
    false
}

const INNER: &[&str] = &[
    "https://127.0.0.1/", "https://127.0.0.2/", "https://127.1/", "https://127.0.1/", "https://0x7f.1/", "https://0x7f000001/", "https://2130706433/", "https://017700000001/", "https://0177.0.0.1/", "https://127.0.0.1./", "https://0/", "https://0.0.0.0/", "https://0x0/",
    "https://10.0.0.1/", "https://10.255.255.255/", "https://0xa000001/", "https://012.0.0.1/", "https://172.16.0.1/", "https://172.31.255.254/", "https://192.168.0.1/", "https://192.168.255.255/", "https://3232235521/", "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/", "https://2852039166/", "https://169.254.0.1/", "https://100.64.0.1/", "https://100.100.100.200/", "https://100.127.255.254/", "https://192.0.0.192/", "https://192.0.2.1/", "https://198.18.0.1/", "https://198.19.255.1/", "https://198.51.100.7/", "https://203.0.113.9/",
    "https://192.88.99.1/", "https://224.0.0.1/", "https://239.255.255.250/", "https://240.0.0.1/", "https://255.255.255.255/", "https://[::]/", "https://[::1]/", "https://[0:0:0:0:0:0:0:1]/", "https://[0000::0001]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[::ffff:10.0.0.1]/", "https://[::ffff:169.254.169.254]/", "https://[::ffff:a9fe:a9fe]/", "https://[::127.0.0.1]/", "https://[::7f00:1]/", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::a9fe:a9fe]/", "https://[64:ff9b:1::1]/", "https://[2002:7f00:1::]/", "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:7f00:1::]/", "https://[2001:db8::1]/", "https://[fc00::1]/", "https://[fd00:ec2::254]/", "https://[fe80::1]/", "https://[febf::1]/", "https://[fec0::1]/", "https://[ff02::1]/", "https://[100::1]/", "https://[3fff::1]/", "https://[5f00::1]/", "https://①②⑦.⓪.⓪.①/", "https://１２７.0.0.1/", "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/", "https://127.0.0.1:443@127.0.0.1/", "https://public.example@127.0.0.1/", "https://user:word@public.example/", "http://public.example/", "http://8.8.8.8/", "ftp://public.example/", "file:/etc/passwd", "gopher://127.0.0.1:6379/_INFO", "data:text/plain,x", "unix:/run/x.sock", "jar:https://public.example!/",
];

#[test]
fn no_spelling_of_an_inner_address_is_asked() {
    let out = Outbound::new(&[]).expect("the way out");
    assert!(INNER.len() >= 60);
    for text in INNER {
        // What is no address at all is not asked either.
        let refused = Url::parse(text).map_or(true, |url| out.check(&url).is_err());
        assert!(refused, "{text} would be asked");
    }
    for text in ["https://public.example/", "https://8.8.8.8/", "https://1.1.1.1:8443/x", "https://[2606:4700:4700::1111]/", "https://[::ffff:8.8.8.8]/", "https://172.15.0.1/", "https://172.32.0.1/", "https://100.63.0.1/", "https://100.128.0.1/", "https://11.0.0.1/"] {
        assert!(out.check(&Url::parse(text).expect("an address")).is_ok(), "{text}");
    }
    // Whoever runs the program may name some, as they are or by name, and no others.
    let named = Outbound::new(&["127.0.0.1".into(), "KEYS.corp.example.".into(), "::1".into()]).expect("the way out");
    for text in ["http://127.0.0.1:9000/", "https://127.1/", "http://keys.corp.example/", "http://keys.corp.example./", "https://[::1]/"] {
        assert!(named.check(&Url::parse(text).expect("an address")).is_ok(), "{text}");
    }
    for text in ["https://127.0.0.2/", "http://other.corp.example/", "http://xkeys.corp.example/", "http://keys.corp.example.evil.example/"] {
        assert!(named.check(&Url::parse(text).expect("an address")).is_err(), "{text}");
    }
    for address in ["::ffff:192.168.1.1", "fe80::1", "2001:1::1"] {
        assert!(!is_public(address.parse().expect("an address")), "{address}");
    }
}

#[tokio::test]
async fn a_name_that_changes_leads_nowhere() {
    let (port, came) = inner().await;
    let url = format!("https://flip.example:{port}/");
    // Inner, among others, in the clothes of the sixth version: refused before anything is connected.
    for turns in [&[&["127.0.0.1"][..]][..], &[&["93.184.216.34", "127.0.0.1"]], &[&["::1"]], &[&["::ffff:127.0.0.1"]], &[&["169.254.169.254"]], &[&["10.0.0.7", "8.8.8.8"]]] {
        let lookup = Told::new(turns);
        let out = Outbound::with(&[], lookup.clone()).expect("the way out");
        let error = out.send(ask(&url), 1_000).await.expect_err("refused");
        assert!(is_inner(&error), "{turns:?}: {error:?}");
        // It is looked up once: what it stands for afterwards is not asked.
        assert_eq!(lookup.asked.load(Ordering::Relaxed), 1, "{turns:?}");
    }
    assert_eq!(came.load(Ordering::Relaxed), 0);
    // A name that turns between two requests is looked at with each.
    let lookup = Told::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let out = Outbound::with(&[], lookup.clone()).expect("the way out");
    for _ in 0..3 {
        assert!(is_inner(&out.send(ask(&url), 1_000).await.expect_err("refused")));
    }
    assert_eq!((lookup.asked.load(Ordering::Relaxed), came.load(Ordering::Relaxed)), (3, 0));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (port, came) = inner().await;
    let out = Outbound::with(&["named.example".into()], Told::new(&[&["127.0.0.1"]])).expect("the way out");
    let answer = out.send(ask(&format!("http://named.example:{port}/")), 1_000).await.expect("a host that was named");
    assert_eq!((answer.status.as_u16(), answer.body.as_slice(), came.load(Ordering::Relaxed)), (302, &b"moved"[..], 1));
    assert!(answer.headers.contains_key("location"));
    let error = out.send(ask(&format!("http://named.example:{port}/")), 3).await.expect_err("more than is read");
    assert!(matches!(error, OutboundError::TooLong), "{error:?}");
}
