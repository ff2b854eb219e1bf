//! A server as a process of its own, and clients that talk to it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, atomic::{AtomicBool, AtomicUsize, Ordering}},
    time::Duration,
};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

/// The program itself.
pub const BINARY: &str = env!("CARGO_BIN_EXE_cardstock");

/// A site that can be started and killed.
pub struct Server {
    pub data: PathBuf,
    pub address: String,
    database: Option<String>,
    token: String,
    child: Option<Child>,
    /// Largest file the process may write, in blocks of 512 bytes, where the disk itself cannot be made small.
    pub blocks: Option<u64>,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

impl Server {
    /// A new site with the pack of these cases.
    pub fn new(data: &Path, database: Option<String>) -> Self {
        let mut server = Self { data: data.to_owned(), address: format!("127.0.0.1:{}", free_port()), database, token: String::new(), child: None, blocks: None };
        let pack = Path::new("../../tests/packs/ledger");
        server.run(&["pack", "install", &pack.display().to_string(), "--modules", "none"]);
        server.token = server.run(&["token", "new", "--user", "admin"]).trim().to_owned();
        server
    }

    pub fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().expect("the program");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = match self.blocks {
            // Beyond its limit a write fails as on a full disk; the signal that would come first is ignored.
            Some(blocks) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""), BINARY]);
                shell
            }
            None => Command::new(BINARY),
        };
        command.args(args).arg("--data").arg(&self.data);
        if let Some(database) = &self.database {
            command.args(["--database", database]);
        }
        command
    }

    /// Starts it, and waits until it is ready.
    pub async fn start(&mut self) {
        let mut command = self.command(&["serve", "--modules", "none", "--listen", &self.address]);
        self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("the server starts"));
        self.until_ready().await;
    }

    /// Waits until it says that it is ready.
    pub async fn until_ready(&self) {
        let client = client();
        let ready = async {
            while !client.get(self.url("/readyz")).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ready).await.expect("it becomes ready within a minute");
    }

    /// Ends the process as if the machine had lost its power: nothing is finished, nothing is closed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Makes an entry with two lines; the status, and whether a time to come back was given.
    pub async fn post(&self, client: &Client, name: &str, text: &str, key: Option<&str>) -> Result<(StatusCode, bool, Value), reqwest::Error> {
        post(client, &self.url("/api/v1/records/entry"), &self.token, name, text, key).await
    }

    /// Asks a list.
    pub async fn query(&self, client: &Client, card: &str, question: &Value) -> Value {
        let request = client.post(self.url(&format!("/api/v1/records/{card}/query"))).bearer_auth(&self.token).header("content-type", "application/json");
        let answer = request.body(question.to_string()).send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("an answer"));
        assert_eq!(status, StatusCode::OK, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Somebody who makes entries by turns until told to stop.
    pub fn writer(&self, name: String, stop: Arc<AtomicBool>, count: Arc<AtomicUsize>) -> tokio::task::JoinHandle<Vec<String>> {
        let (url, token) = (self.url("/api/v1/records/entry"), self.token.clone());
        tokio::spawn(async move {
            let client = client();
            let mut answered = Vec::new();
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let entry = format!("{name}-{number}");
                if post(&client, &url, &token, &entry, "", None).await.is_ok_and(|(status, ..)| status == StatusCode::CREATED) {
                    answered.push(entry);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            answered
        })
    }

    /// The same, each entry asked for with a key and again until it is answered.
    pub fn stubborn(&self, name: String, stop: Arc<AtomicBool>, count: Arc<AtomicUsize>) -> tokio::task::JoinHandle<Vec<String>> {
        let (url, token) = (self.url("/api/v1/records/entry"), self.token.clone());
        tokio::spawn(async move {
            let client = client();
            let mut answered = Vec::new();
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let entry = format!("{name}-{number}");
                loop {
                    match post(&client, &url, &token, &entry, "", Some(&entry)).await {
                        Ok((status, ..)) if status.is_success() => break,
                        Ok((StatusCode::SERVICE_UNAVAILABLE, ..)) | Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
                        Ok((status, _, body)) => panic!("{entry}: {status} {body}"),
                    }
                }
                answered.push(entry);
                count.fetch_add(1, Ordering::Relaxed);
            }
            answered
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

async fn post(client: &Client, url: &str, token: &str, name: &str, text: &str, key: Option<&str>) -> Result<(StatusCode, bool, Value), reqwest::Error> {
    let body = json!({"name": name, "text": text, "lines": [{"amount": "1.25"}, {"amount": "2.50"}]});
    let mut request = client.post(url).bearer_auth(token).header("content-type", "application/json").body(body.to_string());
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let answer = request.send().await?;
    let (status, come_back) = (answer.status(), answer.headers().contains_key("retry-after"));
    let text = answer.text().await?;
    Ok((status, come_back, serde_json::from_str(&text).unwrap_or_default()))
}

pub fn client() -> Client {
    // The first to come installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(Duration::from_secs(15)).build().expect("a client")
}

/// What must be so in a database of entries, as statements that each find nothing when it is: rows of one change are all
/// there or none.
pub const TORN: [&str; 7] = [
    "SELECT e.f_name FROM c_entry e WHERE (SELECT count(*) FROM c_entry__lines l WHERE l.parent_id = e.id) <> 2",
    "SELECT l.id FROM c_entry__lines l WHERE NOT EXISTS (SELECT 1 FROM c_entry e WHERE e.id = l.parent_id)",
    "SELECT e.f_name FROM c_entry e WHERE (SELECT count(*) FROM sys_audit a WHERE a.record = e.id AND a.version = e.version) <> 1",
    "SELECT e.f_name FROM c_entry e WHERE (SELECT count(*) FROM sys_change c WHERE c.record = e.id AND c.version = e.version) <> 1",
    "SELECT a.record FROM sys_audit a WHERE a.card = 'entry' AND NOT EXISTS (SELECT 1 FROM c_entry e WHERE e.id = a.record)",
    "SELECT c.record FROM sys_change c WHERE c.card = 'entry' AND NOT EXISTS (SELECT 1 FROM c_entry e WHERE e.id = c.record)",
    "SELECT e.f_name FROM c_entry e WHERE e.f_total IS NULL",
];

/// What a statement finds in an SQLite file, a line for each row.
pub fn sqlite(file: &Path, statement: &str) -> Vec<String> {
    let output = Command::new("sqlite3").args(["-readonly", "-cmd", ".timeout 10000"]).arg(file).arg(statement).output().expect("sqlite3");
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// An SQLite site is sound: the file itself, and rows of one change together.
pub fn check_sqlite(file: &Path) {
    assert_eq!(sqlite(file, "PRAGMA integrity_check"), ["ok"]);
    for statement in TORN {
        assert_eq!(sqlite(file, statement), Vec::<String>::new(), "{statement}");
    }
    assert_eq!(sqlite(file, "SELECT count(*) - max(seq) FROM sys_change"), ["0"], "numbers of the change log have no gaps");
}
