//! The network on libtorch: for networks large enough to gain by it, for GPUs, and for exchange with
//! other programs of libtorch. It computes what [`Mlp`](super::Mlp) computes, on the same parameters.
//!
//! On the processor it keeps to one thread unless `OMP_NUM_THREADS` says otherwise: the machine's cores
//! are there to run functions, and threads of libtorch that wait for each other on busy cores make a
//! small batch a hundred times slower.

pub mod files;
mod script;

use std::cell::Cell;

use tch::{Device, Kind, Reduction, TchError, Tensor, no_grad};

use super::adam::{EPSILON, Factors, MEAN_DECAY, SQUARE_DECAY, factors};
use super::mlp::HUBER;
use super::{Adam, Batch, Layer, NetworkShape, NetworkState, QNetwork, WrongSize};

pub use script::Script;

/// What libtorch, or a file of its, is not good for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("libtorch: {0}")]
pub struct TorchError(pub String);

impl From<TchError> for TorchError {
    fn from(error: TchError) -> Self {
        // After the first line comes a trace of libtorch's own calls.
        TorchError(error.to_string().lines().next().unwrap_or_default().to_string())
    }
}

/// A multilayer perceptron. All parameters are one tensor, in the order of [`NetworkShape`]; layers are
/// views of it. libtorch has the gradients; Adam is done here, so that its state can be stored.
#[derive(Debug)]
pub struct TorchNetwork {
    shape: NetworkShape,
    layers: Vec<Layer>,
    device: Device,
    parameters: Tensor,
    /// Weights and biases of each layer, as views without gradients: for acting.
    views: Vec<(Tensor, Tensor)>,
    steps: u64,
    /// Moving means of the gradients and of their squares; `None` before the first step.
    moments: Option<(Tensor, Tensor)>,
}

impl TorchNetwork {
    /// A network that goes on from a state; on a GPU if libtorch finds one.
    ///
    /// # Errors
    /// The state belongs to another shape.
    pub fn new(shape: NetworkShape, state: NetworkState) -> Result<Self, WrongSize> {
        Self::on(Device::cuda_if_available(), shape, state)
    }

    fn on(device: Device, shape: NetworkShape, state: NetworkState) -> Result<Self, WrongSize> {
        shape.check(&state.parameters)?;
        let NetworkState { parameters, adam } = state;
        if !adam.fits(parameters.len()) {
            return Err(WrongSize { expected: parameters.len(), found: adam.means.len() });
        }
        let there = |values: &[f32]| Tensor::from_slice(values).to_device(device);
        let moments = (!adam.means.is_empty()).then(|| (there(&adam.means), there(&adam.squares)));
        let parameters = there(&parameters).set_requires_grad(true);
        let layers = shape.layers();
        let views = views(&parameters.detach(), &layers);
        Ok(TorchNetwork { shape, layers, device, parameters, views, steps: adam.steps, moments })
    }

    /// Whether it is on a GPU.
    pub fn is_on_gpu(&self) -> bool {
        self.device.is_cuda()
    }

    /// Takes over the parameters of a network of the same shape.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        no_grad(|| self.parameters.copy_(&other.parameters));
    }

    pub(crate) fn forget_optimiser(&mut self) {
        (self.steps, self.moments) = (0, None);
    }

    fn rows(&self, inputs: &[f32]) -> Tensor {
        keep_to_one_thread();
        Tensor::from_slice(inputs).view([-1, self.shape.inputs as i64]).to_device(self.device)
    }

    /// Q(state, ·) of each row.
    fn values(&self, rows: Tensor, views: &[(Tensor, Tensor)]) -> Tensor {
        let mut units = rows;
        for (index, (weights, biases)) in views.iter().enumerate() {
            units = biases.addmm(&units, weights);
            if index + 1 < views.len() {
                units = units.relu();
            }
        }
        if !self.shape.dueling {
            return units;
        }
        let advantages = units.narrow(1, 1, self.shape.actions as i64);
        let mean = advantages.mean_dim(1, true, Kind::Float);
        units.narrow(1, 0, 1) - mean + advantages
    }

    fn gradient(&self, of: &Tensor) -> Tensor {
        Tensor::run_backward(&[of], &[&self.parameters], false, false).remove(0)
    }

    fn step(&mut self, gradient: &Tensor, rate: f64) {
        self.steps += 1;
        let Factors { step, root } = factors(self.steps, rate);
        let (means, squares) =
            self.moments.get_or_insert_with(|| (gradient.zeros_like(), gradient.zeros_like()));
        no_grad(|| {
            *means *= MEAN_DECAY;
            *means += gradient * (1.0 - MEAN_DECAY);
            *squares *= SQUARE_DECAY;
            *squares += gradient * gradient * (1.0 - SQUARE_DECAY);
            self.parameters -= &*means * step / (squares.sqrt() * root + EPSILON);
        });
    }
}

