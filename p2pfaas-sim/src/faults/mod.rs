//! Whole clusters of the very node, under faults: a seed draws a cluster, its jobs and everything that goes wrong, and
//! after each step it is checked that nobody broke a promise.
//!
//! ```
//! use p2pfaas_core::policy::Registry;
//! use p2pfaas_sim::faults::{Suspect, Trial};
//!
//! let registry = Registry::builtin();
//! let trial = Trial::new(&registry, Suspect::Any).unwrap();
//! for seed in 0..5 {
//!     if let Err(violation) = trial.run(seed) {
//!         panic!("{violation}");
//!     }
//! }
//! ```
//!
//! What [`world`](crate::world) is for numbers, this is for faults: there are a few nodes and a few dozen jobs, and
//! nothing goes well. The nodes are treated as `p2pfaas-node` treats them; what cannot come over TCP, such as an answer
//! twice, is fed to them as the late and repeated events that they promise to count and ignore. What is promised is
//! listed in [`Invariant`].

mod act;
mod books;
mod checks;
mod clock;
mod cluster;
mod happening;
mod invariants;
mod life;
mod log;
mod old_peer;
mod planted;
mod policies;
mod schedule;
mod setup;
mod strays;
mod trial;

pub use invariants::{Invariant, Violation};
pub use planted::{Planted, UnknownBug};
pub use policies::Suspect;
pub use trial::{Lived, Trial};
