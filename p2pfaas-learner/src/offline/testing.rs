//! What tests share: records of bandits whose truth is known.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::{Dataset, Recorded};
use crate::entry::{Entry, Mask, State};

/// A choice of an ε-greedy agent, without ε and probability.
pub fn choice(stream: &str, eid: u64, state: &[f64], action: u32, reward: f64) -> Recorded {
    let entry = Entry {
        eid,
        state: State::from_slice(state),
        mask: Mask::new(),
        action,
        epsilon: 0.0,
        reward: Some(reward),
        terminal: false,
    };
    Recorded { stream: stream.into(), entry, epsilon: None, epsilon_greedy: true, probability: None }
}

/// Chance of reward 1 of the two actions in each of the three states.
pub const CHANCES: [[f64; 2]; 3] = [[0.9, 0.3], [0.2, 0.6], [0.5, 0.4]];
/// The best actions.
pub const BEST: [u32; 3] = [0, 1, 0];
/// What the best actions are worth, states being equally likely.
pub const BEST_VALUE: f64 = (0.9 + 0.6 + 0.5) / 3.0;
/// ε of the behaviour, whose favourite is action 1 everywhere.
pub const EPSILON: f64 = 0.4;

/// Plays the bandit with an ε-greedy behaviour in four streams; the record tells ε and probability.
pub fn bandit(entries: u64, seed: u64) -> Dataset {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut play = |number: u64| {
        let state = rng.random_range(0..3_usize);
        let explores = rng.random::<f64>() < EPSILON;
        let action = if explores { rng.random_range(0..2_u32) } else { 1 };
        let hit = rng.random::<f64>() < CHANCES[state][action as usize];
        let stream = ["a", "b", "c", "d"][(number % 4) as usize];
        let mut choice = choice(stream, number / 4, &[state as f64], action, f64::from(hit));
        choice.epsilon = Some(EPSILON);
        choice.probability = Some(if action == 1 { 1.0 - EPSILON / 2.0 } else { EPSILON / 2.0 });
        choice
    };
    Dataset::new((0..entries).map(&mut play)).unwrap()
}

/// Always the best action.
pub fn best(entry: &Entry, out: &mut Vec<f64>) {
    out.clear();
    out.resize(2, 0.0);
    out[BEST[entry.state[0] as usize] as usize] = 1.0;
}
