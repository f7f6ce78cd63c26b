//! Value functions: what an action is worth in a state.

#[cfg(test)]
mod approximate_tests;
mod bounds;
mod fourier;
mod linear;
mod network;
mod polynomial;
mod states;
mod table;
mod tiles;
mod weights;

use serde::{Deserialize, Serialize};

use p2pfaas_core::agent::StateSpace;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::config::{AgentConfig, ConfigError, ValueKind};

pub use bounds::MAX_NUMBERS;
pub(crate) use bounds::is_range;

pub use fourier::{Cosines, Fourier};
pub use linear::{Basis, Features, Linear, MAX_FEATURES};
pub use network::{MAX_PARAMETERS, Network, NetworkError};
pub use polynomial::{Polynomial, Powers};
pub(crate) use states::{Place, States};
pub use table::Table;
pub use tiles::Tiles;
pub use weights::MAX_WEIGHTS;
pub(crate) use weights::Weights;

/// What every value function can do. A state is the numbers that the policy's encoder wrote.
pub trait ValueFunction {
    /// Actions that it knows.
    fn actions(&self) -> usize;

    /// Makes room for more actions; those that it has keep their values.
    fn grow(&mut self, actions: usize);

    /// Writes Q(state, ·), one value an action, over whatever is in `out`.
    fn values(&self, state: &[f64], out: &mut Vec<f64>);

    /// Q(state, action); of an action that it does not know, some finite number.
    fn value(&self, state: &[f64], action: usize) -> f64 {
        let mut values = Vec::new();
        self.values(state, &mut values);
        values.get(action).copied().unwrap_or(0.0)
    }

    /// Moves Q(state, action) by about `amount` = α·δ along its gradient.
    fn update(&mut self, state: &[f64], action: usize, amount: f64);

    /// Moves Q(state, action) towards `target` by a step of size `alpha`. Returns δ, by which it was off.
    fn correct(&mut self, state: &[f64], action: usize, target: f64, alpha: f64) -> f64 {
        let error = target - self.value(state, action);
        self.update(state, action, alpha * error);
        error
    }

    /// Copies to `to`, an earlier copy of this function, what has changed since the last call.
    fn publish(&mut self, to: &mut Self)
    where
        Self: Sized;
}

/// One of the value functions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Value {
    /// Exact table.
    Table(Table),
    /// Tile coding.
    Tiles(Tiles),
    /// Linear in Fourier features.
    Fourier(Fourier),
    /// Linear in polynomial features.
    Polynomial(Polynomial),
    /// Neural network.
    Network(Network),
}

