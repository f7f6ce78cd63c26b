//! The learner-facing messages: what an agent sees (*ask*) and what it says (*action*).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What an agent is asked about: the state, and which actions can be carried out now.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Observation {
    /// The state; its meaning is the policy's.
    pub state: Vec<f64>,
    /// One entry an action: false when it cannot be carried out (no such peer, peer suspected).
    pub mask: Vec<bool>,
}

/// What an agent chose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// 0 reject, 1 run here, 2 probe one peer, 3 + i forward to peer i.
    pub action: u32,
    /// How much it explored when it chose: the probability of a random action, or a temperature.
    pub epsilon: f64,
    /// The probability with which it chooses this action in this state; `None` where it does not say
    /// (the old learner does not).
    pub probability: Option<f64>,
}

/// What came of one choice: what a learner learns from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Experience<'a> {
    /// Its number: the node's choices are numbered one by one, in the order in which they were made.
    /// Never goes backwards, also over a restart.
    pub eid: u64,
    /// The state that the agent saw.
    pub state: &'a [f64],
    /// Which actions could be carried out; empty: all.
    pub mask: &'a [bool],
    /// What it chose.
    pub choice: Choice,
    /// What came of it; `None` when nothing can be said (the client went away): there is nothing to
    /// train then, but the numbers go on without a gap.
    pub reward: Option<f64>,
}

/// One number of a state: its name, and the range in which it mostly lies. Values beyond the range
/// may occur; a learner that needs bounds clips them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name, such as `running_0`.
    pub name: String,
    /// Lower bound.
    pub low: f64,
    /// Upper bound, above `low`.
    pub high: f64,
}

/// What the states of a policy mean: their numbers in order. A learner keeps it with what it learned,
/// and refuses to go on with another one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StateSpace {
    /// The encoder, as the policy's parameters name it.
    pub encoder: String,
    /// The numbers of a state, in order.
    pub features: Vec<Feature>,
}

impl StateSpace {
    /// Whether the other's states have the same numbers in the same order, whatever their ranges.
    pub fn means_the_same(&self, other: &StateSpace) -> bool {
        let mine = self.features.iter().map(|feature| &feature.name);
        self.encoder == other.encoder && mine.eq(other.features.iter().map(|feature| &feature.name))
    }
}

/// The simplest agent: a fixed table from states to actions. It never explores and never learns, and
/// it does not look at the mask: an action whose peer is not there is found out by the policy.
///
/// As JSON: `{"actions": {"0,2,1": 1, "0,3,4": 2}, "otherwise": 1}`; a state is its numbers
/// joined by commas, as on the wire but without trailing zeros.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedTable {
    /// Action of each state.
    #[serde(default)]
    pub actions: BTreeMap<String, u32>,
    /// Action of every other state; without it they are left to the fallback policy.
    #[serde(default)]
    pub otherwise: Option<u32>,
}

impl FixedTable {
    fn key(state: &[f64]) -> String {
        state.iter().map(f64::to_string).collect::<Vec<_>>().join(",")
    }

    /// The action for this observation; `None` when the table has none, and then the fallback policy
    /// decides.
    pub fn choose(&self, observation: &Observation) -> Option<Choice> {
        let action = self.actions.get(&Self::key(&observation.state)).copied().or(self.otherwise)?;
        Some(Choice { action, epsilon: 0.0, probability: Some(1.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_answers_the_states_that_it_knows() {
        let ask = |table: &str, state: &[f64]| {
            let table: FixedTable = serde_json::from_str(table).expect("valid");
            let observation = Observation { state: state.to_vec(), ..Observation::default() };
            table.choose(&observation).map(|choice| choice.action)
        };
        let all = r#"{"actions": {"0,2,1": 3}, "otherwise": 1}"#;
        assert_eq!(ask(all, &[0.0, 2.0, 1.0]), Some(3));
        assert_eq!(ask(all, &[0.0, 2.0, 2.0]), Some(1));
        let some = r#"{"actions": {"0,2,1": 3}}"#;
        assert_eq!(ask(some, &[0.0, 2.0, 1.0]), Some(3));
        assert_eq!(ask(some, &[0.0, 2.0, 2.0]), None);
    }
}
