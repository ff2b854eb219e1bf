//! Whoever takes webhooks: a server that keeps what came and answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Whoever takes webhooks: what it got, and what it answers next; 200 when nothing is said.
#[derive(Default)]
pub struct Receiver {
    pub got: Mutex<Vec<(String, String)>>,
    pub answers: Mutex<VecDeque<&'static str>>,
}

impl Receiver {
    pub async fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let receiver = Arc::new(Self::default());
        let served = receiver.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move {
                    let (mut bytes, mut part) = (Vec::new(), [0_u8; 4096]);
                    let (head, body) = loop {
                        let Ok(read) = stream.read(&mut part).await else { return };
                        bytes.extend_from_slice(&part[..read]);
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        if let Some((head, body)) = text.split_once("\r\n\r\n") {
                            let length = header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
                            if body.len() >= length {
                                break (head.to_owned(), body.to_owned());
                            }
                        }
                        if read == 0 {
                            return;
                        }
                    };
                    let answer = served.answers.lock().expect("answers").pop_front().unwrap_or("200 OK");
                    served.got.lock().expect("what came").push((head, body));
                    let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes()).await;
                });
            }
        });
        (receiver, base)
    }

    pub fn numbers(&self) -> Vec<i64> {
        self.got.lock().expect("what came").iter().map(|(_, body)| serde_json::from_str::<Value>(body).expect("JSON")["number"].as_i64().expect("a number")).collect()
    }
}

pub fn header(head: &str, name: &str) -> Option<String> {
    head.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}
