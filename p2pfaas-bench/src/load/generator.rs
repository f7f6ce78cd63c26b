//! The thread that sends.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use p2pfaas_sim::arrivals::{Arrival, Schedule};
use parking_lot::Mutex;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::requests::{Answer, Requests};
use super::timer::Timer;
use super::{Driven, LoadError, Session, Targets, Usage};
use crate::answer;
use crate::cost::thread_s;
use crate::experiment::Experiment;
use crate::job::{JobRecord, NodeReport, Outcome};

/// Records that are handed over together while many come.
const BATCH: usize = 64;
/// How old the first of them may become while few come.
const BATCH_AGE: Duration = Duration::from_millis(50);
/// Jobs that the timer sends before answers have their turn, when it is late.
const AT_ONCE: usize = 32;
/// Jobs that are sent after an answer: more than one, so that what is late is caught up with.
const AFTER_AN_ANSWER: usize = 2;
/// Tasks between two looks at timer and sockets.
const EVENT_INTERVAL: u32 = 16;

/// Drives one session. Its tasks share it; all of them are on one thread.
#[derive(Clone)]
pub(super) struct Generator(Arc<Inner>);

struct Inner {
    experiment: Experiment,
    requests: Requests,
    node_ids: Vec<String>,
    began: Instant,
    begins_s: f64,
    ends_s: f64,
    tag: String,
    /// Jobs without an answer at once.
    room: usize,
    cancel: CancellationToken,
    records: mpsc::Sender<Vec<JobRecord>>,
    state: Mutex<State>,
    all_answered: Notify,
}

struct State {
    arrivals: Schedule,
    /// The next of them.
    next: Option<Arrival>,
    unanswered: usize,
    unsent: u64,
    /// Records that wait to be handed over.
    done: Vec<JobRecord>,
    handed_over: Instant,
}

impl Generator {
    pub(super) fn new(
        experiment: &Experiment,
        session: Session,
        targets: &Targets,
        cancel: &CancellationToken,
        records: mpsc::Sender<Vec<JobRecord>>,
    ) -> Generator {
        let Session { mut arrivals, begins_s, ends_s, tag, room } = session;
        let next = arrivals.next();
        let began = Instant::now();
        let state = State { arrivals, next, unanswered: 0, unsent: 0, done: Vec::new(), handed_over: began };
        Generator(Arc::new(Inner {
            experiment: experiment.clone(),
            requests: Requests::new(experiment, targets, room),
            node_ids: targets.node_ids.clone(),
            began,
            begins_s,
            ends_s,
            tag,
            room,
            cancel: cancel.clone(),
            records,
            state: Mutex::new(state),
            all_answered: Notify::new(),
        }))
    }

    /// The second of the run.
    pub(super) fn now_s(&self) -> f64 {
        self.0.begins_s + self.0.began.elapsed().as_secs_f64()
    }

