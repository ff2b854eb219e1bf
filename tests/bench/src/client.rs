//! Connections that stay open, and the clock beside them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::net::TcpStream;

/// What can go wrong, as words: this is a tool.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// One request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// GET, POST, PATCH.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// JSON, or the fields of a form, if any.
    pub body: Option<String>,
    /// Whether a script of a page sends a form.
    pub form: bool,
}

impl Call {
    /// A read.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None, form: false }
    }
    /// A change.
    pub fn send(method: &'static str, path: impl Into<String>, body: &Json) -> Self {
        Self { method, path: path.into(), body: Some(body.to_string()), form: false }
    }
    /// What a page sends while one types.
    pub fn form(path: impl Into<String>, fields: String) -> Self {
        Self { method: "POST", path: path.into(), body: Some(fields), form: true }
    }
}

/// A server as clients know it.
#[derive(Debug, Clone)]
pub struct Server {
    /// `127.0.0.1:4711`
    pub address: String,
    /// A token, if it wants one.
    pub token: Option<String>,
}

/// An open connection.
pub struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    server: Server,
}

impl Connection {
    /// Opens one.
    pub async fn open(server: &Server) -> Result<Self, Fault> {
        let stream = TcpStream::connect(&server.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, server: server.clone() })
    }

    /// Sends a request and waits for the whole answer.
    pub async fn call(&mut self, call: &Call) -> Result<(u16, Bytes), Fault> {
        let mut request = Request::builder().method(call.method).uri(&call.path).header(header::HOST, &self.server.address);
        if let Some(token) = &self.server.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if call.form {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").header("hx-request", "true");
        } else if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Full::new(Bytes::from(call.body.clone().unwrap_or_default()));
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(body)?).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Sends a request that must succeed; gives the JSON of its answer.
    pub async fn json(&mut self, call: &Call) -> Result<Json, Fault> {
        let (status, bytes) = self.call(call).await?;
        if !(200..300).contains(&status) {
            return Err(format!("{} {}: {status} {}", call.method, call.path, String::from_utf8_lossy(&bytes)).into());
        }
        Ok(serde_json::from_slice(&bytes)?)
    }
}

/// What one run measured.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Requests per second.
    pub rate: f64,
    /// 95 of 100 answers came within this many milliseconds.
    pub p95: f64,
}

/// Drives a server with as many connections at once as there are in `next`, each with its own source of requests.
pub async fn drive(server: &Server, span: Duration, next: Vec<Box<dyn FnMut() -> Call + Send>>) -> Result<Measured, Fault> {
    let mut tasks = Vec::new();
    let mut open = Vec::new();
    for source in next {
        open.push((Connection::open(server).await?, source));
    }
    let began = Instant::now();
    for (mut connection, mut source) in open {
        tasks.push(tokio::spawn(async move {
            let mut took = Vec::new();
            while began.elapsed() < span {
                let call = source();
                let sent = Instant::now();
                let (status, bytes) = connection.call(&call).await?;
                took.push(sent.elapsed());
                if !(200..300).contains(&status) {
                    return Err(Fault::from(format!("{} {}: {status} {}", call.method, call.path, String::from_utf8_lossy(&bytes))));
                }
            }
            Ok(took)
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    let seconds = began.elapsed().as_secs_f64();
    all.sort_unstable();
    let p95 = all.get(all.len() * 95 / 100).copied().unwrap_or_default();
    Ok(Measured { rate: all.len() as f64 / seconds, p95: p95.as_secs_f64() * 1000.0 })
}

/// The middle one.
pub fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or_default()
}
