//! The policy LL(F, T) as theory sees it, and what is found of a cluster that balances its load.

/// The node's `PowerOfNScheduler` without delays and with MaxHops = 1: a job that finds `threshold` jobs or
/// more at its node has `fan_out` other nodes probed (distinct, each set equally likely). It goes to one
/// of them if any is strictly less loaded; else it stays, and is dropped if there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerOfN {
    /// F: nodes to probe; all others if there are no more.
    pub fan_out: u32,
    /// T: own load from which on nodes are probed; beyond a node's places it means never.
    pub threshold: u32,
    /// Which of the probed nodes.
    pub choice: Choice,
}

/// Which of the probed nodes a job goes to, where one is strictly less loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The least loaded, ties at random.
    LeastLoaded,
    /// Any that is not more loaded than the job's own node, equal ones too: the reference's rule, option
    /// `choice=random-among-not-more-loaded`. From a full node it may lose the job at another full one.
    RandomAmongNotMoreLoaded,
}

/// The steady state of a cluster of equal nodes with equal traffic.
#[derive(Debug, Clone, PartialEq)]
pub struct Balanced {
    /// P(a node has i jobs), i from 0.
    pub probabilities: Vec<f64>,
    /// Share of the jobs that are lost.
    pub blocking: f64,
    /// Share of the jobs that are sent to another node.
    pub forwarded: f64,
    /// Nodes probed per job.
    pub probes_per_job: f64,
    /// Mean number of jobs at a node.
    pub mean_number: f64,
    /// Mean time from arrival to end of a served job.
    pub mean_response_s: f64,
    /// Share of the flow between states that is out of balance in the solution.
    pub residual: f64,
}
