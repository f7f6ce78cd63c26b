//! The reference dies, loops, leaks or lies here (fact sheet 8.1 and 8.2); this node does not.

mod capacity;
mod clients;
mod ejection;
mod functions;
mod loops;
mod peers;
mod policies;
mod probes;
mod repeats;
pub mod rig;
mod shutdown;
