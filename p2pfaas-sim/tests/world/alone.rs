//! A node alone is a queue whose answers are known.

use crate::support::{equal_nodes, policy, run};

#[test]
fn a_node_alone_loses_what_erlang_says() {
    let mut scenario = equal_nodes(1, 3, 0, 3.0, 100_000.0);
    scenario.warmup_s = 100.0;
    let counts = run(&scenario, &policy("NoScheduler", ["true"]), 1);
    let lost = counts.dropped as f64 / counts.offered as f64;
    assert!((lost - 0.346_154).abs() < 0.01, "{lost}");
    assert!((counts.latency_s / counts.served as f64 - 1.0).abs() < 0.01);
}

#[test]
fn power_of_two_among_four_nodes_is_what_the_exact_chain_says() {
    let mut scenario = equal_nodes(4, 1, 9, 0.9, 200_000.0);
    scenario.warmup_s = 1_000.0;
    let counts = run(&scenario, &policy("PowerOfNScheduler", ["1", "0", "true", "1"]), 1);
    let of_offered = |count: u64| count as f64 / counts.offered as f64;
    assert!((of_offered(counts.dropped) - 0.003_223).abs() < 0.0006, "{}", of_offered(counts.dropped));
    assert!((of_offered(counts.forwarded) - 0.363_702).abs() < 0.005, "{}", of_offered(counts.forwarded));
    let response_s = counts.latency_s / counts.served as f64;
    assert!((response_s - 3.486_965).abs() < 0.07, "{response_s}");
}
