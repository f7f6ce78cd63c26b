//! Upper confidence bounds (Sutton & Barto, 2.7), for each state of a table.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::{Picked, allowed, greedy, probabilities_of_greedy};
use crate::config::AgentConfig;
use crate::value::{Place, States, Weights};

/// Takes the action with the largest Q + c √(ln N / n), where the state has been seen N times and the
/// action taken n times in it; first of all those that have not been taken there. States are kept
/// apart as in a table, and as many of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ucb {
    c: f64,
    states: States,
    visits: Weights,
    #[serde(skip)]
    buffers: [Vec<f64>; 2],
}

impl Ucb {
    pub(super) fn new(config: &AgentConfig) -> Self {
        Ucb {
            c: config.ucb_c,
            states: States::new(config.max_states),
            visits: Weights::new(config.actions_n as usize, 0.0, config.max_states as usize),
            buffers: Default::default(),
        }
    }

    pub(super) fn set_config(&mut self, config: &AgentConfig) {
        self.c = config.ucb_c;
    }

    pub(super) fn pick(
        &mut self,
        state: &[f64],
        values: &[f64],
        mask: &[bool],
        rng: &mut impl Rng,
    ) -> Option<Picked> {
        if !(0..values.len()).any(|action| allowed(mask, action)) {
            return None;
        }
        self.visits.grow(values.len());
        let row = self.row(state);
        let [bounds, shares] = &mut self.buffers;
        let visits = self.visits.row(row);
        let visits = |action: usize| visits.get(action).copied().unwrap_or(0.0);
        let new = || (0..values.len()).filter(|action| allowed(mask, *action) && visits(*action) == 0.0);
        let untried = new().count();
        let picked = if untried > 0 {
            let action = new().nth(rng.random_range(0..untried))?;
            Picked { action, epsilon: 0.0, probability: 1.0 / untried as f64 }
        } else {
            let seen: f64 = (0..values.len()).map(visits).sum();
            let wide = |action: usize| self.c * (seen.ln() / visits(action).max(1.0)).sqrt();
            bounds.clear();
            bounds.extend(values.iter().enumerate().map(|(action, value)| value + wide(action)));
            let action = greedy(bounds, mask, rng)?;
            probabilities_of_greedy(bounds, mask, shares);
            Picked { action, epsilon: 0.0, probability: shares[action] }
        };
        self.visits.add(row, picked.action, 1.0);
        Some(picked)
    }

    fn row(&mut self, state: &[f64]) -> usize {
        match self.states.place(state) {
            Place::Known(row) => row,
            Place::New(row) => {
                self.visits.push();
                row
            }
            Place::Taken(row) => {
                self.visits.clear(row);
                row
            }
        }
    }
}
