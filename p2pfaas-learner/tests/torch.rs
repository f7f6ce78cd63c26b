//! The network on libtorch against the one on ndarray, and what both exchange with other programs.
//!
//! `p2pfaas-learner/torch/test.sh` fetches a libtorch and runs these.
#![cfg(feature = "torch")]

use std::path::Path;

use p2pfaas_core::Time;
use p2pfaas_core::agent::Observation;
use p2pfaas_learner::network::torch::{Script, TorchNetwork, files};
use p2pfaas_learner::network::{Batch, Mlp, NetworkShape, NetworkState, QNetwork};
use p2pfaas_learner::value::{Network, ValueFunction};
use p2pfaas_learner::{AgentConfig, Entry, Learner, Mask, State};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use tch::{CModule, Device, Tensor};

fn shapes() -> Vec<NetworkShape> {
    let shape = |inputs, hidden: &[usize], actions| {
        [false, true].map(|dueling| NetworkShape { inputs, hidden: hidden.to_vec(), actions, dueling })
    };
    [shape(3, &[], 2), shape(1, &[7], 1), shape(5, &[64, 64], 14), shape(2, &[300], 6)].concat()
}

fn random(shape: &NetworkShape, rng: &mut Xoshiro256PlusPlus) -> NetworkState {
    let mut state = shape.random(0.5, rng);
    state.parameters.iter_mut().for_each(|parameter| *parameter += 0.2 * (rng.random::<f32>() - 0.5));
    state
}

fn both(shape: &NetworkShape, state: &NetworkState) -> (Mlp, TorchNetwork) {
    let ours = Mlp::new(shape.clone(), state.clone()).expect("its own shape");
    (ours, TorchNetwork::new(shape.clone(), state.clone()).expect("its own shape"))
}

fn inputs(count: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<f32> {
    (0..count).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect()
}

fn assert_near(left: &[f32], right: &[f32], bound: f32, what: &str) {
    assert_eq!(left.len(), right.len(), "{what}");
    let largest = left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f32::max);
    assert!(largest <= bound, "{what}: {largest} apart");
}

#[test]
fn both_backends_have_the_same_values_for_the_same_parameters() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    for shape in shapes() {
        let (mut ours, mut theirs) = both(&shape, &random(&shape, &mut rng));
        let rows = inputs(8 * shape.inputs, &mut rng);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        ours.forward_batch(&rows, &mut left);
        theirs.forward_batch(&rows, &mut right);
        assert_near(&left, &right, 1e-5, "batch");
        for (row, values) in rows.chunks_exact(shape.inputs).zip(right.chunks_exact(shape.actions)) {
            let (mut left, mut right) = (vec![0.0; shape.actions], vec![0.0; shape.actions]);
            ours.forward(row, &mut left);
            theirs.forward(row, &mut right);
            assert_near(&left, &right, 1e-5, "one state");
            assert_near(values, &right, 1e-5, "batch and one state");
        }
    }
}

#[test]
fn both_backends_take_the_same_steps() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
    for shape in shapes() {
        let (mut ours, mut theirs) = both(&shape, &random(&shape, &mut rng));
        let rows = inputs(32 * shape.inputs, &mut rng);
        let actions: Vec<usize> = (0..32).map(|_| rng.random_range(0..shape.actions)).collect();
        let targets: Vec<f32> = (0..32).map(|_| rng.random::<f32>() * 6.0 - 3.0).collect();
        let weights: Vec<f32> = (0..32).map(|_| rng.random::<f32>() + 0.1).collect();
        let batch = Batch { inputs: &rows, actions: &actions, targets: &targets, weights: &weights };
        // Without the optimiser: the gradient itself.
        let (mut ours_nudged, mut theirs_nudged) = (ours.clone(), theirs.clone());
        ours_nudged.nudge(&rows[..shape.inputs], actions[0], 0.1);
        theirs_nudged.nudge(&rows[..shape.inputs], actions[0], 0.1);
        assert_near(&ours_nudged.state().parameters, &theirs_nudged.state().parameters, 1e-5, "gradient");
        // Adam divides by the gradient's own size, so that a first step magnifies the last bits of a
        // gradient that is almost 0: at most by a part of the rate.
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for step in 0..5 {
            ours.train(&batch, 1e-3, &mut left);
            theirs.train(&batch, 1e-3, &mut right);
            assert_near(&left, &right, 1e-4, "errors");
            let (ours, theirs) = (ours.state(), theirs.state());
            assert_near(&ours.parameters, &theirs.parameters, 2e-5, &format!("{shape:?}, step {step}"));
            assert_eq!(ours.adam.steps(), theirs.adam.steps());
        }
    }
}

