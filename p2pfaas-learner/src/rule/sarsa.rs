//! SARSA (Sutton & Barto, 6.4).

use serde::{Deserialize, Serialize};

use super::{Context, Step, TdRule, ahead};
use crate::value::{ValueFunction, Values};

/// δ = R + γ Q(S', A') − Q(S, A).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sarsa;

impl TdRule for Sarsa {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        let target = step.reward + context.config.gamma * ahead(&values.first, step);
        Some(values.first.correct(step.state, step.action, target, context.config.alpha))
    }
}
