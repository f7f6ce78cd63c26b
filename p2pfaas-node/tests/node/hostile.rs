//! A cluster with a key, and those who have none, another one, or only what they have overheard.

use std::net::SocketAddr;
use std::sync::Mutex;

use p2pfaas_node::{ClusterKey, NodeService, SecuritySettings, Settings};

use crate::support::*;

const KEY: &str = "6f0f6a3c1d5e4b2a9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b";
const ANOTHER_KEY: &str = "00000000000000000000000000000000000000000000000000000000000000ff";

fn with_key(policy: &str, parameters: &[&str], key: &str) -> Settings {
    let key: ClusterKey = key.parse().expect("a key");
    Settings {
        security: SecuritySettings { key: Some(key), ..SecuritySettings::default() },
        ..settings(policy, parameters)
    }
}

/// A node that forwards everything to one address.
async fn forwarder(key: &str, to: SocketAddr) -> NodeService {
    let node = start(with_key("ForwardScheduler", &["1"], key)).await;
    node.set_peers(vec![to.to_string()]);
    node
}

async fn refused(node: &NodeService, reason: &str) -> u64 {
    let metrics = get(node.address(), "/metrics").await.text();
    let line = format!("p2pfaas_refused_total{{reason=\"{reason}\"}} ");
    let value = metrics.lines().find_map(|text| text.strip_prefix(line.as_str()));
    value.unwrap_or_else(|| panic!("no {reason} in {metrics}")).parse().expect("a count")
}

#[tokio::test]
async fn nodes_with_one_key_probe_and_forward_as_those_without() {
    let idle = start(with_key("NoScheduler", &["false"], KEY)).await;
    let gate = Gate::new();
    // Busy, so that the peer has the lesser load.
    let mut settings = with_key("PowerOfNScheduler", &["1", "0", "true", "1"], KEY);
    settings.functions.push(gate.function());
    let busy = start(settings).await;
    busy.set_peers(vec![idle.address().to_string()]);
    let name = gate.function().name;
    let held = post_later(busy.address(), &format!("/function/{name}"), b"");
    until("the gate is taken", || gate.started() == 1).await;
    let answer = post(busy.address(), "/function/echo", b"over there").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "over there"));
    assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), Some("True"), "{}", answer.head);
    gate.let_through(1);
    held.await.expect("answered");
    for node in [&idle, &busy] {
        for reason in ["unsigned", "forged", "replayed", "stale", "answer"] {
            assert_eq!(refused(node, reason).await, 0, "{reason}");
        }
    }
}

#[tokio::test]
async fn a_node_with_another_key_gets_no_job_in_and_no_load_believed() {
    let victim = start(with_key("NoScheduler", &["false"], KEY)).await;
    let stranger = forwarder(ANOTHER_KEY, victim.address()).await;
    let answer = post(stranger.address(), "/function/echo", b"x").await;
    assert_eq!((answer.status, answer.code()), (500, 403));
    assert_eq!(victim.counters().arrived, 0);
    assert_eq!(refused(&victim, "forged").await, 1);

    let curious = start(with_key("PowerOfNScheduler", &["1", "0", "true", "1"], KEY)).await;
    let liar = start(with_key("NoScheduler", &["false"], ANOTHER_KEY)).await;
    curious.set_peers(vec![liar.address().to_string()]);
    let answer = post(curious.address(), "/function/echo", b"x").await;
    assert_eq!((answer.status, answer.header("X-P2pfaas-Externally-Executed")), (200, None));
    assert_eq!(curious.counters().probes_failed, 1);
    assert_eq!(refused(&curious, "answer").await, 1);
}

