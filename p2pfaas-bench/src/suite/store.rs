//! What has been measured, line by line, so that a suite that was ended goes on.
//!
//! `instances.jsonl` has a line for what was tuned on an instance, and one for each learned policy there. A line that is
//! torn counts as not there; of two lines for the same the later one counts.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::measured::Row;
use crate::results::WriteError;

const LINES: &str = "instances.jsonl";

/// An instance, by what it is drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The scenario.
    pub scenario: String,
    /// The load.
    pub load: f64,
    /// The seed of the draw.
    pub seed: u64,
}

/// What is known of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Which.
    #[serde(flatten)]
    pub case: Case,
    /// A number for its files, the grid and the program: results of other ones do not count.
    pub instance: String,
    /// Of a learned policy, the number for all that it says; `None`: what was tuned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned: Option<String>,
    /// Seconds that it took, on one core.
    pub took_s: f64,
    /// What came of it.
    pub rows: Vec<Row>,
}

/// What a line is for.
type Key = (String, u64, u64, String, Option<String>);

impl Line {
    fn key(&self) -> Key {
        key(&self.case, &self.instance, self.learned.as_deref())
    }
}

fn key(case: &Case, instance: &str, learned: Option<&str>) -> Key {
    let learned = learned.map(str::to_string);
    (case.scenario.clone(), case.load.to_bits(), case.seed, instance.into(), learned)
}

/// The folder of a suite.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    lines: BTreeMap<Key, Line>,
}

impl Store {
    /// Opens or makes a folder.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn open(folder: &Path) -> Result<Store, WriteError> {
        let path = folder.join(LINES);
        let failed = |source| WriteError { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let lines = lines.map(|line| (line.key(), line)).collect();
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        if !text.is_empty() && !text.ends_with('\n') {
            // The end of a line that was torn.
            file.write_all(b"\n").map_err(failed)?;
        }
        Ok(Store { folder: folder.into(), state: Mutex::new(State { file, lines }) })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is known of an instance: what was tuned, or of a learned policy.
    pub fn get(&self, case: &Case, instance: &str, learned: Option<&str>) -> Option<Line> {
        self.lock().lines.get(&key(case, instance, learned)).cloned()
    }

    /// Keeps a line.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, line: Line) -> Result<(), WriteError> {
        let failed = |source| WriteError { path: self.folder.join(LINES), source };
        let mut text = serde_json::to_string(&line).map_err(|error| failed(io::Error::other(error)))?;
        text.push('\n');
        let mut state = self.lock();
        state.file.write_all(text.as_bytes()).and_then(|()| state.file.sync_data()).map_err(failed)?;
        state.lines.insert(line.key(), line);
        Ok(())
    }

    /// Writes a file of this name beside the lines.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, WriteError> {
        let path = self.folder.join(name);
        fs::write(&path, text).map(|()| path.clone()).map_err(|source| WriteError { path, source })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
