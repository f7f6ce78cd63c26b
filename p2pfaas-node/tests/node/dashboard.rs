//! The dashboard: who gets it, what it tells, and what it takes.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use p2pfaas_core::Capacity;
use p2pfaas_core::agent::FixedTable;
use p2pfaas_learner::AgentConfig;
use p2pfaas_node::{AgentSettings, LearnerPlace, SecuritySettings, Settings};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

const BROWSER: [(&str, &str); 1] = [("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")];
/// Streams that a node serves at once.
const STREAMS: usize = 32;

/// A stream as it comes over the wire. Of HTTP/1.0, so that nothing stands between the events.
struct Stream {
    connection: TcpStream,
    bytes: Vec<u8>,
}

impl Stream {
    async fn open(to: SocketAddr) -> Stream {
        let mut connection = TcpStream::connect(to).await.expect("connects");
        connection.write_all(b"GET /dashboard/events HTTP/1.0\r\n\r\n").await.expect("writes");
        let mut stream = Stream { connection, bytes: Vec::new() };
        while !stream.bytes.windows(4).any(|window| window == b"\r\n\r\n") {
            assert!(stream.read().await > 0, "no head: {:?}", String::from_utf8_lossy(&stream.bytes));
        }
        stream
    }

    async fn read(&mut self) -> usize {
        let read = self.connection.read_buf(&mut self.bytes);
        tokio::time::timeout(std::time::Duration::from_secs(20), read).await.expect("news").expect("reads")
    }

    /// The first event of this name that is as it should be, with all before it passed over.
    async fn until(&mut self, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mark = format!("event: {name}\ndata: ");
        loop {
            let text = String::from_utf8_lossy(&self.bytes).into_owned();
            let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
            let events = whole.split("\n\n").filter_map(|event| event.trim_start().strip_prefix(&mark));
            let found = events.filter_map(|data| serde_json::from_str(data).ok()).find(|event| is_so(event));
            if let Some(event) = found {
                return event;
            }
            assert!(self.read().await > 0, "the stream has ended");
        }
    }
}

async fn page(to: SocketAddr) -> Answer {
    call(to, "GET", "/", &BROWSER, b"").await
}

#[tokio::test]
async fn browsers_get_the_page_and_all_others_what_they_always_got() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let to = node.address();
    let json = format!(
        r#"{{"name":"p2pfaas-scheduler","version":"{}","version_commit":""}}"#,
        p2pfaas_node::VERSION
    );
    for accept in ["*/*", "application/json", "text/plain"] {
        for method in ["GET", "POST"] {
            let answer = call(to, method, "/", &[("Accept", accept)], b"").await;
            assert_eq!((answer.status, answer.text()), (200, json.clone()), "{method} {accept}");
            let mut names: Vec<&str> =
                answer.head.lines().filter_map(|line| line.split(':').next()).collect();
            names.sort_unstable();
            assert_eq!(names, ["Connection", "Content-Length", "Content-Type", "Date"]);
        }
    }
    assert_eq!(get(to, "/").await.text(), json);
    assert_eq!(call(to, "POST", "/", &BROWSER, b"").await.text(), json);
    let page = page(to).await;
    assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("Vary"), Some("Accept"));
    assert!(page.text().starts_with("<!doctype html>"));
    node.shutdown().await;
}

