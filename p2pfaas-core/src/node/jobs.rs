//! The table of jobs that a node has not answered yet.

use crate::Time;
use crate::agent::Choice;
use crate::job::{FunctionId, JobId, JobKey, Source, Visited};
use crate::peers::PeerId;
use crate::policy::ProbeReply;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Deciding,
    Probing { open: u32 },
    Waiting,
    Asking,
    Queued,
    Running,
    Forwarding,
}

/// One job under way. Its lists are kept when the entry is used again, so that no allocation
/// happens once the table is warm.
#[derive(Debug)]
pub(crate) struct Job {
    pub id: JobId,
    pub function: FunctionId,
    pub task_type: u16,
    pub deadline: Option<Time>,
    pub source: SourceKind,
    pub hops: u32,
    pub visited: Visited,
    pub sender: Option<PeerId>,
    pub stage: Stage,
    /// Counts stages, so that a time-out of an earlier one is recognised as late.
    pub stage_number: u32,
    /// The policy that decides now: the fallback's once the learner has been passed over.
    pub policy: u16,
    /// The policy that was in force on arrival.
    pub arrival_policy: u16,
    pub arrived: Time,
    pub probing_started: Option<Time>,
    pub probing_ended: Option<Time>,
    /// When the open probes were sent: the last of the rounds.
    pub probes_sent: Time,
    pub scheduled: Option<Time>,
    pub started: Option<Time>,
    pub forwarded: Option<Time>,
    pub forwarded_to: Option<PeerId>,
    /// It is out at a peer and carries no id by which it could be known again.
    pub unrecognisable: bool,
    pub probes: u32,
    pub replies: Vec<ProbeReply>,
    pub state: Vec<f64>,
    pub mask: Vec<bool>,
    pub choice: Option<Choice>,
    /// The number of that choice, once it has been taken.
    pub eid: u64,
}

/// Who brought a job, without the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceKind {
    Client,
    Peer,
    ForeignPeer,
}

impl Job {
    fn empty() -> Self {
        Job {
            id: JobId { origin: crate::NodeId(0), number: 0 },
            function: FunctionId(0),
            task_type: 0,
            deadline: None,
            source: SourceKind::Client,
            hops: 0,
            visited: Visited::new(),
            sender: None,
            stage: Stage::Deciding,
            stage_number: 0,
            policy: 0,
            arrival_policy: 0,
            arrived: Time::ZERO,
            probing_started: None,
            probing_ended: None,
            probes_sent: Time::ZERO,
            scheduled: None,
            started: None,
            forwarded: None,
            forwarded_to: None,
            unrecognisable: false,
            probes: 0,
            replies: Vec::new(),
            state: Vec::new(),
            mask: Vec::new(),
            choice: None,
            eid: 0,
        }
    }

    fn clear(&mut self) {
        let mut replies = std::mem::take(&mut self.replies);
        let mut state = std::mem::take(&mut self.state);
        let mut mask = std::mem::take(&mut self.mask);
        let mut visited = std::mem::take(&mut self.visited);
        replies.clear();
        state.clear();
        mask.clear();
        visited.clear();
        *self = Job { replies, state, mask, visited, stage_number: self.stage_number, ..Job::empty() };
    }

    pub(crate) fn set_source(&mut self, source: Source) {
        (self.source, self.sender, self.hops) = match source {
            Source::Client => (SourceKind::Client, None, 0),
            Source::Peer { sender, hops, visited } => {
                self.visited = visited;
                (SourceKind::Peer, sender, hops.max(1))
            }
            Source::ForeignPeer { sender, hops } => (SourceKind::ForeignPeer, sender, hops.max(1)),
        };
    }

    pub(crate) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.stage_number = self.stage_number.wrapping_add(1);
    }
}

/// A table with generations: a key of an answered job never finds another one.
#[derive(Debug)]
pub(crate) struct Jobs {
    entries: Vec<(u32, bool, Job)>,
    free: Vec<u32>,
    bound: u32,
    refused: u32,
}

impl Jobs {
    pub(crate) fn new(bound: u32) -> Self {
        Jobs { entries: Vec::new(), free: Vec::new(), bound, refused: 0 }
    }

    /// A place for a new job; `None` when the table is at its bound.
    pub(crate) fn insert(&mut self) -> Option<(JobKey, &mut Job)> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.entries.len() < self.bound as usize => {
                self.entries.push((0, false, Job::empty()));
                self.entries.len() as u32 - 1
            }
            None => return None,
        };
        let (generation, living, job) = &mut self.entries[index as usize];
        *living = true;
        Some((JobKey { index, generation: *generation }, job))
    }

    /// A key that never finds a job, for one that is refused at the door.
    pub(crate) fn refused_key(&mut self) -> JobKey {
        self.refused = self.refused.wrapping_add(1);
        JobKey { index: u32::MAX, generation: self.refused }
    }

    pub(crate) fn get(&self, key: JobKey) -> Option<&Job> {
        match self.entries.get(key.index as usize) {
            Some((generation, true, job)) if *generation == key.generation => Some(job),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: JobKey) -> Option<&mut Job> {
        match self.entries.get_mut(key.index as usize) {
            Some((generation, true, job)) if *generation == key.generation => Some(job),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, key: JobKey) {
        if let Some((generation, living, job)) = self.entries.get_mut(key.index as usize)
            && *living
            && *generation == key.generation
        {
            *living = false;
            *generation = generation.wrapping_add(1);
            job.clear();
            self.free.push(key.index);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }
}
