//! Approximation: the walk over 1000 states (S&B, example 9.1) against its solution by dynamic
//! programming, and the mountain car (example 10.1) against its known length.

use p2pfaas_learner::AgentConfig;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Value as Json, json};

use crate::world::{Life, Sight, World, rms, value, with};

const STATES: i32 = 1_000;

/// Each step goes up to 100 states to either side; −1 at the left end, 1 at the right one.
struct LongWalk {
    at: i32,
}

impl World for LongWalk {
    fn start(&mut self, _: &mut Xoshiro256PlusPlus) -> Sight {
        self.at = STATES / 2;
        (vec![f64::from(self.at)], vec![])
    }
    fn step(&mut self, _: u32, rng: &mut Xoshiro256PlusPlus) -> (f64, Option<Sight>) {
        let far = rng.random_range(1..=100);
        self.at += if rng.random() { far } else { -far };
        match self.at {
            ..1 => (-1.0, None),
            at if at > STATES => (1.0, None),
            at => (0.0, Some((vec![f64::from(at)], vec![]))),
        }
    }
}

/// V of states 1 to 1000.
fn solution() -> Vec<f64> {
    let mut values: Vec<f64> = (0..STATES).map(|state| 2.0 * f64::from(state + 1) / 1_001.0 - 1.0).collect();
    for _ in 0..500 {
        for state in 0..STATES {
            let of = |other: i32| match other {
                ..0 => -1.0,
                STATES.. => 1.0,
                other => values[other as usize],
            };
            let sum: f64 = (1..=100).map(|far| of(state - far) + of(state + far)).sum();
            values[state as usize] = sum / 200.0;
        }
    }
    values
}

#[test]
fn approximations_find_the_values_of_a_long_walk() {
    let known = solution();
    for (changes, most) in [
        (json!({"value": "tiles", "tiles": 5, "tilings": 8, "alpha": 0.02}), 0.08),
        (
            json!({"value": "tiles", "tiles": 5, "tilings": 8, "alpha": 0.02, "rule": "sarsa-lambda", "lambda": 0.5}),
            0.08,
        ),
        (json!({"value": "fourier", "order": 5, "alpha": 0.005}), 0.08),
        (json!({"value": "polynomial", "order": 3, "alpha": 0.03}), 0.1),
    ] {
        let config =
            AgentConfig { actions_n: 1, gamma: 1.0, bounds: vec![[1.0, 1_000.0]], ..AgentConfig::default() };
        let config = with(config, &json!({"rule": "sarsa"}));
        let config = with(config, &changes);
        let mut life = Life::new(config, LongWalk { at: 0 }, 5);
        life.episodes(3_000);
        let learned = (1..=STATES).map(|state| value(&life.learner, &[f64::from(state)], 0));
        let error = rms(learned.zip(&known).map(|(learned, known)| learned - known));
        println!("{changes}: {error:.3}");
        assert!(error < most, "{changes}: RMS error {error:.3}");
    }
}

/// Action 0 pushes back, 1 does nothing, 2 pushes forward.
struct Car {
    place: f64,
    speed: f64,
}

impl World for Car {
    fn start(&mut self, rng: &mut Xoshiro256PlusPlus) -> Sight {
        (self.place, self.speed) = (rng.random_range(-0.6..-0.4), 0.0);
        (vec![self.place, self.speed], vec![])
    }
    fn step(&mut self, action: u32, _: &mut Xoshiro256PlusPlus) -> (f64, Option<Sight>) {
        let push = f64::from(action) - 1.0;
        self.speed = (self.speed + 0.001 * push - 0.0025 * (3.0 * self.place).cos()).clamp(-0.07, 0.07);
        self.place += self.speed;
        if self.place < -1.2 {
            (self.place, self.speed) = (-1.2, 0.0);
        }
        (-1.0, (self.place < 0.5).then(|| (vec![self.place, self.speed], vec![])))
    }
}

/// Mean steps of the last 50 of 300 episodes.
fn drive(changes: &Json) -> f64 {
    let bounds = vec![[-1.2, 0.5], [-0.07, 0.07]];
    let config = AgentConfig { actions_n: 3, gamma: 1.0, bounds, ..AgentConfig::default() };
    let config = with(config, &json!({"epsilon_start": 0, "epsilon_min": 0}));
    let config = with(config, changes);
    let mut life = Life::new(config, Car { place: 0.0, speed: 0.0 }, 2);
    let lengths: Vec<f64> = (0..300).map(|_| life.episode(5_000).0.len() as f64).collect();
    lengths[250..].iter().sum::<f64>() / 50.0
}

#[test]
fn the_car_gets_up_the_mountain() {
    // The book's figure 10.2: about 120 steps after some hundred episodes.
    for changes in [
        json!({"value": "tiles", "rule": "sarsa", "alpha": 0.5}),
        json!({"value": "tiles", "rule": "n-step-sarsa", "steps": 4, "alpha": 0.3}),
        json!({"value": "tiles", "rule": "sarsa-lambda", "lambda": 0.9, "alpha": 0.3}),
        json!({"value": "tiles", "rule": "q-learning", "alpha": 0.5}),
        json!({"value": "fourier", "rule": "sarsa-lambda", "lambda": 0.9, "order": 3, "alpha": 0.001}),
    ] {
        let steps = drive(&changes);
        println!("{changes}: {steps}");
        assert!(steps < 150.0, "{changes}: {steps} steps");
    }
}
