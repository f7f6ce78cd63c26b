//! What can be set on a node's state machine.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::defaults;
use crate::reward::Reward;
use crate::slots::Capacity;

/// Bounds and time-outs of one node. The defaults are those of [`crate::defaults`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeConfig {
    /// Slots and queue; changed live by [`Event::SetCapacity`](crate::Event::SetCapacity).
    pub capacity: Capacity,
    /// Drop a job on arrival, or when its turn comes, if it cannot finish before its deadline.
    /// The estimate is [`Situation::expected_here`](crate::policy::Situation::expected_here); a job that arrives at an idle node
    /// is dropped only if its deadline has passed.
    pub deadline_aware: bool,
    /// A job that is not answered by then fails; `None` for no limit.
    pub job_timeout: Option<Duration>,
    /// A probe that is not answered by then counts as failed.
    pub probe_timeout: Duration,
    /// A learner that has not chosen by then is passed over.
    pub ask_timeout: Duration,
    /// A peer that failed a forward is left alone for this long; twice as long each time that it fails the next one, too, up to
    /// [`MAX_SUSPICION`](crate::defaults::MAX_SUSPICION).
    pub suspicion: Duration,
    /// Jobs that may be decided about again because a peer could not be reached, for a hundred forwards; besides them one a
    /// second, and [`RETRY_BURST`](crate::defaults::RETRY_BURST) at once. 0: none, they fail.
    #[serde(default = "retry_percent")]
    pub retry_percent: u32,
    /// A function's jobs do not go for this long to a peer at which it fails far more than elsewhere; twice as long each time
    /// that it happens again, up to [`MAX_EJECTION`](crate::defaults::MAX_EJECTION). Zero: they do, as in logs from before
    /// there was this.
    #[serde(default)]
    pub ejection: Duration,
    /// Forwards that a job may see among our nodes, whatever the policy says.
    pub max_hops: u32,
    /// Jobs in the node at once, in any state; one more is dropped.
    pub max_jobs: u32,
    /// Task types counted separately.
    pub task_types: u16,
    /// Ids of forwarded jobs remembered. 0 where every peer is known to be one of ours.
    pub forwarded_ids: u32,
    /// Jobs of our nodes that are remembered, so that one that comes a second time from the same node, because somebody has
    /// sent its message again, is refused and not run again. 0: none, as in logs from before there was this.
    #[serde(default)]
    pub taken_ids: u32,
    /// Jobs of old peers without an id of ours that may be out at other peers at once. It bounds a
    /// loop through peers that strip everything from a job.
    pub max_foreign_forwards: u32,
    /// The number of the first job; must grow over restarts, since it makes ids unique.
    pub first_job_number: u64,
    /// The number of the first choice of a learner; must grow over restarts.
    #[serde(default)]
    pub first_eid: u64,
    /// Names of peers that have the numbers from 0 on, so that an action keeps its peer over a
    /// restart. They are gone until [`Event::SetPeers`](crate::Event::SetPeers) brings them.
    #[serde(default)]
    pub peer_numbers: Vec<String>,
    /// What a finished job is worth to the learner.
    #[serde(default)]
    pub reward: Reward,
}

impl Default for NodeConfig {
    fn default() -> Self {
        NodeConfig {
            capacity: Capacity { slots: defaults::SLOTS, queue: defaults::QUEUE },
            deadline_aware: false,
            job_timeout: Some(defaults::JOB_TIMEOUT),
            probe_timeout: defaults::PROBE_TIMEOUT,
            ask_timeout: defaults::ASK_TIMEOUT,
            suspicion: defaults::SUSPICION,
            retry_percent: defaults::RETRY_PERCENT,
            ejection: defaults::EJECTION,
            max_hops: defaults::MAX_HOPS,
            max_jobs: defaults::MAX_JOBS,
            task_types: defaults::TASK_TYPES,
            forwarded_ids: defaults::FORWARDED_IDS,
            taken_ids: defaults::TAKEN_IDS,
            max_foreign_forwards: defaults::MAX_FOREIGN_FORWARDS,
            first_job_number: 0,
            first_eid: 0,
            peer_numbers: Vec::new(),
            reward: Reward::default(),
        }
    }
}

/// Of a log that was written before there was a choice.
fn retry_percent() -> u32 {
    defaults::RETRY_PERCENT
}
