//! The layers of a network, and the order in which its parameters lie.

use std::ops::Range;

use rand::RngExt;
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::Adam;

/// The last layer begins with values this much smaller than the others: an action that has not been
/// tried is then worth about the agent's `initial`.
const HEAD_SCALE: f32 = 0.1;

/// How large a network is: fully connected layers with ReLU between them.
///
/// Its parameters lie in one row, layer after layer from the inputs to the values. A layer has its
/// weights first, those of its first input to each of its units, then those of its second input, and so
/// on; then the bias of each unit. The last layer of a dueling network has one unit for the value of the
/// state, and then one an action: Q(s, a) = V(s) + A(s, a) − mean of A(s, ·).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkShape {
    /// Numbers of a state.
    pub inputs: usize,
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// Actions.
    pub actions: usize,
    /// Whether the state's value and the actions' advantages are told apart.
    pub dueling: bool,
}

/// One layer, and where its parameters are among all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its inputs.
    pub inputs: usize,
    /// Its units.
    pub outputs: usize,
    /// Its weights: `inputs` rows of `outputs`.
    pub weights: Range<usize>,
    /// Its biases.
    pub biases: Range<usize>,
}

/// All that a network has learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkState {
    /// Its parameters, in the order of [`NetworkShape`].
    pub parameters: Vec<f32>,
    /// Its optimiser.
    pub adam: Adam,
}

/// Parameters of another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network of this shape has {expected} parameters; found {found}")]
pub struct WrongSize {
    /// As many as the shape has.
    pub expected: usize,
    /// As many as there are.
    pub found: usize,
}

impl NetworkShape {
    /// The layers from the inputs to the values.
    pub fn layers(&self) -> Vec<Layer> {
        let head = self.actions + usize::from(self.dueling);
        let mut at = 0;
        let mut inputs = self.inputs;
        let mut layers = Vec::with_capacity(self.hidden.len() + 1);
        for outputs in self.hidden.iter().copied().chain([head]) {
            let weights = at..at + inputs * outputs;
            let biases = weights.end..weights.end + outputs;
            at = biases.end;
            layers.push(Layer { inputs, outputs, weights, biases });
            inputs = outputs;
        }
        layers
    }

    /// How many parameters it has; `None`: more than can be counted.
    pub fn parameters(&self) -> Option<usize> {
        let head = self.actions.checked_add(usize::from(self.dueling))?;
        let mut inputs = self.inputs;
        self.hidden.iter().copied().chain([head]).try_fold(0_usize, |sum, outputs| {
            let layer = inputs.checked_add(1)?.checked_mul(outputs)?;
            inputs = outputs;
            sum.checked_add(layer)
        })
    }

    /// Refuses parameters of another shape.
    pub(crate) fn check(&self, parameters: &[f32]) -> Result<(), WrongSize> {
        let expected = self.parameters().unwrap_or(usize::MAX);
        let found = parameters.len();
        if expected == found { Ok(()) } else { Err(WrongSize { expected, found }) }
    }

    /// Random weights as He et al. (2015) have them for ReLU; every action is worth about `initial`.
    pub fn random(&self, initial: f32, rng: &mut Xoshiro256PlusPlus) -> NetworkState {
        let layers = self.layers();
        let mut parameters = Vec::with_capacity(self.parameters().unwrap_or(0));
        for (index, layer) in layers.iter().enumerate() {
            let is_head = index + 1 == layers.len();
            let deviation =
                (2.0 / layer.inputs.max(1) as f32).sqrt() * if is_head { HEAD_SCALE } else { 1.0 };
            parameters
                .extend(layer.weights.clone().map(|_| deviation * rng.sample::<f32, _>(StandardNormal)));
            parameters.resize(layer.biases.end, 0.0);
            if is_head {
                let valued = if self.dueling { 1 } else { layer.outputs };
                parameters[layer.biases.start..][..valued].fill(initial);
            }
        }
        NetworkState { parameters, adam: Adam::default() }
    }

    /// What a network of this shape has learned, with units for more actions: those that it has keep
    /// their values. A new one is worth `initial`; in a dueling network, as much as the state.
    pub(crate) fn grow(&mut self, state: NetworkState, actions: usize, initial: f32) -> NetworkState {
        let added = actions.saturating_sub(self.actions);
        let NetworkState { parameters, mut adam } = state;
        let start = self.layers().pop().map_or(0, |head| head.weights.start);
        let (old, bias_row) = (self.actions + usize::from(self.dueling), self.hidden_outputs());
        let dueling = self.dueling;
        let parameters = widen(&parameters, start, old, added, |row, values| match dueling {
            // A new advantage that is the mean of the others leaves the mean where it is.
            true => values[1..].iter().sum::<f32>() / (values.len() - 1).max(1) as f32,
            false if row == bias_row => initial,
            false => 0.0,
        });
        adam.map(|moments| widen(moments, start, old, added, |_, _| 0.0));
        self.actions += added;
        NetworkState { parameters, adam }
    }

    /// Inputs of the last layer.
    fn hidden_outputs(&self) -> usize {
        self.hidden.last().copied().unwrap_or(self.inputs)
    }
}

/// Adds `added` columns to the last layer, which begins at `start` and has `old` units. Its biases are
/// its last row.
fn widen(
    values: &[f32],
    start: usize,
    old: usize,
    added: usize,
    fill: impl Fn(usize, &[f32]) -> f32,
) -> Vec<f32> {
    let (before, head) = values.split_at(start);
    let mut wide = before.to_vec();
    for (index, row) in head.chunks_exact(old.max(1)).enumerate() {
        wide.extend_from_slice(row);
        wide.resize(wide.len() + added, fill(index, row));
    }
    wide
}
