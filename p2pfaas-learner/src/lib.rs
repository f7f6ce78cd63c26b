//! Agents that learn to schedule.
//!
//! An agent is put together from three parts, each chosen by name in an [`AgentConfig`]:
//!
//! | part | answers | choices |
//! |---|---|---|
//! | [`value`] | what is an action worth in a state? | exact table, tile coding, Fourier and polynomial features, neural network |
//! | [`rule`] | how does an experience change that? | SARSA, expected SARSA, Q-learning, double Q-learning, n-step SARSA, SARSA(λ), differential versions |
//! | [`exploration`] | which action is taken? | ε-greedy with schedules, UCB, Boltzmann |
//!
//! [`Learner`] is the whole agent as one value without threads or clocks, for simulations and offline
//! training. [`Online`] puts one behind a queue and a thread, so that acting never waits for training,
//! and keeps its [`checkpoint`]. The learner service (feature `service`) puts HTTP and websocket before that.

pub mod checkpoint;
mod config;
mod entry;
pub mod episodes;
pub mod exploration;
#[cfg(all(any(test, fuzzing), feature = "service"))]
pub mod fuzz;
#[cfg(test)]
mod interleavings;
mod learner;
pub mod network;
pub mod offline;
mod online;
// Not within `online.rs`, which the checks of interleavings compile once more.
#[cfg(test)]
#[path = "online/tests.rs"]
mod online_tests;
pub mod replay;
pub mod rule;
#[cfg(feature = "service")]
pub mod service;
mod sync;
pub mod value;

pub use config::{
    AgentConfig, Backend, ConfigError, ConfigWarning, ExplorationKind, ReplayKind, RuleKind, ScheduleKind,
    ValueKind,
};
pub use entry::{Entry, Mask, State};
pub use learner::{Counters, Learner, MAX_ACTIONS, SpaceError};
pub use online::{Full, Online, OnlineOptions, OtherPeers, Stats};
