//! What a seed draws before anything happens: the cluster, its jobs, and what will go wrong when.

use std::time::Duration;

use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::{Arrival, Capacity, Event, NodeConfig, NodeId, Time};

use crate::network::Network;

/// A cluster and its fate. Machines are numbered: first our nodes, then the old peers.
#[derive(Debug)]
pub(super) struct Schedule {
    pub nodes: Vec<NodePlan>,
    /// Whether each old peer keeps the id that we hide in its tracing text.
    pub old: Vec<bool>,
    /// Who is whose neighbour, how long messages take, and when whom a partition parts.
    pub network: Network,
    pub weather: Weather,
    pub jobs: Vec<JobPlan>,
    pub faults: Vec<(Time, Fault)>,
    /// Every node is what it is taken for, and none is told of itself as of a stranger.
    pub truthful: bool,
}

/// One of our nodes.
#[derive(Debug)]
pub(super) struct NodePlan {
    pub config: NodeConfig,
    pub policy: Descriptor,
    pub fallback: Descriptor,
    /// Its learner answers at once, as one in the same process, or later.
    pub learner_at_once: bool,
    /// It is there from the beginning.
    pub begins: bool,
    pub clock_base: Duration,
    pub clock_rate_ppm: u32,
    /// Its driver does not hold a clock still that goes back.
    pub raw_clock: bool,
    /// Its function takes this long on average.
    pub execution: Duration,
    pub peers: Vec<(String, Option<NodeId>)>,
    /// It keeps its peers' numbers over a restart.
    pub keeps_numbers: bool,
}

/// How often which misfortune befalls a message, a function or a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weather {
    pub lost: f64,
    /// Of what is lost, this much is noticed by the sender; the rest is silence.
    pub noticed: f64,
    /// Jobs of peers that come once more when they have been taken.
    pub repeated: f64,
    /// Messages that are late by up to a second.
    pub slow: f64,
    pub function_fails: f64,
    /// Where it fails nearly always.
    pub fails_at: Option<usize>,
    pub function_hangs: f64,
    pub client_leaves: f64,
    /// The function is not offered there.
    pub not_offered: f64,
    /// After an event one more that nobody waits for.
    pub stray: f64,
    pub late_wake: f64,
}

/// A job that a client brings, or that somebody makes up.
#[derive(Debug)]
pub(super) struct JobPlan {
    pub at: Time,
    pub machine: usize,
    pub arrival: Arrival,
    pub leaves: Option<Duration>,
    /// A message that no honest peer has sent.
    pub forged: bool,
}

/// Something that goes wrong, or changes.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It loses all that it has. Whoever is connected sees it, or not.
    Crash {
        node: usize,
        seen: bool,
    },
    /// It is there (again), with nothing in it.
    Start {
        node: usize,
    },
    /// It takes no more jobs, and ends those it has after this long.
    Leave {
        node: usize,
        grace: Duration,
    },
    /// The grace of a leave is over.
    Gone {
        node: usize,
        life: u32,
    },
    /// It is told of these peers.
    SetPeers {
        node: usize,
        peers: Vec<(String, Option<NodeId>)>,
    },
    /// It hears of its peers: who is suspected, how loaded they are; true or not.
    Hears {
        node: usize,
        news: Event,
    },
    SetCapacity {
        node: usize,
        capacity: Capacity,
    },
    SetPolicy {
        node: usize,
        policy: Descriptor,
    },
    /// Its clock is set.
    Jump {
        node: usize,
        by_ns: i64,
    },
    /// It is woken though it has not asked for it.
    Wake {
        node: usize,
    },
}
