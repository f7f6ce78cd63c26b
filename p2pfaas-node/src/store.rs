//! The reference's files in the data folder, written so that a crash leaves the old or the new one.

use std::io::Write;
use std::path::{Path, PathBuf};

use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::wire::{DiscoveryConfiguration, SchedulerConfiguration};
use parking_lot::Mutex;
use serde::Serialize;

const PEER_NUMBERS: &str = "peer_numbers.json";

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {reason}")]
pub struct StoreError {
    path: PathBuf,
    reason: String,
}

/// The data folder, or nothing. One file is written at a time, and what goes into it is read then:
/// of changes at the same time the last one is what stays.
#[derive(Debug)]
pub(crate) struct Store {
    folder: Option<PathBuf>,
    writing: Mutex<()>,
}

impl Store {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Store { folder, writing: Mutex::new(()) }
    }

    pub(crate) fn capacity(
        &self,
        in_force: impl FnOnce() -> SchedulerConfiguration,
    ) -> Result<(), StoreError> {
        self.write("p2p_faas-scheduler.json", in_force)
    }

    pub(crate) fn policy(&self, in_force: impl FnOnce() -> Descriptor) -> Result<(), StoreError> {
        self.write("p2p_faas-scheduler-config.json", in_force)
    }

    pub(crate) fn discovery(
        &self,
        in_force: impl FnOnce() -> DiscoveryConfiguration,
    ) -> Result<(), StoreError> {
        self.write("p2p_faas-discovery.json", in_force)
    }

    /// Names of the peers, in the order of their numbers, so that a learner elsewhere finds behind each
    /// action the same peer after a restart.
    pub(crate) fn peer_numbers(&self, in_force: impl FnOnce() -> Vec<String>) -> Result<(), StoreError> {
        self.write(PEER_NUMBERS, in_force)
    }

    /// What [`peer_numbers`](Self::peer_numbers) has kept; nothing where there is nothing to be read.
    pub(crate) fn kept_peer_numbers(folder: Option<&Path>) -> Vec<String> {
        let read = folder.map(|folder| std::fs::read(folder.join(PEER_NUMBERS)));
        read.and_then(|bytes| serde_json::from_slice(&bytes.ok()?).ok()).unwrap_or_default()
    }

    fn write<T: Serialize>(&self, name: &str, in_force: impl FnOnce() -> T) -> Result<(), StoreError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(name);
        let _one_at_a_time = self.writing.lock();
        replace(folder, &path, &in_force()).map_err(|error| StoreError { path, reason: error.to_string() })
    }
}

fn replace(folder: &Path, path: &Path, value: &impl Serialize) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let new = path.with_extension("json.new");
    let mut file = std::fs::File::create(&new)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    std::fs::File::open(folder)?.sync_all()
}
