//! The network on ndarray: small enough to be computed faster here than by any framework.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use smallvec::SmallVec;

use super::{Adam, Batch, Layer, NetworkShape, NetworkState, QNetwork, WrongSize};

/// Widest layer for which a single state takes no memory but the stack.
const STACK_UNITS: usize = 256;
/// Errors from which on the loss grows evenly.
pub(super) const HUBER: f32 = 1.0;

/// A multilayer perceptron.
#[derive(Debug, Clone)]
pub struct Mlp {
    shape: NetworkShape,
    layers: Vec<Layer>,
    parameters: Vec<f32>,
    adam: Adam,
    work: Work,
}

/// Buffers of a batch, kept from one to the next.
#[derive(Debug, Default)]
struct Work {
    /// The inputs, and then what comes out of each layer.
    activations: Vec<Vec<f32>>,
    /// The gradient with respect to what goes into each layer's ReLU.
    deltas: Vec<Vec<f32>>,
    /// The gradient with respect to the parameters.
    gradient: Vec<f32>,
}

/// A copy needs no buffers until it is trained itself.
impl Clone for Work {
    fn clone(&self) -> Self {
        Work::default()
    }
}

impl Mlp {
    /// A network that goes on from a state.
    ///
    /// # Errors
    /// The state belongs to another shape.
    pub fn new(shape: NetworkShape, state: NetworkState) -> Result<Self, WrongSize> {
        shape.check(&state.parameters)?;
        let NetworkState { parameters, adam } = state;
        if !adam.fits(parameters.len()) {
            return Err(WrongSize { expected: parameters.len(), found: adam.means.len() });
        }
        Ok(Mlp { layers: shape.layers(), shape, parameters, adam, work: Work::default() })
    }

    /// Its parameters, in the order of [`NetworkShape`].
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// Takes over the parameters of a network of the same shape.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.parameters.clone_from(&other.parameters);
    }

    pub(crate) fn forget_optimiser(&mut self) {
        self.adam = Adam::default();
    }

    /// Fills `activations`; returns the number of rows.
    fn forward_rows(&mut self, inputs: &[f32]) -> usize {
        let rows = inputs.len() / self.shape.inputs.max(1);
        let Work { activations, .. } = &mut self.work;
        activations.resize_with(self.layers.len() + 1, Vec::new);
        activations[0].clear();
        activations[0].extend_from_slice(inputs);
        for (index, layer) in self.layers.iter().enumerate() {
            let (before, after) = activations.split_at_mut(index + 1);
            let (from, to) = (&before[index], &mut after[0]);
            to.clear();
            let biases = &self.parameters[layer.biases.clone()];
            (0..rows).for_each(|_| to.extend_from_slice(biases));
            let weights = matrix(&self.parameters[layer.weights.clone()], layer.inputs, layer.outputs);
            let from = matrix(from, rows, layer.inputs);
            general_mat_mul(1.0, &from, &weights, 1.0, &mut matrix_mut(to, rows, layer.outputs));
            if index + 1 < self.layers.len() {
                to.iter_mut().for_each(|unit| *unit = unit.max(0.0));
            }
        }
        rows
    }

    /// After [`forward_rows`](Self::forward_rows): fills `gradient` with that of the sum, over all rows,
    /// of `factor` · Q(state, action).
    fn backward(&mut self, rows: usize, factors: impl Iterator<Item = (usize, f32)>) {
        let Work { activations, deltas, gradient } = &mut self.work;
        let Some(head) = self.layers.last() else { return };
        deltas.resize_with(self.layers.len(), Vec::new);
        gradient.resize(self.parameters.len(), 0.0);
        let last = &mut deltas[self.layers.len() - 1];
        last.clear();
        last.resize(rows * head.outputs, 0.0);
        for (row, (action, factor)) in last.chunks_exact_mut(head.outputs).zip(factors) {
            spread(self.shape.dueling, action, factor, row);
        }
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let (before, after) = deltas.split_at_mut(index);
            let delta = matrix(&after[0], rows, layer.outputs);
            let from = matrix(&activations[index], rows, layer.inputs);
            let weights = &mut gradient[layer.weights.clone()];
            general_mat_mul(
                1.0,
                &from.t(),
                &delta,
                0.0,
                &mut matrix_mut(weights, layer.inputs, layer.outputs),
            );
            let biases = &mut gradient[layer.biases.clone()];
            biases.fill(0.0);
            for row in after[0].chunks_exact(layer.outputs) {
                biases.iter_mut().zip(row).for_each(|(sum, delta)| *sum += delta);
            }
            if let Some(to) = before.last_mut() {
                to.resize(rows * layer.inputs, 0.0);
                let weights = matrix(&self.parameters[layer.weights.clone()], layer.inputs, layer.outputs);
                general_mat_mul(1.0, &delta, &weights.t(), 0.0, &mut matrix_mut(to, rows, layer.inputs));
                for (delta, unit) in to.iter_mut().zip(&activations[index]) {
                    if *unit <= 0.0 {
                        *delta = 0.0;
                    }
                }
            }
        }
    }

    /// Fills `gradient` with that of the loss, and `errors`.
    fn loss_gradient(&mut self, batch: &Batch<'_>, errors: &mut Vec<f32>) {
        let rows = self.forward_rows(batch.inputs);
        errors.clear();
        let Some(head) = self.work.activations.last() else { return };
        let wanted = batch.actions.iter().zip(batch.targets);
        let heads = head.chunks_exact(self.shape.actions + usize::from(self.shape.dueling));
        errors.extend(
            heads
                .zip(wanted)
                .map(|(head, (action, target))| target - value(self.shape.dueling, head, *action)),
        );
        let factors =
            batch.actions.iter().zip(batch.weights).zip(&*errors).map(|((action, weight), error)| {
                (*action, -weight * error.clamp(-HUBER, HUBER) / rows as f32)
            });
        self.backward(rows, factors);
    }
}

