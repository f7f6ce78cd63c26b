//! Runs an experiment in virtual time: all policies and seeds at once, on as many threads as there are
//! cores. What comes out depends on the experiment alone, not on the threads.

mod engine;
mod once;
mod progress;
pub mod references;
mod scenario;
mod tasks;
mod virtual_time;
mod watcher;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use p2pfaas_learner::checkpoint::CheckpointError;
use tokio_util::sync::CancellationToken;

use crate::curve::Curve;
use crate::experiment::Experiment;
use crate::kept::{Kept, Ran};
use crate::report::Report;
use crate::results::{Folder, JobsFileError, WriteError};
use crate::series::PolicySeries;
use crate::summary::{PolicyRuns, Summary};

pub use engine::{Ended, Engine, EngineError};
pub(crate) use once::{CountedRun, Once, count, once};
pub(crate) use progress::virtual_s;
pub use progress::{Gauge, SimProgress};
pub(crate) use tasks::each;
pub use virtual_time::VirtualTime;
pub use watcher::Watcher;

/// What results say of where they come from.
pub(crate) const ON: &str = "sim";

/// Expected jobs of all runs together up to which `jobs.parquet` is written although nobody has asked for it:
/// some 140 MB.
pub const MAX_JOBS_UNASKED: f64 = 2e6;

/// How to run it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Threads; as many as there are cores, if it is not said.
    pub threads: Option<NonZeroUsize>,
    /// Write `jobs.parquet`.
    pub jobs: bool,
}

/// A simulation that ended early. What was measured until then is in the results folder.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The threads cannot be started.
    #[error("cannot start the threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// One of the runs cannot be made.
    #[error("{label}, seed {seed}: {source}")]
    Engine {
        /// The policy.
        label: String,
        /// The seed.
        seed: u64,
        /// Why not.
        source: EngineError,
    },
    /// The results cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The jobs cannot be written.
    #[error(transparent)]
    Jobs(#[from] JobsFileError),
    /// An agent cannot be kept.
    #[error("cannot keep an agent: {0}")]
    Agent(#[from] CheckpointError),
}

/// Runs all policies and seeds and leaves the results in a folder. When cancelled, it keeps what was
/// measured: runs that were over, and what the others had counted until then.
///
/// # Errors
/// Something could not be run or written. What had been measured by then is kept.
pub fn run(
    experiment: &Experiment,
    engine: &dyn Engine,
    folder: &Folder,
    options: Options,
    cancel: &CancellationToken,
    progress: &SimProgress,
) -> Result<Summary, SimulateError> {
    go(experiment, engine, Some(folder), options, cancel, progress)
}

/// The same, and nothing is kept.
///
/// # Errors
/// Something could not be run.
pub fn measure(
    experiment: &Experiment,
    engine: &dyn Engine,
    threads: Option<NonZeroUsize>,
    cancel: &CancellationToken,
    progress: &SimProgress,
) -> Result<Summary, SimulateError> {
    go(experiment, engine, None, Options { threads, jobs: false }, cancel, progress)
}

fn go(
    experiment: &Experiment,
    engine: &dyn Engine,
    folder: Option<&Folder>,
    options: Options,
    cancel: &CancellationToken,
    progress: &SimProgress,
) -> Result<Summary, SimulateError> {
    let seeds = experiment.seeds.len();
    let kept = folder.map(Kept::of).transpose()?;
    let runs_count = experiment.policies.len() * seeds;
    let stop = cancel.child_token();
    let state = Mutex::new(State::new(experiment));
    let threads = each(options.threads, runs_count, &stop, |task| {
        let (policy, place) = (task / seeds, task % seeds);
        let mut gauge = progress.gauge(experiment, policy);
        let ran = match kept.as_ref().and_then(|kept| kept.get(task)) {
            Some(ran) => {
                gauge.done(&ran.measured.tally.counts, false);
                Ok(ran)
            }
            None => {
                let draft = kept.as_ref().filter(|_| options.jobs).map(|kept| kept.draft(task));
                let run = Once {
                    experiment,
                    policy,
                    place,
                    jobs: draft.as_deref(),
                    charts: folder.is_some(),
                    agents: folder,
                };
                once(engine, &run, gauge, &stop).and_then(|ran| {
                    if let Some(kept) = kept.as_ref().filter(|_| !ran.measured.interrupted) {
                        kept.keep(task, &ran)?;
                    }
                    Ok(ran)
                })
            }
        };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        match ran {
            Ok(ran) => state.add(task, policy, place, ran),
            Err(error) => {
                stop.cancel();
                state.failed.insert(task, error);
            }
        }
    });
    progress.finish();
    let State { runs, curves, series, failed } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let interrupted = stop.is_cancelled();
    let summary = Summary::of(experiment, ON, None, interrupted, &runs);
    // All are tried: whichever can be kept, is.
    let jobs = match (folder, &kept) {
        (Some(folder), Some(kept)) if options.jobs => kept.join(folder, &experiment.name, runs_count),
        _ => Ok(()),
    };
    let written = folder.map_or(Ok(()), |folder| folder.write_summary(&summary));
    let curves: Vec<_> = curves.into_values().collect();
    let learning = folder.map_or(Ok(()), |folder| folder.write_learning(&curves, &summary));
    let report = Report { experiment, summary: &summary, runs: &runs, series: &series };
    let reported = folder.map_or(Ok(()), |folder| report.write(folder));
    threads?;
    if let Some((_, error)) = failed.into_iter().next() {
        return Err(error);
    }
    jobs?;
    written?;
    reported?;
    learning?;
    if let Some(kept) = kept {
        kept.tidy(runs_count)?;
    }
    Ok(summary)
}

/// What has been measured so far.
struct State {
    /// One a policy.
    runs: Vec<PolicyRuns>,
    /// By task, since they are kept in this order.
    curves: BTreeMap<usize, Curve>,
    /// One a policy.
    series: Vec<PolicySeries>,
    failed: BTreeMap<usize, SimulateError>,
}

impl State {
    fn new(experiment: &Experiment) -> State {
        let count = experiment.policies.len();
        State {
            runs: vec![PolicyRuns::default(); count],
            curves: BTreeMap::new(),
            series: vec![PolicySeries::default(); count],
            failed: BTreeMap::new(),
        }
    }

    fn add(&mut self, task: usize, policy: usize, place: usize, ran: Ran) {
        self.runs[policy].add(place, ran.measured);
        self.curves.extend(ran.curve.map(|curve| (task, curve)));
        if let Some(series) = ran.series {
            self.series[policy].add(place, series);
        }
    }
}

#[cfg(test)]
mod tests;
