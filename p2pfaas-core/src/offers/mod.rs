//! Offers: what a job is worth at a node, as that node has learned it by itself.
//!
//! A node that is probed says more than its load: how likely the job would be in time there, and what it takes from later
//! jobs. Both come from what the node has seen: how long its jobs take, and how many want to run there. Nobody has to learn
//! about others, so that a node that is new, or has become slow, is judged right as soon as it knows itself.

mod appraiser;
mod drift;
mod harm;
mod law;
mod wait;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::job::FunctionId;

pub(crate) use appraiser::Appraiser;
pub use harm::{Harm, harm};

/// A job that takes more from others than this is believed to take nothing so exactly.
const MAX_PRICE: f32 = 1e6;

/// What a node asks a peer with a probe.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The function that the job calls.
    pub function: FunctionId,
    /// Its task type.
    pub task_type: u16,
    /// Within which time it would have to be done there; `None`: it has no deadline.
    pub time_left: Option<Duration>,
}

/// What a job is worth at a node.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// How likely it is in time there: 0 to 1.
    pub in_time: f32,
    /// How many of the jobs that come later would not be in time because of it.
    pub price: f32,
}

impl Offer {
    /// Whether its numbers can be what they are said to be; a peer may say anything.
    pub fn is_possible(&self) -> bool {
        (0.0..=1.0).contains(&self.in_time) && (0.0..=MAX_PRICE).contains(&self.price)
    }

    /// What the job brings to all jobs together: itself in time, less the others.
    pub fn worth(&self) -> f32 {
        self.in_time - self.price
    }
}
