//! The node service over real HTTP.

mod async_calls;
mod browser;
mod dashboard;
mod faults;
mod gossip;
mod grafana;
mod hostile;
mod learner;
mod offers;
mod preflight;
mod replay;
mod support;
mod wire;
