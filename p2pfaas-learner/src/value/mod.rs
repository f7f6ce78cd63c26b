//! Value functions: what an action is worth in a state.

mod network;
mod table;

use serde::{Deserialize, Serialize};

use p2pfaas_core::agent::StateSpace;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::config::{AgentConfig, ConfigError, ValueKind};

pub use network::{MAX_PARAMETERS, Network, NetworkError};
pub use table::Table;

/// What every value function can do. A state is the numbers that the policy's encoder wrote.
pub trait ValueFunction {
    /// Actions that it knows.
    fn actions(&self) -> usize;

    /// Makes room for more actions; those that it has keep their values.
    fn grow(&mut self, actions: usize);

    /// Writes Q(state, ·), one value an action, over whatever is in `out`.
    fn values(&self, state: &[f64], out: &mut Vec<f64>);

    /// Moves Q(state, action) by about `amount` = α·δ along its gradient.
    fn update(&mut self, state: &[f64], action: usize, amount: f64);

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
        match config.value {
            ValueKind::Network => Ok(Value::Network(Network::new(config, space, rng)?)),
            _ => Ok(Value::Table(Table::new(config.actions_n as usize, config.initial, config.max_states))),
        }
    }
}

impl ValueFunction for Value {
    fn actions(&self) -> usize {
        match self {
            Value::Table(table) => table.actions(),
            Value::Network(network) => network.actions(),
        }
    }
    fn grow(&mut self, actions: usize) {
        match self {
            Value::Table(table) => table.grow(actions),
            Value::Network(network) => network.grow(actions),
        }
    }
    fn values(&self, state: &[f64], out: &mut Vec<f64>) {
        match self {
            Value::Table(table) => table.values(state, out),
            Value::Network(network) => network.values(state, out),
        }
    }
    fn update(&mut self, state: &[f64], action: usize, amount: f64) {
        match self {
            Value::Table(table) => table.update(state, action, amount),
            Value::Network(network) => network.update(state, action, amount),
        }
    }
    fn publish(&mut self, to: &mut Self) {
        match (self, to) {
            (Value::Table(from), Value::Table(to)) => from.publish(to),
            (Value::Network(from), Value::Network(to)) => from.publish(to),
            // A copy of a function is of its kind.
            _ => {}
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
        self.first.publish(&mut to.first);
        if let (Some(from), Some(to)) = (&mut self.second, &mut to.second) {
            from.publish(to);
        }
    }
}
