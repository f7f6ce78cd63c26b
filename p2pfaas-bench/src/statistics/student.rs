//! Student's t.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Interval, mean};

/// Student's interval for the mean of independent values; needs two.
pub fn student(values: &[f64]) -> Option<Interval> {
    let Sample { mean, deviation, count } = Sample::of(values)?;
    let half = quantile(count - 1) * deviation / (count as f64).sqrt();
    Some([mean - half, mean + half])
}

/// Mean and deviation of at least two values.
pub(super) struct Sample {
    pub mean: f64,
    /// With one degree of freedom less than there are values.
    pub deviation: f64,
    pub count: usize,
}

impl Sample {
    pub fn of(values: &[f64]) -> Option<Sample> {
        let (mean, count) = (mean(values)?, values.len());
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (count > 1).then(|| Sample { mean, deviation: (squares / (count - 1) as f64).sqrt(), count })
    }
}

/// The quantile of 0.975; infinite where there is no freedom.
pub(super) fn quantile(freedom: usize) -> f64 {
    law(freedom).map_or(f64::INFINITY, |law| law.inverse_cdf(0.975))
}

/// The probability of a t at least as far from 0, on either side.
pub(super) fn two_sided(t: f64, freedom: usize) -> f64 {
    law(freedom).map_or(1.0, |law| (2.0 * law.cdf(-t.abs())).min(1.0))
}

fn law(freedom: usize) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom as f64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::close;

    #[test]
    fn student_gives_the_value_worked_out_by_hand() {
        // Mean 3, deviation sqrt(2.5), 4 degrees of freedom: 3 +- 2.77645 * sqrt(0.5).
        close(student(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap(), [1.03676, 4.96324], 1e-5);
        assert_eq!(student(&[1.0]), None);
    }

    #[test]
    fn quantiles_are_those_of_the_published_tables() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
        for (freedom, expected) in
            [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (19, 2.093), (30, 2.042), (100, 1.984)]
        {
            assert!((quantile(freedom) - expected).abs() < 5e-4, "{freedom}: {}", quantile(freedom));
        }
        assert_eq!(quantile(0), f64::INFINITY);
    }

    #[test]
    fn p_values_are_those_of_the_published_tables_and_small_ones_are_not_lost() {
        for (t, freedom, expected) in
            [(12.706, 1, 0.05), (2.776, 4, 0.05), (-2.132, 4, 0.10), (4.604, 4, 0.01), (1.729, 19, 0.10)]
        {
            assert!((two_sided(t, freedom) - expected).abs() < 1e-4, "{t} {freedom}");
        }
        // With 2 degrees of freedom, P(|T| > t) = 1 - t / sqrt(2 + t^2), near 1 / t^2.
        assert!((two_sided(1e6, 2) * 1e12 - 1.0).abs() < 1e-6, "{}", two_sided(1e6, 2));
        assert_eq!(two_sided(0.0, 7), 1.0);
    }
}
