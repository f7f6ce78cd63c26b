//! What an action in a state is worth at once, as the mean of what was recorded.

use std::collections::HashMap;

use smallvec::SmallVec;

use super::record::StateKey;

/// Entries' worth of belief in the next coarser mean.
const BACK_OFF: f64 = 1.0;

/// Mean reward of each action in each state. Where few entries speak of it, the mean leans to that of the
/// action in all states, and this one to that of everything, as if one entry more had shown that.
#[derive(Debug, Clone, Default)]
pub(super) struct RewardModel {
    states: HashMap<StateKey, SmallVec<[(u32, Sum); 4]>>,
    actions: Vec<Sum>,
    all: Sum,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    count: f64,
    reward: f64,
}

impl Sum {
    fn add(&mut self, reward: f64) {
        self.count += 1.0;
        self.reward += reward;
    }

    fn mean(self, coarser: f64) -> f64 {
        (self.reward + BACK_OFF * coarser) / (self.count + BACK_OFF)
    }
}

impl RewardModel {
    /// Takes one reward in.
    pub fn add(&mut self, key: &StateKey, action: u32, reward: f64) {
        let place = action as usize;
        if self.actions.len() <= place {
            self.actions.resize(place + 1, Sum::default());
        }
        self.actions[place].add(reward);
        self.all.add(reward);
        let actions = self.states.entry(key.clone()).or_default();
        match actions.iter_mut().find(|(other, _)| *other == action) {
            Some((_, sum)) => sum.add(reward),
            None => {
                let mut sum = Sum::default();
                sum.add(reward);
                actions.push((action, sum));
            }
        }
    }

    /// Writes the expected reward of each of so many actions in a state.
    pub fn rewards(&self, key: &StateKey, actions: usize, out: &mut Vec<f64>) {
        let all = self.all.mean(0.0);
        let of_action = |action: usize| self.actions.get(action).copied().unwrap_or_default().mean(all);
        out.clear();
        out.extend((0..actions).map(of_action));
        for (action, sum) in self.states.get(key).into_iter().flatten() {
            if let Some(reward) = out.get_mut(*action as usize) {
                *reward = sum.mean(*reward);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::record::state_key;

    #[test]
    fn a_state_that_is_not_known_has_the_actions_mean() {
        let mut model = RewardModel::default();
        let here = state_key(&[1.0]);
        for _ in 0..9_999 {
            model.add(&here, 1, 0.5);
        }
        model.add(&state_key(&[2.0]), 0, 1.0);
        let mut out = Vec::new();
        model.rewards(&here, 3, &mut out);
        assert!((out[1] - 0.5).abs() < 1e-3, "{out:?}");
        model.rewards(&state_key(&[7.0]), 3, &mut out);
        // Of action 0 one entry says 1.0; of action 2 nothing is known but the mean of everything.
        assert!((out[0] - 0.75).abs() < 1e-3 && (out[1] - 0.5).abs() < 1e-3 && (out[2] - 0.5).abs() < 1e-3);
    }
}
