//! A node that is told to end answers every job that it has.

use std::net::SocketAddr;
use std::time::Duration;

use p2pfaas_core::Capacity;
use p2pfaas_node::{NodeService, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::rig::*;

/// A node with a job that runs, one that waits and one that is at a peer.
struct Busy {
    node: NodeService,
    peer: NodeService,
    gate: Gate,
    jobs: Vec<JoinHandle<Answer>>,
}

async fn busy(grace: Duration, workers: usize) -> Busy {
    let gate = Gate::new();
    let mut settings = settings("NoScheduler", &["false"]);
    settings.functions = vec![gate.function("gate")];
    settings.core.capacity = Capacity { slots: 1, queue: 1 };
    let peer = start(settings.clone()).await;
    let node = start(Settings { shutdown_grace: grace, workers, ..settings }).await;
    node.set_peers(vec![peer.address().to_string()]);
    let call = |headers: &[(&str, &str)]| call_beside(node.address(), "/function/gate", headers, b"x");
    let running = call(&[]);
    until_load(node.address(), (1, 0)).await;
    let jobs = vec![running, call(&[]), call(&[FORWARD])];
    until_load(node.address(), (1, 1)).await;
    until_load(peer.address(), (1, 0)).await;
    until("two run", || gate.running() == 2).await;
    Busy { node, peer, gate, jobs }
}

/// Begins to shut a node down; it takes no new job when this returns.
async fn begin_shutdown(node: NodeService) -> JoinHandle<()> {
    let address = node.address();
    let stopping = tokio::spawn(node.shutdown());
    for _ in 0..2_000 {
        if !takes_jobs(address).await {
            return stopping;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it takes jobs for ever");
}

async fn takes_jobs(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else { return false };
    let mut bytes = Vec::new();
    let request = request("POST", "/function/gate", &[("X-P2pfaas-Scheduler-Reject", "1")], b"x");
    if stream.write_all(&request).await.is_err()
        || stream.read_to_end(&mut bytes).await.is_err()
        || bytes.is_empty()
    {
        return false;
    }
    let answer = parse(&bytes);
    answer.status == 503 && answer.code() == 401
}

async fn ends(stopping: JoinHandle<()>) {
    tokio::time::timeout(Duration::from_secs(20), stopping).await.expect("in time").expect("without a panic");
}

#[tokio::test]
async fn running_waiting_and_forwarded_jobs_are_served_before_a_node_ends() {
    for workers in [0, 2] {
        let Busy { node, peer, gate, jobs } = busy(Duration::from_secs(3_600), workers).await;
        let stopping = begin_shutdown(node).await;
        assert!(jobs.iter().all(|job| !job.is_finished()) && !stopping.is_finished());
        gate.open();
        for job in jobs {
            let answer = job.await.unwrap();
            assert_eq!((answer.status, answer.text().as_str()), (200, "x"), "workers {workers}");
        }
        ends(stopping).await;
        peer.shutdown().await;
    }
}

#[tokio::test]
async fn when_the_grace_time_is_over_every_job_is_answered_with_503_and_the_node_ends() {
    for workers in [0, 2] {
        let Busy { node, peer, gate, jobs } = busy(Duration::from_millis(50), workers).await;
        ends(tokio::spawn(node.shutdown())).await;
        for job in jobs {
            let answer = job.await.unwrap();
            assert_eq!((answer.status, answer.code()), (503, 1), "workers {workers}: {}", answer.text());
        }
        // The function here was given up; the peer's finishes, for nobody.
        until("only the peer's runs", || gate.running() == 1).await;
        gate.open();
        until("the peer's has finished", || gate.finished() == 1).await;
        peer.shutdown().await;
    }
}

#[tokio::test]
async fn a_peers_job_is_answered_in_the_peers_form_when_the_node_ends() {
    let Busy { node, peer, gate, jobs } = busy(Duration::from_secs(3_600), 0).await;
    // The other way round: the peer of the busy node ends at once.
    let mut settings = Settings { shutdown_grace: Duration::ZERO, ..settings("NoScheduler", &["false"]) };
    settings.functions = vec![gate.function("gate")];
    let ending = start(settings).await;
    node.set_peers(vec![ending.address().to_string()]);
    let forwarded = call_beside(node.address(), "/function/gate", &[FORWARD], b"x");
    until("three run", || gate.running() == 3).await;
    ends(tokio::spawn(ending.shutdown())).await;
    let answer = forwarded.await.unwrap();
    assert_eq!((answer.status, answer.code()), (503, 1), "{}", answer.text());
    assert_eq!(answer.header("X-P2pfaas-Hops"), Some("1"));
    assert_eq!(node.counters().forwards_failed, 0);
    gate.open();
    for job in jobs {
        assert_eq!(job.await.unwrap().status, 200);
    }
    node.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn idle_and_half_open_connections_do_not_keep_a_node() {
    for workers in [0, 1] {
        let settings = Settings {
            shutdown_grace: Duration::from_millis(50),
            workers,
            discovery_listen: Some(([127, 0, 0, 1], 0).into()),
            learner_listen: Some(([127, 0, 0, 1], 0).into()),
            ..settings("NoScheduler", &["false"])
        };
        let node = start(settings).await;
        let mut open = Vec::new();
        let addresses = [Some(node.address()), node.discovery_address(), node.learner_address()];
        for address in addresses.into_iter().flatten() {
            let mut used = TcpStream::connect(address).await.unwrap();
            used.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            let mut some = [0; 8];
            used.read_exact(&mut some).await.unwrap();
            assert_eq!(&some, b"HTTP/1.1");
            let mut half = TcpStream::connect(address).await.unwrap();
            half.write_all(b"POST /function/echo HTTP/1.1\r\nHo").await.unwrap();
            let mut no_payload = TcpStream::connect(address).await.unwrap();
            no_payload
                .write_all(b"POST /function/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
                .await
                .unwrap();
            open.extend([used, half, no_payload, TcpStream::connect(address).await.unwrap()]);
        }
        ends(tokio::spawn(node.shutdown())).await;
        for mut stream in open {
            let mut rest = Vec::new();
            let closed = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
            assert!(closed.is_ok(), "still open");
        }
    }
}

#[tokio::test]
async fn idle_connections_are_closed_at_once_and_not_after_the_grace_time() {
    let settings =
        Settings { shutdown_grace: Duration::from_secs(3_600), ..settings("NoScheduler", &["false"]) };
    let node = start(settings).await;
    let mut idle = TcpStream::connect(node.address()).await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"ok\n") {
        assert!(idle.read_buf(&mut bytes).await.unwrap() > 0);
    }
    ends(tokio::spawn(node.shutdown())).await;
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_peer_that_has_ended_costs_one_forward_and_is_left_alone_then() {
    let peer =
        start(Settings { shutdown_grace: Duration::from_secs(3_600), ..settings("NoScheduler", &["true"]) });
    let (peer, origin) = (peer.await, start(settings("ForwardScheduler", &["1"])).await);
    origin.set_peers(vec![peer.address().to_string()]);
    // A connection stays open between them.
    assert_eq!(post(origin.address(), "/function/echo", b"x").await.header("X-P2pfaas-Hops"), Some("1"));
    let address = peer.address();
    ends(tokio::spawn(peer.shutdown())).await;
    let _nobody = Nobody::at(address);
    // Nobody is there: the job runs here, unless it was sent on the old connection before its end was seen there. Nobody
    // knows then what became of it, and it is an error.
    let first = post(origin.address(), "/function/echo", b"x").await;
    assert!(ran_here(&first) || first.code() == 403, "{} {}", first.status, first.head);
    assert!(ran_here(&post(origin.address(), "/function/echo", b"x").await));
    let counters = origin.counters();
    assert_eq!((counters.forwarded, counters.forwards_failed), (2, 1), "{counters:?}");
    assert_eq!(counters.retries + counters.failed, 1, "{counters:?}");
    origin.shutdown().await;
}
