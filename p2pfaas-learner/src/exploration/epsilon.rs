//! ε-greedy.

use rand::{Rng, RngExt};

use super::{Picked, Survey, allowed};

pub(super) fn pick(epsilon: f64, values: &[f64], mask: &[bool], rng: &mut impl Rng) -> Option<Picked> {
    let survey = Survey::of(values, mask);
    let action = if rng.random::<f64>() < epsilon {
        survey.pick_any(values, mask, rng)?
    } else {
        survey.pick_best(values, mask, rng)?
    };
    Some(Picked { action, epsilon, probability: share(epsilon, &survey, values[action]) })
}

pub(super) fn probabilities(epsilon: f64, values: &[f64], mask: &[bool], out: &mut Vec<f64>) {
    let survey = Survey::of(values, mask);
    out.clear();
    out.extend(
        values
            .iter()
            .enumerate()
            .map(|(action, value)| if allowed(mask, action) { share(epsilon, &survey, *value) } else { 0.0 }),
    );
}

/// Probability of an action that is allowed.
fn share(epsilon: f64, survey: &Survey, value: f64) -> f64 {
    let by_chance = epsilon / survey.open as f64;
    if value == survey.best { by_chance + (1.0 - epsilon) / survey.ties as f64 } else { by_chance }
}
