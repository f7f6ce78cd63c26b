//! `p2pfaas replay`: what was recorded happens once more, in virtual time.

mod engine;
mod event_log;
mod plan;

pub use engine::Replay;
pub use event_log::{EventLogError, Replayed, replay_log};
pub use plan::Plan;
