//! One number for each ordered pair of nodes.

use std::path::Path;
use std::sync::Arc;

use super::table_file::{FileError, each_row, field};

/// Nodes of a matrix: it is kept whole.
pub const MAX_MATRIX_NODES: usize = 4_096;

/// One number for each ordered pair of nodes, 0 or more. Those from a node to itself mean nothing. Copies
/// share their memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    nodes: usize,
    /// Row by row: from whom; within it, to whom.
    values: Arc<[f64]>,
}

impl Matrix {
    /// Reads a file with one row a node, from whom, and in it one number a node, to whom.
    ///
    /// # Errors
    /// It cannot be read, is not of so many nodes, or has anything but finite numbers from 0 on. More than
    /// [`MAX_MATRIX_NODES`] nodes are too many.
    pub fn read(path: &Path, nodes: usize) -> Result<Self, FileError> {
        let incomplete = |reason| FileError::Incomplete { path: path.into(), reason };
        if nodes > MAX_MATRIX_NODES {
            return Err(incomplete(format!(
                "a matrix for {nodes} nodes is too big; at most {MAX_MATRIX_NODES}"
            )));
        }
        let mut values = Vec::with_capacity(nodes * nodes);
        each_row(path, |fields| {
            if values.len() == nodes * nodes {
                return Err(format!("more than {nodes} rows; expected one a node"));
            }
            if fields.len() != nodes {
                return Err(format!("{} numbers; expected {nodes}, one a node", fields.len()));
            }
            for text in fields {
                const NUMBER: &str = "a number, 0 or more";
                let value: f64 = field(text, NUMBER)?;
                if !(value.is_finite() && value >= 0.0) {
                    return Err(format!("\"{text}\" is not {NUMBER}"));
                }
                values.push(value);
            }
            Ok(())
        })?;
        if values.len() < nodes * nodes {
            return Err(incomplete(format!(
                "{} rows; expected {nodes}, one a node",
                values.len() / nodes.max(1)
            )));
        }
        Ok(Matrix { nodes, values: values.into() })
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The number from one node to another.
    #[inline]
    pub fn get(&self, from: u32, to: u32) -> f64 {
        self.values[from as usize * self.nodes + to as usize]
    }

    /// The first pair of different nodes whose number is 0.
    pub fn zero(&self) -> Option<(u32, u32)> {
        let all = 0..self.nodes as u32;
        let pairs = all.clone().flat_map(|from| all.clone().map(move |to| (from, to)));
        pairs.into_iter().find(|&(from, to)| from != to && self.get(from, to) == 0.0)
    }
}