#[test]
fn a_network_goes_on_in_the_other_backend_where_it_stopped() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let shape = NetworkShape { inputs: 5, hidden: vec![16, 16], actions: 4, dueling: true };
    let (mut ours, mut theirs) = both(&shape, &random(&shape, &mut rng));
    let rows = inputs(5 * 4, &mut rng);
    let batch =
        Batch { inputs: &rows, actions: &[0, 1, 2, 3], targets: &[1.0, 0.0, -1.0, 2.0], weights: &[1.0; 4] };
    let mut errors = Vec::new();
    (0..20).for_each(|_| theirs.train(&batch, 1e-3, &mut errors));
    (0..20).for_each(|_| ours.train(&batch, 1e-3, &mut errors));
    let mut crossed = Mlp::new(shape, theirs.state()).expect("its own shape");
    (0..20).for_each(|_| crossed.train(&batch, 1e-3, &mut errors));
    (0..20).for_each(|_| ours.train(&batch, 1e-3, &mut errors));
    assert_near(&ours.state().parameters, &crossed.state().parameters, 1e-4, "after 40 steps");
    let copy = theirs.clone();
    let before = copy.state();
    theirs.train(&batch, 1e-3, &mut errors);
    assert_eq!(copy.state(), before, "a copy has tensors of its own");
}

#[test]
fn parameters_survive_a_file_of_either_format() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
    let folder = tempfile::tempdir().expect("a folder");
    for shape in shapes() {
        let parameters = random(&shape, &mut rng).parameters;
        for name in ["agent.ot", "agent.safetensors"] {
            let path = folder.path().join(name);
            files::save(&shape, &parameters, &path).expect("written");
            assert_eq!(files::load(&shape, &path).expect("read"), parameters);
            let other = NetworkShape { hidden: vec![9], ..shape.clone() };
            assert!(files::load(&other, &path).is_err(), "the file holds another network");
        }
    }
    assert!(files::load(&shapes()[0], &folder.path().join("missing.ot")).is_err());
    let garbage = folder.path().join("garbage.pt");
    std::fs::write(&garbage, b"no archive").expect("written");
    assert!(files::load(&shapes()[0], &garbage).is_err());
}

#[test]
fn a_file_has_the_tensors_of_linear_layers() {
    let shape = NetworkShape { inputs: 2, hidden: vec![3], actions: 1, dueling: false };
    let parameters: Vec<f32> = (0..13).map(|number| number as f32).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("agent.safetensors");
    files::save(&shape, &parameters, &path).expect("written");
    let tensors = Tensor::read_safetensors(&path).expect("read");
    let named = |wanted: &str| &tensors.iter().find(|(name, _)| name == wanted).expect("there").1;
    let weights = named("hidden.0.weight");
    let row = Tensor::from_slice(&[1.0_f32, 10.0]).view([1, 2]);
    let units = row.linear(weights, Some(named("hidden.0.bias"))).relu();
    let value = units.linear(named("head.weight"), Some(named("head.bias"))).double_value(&[0, 0]);
    let mut ours = [0.0];
    Mlp::new(shape, NetworkState { parameters, adam: Default::default() })
        .expect("its own shape")
        .forward(&[1.0, 10.0], &mut ours);
    assert_eq!(value, f64::from(ours[0]));
}

#[test]
fn tensors_that_pytorch_saved_can_be_taken_over() {
    let shape = NetworkShape { inputs: 2, hidden: vec![3], actions: 1, dueling: false };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("torch/state_dict.pt");
    // The file numbers them in the order of its tensors, which have one row a unit.
    let expected = [0.0, 2.0, 4.0, 1.0, 3.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0];
    assert_eq!(files::load(&shape, &path).expect("read"), expected);
    let error = files::load(&NetworkShape { inputs: 3, ..shape }, &path).expect_err("another network");
    assert_eq!(error.to_string(), "libtorch: \"hidden.0.weight\" has size [3, 2]; expected [3, 3]");
}

