//! What a record says nothing of, and how an agent is kept from believing in it.
//!
//! Values of actions that nobody took stay where they began, or drift with those of others. If they looked
//! best, the agent would do what nobody has ever tried, and its other values would count on that.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::config::{AgentConfig, ValueKind};
use crate::entry::{Mask, State};
use crate::exploration::allowed;
use crate::value::{ValueFunction, Values};

use super::Dataset;

/// The actions of which a record tells something: for a table, those taken in a state; for values that
/// generalise over states, those taken anywhere.
#[derive(Debug)]
pub(super) struct Support {
    kind: ValueKind,
    anywhere: Mask,
    /// Their places in `known`.
    rows: HashMap<Row, usize>,
    /// In the order of the record, so that the same record always gives the same agent.
    known: Vec<Known>,
    /// Below the worst recorded action by this much is an action that was not recorded.
    gap: f64,
}

/// A state as a table tells it from others: cut to integers.
type Row = SmallVec<[i64; 8]>;

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
            rows: HashMap::new(),
            known: Vec::new(),
            gap: gap(record),
        };
        for choice in record.entries() {
            support.add(&choice.entry.state, choice.entry.action as usize);
            if support.known.len() > config.max_states as usize {
                // Where there is no room for all states, the oldest ones go anyway.
                support.rows.clear();
                support.known.clear();
                break;
            }
        }
        for choice in record.entries() {
            support.anywhere[choice.entry.action as usize] = true;
        }
        support
    }

    fn add(&mut self, state: &State, action: usize) {
        let place = *self.rows.entry(row(state)).or_insert(self.known.len());
        if place == self.known.len() {
            let actions = Mask::from_elem(false, self.anywhere.len());
            self.known.push(Known { state: state.clone(), actions });
        }
        self.known[place].actions[action] = true;
    }

    /// Takes from a mask what is not supported in this state.
    pub fn restrict(&self, state: &[f64], mask: &mut Mask) {
        let known = match self.kind {
            ValueKind::Table => {
                self.rows.get(&row(state)).map_or(&self.anywhere, |place| &self.known[*place].actions)
            }
            _ => &self.anywhere,
        };
        let both = |action: usize| known[action] && allowed(mask, action);
        *mask = (0..known.len()).map(both).collect();
    }

    /// Lowers the values of what is not supported in the record's states. Not those of a network, whose
    /// actions share their weights.
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

    fn lower_in(&self, function: &mut impl ValueFunction) {
        let mut values = Vec::new();
        for known in &self.known {
            let supported = if self.kind == ValueKind::Table { &known.actions } else { &self.anywhere };
            function.values(&known.state, &mut values);
            let recorded = values.iter().enumerate().filter(|(action, _)| allowed(supported, *action));
            let worst = recorded.map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
            let floor = worst - self.gap;
            for (action, value) in values.iter().enumerate() {
                if !allowed(supported, action) && *value > floor {
                    function.update(&known.state, action, floor - value);
                }
            }
        }
    }
}

fn row(state: &[f64]) -> Row {
    state.iter().map(|number| *number as i64).collect()
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
    use super::*;
    use crate::config::RuleKind;
    use crate::learner::Learner;
    use crate::offline::testing::choice;

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
        // No room for both states.
        let small = Support::of(&record(), &AgentConfig { max_states: 1, ..config }, 4);
        assert_eq!(restricted(&small, 1.0, &[]), [false, true, true, false]);
    }

    #[test]
    fn what_nobody_took_never_looks_best() {
        for value in [ValueKind::Table, ValueKind::Tiles] {
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
}
