//! Days and nights.

use std::f64::consts::TAU;

use rand::RngExt;
use rand_distr::Exp1;
use rand_xoshiro::Xoshiro256PlusPlus;

/// A node's rate at second `t` of the run is `rate * (1 + amplitude * sin(2π (t / period_s + phase)))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sinusoid {
    /// Seconds from one top to the next, above 0.
    pub period_s: f64,
    /// From 0 to 1.
    pub amplitude: f64,
    /// Where in the period each node is at second 0, in parts of the period; nodes take them in turns.
    /// None: all at the beginning.
    pub phases: Vec<f64>,
}

impl Sinusoid {
    /// The phase of a node.
    pub fn phase(&self, node: usize) -> f64 {
        if self.phases.is_empty() { 0.0 } else { self.phases[node % self.phases.len()] }
    }

    /// Area under the factor of a node's rate, from one moment to another.
    pub(super) fn area_s(&self, node: usize, begins_s: f64, ends_s: f64) -> f64 {
        let angle = |at_s: f64| TAU * (at_s / self.period_s + self.phase(node));
        let wave = (angle(begins_s).cos() - angle(ends_s).cos()) * self.period_s / TAU;
        ends_s - begins_s + self.amplitude * wave
    }
}

/// The arrivals at one node, by thinning (Lewis and Shedler, Naval Research Logistics Quarterly 26, 1979).
#[derive(Debug)]
pub(super) struct Wave {
    pub rate: f64,
    pub period_s: f64,
    pub amplitude: f64,
    pub phase: f64,
    pub ends_s: f64,
    pub draws: Xoshiro256PlusPlus,
}

impl Wave {
    /// The arrival after an instant.
    pub fn after(&mut self, mut at_s: f64) -> f64 {
        let top = 1.0 + self.amplitude;
        while at_s < self.ends_s {
            let gap: f64 = self.draws.sample(Exp1);
            at_s += gap / (self.rate * top);
            let factor = 1.0 + self.amplitude * (TAU * (at_s / self.period_s + self.phase)).sin();
            if self.draws.random::<f64>() * top < factor {
                return at_s;
            }
        }
        f64::INFINITY
    }
}
