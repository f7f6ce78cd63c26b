//! The random walk of S&B, example 6.2: states 1 to 5 in a row, ends at 0 and 6, reward 1 at the right one.

use p2pfaas_learner::AgentConfig;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Value as Json, json};

use crate::world::{Life, Sight, World, rms, value, with};

/// Action 0 goes to the left, 1 to the right.
struct Walk {
    at: u32,
}

impl World for Walk {
    fn start(&mut self, _: &mut Xoshiro256PlusPlus) -> Sight {
        self.at = 3;
        (vec![3.0], vec![])
    }
    fn step(&mut self, action: u32, _: &mut Xoshiro256PlusPlus) -> (f64, Option<Sight>) {
        self.at = if action == 0 { self.at - 1 } else { self.at + 1 };
        match self.at {
            0 => (0.0, None),
            6 => (1.0, None),
            at => (0.0, Some((vec![f64::from(at)], vec![]))),
        }
    }
}

fn config(changes: &[Json]) -> AgentConfig {
    // Every action is random and equally likely, so that Q(s, a) = V of where the action leads.
    let base = json!({
        "epsilon_start": 1, "epsilon_decay_enabled": false, "gamma": 1, "alpha": 0.01, "initial": 0.5,
        "bounds": [[1, 5]],
    });
    [base].iter().chain(changes).fold(AgentConfig::default(), with)
}

/// RMS error of Q against the solution V(s) = s/6.
fn error_after(episodes: usize, changes: &[Json]) -> f64 {
    let mut life = Life::new(config(changes), Walk { at: 0 }, 7);
    life.episodes(episodes);
    let all = (1..=5).flat_map(|state| [(state, 0), (state, 1)]);
    rms(all.map(|(state, action)| {
        let leads_to = if action == 0 { state - 1 } else { state + 1 };
        value(&life.learner, &[f64::from(state)], action) - f64::from(leads_to) / 6.0
    }))
}

#[test]
fn every_rule_of_the_policy_followed_finds_the_value_of_random_walking() {
    for rule in [
        json!({"rule": "sarsa"}),
        json!({"rule": "expected-sarsa"}),
        json!({"rule": "n-step-sarsa", "steps": 1}),
        json!({"rule": "n-step-sarsa", "steps": 4}),
        json!({"rule": "sarsa-lambda", "lambda": 0.0}),
        json!({"rule": "sarsa-lambda", "lambda": 0.8}),
        json!({"rule": "expected-sarsa", "exploration": "boltzmann", "epsilon_start": 1e6}),
    ] {
        let error = error_after(5_000, std::slice::from_ref(&rule));
        assert!(error < 0.04, "{rule}: RMS error {error:.4}");
    }
}

#[test]
fn every_value_function_can_hold_the_values_of_random_walking() {
    for function in [
        json!({"value": "tiles", "tilings": 1, "tiles": 5}),
        json!({"value": "tiles", "tilings": 8, "tiles": 2}),
        json!({"value": "fourier", "order": 4}),
        json!({"value": "polynomial", "order": 3, "alpha": 0.04}),
    ] {
        for rule in [json!({"rule": "sarsa"}), json!({"rule": "sarsa-lambda", "lambda": 0.6})] {
            let error = error_after(5_000, &[function.clone(), rule.clone()]);
            assert!(error < 0.06, "{function}, {rule}: RMS error {error:.4}");
        }
    }
}

#[test]
fn one_step_of_n_and_no_traces_are_plain_sarsa() {
    let of = |changes: &[Json]| {
        let mut life = Life::new(config(changes), Walk { at: 0 }, 3);
        life.episodes(200);
        (1..=5).map(|state| value(&life.learner, &[f64::from(state)], 1)).collect::<Vec<_>>()
    };
    let sarsa = of(&[json!({"rule": "sarsa"})]);
    for rule in [json!({"rule": "n-step-sarsa", "steps": 1}), json!({"rule": "sarsa-lambda", "lambda": 0})] {
        for (one, other) in sarsa.iter().zip(of(&[rule])) {
            assert!((one - other).abs() < 1e-12);
        }
    }
}

#[test]
fn off_policy_rules_find_the_best_walk_while_walking_at_random() {
    for rule in [json!({"rule": "q-learning"}), json!({"rule": "double-q-learning"})] {
        let change = json!({"gamma": 0.9, "alpha": 0.1, "initial": 0});
        let mut life = Life::new(config(&[rule.clone(), change]), Walk { at: 0 }, 5);
        life.episodes(3_000);
        for state in 1..=5 {
            let best = |from: i32| if from == 0 { 0.0 } else { 0.9_f64.powi(5 - from.min(5)) };
            let (left, right) = (0.9 * best(state - 1), if state == 5 { 1.0 } else { 0.9 * best(state + 1) });
            let state = [f64::from(state)];
            let learned = [value(&life.learner, &state, 0), value(&life.learner, &state, 1)];
            for (learned, known) in learned.iter().zip([left, right]) {
                assert!(
                    (learned - known).abs() < 0.01,
                    "{rule} at {state:?}: {learned:.4}, known {known:.4}"
                );
            }
        }
    }
}

#[test]
fn a_network_finds_the_value_of_random_walking() {
    let error = error_after(
        2_000,
        &[json!({
            "value": "network", "rule": "expected-sarsa", "hidden": [16], "alpha": 0.002, "learning_starts": 100,
            "target_every": 50,
        })],
    );
    assert!(error < 0.03, "RMS error {error:.4}");
}
