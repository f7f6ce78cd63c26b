//! One of our nodes from its start until it breaks down or leaves, with all that its driver knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use p2pfaas_core::{
    Capacity, Counters, Effect, Event, ForwardAnswer, JobId, JobKey, Node, NodeConfig, NodeId, PeerId,
    Source, Time,
};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::clock::Clock;
use super::happening::{Brought, Whom};

/// Keys of answered jobs that are kept, for events that come too late.
const DEAD_KEYS: usize = 16;

pub(super) struct Life {
    pub whom: Whom,
    pub node: Node,
    pub rng: Xoshiro256PlusPlus,
    pub clock: Clock,
    pub config: NodeConfig,
    pub capacity: Capacity,
    pub learner_at_once: bool,
    pub tasks: BTreeMap<JobKey, Task>,
    pub dead: VecDeque<JobKey>,
    /// When it wants to be woken, and the number of that wish.
    pub alarm: Option<Time>,
    pub alarms: u64,
    /// It takes no new jobs.
    pub draining: bool,
    /// Connections that were closed before their job was there.
    pub closed: BTreeSet<u64>,
    /// Ids that it must remember, oldest first.
    pub forwarded: VecDeque<JobId>,
    /// Jobs of peers that have been here, each by the last node of its path.
    pub taken: BTreeSet<(JobId, Option<NodeId>)>,
    pub learned: BTreeSet<u64>,
    /// What its counters must be.
    pub seen: Counters,
    /// What they were.
    pub counted: Counters,
    /// Forwards of which nothing has been sent.
    pub not_reached: u64,
    /// Policies that it was given.
    pub policies: usize,
}

/// A job under way, as its driver sees it.
#[derive(Debug)]
pub(super) struct Task {
    pub brought: Brought,
    pub id: JobId,
    pub source: Source,
    pub arrived: Time,
    pub stage: Stage,
    /// Peers that could not be reached with it.
    pub unreached: Vec<PeerId>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Stage {
    /// The node decides about it, or it waits in the queue or for a moment.
    Idle,
    Probing {
        open: Vec<PeerId>,
        since: Time,
    },
    Asking {
        since: Time,
    },
    Running,
    /// It is out on this connection to this machine.
    Forwarding {
        peer: PeerId,
        machine: Option<usize>,
        ticket: u64,
    },
}

impl Life {
    /// Whether somebody waits for this event.
    pub fn expects(&self, event: &Event) -> bool {
        let stage = |job: &JobKey| self.tasks.get(job).map(|task| &task.stage);
        match event {
            Event::Probed { job, peer, .. } => {
                matches!(stage(job), Some(Stage::Probing { open, .. }) if open.contains(peer))
            }
            Event::Acted { job, .. } => matches!(stage(job), Some(Stage::Asking { .. })),
            Event::Executed { job, .. } => stage(job) == Some(&Stage::Running),
            Event::Forwarded { job, .. } => matches!(stage(job), Some(Stage::Forwarding { .. })),
            Event::Cancel { job } => stage(job).is_some(),
            Event::Arrive(_)
            | Event::Wake
            | Event::SetCapacity(_)
            | Event::SetPeers(_)
            | Event::Suspected { .. }
            | Event::Told(_) => true,
        }
    }

