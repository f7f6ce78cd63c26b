//! Old peers reset hops and drop our fields: no job may go round.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use p2pfaas_core::{Capacity, NodeConfig};
use p2pfaas_node::Settings;
use parking_lot::Mutex;

use super::rig::*;

const TRACING: &str = "X-P2pfaas-Scheduler-Task-Tracing-Id";

/// What an old peer does with the tracing header, behind which our job id travels.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tracing {
    Kept,
    Stripped,
}

/// Where old peers forward to, in turn. The test sets it when its nodes have addresses.
type Targets = Arc<Mutex<Vec<SocketAddr>>>;

/// An old peer that forwards every job, resets its hops and knows none of our fields.
async fn old_peer(targets: &Targets, tracing: Tracing) -> Stub {
    let (targets, turn) = (targets.clone(), Arc::new(AtomicUsize::new(0)));
    Stub::start(move |request| {
        let (targets, turn) = (targets.clone(), turn.clone());
        async move {
            if request.path == "/monitoring/load" {
                let load =
                    [("X-P2pfaas-Load", "0"), ("X-P2pfaas-Maxload", "4"), ("X-P2pfog-Queue-Length", "0")];
                return Reply::Send(reply(200, &load, ""));
            }
            let target = {
                let targets = targets.lock();
                targets[turn.fetch_add(1, Ordering::SeqCst) % targets.len()]
            };
            let mut message = request.json();
            let fields = message.as_object_mut().expect("an object");
            fields.retain(|name, _| {
                !matches!(&**name, "job_id" | "visited" | "task_type" | "deadline_seconds")
            });
            fields["hops"] = 1.into();
            let mut headers = vec![("User-Agent", "Machine"), ("Content-Type", "application/json")];
            if tracing == Tracing::Kept {
                headers.push((TRACING, request.header(TRACING).expect("a tracing header")));
            }
            let body = message.to_string();
            match call_from_elsewhere(target, &request.path, &headers, body.as_bytes()).await {
                Ok(answer) => {
                    let mut message = answer.json();
                    let this =
                        serde_json::json!({"machine_id": "old", "machine_ip": "10.9.9.9", "timings": {}});
                    message["peers_list"].as_array_mut().expect("a path").push(this);
                    Reply::Send(reply(answer.status, &[], message.to_string()))
                }
                Err(_) => Reply::SendAndClose(Vec::new()),
            }
        }
    })
    .await
}

fn roomy(policy: &str, parameters: &[&str]) -> Settings {
    let mut settings = settings(policy, parameters);
    settings.core.capacity = Capacity { slots: 4, queue: 1_000 };
    settings
}

