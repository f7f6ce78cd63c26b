//! Boltzmann (softmax) exploration.

use rand::{Rng, RngExt};

use super::{Picked, allowed, maximum};

pub(super) fn pick(temperature: f64, values: &[f64], mask: &[bool], rng: &mut impl Rng) -> Option<Picked> {
    let best = maximum(values, mask);
    let share = |action: usize| share(temperature, values[action], best);
    let open = || (0..values.len()).filter(|action| allowed(mask, *action));
    let sum: f64 = open().map(share).sum();
    let mut left = rng.random::<f64>() * sum;
    let mut chosen = None;
    // Rounding may leave a little at the end: then it is the last one that can be.
    for action in open().filter(|action| share(*action) > 0.0) {
        chosen = Some(action);
        left -= share(action);
        if left < 0.0 {
            break;
        }
    }
    chosen.map(|action| Picked { action, epsilon: temperature, probability: share(action) / sum })
}

pub(super) fn probabilities(temperature: f64, values: &[f64], mask: &[bool], out: &mut Vec<f64>) {
    let best = maximum(values, mask);
    out.clear();
    out.extend(
        values.iter().enumerate().map(|(action, value)| {
            if allowed(mask, action) { share(temperature, *value, best) } else { 0.0 }
        }),
    );
    let sum: f64 = out.iter().sum();
    if sum > 0.0 {
        out.iter_mut().for_each(|probability| *probability /= sum);
    }
}

/// Within 0 and 1, and 1 for a best action, so that nothing overflows; without any temperature 0 for
/// all others.
fn share(temperature: f64, value: f64, best: f64) -> f64 {
    if value == best {
        1.0
    } else if temperature > 0.0 && value < best {
        ((value - best) / temperature).exp()
    } else {
        0.0
    }
}
