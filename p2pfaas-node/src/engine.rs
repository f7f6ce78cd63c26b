//! The state machine behind one lock, and the mail of the jobs that it moves.
//!
//! Each job is driven by one task, which feeds events about its own job and gets back what to do
//! next. What concerns another job (its turn has come, its time is over) goes to that job's
//! mailbox and wakes its task.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use http::HeaderValue;
use p2pfaas_core::agent::{Choice, Experience, Observation};
use p2pfaas_core::offers::Question;
use p2pfaas_core::policy::{Descriptor, Policy};
use p2pfaas_core::{
    Arrival, Counters, Effects, Event, Forward, JobId, JobKey, Node, NodeId, Outcome, PeerId, Peers, Report,
    Time, Timings,
};
use p2pfaas_learner::Entry;
use parking_lot::Mutex;
use rand_xoshiro::Xoshiro256PlusPlus;
use smallvec::{SmallVec, smallvec};
use tokio::sync::Notify;

use crate::dashboard::Choices;
use crate::event_log::EventLog;
use crate::learner::{AgentError, Asked, Link};

/// What a job's task is to do next.
#[derive(Debug)]
pub(crate) enum Command {
    Execute,
    /// Peers, each with what it is asked.
    Probe(SmallVec<[(PeerId, Option<Question>); 2]>),
    Forward(Box<Forward>),
    End(Box<Ending>),
}

/// How a job ended, as its task tells it to whoever brought the job.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub id: JobId,
    pub outcome: Outcome,
    pub policy: HeaderValue,
    pub timings: Timings,
    pub forwarded: bool,
    pub probes: u32,
    pub learned: Option<LearnedJob>,
}

/// What the learner saw and chose for a job, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct LearnedJob {
    pub eid: u64,
    pub state: Vec<f64>,
    pub choice: Choice,
    pub reward: Option<f64>,
}

#[derive(Debug, Default)]
struct Mailbox {
    command: Option<Command>,
    waker: Option<Waker>,
}

type Mailboxes = HashMap<JobKey, Mailbox>;

/// Keeps the last policy name as a header value, so that answers share its bytes.
#[derive(Debug)]
struct PolicyHeader {
    name: String,
    value: HeaderValue,
}

impl PolicyHeader {
    fn of(&mut self, name: &str) -> HeaderValue {
        if self.name != name {
            self.name = name.to_string();
            self.value = HeaderValue::from_str(name).unwrap_or(HeaderValue::from_static("unprintable"));
        }
        self.value.clone()
    }
}

struct Inner {
    node: Node,
    rng: Xoshiro256PlusPlus,
    mailboxes: Mailboxes,
    policy_header: PolicyHeader,
    log: Option<EventLog>,
    seen: Seen,
}

/// What the state machine does not count.
#[derive(Default)]
pub(crate) struct Seen {
    /// Jobs served after their deadline.
    pub late: u64,
    /// What a learner chose, and what came of it.
    pub choices: Choices,
}

/// The moment for which the state machine wants to be woken.
struct Alarm {
    at_nanos: AtomicU64,
    changed: Notify,
}

pub(crate) struct Engine {
    inner: Mutex<Inner>,
    learner: Link,
    origin: Instant,
    alarm: Alarm,
}

/// The sink of effects: mail for jobs, and what is to be done once the node has finished.
struct Post<'a> {
    own: Option<JobKey>,
    own_command: Option<Command>,
    mailboxes: &'a mut Mailboxes,
    policy_header: &'a mut PolicyHeader,
    seen: &'a mut Seen,
    to_wake: smallvec::SmallVec<[Waker; 2]>,
    asks: Vec<(JobKey, Observation)>,
    learned: Vec<Entry>,
    wake_at: Option<Time>,
}

impl Post<'_> {
    fn deliver(&mut self, job: JobKey, command: Command) {
        let place = if self.own.is_none_or(|own| own == job) {
            &mut self.own_command
        } else {
            let mailbox = self.mailboxes.entry(job).or_default();
            self.to_wake.extend(mailbox.waker.take());
            &mut mailbox.command
        };
        match (place, command) {
            (Some(Command::Probe(peers)), Command::Probe(more)) => peers.extend(more),
            (place, command) => *place = Some(command),
        }
    }
}

