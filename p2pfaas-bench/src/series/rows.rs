//! Nodes as rows of a chart, and what is counted of them.

use serde::{Deserialize, Serialize};

use super::Axis;

/// Rows at most; in larger clusters neighbours in the order of the experiment share one.
pub const MAX_ROWS: usize = 64;

/// Which node belongs to which row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Nodes of the cluster.
    pub nodes: usize,
    /// Nodes of a row; the last one may have fewer.
    pub each: usize,
}

impl Rows {
    /// Of so many nodes.
    pub fn new(nodes: usize) -> Rows {
        Rows { nodes, each: nodes.div_ceil(MAX_ROWS).max(1) }
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.nodes.div_ceil(self.each)
    }

    /// The row of a node.
    pub fn row(self, node: u32) -> usize {
        (node as usize / self.each).min(self.count().saturating_sub(1))
    }

    /// The nodes of a row.
    pub fn of(self, row: usize) -> std::ops::Range<usize> {
        row * self.each..((row + 1) * self.each).min(self.nodes)
    }
}

/// Counts of nodes, in rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeCounts {
    /// Which nodes.
    pub rows: Rows,
    /// How time is cut.
    pub axis: Axis,
    /// Nanoseconds that jobs ran: row by row, in each one bucket by bucket.
    busy_ns: Vec<u64>,
    /// Jobs after the warm-up that were due at a node of each row.
    arrived: Vec<u64>,
    /// Of these, those that ran at a node of another or the same row: row by row.
    ran: Vec<u64>,
}

impl NodeCounts {
    pub(super) fn new(rows: Rows, axis: Axis) -> NodeCounts {
        let count = rows.count();
        NodeCounts {
            rows,
            axis,
            busy_ns: vec![0; count * axis.buckets],
            arrived: vec![0; count],
            ran: vec![0; count * count],
        }
    }

    /// A job ran at a node.
    pub(super) fn ran(&mut self, node: u32, from_s: f64, to_s: f64) {
        let first = self.rows.row(node) * self.axis.buckets;
        for (bucket, part_s) in self.axis.parts(from_s, to_s) {
            self.busy_ns[first + bucket] += (1e9 * part_s).round() as u64;
        }
    }

    /// A job was due at a node, and ran where it is said.
    pub(super) fn went(&mut self, from: u32, to: Option<u32>) {
        let from = self.rows.row(from);
        self.arrived[from] += 1;
        if let Some(to) = to {
            self.ran[from * self.rows.count() + self.rows.row(to)] += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &NodeCounts) {
        let pairs = [
            (&mut self.busy_ns, &other.busy_ns),
            (&mut self.arrived, &other.arrived),
            (&mut self.ran, &other.ran),
        ];
        for (ours, theirs) in pairs {
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours += theirs);
        }
    }

    /// Seconds for which jobs ran at the nodes of a row in a bucket, added up over slots.
    pub fn busy_s(&self, row: usize, bucket: usize) -> f64 {
        1e-9 * self.busy_ns[row * self.axis.buckets + bucket] as f64
    }

    /// Of the jobs that were due at nodes of a row, the share that ran at nodes of another; `None` where none
    /// were due.
    pub fn share(&self, from: usize, to: usize) -> Option<f64> {
        let arrived = self.arrived[from];
        (arrived > 0).then(|| self.ran[from * self.rows.count() + to] as f64 / arrived as f64)
    }

    #[cfg(test)]
    pub(super) fn numbers(&self) -> usize {
        self.busy_ns.capacity() + self.arrived.capacity() + self.ran.capacity()
    }
}
