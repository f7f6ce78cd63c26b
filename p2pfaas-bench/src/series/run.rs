//! The series of one run.

use serde::{Deserialize, Serialize};

use super::{Axis, NodeCounts, Rows, Seen};
use crate::experiment::{Experiment, PolicySpec};
use crate::job::{Outcome, Phase};

/// Task types that are told apart; those beyond count as the last.
pub const MAX_TYPES: usize = 16;
/// What becomes of a job.
pub const FATES: [&str; 6] = ["in time", "late", "dropped", "rejected", "failed", "cancelled"];
/// Actions that are told apart: those that every node has, and all beyond, which name peers.
pub const ACTIONS: usize = p2pfaas_core::policy::FixedActions::FIRST_PEER as usize + 1;

/// The jobs that were due in one bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Jobs that were due.
    pub offered: u64,
    /// Of these, served within the deadline.
    pub in_time: u64,
    /// Choices of agents, by the number of the action; peers all count as the last.
    pub actions: [u64; ACTIONS],
    /// The epsilons of these, added up.
    pub epsilons: f64,
    /// Jobs for which a node gave a reward.
    pub rewarded: u64,
    /// The sum of these.
    pub rewards: f64,
}

impl Bucket {
    /// Choices of agents.
    pub fn decisions(&self) -> u64 {
        self.actions.iter().sum()
    }

    /// Puts another one to it.
    pub fn add(&mut self, other: &Bucket) {
        self.offered += other.offered;
        self.in_time += other.in_time;
        self.actions.iter_mut().zip(other.actions).for_each(|(ours, theirs)| *ours += theirs);
        self.epsilons += other.epsilons;
        self.rewarded += other.rewarded;
        self.rewards += other.rewards;
    }

    fn count(&mut self, job: &Seen) {
        self.offered += 1;
        self.in_time += u64::from(job.counted.in_time);
        if let Some(action) = job.action {
            self.actions[(action as usize).min(ACTIONS - 1)] += 1;
            self.epsilons += job.epsilon.unwrap_or(0.0);
        }
        if let Some(reward) = job.reward {
            self.rewarded += 1;
            self.rewards += reward;
        }
    }
}

/// Buckets one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// When they are.
    pub axis: Axis,
    /// What happened in them.
    pub buckets: Vec<Bucket>,
}

impl Timeline {
    fn new(axis: Axis) -> Timeline {
        Timeline { axis, buckets: vec![Bucket::default(); axis.buckets] }
    }

    fn count(&mut self, job: &Seen) {
        self.buckets[self.axis.bucket(job.counted.at_s)].count(job);
    }
}

/// What charts need of one run: one policy under one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSeries {
    /// The training before the run, where there is one: seconds below 0.
    pub training: Option<Timeline>,
    /// The run, warm-up included.
    pub run: Timeline,
    /// Where jobs ran. The training does not count.
    pub nodes: NodeCounts,
    /// What became of the jobs after the warm-up, by task type, in the order of [`FATES`].
    pub types: Vec<[u64; FATES.len()]>,
}

impl RunSeries {
    /// Nothing is counted yet.
    pub fn new(experiment: &Experiment, policy: &PolicySpec) -> RunSeries {
        let axis = Axis::new(0.0, experiment.horizon_s());
        let train_s = policy.train_s();
        RunSeries {
            training: (train_s > 0.0).then(|| Timeline::new(Axis::new(-train_s, 0.0))),
            run: Timeline::new(axis),
            nodes: NodeCounts::new(Rows::new(experiment.nodes.len()), axis),
            types: vec![[0; FATES.len()]; experiment.jobs.len().clamp(1, MAX_TYPES)],
        }
    }

    /// Counts one job.
    pub fn add(&mut self, job: &Seen) {
        match (job.counted.phase, &mut self.training) {
            (Phase::Training, Some(training)) => return training.count(job),
            (Phase::Training, None) => return,
            (Phase::Warmup | Phase::Measured | Phase::Cooldown, _) => self.run.count(job),
        }
        // The answer's way back is taken for nothing here.
        if let (Some(node), Some(takes_s), Outcome::Served, Some(latency_s)) =
            (job.executed_by, job.execution_s, job.counted.outcome, job.counted.latency_s)
        {
            let to_s = job.counted.at_s + latency_s;
            self.nodes.ran(node, to_s - takes_s, to_s);
        }
        if job.counted.phase == Phase::Measured {
            self.nodes.went(job.node, job.executed_by);
            let last = self.types.len() - 1;
            self.types[usize::from(job.task_type).min(last)][fate(job)] += 1;
        }
    }
}

/// The place in [`FATES`].
fn fate(job: &Seen) -> usize {
    match job.counted.outcome {
        Outcome::Served => usize::from(!job.counted.in_time),
        Outcome::Dropped => 2,
        Outcome::Rejected => 3,
        Outcome::Failed => 4,
        Outcome::Cancelled => 5,
    }
}