#[tokio::test]
async fn the_page_and_its_files_take_nothing_from_elsewhere_and_run_nothing_inline() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let to = node.address();
    let page = page(to).await;
    let html = page.text();
    let named: BTreeSet<&str> =
        html.split("=\"dashboard/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(named, BTreeSet::from(["icon.svg", "main.js", "style.css"]));
    let mut answers = vec![page];
    for file in named {
        answers.push(get(to, &format!("/dashboard/{file}")).await);
    }
    for answer in answers {
        assert_eq!(answer.status, 200);
        let policy = answer.header("Content-Security-Policy").expect("a policy");
        let parts: BTreeSet<&str> = policy.split(';').map(str::trim).collect();
        for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(parts.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
    }
    assert_eq!(get(to, "/dashboard/../main.rs").await.status, 404);
    assert_eq!(get(to, "/dashboard/nothing.js").await.status, 404);
    node.shutdown().await;
}

#[tokio::test]
async fn a_snapshot_agrees_with_the_metrics_after_known_jobs() {
    let gate = Gate::new();
    let mut settings = settings("NoScheduler", &["false"]);
    settings.functions.push(gate.function());
    settings.core.capacity = Capacity { slots: 1, queue: 2 };
    let node = start(settings).await;
    let peer = start(super::support::settings("NoScheduler", &["true"])).await;
    node.set_peers(vec![peer.address().to_string()]);
    let to = node.address();
    let mut stream = Stream::open(to).await;
    assert!(stream.until("history", |_| true).await.is_array());

    for _ in 0..3 {
        assert_eq!(post(to, "/function/echo", b"").await.status, 200);
    }
    let late = [("X-P2pfaas-Deadline-Seconds", "0")];
    assert_eq!(call(to, "POST", "/function/echo", &late, b"").await.status, 200);
    let forward = [("X-P2pfaas-Scheduler-Forward", "1")];
    assert_eq!(call(to, "POST", "/function/echo", &forward, b"").await.status, 200);
    let reject = [("X-P2pfaas-Scheduler-Reject", "1")];
    call(to, "POST", "/function/echo", &reject, b"").await;
    let running = post_later(to, "/function/gate", b"");
    until("the slot is taken", || gate.started() == 1).await;
    let queued = post_later(to, "/function/gate", b"");
    until("one waits", || node.counters().arrived == 8).await;
    let bypass = [("X-P2pfaas-Scheduler-Bypass", "1")];
    assert_eq!(call(to, "POST", "/function/echo", &bypass, b"").await.code(), 400);

    let all_here = |snapshot: &Value| snapshot["totals"]["arrived"] == 9 && snapshot["point"]["queued"] == 1;
    let snapshot = stream.until("snapshot", all_here).await;
    let totals = &snapshot["totals"];
    let expected =
        [("served", 5), ("in_time", 4), ("late", 1), ("forwarded", 1), ("rejected", 1), ("dropped", 1)];
    for (name, count) in expected {
        assert_eq!(totals[name], count, "{name}: {totals}");
    }
    let metrics = get(to, "/metrics").await.text();
    let events = ["arrived", "served", "late", "forwarded", "rejected", "dropped", "failed", "cancelled"];
    for event in events {
        let sample = format!("p2pfaas_node_events_total{{event=\"{event}\"}} {}", totals[event]);
        assert!(metrics.lines().any(|line| line == sample), "{sample}\n{metrics}");
    }
    let point = &snapshot["point"];
    assert_eq!([&point["running"], &point["slots"], &point["queued"], &point["queue"]], [1, 1, 1, 2]);
    assert!(point["latency_ms"].as_array().is_some_and(|times| times.len() == 3), "{point}");
    assert_eq!(snapshot["policy"]["name"], "NoScheduler");
    assert_eq!((&snapshot["learner"], &snapshot["node"]["streams"][0]), (&Value::Null, &1.into()));
    let peers = &snapshot["cluster"]["peers"];
    assert_eq!((&peers[0]["name"], &peers[0]["state"]), (&peer.address().to_string().into(), &"up".into()));

    gate.let_through(2);
    for job in [running, queued] {
        assert_eq!(job.await.expect("ends").status, 200);
    }
    stream.until("snapshot", |snapshot| snapshot["totals"]["served"] == 7).await;
    node.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn a_peer_that_fails_is_seen_to_be_left_alone() {
    let node = start(settings("ForwardScheduler", &["1"])).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let closed = closed.expect("an address");
    node.set_peers(vec![closed.to_string()]);
    let mut stream = Stream::open(node.address()).await;
    post(node.address(), "/function/echo", b"").await;
    let left_alone = |snapshot: &Value| snapshot["cluster"]["peers"][0]["state"] == "left_alone";
    // Suspicions end: keep it so until it has been told.
    let told = tokio::select! {
        told = stream.until("snapshot", left_alone) => told,
        () = async { loop { post(node.address(), "/function/echo", b"").await; } } => unreachable!("it never ends"),
    };
    assert_eq!(told["totals"]["forwards_failed"].as_u64().map(|failed| failed > 0), Some(true));
    assert!(told["cluster"]["peers"][0]["left_alone_ms"].as_u64().is_some_and(|ms| ms <= 60_000));
    node.set_peers(Vec::new());
    stream.until("snapshot", |snapshot| snapshot["cluster"]["peers"][0]["state"] == "gone").await;
    node.shutdown().await;
}

#[tokio::test]
async fn streams_are_bounded_and_one_that_ends_makes_room() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let to = node.address();
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let stream = Stream::open(to).await;
        assert!(stream.bytes.starts_with(b"HTTP/1.0 200"));
        streams.push(stream);
    }
    let refused = get(to, "/dashboard/events").await;
    assert_eq!((refused.status, refused.header("Retry-After")), (429, Some("5")));
    let open = streams[0].until("snapshot", |snapshot| snapshot["node"]["streams"][0] == STREAMS).await;
    assert_eq!(open["node"]["streams"][1], STREAMS);
    drop(streams.pop());
    streams[0].until("snapshot", |snapshot| snapshot["node"]["streams"][0] == STREAMS - 1).await;
    assert!(Stream::open(to).await.bytes.starts_with(b"HTTP/1.0 200"));
    node.shutdown().await;
}

