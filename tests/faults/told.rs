//! What the program says about itself while it works: lines for whoever runs it, and no secret of whoever uses it.

use std::process::Stdio;

use serde_json::json;

use crate::server::{BINARY, client};

/// Guards what is given to `tracing` anywhere: the most talkative program still keeps passwords, tokens and links.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_told_by_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().display().to_string();
    let run = |args: &[&str]| std::process::Command::new(BINARY).args(args).args(["--data", &data]).output().expect("the program");
    let pack = std::path::Path::new("../../tests/packs/lab").display().to_string();
    assert!(run(&["pack", "install", &pack, "--modules", "none"]).status.success());
    let token = String::from_utf8(run(&["token", "new", "--user", "admin"]).stdout).expect("text").trim().to_owned();
    let address = format!("127.0.0.1:{}", std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port());
    let mut child = std::process::Command::new(BINARY).args(["serve", "--modules", "none", "--listen", &address, "--data", &data]).env("RUST_LOG", "trace").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the server starts");
    // Both are read while it runs: a full pipe would stop it.
    let read = |mut from: Box<dyn std::io::Read + Send>| std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = from.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let (out, err) = (read(Box::new(child.stdout.take().expect("a pipe"))), read(Box::new(child.stderr.take().expect("a pipe"))));
    let client = client();
    let url = |path: &str| format!("http://{address}{path}");
    let ready = async {
        while !client.get(url("/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), ready).await.expect("it becomes ready");
    for body in [json!({"name": "Safe", "pin": "canary-pin"}), json!({"name": 5, "pin": "canary-pin"}), json!({"pin": ["canary-pin"]}), json!({"canary-key": 1})] {
        client.post(url("/api/v1/records/device")).bearer_auth(&token).header("content-type", "application/json").body(body.to_string()).send().await.expect("an answer");
    }
    for (name, password) in [("admin", "canary-password"), ("canary-name", "x")] {
        let form = format!("name={name}&password={password}&next=%2F");
        client.post(url("/login")).header("content-type", "application/x-www-form-urlencoded").header("sec-fetch-site", "same-origin").body(form).send().await.expect("an answer");
    }
    for path in ["/login/link/canary-link", "/api/v1/records/device?q=canary-search", "/c/device?filter=canary-filter", "/api/v1/nothing/canary-path"] {
        client.get(url(path)).bearer_auth(&token).header("cookie", "__Host-cardstock_session=canary-session").send().await.expect("an answer");
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let told = format!("{}\n{}", out.join().expect("read"), err.join().expect("read"));
    assert!(told.len() > 200, "it says something: {told}");
    for secret in ["canary-pin", "canary-password", "canary-name", "canary-link", "canary-session", token.as_str()] {
        assert!(!told.contains(secret), "{secret} is told: {}", told.lines().find(|line| line.contains(secret)).unwrap_or_default());
    }
}
