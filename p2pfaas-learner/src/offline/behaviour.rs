//! With which probability recorded choices were made.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::record::{StateKey, state_key};
use super::{Dataset, Recorded};

/// Where the probability of a choice is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The record tells it.
    Recorded,
    /// From the recorded ε, taking the state's most frequent action for the greedy one.
    Derived,
    /// How often the action was taken in this state.
    Frequency,
    /// The same, since too few entries tell which action is the greedy one.
    FewEntries,
}

/// Entries of a state that it takes to tell its greedy action.
pub const LEAST_ENTRIES: u32 = 5;

/// The behaviour of a record: what was done how often in which state.
///
/// Where the record does not tell a choice's probability, but that an ε-greedy agent made it, it is derived.
/// Such an agent of n actions takes its greedy one with probability 1 − ε + ε/n, and each other one with ε/n.
/// The greedy action is taken to be the most frequent one of that state in the whole record, and n the number
/// of different actions in it. Where that says nothing (another agent, no ε, ε above 1, fewer than
/// [`LEAST_ENTRIES`] entries of the state, two actions equally frequent) or cannot be (ε = 0 and another
/// action), the probability is how often the action was taken in this state.
///
/// Both are rough for an agent that changed its mind while it was recorded: a record with
/// probabilities is to be preferred.
#[derive(Debug, Clone)]
pub struct Behaviour {
    states: HashMap<StateKey, Taken>,
    actions: usize,
}

/// What was done in a state: actions and how often.
#[derive(Debug, Clone, Default)]
struct Taken(SmallVec<[(u32, u32); 4]>);

impl Behaviour {
    /// Counts a whole record: also the part of it that is judged, since rewards play no role here.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Dataset>) -> Behaviour {
        let mut states: HashMap<StateKey, Taken> = HashMap::new();
        let mut seen = Vec::new();
        for choice in records.into_iter().flat_map(Dataset::entries) {
            let action = choice.entry.action;
            states.entry(state_key(&choice.entry.state)).or_default().count(action);
            if seen.len() <= action as usize {
                seen.resize(action as usize + 1, false);
            }
            seen[action as usize] = true;
        }
        Behaviour { states, actions: seen.into_iter().filter(|seen| *seen).count() }
    }

    /// Different states.
    pub fn states(&self) -> usize {
        self.states.len()
    }

    /// The probability with which this choice was made, and where that is from.
    pub fn probability(&self, choice: &Recorded) -> (f64, Source) {
        if let Some(probability) = choice.probability {
            return (probability, Source::Recorded);
        }
        let action = choice.entry.action;
        let Some(taken) = self.states.get(&state_key(&choice.entry.state)) else {
            return (1.0 / self.actions.max(1) as f64, Source::Frequency);
        };
        let epsilon = choice.epsilon.filter(|epsilon| choice.epsilon_greedy && *epsilon <= 1.0);
        if epsilon.is_some() && taken.entries() < LEAST_ENTRIES {
            return (taken.share(action), Source::FewEntries);
        }
        let derived = epsilon.and_then(|epsilon| {
            let random = epsilon / self.actions.max(1) as f64;
            let probability = if taken.favourite()? == action { 1.0 - epsilon + random } else { random };
            Some(probability).filter(|probability| *probability > 0.0)
        });
        match derived {
            Some(probability) => (probability, Source::Derived),
            None => (taken.share(action), Source::Frequency),
        }
    }

    /// How much of this policy's choice in a state the record knows something about.
    pub(super) fn covered(&self, key: &StateKey, policy: &[f64]) -> f64 {
        let Some(taken) = self.states.get(key) else { return 0.0 };
        taken.0.iter().filter_map(|(action, _)| policy.get(*action as usize)).sum()
    }
}

impl Taken {
    fn count(&mut self, action: u32) {
        match self.0.iter_mut().find(|(other, _)| *other == action) {
            Some((_, count)) => *count += 1,
            None => self.0.push((action, 1)),
        }
    }

    fn entries(&self) -> u32 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The most frequent action, if there is only one.
    fn favourite(&self) -> Option<u32> {
        let (favourite, most) = *self.0.iter().max_by_key(|(_, count)| *count)?;
        let alone = self.0.iter().filter(|(_, count)| *count == most).count() == 1;
        alone.then_some(favourite)
    }