#[tokio::test]
async fn streams_end_when_the_node_shuts_down_and_do_not_hold_it_up() {
    let hour = std::time::Duration::from_secs(3_600);
    let node = start(Settings { shutdown_grace: hour, ..settings("NoScheduler", &["true"]) }).await;
    let mut stream = Stream::open(node.address()).await;
    let ends = async {
        node.shutdown().await;
        while stream.read().await > 0 {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), ends)
        .await
        .expect("long before its grace time is over");
}

fn with_token(token: &str) -> Settings {
    let tokens = format!("configure {token}").parse().expect("tokens");
    let security = SecuritySettings { tokens, ..SecuritySettings::default() };
    Settings { security, ..settings("NoScheduler", &["true"]) }
}

#[tokio::test]
async fn everybody_may_read_as_they_may_read_the_metrics_and_a_change_needs_the_token() {
    const TOKEN: &str = "0123456789abcdef";
    const POLICY: &str = r#"{"name":"RejectScheduler","parameters":[]}"#;
    let node = start(with_token(TOKEN)).await;
    let to = node.address();
    let files = ["/metrics", "/dashboard/main.js", "/dashboard/learned", "/dashboard/policies"];
    for path in files {
        assert_eq!(get(to, path).await.status, 200, "{path}");
    }
    assert_eq!(page(to).await.status, 200);
    let snapshot = Stream::open(to).await.until("snapshot", |_| true).await;
    assert_eq!(snapshot["policy"]["needs_token"], true);
    assert!(!snapshot.to_string().contains(TOKEN));

    let host = to.to_string();
    let own = format!("http://{host}");
    let change = async |origin: &str, authorization: Option<&str>| {
        let mut request =
            format!("POST /configuration/scheduler HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n");
        if let Some(token) = authorization {
            request += &format!("Authorization: Bearer {token}\r\n");
        }
        request += &format!("Connection: close\r\nContent-Length: {}\r\n\r\n{POLICY}", POLICY.len());
        parse(&raw(to, request.as_bytes()).await).status
    };
    let in_force = async || get(to, "/configuration/scheduler").await.json()["name"].clone();
    assert_eq!(change(&own, None).await, 401);
    assert_eq!(change(&own, Some("fedcba9876543210")).await, 401);
    assert_eq!(change("http://elsewhere.example", Some(TOKEN)).await, 403);
    assert_eq!(in_force().await, "NoScheduler");
    assert_eq!(change(&own, Some(TOKEN)).await, 200);
    assert_eq!(in_force().await, "RejectScheduler");
    node.shutdown().await;
}

