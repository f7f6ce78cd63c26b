//! Neural networks that tell what actions are worth.
//!
//! | file | subject |
//! |---|---|
//! | `mlp.rs`, `adam.rs` | the network on ndarray, and the optimiser |
//! | `torch/` | the same network on libtorch, its files, and TorchScript (feature `torch`) |
//! | `shape.rs` | layers, and the order of the parameters, which all of them share |
//! | `scaling.rs` | a state's numbers as a network's inputs |
//!
//! Parameters and optimiser state go from one backend to another: an agent that was trained on a GPU
//! acts on a machine without libtorch.

mod adam;
mod mlp;
mod scaling;
mod shape;
#[cfg(feature = "torch")]
pub mod torch;

pub use adam::Adam;
pub use mlp::Mlp;
pub use scaling::Scaling;
pub use shape::{Layer, NetworkShape, NetworkState, WrongSize};

/// A network from a state's inputs to the value of each action.
pub trait QNetwork {
    /// Its layers.
    fn shape(&self) -> &NetworkShape;

    /// Writes the value of each action for one state. `inputs` and `values` are as long as the shape says.
    fn forward(&self, inputs: &[f32], values: &mut [f32]);

    /// Writes the values for many states, one row after the other.
    fn forward_batch(&mut self, inputs: &[f32], values: &mut Vec<f32>);

    /// One step of Adam on the mean of weight · Huber(target − Q(state, action)). Writes each
    /// experience's error, target − Q, as it was before the step.
    fn train(&mut self, batch: &Batch<'_>, rate: f64, errors: &mut Vec<f32>);

    /// Adds `amount` times the gradient of Q(state, action) to the parameters, without the optimiser.
    fn nudge(&mut self, inputs: &[f32], action: usize, amount: f64);

    /// Its parameters in the order of [`NetworkShape`], and its optimiser.
    fn state(&self) -> NetworkState;

    /// Takes over the parameters of another network of the same shape, and leaves its optimiser alone.
    ///
    /// # Errors
    /// There are more or fewer than this shape has; nothing is changed.
    fn set_parameters(&mut self, parameters: &[f32]) -> Result<(), WrongSize>;
}

/// Experiences to train a network with; all parts have one entry, or one row, an experience.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// States as inputs, one row after the other.
    pub inputs: &'a [f32],
    /// The action of each.
    pub actions: &'a [usize],
    /// What Q(state, action) should be.
    pub targets: &'a [f32],
    /// How much it counts.
    pub weights: &'a [f32],
}
