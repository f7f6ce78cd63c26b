//! 95 % confidence intervals.
//!
//! Over seeds, an interval is Student's t on the seeds' own values: runs with different seeds are
//! independent. Within one seed, jobs are not: a busy moment spoils many. There the run is cut into
//! batches of equal time, whose own values are nearly independent; the interval is that of their ratio
//! estimator (Law, Simulation Modeling and Analysis, batch means; Cochran, Sampling Techniques, 6.4).
//! Wilson's interval, which takes jobs as independent, is the least that a fraction has.

use std::ops::RangeInclusive;

/// A 95 % confidence interval.
pub type Interval = [f64; 2];

/// Standard normal quantile of 0.975.
const Z: f64 = 1.959_963_984_540_054;
/// Trials in a batch, on average, from which on its fraction says something of its own.
const BATCH: f64 = 30.0;

/// The mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Wilson's interval for `hits` of `trials`.
pub fn wilson(hits: u64, trials: u64) -> Option<Interval> {
    if trials == 0 {
        return None;
    }
    let (n, p) = (trials as f64, hits as f64 / trials as f64);
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some([(centre - half).max(0.0), (centre + half).min(1.0)])
}

/// Student's interval for the mean of independent values; needs two.
pub fn student(values: &[f64]) -> Option<Interval> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values)?;
    let freedom = values.len() - 1;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / freedom as f64;
    let half = student_quantile(freedom) * (variance / values.len() as f64).sqrt();
    Some([mean - half, mean + half])
}

/// The interval for the ratio of two sums, of which every batch of a run has its part: batch means that
/// may have different weights. Batches without a weight say nothing; two are needed.
pub fn batch_ratio(batches: impl IntoIterator<Item = (f64, f64)>) -> Option<Interval> {
    let batches: Vec<_> = batches.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
    if batches.len() < 2 {
        return None;
    }
    let (sum, weight) = batches.iter().fold((0.0, 0.0), |all, batch| (all.0 + batch.0, all.1 + batch.1));
    let (ratio, count, freedom) = (sum / weight, batches.len() as f64, batches.len() - 1);
    let residuals: f64 = batches.iter().map(|(part, weight)| (part - ratio * weight).powi(2)).sum();
    let half = student_quantile(freedom) * (count / freedom as f64 * residuals).sqrt() / weight;
    Some([ratio - half, ratio + half])
}

/// The interval for a fraction within one run, from the hits and trials of its batches: that of the
/// batches, and at least Wilson's.
pub fn batch_fraction(batches: &[(u64, u64)]) -> Option<Interval> {
    let (hits, trials) = batches.iter().fold((0, 0), |all, batch| (all.0 + batch.0, all.1 + batch.1));
    let least = wilson(hits, trials)?;
    if (trials as f64) < BATCH * batches.len() as f64 {
        return Some(least);
    }
    let parts = batches.iter().map(|(hits, trials)| (*hits as f64, *trials as f64));
    let [low, high] = batch_ratio(parts).map_or(least, |interval| within(interval, 0.0..=1.0));
    Some([low.min(least[0]), high.max(least[1])])
}

/// Keeps an interval of a fraction within 0 and 1.
pub fn within(interval: Interval, range: RangeInclusive<f64>) -> Interval {
    interval.map(|end| end.clamp(*range.start(), *range.end()))
}

/// Student's t, quantile of 0.975: exact to three decimals up to 30, then by the Cornish-Fisher expansion.
fn student_quantile(freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
        2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048,
        2.045, 2.042,
    ];
    match TABLE.get(freedom.saturating_sub(1)) {
        Some(value) => *value,
        None => {
            let n = freedom as f64;
            Z + (Z.powi(3) + Z) / (4.0 * n) + (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * n * n)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: Interval, right: Interval, tolerance: f64) {
        let far = left.iter().zip(right).any(|(left, right)| (left - right).abs() > tolerance);
        assert!(!far, "{left:?} is not {right:?}");
    }

    #[test]
    fn wilson_gives_the_published_values() {
        // Newcombe 1998, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        close(wilson(81, 263).unwrap(), [0.2553, 0.3662], 5e-5);
        close(wilson(15, 148).unwrap(), [0.0624, 0.1605], 5e-5);
        close(wilson(0, 20).unwrap(), [0.0, 0.1611], 5e-5);
        close(wilson(1, 29).unwrap(), [0.0061, 0.1718], 5e-5);
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn student_gives_the_value_worked_out_by_hand() {
        // Mean 3, deviation sqrt(2.5), 4 degrees of freedom: 3 +- 2.776 * sqrt(0.5).
        close(student(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap(), [1.0371, 4.9629], 1e-4);
        assert_eq!(student(&[1.0]), None);
    }

    #[test]
    fn the_quantile_of_student_goes_on_smoothly_beyond_its_table() {
        assert!((student_quantile(31) - 2.0395).abs() < 5e-4);
        assert!((student_quantile(100) - 1.9840).abs() < 5e-4);
        assert!(student_quantile(30) > student_quantile(31));
    }

    #[test]
    fn batches_of_equal_weight_give_the_interval_of_their_means() {
        let means = [0.25, 0.75, 0.5, 1.0, 0.125];
        close(batch_ratio(means.map(|mean| (8.0 * mean, 8.0))).unwrap(), student(&means).unwrap(), 1e-12);
    }

    #[test]
    fn batches_of_different_weight_give_the_ratio_worked_out_by_hand() {
        // 12 of 40; residuals 2 - 3 and 10 - 9; half = 12.706 * sqrt(2 / 1 * 2) / 40.
        close(batch_ratio([(2.0, 10.0), (10.0, 30.0), (0.0, 0.0)]).unwrap(), [-0.3353, 0.9353], 1e-4);
        assert_eq!(batch_ratio([(1.0, 2.0), (0.0, 0.0)]), None);
    }

    #[test]
    fn batches_see_the_correlation_that_single_jobs_hide() {
        // Ten batches of nothing but hits, ten of none: 20 values, and not 2000.
        let batches: Vec<_> = (0..20).map(|batch| (100 * (batch % 2), 100)).collect();
        let [low, high] = batch_fraction(&batches).unwrap();
        let naive = wilson(1_000, 2_000).unwrap();
        assert!(high - low > 9.0 * (naive[1] - naive[0]), "{low} to {high}");
    }

    #[test]
    fn a_fraction_has_at_least_wilsons_interval() {
        // Equal batches, or none with a hit, would claim to know for certain.
        close(batch_fraction(&[(50, 100); 20]).unwrap(), wilson(1_000, 2_000).unwrap(), 1e-12);
        close(batch_fraction(&[(0, 100); 20]).unwrap(), wilson(0, 2_000).unwrap(), 1e-12);
        // So few jobs are not a batch.
        assert_eq!(batch_fraction(&[(0, 1), (1, 1)]), wilson(1, 2));
        assert_eq!(batch_fraction(&[]), None);
    }
}
