//! One policy in numbers.

use serde::{Deserialize, Serialize};

use super::Warmup;
use super::runs::{PolicyRuns, QUANTILES, SeedRun};
use crate::load::GeneratorSummary;
use crate::statistics::{Interval, mean};
use crate::tally::Counts;

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
    /// What these are made of.
    pub method: Method,
    /// When it was steady; `None` where nothing tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup: Option<Warmup>,
    /// Seconds that were counted, over all seeds.
    pub measured_s: f64,
    /// Jobs due per second.
    pub offered_per_s: f64,
    /// Jobs served per second.
    pub served_per_s: f64,
    /// Decisions that a fallback policy took because there was no learner.
    pub fallbacks: u64,
    /// What it cost, over all seeds; `None` in virtual time, where nothing is measured by a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostSummary>,
    /// The generator's own lateness; `None` in virtual time, where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_s: Option<Lag>,
    /// How the load generator kept up; `None` in virtual time, where it need not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<GeneratorSummary>,
    /// What its agents learned, where they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning: Option<LearningSummary>,
    /// Each seed alone.
    pub per_seed: Vec<SeedSummary>,
}

/// What the agents of a policy learned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
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
    /// Of `probes_per_job`.
    pub probes_per_job: Option<Interval>,
    /// Of the mean latency.
    pub latency_mean_s: Option<Interval>,
    /// Of the median of the latency.
    pub latency_p50_s: Option<Interval>,
    /// Of its 95th percentile.
    pub latency_p95_s: Option<Interval>,
    /// Of its 99th percentile.
    pub latency_p99_s: Option<Interval>,
}

/// What an interval is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Method {
    /// Student's t on the values of the seeds.
    #[serde(rename = "replications")]
    Replications,
    /// Student's t on batches of equal time of one run: of a quantile on the share of jobs below it, of a
    /// fraction at least Wilson's interval.
    #[serde(rename = "batch means")]
    BatchMeans,
}

impl Method {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Method::Replications => "replications",
            Method::BatchMeans => "batch means",
        }
    }
}

/// What it cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CostSummary {
    /// CPU seconds of nodes, functions and load generator together, while it was counted.
    pub cpu_s: f64,
    /// Share of the machine's CPU time in use, by anybody.
    pub machine_busy: f64,
    /// Runs of functions on emulated devices.
    pub executions: u64,
    /// Of these, runs that took longer than the emulated device would have.
    pub overruns: u64,
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
    /// It was ended before it was over: it has counted fewer seconds than the others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
}

impl PolicySummary {
    /// Puts the runs of one policy together; `None` when nothing was counted.
    pub fn of(label: &str, name: &str, runs: &PolicyRuns) -> Option<PolicySummary> {
        let offered = runs.sum(|counts| counts.offered);
        if offered == 0 {
            return None;
        }
        let share = |count: fn(&Counts) -> u64| runs.sum(count) as f64 / offered as f64;
        let measured_s: f64 = runs.seeds().iter().map(|run| run.measured_s).sum();
        let per_second = |count: u64| if measured_s > 0.0 { count as f64 / measured_s } else { 0.0 };
        let served = runs.sum(|counts| counts.served);
        let latency_s: f64 = runs.seeds().iter().map(|run| run.counts.latency_s).sum();
        let lags = runs.lags();
        let lag_s = || Lag { p99: lags.quantile(0.99), max: lags.max_s() };
        let latencies = runs.latencies();
        let [p50, p95, p99] = runs.quantile_intervals();
        Some(PolicySummary {
            label: label.into(),
            name: name.into(),
            offered,
            served,
            in_time: share(|counts| counts.in_time),
            dropped: share(|counts| counts.dropped),
            rejected: share(|counts| counts.rejected),
            failed: share(|counts| counts.failed),
            cancelled: share(|counts| counts.cancelled),
            forwarded: share(|counts| counts.forwarded),
            probes_per_job: share(|counts| counts.probes),
            latency_s: Latency {
                mean: (served > 0).then(|| latency_s / served as f64),
                p50: latencies.quantile(QUANTILES[0]),
                p95: latencies.quantile(QUANTILES[1]),
                p99: latencies.quantile(QUANTILES[2]),
            },
            ci95: Intervals {
                in_time: runs.fraction_interval(|counts| counts.in_time),
                dropped: runs.fraction_interval(|counts| counts.dropped),
                rejected: runs.fraction_interval(|counts| counts.rejected),
                failed: runs.fraction_interval(|counts| counts.failed),
                forwarded: runs.fraction_interval(|counts| counts.forwarded),
                probes_per_job: runs.ratio_interval(|counts| (counts.probes as f64, counts.offered)),
                latency_mean_s: runs.ratio_interval(|counts| (counts.latency_s, counts.served)),
                latency_p50_s: p50,
                latency_p95_s: p95,
                latency_p99_s: p99,
            },
            method: runs.method(),
            warmup: None,
            measured_s,
            offered_per_s: per_second(offered),
            served_per_s: per_second(served),
            fallbacks: runs.seeds().iter().map(|run| run.fallbacks).sum(),
            cost: cost(runs.seeds()),
            lag_s: (lags.count() > 0).then(lag_s),
            generator: None,
            learning: learning(runs.seeds()),
            per_seed: runs.seeds().iter().map(SeedSummary::of).collect(),
        })
    }
}

impl SeedSummary {
    fn of(run: &SeedRun) -> SeedSummary {
        let counts = &run.counts;
        SeedSummary {
            seed: run.seed,
            offered: counts.offered,
            served: counts.served,
            in_time: counts.fraction(counts.in_time),
            dropped: counts.fraction(counts.dropped),
            latency_mean_s: counts.latency_mean_s(),
            interrupted: run.interrupted,
        }
    }
}

fn learning(runs: &[SeedRun]) -> Option<LearningSummary> {
    let all = runs.iter().filter_map(|run| run.learning);
    all.reduce(|sum, run| LearningSummary {
        training_s: sum.training_s,
        experiences: sum.experiences + run.experiences,
        experiences_after_training: sum.experiences_after_training + run.experiences_after_training,
        experiences_lost: sum.experiences_lost + run.experiences_lost,
    })
}

fn cost(runs: &[SeedRun]) -> Option<CostSummary> {
    let costs: Vec<_> = runs.iter().filter_map(|run| run.cost).collect();
    let busy: Vec<_> = costs.iter().map(|cost| cost.machine_busy).collect();
    Some(CostSummary {
        cpu_s: costs.iter().map(|cost| cost.cpu_s).sum(),
        machine_busy: mean(&busy)?,
        executions: costs.iter().map(|cost| cost.executions).sum(),
        overruns: costs.iter().map(|cost| cost.overruns).sum(),
    })
}
