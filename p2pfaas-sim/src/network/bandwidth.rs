//! How much longer a message with a body takes.

use std::time::Duration;

use super::latency::milliseconds;
use super::matrix::Matrix;

/// How many megabits of 10⁶ bits go over a link in a second.
#[derive(Debug, Clone, PartialEq)]
pub enum Bandwidth {
    /// Everywhere as many.
    Same(f64),
    /// Known for each pair of nodes.
    Matrix(Matrix),
}

/// A bandwidth that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BandwidthError {
    /// Nothing would ever come through.
    #[error("a bandwidth of {0} Mbit/s; it must be above 0")]
    Nothing(f64),
    /// Nothing would ever come through somewhere.
    #[error("a bandwidth of 0 from node {from} to node {to}; it must be above 0")]
    NothingBetween {
        /// From whom.
        from: u32,
        /// To whom.
        to: u32,
    },
    /// It is that of another network.
    #[error("bandwidths of {known} nodes for {nodes} nodes")]
    OtherNodes {
        /// Nodes whose bandwidths are known.
        known: usize,
        /// Nodes that there are.
        nodes: usize,
    },
}

impl Bandwidth {
    pub(super) fn check(&self, nodes: usize) -> Result<(), BandwidthError> {
        match self {
            Bandwidth::Same(mbps) if mbps.is_finite() && *mbps > 0.0 => Ok(()),
            Bandwidth::Same(mbps) => Err(BandwidthError::Nothing(*mbps)),
            Bandwidth::Matrix(matrix) if matrix.nodes() != nodes => {
                Err(BandwidthError::OtherNodes { known: matrix.nodes(), nodes })
            }
            Bandwidth::Matrix(matrix) => match matrix.zero() {
                Some((from, to)) => Err(BandwidthError::NothingBetween { from, to }),
                None => Ok(()),
            },
        }
    }

    /// From the first to the last bit.
    pub(super) fn time(&self, from: u32, to: u32, bytes: u64) -> Duration {
        let mbps = match self {
            Bandwidth::Same(mbps) => *mbps,
            Bandwidth::Matrix(matrix) => matrix.get(from, to),
        };
        milliseconds(bytes as f64 * 8.0 / (mbps * 1e3))
    }
}
