//! Members that find each other by gossip, on loopback, with short times.

use std::net::SocketAddr;
use std::time::Duration;

use p2pfaas_core::membership::MembershipConfig;
use p2pfaas_node::{NodeService, Settings};
use tokio::net::UdpSocket;

use crate::support::*;

const LOCALHOST_ANY: &str = "127.0.0.1:0";

fn member(name: &str, join: Option<&NodeService>) -> Settings {
    let gossip = MembershipConfig::with_times(Duration::from_millis(200), Duration::from_millis(800));
    Settings {
        machine_id: name.into(),
        group: "lab".into(),
        gossip_listen: Some(LOCALHOST_ANY.parse().expect("an address")),
        join: join.map(|node| gossip_of(node).to_string()).into_iter().collect(),
        gossip,
        ..settings("ForwardScheduler", &["1"])
    }
}

fn gossip_of(node: &NodeService) -> SocketAddr {
    node.gossip_address().expect("it gossips")
}

fn known(node: &NodeService) -> Vec<String> {
    let mut names: Vec<_> = node.members().into_iter().map(|member| member.machine_id).collect();
    names.sort();
    names
}

fn sealed(name: &str, join: Option<&NodeService>, key: &str) -> Settings {
    let mut settings = member(name, join);
    settings.security.key = Some(key.repeat(64).parse().expect("a key"));
    settings
}

/// A metric's value.
async fn metric(node: &NodeService, line: &str) -> u64 {
    let text = get(node.address(), "/metrics").await.text();
    let value = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {line} in {text}")).parse().expect("a number")
}

