//! The way to the learner: asks it for actions, and hands over what came of them.
//!
//! It lives in this process ([`Link::Here`]), where a choice is a look into a table and training has a
//! thread of its own; or it is a service beside the node ([`Link::There`]); or there is a fixed table,
//! or nothing. Whatever becomes of it, the node goes on: a question without an answer is one for the
//! fallback policy, an experience that cannot be handed over is counted.

mod here;
mod remote;
mod table;

use std::sync::Arc;

use p2pfaas_core::JobKey;
use p2pfaas_core::agent::{Choice, FixedTable, Observation, StateSpace};
use p2pfaas_learner::{Entry, Online};

pub use here::AgentError;
pub(crate) use here::start;
pub(crate) use remote::{Lessons, Remote};
pub(crate) use table::router as table_router;

/// The way to the learner.
pub(crate) enum Link {
    /// There is none.
    Nowhere,
    /// A fixed table.
    Table(FixedTable),
    /// In this process.
    Here(Arc<Online>),
    /// A service of its own.
    There(Arc<Remote>),
}

/// What becomes of a question.
pub(crate) enum Asked {
    /// Answered: a choice, or none.
    Now(Option<Choice>),
    /// The answer comes as an event of its own.
    Later,
}

/// What has been handed over, and what has not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LinkCounts {
    /// Experiences handed over.
    pub learned: u64,
    /// Experiences lost: no room for them, or the learner did not take them.
    pub lost: u64,
    /// Websockets and batches that the learner refused for want of a token that it knows.
    pub refused: u64,
    /// Whether questions can be answered now.
    pub up: bool,
}

impl Link {
    /// Asks for an action.
    pub(crate) fn ask(&self, job: JobKey, observation: &Observation) -> Asked {
        match self {
            Link::Nowhere => Asked::Now(None),
            Link::Table(table) => Asked::Now(table.choose(observation)),
            Link::Here(online) => Asked::Now(online.act(observation)),
            Link::There(remote) if remote.ask(job, observation) => Asked::Later,
            Link::There(_) => Asked::Now(None),
        }
    }

    /// Hands over what came of a choice.
    pub(crate) fn learn(&self, entry: Entry) {
        match self {
            Link::Nowhere | Link::Table(_) => {}
            // What does not fit is counted there.
            Link::Here(online) => {
                online.learn(entry);
            }
            Link::There(remote) => remote.learn(entry),
        }
    }

    /// Whether an agent goes on with states of this meaning; one that has learned nothing yet takes
    /// it over.
    pub(crate) fn adopt(&self, space: Option<StateSpace>) -> Result<(), AgentError> {
        match (self, space) {
            (Link::Here(online), Some(space)) => Ok(online.adopt(space)?),
            _ => Ok(()),
        }
    }

    pub(crate) fn counts(&self) -> LinkCounts {
        match self {
            Link::Nowhere => LinkCounts::default(),
            Link::Table(_) => LinkCounts { up: true, ..LinkCounts::default() },
            Link::Here(online) => {
                let (learned, lost) = online.handed_over_and_lost();
                LinkCounts { learned, lost, refused: 0, up: online.is_running() }
            }
            Link::There(remote) => remote.counts(),
        }
    }
}