#[tokio::test]
async fn a_forged_load_and_a_forged_result_are_not_believed() {
    let liar = Stub::start(|request| {
        if request.line.starts_with("GET") {
            let load = [("X-P2pfaas-Load", "0"), ("X-P2pfog-Queue-Length", "0"), ("X-P2pfaas-Maxload", "9")];
            return answer("200 OK", &load, b"");
        }
        let body =
            r#"{"peers_list":[{"machine_id":"x","machine_ip":"x"}],"body":"Zm9yZ2Vk","status_code":200}"#;
        answer("200 OK", &[], body.as_bytes())
    })
    .await;
    let probing = start(with_key("PowerOfNScheduler", &["1", "0", "true", "1"], KEY)).await;
    probing.set_peers(vec![liar.address().to_string()]);
    let answer = post(probing.address(), "/function/echo", b"mine").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "mine"));
    let blind = forwarder(KEY, liar.address()).await;
    let answer = post(blind.address(), "/function/echo", b"mine").await;
    assert_eq!((answer.status, answer.code()), (500, 403));
    assert!(!answer.text().contains("forged"));
}

/// A job that a peer has sent, byte for byte, as somebody on the way reads it.
async fn overheard() -> Vec<u8> {
    let taken: std::sync::Arc<Mutex<Option<Recorded>>> = std::sync::Arc::default();
    let keep = taken.clone();
    let wire = Stub::start(move |request| {
        *keep.lock().expect("unpoisoned") = Some(request.clone());
        answer("502 Bad Gateway", &[], b"")
    })
    .await;
    let sender = forwarder(KEY, wire.address()).await;
    post(sender.address(), "/function/echo", b"secret").await;
    let Recorded { line, head, body } = taken.lock().expect("unpoisoned").take().expect("a call");
    let mut bytes = format!("{line}\r\n").into_bytes();
    for header in head.iter().filter(|header| !header.to_lowercase().starts_with("connection:")) {
        bytes.extend(format!("{header}\r\n").into_bytes());
    }
    bytes.extend_from_slice(b"Connection: close\r\n\r\n");
    bytes.extend(body);
    bytes
}

#[tokio::test]
async fn what_was_overheard_can_be_delivered_once_and_not_altered() {
    let victim = start(with_key("NoScheduler", &["false"], KEY)).await;
    let call = overheard().await;
    let altered = String::from_utf8(call.clone()).expect("text").replace("\"hops\":1", "\"hops\":2");
    assert_ne!(altered.as_bytes(), call);
    assert_eq!(parse(&raw(victim.address(), altered.as_bytes()).await).status, 401);
    assert_eq!(victim.counters().arrived, 0);
    assert_eq!(parse(&raw(victim.address(), &call).await).status, 200);
    assert_eq!(parse(&raw(victim.address(), &call).await).status, 401);
    assert_eq!(victim.counters().arrived, 1);
    assert_eq!((refused(&victim, "forged").await, refused(&victim, "replayed").await), (1, 1));
    // And the node goes on.
    assert_eq!(post(victim.address(), "/function/echo", b"x").await.status, 200);
}

