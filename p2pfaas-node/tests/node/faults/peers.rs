//! Peers that answer nonsense, nothing, too much or no: the origin answers its client and lives on.

use std::time::Duration;

use p2pfaas_core::NodeConfig;
use p2pfaas_node::{NodeService, Settings};

use super::rig::*;

/// A node that forwards to this peer, and leaves it alone for an hour once it has failed.
async fn origin(peer: std::net::SocketAddr) -> NodeService {
    let mut settings = settings("ForwardScheduler", &["1"]);
    settings.core = NodeConfig { suspicion: Duration::from_secs(3_600), ..settings.core };
    settings.max_body_bytes = 100_000;
    let node = start(settings).await;
    node.set_peers(vec![peer.to_string()]);
    node
}

#[tokio::test]
async fn a_peer_without_a_proper_answer_is_an_error_403_and_is_left_alone_for_a_while() {
    let send = |status, body: &str| Reply::Send(reply(status, &[], body));
    let half = || {
        let proper = old_peer_answer(200, b"x");
        proper[..proper.len() - 20].to_vec()
    };
    type Case = (&'static str, Box<dyn Fn() -> Reply + Send + Sync>);
    let cases: [Case; 16] = [
        ("no peers_list", Box::new(move || send(200, r#"{"body": "eA==", "status_code": 200}"#))),
        ("peers_list null", Box::new(move || send(200, r#"{"peers_list": null, "body": "eA=="}"#))),
        ("peers_list empty", Box::new(move || send(200, r#"{"peers_list": [], "body": "eA=="}"#))),
        ("malformed JSON", Box::new(move || send(200, r#"{"peers_list": ["#))),
        ("other JSON", Box::new(move || send(200, "[1, 2, 3]"))),
        ("an empty body", Box::new(move || send(200, ""))),
        ("wrong base64", Box::new(move || send(200, r#"{"peers_list": [{}], "body": "%%%"}"#))),
        ("500 and a code", Box::new(move || send(500, r#"{"code": 1, "message": "no"}"#))),
        ("404 and text", Box::new(move || send(404, "404 page not found"))),
        ("closes at once", Box::new(|| Reply::SendAndClose(Vec::new()))),
        ("closes in the head", Box::new(|| Reply::SendAndClose(b"HTTP/1.1 200 OK\r\nCont".to_vec()))),
        ("closes in the body", Box::new(move || Reply::SendAndClose(half()))),
        ("no HTTP", Box::new(|| Reply::SendAndClose(b"220 mail ready\r\n".to_vec()))),
        ("an impossible status", Box::new(|| Reply::SendAndClose(b"HTTP/1.1 000 X\r\n\r\n".to_vec()))),
        ("too much", Box::new(|| Reply::Send(reply(200, &[], vec![b'x'; 1_000_000])))),
        ("deep JSON", Box::new(move || send(200, &"[".repeat(100_000)))),
    ];
    for (what, answer) in cases {
        let peer = Stub::start(move |_| std::future::ready(answer())).await;
        let node = origin(peer.address).await;
        let failed = post(node.address(), "/function/echo", b"x").await;
        assert_eq!((failed.status, failed.code()), (500, 403), "{what}: {}", failed.text());
        assert_eq!(failed.header("X-P2pfaas-Scheduler"), Some("ForwardScheduler(1)"), "{what}");
        for _ in 0..2 {
            let next = post(node.address(), "/function/echo", b"x").await;
            assert!(ran_here(&next), "{what}: {}", next.head);
        }
        assert_eq!(peer.requests(), 1, "{what}");
        let counters = node.counters();
        assert_eq!((counters.forwarded, counters.forwards_failed), (1, 1), "{what}: {counters:?}");
        assert_eq!((counters.failed, counters.served), (1, 2), "{what}: {counters:?}");
        node.shutdown().await;
    }
}

#[tokio::test]
async fn a_job_whose_peer_is_not_there_runs_at_its_origin_and_the_peer_is_left_alone() {
    let nobody = Nobody::new();
    let node = origin(nobody.address).await;
    for _ in 0..3 {
        let answer = post(node.address(), "/function/echo", b"x").await;
        assert!(ran_here(&answer), "{} {}", answer.status, answer.head);
        assert_eq!(answer.body, b"x");
    }
    let counters = node.counters();
    assert_eq!((counters.forwarded, counters.forwards_failed, counters.retries), (1, 1, 1), "{counters:?}");
    assert_eq!((counters.failed, counters.served), (0, 3), "{counters:?}");
    node.shutdown().await;
}

#[tokio::test]
async fn a_job_whose_peer_is_not_there_goes_to_one_that_is() {
    let there = Stub::always(|| Reply::Send(old_peer_answer(200, b"there"))).await;
    let nobody = Nobody::new();
    let mut settings = settings("ForwardScheduler", &["1"]);
    // The peer would be asked again at once.
    settings.core = NodeConfig { suspicion: Duration::ZERO, ..settings.core };
    let node = start(settings).await;
    node.set_peers(vec![nobody.address.to_string(), there.address.to_string()]);
    for jobs in 1.. {
        let answer = post(node.address(), "/function/echo", b"here").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "there"), "{}", answer.head);
        let counters = node.counters();
        assert_eq!((there.requests() as u64, counters.failed), (jobs, 0), "{counters:?}");
        if counters.retries == 3 {
            break;
        }
        assert!(jobs < 1_000, "nobody is never tried");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_an_error_403_where_nothing_more_may_be_tried_again() {
    let nobody = Nobody::new();
    let mut settings = settings("ForwardScheduler", &["1"]);
    settings.core = NodeConfig { suspicion: Duration::from_secs(3_600), retry_percent: 0, ..settings.core };
    let node = start(settings).await;
    node.set_peers(vec![nobody.address.to_string()]);
    let failed = post(node.address(), "/function/echo", b"x").await;
    assert_eq!((failed.status, failed.code()), (500, 403));
    assert!(failed.text().contains("cannot connect"), "{}", failed.text());
    assert!(ran_here(&post(node.address(), "/function/echo", b"x").await));
    let counters = node.counters();
    assert_eq!((counters.failed, counters.forwards_failed, counters.served), (1, 1, 1));
    assert_eq!((counters.retries, counters.retries_refused), (0, 1));
    node.shutdown().await;
}

#[tokio::test]
async fn a_peer_that_hangs_costs_the_job_timeout_and_nothing_else() {
    let peer = Stub::always(|| Reply::Hang).await;
    let mut settings = settings("ForwardScheduler", &["1"]);
    settings.core = NodeConfig {
        suspicion: Duration::from_secs(3_600),
        job_timeout: Some(Duration::from_millis(400)),
        ..settings.core
    };
    let node = start(settings).await;
    node.set_peers(vec![peer.address.to_string()]);
    let late = post(node.address(), "/function/echo", b"x").await;
    assert_eq!((late.status, late.code()), (500, 1), "{}", late.text());
    assert!(late.text().contains("job-timeout"), "{}", late.text());
    until("the peer's connection is closed", || peer.given_up() == 1).await;
    assert!(ran_here(&post(node.address(), "/function/echo", b"x").await));
    let counters = node.counters();
    assert_eq!((counters.failed, counters.forwards_failed, counters.served), (1, 1, 1), "{counters:?}");
    node.shutdown().await;
}

#[tokio::test]
async fn a_peer_is_asked_again_when_the_suspicion_is_over() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let peer = Stub::start(move |_| {
        let fail = first.swap(false, std::sync::atomic::Ordering::SeqCst);
        std::future::ready(if fail {
            Reply::SendAndClose(vec![])
        } else {
            Reply::Send(old_peer_answer(200, b"there"))
        })
    })
    .await;
    let mut settings = settings("ForwardScheduler", &["1"]);
    settings.core = NodeConfig { suspicion: Duration::from_millis(50), ..settings.core };
    let node = start(settings).await;
    node.set_peers(vec![peer.address.to_string()]);
    assert_eq!(post(node.address(), "/function/echo", b"here").await.code(), 403);
    for attempt in 0.. {
        let answer = post(node.address(), "/function/echo", b"here").await;
        match answer.text().as_str() {
            "there" => break,
            text => assert_eq!(text, "here"),
        }
        assert!(attempt < 2_000, "the peer is never asked again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    node.shutdown().await;
}

#[tokio::test]
async fn an_error_in_the_proper_form_is_the_peers_word_and_no_reason_for_suspicion() {
    // Status and code of the peer's error; what the client gets; which count goes up.
    let cases = [
        (500, 1, (1, 0, 0)),
        (500, 400, (0, 1, 0)),
        (503, 401, (0, 0, 1)),
        (500, 403, (1, 0, 0)),
        (404, 3, (1, 0, 0)),
    ];
    for (status, code, (failed, dropped, rejected)) in cases {
        let peer = Stub::start(move |_| {
            let error = format!(r#"{{"code": {code}, "message": "said the peer"}}"#);
            std::future::ready(Reply::Send(old_peer_answer(status, error.as_bytes())))
        })
        .await;
        // An old peer's answer has the same status on the wire and inside.
        let node = origin(peer.address).await;
        for _ in 0..2 {
            let answer = post(node.address(), "/function/echo", b"x").await;
            assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text());
            assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), Some("True"));
        }
        let counters = node.counters();
        assert_eq!((counters.forwarded, counters.forwards_failed), (2, 0), "{counters:?}");
        let counted = (counters.failed, counters.dropped, counters.rejected);
        assert_eq!(counted, (2 * failed, 2 * dropped, 2 * rejected), "{status} {code}: {counters:?}");
        node.shutdown().await;
    }
}

#[tokio::test]
async fn a_job_that_a_peer_turns_away_runs_at_its_origin() {
    let without_echo = Settings { functions: Vec::new(), ..settings("NoScheduler", &["true"]) };
    let with_small_bodies = Settings { max_body_bytes: 1_000, ..settings("NoScheduler", &["true"]) };
    // Bodies of peers have an allowance for the rest of the message.
    let payload = vec![b'x'; 90_000];
    for settings in [without_echo, with_small_bodies] {
        let peer = start(settings).await;
        let node = origin(peer.address()).await;
        for _ in 0..2 {
            let answer = post(node.address(), "/function/echo", &payload).await;
            assert!(ran_here(&answer), "{} {}", answer.status, answer.head);
            assert_eq!(answer.body, payload);
        }
        let counters = node.counters();
        assert_eq!(
            (counters.forwarded, counters.forwards_failed, counters.served),
            (2, 0, 2),
            "{counters:?}"
        );
        assert_eq!(peer.counters().arrived, 0);
        node.shutdown().await;
        peer.shutdown().await;
    }
}

#[tokio::test]
async fn a_job_that_is_turned_away_finds_no_room_like_any_other() {
    let peer = start(Settings { functions: Vec::new(), ..settings("NoScheduler", &["true"]) }).await;
    let gate = Gate::new();
    let mut settings = settings("ForwardScheduler", &["1"]);
    settings.functions = vec![gate.function("gate")];
    settings.core.capacity = p2pfaas_core::Capacity { slots: 1, queue: 0 };
    let node = start(settings).await;
    node.set_peers(vec![peer.address().to_string()]);
    let first = call_beside(node.address(), "/function/gate", &[], b"1");
    until("the first runs", || gate.running() == 1).await;
    let second = post(node.address(), "/function/gate", b"2").await;
    assert_eq!((second.status, second.code()), (500, 400));
    gate.open();
    assert!(ran_here(&first.await.unwrap()));
    assert_eq!((node.counters().dropped, node.counters().served), (1, 1));
    node.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn a_function_that_fails_at_the_peer_keeps_its_status_and_body_on_the_way_back() {
    let peer = start(settings("NoScheduler", &["true"])).await;
    let node = origin(peer.address()).await;
    let answer = post(node.address(), "/function/sleep", b"soon").await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("expected seconds"), "{}", answer.text());
    assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), Some("True"));
    assert_eq!((node.counters().failed, node.counters().forwards_failed), (1, 0));
    node.shutdown().await;
    peer.shutdown().await;
}
