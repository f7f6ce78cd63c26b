//! Experiences on their way into a learner.

use p2pfaas_core::agent::Experience;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// A state's numbers.
pub type State = SmallVec<[f64; 8]>;
/// Which actions can be carried out; empty: all.
pub type Mask = SmallVec<[bool; 16]>;

/// One experience: an [`Experience`] that owns its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number; see [`Experience::eid`].
    pub eid: u64,
    /// The state in which the action was chosen.
    pub state: State,
    /// Which actions could be carried out; empty: all.
    pub mask: Mask,
    /// The action.
    pub action: u32,
    /// How much the agent explored when it chose: ε, or a temperature.
    pub epsilon: f64,
    /// What came of it; `None`: nothing to train, but no gap either.
    pub reward: Option<f64>,
    /// The episode ended with it: no next state. Never so for jobs, whose stream has no end.
    pub terminal: bool,
}

impl From<&Experience<'_>> for Entry {
    fn from(experience: &Experience<'_>) -> Self {
        Entry {
            eid: experience.eid,
            state: State::from_slice(experience.state),
            mask: Mask::from_slice(experience.mask),
            action: experience.choice.action,
            epsilon: experience.choice.epsilon,
            reward: experience.reward,
            terminal: false,
        }
    }
}