impl QNetwork for TorchNetwork {
    fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    fn forward(&self, inputs: &[f32], values: &mut [f32]) {
        no_grad(|| copy(&self.values(self.rows(inputs), &self.views), values));
    }

    fn forward_batch(&mut self, inputs: &[f32], values: &mut Vec<f32>) {
        values.resize(inputs.len() / self.shape.inputs * self.shape.actions, 0.0);
        no_grad(|| copy(&self.values(self.rows(inputs), &self.views), values));
    }

    fn train(&mut self, batch: &Batch<'_>, rate: f64, errors: &mut Vec<f32>) {
        let there = |values: &[f32]| Tensor::from_slice(values).to_device(self.device);
        let actions: Vec<i64> = batch.actions.iter().map(|action| *action as i64).collect();
        let actions = Tensor::from_slice(&actions).to_device(self.device).unsqueeze(1);
        let (targets, weights) = (there(batch.targets), there(batch.weights));
        let values = self.values(self.rows(batch.inputs), &views(&self.parameters, &self.layers));
        let taken = values.gather(1, &actions, false).squeeze_dim(1);
        errors.resize(batch.targets.len(), 0.0);
        copy(&(&targets - &taken).detach(), errors);
        let loss = taken.huber_loss(&targets, Reduction::None, f64::from(HUBER)) * weights;
        let gradient = self.gradient(&loss.mean(Kind::Float));
        self.step(&gradient, rate);
    }

    fn nudge(&mut self, inputs: &[f32], action: usize, amount: f64) {
        let values = self.values(self.rows(inputs), &views(&self.parameters, &self.layers));
        let gradient = self.gradient(&values.narrow(1, action as i64, 1).sum(Kind::Float));
        no_grad(|| self.parameters += gradient * amount);
    }

    fn state(&self) -> NetworkState {
        let here = |tensor: &Tensor| {
            let mut values = vec![0.0; tensor.numel()];
            copy(&tensor.detach(), &mut values);
            values
        };
        let (means, squares) =
            self.moments.as_ref().map(|(means, squares)| (here(means), here(squares))).unwrap_or_default();
        NetworkState { parameters: here(&self.parameters), adam: Adam { steps: self.steps, means, squares } }
    }

    fn set_parameters(&mut self, parameters: &[f32]) -> Result<(), WrongSize> {
        self.shape.check(parameters)?;
        no_grad(|| self.parameters.copy_(&Tensor::from_slice(parameters)));
        Ok(())
    }
}

/// Tensors of its own: a plain copy would share them.
impl Clone for TorchNetwork {
    fn clone(&self) -> Self {
        let parameters = self.parameters.detach().copy().set_requires_grad(true);
        let moments = self.moments.as_ref().map(|(means, squares)| (means.copy(), squares.copy()));
        TorchNetwork {
            shape: self.shape.clone(),
            layers: self.layers.clone(),
            device: self.device,
            views: views(&parameters.detach(), &self.layers),
            parameters,
            steps: self.steps,
            moments,
        }
    }
}

/// libtorch counts the threads that it may use for each calling thread anew.
fn keep_to_one_thread() {
    thread_local! {
        static DONE: Cell<bool> = const { Cell::new(false) };
    }
    if !DONE.replace(true) && std::env::var_os("OMP_NUM_THREADS").is_none() {
        tch::set_num_threads(1);
    }
}

/// Each layer's part of the parameters.
fn views(parameters: &Tensor, layers: &[Layer]) -> Vec<(Tensor, Tensor)> {
    let part = |range: &std::ops::Range<usize>| parameters.narrow(0, range.start as i64, range.len() as i64);
    let view = |layer: &Layer| {
        let weights = part(&layer.weights).view([layer.inputs as i64, layer.outputs as i64]);
        (weights, part(&layer.biases))
    };
    layers.iter().map(view).collect()
}

fn copy(from: &Tensor, to: &mut [f32]) {
    from.to_device(Device::Cpu).contiguous().copy_data(to, to.len());
}
