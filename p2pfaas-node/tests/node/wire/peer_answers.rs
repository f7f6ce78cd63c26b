//! What old schedulers get from our nodes for the jobs that they forward.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use p2pfaas_node::{ExecuteError, NodeService, Settings};
use serde_json::{Value, json};

use super::*;

/// As an old scheduler writes it; the function's name in it is ignored.
const OLD_JOB: &str = r#"{"service_id_request":0,"service_id_tracing":"","function_name":"ignored","hops":1,"peers_list":null,"payload":"aGVsbG8=","content_type":"image/jpeg","headers":null}"#;

const MACHINE: [(&str, &str); 1] = [("User-Agent", "Machine")];

fn here(policy: &str, parameters: &[&str]) -> Settings {
    let mut settings = settings(policy, parameters);
    settings.machine_id = "b".into();
    settings.machine_ip = "10.0.0.2".into();
    settings
}

async fn forward(node: &NodeService, function: &str, body: &str) -> Answer {
    let path = format!("/peer/function/{function}");
    call(node.address(), "POST", &path, &MACHINE, body.as_bytes()).await
}

/// Takes the times out; each must be a number of seconds.
fn take_timings(message: &mut Value, machine: usize) -> Vec<String> {
    let timings = message["peers_list"][machine]["timings"].take();
    let timings = timings.as_object().expect("an object");
    assert!(timings.values().all(|time| time.as_f64().is_some_and(|time| time >= 0.0)), "{timings:?}");
    timings.keys().cloned().collect()
}

#[tokio::test]
async fn an_old_peers_job_is_answered_executor_first() {
    let node = start(here("NoScheduler", &["true"])).await;
    let answer = forward(&node, "echo", OLD_JOB).await;
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("application/json")));
    assert!(
        answer.text().starts_with(r#"{"peers_list":[{"machine_id":"b","machine_ip":"10.0.0.2","timings":{""#)
    );
    let mut message = answer.json();
    let times = ["execution_time", "queue_time", "scheduling_time", "total_time"];
    assert_eq!(take_timings(&mut message, 0), times);
    let expected = json!({
        "peers_list": [{"machine_id": "b", "machine_ip": "10.0.0.2", "timings": null}],
        "body": "aGVsbG8=",
        "status_code": 200,
        "content_type": "image/jpeg",
        "from_function": true,
    });
    assert_eq!(message, expected);
    // The headers of 1.4 are for clients.
    assert!(!answer.head.contains("X-P2pfaas-Timing"), "{}", answer.head);
    node.shutdown().await;
}

