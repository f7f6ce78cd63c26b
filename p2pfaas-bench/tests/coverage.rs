//! The intervals are 95 % confidence intervals: over 200 simulated replications of a queue whose steady state
//! is known, they cover the true value in 90 to 99 % of the cases.

#![allow(clippy::unwrap_used, reason = "clippy.toml's leave for tests does not cover their helpers")]

use std::path::Path;

use p2pfaas_bench::experiment::{Experiment, Known, Place};
use p2pfaas_bench::simulate::{SimProgress, VirtualTime, measure};
use p2pfaas_bench::statistics::Interval;
use p2pfaas_bench::summary::{Method, PolicySummary};
use p2pfaas_core::policy::Registry;
use p2pfaas_sim::theory::{Station, in_time};
use tokio_util::sync::CancellationToken;

const REPLICATIONS: u64 = 200;

/// M/M/1/5 at 80 % load.
const STATION: Station = Station { slots: 1, queue: 4, service_per_s: 10.0 };
const ARRIVALS_PER_S: f64 = 8.0;
const DEADLINE_S: f64 = 0.3;

/// What is true of it in the steady state.
struct Truth {
    in_time: f64,
    dropped: f64,
    latency_mean_s: f64,
    /// Median, 95th and 99th percentile.
    quantiles_s: [f64; 3],
}

impl Truth {
    fn new() -> Truth {
        let steady = STATION.alone(ARRIVALS_PER_S).unwrap();
        // Of the jobs that come, by what they find.
        let ended = |within_s: f64| -> f64 {
            let found = (0..STATION.places()).zip(&steady.probabilities);
            found.map(|(found, p)| p * in_time(found, STATION.slots, STATION.service_per_s, within_s)).sum()
        };
        let served = 1.0 - steady.blocking;
        Truth {
            in_time: ended(DEADLINE_S),
            dropped: steady.blocking,
            latency_mean_s: steady.mean_response_s,
            quantiles_s: [0.5, 0.95, 0.99].map(|fraction| {
                let (mut low, mut high) = (0.0, 10.0);
                for _ in 0..60 {
                    let middle = (low + high) / 2.0;
                    if ended(middle) < fraction * served { low = middle } else { high = middle }
                }
                low
            }),
        }
    }
}

/// The only policy, in the replication with this number.
fn replication(number: u64, seeds: u64, duration_s: u64) -> PolicySummary {
    let first = number * seeds;
    let seeds = (first..first + seeds).map(|seed| seed.to_string()).collect::<Vec<_>>().join(", ");
    let text = format!(
        "[cluster]\nnodes = 1\nslots = {}\nqueue = {}\n[traffic]\nkind = \"poisson\"\nrate = {ARRIVALS_PER_S}\n\
         [[jobs]]\nfunction = \"echo\"\nservice = {{ kind = \"exponential\", mean_s = {} }}\n\
         deadline_s = {DEADLINE_S}\n[[policy]]\nname = \"NoScheduler\"\n\
         [run]\nwarmup_s = 20\nduration_s = {duration_s}\nseeds = [{seeds}]\n",
        STATION.slots,
        STATION.queue,
        1.0 / STATION.service_per_s,
    );
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let experiment = Experiment::parse(Path::new("mm1k.toml"), text, Place::Sim, &known).unwrap();
    let engine = VirtualTime::new(registry);
    let cancel = CancellationToken::new();
    let mut summary = measure(&experiment, &engine, None, &cancel, &SimProgress::hidden()).unwrap();
    summary.policies.remove(0)
}

/// In how many of the replications each interval covers what is true.
fn coverage(all: &[PolicySummary], truth: &Truth) -> Vec<(&'static str, f64)> {
    let covers = |interval: fn(&PolicySummary) -> Option<Interval>, truth: f64| {
        let hits = all.iter().filter(|policy| {
            let [low, high] = interval(policy).unwrap();
            (low..=high).contains(&truth)
        });
        hits.count() as f64 / all.len() as f64
    };
    let [p50_s, p95_s, p99_s] = truth.quantiles_s;
    vec![
        ("in_time", covers(|policy| policy.ci95.in_time, truth.in_time)),
        ("dropped", covers(|policy| policy.ci95.dropped, truth.dropped)),
        ("latency_mean_s", covers(|policy| policy.ci95.latency_mean_s, truth.latency_mean_s)),
        ("latency_p50_s", covers(|policy| policy.ci95.latency_p50_s, p50_s)),
        ("latency_p95_s", covers(|policy| policy.ci95.latency_p95_s, p95_s)),
        ("latency_p99_s", covers(|policy| policy.ci95.latency_p99_s, p99_s)),
    ]
}

fn assert_is_95_percent(coverage: &[(&str, f64)]) {
    let wrong: Vec<_> = coverage.iter().filter(|(_, share)| !(0.9..=0.99).contains(share)).collect();
    assert!(wrong.is_empty(), "{wrong:?} of {coverage:?}");
}

#[test]
fn intervals_over_seeds_cover_what_is_true_in_95_percent_of_the_cases() {
    let all: Vec<_> = (0..REPLICATIONS).map(|number| replication(number, 5, 200)).collect();
    assert!(all.iter().all(|policy| policy.method == Method::Replications));
    assert_is_95_percent(&coverage(&all, &Truth::new()));
}

#[test]
fn intervals_within_one_seed_cover_what_is_true_in_95_percent_of_the_cases() {
    let all: Vec<_> = (0..REPLICATIONS).map(|number| replication(number, 1, 1_200)).collect();
    assert!(all.iter().all(|policy| policy.method == Method::BatchMeans));
    assert_is_95_percent(&coverage(&all, &Truth::new()));
}
