//! The P2PFaaS node as a state machine without I/O.
//!
//! All that a node *decides* lives here: admission, slots and queue, policy, probing, hop control,
//! the view of its peers, what a learner sees and what a finished job is worth to it. A driver (the
//! node service, a simulator) feeds [`Event`]s with the moment and a generator, and carries out the
//! [`Effects`]:
//!
//! ```
//! use p2pfaas_core::policy::{Descriptor, Registry};
//! use p2pfaas_core::*;
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! let registry = Registry::builtin();
//! let policy = registry.build(&Descriptor::new("NoScheduler", ["true"])).unwrap();
//! let fallback = registry.build(&Descriptor::new("NoScheduler", ["true"])).unwrap();
//! let mut node = Node::new(NodeId::from_machine_id("p2pfaas-10.0.0.1"), NodeConfig::default(), policy, fallback);
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
//!
//! let mut effects: Vec<Effect> = Vec::new();
//! let arrival = Arrival::from_client(FunctionId(0));
//! let job = node.arrive(Time::ZERO, arrival, &mut rng, &mut effects);
//! assert!(effects.contains(&Effect::Execute { job }));
//!
//! effects.clear();
//! let done = Event::Executed { job, success: true };
//! node.handle(Time::from_nanos(1_000), done, &mut rng, &mut effects);
//! assert!(matches!(effects[..], [Effect::Answer { outcome: Outcome::Served, .. }]));
//! ```
//!
//! Nothing here does I/O, reads a clock, spawns a thread or draws from a generator of its own.

pub mod agent;
pub mod defaults;
mod effect;
mod event;
mod job;
pub mod log;
#[cfg(feature = "membership")]
pub mod membership;
mod node;
pub mod offers;
mod outliers;
mod peers;
pub mod policy;
pub mod reward;
mod slots;
mod time;
pub mod wire;

pub use effect::{Effect, Effects, Forward, Report};
pub use event::{Event, ForwardAnswer};
pub use job::{
    Arrival, Failure, FunctionId, JobId, JobKey, NodeId, Outcome, ParseIdError, PolicyChoice, Source,
    Timings, Visited,
};
pub use node::{Counters, Node, NodeConfig, Tables};
pub use peers::{EligiblePeers, PeerId, PeerLoad, PeerSet, PeerStatus, PeerView, Peers};
pub use slots::{Capacity, Slots, TypeCount};
pub use time::Time;
