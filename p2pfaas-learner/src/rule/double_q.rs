//! Double Q-learning (Sutton & Barto, 6.7; van Hasselt 2010).

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{Context, Step, TdRule};
use crate::exploration::greedy;
use crate::value::{ValueFunction, Values};

/// One of two functions, by a coin, learns what the other thinks of the action that it holds best:
/// δ = R + γ Q₂(S', argmax Q₁(S', ·)) − Q₁(S, A).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DoubleQ {
    #[serde(skip)]
    buffer: Vec<f64>,
}

impl TdRule for DoubleQ {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        let Values { first, second } = values;
        let (learns, tells) = match second {
            Some(second) if context.rng.random() => (second, &*first),
            Some(second) => (first, &*second),
            // Learner::new makes two of them.
            None => return None,
        };
        let ahead = step.next.map_or(0.0, |next| {
            learns.values(next.state, &mut self.buffer);
            let best = greedy(&self.buffer, next.mask, context.rng);
            best.map_or(0.0, |action| tells.value(next.state, action))
        });
        let target = step.reward + context.config.gamma * ahead;
        Some(learns.correct(step.state, step.action, target, context.config.alpha))
    }
}
