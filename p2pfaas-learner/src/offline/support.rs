//! What a record says nothing of, and how an agent is kept from believing in it.
//!
//! Values of actions that nobody took stay where they began, or drift with those of others. If they looked
//! best, the agent would do what nobody has ever tried, and its other values would count on that.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::config::{AgentConfig, ValueKind};
use crate::entry::{Mask, State};
use crate::exploration::allowed;
use crate::value::{Value, ValueFunction, Values};

use super::Dataset;
use super::record::state_key;

/// The feature that is 1 in every state, of values that are linear in products.
const CONSTANT: u32 = 0;

/// The actions of which a record tells something: for a table, those taken in a state; for values that
/// generalise over states, those taken anywhere.
#[derive(Debug)]
pub(super) struct Support {
    kind: ValueKind,
    anywhere: Mask,
    /// Their places in `known`.
    keys: HashMap<Key, usize>,
    /// In the order of the record, so that the same record always gives the same agent.
    known: Vec<Known>,
    /// Whether a table has room for all of them.
    fits: bool,
    /// Below the worst recorded action by this much is an action that was not recorded.
    gap: f64,
}

/// A state as its values tell it from others: of a table cut to integers, else exact.
type Key = SmallVec<[i64; 8]>;

#[derive(Debug)]
struct Known {
    state: State,
    actions: Mask,
}

impl Support {
    /// What this record supports.
    pub fn of(record: &Dataset, config: &AgentConfig, actions: usize) -> Support {
        let mut support = Support {
            kind: config.value,
            anywhere: Mask::from_elem(false, actions.max(record.actions())),
            keys: HashMap::new(),
            known: Vec::new(),
            fits: true,
            gap: gap(record),
        };
        for choice in record.entries() {
            support.anywhere[choice.entry.action as usize] = true;
            // The values of a network are never lowered.
            if config.value != ValueKind::Network {
                support.add(&choice.entry.state, choice.entry.action as usize);
            }
        }
        support.fits = support.known.len() <= config.max_states as usize;
        support
    }

    fn add(&mut self, state: &State, action: usize) {
        let place = *self.keys.entry(key(self.kind, state)).or_insert(self.known.len());
        if place == self.known.len() {
            let actions = Mask::from_elem(false, self.anywhere.len());
            self.known.push(Known { state: state.clone(), actions });
        }
        self.known[place].actions[action] = true;
    }

    /// The actions that are supported in a state. In one that is not known, a table goes by all the others.
    fn supported(&self, state: &[f64]) -> &Mask {
        match self.kind {
            ValueKind::Table => {
                let place = self.keys.get(&key(self.kind, state));
                place.map_or(&self.anywhere, |place| &self.known[*place].actions)
            }
            _ => &self.anywhere,
        }
    }

    /// Takes from a mask what is not supported in this state.
    pub fn restrict(&self, state: &[f64], mask: &mut Mask) {
        let supported = self.supported(state);
        let both = |action: usize| supported[action] && allowed(mask, action);
        *mask = (0..supported.len()).map(both).collect();
    }

    /// Lowers the values of what is not supported in the record's states; of a table without room for all of
    /// them, in those that it has. Not those of a network, whose actions share their weights.
    pub fn lower(&self, values: &mut Values) {
        if self.kind == ValueKind::Network {
            return;
        }
        values.grow(self.anywhere.len());
        self.lower_in(&mut values.first);
        if let Some(second) = &mut values.second {
            self.lower_in(second);
        }
    }

    fn lower_in(&self, function: &mut Value) {
        match function {
            Value::Table(table) if !self.fits => {
                let state = |row: &[i64]| row.iter().map(|number| *number as f64).collect();
                let rows: Vec<State> = table.rows().map(|(row, _)| state(row)).collect();
                rows.iter().for_each(|state| self.lower_at(state, table));
            }
            // Weights of tiles count as they are: lower in one state is nowhere higher.
            Value::Table(_) | Value::Tiles(_) => {
                self.known.iter().for_each(|known| self.lower_at(&known.state, function));
            }
            Value::Fourier(_) | Value::Polynomial(_) => self.lower_everywhere(function),
            Value::Network(_) => {}
        }
    }

