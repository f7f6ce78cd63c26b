//! `p2pfaas replay`: what was recorded happens once more, in virtual time.

mod event_log;

pub use event_log::{EventLogError, Replayed, replay_log};
