//! A node's event log: what it was, what happened to it, what it did. Replaying the log through
//! the state machine gives identical effects.
//!
//! On disk it is one JSON object a line: first a [`Header`], then [`Entry`] after [`Entry`].

use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::policy::{Descriptor, PolicyError, Registry};
use crate::{Effect, Event, Node, NodeConfig, NodeId, Time};

/// What a node was when its log began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The node.
    pub node: NodeId,
    /// Seed of its generator, for [`SeedableRng::seed_from_u64`].
    pub seed: u64,
    /// Its configuration.
    pub config: NodeConfig,
    /// Its policy.
    pub policy: Descriptor,
    /// The policy that decides when a learner cannot.
    pub fallback: Descriptor,
}

/// One step of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The moment.
    pub at: Time,
    /// What happened.
    pub input: Input,
    /// What the node did.
    pub effects: Vec<Effect>,
}

/// What can happen to a node: an event, or a new policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// An event.
    Event(Event),
    /// A change of the policy.
    SetPolicy(Descriptor),
}

/// A log that cannot be replayed, or whose replay differs.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log names a policy that cannot be built.
    #[error("the log's policy cannot be built")]
    Policy(#[from] PolicyError),
    /// The node did something else than what the log says.
    #[error("entry {entry}: the log has {logged:?}, the replay did {replayed:?}")]
    Differs {
        /// Index of the entry, from 0.
        entry: usize,
        /// Effects in the log.
        logged: Vec<Effect>,
        /// Effects of the replay.
        replayed: Vec<Effect>,
    },
}

/// Replays a log and compares every effect. `R` is the generator that the recording driver used.
///
/// # Errors
/// The first difference, or a policy that the registry does not know.
pub fn replay<R: Rng + SeedableRng>(
    header: &Header,
    entries: impl IntoIterator<Item = Entry>,
    registry: &Registry,
) -> Result<Node, ReplayError> {
    let mut node = Node::new(
        header.node,
        header.config.clone(),
        registry.build(&header.policy)?,
        registry.build(&header.fallback)?,
    );
    let mut rng = R::seed_from_u64(header.seed);
    for (index, entry) in entries.into_iter().enumerate() {
        let mut replayed = Vec::new();
        match entry.input {
            Input::Event(event) => node.handle(entry.at, event, &mut rng, &mut replayed),
            Input::SetPolicy(descriptor) => node.set_policy(registry.build(&descriptor)?),
        }
        if replayed != entry.effects {
            return Err(ReplayError::Differs { entry: index, logged: entry.effects, replayed });
        }
    }
    Ok(node)
}
