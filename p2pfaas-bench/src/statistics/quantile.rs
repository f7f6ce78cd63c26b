//! Quantiles within one run.

use std::ops::RangeInclusive;

use super::student::quantile as student_quantile;
use super::{Interval, Z};

/// Values above the quantile, on average, that a section must have, or its own quantile is only its largest.
const ABOVE: f64 = 10.0;

/// The ranks, from 1, of the two of `count` independent values between which the quantile lies (Conover,
/// Practical Nonparametric Statistics, 3.2, by the normal law); `None` where so few values do not tell.
pub fn order_ranks(fraction: f64, count: u64) -> Option<RangeInclusive<u64>> {
    let n = count as f64;
    let (middle, reach) = (n * fraction, Z * (n * fraction * (1.0 - fraction)).sqrt());
    let (low, high) = ((middle - reach).ceil(), (middle + reach).ceil());
    (low >= 1.0 && high <= n).then_some(low as u64..=high as u64)
}

/// The interval around the quantile of a whole run, from the quantiles of its sections (sectioning; Asmussen
/// and Glynn, Stochastic Simulation, III.5): not around their mean, which is off by what quantiles of few
/// values are. `count` are the values of all of them; `None` where they are too few.
pub fn sections(whole: f64, sections: &[f64], fraction: f64, count: u64) -> Option<Interval> {
    let n = sections.len() as f64;
    if sections.len() < 2 || (count as f64) * (1.0 - fraction) < ABOVE * n {
        return None;
    }
    let squares: f64 = sections.iter().map(|section| (section - whole).powi(2)).sum();
    let half = student_quantile(sections.len() - 1) * (squares / (n - 1.0) / n).sqrt();
    Some([whole - half, whole + half])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::close;

    #[test]
    fn ranks_are_those_of_the_normal_law_worked_out_by_hand() {
        // 50 -+ 1.96 * 5, and 950 -+ 1.96 * sqrt(47.5).
        assert_eq!(order_ranks(0.5, 100), Some(41..=60));
        assert_eq!(order_ranks(0.95, 1_000), Some(937..=964));
    }

    #[test]
    fn so_few_values_that_the_quantile_may_be_beyond_all_of_them_do_not_tell() {
        assert_eq!(order_ranks(0.99, 100), None);
        assert_eq!(order_ranks(0.5, 3), None);
        assert_eq!(order_ranks(0.5, 0), None);
    }

    #[test]
    fn sections_scatter_around_the_whole_as_worked_out_by_hand() {
        // Distances 1, 1 and 2: 12 +- 4.303 * sqrt(6 / 2 / 3).
        close(sections(12.0, &[11.0, 13.0, 14.0], 0.5, 60).unwrap(), [7.697, 16.303], 1e-3);
        assert_eq!(sections(12.0, &[11.0, 13.0, 14.0], 0.5, 59), None, "fewer than 10 above it in each");
        assert_eq!(sections(12.0, &[12.0], 0.5, 1_000), None);
    }
}
