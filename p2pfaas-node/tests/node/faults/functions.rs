//! Functions that are away, broken, slow, too large, or panic; payloads that are too large.

use std::sync::Arc;
use std::time::Duration;

use p2pfaas_core::{Capacity, NodeConfig};
use p2pfaas_node::{
    Execution, Executor, Function, FunctionAnswer, FunctionCall, HttpContainer, NodeService, Settings,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::rig::*;

const MAX_BYTES: usize = 10_000;

/// A node with one slot, no queue, and the function `it` besides the usual ones.
async fn node(it: impl Executor, core: NodeConfig) -> NodeService {
    let mut settings = settings("NoScheduler", &["true"]);
    settings.functions.push(Function::new("it", Arc::new(it)));
    settings.core = NodeConfig { capacity: Capacity { slots: 1, queue: 0 }, ..core };
    start(Settings { max_body_bytes: MAX_BYTES, ..settings }).await
}

fn container(address: std::net::SocketAddr) -> HttpContainer {
    HttpContainer::new(&format!("http://{address}/").parse().expect("an address"), MAX_BYTES)
}

/// The slot is free and calls are served.
async fn still_works(node: &NodeService, what: &str) {
    assert_eq!(load(node.address()).await, (0, 0), "{what}");
    assert_eq!(post(node.address(), "/function/echo", b"next").await.text(), "next", "{what}");
}

#[tokio::test]
async fn a_function_without_a_proper_answer_is_an_error_and_frees_its_slot() {
    type Case = (&'static str, fn() -> Reply);
    let cases: [Case; 10] = [
        ("closes at once", || Reply::SendAndClose(Vec::new())),
        ("closes in the head", || Reply::SendAndClose(b"HTTP/1.1 200 O".to_vec())),
        ("closes in the body", || {
            Reply::SendAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec())
        }),
        ("closes in a chunk", || {
            Reply::SendAndClose(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf".to_vec())
        }),
        ("garbage", || Reply::SendAndClose(vec![0xff; 5_000])),
        ("a body that is too large", || Reply::Send(reply(200, &[], vec![b'x'; MAX_BYTES + 1]))),
        ("a length that is too large", || {
            Reply::SendAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n".to_vec())
        }),
        ("a length beyond all numbers", || {
            Reply::SendAndClose(
                b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n".to_vec(),
            )
        }),
        ("a body without an end", || {
            Reply::SendAndClose([b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 1_000_000]].concat())
        }),
        ("a head without an end", || {
            Reply::SendAndClose([b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1_000_000]].concat())
        }),
    ];
    for (what, answer) in cases {
        let function = Stub::always(answer).await;
        let node = node(container(function.address), NodeConfig::default()).await;
        for failed in 1..=2 {
            let answer = post(node.address(), "/function/it", b"x").await;
            assert_eq!((answer.status, answer.code()), (500, 1), "{what}: {}", answer.text());
            assert_eq!(node.counters().failed, failed, "{what}");
        }
        // Nothing is sent twice.
        assert_eq!(function.requests(), 2, "{what}");
        still_works(&node, what).await;
        node.shutdown().await;
    }
}

#[tokio::test]
async fn a_function_that_is_away_is_an_error_that_names_its_address() {
    let nobody = Nobody::new();
    let node = node(container(nobody.address), NodeConfig::default()).await;
    let answer = post(node.address(), "/function/it", b"x").await;
    assert_eq!((answer.status, answer.code()), (500, 1));
    assert!(answer.text().contains(&nobody.address.to_string()), "{}", answer.text());
    still_works(&node, "away").await;
    node.shutdown().await;
}

#[tokio::test]
async fn a_function_that_hangs_is_given_up_when_the_job_timeout_is_over() {
    let function = Stub::always(|| Reply::Hang).await;
    let core = NodeConfig { job_timeout: Some(Duration::from_millis(400)), ..NodeConfig::default() };
    let node = node(container(function.address), core).await;
    for round in 1..=2 {
        let late = post(node.address(), "/function/it", b"x").await;
        assert_eq!((late.status, late.code()), (500, 1), "{}", late.text());
        assert!(late.text().contains("job-timeout"), "{}", late.text());
        until("its connection is closed", || function.given_up() == round).await;
    }
    assert_eq!(node.counters().failed, 2);
    still_works(&node, "hung").await;
    node.shutdown().await;
}

