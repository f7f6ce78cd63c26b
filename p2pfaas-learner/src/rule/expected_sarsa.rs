//! Expected SARSA (Sutton & Barto, 6.6).

use serde::{Deserialize, Serialize};

use super::{Context, Next, Step, TdRule};
use crate::exploration::probabilities;
use crate::value::{ValueFunction, Values};

/// δ = R + γ Σ π(a|S') Q(S', a) − Q(S, A), over the actions that could have been taken in S' and with
/// the exploration that there was.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ExpectedSarsa {
    #[serde(skip)]
    ahead: Vec<f64>,
    #[serde(skip)]
    policy: Vec<f64>,
}

impl ExpectedSarsa {
    fn expected(&mut self, next: &Next<'_>, values: &Values, context: &Context<'_>) -> f64 {
        values.first.values(next.state, &mut self.ahead);
        let kind = context.config.exploration;
        probabilities(kind, next.epsilon, &self.ahead, next.mask, &mut self.policy);
        self.ahead.iter().zip(&self.policy).map(|(value, probability)| value * probability).sum()
    }
}

impl TdRule for ExpectedSarsa {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        let ahead = step.next.map_or(0.0, |next| self.expected(&next, values, context));
        let target = step.reward + context.config.gamma * ahead;
        Some(values.first.correct(step.state, step.action, target, context.config.alpha))
    }
}
