//! What an agent is made of, by names and numbers: the parameters of the old learner under their old
//! names and defaults (fact sheet 3.2), and ours beside them. One flat table in every place: in
//! experiment files, in the learner's file, over HTTP.

pub(crate) mod check;
mod kinds;
mod parts;
mod set;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use kinds::{Backend, ExplorationKind, ReplayKind, RuleKind, ScheduleKind, ValueKind};

/// What an agent is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentConfig {
    /// How values are kept.
    pub value: ValueKind,
    /// How values are learned.
    pub rule: RuleKind,
    /// How actions are tried.
    pub exploration: ExplorationKind,
    /// Actions at the beginning; more are added when a state offers more.
    pub actions_n: u32,
    /// Step size, in (0, 1]; for a network the learning rate of Adam.
    pub alpha: f64,
    /// Step size of the average reward, in (0, 1] (differential rules).
    pub beta: f64,
    /// Discount, in [0, 1] (all but the differential rules).
    pub gamma: f64,
    /// Decay of traces, in [0, 1] (`sarsa-lambda`).
    pub lambda: f64,
    /// Rewards summed before the estimate of what follows (`n-step-sarsa`).
    pub steps: u32,
    /// Value of an action that has not been tried. High: everything is tried early.
    pub initial: f64,
    /// ε, or the temperature, at the beginning.
    pub epsilon_start: f64,
    /// Its lower bound.
    pub epsilon_min: f64,
    /// Its factor at each choice (`exponential`).
    pub epsilon_decay: f64,
    /// Whether it changes at all.
    pub epsilon_decay_enabled: bool,
    /// How it changes.
    pub epsilon_schedule: ScheduleKind,
    /// Choices until it is at its lower bound (`linear`, `reach`).
    pub epsilon_steps: u64,
    /// Weight of what is uncertain (`ucb`).
    pub ucb_c: f64,
    /// States in a table, at most; the oldest one then makes room, and is counted.
    pub max_states: u32,
    /// Range of each number of a state, where the policy does not declare it (`tiles`, `fourier`,
    /// `polynomial`, `network`).
    pub bounds: Vec<[f64; 2]>,
    /// Tilings (`tiles`); a power of two.
    pub tilings: u32,
    /// Tiles across each number's range (`tiles`).
    pub tiles: u32,
    /// Weights an action into which tiles are hashed (`tiles`).
    pub tile_weights: u32,
    /// Highest frequency or power (`fourier`, `polynomial`).
    pub order: u32,
    /// Units of each hidden layer (`network`).
    pub hidden: Vec<u32>,
    /// Whether value and advantage have heads of their own (`network`; Wang et al. 2016).
    pub dueling: bool,
    /// What computes the network.
    pub backend: Backend,
    /// Experiences that a network remembers.
    pub replay_size: u32,
    /// How batches are drawn from them.
    pub replay: ReplayKind,
    /// How much priorities count, in [0, 1] (`prioritised`).
    pub priority_alpha: f64,
    /// How much their bias is corrected, in [0, 1], at first; wholly after 100,000 batches (`prioritised`).
    pub priority_beta: f64,
    /// Experiences a batch.
    pub batch_size: u32,
    /// Experiences between two batches.
    pub train_every: u32,
    /// Experiences before the first batch.
    pub learning_starts: u32,
    /// Batches after which the target network is renewed.
    pub target_every: u32,
    /// Experiences that the old rule trains as one window (`reference`); no effect elsewhere.
    pub window_size: u32,
    /// Later experiences that may come before a missing one is given up.
    pub entry_missing_max_attempts: u32,
    /// Seconds after which a missing experience is given up.
    pub entry_missing_max_seconds: f64,
}

impl Default for AgentConfig {
    fn default() -> Self {
        AgentConfig {
            value: ValueKind::Table,
            rule: RuleKind::DifferentialSarsa,
            exploration: ExplorationKind::Epsilon,
            actions_n: 2,
            alpha: 0.01,
            beta: 0.01,
            gamma: 0.9,
            lambda: 0.9,
            steps: 4,
            initial: 0.0,
            epsilon_start: 0.9,
            epsilon_min: 0.1,
            epsilon_decay: 0.99,
            epsilon_decay_enabled: true,
            epsilon_schedule: ScheduleKind::Exponential,
            epsilon_steps: 10_000,
            ucb_c: 1.0,
            max_states: 100_000,
            bounds: Vec::new(),
            tilings: 8,
            tiles: 8,
            tile_weights: 65_536,
            order: 3,
            hidden: vec![64, 64],
            dueling: false,
            backend: Backend::Ndarray,
            replay_size: 50_000,
            replay: ReplayKind::Uniform,
            priority_alpha: 0.6,
            priority_beta: 0.4,
            batch_size: 32,
            train_every: 4,
            learning_starts: 1_000,
            target_every: 250,
            window_size: 5,
            entry_missing_max_attempts: 100,
            entry_missing_max_seconds: 5.0,
        }
    }
}

/// A configuration that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// No such parameter.
    #[error("unknown parameter {name:?}{suggestion}")]
    UnknownParameter {
        /// Its name as given.
        name: String,
        /// `; did you mean "alpha"?`, or nothing.
        suggestion: String,
    },
    /// A value of the wrong type, or out of its range.
    #[error("{name}: expected {expected}; found {found}")]
    BadValue {
        /// The parameter.
        name: String,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Parts that do not go together.
    #[error("{0}")]
    Mismatch(String),
}

/// Something that is accepted and should be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigWarning(pub String);