#[tokio::test]
async fn the_job_timeout_counts_waiting_in_the_queue_too() {
    let gate = Gate::new();
    let mut settings = settings("NoScheduler", &["false"]);
    settings.functions = vec![gate.function("gate")];
    settings.core = NodeConfig {
        capacity: Capacity { slots: 1, queue: 3 },
        job_timeout: Some(Duration::from_millis(400)),
        ..settings.core
    };
    let node = start(settings).await;
    let jobs: Vec<_> = (0..4).map(|_| call_beside(node.address(), "/function/gate", &[], b"x")).collect();
    for job in jobs {
        let late = job.await.unwrap();
        assert_eq!((late.status, late.code()), (500, 1), "{}", late.text());
    }
    until("what ran is dropped", || gate.running() == 0).await;
    assert_eq!((node.counters().failed, gate.finished()), (4, 0));
    gate.open();
    assert_eq!(post(node.address(), "/function/gate", b"next").await.text(), "next");
    node.shutdown().await;
}

#[tokio::test]
async fn status_body_and_own_headers_of_a_function_come_through_here_and_over_a_forward() {
    let function = Stub::start(|request| async move {
        let status: u16 = String::from_utf8_lossy(&request.body).parse().unwrap();
        let headers = [("Content-Type", "text/x-own"), ("X-Own", "mine"), ("Set-Cookie", "no=1")];
        Reply::Send(reply(status, &headers, format!("said {status}")))
    })
    .await;
    let origin = node(container(function.address), NodeConfig::default()).await;
    let peer = node(container(function.address), NodeConfig::default()).await;
    origin.set_peers(vec![peer.address().to_string()]);
    for headers in [&[][..], &[FORWARD][..]] {
        for status in ["200", "201", "302", "404", "418", "500", "503"] {
            let answer = call(origin.address(), "POST", "/function/it", headers, status.as_bytes()).await;
            assert_eq!(answer.status.to_string(), status);
            assert_eq!(answer.text(), format!("said {status}"));
            assert_eq!(answer.header("Content-Type"), Some("text/x-own"));
            assert_eq!(answer.header("X-Own"), Some("mine"));
            assert_eq!(answer.header("Set-Cookie"), None);
            let forwarded = answer.header("X-P2pfaas-Externally-Executed").is_some();
            assert_eq!(forwarded, !headers.is_empty());
        }
    }
    let counters = origin.counters();
    assert_eq!((counters.served, counters.failed, counters.forwarded), (4, 10, 7), "{counters:?}");
    assert_eq!(counters.forwards_failed, 0);
    origin.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn a_status_without_a_body_comes_through_here_and_over_a_forward() {
    let function = Stub::always(|| Reply::Send(reply(204, &[("X-Own", "mine")], ""))).await;
    let origin = node(container(function.address), NodeConfig::default()).await;
    let peer = node(container(function.address), NodeConfig::default()).await;
    origin.set_peers(vec![peer.address().to_string()]);
    for headers in [&[][..], &[FORWARD][..]] {
        let answer = call(origin.address(), "POST", "/function/it", headers, b"").await;
        assert_eq!((answer.status, answer.header("X-Own")), (204, Some("mine")), "{}", answer.head);
    }
    assert_eq!((origin.counters().served, origin.counters().forwarded), (2, 1));
    origin.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn a_function_cannot_say_what_a_node_says_about_a_job() {
    let stub = Stub::always(|| {
        let headers = [("X-P2pfaas-Externally-Executed", "True"), ("X-P2pfaas-Hops", "7"), ("X-Own", "mine")];
        Reply::Send(reply(200, &headers, ""))
    })
    .await;
    let node = node(container(stub.address), NodeConfig::default()).await;
    let answer = post(node.address(), "/function/it", b"").await;
    assert_eq!(answer.header("X-Own"), Some("mine"));
    assert_eq!(
        (answer.header("X-P2pfaas-Externally-Executed"), answer.header("X-P2pfaas-Hops")),
        (None, None)
    );
    node.shutdown().await;
}

#[tokio::test]
async fn a_function_server_that_closes_idle_connections_fails_no_call() {
    // The answer says nothing about closing.
    let function = Stub::always(|| Reply::SendAndClose(reply(200, &[], "ok"))).await;
    let node = node(container(function.address), NodeConfig::default()).await;
    for round in 1..=20 {
        let answer = post(node.address(), "/function/it", b"x").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "round {round}");
        until("it has closed", || function.closed() == round).await;
    }
    assert_eq!(function.requests(), 20);
    node.shutdown().await;
}

#[tokio::test]
async fn a_payload_that_is_too_large_is_413_and_never_a_job() {
    let node = node(Gate::new(), NodeConfig::default()).await;
    let fits = vec![b'x'; MAX_BYTES];
    assert_eq!(post(node.address(), "/function/echo", &fits).await.body, fits);
    for size in [MAX_BYTES + 1, 50_000] {
        let answer = post(node.address(), "/function/it", &vec![b'x'; size]).await;
        assert_eq!((answer.status, answer.code()), (413, 4), "{size}");
    }
    let mut chunked = b"POST /function/it HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..11 {
        chunked.extend(b"3e8\r\n");
        chunked.extend([b'x'; 1_000]);
        chunked.extend(b"\r\n");
    }
    let mut stream = TcpStream::connect(node.address()).await.unwrap();
    stream.write_all(&chunked).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");

    // Far more than the node reads: it answers all the same, whether or not it takes the rest.
    let (mut read, mut write) = TcpStream::connect(node.address()).await.unwrap().into_split();
    let flood = request("POST", "/function/it", &[], &vec![b'x'; 8 << 20]);
    let writing = tokio::spawn(async move { write.write_all(&flood).await });
    read.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
    let _ = writing.await.unwrap();
    assert_eq!(node.counters().arrived, 1);
    still_works(&node, "413").await;
    node.shutdown().await;
}

