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
    Ucb(Box<Ucb>),
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
            ExplorationKind::Ucb => Kind::Ucb(Box::new(Ucb::new(config))),
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
    Survey::of(values, mask).pick_best(values, mask, rng)
}

/// The largest value that the mask allows; 0 if it allows none.
pub fn maximum(values: &[f64], mask: &[bool]) -> f64 {
    let best = Survey::of(values, mask).best;
    if best == f64::NEG_INFINITY { 0.0 } else { best }
}

/// The actions that a mask allows, at one look.
struct Survey {
    /// The largest of their values.
    best: f64,
    /// How many have it.
    ties: usize,
    /// How many there are.
    open: usize,
}

impl Survey {
    fn of(values: &[f64], mask: &[bool]) -> Self {
        let mut survey = Survey { best: f64::NEG_INFINITY, ties: 0, open: 0 };
        if mask.is_empty() {
            values.iter().for_each(|value| survey.add(*value));
        } else {
            values
                .iter()
                .zip(mask)
                .filter(|(_, allowed)| **allowed)
                .for_each(|(value, _)| survey.add(*value));
        }
        survey
    }

    fn add(&mut self, value: f64) {
        self.open += 1;
        if value > self.best {
            (self.best, self.ties) = (value, 1);
        } else if value == self.best {
            self.ties += 1;
        }
    }

    fn pick_any(&self, values: &[f64], mask: &[bool], rng: &mut impl Rng) -> Option<usize> {
        let nth = rng.random_range(0..self.open.max(1));
        (0..values.len()).filter(|action| allowed(mask, *action)).nth(nth)
    }

    fn pick_best(&self, values: &[f64], mask: &[bool], rng: &mut impl Rng) -> Option<usize> {
        let mut best =
            (0..values.len()).filter(|action| values[*action] == self.best && allowed(mask, *action));
        match self.ties {
            // Nothing is allowed, or there is no number among the values.
            0 => self.pick_any(values, mask, rng),
            1 => best.next(),
            ties => best.nth(rng.random_range(0..ties)),
        }
    }
}
