//! What a small network costs: values of one state, and one batch of training.
//!
//! `cargo bench -p p2pfaas-learner --bench network`, and with `LIBTORCH=DIR` and `--features torch` on
//! libtorch too.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use p2pfaas_learner::network::{Batch, Mlp, NetworkShape, QNetwork};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// A node with twelve peers: itself, nothing, and each of them.
const ACTIONS: usize = 14;
const INPUTS: usize = 5;
const BATCH: usize = 32;

fn measure(criterion: &mut Criterion, backend: &str, network: &mut dyn QNetwork) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let inputs: Vec<f32> = (0..BATCH * INPUTS).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
    let actions: Vec<usize> = (0..BATCH).map(|_| rng.random_range(0..ACTIONS)).collect();
    let targets: Vec<f32> = (0..BATCH).map(|_| rng.random()).collect();
    let (mut values, mut batch_values, mut errors) = ([0.0; ACTIONS], Vec::new(), Vec::new());
    let mut group = criterion.benchmark_group(backend);
    group.bench_function("values of one state", |bencher| {
        bencher.iter(|| network.forward(black_box(&inputs[..INPUTS]), black_box(&mut values)));
    });
    group.bench_function("values of 32 states", |bencher| {
        bencher.iter(|| network.forward_batch(black_box(&inputs), &mut batch_values));
    });
    let batch = Batch { inputs: &inputs, actions: &actions, targets: &targets, weights: &[1.0; BATCH] };
    group.bench_function("training with 32 experiences", |bencher| {
        bencher.iter(|| network.train(black_box(&batch), 1e-3, &mut errors));
    });
    group.finish();
}

fn network(criterion: &mut Criterion) {
    let shape = NetworkShape { inputs: INPUTS, hidden: vec![64, 64], actions: ACTIONS, dueling: false };
    let state = shape.random(0.0, &mut Xoshiro256PlusPlus::seed_from_u64(2));
    if let Ok(mut network) = Mlp::new(shape.clone(), state.clone()) {
        measure(criterion, "ndarray", &mut network);
    }
    #[cfg(feature = "torch")]
    if let Ok(mut network) = p2pfaas_learner::network::torch::TorchNetwork::new(shape, state) {
        measure(criterion, "torch", &mut network);
    }
}

criterion_group!(benches, network);
criterion_main!(benches);
