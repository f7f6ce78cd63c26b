//! Exploration: which action is taken, given what the actions seem to be worth.

mod boltzmann;
mod epsilon;
mod schedule;
#[cfg(test)]
mod tests;
mod ucb;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::config::{AgentConfig, ExplorationKind};

pub use schedule::Schedule;
use ucb::Ucb;

/// Picks actions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exploration {
    kind: Kind,
    schedule: Schedule,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Kind {
    Epsilon,
    Boltzmann,
    Ucb(Ucb),
}

/// An action, and how it came to be picked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Picked {
    /// The action.
    pub action: usize,
    /// ε, or the temperature, when it was picked.
    pub epsilon: f64,
    /// The probability with which it is picked.
    pub probability: f64,
}

impl Exploration {
    /// As the configuration says, at the beginning of its schedule.
    pub fn new(config: &AgentConfig) -> Self {
        let kind = match config.exploration {
            ExplorationKind::Epsilon => Kind::Epsilon,
            ExplorationKind::Boltzmann => Kind::Boltzmann,
            ExplorationKind::Ucb => Kind::Ucb(Ucb::new(config)),
        };
        Exploration { kind, schedule: Schedule::new(config) }
    }

    /// ε, or the temperature, of the next choice; 0 for UCB, which has neither.
    pub fn epsilon(&self) -> f64 {
        if matches!(self.kind, Kind::Ucb(_)) { 0.0 } else { self.schedule.value() }
    }

    /// Takes over changed parameters; the schedule goes on from where it is.
    pub fn set_config(&mut self, config: &AgentConfig) {
        self.schedule.set_config(config);
        if let Kind::Ucb(ucb) = &mut self.kind {
            ucb.set_config(config);
        }
    }

    /// Picks in this state among the actions that the mask allows (an empty mask allows all), and goes
    /// one step on in the schedule. `None` if it allows none.
    pub fn pick(
        &mut self,
        state: &[f64],
        values: &[f64],
        mask: &[bool],
        rng: &mut impl Rng,
    ) -> Option<Picked> {
        let now = self.schedule.value();
        let picked = match &mut self.kind {
            Kind::Epsilon => epsilon::pick(now, values, mask, rng)?,
            Kind::Boltzmann => boltzmann::pick(now, values, mask, rng)?,
            Kind::Ucb(ucb) => ucb.pick(state, values, mask, rng)?,
        };
        self.schedule.advance();
        Some(picked)
    }
}

/// Writes the probability of each action under `kind` at this ε or temperature: the policy that
/// expected SARSA and the offline estimates reckon with. UCB counts as greedy: where it tries things out
/// changes from choice to choice.
pub fn probabilities(kind: ExplorationKind, epsilon: f64, values: &[f64], mask: &[bool], out: &mut Vec<f64>) {
    match kind {
        ExplorationKind::Epsilon => epsilon::probabilities(epsilon, values, mask, out),
        ExplorationKind::Boltzmann => boltzmann::probabilities(epsilon, values, mask, out),
        ExplorationKind::Ucb => probabilities_of_greedy(values, mask, out),
    }
}

fn probabilities_of_greedy(values: &[f64], mask: &[bool], out: &mut Vec<f64>) {
    epsilon::probabilities(0.0, values, mask, out);
}

/// Whether the mask allows this action. What is beyond a mask's end is not allowed, unless it is empty.
pub fn allowed(mask: &[bool], action: usize) -> bool {
    mask.is_empty() || mask.get(action).copied().unwrap_or(false)
}

/// A best action that the mask allows, ties at random: an unseen state must not mean "reject".
pub fn greedy(values: &[f64], mask: &[bool], rng: &mut impl Rng) -> Option<usize> {
    let mut best = f64::NEG_INFINITY;
    let mut chosen = None;
    let mut ties = 0_u32;
    for (action, value) in values.iter().enumerate().filter(|(action, _)| allowed(mask, *action)) {
        if *value > best || chosen.is_none() {
            (best, chosen, ties) = (*value, Some(action), 1);
        } else if *value == best {
            ties += 1;
            if rng.random_range(0..ties) == 0 {
                chosen = Some(action);
            }
        }
    }
    chosen
}

/// The largest value that the mask allows; 0 if it allows none.
pub fn maximum(values: &[f64], mask: &[bool]) -> f64 {
    let all = values.iter().enumerate().filter(|(action, _)| allowed(mask, *action));
    let best = all.map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    if best == f64::NEG_INFINITY { 0.0 } else { best }
}
