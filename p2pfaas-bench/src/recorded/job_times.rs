//! What single jobs took, whatever policy they were run under.

use std::collections::HashMap;
use std::path::Path;

use p2pfaas_sim::arrivals::{Arrival, TraceError};

use super::rows::Rows;
use super::{jobs_of, speeds};

/// The service times of the jobs of a results folder, by seed and job.
#[derive(Debug, Default)]
pub struct JobTimes(HashMap<(u64, u64), Job>);

#[derive(Debug)]
struct Job {
    at_s: f64,
    node: u32,
    task_type: u16,
    service_s: f64,
}

impl JobTimes {
    /// Reads them. Of a job that was run under several policies, the first one counts.
    ///
    /// # Errors
    /// The file or a row is not right.
    pub fn read(folder: &Path) -> Result<JobTimes, TraceError> {
        let path = &jobs_of(folder)?;
        let speeds = speeds::beside(path)?.unwrap_or_default();
        let mut times = HashMap::new();
        for row in Rows::open(path)? {
            let row = row?;
            // A training numbers its jobs for itself.
            if let (Some((took_s, by)), true) = (row.ran, row.scheduled_s >= 0.0) {
                times.entry((row.seed, row.job)).or_insert(Job {
                    at_s: row.scheduled_s,
                    node: row.node,
                    task_type: row.task_type,
                    service_s: took_s * speeds.of(by),
                });
            }
        }
        Ok(JobTimes(times))
    }

    /// What this job takes at speed 1, seconds, if it is known beforehand or was run there: the same job under
    /// the same seed, that is at the same instant and node.
    pub fn of(&self, seed: u64, arrival: &Arrival) -> Option<f64> {
        arrival.service_s.or_else(|| {
            let job = self.0.get(&(seed, arrival.number))?;
            let same = (job.at_s, job.node, job.task_type) == (arrival.at_s, arrival.node, arrival.task_type);
            same.then_some(job.service_s)
        })
    }
}
