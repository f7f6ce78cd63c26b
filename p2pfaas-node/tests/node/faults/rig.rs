//! Functions that wait until the test lets them go, and servers that do what the test says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use p2pfaas_node::{Execution, Executor, Function, FunctionAnswer, FunctionCall};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

pub use crate::support::*;

/// A call that goes on beside the test. Aborting it closes its connection.
pub fn call_beside(to: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> JoinHandle<Answer> {
    let request = request("POST", path, headers, body);
    tokio::spawn(async move { parse(&raw(to, &request).await) })
}

/// Makes the node decide about a job as NoScheduler does.
pub const BYPASS: (&str, &str) = ("X-P2pfaas-Scheduler-Bypass", "1");
/// Makes the node forward a job.
pub const FORWARD: (&str, &str) = ("X-P2pfaas-Scheduler-Forward", "1");

/// Jobs running and waiting, as the node tells its peers.
pub async fn load(of: SocketAddr) -> (usize, usize) {
    let answer = get(of, "/monitoring/load").await;
    let number = |name| answer.header(name).and_then(|text| text.parse().ok()).expect("a number");
    (number("X-P2pfaas-Load"), number("X-P2pfog-Queue-Length"))
}

/// Waits until the node has this many jobs running and waiting.
pub async fn until_load(of: SocketAddr, wanted: (usize, usize)) {
    for _ in 0..2_000 {
        if load(of).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the load never was {wanted:?}, it is {:?}", load(of).await);
}

/// Changes slots and queue.
pub async fn set_capacity(of: SocketAddr, change: &str) {
    assert_eq!(post(of, "/configuration", change.as_bytes()).await.status, 200, "{change}");
}

/// The job ran here, at the node that was called.
pub fn ran_here(answer: &Answer) -> bool {
    answer.status == 200 && answer.header("X-P2pfaas-Externally-Executed").is_none()
}

/// A function whose calls wait until the test lets them go. It answers its payload.
#[derive(Clone)]
pub struct Gate(Arc<GateInner>);

struct GateInner {
    places: Semaphore,
    begun: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
    finished: AtomicUsize,
}

impl Gate {
    pub fn new() -> Self {
        Gate(Arc::new(GateInner {
            places: Semaphore::new(0),
            begun: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
        }))
    }

    pub fn function(&self, name: &str) -> Function {
        Function::new(name, Arc::new(self.clone()))
    }

    /// Lets this many calls go.
    pub fn let_go(&self, calls: usize) {
        self.0.places.add_permits(calls);
    }

    /// Lets all calls go, also those to come.
    pub fn open(&self) {
        self.0.places.close();
    }

    /// Calls that have begun.
    pub fn begun(&self) -> usize {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// Calls under way.
    pub fn running(&self) -> usize {
        self.0.running.load(Ordering::SeqCst)
    }

    /// Calls that have come to their end.
    pub fn finished(&self) -> usize {
        self.0.finished.load(Ordering::SeqCst)
    }

    /// The most calls under way at once since the last time that somebody asked.
    pub fn most_at_once(&self) -> usize {
        self.0.most.swap(self.running(), Ordering::SeqCst)
    }
}

impl Executor for Gate {
    fn execute(&self, call: FunctionCall) -> Execution {
        struct Under<'a>(&'a AtomicUsize);
        impl Drop for Under<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let gate = self.0.clone();
        Box::pin(async move {
            gate.begun.fetch_add(1, Ordering::SeqCst);
            let running = gate.running.fetch_add(1, Ordering::SeqCst) + 1;
            gate.most.fetch_max(running, Ordering::SeqCst);
            let under_way = Under(&gate.running);
            if let Ok(place) = gate.places.acquire().await {
                place.forget();
            }
            drop(under_way);
            gate.finished.fetch_add(1, Ordering::SeqCst);
            Ok(FunctionAnswer::ok("application/octet-stream", call.payload))
        })
    }
}

/// A request as a stub got it.
pub struct StubRequest {
    pub path: String,
    pub head: String,
    pub body: Vec<u8>,
}

impl StubRequest {
    /// The value of a header; its name may be spelled in any way.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// What a stub does about a request.
pub enum Reply {
    /// Answers and keeps the connection.
    Send(Vec<u8>),
    /// Sends these bytes, which may be no answer, or part of one, and closes.
    SendAndClose(Vec<u8>),
    /// Does nothing until the other side closes.
    Hang,
}

/// An HTTP answer of a stub.
pub fn reply(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Status\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n", body.as_ref().len());
    [text.as_bytes(), body.as_ref()].concat()
}

/// A server that does what the test says. It ends with its value.
pub struct Stub {
    pub address: SocketAddr,
    seen: Arc<StubCounts>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct StubCounts {
    requests: AtomicUsize,
    given_up: AtomicUsize,
    closed: AtomicUsize,
}

impl Stub {
    pub async fn start<F, R>(answer: F) -> Stub
    where
        F: Fn(StubRequest) -> R + Send + Sync + 'static,
        R: Future<Output = Reply> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(StubCounts::default());
        let (answer, counts) = (Arc::new(answer), seen.clone());
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, counts) = (answer.clone(), counts.clone());
                connections.spawn(async move {
                    // A caller that breaks off is what some tests are about.
                    let _ = serve_stub(&mut stream, &*answer, &counts).await;
                    drop(stream);
                    counts.closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Stub { address, seen, task }
    }

    /// Always does the same.
    pub async fn always(reply: fn() -> Reply) -> Stub {
        Stub::start(move |_| async move { reply() }).await
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// Requests that were left hanging, and given up by who made them.
    pub fn given_up(&self) -> usize {
        self.seen.given_up.load(Ordering::SeqCst)
    }

    /// Connections that have been closed.
    pub fn closed(&self) -> usize {
        self.seen.closed.load(Ordering::SeqCst)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve_stub<F, R>(stream: &mut TcpStream, answer: &F, counts: &StubCounts) -> std::io::Result<()>
where
    F: Fn(StubRequest) -> R,
    R: Future<Output = Reply>,
{
    let mut read = Vec::new();
    loop {
        let Some(request) = read_request(stream, &mut read).await? else { return Ok(()) };
        counts.requests.fetch_add(1, Ordering::SeqCst);
        match answer(request).await {
            Reply::Send(bytes) => stream.write_all(&bytes).await?,
            Reply::SendAndClose(bytes) => return stream.write_all(&bytes).await,
            Reply::Hang => {
                let _ = stream.read(&mut [0]).await;
                counts.given_up.fetch_add(1, Ordering::SeqCst);
                return Ok(());
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<Option<StubRequest>> {
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_string();
            let mut request = StubRequest { path, head, body: Vec::new() };
            let length = request.header("content-length").map_or(0, |text| text.parse().expect("a length"));
            if read.len() >= end + 4 + length {
                request.body = read[end + 4..end + 4 + length].to_vec();
                read.drain(..end + 4 + length);
                return Ok(Some(request));
            }
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

/// An address at which nobody listens, and which nobody else gets while this lives.
pub struct Nobody {
    pub address: SocketAddr,
    _bound: TcpSocket,
}

impl Nobody {
    pub fn new() -> Nobody {
        let bound = TcpSocket::new_v4().expect("a socket");
        bound.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        Nobody { address: bound.local_addr().expect("bound"), _bound: bound }
    }

    /// Where somebody has been.
    pub fn at(address: SocketAddr) -> Nobody {
        let bound = TcpSocket::new_v4().expect("a socket");
        bound.set_reuseaddr(true).expect("an option");
        bound.bind(address).expect("an address that is free again");
        Nobody { address, _bound: bound }
    }
}

/// An answer of an old peer that ran the job: no field that is ours.
pub fn old_peer_answer(status: u16, body: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let message = serde_json::json!({
        "peers_list": [{"machine_id": "old", "machine_ip": "10.9.9.9", "timings": {"total_time": 0.01}}],
        "body": base64::engine::general_purpose::STANDARD.encode(body),
        "status_code": status,
    });
    reply(status, &[("Content-Type", "application/json")], message.to_string())
}

/// One request from another address of this machine, so that the sender is not known by its address.
pub async fn call_from_elsewhere(
    to: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 2], 0)))?;
    let mut stream = socket.connect(to).await?;
    stream.write_all(&request("POST", path, headers, body)).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Ok(parse(&bytes))
}
