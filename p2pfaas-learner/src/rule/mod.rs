//! TD rules: how an experience changes what actions are worth.
//!
//! A rule sees the stream of experiences in order, as [`Step`]s: each with what came next, or with
//! nothing when an episode ended there. Where the stream has a gap, the step before it is not shown
//! and [`Rule::cut`] is called: nothing may be carried over.

mod deep_q;
mod differential_q;
mod differential_sarsa;
mod double_q;
mod expected_sarsa;
mod n_step_sarsa;
mod q_learning;
mod reference;
mod sarsa;
mod sarsa_lambda;
#[cfg(test)]
mod tests;
mod traces;

use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::config::{AgentConfig, RuleKind, ValueKind};
use crate::exploration::maximum;
use crate::value::{ValueFunction, Values};

pub use deep_q::DeepQ;
pub use differential_q::DifferentialQ;
pub use differential_sarsa::DifferentialSarsa;
pub use double_q::DoubleQ;
pub use expected_sarsa::ExpectedSarsa;
pub use n_step_sarsa::{MAX_STEPS, NStepSarsa};
pub use q_learning::QLearning;
pub use reference::{MAX_WINDOW, Reference};
pub use sarsa::Sarsa;
pub use sarsa_lambda::SarsaLambda;
pub use traces::{LEAST_TRACE, MAX_TRACES, Trace, Traces};

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
    /// Expected SARSA.
    ExpectedSarsa(ExpectedSarsa),
    /// Q-learning.
    QLearning(QLearning),
    /// Double Q-learning.
    DoubleQ(DoubleQ),
    /// n-step SARSA.
    NStepSarsa(NStepSarsa),
    /// SARSA(λ).
    SarsaLambda(SarsaLambda),
    /// Differential SARSA.
    DifferentialSarsa(DifferentialSarsa),
    /// Differential Q-learning.
    DifferentialQ(DifferentialQ),
    /// The old learner's rule.
    Reference(Reference),
    /// A network trained by replay.
    DeepQ(Box<DeepQ>),
}

impl Rule {
    /// The rule that the configuration names.
    pub fn new(config: &AgentConfig) -> Self {
        match config.rule {
            _ if config.value == ValueKind::Network => Rule::DeepQ(Box::new(DeepQ::new(config))),
            RuleKind::Sarsa => Rule::Sarsa(Sarsa),
            RuleKind::ExpectedSarsa => Rule::ExpectedSarsa(ExpectedSarsa::default()),
            RuleKind::QLearning => Rule::QLearning(QLearning::default()),
            RuleKind::DoubleQ => Rule::DoubleQ(DoubleQ::default()),
            RuleKind::NStepSarsa => Rule::NStepSarsa(NStepSarsa::default()),
            RuleKind::SarsaLambda => Rule::SarsaLambda(SarsaLambda::default()),
            RuleKind::DifferentialSarsa => Rule::DifferentialSarsa(DifferentialSarsa::default()),
            RuleKind::DifferentialQ => Rule::DifferentialQ(DifferentialQ::default()),
            RuleKind::Reference => Rule::Reference(Reference::default()),
        }
    }

    fn rule(&mut self) -> &mut dyn TdRule {
        match self {
            Rule::Sarsa(rule) => rule,
            Rule::ExpectedSarsa(rule) => rule,
            Rule::QLearning(rule) => rule,
            Rule::DoubleQ(rule) => rule,
            Rule::NStepSarsa(rule) => rule,
            Rule::SarsaLambda(rule) => rule,
            Rule::DifferentialSarsa(rule) => rule,
            Rule::DifferentialQ(rule) => rule,
            Rule::Reference(rule) => rule,
            Rule::DeepQ(rule) => &mut **rule,
        }
    }

    fn rule_ref(&self) -> &dyn TdRule {
        match self {
            Rule::Sarsa(rule) => rule,
            Rule::ExpectedSarsa(rule) => rule,
            Rule::QLearning(rule) => rule,
            Rule::DoubleQ(rule) => rule,
            Rule::NStepSarsa(rule) => rule,
            Rule::SarsaLambda(rule) => rule,
            Rule::DifferentialSarsa(rule) => rule,
            Rule::DifferentialQ(rule) => rule,
            Rule::Reference(rule) => rule,
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

/// Q(S', A'), or 0 where the episode ended.
fn ahead(function: &impl ValueFunction, step: &Step<'_>) -> f64 {
    step.next.map_or(0.0, |next| function.value(next.state, next.action))
}

/// max Q(S', ·) over the actions that could have been taken there, or 0 where the episode ended.
fn best_ahead(function: &impl ValueFunction, step: &Step<'_>, buffer: &mut Vec<f64>) -> f64 {
    step.next.map_or(0.0, |next| {
        function.values(next.state, buffer);
        maximum(buffer, next.mask)
    })
}

/// An estimate of the average reward.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Average {
    reward: f64,
}

impl Average {
    /// Moves it; what would make it infinite, or no number, is left out.
    fn learn(&mut self, amount: f64) {
        if (self.reward + amount).is_finite() {
            self.reward += amount;
        }
    }
}
