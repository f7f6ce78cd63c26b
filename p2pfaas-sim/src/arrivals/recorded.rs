//! The arrivals of a run that was recorded.

use std::fmt;
use std::sync::Arc;

use super::{LeftOut, TraceError};

/// A job of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordedJob {
    /// When it was due, seconds since the start of the recorded run.
    pub at_s: f64,
    /// The node that it came to.
    pub node: u32,
    /// Its task type; without one it is drawn by the traffic's shares.
    pub task_type: Option<u16>,
    /// What it took on a device of speed 1, seconds, where it was run.
    pub service_s: Option<f64>,
}

/// The jobs of a recording, in the order of their instants.
pub type RecordedJobs = Box<dyn Iterator<Item = Result<RecordedJob, TraceError>> + Send>;

/// A recording that can be played more than once.
pub trait Recording: fmt::Debug + Send + Sync {
    /// Begins to read.
    ///
    /// # Errors
    /// It cannot be read.
    fn open(&self) -> Result<RecordedJobs, TraceError>;

    /// How many jobs there are.
    fn count(&self) -> u64;

    /// When the first one is due, seconds; less than 0 where a training was recorded.
    fn first_s(&self) -> f64;

    /// What is broken in its file, where that was left out.
    fn left_out(&self) -> Option<&LeftOut> {
        None
    }
}

/// Plays a recording.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What is played.
    pub recording: Arc<dyn Recording>,
    /// Where in the recording the run's second 0 is, seconds.
    pub from_s: f64,
}

impl PartialEq for Recorded {
    /// The same recording, not only an equal one.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.recording, &other.recording) && self.from_s == other.from_s
    }
}

/// The jobs between two seconds of the run.
pub(super) struct Playing {
    jobs: RecordedJobs,
    from_s: f64,
    begins_s: f64,
    /// The job that is next.
    pub job: RecordedJob,
}

impl Playing {
    pub fn new(recorded: &Recorded, begins_s: f64) -> Result<Self, TraceError> {
        let job = RecordedJob { at_s: 0.0, node: 0, task_type: None, service_s: None };
        Ok(Playing { jobs: recorded.recording.open()?, from_s: recorded.from_s, begins_s, job })
    }

    /// Takes the next job; its instant, infinity after the last.
    pub fn next(&mut self) -> Result<f64, TraceError> {
        for job in self.jobs.by_ref() {
            self.job = job?;
            let at_s = self.job.at_s - self.from_s;
            if at_s >= self.begins_s {
                return Ok(at_s);
            }
        }
        Ok(f64::INFINITY)
    }
}

impl fmt::Debug for Playing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Playing").field("job", &self.job).finish_non_exhaustive()
    }
}
