//! Counts of one run, kept while it goes on, in memory that does not grow with the jobs.

use std::ops::Range;

use crate::distribution::Distribution;
use crate::in_system::InSystem;
use crate::job::{JobRecord, Outcome, Phase};

/// Stretches of equal length into which a run is cut, so that its own fluctuation can be seen.
pub const BATCHES: usize = 20;

/// What is counted of a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    /// When it was due, in seconds since the start of the run.
    pub at_s: f64,
    /// What it was sent for; only what is measured is counted.
    pub phase: Phase,
    /// How it ended.
    pub outcome: Outcome,
    /// Served within its deadline.
    pub in_time: bool,
    /// Seconds from the instant when it was due until its answer was complete.
    pub latency_s: Option<f64>,
    /// Seconds by which it was sent too late; `None` where nobody can be late.
    pub lag_s: Option<f64>,
    /// Given to a peer.
    pub forwarded: bool,
    /// Probes sent for it.
    pub probes: u32,
}

impl From<&JobRecord> for Counted {
    fn from(job: &JobRecord) -> Counted {
        Counted {
            at_s: job.arrival.at_s,
            phase: job.phase,
            outcome: job.outcome,
            in_time: job.in_time(),
            latency_s: job.latency_s(),
            lag_s: job.lag_s(),
            forwarded: job.report.forwarded,
            probes: job.report.probes,
        }
    }
}

/// Counts of jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counts {
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
    /// Latencies of the served ones, added up, in seconds.
    pub latency_s: f64,
}

impl Counts {
    /// A count as a fraction of the jobs that were due.
    pub fn fraction(&self, count: u64) -> f64 {
        if self.offered == 0 { 0.0 } else { count as f64 / self.offered as f64 }
    }

    /// Mean latency of served jobs.
    pub fn latency_mean_s(&self) -> Option<f64> {
        (self.served > 0).then(|| self.latency_s / self.served as f64)
    }

    fn add(&mut self, job: &Counted) {
        self.offered += 1;
        self.in_time += u64::from(job.in_time);
        self.forwarded += u64::from(job.forwarded);
        self.probes += u64::from(job.probes);
        match job.outcome {
            Outcome::Served => {
                self.served += 1;
                self.latency_s += job.latency_s.unwrap_or(0.0);
            }
            Outcome::Dropped => self.dropped += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Cancelled => self.cancelled += 1,
        }
    }
}

/// What is counted of the jobs after the warm-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// All of them.
    pub counts: Counts,
    /// Those that were due in each twentieth of the run.
    pub batches: [Counts; BATCHES],
    /// Latencies of the served ones among these.
    pub batch_latencies: [Distribution; BATCHES],
    /// How many jobs there were at each moment, from the beginning of the warm-up on.
    pub in_system: InSystem,
    /// How late jobs were sent.
    pub lags: Distribution,
    /// Why the first of the failed ones failed, where that is known.
    pub first_failure: Option<String>,
    begins_s: f64,
    batches_per_s: f64,
}

impl Tally {
    /// Nothing is counted yet. `measured_s` are the seconds of the run that are to be counted; jobs that
    /// are due before or after it would go to the first or last batch.
    pub fn new(measured_s: Range<f64>) -> Tally {
        Tally {
            counts: Counts::default(),
            batches: [Counts::default(); BATCHES],
            batch_latencies: std::array::from_fn(|_| Distribution::default()),
            in_system: InSystem::new(measured_s.end),
            lags: Distribution::default(),
            first_failure: None,
            begins_s: measured_s.start,
            batches_per_s: BATCHES as f64 / (measured_s.end - measured_s.start).max(f64::MIN_POSITIVE),
        }
    }

