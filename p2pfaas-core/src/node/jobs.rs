//! The table of jobs that a node has not answered yet.

use smallvec::SmallVec;

use super::prefetch::fetch;
use crate::Time;
use crate::agent::{Choice, Experience};
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
    pub probing_started: Moment,
    pub probing_ended: Moment,
    /// When the open probes were sent: the last of the rounds.
    pub probes_sent: Time,
    pub scheduled: Moment,
    pub started: Moment,
    pub forwarded: Moment,
    pub forwarded_to: Option<PeerId>,
    /// It is out at a peer and carries no id by which it could be known again.
    pub unrecognisable: bool,
    pub probes: u32,
    pub replies: SmallVec<[ProbeReply; 1]>,
    /// What a learner was asked; there if one was, for this job or an earlier one in this place.
    pub asked: Option<Box<Asked>>,
}

/// What a learner was asked about a job, and what it chose.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub state: Vec<f64>,
    pub mask: Vec<bool>,
    pub choice: Option<Choice>,
    /// The number of that choice, once it has been taken.
    pub eid: u64,
}

impl Asked {
    pub(crate) fn experience(&self, choice: Choice, reward: Option<f64>) -> Experience<'_> {
        Experience { eid: self.eid, state: &self.state, mask: &self.mask, choice, reward }
    }
}

/// A moment that may not have come; half as large as an `Option`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(Time);

impl Moment {
    /// The end of the clock, at which nothing happens.
    pub(crate) const NEVER: Moment = Moment(Time::from_nanos(u64::MAX));

    #[inline]
    pub(crate) fn get(self) -> Option<Time> {
        (self != Moment::NEVER).then_some(self.0)
    }

    /// This moment, or the other if it has not come.
    #[inline]
    pub(crate) fn or(self, other: Time) -> Time {
        self.get().unwrap_or(other)
    }
}

impl From<Time> for Moment {
    #[inline]
    fn from(at: Time) -> Self {
        Moment(at)
    }
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
            probing_started: Moment::NEVER,
            probing_ended: Moment::NEVER,
            probes_sent: Time::ZERO,
            scheduled: Moment::NEVER,
            started: Moment::NEVER,
            forwarded: Moment::NEVER,
            forwarded_to: None,
            unrecognisable: false,
            probes: 0,
            replies: SmallVec::new(),
            asked: None,
        }
    }

    /// As [`empty`](Self::empty), in place, but for what [`Node`](super::Node) sets on arrival.
    fn clear(&mut self) {
        self.visited.clear();
        self.stage = Stage::Deciding;
        self.probing_started = Moment::NEVER;
        self.probing_ended = Moment::NEVER;
        self.scheduled = Moment::NEVER;
        self.started = Moment::NEVER;
        self.forwarded = Moment::NEVER;
        self.forwarded_to = None;
        self.unrecognisable = false;
        self.probes = 0;
        self.replies.clear();
        if let Some(asked) = &mut self.asked {
            asked.state.clear();
            asked.mask.clear();
            asked.choice = None;
            asked.eid = 0;
        }
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

    #[inline]
    pub(crate) fn get(&self, key: JobKey) -> Option<&Job> {
        match self.entries.get(key.index as usize) {
            Some((generation, true, job)) if *generation == key.generation => Some(job),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: JobKey) -> Option<&mut Job> {
        match self.entries.get_mut(key.index as usize) {
            Some((generation, true, job)) if *generation == key.generation => Some(job),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn prefetch(&self, key: Option<JobKey>) {
        let index = key.map(|key| key.index).or(self.free.last().copied()).unwrap_or(0);
        if let Some((generation, _, job)) = self.entries.get(index as usize) {
            fetch(generation);
            fetch(&job.id);
            fetch(&job.visited);
            fetch(&job.replies);
            fetch(&job.stage);
            fetch(&job.arrived);
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