fn policies() -> [(&'static str, &'static [&'static str]); 2] {
    [("ForwardScheduler", &["8"]), ("PowerOfNScheduler", &["2", "0", "true", "8"])]
}

#[tokio::test]
async fn a_job_that_old_peers_send_back_runs_at_its_origin_and_is_forwarded_once() {
    const JOBS: usize = 20;
    for (policy, parameters) in policies() {
        for tracing in [Tracing::Kept, Tracing::Stripped] {
            let targets = Targets::default();
            let old = [old_peer(&targets, tracing).await, old_peer(&targets, tracing).await];
            let gate = Gate::new();
            let mut settings = roomy(policy, parameters);
            settings.functions.push(gate.function("gate"));
            let node = start(settings).await;
            node.set_peers(old.iter().map(|peer| peer.address.to_string()).collect());
            targets.lock().push(node.address());
            // So that the peers, which say 0, are less loaded.
            let busy = call_beside(node.address(), "/function/gate", &[BYPASS], b"");
            until("the gate is busy", || gate.running() == 1).await;

            let jobs: Vec<_> =
                (0..JOBS).map(|_| call_beside(node.address(), "/function/echo", &[], b"round")).collect();
            for job in jobs {
                let answer = job.await.unwrap();
                assert_eq!((answer.status, answer.text().as_str()), (200, "round"), "{policy} {tracing:?}");
                assert_eq!(answer.header("X-P2pfaas-Hops"), Some("2"), "{policy} {tracing:?}");
            }
            gate.open();
            assert_eq!(busy.await.unwrap().status, 200);
            let counters = node.counters();
            let what = format!("{policy} {tracing:?}: {counters:?}");
            assert_eq!(counters.forwarded, JOBS as u64, "{what}");
            assert_eq!(counters.forwards_refused, JOBS as u64, "{what}");
            // Each job came from its client and from the old peer, and once the gate's.
            assert_eq!(
                (counters.arrived, counters.served),
                (2 * JOBS as u64 + 1, 2 * JOBS as u64 + 1),
                "{what}"
            );
            let probes = counters.probes as usize;
            assert_eq!(old.iter().map(Stub::requests).sum::<usize>(), JOBS + probes, "{what}");
            node.shutdown().await;
        }
    }
}

#[tokio::test]
async fn through_old_peers_each_of_our_nodes_forwards_a_job_at_most_once() {
    const JOBS: usize = 15;
    let targets = Targets::default();
    let old = [old_peer(&targets, Tracing::Kept).await, old_peer(&targets, Tracing::Kept).await];
    let mut nodes = Vec::new();
    for seed in 0..3 {
        let settings = Settings { seed, ..roomy("ForwardScheduler", &["8"]) };
        nodes.push(start(settings).await);
    }
    let all: Vec<_> =
        nodes.iter().map(|node| node.address()).chain(old.iter().map(|old| old.address)).collect();
    for node in &nodes {
        node.set_peers(all.iter().filter(|peer| **peer != node.address()).map(ToString::to_string).collect());
        targets.lock().push(node.address());
    }
    let jobs: Vec<_> =
        (0..JOBS).map(|_| call_beside(nodes[0].address(), "/function/echo", &[], b"round")).collect();
    for job in jobs {
        assert_eq!(job.await.unwrap().text(), "round");
    }
    for node in &nodes {
        let counters = node.counters();
        assert!(counters.forwarded <= JOBS as u64, "{counters:?}");
        assert_eq!(counters.served, counters.arrived, "{counters:?}");
    }
    assert!(old.iter().map(Stub::requests).sum::<usize>() <= JOBS * nodes.len());
    for node in nodes {
        node.shutdown().await;
    }
}

#[tokio::test]
async fn a_master_holds_a_bounded_number_of_jobs_that_cannot_be_recognised() {
    const OUT: u32 = 5;
    const JOBS: usize = 8;
    let targets = Targets::default();
    let old = [old_peer(&targets, Tracing::Stripped).await, old_peer(&targets, Tracing::Stripped).await];
    let mut settings = roomy("RoundRobinWithMasterScheduler", &["true", "127.0.0.1", "true"]);
    settings.core = NodeConfig { max_foreign_forwards: OUT, ..settings.core };
    let node = start(settings).await;
    node.set_peers(old.iter().map(|peer| peer.address.to_string()).collect());
    targets.lock().push(node.address());
    let message =
        serde_json::json!({"function_name": "echo", "hops": 1, "payload": "cm91bmQ=", "peers_list": null});
    let kick = || {
        let (address, body) = (node.address(), message.to_string());
        let headers = [("User-Agent", "Machine"), ("Content-Type", "application/json")];
        async move {
            call_from_elsewhere(address, "/peer/function/echo", &headers, body.as_bytes()).await.unwrap()
        }
    };

    let alone = kick().await;
    assert_eq!((alone.status, alone.json()["body"].as_str()), (200, Some("cm91bmQ=")));
    let counters = node.counters();
    let bounded = (u64::from(OUT), 1, u64::from(OUT) + 1);
    assert_eq!((counters.forwarded, counters.forwards_refused, counters.served), bounded, "{counters:?}");

    let together: Vec<_> = (0..JOBS).map(|_| tokio::spawn(kick())).collect();
    for job in together {
        assert_eq!(job.await.unwrap().status, 200);
    }
    let counters = node.counters();
    assert_eq!(counters.served, counters.arrived, "{counters:?}");
    // No chain of rounds is longer than the number of jobs that may be out at once.
    assert!(counters.forwarded <= u64::from(OUT) * (JOBS as u64 + 1), "{counters:?}");
    node.shutdown().await;
}
