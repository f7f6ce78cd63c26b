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
    let function = |name: &str| Function::new(name, builtin(name).expect("built in"));
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

/// A request as a [`Stub`] got it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// For example `GET /list HTTP/1.1`.
    pub line: String,
    /// The header lines, byte for byte, in the order of their names.
    pub head: Vec<String>,
    pub body: Vec<u8>,
}

impl Recorded {
    /// The value of a header, whose name must be spelled exactly so on the wire.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// A machine that is none of ours. It takes down every request, answers with the bytes that it was
/// given, and closes, as old nodes do. Dropped, it is gone.
pub struct Stub {
    address: SocketAddr,
    seen: Arc<std::sync::Mutex<Vec<Recorded>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Stub {
    pub async fn start(answer: impl Fn(&Recorded) -> Vec<u8> + Send + Sync + 'static) -> Stub {
        Stub::at("127.0.0.1:0", answer).await
    }

    pub async fn at(address: &str, answer: impl Fn(&Recorded) -> Vec<u8> + Send + Sync + 'static) -> Stub {
        let listener = tokio::net::TcpListener::bind(address).await.expect("a free address");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (answer, notes) = (Arc::new(answer), seen.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, notes) = (answer.clone(), notes.clone());
                tokio::spawn(async move {
                    let Some(request) = read_request(&mut stream).await else { return };
                    let bytes = answer(&request);
                    notes.lock().expect("unpoisoned").push(request);
                    // Who asked may be gone.
                    let _ = stream.write_all(&bytes).await;
                });
            }
        });
        Stub { address, seen, accepting }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn seen(&self) -> Vec<Recorded> {
        self.seen.lock().expect("unpoisoned").clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Recorded> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
    let mut body = bytes.split_off(end + 4);
    let mut lines = head.split("\r\n").map(str::to_string);
    let line = lines.next().expect("a request line");
    let mut head: Vec<String> = lines.collect();
    head.sort();
    let length =
        head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    while body.len() < length.unwrap_or(0) {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Recorded { line, head, body })
}

/// The bytes of an answer, for a [`Stub`].
pub fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [text.as_bytes(), body].concat()
}

struct Scripted<F>(F);

impl<F> p2pfaas_node::Executor for Scripted<F>
where
    F: Fn(p2pfaas_node::FunctionCall) -> p2pfaas_node::Execution + Send + Sync + 'static,
{
    fn execute(&self, call: p2pfaas_node::FunctionCall) -> p2pfaas_node::Execution {
        (self.0)(call)
    }
}

/// A function made for a test.
pub fn function<F>(name: &str, run: F) -> Function
where
    F: Fn(p2pfaas_node::FunctionCall) -> p2pfaas_node::Execution + Send + Sync + 'static,
{
    Function::new(name, Arc::new(Scripted(run)))
}

/// A function whose calls wait until they are let through.
#[derive(Clone)]
pub struct Gate {
    started: Arc<std::sync::atomic::AtomicUsize>,
    open: Arc<tokio::sync::Semaphore>,
}

impl Gate {
    pub fn new() -> Gate {
        Gate { started: Arc::default(), open: Arc::new(tokio::sync::Semaphore::new(0)) }
    }

    /// The function `gate`.
    pub fn function(&self) -> Function {
        let gate = self.clone();
        function("gate", move |_| {
            let Gate { started, open } = gate.clone();
            Box::pin(async move {
                started.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                open.acquire().await.expect("never closed").forget();
                Ok(p2pfaas_node::FunctionAnswer::ok("text/plain", "through"))
            })
        })
    }

    /// Calls that have begun.
    pub fn started(&self) -> usize {
        self.started.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Lets so many calls through.
    pub fn let_through(&self, calls: usize) {
        self.open.add_permits(calls);
    }
}

/// A `POST` that is on its way while the test goes on.
pub fn post_later(to: SocketAddr, path: &str, body: &[u8]) -> tokio::task::JoinHandle<Answer> {
    let (path, body) = (path.to_string(), body.to_vec());
    tokio::spawn(async move { post(to, &path, &body).await })
}

/// Asks again until the answer is as it should be.
pub async fn until_answer(what: &str, to: SocketAddr, path: &str, is_so: impl Fn(&Answer) -> bool) -> Answer {
    let mut last = None;
    for _ in 0..2_000 {
        let answer = get(to, path).await;
        if is_so(&answer) {
            return answer;
        }
        last = Some(answer);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never happened: {what}; last {last:?}");
}
