//! The node service over real HTTP.

mod calls;
mod faults;
mod preflight;
mod replay;
mod support;
mod wire;
