//! How long messages take.

use std::time::Duration;

use rand::Rng;

/// How long a message takes, one way, node to node.
#[derive(Debug, Clone, PartialEq)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
}

impl Default for Latency {
    fn default() -> Self {
        Latency::Constant(Duration::ZERO)
    }
}

/// Latencies that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LatencyError {}

impl Latency {
    pub(super) fn build(&self, nodes: usize) -> Result<Links, LatencyError> {
        let _ = nodes;
        match self {
            Latency::Constant(delay) => Ok(Links::Constant(*delay)),
        }
    }
}

/// Latencies, ready to be asked.
#[derive(Debug, Clone)]
pub(super) enum Links {
    Constant(Duration),
}

impl Links {
    #[inline]
    pub fn delay<R: Rng + ?Sized>(&self, _from: u32, _to: u32, _rng: &mut R) -> Duration {
        match self {
            Links::Constant(delay) => *delay,
        }
    }
}
