//! The open-loop load generator: it sends on schedule, whatever the answers do.
//!
//! One thread does it all: it has an asynchronous runtime of its own, and whoever is at work on it, be it
//! the timer or a job that has just got its answer, sends first what has become due meanwhile. So jobs
//! go out on time while answers stream in, and no job crosses from one thread to another. Latency counts
//! from the instant when a job was due, so that a generator or a node that falls behind shows in the
//! latencies instead of thinning out the load.

mod generator;
mod open_files;
mod requests;
mod timer;
mod usage;

use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use p2pfaas_sim::arrivals::{Schedule, TraceError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::experiment::Experiment;
use crate::job::JobRecord;
use generator::Generator;

pub use requests::function_uri;
pub use usage::{GeneratorSummary, Usage, warnings};

/// A job without an answer by then has failed.
pub const TIME_OUT: Duration = Duration::from_secs(30);
/// Jobs without an answer at once, fewer where the system gives too few sockets. One more has failed
/// without being sent: bounds memory and sockets.
pub const MAX_UNANSWERED: usize = 10_000;
/// Between two calls of a [`Watch`].
const GLANCE: Duration = Duration::from_millis(20);

/// Whom the jobs go to, and with what.
#[derive(Debug, Clone)]
pub struct Targets {
    /// Ids of the nodes.
    pub node_ids: Vec<String>,
    /// Where each node offers each task type's function.
    pub functions: Vec<Vec<Uri>>,
    /// The payloads of each task type; never empty.
    pub payloads: Vec<Vec<Bytes>>,
}

/// Hears how a run goes on, beside the thread that sends.
pub trait Watch {
    /// So many seconds of the run are over; less than 0 while there is training before it.
    fn at(&mut self, second: f64);
}

/// A stretch of traffic: the run itself, or the training before it.
#[derive(Debug)]
pub struct Session {
    arrivals: Schedule,
    begins_s: f64,
    ends_s: f64,
    /// Stands before a job's number in its tracing id, and so decides about its demand.
    tag: String,
    /// Jobs without an answer at once.
    room: usize,
}

impl Session {
    /// The run: warm-up, what is measured, and cool-down.
    pub fn run(experiment: &Experiment, seed: u64) -> Session {
        Session {
            arrivals: Schedule::new(&experiment.traffic, seed, experiment.horizon_s()),
            begins_s: 0.0,
            ends_s: experiment.horizon_s(),
            tag: tag(&experiment.name, seed),
            room: MAX_UNANSWERED,
        }
    }

    /// So many seconds of training, with jobs of their own.
    pub fn training(experiment: &Experiment, seed: u64, train_s: f64) -> Session {
        Session {
            arrivals: Schedule::training(&experiment.traffic, seed, train_s),
            begins_s: -train_s,
            ends_s: 0.0,
            tag: format!("{}-training", tag(&experiment.name, seed)),
            room: MAX_UNANSWERED,
        }
    }
}

/// A session that was driven to its end, or to where it was cancelled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Driven {
    /// The second at which it ended.
    pub ended_s: f64,
    /// What it took of the thread that sent.
    pub usage: Usage,
}

/// Jobs that cannot be sent any more; those before that have been.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The thread that sends, or its timer, cannot be had.
    #[error("cannot start the load generator: {0}")]
    Start(#[from] std::io::Error),
    /// A trace cannot be read any more.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

/// Sends the jobs of one session and waits for their answers; each becomes a record, handed over in
/// small batches. Ends early when cancelled: what is not answered by then is recorded as cancelled, what
/// was not due is not recorded. Blocks.
///
/// # Errors
/// Nothing could be sent, or the rest could not.
pub fn drive(
    experiment: &Experiment,
    session: Session,
    targets: &Targets,
    cancel: &CancellationToken,
    records: mpsc::Sender<Vec<JobRecord>>,
    watch: &mut dyn Watch,
) -> Result<Driven, LoadError> {
    let session = Session { room: session.room.min(open_files::room()), ..session };
    let generator = Generator::new(experiment, session, targets, cancel, records);
    std::thread::scope(|scope| {
        let (watcher, generator) = (std::thread::current(), &generator);
        let sending =
            std::thread::Builder::new().name("generator".into()).spawn_scoped(scope, move || {
                let driven = generator.drive();
                watcher.unpark();
                driven
            })?;
        while !sending.is_finished() {
            watch.at(generator.now_s());
            std::thread::park_timeout(GLANCE);
        }
        watch.at(generator.now_s());
        sending.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Stands before the job's number in its tracing id; only what may stand in a header.
fn tag(experiment: &str, seed: u64) -> String {
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '_' };
    format!("{}-{seed}", experiment.chars().map(safe).collect::<String>())
}

#[cfg(test)]
mod tests;
