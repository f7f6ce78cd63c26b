//! Functions that are linear in their weights, and those of them whose features are products, one
//! factor a number of the state: Q(s, a) = Σ w·x(s).

use std::ops::Mul;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::ValueFunction;
use super::bounds::Bounds;
use super::weights::Weights;
use crate::config::{AgentConfig, ConfigError};

/// Features of a state at most: each costs time at each choice.
pub const MAX_FEATURES: usize = 4_096;

/// A value function that is linear in its weights, so that eligibility traces can be kept on them.
pub trait Linear: ValueFunction {
    /// Whether a feature is there or not, 1 or 0: its trace is then replaced, not added to.
    fn is_binary(&self) -> bool;

    /// Writes the features of a state that are not 0, by their numbers, over whatever is in `out`.
    /// True: they were another state's until now, and what was kept about them is void.
    fn active(&mut self, state: &[f64], out: &mut Vec<(u32, f64)>) -> bool;

    /// Adds `amount` to the weight of a feature and an action, scaled to the feature.
    fn add(&mut self, feature: u32, action: usize, amount: f64);
}

/// What a state's features are.
pub trait Basis {
    /// What is multiplied.
    type Factor: Copy + Mul<Output = Self::Factor>;

    /// The factor of power 0.
    const ONE: Self::Factor;

    /// The factor of power 1 for a number within 0 and 1.
    fn factor(unit: f64) -> Self::Factor;

    /// The feature that a product is.
    fn feature(product: Self::Factor) -> f64;

    /// By what the step size is multiplied for the feature with these powers, one of `features`.
    fn step(powers: &[u32], features: usize) -> f64;
}

/// Linear in all products of powers 0 to `order` of the state's numbers, in the sense of its basis.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Features<B> {
    bounds: Bounds,
    order: u32,
    initial: f64,
    /// By what the step size of each feature is multiplied.
    steps: Vec<f64>,
    weights: Weights,
    /// The features of the state that is being trained.
    #[serde(skip)]
    buffer: Vec<f64>,
    #[serde(skip)]
    basis: std::marker::PhantomData<B>,
}

impl<B: Basis> Features<B> {
    pub(super) fn new(config: &AgentConfig, bounds: Bounds) -> Result<Self, ConfigError> {
        let (numbers, base) = (bounds.len(), config.order as usize + 1);
        let count = u32::try_from(numbers).ok().and_then(|numbers| base.checked_pow(numbers));
        let Some(count) = count.filter(|count| *count <= MAX_FEATURES) else {
            return Err(ConfigError::Mismatch(format!(
                "value {:?} of order {} makes {base}^{numbers} features of a state of {numbers} numbers, \
                 more than {MAX_FEATURES}: give a lower `order`, or use \"tiles\"",
                config.value.name(),
                config.order,
            )));
        };
        let mut powers = vec![0; numbers];
        let mut steps = Vec::with_capacity(count);
        for feature in 0..count {
            let mut rest = feature;
            for power in &mut powers {
                (*power, rest) = ((rest % base) as u32, rest / base);
            }
            steps.push(B::step(&powers, count));
        }
        let mut weights = Weights::new(config.actions_n as usize, 0.0, count);
        (0..count).for_each(|_| weights.push());
        let (order, initial) = (config.order, config.initial);
        Ok(Features { bounds, order, initial, steps, weights, buffer: Vec::new(), basis: Default::default() })
    }

    /// Shows each feature of a state with its number. The powers run like an odometer, the first number's
    /// fastest, and `products` keeps the product of the slower ones, so that one multiplication mostly does.
    fn each(&self, state: &[f64], mut show: impl FnMut(usize, f64)) {
        let base = self.order as usize + 1;
        let mut factors: SmallVec<[B::Factor; 32]> = SmallVec::new();
        for unit in self.bounds.unit(state) {
            let (factor, mut power) = (B::factor(unit), B::ONE);
            for _ in 0..base {
                factors.push(power);
                power = power * factor;
            }
        }
        let numbers = self.bounds.len();
        let mut powers: SmallVec<[usize; 16]> = SmallVec::from_elem(0, numbers);
        let mut products: SmallVec<[B::Factor; 16]> = SmallVec::from_elem(B::ONE, numbers + 1);
        for feature in 0..self.steps.len() {
            show(feature, B::feature(products[0]));
            let Some(turned) = powers.iter().position(|power| *power + 1 < base) else { return };
            powers[..turned].fill(0);
            powers[turned] += 1;
            for number in (0..=turned).rev() {
                products[number] = products[number + 1] * factors[number * base + powers[number]];
            }
        }
    }

    fn step(&self, feature: usize) -> f64 {
        self.steps.get(feature).copied().unwrap_or(0.0)
    }

    fn change(&mut self, features: &[f64], action: usize, amount: f64) {
        for (feature, x) in features.iter().enumerate() {
            self.weights.add(feature, action, amount * self.step(feature) * x);
        }
    }
}

impl<B: Basis> ValueFunction for Features<B> {
    fn actions(&self) -> usize {
        self.weights.actions()
    }

    fn grow(&mut self, actions: usize) {
        self.weights.grow(actions);
    }

    fn values(&self, state: &[f64], out: &mut Vec<f64>) {
        out.clear();
        out.resize(self.actions(), self.initial);
        self.each(state, |feature, x| {
            for (value, weight) in out.iter_mut().zip(self.weights.row(feature)) {
                *value += weight * x;
            }
        });
    }

    fn value(&self, state: &[f64], action: usize) -> f64 {
        let mut value = self.initial;
        self.each(state, |feature, x| value += self.weights.get(feature, action) * x);
        value
    }

    fn update(&mut self, state: &[f64], action: usize, amount: f64) {
        let mut features = std::mem::take(&mut self.buffer);
        features.clear();
        self.each(state, |_, x| features.push(x));
        self.change(&features, action, amount);
        self.buffer = features;
    }

    fn correct(&mut self, state: &[f64], action: usize, target: f64, alpha: f64) -> f64 {
        let mut features = std::mem::take(&mut self.buffer);
        features.clear();
        let mut error = target - self.initial;
        self.each(state, |feature, x| {
            features.push(x);
            error -= self.weights.get(feature, action) * x;
        });
        self.change(&features, action, alpha * error);
        self.buffer = features;
        error
    }

    fn publish(&mut self, to: &mut Self) {
        self.weights.publish(&mut to.weights, |_| ());
    }
}

impl<B: Basis> Linear for Features<B> {
    fn is_binary(&self) -> bool {
        false
    }

    fn active(&mut self, state: &[f64], out: &mut Vec<(u32, f64)>) -> bool {
        out.clear();
        self.each(state, |feature, x| {
            if x != 0.0 {
                out.push((feature as u32, x));
            }
        });
        false
    }

    fn add(&mut self, feature: u32, action: usize, amount: f64) {
        let amount = amount * self.step(feature as usize);
        self.weights.add(feature as usize, action, amount);
    }
}