impl Effects for Post<'_> {
    fn execute(&mut self, job: JobKey) {
        self.deliver(job, Command::Execute);
    }
    fn probe(&mut self, job: JobKey, peer: PeerId, question: Option<&Question>) {
        self.deliver(job, Command::Probe(smallvec![(peer, question.copied())]));
    }
    fn forward(&mut self, job: JobKey, forward: &Forward) {
        self.deliver(job, Command::Forward(Box::new(forward.clone())));
    }
    fn ask(&mut self, job: JobKey, observation: &Observation) {
        self.asks.push((job, observation.clone()));
    }
    fn learn(&mut self, experience: &Experience<'_>) {
        self.seen.choices.add(experience);
        self.learned.push(Entry::from(experience));
    }
    fn answer(&mut self, job: JobKey, report: &Report<'_>) {
        self.seen.late += u64::from(report.outcome == Outcome::Served && !report.in_time);
        let ending = Ending {
            id: report.id,
            outcome: report.outcome,
            policy: self.policy_header.of(report.policy),
            timings: report.timings,
            forwarded: report.forwarded_to.is_some(),
            probes: report.probes,
            learned: report.learned.map(|learned| LearnedJob {
                eid: learned.eid,
                state: learned.state.to_vec(),
                choice: learned.choice,
                reward: learned.reward,
            }),
        };
        self.deliver(job, Command::End(Box::new(ending)));
    }
    /// The answer follows at once, and a task that gets it drops what it was doing.
    fn abandon(&mut self, _: JobKey) {}
    fn wake_at(&mut self, at: Time) {
        self.wake_at = Some(at);
    }
}

impl Engine {
    pub(crate) fn new(
        node: Node,
        rng: Xoshiro256PlusPlus,
        learner: Link,
        log: Option<EventLog>,
    ) -> Arc<Self> {
        let policy_header = PolicyHeader { name: String::new(), value: HeaderValue::from_static("") };
        let mut seen = Seen::default();
        seen.choices.mean(node.policy().state_space(node.slots()));
        let inner = Inner { node, rng, mailboxes: Mailboxes::new(), policy_header, log, seen };
        Arc::new(Engine {
            inner: Mutex::new(inner),
            learner,
            origin: Instant::now(),
            alarm: Alarm { at_nanos: AtomicU64::new(u64::MAX), changed: Notify::new() },
        })
    }

    fn now(&self) -> Time {
        Time::from_nanos(self.origin.elapsed().as_nanos() as u64)
    }

    /// A job has arrived: its key, and what to do first (`None`: wait for mail).
    pub(crate) fn arrive(&self, arrival: Arrival) -> (JobKey, Option<Command>) {
        let mut inner = self.inner.lock();
        // All that an arrival causes concerns the arriving job, whose key is not known yet.
        let (key, command) = self.step(&mut inner, None, Event::Arrive(arrival));
        let Some(key) = key else { unreachable!("an arrival always has a key") };
        if command.is_none() {
            inner.mailboxes.insert(key, Mailbox::default());
        }
        (key, command)
    }

    /// Something has happened to this job: what to do next (`None`: go on, or wait for mail).
    pub(crate) fn feed(&self, job: JobKey, event: Event) -> Option<Command> {
        let mut inner = self.inner.lock();
        let (_, command) = self.step(&mut inner, Some(job), event);
        // Mail that came before the event wins: the event was too late.
        let command = command.or_else(|| inner.mailboxes.entry(job).or_default().command.take());
        if command.is_some() {
            inner.mailboxes.remove(&job);
        }
        command
    }

