//! One job that a node has not answered yet.

use std::time::Duration;

use smallvec::SmallVec;

use crate::Time;
use crate::agent::{Choice, Experience};
use crate::job::{FunctionId, JobId, NodeId, Source, Visited};
use crate::offers::Offer;
use crate::peers::{PeerId, PeerLoad};
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
///
/// Of thousands of nodes none is in the cache: what every job needs stands in front, within two lines of it,
/// and what only jobs of peers or jobs with probes need is behind, and is not even looked at for others.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Job {
    pub id: JobId,
    pub arrived: Time,
    pub deadline: Moment,
    pub scheduled: Moment,
    pub started: Moment,
    pub forwarded: Moment,
    pub stage: Stage,
    /// Counts stages, so that a time-out of an earlier one is recognised as late.
    pub stage_number: u32,
    pub function: FunctionId,
    pub hops: u32,
    pub sender: Whom,
    pub forwarded_to: Whom,
    /// The last peer that could not be reached with it.
    pub unreached: Whom,
    pub probes: u32,
    pub task_type: u16,
    /// The policy that decides now: the fallback's once the learner has been passed over.
    pub policy: u16,
    /// The policy that was in force on arrival.
    pub arrival_policy: u16,
    pub source: SourceKind,
    /// It is out at a peer and carries no id by which it could be known again.
    pub unrecognisable: bool,
    /// What a learner was asked; there if one was, for this job or an earlier one in this place.
    pub asked: Option<Box<Asked>>,
    /// Of a peer's job alone.
    visited: Visited,
    /// Of a job with probes alone, as are the replies.
    probing: Probing,
    pub(super) replies: SmallVec<[ProbeReply; 1]>,
}

/// When a job's peers were probed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probing {
    pub started: Time,
    pub ended: Moment,
    /// When the open probes were sent: the last of the rounds.
    pub sent: Time,
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

/// A peer, or nobody; half as large as an `Option`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whom(u32);

impl Whom {
    /// A number that no peer has.
    pub(crate) const NOBODY: Whom = Whom(u32::MAX);

    #[inline]
    pub(crate) fn get(self) -> Option<PeerId> {
        (self != Whom::NOBODY).then_some(PeerId(self.0))
    }
}

impl From<PeerId> for Whom {
    #[inline]
    fn from(peer: PeerId) -> Self {
        Whom(peer.0)
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
    pub(super) fn empty() -> Self {
        Job {
            id: JobId { origin: crate::NodeId(0), number: 0 },
            arrived: Time::ZERO,
            deadline: Moment::NEVER,
            scheduled: Moment::NEVER,
            started: Moment::NEVER,
            forwarded: Moment::NEVER,
            stage: Stage::Deciding,
            stage_number: 0,
            function: FunctionId(0),
            hops: 0,
            sender: Whom::NOBODY,
            forwarded_to: Whom::NOBODY,
            unreached: Whom::NOBODY,
            probes: 0,
            task_type: 0,
            policy: 0,
            arrival_policy: 0,
            source: SourceKind::Client,
            unrecognisable: false,
            asked: None,
            visited: Visited::new(),
            probing: Probing { started: Time::ZERO, ended: Moment::NEVER, sent: Time::ZERO },
            replies: SmallVec::new(),
        }
    }

    /// As [`empty`](Self::empty), in place, but for what [`Node`](super::Node) sets on arrival and what is
    /// set before it is looked at.
    pub(super) fn clear(&mut self) {
        self.scheduled = Moment::NEVER;
        self.started = Moment::NEVER;
        self.forwarded = Moment::NEVER;
        self.stage = Stage::Deciding;
        self.forwarded_to = Whom::NOBODY;
        self.unreached = Whom::NOBODY;
        self.probes = 0;
        self.unrecognisable = false;
        if let Some(asked) = &mut self.asked {
            asked.state.clear();
            asked.mask.clear();
            asked.choice = None;
            asked.eid = 0;
        }
    }

    #[inline]
    pub(crate) fn set_source(&mut self, source: Source) {
        let (source, sender, hops) = match source {
            Source::Client => (SourceKind::Client, None, 0),
            Source::Peer { sender, hops, visited } => {
                self.visited = visited;
                (SourceKind::Peer, sender, hops.max(1))
            }
            Source::ForeignPeer { sender, hops } => (SourceKind::ForeignPeer, sender, hops.max(1)),
        };
        (self.source, self.sender, self.hops) = (source, sender.map_or(Whom::NOBODY, Whom::from), hops);
    }

    /// Nodes that it has visited.
    #[inline]
    pub(crate) fn visited(&self) -> &[NodeId] {
        match self.source {
            SourceKind::Peer => &self.visited,
            SourceKind::Client | SourceKind::ForeignPeer => &[],
        }
    }

    /// Probes are sent to these peers.
    pub(crate) fn probe(&mut self, now: Time, peers: &[PeerId]) {
        if self.probes == 0 {
            (self.probing.started, self.probing.ended) = (now, Moment::NEVER);
        }
        self.probing.sent = now;
        self.probes += peers.len() as u32;
        self.replies.clear();
        self.replies.extend(peers.iter().map(|peer| ProbeReply {
            peer: *peer,
            load: None,
            offer: None,
            answered: false,
            round_trip: Duration::ZERO,
        }));
        self.enter(Stage::Probing { open: peers.len() as u32 });
    }

    /// A peer has told its load, or failed to. Returns how many probes are open, and the round trip; `None` if
    /// nobody waits for it.
    pub(crate) fn probed(
        &mut self,
        now: Time,
        peer: PeerId,
        load: Option<PeerLoad>,
        offer: Option<Offer>,
    ) -> Option<(u32, Duration)> {
        let Stage::Probing { open } = self.stage else { return None };
        let reply = self.replies.iter_mut().find(|reply| reply.peer == peer && !reply.answered)?;
        reply.answered = true;
        reply.load = load;
        reply.offer = offer;
        reply.round_trip = now.since(self.probing.sent);
        self.stage = Stage::Probing { open: open - 1 };
        Some((open - 1, reply.round_trip))
    }

    /// No answer to a probe is waited for any more.
    pub(crate) fn end_probing(&mut self, now: Time) {
        self.probing.ended = now.into();
        self.enter(Stage::Deciding);
    }

    /// When peers were probed, if they were.
    #[inline]
    pub(crate) fn probing(&self) -> Option<Probing> {
        (self.probes > 0).then_some(self.probing)
    }

    /// The answers to its probes.
    #[inline]
    pub(crate) fn replies(&self) -> &[ProbeReply] {
        if self.probes > 0 { &self.replies } else { &[] }
    }

    /// Another policy decides, which has probed nobody yet.
    pub(crate) fn pass_to(&mut self, policy: u16) {
        self.policy = policy;
        self.replies.clear();
    }

    pub(crate) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.stage_number = self.stage_number.wrapping_add(1);
    }
}
