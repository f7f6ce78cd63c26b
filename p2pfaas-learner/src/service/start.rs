//! With which agent a learner starts.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tracing::{info, warn};

use super::folder::{DataFolder, read_parameters};
use crate::checkpoint::{Checkpoint, Found, Store};
use crate::config::{AgentConfig, ConfigWarning};
use crate::learner::Learner;

/// Where an agent may come from.
pub(super) struct Sources<'a> {
    /// The data folder, if there is one.
    pub folder: Option<&'a DataFolder>,
    /// A configuration file. Without it the folder's parameters count.
    pub config: Option<&'a Path>,
    /// A checkpoint to begin with, where the folder has none.
    pub agent: Option<&'a Path>,
    /// Seed of an agent that begins anew.
    pub seed: u64,
}

impl Sources<'_> {
    /// The agent: the folder's last checkpoint, else the given one, else a new one.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn agent(&self) -> Result<Checkpoint, String> {
        let config = self.parameters()?;
        let Some((path, mut checkpoint)) = self.checkpoint()? else {
            let config = config.unwrap_or_default();
            let learner = Learner::new(config, None, self.seed).map_err(|error| error.to_string())?;
            info!(seed = self.seed, "a new agent");
            return Ok(Checkpoint { learner, peers: Vec::new() });
        };
        // One of a node's, say: whoever brings experiences here makes the numbers.
        checkpoint.learner.expect_anything();
        let trained = checkpoint.learner.counters().trained;
        if let Some(config) = config {
            checkpoint.fits(&config, None).map_err(|misfit| {
                let path = path.display();
                format!("{path}: {misfit}.\nChange the configuration, or move the file away to begin anew.")
            })?;
            checkpoint.learner.set_config(config).map_err(|error| error.to_string())?;
        }
        info!(path = %path.display(), trained, "going on with the agent of a checkpoint");
        Ok(checkpoint)
    }

    fn checkpoint(&self) -> Result<Option<(PathBuf, Checkpoint)>, String> {
        if let Some(folder) = self.folder {
            let path = folder.checkpoint();
            let found = Store::new(path.clone()).read().map_err(|error| {
                format!("{error}.\nNothing is overwritten: move the file away to begin anew.")
            })?;
            if let Some(Found { checkpoint, passed_over }) = found {
                if let Some(error) = passed_over {
                    warn!(%error, "going on with the checkpoint before it");
                }
                return Ok(Some((path, checkpoint)));
            }
        }
        let Some(path) = self.agent else { return Ok(None) };
        let checkpoint = Checkpoint::load(path).map_err(|error| error.to_string())?;
        Ok(Some((path.into(), checkpoint)))
    }

    /// The parameters, where somebody has given some.
    fn parameters(&self) -> Result<Option<AgentConfig>, String> {
        let (path, given) = match (self.config, self.folder) {
            (Some(path), _) => (path.to_path_buf(), Some(read_config(path)?)),
            (None, Some(folder)) => (folder.parameters(), read_parameters(&folder.parameters())?),
            (None, None) => return Ok(None),
        };
        let Some(given) = given else { return Ok(None) };
        let mut config = AgentConfig::default();
        let warnings = config.set(&given).map_err(|error| format!("{}: {error}", path.display()))?;
        for ConfigWarning(warning) in warnings {
            warn!("{}: {warning}", path.display());
        }
        Ok(Some(config))
    }
}

/// A TOML file: the parameters, on the first level or in a table `[agent]`.
fn read_config(path: &Path) -> Result<Map<String, Value>, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| at(&error))?;
    let file = toml::from_str(&text).map_err(|error| at(&error))?;
    AgentConfig::parameters_of(file).map_err(|error| at(&error))
}