#[tokio::test]
async fn unsigned_jobs_are_refused_in_a_form_that_old_peers_survive_unless_they_are_asked_for() {
    let strict = start(with_key("NoScheduler", &["false"], KEY)).await;
    let mut settings = with_key("NoScheduler", &["false"], KEY);
    settings.security.allow_unsigned_peers = true;
    let mixed = start(settings).await;
    let job = br#"{"service_id_request":1,"payload":"eA==","hops":1,"peers_list":[],"content_type":""}"#;
    let machine = [("User-Agent", "Machine")];
    let answer = call(strict.address(), "POST", "/peer/function/echo", &machine, job).await;
    assert_eq!((answer.status, answer.json()["peers_list"].as_array().map(Vec::len)), (401, Some(1)));
    assert_eq!(refused(&strict, "unsigned").await, 1);
    let answer = call(mixed.address(), "POST", "/peer/function/echo", &machine, job).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn giant_numbers_wrong_lengths_and_broken_signatures_leave_the_node_alone() {
    let victim = start(with_key("NoScheduler", &["false"], KEY)).await;
    let to = victim.address();
    for signature in ["", "v1", "v1 0 0 0 0 0", &"f".repeat(8_000), "v1 ffffffff 18446744073709551616 0 - 0"]
    {
        let headers = [("User-Agent", "Machine"), ("X-P2pfaas-Signature", signature)];
        let answer = call(to, "POST", "/peer/function/echo", &headers, b"{}").await;
        assert_eq!(answer.status, 401, "{signature}");
        assert_eq!(call(to, "GET", "/monitoring/load", &headers, b"").await.status, 401, "{signature}");
    }
    // More promised than sent, and a length that is none.
    let short = b"POST /function/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\nx";
    let two = b"POST /function/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx";
    for bytes in [&short[..], &two[..]] {
        let answer = parse(&raw(to, bytes).await);
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    assert_eq!(post(to, "/function/echo", b"x").await.status, 200);
}

#[tokio::test]
async fn changes_need_a_token_with_the_role_and_calls_do_not() {
    let tokens = "configure the-operators-token\nlearn the-trainers-token\n".parse().expect("tokens");
    let mut settings = settings("NoScheduler", &["false"]);
    settings.security.tokens = tokens;
    settings.learner_listen = Some(([127, 0, 0, 1], 0).into());
    settings.discovery_listen = Some(([127, 0, 0, 1], 0).into());
    settings.learner = p2pfaas_node::LearnerPlace::Here(Box::default());
    let node = start(settings).await;
    let (scheduler, discovery, learner) = (
        node.address(),
        node.discovery_address().expect("listens"),
        node.learner_address().expect("listens"),
    );
    let policy = br#"{"name":"RejectScheduler","parameters":[]}"#;
    let operator = [("Authorization", "Bearer the-operators-token")];
    let trainer = [("Authorization", "Bearer the-trainers-token")];
    let change = |headers: &'static [(&'static str, &'static str)]| {
        call(scheduler, "POST", "/configuration/scheduler", headers, policy)
    };
    assert_eq!(change(&[]).await.status, 401);
    assert_eq!(change(&[("Authorization", "Bearer the-trainers-token")]).await.status, 403);
    assert_eq!(post(scheduler, "/function/echo", b"x").await.status, 200, "the policy is the old one");
    assert_eq!(get(scheduler, "/configuration/scheduler").await.status, 200);
    assert_eq!(get(discovery, "/reset").await.status, 401);
    assert_eq!(call(discovery, "GET", "/reset", &operator, b"").await.status, 200);
    assert_eq!(get(learner, "/learner/stats").await.status, 200);
    assert_eq!(get(learner, "/learner/weights").await.status, 401);
    assert_eq!(call(learner, "GET", "/learner/weights", &operator, b"").await.status, 403);
    assert_eq!(call(learner, "GET", "/learner/weights", &trainer, b"").await.status, 200);
    assert_eq!(call(scheduler, "POST", "/configuration/scheduler", &operator, policy).await.status, 200);
    assert_eq!(post(scheduler, "/function/echo", b"x").await.code(), 401, "rejected");
    assert_eq!(refused(&node, "token").await, 5);
}

#[tokio::test]
async fn a_client_beyond_its_rate_gets_429_and_when_to_come_again() {
    let mut settings = settings("NoScheduler", &["false"]);
    settings.security.client_rate = Some("1:2".parse().expect("a rate"));
    let node = start(settings).await;
    let statuses = [
        post(node.address(), "/function/echo", b"x").await,
        post(node.address(), "/function/echo", b"x").await,
        post(node.address(), "/function/echo", b"x").await,
    ];
    assert_eq!(statuses.each_ref().map(|answer| answer.status), [200, 200, 429]);
    assert_eq!((statuses[2].header("Retry-After"), statuses[2].code()), (Some("1"), 1));
    // What is no call is not limited.
    assert_eq!(get(node.address(), "/health").await.status, 200);
    assert_eq!(node.counters().arrived, 2);
}

#[tokio::test]
async fn calls_of_unknown_functions_and_questions_for_results_count_for_the_rate_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let no_call = format!("/async/{}", "0".repeat(32));
    let cases: [(&str, &str, u16); 6] = [
        ("POST", "/function/nothing", 404),
        ("GET", "/function/nothing", 404),
        ("POST", "/function/ech%6F", 200),
        ("GET", &no_call, 404),
        ("DELETE", &no_call, 404),
        ("GET", "/async/no-id", 404),
    ];
    for (method, path, status) in cases {
        let mut settings = settings("NoScheduler", &["false"]);
        settings.data = Some(folder.path().into());
        settings.security.client_rate = Some("1:2".parse().expect("a rate"));
        let node = start(settings).await;
        for expected in [status, status, 429] {
            let answer = call(node.address(), method, path, &[], b"x").await;
            assert_eq!(answer.status, expected, "{method} {path}");
            assert_eq!(answer.header("Retry-After").is_some(), expected == 429, "{}", answer.head);
        }
        assert_eq!(post(node.address(), "/function/echo", b"x").await.status, 429, "it is one rate");
        assert_eq!(refused(&node, "client_rate").await, 2);
        assert_eq!(get(node.address(), "/health").await.status, 200);
        node.shutdown().await;
    }
}

