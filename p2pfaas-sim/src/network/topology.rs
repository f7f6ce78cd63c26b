//! The shapes that a network can have.

use std::sync::Arc;

use super::graph::Graph;
use super::random_graphs;
use crate::streams::{Purpose, generator};

/// How often a random graph is drawn until it is connected.
const ATTEMPTS: u32 = 100;
/// Edges of any graph but a full mesh.
const MAX_EDGES: u64 = 10_000_000;

/// The shape of a network. Whatever is not a list of edges is connected: from any node there is a way to
/// any other.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Topology {
    /// Everybody is everybody's neighbour.
    #[default]
    Full,
    /// Each node has the one before and the one after it.
    Ring,
    /// Nodes stand in rows, one row after the other; neighbours are above, below, left and right.
    Grid {
        /// Number of rows.
        rows: u32,
        /// Nodes in a row.
        columns: u32,
    },
    /// A grid whose opposite borders touch.
    Torus {
        /// Number of rows.
        rows: u32,
        /// Nodes in a row.
        columns: u32,
    },
    /// Each node has so many neighbours at random. Drawn until it is connected.
    RandomRegular {
        /// Neighbours of each node.
        degree: u32,
    },
    /// Any two nodes are neighbours with this probability, independently (Gilbert 1959). Drawn until it is
    /// connected; where that does not happen it is refused, so no node is alone.
    ErdosRenyi {
        /// Above 0, at most 1.
        probability: f64,
    },
    /// Nodes come one by one and choose neighbours in proportion to how many those have (Barabási and
    /// Albert 1999). It begins as a star.
    BarabasiAlbert {
        /// Neighbours that a node chooses when it comes.
        m: u32,
    },
    /// These pairs of nodes are neighbours. It need not be connected: a node without neighbours works alone.
    Edges(Arc<[(u32, u32)]>),
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
    /// More edges than are kept.
    #[error("about {edges:.0} pairs of neighbours are too many; at most {MAX_EDGES}, unless it is full")]
    TooManyEdges {
        /// How many there would be.
        edges: f64,
    },
    /// Rows times columns is something else.
    #[error("{rows} rows of {columns} are not {nodes} nodes")]
    NotTheNodes {
        /// Rows asked for.
        rows: u32,
        /// Columns asked for.
        columns: u32,
        /// Nodes that there are.
        nodes: u32,
    },
    /// A graph of so many nodes cannot have this degree.
    #[error("no connected graph of {nodes} nodes has {degree} neighbours each: {reason}")]
    Degree {
        /// Neighbours asked for.
        degree: u32,
        /// Nodes that there are.
        nodes: u32,
        /// Why.
        reason: &'static str,
    },
    /// No probability above 0.
    #[error("a probability of {0}; it must be above 0 and at most 1")]
    Probability(f64),
    /// A node that comes cannot choose so many.
    #[error("m = {m} in a graph of {nodes} nodes; it must be at least 1 and below the number of nodes")]
    Chosen {
        /// Neighbours asked for.
        m: u32,
        /// Nodes that there are.
        nodes: u32,
    },
    /// The graph fell into pieces each time.
    #[error("in {ATTEMPTS} attempts the graph was never connected; {hint}")]
    NeverConnected {
        /// What helps.
        hint: String,
    },
    /// An edge to a node that is not there.
    #[error("an edge between {} and {}, but there are only {nodes} nodes, from 0 on", edge.0, edge.1)]
    UnknownNode {
        /// The edge.
        edge: (u32, u32),
        /// Nodes that there are.
        nodes: u32,
    },
}

impl Topology {
    pub(super) fn build(&self, nodes: usize, seed: u64) -> Result<Graph, TopologyError> {
        let nodes = u32::try_from(nodes).map_err(|_| TopologyError::TooManyNodes { nodes })?;
        let edges = match *self {
            Topology::Full => return Ok(Graph::full(nodes)),
            Topology::ErdosRenyi { probability: 1.0 } => return Ok(Graph::full(nodes)),
            Topology::Ring => ring(nodes),
            Topology::Grid { rows, columns } => lattice(rows, columns, nodes, false)?,
            Topology::Torus { rows, columns } => lattice(rows, columns, nodes, true)?,
            Topology::RandomRegular { degree } => return regular(nodes, degree, seed),
            Topology::ErdosRenyi { probability } => return erdos_renyi(nodes, probability, seed),
            Topology::BarabasiAlbert { m } => barabasi_albert(nodes, m, seed)?,
            Topology::Edges(ref edges) => {
                few(edges.len() as f64)?;
                if let Some(&edge) = edges.iter().find(|(a, b)| a.max(b) >= &nodes) {
                    return Err(TopologyError::UnknownNode { edge, nodes });
                }
                return Ok(Graph::of_edges(nodes, edges));
            }
        };
        Ok(Graph::of_edges(nodes, &edges))
    }
}

