//! What is seen of a job when it has ended.

use crate::job::JobRecord;
use crate::tally::Counted;

/// A job that has ended. Small, since the simulator makes millions of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// What is counted of it.
    pub counted: Counted,
    /// The node at which it was due.
    pub node: u32,
    /// Its task type.
    pub task_type: u16,
    /// The node that ran it.
    pub executed_by: Option<u32>,
    /// Seconds for which it ran there.
    pub execution_s: Option<f64>,
    /// What an agent chose for it, where one was asked.
    pub action: Option<u32>,
    /// With which epsilon.
    pub epsilon: Option<f64>,
    /// The reward that its node gave.
    pub reward: Option<f64>,
}

impl From<&JobRecord> for Seen {
    fn from(job: &JobRecord) -> Seen {
        Seen {
            counted: Counted::from(job),
            node: job.arrival.node,
            task_type: job.arrival.task_type,
            executed_by: job.executed_by,
            execution_s: job.report.execution_s,
            action: job.report.action.and_then(|action| u32::try_from(action).ok()),
            epsilon: job.report.epsilon,
            reward: job.report.reward,
        }
    }
}
