//! Adam (Kingma & Ba 2015).

use serde::{Deserialize, Serialize};

/// Decay of the mean of the gradients.
pub(super) const MEAN_DECAY: f64 = 0.9;
/// Decay of the mean of their squares.
pub(super) const SQUARE_DECAY: f64 = 0.999;
/// Keeps the step finite where the gradient is 0.
pub(super) const EPSILON: f64 = 1e-8;

/// The state of the optimiser; empty before the first step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Adam {
    pub(super) steps: u64,
    /// Moving mean of each parameter's gradient.
    pub(super) means: Vec<f32>,
    /// Moving mean of its square.
    pub(super) squares: Vec<f32>,
}

/// The factors of one step: they correct that both means began at 0.
pub(super) struct Factors {
    /// Of the mean.
    pub(super) step: f64,
    /// Of the root of the squares.
    pub(super) root: f64,
}

impl Adam {
    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Moves the parameters one step against the gradient.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &[f32], rate: f64) {
        self.steps += 1;
        self.means.resize(parameters.len(), 0.0);
        self.squares.resize(parameters.len(), 0.0);
        let Factors { step, root } = factors(self.steps, rate);
        let (step, root, epsilon) = (step as f32, root as f32, EPSILON as f32);
        let (mean_decay, square_decay) = (MEAN_DECAY as f32, SQUARE_DECAY as f32);
        let moments = self.means.iter_mut().zip(&mut self.squares);
        for ((parameter, gradient), (mean, square)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *mean = mean_decay * *mean + (1.0 - mean_decay) * gradient;
            *square = square_decay * *square + (1.0 - square_decay) * gradient * gradient;
            *parameter -= step * *mean / (square.sqrt() * root + epsilon);
        }
    }

    /// Whether it fits so many parameters.
    pub(crate) fn fits(&self, parameters: usize) -> bool {
        self.means.len() == self.squares.len() && (self.means.is_empty() || self.means.len() == parameters)
    }

    /// Lays both means out anew, if there are any.
    pub(super) fn map(&mut self, change: impl Fn(&[f32]) -> Vec<f32>) {
        if !self.means.is_empty() {
            self.means = change(&self.means);
            self.squares = change(&self.squares);
        }
    }
}

pub(super) fn factors(steps: u64, rate: f64) -> Factors {
    let steps = steps as f64;
    Factors {
        step: rate / (1.0 - MEAN_DECAY.powf(steps)),
        root: 1.0 / (1.0 - SQUARE_DECAY.powf(steps)).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adam_finds_the_bottom_of_a_bowl() {
        let mut adam = Adam::default();
        let mut place = [5.0_f32, -3.0];
        for _ in 0..2_000 {
            let gradient = [2.0 * (place[0] - 1.0), 20.0 * (place[1] - 2.0)];
            adam.step(&mut place, &gradient, 0.01);
        }
        assert!((place[0] - 1.0).abs() < 1e-2 && (place[1] - 2.0).abs() < 1e-2, "{place:?}");
    }

    #[test]
    fn the_first_step_is_as_long_as_the_rate() {
        let mut place = [0.0_f32, 0.0];
        Adam::default().step(&mut place, &[0.001, -40.0], 0.25);
        assert!((place[0] + 0.25).abs() < 1e-4 && (place[1] - 0.25).abs() < 1e-4, "{place:?}");
    }
}