#[tokio::test]
async fn nulls_and_missing_fields_of_an_old_peer_are_taken() {
    let node = start(here("NoScheduler", &["true"])).await;
    let bodies = [
        r#"{"payload":"aGVsbG8="}"#,
        r#"{"payload":"aGVsbG8=","hops":-3,"content_type":null,"headers":{"A":"b"},"peers_list":[],"new":1}"#,
        r#"{"service_id_request":null,"service_id_tracing":null,"function_name":null,"hops":null,"peers_list":null,"payload":"aGVsbG8=","content_type":"","headers":null}"#,
    ];
    for body in bodies {
        let message = forward(&node, "echo", body).await.json();
        assert_eq!((&message["status_code"], &message["body"]), (&json!(200), &json!("aGVsbG8=")), "{body}");
        assert_eq!(message.get("content_type"), None, "{body}");
    }
    let empty = forward(&node, "echo", r#"{"payload":null}"#).await.json();
    assert_eq!((&empty["status_code"], &empty["body"]), (&json!(200), &json!("")));
    node.shutdown().await;
}

#[tokio::test]
async fn every_error_is_a_peer_message_with_a_peers_list() {
    let gate = Gate::new();
    let mut settings = here("NoScheduler", &["true"]);
    settings.functions.push(gate.function());
    settings
        .functions
        .push(function("broken", |_| Box::pin(async { Err(ExecuteError::Failed("out of order".into())) })));
    settings.core.capacity.slots = 1;
    let node = start(settings).await;
    let check = |answer: &Answer, status: u16, code: u64| {
        let message = answer.json();
        let what = answer.text();
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(message["status_code"], status, "{what}");
        assert_eq!(message["peers_list"].as_array().map(Vec::len), Some(1), "{what}");
        assert_eq!(message["peers_list"][0]["machine_id"], "b", "{what}");
        assert!(message["peers_list"][0]["timings"].is_object(), "{what}");
        assert_eq!(message["from_function"], false, "{what}");
        let body = BASE64.decode(message["body"].as_str().expect("text")).expect("base64");
        let error: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].is_string(), "{error}");
    };
    check(&forward(&node, "nobody", OLD_JOB).await, 404, 3);
    check(&forward(&node, "echo", "").await, 400, 4);
    check(&forward(&node, "echo", "not JSON").await, 400, 4);
    check(&forward(&node, "echo", "null").await, 400, 4);
    check(&forward(&node, "echo", r#"{"payload":"*"}"#).await, 400, 4);
    check(&forward(&node, "broken", OLD_JOB).await, 500, 1);

    let running = post_later(node.address(), "/function/gate", b"");
    until("the slot is taken", || gate.started() == 1).await;
    check(&forward(&node, "echo", OLD_JOB).await, 500, 400);
    gate.let_through(1);
    assert_eq!(running.await.expect("ends").status, 200);

    node.set_policy(&p2pfaas_core::policy::Descriptor::new("RejectScheduler", [])).expect("a policy");
    check(&forward(&node, "echo", OLD_JOB).await, 503, 401);
    // A master with nobody to send jobs to.
    let master = ["true", "", "true"];
    node.set_policy(&p2pfaas_core::policy::Descriptor::new("RoundRobinWithMasterScheduler", master))
        .expect("a policy");
    check(&forward(&node, "echo", OLD_JOB).await, 500, 400);
    node.shutdown().await;
}

#[tokio::test]
async fn the_functions_own_status_goes_to_the_peer() {
    let mut settings = here("NoScheduler", &["true"]);
    settings.functions.push(function("gone", |_| {
        let mut answer = p2pfaas_node::FunctionAnswer::ok("text/plain", "no more");
        answer.status = http::StatusCode::GONE;
        Box::pin(async { Ok(answer) })
    }));
    let node = start(settings).await;
    let answer = forward(&node, "gone", OLD_JOB).await;
    let message = answer.json();
    assert_eq!((answer.status, &message["status_code"]), (410, &json!(410)));
    assert_eq!(message["body"], json!(BASE64.encode("no more")));
    assert_eq!(message["from_function"], true);
    node.shutdown().await;
}

#[tokio::test]
async fn only_machines_may_forward_and_their_override_headers_do_nothing() {
    let node = start(here("NoScheduler", &["true"])).await;
    for agent in ["machine", "Machine/1", "curl/8", ""] {
        let headers = [("User-Agent", agent)];
        let answer = call(node.address(), "POST", "/peer/function/echo", &headers, OLD_JOB.as_bytes()).await;
        assert_eq!((answer.status, answer.code()), (500, 1), "{agent}");
    }
    for name in ["Bypass", "Forward", "Reject"] {
        let name = format!("X-P2pfaas-Scheduler-{name}");
        let headers = [("User-Agent", "Machine"), (name.as_str(), "1")];
        let answer = call(node.address(), "POST", "/peer/function/echo", &headers, OLD_JOB.as_bytes()).await;
        assert_eq!((answer.status, &answer.json()["status_code"]), (200, &json!(200)), "{name}");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn a_node_in_between_passes_payload_and_body_on_and_adds_itself_behind() {
    let worker_answer = r#"{"peers_list":[{"machine_id":"c","machine_ip":"10.0.0.3","timings":{"execution_time":0.5,"total_time":0.6}}],"body":"SEVMTE8=","status_code":200}"#;
    let worker = Stub::start(move |_| answer("200 OK", &[], worker_answer.as_bytes())).await;
    let node = start(here("RoundRobinWithMasterScheduler", &["true", "", "true"])).await;
    // By name: a single peer at the address of the sender is taken to be the sender.
    node.set_peers(vec![format!("localhost:{}", worker.address().port())]);
    let headers = [("User-Agent", "Machine"), ("X-P2pfaas-Scheduler-Task-Tracing-Id", "n0t1")];
    let answer = call(node.address(), "POST", "/peer/function/echo", &headers, OLD_JOB.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut message = answer.json();
    assert_eq!(take_timings(&mut message, 0), ["execution_time", "total_time"]);
    assert_eq!(take_timings(&mut message, 1), ["forwarding_time", "scheduling_time", "total_time"]);
    let expected = json!({
        "peers_list": [
            {"machine_id": "c", "machine_ip": "10.0.0.3", "timings": null},
            {"machine_id": "b", "machine_ip": "10.0.0.2", "timings": null},
        ],
        "body": "SEVMTE8=",
        "status_code": 200,
    });
    assert_eq!(message, expected);

    let seen = &worker.seen()[0];
    let sent = seen.json();
    assert_eq!(sent["payload"], "aGVsbG8=");
    assert_eq!(sent["content_type"], "image/jpeg");
    assert_eq!(sent["function_name"], "echo");
    assert_eq!(sent["hops"], 2);
    assert_eq!(sent["service_id_tracing"], "n0t1");
    let tracing = seen.header("x-p2pfaas-scheduler-task-tracing-id").expect("there");
    assert!(tracing.starts_with("n0t1;p2pfaas-job="), "{tracing}");
    node.shutdown().await;
}

#[tokio::test]
async fn the_job_id_behind_the_tracing_text_survives_an_old_peer() {
    let worker =
        Stub::start(|_| answer("200 OK", &[], br#"{"peers_list":[{}],"body":"","status_code":200}"#)).await;
    let node = start(here("ForwardScheduler", &["2"])).await;
    node.set_peers(vec![format!("localhost:{}", worker.address().port())]);
    let id = p2pfaas_core::JobId { origin: p2pfaas_core::NodeId(0xa11ce), number: 7 };
    let tracing = format!("text;p2pfaas-job={id}");
    let headers = [("User-Agent", "Machine"), ("X-P2pfaas-Scheduler-Task-Tracing-Id", tracing.as_str())];
    let path = "/peer/function/echo";
    let first = call(node.address(), "POST", path, &headers, OLD_JOB.as_bytes()).await;
    let second = call(node.address(), "POST", path, &headers, OLD_JOB.as_bytes()).await;
    // Forwarded once, under the same id and text; the second time it has been here already.
    let [seen] = worker.seen().try_into().expect("one request");
    assert_eq!(seen.header("x-p2pfaas-scheduler-task-tracing-id"), Some(tracing.as_str()));
    assert_eq!(seen.json()["job_id"], json!(id.to_string()));
    assert_eq!(first.json()["peers_list"].as_array().map(Vec::len), Some(2));
    assert_eq!(second.json()["peers_list"].as_array().map(Vec::len), Some(1));
    assert_eq!(second.json()["body"], "aGVsbG8=");
    node.shutdown().await;
}
