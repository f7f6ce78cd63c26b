//! Where the nodes of a run are: in this process, or on machines of their own.

use std::path::PathBuf;

use p2pfaas_learner::checkpoint::CheckpointError;

use crate::curve::Glimpse;
use crate::emulate::DeviceCounts;
use crate::experiment::PolicySpec;
use crate::fleet::FleetError;
use crate::summary::LearningSummary;

/// Gets nodes ready for one run after the other.
pub trait Site {
    /// What results call it.
    fn on(&self) -> &'static str;

    /// Cores that nodes and load generator share; `None` where the nodes have their own.
    fn cores(&self) -> Option<usize>;

    /// What the reader of the results should know of it.
    fn notes(&self) -> Vec<String>;

    /// Nodes that run a policy, and are idle. Blocks.
    ///
    /// # Errors
    /// They cannot be had.
    fn start(&self, policy: &PolicySpec, seed: u64) -> Result<Box<dyn Nodes + '_>, SiteError>;
}

/// Nodes during one run.
pub trait Nodes {
    /// Machine id and `host:port` of each, in the order of the experiment.
    fn names(&self) -> Vec<(String, String)>;

    /// The training is over: all that has been experienced is learned, and from now on agents only act,
    /// unless they are to go on. Blocks.
    fn end_training(&self, policy: &PolicySpec);

    /// Decisions that a fallback policy took until now.
    fn fallbacks(&self) -> u64;

    /// What emulated devices have done; `None` where the devices are real.
    fn devices(&self) -> Option<&DeviceCounts>;

    /// What the agents say of themselves, on average; `None` where they cannot be asked.
    fn glimpse(&self) -> Option<Glimpse>;

    /// What the agents have learned until now; `None` where they are not meant to.
    fn learned(&self, policy: &PolicySpec) -> Option<LearningSummary>;

    /// Keeps what the agents have learned, each in the file of its node.
    ///
    /// # Errors
    /// A file cannot be written.
    fn keep_agents(&self, file: &dyn Fn(usize) -> PathBuf) -> Result<(), CheckpointError>;

    /// The run is over. Blocks.
    fn end(self: Box<Self>);
}

/// Nodes that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// Those in this process.
    #[error("cannot start the cluster: {0}")]
    Embedded(#[from] p2pfaas_node::StartError),
    /// Those elsewhere.
    #[error(transparent)]
    Fleet(#[from] FleetError),
}
