//! The results of an experiment in numbers: what `summary.json` holds.
//!
//! Fractions are of offered jobs after the warm-up, times are seconds, latencies those of served
//! jobs from the instant when they were due. [`crate::statistics`] says what the intervals mean.

use serde::Serialize;

use crate::beside::Beside;
use crate::distribution::Distribution;
use crate::experiment::Experiment;
use crate::load::{GeneratorSummary, Usage};
use crate::statistics::{Interval, batch_fraction, batch_ratio, mean, student, within};
use crate::tally::{BATCHES, Counts, Tally};
use crate::warnings;

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
    /// Cores that it could use; `None` where that makes no difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<usize>,
    /// Version of the program.
    pub version: &'static str,
    /// What its reader should know before believing it.
    pub warnings: Vec<String>,
    /// The policies, in the order of the file.
    pub policies: Vec<PolicySummary>,
    /// Full-information policies beside them, as marks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<PolicySummary>,
    /// The same policies as they were measured elsewhere, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
}

impl Summary {
    /// Puts together what was measured of each policy of an experiment, in the order of the file. `cores`
    /// says on how many it ran, where that makes a difference.
    pub fn of(
        experiment: &Experiment,
        on: &'static str,
        cores: Option<usize>,
        interrupted: bool,
        runs: &[PolicyRuns],
    ) -> Summary {
        let (mut policies, mut references, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for (policy, runs) in experiment.policies.iter().zip(runs) {
            if let Some(mut summary) = PolicySummary::of(&policy.label, &policy.descriptor.to_string(), runs)
            {
                summary.generator = runs.generator(experiment);
                told.extend(warnings::about(experiment, policy, &summary, cores, runs.first_failure()));
                if policy.reference { &mut references } else { &mut policies }.push(summary);
            }
        }
        Summary {
            experiment: experiment.name.clone(),
            on,
            seeds: experiment.seeds.clone(),
            interrupted,
            cores,
            version: env!("CARGO_PKG_VERSION"),
            warnings: told,
            policies,
            references,
            beside: None,
        }
    }

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

/// What was measured in one run: one policy under one seed.
#[derive(Debug, Clone)]
pub struct RunMeasured {
    /// The seed.
    pub seed: u64,
    /// The counts.
    pub tally: Tally,
    /// Seconds that were counted.
    pub measured_s: f64,
    /// Whether it was ended before it was over.
    pub interrupted: bool,
    /// Decisions that a fallback policy took.
    pub fallbacks: u64,
    /// What it cost, where that is measured.
    pub cost: Option<CostSummary>,
    /// What it took of the load generator, where there is one.
    pub generator: Option<Usage>,
    /// What its agents learned, where they were to.
    pub learning: Option<LearningSummary>,
}

/// The runs of one policy, put together as they end, in whatever order: of each only its counts are
/// kept, and one distribution of all.
#[derive(Debug, Clone, Default)]
pub struct PolicyRuns {
    /// In the order of their places.
    runs: Vec<SeedRun>,
    latencies: Distribution,
    lags: Distribution,
}

#[derive(Debug, Clone)]
struct SeedRun {
    place: usize,
    seed: u64,
    counts: Counts,
    batches: [Counts; BATCHES],
    first_failure: Option<String>,
    measured_s: f64,
    interrupted: bool,
    fallbacks: u64,
    cost: Option<CostSummary>,
    generator: Option<Usage>,
    learning: Option<LearningSummary>,
}

impl PolicyRuns {
    /// Adds the run under the seed with this place in the list of seeds. One of which nothing was counted
    /// is left out.
    pub fn add(&mut self, place: usize, run: RunMeasured) {
        let RunMeasured { seed, tally, measured_s, interrupted, fallbacks, cost, generator, learning } = run;
        if tally.counts.offered == 0 {
            return;
        }
        self.latencies.merge(&tally.latencies);
        self.lags.merge(&tally.lags);
        let Tally { counts, batches, first_failure, .. } = tally;
        let run = SeedRun {
            place,
            seed,
            counts,
            batches,
            first_failure,
            measured_s,
            interrupted,
            fallbacks,
            cost,
            generator,
            learning,
        };
        let index = self.runs.partition_point(|other| other.place < place);
        self.runs.insert(index, run);
    }

    /// Why the first of all failed jobs failed, where that is known.
    pub fn first_failure(&self) -> Option<&str> {
        self.runs.iter().find_map(|run| run.first_failure.as_deref())
    }

    /// How the load generator kept up, where there is one.
    fn generator(&self, experiment: &Experiment) -> Option<GeneratorSummary> {
        let sessions: Vec<_> = self.runs.iter().filter_map(|run| run.generator).collect();
        GeneratorSummary::of(experiment, &sessions, self.lags.quantile(0.99))
    }

    fn sum(&self, count: fn(&Counts) -> u64) -> u64 {
        self.runs.iter().map(|run| count(&run.counts)).sum()
    }

    /// Of a fraction of the offered jobs.
    fn interval(&self, count: fn(&Counts) -> u64) -> Option<Interval> {
        match &self.runs[..] {
            [run] => batch_fraction(&run.batches.map(|batch| (count(&batch), batch.offered))),
            runs => {
                let fractions = runs.iter().map(|run| run.counts.fraction(count(&run.counts)));
                student(&fractions.collect::<Vec<_>>()).map(|interval| within(interval, 0.0..=1.0))
            }
        }
    }

    fn latency_interval(&self) -> Option<Interval> {
        let interval = match &self.runs[..] {
            [run] => batch_ratio(run.batches.iter().map(|batch| (batch.latency_s, batch.served as f64))),
            runs => {
                let means = runs.iter().filter_map(|run| run.counts.latency_mean_s());
                student(&means.collect::<Vec<_>>())
            }
        };
        interval.map(|interval| within(interval, 0.0..=f64::MAX))
    }
}

impl PolicySummary {
    /// Puts the runs of one policy together; `None` when nothing was counted.
    pub fn of(label: &str, name: &str, runs: &PolicyRuns) -> Option<PolicySummary> {
        let offered = runs.sum(|counts| counts.offered);
        if offered == 0 {
            return None;
        }
        let share = |count: fn(&Counts) -> u64| runs.sum(count) as f64 / offered as f64;
        let measured_s: f64 = runs.runs.iter().map(|run| run.measured_s).sum();
        let per_second = |count: u64| if measured_s > 0.0 { count as f64 / measured_s } else { 0.0 };
        let served = runs.sum(|counts| counts.served);
        let latency_s: f64 = runs.runs.iter().map(|run| run.counts.latency_s).sum();
        let lag_s = || Lag { p99: runs.lags.quantile(0.99), max: runs.lags.max_s() };
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
                p50: runs.latencies.quantile(0.5),
                p95: runs.latencies.quantile(0.95),
                p99: runs.latencies.quantile(0.99),
            },
            ci95: Intervals {
                in_time: runs.interval(|counts| counts.in_time),
                dropped: runs.interval(|counts| counts.dropped),
                rejected: runs.interval(|counts| counts.rejected),
                failed: runs.interval(|counts| counts.failed),
                forwarded: runs.interval(|counts| counts.forwarded),
                latency_mean_s: runs.latency_interval(),
            },
            measured_s,
            offered_per_s: per_second(offered),
            served_per_s: per_second(served),
            fallbacks: runs.runs.iter().map(|run| run.fallbacks).sum(),
            cost: cost(&runs.runs),
            lag_s: (runs.lags.count() > 0).then(lag_s),
            generator: None,
            learning: learning(&runs.runs),
            per_seed: runs.runs.iter().map(SeedSummary::of).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::wilson;
    use crate::testing::{run, runs, summary};

    #[test]
    fn one_seed_gives_the_fractions_and_quantiles_worked_out_by_hand() {
        let policy = PolicySummary::of("a", "A(1)", &runs([run(1, 0.25)])).unwrap();
        assert_eq!((policy.offered, policy.served), (10, 6));
        assert_eq!((policy.in_time, policy.dropped, policy.rejected), (0.4, 0.2, 0.1));
        assert_eq!((policy.failed, policy.cancelled), (0.1, 0.0));
        assert_eq!((policy.forwarded, policy.probes_per_job), (0.3, 0.5));
        assert_eq!((policy.offered_per_s, policy.served_per_s), (1.0, 0.6));
        let near = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-6;
        assert!(near(policy.latency_s.mean, 2.5 / 6.0), "{:?}", policy.latency_s);
        let to_three_digits =
            |value: Option<f64>, expected: f64| (value.unwrap() / expected - 1.0).abs() < 1e-3;
        assert!(to_three_digits(policy.latency_s.p50, 0.25) && to_three_digits(policy.latency_s.p95, 0.75));
        assert!(near(policy.lag_s.unwrap().max, 0.02));
        assert_eq!(policy.ci95.in_time, wilson(4, 10));
        assert!(policy.ci95.latency_mean_s.is_some());
    }

    #[test]
    fn several_seeds_give_intervals_over_the_seeds() {
        let runs = runs([run(1, 0.25), run(2, 0.25), run(3, 0.4)]);
        let policy = PolicySummary::of("a", "A", &runs).unwrap();
        assert_eq!((policy.offered, policy.in_time), (30, 0.4));
        let interval = policy.ci95.in_time.unwrap();
        assert!(interval.iter().all(|end| (end - 0.4).abs() < 1e-9), "all seeds agree: {interval:?}");
        let means = [2.5 / 6.0, 2.5 / 6.0, 3.1 / 6.0];
        let expected = student(&means).unwrap();
        let interval = policy.ci95.latency_mean_s.unwrap();
        assert!(interval.iter().zip(expected).all(|(left, right)| (left - right).abs() < 1e-6));
        assert_eq!(policy.per_seed.len(), 3);
        assert_eq!(policy.cost.unwrap().cpu_s, 4.5);
        assert_eq!(policy.offered_per_s, 1.0);
    }

    #[test]
    fn a_policy_of_which_nothing_was_counted_is_left_out() {
        let nothing = RunMeasured { tally: Tally::new(0.0..10.0), ..run(1, 0.25) };
        assert_eq!(PolicySummary::of("a", "A", &runs([nothing])), None);
    }

    #[test]
    fn runs_make_the_same_summary_in_whatever_order_they_end() {
        let measured = [run(1, 0.25), run(2, 0.3), run(3, 0.4)];
        let in_order = |order: [usize; 3]| {
            let mut runs = PolicyRuns::default();
            order.into_iter().for_each(|place| runs.add(place, measured[place].clone()));
            PolicySummary::of("a", "A", &runs)
        };
        assert_eq!(in_order([0, 1, 2]), in_order([2, 0, 1]));
    }

    #[test]
    fn in_virtual_time_there_is_neither_cost_nor_lag() {
        let mut run = RunMeasured { cost: None, interrupted: true, ..run(1, 0.25) };
        run.tally.lags = Distribution::default();
        let policy = PolicySummary::of("a", "A", &runs([run])).unwrap();
        let json = serde_json::to_value(&policy).unwrap();
        assert!(json.get("cost").is_none() && json.get("lag_s").is_none() && json.get("fallbacks").is_some());
        assert_eq!(json["per_seed"][0]["interrupted"], true);
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
