//! The node service over real HTTP.

mod faults;
mod preflight;
mod replay;
mod support;
mod wire;
