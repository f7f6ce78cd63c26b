//! What queueing theory says, as the ground truth for the simulator and for policies.
//!
//! - [`erlang_b`], [`erlang_c`], [`pooled`]: slots without and with an endless queue, one queue for all;
//! - [`Station`]: one node alone, M/M/c/c+K;
//! - [`PowerOfN`]: LL(F, T) between equal nodes, exactly for a few and as a mean field for very many;
//! - [`shortest_of`]: join the shortest queue and the power of d choices, exactly for a few nodes;
//! - [`Supermarket`]: the power of d choices among very many;
//! - [`ColdStart`]: instances of a function that start cold and expire;
//! - [`in_time`]: whether a job that finds others before it meets its deadline.
//!
//! Rates are per second and times in seconds; with a service rate of 1 they are in mean service times.

mod balanced;
mod chain;
mod cold_start;
mod erlang;
mod error;
mod exact;
mod in_time;
mod mean_field;
mod occupancy;
mod power_of_d;
mod station;

pub use balanced::{Balanced, Choice, PowerOfN};
pub use cold_start::{ColdStart, Instances, MAX_INSTANCES};
pub use erlang::{MAX_SLOTS, Pooled, erlang_b, erlang_c, pooled};
pub use error::TheoryError;
pub use exact::shortest_of;
pub use in_time::in_time;
pub use mean_field::MAX_MEAN_FIELD_PLACES;
pub use occupancy::{MAX_STATES, states};
pub use power_of_d::Supermarket;
pub use station::{Alone, MAX_PLACES, Station};
