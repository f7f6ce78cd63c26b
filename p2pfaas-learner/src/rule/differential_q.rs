//! Differential Q-learning (Wan, Naik and Sutton 2021).

use serde::{Deserialize, Serialize};

use super::{Average, Context, Step, TdRule, best_ahead};
use crate::value::{ValueFunction, Values};

/// δ = R − R̄ + max Q(S', ·) − Q(S, A), and R̄ moves by βδ: it becomes the average reward of the best
/// policy, not of the one that explores.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DifferentialQ {
    average: Average,
    #[serde(skip)]
    buffer: Vec<f64>,
}

impl TdRule for DifferentialQ {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        let ahead = best_ahead(&values.first, step, &mut self.buffer);
        let target = step.reward - self.average.reward + ahead;
        let error = values.first.correct(step.state, step.action, target, context.config.alpha);
        self.average.learn(context.config.beta * error);
        Some(error)
    }

    fn average_reward(&self) -> Option<f64> {
        Some(self.average.reward)
    }
}
