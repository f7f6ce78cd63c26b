//! What the agent has learned: the best action by state, and how often it has been there.

use std::collections::HashMap;

use p2pfaas_core::agent::Observation;
use p2pfaas_core::policy::FixedActions;
use p2pfaas_core::{PeerId, Peers};
use p2pfaas_learner::Online;
use serde::Serialize;

use super::choices::Chosen;
use crate::engine::Engine;
use crate::learner::Link;

/// States told, at most: those that were visited most.
const MAX_STATES: usize = 2_048;
/// Names of peers told, at most.
const MAX_PEERS: usize = 512;

/// What is known of the agent's policy. Reading it may wait for training.
#[derive(Debug, Default, Serialize)]
pub(super) struct Learned {
    place: Option<&'static str>,
    /// Names of a state's numbers, in order.
    features: Vec<String>,
    /// Peers of the forward actions, in order: action 3 + i is the i-th.
    peers: Vec<String>,
    states: Vec<State>,
    /// States that are known, of which the least visited may be left out.
    states_known: usize,
    /// Choices in states for which there was no room.
    beyond: u64,
    agent: Option<Agent>,
}

/// An agent in this process.
#[derive(Debug, Serialize)]
struct Agent {
    value: &'static str,
    rule: &'static str,
    exploration: &'static str,
    epsilon: f64,
    frozen: bool,
    trained: u64,
    mean_error: f64,
    average_reward: Option<f64>,
}

#[derive(Debug, Serialize)]
struct State {
    state: Vec<i64>,
    /// By what it believes, where that can be asked; else the action chosen most. `None`: it is of no opinion.
    best: Option<u32>,
    value: Option<f64>,
    /// Choices there since the node began.
    visits: u64,
    /// Mean of what came of them.
    reward: Option<f64>,
}

impl Learned {
    pub(super) fn of(engine: &Engine) -> Learned {
        let (mut seen, mut learned, mask) = engine.look(|node, seen, _| {
            let choices = &seen.choices;
            let states: HashMap<Vec<i64>, Chosen> =
                choices.states().map(|(state, chosen)| (state.to_vec(), chosen.clone())).collect();
            let features =
                choices.space().map(|space| space.features.iter().map(|feature| feature.name.clone()));
            let learned = Learned {
                features: features.map(Iterator::collect).unwrap_or_default(),
                peers: node.peers().names().take(MAX_PEERS).map(str::to_string).collect(),
                beyond: choices.beyond(),
                ..Learned::default()
            };
            (states, learned, mask(node.peers()))
        });
        let link = engine.learner();
        if let Link::Here(online) = link {
            learned.agent = Some(Agent::of(online));
            for state in online.known_states(MAX_STATES) {
                seen.entry(state).or_default();
            }
        }
        learned.place = match link {
            Link::Nowhere => None,
            Link::Table(_) => Some("table"),
            Link::Here(_) => Some("here"),
            Link::There(_) => Some("service"),
        };
        let mut seen: Vec<_> = seen.into_iter().collect();
        learned.states_known = seen.len();
        seen.sort_by(|(one, by_one), (other, by_other)| (by_other.visits, one).cmp(&(by_one.visits, other)));
        seen.truncate(MAX_STATES);
        learned.states =
            seen.into_iter().map(|(state, chosen)| State::of(state, &chosen, link, &mask)).collect();
        learned
    }
}

/// Actions that can be carried out, as a job of a client that has been nowhere meets them.
fn mask(peers: &Peers) -> Vec<bool> {
    let mut mask = vec![false; FixedActions::FIRST_PEER as usize + peers.known()];
    for action in [FixedActions::REJECT, FixedActions::LOCAL] {
        mask[action as usize] = true;
    }
    mask[FixedActions::PROBE as usize] = !peers.present().is_empty();
    for PeerId(number) in peers.present() {
        mask[(FixedActions::FIRST_PEER + number) as usize] = true;
    }
    mask
}

impl State {
    fn of(state: Vec<i64>, chosen: &Chosen, link: &Link, mask: &[bool]) -> State {
        let numbers = || state.iter().map(|number| *number as f64).collect::<Vec<_>>();
        let (best, value) = match link {
            // One look a state: a choice that is to be made now waits for no more than that.
            Link::Here(online) => best(&online.values_of(&numbers()), mask),
            Link::Table(table) => {
                let choice = table.choose(&Observation { state: numbers(), mask: Vec::new() });
                (choice.map(|choice| choice.action), None)
            }
            Link::There(_) | Link::Nowhere => (chosen.favourite(), None),
        };
        State { best, value, visits: chosen.visits, reward: chosen.rewards.mean(), state }
    }
}

/// The best action and its value; no action where all are worth the same.
fn best(values: &[f64], mask: &[bool]) -> (Option<u32>, Option<f64>) {
    let open = || {
        values
            .iter()
            .zip(mask)
            .enumerate()
            .filter(|(_, (_, open))| **open)
            .map(|(action, (value, _))| (action, *value))
    };
    let Some((action, value)) = open().max_by(|(_, one), (_, other)| one.total_cmp(other)) else {
        return (None, None);
    };
    let all_the_same = open().count() > 1 && open().all(|(_, other)| other == value);
    ((!all_the_same).then_some(action as u32), Some(value).filter(|value| value.is_finite()))
}

impl Agent {
    fn of(online: &Online) -> Agent {
        let (config, stats) = (online.config(), online.stats());
        Agent {
            value: config.value.name(),
            rule: config.rule.name(),
            exploration: config.exploration.name(),
            epsilon: stats.counters.epsilon,
            frozen: online.is_frozen(),
            trained: stats.counters.trained,
            mean_error: stats.counters.mean_error,
            average_reward: stats.counters.average_reward,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_action_is_one_that_can_be_carried_out_and_equals_make_none() {
        let all = [true; 4];
        assert_eq!(best(&[0.0, 1.0, 3.0, 2.0], &all), (Some(2), Some(3.0)));
        assert_eq!(best(&[0.0, 1.0, 3.0, 2.0], &[true, true, false, false]), (Some(1), Some(1.0)));
        assert_eq!(best(&[0.5; 4], &all), (None, Some(0.5)));
        assert_eq!(best(&[], &all), (None, None), "states of another policy");
    }
}
