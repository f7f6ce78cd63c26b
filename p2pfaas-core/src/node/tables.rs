//! How much a node holds.

/// Entries in a node's tables. Each has a bound, and all but the remembered ones are gone when no job is under way
/// and the last [`Event::Wake`](crate::Event::Wake) that was asked for has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tables {
    /// Jobs under way; at most [`NodeConfig::max_jobs`](crate::NodeConfig::max_jobs).
    pub jobs: usize,
    /// Time-outs that are set, dead ones included; at most 4 a job and 64.
    pub timers: usize,
    /// Ids of forwarded jobs that are remembered; at most [`NodeConfig::forwarded_ids`](crate::NodeConfig::forwarded_ids).
    pub forwarded_ids: usize,
    /// Jobs of our nodes that are remembered; at most [`NodeConfig::taken_ids`](crate::NodeConfig::taken_ids).
    pub taken_ids: usize,
    /// Policies that are kept: five, and as many old ones as once had jobs at the same time.
    pub policies: usize,
    /// Jobs that are out and could not be known again; at most
    /// [`NodeConfig::max_foreign_forwards`](crate::NodeConfig::max_foreign_forwards).
    pub foreign_forwards: u32,
    /// Functions at peers whose failures are remembered; at most [`MAX_OUTLIERS`](crate::defaults::MAX_OUTLIERS).
    pub outliers: usize,
    /// Peers that have a number; at most [`MAX_PEERS`](crate::defaults::MAX_PEERS).
    pub peers: usize,
}