    /// Sends everything on this thread.
    pub(super) fn drive(&self) -> Result<Driven, LoadError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .event_interval(EVENT_INTERVAL)
            .build()?;
        runtime.block_on(async {
            let (cpu_s, began) = (thread_s(), Instant::now());
            self.keep_the_schedule(&Timer::new()?).await?;
            let ended_s = self.now_s().min(self.0.ends_s);
            let cpu_s = thread_s().zip(cpu_s).map(|(now_s, before_s)| now_s - before_s);
            let wall_s = began.elapsed().as_secs_f64();
            let unsent = self.0.state.lock().unsent;
            while self.0.state.lock().unanswered > 0 {
                self.0.all_answered.notified().await;
            }
            let rest = std::mem::take(&mut self.0.state.lock().done);
            // Nobody listens any more only when the records could not be written; that is told elsewhere.
            let _ = self.0.records.send(rest).await;
            match self.0.state.lock().arrivals.failure() {
                Some(failure) => Err(failure.clone().into()),
                None => Ok(Driven { ended_s, usage: Usage { cpu_s, wall_s, unsent } }),
            }
        })
    }

    /// Sends what is due until nothing is to come, and the session is over.
    async fn keep_the_schedule(&self, timer: &Timer) -> std::io::Result<()> {
        while !self.0.cancel.is_cancelled() {
            self.send_what_is_due(AT_ONCE);
            let (next, failed) = {
                let state = self.0.state.lock();
                (state.next, state.arrivals.failure().is_some())
            };
            let left_s = next.map_or(self.0.ends_s, |arrival| arrival.at_s) - self.now_s();
            match next {
                None if failed || left_s <= 0.0 => break,
                _ if left_s > 0.0 => {
                    let sleep = timer.sleep(Duration::from_secs_f64(left_s));
                    self.0.cancel.run_until_cancelled(sleep).await.unwrap_or(Ok(()))?;
                }
                _ => tokio::task::yield_now().await,
            }
        }
        Ok(())
    }

    /// Sends the jobs that are due, those that become due meanwhile included, but not too many.
    fn send_what_is_due(&self, most: usize) {
        for (arrival, has_room) in std::iter::from_fn(|| self.take_due()).take(most) {
            let record = blank(&self.0.experiment, arrival);
            if has_room {
                self.begin(record);
            } else {
                let error = Some(format!("not sent: {} jobs were without an answer", self.0.room));
                self.0.state.lock().unsent += 1;
                self.hand_over(JobRecord { error, ..record });
            }
        }
    }

    fn take_due(&self) -> Option<(Arrival, bool)> {
        let mut state = self.0.state.lock();
        let due = state.next.filter(|arrival| arrival.at_s <= self.now_s())?;
        if self.0.cancel.is_cancelled() {
            return None;
        }
        state.next = state.arrivals.next();
        // What waits to be handed over counts, so that records are bounded too.
        let has_room = state.unanswered + state.done.len() < self.0.room;
        state.unanswered += usize::from(has_room);
        Some((due, has_room))
    }

    /// Sends a job now, and not when the tasks before it have had their turns: the first step is made
    /// here, and a task waits for the answer. A task's bound on what it may do at once is not for it.
    fn begin(&self, record: JobRecord) {
        let mut job = Box::pin(tokio::task::unconstrained(self.clone().job(record)));
        match job.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(record) => self.ended(record),
            Poll::Pending => {
                let generator = self.clone();
                tokio::spawn(async move {
                    let record = job.await;
                    generator.ended(record);
                    generator.send_what_is_due(AFTER_AN_ANSWER);
                });
            }
        }
    }

    async fn job(self, mut record: JobRecord) -> JobRecord {
        record.sent_s = Some(self.now_s());
        let call = self.0.requests.send(&record.arrival, &self.0.tag);
        match self.0.cancel.run_until_cancelled(call).await {
            None => record.outcome = Outcome::Cancelled,
            Some(Ok(answer)) => {
                record.answered_s = Some(self.now_s());
                self.note(&mut record, &answer);
            }
            Some(Err(error)) => {
                record.answered_s = Some(self.now_s());
                record.error = Some(error.to_string());
            }
        }
        record
    }

    fn note(&self, record: &mut JobRecord, answer: &Answer) {
        let status = answer.status();
        record.report = answer::report(answer.headers());
        record.status = Some(status.as_u16());
        if !status.is_success() {
            record.code = answer::error_code(answer.body());
        }
        record.outcome = Outcome::of(status.as_u16(), record.code);
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
            Some(id) => self.0.node_ids.iter().position(|known| known == id).map(|node| node as u32),
        }
    }

    fn ended(&self, record: JobRecord) {
        let mut state = self.0.state.lock();
        state.unanswered -= 1;
        if state.unanswered == 0 {
            self.0.all_answered.notify_one();
        }
        drop(state);
        self.hand_over(record);
    }

    /// Without waiting: what there is no room for stays, and is tried again with the next.
    fn hand_over(&self, record: JobRecord) {
        let mut state = self.0.state.lock();
        state.done.push(record);
        if state.done.len() < BATCH && state.handed_over.elapsed() < BATCH_AGE {
            return;
        }
        state.handed_over = Instant::now();
        let batch = std::mem::take(&mut state.done);
        if let Err(TrySendError::Full(batch)) = self.0.records.try_send(batch) {
            state.done = batch;
        }
    }
}

/// A job that nothing has happened to yet: failed, unless more becomes known.
fn blank(experiment: &Experiment, arrival: Arrival) -> JobRecord {
    JobRecord {
        arrival,
        phase: experiment.phase(arrival.at_s),
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
