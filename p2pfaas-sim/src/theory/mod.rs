//! What queueing theory says, as the ground truth for the simulator and for policies.

mod cold_start;
mod erlang;
mod error;
mod in_time;
mod power_of_d;
mod station;

pub use cold_start::{ColdStart, Instances, MAX_INSTANCES};
pub use erlang::{MAX_SLOTS, Pooled, erlang_b, erlang_c, pooled};
pub use error::TheoryError;
pub use in_time::in_time;
pub use power_of_d::Supermarket;
pub use station::{Alone, MAX_PLACES, Station};
