//! Jobs: who they are, how they arrive, how they end.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::PeerId;

/// A node's identity among our nodes: a hash of its machine id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u64);

impl NodeId {
    /// The id of the node with this machine id (64-bit FNV-1a).
    pub fn from_machine_id(machine_id: &str) -> Self {
        let hash = machine_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        NodeId(hash)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of {expected_digits} hexadecimal digits: {text:?}")]
pub struct ParseIdError {
    text: String,
    expected_digits: usize,
}

fn hex(text: &str, digits: usize) -> Result<u128, ParseIdError> {
    let error = || ParseIdError { text: text.chars().take(40).collect(), expected_digits: digits };
    if text.len() != digits || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(error());
    }
    u128::from_str_radix(text, 16).map_err(|_| error())
}

impl FromStr for NodeId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        hex(text, 16).map(|bits| NodeId(bits as u64))
    }
}

/// A job's identity: the node where it arrived first and that node's request number.
///
/// Written as 32 hexadecimal digits, so that it can also be a W3C trace id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId {
    /// The node where a client brought the job.
    pub origin: NodeId,
    /// That node's request number; it never goes backwards.
    pub number: u64,
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:016x}", self.origin, self.number)
    }
}

impl FromStr for JobId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let bits = hex(text, 32)?;
        Ok(JobId { origin: NodeId((bits >> 64) as u64), number: bits as u64 })
    }
}

/// A job's place in one node's table, valid until the job is answered. A key is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobKey {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl JobKey {
    /// A key that no job ever has.
    pub const NOBODY: JobKey = JobKey { index: u32::MAX, generation: 0 };

    /// Whether there is a place in the table under it: not for a job that is refused because the table is full.
    pub fn has_place(self) -> bool {
        self.index != u32::MAX
    }

    /// The place in the table: small numbers that are used again. The key of a job that is refused
    /// because the table is full has no place: `u32::MAX`.
    pub fn index(self) -> usize {
        self.index as usize
    }
}

/// A function that the driver has registered, by its index there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FunctionId(pub u32);

/// Nodes that a job has visited, first one first.
pub type Visited = SmallVec<[NodeId; 4]>;

/// Who brought a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A client; this node is the job's origin.
    Client,
    /// One of our nodes, which tells where the job has been.
    Peer {
        /// The peer that sent it, when this node knows it.
        sender: Option<PeerId>,
        /// Forwards so far, at least 1.
        hops: u32,
        /// Nodes that the job has visited.
        visited: Visited,
    },
    /// An old node, which resets hops and tells nothing of the path.
    ForeignPeer {
        /// The peer that sent it, when this node knows it.
        sender: Option<PeerId>,
        /// Its hop count as sent; it says little.
        hops: u32,
    },
}

/// What decides about a job: the configured policy, or one that a request header asks for
/// (fact sheet 1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PolicyChoice {
    /// The node's policy.
    #[default]
    Configured,
    /// `X-P2pfaas-Scheduler-Bypass`: NoScheduler(loss = true).
    Bypass,
    /// `X-P2pfaas-Scheduler-Forward`: ForwardScheduler(1).
    Forward,
    /// `X-P2pfaas-Scheduler-Reject`: RejectScheduler.
    Reject,
}

/// A job at a node's door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Who brought it.
    pub source: Source,
    /// Its id, if it has one already; else the node gives it one.
    pub id: Option<JobId>,
    /// The function it calls.
    pub function: FunctionId,
    /// Index of its task type; beyond the node's bound it counts as 0.
    pub task_type: u16,
    /// Time left until its deadline.
    pub deadline: Option<Duration>,
    /// Which policy decides.
    pub policy: PolicyChoice,
    /// The load that this node told the peer, which then sent the job here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<u32>,
}

impl Arrival {
    /// A client's job without a deadline, of task type 0.
    pub fn from_client(function: FunctionId) -> Self {
        Arrival {
            source: Source::Client,
            id: None,
            function,
            task_type: 0,
            deadline: None,
            policy: PolicyChoice::Configured,
            told: None,
        }
    }
}

/// How a job ended. Every job that a node accepts ends in exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The function answered with success.
    Served,
    /// No room: no slot and no place in the queue.
    Dropped,
    /// The policy said no.
    Rejected,
    /// It was tried and went wrong.
    Failed(Failure),
    /// The client went away before the function ran.
    Cancelled,
}

/// What went wrong with a failed job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Failure {
    /// The function answered with an error, or could not be called.
    Function,
    /// The job's time-out was over.
    TimedOut,
    /// The peer closed, hung, or answered something that is not an answer.
    Forward,
    /// The learner chose no action, and no fallback is allowed.
    NoAction,
    /// The action's peer is not there, and no fallback is allowed.
    NoSuchPeer,
    /// The same job has been brought by the same node before.
    Repeated,
}

/// Where the time of a job went, by this node's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// From arrival until it was decided where the job goes; contains `probing`.
    pub scheduling: Duration,
    /// First probe sent until the last answer that was waited for; `None` if nobody was probed.
    pub probing: Option<Duration>,
    /// Waiting for a slot.
    pub queue: Option<Duration>,
    /// Running the function here.
    pub execution: Option<Duration>,
    /// From the forward until the peer's answer.
    pub forwarding: Option<Duration>,
    /// From arrival to answer.
    pub total: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text() {
        let id = JobId { origin: NodeId::from_machine_id("p2pfaas-10.0.0.1"), number: 42 };
        assert_eq!(id.to_string().len(), 32);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.origin.to_string().parse(), Ok(id.origin));
    }

    #[test]
    fn text_that_is_no_id_is_refused() {
        for text in ["", "12", "+1234567890abcde", "zzzzzzzzzzzzzzzz"] {
            assert!(text.parse::<NodeId>().is_err(), "{text}");
            assert!(text.parse::<JobId>().is_err(), "{text}");
        }
    }
}