impl Value {
    /// A value function that knows nothing yet.
    ///
    /// # Errors
    /// Its numbers do not go together, or need bounds that nobody has declared.
    pub fn new(
        config: &AgentConfig,
        space: Option<&StateSpace>,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<Self, ConfigError> {
        Ok(match config.value {
            ValueKind::Table => {
                Value::Table(Table::new(config.actions_n as usize, config.initial, config.max_states))
            }
            ValueKind::Tiles => Value::Tiles(Tiles::new(config, space)?),
            ValueKind::Fourier => Value::Fourier(Fourier::fourier(config, space)?),
            ValueKind::Polynomial => Value::Polynomial(Polynomial::polynomial(config, space)?),
            ValueKind::Network => Value::Network(Network::new(config, space, rng)?),
        })
    }

    /// As a function that is linear in its weights, if it is one.
    pub fn linear(&mut self) -> Option<&mut dyn Linear> {
        match self {
            Value::Table(table) => Some(table),
            Value::Tiles(tiles) => Some(tiles),
            Value::Fourier(fourier) => Some(fourier),
            Value::Polynomial(polynomial) => Some(polynomial),
            Value::Network(_) => None,
        }
    }
}

impl ValueFunction for Value {
    fn actions(&self) -> usize {
        match self {
            Value::Table(table) => table.actions(),
            Value::Tiles(tiles) => tiles.actions(),
            Value::Fourier(fourier) => fourier.actions(),
            Value::Polynomial(polynomial) => polynomial.actions(),
            Value::Network(network) => network.actions(),
        }
    }
    fn grow(&mut self, actions: usize) {
        match self {
            Value::Table(table) => table.grow(actions),
            Value::Tiles(tiles) => tiles.grow(actions),
            Value::Fourier(fourier) => fourier.grow(actions),
            Value::Polynomial(polynomial) => polynomial.grow(actions),
            Value::Network(network) => network.grow(actions),
        }
    }
    fn values(&self, state: &[f64], out: &mut Vec<f64>) {
        match self {
            Value::Table(table) => table.values(state, out),
            Value::Tiles(tiles) => tiles.values(state, out),
            Value::Fourier(fourier) => fourier.values(state, out),
            Value::Polynomial(polynomial) => polynomial.values(state, out),
            Value::Network(network) => network.values(state, out),
        }
    }
    fn value(&self, state: &[f64], action: usize) -> f64 {
        match self {
            Value::Table(table) => table.value(state, action),
            Value::Tiles(tiles) => tiles.value(state, action),
            Value::Fourier(fourier) => fourier.value(state, action),
            Value::Polynomial(polynomial) => polynomial.value(state, action),
            Value::Network(network) => network.value(state, action),
        }
    }
    fn update(&mut self, state: &[f64], action: usize, amount: f64) {
        match self {
            Value::Table(table) => table.update(state, action, amount),
            Value::Tiles(tiles) => tiles.update(state, action, amount),
            Value::Fourier(fourier) => fourier.update(state, action, amount),
            Value::Polynomial(polynomial) => polynomial.update(state, action, amount),
            Value::Network(network) => network.update(state, action, amount),
        }
    }
    fn correct(&mut self, state: &[f64], action: usize, target: f64, alpha: f64) -> f64 {
        match self {
            Value::Table(table) => table.correct(state, action, target, alpha),
            Value::Tiles(tiles) => tiles.correct(state, action, target, alpha),
            Value::Fourier(fourier) => fourier.correct(state, action, target, alpha),
            Value::Polynomial(polynomial) => polynomial.correct(state, action, target, alpha),
            Value::Network(network) => network.correct(state, action, target, alpha),
        }
    }
    fn publish(&mut self, to: &mut Self) {
        match (self, to) {
            (Value::Table(from), Value::Table(to)) => from.publish(to),
            (Value::Tiles(from), Value::Tiles(to)) => from.publish(to),
            (Value::Fourier(from), Value::Fourier(to)) => from.publish(to),
            (Value::Polynomial(from), Value::Polynomial(to)) => from.publish(to),
            (Value::Network(from), Value::Network(to)) => from.publish(to),
            // Of another kind: it is no earlier copy.
            (from, to) => *to = from.clone(),
        }
    }
}

/// What an agent believes: one value function, or two whose mean counts (double Q-learning).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Values {
    /// The value function; with a twin, one of two.
    pub first: Value,
    /// The other one of two.
    pub second: Option<Value>,
}

impl Values {
    /// Q(state, ·) as the agent acts by it.
    pub fn values(&self, state: &[f64], out: &mut Vec<f64>, scratch: &mut Vec<f64>) {
        self.first.values(state, out);
        if let Some(second) = &self.second {
            second.values(state, scratch);
            for (value, other) in out.iter_mut().zip(scratch.iter()) {
                *value = 0.5 * (*value + other);
            }
        }
    }

    /// Actions that it knows.
    pub fn actions(&self) -> usize {
        self.first.actions()
    }

    /// Makes room for more actions.
    pub fn grow(&mut self, actions: usize) {
        if actions > self.actions() {
            self.first.grow(actions);
            if let Some(second) = &mut self.second {
                second.grow(actions);
            }
        }
    }

    /// Copies to an earlier copy what has changed since the last call.
    pub fn publish(&mut self, to: &mut Values) {
        // The copy may have been shown more actions than have been trained yet.
        self.grow(to.actions());
        self.first.publish(&mut to.first);
        if let (Some(from), Some(to)) = (&mut self.second, &mut to.second) {
            from.publish(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn a_copy_that_knows_more_actions_is_brought_up_to_date_and_keeps_them() {
        for value in [ValueKind::Table, ValueKind::Tiles, ValueKind::Fourier, ValueKind::Network] {
            let config = AgentConfig { value, bounds: vec![[0.0, 4.0]], ..AgentConfig::default() };
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
            let first = Value::new(&config, None, &mut rng).expect("can be");
            let mut values = Values { first, second: None };
            let mut copy = values.clone();
            copy.grow(5);
            for state in 0..4 {
                values.first.correct(&[f64::from(state)], 1, 1.0, 0.5);
            }
            values.publish(&mut copy);
            assert_eq!((values.actions(), copy.actions()), (5, 5));
            let (mut trained, mut copied, mut scratch) = (Vec::new(), Vec::new(), Vec::new());
            for state in 0..4 {
                values.values(&[f64::from(state)], &mut trained, &mut scratch);
                copy.values(&[f64::from(state)], &mut copied, &mut scratch);
                // A network draws weights of its own for new actions; those that were there are the same.
                assert_eq!(trained[..2], copied[..2], "{value:?}");
            }
        }
    }
}
