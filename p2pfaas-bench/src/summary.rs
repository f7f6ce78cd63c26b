//! The results of an experiment in numbers: what `summary.json` holds.
//!
//! Fractions are of offered jobs after the warm-up, times are seconds, latencies those of served
//! jobs from the instant when they were due. [`crate::statistics`] says what the intervals mean.

use serde::Serialize;

use crate::statistics::{Interval, batch_means, mean, quantile, student, wilson, within};
use crate::tally::Tally;

/// All policies of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The experiment.
    pub experiment: String,
    /// Where it ran.
    pub on: &'static str,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Whether it was ended before it was over; then some jobs or policies are missing.
    pub interrupted: bool,
    /// Cores that it could use.
    pub cores: usize,
    /// Version of the program.
    pub version: &'static str,
    /// What its reader should know before believing it.
    pub warnings: Vec<String>,
    /// The policies, in the order of the file.
    pub policies: Vec<PolicySummary>,
}

impl Summary {
    /// The text of `summary.json`.
    pub fn to_json(&self) -> String {
        // Nothing in it can fail: all keys are texts, and numbers that are not finite become null.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// One policy over all seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicySummary {
    /// What it is called.
    pub label: String,
    /// The policy and its parameters.
    pub name: String,
    /// Jobs that were due.
    pub offered: u64,
    /// Jobs answered 2xx.
    pub served: u64,
    /// Fraction served within the deadline, counted from the instant when they were due.
    pub in_time: f64,
    /// Fraction for which there was no room.
    pub dropped: f64,
    /// Fraction that the policy refused.
    pub rejected: f64,
    /// Fraction that went wrong in any other way.
    pub failed: f64,
    /// Fraction not answered because of the interruption.
    pub cancelled: f64,
    /// Fraction given to a peer.
    pub forwarded: f64,
    /// Probes sent, per job.
    pub probes_per_job: f64,
    /// Latency of served jobs.
    pub latency_s: Latency,
    /// 95 % confidence intervals.
    pub ci95: Intervals,
    /// Seconds that were counted, over all seeds.
    pub measured_s: f64,
    /// Jobs due per second.
    pub offered_per_s: f64,
    /// Jobs served per second.
    pub served_per_s: f64,
    /// What it cost, over all seeds.
    pub cost: CostSummary,
    /// The generator's own lateness.
    pub lag_s: Lag,
    /// What its agents learned, where they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning: Option<LearningSummary>,
    /// Each seed alone.
    pub per_seed: Vec<SeedSummary>,
}

/// What the agents of a policy learned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LearningSummary {
    /// Seconds of training before each run.
    pub training_s: f64,
    /// Experiences learned from in training, over all nodes and seeds.
    pub experiences: u64,
    /// Experiences learned from after it: 0, unless agents were to go on.
    pub experiences_after_training: u64,
    /// Experiences that were lost on the way to the agents.
    pub experiences_lost: u64,
}

/// Latency of served jobs; `null` when none was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// Mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

/// 95 % confidence intervals; `null` where there is too little to tell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Intervals {
    /// Of `in_time`.
    pub in_time: Option<Interval>,
    /// Of `dropped`.
    pub dropped: Option<Interval>,
    /// Of `rejected`.
    pub rejected: Option<Interval>,
    /// Of `failed`.
    pub failed: Option<Interval>,
    /// Of `forwarded`.
    pub forwarded: Option<Interval>,
    /// Of the mean latency.
    pub latency_mean_s: Option<Interval>,
}

/// What it cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct CostSummary {
    /// CPU seconds of nodes, functions and load generator together, while it was counted.
    pub cpu_s: f64,
    /// Share of the machine's CPU time in use, by anybody.
    pub machine_busy: f64,
    /// Runs of functions on emulated devices.
    pub executions: u64,
    /// Of these, runs that took longer than the emulated device would have.
    pub overruns: u64,
    /// Decisions that a fallback policy took because there was no learner.
    pub fallbacks: u64,
}

/// By how much jobs were sent too late.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lag {
    /// 99th percentile.
    pub p99: Option<f64>,
    /// The worst.
    pub max: Option<f64>,
}

