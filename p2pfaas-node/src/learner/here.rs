//! An agent in this process: where it comes from when the node starts.

use std::path::Path;
use std::sync::Arc;

use p2pfaas_core::NodeConfig;
use p2pfaas_core::agent::StateSpace;
use p2pfaas_learner::checkpoint::{Checkpoint, CheckpointError, Misfit, Store};
use p2pfaas_learner::{ConfigError, Learner, Online, OnlineOptions, SpaceError};

use crate::settings::AgentSettings;

/// File of the node's own agent in its data folder.
const FILE: &str = "agent.ckpt";

/// An agent that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Its checkpoint cannot be used.
    #[error("{0}; move the file away to begin anew")]
    Checkpoint(#[from] CheckpointError),
    /// Its parameters are wrong.
    #[error("the agent's parameters: {0}")]
    Config(#[from] ConfigError),
    /// It is made of other parts than what is configured.
    #[error("{0}; configure the same, or move the file away")]
    Other(#[from] Misfit),
    /// It knows states of another meaning.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// Its thread cannot be started.
    #[error("cannot start the learner's thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Starts the agent: the node's own from the data folder, else the one that it is to start from, else
/// a new one. Puts the peers to which its actions belong into the node's configuration.
pub(crate) fn start(
    settings: &AgentSettings,
    data: Option<&Path>,
    space: Option<StateSpace>,
    core: &mut NodeConfig,
    seed: u64,
) -> Result<Arc<Online>, AgentError> {
    let file = data.map(|folder| folder.join(FILE));
    let own = file.clone().map(|file| Store::new(file).read()).transpose()?.flatten();
    let mut checkpoint = match (own, &settings.start) {
        (Some(found), _) => {
            if let Some(why) = found.passed_over {
                tracing::warn!(%why, "going on with the checkpoint before it");
            }
            found.checkpoint
        }
        // Somebody else's peers mean nothing here: its actions belong to ours, in the order of names.
        (None, Some(start)) => Checkpoint { peers: Vec::new(), ..Checkpoint::load(start)? },
        (None, None) => {
            let config = settings.config.clone().unwrap_or_default();
            Checkpoint { learner: Learner::new(config, space.clone(), seed)?, peers: Vec::new() }
        }
    };
    if let Some(config) = &settings.config {
        checkpoint.fits(config, None)?;
        checkpoint.learner.set_config(config.clone())?;
    }
    let learner = &mut checkpoint.learner;
    learner.freeze(settings.frozen);
    if let Some(space) = space {
        learner.adopt(space)?;
    }
    let longest = core.job_timeout.unwrap_or(std::time::Duration::MAX);
    learner.expect(core.first_eid, core.max_jobs as usize, longest);
    core.peer_numbers.clone_from(&checkpoint.peers);
    let options = OnlineOptions {
        checkpoint: file,
        interval: settings.checkpoint_interval,
        frozen: settings.frozen,
        ..OnlineOptions::default()
    };
    Ok(Online::start(checkpoint, options)?)
}
