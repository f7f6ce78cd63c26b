//! Q-learning (Sutton & Barto, 6.5).

use serde::{Deserialize, Serialize};

use super::{Context, Step, TdRule, best_ahead};
use crate::value::{ValueFunction, Values};

/// δ = R + γ max Q(S', ·) − Q(S, A), over the actions that could have been taken in S'.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct QLearning {
    #[serde(skip)]
    buffer: Vec<f64>,
}

impl TdRule for QLearning {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        let target = step.reward + context.config.gamma * best_ahead(&values.first, step, &mut self.buffer);
        Some(values.first.correct(step.state, step.action, target, context.config.alpha))
    }
}
