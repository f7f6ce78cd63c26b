//! One policy under one seed.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::{Engine, Gauge, SimulateError, Watcher};
use crate::experiment::Experiment;
use crate::kept::Ran;
use crate::results::Folder;
use crate::series::RunSeries;
use crate::summary::RunMeasured;
use crate::tally::Tally;

/// What is to be run, and what is to be kept of it.
pub(crate) struct Once<'a> {
    pub experiment: &'a Experiment,
    /// The policy's place in the list of policies.
    pub policy: usize,
    /// The seed's place in the list of seeds.
    pub place: usize,
    /// Where its jobs are written.
    pub jobs: Option<&'a Path>,
    /// Whether there are to be charts of it.
    pub charts: bool,
    /// Where its agents are kept.
    pub agents: Option<&'a Folder>,
}

/// What was counted of one run.
pub(crate) struct CountedRun {
    pub tally: Tally,
    /// Of each node, the jobs that were due there and those of them that were in time.
    pub nodes: Vec<(u64, u64)>,
    /// It was ended before it was over.
    pub interrupted: bool,
}

/// One policy under one seed, counted by node as well; nothing is kept.
pub(crate) fn count(
    engine: &dyn Engine,
    experiment: &Experiment,
    policy: usize,
    seed: u64,
    gauge: Gauge<'_>,
    stop: &CancellationToken,
) -> Result<CountedRun, SimulateError> {
    let policy = &experiment.policies[policy];
    let watcher = Watcher::new(experiment, policy, seed, None, gauge, stop)?;
    let mut watcher = watcher.by_node(experiment.nodes.len());
    let ended = engine.run(experiment, policy, seed, &mut watcher);
    let watched = watcher.finish()?;
    ended.map_err(|source| SimulateError::Engine { label: policy.label.clone(), seed, source })?;
    Ok(CountedRun { tally: watched.tally, nodes: watched.nodes, interrupted: watched.stopped })
}

pub(crate) fn once(
    engine: &dyn Engine,
    run: &Once<'_>,
    gauge: Gauge<'_>,
    stop: &CancellationToken,
) -> Result<Ran, SimulateError> {
    let experiment = run.experiment;
    let (policy, seed) = (&experiment.policies[run.policy], experiment.seeds[run.place]);
    let series = run.charts.then(|| RunSeries::new(experiment, policy));
    let watcher = Watcher::new(experiment, policy, seed, run.jobs, gauge, stop)?;
    let mut watcher = watcher.with_series(series);
    let ended = engine.run(experiment, policy, seed, &mut watcher);
    // Also on failure: the jobs until then are there.
    let watched = watcher.finish();
    let ended =
        ended.map_err(|source| SimulateError::Engine { label: policy.label.clone(), seed, source })?;
    let watched = watched?;
    if let Some(folder) = run.agents {
        for (node, agent) in ended.agents {
            agent.save(&folder.agent(&policy.file_name, seed, node))?;
        }
    }
    let measured = RunMeasured {
        seed,
        tally: watched.tally,
        measured_s: experiment.counted_s(ended.ended_s),
        interrupted: watched.stopped,
        fallbacks: ended.fallbacks,
        cost: None,
        generator: None,
        learning: ended.learning,
    };
    Ok(Ran { measured, curve: watched.curve, series: watched.series })
}