/// One policy under one seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SeedSummary {
    /// The seed.
    pub seed: u64,
    /// Jobs that were due.
    pub offered: u64,
    /// Jobs answered 2xx.
    pub served: u64,
    /// Fraction served within the deadline.
    pub in_time: f64,
    /// Fraction for which there was no room.
    pub dropped: f64,
    /// Mean latency of served jobs.
    pub latency_mean_s: Option<f64>,
}

/// What was measured in one run: one policy under one seed.
#[derive(Debug, Clone)]
pub struct RunMeasured {
    /// The seed.
    pub seed: u64,
    /// The counts.
    pub tally: Tally,
    /// Seconds that were counted.
    pub measured_s: f64,
    /// What it cost.
    pub cost: CostSummary,
    /// What its agents learned, where they were to.
    pub learning: Option<LearningSummary>,
}

impl PolicySummary {
    /// Puts the runs of one policy together; `None` when nothing was counted.
    pub fn of(label: &str, name: &str, runs: &[RunMeasured]) -> Option<PolicySummary> {
        let runs: Vec<_> = runs.iter().filter(|run| run.tally.offered > 0).collect();
        if runs.is_empty() {
            return None;
        }
        let sum = |count: fn(&Tally) -> u64| runs.iter().map(|run| count(&run.tally)).sum::<u64>();
        let offered = sum(|tally| tally.offered);
        let share = |count: fn(&Tally) -> u64| sum(count) as f64 / offered as f64;
        let interval = |count: fn(&Tally) -> u64| match &runs[..] {
            [run] => wilson(count(&run.tally), run.tally.offered),
            runs => {
                let fractions: Vec<_> =
                    runs.iter().map(|run| run.tally.fraction(count(&run.tally))).collect();
                student(&fractions).map(|interval| within(interval, 0.0..=1.0))
            }
        };
        let mut latencies: Vec<_> = runs.iter().flat_map(|run| run.tally.latencies()).collect();
        latencies.sort_unstable_by(f64::total_cmp);
        let mut lags: Vec<_> = runs.iter().flat_map(|run| run.tally.lags_s()).collect();
        lags.sort_unstable_by(f64::total_cmp);
        let measured_s: f64 = runs.iter().map(|run| run.measured_s).sum();
        let per_second = |count: u64| if measured_s > 0.0 { count as f64 / measured_s } else { 0.0 };
        let served = sum(|tally| tally.served);
        Some(PolicySummary {
            label: label.into(),
            name: name.into(),
            offered,
            served,
            in_time: share(|tally| tally.in_time),
            dropped: share(|tally| tally.dropped),
            rejected: share(|tally| tally.rejected),
            failed: share(|tally| tally.failed),
            cancelled: share(|tally| tally.cancelled),
            forwarded: share(|tally| tally.forwarded),
            probes_per_job: share(|tally| tally.probes),
            latency_s: Latency {
                mean: mean(&latencies),
                p50: quantile(&latencies, 0.5),
                p95: quantile(&latencies, 0.95),
                p99: quantile(&latencies, 0.99),
            },
            ci95: Intervals {
                in_time: interval(|tally| tally.in_time),
                dropped: interval(|tally| tally.dropped),
                rejected: interval(|tally| tally.rejected),
                failed: interval(|tally| tally.failed),
                forwarded: interval(|tally| tally.forwarded),
                latency_mean_s: latency_interval(&runs),
            },
            measured_s,
            offered_per_s: per_second(offered),
            served_per_s: per_second(served),
            cost: cost(&runs),
            lag_s: Lag { p99: quantile(&lags, 0.99), max: lags.last().copied() },
            learning: learning(&runs),
            per_seed: runs.iter().map(|run| SeedSummary::of(run)).collect(),
        })
    }
}

impl SeedSummary {
    fn of(run: &RunMeasured) -> SeedSummary {
        let tally = &run.tally;
        SeedSummary {
            seed: run.seed,
            offered: tally.offered,
            served: tally.served,
            in_time: tally.fraction(tally.in_time),
            dropped: tally.fraction(tally.dropped),
            latency_mean_s: mean(&tally.latencies().collect::<Vec<_>>()),
        }
    }
}

fn latency_interval(runs: &[&RunMeasured]) -> Option<Interval> {
    let interval = match runs {
        [run] => batch_means(&run.tally.latencies_in_order()),
        runs => {
            let means = runs.iter().filter_map(|run| mean(&run.tally.latencies().collect::<Vec<_>>()));
            student(&means.collect::<Vec<_>>())
        }
    };
    interval.map(|interval| within(interval, 0.0..=f64::MAX))
}

