//! What the reference's benchmark client checks before it begins (fact sheet 6.1), and what it reads
//! from each answer afterwards, against three of our nodes.

use std::net::SocketAddr;
use std::time::Duration;

use p2pfaas_node::NodeService;

use super::support::*;

/// As Go's client writes it with keep-alive off.
async fn go_client(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: Go-http-client/1.1\r\n");
    if method == "POST" {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "Accept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    parse(&raw(to, &[text.as_bytes(), body].concat()).await)
}

async fn read(to: SocketAddr, path: &str) -> Answer {
    go_client(to, "GET", path, &[], b"").await
}

/// One of a node's addresses.
type Place = fn(&NodeService) -> SocketAddr;

async fn cluster() -> Vec<NodeService> {
    let mut nodes: Vec<NodeService> = Vec::new();
    for _ in 0..3 {
        let mut settings = settings("PowerOfNScheduler", &["1", "2", "true", "1"]);
        let any = Some("127.0.0.1:0".parse().expect("valid"));
        (settings.discovery_listen, settings.learner_listen) = (any, any);
        settings.poll_interval = Duration::from_millis(15);
        settings.workers = 2;
        if let Some(first) = nodes.first() {
            let discovery = first.discovery_address().expect("listens").port();
            settings.init_servers = vec![format!("{}:{discovery}", first.address())];
        }
        nodes.push(start(settings).await);
    }
    nodes
}

#[tokio::test]
async fn the_benchmark_clients_checks_pass() {
    let nodes = cluster().await;
    let discovery = |node: &NodeService| node.discovery_address().expect("listens");
    let learner = |node: &NodeService| node.learner_address().expect("listens");
    for node in &nodes {
        // The word counts, wherever it stands: once for each of the others.
        let list = until_answer("both others are listed", discovery(node), "/list", |list| {
            list.text().matches("alive").count() == nodes.len() - 1
        });
        list.await;
    }

    let places: [(Place, &str); 5] = [
        (NodeService::address, "/"),
        (NodeService::address, "/configuration"),
        (NodeService::address, "/configuration/scheduler"),
        (learner, "/"),
        (learner, "/learner/parameters"),
    ];
    for (place, path) in places {
        let first = read(place(&nodes[0]), path).await;
        assert_eq!(first.status, 200, "{path}");
        assert!(!first.body.is_empty(), "{path}");
        for node in &nodes[1..] {
            let other = read(place(node), path).await;
            assert_eq!((other.status, other.text()), (200, first.text()), "{path}");
        }
    }
    for node in &nodes {
        let bypass = [("X-P2pfaas-Scheduler-Bypass", "true"), ("Content-Type", "image/jpeg")];
        let answer = go_client(node.address(), "POST", "/function/echo", &bypass, &[0xff; 46_512]).await;
        assert_eq!((answer.status, answer.body.len()), (200, 46_512));
        let list = read(discovery(node), "/list").await;
        assert_eq!((list.status, list.text().matches("alive").count()), (200, 2), "{}", list.text());
        let reset = read(learner(node), "/learner/reset").await;
        assert_eq!((reset.status, reset.text().as_str()), (200, ""));
    }
    for node in nodes {
        node.shutdown().await;
    }
}

#[tokio::test]
async fn the_benchmark_client_can_read_every_answer() {
    let nodes = cluster().await;
    let to = nodes[1].address();
    until_answer("a peer is known", nodes[1].discovery_address().expect("listens"), "/list", |list| {
        list.text().contains("alive")
    })
    .await;
    for (request, forward) in [false, true, false].into_iter().enumerate() {
        let tracing = format!("n1t{request}");
        let mut headers = vec![
            ("X-P2pfaas-Scheduler-Learning-Task-Type", "1.0"),
            ("X-P2pfaas-Scheduler-Task-Tracing-Id", tracing.as_str()),
            ("Content-Type", "image/jpeg"),
        ];
        if forward {
            headers.push(("X-P2pfaas-Scheduler-Forward", "true"));
        }
        let answer = go_client(to, "POST", "/function/echo", &headers, b"image").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "image"));
        // Go reads a header under its canonical name.
        let get = |name: &str| answer.header(name).map(str::to_string);
        let list = |name: &str| -> Vec<f64> {
            get(name).map_or(vec![], |text| serde_json::from_str(&text).expect("a JSON list of numbers"))
        };
        let nodes_on_path = 1 + usize::from(forward);
        assert_eq!(list("X-P2pfaas-Timing-Total-Seconds-List").len(), nodes_on_path);
        assert_eq!(list("X-P2pfaas-Timing-Scheduling-Seconds-List").len(), nodes_on_path);
        assert_eq!(list("X-P2pfaas-Timing-Probing-Seconds-List").len(), if forward { 2 } else { 0 });
        let execution = get("X-P2pfaas-Timing-Execution-Time-Seconds").expect("there");
        assert!(execution.parse::<f64>().is_ok_and(|seconds| seconds >= 0.0), "{execution}");
        let external = get("X-P2pfaas-Externally-Executed");
        assert_eq!(external.as_deref(), forward.then_some("True"));
        let peers: Option<Vec<String>> = get("X-P2pfaas-Peers-List-Ip")
            .map(|text| serde_json::from_str(&text).expect("a JSON list of texts"));
        assert_eq!(peers.map(|peers| peers.len()), forward.then_some(2));
    }
    for node in nodes {
        node.shutdown().await;
    }
}
