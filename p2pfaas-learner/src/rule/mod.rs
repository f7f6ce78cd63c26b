//! TD rules: how an experience changes what actions are worth.
//!
//! A rule sees the stream of experiences in order, as [`Step`]s: each with what came next, or with
//! nothing when an episode ended there. Where the stream has a gap, the step before it is not shown
//! and [`Rule::cut`] is called: nothing may be carried over.

mod deep_q;
mod sarsa;

use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::config::{AgentConfig, ValueKind};
use crate::value::{ValueFunction, Values};

pub use deep_q::DeepQ;
pub use sarsa::Sarsa;

/// One experience with what followed it.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The state S.
    pub state: &'a [f64],
    /// The action A that was taken.
    pub action: usize,
    /// The reward R that came of it.
    pub reward: f64,
    /// What came next; `None`: the episode ended.
    pub next: Option<Next<'a>>,
}

/// What came after an experience.
#[derive(Debug, Clone, Copy)]
pub struct Next<'a> {
    /// The state S'.
    pub state: &'a [f64],
    /// The action A' that was taken there.
    pub action: usize,
    /// Which actions could have been taken there; empty: all.
    pub mask: &'a [bool],
    /// ε, or the temperature, there.
    pub epsilon: f64,
}

/// What a rule works with.
pub struct Context<'a> {
    /// The agent's parameters, as they are now.
    pub config: &'a AgentConfig,
    /// The agent's generator.
    pub rng: &'a mut Xoshiro256PlusPlus,
}

/// What every rule can do.
pub trait TdRule {
    /// Learns from one step. Returns the TD error δ of what it trained, if it trained.
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64>;

    /// The stream is broken here: trains what it still holds as far as it can, and carries nothing over.
    fn cut(&mut self, values: &mut Values, context: &mut Context<'_>) {
        let _ = (values, context);
    }

    /// Its estimate of the average reward, if it has one.
    fn average_reward(&self) -> Option<f64> {
        None
    }
}

/// One of the rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Rule {
    /// SARSA.
    Sarsa(Sarsa),
    /// A network trained by replay.
    DeepQ(Box<DeepQ>),
}

impl Rule {
    /// The rule that the configuration names.
    pub fn new(config: &AgentConfig) -> Self {
        match config.rule {
            _ if config.value == ValueKind::Network => Rule::DeepQ(Box::new(DeepQ::new(config))),
            _ => Rule::Sarsa(Sarsa::default()),
        }
    }

    fn rule(&mut self) -> &mut dyn TdRule {
        match self {
            Rule::Sarsa(rule) => rule,
            Rule::DeepQ(rule) => &mut **rule,
        }
    }

    fn rule_ref(&self) -> &dyn TdRule {
        match self {
            Rule::Sarsa(rule) => rule,
            Rule::DeepQ(rule) => &**rule,
        }
    }
}

impl TdRule for Rule {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        self.rule().train(step, values, context)
    }
    fn cut(&mut self, values: &mut Values, context: &mut Context<'_>) {
        self.rule().cut(values, context);
    }
    fn average_reward(&self) -> Option<f64> {
        self.rule_ref().average_reward()
    }
}

/// Q(state, action) of one value function, through a buffer.
pub(crate) fn value_of(
    function: &impl ValueFunction,
    state: &[f64],
    action: usize,
    buffer: &mut Vec<f64>,
) -> f64 {
    function.values(state, buffer);
    buffer.get(action).copied().unwrap_or(0.0)
}
