//! The folder that a run leaves behind.

pub(crate) mod csv;
pub(crate) mod drawing;
mod jobs_file;
mod learning;
mod picture;
mod when;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::curve::Curve;
use crate::experiment::Experiment;
use crate::summary::Summary;

pub use jobs_file::{COLUMNS_TEXT, JobsFile, JobsFileError, Row};

const EVENT_LOGS: &str = "event-logs";
const PICTURE: &str = "learning.svg";

/// A results folder that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}")]
pub struct WriteError {
    /// What could not be written.
    pub path: PathBuf,
    /// Why not.
    pub source: std::io::Error,
}

/// Where results go if nobody says it: `results/NAME-<UTC time>`.
pub fn default_folder(name: &str) -> PathBuf {
    Path::new("results").join(format!("{name}-{}", when::utc_now()))
}

/// The folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder; without a name, `results/<experiment>-<UTC time>`.
    ///
    /// # Errors
    /// It cannot be made or written to.
    pub fn create(out: Option<&Path>, experiment: &Experiment) -> Result<Folder, WriteError> {
        let folder = Folder(out.map_or_else(|| default_folder(&experiment.name), Path::to_path_buf));
        fs::create_dir_all(&folder.0).map_err(|source| WriteError { path: folder.0.clone(), source })?;
        folder.write("experiment.toml", &experiment.source)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the jobs are written.
    pub fn jobs(&self) -> PathBuf {
        self.0.join("jobs.parquet")
    }

    /// Writes `summary.json`, `summary.csv` and, of more than one policy, `comparisons.csv`.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write_summary(&self, summary: &Summary) -> Result<(), WriteError> {
        self.write("summary.json", &summary.to_json())?;
        self.write("summary.csv", &csv::render(summary))?;
        match summary.comparisons.is_empty() {
            true => Ok(()),
            false => self.write("comparisons.csv", &csv::comparisons(summary)),
        }
    }

    /// Where the agent of a node is kept.
    pub fn agent(&self, policy: &str, seed: u64, node: usize) -> PathBuf {
        self.0.join("agents").join(format!("{policy}-seed{seed}-node{node}.ckpt"))
    }

    /// Makes the folder for the event logs of nodes.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create_event_logs(&self) -> Result<(), WriteError> {
        let path = self.0.join(EVENT_LOGS);
        fs::create_dir_all(&path).map_err(|source| WriteError { path, source })
    }

    /// Where the event log of a node is written.
    pub fn event_log(&self, policy: &str, seed: u64, node: usize) -> PathBuf {
        self.0.join(EVENT_LOGS).join(format!("{policy}-seed{seed}-node{node}.log"))
    }

    /// The picture of how the agents learned.
    pub fn learning_picture(&self) -> PathBuf {
        self.0.join(PICTURE)
    }

    /// Writes `learning.csv` and `learning.svg`, where somebody has learned something.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write_learning(&self, curves: &[Curve], summary: &Summary) -> Result<(), WriteError> {
        if curves.iter().all(|curve| curve.bins().next().is_none()) {
            return Ok(());
        }
        self.write("learning.csv", &learning::render(curves))?;
        let picture = picture::render(curves, summary);
        let failed =
            |error: String| WriteError { path: self.learning_picture(), source: io::Error::other(error) };
        self.write(PICTURE, &picture.map_err(failed)?)
    }

    /// Writes a file of this name.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<(), WriteError> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(|source| WriteError { path, source })
    }
}
