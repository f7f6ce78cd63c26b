//! Differential semi-gradient SARSA (Sutton & Barto, 10.3).

use serde::{Deserialize, Serialize};

use super::{Average, Context, Step, TdRule, ahead};
use crate::value::{ValueFunction, Values};

/// δ = R − R̄ + Q(S', A') − Q(S, A), and R̄ moves by βδ.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DifferentialSarsa {
    average: Average,
}

impl TdRule for DifferentialSarsa {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        let target = step.reward - self.average.reward + ahead(&values.first, step);
        let error = values.first.correct(step.state, step.action, target, context.config.alpha);
        self.average.learn(context.config.beta * error);
        Some(error)
    }

    fn average_reward(&self) -> Option<f64> {
        Some(self.average.reward)
    }
}
