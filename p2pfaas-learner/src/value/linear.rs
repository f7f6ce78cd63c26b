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

/// Features that need no memory of their own while they are reckoned.
const INLINE: usize = 64;

type Products<B> = SmallVec<[<B as Basis>::Factor; INLINE]>;

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
        Ok(Features { bounds, order, initial, steps, weights, basis: Default::default() })
    }

    /// Writes the products that the features of a state are, the powers of its first number running
    /// fastest. Into a place of the caller's: moving them costs more than they do.
    fn products(&self, state: &[f64], products: &mut Products<B>) {
        products.reserve_exact(self.steps.len());
        products.push(B::ONE);
        for unit in self.bounds.unit(state) {
            let (factor, block) = (B::factor(unit), products.len());
            for power in 1..=self.order as usize {
                products.resize((power + 1) * block, B::ONE);
                // Each is the one of a power less times the factor.
                let (before, new) = products.split_at_mut(power * block);
                for (new, before) in new.iter_mut().zip(&before[(power - 1) * block..]) {
                    *new = *before * factor;
                }
            }
        }
    }

    fn dot(&self, products: &Products<B>, action: usize) -> f64 {
        let terms = products.iter().zip(self.weights.column(action));
        self.initial + terms.map(|(product, weight)| weight * B::feature(*product)).sum::<f64>()
    }

    fn change(&mut self, products: &Products<B>, action: usize, amount: f64) {
        for (feature, (product, step)) in products.iter().zip(&self.steps).enumerate() {
            self.weights.add(feature, action, amount * step * B::feature(*product));
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
        let mut products = Products::<B>::new();
        self.products(state, &mut products);
        for (product, weights) in products.iter().zip(self.weights.rows()) {
            let x = B::feature(*product);
            for (value, weight) in out.iter_mut().zip(weights) {
                *value += weight * x;
            }
        }
    }

    fn value(&self, state: &[f64], action: usize) -> f64 {
        let mut products = Products::<B>::new();
        self.products(state, &mut products);
        self.dot(&products, action)
    }

    fn update(&mut self, state: &[f64], action: usize, amount: f64) {
        let mut products = Products::<B>::new();
        self.products(state, &mut products);
        self.change(&products, action, amount);
    }

    fn correct(&mut self, state: &[f64], action: usize, target: f64, alpha: f64) -> f64 {
        let mut products = Products::<B>::new();
        self.products(state, &mut products);
        let error = target - self.dot(&products, action);
        self.change(&products, action, alpha * error);
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
        let mut products = Products::<B>::new();
        self.products(state, &mut products);
        let features = products.iter().map(|product| B::feature(*product));
        out.extend((0_u32..).zip(features).filter(|(_, x)| *x != 0.0));
        false
    }

    fn add(&mut self, feature: u32, action: usize, amount: f64) {
        let amount = amount * self.steps.get(feature as usize).copied().unwrap_or(0.0);
        self.weights.add(feature as usize, action, amount);
    }
}
