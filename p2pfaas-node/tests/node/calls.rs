use super::support::*;

#[tokio::test]
async fn a_call_is_answered_by_the_function() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let answer =
        call(node.address(), "POST", "/function/echo", &[("Content-Type", "text/x-test")], b"hello").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"), "{}", answer.head);
    assert_eq!(answer.header("Content-Type"), Some("text/x-test"));
    println!("{}", answer.head);
    node.shutdown().await;
}

#[tokio::test]
async fn a_job_is_forwarded() {
    let origin = start(settings("ForwardScheduler", &["1"])).await;
    let peer = start(settings("NoScheduler", &["true"])).await;
    origin.set_peers(vec![peer.address().to_string()]);
    let answer = post(origin.address(), "/function/echo", b"hello").await;
    println!("{}\n{}", answer.head, answer.text());
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), Some("True"));
    println!("{}", get(origin.address(), "/metrics").await.text());
    println!("{}", get(origin.address(), "/openapi.json").await.text());
    origin.shutdown().await;
    peer.shutdown().await;
}
