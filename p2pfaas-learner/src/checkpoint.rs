//! Checkpoints: an agent in a file, written so that no crash can spoil it.
//!
//! A file is one line of text that says what it is, a JSON object with what one may want to know of it
//! before it is loaded, the agent itself, and a checksum over all that:
//!
//! ```text
//! p2pfaas-agent 1\n  length of the JSON (u32 LE)  JSON  length of the agent (u64 LE)  agent (postcard)  CRC-32 (u32 LE)
//! ```
//!
//! A [`Store`] writes a new file beside the old one, brings it to the disk, keeps the old one as
//! `NAME.previous`, and only then takes the name: after a crash at any moment one of the two is whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use p2pfaas_core::agent::StateSpace;
use serde::{Deserialize, Serialize};

use crate::config::AgentConfig;
use crate::learner::{Learner, MAX_ACTIONS};

const MAGIC: &str = "p2pfaas-agent ";
/// The version of the format that this program writes and reads.
pub const VERSION: u32 = 1;
/// Largest file that is read.
pub const MAX_BYTES: u64 = 1 << 31;

/// An agent, and what it needs to go on where it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The agent: values, traces, ε, counters, averages, generators, what waits to be trained.
    pub learner: Learner,
    /// Names of the peers to which its forward actions belong, in the order of the actions; empty: the
    /// first peers by name, in name order.
    pub peers: Vec<String>,
}

/// What can be known of a checkpoint without loading it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What the agent is made of.
    pub config: AgentConfig,
    /// What its states mean, if it knows.
    pub space: Option<StateSpace>,
    /// Experiences that it has been trained with.
    pub trained: u64,
    /// Actions that it knows.
    pub actions: usize,
    /// Peers to which its forward actions belong.
    pub peers: Vec<String>,
    /// Version of the program that wrote it.
    pub written_by: String,
}

/// A file that is not a checkpoint that can be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It cannot be read or written.
    #[error("{path}: {reason}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// It is something else.
    #[error("{path} is not a checkpoint of an agent")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It has been written by a newer program.
    #[error("{path} has format {found}; this program reads format {VERSION}")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// It is torn, or has been changed.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl CheckpointError {
    fn is_missing(&self) -> bool {
        matches!(self, CheckpointError::Io { reason, .. } if reason.kind() == io::ErrorKind::NotFound)
    }
}

/// Why an agent cannot go on where another one was wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the checkpoint is of another agent: {}", .differences.join("; "))]
pub struct Misfit {
    /// What differs, and how.
    pub differences: Vec<String>,
}

impl Checkpoint {
    /// Whether this agent can go on where one with these parameters, for states of this meaning, is
    /// wanted.
    ///
    /// # Errors
    /// It is made of other parts, or its states mean something else.
    pub fn fits(&self, config: &AgentConfig, space: Option<&StateSpace>) -> Result<(), Misfit> {
        let mut differences = self.learner.config().differences(config);
        if let (Some(own), Some(wanted)) = (self.learner.space(), space)
            && !own.means_the_same(wanted)
        {
            let (own, wanted) = (&own.encoder, &wanted.encoder);
            differences.push(format!("its states mean something else (encoder {own}; wanted {wanted})"));
        }
        if differences.is_empty() { Ok(()) } else { Err(Misfit { differences }) }
    }

    /// As the bytes of a file.
    ///
    /// # Errors
    /// The agent cannot be written down.
    pub fn to_bytes(&self) -> Result<Vec<u8>, postcard::Error> {
        let summary = Summary {
            config: self.learner.config().clone(),
            space: self.learner.space().cloned(),
            trained: self.learner.counters().trained,
            actions: self.learner.values().actions(),
            peers: self.peers.clone(),
            written_by: env!("CARGO_PKG_VERSION").into(),
        };
        let summary = serde_json::to_vec(&summary).map_err(|_| postcard::Error::SerdeSerCustom)?;
        let body = postcard::to_allocvec(self)?;
        let mut bytes = format!("{MAGIC}{VERSION}\n").into_bytes();
        bytes.extend((summary.len() as u32).to_le_bytes());
        bytes.extend(summary);
        bytes.extend((body.len() as u64).to_le_bytes());
        bytes.extend(body);
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_le_bytes());
        Ok(bytes)
    }

    /// From the bytes of a file; `path` only names it in errors.
    ///
    /// # Errors
    /// It is foreign, newer, torn or changed.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |what: String| CheckpointError::Damaged { path: path.into(), what };
        let (_, body) = parts(bytes, path)?;
        let (checkpoint, rest): (Checkpoint, _) =
            postcard::take_from_bytes(body).map_err(|error| damaged(error.to_string()))?;
        if !rest.is_empty() {
            return Err(damaged(format!("{} bytes too many", rest.len())));
        }
        checkpoint.learner.config().check().map_err(|error| damaged(error.to_string()))?;
        let actions = checkpoint.learner.values().actions();
        if !(1..=MAX_ACTIONS).contains(&actions) {
            return Err(damaged(format!("it knows {actions} actions")));
        }
        Ok(checkpoint)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no checkpoint that can be used.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        Checkpoint::from_bytes(&read(path)?, path)
    }

    /// Writes a file, so that it is there as a whole or not at all.
    ///
    /// # Errors
    /// It cannot be written; what was there before is still there.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        Store::new(path.into()).write(self)
    }
}

