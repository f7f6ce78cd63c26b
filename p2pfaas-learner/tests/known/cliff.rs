//! Walking along a cliff (S&B, example 6.6): 4 × 12 fields, reward −1 a step, −100 and back to the start
//! for a step over the edge.

use p2pfaas_learner::AgentConfig;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde_json::{Value as Json, json};

use crate::world::{Life, Sight, World, with};

/// Row 0 is the cliff's; actions: up, down, right, left.
struct Cliff {
    x: u32,
    y: u32,
}

impl World for Cliff {
    fn start(&mut self, _: &mut Xoshiro256PlusPlus) -> Sight {
        (self.x, self.y) = (0, 0);
        self.sight()
    }
    fn step(&mut self, action: u32, rng: &mut Xoshiro256PlusPlus) -> (f64, Option<Sight>) {
        match action {
            0 => self.y = (self.y + 1).min(3),
            1 => self.y = self.y.saturating_sub(1),
            2 => self.x = (self.x + 1).min(11),
            _ => self.x = self.x.saturating_sub(1),
        }
        match (self.x, self.y) {
            (11, 0) => (-1.0, None),
            (1..11, 0) => (-100.0, Some(self.start(rng))),
            _ => (-1.0, Some(self.sight())),
        }
    }
}

impl Cliff {
    fn sight(&self) -> Sight {
        (vec![f64::from(self.x), f64::from(self.y)], vec![])
    }
}

/// Share of random actions.
const EPSILON: f64 = 0.1;

/// What a solution, or an agent, holds of the actions at a field.
type Of<'a> = &'a dyn Fn(u32, u32) -> [f64; 4];

/// Expected sum of rewards from each field on, when it is left by a random action with probability
/// `EPSILON`, and else by the one that `holds` best, or, where nobody says, by a really best one.
fn solve(holds: Option<Of<'_>>) -> [[f64; 4]; 12] {
    let mut values = [[0.0; 4]; 12];
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    for _ in 0..3_000 {
        for x in 0..12 {
            for y in (0..4).filter(|y| *y > 0 || x == 0) {
                let q = [0, 1, 2, 3].map(|action| {
                    let mut cliff = Cliff { x, y };
                    let (reward, next) = cliff.step(action, &mut rng);
                    reward + next.map_or(0.0, |_| values[cliff.x as usize][cliff.y as usize])
                });
                let held = holds.map_or(q, |holds| holds(x, y));
                let best = (0..4).max_by(|one, other| held[*one].total_cmp(&held[*other])).unwrap();
                let mean = q.iter().sum::<f64>() / 4.0;
                values[x as usize][y as usize] = (1.0 - EPSILON) * q[best] + EPSILON * mean;
            }
        }
    }
    values
}

/// What came of an agent.
struct Path {
    /// Steps from start to goal by what it holds best.
    steps: usize,
    /// The lowest row on the way, away from the ends.
    lowest: u32,
    /// Expected sum of rewards of its policy together with its exploration.
    worth: f64,
}

fn learned(changes: &Json, episodes: usize) -> Path {
    let config = AgentConfig { actions_n: 4, gamma: 1.0, ..AgentConfig::default() };
    let config = with(config, &json!({"epsilon_start": EPSILON, "epsilon_decay_enabled": false}));
    let config = with(config, changes);
    let mut life = Life::new(config, Cliff { x: 0, y: 0 }, 11);
    life.episodes(episodes);
    life.learner.freeze(true);
    let (mut values, mut scratch) = (Vec::new(), Vec::new());
    let held: Vec<[f64; 4]> = (0..48)
        .map(|field| {
            let state = [f64::from(field / 4), f64::from(field % 4)];
            life.learner.values().values(&state, &mut values, &mut scratch);
            [values[0], values[1], values[2], values[3]]
        })
        .collect();
    let worth = solve(Some(&|x, y| held[(4 * x + y) as usize]))[0][0];
    let (mut steps, mut lowest, mut over) = (0, 3, false);
    while !over && steps < 100 {
        over = life.step().2;
        steps += 1;
        if (3..9).contains(&life.world.x) {
            lowest = lowest.min(life.world.y);
        }
    }
    Path { steps, lowest, worth }
}

#[test]
fn q_learning_goes_along_the_edge() {
    let best = solve(None)[0][0];
    for (changes, episodes) in [
        (json!({"rule": "q-learning", "alpha": 0.5}), 2_000),
        (json!({"rule": "double-q-learning", "alpha": 0.5, "epsilon_start": 0.5}), 10_000),
    ] {
        let path = learned(&changes, episodes);
        println!(
            "{changes}: {} steps, lowest {}, worth {:.1} of {best:.1}",
            path.steps, path.lowest, path.worth
        );
        assert_eq!((path.steps, path.lowest), (13, 1), "{changes}");
        assert!(path.worth < best - 10.0, "{changes}: it is the best path only for who never slips");
    }
}

#[test]
fn rules_that_reckon_with_their_own_exploration_keep_away_from_the_edge() {
    let best = solve(None)[0][0];
    for changes in [
        json!({"rule": "sarsa", "alpha": 0.05}),
        json!({"rule": "expected-sarsa", "alpha": 0.5}),
        json!({"rule": "n-step-sarsa", "steps": 2, "alpha": 0.05}),
        json!({"rule": "sarsa-lambda", "lambda": 0.5, "alpha": 0.05}),
    ] {
        let path = learned(&changes, 5_000);
        println!(
            "{changes}: {} steps, lowest {}, worth {:.1} of {best:.1}",
            path.steps, path.lowest, path.worth
        );
        assert!(
            path.lowest >= 2 && path.steps > 13,
            "{changes}: {} steps, lowest {}",
            path.steps,
            path.lowest
        );
        assert!(path.worth > best - 5.0, "{changes}: {:.1}, best {best:.1}", path.worth);
    }
}