    /// An expected event is about to happen: what it ends is over.
    pub fn note(&mut self, now: Time, event: &Event) {
        match event {
            Event::Probed { job, peer, load, .. } => {
                self.seen.probes_failed += u64::from(load.is_none());
                let Some(task) = self.tasks.get_mut(job) else { return };
                if let Stage::Probing { open, .. } = &mut task.stage {
                    open.retain(|open| open != peer);
                    if open.is_empty() {
                        task.stage = Stage::Idle;
                    }
                }
            }
            Event::Acted { job, .. } | Event::Forwarded { job, answer: ForwardAnswer::NotTaken } => {
                if let Some(task) = self.tasks.get_mut(job) {
                    task.stage = Stage::Idle;
                }
            }
            Event::Wake => {
                self.alarm = None;
                for task in self.tasks.values_mut() {
                    let Some(due) = stage_due(&task.stage, &self.config).filter(|due| *due <= now) else {
                        continue;
                    };
                    // The job's own time-out was set first.
                    let whole = self.config.job_timeout.map(|timeout| task.arrived + timeout);
                    if whole.is_some_and(|whole| whole <= due) {
                        continue;
                    }
                    if let Stage::Probing { open, .. } = &task.stage {
                        self.seen.probes_failed += open.len() as u64;
                    }
                    task.stage = Stage::Idle;
                }
            }
            Event::SetCapacity(capacity) => self.capacity = *capacity,
            Event::Arrive(_) => self.seen.arrived += 1,
            Event::Forwarded { job, answer: ForwardAnswer::NotReached } => {
                self.seen.forwards_failed += 1;
                self.not_reached += 1;
                let Some(task) = self.tasks.get_mut(job) else { return };
                if let Stage::Forwarding { peer, .. } = std::mem::replace(&mut task.stage, Stage::Idle) {
                    task.unreached.push(peer);
                }
            }
            Event::Forwarded { answer, .. } => {
                self.seen.forwards_failed += u64::from(*answer == ForwardAnswer::NoAnswer);
            }
            Event::SetPeers(_)
            | Event::Suspected { .. }
            | Event::Told(_)
            | Event::Executed { .. }
            | Event::Cancel { .. } => {}
        }
    }

    /// When the next thing ends with the time.
    pub fn due(&self) -> Option<Time> {
        let of_task = |task: &Task| {
            let whole = self.config.job_timeout.map(|timeout| task.arrived + timeout);
            [whole, stage_due(&task.stage, &self.config)].into_iter().flatten().min()
        };
        self.tasks.values().filter_map(of_task).min()
    }

    pub fn running(&self) -> u32 {
        self.tasks.values().filter(|task| task.stage == Stage::Running).count() as u32
    }

    /// The job is answered.
    pub fn end(&mut self, job: JobKey) -> Option<Task> {
        let task = self.tasks.remove(&job)?;
        if self.dead.len() == DEAD_KEYS {
            self.dead.pop_front();
        }
        self.dead.push_back(job);
        Some(task)
    }

    /// The job of a connection.
    pub fn of_ticket(&self, ticket: u64) -> Option<JobKey> {
        self.tasks.iter().find(|(_, task)| task.brought.ticket == Some(ticket)).map(|(job, _)| *job)
    }
}

fn stage_due(stage: &Stage, config: &NodeConfig) -> Option<Time> {
    match stage {
        Stage::Probing { since, .. } => Some(*since + config.probe_timeout),
        Stage::Asking { since } => Some(*since + config.ask_timeout),
        Stage::Idle | Stage::Running | Stage::Forwarding { .. } => None,
    }
}

impl Life {
    /// A job in the log: the number of its story.
    pub fn word(&self, job: JobKey) -> String {
        self.tasks.get(&job).map_or_else(|| "no job".into(), |task| format!("job {}", task.brought.lineage))
    }

    pub fn word_of(&self, event: &Event) -> String {
        match event {
            Event::Probed { job, .. }
            | Event::Acted { job, .. }
            | Event::Executed { job, .. }
            | Event::Forwarded { job, .. }
            | Event::Cancel { job } => self.word(*job),
            Event::Arrive(_)
            | Event::Wake
            | Event::SetCapacity(_)
            | Event::SetPeers(_)
            | Event::Suspected { .. }
            | Event::Told(_) => String::new(),
        }
    }

    pub fn word_of_effect(&self, effect: &Effect) -> String {
        match effect {
            Effect::Execute { job }
            | Effect::Probe { job, .. }
            | Effect::Forward { job, .. }
            | Effect::Ask { job, .. }
            | Effect::Answer { job, .. }
            | Effect::Abandon { job } => self.word(*job),
            Effect::Learn { .. } | Effect::WakeAt { .. } => String::new(),
        }
    }
}
