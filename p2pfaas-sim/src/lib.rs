//! The P2PFaaS node in virtual time.
//!
//! Here the very state machines of [`p2pfaas_core`] and the agents of [`p2pfaas_learner`] run by the
//! thousand, on one clock that jumps from event to event. No policy and no queue is written again: what
//! the simulator says about a policy is what the node does.

pub mod arrivals;
pub mod calendar;
pub mod faults;
pub mod gossip;
pub mod learning;
pub mod network;
pub mod reference;
pub mod scenario;
pub mod service;
pub mod streams;
pub mod theory;
pub mod world;
