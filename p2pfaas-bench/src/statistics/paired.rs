//! The difference of two policies that met the same jobs.

use super::Interval;
use super::batches::pseudo_values;
use super::student::{Sample, quantile, two_sided};

/// Deviation, as a part of the largest difference, below which differences only differ by rounding.
const ROUNDING: f64 = 1e-12;

/// A mean difference of pairs: the first less the second of each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// The mean difference.
    pub difference: f64,
    /// Its interval: Student's, on the differences.
    pub ci95: Interval,
    /// Cohen's d_z: the mean difference by the deviation of the differences. `None` when all differences are
    /// the same, so that there is no scale to measure by.
    pub d_z: Option<f64>,
    /// Of the paired t-test on both sides. When all differences are the same it is 1 (all are 0) or 0.
    pub p: f64,
    /// How many pairs there are.
    pub pairs: usize,
}

impl Paired {
    /// Of independent pairs; needs two.
    pub fn of(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Paired> {
        let differences: Vec<f64> = pairs.into_iter().map(|(left, right)| left - right).collect();
        Paired::of_differences(&differences)
    }

    /// The difference of two ratios of sums, of both of which every batch of a run has its parts (as
    /// [`super::batch_ratio`] takes them); batches of which both are without a weight say nothing.
    pub fn of_ratios(batches: impl IntoIterator<Item = [(f64, f64); 2]>) -> Option<Paired> {
        let batches = batches.into_iter().filter(|batch| batch.iter().any(|(_, weight)| *weight > 0.0));
        let (left, right): (Vec<_>, Vec<_>) = batches.map(|[left, right]| (left, right)).unzip();
        Paired::of(pseudo_values(&left)?.into_iter().zip(pseudo_values(&right)?))
    }

    fn of_differences(differences: &[f64]) -> Option<Paired> {
        let Sample { mean, deviation, count } = Sample::of(differences)?;
        let largest = differences.iter().map(|difference| difference.abs()).fold(0.0, f64::max);
        if deviation <= ROUNDING * largest {
            let p = if largest > 0.0 { 0.0 } else { 1.0 };
            return Some(Paired { difference: mean, ci95: [mean; 2], d_z: None, p, pairs: count });
        }
        let (d_z, error) = (mean / deviation, deviation / (count as f64).sqrt());
        let half = quantile(count - 1) * error;
        Some(Paired {
            difference: mean,
            ci95: [mean - half, mean + half],
            d_z: Some(d_z),
            p: two_sided(mean / error, count - 1),
            pairs: count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::close;

    /// Student's own ten patients (1908): additional hours of sleep by two drugs.
    const SLEEP: [(f64, f64); 10] = [
        (0.7, 1.9),
        (-1.6, 0.8),
        (-0.2, 1.1),
        (-1.2, 0.1),
        (-0.1, -0.1),
        (3.4, 4.4),
        (3.7, 5.5),
        (0.8, 1.6),
        (0.0, 4.6),
        (2.0, 3.4),
    ];

    #[test]
    fn students_sleep_data_give_the_published_values() {
        // t = -4.0621 with 9 degrees of freedom, p = 0.002833, -2.4599 to -0.7001 (R, t.test(paired = TRUE)).
        let paired = Paired::of(SLEEP).unwrap();
        assert!((paired.difference + 1.58).abs() < 1e-12);
        assert!((paired.p - 0.002_833).abs() < 5e-7, "{}", paired.p);
        close(paired.ci95, [-2.459_886, -0.700_114], 1e-6);
        // d_z = t / sqrt(10).
        assert!((paired.d_z.unwrap() + 4.062_128 / 10_f64.sqrt()).abs() < 1e-6, "{paired:?}");
        assert_eq!(paired.pairs, 10);
    }

    #[test]
    fn differences_that_are_all_the_same_have_no_effect_size() {
        let same = Paired::of([(0.3, 0.1), (0.4, 0.2), (0.9, 0.7)]).unwrap();
        assert_eq!((same.d_z, same.p), (None, 0.0));
        close(same.ci95, [0.2, 0.2], 1e-12);
        let none = Paired::of([(0.3, 0.3), (0.7, 0.7)]).unwrap();
        assert_eq!((none.difference, none.ci95, none.d_z, none.p), (0.0, [0.0, 0.0], None, 1.0));
        assert_eq!(Paired::of([(0.3, 0.1)]), None);
    }

    #[test]
    fn batches_of_equal_weight_are_pairs_of_their_means() {
        let batches = SLEEP.map(|(left, right)| [(4.0 * left, 4.0), (2.0 * right, 2.0)]);
        let (ratios, pairs) = (Paired::of_ratios(batches).unwrap(), Paired::of(SLEEP).unwrap());
        close(ratios.ci95, pairs.ci95, 1e-12);
        assert!((ratios.p - pairs.p).abs() < 1e-12);
    }

    #[test]
    fn batches_of_different_weight_give_the_difference_of_the_ratios_worked_out_by_hand() {
        // 12 of 40 against 10 of 40: residuals -1/20 and 1/20, and 1/20 and -1/20.
        let batches = [[(2.0, 10.0), (3.5, 10.0)], [(10.0, 30.0), (6.5, 30.0)], [(0.0, 0.0); 2]];
        let paired = Paired::of_ratios(batches).unwrap();
        assert_eq!(paired.pairs, 2);
        assert!((paired.difference - 0.05).abs() < 1e-12);
        // Differences -0.05 and 0.15: deviation sqrt(0.02), error 0.1.
        close(paired.ci95, [0.05 - 1.2706, 0.05 + 1.2706], 1e-4);
    }

    #[test]
    fn common_random_numbers_make_a_small_difference_certain() {
        // Seeds differ by far more than the policies do.
        let pairs = [(0.90, 0.88), (0.50, 0.47), (0.70, 0.69), (0.30, 0.27)];
        let paired = Paired::of(pairs).unwrap();
        assert!(paired.p < 0.05 && paired.ci95[0] > 0.0, "{paired:?}");
    }
}
