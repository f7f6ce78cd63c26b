//! The folder that a run leaves behind.

pub(crate) mod csv;
pub(crate) mod drawing;
mod jobs_file;
mod learning;
mod picture;
mod provenance;
mod when;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::curve::Curve;
use crate::experiment::{Experiment, with_provenance};
use crate::summary::Summary;

pub use jobs_file::{COLUMNS_TEXT, JobsFile, JobsFileError, Row};
pub use provenance::{COMMIT, Provenance};

const EXPERIMENT: &str = "experiment.toml";
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

/// Of a folder that is not empty.
const TAKEN: &str =
    "there are results already, which a second run never overwrites; expected a new or an empty folder";

impl WriteError {
    /// Whether the command was wrong, and not the machine: it named a folder with results.
    pub fn is_input(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }
}

/// Makes the folder where results go if nobody says it: `results/NAME-<UTC time>`, with a number behind it
/// if that is taken.
///
/// # Errors
/// It cannot be made.
pub fn default_folder(name: &str) -> Result<PathBuf, WriteError> {
    new_folder(Path::new("results"), &format!("{name}-{}", when::utc_now()))
}

fn new_folder(parent: &Path, name: &str) -> Result<PathBuf, WriteError> {
    make(parent)?;
    let mut path = parent.join(name);
    for number in 2_u32.. {
        match fs::create_dir(&path) {
            // Of two that begin in the same second, one finds the name taken.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = parent.join(format!("{name}-{number}"));
            }
            Err(source) => return Err(WriteError { path, source }),
            Ok(()) => break,
        }
    }
    Ok(path)
}

fn make(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(|source| WriteError { path: path.into(), source })
}

/// The folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, with the experiment's file in it; without a name, `results/<experiment>-<UTC time>`.
    ///
    /// # Errors
    /// It cannot be made or written to, or there is something in it.
    pub fn create(out: Option<&Path>, experiment: &Experiment) -> Result<Folder, WriteError> {
        let folder = match out {
            None => Folder(default_folder(&experiment.name)?),
            Some(out) => {
                make(out)?;
                Folder(out.into())
            }
        };
        let failed = |source| WriteError { path: folder.0.clone(), source };
        if fs::read_dir(&folder.0).map_err(failed)?.next().is_some() {
            return Err(failed(io::Error::new(io::ErrorKind::AlreadyExists, TAKEN)));
        }
        // Of two that begin at once, only one can make it.
        let path = folder.0.join(EXPERIMENT);
        let made = File::create_new(&path).and_then(|mut made| made.write_all(experiment.source.as_bytes()));
        made.map_err(|source| WriteError { path, source })?;
        Ok(folder)
    }

    /// One that there is.
    pub fn open(path: &Path) -> Folder {
        Folder(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes the experiment's file as it is run, with what it leaves unsaid and where the results come from.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_experiment(&self, as_run: &str, provenance: &Provenance) -> Result<(), WriteError> {
        self.write(EXPERIMENT, &with_provenance(as_run, provenance))
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
        make(&self.0.join(EVENT_LOGS))
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

    /// Writes a file of this name, as a whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<(), WriteError> {
        let path = self.0.join(name);
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = path.with_file_name(format!(".{file}"));
        let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, &path));
        written.map_err(|source| WriteError { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{experiment, sweep_file};

    #[test]
    fn a_folder_with_results_is_refused_and_an_empty_one_is_taken() {
        let (root, experiment) = (tempfile::tempdir().unwrap(), experiment(sweep_file()));
        let out = root.path().join("a/b");
        fs::create_dir_all(&out).unwrap();
        Folder::create(Some(&out), &experiment).unwrap().write("summary.json", "first").unwrap();
        let error = Folder::create(Some(&out), &experiment).unwrap_err();
        assert!(error.is_input() && error.to_string().contains("never overwrites"), "{error}");
        assert_eq!(fs::read_to_string(out.join("summary.json")).unwrap(), "first");
        assert_eq!(fs::read_to_string(out.join("experiment.toml")).unwrap(), sweep_file());
    }

    #[test]
    fn two_runs_of_the_same_second_have_folders_of_their_own() {
        let root = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3).map(|_| new_folder(root.path(), "a-now").unwrap()).collect();
        let names: Vec<_> = names.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a-now", "a-now-2", "a-now-3"]);
    }
}