    fn lower_at(&self, state: &[f64], function: &mut impl ValueFunction) {
        let mut values = Vec::new();
        function.values(state, &mut values);
        for (action, amount) in self.too_high(state, &values) {
            function.update(state, action, amount);
        }
    }

    /// Lowers whole actions, until they are low enough in each state: waves that fall in one state rise in
    /// another.
    fn lower_everywhere(&self, function: &mut Value) {
        let mut values = Vec::new();
        let mut amounts = vec![0.0_f64; function.actions()];
        for known in &self.known {
            function.values(&known.state, &mut values);
            for (action, amount) in self.too_high(&known.state, &values) {
                amounts[action] = amounts[action].min(amount);
            }
        }
        let Some(known) = self.known.first() else { return };
        for (action, amount) in amounts.into_iter().enumerate().filter(|(_, amount)| *amount < 0.0) {
            let before = function.value(&known.state, action);
            shift(function, action, amount);
            // A feature's step size scales it.
            let moved = function.value(&known.state, action) - before;
            if moved < 0.0 {
                shift(function, action, amount * (amount / moved - 1.0));
            }
        }
    }

    /// The actions that are not supported in a state and worth more there than they may be, and by how much
    /// they have to change.
    fn too_high(&self, state: &[f64], values: &[f64]) -> impl Iterator<Item = (usize, f64)> {
        let supported = self.supported(state);
        let recorded = values.iter().enumerate().filter(|(action, _)| allowed(supported, *action));
        let worst = recorded.map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        let floor = worst - self.gap;
        let others = values.iter().enumerate().filter(move |(action, _)| !allowed(supported, *action));
        others.map(move |(action, value)| (action, floor - value)).filter(|(_, amount)| *amount < 0.0)
    }
}

/// Moves an action's value in all states at once.
fn shift(function: &mut Value, action: usize, amount: f64) {
    if let Some(linear) = function.linear() {
        linear.add(CONSTANT, action, amount);
    }
}

fn key(kind: ValueKind, state: &[f64]) -> Key {
    match kind {
        ValueKind::Table => state.iter().map(|number| *number as i64).collect(),
        _ => state_key(state).into_iter().map(u64::cast_signed).collect(),
    }
}

