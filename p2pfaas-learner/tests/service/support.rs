//! A learner in this process, the program beside it, and raw bytes to both.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use p2pfaas_learner::checkpoint::Checkpoint;
use p2pfaas_learner::service::access::Guard;
use p2pfaas_learner::{AgentConfig, Learner, Online, OnlineOptions, service};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Nothing here takes as long.
pub const LONG: Duration = Duration::from_secs(20);

/// A learner in this process.
pub struct Rig {
    pub online: Arc<Online>,
    pub http: SocketAddr,
    pub websocket: SocketAddr,
    pub guard: Arc<Guard>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Rig {
    /// With the defaults: two actions, differential SARSA on a table.
    pub fn new() -> Self {
        Rig::with(AgentConfig::default(), OnlineOptions::default())
    }

    pub fn with(config: AgentConfig, options: OnlineOptions) -> Self {
        Rig::start(config, options, Arc::default())
    }

    /// With the defaults, for whom this guard lets through.
    pub fn guarded(guard: Arc<Guard>) -> Self {
        Rig::start(AgentConfig::default(), OnlineOptions::default(), guard)
    }

    fn start(config: AgentConfig, options: OnlineOptions, guard: Arc<Guard>) -> Self {
        let learner = Learner::new(config, None, 7).expect("valid");
        let online = Online::start(Checkpoint { learner, peers: Vec::new() }, options).expect("starts");
        let (stop, stopped) = watch::channel(false);
        let (told, addresses) = std::sync::mpsc::channel();
        let (serving, asked) = (online.clone(), guard.clone());
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let http = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let websocket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let address = |listener: &TcpListener| listener.local_addr().expect("an address");
                told.send((address(&http), address(&websocket))).expect("awaited");
                let router = service::router(serving.clone());
                tokio::join!(
                    service::serve(http, router, asked.clone(), stopped.clone()),
                    service::serve_websocket(websocket, serving, asked, stopped)
                );
            });
        });
        let (http, websocket) = addresses.recv().expect("listening");
        Rig { online, http, websocket, guard, stop, thread: Some(thread) }
    }

    pub fn get(&self, path: &str) -> Answer {
        ask(self.http, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), b"")
    }

    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        post(self.http, path, body.as_ref())
    }

    /// `/learner/stats`, when all that was handed over has been trained.
    pub fn stats(&self) -> Value {
        self.online.settle();
        self.get("/learner/stats").json()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the server ended badly");
        }
    }
}

/// An answer: head without its `Date`, and body.
#[derive(Debug)]
pub struct Answer {
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

pub fn post(address: SocketAddr, path: &str, body: &[u8]) -> Answer {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    ask(address, &head, body)
}

/// Sends these bytes, and reads until the other side closes.
pub fn ask(address: SocketAddr, head: &str, body: &[u8]) -> Answer {
    try_ask(address, head, body).expect("an answer")
}

pub fn try_ask(address: SocketAddr, head: &str, body: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LONG))?;
    stream.write_all(head.as_bytes())?;
    // A body that is not wanted may be refused before it has been sent.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let Some(end) = end else {
        return Err(read.err().unwrap_or_else(|| std::io::ErrorKind::UnexpectedEof.into()));
    };
    let head = String::from_utf8_lossy(&answer[..end]);
    let head = head.split("\r\n").filter(|line| !line.starts_with("Date: ") && *line != "Connection: close");
    Ok(Answer { head: head.collect::<Vec<_>>().join("\n"), body: answer[end + 4..].to_vec() })
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The `p2pfaas-learner` program, with nothing from the environment.
pub fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_p2pfaas-learner"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("P2PFAAS_") {
            program.env_remove(name);
        }
    }
    program
}

/// The program, running on ports of its own.
pub struct Program {
    pub child: Child,
    pub http: SocketAddr,
    pub log: BufReader<std::process::ChildStderr>,
    /// What it logged until it listened.
    pub first_log: String,
}

impl Program {
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        Program::start_at("127.0.0.1:0", data, arguments)
    }

    pub fn start_at(address: &str, data: &Path, arguments: &[&str]) -> Self {
        let mut program = program();
        program.arg(format!("--listen={address}")).arg(format!("--ws-listen={address}"));
        program.arg("--seed=7").args(arguments);
        program.arg("--data").arg(data);
        let mut child = program.stderr(Stdio::piped()).spawn().expect("starts");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let mut first_log = String::new();
        while !first_log.contains("listening") {
            assert_ne!(log.read_line(&mut first_log).expect("UTF-8"), 0, "it ended: {first_log}");
        }
        let address = |name: &str| {
            let (_, rest) = first_log.split_once(name).expect("its address");
            rest.split_whitespace().next().and_then(|address| address.parse().ok()).expect("an address")
        };
        let http = address("http=");
        Program { child, http, log, first_log }
    }

    /// Tells it to end; its exit code, and the rest of its log.
    pub fn terminate(mut self) -> (Option<i32>, String) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).expect("UTF-8");
        (self.child.wait().expect("ends").code(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Entries `from..to` as a batch in JSON.
pub fn batch(numbers: std::ops::Range<u64>) -> String {
    let entry =
        |eid| format!(r#"{{"eid":"{eid}","state":"{}.000000","action":"1.000000","reward":1}}"#, eid % 3);
    format!("[{}]", numbers.map(entry).collect::<Vec<_>>().join(","))
}
