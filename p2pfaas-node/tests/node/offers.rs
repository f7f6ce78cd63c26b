//! Offers over HTTP: what a probe asks, what its answer says, and what follows.

use p2pfaas_core::{Capacity, NodeConfig};
use p2pfaas_node::Settings;

use crate::support::*;

/// What a peer of an earlier kind answers to a forward.
const SERVED: &str = r#"{"peers_list":[{"machine_id":"b","machine_ip":"10.0.0.9","timings":{"total_time":0.3}}],"body":"SEVMTE8=","status_code":200}"#;

async fn offer(to: std::net::SocketAddr, headers: &[(&str, &str)]) -> Option<(f32, f32)> {
    let answer = call(to, "GET", "/monitoring/load", headers, b"").await;
    assert_eq!((answer.status, answer.header("X-P2pfaas-Load")), (200, Some("0")));
    let number = |name: &str| Some(answer.header(name)?.parse().expect("a number"));
    Some((number("X-P2pfaas-Offer-In-Time")?, number("X-P2pfaas-Offer-Price")?))
}

#[tokio::test]
async fn a_node_whose_policy_deals_in_offers_makes_one_to_whoever_asks() {
    let node = start(settings("OfferScheduler", &["1"])).await;
    for _ in 0..20 {
        assert_eq!(post(node.address(), "/function/sleep", b"0.001").await.status, 200);
    }
    let ask = |deadline| [("X-P2pfaas-Function", "sleep"), ("X-P2pfaas-Deadline-Seconds", deadline)];
    let (likely, price) = offer(node.address(), &ask("30")).await.expect("an offer");
    assert!(likely > 0.99 && price >= 0.0, "{likely} {price}");
    let (unlikely, _) = offer(node.address(), &ask("0.0000001")).await.expect("an offer");
    assert!(unlikely < 0.1, "{unlikely}");
    assert_eq!(offer(node.address(), &[]).await, None, "nobody asks");
    assert_eq!(offer(node.address(), &[("X-P2pfaas-Function", "unknown")]).await, None);
    node.shutdown().await;

    let other = start(settings("PowerOfNScheduler", &["1", "2", "true", "1"])).await;
    assert_eq!(offer(other.address(), &ask("30")).await, None);
    other.shutdown().await;
}

#[tokio::test]
async fn a_job_is_asked_about_and_sent_to_the_peer_with_the_load_that_it_told() {
    let peer = Stub::start(|request| match request.line.starts_with("GET /monitoring/load") {
        true => {
            let load = [
                ("X-P2pfaas-Load", "2"),
                ("X-P2pfaas-Maxload", "4"),
                ("X-P2pfog-Queue-Length", "1"),
                ("X-P2pfaas-Offer-In-Time", "0.9"),
                ("X-P2pfaas-Offer-Price", "0.25"),
            ];
            answer("200 OK", &load, b"")
        }
        false => answer("200 OK", &[("Content-Type", "application/json")], SERVED.as_bytes()),
    })
    .await;
    let gate = Gate::new();
    let node = start(Settings {
        functions: vec![gate.function()],
        core: NodeConfig { capacity: Capacity { slots: 1, queue: 0 }, ..NodeConfig::default() },
        ..settings("OfferScheduler", &["1"])
    })
    .await;
    node.set_peers(vec![peer.address().to_string()]);
    let first = post_later(node.address(), "/function/gate", b"");
    until("the slot is taken", || gate.started() == 1).await;

    let headers = [("X-P2pfaas-Deadline-Seconds", "5"), ("X-P2pfaas-Scheduler-Learning-Task-Type", "3")];
    let second = call(node.address(), "POST", "/function/gate", &headers, b"").await;
    assert_eq!((second.status, second.text().as_str()), (200, "HELLO"));
    let [probe, forward] = peer.seen().try_into().expect("a probe and a forward");
    assert_eq!(probe.header("x-p2pfaas-function"), Some("gate"));
    assert_eq!(probe.header("x-p2pfaas-scheduler-learning-task-type"), Some("3"));
    let left: f64 =
        probe.header("x-p2pfaas-deadline-seconds").expect("a deadline").parse().expect("a number");
    assert!((0.0..=5.0).contains(&left), "{left}");
    assert_eq!(forward.json()["told_load"], 3);
    gate.let_through(1);
    assert_eq!(first.await.expect("no panic").status, 200);
    node.shutdown().await;
}
