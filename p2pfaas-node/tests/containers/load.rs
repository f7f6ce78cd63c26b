//! Clients that call on schedule through each port, and keep what became of each call.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::docker::address;
use crate::http;

/// Calls a second through each port: nine tenths of what four slots can do, so that many are forwarded.
const RATE: u32 = 36;
const SERVICE_S: &[u8] = b"0.1";
/// The error of a full node (fact sheet 1.3).
const NO_ROOM: &str = "\"code\":400";
/// After it, a client gives a call up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What became of a call.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Through whose port it went.
    pub node: usize,
    pub began: Instant,
    pub ended: Instant,
    pub answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Served,
    /// By a full node.
    Dropped,
    /// Anything else that a node says, such as that the peer it was forwarded to did not answer.
    Failed,
    /// Nobody listened: the client goes elsewhere.
    Refused,
    /// It was sent, and the connection ended without an answer, or none came in time.
    Nothing,
}

impl Outcome {
    pub fn is_served(&self) -> bool {
        self.answer == Answer::Served
    }

    /// Neither served, nor dropped by a full node, nor one that its client could take elsewhere.
    pub fn is_lost(&self) -> bool {
        matches!(self.answer, Answer::Failed | Answer::Nothing)
    }
}

#[derive(Default)]
struct Port {
    away: AtomicBool,
    under_way: AtomicUsize,
}

#[derive(Default)]
struct Shared {
    ports: Vec<Port>,
    paused: AtomicBool,
    outcomes: Mutex<Vec<Outcome>>,
}

pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins at once, through every port.
    pub fn start(nodes: usize) -> Load {
        let shared = Shared { ports: (0..nodes).map(|_| Port::default()).collect(), ..Shared::default() };
        let shared = Arc::new(shared);
        let clients = (0..nodes).map(|node| tokio::spawn(clients(shared.clone(), node))).collect();
        Load { shared, clients }
    }

    pub async fn run_for(&self, span: Duration) {
        sleep(span).await;
    }

    /// No new calls through this port.
    pub fn leave(&self, node: usize) {
        self.shared.ports[node].away.store(true, Ordering::Release);
    }

    pub fn enter(&self, node: usize) {
        self.shared.ports[node].away.store(false, Ordering::Release);
    }

    pub fn under_way(&self, node: usize) -> usize {
        self.shared.ports[node].under_way.load(Ordering::Acquire)
    }

    /// No new calls at all, and the end of those under way.
    pub async fn pause(&self) {
        self.shared.paused.store(true, Ordering::Release);
        while (0..self.shared.ports.len()).any(|node| self.under_way(node) > 0) {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits for every call that is under way now.
    pub async fn settle(&self) {
        self.pause().await;
        self.shared.paused.store(false, Ordering::Release);
    }

    /// Forgets what has been so far.
    pub fn forget(&self) {
        self.outcomes().clear();
    }

    pub fn count(&self, of: impl Fn(&Outcome) -> bool) -> usize {
        self.outcomes().iter().filter(|outcome| of(outcome)).count()
    }

    /// When these ended.
    pub fn ends(&self, of: impl Fn(&Outcome) -> bool) -> Vec<Instant> {
        self.outcomes().iter().filter(|outcome| of(outcome)).map(|outcome| outcome.ended).collect()
    }

    fn outcomes(&self) -> std::sync::MutexGuard<'_, Vec<Outcome>> {
        self.shared.outcomes.lock().expect("no panic")
    }

    pub async fn stop(self) {
        self.pause().await;
        self.clients.iter().for_each(JoinHandle::abort);
    }
}

async fn clients(shared: Arc<Shared>, node: usize) {
    let mut due = tokio::time::interval(Duration::from_secs(1) / RATE);
    loop {
        due.tick().await;
        if shared.paused.load(Ordering::Acquire) || shared.ports[node].away.load(Ordering::Acquire) {
            continue;
        }
        shared.ports[node].under_way.fetch_add(1, Ordering::AcqRel);
        let shared = shared.clone();
        tokio::spawn(async move {
            let began = Instant::now();
            let answer = call(node).await;
            let outcome = Outcome { node, began, ended: Instant::now(), answer };
            shared.outcomes.lock().expect("no panic").push(outcome);
            shared.ports[node].under_way.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

async fn call(node: usize) -> Answer {
    let called = async {
        let Ok(mut stream) = TcpStream::connect(address(node)).await else { return Answer::Refused };
        if stream.write_all(&http::call(SERVICE_S)).await.is_err() {
            return Answer::Nothing;
        }
        let mut answer = Vec::new();
        match http::status(&mut stream, &mut answer).await {
            Some(200) => Answer::Served,
            Some(500) if String::from_utf8_lossy(&answer).contains(NO_ROOM) => Answer::Dropped,
            Some(_) => Answer::Failed,
            None => Answer::Nothing,
        }
    };
    timeout(PATIENCE, called).await.unwrap_or(Answer::Nothing)
}
