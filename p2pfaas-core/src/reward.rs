//! Rewards: what a finished job is worth to its node's learner.

use serde::{Deserialize, Serialize};

use crate::job::Outcome;

/// A reward function. The default: 1 in time, else 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reward {
    /// For a job that was served within its deadline, or had none.
    pub in_time: f64,
}

impl Default for Reward {
    fn default() -> Self {
        Reward { in_time: 1.0 }
    }
}

/// What a reward function may know of a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether that was within its deadline, by this node's clock from its arrival on.
    pub in_time: bool,
}

impl Reward {
    /// The reward of a job; `None` when nothing can be said of the choice: its client went away.
    pub fn of(&self, job: &Ended) -> Option<f64> {
        match job.outcome {
            Outcome::Cancelled => None,
            Outcome::Served if job.in_time => Some(self.in_time),
            _ => Some(0.0),
        }
    }
}
