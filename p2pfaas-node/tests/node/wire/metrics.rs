//! `/metrics`: the names that the reference planned, in the text format, with right values.

use std::collections::BTreeMap;

use super::*;

/// Types and samples, each read from its line.
#[derive(Default)]
struct Metrics {
    types: BTreeMap<String, String>,
    helps: Vec<String>,
    samples: BTreeMap<String, f64>,
}

fn read(text: &str) -> Metrics {
    let mut metrics = Metrics::default();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            let before = metrics.types.insert(name.to_string(), kind.to_string());
            assert_eq!(before, None, "one type a name: {line}");
        } else if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a name and a help");
            assert!(!help.is_empty(), "{line}");
            metrics.helps.push(name.to_string());
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a sample and a value");
            let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{line}");
            assert!(labels.is_empty() || labels.ends_with('}'), "{line}");
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end).filter(|base| is_histogram(&metrics, base)));
            assert!(metrics.types.contains_key(base.unwrap_or(name)), "a type comes before: {line}");
            let value = value.parse().unwrap_or_else(|_| panic!("a number: {line}"));
            assert_eq!(metrics.samples.insert(sample.to_string(), value), None, "{line}");
        }
    }
    assert_eq!(metrics.helps, metrics.types.keys().cloned().collect::<Vec<_>>());
    metrics
}

fn is_histogram(metrics: &Metrics, name: &str) -> bool {
    metrics.types.get(name).is_some_and(|kind| kind == "histogram")
}

#[tokio::test]
async fn all_planned_names_are_there_with_what_happened() {
    let gate = Gate::new();
    let mut settings = settings("NoScheduler", &["false"]);
    settings.functions.push(gate.function());
    settings.core.capacity = p2pfaas_core::Capacity { slots: 1, queue: 2 };
    let node = start(settings).await;
    let peer = start(super::settings("NoScheduler", &["true"])).await;
    node.set_peers(vec![peer.address().to_string()]);
    let to = node.address();

    for _ in 0..2 {
        assert_eq!(post(to, "/function/echo", b"").await.status, 200);
    }
    let forward = [("X-P2pfaas-Scheduler-Forward", "1")];
    assert_eq!(call(to, "POST", "/function/echo", &forward, b"").await.status, 200);
    let running = post_later(to, "/function/gate", b"");
    until("the slot is taken", || gate.started() == 1).await;
    let queued = post_later(to, "/function/gate", b"");
    until("one waits", || node.counters().arrived == 5).await;
    let bypass = [("X-P2pfaas-Scheduler-Bypass", "1")];
    assert_eq!(call(to, "POST", "/function/echo", &bypass, b"").await.code(), 400);
    // Nobody's function makes no metrics.
    assert_eq!(post(to, "/function/nobody", b"").await.status, 404);

    let text = get(to, "/metrics").await.text();
    let metrics = read(&text);
    let types = [
        ("scheduler_job_hops", "histogram"),
        ("scheduler_job_execution_time", "histogram"),
        ("scheduler_job_queue_time", "histogram"),
        ("scheduler_job_forwarding_time", "histogram"),
        ("scheduler_job_faas_execution_time", "histogram"),
        ("scheduler_job_forwarded_count", "counter"),
        ("scheduler_total_invocations", "counter"),
        ("scheduler_queue_fill", "gauge"),
        ("scheduler_queue_free", "gauge"),
        ("scheduler_current_running_jobs", "gauge"),
        ("scheduler_current_free_running_jobs", "gauge"),
    ];
    for (name, kind) in types {
        assert_eq!(metrics.types.get(name).map(String::as_str), Some(kind), "{name}");
    }
    let expected = [
        (r#"scheduler_total_invocations{code="200",function_name="echo"}"#, 3.0),
        (r#"scheduler_total_invocations{code="500",function_name="echo"}"#, 1.0),
        (r#"scheduler_job_forwarded_count{function_name="echo"}"#, 1.0),
        (r#"scheduler_job_hops_sum{code="200",function_name="echo"}"#, 1.0),
        (r#"scheduler_job_hops_count{code="200",function_name="echo"}"#, 3.0),
        (r#"scheduler_job_hops_bucket{code="200",function_name="echo",le="0"}"#, 2.0),
        (r#"scheduler_job_hops_bucket{code="200",function_name="echo",le="+Inf"}"#, 3.0),
        (r#"scheduler_job_execution_time_count{code="200",function_name="echo"}"#, 3.0),
        (r#"scheduler_job_execution_time_count{code="500",function_name="echo"}"#, 1.0),
        (r#"scheduler_job_faas_execution_time_count{code="200",function_name="echo"}"#, 2.0),
        (r#"scheduler_job_forwarding_time_count{code="200",function_name="echo"}"#, 1.0),
        (r#"scheduler_job_queue_time_count{code="200",function_name="echo"}"#, 2.0),
        ("scheduler_queue_fill", 1.0),
        ("scheduler_queue_free", 1.0),
        ("scheduler_current_running_jobs", 1.0),
        ("scheduler_current_free_running_jobs", 0.0),
        ("p2pfaas_peers", 1.0),
        (r#"p2pfaas_node_events_total{event="arrived"}"#, 6.0),
        (r#"p2pfaas_node_events_total{event="served"}"#, 3.0),
        (r#"p2pfaas_node_events_total{event="dropped"}"#, 1.0),
        (r#"p2pfaas_node_events_total{event="forwarded"}"#, 1.0),
        (r#"p2pfaas_node_events_total{event="rejected"}"#, 0.0),
    ];
    for (sample, value) in expected {
        assert_eq!(metrics.samples.get(sample), Some(&value), "{sample}\n{text}");
    }
    assert!(!text.contains("nobody"));

    gate.let_through(2);
    for job in [running, queued] {
        assert_eq!(job.await.expect("ends").status, 200);
    }
    let after = read(&get(to, "/metrics").await.text()).samples;
    assert_eq!(after["scheduler_queue_fill"], 0.0);
    assert_eq!(after["scheduler_queue_free"], 2.0);
    assert_eq!(after["scheduler_current_running_jobs"], 0.0);
    assert_eq!(after["scheduler_current_free_running_jobs"], 1.0);
    let waited = after[r#"scheduler_job_queue_time_sum{code="200",function_name="gate"}"#];
    assert!(waited > 0.0);
    // The peer counts what it ran for another as its own call, without a hop of its own.
    let there = read(&get(peer.address(), "/metrics").await.text()).samples;
    assert_eq!(there[r#"scheduler_total_invocations{code="200",function_name="echo"}"#], 1.0);
    node.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn the_state_of_the_node_is_there_before_the_first_job() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let metrics = read(&get(node.address(), "/metrics").await.text());
    let gauges = metrics.types.values().filter(|kind| *kind == "gauge").count();
    assert_eq!(gauges, 7, "{:?}", metrics.types);
    assert_eq!(metrics.samples["scheduler_current_free_running_jobs"], 4.0);
    assert_eq!(metrics.samples["scheduler_queue_free"], 4.0);
    assert_eq!(metrics.samples["p2pfaas_learner_up"], 0.0);
    let build = format!(r#"p2pfaas_build_info{{version="{}"}}"#, p2pfaas_node::VERSION);
    assert_eq!(metrics.samples[&build], 1.0);
    node.shutdown().await;
}
