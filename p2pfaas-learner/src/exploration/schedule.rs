//! How ε, or a temperature, changes from choice to choice.

use serde::{Deserialize, Serialize};

use crate::config::{AgentConfig, ScheduleKind};

/// A value that moves from its start to its lower bound with the number of choices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Schedule {
    kind: ScheduleKind,
    start: f64,
    min: f64,
    decay: f64,
    steps: u64,
    done: u64,
    value: f64,
}

impl Schedule {
    /// At its start.
    pub fn new(config: &AgentConfig) -> Self {
        let kind =
            if config.epsilon_decay_enabled { config.epsilon_schedule } else { ScheduleKind::Constant };
        Schedule {
            kind,
            start: config.epsilon_start,
            min: config.epsilon_min.min(config.epsilon_start),
            decay: config.epsilon_decay,
            steps: config.epsilon_steps.max(1),
            done: 0,
            value: config.epsilon_start,
        }
    }

    /// Takes over changed parameters: a new start counts from the next reset on, all others at once.
    pub fn set_config(&mut self, config: &AgentConfig) {
        let Schedule { start, done, value, .. } = *self;
        let min = config.epsilon_min.min(start);
        *self = Schedule { start, min, done, value: value.max(min), ..Schedule::new(config) };
    }

    /// Now.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// One choice has been made.
    pub fn advance(&mut self) {
        self.done += 1;
        let part = (self.done as f64 / self.steps as f64).min(1.0);
        self.value = match self.kind {
            ScheduleKind::Constant => self.value,
            ScheduleKind::Exponential => (self.value * self.decay).max(self.min),
            ScheduleKind::Linear => self.start + (self.min - self.start) * part,
            // Nothing is below 0, and nothing above it comes there by factors.
            ScheduleKind::Reach if part >= 1.0 || self.min <= 0.0 => self.min,
            ScheduleKind::Reach => self.start * (self.min / self.start).powf(part),
        };
    }
}
