//! Quantiles and 95 % confidence intervals.
//!
//! Over seeds, an interval is Student's t on the seeds' own values: runs with different seeds are
//! independent. Within one seed, jobs are not: a fraction has Wilson's interval, which takes them as
//! independent and is therefore somewhat narrow; a mean latency has the interval of batch means,
//! which is not fooled by correlation shorter than a batch.

use std::ops::RangeInclusive;

/// A 95 % confidence interval.
pub type Interval = [f64; 2];

/// Standard normal quantile of 0.975.
const Z: f64 = 1.959_963_984_540_054;
/// Batches of a run for [`batch_means`].
const BATCHES: usize = 20;

/// The mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// A quantile of sorted values, interpolated between neighbours (as numpy and R do by default).
pub fn quantile(sorted: &[f64], fraction: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = fraction.clamp(0.0, 1.0) * last as f64;
    let below = sorted[place as usize];
    let above = sorted[(place.ceil() as usize).min(last)];
    Some(below + (above - below) * place.fract())
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

/// The interval for the mean of values in the order of time: Student's on the means of 20 batches.
pub fn batch_means(in_order: &[f64]) -> Option<Interval> {
    let size = in_order.len() / BATCHES;
    if size == 0 {
        return student(in_order);
    }
    // The few that are left over go to the last batch.
    let bounds = |batch: usize| match batch + 1 {
        BATCHES => batch * size..in_order.len(),
        next => batch * size..next * size,
    };
    let means: Vec<_> = (0..BATCHES).filter_map(|batch| mean(&in_order[bounds(batch)])).collect();
    student(&means)
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
    fn quantiles_interpolate_between_neighbours() {
        let sorted = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(quantile(&sorted, 0.0), Some(1.0));
        assert_eq!(quantile(&sorted, 0.5), Some(2.5));
        assert!((quantile(&sorted, 0.95).unwrap() - 3.85).abs() < 1e-12);
        assert_eq!(quantile(&sorted, 1.0), Some(4.0));
        assert_eq!(quantile(&[7.0], 0.99), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
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
    fn batch_means_see_the_correlation_that_single_values_hide() {
        // Each value 100 times in a row: 20 different values of weight 100, not 2000 values.
        let values: Vec<f64> = (0..20).flat_map(|value| [f64::from(value); 100]).collect();
        let twenty: Vec<f64> = (0..20).map(f64::from).collect();
        close(batch_means(&values).unwrap(), student(&twenty).unwrap(), 1e-9);
        let naive = student(&values).unwrap();
        assert!(naive[1] - naive[0] < 1.0, "{naive:?}");
    }
}
