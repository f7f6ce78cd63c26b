//! A peer at which one function fails, and others do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use p2pfaas_core::NodeConfig;
use p2pfaas_node::Settings;

use super::rig::*;

/// A peer that counts calls of `/peer/function/bad` and of all others, and answers the former with this status.
async fn peer(status: u16, bad: &Arc<AtomicUsize>, good: &Arc<AtomicUsize>) -> Stub {
    let (bad, good) = (bad.clone(), good.clone());
    Stub::start(move |request| {
        let is_bad = request.path == "/peer/function/bad";
        (if is_bad { &bad } else { &good }).fetch_add(1, Ordering::SeqCst);
        let status = if is_bad { status } else { 200 };
        std::future::ready(Reply::Send(old_peer_answer(status, b"said the function")))
    })
    .await
}

#[tokio::test]
async fn a_function_that_fails_at_one_peer_goes_to_the_other_one_and_other_functions_still_go_there() {
    let counts = || (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let ((bad, good), elsewhere) = (counts(), counts());
    let failing = peer(500, &bad, &good).await;
    let proper = peer(200, &elsewhere.0, &elsewhere.1).await;
    let gate = Gate::new();
    let mut settings = Settings {
        functions: vec![gate.function("bad"), gate.function("good")],
        ..settings("ForwardScheduler", &["1"])
    };
    settings.core = NodeConfig { ejection: Duration::from_secs(3_600), ..settings.core };
    let node = start(settings).await;
    node.set_peers(vec![failing.address.to_string(), proper.address.to_string()]);
    let mut failed = 0;
    for calls in 0.. {
        if node.counters().ejections == 1 {
            break;
        }
        assert!(calls < 1_000, "it is never left alone: {:?}", node.counters());
        failed += usize::from(post(node.address(), "/function/bad", b"x").await.status == 500);
    }
    assert!(failed >= 5 && bad.load(Ordering::SeqCst) == failed, "{failed}");
    let (bad_before, good_before) = (bad.load(Ordering::SeqCst), good.load(Ordering::SeqCst));
    for _ in 0..40 {
        assert_eq!(post(node.address(), "/function/bad", b"x").await.status, 200);
        assert_eq!(post(node.address(), "/function/good", b"x").await.status, 200);
    }
    assert_eq!(bad.load(Ordering::SeqCst), bad_before, "its jobs go elsewhere");
    assert!(good.load(Ordering::SeqCst) > good_before, "the peer is as good as any for another function");
    assert_eq!(gate.begun(), 0);
    let metrics = get(node.address(), "/metrics").await.text();
    assert!(metrics.contains(r#"p2pfaas_node_events_total{event="ejection"} 1"#), "{metrics}");
    node.shutdown().await;
}

#[tokio::test]
async fn wrong_requests_put_no_peer_out() {
    let count = Arc::new(AtomicUsize::new(0));
    let refusing = peer(422, &count, &count).await;
    let proper = peer(200, &count, &count).await;
    let functions = vec![Gate::new().function("bad")];
    let node = start(Settings { functions, ..settings("ForwardScheduler", &["1"]) }).await;
    node.set_peers(vec![refusing.address.to_string(), proper.address.to_string()]);
    for calls in 1.. {
        post(node.address(), "/function/bad", b"x").await;
        assert_eq!(node.counters().ejections, 0);
        if node.counters().failed == 40 {
            break;
        }
        assert!(calls < 1_000);
    }
    node.shutdown().await;
}
