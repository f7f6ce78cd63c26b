//! The shapes that a network can have.

use super::graph::Graph;

/// The shape of a network.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Topology {
    /// Everybody is everybody's neighbour.
    #[default]
    Full,
}

/// A shape that so many nodes cannot have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TopologyError {
    /// More nodes than there are numbers for.
    #[error("{nodes} nodes are too many")]
    TooManyNodes {
        /// How many.
        nodes: usize,
    },
}

impl Topology {
    pub(super) fn build(&self, nodes: usize, seed: u64) -> Result<Graph, TopologyError> {
        let _ = seed;
        let nodes = u32::try_from(nodes).map_err(|_| TopologyError::TooManyNodes { nodes })?;
        Ok(Graph::full(nodes))
    }
}