/// A TorchScript module in a file: two inputs, three values.
fn scripted(path: &Path) {
    let weights = Tensor::from_slice(&[1.0_f32, 0.0, -1.0, 0.0, 1.0, 2.0]).view([2, 3]);
    let rows = Tensor::from_slice(&[0.3_f32, 0.7]).view([1, 2]);
    let mut forward = |inputs: &[Tensor]| vec![inputs[0].matmul(&weights)];
    CModule::create_by_tracing("Values", "forward", &[rows], &mut forward)
        .and_then(|module| module.save(path))
        .expect("written");
}

fn config() -> AgentConfig {
    serde_json::from_value(serde_json::json!({
        "value": "network", "rule": "double-q-learning", "backend": "torch", "bounds": [[0.0, 10.0], [0.0, 10.0]],
        "hidden": [16], "actions_n": 2, "gamma": 0.0, "alpha": 0.01, "learning_starts": 50, "train_every": 1,
        "epsilon_decay": 0.995,
    }))
    .expect("a configuration")
}

#[test]
fn a_torchscript_module_acts_and_does_not_learn() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("values.pt");
    scripted(&path);
    let module = std::fs::read(&path).expect("read");
    let mut network = Network::from_script(&config(), None, module.clone()).expect("a module");
    let mut values = Vec::new();
    let near = |found: &[f64], expected: [f64; 3]| {
        found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6)
    };
    network.values(&[10.0, 5.0], &mut values);
    assert!(near(&values, [1.0, 0.0, -1.0]), "{values:?}");
    network.update(&[10.0, 5.0], 0, 1.0);
    network.grow(5);
    let bytes = postcard::to_stdvec(&network).expect("can be stored");
    let stored: Network = postcard::from_bytes(&bytes).expect("can be read");
    stored.values(&[10.0, 5.0], &mut values);
    assert!(near(&values, [1.0, 0.0, -1.0]), "{values:?}");
    assert_eq!(values[3..], [f64::NEG_INFINITY; 2], "actions that the module does not know");

    assert!(Script::new(module, 3).is_err(), "it takes two inputs");
    assert!(Network::from_script(&config(), None, b"no module".to_vec()).is_err());
}

/// Whether the first number of the state is above the second: action 1 pays then, else action 0.
fn pays(state: &[f64], action: u32) -> f64 {
    f64::from(u8::from((state[0] > state[1]) == (action == 1)))
}

#[test]
fn an_agent_on_libtorch_learns_and_goes_on_without_it() {
    let mut learner = Learner::new(config(), None, 7).expect("an agent");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
    let mut state = || vec![rng.random_range(0..=10) as f64, rng.random_range(0..=10) as f64];
    for eid in 1..=1_500 {
        let observation = Observation { state: state(), mask: vec![true, true] };
        let choice = learner.act(&observation).expect("a choice");
        let entry = Entry {
            eid,
            state: State::from_slice(&observation.state),
            mask: Mask::from_slice(&observation.mask),
            action: choice.action,
            epsilon: choice.epsilon,
            reward: Some(pays(&observation.state, choice.action)),
            terminal: true,
        };
        learner.learn(Time::ZERO, entry);
    }
    learner.freeze(true);
    let states: Vec<Vec<f64>> = (0..200).map(|_| state()).collect();
    let actions = |learner: &mut Learner| -> Vec<u32> {
        let observe = |state: &Vec<f64>| Observation { state: state.clone(), mask: vec![true, true] };
        states.iter().map(|state| learner.act(&observe(state)).expect("a choice").action).collect()
    };
    let chosen = actions(&mut learner);
    let right = states.iter().zip(&chosen).filter(|(state, action)| pays(state, **action) == 1.0).count();
    assert!(right >= 185, "{right} of 200");
    let bytes = postcard::to_stdvec(&learner).expect("can be stored");
    let mut stored: Learner = postcard::from_bytes(&bytes).expect("can be read");
    assert_eq!(actions(&mut stored), chosen);
}

#[test]
fn a_gpu_is_used_if_there_is_one() {
    let shape = NetworkShape { inputs: 1, hidden: vec![2], actions: 1, dueling: false };
    let state = shape.random(0.0, &mut Xoshiro256PlusPlus::seed_from_u64(1));
    let network = TorchNetwork::new(shape, state).expect("its own shape");
    assert_eq!(network.is_on_gpu(), Device::cuda_if_available().is_cuda());
}
