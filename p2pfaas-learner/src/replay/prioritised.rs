//! Prioritised replay (Schaul et al. 2016), proportional: experiences with large errors come more
//! often, and count less when they come, so that what is learned stays unbiased.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::{Drawn, SumTree};

/// Added to each error, so that no experience is lost for ever.
const FLOOR: f64 = 1e-3;
/// Batches after which the bias is wholly corrected.
const ANNEALED: u64 = 100_000;

/// How urgent each experience is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Prioritised {
    priorities: SumTree,
    /// The largest priority so far: what is new comes soon.
    largest: f64,
    batches: u64,
}

impl Default for Prioritised {
    fn default() -> Self {
        Prioritised { priorities: SumTree::default(), largest: 1.0, batches: 0 }
    }
}

impl Prioritised {
    pub(super) fn push(&mut self, place: usize) {
        self.priorities.set(place, self.largest);
    }

    /// Draws one experience out of each of `count` equal shares.
    pub(super) fn draw(
        &self,
        count: usize,
        remembered: usize,
        beta: f64,
        rng: &mut Xoshiro256PlusPlus,
        drawn: &mut Drawn,
    ) {
        let total = self.priorities.total();
        let share = total / count as f64;
        let annealed = (self.batches as f64 / ANNEALED as f64).min(1.0);
        let beta = beta + (1.0 - beta) * annealed;
        for nth in 0..count {
            let place = self.priorities.find((nth as f64 + rng.random::<f64>()) * share).min(remembered - 1);
            let probability = self.priorities.get(place) / total;
            drawn.places.push(place);
            drawn.weights.push((remembered as f64 * probability).powf(-beta) as f32);
        }
        let largest = drawn.weights.iter().copied().fold(0.0, f32::max);
        drawn.weights.iter_mut().for_each(|weight| *weight /= largest);
    }

    pub(super) fn note_errors(&mut self, places: &[usize], errors: &[f32], alpha: f64) {
        self.batches += 1;
        for (place, error) in places.iter().zip(errors) {
            let priority = (f64::from(error.abs()) + FLOOR).powf(alpha);
            self.largest = self.largest.max(priority);
            self.priorities.set(*place, priority);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::rand_core::SeedableRng;

    use super::*;

    /// Four experiences with errors 0, 1, 2, 4.
    fn four(alpha: f64) -> Prioritised {
        let mut prioritised = Prioritised::default();
        (0..4).for_each(|place| prioritised.push(place));
        prioritised.note_errors(&[0, 1, 2, 3], &[0.0, 1.0, -2.0, 4.0], alpha);
        prioritised
    }

    fn frequencies(prioritised: &Prioritised, draws: usize) -> [f64; 4] {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut counts = [0.0; 4];
        for _ in 0..draws / 10 {
            let mut drawn = Drawn::default();
            prioritised.draw(10, 4, 0.4, &mut rng, &mut drawn);
            drawn.places.iter().for_each(|place| counts[*place] += 1.0 / draws as f64);
        }
        counts
    }

    #[test]
    fn experiences_come_as_often_as_their_errors_are_large() {
        for alpha in [1.0, 0.5, 0.0] {
            let shares = [0.001, 1.001, 2.001, 4.001_f64].map(|error| error.powf(alpha));
            let total: f64 = shares.iter().sum();
            let found = frequencies(&four(alpha), 100_000);
            for (share, found) in shares.iter().zip(found) {
                // 5 standard deviations of a share of one half are 0.008.
                assert!((share / total - found).abs() < 0.008, "α = {alpha}: {found} for {}", share / total);
            }
        }
    }

    #[test]
    fn what_comes_more_often_counts_less() {
        let prioritised = four(1.0);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
        let mut drawn = Drawn::default();
        prioritised.draw(1_000, 4, 1.0, &mut rng, &mut drawn);
        let weight_of = |wanted: usize| {
            let at = drawn.places.iter().position(|place| *place == wanted).expect("drawn");
            f64::from(drawn.weights[at])
        };
        assert!((weight_of(1) / weight_of(3) - 4.001 / 1.001).abs() < 1e-3);
        assert!(drawn.weights.iter().all(|weight| *weight <= 1.0));
    }

    #[test]
    fn the_correction_grows_from_beta_to_the_whole_over_100_000_batches() {
        let mut prioritised = four(1.0);
        for (batches, exponent) in [(0, 0.4), (50_000, 0.7), (100_000, 1.0), (200_000, 1.0)] {
            prioritised.batches = batches;
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
            let mut drawn = Drawn::default();
            prioritised.draw(1_000, 4, 0.4, &mut rng, &mut drawn);
            let weight_of = |wanted: usize| {
                let at = drawn.places.iter().position(|place| *place == wanted).expect("drawn");
                f64::from(drawn.weights[at])
            };
            let ratio = weight_of(1) / weight_of(3);
            let expected = (4.001_f64 / 1.001).powf(exponent);
            assert!((ratio - expected).abs() < 1e-3, "{batches} batches: {ratio} instead of {expected}");
        }
    }

    #[test]
    fn a_new_experience_is_as_urgent_as_the_most_urgent_one() {
        let mut prioritised = four(1.0);
        prioritised.push(4);
        let largest = prioritised.priorities.get(3);
        assert_eq!(prioritised.priorities.get(4), largest);
    }
}