    /// At least that of one choice: also of an action that is not there.
    fn share(&self, action: u32) -> f64 {
        let count = self.0.iter().find(|(other, _)| *other == action).map_or(1, |(_, count)| *count);
        f64::from(count) / f64::from(self.entries().max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::testing::{bandit, choice};

    fn of(taken: &[(f64, u32)], epsilon: Option<f64>) -> (Behaviour, Vec<Recorded>) {
        let with = |(eid, (state, action)): (usize, &(f64, u32))| Recorded {
            epsilon,
            ..choice("a", eid as u64, &[*state], *action, 0.0)
        };
        let choices: Vec<_> = taken.iter().enumerate().map(with).collect();
        (Behaviour::of([&Dataset::new(choices.clone()).unwrap()]), choices)
    }

    #[test]
    fn a_recorded_probability_is_believed() {
        let (behaviour, mut choices) = of(&[(0.0, 0), (0.0, 1)], Some(0.2));
        choices[0].probability = Some(0.125);
        assert_eq!(behaviour.probability(&choices[0]), (0.125, Source::Recorded));
    }

    #[test]
    fn without_it_the_most_frequent_action_of_a_state_is_the_greedy_one() {
        let taken = [(0.0, 0), (0.0, 0), (0.0, 1), (0.0, 0), (0.0, 0), (5.0, 1), (5.0, 1)];
        let (behaviour, choices) = of(&[&taken[..], &[(5.0, 1); 3]].concat(), Some(0.2));
        let of_choice: Vec<_> = choices.iter().map(|choice| behaviour.probability(choice)).collect();
        assert_eq!(of_choice[0], (0.9, Source::Derived));
        assert_eq!(of_choice[2], (0.1, Source::Derived));
        assert_eq!(of_choice[5], (0.9, Source::Derived));
    }

    #[test]
    fn where_that_says_nothing_the_frequency_counts() {
        let tie = of(&[(0.0, 0), (0.0, 1), (0.0, 0), (0.0, 1), (0.0, 0), (0.0, 1)], Some(0.2));
        assert_eq!(tie.0.probability(&tie.1[0]), (0.5, Source::Frequency));
        let no_epsilon = of(&[(0.0, 0), (0.0, 0), (0.0, 0), (0.0, 1)], None);
        assert_eq!(no_epsilon.0.probability(&no_epsilon.1[3]), (0.25, Source::Frequency));
        let often = [&[(0.0, 0); 7][..], &[(0.0, 1)]].concat();
        // A temperature, or an agent that has changed its mind.
        for epsilon in [3.0, 0.0] {
            let (behaviour, choices) = of(&often, Some(epsilon));
            assert_eq!(behaviour.probability(&choices[7]), (0.125, Source::Frequency));
        }
    }

    #[test]
    fn a_temperature_below_one_is_not_taken_for_an_epsilon() {
        let (behaviour, mut choices) = of(&[&[(0.0, 0); 7][..], &[(0.0, 1)]].concat(), Some(0.2));
        choices[7].epsilon_greedy = false;
        assert_eq!(behaviour.probability(&choices[7]), (0.125, Source::Frequency));
    }

    #[test]
    fn an_action_that_is_alone_in_a_rare_state_is_not_the_greedy_one() {
        let (behaviour, choices) = of(&[&[(0.0, 0); 4][..], &[(5.0, 1); 5]].concat(), Some(0.2));
        assert_eq!(behaviour.probability(&choices[0]), (1.0, Source::FewEntries));
        assert_eq!(behaviour.probability(&choices[4]), (0.9, Source::Derived));
    }

    #[test]
    fn what_is_derived_is_what_the_record_would_have_told() {
        let record = bandit(4_000, 1);
        let behaviour = Behaviour::of([&record]);
        for choice in record.entries() {
            let silent = Recorded { probability: None, ..choice.clone() };
            let (probability, source) = behaviour.probability(&silent);
            assert_eq!(source, Source::Derived);
            assert!((probability - choice.probability.unwrap()).abs() < 1e-12);
        }
    }
}
