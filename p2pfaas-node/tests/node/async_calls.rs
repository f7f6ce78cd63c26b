//! Calls that are answered later, also by the process after this one.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use p2pfaas_node::{AsyncSettings, NodeService, Settings};

use crate::support::*;

const LATER: (&str, &str) = ("X-Async", "true");

fn with_data(data: &Path) -> Settings {
    Settings { data: Some(data.into()), ..settings("NoScheduler", &["false"]) }
}

async fn later(node: SocketAddr, function: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let headers: Vec<_> = headers.iter().copied().chain([LATER]).collect();
    call(node, "POST", &format!("/function/{function}"), &headers, body).await
}

/// Where the result of an accepted call will be.
fn place(accepted: &Answer) -> String {
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let place = accepted.header("Location").expect("a place").to_string();
    assert_eq!(accepted.json()["result"], place.as_str());
    place
}

async fn result(node: SocketAddr, place: &str) -> Answer {
    until_answer("the call is over", node, place, |answer| answer.status != 202).await
}

#[tokio::test]
async fn a_call_is_accepted_now_and_its_answer_fetched_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Gate::new();
    let mut settings = with_data(folder.path());
    settings.functions.push(gate.function());
    let node = start(settings).await;
    let to = node.address();
    let held = place(&later(to, "gate", &[], b"").await);
    until("it runs", || gate.started() == 1).await;
    assert_eq!(get(to, &held).await.status, 202);
    assert_eq!(call(to, "DELETE", &held, &[], b"").await.status, 404, "there is nothing to forget yet");
    gate.let_through(1);
    let answer = result(to, &held).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "through"));
    assert_eq!(answer.header("X-P2pfaas-Async-Outcome"), Some("served"));
    assert_eq!(answer.header("Content-Type"), Some("text/plain"));
    assert!(answer.header("X-P2pfaas-Timing-Total-Time-Seconds").is_some(), "{}", answer.head);
    assert_eq!(call(to, "DELETE", &held, &[], b"").await.status, 204);
    assert_eq!(get(to, &held).await.status, 404);
    for unknown in ["/async/1", "/async/zz", "/async/00000000000000000000000000000001"] {
        assert_eq!(get(to, unknown).await.code(), 3, "{unknown}");
    }
}

#[tokio::test]
async fn calls_wait_for_room_instead_of_being_dropped_and_give_up_at_their_deadline() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Gate::new();
    let mut settings = with_data(folder.path());
    settings.core.capacity = p2pfaas_core::Capacity { slots: 1, queue: 0 };
    settings.functions.push(gate.function());
    let node = start(settings).await;
    let to = node.address();
    let held = post_later(to, "/function/gate", b"");
    until("the slot is taken", || gate.started() == 1).await;
    let patient = place(&later(to, "echo", &[], b"patient").await);
    let hasty = place(&later(to, "echo", &[("X-P2pfaas-Deadline-Seconds", "0.05")], b"hasty").await);
    let answer = result(to, &hasty).await;
    assert_eq!((answer.status, answer.code()), (500, 400), "{}", answer.text());
    assert_eq!(answer.header("X-P2pfaas-Async-Outcome"), Some("failed"));
    assert_eq!(get(to, &patient).await.status, 202);
    gate.let_through(1);
    held.await.expect("answered");
    assert_eq!(result(to, &patient).await.text(), "patient");
}

#[tokio::test]
async fn what_is_too_much_is_refused_before_it_is_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Gate::new();
    let mut settings = with_data(folder.path());
    settings.async_calls = AsyncSettings { max_calls: 2, max_bytes: 10_000, ..AsyncSettings::default() };
    settings.functions.push(gate.function());
    let node = start(settings).await;
    let to = node.address();
    let refused = later(to, "echo", &[], &[b'x'; 10_001]).await;
    assert_eq!((refused.status, refused.header("Retry-After")), (429, Some("1")));
    let held =
        [later(to, "gate", &[], b"").await, later(to, "gate", &[], b"").await].map(|call| place(&call));
    assert_eq!(later(to, "gate", &[], b"").await.status, 429);
    gate.let_through(2);
    for place in &held {
        assert_eq!(result(to, place).await.status, 200);
    }
    place(&later(to, "echo", &[], &[b'x'; 10_000]).await);

    let forgetful = start(crate::support::settings("NoScheduler", &["false"])).await;
    let refused = later(forgetful.address(), "echo", &[], b"x").await;
    assert_eq!((refused.status, refused.code()), (400, 4), "it has no data folder");
    let at_once = call(to, "POST", "/function/echo", &[("X-Async", "false")], b"now").await;
    assert_eq!((at_once.status, at_once.text().as_str()), (200, "now"));
}

async fn stop(node: NodeService) {
    tokio::time::timeout(Duration::from_secs(20), node.shutdown()).await.expect("it ends");
}

