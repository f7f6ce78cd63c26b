//! How long a job of a task type takes on a device of speed 1.

use rand::Rng;
use rand_distr::{Distribution, Exp, Gamma, LogNormal};

/// A distribution of service times; all parameters are positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Service {
    /// Exponential.
    Exponential {
        /// Mean, seconds.
        mean_s: f64,
    },
    /// Always the same.
    Deterministic {
        /// The time, seconds.
        mean_s: f64,
    },
    /// Log-normal.
    LogNormal {
        /// Mean, seconds (not that of the logarithm).
        mean_s: f64,
        /// Standard deviation over mean.
        cv: f64,
    },
    /// Gamma.
    Gamma {
        /// Mean, seconds.
        mean_s: f64,
        /// Standard deviation over mean.
        cv: f64,
    },
}

impl Service {
    /// Names in experiment files.
    pub const KINDS: [&str; 4] = ["exponential", "deterministic", "lognormal", "gamma"];

    /// Its mean, seconds.
    pub fn mean_s(&self) -> f64 {
        match *self {
            Service::Exponential { mean_s }
            | Service::Deterministic { mean_s }
            | Service::LogNormal { mean_s, .. }
            | Service::Gamma { mean_s, .. } => mean_s,
        }
    }

    /// Draws a time, seconds. Parameters outside their range give the mean.
    pub fn sample(&self, rng: &mut impl Rng) -> f64 {
        let mean_s = self.mean_s();
        match *self {
            Service::Deterministic { .. } => mean_s,
            Service::Exponential { .. } => Exp::new(1.0 / mean_s).map_or(mean_s, |law| law.sample(rng)),
            Service::LogNormal { cv, .. } => {
                LogNormal::from_mean_cv(mean_s, cv).map_or(mean_s, |law| law.sample(rng))
            }
            Service::Gamma { cv, .. } => {
                let shape = 1.0 / (cv * cv);
                Gamma::new(shape, mean_s / shape).map_or(mean_s, |law| law.sample(rng))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{Purpose, generator};

    #[test]
    fn samples_have_the_mean_and_deviation_that_was_asked_for() {
        let laws = [
            (Service::Exponential { mean_s: 0.2 }, 0.2),
            (Service::Deterministic { mean_s: 0.2 }, 0.0),
            (Service::LogNormal { mean_s: 0.2, cv: 0.5 }, 0.1),
            (Service::Gamma { mean_s: 0.2, cv: 0.5 }, 0.1),
        ];
        for (law, sd) in laws {
            let mut rng = generator(1, Purpose::Demand, 0);
            let count = 200_000;
            let draws: Vec<_> = (0..count).map(|_| law.sample(&mut rng)).collect();
            let mean = draws.iter().sum::<f64>() / count as f64;
            let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / count as f64;
            assert!((mean - 0.2).abs() < 0.002, "{law:?}: mean {mean}");
            assert!((variance.sqrt() - sd).abs() < 0.003, "{law:?}: deviation {}", variance.sqrt());
        }
    }
}
