//! ε-greedy.

use rand::{Rng, RngExt};

use super::{Picked, allowed, greedy, maximum};

pub(super) fn pick(epsilon: f64, values: &[f64], mask: &[bool], rng: &mut impl Rng) -> Option<Picked> {
    let open = (0..values.len()).filter(|action| allowed(mask, *action)).count();
    let action = if rng.random::<f64>() < epsilon {
        let nth = rng.random_range(0..open.max(1));
        (0..values.len()).filter(|action| allowed(mask, *action)).nth(nth)?
    } else {
        greedy(values, mask, rng)?
    };
    let best = maximum(values, mask);
    let ties =
        values.iter().enumerate().filter(|(other, value)| allowed(mask, *other) && **value == best).count();
    let greedy_share = if values[action] == best { (1.0 - epsilon) / ties.max(1) as f64 } else { 0.0 };
    Some(Picked { action, epsilon, probability: epsilon / open as f64 + greedy_share })
}

pub(super) fn probabilities(epsilon: f64, values: &[f64], mask: &[bool], out: &mut Vec<f64>) {
    let open = (0..values.len()).filter(|action| allowed(mask, *action)).count();
    let best = maximum(values, mask);
    let is_best = |action: usize| allowed(mask, action) && values[action] == best;
    let ties = (0..values.len()).filter(|action| is_best(*action)).count();
    out.clear();
    out.extend((0..values.len()).map(|action| match (allowed(mask, action), is_best(action)) {
        (false, _) => 0.0,
        (true, false) => epsilon / open as f64,
        (true, true) => epsilon / open as f64 + (1.0 - epsilon) / ties as f64,
    }));
}
