//! What lies between the nodes: who is whose neighbour, and how long a message takes.
//!
//! A [`NetworkSpec`] is a plain description; [`NetworkSpec::build`] makes a [`Network`] of it, which a
//! running simulation asks. Messages do not wait for each other on a link, and one that was sent later
//! may come sooner where latencies are drawn.

mod bandwidth;
mod graph;
mod latency;
mod matrix;
mod partition;
mod place;
mod random_graphs;
mod table_file;
mod topology;

use std::time::Duration;

use p2pfaas_core::Time;
use rand::{Rng, RngExt};

pub use bandwidth::{Bandwidth, BandwidthError};
pub use graph::{Graph, Neighbours};
pub use latency::{Jitter, Latency, LatencyError};
pub use matrix::{MAX_MATRIX_NODES, Matrix};
pub use partition::{Partition, PartitionError};
pub use place::Coordinates;
pub use table_file::{FileError, read_edges};
pub use topology::{Topology, TopologyError};

use latency::Links;
use partition::Timetable;

/// A network as it is described: no file is open, nothing is drawn yet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetworkSpec {
    /// Who is whose neighbour; jobs and probes go to neighbours only.
    pub topology: Topology,
    /// How long a message takes, one way, node to node.
    pub latency: Latency,
    /// How much longer a message with a body takes; `None`: no longer.
    pub bandwidth: Option<Bandwidth>,
    /// The probability that a probe gets no answer, at least 0 and below 1.
    pub probe_loss: f64,
    /// When which nodes cannot reach each other.
    pub partitions: Vec<Partition>,
    /// Nodes answer probes with the load that they had at the last multiple of this since the start;
    /// `None`: with the load that they have.
    pub view_refresh: Option<Duration>,
}

/// A description that no network can have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// There is no such graph.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// There are no such latencies.
    #[error(transparent)]
    Latency(#[from] LatencyError),
    /// There is no such bandwidth.
    #[error(transparent)]
    Bandwidth(#[from] BandwidthError),
    /// A partition cannot be.
    #[error("partition {index}: {error}")]
    Partition {
        /// Which one, from 0.
        index: usize,
        /// Why.
        error: PartitionError,
    },
    /// No probability below 1.
    #[error("a probe loss of {0}; it must be at least 0 and below 1")]
    ProbeLoss(f64),
}

impl NetworkSpec {
    /// Makes the network of so many nodes. The seed is that of the run: random graphs are drawn with it.
    ///
    /// # Errors
    /// The description does not fit so many nodes, or makes no sense; a random graph that must be
    /// connected never was.
    pub fn build(&self, nodes: usize, seed: u64) -> Result<Network, NetworkError> {
        if !(0.0..1.0).contains(&self.probe_loss) {
            return Err(NetworkError::ProbeLoss(self.probe_loss));
        }
        if let Some(bandwidth) = &self.bandwidth {
            bandwidth.check(nodes)?;
        }
        Ok(Network {
            graph: self.topology.build(nodes, seed)?,
            links: self.latency.build(nodes)?,
            bandwidth: self.bandwidth.clone(),
            timetable: Timetable::new(&self.partitions, nodes)?,
            probe_loss: self.probe_loss,
            view_refresh: self.view_refresh,
        })
    }
}

/// A network that can be asked. Nodes are numbered from 0.
#[derive(Debug, Clone)]
pub struct Network {
    graph: Graph,
    links: Links,
    bandwidth: Option<Bandwidth>,
    timetable: Timetable,
    probe_loss: f64,
    view_refresh: Option<Duration>,
}

impl Network {
    /// A node's neighbours, ascending.
    pub fn neighbours(&self, node: u32) -> Neighbours<'_> {
        self.graph.neighbours(node)
    }

    /// The neighbour of a node with this number among its neighbours.
    #[inline]
    pub fn neighbour(&self, node: u32, number: u32) -> Option<u32> {
        self.graph.neighbour(node, number)
    }

    /// The number of a neighbour among a node's neighbours.
    #[inline]
    pub fn number(&self, node: u32, neighbour: u32) -> Option<u32> {
        self.graph.number(node, neighbour)
    }

    /// How long a message of so many bytes takes from one node to another. Nothing is drawn unless
    /// latencies are random.
    #[inline]
    pub fn delay<R: Rng + ?Sized>(&self, from: u32, to: u32, bytes: u64, rng: &mut R) -> Duration {
        let delay = self.links.delay(from, to, rng);
        match &self.bandwidth {
            None => delay,
            Some(bandwidth) => delay + bandwidth.time(from, to, bytes),
        }
    }

    /// Whether a message that is sent now between two nodes is lost, because a partition parts them.
    /// Partitions count from [`Time::ZERO`].
    #[inline]
    pub fn cut(&self, now: Time, a: u32, b: u32) -> bool {
        self.timetable.cut(now, a, b)
    }

    /// Whether a probe gets lost. Nothing is drawn where none can.
    #[inline]
    pub fn probe_lost<R: Rng + ?Sized>(&self, rng: &mut R) -> bool {
        self.probe_loss > 0.0 && rng.random::<f64>() < self.probe_loss
    }

    /// How old the loads can be that nodes tell; see [`NetworkSpec::view_refresh`].
    pub fn view_refresh(&self) -> Option<Duration> {
        self.view_refresh
    }
}

#[cfg(test)]
mod tests;
