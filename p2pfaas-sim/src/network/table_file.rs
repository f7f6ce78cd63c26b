//! Files of one row a line, with fields between commas, semicolons or blanks.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line is wrong.
    #[error("{}:{line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// The lines are right, but there are not all.
    #[error("{}: {reason}", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
}

/// Gives `take` the fields of each line, without comments (from `#` on) and empty lines. What it says is
/// wrong is wrong with the line.
pub(super) fn each_row(
    path: &Path,
    mut take: impl FnMut(&[&str]) -> Result<(), String>,
) -> Result<(), FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.into(), source };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        if reader.read_line(&mut text).map_err(unreadable)? == 0 {
            break;
        }
        let row = text.split('#').next().unwrap_or_default().trim();
        if row.is_empty() {
            continue;
        }
        let fields: Vec<&str> = if row.contains([',', ';']) {
            row.split([',', ';']).map(str::trim).collect()
        } else {
            row.split_whitespace().collect()
        };
        take(&fields).map_err(|reason| FileError::Line { path: path.into(), line, reason })?;
    }
    Ok(())
}

/// Reads a field.
pub(super) fn field<T: FromStr>(text: &str, expected: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("\"{text}\" is not {expected}"))
}

/// Reads the number of a node.
pub(super) fn node(text: &str, nodes: usize) -> Result<u32, String> {
    let node: u32 = field(text, "the number of a node")?;
    if (node as usize) < nodes {
        Ok(node)
    } else {
        Err(format!("there is no node {node}, only 0 to {}", nodes.saturating_sub(1)))
    }
}

/// A file of edges, two numbers of nodes a line.
///
/// # Errors
/// It cannot be read; a line is something else, or names a node that is not there.
pub fn read_edges(path: &Path, nodes: usize) -> Result<std::sync::Arc<[(u32, u32)]>, FileError> {
    let mut edges = Vec::new();
    each_row(path, |fields| {
        let [a, b] = fields else {
            return Err(format!("{} fields; expected the numbers of two nodes", fields.len()));
        };
        edges.push((node(a, nodes)?, node(b, nodes)?));
        Ok(())
    })?;
    Ok(edges.into())
}
