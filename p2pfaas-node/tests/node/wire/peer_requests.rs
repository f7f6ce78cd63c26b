//! What our nodes send to old schedulers, byte for byte, and what they make of their answers.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use p2pfaas_core::{JobId, NodeId};
use p2pfaas_node::{NodeService, Settings};

use super::*;

/// As an old executor writes it: no fields of ours, times left out when unknown.
const OLD_ANSWER: &str = r#"{"peers_list":[{"machine_id":"p2pfaas-10.0.0.9","machine_ip":"10.0.0.9","timings":{"execution_time":0.25,"total_time":0.3,"scheduling_time":0.0000011}}],"body":"SEVMTE8=","status_code":200}"#;

fn origin(policy: &str, parameters: &[&str]) -> Settings {
    let mut settings = settings(policy, parameters);
    settings.machine_id = "a".into();
    settings.machine_ip = "10.0.0.1".into();
    settings.core.suspicion = Duration::ZERO;
    settings
}

async fn with_old_peer(answer: impl Fn(&Recorded) -> Vec<u8> + Send + Sync + 'static) -> (NodeService, Stub) {
    let peer = Stub::start(answer).await;
    let node = start(origin("ForwardScheduler", &["1"])).await;
    node.set_peers(vec![peer.address().to_string()]);
    (node, peer)
}

fn old_answer(status: &str, body: &str) -> Vec<u8> {
    answer(status, &[("Content-Type", "text/plain; charset=utf-8")], body.as_bytes())
}