impl QNetwork for Mlp {
    fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    fn forward(&self, inputs: &[f32], values: &mut [f32]) {
        let mut here: SmallVec<[f32; STACK_UNITS]> = SmallVec::from_slice(inputs);
        let mut next: SmallVec<[f32; STACK_UNITS]> = SmallVec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            next.clear();
            next.extend_from_slice(&self.parameters[layer.biases.clone()]);
            let weights = self.parameters[layer.weights.clone()].chunks_exact(layer.outputs);
            // Half of the units are off: their weights need not even be read.
            for (unit, weights) in here.iter().zip(weights).filter(|(unit, _)| **unit != 0.0) {
                next.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += unit * weight);
            }
            if index + 1 < self.layers.len() {
                next.iter_mut().for_each(|unit| *unit = unit.max(0.0));
            }
            std::mem::swap(&mut here, &mut next);
        }
        combine(self.shape.dueling, &here, values);
    }

    fn forward_batch(&mut self, inputs: &[f32], values: &mut Vec<f32>) {
        let rows = self.forward_rows(inputs);
        let NetworkShape { actions, dueling, .. } = self.shape;
        values.resize(rows * actions, 0.0);
        let Some(head) = self.work.activations.last() else { return };
        let heads = head.chunks_exact(actions + usize::from(dueling));
        for (head, values) in heads.zip(values.chunks_exact_mut(actions)) {
            combine(dueling, head, values);
        }
    }

    fn train(&mut self, batch: &Batch<'_>, rate: f64, errors: &mut Vec<f32>) {
        self.loss_gradient(batch, errors);
        self.adam.step(&mut self.parameters, &self.work.gradient, rate);
    }

    fn nudge(&mut self, inputs: &[f32], action: usize, amount: f64) {
        let rows = self.forward_rows(inputs);
        self.backward(rows, std::iter::once((action, amount as f32)));
        self.parameters.iter_mut().zip(&self.work.gradient).for_each(|(parameter, step)| *parameter += step);
    }

    fn state(&self) -> NetworkState {
        NetworkState { parameters: self.parameters.clone(), adam: self.adam.clone() }
    }

    fn set_parameters(&mut self, parameters: &[f32]) -> Result<(), WrongSize> {
        self.shape.check(parameters)?;
        self.parameters.copy_from_slice(parameters);
        Ok(())
    }
}

/// The values of all actions from the units of the last layer.
fn combine(dueling: bool, head: &[f32], values: &mut [f32]) {
    match head {
        [state, advantages @ ..] if dueling => {
            let shift = state - mean(advantages);
            values.iter_mut().zip(advantages).for_each(|(value, advantage)| *value = advantage + shift);
        }
        plain => values.copy_from_slice(plain),
    }
}

