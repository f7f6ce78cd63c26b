//! A network's parameters in files that other programs of libtorch read and write.
//!
//! The tensors are named `hidden.0.weight`, `hidden.0.bias`, `hidden.1.weight` and so on, and
//! `head.weight`, `head.bias`, each as `torch.nn.Linear` has it: one row of weights a unit. The first
//! unit of a dueling network's head is the value of the state, the others are the advantages.

use std::collections::HashMap;
use std::path::Path;

use tch::{Device, Kind, Tensor};

use super::{TorchError, copy, views};
use crate::network::NetworkShape;

fn names(shape: &NetworkShape) -> impl Iterator<Item = (String, String)> {
    let last = shape.hidden.len();
    (0..=last).map(move |index| {
        let layer = if index == last { "head".into() } else { format!("hidden.{index}") };
        (format!("{layer}.weight"), format!("{layer}.bias"))
    })
}

/// Writes parameters into a file: in the safetensors format if its name ends so, else in that of a
/// `VarStore`, a libtorch archive (mostly `.ot`).
///
/// # Errors
/// The parameters are those of another shape; the file cannot be written.
pub fn save(shape: &NetworkShape, parameters: &[f32], path: &Path) -> Result<(), TorchError> {
    shape.check(parameters).map_err(|error| TorchError(error.to_string()))?;
    let parameters = Tensor::from_slice(parameters);
    let mut tensors = Vec::new();
    for ((weight, bias), (weights, biases)) in names(shape).zip(views(&parameters, &shape.layers())) {
        tensors.push((weight, weights.transpose(0, 1).contiguous()));
        tensors.push((bias, biases.copy()));
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => Tensor::write_safetensors(&tensors, path)?,
        _ => Tensor::save_multi(&tensors, path)?,
    }
    Ok(())
}

/// Reads parameters that [`save`] wrote, or tensors with the same names that PyTorch saved as a plain
/// dictionary: `torch.save(dict(model.state_dict()), "agent.pt")` (`.pt`, `.bin`).
///
/// # Errors
/// The file cannot be read; a tensor is missing or has another size.
pub fn load(shape: &NetworkShape, path: &Path) -> Result<Vec<f32>, TorchError> {
    let tensors = match path.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => Tensor::read_safetensors(path)?,
        Some("pt" | "bin") => Tensor::loadz_multi_with_device(path, Device::Cpu)?,
        _ => Tensor::load_multi_with_device(path, Device::Cpu)?,
    };
    let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
    let tensor = |name: &str, size: &[i64]| {
        let tensor = tensors.get(name).ok_or_else(|| TorchError(format!("there is no tensor {name:?}")))?;
        if tensor.size() != size {
            let found = tensor.size();
            return Err(TorchError(format!("{name:?} has size {found:?}; expected {size:?}")));
        }
        Ok(tensor.detach().to_kind(Kind::Float))
    };
    let layers = shape.layers();
    let mut parameters = vec![0.0; layers.last().map_or(0, |head| head.biases.end)];
    for ((weight, bias), layer) in names(shape).zip(&layers) {
        let (inputs, outputs) = (layer.inputs as i64, layer.outputs as i64);
        let weights = tensor(&weight, &[outputs, inputs])?.transpose(0, 1);
        copy(&weights, &mut parameters[layer.weights.clone()]);
        copy(&tensor(&bias, &[outputs])?, &mut parameters[layer.biases.clone()]);
    }
    Ok(parameters)
}
