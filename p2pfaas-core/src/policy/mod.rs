//! Scheduling policies: what is done with a job that has arrived.
//!
//! A policy is one file (or one crate of its own) with one type that implements [`Policy`] and
//! [`PolicyKind`], and one line in a [`Registry`]:
//!
//! ```
//! use p2pfaas_core::policy::*;
//!
//! /// Forwards every second job to a random peer.
//! struct EverySecond { forward_next: bool }
//!
//! impl Policy for EverySecond {
//!     fn descriptor(&self) -> Descriptor {
//!         Descriptor::new("EverySecond", [])
//!     }
//!     fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
//!         self.forward_next = !self.forward_next && situation.job.hops == 0;
//!         match situation.peers.any(rng) {
//!             Some(peer) if self.forward_next => Decision::Forward(peer),
//!             _ => Decision::Local,
//!         }
//!     }
//! }
//!
//! impl PolicyKind for EverySecond {
//!     const NAME: &str = "EverySecond";
//!     const PARAMETERS: &[Parameter] = &[];
//!     fn build(_: &mut Values) -> Result<Self, PolicyError> {
//!         Ok(EverySecond { forward_next: false })
//!     }
//! }
//!
//! let mut registry = Registry::builtin();
//! registry.register::<EverySecond>();
//! let policy = registry.build(&Descriptor::new("EverySecond", [])).unwrap();
//! assert_eq!(policy.full_name(), "EverySecond");
//! ```

mod descriptor;
mod encoder;
mod forward;
mod learning;
mod no_scheduler;
mod offers;
mod power_of_n;
mod power_of_n_tau;
mod registry;
mod reject;
mod round_robin_with_master;
mod shed;

use std::time::Duration;

use crate::Time;
use crate::agent::{Choice, Observation, StateSpace};
use crate::job::{Failure, FunctionId, NodeId};
use crate::node::{ArrivalRate, Pace};
use crate::offers::{Appraiser, Offer, Question};
use crate::peers::{EligiblePeers, PeerId, PeerLoad, PeerSet};
use crate::slots::{Capacity, Slots};

pub use descriptor::{Descriptor, Parameter, PolicyError, Values};
pub use encoder::Encoder;
pub use forward::ForwardScheduler;
pub use learning::{FixedActions, LearningScheduler};
pub use no_scheduler::NoScheduler;
pub use offers::OfferScheduler;
pub use power_of_n::{PeerRule, PowerOfNScheduler};
pub use power_of_n_tau::PowerOfNSchedulerTau;
pub use rand::Rng;
pub use registry::{ALL_HAVE, PolicyKind, Registry};
pub use reject::RejectScheduler;
pub use round_robin_with_master::RoundRobinWithMasterScheduler;

/// Decides about jobs. One value serves one node; the node calls it in the order of its events.
pub trait Policy: Send {
    /// Its wire form: `GET /configuration/scheduler` answers with it, and it builds the same policy.
    fn descriptor(&self) -> Descriptor;

    /// Its name with parameters, as in the header `X-P2pfaas-Scheduler`.
    fn full_name(&self) -> String {
        self.descriptor().to_string()
    }

    /// A job has arrived: the first decision about it.
    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision;

    /// The peers of a [`Decision::Probe`] have answered, failed, or run out of time.
    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        let _ = (situation, replies, rng);
        Decision::Local
    }

    /// The moment of a [`Decision::WaitUntil`] has come; the replies are those from before.
    fn waited(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        let _ = (situation, replies, rng);
        Decision::Local
    }

    /// Writes the state and the action mask for a [`Decision::Ask`].
    fn observe(&self, situation: &Situation<'_>, observation: &mut Observation) {
        let _ = (situation, observation);
    }

    /// What the states of [`Policy::observe`] mean at a node with these slots; `None` when the policy
    /// asks no learner.
    fn state_space(&self, slots: &Slots) -> Option<StateSpace> {
        let _ = slots;
        None
    }

    /// The learner chose; `None` when it could not.
    fn acted(&mut self, situation: &Situation<'_>, choice: Option<Choice>, rng: &mut dyn Rng) -> Decision {
        let _ = (situation, choice, rng);
        Decision::Fallback
    }

    /// Whether its probes ask for [offers](crate::offers), and the node makes some itself.
    fn asks_for_offers(&self) -> bool {
        false
    }

    /// Whether jobs of old peers that carry no id of ours may be forwarded. Only a policy whose
    /// role it is to pass jobs on says yes: such a job cannot be recognised when it comes back.
    fn passes_on_foreign_jobs(&self) -> bool {
        false
    }
}

