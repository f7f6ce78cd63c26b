//! Maximisation bias (S&B, example 6.7): going left leads to ten actions of mean −0.1 and much noise.

use p2pfaas_learner::AgentConfig;
use rand::RngExt;
use rand_distr::Normal;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::json;

use crate::world::{Life, Sight, World, with};

/// At the first state, 0 goes left and 1 ends the episode.
struct Biased {
    left: bool,
}

impl World for Biased {
    fn start(&mut self, _: &mut Xoshiro256PlusPlus) -> Sight {
        self.left = false;
        (vec![0.0], vec![true, true])
    }
    fn step(&mut self, action: u32, rng: &mut Xoshiro256PlusPlus) -> (f64, Option<Sight>) {
        if self.left {
            return (rng.sample(Normal::new(-0.1, 1.0).unwrap()), None);
        }
        self.left = action == 0;
        (0.0, self.left.then(|| (vec![1.0], vec![])))
    }
}

/// Share of left among the first actions of episodes 1 to 100, and 200 to 300.
fn left(rule: &str) -> [f64; 2] {
    let config = AgentConfig { actions_n: 10, gamma: 1.0, alpha: 0.1, ..AgentConfig::default() };
    let changes = json!({"rule": rule, "epsilon_start": 0.1, "epsilon_decay_enabled": false});
    let config = with(config, &changes);
    let (mut counts, runs) = ([0_u32; 2], 300);
    for seed in 0..runs {
        let mut life = Life::new(config.clone(), Biased { left: false }, seed);
        for episode in 0..300 {
            let first = life.episode(usize::MAX).0[0];
            match episode {
                0..100 => counts[0] += u32::from(first == 0),
                200.. => counts[1] += u32::from(first == 0),
                _ => (),
            }
        }
    }
    counts.map(|count| f64::from(count) / (100.0 * runs as f64))
}

#[test]
fn double_q_learning_is_taken_in_far_less_than_q_learning() {
    // The book's figure: Q-learning rises to about 0.7 to 0.8 early on and is still at about 0.15 at the
    // end of 300 episodes; double Q-learning comes down to the 0.05 of the exploration.
    let (single, double) = (left("q-learning"), left("double-q-learning"));
    assert!(single[0] > 0.5, "{single:?} {double:?}");
    assert!(double[0] < single[0] - 0.15, "{single:?} {double:?}");
    assert!(double[1] < 0.09, "{single:?} {double:?}");
    assert!(double[1] < single[1], "{single:?} {double:?}");
}
