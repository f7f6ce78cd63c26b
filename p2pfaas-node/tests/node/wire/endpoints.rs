use p2pfaas_node::LearnerPlace;

use super::*;

/// What a body must be.
enum Body {
    Text(&'static str),
    /// The keys of an object, in the order of the wire.
    Keys(&'static [&'static str]),
    /// An error with this code and a message, and nothing else.
    Code(u64),
    Any,
}
use Body::*;

const NOT_FOUND: Body = Text("404 page not found\n");

/// Method, path, body; status, content type, body.
type Pair = (&'static str, &'static str, &'static str, u16, &'static str, Body);

async fn check(to: std::net::SocketAddr, pairs: &[Pair]) {
    for (method, path, body, status, content_type, expected) in pairs {
        let answer = call(to, method, path, &[], body.as_bytes()).await;
        let what = format!("{method} {path} {body}: {} {}", answer.head, answer.text());
        assert_eq!(answer.status, *status, "{what}");
        assert_eq!(answer.header("Content-Type").unwrap_or_default(), *content_type, "{what}");
        match expected {
            Text(text) => assert_eq!(answer.text(), *text, "{what}"),
            Keys(keys) => assert_eq!(object_keys(&answer.text()), *keys, "{what}"),
            Code(code) => {
                assert_eq!(object_keys(&answer.text()), ["code", "message"], "{what}");
                assert_eq!(answer.code(), *code, "{what}");
                assert!(!answer.json()["message"].as_str().expect("text").is_empty(), "{what}");
            }
            Any => {}
        }
    }
}

/// The keys of a flat JSON object in the order in which they are written.
fn object_keys(text: &str) -> Vec<String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).expect("an object");
    let mut keys: Vec<String> = object.into_iter().map(|(key, _)| key).collect();
    keys.sort_by_key(|key| text.find(&format!("\"{key}\":")));
    keys
}

