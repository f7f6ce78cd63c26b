//! What a node has counted since it began.

use serde::{Deserialize, Serialize};

use crate::job::Outcome;

/// Counts since the node began. At every instant
/// `arrived = served + dropped + rejected + failed + cancelled + jobs under way`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Jobs that came to the door, from clients and peers.
    pub arrived: u64,
    /// Jobs answered with success, here or by a peer.
    pub served: u64,
    /// Jobs for which there was no room.
    pub dropped: u64,
    /// Jobs that the policy refused.
    pub rejected: u64,
    /// Jobs that went wrong.
    pub failed: u64,
    /// Jobs whose client went away.
    pub cancelled: u64,
    /// Jobs that the same peer had brought before; they count as failed as well.
    #[serde(default)]
    pub repeated: u64,
    /// Jobs sent to a peer.
    pub forwarded: u64,
    /// Forwards without a proper answer.
    pub forwards_failed: u64,
    /// Forwards that a policy wanted and hop control did not allow; those jobs ran here.
    pub forwards_refused: u64,
    /// Jobs that were decided about again, since a peer could not be reached.
    #[serde(default)]
    pub retries: u64,
    /// Jobs that failed because a peer could not be reached and too many had been tried again lately.
    #[serde(default)]
    pub retries_refused: u64,
    /// Times that a peer was left alone with one function, at which it failed more than others.
    #[serde(default)]
    pub ejections: u64,
    /// Probes sent.
    pub probes: u64,
    /// Probes that failed or ran out of time.
    pub probes_failed: u64,
    /// Questions to the learner.
    pub asks: u64,
    /// Decisions by the fallback policy.
    pub fallbacks: u64,
    /// Events that came too late, twice, or for nobody.
    pub stray_events: u64,
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, other: Counters) {
        self.arrived += other.arrived;
        self.served += other.served;
        self.dropped += other.dropped;
        self.rejected += other.rejected;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.repeated += other.repeated;
        self.forwarded += other.forwarded;
        self.forwards_failed += other.forwards_failed;
        self.forwards_refused += other.forwards_refused;
        self.retries += other.retries;
        self.retries_refused += other.retries_refused;
        self.ejections += other.ejections;
        self.probes += other.probes;
        self.probes_failed += other.probes_failed;
        self.asks += other.asks;
        self.fallbacks += other.fallbacks;
        self.stray_events += other.stray_events;
    }
}

impl Counters {
    pub(crate) fn ended(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Served => &mut self.served,
            Outcome::Dropped => &mut self.dropped,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Failed(_) => &mut self.failed,
            Outcome::Cancelled => &mut self.cancelled,
        };
        *count += 1;
    }

    /// Jobs that have ended.
    pub fn answered(&self) -> u64 {
        self.served + self.dropped + self.rejected + self.failed + self.cancelled
    }
}