fn learning(runs: &[&RunMeasured]) -> Option<LearningSummary> {
    let all = runs.iter().filter_map(|run| run.learning);
    all.reduce(|sum, run| LearningSummary {
        training_s: sum.training_s,
        experiences: sum.experiences + run.experiences,
        experiences_after_training: sum.experiences_after_training + run.experiences_after_training,
        experiences_lost: sum.experiences_lost + run.experiences_lost,
    })
}

fn cost(runs: &[&RunMeasured]) -> CostSummary {
    let sum = |count: fn(&CostSummary) -> u64| runs.iter().map(|run| count(&run.cost)).sum();
    let busy: Vec<_> = runs.iter().map(|run| run.cost.machine_busy).collect();
    CostSummary {
        cpu_s: runs.iter().map(|run| run.cost.cpu_s).sum(),
        machine_busy: mean(&busy).unwrap_or(0.0),
        executions: sum(|cost| cost.executions),
        overruns: sum(|cost| cost.overruns),
        fallbacks: sum(|cost| cost.fallbacks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, summary};

    #[test]
    fn one_seed_gives_the_fractions_and_quantiles_worked_out_by_hand() {
        let policy = PolicySummary::of("a", "A(1)", &[run(1, 0.25)]).unwrap();
        assert_eq!((policy.offered, policy.served), (10, 6));
        assert_eq!((policy.in_time, policy.dropped, policy.rejected), (0.4, 0.2, 0.1));
        assert_eq!((policy.failed, policy.cancelled), (0.1, 0.0));
        assert_eq!((policy.forwarded, policy.probes_per_job), (0.3, 0.5));
        assert_eq!((policy.offered_per_s, policy.served_per_s), (1.0, 0.6));
        let near = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-6;
        assert!(near(policy.latency_s.mean, 2.5 / 6.0), "{:?}", policy.latency_s);
        assert!(near(policy.latency_s.p50, 0.25) && near(policy.latency_s.p95, 0.75));
        assert!(near(policy.lag_s.max, 0.02));
        assert_eq!(policy.ci95.in_time, wilson(4, 10));
        assert!(policy.ci95.latency_mean_s.is_some());
    }

    #[test]
    fn several_seeds_give_intervals_over_the_seeds() {
        let runs = [run(1, 0.25), run(2, 0.25), run(3, 0.4)];
        let policy = PolicySummary::of("a", "A", &runs).unwrap();
        assert_eq!((policy.offered, policy.in_time), (30, 0.4));
        let interval = policy.ci95.in_time.unwrap();
        assert!(interval.iter().all(|end| (end - 0.4).abs() < 1e-9), "all seeds agree: {interval:?}");
        let means = [2.5 / 6.0, 2.5 / 6.0, 3.1 / 6.0];
        let expected = student(&means).unwrap();
        let interval = policy.ci95.latency_mean_s.unwrap();
        assert!(interval.iter().zip(expected).all(|(left, right)| (left - right).abs() < 1e-6));
        assert_eq!(policy.per_seed.len(), 3);
        assert_eq!(policy.cost.cpu_s, 4.5);
        assert_eq!(policy.offered_per_s, 1.0);
    }

    #[test]
    fn a_policy_of_which_nothing_was_counted_is_left_out() {
        assert_eq!(PolicySummary::of("a", "A", &[]), None);
    }

    #[test]
    fn the_fixed_core_of_the_json_is_there() {
        let json: serde_json::Value = serde_json::from_str(&summary().to_json()).unwrap();
        for key in ["experiment", "on", "seeds", "policies"] {
            assert!(json.get(key).is_some(), "{key}");
        }
        let policy = &json["policies"][0];
        for key in [
            "label",
            "name",
            "offered",
            "served",
            "in_time",
            "dropped",
            "rejected",
            "failed",
            "cancelled",
            "forwarded",
            "probes_per_job",
        ] {
            assert!(policy.get(key).is_some(), "{key}");
        }
        for key in ["mean", "p50", "p95", "p99"] {
            assert!(policy["latency_s"][key].is_f64(), "{key}");
        }
        for key in ["in_time", "dropped", "latency_mean_s"] {
            assert_eq!(policy["ci95"][key].as_array().map(Vec::len), Some(2), "{key}");
        }
    }
}
