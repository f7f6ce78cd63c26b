//! When a policy was steady.

use p2pfaas_sim::arrivals::ArrivalKind;
use serde::Serialize;

use super::PolicyRuns;
use crate::experiment::Experiment;
use crate::statistics::mser5;

/// When the number of jobs in the system was steady, on average over the seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Warmup {
    /// How that was found: MSER-5.
    pub method: &'static str,
    /// Of what.
    pub series: &'static str,
    /// The second of the run from which on it was; `None` when not before half of it was over.
    pub steady_from_s: Option<f64>,
    /// The warm-up of the experiment, in seconds.
    pub configured_s: f64,
}

impl Warmup {
    /// Looks at all runs that were over; `None` when there is none, or where no steady state is to be
    /// expected: traffic that comes and goes, or nodes that do.
    pub(super) fn of(experiment: &Experiment, runs: &PolicyRuns) -> Option<Warmup> {
        let complete: Vec<_> = runs.seeds().iter().filter(|run| !run.interrupted).collect();
        let first = complete.first()?;
        if !is_stationary(experiment) {
            return None;
        }
        let mut means = vec![0.0; first.in_system.len()];
        for run in &complete {
            means.iter_mut().zip(&run.in_system).for_each(|(sum, number)| *sum += number);
        }
        means.iter_mut().for_each(|sum| *sum /= complete.len() as f64);
        Some(Warmup {
            method: "MSER-5",
            series: "jobs in the system",
            steady_from_s: mser5(&means).map(|left_out| left_out as f64 * first.stretch_s),
            configured_s: experiment.warmup_s,
        })
    }

    /// Whether what is counted begins before it was steady.
    pub fn is_short(&self) -> bool {
        self.steady_from_s.is_none_or(|steady_s| steady_s > self.configured_s)
    }
}

fn is_stationary(experiment: &Experiment) -> bool {
    let stays = |kind: &ArrivalKind| {
        matches!(kind, ArrivalKind::Poisson | ArrivalKind::Deterministic | ArrivalKind::Mmpp(_))
    };
    experiment.traffic.iter().all(|traffic| stays(&traffic.kind))
        && experiment.nodes.iter().all(|node| node.joins_s == 0.0 && node.leaves_s.is_none())
}
