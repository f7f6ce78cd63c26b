//! Poisson arrivals at 30 jobs/s are Poisson at 30 jobs/s: what both the simulator and the load generator send.

#![allow(clippy::unwrap_used, reason = "clippy.toml's leave for tests does not cover their helpers")]

use std::path::Path;

use p2pfaas_bench::experiment::{Experiment, Known, Place};
use p2pfaas_core::policy::Registry;
use p2pfaas_sim::arrivals::Schedule;

const RATE_PER_S: f64 = 30.0;
/// Kolmogorov-Smirnov, of many values: sqrt(n) times the distance is larger than this with probability 0.01.
const CRITICAL: f64 = 1.628;

fn instants(nodes: u32, seed: u64, duration_s: u32) -> Vec<f64> {
    let text = format!(
        "[cluster]\nnodes = {nodes}\n[traffic]\nkind = \"poisson\"\nrate = {}\n[[jobs]]\nfunction = \"echo\"\n\
         [[policy]]\nname = \"NoScheduler\"\n[run]\nduration_s = {duration_s}\n",
        RATE_PER_S / f64::from(nodes)
    );
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let experiment = Experiment::parse(Path::new("poisson.toml"), text, Place::Local, &known).unwrap();
    Schedule::new(&experiment.traffic, seed, experiment.horizon_s()).map(|arrival| arrival.at_s).collect()
}

/// The distance of the gaps' distribution from the exponential one with this rate, times sqrt(n).
fn kolmogorov_smirnov(instants: &[f64], rate_per_s: f64) -> f64 {
    let starts = std::iter::once(&0.0).chain(instants);
    let mut gaps: Vec<f64> = starts.zip(instants).map(|(before, after)| after - before).collect();
    gaps.sort_unstable_by(f64::total_cmp);
    let n = gaps.len() as f64;
    let distances = gaps.iter().zip(0_u32..).map(|(gap, index)| {
        let expected = -(-rate_per_s * gap).exp_m1();
        (expected - f64::from(index) / n).max(f64::from(index + 1) / n - expected)
    });
    distances.fold(0.0, f64::max) * n.sqrt()
}

#[test]
fn thirty_jobs_a_second_are_thirty_with_exponential_gaps() {
    for (nodes, seed) in [(1, 1), (1, 2), (1, 3), (12, 1), (12, 2)] {
        let duration_s = 4_000;
        let instants = instants(nodes, seed, duration_s);
        let rate_per_s = instants.len() as f64 / f64::from(duration_s);
        assert!((rate_per_s / RATE_PER_S - 1.0).abs() < 0.01, "{rate_per_s} jobs/s");
        let distance = kolmogorov_smirnov(&instants, RATE_PER_S);
        assert!(distance < CRITICAL, "{nodes} nodes, seed {seed}: {distance}");
        // The test can tell: a client that sends 23 jobs/s, or one that waits a fixed time, is found out.
        assert!(kolmogorov_smirnov(&instants, 23.0) > 10.0 * CRITICAL);
        let even: Vec<_> = (1..=instants.len()).map(|job| job as f64 / RATE_PER_S).collect();
        assert!(kolmogorov_smirnov(&even, RATE_PER_S) > 10.0 * CRITICAL);
    }
}