#[tokio::test]
async fn a_node_that_ends_leaves_results_and_calls_to_the_next_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Gate::new();
    let mut settings = with_data(folder.path());
    settings.async_calls.running = 1;
    settings.functions.push(gate.function());
    let node = start(settings.clone()).await;
    let done = place(&later(node.address(), "echo", &[], b"done").await);
    result(node.address(), &done).await;
    let running = place(&later(node.address(), "gate", &[], b"").await);
    until("it runs", || gate.started() == 1).await;
    let waiting = place(&later(node.address(), "echo", &[], b"waiting").await);
    let ending = tokio::spawn(stop(node));
    gate.let_through(1);
    ending.await.expect("ended");
    let node = start(settings).await;
    let to = node.address();
    assert_eq!(result(to, &done).await.text(), "done");
    assert_eq!(result(to, &running).await.text(), "through", "it was let finish");
    assert_eq!(result(to, &waiting).await.text(), "waiting");
    assert_eq!(gate.started(), 1);
}

/// The program, with a data folder and the functions `once` and `often` behind one address.
struct Process(Child);

impl Process {
    fn start(data: &Path, listen: SocketAddr, functions: SocketAddr) -> Process {
        let config = data.join("node.toml");
        let text = format!(
            "[[function]]\nname = \"once\"\nurl = \"http://{functions}/once\"\n\
             [[function]]\nname = \"often\"\nurl = \"http://{functions}/often\"\nidempotent = true\n"
        );
        std::fs::write(&config, text).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_p2pfaas-node"));
        command.arg("--config").arg(config).arg("--data").arg(data).arg(format!("--listen={listen}"));
        command.args(["--discovery-listen=none", "--learner-listen=none", "--learner-ws-listen=none"]);
        command.args(["--learner=none", "--slots=2", "--queue=2", "--log=off", "--threads=1"]);
        Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts"))
    }

    /// kill -9.
    fn kill(mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("gone");
    }
}

async fn is_up(node: SocketAddr) {
    for _ in 0..2_000 {
        if tokio::net::TcpStream::connect(node).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the node does not come up");
}

/// A call whose connection may break.
async fn try_later(node: SocketAddr, function: &str, body: &[u8]) -> Option<Answer> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(node).await.ok()?;
    stream.write_all(&request("POST", &format!("/function/{function}"), &[LATER], body)).await.ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok()?;
    bytes.windows(4).any(|window| window == b"\r\n\r\n").then(|| parse(&bytes))
}

/// Kills while calls come in; `P2PFAAS_TEST_KILLS` makes more of them.
fn kills() -> u32 {
    std::env::var("P2PFAAS_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_that_was_accepted_has_exactly_one_result_however_often_the_node_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs: Arc<Mutex<HashMap<String, u32>>> = Arc::default();
    let counted = runs.clone();
    let functions = Stub::start(move |request| {
        let name = String::from_utf8_lossy(&request.body).into_owned();
        *counted.lock().expect("unpoisoned").entry(name).or_default() += 1;
        answer("200 OK", &[("Content-Type", "text/plain")], &request.body)
    })
    .await;
    // A port that was free a moment ago; the node takes it again and again.
    let listen =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("free");
    let mut accepted: Vec<(String, String)> = Vec::new();
    let mut number = 0;
    for kill in 0..kills() {
        let process = Process::start(folder.path(), listen, functions.address());
        is_up(listen).await;
        // Another moment of the work each time.
        let until = tokio::time::Instant::now() + Duration::from_millis(20 + u64::from(kill * 37 % 180));
        while tokio::time::Instant::now() < until {
            let calls: Vec<_> = (0..8)
                .map(|_| {
                    number += 1;
                    let function = if number % 3 == 0 { "often" } else { "once" };
                    let name = format!("{function}-{number}");
                    tokio::spawn(async move { (try_later(listen, function, name.as_bytes()).await, name) })
                })
                .collect();
            for call in calls {
                if let (Some(answer), name) = call.await.expect("no panic") {
                    accepted.push((name, place(&answer)));
                }
            }
        }
        process.kill();
    }
    let process = Process::start(folder.path(), listen, functions.address());
    is_up(listen).await;
    let mut unknown = 0;
    for (name, place) in &accepted {
        let answer = result(listen, place).await;
        let ran = runs.lock().expect("unpoisoned").get(name).copied().unwrap_or(0);
        match answer.header("X-P2pfaas-Async-Outcome") {
            Some("served") => {
                assert_eq!(&answer.text(), name);
                assert!(ran == 1 || (ran > 1 && name.starts_with("often")), "{name} ran {ran} times");
            }
            Some("unknown") => {
                unknown += 1;
                assert!(name.starts_with("once") && ran <= 1, "{name} ran {ran} times");
            }
            other => panic!("{name}: {other:?} {}", answer.text()),
        }
    }
    // Who was not accepted may have been all the same, and never twice.
    let runs = runs.lock().expect("unpoisoned");
    let twice: Vec<_> = runs.iter().filter(|(name, ran)| name.starts_with("once") && **ran > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert!(accepted.len() > kills() as usize * 4, "{} calls are no load", accepted.len());
    println!("{} kills, {} calls accepted, {unknown} with unknown outcome", kills(), accepted.len());
    process.kill();
}
