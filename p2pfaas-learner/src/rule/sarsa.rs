//! SARSA (Sutton & Barto, 6.4).

use serde::{Deserialize, Serialize};

use super::{Context, Step, TdRule, value_of};
use crate::value::{ValueFunction, Values};

/// δ = R + γ Q(S', A') − Q(S, A).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sarsa {
    #[serde(skip)]
    buffer: Vec<f64>,
}

impl TdRule for Sarsa {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        let buffer = &mut self.buffer;
        let ahead = step.next.map_or(0.0, |next| value_of(&values.first, next.state, next.action, buffer));
        let here = value_of(&values.first, step.state, step.action, buffer);
        let error = step.reward + context.config.gamma * ahead - here;
        values.first.update(step.state, step.action, context.config.alpha * error);
        Some(error)
    }
}