impl Summary {
    /// Reads only what can be known without loading the agent.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = read(path)?;
        let (summary, _) = parts(&bytes, path)?;
        serde_json::from_slice(summary)
            .map_err(|error| CheckpointError::Damaged { path: path.into(), what: error.to_string() })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let io = |reason| CheckpointError::Io { path: path.into(), reason };
    if fs::metadata(path).map_err(io)?.len() > MAX_BYTES {
        return Err(CheckpointError::Damaged { path: path.into(), what: "it is too large".into() });
    }
    fs::read(path).map_err(io)
}

/// Summary and agent of a file whose checksum is right.
fn parts<'a>(bytes: &'a [u8], path: &Path) -> Result<(&'a [u8], &'a [u8]), CheckpointError> {
    let damaged = |what: &str| CheckpointError::Damaged { path: path.into(), what: what.into() };
    let rest =
        bytes.strip_prefix(MAGIC.as_bytes()).ok_or_else(|| match MAGIC.as_bytes().starts_with(bytes) {
            true => damaged("it ends in its first word"),
            false => CheckpointError::Foreign { path: path.into() },
        })?;
    let line_end = rest.iter().take(12).position(|byte| *byte == b'\n');
    let line_end = line_end.ok_or_else(|| damaged("its first line is torn"))?;
    let version = String::from_utf8_lossy(&rest[..line_end]).into_owned();
    if version != VERSION.to_string() {
        return Err(CheckpointError::Version { path: path.into(), found: version });
    }
    let torn = || damaged("it is torn");
    let (content, checksum) =
        bytes.split_last_chunk::<4>().filter(|(content, _)| content.len() > MAGIC.len()).ok_or_else(torn)?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return Err(damaged("its checksum is wrong, so it is torn or has been changed"));
    }
    let rest = content.get(MAGIC.len() + line_end + 1..).ok_or_else(torn)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(torn)?;
    let (summary, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(torn)?;
    let (length, body) = rest.split_first_chunk::<8>().ok_or_else(torn)?;
    if u64::from_le_bytes(*length) != body.len() as u64 {
        return Err(torn());
    }
    Ok((summary, body))
}

/// Where checkpoints are kept: a file, and the one before it.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
}

/// What a [`Store`] has.
#[derive(Debug)]
pub struct Found {
    /// The newest checkpoint that is whole.
    pub checkpoint: Checkpoint,
    /// Why a newer one was passed over.
    pub passed_over: Option<CheckpointError>,
}

impl Store {
    /// Keeps checkpoints in this file.
    pub fn new(path: PathBuf) -> Self {
        Store { path }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(ending);
        name.into()
    }

    /// The newest checkpoint that is whole; `None` where there has never been one.
    ///
    /// # Errors
    /// There is a file, and neither it nor the one before it can be used: the reason of the newer one.
    pub fn read(&self) -> Result<Option<Found>, CheckpointError> {
        let newest = match Checkpoint::load(&self.path) {
            Ok(checkpoint) => return Ok(Some(Found { checkpoint, passed_over: None })),
            Err(error) => error,
        };
        match Checkpoint::load(&self.beside(".previous")) {
            Ok(checkpoint) => {
                let passed_over = Some(newest).filter(|error| !error.is_missing());
                Ok(Some(Found { checkpoint, passed_over }))
            }
            Err(previous) if newest.is_missing() && previous.is_missing() => Ok(None),
            Err(previous) => Err(if newest.is_missing() { previous } else { newest }),
        }
    }

    /// Replaces the checkpoint; the one before it is kept as `NAME.previous`, if it is whole. A file that
    /// is something else, or is from a newer program, is not replaced.
    ///
    /// # Errors
    /// It cannot be written; what was there before is still there, under one of the two names.
    pub fn write(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let io = |reason| CheckpointError::Io { path: self.path.clone(), reason };
        let bytes = checkpoint.to_bytes().map_err(|error| io(io::Error::other(error)))?;
        let keep_old = match read(&self.path).and_then(|old| parts(&old, &self.path).map(drop)) {
            Ok(()) => true,
            // It must not push out the last whole one.
            Err(CheckpointError::Damaged { .. }) => false,
            Err(error) if error.is_missing() => false,
            Err(error) => return Err(error),
        };
        self.replace(&bytes, keep_old).map_err(io)
    }

    fn replace(&self, bytes: &[u8], keep_old: bool) -> io::Result<()> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        let new = self.beside(".new");
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        if keep_old {
            fs::rename(&self.path, self.beside(".previous"))?;
        }
        fs::rename(&new, &self.path)?;
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests;
