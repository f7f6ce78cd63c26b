//! The node at a moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use p2pfaas_core::Counters;
use p2pfaas_core::policy::Descriptor;
use serde::Serialize;

use super::history::{Point, Reading};
use super::peers::PeerTable;
use crate::clock::unix_ms;
use crate::learner::Link;
use crate::shared::Shared;

/// What a stream tells every second.
#[derive(Debug, Serialize)]
pub(super) struct Snapshot {
    node: About,
    /// Counts since the node began.
    totals: Totals,
    /// The last second.
    point: Option<Point>,
    policy: Policy,
    /// Where somebody asks one.
    learner: Option<Learner>,
    cluster: PeerTable,
}

#[derive(Debug, Serialize)]
struct About {
    id: String,
    group: String,
    version: &'static str,
    up_s: u64,
    draining: bool,
    functions: Vec<String>,
    /// Streams like this one that are open, and may be.
    streams: [usize; 2],
}

#[derive(Debug, Serialize)]
struct Totals {
    #[serde(flatten)]
    counters: Counters,
    in_time: u64,
    late: u64,
}

#[derive(Debug, Serialize)]
struct Policy {
    /// As `X-P2pfaas-Scheduler` has it.
    full_name: String,
    #[serde(flatten)]
    descriptor: Descriptor,
    /// Whether a change needs a token.
    needs_token: bool,
}

#[derive(Debug, Serialize)]
struct Learner {
    /// Where it is.
    place: &'static str,
    up: bool,
    /// Experiences handed over, and lost.
    learned: u64,
    lost: u64,
    choices: u64,
    mean_reward: Option<f64>,
}

/// Reads what history needs.
pub(super) fn read(shared: &Arc<Shared>) -> Reading {
    let epsilon = match shared.engine.learner() {
        Link::Here(online) => Some(online.epsilon()),
        _ => None,
    };
    let latencies = shared.metrics.latencies.counted();
    let at_ms = unix_ms();
    shared.engine.look(|node, seen, _| {
        let (slots, capacity) = (node.slots(), node.slots().capacity());
        Reading {
            at_ms,
            up_s: shared.dashboard.began.elapsed().as_secs_f64(),
            counters: *node.counters(),
            late: seen.late,
            latencies,
            running: slots.running(),
            slots: capacity.slots,
            queued: slots.queued(),
            queue: capacity.queue,
            rewards: seen.choices.rewards(),
            epsilon,
        }
    })
}

impl Snapshot {
    pub(super) fn of(shared: &Arc<Shared>, reading: &Reading) -> Snapshot {
        let identity = shared.discovery.identity();
        let (full_name, descriptor, asks) = shared.engine.read(|node| {
            let policy = node.policy();
            let asks = node.counters().asks > 0 || policy.state_space(node.slots()).is_some();
            (node.policy_name().to_string(), policy.descriptor(), asks)
        });
        let free = shared.dashboard.places.available_permits();
        Snapshot {
            node: About {
                id: identity.id,
                group: identity.group,
                version: crate::VERSION,
                up_s: reading.up_s as u64,
                draining: shared.draining.load(Ordering::Acquire),
                functions: shared.functions.names().into_iter().map(str::to_string).collect(),
                streams: [super::MAX_STREAMS - free, super::MAX_STREAMS],
            },
            totals: Totals {
                counters: reading.counters,
                in_time: reading.counters.served.saturating_sub(reading.late),
                late: reading.late,
            },
            point: shared.dashboard.history.lock().newest(),
            policy: Policy { full_name, descriptor, needs_token: shared.security.has_tokens() },
            learner: if asks { Learner::of(shared, reading) } else { None },
            cluster: PeerTable::of(shared),
        }
    }
}

impl Learner {
    fn of(shared: &Shared, reading: &Reading) -> Option<Learner> {
        let link = shared.engine.learner();
        let place = match link {
            Link::Nowhere => return None,
            Link::Table(_) => "table",
            Link::Here(_) => "here",
            Link::There(_) => "service",
        };
        let counts = link.counts();
        Some(Learner {
            place,
            up: counts.up,
            learned: counts.learned,
            lost: counts.lost,
            choices: reading.counters.asks,
            mean_reward: reading.rewards.mean(),
        })
    }
}
