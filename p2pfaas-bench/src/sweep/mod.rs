//! Runs an experiment file many times with other values in it: all points, policies and seeds in parallel,
//! in parts on several machines if wanted, and going on where it was ended.

mod edit;
mod merge;
mod picture;
mod plan;
mod shard;
mod store;
mod table;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::experiment::{Experiment, Known};
use crate::simulate::{Engine, ON, Once, SimProgress, SimulateError, each, once};
use crate::summary::{PolicyRuns, PolicySummary, RunMeasured, Summary};

pub use crate::experiment::{Choice, Product, Vary, VaryError};
pub use merge::{MergeError, Merged, merge};
pub use plan::{Plan, PlanError, PointSize};
pub use shard::{Shard, ShardChoice, ShardError};
pub use store::{Manifest, Store, StoreError};

/// A sweep that ended early. The points that were finished until then are in its folder.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A point cannot be run or written.
    #[error("point {point} ({values}): {source}")]
    Point {
        /// The point.
        point: usize,
        /// What it has for what is varied.
        values: String,
        /// Why not.
        source: Box<SimulateError>,
    },
    /// A file that the experiment names has changed under way.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The threads cannot be started.
    #[error("cannot start the threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The folder cannot be written or read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What there is after a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Points of the whole sweep that are finished.
    pub finished: usize,
    /// Points of the whole sweep.
    pub all: usize,
    /// Points of this shard that are not finished, because it was interrupted.
    pub left: usize,
}

/// What is run where, and how.
#[derive(Clone, Copy)]
pub struct Sweep<'a> {
    /// The points.
    pub plan: &'a Plan,
    /// Where they are kept.
    pub store: &'a Store,
    /// What the experiment may refer to.
    pub known: Known<'a>,
    /// The simulator.
    pub engine: &'a dyn Engine,
}

impl Sweep<'_> {
    /// Points of a shard that are still to be run.
    pub fn pending(&self, shard: Shard) -> Vec<usize> {
        let all = 0..self.plan.points.len();
        all.filter(|point| shard.has(*point) && !self.store.has(*point)).collect()
    }

    /// A bar over these points.
    pub fn progress(&self, points: &[usize]) -> SimProgress {
        let sizes = points.iter().map(|point| self.plan.points[*point]);
        let (virtual_s, runs) =
            sizes.fold((0.0, 0), |sum, size| (sum.0 + size.virtual_s, sum.1 + size.tasks()));
        SimProgress::over(virtual_s, runs)
    }

    /// Runs these points and keeps each as soon as it is finished; then writes the table and the picture
    /// of all points that are there.
    ///
    /// # Errors
    /// A point cannot be run or kept. Those that were finished by then are there.
    pub fn run(
        &self,
        points: &[usize],
        threads: Option<NonZeroUsize>,
        cancel: &CancellationToken,
        progress: &SimProgress,
    ) -> Result<Swept, SweepError> {
        self.store.tidy(points.iter().copied());
        let works: Vec<_> = points.iter().map(|point| Work::new(*point, self.plan.points[*point])).collect();
        let tasks: Vec<_> =
            works.iter().flat_map(|work| (0..work.size.tasks()).map(move |task| (work, task))).collect();
        let stop = cancel.child_token();
        let failed = Mutex::new(BTreeMap::new());
        let started = each(threads, tasks.len(), &stop, |number| {
            let (work, task) = tasks[number];
            if let Err(error) = work.run(self, task, progress, &stop) {
                stop.cancel();
                lock(&failed).insert(number, error);
            }
        });
        progress.finish();
        let finished = self.store.assemble();
        started?;
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, error)) = failed.into_iter().next() {
            return Err(error);
        }
        let finished = finished?;
        let left = points.iter().filter(|point| !finished.contains(point)).count();
        Ok(Swept { finished: finished.len(), all: self.plan.points.len(), left })
    }
}

impl PointSize {
    fn tasks(self) -> usize {
        self.policies * self.seeds
    }
}

/// One point while it is worked on.
struct Work {
    point: usize,
    size: PointSize,
    state: Mutex<State>,
}

struct State {
    /// Only while it is needed: there may be very many points.
    experiment: Option<Arc<Experiment>>,
    runs: Vec<PolicyRuns>,
    left: usize,
}

impl Work {
    fn new(point: usize, size: PointSize) -> Work {
        Work {
            point,
            size,
            state: Mutex::new(State { experiment: None, runs: Vec::new(), left: size.tasks() }),
        }
    }

    fn run(
        &self,
        sweep: &Sweep<'_>,
        task: usize,
        progress: &SimProgress,
        stop: &CancellationToken,
    ) -> Result<(), SweepError> {
        let at_point = |source: SimulateError| SweepError::Point {
            point: self.point,
            values: sweep.plan.product.describe(self.point),
            source: Box::new(source),
        };
        let experiment = self.experiment(sweep)?;
        let (policy, place) = (task / self.size.seeds, task % self.size.seeds);
        let run = Once { experiment: &experiment, policy, place, jobs: None, charts: false, agents: None };
        let ran = once(sweep.engine, &run, progress.gauge(&experiment, policy), stop).map_err(at_point)?;
        // Half a point would never become a whole one.
        if ran.measured.interrupted {
            return Ok(());
        }
        if let Some(runs) = self.add(policy, place, ran.measured) {
            let summary = Summary::of(&experiment, ON, None, false, &runs);
            let kept = sweep.store.keep(self.point, &experiment.source, &summary);
            kept.map_err(|error| at_point(error.into()))?;
            progress.tell(&tell(sweep.plan, self.point, &summary));
        }
        Ok(())
    }

    fn experiment(&self, sweep: &Sweep<'_>) -> Result<Arc<Experiment>, PlanError> {
        let mut state = lock(&self.state);
        if let Some(experiment) = &state.experiment {
            return Ok(Arc::clone(experiment));
        }
        let experiment = Arc::new(sweep.plan.experiment(self.point, &sweep.known)?);
        state.runs = vec![PolicyRuns::default(); experiment.policies.len()];
        state.experiment = Some(Arc::clone(&experiment));
        Ok(experiment)
    }

    /// All runs, when this was the last one.
    fn add(&self, policy: usize, place: usize, measured: RunMeasured) -> Option<Vec<PolicyRuns>> {
        let mut state = lock(&self.state);
        state.runs[policy].add(place, measured);
        state.left -= 1;
        (state.left == 0).then(|| {
            state.experiment = None;
            std::mem::take(&mut state.runs)
        })
    }
}

/// A line about a finished point.
fn tell(plan: &Plan, point: usize, summary: &Summary) -> String {
    let share = |policy: &PolicySummary| format!("{} {:.1} %", policy.label, 100.0 * policy.in_time);
    let shares: Vec<_> = summary.policies.iter().map(share).collect();
    format!("point {point} ({}): in time {}", plan.product.describe(point), shares.join(", "))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
