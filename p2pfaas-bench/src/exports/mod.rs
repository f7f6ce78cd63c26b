//! Files for other programs, made of a results folder: the reference client's database for its plot scripts,
//! TensorBoard event files, HdrHistogram interval logs, and load summaries in the shape of oha.

mod hlog;
mod jobs;
mod oha;
mod reference_db;
mod tensorboard;

use std::fs;
use std::path::{Path, PathBuf};

pub use jobs::{Job, Jobs, Run};

/// What can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// SQLite with the tables `jobs`, `timings` and `values_strings` of the reference client, one file a run.
    ReferenceDb,
    /// Learning curves as TensorBoard event files, one folder a run.
    Tensorboard,
    /// HdrHistogram interval logs of the latencies, one file a policy, one tag a seed.
    Hlog,
    /// A load summary in the JSON shape of oha, one file a policy.
    Oha,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 4] = [Format::ReferenceDb, Format::Tensorboard, Format::Hlog, Format::Oha];
}

/// A folder that cannot be turned into other files.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The results cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// There are no jobs.
    #[error("{} has no jobs.parquet; simulate once more with --jobs", .0.display())]
    NoJobs(PathBuf),
}

impl ExportError {
    fn read(path: &Path, reason: impl ToString) -> Self {
        ExportError::Read { path: path.into(), reason: reason.to_string() }
    }

    fn write(path: &Path, reason: impl ToString) -> Self {
        ExportError::Write { path: path.into(), reason: reason.to_string() }
    }
}

/// Makes files of these formats from a results folder, and returns their paths in the order of their making.
/// Without `out`, they go to the folder's `exports`.
///
/// # Errors
/// The results cannot be read, or a file cannot be written.
pub fn export(results: &Path, formats: &[Format], out: Option<&Path>) -> Result<Vec<PathBuf>, ExportError> {
    let out = out.map_or_else(|| results.join("exports"), Path::to_path_buf);
    fs::create_dir_all(&out).map_err(|error| ExportError::write(&out, error))?;
    let mut made = Vec::new();
    for format in formats {
        made.extend(match format {
            Format::ReferenceDb => reference_db::write(results, &out)?,
            Format::Tensorboard => tensorboard::write(results, &out)?,
            Format::Hlog => hlog::write(results, &out)?,
            Format::Oha => oha::write(results, &out)?,
        });
    }
    Ok(made)
}

/// The text of a label that may stand in the name of a file.
fn file_name(label: &str) -> String {
    let safe =
        |letter: char| if letter.is_ascii_alphanumeric() || ".-".contains(letter) { letter } else { '_' };
    label.chars().map(safe).collect()
}

#[cfg(test)]
mod tests;