/// What a policy says. What cannot be carried out (a peer that is gone, a hop too many) is run
/// here instead, and counted.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Run it here: now, or after waiting in the queue; dropped if there is no room.
    Local,
    /// Drop it.
    Drop,
    /// Reject it.
    Reject,
    /// Send it to this peer.
    Forward(PeerId),
    /// Ask these peers for their load; [`Policy::probed`] follows.
    Probe(PeerSet),
    /// Do nothing until then; [`Policy::waited`] follows.
    WaitUntil(Time),
    /// Ask the learner; [`Policy::observe`] comes before, [`Policy::acted`] follows.
    Ask,
    /// Let the node's fallback policy decide.
    Fallback,
    /// Give up.
    Fail(Failure),
}

/// What a policy may know when it decides.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The moment.
    pub now: Time,
    /// The job.
    pub job: JobView,
    /// This node's slots and queue.
    pub slots: &'a Slots,
    /// The peers to which this job may go.
    pub peers: EligiblePeers<'a>,
    pub(crate) arrival_rate: ArrivalRate,
    pub(crate) pace: &'a Pace,
    pub(crate) appraiser: Option<&'a Appraiser>,
}

impl Situation<'_> {
    /// Jobs of clients that arrive here in a second, of late: an average whose weights fade
    /// exponentially ([`ARRIVAL_RATE_TIME`](crate::defaults::ARRIVAL_RATE_TIME)).
    pub fn arrival_rate_per_s(&self) -> f64 {
        self.arrival_rate.per_s(self.now)
    }

    /// What the job is worth here; `None` where there is no room, and at a node whose policy does not [ask for
    /// offers](Policy::asks_for_offers).
    pub fn offer_here(&self) -> Option<Offer> {
        let (running, queued, capacity) = (self.slots.running(), self.slots.queued(), self.slots.capacity());
        let load = PeerLoad { running, queued, slots: capacity.slots };
        self.appraiser?.offer(&self.question(Duration::ZERO), load, capacity)
    }

    /// What the job would be worth at a node with these slots, this load, and the queue and experience of this one.
    pub(crate) fn offer_of_one_like_this(&self, load: PeerLoad, on_the_way: Duration) -> Option<Offer> {
        let slots = if load.slots > 0 { load.slots } else { self.slots.capacity().slots };
        let capacity = Capacity { slots, ..self.slots.capacity() };
        self.appraiser?.offer(&self.question(on_the_way), load, capacity)
    }

    /// What is asked of a peer if so much of the time left is lost on the way.
    pub(crate) fn question(&self, on_the_way: Duration) -> Question {
        let JobView { function, task_type, deadline_left, .. } = self.job;
        Question { function, task_type, time_left: deadline_left.map(|left| left.saturating_sub(on_the_way)) }
    }

    /// Until the job would be finished if it ran here: what those in front of it take, by the mean of all jobs of late, and what
    /// it takes itself, by the mean of those of its function and task type. Zero before the first job has run.
    pub fn expected_here(&self) -> Duration {
        let (running, queued) = (self.slots.running(), self.slots.queued());
        let slots = self.slots.capacity().slots.max(1);
        seconds(self.pace.wait_s(PeerLoad { running, queued, slots }) + self.execution_s())
    }

    /// Until its answer would be back from a peer if jobs take as long there as here: the round trip, the wait by the load that
    /// the peer told last less the time since then, and what the job takes itself. What is not known is zero.
    pub fn expected_at(&self, peer: PeerId) -> Duration {
        let view = self.peers.view(peer);
        let told = view.and_then(|view| Some((view.load?, view.age?)));
        let wait_s = told.map_or(0.0, |(load, age)| (self.pace.wait_s(load) - age.as_secs_f64()).max(0.0));
        let round_trip = view.and_then(|view| view.round_trip).unwrap_or_default();
        seconds(wait_s + self.execution_s()).saturating_add(round_trip)
    }

    fn execution_s(&self) -> f64 {
        self.pace.execution_s(self.job.function, self.job.task_type)
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// What a policy may know of a job.
#[derive(Debug, Clone, Copy)]
pub struct JobView {
    /// The function it calls.
    pub function: FunctionId,
    /// Its task type.
    pub task_type: u16,
    /// Whether a client brought it to this very node.
    pub from_client: bool,
    /// Forwards so far.
    pub hops: u32,
    /// The node where it arrived first; this node when that is not known.
    pub origin: NodeId,
    /// When it arrived here.
    pub arrived: Time,
    /// When its probes were sent.
    pub probing_started: Option<Time>,
    /// Time left until its deadline; zero when it has passed.
    pub deadline_left: Option<Duration>,
}

/// A probed peer's answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeReply {
    /// The peer.
    pub peer: PeerId,
    /// What it told; `None` when it failed or has not answered.
    pub load: Option<PeerLoad>,
    /// What it offered, if it did.
    pub offer: Option<Offer>,
    /// Whether the answer (or the failure) has come.
    pub answered: bool,
    /// From the probe until the answer.
    pub round_trip: Duration,
}
