//! Every default bound and the default fallback, in one place.
//!
//! A bound says what it protects; raise it only with that in mind.

use std::time::Duration;

/// Jobs that a node runs at once (as the reference, fact: slots 4).
pub const SLOTS: u32 = 4;
/// Jobs that may wait for a slot (as the reference).
pub const QUEUE: u32 = 4;
/// Jobs in a node at once in any state, also those being forwarded. Bounds memory and nested loops
/// through foreign peers.
pub const MAX_JOBS: u32 = 16_384;
/// Forwards that one job may see among our nodes, whatever its policy says.
pub const MAX_HOPS: u32 = 8;
/// Task types that a node counts separately; a type beyond it counts as type 0.
pub const TASK_TYPES: u16 = 16;
/// Peers that a node knows, gone ones included.
pub const MAX_PEERS: u32 = 4_096;
/// Probes that one decision may send.
pub const MAX_FAN_OUT: u32 = 64;
/// Ids of forwarded jobs that a node remembers, to recognise a job that an old peer sends back.
pub const FORWARDED_IDS: u32 = 65_536;
/// Jobs of our nodes that a node remembers having been brought, to refuse one that comes a second time.
pub const TAKEN_IDS: u32 = 65_536;
/// Jobs of old peers without an id of ours that may be out at other peers at once.
pub const MAX_FOREIGN_FORWARDS: u32 = 256;
/// A job that is not answered by then fails.
pub const JOB_TIMEOUT: Duration = Duration::from_secs(30);
/// A probe that is not answered by then counts as failed.
pub const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
/// A learner that has not chosen an action by then is passed over.
pub const ASK_TIMEOUT: Duration = Duration::from_millis(100);
/// A peer that failed a forward is left alone for this long.
pub const SUSPICION: Duration = Duration::from_secs(1);
/// However often it has failed in a row, it is left alone no longer than this.
pub const MAX_SUSPICION: Duration = Duration::from_secs(60);
/// Forwards that reached nobody and may be decided about again, for a hundred forwards.
pub const RETRY_PERCENT: u32 = 20;
/// So many of them at once, where there were none for a while.
pub const RETRY_BURST: u32 = 10;
/// A peer at which a function fails, while it works elsewhere, gets no more of its jobs for this long.
pub const EJECTION: Duration = Duration::from_secs(10);
/// However often that has happened in a row, no longer than this.
pub const MAX_EJECTION: Duration = Duration::from_secs(300);
/// Functions at peers whose failures a node remembers.
pub const MAX_OUTLIERS: usize = 4_096;
/// Time constant of a node's own arrival rate: an arrival of that long ago counts 1/e.
pub const ARRIVAL_RATE_TIME: Duration = Duration::from_secs(10);
/// Weight of the newest measurement in a peer's round-trip time (as TCP's, RFC 6298).
pub const ROUND_TRIP_WEIGHT: f64 = 0.125;
/// Weight of the newest execution in a node's mean execution times.
pub const EXECUTION_WEIGHT: f64 = 0.1;
/// Peers of which a learner's state may have numbers.
pub const MAX_STATE_PEERS: u32 = 256;
/// The most time until the deadline that a learner's state shows; a job without one shows this.
pub const STATE_TIME_LEFT: Duration = JOB_TIMEOUT;
/// The greatest age of a peer's load that a learner's state shows; an unknown load is that old.
pub const STATE_PEER_AGE: Duration = Duration::from_secs(10);
/// The arrival rate, per second, to which a learner's state mostly goes.
pub const STATE_ARRIVAL_RATE: f64 = 100.0;

/// The policy of a node that nobody configured (as the reference).
pub const POLICY: (&str, &[&str]) = ("PowerOfNScheduler", &["1", "2", "true", "1"]);
/// The policy that decides when a learner cannot.
pub const FALLBACK: (&str, &[&str]) = POLICY;
