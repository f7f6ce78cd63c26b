//! The node service over real HTTP.

mod faults;
mod gossip;
mod learner;
mod preflight;
mod replay;
mod support;
mod wire;
