//! Whoever watches a run.

use std::time::Duration;

use p2pfaas_core::agent::Experience;
use p2pfaas_core::{Outcome, Timings};

use crate::arrivals::Arrival;
use crate::learning::Glimpse;

/// Hears what becomes of the jobs. Called on the hot path: be quick.
pub trait Observer {
    /// A client's job has ended.
    fn finished(&mut self, job: &Finished<'_>);

    /// So many seconds of the session are over; less than 0 in a training. Called once a virtual second, and
    /// in busy ones more often. The session goes on while it says `true`.
    fn passed(&mut self, second: f64, agents: Option<Glimpse>) -> bool {
        let _ = (second, agents);
        true
    }
}

/// A client's job that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// How it came.
    pub arrival: Arrival,
    /// From its arrival to its answer.
    pub latency: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// The node that ran it.
    pub executed_by: Option<u32>,
    /// Whether the first node gave it to a peer.
    pub forwarded: bool,
    /// How often it was given on.
    pub hops: u32,
    /// Probes that the first node sent for it.
    pub probes: u32,
    /// Where the time went at the first node; queue and execution are those of the node that ran it.
    pub timings: Timings,
    /// What an agent saw and chose, and what came of it.
    pub learned: Option<Experience<'a>>,
}