/// The range of the rewards; 1 if they are all the same.
fn gap(record: &Dataset) -> f64 {
    let rewards = record.entries().filter_map(|choice| choice.entry.reward);
    let ends = |(low, high): (f64, f64), reward: f64| (low.min(reward), high.max(reward));
    let (low, high) = rewards.fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    if low < high { high - low } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::config::RuleKind;
    use crate::learner::Learner;
    use crate::offline::testing::choice;
    use crate::offline::{TrainOptions, train};

    fn record() -> Dataset {
        let taken = [(0.0, 1), (0.0, 2), (1.0, 2), (1.0, 2)];
        let choices =
            (0..).zip(taken).map(|(eid, (state, action))| choice("a", eid, &[state], action, eid as f64));
        Dataset::new(choices).unwrap()
    }

    fn restricted(support: &Support, state: f64, mask: &[bool]) -> Vec<bool> {
        let mut mask = Mask::from_slice(mask);
        support.restrict(&[state], &mut mask);
        mask.to_vec()
    }

    #[test]
    fn a_table_counts_on_what_was_taken_in_the_state_and_others_on_what_was_taken_anywhere() {
        let config = AgentConfig::default();
        let table = Support::of(&record(), &config, 4);
        assert_eq!(restricted(&table, 0.0, &[]), [false, true, true, false]);
        assert_eq!(restricted(&table, 1.0, &[]), [false, false, true, false]);
        assert_eq!(restricted(&table, 0.0, &[true, true]), [false, true, false, false]);
        let tiles = Support::of(&record(), &AgentConfig { value: ValueKind::Tiles, ..config.clone() }, 4);
        assert_eq!(restricted(&tiles, 1.0, &[]), [false, true, true, false]);
        // A state that the record does not have.
        assert_eq!(restricted(&table, 7.0, &[]), [false, true, true, false]);
    }

    #[test]
    fn what_nobody_took_never_looks_best() {
        for value in [ValueKind::Table, ValueKind::Tiles, ValueKind::Fourier, ValueKind::Polynomial] {
            for rule in [RuleKind::QLearning, RuleKind::DoubleQ] {
                let bounds = vec![[0.0, 4.0]];
                let config = AgentConfig { value, rule, bounds, initial: 5.0, ..AgentConfig::default() };
                let mut learner = Learner::new(config.clone(), None, 1).unwrap();
                Support::of(&record(), &config, 4).lower(&mut learner.values);
                let mut values = Vec::new();
                learner.values.values(&[0.0], &mut values, &mut Vec::new());
                assert_eq!(values.len(), 4);
                // The rewards are from 0 to 3.
                assert!(values[0] < 2.0 + 1e-6 && values[3] < 2.0 + 1e-6, "{value:?}, {rule:?}: {values:?}");
                assert!(
                    values[1] >= 5.0 - 1e-9 && values[2] >= 5.0 - 1e-9,
                    "{value:?}, {rule:?}: {values:?}"
                );
            }
        }
    }

    /// An agent trained with rewards of -1, by a record of actions 1 and 2 in twelve states.
    fn trained(config: AgentConfig, state: impl Fn(u64) -> f64) -> (Learner, Dataset) {
        let choices = (0..600).map(|eid| choice("a", eid, &[state(eid)], 1 + (eid / 12 % 2) as u32, -1.0));
        let record = Dataset::new(choices).unwrap();
        let mut learner = Learner::new(AgentConfig { alpha: 0.1, ..config }, None, 1).unwrap();
        let options = TrainOptions { epochs: 3, as_recorded: false };
        train(&mut learner, &record, &record, options, &mut |_| ControlFlow::Continue(())).unwrap();
        (learner, record)
    }

    fn looks_best(learner: &Learner, state: &[f64]) -> usize {
        let mut values = Vec::new();
        learner.values.values(state, &mut values, &mut Vec::new());
        assert_eq!(values.len(), 3);
        (0..3).max_by(|one, other| values[*one].total_cmp(&values[*other])).unwrap()
    }

    #[test]
    fn values_that_generalise_know_no_bound_of_states() {
        for value in [ValueKind::Tiles, ValueKind::Fourier, ValueKind::Polynomial] {
            for (rule, scale) in [(RuleKind::DifferentialQ, 1.0), (RuleKind::QLearning, 12.0)] {
                let bounds = vec![[0.0, 12.0 / scale]];
                let config = AgentConfig { value, rule, bounds, max_states: 1, ..AgentConfig::default() };
                // Also of states that are the same when they are cut to integers.
                let (learner, record) = trained(config, |eid| (eid % 12) as f64 / scale);
                for known in record.entries() {
                    assert_ne!(looks_best(&learner, &known.entry.state), 0, "{value:?}, {rule:?}");
                }
            }
        }
    }

    #[test]
    fn a_table_without_room_for_all_states_is_right_in_those_that_it_has() {
        for rule in [RuleKind::DifferentialQ, RuleKind::DoubleQ] {
            let config = AgentConfig { rule, max_states: 5, ..AgentConfig::default() };
            let (learner, _) = trained(config, |eid| (eid % 12) as f64);
            let Value::Table(table) = &learner.values.first else { panic!("a table") };
            assert_eq!(table.states(), 5);
            for (row, _) in table.rows() {
                assert_ne!(looks_best(&learner, &[row[0] as f64]), 0, "{rule:?}: {row:?}");
            }
        }
    }
}
