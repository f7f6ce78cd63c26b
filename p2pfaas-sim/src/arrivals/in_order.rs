//! Jobs of a file that is not in the order of their instants.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::path::PathBuf;

use super::{RecordedJob, TraceError};

/// Jobs that may wait for an earlier one: 56 bytes each.
pub const MOST_WAITING: usize = 1 << 20;

/// By how much jobs come too late in a file, which is read once for that.
#[derive(Debug, Clone, Copy)]
pub struct Lateness {
    newest_s: f64,
    late_s: f64,
}

impl Default for Lateness {
    fn default() -> Self {
        Lateness { newest_s: f64::NEG_INFINITY, late_s: 0.0 }
    }
}

impl Lateness {
    /// The next job of the file is due at this second.
    pub fn add(&mut self, at_s: f64) {
        self.newest_s = self.newest_s.max(at_s);
        self.late_s = self.late_s.max(self.newest_s - at_s);
    }

    /// The last instant.
    pub fn newest_s(&self) -> f64 {
        self.newest_s
    }

    /// By so many seconds may a job that was due earlier come later.
    pub fn late_s(&self) -> f64 {
        self.late_s
    }
}

/// Puts jobs in the order of their instants, and equal ones in that of their numbers. Only those wait in
/// memory that are due within the lateness of the file, and of them at most [`MOST_WAITING`].
#[derive(Debug)]
pub struct InOrder<I> {
    jobs: I,
    path: PathBuf,
    late_s: f64,
    newest_s: f64,
    ended: bool,
    waiting: BinaryHeap<Reverse<Waiting>>,
}

impl<I> InOrder<I> {
    /// Of a file with this lateness; the jobs have numbers.
    pub fn new(jobs: I, path: PathBuf, lateness: Lateness) -> Self {
        InOrder {
            jobs,
            path,
            // Differences are rounded.
            late_s: lateness.late_s * (1.0 + 1e-9) + 1e-9,
            newest_s: f64::NEG_INFINITY,
            ended: false,
            waiting: BinaryHeap::new(),
        }
    }
}

impl<I: Iterator<Item = Result<(RecordedJob, u64), TraceError>>> Iterator for InOrder<I> {
    type Item = Result<RecordedJob, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let due = |Reverse(first): &Reverse<Waiting>| first.job.at_s < self.newest_s - self.late_s;
            if self.ended || self.waiting.peek().is_some_and(due) {
                return self.waiting.pop().map(|Reverse(first)| Ok(first.job));
            }
            match self.jobs.next() {
                None => self.ended = true,
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(_)) if self.waiting.len() == MOST_WAITING => {
                    let reason = format!(
                        "more than {MOST_WAITING} jobs would have to wait in memory for earlier ones that come \
                         later in the file; sort it by the instants of the jobs, or take a part"
                    );
                    return Some(Err(TraceError::File { path: self.path.clone(), reason }));
                }
                Some(Ok((job, number))) => {
                    self.newest_s = self.newest_s.max(job.at_s);
                    self.waiting.push(Reverse(Waiting { job, number }));
                }
            }
        }
    }
}

/// A job that another one may still come before.
#[derive(Debug)]
struct Waiting {
    job: RecordedJob,
    number: u64,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.job.at_s.total_cmp(&other.job.at_s).then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}
