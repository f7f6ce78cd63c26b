//! n-step SARSA (Sutton & Barto, 7.2).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Context, Step, TdRule};
use crate::entry::State;
use crate::value::{ValueFunction, Values};

/// Rewards that may be summed at most.
pub const MAX_STEPS: u32 = 1_024;

/// δ = R + γR' + … + γⁿ Q(S⁽ⁿ⁾, A⁽ⁿ⁾) − Q(S, A): an experience is trained when n − 1 more have come, or
/// with fewer where the episode ends or the stream is broken.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NStepSarsa {
    held: VecDeque<Held>,
    /// State and action that followed the last one held; `None`: the episode ended.
    ahead: Option<(State, usize)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Held {
    state: State,
    action: usize,
    reward: f64,
}

impl NStepSarsa {
    /// Trains the oldest one held with all that has come since.
    fn train_oldest(&mut self, values: &mut Values, context: &Context<'_>) -> Option<f64> {
        let gamma = context.config.gamma;
        let ahead = self.ahead.as_ref().map_or(0.0, |(state, action)| values.first.value(state, *action));
        let target = self.held.iter().rev().fold(ahead, |sum, held| held.reward + gamma * sum);
        let oldest = self.held.pop_front()?;
        Some(values.first.correct(&oldest.state, oldest.action, target, context.config.alpha))
    }

    fn train_all(&mut self, values: &mut Values, context: &Context<'_>) -> Option<f64> {
        let mut error = None;
        while !self.held.is_empty() {
            error = self.train_oldest(values, context);
        }
        self.ahead = None;
        error
    }
}

impl TdRule for NStepSarsa {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        let state = State::from_slice(step.state);
        self.held.push_back(Held { state, action: step.action, reward: step.reward });
        self.ahead = step.next.map(|next| (State::from_slice(next.state), next.action));
        if self.ahead.is_none() {
            return self.train_all(values, context);
        }
        let mut error = None;
        // More than one only when `steps` has just become smaller.
        while self.held.len() >= context.config.steps.clamp(1, MAX_STEPS) as usize {
            error = self.train_oldest(values, context);
        }
        error
    }

    fn cut(&mut self, values: &mut Values, context: &mut Context<'_>) {
        self.train_all(values, context);
    }
}
