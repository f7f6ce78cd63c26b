//! TorchScript modules: networks of other programs, to act by.

use std::sync::Arc;

use tch::{CModule, Device, Kind, TchError, Tensor, no_grad};

use super::TorchError;
use crate::network::NetworkShape;

/// A module from rows of inputs to rows of values. It cannot be trained.
#[derive(Debug, Clone)]
pub struct Script {
    /// What it takes and gives, seen from outside.
    shape: NetworkShape,
    /// Actions that it has values for.
    known: usize,
    module: Vec<u8>,
    compiled: Arc<CModule>,
}

impl Script {
    /// A module as `torch.jit.save` writes it. It is tried with one row of zeros: as many values as it
    /// answers, so many actions it knows.
    ///
    /// # Errors
    /// It is no such module, or does not take rows of so many inputs.
    pub fn new(module: Vec<u8>, inputs: usize) -> Result<Self, TorchError> {
        let mut compiled = CModule::load_data_on_device(&mut &module[..], Device::Cpu)?;
        compiled.f_set_eval()?;
        let values = answer(&compiled, &vec![0.0; inputs])?;
        if values.is_empty() {
            return Err(TorchError("the module answers no values".into()));
        }
        let shape = NetworkShape { inputs, hidden: Vec::new(), actions: values.len(), dueling: false };
        Ok(Script { known: values.len(), shape, module, compiled: Arc::new(compiled) })
    }

    /// What it takes and gives.
    pub fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    /// The file it came from.
    pub fn into_module(self) -> Vec<u8> {
        self.module
    }

    /// Answers for more actions: those that it does not know are worth −∞.
    pub(crate) fn grow(&mut self, actions: usize) {
        self.shape.actions = self.shape.actions.max(actions);
    }

    /// Writes the value of each action for one state; 0 for all that it knows if the module fails.
    pub fn forward(&self, inputs: &[f32], values: &mut [f32]) {
        let known = self.known.min(values.len());
        values[known..].fill(f32::NEG_INFINITY);
        match answer(&self.compiled, inputs) {
            Ok(answered) if answered.len() == self.known => {
                values[..known].copy_from_slice(&answered[..known])
            }
            Ok(_) => values[..known].fill(0.0),
            Err(error) => {
                tracing::warn!(%error, "the TorchScript module fails");
                values[..known].fill(0.0);
            }
        }
    }
}

fn answer(module: &CModule, inputs: &[f32]) -> Result<Vec<f32>, TchError> {
    super::keep_to_one_thread();
    no_grad(|| {
        let row = Tensor::f_from_slice(inputs)?.f_view([1, inputs.len() as i64])?;
        let answer = module.forward_ts(&[row])?.f_to_kind(Kind::Float)?.f_contiguous()?;
        let mut values = vec![0.0; answer.numel()];
        answer.f_copy_data(&mut values, answer.numel())?;
        Ok(values)
    })
}