async fn until_metric(node: &NodeService, line: &str, wanted: impl Fn(u64) -> bool) {
    for _ in 0..1_000 {
        if wanted(metric(node, line).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{line} is {}", metric(node, line).await);
}

async fn call_echo(node: &NodeService) -> Answer {
    post(node.address(), "/function/echo", b"hello").await
}

#[tokio::test]
async fn members_that_are_told_of_one_find_all_and_are_peers_with_what_they_offer() {
    let a = start(Settings { discovery_listen: LOCALHOST_ANY.parse().ok(), ..member("a", None) }).await;
    let b = start(member("b", Some(&a))).await;
    let c = start(member("c", Some(&a))).await;
    until("all know all", || known(&a) == ["b", "c"] && known(&b) == ["a", "c"] && known(&c) == ["a", "b"])
        .await;
    assert_eq!(gossip_of(&a).port(), a.address().port(), "the scheduler's port, over UDP");
    let seen = b.members().into_iter().find(|member| member.machine_id == "a").expect("known");
    assert_eq!((seen.slots, seen.queue, seen.group.as_str()), (4, 4, "lab"));
    assert_eq!((seen.functions, seen.functions_offered), (vec!["echo".to_string(), "sleep".into()], 2));
    assert_eq!(seen.scheduler, a.address().to_string());
    assert_eq!(Some(seen.discovery_port), a.discovery_address().map(|address| address.port()));

    until_metric(&a, "p2pfaas_peers", |peers| peers == 2).await;
    assert_eq!(call_echo(&a).await.status, 200);
    assert_eq!(a.counters().forwarded, 1);

    let list = get(a.discovery_address().expect("it has one"), "/list").await.json();
    let names: Vec<_> =
        list.as_array().expect("a list").iter().map(|machine| machine["name"].clone()).collect();
    assert_eq!(names, ["b", "c"], "old machines hear of them, too");

    let body = br#"{"parallel_running_functions_max": 7}"#;
    assert_eq!(post(a.address(), "/configuration", body).await.status, 200);
    until("the new size is told", || b.members().iter().any(|member| member.slots == 7)).await;
    for node in [a, b, c] {
        node.shutdown().await;
    }
}

#[tokio::test]
async fn a_member_that_falls_silent_is_avoided_and_then_dead_and_one_that_leaves_is_gone() {
    let a = start(member("a", None)).await;
    let b = start(member("b", Some(&a))).await;
    until_metric(&a, "p2pfaas_peers", |peers| peers == 1).await;
    drop(b);
    until_metric(&a, "p2pfaas_members{state=\"alive\"}", |alive| alive == 0).await;
    for _ in 0..10 {
        assert_eq!(call_echo(&a).await.status, 200);
    }
    assert_eq!(a.counters().forwarded, 0, "no job goes to one that is suspected");
    until_metric(&a, "p2pfaas_members{state=\"dead\"}", |dead| dead == 1).await;
    assert_eq!(metric(&a, "p2pfaas_peers").await, 0);
    assert!(metric(&a, "p2pfaas_gossip_events_total{event=\"probe_failed\"}").await > 0);

    let c = start(member("c", Some(&a))).await;
    until_metric(&a, "p2pfaas_peers", |peers| peers == 1).await;
    let suspicions = "p2pfaas_gossip_events_total{event=\"suspicion\"}";
    let before = metric(&a, suspicions).await;
    c.shutdown().await;
    until_metric(&a, "p2pfaas_members{state=\"dead\"}", |dead| dead == 2).await;
    assert_eq!(metric(&a, suspicions).await, before, "it has said so itself");
    a.shutdown().await;
}

#[tokio::test]
async fn a_peer_given_by_hand_is_avoided_while_gossip_holds_it_for_dead() {
    let b = start(member("b", None)).await;
    let settings = Settings { peers: vec![b.address().to_string()], ..member("a", Some(&b)) };
    let a = start(settings).await;
    until("they know each other", || known(&a) == ["b"] && known(&b) == ["a"]).await;
    drop(b);
    until_metric(&a, "p2pfaas_members{state=\"dead\"}", |dead| dead == 1).await;
    assert_eq!(metric(&a, "p2pfaas_peers").await, 1);
    assert_eq!(call_echo(&a).await.status, 200);
    assert_eq!(a.counters().forwarded, 0);
    a.shutdown().await;
}

#[tokio::test]
async fn an_old_machine_that_only_lists_is_a_peer_beside_the_members() {
    let old = Stub::start(|_| answer("200 OK", &[("P2pfaas-Machine-Name", "old")], b"[]")).await;
    let port = old.address().port();
    let a = start(Settings {
        discovery_listen: LOCALHOST_ANY.parse().ok(),
        poll_interval: Duration::from_millis(50),
        init_servers: vec![format!("127.0.0.1:{port}:{port}")],
        ..member("a", None)
    })
    .await;
    let b = start(member("b", Some(&a))).await;
    until_metric(&a, "p2pfaas_peers", |peers| peers == 2).await;
    b.shutdown().await;
    until_metric(&a, "p2pfaas_peers", |peers| peers == 1).await;
    let list = get(a.discovery_address().expect("it has one"), "/list").await.json();
    assert_eq!(list[0]["name"], "old");
    a.shutdown().await;
}

#[tokio::test]
async fn garbage_is_counted_and_changes_nothing() {
    let a = start(member("a", None)).await;
    let b = start(member("b", Some(&a))).await;
    until("they know each other", || known(&a) == ["b"] && known(&b) == ["a"]).await;
    let stranger = UdpSocket::bind(LOCALHOST_ANY).await.expect("a socket");
    for length in [0, 1, 3, 40, 1_400, 1_401, 9_000] {
        let bytes: Vec<u8> =
            b"P2\x01".iter().copied().chain((0..).map(|n: u32| n as u8)).take(length).collect();
        stranger.send_to(&bytes, gossip_of(&a)).await.expect("sent");
    }
    until_metric(&a, "p2pfaas_gossip_events_total{event=\"refused\"}", |refused| refused >= 7).await;
    assert_eq!((known(&a), known(&b)), (vec!["b".to_string()], vec!["a".into()]));
    assert!(metric(&a, "p2pfaas_gossip_datagrams_total{direction=\"in\"}").await > 0);
    assert!(metric(&a, "p2pfaas_gossip_bytes_total{direction=\"out\"}").await > 0);
    a.shutdown().await;
    b.shutdown().await;
}

#[tokio::test]
async fn a_name_that_nobody_has_is_asked_for_again_and_a_node_without_gossip_has_no_members() {
    let alone = start(Settings { join: vec!["no-such-host.invalid".into()], ..member("a", None) }).await;
    assert_eq!(call_echo(&alone).await.status, 200);
    alone.shutdown().await;
    let without = start(settings("NoScheduler", &["true"])).await;
    assert_eq!((without.gossip_address(), without.members().len()), (None, 0));
    without.shutdown().await;
}

#[tokio::test]
async fn only_members_with_the_clusters_key_find_each_other() {
    let a = start(sealed("a", None, "1")).await;
    let b = start(sealed("b", Some(&a), "1")).await;
    let stranger = start(sealed("stranger", Some(&a), "2")).await;
    let clear = start(member("clear", Some(&a))).await;
    until("the two know each other", || known(&a) == ["b"] && known(&b) == ["a"]).await;
    until_metric(&a, "p2pfaas_gossip_events_total{event=\"refused\"}", |refused| refused >= 2).await;
    assert_eq!((known(&a), known(&stranger), known(&clear)), (vec!["b".into()], Vec::new(), Vec::new()));
    assert_eq!(call_echo(&a).await.status, 200);
    assert_eq!((a.counters().forwarded, b.counters().served), (1, 1), "and give each other jobs");
    for node in [a, b, stranger, clear] {
        node.shutdown().await;
    }
}
