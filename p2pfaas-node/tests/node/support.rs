//! Nodes on loopback and a client that shows every byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_core::{Capacity, NodeConfig};
use p2pfaas_node::{Function, NodeService, Settings, builtin};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Settings of a node with the functions `echo` and `sleep`.
pub fn settings(policy: &str, parameters: &[&str]) -> Settings {
    let function = |name: &str| Function {
        name: name.to_string(),
        executor: builtin(name).expect("built in"),
        deadline: None,
    };
    Settings {
        functions: vec![function("echo"), function("sleep")],
        policy: Descriptor::new(policy, parameters.iter().copied()),
        core: NodeConfig { capacity: Capacity { slots: 4, queue: 4 }, ..NodeConfig::default() },
        ..Settings::default()
    }
}

pub async fn start(settings: Settings) -> NodeService {
    NodeService::start(settings, Arc::new(Registry::builtin())).await.expect("the node starts")
}

/// An answer as it came over the wire.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// The head, byte for byte, without the status line.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header, whose name must be spelled exactly so on the wire.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The code of an error body.
    pub fn code(&self) -> u64 {
        self.json()["code"].as_u64().expect("an error body")
    }
}

/// One request on a connection of its own, as old clients make it.
pub async fn call(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let bytes = raw(to, &request(method, path, headers, body)).await;
    parse(&bytes)
}

pub async fn get(to: SocketAddr, path: &str) -> Answer {
    call(to, "GET", path, &[], b"").await
}

pub async fn post(to: SocketAddr, path: &str, body: &[u8]) -> Answer {
    call(to, "POST", path, &[], body).await
}

pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n", body.len());
    [text.as_bytes(), body].concat()
}

pub async fn raw(to: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).await.expect("connects");
    stream.write_all(request).await.expect("writes");
    let mut bytes = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes))
        .await
        .expect("an answer within 20 s")
        .expect("reads");
    bytes
}

pub fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_else(|| {
        panic!("no head in {:?}", String::from_utf8_lossy(bytes));
    });
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let (line, head) = head.split_once("\r\n").unwrap_or((&head, ""));
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    Answer { status, head: head.to_string(), body: bytes[end + 4..].to_vec() }
}

/// Waits until something is so.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never happened: {what}");
}
