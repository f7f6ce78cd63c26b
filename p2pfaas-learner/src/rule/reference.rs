//! The old learner's rule, with its faults, for reproduction.

use serde::{Deserialize, Serialize};

use super::{Context, Step, TdRule};
use crate::entry::State;
use crate::value::{ValueFunction, Values};

/// Experiences of one window at most: as many as the old learner's list holds.
pub const MAX_WINDOW: u32 = 10_000;

/// δ = R − R̄ + Q(S', A') − Q(S, A), and then R̄ := R + βδ: not an average, but the last reward.
///
/// Experiences are trained in windows of `window_size`, each when it is full. The last of a window is
/// never trained: it only tells what followed the one before it. A window that is not full where the
/// stream is broken, or an episode ends, is lost.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Reference {
    average: f64,
    window: Vec<Held>,
    /// The next experience is the last of its window.
    skip: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Held {
    state: State,
    action: usize,
    reward: f64,
    next_state: State,
    next_action: usize,
}

impl Reference {
    fn train_window(&mut self, values: &mut Values, context: &Context<'_>) -> Option<f64> {
        let mut last = None;
        for held in self.window.drain(..) {
            let ahead = values.first.value(&held.next_state, held.next_action);
            let target = held.reward - self.average + ahead;
            let error = values.first.correct(&held.state, held.action, target, context.config.alpha);
            let average = held.reward + context.config.beta * error;
            if average.is_finite() {
                self.average = average;
            }
            last = Some(error);
        }
        last
    }
}

impl TdRule for Reference {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        if std::mem::take(&mut self.skip) {
            return None;
        }
        let Some(next) = step.next else {
            self.window.clear();
            return None;
        };
        self.window.push(Held {
            state: State::from_slice(step.state),
            action: step.action,
            reward: step.reward,
            next_state: State::from_slice(next.state),
            next_action: next.action,
        });
        if self.window.len() + 1 < context.config.window_size.clamp(2, MAX_WINDOW) as usize {
            return None;
        }
        self.skip = true;
        self.train_window(values, context)
    }

    fn cut(&mut self, _: &mut Values, _: &mut Context<'_>) {
        self.window.clear();
        self.skip = false;
    }

    fn average_reward(&self) -> Option<f64> {
        Some(self.average)
    }
}
