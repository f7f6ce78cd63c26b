//! What a choice and a training step cost.
//!
//! `cargo bench -p p2pfaas-learner`

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use p2pfaas_core::Time;
use p2pfaas_core::agent::Observation;
use p2pfaas_learner::checkpoint::Checkpoint;
use p2pfaas_learner::{AgentConfig, Entry, Learner, Mask, Online, OnlineOptions, State};
use serde_json::{Value as Json, json};

/// As on the authors' cluster: reject, run here, probe, and eleven peers.
const ACTIONS: usize = 14;
const STATES: u64 = 10_000;

fn learner(changes: &Json) -> Learner {
    let bounds = vec![[0.0, 20.0], [0.0, 20.0], [0.0, 25.0]];
    let mut config = AgentConfig { actions_n: ACTIONS as u32, bounds, ..AgentConfig::default() };
    config.set(changes.as_object().expect("an object")).expect("valid");
    Learner::new(config, None, 1).expect("valid")
}

/// One of 10 000 states, scattered.
fn state(number: u64) -> [f64; 3] {
    let number = number.wrapping_mul(7_919) % STATES;
    [number % 20, number / 20 % 20, number / 400].map(|number| number as f64)
}

fn entry(eid: u64) -> Entry {
    Entry {
        eid,
        state: State::from_slice(&state(eid)),
        mask: Mask::from_slice(&[true; ACTIONS]),
        action: (eid % ACTIONS as u64) as u32,
        epsilon: 0.1,
        reward: Some((eid % 2) as f64),
        terminal: false,
    }
}

/// All states have been trained.
fn trained(changes: &Json) -> Learner {
    let mut learner = learner(changes);
    (0..2 * STATES).for_each(|eid| learner.learn(Time::ZERO, entry(eid)));
    learner
}

fn observations() -> Vec<Observation> {
    (0..STATES).map(|at| Observation { state: state(at).to_vec(), mask: vec![true; ACTIONS] }).collect()
}

fn act(criterion: &mut Criterion) {
    let observations = observations();
    for (name, changes) in [
        ("table", json!({})),
        ("tiles", json!({"value": "tiles"})),
        ("fourier", json!({"value": "fourier"})),
        ("table, boltzmann", json!({"exploration": "boltzmann"})),
        ("table, ucb", json!({"exploration": "ucb"})),
    ] {
        let (mut learner, mut at) = (trained(&changes), 0);
        criterion.bench_function(&format!("act/{name}"), |bencher| {
            bencher.iter(|| {
                at = (at + 1) % observations.len();
                black_box(learner.act(&observations[at]))
            });
        });
    }
    let checkpoint = Checkpoint { learner: trained(&json!({})), peers: Vec::new() };
    let online = Online::start(checkpoint, OnlineOptions::default()).expect("a thread");
    let mut at = 0;
    criterion.bench_function("act/online", |bencher| {
        bencher.iter(|| {
            at = (at + 1) % observations.len();
            black_box(online.act(&observations[at]))
        });
    });
}

fn train(criterion: &mut Criterion) {
    for (name, changes) in [
        ("table", json!({})),
        ("table, q-learning", json!({"rule": "q-learning"})),
        ("table, n-step sarsa", json!({"rule": "n-step-sarsa"})),
        ("table, sarsa-lambda", json!({"rule": "sarsa-lambda"})),
        ("table, reference", json!({"rule": "reference"})),
        ("tiles", json!({"value": "tiles"})),
        ("tiles, sarsa-lambda", json!({"value": "tiles", "rule": "sarsa-lambda"})),
        ("fourier", json!({"value": "fourier"})),
        ("polynomial", json!({"value": "polynomial"})),
    ] {
        let (mut learner, mut eid) = (trained(&changes), 2 * STATES);
        criterion.bench_function(&format!("train/{name}"), |bencher| {
            let next = || {
                eid += 1;
                entry(eid - 1)
            };
            bencher.iter_batched(next, |entry| learner.learn(Time::ZERO, entry), BatchSize::SmallInput);
        });
    }
}

criterion_group!(benches, act, train);
criterion_main!(benches);
