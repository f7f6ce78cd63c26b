//! Which parameters can be, and which go together.

use std::fmt::Display;

use super::*;
use crate::learner::MAX_ACTIONS;
use crate::rule::{MAX_STEPS, MAX_WINDOW};
use crate::value::{MAX_NUMBERS, MAX_WEIGHTS, is_range};

/// States that a table keeps at most, whatever the configuration says.
pub(crate) const MAX_STATES: u32 = 1 << 24;
/// Tilings, and tiles across a range, at most.
const MAX_TILES: u32 = 1_024;
/// Highest frequency or power at most.
const MAX_ORDER: u32 = 64;
/// Hidden layers of a network at most.
const MAX_LAYERS: usize = 8;
/// Units of a hidden layer at most.
const MAX_UNITS: u32 = 4_096;
/// Experiences that a network remembers at most.
const MAX_REPLAY: u32 = 1 << 22;
/// Later experiences at most that may come before a missing one is given up.
const MAX_ATTEMPTS: u32 = 1 << 20;
/// Seconds at most after which a missing experience is given up.
const MAX_MISSING_SECONDS: f64 = 86_400.0;

/// Rules that a network can learn by.
const NETWORK_RULES: &[RuleKind] =
    &[RuleKind::Sarsa, RuleKind::ExpectedSarsa, RuleKind::QLearning, RuleKind::DoubleQ];

