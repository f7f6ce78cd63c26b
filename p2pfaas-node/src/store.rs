//! The reference's files in the data folder, written so that a crash leaves the old or the new one.

use std::io::Write;
use std::path::{Path, PathBuf};

use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::wire::{DiscoveryConfiguration, SchedulerConfiguration};
use serde::Serialize;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {reason}")]
pub struct StoreError {
    path: PathBuf,
    reason: String,
}

/// The data folder, or nothing.
#[derive(Debug, Clone)]
pub(crate) struct Store(pub Option<PathBuf>);

impl Store {
    pub(crate) fn capacity(&self, configuration: &SchedulerConfiguration) -> Result<(), StoreError> {
        self.write("p2p_faas-scheduler.json", configuration)
    }

    pub(crate) fn policy(&self, policy: &Descriptor) -> Result<(), StoreError> {
        self.write("p2p_faas-scheduler-config.json", policy)
    }

    pub(crate) fn discovery(&self, configuration: &DiscoveryConfiguration) -> Result<(), StoreError> {
        self.write("p2p_faas-discovery.json", configuration)
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), StoreError> {
        let Some(folder) = &self.0 else { return Ok(()) };
        let path = folder.join(name);
        replace(folder, &path, value).map_err(|error| StoreError { path, reason: error.to_string() })
    }
}

fn replace(folder: &Path, path: &Path, value: &impl Serialize) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let new = path.with_extension("json.new");
    let mut file = std::fs::File::create(&new)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
