//! Where one run of an experiment takes place.

use p2pfaas_learner::checkpoint::Checkpoint;

use super::Watcher;
use crate::experiment::{Experiment, PolicySpec};
use crate::summary::LearningSummary;

/// Runs one policy under one seed in virtual time.
pub trait Engine: Sync {
    /// Makes a run: the training first, if there is one, then warm-up and what is counted. It tells the
    /// watcher of every job that has ended and, now and then, of the second that it has reached, and ends
    /// when the watcher says so.
    ///
    /// # Errors
    /// The run cannot be made at all.
    fn run(
        &self,
        experiment: &Experiment,
        policy: &PolicySpec,
        seed: u64,
        watcher: &mut Watcher<'_>,
    ) -> Result<Ended, EngineError>;
}

/// What is known at the end of a run.
#[derive(Debug, Default)]
pub struct Ended {
    /// The second at which it ended.
    pub ended_s: f64,
    /// Decisions that a fallback policy took in the run, warm-up included.
    pub fallbacks: u64,
    /// What agents learned, where they were to.
    pub learning: Option<LearningSummary>,
    /// The agents that learned, with the numbers of their nodes.
    pub agents: Vec<(usize, Checkpoint)>,
}

/// A run that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