#[tokio::test]
async fn what_the_agent_has_learned_is_told_state_by_state() {
    let config = AgentConfig { alpha: 0.5, epsilon_start: 0.5, epsilon_min: 0.5, ..AgentConfig::default() };
    let agent = AgentSettings { config: Some(config), ..AgentSettings::default() };
    let learner = LearnerPlace::Here(Box::new(agent));
    let node = start(Settings { learner, ..settings("LearningScheduler", &["1"]) }).await;
    let to = node.address();
    for _ in 0..60 {
        post(to, "/function/echo", b"x").await;
    }
    node.agent().expect("an agent").settle();
    let learned = get(to, "/dashboard/learned").await.json();
    assert_eq!(learned["features"], serde_json::json!(["type", "running_0", "queued_0"]));
    let states = learned["states"].as_array().expect("states");
    let visits: u64 = states.iter().filter_map(|state| state["visits"].as_u64()).sum();
    assert_eq!((visits, learned["states_known"].as_u64()), (60, Some(states.len() as u64)));
    let idle = states.iter().find(|state| state["state"] == serde_json::json!([0, 0, 0])).expect("seen");
    // Running here earns 1, rejecting nothing; and there is nobody to probe.
    assert_eq!(idle["best"], 1, "{learned}");
    assert!(idle["reward"].as_f64().is_some_and(|reward| (0.0..1.0).contains(&reward)), "{idle}");
    assert_eq!(learned["agent"]["trained"], 59);
    let told = Stream::open(to).await.until("snapshot", |told| told["point"]["epsilon"].is_number()).await;
    assert_eq!((&told["point"]["epsilon"], &told["learner"]["choices"]), (&0.5.into(), &60.into()));
    node.shutdown().await;
}

#[tokio::test]
async fn a_fixed_table_tells_its_actions_and_a_node_without_a_learner_nothing() {
    let table: FixedTable = serde_json::from_str(r#"{"otherwise": 0}"#).expect("a table");
    let learner = LearnerPlace::Table(table);
    let node = start(Settings { learner, ..settings("LearningScheduler", &["1"]) }).await;
    post(node.address(), "/function/echo", b"x").await;
    let learned = get(node.address(), "/dashboard/learned").await.json();
    assert_eq!((&learned["place"], &learned["agent"]), (&"table".into(), &Value::Null));
    let first = &learned["states"][0];
    assert_eq!((&first["best"], &first["visits"], &first["reward"]), (&0.into(), &1.into(), &0.0.into()));
    node.shutdown().await;
    let without = start(settings("NoScheduler", &["true"])).await;
    let snapshot = Stream::open(without.address()).await.until("snapshot", |_| true).await;
    assert_eq!(snapshot["learner"], Value::Null);
    let learned = get(without.address(), "/dashboard/learned").await.json();
    assert_eq!((&learned["place"], &learned["states_known"]), (&Value::Null, &0.into()));
    without.shutdown().await;
}

#[tokio::test]
async fn all_policies_are_offered_with_their_parameters() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let kinds = get(node.address(), "/dashboard/policies").await.json();
    let kinds = kinds.as_array().expect("a list");
    assert!(kinds.len() >= 7);
    let learning = kinds.iter().find(|kind| kind["name"] == "LearningScheduler").expect("offered");
    assert_eq!(learning["parameters"][0]["name"], "task_types");
    assert!(learning["options"].as_array().is_some_and(|options| options.len() == 3));
    node.shutdown().await;
}
