//! What was chosen in which state, and what came of it, since the node began: whatever the learner is, and
//! wherever, this is seen here.

use std::collections::HashMap;

use p2pfaas_core::agent::{Experience, StateSpace};
use smallvec::SmallVec;

/// States kept, at most.
const MAX_STATES: usize = 4_096;
/// Numbers of all of them together, at most.
const MAX_NUMBERS: usize = 65_536;
/// Actions counted of one state, at most: an agent that explores takes all of them now and then.
const MAX_ACTIONS: usize = 8;

type Actions = SmallVec<[(u32, u64); 4]>;

/// Choices by state. A state's numbers are cut to integers, as by an agent with a table.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    space: Option<StateSpace>,
    by_state: HashMap<Box<[i64]>, Chosen>,
    numbers: usize,
    beyond: u64,
    all: Rewards,
}

/// Rewards that came: how many, and their sum.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Rewards {
    pub count: u64,
    pub sum: f64,
}

/// What was chosen in one state.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Chosen {
    pub visits: u64,
    pub rewards: Rewards,
    actions: Actions,
}

impl Rewards {
    fn add(&mut self, reward: Option<f64>) {
        if let Some(reward) = reward.filter(|reward| reward.is_finite()) {
            self.count += 1;
            self.sum += reward;
        }
    }

    /// Their mean, if there were any.
    pub(crate) fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// Those since an earlier moment.
    pub(crate) fn since(self, before: Rewards) -> Rewards {
        Rewards { count: self.count.saturating_sub(before.count), sum: self.sum - before.sum }
    }
}

impl Chosen {
    /// The action that was chosen most.
    pub(crate) fn favourite(&self) -> Option<u32> {
        self.actions.iter().max_by_key(|(_, count)| *count).map(|(action, _)| *action)
    }

    /// Space-saving counts (Metwally et al., 2005): a new action takes over the least count, so that one that is
    /// taken more often than the others together is never missed.
    fn took(&mut self, action: u32) {
        if let Some((_, count)) = self.actions.iter_mut().find(|(known, _)| *known == action) {
            *count += 1;
        } else if self.actions.len() < MAX_ACTIONS {
            self.actions.push((action, 1));
        } else if let Some(least) = self.actions.iter_mut().min_by_key(|(_, count)| *count) {
            *least = (action, least.1 + 1);
        }
    }
}

impl Choices {
    /// A choice has come to its end.
    pub(crate) fn add(&mut self, experience: &Experience<'_>) {
        self.all.add(experience.reward);
        let state: SmallVec<[i64; 16]> = experience.state.iter().map(|number| *number as i64).collect();
        let full = self.by_state.len() >= MAX_STATES || self.numbers + state.len() > MAX_NUMBERS;
        let chosen = match self.by_state.get_mut(&state[..]) {
            Some(chosen) => chosen,
            None if full => {
                self.beyond += 1;
                return;
            }
            None => {
                self.numbers += state.len();
                self.by_state.entry(state[..].into()).or_default()
            }
        };
        chosen.visits += 1;
        chosen.took(experience.choice.action);
        chosen.rewards.add(experience.reward);
    }

    /// From now on states mean this; what was seen of others is forgotten.
    pub(crate) fn mean(&mut self, space: Option<StateSpace>) {
        let Some(space) = space else { return };
        if self.space.as_ref().is_some_and(|known| !known.means_the_same(&space)) {
            *self = Choices { all: self.all, ..Choices::default() };
        }
        self.space = Some(space);
    }

    /// What the states mean, once a policy has told.
    pub(crate) fn space(&self) -> Option<&StateSpace> {
        self.space.as_ref()
    }

    /// All states with what was chosen there, in no order.
    pub(crate) fn states(&self) -> impl Iterator<Item = (&[i64], &Chosen)> {
        self.by_state.iter().map(|(state, chosen)| (&**state, chosen))
    }

    /// Choices in states for which there was no room.
    pub(crate) fn beyond(&self) -> u64 {
        self.beyond
    }

    /// All rewards.
    pub(crate) fn rewards(&self) -> Rewards {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use p2pfaas_core::agent::{Choice, Feature};

    use super::*;

    fn chose(choices: &mut Choices, state: &[f64], action: u32, reward: Option<f64>) {
        let choice = Choice { action, epsilon: 0.1, probability: None };
        choices.add(&Experience { eid: 1, state, mask: &[], choice, reward });
    }

    fn at<'a>(choices: &'a Choices, state: &[i64]) -> Option<&'a Chosen> {
        choices.states().find(|(known, _)| *known == state).map(|(_, chosen)| chosen)
    }

    fn space(name: &str) -> Option<StateSpace> {
        let features = vec![Feature { name: name.into(), low: 0.0, high: 1.0 }];
        Some(StateSpace { encoder: name.into(), features })
    }

    #[test]
    fn visits_favourites_and_rewards_are_those_of_the_state() {
        let mut choices = Choices::default();
        for (action, reward) in [(1, Some(1.0)), (1, Some(0.0)), (0, None), (1, Some(f64::NAN))] {
            chose(&mut choices, &[0.0, 2.9], action, reward);
        }
        chose(&mut choices, &[1.0, 2.0], 4, Some(3.0));
        let chosen = at(&choices, &[0, 2]).expect("seen");
        assert_eq!((chosen.visits, chosen.favourite(), chosen.rewards.mean()), (4, Some(1), Some(0.5)));
        assert_eq!(choices.rewards(), Rewards { count: 3, sum: 4.0 });
    }

    #[test]
    fn beyond_its_bounds_it_keeps_what_it_has_and_counts_the_rest() {
        let mut choices = Choices::default();
        for number in 0..MAX_STATES as u32 + 5 {
            chose(&mut choices, &[f64::from(number)], 1, Some(1.0));
        }
        assert_eq!((choices.states().count(), choices.beyond()), (MAX_STATES, 5));
        assert_eq!(choices.rewards().count, MAX_STATES as u64 + 5);
        let mut long = Choices::default();
        for number in 0..200 {
            let mut state = vec![0.0; 1_000];
            state[0] = f64::from(number);
            chose(&mut long, &state, 1, None);
        }
        assert_eq!(long.states().count(), MAX_NUMBERS / 1_000);
    }

    #[test]
    fn the_favourite_is_found_among_more_actions_than_are_counted() {
        let mut choices = Choices::default();
        for action in 0..300 {
            chose(&mut choices, &[0.0], 3 + action % 100, None);
            chose(&mut choices, &[0.0], 2, None);
        }
        let chosen = at(&choices, &[0]).expect("seen");
        assert_eq!((chosen.favourite(), chosen.actions.len()), (Some(2), MAX_ACTIONS));
    }

    #[test]
    fn states_of_another_meaning_are_forgotten_and_their_rewards_are_not() {
        let mut choices = Choices::default();
        choices.mean(space("load"));
        chose(&mut choices, &[1.0], 1, Some(1.0));
        choices.mean(space("load"));
        choices.mean(None);
        assert_eq!(choices.states().count(), 1, "a policy that asks nobody changes nothing");
        choices.mean(space("room"));
        assert_eq!((choices.states().count(), choices.rewards().count), (0, 1));
    }
}