#[tokio::test]
async fn a_forward_is_what_old_peers_expect_with_our_fields_behind() {
    let (node, peer) = with_old_peer(|_| old_answer("200 OK", OLD_ANSWER)).await;
    let headers = [
        ("Content-Type", "image/jpeg"),
        ("X-P2pfaas-Scheduler-Task-Tracing-Id", "n0t1"),
        ("X-P2pfaas-Scheduler-Learning-Task-Type", "1"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    call(node.address(), "POST", "/function/echo", &headers, b"\x00\xffhello").await;
    call(node.address(), "GET", "/function/echo", &[], b"").await;
    let this = NodeId::from_machine_id("a");
    let job = |number| JobId { origin: this, number };
    let host = peer.address();
    let [first, second] = peer.seen().try_into().expect("two requests");

    assert_eq!(first.line, "POST /peer/function/echo HTTP/1.1");
    let body = format!(
        r#"{{"service_id_request":0,"service_id_tracing":"n0t1","function_name":"echo","hops":1,"peers_list":null,"payload":"AP9oZWxsbw==","content_type":"image/jpeg","headers":null,"job_id":"{}","visited":["{this}"],"task_type":1}}"#,
        job(0)
    );
    assert_eq!(String::from_utf8_lossy(&first.body), body);
    let expected = [
        format!("content-length: {}", body.len()),
        "content-type: application/json".to_string(),
        format!("host: {host}"),
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_string(),
        "user-agent: Machine".to_string(),
        format!("x-p2pfaas-scheduler-task-tracing-id: n0t1;p2pfaas-job={}", job(0)),
    ];
    assert_eq!(first.head, expected);

    // Without type, text and trace: the job is its own trace.
    let body = format!(
        r#"{{"service_id_request":1,"service_id_tracing":"","function_name":"echo","hops":1,"peers_list":null,"payload":"","content_type":"","headers":null,"job_id":"{}","visited":["{this}"],"task_type":0}}"#,
        job(1)
    );
    assert_eq!(String::from_utf8_lossy(&second.body), body);
    assert_eq!(second.header("traceparent"), Some(format!("00-{}-{this}-01", job(1)).as_str()));
    let tracing = second.header("x-p2pfaas-scheduler-task-tracing-id");
    assert_eq!(tracing, Some(format!(";p2pfaas-job={}", job(1)).as_str()));
    node.shutdown().await;
}

#[tokio::test]
async fn a_deadline_travels_as_what_is_left_of_it() {
    let (node, peer) = with_old_peer(|_| old_answer("200 OK", OLD_ANSWER)).await;
    let deadline = [("X-P2pfaas-Deadline-Seconds", "30")];
    call(node.address(), "POST", "/function/echo", &deadline, b"").await;
    let left = peer.seen()[0].json()["deadline_seconds"].as_f64().expect("a number");
    assert!(left > 0.0 && left <= 30.0, "{left}");
    node.shutdown().await;
}

#[tokio::test]
async fn a_probe_is_what_old_peers_expect_and_their_load_is_understood() {
    // Busier than this node (2 + 1 jobs here would be needed), then idle; never asked twice a job.
    let load = |load: &'static str, queue: &'static str| {
        let headers =
            [("X-P2pfaas-Load", load), ("X-P2pfaas-Maxload", "4"), ("X-P2pfog-Queue-Length", queue)];
        answer("200 OK", &headers, b"")
    };
    let gate = Gate::new();
    for (running, queued, forwarded) in [("0", "0", true), ("0", "1", false), ("1", "0", false)] {
        let peer = Stub::start(move |request| {
            if request.line.starts_with("GET ") {
                load(running, queued)
            } else {
                old_answer("200 OK", OLD_ANSWER)
            }
        })
        .await;
        let mut settings = origin("PowerOfNScheduler", &["1", "1", "true", "1"]);
        settings.functions.push(gate.function());
        let node = start(settings).await;
        node.set_peers(vec![peer.address().to_string()]);
        let before = gate.started();
        let busy = post_later(node.address(), "/function/gate", b"");
        until("the node has one job", || gate.started() == before + 1).await;
        let answer = post(node.address(), "/function/echo", b"hello").await;
        let expected = if forwarded { "HELLO" } else { "hello" };
        assert_eq!((answer.status, answer.text().as_str()), (200, expected), "load {running} + {queued}");
        let probe = peer.seen()[0].clone();
        assert_eq!(probe.line, "GET /monitoring/load HTTP/1.1");
        let host = format!("host: {}", peer.address());
        assert_eq!(probe.head, ["content-length: 0", &host, "user-agent: Machine"]);
        assert_eq!(peer.seen().len(), 1 + usize::from(forwarded));
        gate.let_through(1);
        assert_eq!(busy.await.expect("ends").status, 200);
        node.shutdown().await;
    }
}

#[tokio::test]
async fn an_old_executors_answer_becomes_headers_origin_first() {
    let (node, _peer) = with_old_peer(|_| old_answer("200 OK", OLD_ANSWER)).await;
    let answer = post(node.address(), "/function/echo", b"hello").await;
    let version = format!("X-P2pfaas-Version: {}", p2pfaas_node::VERSION);
    let expected = [
        "Content-Length: 5",
        "X-P2pfaas-Externally-Executed: True",
        "X-P2pfaas-Hops: 1",
        r#"X-P2pfaas-Peers-List-Id: ["a","p2pfaas-10.0.0.9"]"#,
        r#"X-P2pfaas-Peers-List-Ip: ["10.0.0.1","10.0.0.9"]"#,
        "X-P2pfaas-Scheduler: ForwardScheduler(1)",
        "X-P2pfaas-Timing-Execution-Time-Seconds: %f",
        "X-P2pfaas-Timing-Forwarding-Time-Seconds: %f",
        "X-P2pfaas-Timing-Probing-Seconds-List: [0,0]",
        "X-P2pfaas-Timing-Scheduling-Seconds-List: [0,N]",
        "X-P2pfaas-Timing-Scheduling-Time-Seconds: %f",
        "X-P2pfaas-Timing-Total-Seconds-List: [N,N]",
        "X-P2pfaas-Timing-Total-Time-Seconds: %f",
        &version,
    ];
    assert_eq!((answer.status, answer.text().as_str()), (200, "HELLO"));
    assert_eq!(shape(&answer), expected);
    assert_eq!(answer.header("X-P2pfaas-Timing-Execution-Time-Seconds"), Some("0.250000"));
    assert_eq!(answer.header("X-P2pfaas-Timing-Scheduling-Seconds-List"), Some("[0,0.0000011]"));
    let total = answer.header("X-P2pfaas-Timing-Total-Seconds-List").expect("there");
    assert!(total.ends_with(",0.3]"), "{total}");
    node.shutdown().await;
}

#[tokio::test]
async fn an_old_path_of_two_hops_with_gaps_is_turned_round() {
    let body = r#"{"peers_list":[
        {"machine_id":"c","machine_ip":"10.0.0.3","timings":{}},
        {"machine_id":"b","machine_ip":"10.0.0.2","timings":null},
        {"machine_id":"x","machine_ip":"10.0.0.4"}],"body":null,"status_code":200}"#;
    let (node, _peer) = with_old_peer(|_| old_answer("200 OK", body)).await;
    let answer = post(node.address(), "/function/echo", b"hello").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    assert_eq!(answer.header("X-P2pfaas-Hops"), Some("3"));
    assert_eq!(answer.header("X-P2pfaas-Peers-List-Id"), Some(r#"["a","x","b","c"]"#));
    let ips = answer.header("X-P2pfaas-Peers-List-Ip");
    assert_eq!(ips, Some(r#"["10.0.0.1","10.0.0.4","10.0.0.2","10.0.0.3"]"#));
    assert_eq!(answer.header("X-P2pfaas-Timing-Execution-Time-Seconds"), Some("0.000000"));
    let lists = shape(&answer);
    assert!(lists.contains(&"X-P2pfaas-Timing-Total-Seconds-List: [N,0,0,0]".to_string()), "{lists:?}");
    node.shutdown().await;
}

#[tokio::test]
async fn an_old_peers_status_is_200_when_it_is_a_success() {
    let (node, _peer) =
        with_old_peer(|_| old_answer("201 Created", &OLD_ANSWER.replace(":200}", ":201}"))).await;
    let answer = post(node.address(), "/function/echo", b"hello").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "HELLO"));
    node.shutdown().await;
}

#[tokio::test]
async fn an_old_peers_error_comes_through_and_is_marked() {
    for (status, code, message) in [
        ("500 Internal Server Error", 400, "Job cannot be scheduled"),
        ("503 Service Unavailable", 401, "rejected"),
        ("500 Internal Server Error", 402, "no action"),
    ] {
        let error = format!(r#"{{"code":{code},"message":"{message}"}}"#);
        let number: u16 = status[..3].parse().expect("a number");
        let body = format!(
            r#"{{"peers_list":[{{"machine_id":"b","machine_ip":"10.0.0.2","timings":{{"total_time":0.1}}}}],"body":"{}","status_code":{number}}}"#,
            BASE64.encode(&error)
        );
        let (node, _peer) = with_old_peer(move |_| old_answer(status, &body)).await;
        let answer = post(node.address(), "/function/echo", b"hello").await;
        assert_eq!((answer.status, answer.text()), (number, error));
        assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), Some("True"));
        assert_eq!(answer.header("X-P2pfaas-Hops"), Some("1"));
        node.shutdown().await;
    }
}

#[tokio::test]
async fn what_is_no_answer_is_500_code_403_and_the_node_goes_on() {
    let cases: [&[u8]; 9] = [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"peers_list\"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 26\r\n\r\n{\"code\":1,\"message\":\"text\"}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n{\"peers_list\":[],\"body\":\"\",\"status_code\":200}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 46\r\n\r\n{\"peers_list\":null,\"body\":\"\",\"status_code\":200}",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"peers_list\":[{}],\"body\":\"*\",\"status_code\":200}",
    ];
    for bytes in cases {
        let (node, peer) = with_old_peer(move |_| bytes.to_vec()).await;
        let answer = post(node.address(), "/function/echo", b"hello").await;
        let what = String::from_utf8_lossy(bytes);
        assert_eq!((answer.status, answer.code()), (500, 403), "{what}: {}", answer.text());
        assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), None, "{what}");
        assert_eq!(answer.header("X-P2pfaas-Timing-Total-Seconds-List"), None, "{what}");
        assert_eq!(answer.header("X-P2pfaas-Scheduler"), Some("ForwardScheduler(1)"), "{what}");
        assert_eq!(peer.seen().len(), 1, "{what}");
        drop(peer);
        // Nobody there at all: nothing has begun, and it runs here.
        let answer = post(node.address(), "/function/echo", b"hello").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"), "{what}");
        assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), None, "{what}");
        node.shutdown().await;
    }
}