impl AgentConfig {
    /// Refuses what is out of range, and parts that do not go together.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_ranges()?;
        self.check_parts()
    }

    fn check_ranges(&self) -> Result<(), ConfigError> {
        let largest = f64::MAX;
        let warm = if self.exploration == ExplorationKind::Epsilon { 1.0 } else { largest };
        whole("actions_n", self.actions_n, 1, MAX_ACTIONS as u32)?;
        positive("alpha", self.alpha, 1.0)?;
        positive("beta", self.beta, 1.0)?;
        within("gamma", self.gamma, 0.0, 1.0)?;
        within("lambda", self.lambda, 0.0, 1.0)?;
        whole("steps", self.steps, 1, MAX_STEPS)?;
        within("initial", self.initial, -largest, largest)?;
        within("epsilon_start", self.epsilon_start, 0.0, warm)?;
        within("epsilon_min", self.epsilon_min, 0.0, warm)?;
        positive("epsilon_decay", self.epsilon_decay, 1.0)?;
        whole("epsilon_steps", self.epsilon_steps, 1, u64::MAX)?;
        within("ucb_c", self.ucb_c, 0.0, largest)?;
        whole("max_states", self.max_states, 1, MAX_STATES)?;
        whole("tilings", self.tilings, 1, MAX_TILES)?;
        whole("tiles", self.tiles, 1, MAX_TILES)?;
        whole("tile_weights", self.tile_weights, 1, MAX_STATES)?;
        whole("order", self.order, 1, MAX_ORDER)?;
        within("priority_alpha", self.priority_alpha, 0.0, 1.0)?;
        within("priority_beta", self.priority_beta, 0.0, 1.0)?;
        whole("replay_size", self.replay_size, 1, MAX_REPLAY)?;
        whole("batch_size", self.batch_size, 1, self.replay_size)?;
        whole("train_every", self.train_every, 1, u32::MAX)?;
        whole("learning_starts", self.learning_starts, 0, self.replay_size)?;
        whole("target_every", self.target_every, 1, u32::MAX)?;
        whole("window_size", self.window_size, 1, MAX_WINDOW)?;
        whole("entry_missing_max_attempts", self.entry_missing_max_attempts, 1, MAX_ATTEMPTS)?;
        positive("entry_missing_max_seconds", self.entry_missing_max_seconds, MAX_MISSING_SECONDS)?;
        if !self.tilings.is_power_of_two() {
            return Err(bad("tilings", "a power of two", self.tilings));
        }
        if self.bounds.len() > MAX_NUMBERS {
            let expected = format!("{MAX_NUMBERS} pairs at most");
            return Err(bad("bounds", expected, self.bounds.len()));
        }
        if let Some([low, high]) = self.bounds.iter().find(|range| !is_range(range)) {
            return Err(bad("bounds", "pairs [low, high] with low < high", format!("[{low}, {high}]")));
        }
        if self.hidden.len() > MAX_LAYERS {
            return Err(bad("hidden", format!("{MAX_LAYERS} layers at most"), self.hidden.len()));
        }
        for units in &self.hidden {
            whole("hidden", *units, 1, MAX_UNITS)?;
        }
        Ok(())
    }

    fn check_parts(&self) -> Result<(), ConfigError> {
        let (value, rule) = (self.value.name(), self.rule.name());
        let mismatch = |text: String| Err(ConfigError::Mismatch(text));
        if self.value == ValueKind::Network && !NETWORK_RULES.contains(&self.rule) {
            let names: Vec<_> = NETWORK_RULES.iter().map(|rule| rule.name()).collect();
            return mismatch(format!(
                "value {value:?} does not go with rule {rule:?}, only with {}",
                names.join(", ")
            ));
        }
        if self.rule == RuleKind::Reference && self.value != ValueKind::Table {
            return mismatch(format!("rule {rule:?} goes only with value \"table\", not with {value:?}"));
        }
        if self.rule == RuleKind::Reference && self.window_size < 2 {
            return mismatch(format!("rule {rule:?} trains nothing with a `window_size` below 2"));
        }
        if self.exploration == ExplorationKind::Ucb && self.value != ValueKind::Table {
            return mismatch(format!(
                "exploration \"ucb\" counts the visits of states: it goes only with value \"table\", not with \
                 {value:?}"
            ));
        }
        let reaches = self.epsilon_decay_enabled && self.epsilon_schedule == ScheduleKind::Reach;
        if reaches && self.epsilon_min <= 0.0 {
            return mismatch(
                "schedule \"reach\" never reaches 0: give `epsilon_min` above 0, or \"linear\"".into(),
            );
        }
        let rows = match self.value {
            ValueKind::Table => Some(("max_states", self.max_states)),
            ValueKind::Tiles => Some(("tile_weights", self.tile_weights)),
            _ => None,
        };
        if let Some((name, rows)) = rows
            && rows as usize > MAX_WEIGHTS / self.actions_n as usize
        {
            return mismatch(format!("`{name}` times `actions_n` is more than {MAX_WEIGHTS}"));
        }
        Ok(())
    }
}

pub(super) fn bad(name: &str, expected: impl Display, found: impl Display) -> ConfigError {
    ConfigError::BadValue { name: name.into(), expected: expected.to_string(), found: found.to_string() }
}

fn whole(name: &str, found: impl Into<u64>, low: u32, high: impl Into<u64>) -> Result<(), ConfigError> {
    let (found, low, high) = (found.into(), u64::from(low), high.into());
    match found {
        _ if (low..=high).contains(&found) => Ok(()),
        _ if high == u64::MAX => Err(bad(name, format!("a whole number, {low} or more"), found)),
        _ => Err(bad(name, format!("a whole number from {low} to {high}"), found)),
    }
}

fn within(name: &str, found: f64, low: f64, high: f64) -> Result<(), ConfigError> {
    match found {
        _ if (low..=high).contains(&found) => Ok(()),
        _ if low == -f64::MAX => Err(bad(name, "a finite number", found)),
        _ if high == f64::MAX => Err(bad(name, format!("a finite number, {low} or more"), found)),
        _ => Err(bad(name, format!("a number from {low} to {high}"), found)),
    }
}

fn positive(name: &str, found: f64, high: f64) -> Result<(), ConfigError> {
    if found > 0.0 && found <= high {
        return Ok(());
    }
    Err(bad(name, format!("a number above 0, {high} at most"), found))
}
