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
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use p2pfaas_learner::checkpoint::CheckpointError;
use tokio_util::sync::CancellationToken;

use crate::curve::Curve;
use crate::experiment::Experiment;
use crate::report::Report;
use crate::results::{Folder, JobsFile, JobsFileError, WriteError};
use crate::series::PolicySeries;
use crate::summary::{PolicyRuns, Summary};

pub use engine::{Ended, Engine, EngineError};
pub(crate) use once::{Once, Ran, once};
pub(crate) use progress::virtual_s;
pub use progress::{Gauge, SimProgress};
pub(crate) use tasks::each;
pub use virtual_time::VirtualTime;
pub use watcher::Watcher;

/// What results say of where they come from.
pub(crate) const ON: &str = "sim";

/// Expected jobs of all runs together up to which `jobs.parquet` is written although nobody has asked for it.
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

/// Jobs that all policies and seeds together are expected to have, trainings and warm-ups included.
pub fn expected_jobs(experiment: &Experiment) -> f64 {
    let between = |begins_s: f64, ends_s: f64| {
        experiment.traffic.iter().map(|traffic| traffic.expected_jobs(begins_s, ends_s)).sum::<f64>()
    };
    let run = between(0.0, experiment.horizon_s());
    let training = |train_s: f64| if train_s > 0.0 { between(-train_s, 0.0) } else { 0.0 };
    let policies = experiment.policies.iter().map(|policy| run + training(policy.train_s()));
    experiment.seeds.len() as f64 * policies.sum::<f64>()
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
    let parts = folder.filter(|_| options.jobs).map(Parts::create).transpose()?;
    let stop = cancel.child_token();
    let state = Mutex::new(State::new(experiment));
    let threads = each(options.threads, experiment.policies.len() * seeds, &stop, |task| {
        let (policy, place) = (task / seeds, task % seeds);
        let part = parts.as_ref().map(|parts| parts.of(task));
        let run = Once {
            experiment,
            policy,
            place,
            jobs: part.as_deref(),
            charts: folder.is_some(),
            agents: folder,
        };
        let ran = once(engine, &run, progress.gauge(experiment, policy), &stop);
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
    let jobs = folder.zip(parts).map_or(Ok(()), |(folder, parts)| parts.join(experiment, folder));
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

/// The jobs of each run, in files of their own as long as the runs go on.
struct Parts(PathBuf);

impl Parts {
    fn create(folder: &Folder) -> Result<Parts, WriteError> {
        let path = folder.path().join("jobs.parts");
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Parts(path)),
            Err(source) => Err(WriteError { path, source }),
        }
    }

    fn of(&self, task: usize) -> PathBuf {
        self.0.join(format!("{task}.parquet"))
    }

    /// Puts together what there is, and takes the parts away.
    fn join(&self, experiment: &Experiment, folder: &Folder) -> Result<(), JobsFileError> {
        let runs = experiment.policies.len() * experiment.seeds.len();
        let parts: Vec<_> = (0..runs).map(|task| self.of(task)).filter(|part| part.is_file()).collect();
        JobsFile::join(&folder.jobs(), &experiment.name, &parts)?;
        Ok(fs::remove_dir_all(&self.0)?)
    }
}

#[cfg(test)]
mod tests;