/// The value of one action from the units of the last layer.
fn value(dueling: bool, head: &[f32], action: usize) -> f32 {
    match head {
        [state, advantages @ ..] if dueling => advantages[action] + (state - mean(advantages)),
        plain => plain[action],
    }
}

/// The gradient of `factor` · Q(action) with respect to the units of the last layer, which are 0 so far.
fn spread(dueling: bool, action: usize, factor: f32, head: &mut [f32]) {
    match head {
        [state, advantages @ ..] if dueling => {
            *state = factor;
            let share = factor / advantages.len() as f32;
            advantages.fill(-share);
            advantages[action] += factor;
        }
        plain => plain[action] = factor,
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

fn matrix(values: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((rows, columns), values).expect("buffers are as long as the shape says")
}

fn matrix_mut(values: &mut [f32], rows: usize, columns: usize) -> ArrayViewMut2<'_, f32> {
    ArrayViewMut2::from_shape((rows, columns), values).expect("buffers are as long as the shape says")
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    use super::*;

    /// Q(state, ·) straight from the definition, in double precision.
    fn defined(shape: &NetworkShape, parameters: &[f64], state: &[f64]) -> Vec<f64> {
        let mut units = state.to_vec();
        let layers = shape.layers();
        for (index, layer) in layers.iter().enumerate() {
            let weight = |from: usize, to: usize| parameters[layer.weights.start + from * layer.outputs + to];
            units = (0..layer.outputs)
                .map(|to| {
                    let sum: f64 = units.iter().enumerate().map(|(from, unit)| unit * weight(from, to)).sum();
                    let sum = sum + parameters[layer.biases.start + to];
                    if index + 1 < layers.len() { sum.max(0.0) } else { sum }
                })
                .collect();
        }
        if shape.dueling {
            let state = units.remove(0);
            let mean = units.iter().sum::<f64>() / units.len() as f64;
            units.iter_mut().for_each(|unit| *unit += state - mean);
        }
        units
    }

    fn defined_loss(shape: &NetworkShape, parameters: &[f64], batch: &Batch<'_>) -> f64 {
        let rows: Vec<Vec<f64>> = batch
            .inputs
            .chunks_exact(shape.inputs)
            .map(|row| row.iter().map(|input| f64::from(*input)).collect())
            .collect();
        let losses = rows.iter().enumerate().map(|(row, state)| {
            let error = f64::from(batch.targets[row]) - defined(shape, parameters, state)[batch.actions[row]];
            let huber = if error.abs() <= 1.0 { 0.5 * error * error } else { error.abs() - 0.5 };
            f64::from(batch.weights[row]) * huber
        });
        losses.sum::<f64>() / rows.len() as f64
    }

    fn shapes() -> Vec<NetworkShape> {
        let shape = |inputs, hidden: &[usize], actions| {
            [false, true].map(|dueling| NetworkShape { inputs, hidden: hidden.to_vec(), actions, dueling })
        };
        [shape(3, &[], 2), shape(1, &[7], 1), shape(4, &[9, 5], 3), shape(2, &[8, 8, 8], 6)].concat()
    }

    fn random(shape: &NetworkShape, seed: u64) -> (Mlp, Xoshiro256PlusPlus) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut state = shape.random(0.5, &mut rng);
        // Biases and a last layer that matter as much as the rest.
        state.parameters.iter_mut().for_each(|parameter| *parameter += 0.3 * (rng.random::<f32>() - 0.5));
        (Mlp::new(shape.clone(), state).expect("its own shape"), rng)
    }

    fn wide(values: &[f32]) -> Vec<f64> {
        values.iter().map(|value| f64::from(*value)).collect()
    }

    #[test]
    fn one_state_and_many_states_have_the_values_of_the_definition() {
        for shape in shapes() {
            let (mut network, mut rng) = random(&shape, 7);
            let inputs: Vec<f32> = (0..5 * shape.inputs).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
            let mut batch = Vec::new();
            network.forward_batch(&inputs, &mut batch);
            for (row, state) in inputs.chunks_exact(shape.inputs).enumerate() {
                let mut single = vec![0.0; shape.actions];
                network.forward(state, &mut single);
                let expected = defined(&shape, &wide(network.parameters()), &wide(state));
                for action in 0..shape.actions {
                    assert!((f64::from(single[action]) - expected[action]).abs() < 1e-5, "{shape:?}");
                    assert!((f64::from(batch[row * shape.actions + action]) - expected[action]).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for shape in shapes() {
            let (mut network, mut rng) = random(&shape, 11);
            let rows = 6;
            let inputs: Vec<f32> =
                (0..rows * shape.inputs).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
            let actions: Vec<usize> = (0..rows).map(|_| rng.random_range(0..shape.actions)).collect();
            // Errors on both sides of where the loss begins to grow evenly.
            let targets: Vec<f32> = (0..rows).map(|_| rng.random::<f32>() * 6.0 - 3.0).collect();
            let weights: Vec<f32> = (0..rows).map(|_| rng.random::<f32>() + 0.2).collect();
            let batch = Batch { inputs: &inputs, actions: &actions, targets: &targets, weights: &weights };
            network.loss_gradient(&batch, &mut Vec::new());
            let gradient = network.work.gradient.clone();
            let mut parameters = wide(network.parameters());
            let step = 1e-6;
            for (index, gradient) in gradient.iter().enumerate() {
                let here = parameters[index];
                parameters[index] = here + step;
                let above = defined_loss(&shape, &parameters, &batch);
                parameters[index] = here - step;
                let below = defined_loss(&shape, &parameters, &batch);
                parameters[index] = here;
                let expected = (above - below) / (2.0 * step);
                assert!(
                    (f64::from(*gradient) - expected).abs() < 1e-5 * expected.abs().max(1.0),
                    "{shape:?}, parameter {index}: {gradient} instead of {expected}"
                );
            }
        }
    }

    #[test]
    fn a_nudge_moves_the_value_along_its_gradient() {
        for shape in shapes() {
            let (mut network, mut rng) = random(&shape, 13);
            let state: Vec<f32> = (0..shape.inputs).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
            let action = shape.actions - 1;
            let before = wide(network.parameters());
            network.nudge(&state, action, 1e-3);
            let moved: f64 =
                wide(network.parameters()).iter().zip(&before).map(|(now, then)| (now - then).powi(2)).sum();
            let value = |parameters: &[f64]| defined(&shape, parameters, &wide(&state))[action];
            let gained = value(&wide(network.parameters())) - value(&before);
            // A step of amount · ∇Q gains amount · |∇Q|², and its length is amount · |∇Q|.
            assert!((gained - moved / 1e-3).abs() < 2e-2 * gained.abs(), "{shape:?}: {gained} {moved}");
            assert!(gained > 0.0);
        }
    }

    #[test]
    fn training_goes_on_from_a_state_as_if_it_had_never_stopped() {
        let shape = NetworkShape { inputs: 2, hidden: vec![8], actions: 3, dueling: true };
        let (mut network, _) = random(&shape, 17);
        let batch = Batch {
            inputs: &[0.1, -0.4, 0.9, 0.2],
            actions: &[0, 2],
            targets: &[1.0, -1.0],
            weights: &[1.0, 1.0],
        };
        let mut errors = Vec::new();
        network.train(&batch, 0.01, &mut errors);
        let mut resumed = Mlp::new(shape, network.state()).expect("its own shape");
        for _ in 0..20 {
            network.train(&batch, 0.01, &mut errors);
            resumed.train(&batch, 0.01, &mut errors);
        }
        assert_eq!(network.state(), resumed.state());
        assert!(errors.iter().all(|error| error.abs() < 1.0), "it learns: {errors:?}");
    }

    #[test]
    fn parameters_of_another_shape_are_refused() {
        let shape = NetworkShape { inputs: 2, hidden: vec![3], actions: 2, dueling: false };
        let (mut network, mut rng) = random(&shape, 19);
        let wrong = WrongSize { expected: 17, found: 16 };
        assert_eq!(network.set_parameters(&[0.0; 16]), Err(wrong));
        let other = NetworkShape { hidden: vec![4], ..shape.clone() };
        assert_eq!(
            Mlp::new(shape, other.random(0.0, &mut rng)).map(|_| ()),
            Err(WrongSize { expected: 17, found: 22 })
        );
    }
}
