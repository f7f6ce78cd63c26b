//! Probes that fail are no answer, never load 0.

use std::net::SocketAddr;
use std::time::Duration;

use p2pfaas_core::{Capacity, NodeConfig};
use p2pfaas_node::NodeService;
use tokio::task::JoinHandle;

use super::rig::*;

/// A living peer that says this load and answers jobs with it.
async fn living(load: u32) -> Stub {
    Stub::start(move |request| {
        let load = load.to_string();
        std::future::ready(Reply::Send(if request.path == "/monitoring/load" {
            reply(
                200,
                &[("X-P2pfaas-Load", &load), ("X-P2pfog-Queue-Length", "0"), ("X-P2pfaas-Maxload", "4")],
                "",
            )
        } else {
            old_peer_answer(200, load.as_bytes())
        }))
    })
    .await
}

/// A node whose own load is 3, as long as the gate is shut.
async fn loaded_node(peers: &[SocketAddr], gate: &Gate) -> (NodeService, Vec<JoinHandle<Answer>>) {
    let mut settings = settings("PowerOfNScheduler", &["3", "1", "true", "1"]);
    settings.functions.push(gate.function("gate"));
    settings.core = NodeConfig {
        capacity: Capacity { slots: 8, queue: 0 },
        probe_timeout: Duration::from_millis(300),
        ..settings.core
    };
    let node = start(settings).await;
    let busy = (0..3).map(|_| call_beside(node.address(), "/function/gate", &[BYPASS], b"")).collect();
    until("three jobs run", || gate.running() == 3).await;
    node.set_peers(peers.iter().map(ToString::to_string).collect());
    (node, busy)
}

async fn let_all_end(node: NodeService, busy: Vec<JoinHandle<Answer>>, gate: &Gate) {
    gate.open();
    for job in busy {
        assert_eq!(job.await.expect("it ends").status, 200);
    }
    node.shutdown().await;
}

#[tokio::test]
async fn with_one_dead_of_three_the_two_living_decide() {
    const JOBS: u64 = 15;
    let (more, less, dead) = (living(2).await, living(1).await, Nobody::new());
    let gate = Gate::new();
    let (node, busy) = loaded_node(&[dead.address, more.address, less.address], &gate).await;
    for _ in 0..JOBS {
        let answer = post(node.address(), "/function/echo", b"x").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "1"), "{}", answer.head);
        assert_eq!(answer.header("X-P2pfaas-Timing-Probe-Messages"), Some("3"));
    }
    let counters = node.counters();
    assert_eq!((counters.probes, counters.probes_failed, counters.forwarded), (3 * JOBS, JOBS, JOBS));
    let_all_end(node, busy, &gate).await;
}

#[tokio::test]
async fn a_probe_that_hangs_is_left_out_when_its_time_is_over() {
    let hanging = Stub::always(|| Reply::Hang).await;
    let (more, less, gate) = (living(2).await, living(1).await, Gate::new());
    let (node, busy) = loaded_node(&[hanging.address, more.address, less.address], &gate).await;
    for round in 1..=3 {
        let answer = post(node.address(), "/function/echo", b"x").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "1"), "{}", answer.head);
        until("the hanging probe is given up", || hanging.given_up() == round).await;
    }
    let counters = node.counters();
    assert_eq!((counters.probes, counters.probes_failed, counters.forwarded), (9, 3, 3));
    let_all_end(node, busy, &gate).await;
}

#[tokio::test]
async fn answers_that_tell_no_load_count_as_failed_probes() {
    let error = Stub::always(|| {
        Reply::Send(reply(500, &[("X-P2pfaas-Load", "0"), ("X-P2pfog-Queue-Length", "0")], ""))
    });
    let nonsense = Stub::always(|| {
        Reply::Send(reply(200, &[("X-P2pfaas-Load", "-1"), ("X-P2pfog-Queue-Length", "0")], ""))
    });
    let half = Stub::always(|| Reply::Send(reply(200, &[("X-P2pfaas-Load", "0")], "")));
    let (error, nonsense, half, gate) = (error.await, nonsense.await, half.await, Gate::new());
    let (node, busy) = loaded_node(&[error.address, nonsense.address, half.address], &gate).await;
    assert!(ran_here(&post(node.address(), "/function/echo", b"x").await));
    let counters = node.counters();
    assert_eq!((counters.probes, counters.probes_failed, counters.forwarded), (3, 3, 0));
    let_all_end(node, busy, &gate).await;
}

#[tokio::test]
async fn when_all_probed_peers_are_dead_the_job_runs_here() {
    let gate = Gate::new();
    let dead = [Nobody::new(), Nobody::new(), Nobody::new()];
    let (node, busy) = loaded_node(&dead.each_ref().map(|dead| dead.address), &gate).await;
    let answer = post(node.address(), "/function/echo", b"x").await;
    assert!(ran_here(&answer), "{}", answer.head);
    assert_eq!((node.counters().probes_failed, node.counters().forwarded), (3, 0));
    let_all_end(node, busy, &gate).await;
}
