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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(table: &Table, state: &[f64]) -> Vec<f64> {
        let mut out = Vec::new();
        table.values(state, &mut out);
        out
    }

    fn same(one: &Table, other: &Table) {
        let rows = |table: &Table| -> Vec<(Vec<i64>, Vec<f64>)> {
            table.rows().map(|(key, row)| (key.to_vec(), row.to_vec())).collect()
        };
        assert_eq!(rows(one), rows(other));
        assert_eq!((one.states(), one.evicted()), (other.states(), other.evicted()));
        for (key, row) in rows(one) {
            let state: Vec<f64> = key.iter().map(|number| *number as f64).collect();
            assert_eq!(values(other, &state), row, "{state:?} is found");
        }
    }

    #[test]
    fn no_two_states_share_a_row() {
        let mut table = Table::new(2, 0.0, 100);
        let states: [&[f64]; 6] =
            [&[1.0, 11.0, 0.0], &[11.0, 1.0, 0.0], &[1.0, 1.0, 10.0], &[1.0, 110.0], &[], &[0.0]];
        for (number, state) in states.iter().enumerate() {
            table.update(state, 1, number as f64 + 1.0);
        }
        for (number, state) in states.iter().enumerate() {
            assert_eq!(values(&table, state), [0.0, number as f64 + 1.0]);
        }
    }

    #[test]
    fn numbers_are_cut_to_integers_as_by_the_old_learner() {
        let mut table = Table::new(1, 0.0, 100);
        table.update(&[1.9, -1.9], 0, 1.0);
        assert_eq!(values(&table, &[1.0, -1.0]), [1.0]);
        table.update(&[f64::NAN, f64::INFINITY], 0, 2.0);
        assert_eq!(values(&table, &[0.0, f64::INFINITY]), [2.0]);
    }

    #[test]
    fn at_the_bound_the_oldest_state_makes_room_and_is_counted() {
        let mut table = Table::new(1, 0.5, 3);
        for state in 0..5 {
            table.update(&[f64::from(state)], 0, 1.0);
        }
        assert_eq!((table.states(), table.evicted()), (3, 2));
        assert_eq!(values(&table, &[0.0]), [0.5], "forgotten");
        assert_eq!(values(&table, &[1.0]), [0.5], "forgotten");
        for kept in [2.0, 3.0, 4.0] {
            assert_eq!(values(&table, &[kept]), [1.5]);
        }
    }

    #[test]
    fn more_actions_leave_the_values_of_the_others() {
        let mut table = Table::new(2, 0.25, 10);
        table.update(&[1.0], 1, 1.0);
        table.grow(4);
        assert_eq!(values(&table, &[1.0]), [0.25, 1.25, 0.25, 0.25]);
        table.grow(3);
        assert_eq!(table.actions(), 4, "actions are never taken away");
        table.update(&[1.0], 9, 1.0);
        assert_eq!(values(&table, &[1.0]), [0.25, 1.25, 0.25, 0.25], "an unknown action changes nothing");
    }

    #[test]
    fn a_copy_that_has_met_more_actions_is_published_to_all_the_same() {
        let mut table = Table::new(2, 0.0, 10);
        table.update(&[1.0], 1, 1.0);
        let mut published = table.clone();
        published.grow(4);
        table.update(&[1.0], 0, 2.0);
        table.update(&[2.0], 1, 3.0);
        table.publish(&mut published);
        assert_eq!(values(&published, &[1.0]), [2.0, 1.0, 0.0, 0.0]);
        assert_eq!(values(&published, &[2.0]), [0.0, 3.0, 0.0, 0.0]);
        same(&table, &published);
    }

    #[test]
    fn actions_do_not_grow_beyond_the_bound_of_the_weights() {
        let mut table = Table::new(2, 0.0, crate::config::check::MAX_STATES);
        table.grow(4_000);
        assert_eq!(table.actions(), 2);
    }

    #[test]
    fn what_is_no_number_never_gets_into_the_table() {
        let mut table = Table::new(1, 0.0, 10);
        for amount in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            table.update(&[1.0], 0, amount);
            table.correct(&[1.0], 0, amount, 0.5);
        }
        assert_eq!(values(&table, &[1.0]), [0.0]);
    }

    #[test]
    fn a_table_comes_back_from_its_stored_form() {
        let mut table = Table::new(2, 0.0, 3);
        for state in 0..5 {
            table.update(&[f64::from(state), 1.0], state as usize % 2, 1.0);
        }
        let stored = postcard::to_allocvec(&table).unwrap();
        let mut back: Table = postcard::from_bytes(&stored).unwrap();
        same(&table, &back);
        table.update(&[9.0, 9.0], 0, 1.0);
        back.update(&[9.0, 9.0], 0, 1.0);
        same(&table, &back);
    }

    proptest! {
        #[test]
        fn publishing_into_an_earlier_copy_equals_a_clone(
            steps in proptest::collection::vec((0_i64..12, 0_usize..6, any::<bool>(), any::<bool>()), 1..200)
        ) {
            let mut table = Table::new(2, 0.5, 5);
            let mut published = table.clone();
            for (state, action, grow, publish) in steps {
                if grow {
                    table.grow(action);
                }
                table.correct(&[state as f64], action % table.actions(), 1.0, 0.5);
                if publish {
                    table.publish(&mut published);
                    same(&table, &published);
                    let clone = table.clone();
                    same(&clone, &published);
                }
            }
        }
    }
}
