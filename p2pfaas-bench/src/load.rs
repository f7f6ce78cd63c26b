//! The open-loop load generator: it sends on schedule, whatever the answers do.
//!
//! A thread of its own keeps the schedule, since a timer of the asynchronous runtime is only exact to
//! a millisecond; each job is then a task. Latency counts from the instant when a job was due, so that
//! a generator or a node that falls behind shows in the latencies instead of thinning out the load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Uri;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer;
use crate::client::{Answer, Call, CallError, Client};
use crate::emulate::with_demand;
use crate::experiment::Experiment;
use crate::job::{JobRecord, NodeReport, Outcome, Phase};
use p2pfaas_sim::arrivals::{Arrival, Schedule, TraceError};

/// Jobs without an answer at once. One more has failed without being sent: bounds memory and sockets.
const MAX_UNANSWERED: usize = 10_000;
/// Between two looks at the clock while nothing is due: how fast an interruption takes effect.
const GLANCE: Duration = Duration::from_millis(50);

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

/// Hears how a run goes on; called between two jobs, so it must be quick.
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
}

impl Session {
    /// The run: warm-up, and what is measured.
    pub fn run(experiment: &Experiment, seed: u64) -> Session {
        Session {
            arrivals: Schedule::new(&experiment.traffic, seed, experiment.horizon_s()),
            begins_s: 0.0,
            ends_s: experiment.horizon_s(),
            tag: tag(&experiment.name, seed),
        }
    }

    /// So many seconds of training, with jobs of their own.
    pub fn training(experiment: &Experiment, seed: u64, train_s: f64) -> Session {
        Session {
            arrivals: Schedule::training(&experiment.traffic, seed, train_s),
            begins_s: -train_s,
            ends_s: 0.0,
            tag: format!("{}-training", tag(&experiment.name, seed)),
        }
    }
}

/// Sends the jobs of one session and waits for their answers; each becomes a record. Ends early when
/// cancelled: what is not answered by then is recorded as cancelled, what was not due is not recorded.
///
/// Returns the second at which it ended.
///
/// # Errors
/// A trace cannot be read any more; the jobs before that have been sent.
pub fn drive(
    experiment: &Experiment,
    session: Session,
    targets: Targets,
    runtime: &Handle,
    cancel: &CancellationToken,
    records: mpsc::Sender<JobRecord>,
    watch: &mut dyn Watch,
) -> Result<f64, TraceError> {
    let Session { mut arrivals, begins_s, ends_s, tag } = session;
    let sender = Arc::new(Sender {
        client: Client::default(),
        targets,
        began: Instant::now(),
        begins_s,
        tag,
        cancel: cancel.clone(),
        records,
    });
    let room = Arc::new(Semaphore::new(MAX_UNANSWERED));
    let tasks = TaskTracker::new();
    for arrival in arrivals.by_ref() {
        if !sender.wait_until(arrival.at_s, watch) {
            break;
        }
        let record = blank(experiment, arrival);
        let permit = Arc::clone(&room).try_acquire_owned().ok();
        tasks.spawn_on(Arc::clone(&sender).send(record, permit), runtime);
    }
    if arrivals.failure().is_none() {
        sender.wait_until(ends_s, watch);
    }
    let ended_s = sender.now_s().min(ends_s);
    tasks.close();
    while runtime.block_on(async { tokio::time::timeout(GLANCE, tasks.wait()).await.is_err() }) {
        watch.at(sender.now_s());
    }
    arrivals.failure().map_or(Ok(ended_s), |failure| Err(failure.clone()))
}

struct Sender {
    client: Client,
    targets: Targets,
    began: Instant,
    begins_s: f64,
    tag: String,
    cancel: CancellationToken,
    records: mpsc::Sender<JobRecord>,
}

impl Sender {
    fn now_s(&self) -> f64 {
        self.begins_s + self.began.elapsed().as_secs_f64()
    }

    /// Sleeps until a moment of the run; false when it was cancelled before.
    fn wait_until(&self, second: f64, watch: &mut dyn Watch) -> bool {
        loop {
            if self.cancel.is_cancelled() {
                return false;
            }
            let now_s = self.now_s();
            watch.at(now_s);
            if now_s >= second {
                return true;
            }
            std::thread::sleep(Duration::from_secs_f64(second - now_s).min(GLANCE));
        }
    }

    /// Holds the permit until the record is delivered, so that records are bounded too.
    async fn send(self: Arc<Self>, mut record: JobRecord, permit: Option<OwnedSemaphorePermit>) {
        if permit.is_some() {
            record.sent_s = Some(self.now_s());
            let outcome = self.cancel.run_until_cancelled(self.client.call(self.call(&record))).await;
            match outcome {
                None => record.outcome = Outcome::Cancelled,
                Some(answer) => {
                    record.answered_s = Some(self.now_s());
                    self.note(&mut record, answer);
                }
            }
        } else {
            record.error = Some(format!("not sent: {MAX_UNANSWERED} jobs were without an answer"));
        }
        // Nobody listens any more only when the records could not be written; that is told elsewhere.
        let _ = self.records.send(record).await;
    }

    fn call(&self, record: &JobRecord) -> Call {
        let Arrival { number, node, task_type, payload, service_s, .. } = record.arrival;
        let payloads = &self.targets.payloads[usize::from(task_type)];
        Call {
            uri: self.targets.functions[node as usize][usize::from(task_type)].clone(),
            payload: payloads[payload as usize % payloads.len()].clone(),
            task_type,
            deadline_s: record.deadline_s,
            tracing: with_demand(format!("{}-{number}", self.tag), service_s),
        }
    }

    fn note(&self, record: &mut JobRecord, answer: Result<Answer, CallError>) {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                record.error = Some(error.to_string());
                return;
            }
        };
        record.report = answer::report(&answer.headers);
        record.status = Some(answer.status.as_u16());
        if !answer.status.is_success() {
            record.code = answer::error_code(&answer.body);
        }
        record.outcome = Outcome::of(answer.status.as_u16(), record.code);
        if matches!(record.outcome, Outcome::Dropped | Outcome::Rejected) {
            // A peer that dropped the job shows as 0 seconds, as in the reference.
            record.report.execution_s = None;
            record.report.queue_s = None;
        }
        record.executed_by = self.executed_by(record);
    }

    fn executed_by(&self, record: &JobRecord) -> Option<u32> {
        record.report.execution_s?;
        match &record.report.last_node {
            None => Some(record.arrival.node),
            Some(id) => self.targets.node_ids.iter().position(|known| known == id).map(|node| node as u32),
        }
    }
}

/// A job that nothing has happened to yet: failed, unless more becomes known.
fn blank(experiment: &Experiment, arrival: Arrival) -> JobRecord {
    let phase = match arrival.at_s {
        at_s if at_s < 0.0 => Phase::Training,
        at_s if at_s < experiment.warmup_s => Phase::Warmup,
        _ => Phase::Measured,
    };
    JobRecord {
        arrival,
        phase,
        deadline_s: experiment.jobs[usize::from(arrival.task_type)].deadline_s,
        sent_s: None,
        answered_s: None,
        outcome: Outcome::Failed,
        status: None,
        code: None,
        error: None,
        executed_by: None,
        report: NodeReport::default(),
    }
}

/// Stands before the job's number in its tracing id; only what may stand in a header.
fn tag(experiment: &str, seed: u64) -> String {
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '_' };
    format!("{}-{seed}", experiment.chars().map(safe).collect::<String>())
}

#[cfg(test)]
mod tests;
