//! Counts of one run, kept while it goes on.

use crate::job::{JobRecord, Outcome, Phase};

/// What is counted of the jobs after the warm-up. Of each served job its latency is kept, so that
/// quantiles are exact: 16 bytes a job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Jobs that were due.
    pub offered: u64,
    /// Answered 2xx.
    pub served: u64,
    /// Of these, within the deadline.
    pub in_time: u64,
    /// No room.
    pub dropped: u64,
    /// The policy said no.
    pub rejected: u64,
    /// Any other answer, or none.
    pub failed: u64,
    /// Not answered because the run was interrupted.
    pub cancelled: u64,
    /// Given to a peer.
    pub forwarded: u64,
    /// Probes sent for them.
    pub probes: u64,
    /// Why the first of the failed ones failed.
    pub first_failure: Option<String>,
    /// Number and latency of served jobs, in the order of the answers.
    latencies: Vec<(u64, f64)>,
    lags_s: Vec<f32>,
}

impl Tally {
    /// Counts one job.
    pub fn add(&mut self, job: &JobRecord) {
        if job.phase != Phase::Measured {
            return;
        }
        self.offered += 1;
        self.in_time += u64::from(job.in_time());
        self.forwarded += u64::from(job.report.forwarded);
        self.probes += u64::from(job.report.probes);
        self.lags_s.extend(job.lag_s().map(|lag_s| lag_s as f32));
        match job.outcome {
            Outcome::Served => {
                self.served += 1;
                self.latencies.extend(job.latency_s().map(|latency_s| (job.arrival.number, latency_s)));
            }
            Outcome::Dropped => self.dropped += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::Failed => {
                self.failed += 1;
                self.first_failure.get_or_insert_with(|| failure(job));
            }
            Outcome::Cancelled => self.cancelled += 1,
        }
    }

    /// A count as a fraction of the jobs that were due.
    pub fn fraction(&self, count: u64) -> f64 {
        if self.offered == 0 { 0.0 } else { count as f64 / self.offered as f64 }
    }

    /// Latencies of served jobs, in the order in which the jobs were due.
    pub fn latencies_in_order(&self) -> Vec<f64> {
        let mut latencies = self.latencies.clone();
        latencies.sort_unstable_by_key(|(number, _)| *number);
        latencies.into_iter().map(|(_, latency_s)| latency_s).collect()
    }

    /// Latencies of served jobs.
    pub fn latencies(&self) -> impl Iterator<Item = f64> + '_ {
        self.latencies.iter().map(|(_, latency_s)| *latency_s)
    }

    /// By how many seconds jobs were sent too late.
    pub fn lags_s(&self) -> impl Iterator<Item = f64> + '_ {
        self.lags_s.iter().map(|lag_s| f64::from(*lag_s))
    }
}

fn failure(job: &JobRecord) -> String {
    match (&job.error, job.status, job.code) {
        (Some(error), _, _) => error.clone(),
        (None, Some(status), Some(code)) => format!("HTTP {status} with code {code}"),
        (None, Some(status), None) => format!("HTTP {status}"),
        (None, None, _) => "no answer".into(),
    }
}
