//! A peer's message that comes twice: sent again by somebody on the way, or by a proxy that knows no better.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use p2pfaas_core::{JobId, NodeId};
use p2pfaas_node::Settings;

use super::rig::*;

const MACHINE: [(&str, &str); 2] = [("User-Agent", "Machine"), ("Content-Type", "application/json")];

/// What node `x` sends about its job of this number.
fn message(function: &str, number: u64) -> Vec<u8> {
    let origin = NodeId::from_machine_id("x");
    let message = serde_json::json!({
        "service_id_request": number, "service_id_tracing": "", "function_name": function, "hops": 1,
        "peers_list": null, "payload": BASE64.encode(b"once"), "content_type": "", "headers": null,
        "job_id": JobId { origin, number }.to_string(), "visited": [origin.to_string()],
    });
    message.to_string().into_bytes()
}

#[tokio::test]
async fn a_forwarded_job_whose_message_comes_twice_runs_once_and_the_second_is_told_so() {
    // No key is needed for this.
    let gate = Gate::new();
    let node =
        start(Settings { functions: vec![gate.function("gate")], ..settings("NoScheduler", &["true"]) })
            .await;
    let path = "/peer/function/gate";
    let first = call_beside(node.address(), path, &MACHINE, &message("gate", 1));
    until("the first runs", || gate.running() == 1).await;
    let refused = |answer: Answer| {
        let message = answer.json();
        let said = BASE64.decode(message["body"].as_str().expect("a body")).expect("base64");
        let said = String::from_utf8(said).expect("text");
        assert_eq!((answer.status, message["status_code"].as_u64()), (409, Some(409)), "{said}");
        assert!(said.contains("has been brought here before"), "{said}");
        // That it is not taken would be a reason to run it elsewhere.
        assert!(message.get("taken").is_none_or(serde_json::Value::is_null), "{message}");
    };
    refused(call(node.address(), "POST", path, &MACHINE, &message("gate", 1)).await);
    gate.open();
    assert_eq!(first.await.expect("an answer").status, 200);
    refused(call(node.address(), "POST", path, &MACHINE, &message("gate", 1)).await);
    assert_eq!(call(node.address(), "POST", path, &MACHINE, &message("gate", 2)).await.status, 200);
    assert_eq!(gate.begun(), 2);
    let counters = node.counters();
    assert_eq!((counters.repeated, counters.served, counters.failed), (2, 2, 2), "{counters:?}");
    let metrics = get(node.address(), "/metrics").await.text();
    assert!(metrics.contains(r#"p2pfaas_node_events_total{event="repeated"} 2"#), "{metrics}");
    node.shutdown().await;
}

#[tokio::test]
async fn a_peer_that_hears_that_its_job_came_twice_does_not_run_it_itself() {
    // Somebody in front of the peer sends everything twice and passes on the second answer.
    let gate = Gate::new();
    gate.open();
    let function = || vec![gate.function("gate")];
    let peer = start(Settings { functions: function(), ..settings("NoScheduler", &["true"]) }).await;
    let behind = peer.address();
    let proxy = Stub::start(move |request| async move {
        let path = request.path.clone();
        let first = call(behind, "POST", &path, &MACHINE, &request.body).await;
        assert_eq!(first.status, 200);
        let second = call(behind, "POST", &path, &MACHINE, &request.body).await;
        Reply::Send(reply(second.status, &[], second.body))
    })
    .await;
    let node = start(Settings { functions: function(), ..settings("ForwardScheduler", &["1"]) }).await;
    node.set_peers(vec![proxy.address.to_string()]);
    let answer = post(node.address(), "/function/gate", b"once").await;
    assert_eq!((answer.status, answer.code()), (409, 1), "{}", answer.text());
    assert_eq!((gate.begun(), node.counters().failed, peer.counters().repeated), (1, 1, 1));
    node.shutdown().await;
    peer.shutdown().await;
}
