//! The latest experiences.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::entry::Mask;

/// A state as a network's inputs.
pub type Inputs = SmallVec<[f32; 8]>;

/// An experience with all that is needed to learn from it at any time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// The state S.
    pub state: Inputs,
    /// The action A that was taken.
    pub action: u32,
    /// The reward R that came of it.
    pub reward: f32,
    /// What came next; `None`: the episode ended.
    pub next: Option<After>,
}

/// What came after an experience.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct After {
    /// The state S'.
    pub state: Inputs,
    /// The action A' that was taken there.
    pub action: u32,
    /// Which actions could have been taken there; empty: all.
    pub mask: Mask,
    /// ε, or the temperature, there.
    pub epsilon: f64,
}

/// A bounded memory: a new experience takes the place of the oldest one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ring {
    capacity: usize,
    transitions: Vec<Transition>,
    /// The place that is taken next, once all are.
    oldest: usize,
}

impl Ring {
    /// Room for so many, at least one.
    pub fn new(capacity: usize) -> Self {
        Ring { capacity: capacity.max(1), transitions: Vec::new(), oldest: 0 }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.transitions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.transitions.is_empty()
    }

    /// The one at a place.
    pub fn get(&self, place: usize) -> Option<&Transition> {
        self.transitions.get(place)
    }

    /// Puts one in, and tells its place.
    pub fn push(&mut self, transition: Transition) -> usize {
        if self.transitions.len() < self.capacity.max(1) {
            self.transitions.push(transition);
            return self.transitions.len() - 1;
        }
        let place = self.oldest % self.transitions.len();
        self.transitions[place] = transition;
        self.oldest = (place + 1) % self.transitions.len();
        place
    }
}