    /// Mail for this job.
    pub(crate) fn poll_command(&self, job: JobKey, context: &mut Context<'_>) -> Poll<Command> {
        let mut inner = self.inner.lock();
        let mailbox = inner.mailboxes.entry(job).or_default();
        match mailbox.command.take() {
            Some(command) => {
                inner.mailboxes.remove(&job);
                Poll::Ready(command)
            }
            None => {
                mailbox.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The job has ended and nobody waits for mail about it any more.
    pub(crate) fn forget(&self, job: JobKey) {
        self.inner.lock().mailboxes.remove(&job);
    }

    /// Ends every job under way: its task gets its end as mail.
    pub(crate) fn end_all(&self) {
        let under_way = || {
            let inner = self.inner.lock();
            let ended = |mailbox: &Mailbox| matches!(mailbox.command, Some(Command::End(_)));
            inner
                .mailboxes
                .iter()
                .filter(|(_, mailbox)| !ended(mailbox))
                .map(|(job, _)| *job)
                .collect::<Vec<_>>()
        };
        for job in under_way() {
            self.notice(Event::Cancel { job });
        }
        // A cancelled job lets its function finish; there is no time for that now.
        for job in under_way() {
            self.notice(Event::Executed { job, success: false });
        }
    }

    /// Other peers are there now; `tell` learns of them before anything can be sent to one.
    pub(crate) fn set_peers(&self, peers: Vec<(String, Option<NodeId>)>, tell: impl FnOnce(&Peers)) {
        let mut inner = self.inner.lock();
        self.step(&mut inner, Some(JobKey::NOBODY), Event::SetPeers(peers));
        tell(inner.node.peers());
    }

    /// Something has happened that belongs to no job's task.
    pub(crate) fn notice(&self, event: Event) {
        let mut inner = self.inner.lock();
        self.step(&mut inner, Some(JobKey::NOBODY), event);
    }

    /// Changes the policy. One whose states the agent does not know is refused.
    pub(crate) fn set_policy(&self, policy: Box<dyn Policy>) -> Result<(), AgentError> {
        let mut inner = self.inner.lock();
        let space = policy.state_space(inner.node.slots());
        self.learner.adopt(space.clone())?;
        inner.seen.choices.mean(space);
        let at = self.now();
        if let Some(log) = &mut inner.log {
            log.policy(at, policy.descriptor());
        }
        inner.node.set_policy(policy);
        Ok(())
    }

    pub(crate) fn policy(&self) -> Descriptor {
        self.inner.lock().node.policy().descriptor()
    }

    pub(crate) fn counters(&self) -> Counters {
        *self.inner.lock().node.counters()
    }

    /// Reads something of the node.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Node) -> T) -> T {
        read(&self.inner.lock().node)
    }

    /// Reads something of the node and of what has been seen of it, at this moment.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Node, &Seen, Time) -> T) -> T {
        let inner = self.inner.lock();
        look(&inner.node, &inner.seen, self.now())
    }

    /// The way to the learner.
    pub(crate) fn learner(&self) -> &Link {
        &self.learner
    }

    /// Writes out what the event log still holds, and ends it.
    pub(crate) fn close_log(&self) {
        if let Some(mut log) = self.inner.lock().log.take() {
            log.flush();
        }
    }

    fn step(
        &self,
        inner: &mut Inner,
        own: Option<JobKey>,
        event: Event,
    ) -> (Option<JobKey>, Option<Command>) {
        let now = self.now();
        let Inner { node, rng, mailboxes, policy_header, log, seen } = inner;
        let mut post = Post {
            own,
            own_command: None,
            mailboxes,
            policy_header,
            seen,
            to_wake: smallvec::SmallVec::new(),
            asks: Vec::new(),
            learned: Vec::new(),
            wake_at: None,
        };
        let mut turn = |now, event: Event, post: &mut Post<'_>| match log {
            None => handle(node, now, event, rng, post),
            Some(log) => {
                log.record(now, event, |event, effects| handle(node, now, event, rng, &mut (post, effects)))
            }
        };
        let key = turn(now, event, &mut post);
        while let Some((job, observation)) = post.asks.pop() {
            if let Asked::Now(choice) = self.learner.ask(job, &observation) {
                turn(now, Event::Acted { job, choice }, &mut post);
            }
        }
        let Post { own_command, to_wake, wake_at, learned, .. } = post;
        for entry in learned {
            self.learner.learn(entry);
        }
        if let Some(at) = wake_at {
            self.alarm.at_nanos.store(at.as_nanos(), Ordering::Release);
            self.alarm.changed.notify_one();
        }
        for waker in to_wake {
            waker.wake();
        }
        (key, own_command)
    }

    /// Wakes the state machine when it wants to be. Runs as long as the node.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        loop {
            let at = self.alarm.at_nanos.load(Ordering::Acquire);
            if at == u64::MAX {
                self.alarm.changed.notified().await;
                continue;
            }
            let due = self.origin + Duration::from_nanos(at);
            tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {
                    // A new alarm set by the wake-up itself must not be lost: clear before waking.
                    let cleared = self.alarm.at_nanos.compare_exchange(at, u64::MAX, Ordering::AcqRel, Ordering::Acquire);
                    if cleared.is_ok() {
                        self.notice(Event::Wake);
                    }
                }
                () = self.alarm.changed.notified() => {}
            }
        }
    }
}

/// One turn of the crank; the key if a job arrived.
fn handle<E: Effects>(
    node: &mut Node,
    now: Time,
    event: Event,
    rng: &mut Xoshiro256PlusPlus,
    effects: &mut E,
) -> Option<JobKey> {
    match event {
        Event::Arrive(arrival) => Some(node.arrive(now, arrival, rng, effects)),
        event => {
            node.handle(now, event, rng, effects);
            None
        }
    }
}
