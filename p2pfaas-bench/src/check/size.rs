//! How much there is to run, how long that takes, and how large the results are. All of it is an estimate.

use std::num::NonZeroUsize;

use serde::Serialize;

use crate::experiment::{Experiment, Place};
use crate::offered::expected_jobs;
use crate::sweep::Plan;

/// Jobs that a core simulates in a second: a rough middle. With many probes a job it is half of it, without
/// any it is several times as many.
pub(super) const SIM_JOBS_PER_S: f64 = 150_000.0;
/// Seconds in which an embedded cluster starts and, after the last job was sent, ends.
const LOCAL_AROUND_RUN_S: f64 = 1.5;
/// Bytes that a row of `jobs.parquet` takes.
const BYTES_PER_JOB: f64 = 80.0;
/// Bytes of the other results of a run.
const BYTES_PER_RUN: f64 = 10_000.0;

/// How much something is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Size {
    /// One a policy and seed.
    pub runs: usize,
    /// Jobs of all runs, those of training and warm-up among them.
    pub jobs: f64,
    /// Seconds that all runs take together, trainings included; virtual ones in the simulator.
    pub experiment_s: f64,
    /// Seconds until the results are there.
    pub wall_s: f64,
    /// Bytes of the results without `jobs.parquet`.
    pub bytes: f64,
    /// Bytes of `jobs.parquet`; the simulator writes a large one only where it is asked to, a sweep none.
    pub jobs_bytes: f64,
}

impl Size {
    /// Of a run.
    pub(super) fn of_run(experiment: &Experiment, place: Place, threads: NonZeroUsize) -> Size {
        let seeds = experiment.seeds.len();
        let runs = experiment.policies.len() * seeds;
        let per_seed: f64 =
            experiment.policies.iter().map(|policy| policy.train_s() + experiment.horizon_s()).sum();
        let jobs = expected_jobs(experiment);
        let experiment_s = per_seed * seeds as f64;
        let wall_s = match place.is_simulated() {
            true => simulated_s(jobs, runs, threads),
            false => experiment_s + LOCAL_AROUND_RUN_S * runs as f64,
        };
        let bytes = BYTES_PER_RUN * runs as f64;
        Size { runs, jobs, experiment_s, wall_s, bytes, jobs_bytes: BYTES_PER_JOB * jobs }
    }

    /// Of all points of a sweep.
    pub(super) fn of_sweep(plan: &Plan, threads: NonZeroUsize) -> Size {
        let runs = plan.points.iter().map(|point| point.policies * point.seeds).sum();
        let jobs = plan.points.iter().map(|point| point.jobs).sum();
        Size {
            runs,
            jobs,
            experiment_s: plan.points.iter().map(|point| point.virtual_s).sum(),
            wall_s: simulated_s(jobs, runs, threads),
            bytes: BYTES_PER_RUN * runs as f64,
            jobs_bytes: 0.0,
        }
    }
}

/// A run has one thread.
fn simulated_s(jobs: f64, runs: usize, threads: NonZeroUsize) -> f64 {
    jobs / SIM_JOBS_PER_S / threads.get().min(runs.max(1)) as f64
}