fn few(edges: f64) -> Result<(), TopologyError> {
    if edges > MAX_EDGES as f64 { Err(TopologyError::TooManyEdges { edges }) } else { Ok(()) }
}

fn ring(nodes: u32) -> Vec<(u32, u32)> {
    (0..nodes).map(|node| (node, (node + 1) % nodes)).collect()
}

fn lattice(rows: u32, columns: u32, nodes: u32, closed: bool) -> Result<Vec<(u32, u32)>, TopologyError> {
    if u64::from(rows) * u64::from(columns) != u64::from(nodes) {
        return Err(TopologyError::NotTheNodes { rows, columns, nodes });
    }
    let mut edges = Vec::with_capacity(2 * nodes as usize);
    for node in 0..nodes {
        let (row, column) = (node / columns, node % columns);
        if column + 1 < columns {
            edges.push((node, node + 1));
        } else if closed {
            edges.push((node, node - column));
        }
        if row + 1 < rows {
            edges.push((node, node + columns));
        } else if closed {
            edges.push((node, column));
        }
    }
    Ok(edges)
}

fn regular(nodes: u32, degree: u32, seed: u64) -> Result<Graph, TopologyError> {
    let refused = |reason| Err(TopologyError::Degree { degree, nodes, reason });
    if degree >= nodes.max(1) {
        return refused("there are not so many others");
    }
    if nodes % 2 == 1 && degree % 2 == 1 {
        return refused("one of the two numbers must be even");
    }
    if degree + 1 == nodes {
        return Ok(Graph::full(nodes));
    }
    if degree < 2 {
        return refused("it takes two neighbours");
    }
    few(f64::from(nodes) * f64::from(degree) / 2.0)?;
    let mut rng = generator(seed, Purpose::Topology, 0);
    if degree == 2 {
        return Ok(Graph::of_edges(nodes, &random_graphs::cycle(nodes, &mut rng)));
    }
    let draw = || random_graphs::regular(nodes, degree, &mut rng);
    connected(nodes, draw, || "more neighbours help".into())
}

fn erdos_renyi(nodes: u32, probability: f64, seed: u64) -> Result<Graph, TopologyError> {
    if !(probability > 0.0 && probability < 1.0) {
        return Err(TopologyError::Probability(probability));
    }
    let others = f64::from(nodes.saturating_sub(1));
    few(f64::from(nodes) * others / 2.0 * probability)?;
    let mut rng = generator(seed, Purpose::Topology, 0);
    connected(
        nodes,
        || random_graphs::erdos_renyi(nodes, probability, &mut rng),
        || {
            let enough = f64::from(nodes).ln() / f64::from(nodes);
            let degree = enough * others;
            format!("it often is from a probability of {enough:.3} (a mean degree of {degree:.1}) on")
        },
    )
}

fn barabasi_albert(nodes: u32, m: u32, seed: u64) -> Result<Vec<(u32, u32)>, TopologyError> {
    if m == 0 || m >= nodes {
        return Err(TopologyError::Chosen { m, nodes });
    }
    few(f64::from(m) * f64::from(nodes - m))?;
    Ok(random_graphs::barabasi_albert(nodes, m, &mut generator(seed, Purpose::Topology, 0)))
}

fn connected(
    nodes: u32,
    mut draw: impl FnMut() -> Vec<(u32, u32)>,
    hint: impl FnOnce() -> String,
) -> Result<Graph, TopologyError> {
    for _ in 0..ATTEMPTS {
        let graph = Graph::of_edges(nodes, &draw());
        if graph.connected() {
            return Ok(graph);
        }
    }
    Err(TopologyError::NeverConnected { hint: hint() })
}

#[cfg(test)]
mod tests;
