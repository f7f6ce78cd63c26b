//! What became of one job, as its client saw it.

use std::time::Duration;

use p2pfaas_sim::arrivals::Arrival;

/// How a job ended for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered 2xx.
    Served,
    /// No room: 500 with code 400.
    Dropped,
    /// The policy said no: 503 with code 401.
    Rejected,
    /// Any other answer, or none.
    Failed,
    /// Not answered because the run was interrupted.
    Cancelled,
}

impl Outcome {
    /// What an answer means. `code` is that of the error in its body.
    pub fn of(status: u16, code: Option<i32>) -> Outcome {
        match (status, code) {
            (200..=299, _) => Outcome::Served,
            (500, Some(400)) => Outcome::Dropped,
            (503, Some(401)) => Outcome::Rejected,
            _ => Outcome::Failed,
        }
    }

    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Served => "served",
            Outcome::Dropped => "dropped",
            Outcome::Rejected => "rejected",
            Outcome::Failed => "failed",
            Outcome::Cancelled => "cancelled",
        }
    }
}

/// What a job was sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Phase {
    /// For agents to learn from, before the run begins.
    Training,
    /// Due while the cluster fills up.
    Warmup,
    /// To be counted.
    Measured,
    /// So that the last of those meet the same load as the others.
    Cooldown,
}

impl Phase {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Training => "training",
            Phase::Warmup => "warmup",
            Phase::Measured => "measured",
            Phase::Cooldown => "cooldown",
        }
    }
}

/// One job of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    /// Which job it was, and when it was due.
    pub arrival: Arrival,
    /// What it was sent for; only what is measured is counted.
    pub phase: Phase,
    /// Seconds that it had from the instant when it was due.
    pub deadline_s: Option<f64>,
    /// When it was sent, in seconds since the start of the run (before which training has taken place).
    pub sent_s: Option<f64>,
    /// When its answer was complete.
    pub answered_s: Option<f64>,
    /// How it ended.
    pub outcome: Outcome,
    /// HTTP status.
    pub status: Option<u16>,
    /// Code of the error in the answer's body.
    pub code: Option<i32>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// The node that ran it.
    pub executed_by: Option<u32>,
    /// What the answer's headers told.
    pub report: NodeReport,
}

impl JobRecord {
    /// Seconds from the instant when it was due until its answer was complete, to the nanosecond: what the
    /// subtraction of two instants of a long run adds below that must not decide about a deadline.
    pub fn latency_s(&self) -> Option<f64> {
        let nanoseconds = self.answered_s.map(|answered_s| 1e9 * (answered_s - self.arrival.at_s));
        nanoseconds.map(|nanoseconds| Duration::from_nanos(nanoseconds.round() as u64).as_secs_f64())
    }

    /// Seconds by which it was sent too late.
    pub fn lag_s(&self) -> Option<f64> {
        self.sent_s.map(|sent_s| (sent_s - self.arrival.at_s).max(0.0))
    }

    /// Served within its deadline; without one, served.
    pub fn in_time(&self) -> bool {
        let within = |latency_s| self.deadline_s.is_none_or(|deadline_s| latency_s <= deadline_s);
        self.outcome == Outcome::Served && self.latency_s().is_some_and(within)
    }
}

/// What a node tells about a job in the headers of its answer. Times are seconds at the first node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeReport {
    /// Id of the last node on its path.
    pub last_node: Option<String>,
    /// Whether it was given to a peer.
    pub forwarded: bool,
    /// How often it was given on.
    pub hops: u32,
    /// Probes sent for it.
    pub probes: u32,
    /// Until it was decided where it runs.
    pub scheduling_s: Option<f64>,
    /// Spent on probes.
    pub probing_s: Option<f64>,
    /// Spent in the queue of the node that ran it.
    pub queue_s: Option<f64>,
    /// Spent running.
    pub execution_s: Option<f64>,
    /// From forward to answer.
    pub forwarding_s: Option<f64>,
    /// From arrival to answer.
    pub total_s: Option<f64>,
    /// The number of the choice, as the learner knows it.
    pub eid: Option<u64>,
    /// What the learner saw.
    pub state: Option<String>,
    /// What it chose.
    pub action: Option<i32>,
    /// Its epsilon.
    pub epsilon: Option<f64>,
    /// The probability with which it chose that.
    pub probability: Option<f64>,
    /// The reward that the node gave.
    pub reward: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    #[test]
    fn an_answer_means_what_the_vocabulary_says() {
        assert_eq!(Outcome::of(200, None), Outcome::Served);
        assert_eq!(Outcome::of(204, None), Outcome::Served);
        assert_eq!(Outcome::of(500, Some(400)), Outcome::Dropped);
        assert_eq!(Outcome::of(503, Some(401)), Outcome::Rejected);
        assert_eq!(Outcome::of(500, Some(403)), Outcome::Failed);
        assert_eq!(Outcome::of(500, None), Outcome::Failed);
        assert_eq!(Outcome::of(503, None), Outcome::Failed);
        assert_eq!(Outcome::of(404, Some(3)), Outcome::Failed);
        assert_eq!(Outcome::of(302, None), Outcome::Failed);
    }

    #[test]
    fn in_time_counts_from_the_instant_when_the_job_was_due() {
        let mut job = record(0, 10.0, Outcome::Served, Some(10.5));
        job.deadline_s = Some(0.5);
        job.sent_s = Some(10.2);
        assert_eq!(job.latency_s(), Some(0.5));
        assert!(job.in_time());
        job.answered_s = Some(10.6);
        assert!(!job.in_time());
        job.deadline_s = None;
        assert!(job.in_time());
        job.outcome = Outcome::Dropped;
        assert!(!job.in_time());
    }

    #[test]
    fn a_job_that_takes_exactly_its_deadline_is_in_time_however_late_in_the_run_it_comes() {
        for at_s in [0.1, 77.7, 86_399.123_456_789] {
            let mut job = record(0, at_s, Outcome::Served, Some(at_s + 0.3));
            job.deadline_s = Some(0.3);
            assert_eq!(job.latency_s(), Some(0.3));
            assert!(job.in_time(), "{at_s}");
        }
    }
}