#[tokio::test]
async fn the_learners_websocket_asks_for_a_token_as_its_http_interface_does() {
    let mut settings = settings("NoScheduler", &["false"]);
    settings.security.tokens =
        "configure the-operators-token\nlearn the-trainers-token".parse().expect("tokens");
    settings.learner_ws_listen = Some(([127, 0, 0, 1], 0).into());
    settings.learner = p2pfaas_node::LearnerPlace::Here(Box::default());
    let node = start(settings).await;
    let websocket = node.learner_ws_address().expect("listens");
    let upgrade = |bearer: Option<&'static str>| async move {
        let always = [
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let headers: Vec<_> =
            always.into_iter().chain(bearer.map(|token| ("Authorization", token))).collect();
        let request = String::from_utf8(request("GET", "/", &headers, b"")).expect("text");
        let request = request.replace("Connection: close", "Connection: Upgrade");
        // Nothing is said over the websocket: the node ends it.
        let mut stream = tokio::net::TcpStream::connect(websocket).await.expect("connects");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("sent");
        let mut line = [0; 12];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut line).await.expect("an answer");
        String::from_utf8_lossy(&line).into_owned()
    };
    assert_eq!(upgrade(None).await, "HTTP/1.1 401");
    assert_eq!(upgrade(Some("Bearer the-trainers-tokem")).await, "HTTP/1.1 401");
    assert_eq!(upgrade(Some("Bearer the-operators-token")).await, "HTTP/1.1 403");
    assert_eq!(upgrade(Some("Bearer the-trainers-token")).await, "HTTP/1.1 101");
    assert_eq!(refused(&node, "token").await, 3);
    node.shutdown().await;
}

#[tokio::test]
async fn whoever_has_no_key_cannot_become_a_machine_of_the_cluster() {
    let mut settings = with_key("NoScheduler", &["false"], KEY);
    settings.discovery_listen = Some(([127, 0, 0, 1], 0).into());
    settings.poll_interval = std::time::Duration::from_millis(20);
    let node = start(settings).await;
    let discovery = node.discovery_address().expect("listens");
    let stranger = Stub::start(|_| answer("200 OK", &[("Content-Type", "application/json")], b"[]")).await;
    let port = stranger.address().port().to_string();
    let shown = [
        ("User-Agent", "Machine"),
        ("P2pfaas-Machine-Ip", "127.0.0.1"),
        ("P2pfaas-Machine-Port", port.as_str()),
        ("P2pfaas-Machine-Discovery-Port", port.as_str()),
    ];
    assert_eq!(call(discovery, "GET", "/list", &shown, b"").await.status, 200);
    // One who is named by hand is asked, and not believed.
    node.set_peers(vec![format!("{}:{port}", stranger.address())]);
    until("the stranger is asked", || stranger.seen().len() > 1).await;
    until_answer("its answers are refused", node.address(), "/metrics", |metrics| {
        let text = metrics.text();
        let line = text.lines().find(|line| line.starts_with("p2pfaas_refused_total{reason=\"answer\"}"));
        line.is_some_and(|line| !line.ends_with(" 0"))
    })
    .await;
    for request in stranger.seen() {
        assert!(request.header("x-p2pfaas-signature").is_some(), "{request:?}");
    }
}
