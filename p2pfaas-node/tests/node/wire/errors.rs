//! Error codes with their HTTP status, and what a client sees of a function.

use std::time::Duration;

use p2pfaas_node::{ExecuteError, Function, FunctionAnswer, LearnerPlace, Settings};

use super::*;

/// Answers 418 with a type, a header and a body of its own.
fn teapot() -> Function {
    function("teapot", |_| {
        let mut answer = FunctionAnswer::ok("text/tea", "short and stout");
        answer.status = http::StatusCode::IM_A_TEAPOT;
        answer.headers.insert("x-tea", http::HeaderValue::from_static("green"));
        Box::pin(async { Ok(answer) })
    })
}

fn created() -> Function {
    function("created", |_| {
        let mut answer = FunctionAnswer::ok("text/new", "made");
        answer.status = http::StatusCode::CREATED;
        Box::pin(async { Ok(answer) })
    })
}

fn broken() -> Function {
    function("broken", |_| Box::pin(async { Err(ExecuteError::Failed("out of order".into())) }))
}

fn with_functions(policy: &str, parameters: &[&str]) -> Settings {
    let mut settings = settings(policy, parameters);
    settings.functions.extend([teapot(), created(), broken()]);
    settings
}

#[tokio::test]
async fn the_functions_status_body_and_headers_come_through_here_and_from_a_peer() {
    let node = start(with_functions("NoScheduler", &["true"])).await;
    let origin = start(with_functions("ForwardScheduler", &["1"])).await;
    origin.set_peers(vec![node.address().to_string()]);
    for (to, hops) in [(node.address(), None), (origin.address(), Some("1"))] {
        let answer = post(to, "/function/teapot", b"").await;
        assert_eq!((answer.status, answer.text().as_str()), (418, "short and stout"));
        assert_eq!(answer.header("Content-Type"), Some("text/tea"));
        assert_eq!(answer.header("X-Tea"), Some("green"));
        assert_eq!(answer.header("X-P2pfaas-Hops"), hops);
        assert!(answer.header("X-P2pfaas-Timing-Execution-Time-Seconds").is_some());

        let answer = post(to, "/function/created", b"").await;
        assert_eq!((answer.status, answer.text().as_str()), (201, "made"));
        assert_eq!(answer.header("Content-Type"), Some("text/new"));
    }
    node.shutdown().await;
    origin.shutdown().await;
}

#[tokio::test]
async fn a_function_without_an_answer_is_500_code_1_here_and_from_a_peer() {
    let node = start(with_functions("NoScheduler", &["true"])).await;
    let origin = start(with_functions("ForwardScheduler", &["1"])).await;
    origin.set_peers(vec![node.address().to_string()]);
    for (to, external) in [(node.address(), None), (origin.address(), Some("True"))] {
        let answer = post(to, "/function/broken", b"").await;
        assert_eq!((answer.status, answer.code()), (500, 1));
        assert!(answer.text().contains("out of order"));
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), external);
    }
    node.shutdown().await;
    origin.shutdown().await;
}

#[tokio::test]
async fn a_full_node_is_500_code_400_here_and_from_a_peer() {
    let gate = Gate::new();
    let mut settings = settings("NoScheduler", &["true"]);
    settings.functions.push(gate.function());
    settings.core.capacity.slots = 1;
    let node = start(settings).await;
    let origin = start(super::settings("ForwardScheduler", &["1"])).await;
    origin.set_peers(vec![node.address().to_string()]);
    let running = post_later(node.address(), "/function/gate", b"");
    until("the slot is taken", || gate.started() == 1).await;
    for (to, external) in [(node.address(), None), (origin.address(), Some("True"))] {
        let answer = post(to, "/function/echo", b"").await;
        assert_eq!((answer.status, answer.code()), (500, 400));
        assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), external);
    }
    gate.let_through(1);
    assert_eq!(running.await.expect("ends").status, 200);
    node.shutdown().await;
    origin.shutdown().await;
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_500_code_1() {
    let gate = Gate::new();
    let mut settings = settings("NoScheduler", &["true"]);
    settings.functions.push(gate.function());
    settings.core.job_timeout = Some(Duration::from_millis(30));
    let node = start(settings).await;
    let answer = post(node.address(), "/function/gate", b"").await;
    assert_eq!((answer.status, answer.code()), (500, 1));
    node.shutdown().await;
}

#[tokio::test]
async fn a_rejected_job_is_503_code_401() {
    let node = start(settings("RejectScheduler", &[])).await;
    let answer = post(node.address(), "/function/echo", b"").await;
    assert_eq!((answer.status, answer.code()), (503, 401));
    node.shutdown().await;
}

#[tokio::test]
async fn a_missing_action_is_402_without_a_fallback_and_the_fallback_runs_with_one() {
    for (parameters, status) in [(&["1", "fallback=none"][..], 500), (&["1"], 200)] {
        let mut settings = settings("LearningScheduler", parameters);
        settings.learner = LearnerPlace::Table(Default::default());
        let node = start(settings).await;
        let answer = post(node.address(), "/function/echo", b"").await;
        assert_eq!(answer.status, status, "{parameters:?}");
        if status == 500 {
            assert_eq!(answer.code(), 402);
        }
        assert_eq!(answer.header("X-P2pfaas-Scheduler-Learning-Action"), None);
        node.shutdown().await;
    }
}

#[tokio::test]
async fn an_action_whose_peer_is_not_there_is_405_without_a_fallback_and_the_fallback_runs_with_one() {
    for (parameters, status) in [(&["1", "fallback=none"][..], 500), (&["1"], 200)] {
        let mut settings = settings("LearningScheduler", parameters);
        settings.learner =
            LearnerPlace::Table(p2pfaas_core::agent::FixedTable { otherwise: Some(3), ..Default::default() });
        let node = start(settings).await;
        let answer = post(node.address(), "/function/echo", b"").await;
        assert_eq!(answer.status, status, "{parameters:?}");
        if status == 500 {
            assert_eq!(answer.code(), 405);
            assert_eq!(answer.header("X-P2pfaas-Scheduler-Learning-Action"), Some("3.000000"));
        }
        assert_eq!(node.counters().fallbacks, u64::from(status == 200));
        node.shutdown().await;
    }
}

#[tokio::test]
async fn no_master_to_forward_to_is_500_code_403() {
    let node = start(settings("RoundRobinWithMasterScheduler", &["false", "10.0.0.9", "true"])).await;
    let answer = post(node.address(), "/function/echo", b"").await;
    assert_eq!((answer.status, answer.code()), (500, 403));
    assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), None);
    node.shutdown().await;
}

#[tokio::test]
async fn a_wrong_deadline_is_400_code_4() {
    let node = start(settings("NoScheduler", &["true"])).await;
    for (text, status) in [("0.25", 200), ("-1", 400), ("soon", 400), ("NaN", 400), ("1e300", 400)] {
        let deadline = [("X-P2pfaas-Deadline-Seconds", text)];
        let answer = call(node.address(), "POST", "/function/echo", &deadline, b"").await;
        assert_eq!(answer.status, status, "{text}");
        if status == 400 {
            assert_eq!(answer.code(), 4, "{text}");
        }
    }
    node.shutdown().await;
}
