//! Policies that change under jobs, and a learner that is not there.

use p2pfaas_core::Capacity;
use p2pfaas_core::agent::FixedTable;
use p2pfaas_core::policy::Descriptor;
use p2pfaas_node::{LearnerPlace, Settings};

use super::rig::*;

async fn set_policy(of: std::net::SocketAddr, policy: &str) -> u16 {
    post(of, "/configuration/scheduler", policy.as_bytes()).await.status
}

#[tokio::test]
async fn jobs_under_way_end_under_the_policy_that_they_arrived_under() {
    let gate = Gate::new();
    let mut settings = settings("NoScheduler", &["false"]);
    settings.functions.push(gate.function("gate"));
    settings.core.capacity = Capacity { slots: 1, queue: 20 };
    let node = start(settings).await;
    let peer = start(self::settings("NoScheduler", &["true"])).await;
    node.set_peers(vec![peer.address().to_string()]);

    let mut jobs =
        vec![("NoScheduler".to_string(), call_beside(node.address(), "/function/gate", &[], b"x"))];
    until_load(node.address(), (1, 0)).await;
    for threshold in 100..110 {
        let policy =
            format!(r#"{{"name": "PowerOfNScheduler", "parameters": ["1", "{threshold}", "true", "1"]}}"#);
        assert_eq!(set_policy(node.address(), &policy).await, 200);
        let name = format!("PowerOfNScheduler(1, {threshold}, true, 1)");
        jobs.push((name, call_beside(node.address(), "/function/gate", &[], b"x")));
        until_load(node.address(), (1, jobs.len() - 1)).await;
    }
    assert_eq!(set_policy(node.address(), r#"{"name": "RejectScheduler", "parameters": []}"#).await, 200);
    let rejected = post(node.address(), "/function/echo", b"x").await;
    assert_eq!((rejected.status, rejected.code()), (503, 401));
    assert_eq!(rejected.header("X-P2pfaas-Scheduler"), Some("RejectScheduler"));

    assert_eq!(set_policy(node.address(), r#"{"name": "ForwardScheduler", "parameters": ["1"]}"#).await, 200);
    assert_eq!(set_policy(node.address(), r#"{"name": "NoSuchScheduler", "parameters": []}"#).await, 500);
    assert_eq!(set_policy(node.address(), r#"{"name": "ForwardScheduler", "parameters": ["x"]}"#).await, 500);
    assert_eq!(set_policy(node.address(), "not JSON").await, 400);
    let forwarded = post(node.address(), "/function/echo", b"x").await;
    assert_eq!(forwarded.header("X-P2pfaas-Scheduler"), Some("ForwardScheduler(1)"));
    assert_eq!(forwarded.header("X-P2pfaas-Externally-Executed"), Some("True"));

    gate.open();
    for (name, job) in jobs {
        let answer = job.await.unwrap();
        assert_eq!((answer.status, answer.header("X-P2pfaas-Scheduler")), (200, Some(name.as_str())));
    }
    node.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn without_an_agent_the_fallback_decides_about_every_job_and_rejects_none() {
    const JOBS: u64 = 30;
    let unknown_states_only = FixedTable { actions: [("9,9,9".to_string(), 0)].into(), otherwise: None };
    for learner in [LearnerPlace::Nowhere, LearnerPlace::Table(unknown_states_only)] {
        let settings = Settings { learner, ..settings("LearningScheduler", &["1"]) };
        let node = start(settings).await;
        for _ in 0..JOBS {
            let answer = post(node.address(), "/function/echo", b"x").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("X-P2pfaas-Scheduler"), Some("LearningScheduler(1)"));
            assert_eq!(answer.header("X-P2pfaas-Scheduler-Learning-Action"), None);
        }
        let counters = node.counters();
        assert_eq!((counters.asks, counters.fallbacks), (JOBS, JOBS), "{counters:?}");
        assert_eq!((counters.served, counters.rejected, counters.failed), (JOBS, 0, 0), "{counters:?}");
        node.shutdown().await;
    }
}

#[tokio::test]
async fn the_fallback_is_the_one_that_is_set() {
    let settings = Settings {
        fallback: Descriptor::new("ForwardScheduler", ["1"]),
        ..settings("LearningScheduler", &["1"])
    };
    let node = start(settings).await;
    let peer = start(self::settings("NoScheduler", &["true"])).await;
    node.set_peers(vec![peer.address().to_string()]);
    let answer = post(node.address(), "/function/echo", b"x").await;
    assert_eq!(answer.header("X-P2pfaas-Externally-Executed"), Some("True"));
    assert_eq!((node.counters().fallbacks, node.counters().forwarded), (1, 1));
    node.shutdown().await;
    peer.shutdown().await;
}