#[tokio::test]
async fn a_client_that_breaks_off_its_payload_leaves_nothing_behind() {
    let node = node(Gate::new(), NodeConfig::default()).await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(node.address()).await.unwrap();
        stream
            .write_all(b"POST /function/it HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nhalf")
            .await
            .unwrap();
    }
    still_works(&node, "half a payload").await;
    assert_eq!(node.counters().arrived, 1);
    node.shutdown().await;
}

/// Panics at different moments.
#[derive(Clone, Copy, Debug)]
enum Panics {
    WhenCalled,
    WhenPolled,
    WhileRunning,
}

impl Executor for Panics {
    fn execute(&self, _: FunctionCall) -> Execution {
        let when = *self;
        assert!(!matches!(when, Panics::WhenCalled), "meant to panic");
        let mut polls = 0;
        Box::pin(std::future::poll_fn(move |context| {
            polls += 1;
            assert!(!(matches!(when, Panics::WhenPolled) || polls == 2), "meant to panic");
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        }))
    }
}

#[tokio::test]
async fn a_function_that_panics_is_an_error_and_frees_its_slot() {
    for panics in [Panics::WhenCalled, Panics::WhenPolled, Panics::WhileRunning] {
        let origin = node(panics, NodeConfig::default()).await;
        let peer = node(panics, NodeConfig::default()).await;
        origin.set_peers(vec![peer.address().to_string()]);
        for headers in [&[][..], &[FORWARD][..]] {
            let answer = call(origin.address(), "POST", "/function/it", headers, b"x").await;
            assert_eq!((answer.status, answer.code()), (500, 1), "{panics:?}: {}", answer.text());
            assert!(answer.text().contains("panicked"), "{panics:?}: {}", answer.text());
        }
        assert_eq!((origin.counters().failed, peer.counters().failed), (2, 1), "{panics:?}");
        for node in [origin, peer] {
            still_works(&node, "after a panic").await;
            node.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_function_that_panics_after_its_client_has_gone_frees_its_slot_too() {
    struct Later(Gate);
    impl Executor for Later {
        fn execute(&self, call: FunctionCall) -> Execution {
            let running = self.0.execute(call);
            Box::pin(async move {
                running.await?;
                if std::hint::black_box(true) {
                    panic!("meant to panic");
                }
                Ok(FunctionAnswer::ok("text/plain", ""))
            })
        }
    }
    let gate = Gate::new();
    let node = node(Later(gate.clone()), NodeConfig::default()).await;
    let client = call_beside(node.address(), "/function/it", &[], b"x");
    until("it runs", || gate.running() == 1).await;
    client.abort();
    assert!(client.await.is_err());
    gate.open();
    until("it has failed", || node.counters().failed == 1).await;
    still_works(&node, "after a panic that nobody hears of").await;
    node.shutdown().await;
}
