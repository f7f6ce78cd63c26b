//! The exact table: a row of values for each state that has been trained.

use serde::{Deserialize, Serialize};

use super::ValueFunction;
use super::linear::Linear;
use super::states::{Place, States};
use super::weights::Weights;

/// One row a state. A state's numbers are cut to integers, as in the old learner; the key is exact,
/// so that no two states share a row. At its bound the oldest state makes room and is counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table {
    initial: f64,
    states: States,
    weights: Weights,
}

impl Table {
    /// An empty table: every action of every state is worth `initial`.
    pub fn new(actions: usize, initial: f64, max_states: u32) -> Self {
        let weights = Weights::new(actions, initial, max_states as usize);
        Table { initial, states: States::new(max_states), weights }
    }

    /// States that have a row.
    pub fn states(&self) -> usize {
        self.states.len()
    }

    /// States that have lost their row to a newer one.
    pub fn evicted(&self) -> u64 {
        self.states.evicted()
    }

    /// All rows in the order of their places: a state and the values of its actions.
    pub fn rows(&self) -> impl Iterator<Item = (&[i64], &[f64])> {
        self.states.keys().zip(self.weights.rows())
    }

    /// The row of a state, made if it has none, and whether it was another state's until now.
    fn row(&mut self, state: &[f64]) -> (usize, bool) {
        match self.states.place(state) {
            Place::Known(row) => (row, false),
            Place::New(row) => {
                self.weights.push();
                (row, false)
            }
            Place::Taken(row) => {
                self.weights.clear(row);
                (row, true)
            }
        }
    }
}

impl ValueFunction for Table {
    fn actions(&self) -> usize {
        self.weights.actions()
    }

    fn grow(&mut self, actions: usize) {
        self.weights.grow(actions);
    }

    fn values(&self, state: &[f64], out: &mut Vec<f64>) {
        out.clear();
        match self.states.find(state) {
            Some(row) => out.extend_from_slice(self.weights.row(row)),
            None => out.resize(self.actions(), self.initial),
        }
    }

    fn value(&self, state: &[f64], action: usize) -> f64 {
        self.states.find(state).map_or(self.initial, |row| self.weights.get(row, action))
    }

    fn update(&mut self, state: &[f64], action: usize, amount: f64) {
        let (row, _) = self.row(state);
        self.weights.add(row, action, amount);
    }

    fn correct(&mut self, state: &[f64], action: usize, target: f64, alpha: f64) -> f64 {
        let (row, _) = self.row(state);
        let error = target - self.weights.get(row, action);
        self.weights.add(row, action, alpha * error);
        error
    }

    fn publish(&mut self, to: &mut Self) {
        let states = &self.states;
        self.weights.publish(&mut to.weights, |row| states.publish(row, &mut to.states));
    }
}

impl Linear for Table {
    fn is_binary(&self) -> bool {
        true
    }

    fn active(&mut self, state: &[f64], out: &mut Vec<(u32, f64)>) -> bool {
        let (row, taken) = self.row(state);
        out.clear();
        out.push((row as u32, 1.0));
        taken
    }

    fn add(&mut self, feature: u32, action: usize, amount: f64) {
        self.weights.add(feature as usize, action, amount);
    }
}
