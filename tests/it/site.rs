//! A site of its own for each case, served for real, and people who talk to it.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};

use app::{App, accounts};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// On which database a case runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// Runs a case.
pub fn run<F: Future<Output = ()>>(database: Database, case: impl FnOnce(Database) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(case(database));
}

/// A pack's files, as `app` takes them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A folder of this repository. Tests run in the folder of their package.
pub fn folder(path: &str) -> PathBuf {
    Path::new("..").join(path)
}

/// The files of a pack's folder.
pub fn pack(path: &str) -> Files {
    fn walk(root: &Path, at: &Path, files: &mut Files) {
        for entry in std::fs::read_dir(at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
                files.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }
    let root = folder(path);
    let mut files = Files::new();
    walk(&root, &root, &mut files);
    files
}

/// A running site.
pub struct Site {
    pub app: Arc<App>,
    pub base: String,
    /// The database's address, where it is not a file in the site's folder.
    pub url: Option<String>,
    _folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

/// The address of the PostgreSQL cluster for tests.
fn cluster() -> String {
    std::env::var("CARDSTOCK_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("these cases need PostgreSQL: `cargo xtask test` starts one, or `export CARDSTOCK_TEST_POSTGRES=$(cargo xtask pg start)`")
    })
}

/// A new database in the cluster.
fn new_database() -> String {
    let cluster = cluster();
    let name = format!("it_{}", uuid::Uuid::now_v7().simple());
    let done = std::process::Command::new("psql").args([&cluster, "-qc", &format!("CREATE DATABASE {name}")]).status().expect("psql");
    assert!(done.success(), "a database could not be made");
    cluster.replacen("/postgres?", &format!("/{name}?"), 1)
}

impl Site {
    /// A site with a pack from this repository.
    pub async fn with(database: Database, path: &str) -> Self {
        Self::of(database, vec![pack(path)]).await
    }

    /// A site with packs.
    pub async fn of(database: Database, packs: Vec<Files>) -> Self {
        let url = (database == Database::Postgres).then(new_database);
        let folder = tempfile::tempdir().expect("a folder");
        let app = App::open(folder.path().to_path_buf(), url.clone()).await.expect("a site");
        if !packs.is_empty() {
            let installed = app::packs::install(&app, packs.clone()).await.expect("installed");
            let errors: Vec<String> = installed.findings.iter().filter(|finding| finding.level == model::Level::Error).map(|finding| finding.render(None)).collect();
            assert!(errors.is_empty(), "{}", errors.join("\n"));
            for files in &packs {
                app::packs::load_data(&app, files, chrono::Utc::now()).await.expect("its data");
            }
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel();
        let site = web::Site::new(app.clone()).expect("templates");
        tokio::spawn(web::serve(site, listener, async {
            let _ = stopped.await;
        }));
        Self { app, base, url, _folder: folder, stop: Some(stop) }
    }

    /// Somebody with an account and an API token.
    pub async fn person(&self, login: &str, roles: &[&str]) -> Person {
        let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
        let now = chrono::Utc::now();
        let id = accounts::create_user(&self.app, login, login, Some("a good password"), &roles, Some("en"), now).await.expect("a user");
        let token = accounts::create_token(&self.app, id, "test", now).await.expect("a token");
        Person { base: self.base.clone(), id: id.to_string(), token: Some(token), http: client() }
    }

    /// Somebody without an account.
    pub fn nobody(&self) -> Person {
        Person { base: self.base.clone(), id: String::new(), token: None, http: client() }
    }

    /// A number that a statement finds. What a client sees is asked over HTTP; this is for what no client sees.
    pub async fn number(&self, statement: &str) -> i64 {
        let statement = sql::Statement { sql: statement.to_owned(), binds: Vec::new(), columns: vec![sql::Physical::Integer] };
        match self.app.store.fetch(&statement).await.expect("a number").first().map(Vec::as_slice) {
            Some([sql::Datum::Integer(number)]) => *number,
            other => panic!("no number: {other:?}"),
        }
    }
}

impl Site {
    pub async fn texts(&self, statement: String, columns: usize) -> Vec<Vec<String>> {
        let statement = sql::Statement { sql: statement, binds: Vec::new(), columns: vec![sql::Physical::Text; columns] };
        let rows = self.app.store.fetch(&statement).await.expect("rows");
        rows.into_iter().map(|row| row.into_iter().map(|datum| if let sql::Datum::Text(text) = datum { text } else { String::new() }).collect()).collect()
    }

    /// A number made of every row, for every table: the same only if nothing changed. How often lists were slow and who
    /// tried to sign in is no content.
    pub async fn content(&self) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let sqlite = self.url.is_none();
        let tables = if sqlite {
            "SELECT m.name, group_concat('quote(\"' || p.name || '\")', '||'',''||') FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND m.name NOT LIKE 'sys_slow%' AND m.name NOT IN ('sys_log', 'sys_log_head', 'sys_browser', 'sys_login_step', 'sys_provider_step') GROUP BY m.name"
        } else {
            "SELECT tablename::text, 't::text' FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'sys_slow%' AND tablename NOT IN ('sys_log', 'sys_log_head', 'sys_browser', 'sys_login_step', 'sys_provider_step')"
        };
        let mut tables: Vec<Vec<String>> = self.texts(tables.to_owned(), 2).await;
        tables.sort();
        let mut text = String::new();
        for table in tables {
            let (name, row) = (&table[0], &table[1]);
            let mut hash = DefaultHasher::new();
            self.texts(format!("SELECT {row} FROM \"{name}\" t ORDER BY 1"), 1).await.hash(&mut hash);
            text.push_str(&format!("{name} {:x}\n", hash.finish()));
        }
        text
    }
}

/// A client that follows nothing by itself.
pub fn client() -> reqwest::Client {
    // The first to come installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Person {
    base: String,
    pub id: String,
    pub token: Option<String>,
    http: reqwest::Client,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// The answer, if it has this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }
    /// A refusal: its status and code, as a problem document.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.body["code"], code, "{}", self.text);
        assert_eq!(self.body["status"], status, "{}", self.text);
        assert!(self.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", self.text);
        self.body
    }
    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The broken rules of a refusal: `path code`, in order of path.
pub fn violations(problem: &Value) -> Vec<String> {
    let mut found: Vec<String> = problem["violations"].as_array().expect("violations").iter().map(|one| format!("{} {}", one["path"].as_str().unwrap_or("?"), one["code"].as_str().unwrap_or("?"))).collect();
    found.sort();
    found
}

/// A query's text in an address.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}

impl Person {
    /// The same person with another token.
    pub fn with(&self, token: Option<String>) -> Self {
        Self { token, ..self.clone() }
    }

    /// The same person at another address.
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// A request of any kind.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap_or_default();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, body, text }
    }

    async fn json(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.send(method, path, &all, Some(body.to_string().into_bytes())).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, &format!("/api/v1{path}"), &[], None).await
    }
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, &format!("/api/v1{path}"), &[], &body).await
    }
    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        self.json(Method::POST, &format!("/api/v1{path}"), headers, &body).await
    }
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PATCH, &format!("/api/v1{path}"), &[], &body).await
    }
    pub async fn patch_with(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        self.json(Method::PATCH, &format!("/api/v1{path}"), headers, &body).await
    }
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, &format!("/api/v1{path}"), &[], None).await
    }

    /// A file that is there to be kept.
    pub async fn bytes(&self, path: &str) -> Vec<u8> {
        let mut request = self.http.get(format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let content = response.bytes().await.expect("a body").to_vec();
        assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&content));
        content
    }
    /// Host and port.
    pub fn address(&self) -> String {
        self.base.trim_start_matches("http://").to_owned()
    }
    /// The status of an answer that comes before a body was sent.
    pub async fn claim(&self, path: &str, headers: &[(&str, &str)]) -> u16 {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let host = self.address();
        let mut stream = tokio::net::TcpStream::connect(&host).await.expect("a connection");
        let mut text = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n", self.token.as_deref().unwrap_or_default());
        headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
        stream.write_all(format!("{text}\r\n").as_bytes()).await.expect("sent");
        let mut answer = [0_u8; 12];
        stream.read_exact(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer[9..12]).parse().expect("a status")
    }

    /// Makes a record; its id.
    pub async fn make(&self, card: &str, record: Value) -> String {
        let made = self.post(&format!("/records/{card}"), record).await.ok(201);
        made["id"].as_str().expect("an id").to_owned()
    }
    /// Reads a record.
    pub async fn read(&self, card: &str, id: &str) -> Value {
        self.get(&format!("/records/{card}/{id}")).await.ok(200)
    }
    /// A list by a filter: the values of one field, in order.
    pub async fn find(&self, card: &str, filter: &Value, sort: &str, field: &str) -> Vec<Value> {
        let body = json!({"filter": filter, "sort": sort, "fields": [field], "limit": 500});
        let found = self.post(&format!("/records/{card}/query"), body).await.ok(200);
        found["data"].as_array().expect("rows").iter().map(|row| row[field].clone()).collect()
    }
}
