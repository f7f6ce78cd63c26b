//! What queueing theory says, as the ground truth for the simulator and for policies.

mod in_time;

pub use in_time::in_time;