    /// Counts one job.
    pub fn add(&mut self, job: &Counted) {
        if let (Phase::Warmup | Phase::Measured, Some(latency_s)) = (job.phase, job.latency_s) {
            self.in_system.add(job.at_s, latency_s);
        }
        if job.phase != Phase::Measured {
            return;
        }
        self.counts.add(job);
        // Too small and too large numbers go to the first and the last.
        let batch = (((job.at_s - self.begins_s) * self.batches_per_s) as usize).min(BATCHES - 1);
        self.batches[batch].add(job);
        if let (Outcome::Served, Some(latency_s)) = (job.outcome, job.latency_s) {
            self.batch_latencies[batch].add(latency_s);
        }
        if let Some(lag_s) = job.lag_s {
            self.lags.add(lag_s);
        }
    }

    /// Latencies of all served jobs.
    pub fn latencies(&self) -> Distribution {
        let mut all = Distribution::default();
        self.batch_latencies.iter().for_each(|batch| all.merge(batch));
        all
    }

    /// Counts one job of which everything is known.
    pub fn add_record(&mut self, job: &JobRecord) {
        self.add(&Counted::from(job));
        if (job.phase, job.outcome) == (Phase::Measured, Outcome::Failed) {
            self.first_failure.get_or_insert_with(|| failure(job));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;

    fn served(at_s: f64, latency_s: f64) -> Counted {
        Counted::from(&record(0, at_s, Outcome::Served, Some(at_s + latency_s)))
    }

    #[test]
    fn jobs_go_to_the_batch_of_the_instant_when_they_were_due() {
        let mut tally = Tally::new(30.0..130.0);
        for at_s in [30.0, 34.999, 35.0, 129.9, 130.0] {
            tally.add(&served(at_s, 0.5));
        }
        let offered = tally.batches.map(|batch| batch.offered);
        assert_eq!((offered[0], offered[1], offered[19]), (2, 1, 2));
        assert_eq!(offered.iter().sum::<u64>(), tally.counts.offered);
        assert_eq!(tally.batches[0].latency_s, 1.0);
    }

    #[test]
    fn what_is_not_measured_is_not_counted_but_the_warm_up_shows_in_how_many_jobs_there_were() {
        let mut tally = Tally::new(4.0..10.0);
        let untouched = tally.clone();
        tally.add(&Counted { phase: Phase::Training, ..served(-1.0, 0.5) });
        assert_eq!(tally, untouched);
        tally.add(&Counted { phase: Phase::Warmup, ..served(1.0, 0.5) });
        assert_eq!((tally.counts, &tally.batches), (untouched.counts, &untouched.batches));
        assert_ne!(tally.in_system, untouched.in_system);
    }

    #[test]
    fn every_job_has_one_outcome_and_only_served_ones_have_a_latency() {
        let mut tally = Tally::new(0.0..10.0);
        let outcomes =
            [Outcome::Served, Outcome::Dropped, Outcome::Rejected, Outcome::Failed, Outcome::Cancelled];
        for outcome in outcomes {
            tally.add(&Counted { outcome, lag_s: None, ..served(1.0, 0.25) });
        }
        let Counts { offered, served, dropped, rejected, failed, cancelled, .. } = tally.counts;
        assert_eq!([offered, served, dropped, rejected, failed, cancelled], [5, 1, 1, 1, 1, 1]);
        assert_eq!(tally.latencies().count(), 1);
        assert_eq!(tally.counts.latency_mean_s(), Some(0.25));
        assert_eq!(tally.lags.max_s(), None);
    }

    #[test]
    fn the_memory_of_a_tally_does_not_grow_with_the_jobs() {
        let mut tally = Tally::new(0.0..10.0);
        let fill = |tally: &mut Tally, jobs: u32| {
            for job in 0..jobs {
                tally.add(&served(f64::from(job % 10), 1e-6 * f64::from(job % 1_000_000)));
            }
        };
        fill(&mut tally, 1_000_000);
        let memory = |tally: &Tally| tally.batch_latencies.iter().map(Distribution::memory).sum::<usize>();
        let before = memory(&tally);
        fill(&mut tally, 1_000_000);
        assert_eq!(memory(&tally), before);
        // Ten of the batches have jobs.
        assert!(before < 10 * 150_000, "{before} bytes");
    }
}
