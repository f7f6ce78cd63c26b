//! A trace that cannot be used.

use std::path::PathBuf;

/// What is wrong with a trace, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// A file that cannot be opened or read, or is not of the format.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A line, or a row of a table, that is not right.
    #[error("{path}:{line}: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line or row, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A value that is not right.
    #[error("{path}:{line}: column {column}: {reason}")]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line or row, from 1.
        line: u64,
        /// Name of its column.
        column: String,
        /// What is wrong.
        reason: String,
    },
}

/// Lines, or rows, of a file that are broken and were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// How many.
    pub lines: u64,
}

impl TraceError {
    /// Whether one line or row is broken, and the others may be right.
    pub fn is_of_a_line(&self) -> bool {
        matches!(self, TraceError::Line { .. } | TraceError::Cell { .. })
    }

    /// A file that cannot be opened or read.
    pub fn unreadable(path: impl Into<PathBuf>, error: impl std::fmt::Display) -> Self {
        TraceError::File { path: path.into(), reason: format!("cannot be read: {error}") }
    }
}