#[tokio::test]
async fn the_scheduler_serves_every_route_of_the_reference() {
    let node = start(settings("NoScheduler", &["true"])).await;
    const TEXT: &str = "text/plain; charset=utf-8";
    const JSON: &str = "application/json";
    const HELLO: Body = Keys(&["name", "version", "version_commit"]);
    const CAPACITY: &str =
        r#"{"parallel_running_functions_max":4,"queue_length_max":4,"queue_enabled":true}"#;
    let pairs: &[Pair] = &[
        ("GET", "/", "", 200, TEXT, HELLO),
        ("POST", "/", "x", 200, TEXT, HELLO),
        ("PUT", "/", "", 405, "", Text("")),
        ("GET", "/function/echo", "", 200, "", Text("")),
        ("POST", "/function/echo", "\u{0}hi", 200, "", Text("\u{0}hi")),
        ("POST", "/function/echo?a=b", "hi", 200, "", Text("hi")),
        ("POST", "/function/ec%68o", "hi", 200, "", Text("hi")),
        ("DELETE", "/function/echo", "", 405, "", Text("")),
        ("POST", "/function/nobody", "", 404, JSON, Code(3)),
        ("GET", "/function/nobody", "", 404, JSON, Code(3)),
        ("POST", "/function/10.0.0.1", "", 404, JSON, Code(3)),
        ("POST", "/function/", "", 404, TEXT, NOT_FOUND),
        ("POST", "/function/echo/more", "", 404, TEXT, NOT_FOUND),
        ("GET", "/peer/function/echo", "", 405, "", Text("")),
        ("POST", "/peer/function/echo", "{}", 500, JSON, Code(1)),
        ("GET", "/monitoring/load", "", 200, "", Text("")),
        ("POST", "/monitoring/load", "", 405, "", Text("")),
        ("GET", "/monitoring/scale-delay/echo", "", 500, JSON, Code(300)),
        ("POST", "/monitoring/scale-delay/echo", "", 405, "", Text("")),
        ("GET", "/configuration", "", 200, JSON, Text(CAPACITY)),
        ("POST", "/configuration", "{}", 200, "", Text("")),
        ("PUT", "/configuration", "{}", 405, "", Text("")),
        (
            "GET",
            "/configuration/scheduler",
            "",
            200,
            JSON,
            Text(r#"{"name":"NoScheduler","parameters":["true"]}"#),
        ),
        (
            "POST",
            "/configuration/scheduler",
            r#"{"name":"NoScheduler","parameters":["true"]}"#,
            200,
            "",
            Text(""),
        ),
        ("DELETE", "/configuration/scheduler", "", 405, "", Text("")),
        ("GET", "/system/functions", "", 500, JSON, Code(300)),
        ("POST", "/system/functions", r#"{"openfaas_service":{},"deadline":1}"#, 500, JSON, Code(200)),
        ("POST", "/system/functions", "no", 400, JSON, Code(4)),
        ("PUT", "/system/functions", "anything", 200, "", Text("")),
        ("DELETE", "/system/functions", "anything", 200, "", Text("")),
        ("GET", "/system/function/echo", "", 500, JSON, Code(300)),
        ("POST", "/system/scale-function/echo", r#"{"service":"echo","replicas":2}"#, 500, JSON, Code(300)),
        ("POST", "/system/scale-function/echo", "{}", 400, JSON, Code(4)),
        ("GET", "/system/scale-function/echo", "", 405, "", Text("")),
        ("GET", "/health", "", 200, TEXT, Text("ok\n")),
        ("GET", "/metrics", "", 200, "text/plain; version=0.0.4", Any),
        ("GET", "/openapi.json", "", 200, JSON, Any),
        ("GET", "/nothing", "", 404, TEXT, NOT_FOUND),
        ("POST", "/configuration/", "", 404, TEXT, NOT_FOUND),
        ("GET", "/dev/http/get", "", 404, TEXT, NOT_FOUND),
        ("POST", "/dev/http/post", "x", 404, TEXT, NOT_FOUND),
        ("GET", "/dev/test/parallel?seconds=0", "", 404, TEXT, NOT_FOUND),
        ("GET", "/dev/learning/act", "", 404, TEXT, NOT_FOUND),
        ("GET", "/dev/learning/act_ws", "", 404, TEXT, NOT_FOUND),
        ("GET", "/dev/learning/train", "", 404, TEXT, NOT_FOUND),
    ];
    check(node.address(), pairs).await;
    node.shutdown().await;
}

#[tokio::test]
async fn development_adds_its_routes() {
    let mut settings = settings("NoScheduler", &["true"]);
    settings.development = true;
    let node = start(settings).await;
    let pairs: &[Pair] = &[
        ("GET", "/dev/http/get", "", 200, "", Text("")),
        ("POST", "/dev/http/get", "", 405, "", Text("")),
        ("POST", "/dev/http/post", "echoed", 200, "application/octet-stream", Text("echoed")),
        ("GET", "/dev/test/parallel?seconds=0", "", 200, "", Text("")),
        ("GET", "/dev/learning/act", "", 200, "", Text("")),
        ("GET", "/dev/learning/act_ws", "", 200, "", Text("")),
        ("GET", "/dev/learning/train", "", 200, "", Text("")),
    ];
    check(node.address(), pairs).await;
    node.shutdown().await;
}

#[tokio::test]
async fn the_discovery_serves_every_route_of_the_reference() {
    let mut settings = settings("NoScheduler", &["true"]);
    settings.discovery_listen = Some("127.0.0.1:0".parse().expect("valid"));
    settings.machine_id = "here".into();
    let node = start(settings).await;
    const TEXT: &str = "text/plain; charset=utf-8";
    const JSON: &str = "application/json";
    const CONFIGURATION: &str =
        r#"{"machine_ip":"127.0.0.1","machine_id":"here","machine_group_name":"","init_servers":[]}"#;
    let pairs: &[Pair] = &[
        ("GET", "/", "", 200, TEXT, Any),
        ("GET", "/list", "", 200, JSON, Text("[]")),
        ("POST", "/list", "", 405, "", Text("")),
        ("GET", "/reset", "", 200, "", Text("")),
        ("GET", "/configuration", "", 200, JSON, Text(CONFIGURATION)),
        ("POST", "/configuration", "{}", 200, "", Text("")),
        ("POST", "/configuration", "{", 500, JSON, Code(1)),
        ("POST", "/configuration", "null", 500, JSON, Code(1)),
        ("POST", "/configuration", r#"{"init_servers":"one"}"#, 500, JSON, Code(1)),
        ("PUT", "/configuration", "{}", 405, "", Text("")),
        ("GET", "/nothing", "", 404, "", Any),
    ];
    let to = node.discovery_address().expect("listens");
    check(to, pairs).await;
    let hello = get(to, "/").await.text();
    assert!(hello.contains(p2pfaas_node::VERSION), "{hello}");
    node.shutdown().await;
}

#[tokio::test]
async fn the_learner_serves_what_a_fixed_agent_can_tell() {
    let mut settings = settings("NoScheduler", &["true"]);
    settings.learner_listen = Some("127.0.0.1:0".parse().expect("valid"));
    let table = serde_json::from_str(r#"{"actions":{"0,2,1":0},"otherwise":1}"#);
    settings.learner = LearnerPlace::Table(table.expect("a table"));
    let node = start(settings).await;
    let to = node.learner_address().expect("listens");
    let pairs: &[Pair] = &[
        ("GET", "/", "", 200, "text/plain; charset=utf-8", Any),
        ("GET", "/act", "", 500, "", Text("")),
        ("GET", "/learner/parameters", "", 200, "application/json", Keys(&["name", "parameters"])),
        ("GET", "/learner/reset", "", 200, "", Text("")),
    ];
    check(to, pairs).await;
    let hello = get(to, "/").await.text();
    assert!(hello.contains(p2pfaas_node::VERSION), "{hello}");
    for (state, action) in [("0,2,1", "0"), ("0.000000,2.000000,1.000000", "0"), (" 1, 0, 0", "1")] {
        let answer = call(to, "GET", "/act", &[("X-P2pfaas-Learning-State", state)], b"").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, action), "{state}");
        assert_eq!(answer.header("X-P2pfaas-Eps"), Some("0.000000"));
    }
    let bad = call(to, "GET", "/act", &[("X-P2pfaas-Learning-State", "1,x")], b"").await;
    assert_eq!((bad.status, bad.text().as_str()), (500, ""));
    node.shutdown().await;
}

#[tokio::test]
async fn load_is_told_in_three_headers_and_ours() {
    let gate = Gate::new();
    let mut settings = settings("NoScheduler", &["false"]);
    settings.functions.push(gate.function());
    settings.core.capacity.slots = 1;
    settings.machine_id = "here".into();
    let node = start(settings).await;
    let load = |running, queued| {
        let id = p2pfaas_core::NodeId::from_machine_id("here");
        vec![
            "Content-Length: 0".to_string(),
            format!("X-P2pfaas-Load: {running}"),
            "X-P2pfaas-Maxload: 1".to_string(),
            format!("X-P2pfaas-Node-Id: {id}"),
            format!("X-P2pfog-Queue-Length: {queued}"),
        ]
    };
    assert_eq!(shape(&get(node.address(), "/monitoring/load").await), load(0, 0));
    let first = post_later(node.address(), "/function/gate", b"");
    until("the first job runs", || gate.started() == 1).await;
    let second = post_later(node.address(), "/function/gate", b"");
    until("the second job has arrived", || node.counters().arrived == 2).await;
    // Old probes say who they are; anybody may ask.
    let asked = call(node.address(), "GET", "/monitoring/load", &[("User-Agent", "Machine")], b"").await;
    assert_eq!(shape(&asked), load(1, 1));
    gate.let_through(2);
    for job in [first, second] {
        assert_eq!(job.await.expect("ends").status, 200);
    }
    node.shutdown().await;
}

#[tokio::test]
async fn old_clients_need_neither_keep_alive_nor_http_1_1() {
    let node = start(settings("NoScheduler", &["true"])).await;
    // Go's client with keep-alive off, header names in any case, Python's, and ApacheBench's 1.0.
    let requests = [
        "POST /function/echo HTTP/1.1\r\nHost: 10.0.0.1:18080\r\nUser-Agent: Go-http-client/1.1\r\n\
         Content-Length: 2\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\nhi",
        "POST /function/echo HTTP/1.1\r\nhost: x\r\nuser-agent: Machine\r\ncontent-length: 2\r\n\
         connection: close\r\n\r\nhi",
        "POST /function/echo HTTP/1.1\r\nHOST: x\r\nTRANSFER-ENCODING: chunked\r\nCONNECTION: close\r\n\r\n\
         1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
        "POST /function/echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi",
    ];
    for request in requests {
        let answer = parse(&raw(node.address(), request.as_bytes()).await);
        assert_eq!((answer.status, answer.text().as_str()), (200, "hi"), "{request}");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_413_and_one_at_the_bound_is_taken() {
    let mut settings = settings("NoScheduler", &["true"]);
    settings.max_body_bytes = 1_000;
    settings.discovery_listen = Some("127.0.0.1:0".parse().expect("valid"));
    let node = start(settings).await;
    assert_eq!(post(node.address(), "/function/echo", &[7; 1_000]).await.body, [7; 1_000]);
    for path in ["/function/echo", "/configuration", "/configuration/scheduler", "/system/functions"] {
        let answer = post(node.address(), path, &[b' '; 1_001]).await;
        assert_eq!((answer.status, answer.code()), (413, 4), "{path}");
    }
    let to = node.discovery_address().expect("listens");
    assert_eq!(post(to, "/configuration", &[b' '; 1_001]).await.status, 413);
    // A peer's message may be as large as base64 and the path's timings make it.
    let machine = [("User-Agent", "Machine")];
    let answer = call(node.address(), "POST", "/peer/function/echo", &machine, &[b' '; 70_000]).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["status_code"], 413);
    node.shutdown().await;
}
