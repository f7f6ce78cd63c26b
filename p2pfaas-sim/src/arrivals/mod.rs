//! Arrivals: when which job comes to which node.

mod schedule;

pub use schedule::{Arrival, Schedule};

/// The arrivals at all nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// How the gaps between arrivals are drawn.
    pub kind: ArrivalKind,
    /// Jobs per second, one a node.
    pub rates: Vec<f64>,
    /// Shares of the task types; they add up to 1.
    pub shares: Vec<f64>,
}

/// How the gaps between arrivals are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrivalKind {
    /// Independent exponential gaps.
    Poisson,
    /// Equal gaps; each node has a phase of its own.
    Deterministic,
}
