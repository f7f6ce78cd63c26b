//! Clients that go away: nothing runs for them that had not begun, and nothing is lost.

use std::time::Duration;

use p2pfaas_core::{Capacity, NodeConfig};
use p2pfaas_node::{NodeService, Settings};
use tokio::task::JoinHandle;

use super::rig::*;

async fn node(gate: &Gate, policy: &str, parameters: &[&str]) -> NodeService {
    let mut settings: Settings = settings(policy, parameters);
    settings.functions = vec![gate.function("gate")];
    settings.core.capacity = Capacity { slots: 1, queue: 1 };
    start(settings).await
}

async fn go_away(client: JoinHandle<Answer>) {
    client.abort();
    assert!(client.await.is_err_and(|error| error.is_cancelled()));
}

#[tokio::test]
async fn a_job_whose_client_goes_away_while_it_waits_never_runs_and_frees_its_place() {
    let gate = Gate::new();
    let node = node(&gate, "NoScheduler", &["false"]).await;
    let running = call_beside(node.address(), "/function/gate", &[], b"running");
    until("the first runs", || gate.running() == 1).await;
    for gone in 1..=3 {
        let waiting = call_beside(node.address(), "/function/gate", &[], b"gone");
        until_load(node.address(), (1, 1)).await;
        assert_eq!(post(node.address(), "/function/gate", b"no room").await.code(), 400);
        go_away(waiting).await;
        until("the job is cancelled", || node.counters().cancelled == gone).await;
        assert_eq!(load(node.address()).await, (1, 0));
    }
    let waiting = call_beside(node.address(), "/function/gate", &[], b"waiting");
    until_load(node.address(), (1, 1)).await;
    gate.open();
    assert_eq!(running.await.unwrap().text(), "running");
    assert_eq!(waiting.await.unwrap().text(), "waiting");
    assert_eq!(gate.begun(), 2);
    let counters = node.counters();
    assert_eq!((counters.served, counters.dropped, counters.cancelled), (2, 3, 3), "{counters:?}");
    assert_eq!(counters.arrived, counters.answered());
    node.shutdown().await;
}

#[tokio::test]
async fn a_job_whose_client_goes_away_while_it_waits_at_a_peer_is_cancelled_there_too() {
    let gate = Gate::new();
    let peer = node(&gate, "NoScheduler", &["false"]).await;
    let origin = node(&gate, "ForwardScheduler", &["1"]).await;
    origin.set_peers(vec![peer.address().to_string()]);
    let running = call_beside(peer.address(), "/function/gate", &[], b"running");
    until("the first runs", || gate.running() == 1).await;
    let forwarded = call_beside(origin.address(), "/function/gate", &[], b"gone");
    until_load(peer.address(), (1, 1)).await;
    go_away(forwarded).await;
    until("it is cancelled at its origin", || origin.counters().cancelled == 1).await;
    until("it is cancelled at the peer", || peer.counters().cancelled == 1).await;
    assert_eq!(load(peer.address()).await, (1, 0));
    gate.open();
    assert_eq!(running.await.unwrap().text(), "running");
    assert_eq!(gate.begun(), 1);
    // A client's whim is no reason for suspicion.
    assert_eq!(origin.counters().forwards_failed, 0);
    assert_eq!(post(origin.address(), "/function/gate", b"x").await.header("X-P2pfaas-Hops"), Some("1"));
    origin.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn a_function_whose_client_goes_away_finishes_and_gives_its_slot_to_the_next() {
    let gate = Gate::new();
    let node = node(&gate, "NoScheduler", &["false"]).await;
    let gone = call_beside(node.address(), "/function/gate", &[], b"gone");
    until("it runs", || gate.running() == 1).await;
    let waiting = call_beside(node.address(), "/function/gate", &[], b"waiting");
    until_load(node.address(), (1, 1)).await;
    go_away(gone).await;
    // Its slot is not free while its function runs.
    let third = post(node.address(), "/function/gate", b"no room").await;
    assert_eq!((third.code(), gate.begun()), (400, 1));
    gate.let_go(1);
    until("it has finished and the next one runs", || (gate.finished(), gate.running()) == (1, 1)).await;
    gate.open();
    assert_eq!(waiting.await.unwrap().text(), "waiting");
    assert_eq!(post(node.address(), "/function/gate", b"next").await.text(), "next");
    let counters = node.counters();
    assert_eq!((counters.served, counters.dropped, counters.cancelled), (3, 1, 0), "{counters:?}");
    assert_eq!(load(node.address()).await, (0, 0));
    node.shutdown().await;
}

#[tokio::test]
async fn a_job_whose_client_goes_away_while_peers_are_probed_is_cancelled() {
    let gate = Gate::new();
    let hanging = Stub::always(|| Reply::Hang).await;
    let mut settings = settings("PowerOfNScheduler", &["1", "0", "true", "1"]);
    settings.functions = vec![gate.function("gate")];
    settings.core = NodeConfig { probe_timeout: Duration::from_secs(3_600), ..settings.core };
    let node = start(settings).await;
    node.set_peers(vec![hanging.address.to_string()]);
    let client = call_beside(node.address(), "/function/gate", &[], b"gone");
    until("the peer is probed", || hanging.requests() == 1).await;
    go_away(client).await;
    until("the job is cancelled", || node.counters().cancelled == 1).await;
    until("the probe is given up", || hanging.given_up() == 1).await;
    assert_eq!(gate.begun(), 0);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_clients_go_away_all_slots_and_places_come_back() {
    let gate = Gate::new();
    gate.open();
    let peer = node(&gate, "NoScheduler", &["false"]).await;
    let origin = node(&gate, "PowerOfNScheduler", &["1", "1", "true", "1"]).await;
    origin.set_peers(vec![peer.address().to_string()]);
    for round in 0..100_u32 {
        let clients: Vec<_> =
            (0..8).map(|_| call_beside(origin.address(), "/function/gate", &[], b"x")).collect();
        // Somewhere between before the connection and after the answer.
        for _ in 0..(round * 7) % 40 {
            tokio::task::yield_now().await;
        }
        for client in &clients {
            client.abort();
        }
        for client in clients {
            let _ = client.await;
        }
    }
    for node in [&origin, &peer] {
        until("every job has ended", || node.counters().arrived == node.counters().answered()).await;
        until_load(node.address(), (0, 0)).await;
        assert_eq!(post(node.address(), "/function/gate", b"x").await.text(), "x");
    }
    origin.shutdown().await;
    peer.shutdown().await;
}
