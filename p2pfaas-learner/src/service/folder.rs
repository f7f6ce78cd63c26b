//! The data folder of a learner: its checkpoints, its parameters, and a lock against a second learner.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::AgentConfig;

/// Name of the checkpoint's file.
const CHECKPOINT: &str = "agent.ckpt";
/// Name of the parameters' file, as the old learner has it.
const PARAMETERS: &str = "p2pfaas_learner.json";
/// Name of the file that is locked.
const LOCK: &str = "p2pfaas_learner.lock";

/// A folder that nobody else uses while this is there.
pub(super) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// The old learner's file.
#[derive(Serialize, Deserialize)]
struct OldFile<Parameters> {
    learner_name: String,
    learner_parameters: Parameters,
}

impl DataFolder {
    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// It cannot be made or written to, or another learner uses it.
    pub fn open(path: &Path) -> Result<Self, String> {
        let at = |error: io::Error| format!("{}: {error}", path.display());
        fs::create_dir_all(path).map_err(at)?;
        let lock = File::create(path.join(LOCK)).map_err(at)?;
        match lock.try_lock() {
            Ok(()) => Ok(DataFolder { path: path.into(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(format!("{}: another learner uses it", path.display())),
            Err(TryLockError::Error(error)) => Err(at(error)),
        }
    }

    /// File of the checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }

    /// File of the parameters.
    pub fn parameters(&self) -> PathBuf {
        self.path.join(PARAMETERS)
    }
}

/// The parameters in an old learner's file; `None` if there is no file.
///
/// # Errors
/// It cannot be read, or is something else.
pub(super) fn read_parameters(path: &Path) -> Result<Option<Map<String, Value>>, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    match fs::read(path) {
        Ok(text) => {
            let file: OldFile<_> = serde_json::from_slice(&text).map_err(|error| at(&error))?;
            Ok(Some(file.learner_parameters))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(&error)),
    }
}

/// Writes an old learner's file, as a whole or not at all.
///
/// # Errors
/// It cannot be written; what was there before is still there.
pub(super) fn write_parameters(path: &Path, name: String, config: &AgentConfig) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(&OldFile { learner_name: name, learner_parameters: config })?;
    let new = path.with_extension("json.new");
    let mut file = File::create(&new)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&new, path)
}
